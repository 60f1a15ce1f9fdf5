# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The leak, measured
#
# ```{opening} fig-leakage-ladder
# How much of a score was read from the ECG, and how much was given away by the way in which the
# windows were split?
# ```
#
# ```{admonition} Before you start
# - **You will learn** how much each way of splitting gives away, measured on cohorts where we know
#   what there is to find, and which leak does it: the trial, the person or the clip.
# - **You need first**: {doc}`06_results`.
# - **It takes** under a minute if it has run before, and longer the first time, when the cohorts are
#   made and described. For the book's own encoder the predictions on every rung come with the project,
#   in `results/`; for an encoder that learnt from other data they are computed first.
# ```
#
# A score mixes what the model reads from the ECG with what the split gives away
# {cite}`kaufman2012leakage`. Nor is everything that a loose split gives away a {term}`leak <leakage>`: knowing the
# *person* from other {term}`trials <trial>` is honest **{term}`personalisation`**, if the users of a system rate some {term}`clips <clip>`
# first. A looser split also trains on other {term}`windows <window>`, including some of the tested person's. On real
# recordings nobody can tell these apart, because nobody knows how much there is to read. So we make
# {term}`cohorts <cohort>` for which we do know. Their people, clips and ratings are the same. Only one number
# differs, the **effect**: how strongly a feeling moves the ECG. With effect 0 there is nothing to
# read, not even for a model of the person's own, and every score above chance is a gift of the
# split.
#
# **Everything on this page is synthetic, whatever file the rest of the book uses.** Your file enters
# in one place only: the {term}`encoder` was trained on it. None of the people below took part in that.

# %%
import pandas as pd
from joblib import parallel_config

from ecglib.core.process import tune_process
from ecglib.evaluation.identity import identity_predictions, known_shares
from ecglib.evaluation.leave_out import LeaveOneParticipantOut
from ecglib.evaluation.metrics import ranks_within_folds
from ecglib.evaluation.probes import PROBES
from ecglib.evaluation.protocols import MAJORITY, RESULT, STR
from ecglib.evaluation.splits import ClipGroupedKFold, TrialGroupedKFold, WindowKFold
from ecglib.evaluation.summaries import participant_metrics
from ecglib.plots import leakage as leakage_plots
from ecglib.plots.palette import spoken
from ecglib.studies.leakage import (
    FEELING,
    LOGISTIC,
    NEIGHBOURS,
    STATE,
    TARGET,
    known_cohorts,
    ladder_predictions,
    ladder_summary,
    leak,
    oracle_summary,
    probe_summary,
    rungs,
)
from ecglib.studies.study import Study

tune_process()
study = Study()
MADE = "synthetic"
WINDOW, PERSON = WindowKFold.protocol, LeaveOneParticipantOut.protocol
RUNG = {protocol: words.replace("\n", " ") for protocol, words in leakage_plots.RUNGS.items()}
METRIC = {"pooled_accuracy": "pooled accuracy", "auc": "AUC within a person"}
options = {"n_resamples": study.profile.n_resamples}
print(f"data: {study.label}, profile: {study.profile.name}")

# %% [markdown]
# ## The same people, several times
#
# Every cohort starts from the same random numbers, so it has the same people in the same mood. A
# feeling moves the {term}`heart rate`, the {term}`T wave` and more, by an amount that we multiply by the numbers
# below. With 1, the effect is that of the book's own cohort; the largest is so strong that whatever reads
# the ECG must find it. We predict {term}`arousal`, which moves the most {term}`features <feature>`.

