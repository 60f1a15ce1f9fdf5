# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Results
#
# ```{opening} fig-results-forest
# How well do the models tell high ratings from low ones in people of whom nothing was learnt, and what
# does a looser protocol say of the same models?
# ```
#
# ```{admonition} Before you start
# - **You will learn** how the models compare under two protocols, what the looser one also rewards,
#   how we check that the evaluation finds nothing where there is nothing, and how small an effect it
#   would find.
# - **You need first**: {doc}`05_transfer`.
# - **It takes** half a minute if the earlier chapters have run, and some minutes more otherwise. What
#   the network that ratings train predicts for the book's own cohort comes with the project, in
#   `results/`; for other data that network is trained first, which takes longer than all the rest.
# ```
#
# Three models predict whether a rating is high or low. A fourth comes further down.
#
# - **Majority** always gives the commoner answer of the training {term}`windows <window>`. It needs no ECG.
# - **Random**: a {term}`head` on the features of an untrained, {term}`frozen` {term}`encoder`.
# - **{term}`STR`**: the same head on the features of the pretrained, frozen encoder.
#
# Two {term}`protocols <protocol>` ask two questions. **{term}`Window-wise <window-wise>`** shuffles all windows into {term}`folds <fold>`, as the released
# code does: windows of one {term}`trial` are both learnt and tested. **{term}`Leave-one-participant-out <LOSO>`**, which
# the field often calls leave-one-subject-out (LOSO), tests on a person of whom nothing was learnt.
# Only the second asks whether a model works for the next person.
#
# ```{differences} folds files
# ```

# %%
import numpy as np
import pandas as pd

from ecglib.core.process import tune_process
from ecglib.data.labels import TARGETS, label_matrix
from ecglib.evaluation import power
from ecglib.evaluation.audit import raise_on_leak
from ecglib.evaluation.leave_out import LeaveOneParticipantOut
from ecglib.evaluation.metrics import METRICS, auc
from ecglib.evaluation.protocols import MAJORITY, RANDOM, SEEN, STR, STRICT, SUPERVISED
from ecglib.evaluation.splits import ParticipantGroupedKFold, WindowKFold
from ecglib.evaluation.summaries import paired_difference, participant_metrics, summarise
from ecglib.plots import results as results_plots
from ecglib.plots.palette import spoken
from ecglib.studies import results
from ecglib.studies.study import Study

tune_process()
study = Study()
meta = study.usable.meta
WINDOW, PERSON = WindowKFold.protocol, LeaveOneParticipantOut.protocol
GROUPS = ParticipantGroupedKFold.protocol
MODELS = [MAJORITY, RANDOM, STR, SUPERVISED]
print(f"data: {study.label}, profile: {study.profile.name}")

# %% [markdown]
# ## From predictions to one table
#
# Every number below comes from the same rows: one predicted probability per tested window, fold,
# model and target. The **{term}`regime`** says what the encoder had seen before: the test windows, though
# not their ratings, or nothing of the person who is tested. The second regime is called *strict* from
# here on. Before we read a score, an audit looks for {term}`leaks <leakage>`, and this page is not made if it
# finds one into the pretext or the head.
#
# The file of these rows also says what made them:

# %%
predictions = results.predictions(study)
counts = predictions.groupby(["protocol", "model", "regime"]).size().rename("predictions")
counts.rename(index=spoken).reset_index()

# %% tags=["hide-cell", "nbval-ignore-output"] reason="versions, machine and duration differ between computers"
about = predictions.attrs["provenance"]
made = {**about["environment"], "made": about["made"], "seconds": about["seconds"]}
print(pd.Series(made).to_string())

# %% [markdown]
# The audit looks for a window, a trial, a participant or a clip that stands on the test side of a fold and was also used by one of the stages that learn, although
# the protocol forbids it. It also checks every prediction against the labels and the folds.

# %%
leaks = results.leaks(study)
if len(leaks):
    found = leaks.groupby(["protocol", "stage", "kind"])["fold"].nunique()
    print(found.rename(index=spoken).to_string())
raise_on_leak(leaks[leaks["stage"] != "normalisation"])
print("no leak into the pretext or the head:", set(leaks["stage"]) <= {"normalisation"})