# %%
cohorts = known_cohorts(study)
none, *others = cohorts.values()
meta = none.meta
n_people, n_clips = meta["participant"].nunique(), meta["clip"].nunique()
print(f"{MADE} cohorts, by effect:", *cohorts)
print(f"participants: {n_people}, clips: {n_clips}, windows: {len(meta)}, target: {TARGET}")
rated = [c.meta.groupby(["participant", "clip"])[TARGET].first() for c in cohorts.values()]
print("the same ratings in all:", all(r.equals(rated[0]) for r in rated))
print("usable windows of each:", [len(c.meta) for c in cohorts.values()])
same = [c.truth["heart_rate"].equals(none.truth["heart_rate"]) for c in others]
print("the same heart rates in any:", any(same))

# %% [markdown]
# ## Seven rungs
#
# A split decides what a {term}`head` has met before it is tested. The ladder begins with the released
# {term}`protocol`, which shuffles windows, and ends where neither the person nor the clip is known. Each
# rung takes something away. The table counts how many test windows have another window of the same
# person, of the same clip, or of the same trial among the training windows.

# %%
splitters = rungs(study, meta)
known = pd.DataFrame({s.protocol: known_shares(meta, s) for s in splitters}).T
known.map("{:.2f}".format).rename(RUNG).rename_axis(index="share known from training", columns=MADE)

# %% [markdown]
# - **Windows**: the trial is known, and with it its one rating.
# - **Windows with a gap**: the neighbours of a test window are not used. Others of its trial are.
# - **Trials**: whole trials are left out. The person is known, and so are the clips.
# - **Clips**: whole clips are left out, for everyone. The person is still known.
# - **People**, in ten {term}`folds <fold>`: the person is new. The clips are known.
# - **One person out**: the same, one at a time. This is leave-one-participant-out.
# - **One person, one clip out**: both are new.
#
# :::{dropdown} Quiz: Whole trials are left out. Which of person, clip and trial may the head still have met?
# The person and the clip, from other trials. Only the trial, with its one rating, is new.
# :::
#
# ## What each rung reports
#
# The features come from an encoder that never saw these people. Two simple heads learn from them,
# both with the settings of scikit-learn, except for one that is explained below. **Logistic
# regression** draws one plane through the features and can hardly learn windows by heart. **Nearest
# neighbours** answers with the ratings of the five most similar training windows, so it *is*
# learning by heart. A network with hidden layers lies between the two, and the larger and the
# longer trained, the closer to the second (exercise 1).
#
# We report two numbers. One is the **pooled {term}`accuracy`**, over all test windows together, as it is usually
# published. The other is the **{term}`AUC` within a person**, averaged over people. It compares only windows
# that one head has judged, that is windows of one fold. On the last rung every fold is a single trial
# with one rating, so there windows of different heads have to be compared.

# %% tags=["hide-input"]
with parallel_config(n_jobs=-1):
    predictions = ladder_predictions(study)
summary = ladder_summary(predictions, **options)
HEADS = {head: f"{STR}, {head}" for head in (LOGISTIC, NEIGHBOURS)}
on_all_rungs = summary[summary["model"].isin([*HEADS.values(), MAJORITY])]
oracles = oracle_summary(cohorts, **options)

# %% mystnb={"image": {"alt": "Four panels. Columns: logistic regression and nearest neighbours. Rows: pooled accuracy, and area under the ROC curve within a person. Seven rungs from loose to strict on the x axis, one line with intervals for each of the effects 0, 1, 2 and 3, hollow marks for the oracle on the right."}, "figure": {"caption": "What each rung reports about cohorts whose planted effect is known. Under the x axis stands what the split keeps together. Hollow marks: an oracle that knows the state of the body, the ceiling for a new person.", "name": "fig-leakage-ladder"}}
ceilings = oracles[oracles["oracle"] == STATE]
floors = summary[summary["model"] == MAJORITY].groupby("metric")["mean"].mean()
fig = leakage_plots.rung_lines(on_all_rungs, ceilings, floors, MADE)
fig

# %% [markdown]
# ```{interactive} protocols
# The score that each protocol reports, from shuffled windows to one new person and one new clip, for a
# planted effect that a slider chooses, beside what one scores who knows the state of the body.
# ```

# %% [markdown]
# Follow the line of effect 0 in {numref}`fig-leakage-ladder`. There is nothing to find, and yet the
# loose rungs can report something. Then follow the others: from left to right they lose what the split
# gave away, and keep what was read.
#
# ### The ladder in numbers
#
# The tables give every point of the figure with its interval, and the {term}`majority class <majority baseline>`
# beside the two heads. The majority knows nothing, on any rung.
#
# First the pooled accuracy, then the area within a person.


# %%
def as_table(metric: str) -> pd.DataFrame:
    """One row per head (and the majority) and rung, one column per effect: mean [interval]."""
    rows = on_all_rungs[on_all_rungs["metric"] == metric]
    text = [f"{r.mean:.2f} [{r.low:.2f}, {r.high:.2f}]" for r in rows.itertuples()]
    head = rows["model"].str.removeprefix(f"{STR}, ")
    table = rows.assign(text=text, head=head).pivot(
        index=["head", "protocol"], columns="effect", values="text"
    )
    order = pd.MultiIndex.from_product([[*HEADS, MAJORITY], [s.protocol for s in splitters]])
    words = {**RUNG, MAJORITY: spoken(MAJORITY)}
    table = table.reindex(order).rename(index=words)
    return table.rename_axis(columns=f"{METRIC[metric]} ({MADE}), effect")


# %% tags=["nbval-ignore-output"] reason="features of a trained network differ slightly between processors"
as_table("pooled_accuracy")

# %% tags=["nbval-ignore-output"] reason="features of a trained network differ slightly between processors"
as_table("auc")

# %% [markdown]
# Over all windows together the majority class scores this:

# %%
majority = summary[(summary["model"] == MAJORITY) & (summary["metric"] == "pooled_accuracy")]
print(f"{MADE}, accuracy of the majority class: {majority['mean'].mean():.2f}")
by_effect = majority.groupby("effect")["mean"]
print("the same on all rungs:", bool((by_effect.max() - by_effect.min() < 1e-9).all()))

# %% [markdown]
# ## Where there is nothing to find
#
# Is the {term}`window-wise` score above chance? Are the strict ones at chance? Several intervals are looked
# at together, so they are widened to hold together ({term}`Bonferroni's correction <Bonferroni correction>`).

# %%
new_person = [s.protocol for s in splitters[4:]]
n_intervals = len(HEADS) * (1 + len(new_person))
nothing = ladder_summary(
    predictions[predictions["effect"] == 0], n_intervals=n_intervals, **options
)
area = nothing[nothing["metric"] == "auc"].set_index(["model", "protocol"])
for head, model in HEADS.items():
    strict = area.loc[[(model, protocol) for protocol in new_person]]
    at_chance = (strict["low"] <= 0.5) & (strict["high"] >= 0.5)
    print(f"{MADE}, effect 0, {head}, AUC within a person")
    print("  window-wise above chance:", bool(area.loc[(model, WINDOW), "low"] > 0.5))
    print("  every rung with a new person at chance:", bool(at_chance.all()))

# %% [markdown]
# An interval that just leaves out one half when it stands alone, as in the figure, may reach it here,
# where it is widened for all that are looked at together. Where the two heads tell different stories,
# both are true. To rank the windows of *one* person, a
# head must recognise the trial. {term}`Nearest neighbours <nearest neighbours>` can do so, while a single plane through the
# features hardly can. For the pooled accuracy it is enough to recognise the *person* and to know
# whether that person rates high or low, which even the plane can do:

# %% tags=["hide-input"]
pot = nothing[nothing["metric"] == "pooled_accuracy"].set_index(["model", "protocol"])["mean"]
for head, model in HEADS.items():
    print(f"{MADE}, effect 0, {head}, pooled accuracy")
    print("  window-wise above one person out:", bool(pot[model, WINDOW] > pot[model, PERSON]))