# %% [markdown]
# What it does list is the scaling. Every person's signal is scaled with that person's own mean and
# standard deviation, which test and training windows share under the window-wise split. They hold
# no rating, and the released code shares them too. When all of a person's windows are left out,
# nothing is shared.
#
# ## What the tables hold
#
# A metric is computed on each participant's windows and averaged over participants. The {term}`interval <confidence interval>` is
# a **{term}`bootstrap`-t** interval over *participants* {cite}`efron1993bootstrap`: windows of one person
# are not independent, people are. It is then widened, because the heads of different folds are
# trained on each other's test people: {doc}`08_statistics` shows why, and by how much. The score of
# the {term}`majority <majority baseline>` stands beside each number.
#
# One metric needs care, the **{term}`area under the ROC curve <AUC>`** (AUC): how often a window of a high trial
# gets a higher probability than one of a low trial. Window-wise, ten heads have judged a person's
# windows. We compare only windows that *one* head has judged; a section below says why.


# %%
def as_text(summary: pd.DataFrame) -> pd.DataFrame:
    """One row per target and model, one column per metric: mean [interval] (majority)."""
    text = [
        f"{r.mean:.2f} [{r.low:.2f}, {r.high:.2f}] ({r.baseline:.2f})" for r in summary.itertuples()
    ]
    table = summary.assign(text=text).pivot(
        index=["target", "model"], columns="metric", values="text"
    )
    present = [m for m in MODELS if m in set(summary["model"])]
    rows = pd.MultiIndex.from_product([TARGETS, present], names=["target", "model"])
    metrics = sorted(
        METRICS, key=lambda metric: metric != "auc"
    )  # what the figures show comes first
    return table.reindex(index=rows, columns=metrics).rename(index=spoken, columns=spoken)


everything = results.summary(study)
# In the tables a person is new to every encoder; the other regime is compared further down.
new_person = (everything["protocol"] != PERSON) | (everything["regime"] != SEEN)
summary = everything[new_person]
summary = summary.sort_values("model", key=lambda m: m.map(MODELS.index), kind="stable")

# %% tags=["hide-output", "nbval-ignore-output"] reason="results of trained networks differ slightly between processors"
table = as_text(summary[summary["protocol"] == PERSON])
table.rename_axis(columns=f"{spoken(PERSON)} ({study.label})")

# %% tags=["hide-output", "nbval-ignore-output"] reason="results of trained networks differ slightly between processors"
table = as_text(summary[summary["protocol"] == WINDOW])
table.rename_axis(columns=f"{spoken(WINDOW)} ({study.label})")

# %% [markdown]
# The majority rows do not depend on any training:

# %% tags=["hide-cell"]
majority = summary[(summary["model"] == MAJORITY) & (summary["metric"] != "auc")]
table = majority.pivot(index=["protocol", "target"], columns="metric", values="mean")
table.round(2).rename(index=spoken, columns=spoken)

# %% [markdown]
# :::{dropdown} Quiz: A model has an accuracy of 0.62. Is it good?
# It depends on the majority: with 62 % of high ratings, the same is had without an ECG.
# :::
#
# ## The two protocols side by side

# %% mystnb={"image": {"alt": "Two panels of points with horizontal intervals, one per protocol, for three targets and two models, with the majority class as a bar and chance as a dotted line at one half."}, "figure": {"caption": "Area under the ROC curve of the frozen encoders under both protocols.", "name": "fig-results-forest"}}
fig = results_plots.forest(summary, "auc", study.label)
fig

# %%
areas = summary[summary["metric"] == "auc"]
mean_auc = areas.set_index(["protocol", "target", "model"])["mean"]
for model in (RANDOM, STR):
    gain = [mean_auc[WINDOW, t, model] - mean_auc[PERSON, t, model] for t in TARGETS]
    print(f"{model}: window-wise is the higher one for every target:", bool(np.min(gain) > 0))

# %% [markdown]
# ## What window-wise also rewards
#
# All windows of a trial share one rating. If the features tell which trial a window came from
# ({doc}`05_transfer` and {doc}`02_windows` look into that), a head that recognises the trial knows the
# rating without knowing anything about emotions. How often does the split allow that? This is
# leakage in its textbook form {cite}`kaufman2012leakage`.