# %% [markdown]
# :::{dropdown} Quiz: At effect 0, pooled accuracy is above chance and the area within a person is not. What was recognised?
# The person: it is enough to know who rates high. Within a person that knowledge gives no order.
# :::
#
# ### How large is the gift?
#
# How much does it bring to know the person and the trial, and does it shrink when there is more to
# find? We take the difference between the two protocols, on the same people. At effect 0 all of it
# is a gift. With an effect it also contains an honest part, which comes from having the person's
# own windows among the training ones.

# %% tags=["nbval-ignore-output"] reason="features of a trained network differ slightly between processors"
gift = leak(predictions[predictions["model"].isin(HEADS.values())], **options)
text = [f"{r.mean:+.2f} [{r.low:+.2f}, {r.high:+.2f}]" for r in gift.itertuples()]
gift.assign(text=text).pivot(index="model", columns="effect", values="text").rename_axis(
    columns=f"AUC, {RUNG[WINDOW]} minus {RUNG[PERSON]} ({MADE}), effect"
)

# %% tags=["hide-cell"]
with_neighbours = gift[gift["model"] == HEADS[NEIGHBOURS]]
above_zero = with_neighbours.loc[with_neighbours["low"] > 0, "effect"]
print(f"{MADE}, {NEIGHBOURS}, difference above zero for the effects:", above_zero.tolist())

# %% [markdown]
# ## Three ways to know without an ECG
#
# Take the ECG away altogether. A predictor that is told *who* it is, *which clip* was on, or *which
# trial*, answers with the share of high ratings among the training windows of that person, clip or
# trial. If there are none, it says one half. This is what the split would give to a head that
# recognises them without fail. Window-wise, knowing the trial is knowing the answer. From whole trials
# on only the person and the clip can help, and the clip is known on all rungs but two.
#
# The table has a column for each of the three, under both metrics.

# %%
alone = pd.concat(
    [identity_predictions(meta, s, identity, TARGET) for s in splitters for identity in PROBES]
)
majority_rows = predictions[(predictions["effect"] == 0) & (predictions["model"] == MAJORITY)]
worth = ladder_summary(pd.concat([alone, majority_rows]).assign(effect=0.0), **options)
worth = worth[worth["model"] != MAJORITY].pivot(
    index="protocol", columns=["metric", "model"], values="mean"
)
worth = worth.loc[[s.protocol for s in splitters]].rename(index=RUNG, columns=METRIC)
worth.map("{:.2f}".format).rename_axis(index=MADE, columns=["metric", "told"])

# %% [markdown]
# Read it column by column.
#
# - **Trial.** Everything window-wise, nothing from whole trials on.
# - **Participant.** Worth something for the pooled accuracy, as long as the person is known.
#   *Within* a person and a fold it is worth exactly nothing, because one head gives one person a
#   single answer.
# - **Clip.** It is known on all rungs but two, *one person out* among them, and it is worth a lot,
#   because a clip makes many people feel alike. Whether a head can use it is the question of the
#   {term}`probes <probe>` below.
#
# :::{dropdown} Quiz: A predictor knows the clip and nothing else. Does leaving out one person stop it?
# No. The clip is known from other people. If clips make people feel alike, it even predicts the
# rating; only the last rung takes the clip away.
# :::
#
# ## Comparing what different heads say
#
# Why only windows of one fold? Leave out a trial with a high rating: the rest of the person's
# trials now looks lower than it is, so a head that recognises the person answers lower for this
# trial than the head of another fold does for another trial. The right order is reversed, and a
# predictor that knows the person falls below chance. Within a fold this does not arise.
#
# Here are the same predictions, at effect 0, with a person's windows compared **across heads**, by their
# **ranks** within the fold, and **within folds** as in our tables. "Participant" is the predictor
# without ECG.

# %% tags=["nbval-ignore-output"] reason="features of a trained network differ slightly between processors"
at_none = predictions[(predictions["effect"] == 0) & predictions["model"].isin(HEADS.values())]
at_none = pd.concat([at_none, alone[alone["model"] == "participant"]], ignore_index=True)
rank = [
    pd.Series(
        ranks_within_folds(rows["probability"].to_numpy(), rows["fold"].to_numpy()), rows.index
    )
    for _, rows in at_none.groupby(RESULT)
]
ways = {
    "across heads": at_none.assign(fold=0),
    "ranks": at_none.assign(fold=0, probability=pd.concat(rank)),
    "within folds": at_none,
}
by_way = pd.concat({way: participant_metrics(rows, ["auc"]) for way, rows in ways.items()})
cut = [s.protocol for s in splitters if not s.protocol.startswith(("participant", "leave"))]
choice = by_way.groupby([by_way.index.get_level_values(0), "model", "protocol"])["value"].mean()
choice = choice.unstack(level=[1, 0])[[*HEADS.values(), "participant"]].loc[cut]
shown = choice.reindex(columns=[*ways], level=1).rename(RUNG).map("{:.2f}".format)
shown.rename_axis(index=f"AUC, effect 0 ({MADE})", columns=["predictor", "compared"])

# %%
turned = choice["participant", "across heads"]
print(f"{MADE}, knowing the person, across heads, below one half by a tenth on:")
print(" ", ", ".join(RUNG[protocol] for protocol in turned.index[turned < 0.4]) or "no rung")
print("within folds exactly one half:", bool((choice["participant", "within folds"] == 0.5).all()))
new_trial = [TrialGroupedKFold.protocol, ClipGroupedKFold.protocol]
for head, model in HEADS.items():
    on_new = on_all_rungs[(on_all_rungs["metric"] == "auc") & (on_all_rungs["model"] == model)]
    on_new = on_new[(on_new["effect"] == 0) & on_new["protocol"].isin(new_trial)]
    at_chance = (on_new["low"] <= 0.5) & (on_new["high"] >= 0.5)
    print(f"{head}, trials and clips left out, within folds at chance:", bool(at_chance.all()))

# %% [markdown]
# Across heads, a predictor that knows the person falls *below* chance. Ranks mend little of it,
# since the person still ranks low among the others of the fold. Within folds the problem does not
# arise. If two trials of a person are both taken out, their ratings could change places and the
# training windows would stay the same; so where there is nothing to read, the pair comes out right
# half of the time. What is left at effect 0 on the rungs of new trials and clips is the luck of one
# draw of folds, with few pairs in each, and the intervals say so.
#
# Ranks have another fault. Where a fold holds whole clips, a clip that everyone rates high loses its
# height against the clips of other folds. Ranks can then lose what there is to find:

# %% tags=["nbval-ignore-output"] reason="features of a trained network differ slightly between processors"
strongest = predictions["effect"].max()
of_clips = predictions[
    (predictions["effect"] == strongest)
    & (predictions["protocol"] == ClipGroupedKFold.protocol)
    & (predictions["model"] == HEADS[LOGISTIC])
]
rank = ranks_within_folds(of_clips["probability"].to_numpy(), of_clips["fold"].to_numpy())
ways = {
    "across heads": of_clips.assign(fold=0),
    "ranks": of_clips.assign(fold=0, probability=rank),
    "within folds": of_clips,
}
found = {way: participant_metrics(rows, ["auc"])["value"].mean() for way, rows in ways.items()}
print(f"mean AUC within a person, effect {strongest:g}, {LOGISTIC}, clips left out ({MADE}):")
print(pd.Series(found).round(2).to_string())