# %%
trial = meta.groupby(["participant", "clip"]).ngroup().to_numpy()
for splitter in (
    WindowKFold(study.profile.window_folds, study.profile.seed),
    LeaveOneParticipantOut(),
):
    known = [np.isin(trial[test], trial[train]).mean() for train, test in splitter.split(meta)]
    print(f"{study.label}, {splitter.protocol}")
    print(f"test windows whose trial is also learnt: {np.mean(known):.0%}")

# %% [markdown]
# A window-wise number answers a question that hardly anyone has: what will the *next ten seconds of
# a trial already rated* be?
#
# Not all of its difference from leave-one-participant-out is leakage, though. Three things change at
# once:
#
# - **The trial is known.** That is the leak: its rating is given away.
# - **The person is known**, from other trials. That is honest **{term}`personalisation`**, for a system whose
#   users rate some clips first. A head may learn how this heart rests and how this person rates.
# - **The training set is another one.** It holds nine tenths of everyone's windows, including the
#   tested person's, instead of all windows of all others.
#
# The two tables above cannot tell these apart. {doc}`07_leakage` removes them one after the other,
# and {doc}`11_beyond` measures honest personalisation by itself.
#
# :::{dropdown} Quiz: Window-wise minus leave-one-participant-out is 0.2. Is all of that leakage?
# No. The known trial is a leak, the known person is honest personalisation, and the training sets
# differ. The difference alone can't part them.
# :::
#
# ## Labels from the start
#
# What if there is no {term}`pretext`, and the ratings train every layer? **{term}`Supervised <supervised learning>`** is the same network
# with random weights at the start, trained as long as {doc}`14_comparison` trains any network as a
# whole. Is its window-wise score, too, the higher one for every target?
#
# Training the whole network takes so long that there are fewer folds, under both protocols: shuffled windows, and
# groups of people. Its two rows can therefore be compared with each other,
# but only roughly with the tables above, since its folds leave fewer windows to learn from. For the
# book's own cohort its predictions are stored with the book; for other data they are computed here.

# %%
supervised = results.supervised_predictions(study)
folds = supervised.groupby("protocol")["fold"].nunique()
print(f"{study.label}:", ", ".join(f"{spoken(p)} in {n} folds" for p, n in folds.items()))
whole_network = summarise(supervised, n_resamples=study.profile.n_resamples)
own = whole_network[whole_network["model"] == SUPERVISED]

# %% tags=["nbval-ignore-output"] reason="results of trained networks differ slightly between processors"
table = pd.concat({spoken(p): as_text(own[own["protocol"] == p]) for p in (GROUPS, WINDOW)})
table.droplevel("model").rename_axis(columns=f"{SUPERVISED} ({study.label})")

# %%
trained_auc = own[own["metric"] == "auc"].set_index(["protocol", "target"])["mean"]
gain = [trained_auc[WINDOW, t] - trained_auc[GROUPS, t] for t in TARGETS]
print(f"{SUPERVISED}: window-wise is the higher one for every target:", bool(np.min(gain) > 0))

# %% [markdown]
# ## Why per participant?
#
# It looks simpler to pool all test windows, but under leave-one-participant-out that is a trap: a
# head that knows nothing can score below one half. So our tables average over people. Within a
# person they compare only windows that one head has judged, because the same trap waits there.
#
# Take a head that ignores the ECG and gives every window the training share of high ratings. It
# knows nothing. Yet when a person with many high ratings is left out, that share falls, and the
# left-out windows get a *lower* probability although more of them are high:

# %%
labels = label_matrix(meta, TARGETS)
for t, target in enumerate(TARGETS):
    blind = np.empty(len(meta))
    for train, test in LeaveOneParticipantOut().split(meta):
        blind[test] = labels[train, t].mean()
    windows_of = meta.groupby("participant").indices.values()
    of_person = [auc(labels[rows, t], blind[rows]) for rows in windows_of]
    print(f"{study.label}, {target}, AUC of a head that knows nothing")
    print(f"pooled {auc(labels[:, t], blind):.2f}, per participant {np.nanmean(of_person):.2f}")

# %% [markdown]
# Per participant it scores one half, as it should. A person whose ratings are all alike is dropped from the AUC and counted.
#
# One level down the trap waits wherever the folds *cut* a person, as window-wise ones do. Every
# fold has a head of its own. A window that is taken out for the test is missing from the training, so
# the head of its fold has seen a little less of its rating, of its person and of its trial. Across
# heads, a person's high windows come out lower than they should. Within one fold nothing of this
# remains: the same head judges both windows of a pair. What does the choice change?