# %% [markdown]
# On the last rung no two windows with different ratings share a head. There, the order given by any
# head whose answers follow the share of high ratings among its training windows is reversed. So our
# {term}`logistic regression` weighs both classes equally. We added that after seeing the line of effect 0
# fall below chance on that rung. Nearest neighbours have no such remedy, so read their last rung
# with care.
#
# ## How much was there to find?
#
# Two {term}`oracles <oracle>` know the truth. One knows **what was felt**. It still errs, because people report their
# feelings with an error. The other knows the **state of the body** in every recording: true heart
# rate, true T wave and so on, without noise, and how strongly feelings move each of them in people on
# average. What it does not know is how this person differs from them. So it guesses the feeling as well
# as a reading of this ECG could without any rating of the person's own. At effect 0 the body says
# nothing, and it guesses the same for all.

# %%
ceiling = oracles.pivot(index="oracle", columns="effect", values="mean")
ceiling.round(2).rename_axis(columns=f"AUC within a person ({MADE}), effect")

# %% [markdown]
# The oracle that knows the state of the body is the ceiling for a **new person**: a rung with a new
# person that lies above it leaks. Where a head also trains on the person's own trials, it can do better in two ways. It may know
# the trial again, which is a leak, or learn how this person responds, which is not. At effect 0 there is
# nothing to respond to, so there **what lies above the oracle is leakage**. A mean may lie above it by
# luck; we count a rung only if its whole interval does.

# %% tags=["hide-input"]
scores = on_all_rungs[(on_all_rungs["metric"] == "auc") & (on_all_rungs["model"] != MAJORITY)]
limit = scores["effect"].map(ceiling.loc[STATE])
above = scores[scores["low"] > limit]
for row in above.itertuples():
    where = f"effect {row.effect:g}, {RUNG[row.protocol]}, {row.model}"
    print(f"{MADE}, whole interval above the oracle: {where}")
n_above = int(above["protocol"].isin(new_person).sum())
print(f"rungs with a new person whose whole interval lies above it: {n_above}")
print("the feeling is a higher ceiling:", bool((ceiling.loc[FEELING] >= ceiling.loc[STATE]).all()))

# %% [markdown]
# Below the ceiling a score may still be a gift. The strict rungs
# tell what is really read. Of the way from chance to the oracle, *one person out* covers this
# share:

# %% tags=["hide-input", "nbval-ignore-output"] reason="features of a trained network differ slightly between processors"
read = scores[scores["protocol"] == PERSON].pivot(index="model", columns="effect", values="mean")
way = ceiling.loc[STATE].drop(0.0) - 0.5
share = (read.drop(columns=0.0) - 0.5) / way
share.map("{:.0%}".format).rename_axis(columns=f"recovered ({MADE}), effect")

# %% [markdown]
# :::{dropdown} Quiz: A score lies below the oracle's ceiling. Is it free of leakage?
# Not necessarily. For a new person, above the ceiling it can only be leakage; below it may be either,
# and the strict rungs have to tell.
# :::
#
# ## What do the features know?
#
# A **probe** is a classifier that is asked about identity instead of emotion: which participant, which
# clip, which trial? It uses the very same features. An identity that {numref}`fig-leakage-probes` shows
# far above guessing at effect 0 is one that a head can use where the split allows it. Nobody trained
# the features for that.
#
# Each question has a split of its own, so that the answer is not given away:
#
# - *Which participant?* Learnt from some trials of everyone, tested on other trials.
# - *Which clip?* Learnt from some people, tested on others.
# - *Which trial?* Learnt from some windows of every trial, tested on other windows.
#
# Beside the {term}`STR` encoder we probe the random encoder and the power in bands of one hertz, which needs
# no network. The effect is 0: no feeling helps.

# %%
probes = probe_summary(cohorts, study.profile.seed, **options)
at_zero = probes[probes["effect"] == 0]

# %% mystnb={"image": {"alt": "Three panels, which participant, which clip and which trial, each with a mark, an interval and its value for the STR encoder, the random encoder and band powers, and guessing as a dotted line, on an axis from 0 to 1."}, "figure": {"caption": "How often a linear probe names the participant, the clip and the trial of a window, at effect 0.", "name": "fig-leakage-probes"}}
fig = leakage_plots.probe_dots(at_zero, MADE)
fig