# %% tags=["nbval-ignore-output"] reason="results of trained networks differ slightly between processors"
loose = predictions[(predictions["protocol"] == WINDOW) & (predictions["model"] != MAJORITY)]
ways = {"across heads": loose.assign(fold=0), "within folds (our tables)": loose}
by_way = {
    way: participant_metrics(rows, ["auc"]).groupby(["model", "target"])["value"].mean()
    for way, rows in ways.items()
}
choice = pd.DataFrame(by_way)
choice["change"] = choice.iloc[:, 1] - choice.iloc[:, 0]
choice.round(3).rename_axis(columns=f"AUC, {spoken(WINDOW)} ({study.label})")

# %% [markdown]
# Leave-one-participant-out keeps a person in one fold, so there both ways are the same.
#
# :::{dropdown} Quiz: A head that knows nothing scores *below* one half when windows of all people are pooled. Why?
# Leaving out a person with many high ratings lowers the training share, so the high windows get the
# lower probability. Within a person that cannot happen.
# :::
#
# ## Does pretraining help?
#
# Compare the pretrained encoder with the random one on the *same* participants, and take the difference
# within each. People differ more than models do; the difference removes them.

# %%
one_person = predictions[predictions["protocol"] == PERSON]
of = dict(list(one_person.groupby(["model", "regime"])))
pair = [of[STR, STRICT], of[RANDOM, "none"]]
metrics = ("auc", "balanced_accuracy")
n_intervals = len(metrics) * len(TARGETS)
options = {"n_resamples": study.profile.n_resamples}
difference = paired_difference(*pair, metrics, **options)
corrected = paired_difference(*pair, metrics, **options, n_intervals=n_intervals)

# %% mystnb={"image": {"alt": "Two panels, area under the ROC curve and balanced accuracy, with the mean difference and its interval for valence, arousal and dominance, and a dotted line at zero."}, "figure": {"caption": "Pretrained minus random encoder under leave-one-participant-out, paired by participant.", "name": "fig-results-paired"}}
fig = results_plots.paired_differences(difference, study.label)
fig

# %% tags=["hide-cell", "nbval-ignore-output"] reason="results of trained networks differ slightly between processors"
columns = ["mean", "low", "high", "n_participants"]
table = difference.set_index(["metric", "target"])[columns].round(3)
table = table.sort_index(level="metric", sort_remaining=False).rename(index=spoken, columns=spoken)
table.rename_axis(columns=f"{STR} minus {RANDOM} ({study.label})")

# %%
print(f"{study.label}: the pretrained encoder is better, interval above zero")
print("for at least one target:", bool((difference["low"] > 0).any()))
print(
    f"also with the level corrected for {n_intervals} intervals:",
    bool((corrected["low"] > 0).any()),
)

# %% [markdown]
# ## Does it matter that the pretext saw the test person?
#
# Pretraining uses no ratings. Is it cheating to let it see the test person's windows? It might be:
# features that fit this very heart may carry more. Whatever the sign of the difference, quote the
# strict score, which the tables above show: it needs no defence.
#
# We compare the same encoders in both roles. In the strict one the head gets the features of an
# encoder that never met the person, in the other those of one that saw the test windows.

# %% tags=["nbval-ignore-output"] reason="results of trained networks differ slightly between processors"
exposure = paired_difference(of[STR, SEEN], of[STR, STRICT], ("auc",), **options)
table = exposure.set_index(["metric", "target"])[columns].round(3)
table = table.rename(index=spoken, columns=spoken)
table.rename_axis(columns=f"the encoder saw the test windows, minus strict ({study.label})")

# %% [markdown]
# ## A control in which there is nothing to find
#
# That a method finds something proves little unless it also finds nothing where there is nothing to
# find. So we invent a second cohort, of other people, whose ECG does not depend on what they feel.
# The effect is exactly zero; all else is made as in the book's own cohort. The same encoders and
# the same evaluation go over it, and a network is trained from scratch on its ratings, in groups of people
# as above. This control is synthetic whatever file the rest of the page uses.
#
# Several intervals at 95 % would miss now and then by chance. We widen them so that *together* they
# hold with 95 % ({term}`Bonferroni's correction <Bonferroni correction>`).

# %%
null = results.null_predictions(study)
metrics = ("auc", "balanced_accuracy")
of_nothing = pd.concat([null, results.null_supervised_predictions(study)], ignore_index=True)
n_models = of_nothing["model"].nunique() - 1  # the majority has no interval of its own
n_intervals = n_models * len(TARGETS) * len(metrics)
nothing = summarise(of_nothing, metrics, n_intervals=n_intervals, **options)
nothing = nothing.sort_values("model", key=lambda m: m.map(MODELS.index), kind="stable")
no_effect = "synthetic, no effect"

# %% mystnb={"image": {"alt": "Points with horizontal intervals for three targets, with chance as a dotted line at one half, from a cohort in which there is nothing to find: two frozen encoders on the left, a network trained with labels on the right."}, "figure": {"caption": "Area under the ROC curve for new people where the signal does not depend on the ratings; intervals corrected for their number.", "name": "fig-results-null"}}
fig = results_plots.forest(nothing, "auc", no_effect)
fig

# %%
# With too few people there is no interval.
learnt = nothing[nothing["model"] != MAJORITY].dropna(subset="low")
covers = (learnt["low"] <= 0.5) & (learnt["high"] >= 0.5)
print(f"{no_effect}: {len(learnt)} intervals, corrected for {n_intervals}")
print("every one covers chance:", bool(covers.all()))

# %% [markdown]
# :::{dropdown} Quiz: A method finds nothing in the null cohort. Has it passed?
# One test of two. It must also find what is there: a method that always says one half passes this
# one.
# :::
#
# ## How small an effect would be found?
#
# Finding nothing says little if an effect would have been missed too. How far above one half must
# the true mean area lie for the interval of the tables to exclude one half four times in five?
# {numref}`fig-results-power` shows it for as many people as this study has. An interval that covers
# one half says "no effect larger than about this", and no more.
#
# The answer depends on the number of people, and on how much their areas differ. Near chance the {term}`null cohort`
# above shows how much: there the truth is one half for everyone, and all spread is noise.

# %% mystnb={"image": {"alt": "The power rises with the effect, one curve for the random encoder and one for the STR encoder, where it crosses the dotted line at 0.8, the effect is found four times in five."}, "figure": {"caption": "How often the interval of the tables leaves out chance, over the true effect, for as many people as this study has; the spread between people is that of the cohort without effect.", "name": "fig-results-power"}}
n_people = meta["participant"].nunique()
of_people = participant_metrics(null[null["model"] != MAJORITY], ["auc"])
spread = of_people.groupby(["model", "target"])["value"].std().groupby("model").mean()
effects = np.linspace(0, 0.2, 41)
curves = pd.DataFrame(
    {
        model: power.power_curves(value, [n_people], effects)[n_people]
        for model, value in spread.items()
    }
)
fig = results_plots.power_over_effect(curves, f"{n_people} people, spread: {no_effect}")
fig

# %% tags=["hide-cell", "nbval-ignore-output"] reason="results of trained networks differ slightly between processors"
rows = {
    model: {
        "spread": value,
        "an area of 0.55 is found in": power.power(0.05, value, n_people),
        "found in 80 %": 0.5 + power.detectable_effect(value, n_people),
    }
    for model, value in spread.items()
}
pd.DataFrame(rows).T.round(3).rename_axis(f"{n_people} people ({no_effect})")

# %%
missed = {model: power.power(0.05, value, n_people) < 0.5 for model, value in spread.items()}
for model, more_often in missed.items():
    print(f"{model}: a true area of 0.55 would be missed more often than found:", bool(more_often))