# %% tags=["hide-cell", "nbval-ignore-output"] reason="features of a trained network differ slightly between processors"
columns = ["mean", "low", "high", "chance"]
at_zero.set_index(["identity", "features"])[columns].round(3).rename_axis(columns=MADE)

# %%
for identity, rows in at_zero.groupby("identity", sort=False):
    far = bool((rows["mean"] > 5 * rows["chance"]).all())
    print(f"{MADE}, effect 0: {identity} named five times as often as by guessing: {far}")

# %% [markdown]
# Where a line says True, that identity is easily recognised, and nobody trained the features for it.
# At effect 0 our invented clips leave no trace in the ECG. So on this data nothing tempts a head to
# recognise them, and the last two rungs should agree.
# **Real clips may differ**: a sudden noise startles everyone, whatever they feel. That is why the
# last rung is there.
#
# With an effect, the clip can become visible too. That is no leak. It is the emotion that the clip
# evokes in everyone:

# %% tags=["nbval-ignore-output"] reason="features of a trained network differ slightly between processors"
by_effect = probes[probes["features"] == STR].pivot(
    index="identity", columns="effect", values="mean"
)
by_effect.round(2).rename_axis(columns=f"{STR} ({MADE}), effect")

# %% [markdown]
# ## Is it the encoder?
#
# A leak needs three things: a split that lets it, features that carry the identity, and a head that
# can use it. Of these, only the split can be chosen without losing anything. To see whether the
# features must come from a trained network, we let the heads learn at effect 0 from the other
# features too, those of the random encoder and the powers in bands.
#
# The AUC within a person:

# %% tags=["nbval-ignore-output"] reason="features of a trained network differ slightly between processors"
of_two = summary[(summary["effect"] == 0) & summary["protocol"].isin([WINDOW, PERSON])]
of_two = of_two[of_two["metric"] == "auc"]
text = [f"{r.mean:.2f} [{r.low:.2f}, {r.high:.2f}]" for r in of_two.itertuples()]
shown = of_two.assign(text=text).pivot(index="model", columns="protocol", values="text")
shown = shown[[WINDOW, PERSON]].rename(index={MAJORITY: spoken(MAJORITY)}, columns=RUNG)
shown.rename_axis(columns=f"effect 0 ({MADE})")

# %% [markdown]
# Compare with the right panel of {numref}`fig-leakage-probes`: the better the features tell trials
# apart, the more they can leak to a head that learns by heart, whether a network made them or not.
#
# :::{dropdown} Quiz: Band powers leak as much as a trained encoder. Whose fault is the leak?
# The split's. Any features that carry identity leak where the split allows it, and a head uses what
# it can.
# :::
#
# ## What could go wrong
#
# Most of these mistakes compare numbers that do not answer the same question.
#
# - **Comparing models on a loose rung.** The model that learns by heart wins, and it is the worse one
#   for the next person.
# - **Taking one half for chance everywhere.** Across heads, a model that recognises people falls
#   below it, so a score of one half may hide something there. Compare windows that one head has
#   judged.
# - **Believing that one person out is the end.** It lets clips through. Probe the features for the
#   clip before you trust it.
# - **Reading the sizes.** How much leaks here depends on people whom we invented: how much they
#   differ, how alike the windows of a trial are. On real data only the direction is known.
#
# ## Take-aways
#
# - Where there is nothing to find, the released way of splitting can still report a success. Splits
#   with new people do not.
# - Different heads answer on different scales. Within a person, compare within a fold.
# - Pooled accuracy pays for knowing the person, AUC within a person for knowing the trial.
# - An oracle says what could be found in a new person; a score above it was not read from the body.
# - Probe your features. What they know about identity, a head can use.