# %% [markdown]
# {doc}`08_statistics` draws the same curves for other numbers of people.
#
# ## What this shows, and what it does not
#
# **If this page says "synthetic"**, any effect was planted. Where a model finds it, that shows
# that the line from file to table works: labels reach the right windows, nothing leaks under
# leave-one-participant-out, and the intervals mean what they say. It shows *nothing* about emotions
# and hearts. The sizes of the effects are invented. Nor does
# it show that pretraining pays off on real recordings: an invented ECG is simpler than a real one.
# Even what window-wise gains is only as large as our invented people make it.
#
# **If this page says "DREAMER"**, the numbers are about real people. Expect
# leave-one-participant-out to lie near chance, with intervals that include it. This does not mean
# that the code has failed: the control above shows what the absence of an effect looks like. Nor
# does it prove that there is none: {numref}`fig-results-power` says how large an effect would have
# to be in order to be seen. Expect the window-wise rows to be higher, and do not quote them alone.
#
# ## What could go wrong
#
# - **Reading the best cell of a table.** With many models, targets and metrics, one looks good by
#   chance. Decide first, or correct for the number.
# - **Accuracy without the majority.** With unequal classes a model that ignores the ECG can look
#   respectable.
# - **Intervals over windows.** They would be several times too narrow, because windows of a person
#   repeat each other.
# - **Choosing the {term}`profile` by the test score.** The test score has then become a training score.
#
# ## Take-aways
#
# - Put the majority beside every number, and take intervals over participants.
# - Window-wise scores can also reward recognition of trials, and honest knowledge of people.
# - Compare windows that one head has judged.
# - A null cohort tests the evaluation itself, and says how small an effect would be seen.

# %% [markdown]
# ## Exercises
#
# **Exercise 6.1.** Compute the pooled area of the window-wise protocol, as the released code pools.
#
# :::{dropdown} Solution 6.1
# Pooled, windows of different people and different heads are compared. That rewards a model which knows
# which *person* rates high, so it may lie above the area within a person in the tables.
# :::

# %% tags=["solution", "nbval-ignore-output"] reason="results of trained networks differ slightly between processors"
window_wise = predictions[predictions["protocol"] == WINDOW]
in_one_pot = summarise(window_wise, ("auc",), pooled=True, **options)
table = in_one_pot.pivot(index="target", columns="model", values="mean").round(2)
print(f"{study.label}, pooled AUC, {spoken(WINDOW)}")
print(table.loc[list(TARGETS)].to_string())

# %% [markdown]
# **Exercise 6.2.** Does the supervised network beat the frozen STR encoder for new people?
#
# :::{dropdown} Solution 6.2
# Look at the interval before you answer, and remember that the supervised network had fewer people
# to learn from in each fold.
# :::

# %% tags=["solution", "nbval-ignore-output"] reason="results of trained networks differ slightly between processors"
grouped = supervised.query("protocol == @GROUPS and model == @SUPERVISED")
beside = paired_difference(grouped.assign(protocol=PERSON), pair[0], ["auc"], **options)
print(f"{study.label}, {SUPERVISED} minus {STR}")
print(beside.set_index("target")[["mean", "low", "high"]].round(2).to_string())

# %% [markdown]
# **Exercise 6.3.** How wide would the interval of an accuracy be if windows counted as independent?
#
# :::{dropdown} Solution 6.3
# Windows of a person repeat each other, so the interval over windows is too narrow. How much, the
# ratio says.
# :::

# %% tags=["solution", "nbval-ignore-output"] reason="results of trained networks differ slightly between processors"
by_window = of[STR, STRICT].query("target == 'valence'")
hit = (by_window["probability"] > 0.5) == by_window["truth"]
over_windows = 1.96 * hit.std() / len(hit) ** 0.5
row = summary.query("protocol == @PERSON and model == @STR and target == 'valence'")
row = row[row["metric"] == "accuracy"].iloc[0]
over_people = (row["high"] - row["low"]) / 2
print(
    f"{study.label}: ± {over_windows:.3f} over windows, ± {over_people:.3f} over people:", end=" "
)
print(f"{over_people / over_windows:.1f} times as wide")

# %% [markdown]
# **Exercise 6.4.** Where nothing is to be found, how many of the intervals of the null cohort would
# leave out chance if none were corrected? How likely is it that at least one does?
#
# :::{dropdown} Solution 6.4
# One in twenty of them, and the chance of at least one is far above 5 %: hence the correction. (The
# second number takes the intervals for independent, which they are not quite.)
# :::

# %% tags=["solution"]
print(f"expected of {n_intervals} intervals: {0.05 * n_intervals:.1f}")
print(f"at least one: {1 - 0.95**n_intervals:.0%}")

# %% [markdown]
# **Research question.** Suppose leave-one-participant-out gives an area of one half on DREAMER.
# Which result on the same file would convince you that the ECG holds *something* about feelings
# that this protocol can't show, and which control would convince a reviewer?
#
# ## What next
#
# Can these numbers be believed? {doc}`07_leakage` measures what each way of splitting the windows
# gives away. {doc}`../book/real-dreamer` says how to run all of this on the real file.