# %% [markdown]
# ## Exercises
#
# **Exercise 7.1.** Is a head with hidden layers closer to the plane or to the neighbours? At effect
# 0, fit a small one for a short time and a large one for long on the first window-wise fold.
#
# :::{dropdown} Solution 7.1
# A head that fits its training windows without error has learnt them by heart. Where it also does
# better on test windows, it does so by recognising trials: at effect 0 there is nothing else.
# :::

# %% tags=["solution", "nbval-ignore-output"] reason="results of trained networks differ slightly between processors"
import warnings

from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from ecglib.data.labels import binary_labels

y = binary_labels(meta, TARGET)
train, test = next(iter(splitters[0].split(meta)))
z = StandardScaler().fit(none.features[STR][train]).transform(none.features[STR])
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the small head stops early, as it should
    for name, hidden, epochs in (("small, short", (8,), 10), ("large, long", (256, 256), 100)):
        fitted = MLPClassifier(hidden, max_iter=epochs, random_state=0).fit(z[train], y[train])
        print(f"{MADE}, effect 0, {name}: training windows right", end=" ")
        print(f"{fitted.score(z[train], y[train]):.0%}, test {fitted.score(z[test], y[test]):.0%}")

# %% [markdown]
# **Exercise 7.2.** The gap between training and test windows costs training data. Compare the
# loosest rung with the second one.
#
# :::{dropdown} Solution 7.2
# Windows next to each other are most alike, and the gap also leaves fewer windows of the same
# trial. Both make the trial harder to recognise. Over all windows together it is not enough, because there it
# suffices to know the person.
# :::

# %% tags=["solution", "nbval-ignore-output"] reason="results of trained networks differ slightly between processors"
of_str = predictions[predictions["model"].isin(HEADS.values())]
by_gap = leak(of_str, WINDOW, splitters[1].protocol, **options)
print(f"{MADE}, AUC, {RUNG[WINDOW]} minus {RUNG[splitters[1].protocol]}")
print(by_gap.pivot(index="model", columns="effect", values="mean").round(2).to_string())

# %% [markdown]
# **Exercise 7.3.** Let the clips show in the ECG although no feeling does, in a small cohort of
# eight people, and probe for the clip.
#
# :::{dropdown} Solution 7.3
# With a trace of the clip, the probe names clips of people whom it never saw more often than by
# guessing. Leave-one-person-out lets a head use that; only the last rung does not.
# :::

# %% tags=["solution"]
from ecglib.evaluation.probes import run_probe
from ecglib.features.spectrum import band_powers
from ecglib.preprocessing.segmentation import make_windows
from ecglib.synthetic.cohort import CohortSpec, make_cohort

brief = {"n_participants": 8, "clip_lengths_s": (30.0,) * 8, "baseline_s": 11.0, "effect": 0.0}
for clip_sd in (0.0, 2.0):
    made = make_cohort(CohortSpec(**brief, clip_sd=clip_sd), seed=1).cohort
    few = make_windows(made, study.profile.windows)
    right = run_probe(band_powers(few.X, few.fs), few.meta, "clip").mean()
    print(f"{MADE}, trace of the clip {clip_sd:g}: named right {right:.2f}, guessing {1 / 8:.2f}")

# %% [markdown]
# **Exercise 7.4.** You build a system whose users rate five clips before it starts. Which rung says
# how it will do, and which is too strict?
#
# :::{dropdown} Solution 7.4
# The rungs of trials, or of clips if the users will see other clips than those in your data: there
# the person is known and the trial is not. One person out is too strict, because it forbids what
# your users allow. Windows and windows with a gap are too loose: nobody rates a trial twice.
# :::
#
# **Research question.** On real recordings nobody knows the effect, so the ladder has no line of
# effect 0. Which comparison between rungs still bounds from above how much of a published
# window-wise score can be owed to the feeling? State what it assumes.
#
# ## What next
#
# {doc}`08_statistics` tests the intervals themselves, on cases whose answer is known.
