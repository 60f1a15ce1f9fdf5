# ---
# jupyter:
#   jupytext:
#     notebook_metadata_filter: kernelspec,-jupytext.text_representation.jupytext_version
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Rest or arithmetic
#
# ```{opening} fig-real-pooling
# Does an encoder that learnt from unlabelled ECG help to tell mental arithmetic from rest in a person never
# seen, and how much of that is just heart rate?
# ```
#
# ```{admonition} Before you start
# - **You will learn** whether an encoder that learnt from unlabelled ECG helps to tell mental
#   arithmetic from rest in a person whom neither encoder nor head has seen, how much of that is heart
#   rate, and what is lost when the published network keeps only maxima.
# - **You need first**: {doc}`06_results` and {doc}`16_real_transformations`.
# - **It takes** a few seconds. The trainings took longer: their results come with the project, in
#   `results/`, and `make real` computes them again from open recordings.
# ```
#
# Neither of the two open datasets used here has ratings of {term}`valence` or {term}`arousal`. One has a label of a
# person's **state**: in eegmat {cite}`zyma2019eegmat` 36 healthy young adults rested for three minutes and then subtracted
# numbers in their heads for one. That is cognitive load, not emotion, and it is confounded: rest
# always came first, with the eyes closed. Whatever separates the two recordings may be due to time,
# to posture or to the eyes. So this chapter says how the method behaves on real hearts. It doesn't say
# that emotions are in the ECG.

# %%
import numpy as np
import pandas as pd
from IPython.display import Markdown

from ecglib.evaluation.protocols import ALL, CONTRASTIVE, FROZEN, RANDOM, STR
from ecglib.plots import real as real_plots
from ecglib.studies import stages
from ecglib.studies.real import BOTH, CLINIC, OWN
from ecglib.studies.real_features import ENCODER, TEN
from ecglib.studies.real_findings import (
    PROTOCOLS,
    choices,
    efficiency,
    findings,
    questions,
)
from ecglib.studies.real_scores import LOSO
from ecglib.studies.real_tables import (
    differences,
    person_means,
    select,
    shipped,
    summarise_real,
    verdict,
)

scores = shipped(stages.REAL_SCORES)
probes = shipped(stages.REAL_PROBES)
pooled = shipped(stages.POOLING_SCORES)
about = scores.attrs["provenance"]
one = select(scores, {"features": "heart rate", "protocol": LOSO, "labelled": ALL})
print(f"made {about['made'][:10]}, scored on {about['environment']['processor']}")
print(
    f"people: {one['participant'].nunique()}, of whom {one['auc'].notna().sum()} have both states"
)
print(f"windows: {one['rest'].sum()} of rest, {one['arithmetic'].sum()} of arithmetic")

# %% [markdown]
# Four recordings have no usable ECG. They fail the quality check, which looks at the signal and at no
# label; their people still help to train, but only people with both states can be scored. The score is
# the {term}`area under the ROC curve <AUC>` **within a person**, averaged over people: how often a {term}`window` of
# arithmetic ranks above a window of rest of the same person. It needs no threshold, so it does not
# matter that one heart is always faster than another. {term}`Balanced accuracy <balanced accuracy>`, in the last column of the
# next table, uses one threshold for everybody, and is therefore much lower.
#
# ## What is compared
#
# - **{term}`Heart rate <heart rate>`** alone, and **ten {term}`features <feature>`** of the heartbeat ({doc}`09_baselines`).
# - **Random** {term}`encoders <encoder>`, which were never trained (three {term}`seeds <seed>`).
# - **{term}`STR`** and **{term}`contrastive <contrastive learning>`** encoders ({doc}`04_pretraining`, {doc}`12_contrastive`) that learnt
#   from patients of the clinic, from other people of eegmat, or from both. The clinic gives three
#   encoders with different seeds. For the others the people of eegmat are cut into three groups; each
#   encoder learns from two of them and is tested on the third.
# - Whole networks that are **{term}`fine-tuned <fine-tuning>`** from STR, or trained **from scratch** with the same budget.
#
# All {term}`heads <head>` are the same: a {term}`logistic regression` on standardised features, whose penalty grows with
# the number of features, so that one feature and a hundred have the same chance. Nothing is tuned.
# Everything is tested on people whom neither the head nor the encoder has seen; an audit
# ({doc}`07_leakage`) checks every fold before it is scored. Training whole networks is expensive, so
# for them a sixth of the people is left out at a time instead of one person. The table is long, so it is
# folded; the figures below and the findings at the end hold its main rows.

# %% mystnb={"code_prompt_show": "Show {type}: the scores of all rivals"}
named = choices(scores)
shown = {
    "heart rate": "heart rate",
    "ten features": "ten features",
    "random, maximum": "random max",
    "random, mean": "random mean",
    "STR, maximum (as published)": "STR max",
    "STR, mean": "STR mean",
    "contrastive, maximum": "contrastive max",
    "contrastive, mean": "contrastive mean",
    "STR, mean, and ten features": "STR mean and ten features",
    "STR, fine-tuned": "STR tuned",
    "STR, fine-tuned, mean": "STR tuned mean",
    "contrastive, fine-tuned": "contrastive tuned",
    "from scratch": "scratch",
    "from scratch, mean": "scratch mean",
}
rows = []
for name, choice in shown.items():
    chosen = select(scores, named[choice]).assign(rival=name)
    rows.append(summarise_real(chosen, ["rival"]))
table = pd.concat(rows, ignore_index=True).set_index("rival")
print("rest or arithmetic, eegmat: mean AUC within a person, 95 % interval over people;")
print("balanced accuracy over the windows of all people. Chance is 0.5 for both.")
print(table[["mean", "low", "high", "balanced_accuracy"]].round(3).to_string())

# %% [markdown]
# "STR, mean" was trained with the maximum, as published, and is read with the mean; whole networks
# called "mean" were trained with it. Windows are scaled by each person's own mean and standard
# deviation, over both recordings and without a label: heads and encoders have not seen the tested
# person, but this scaling has. Intervals are about people; they hold for these encoders. The
# first fold shows what another seed gives, the second how far whole networks were trained.

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show {type}: the mean AUC of each seed"}
spread = {}
for name in ("random, maximum", "random, mean", "STR, maximum (as published)", "STR, mean"):
    by_seed = select(scores, named[shown[name]]).groupby("seed")["auc"].mean()
    spread[name] = by_seed.round(3).tolist()
for name, means in spread.items():
    print(f"{name}: {means}")

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show {type}: the training loss of whole networks"}
tuned = scores.dropna(subset=["loss"])
losses = tuned.groupby(["transfer", "pretext", "trained", "labelled"], sort=False)["loss"].mean()
print("training loss of whole networks, last epoch; a coin has", f"{np.log(2):.3f}:")
print(losses.unstack().round(3).to_string(na_rep=""))
print("all well below a coin's:", bool((losses < 0.8 * np.log(2)).all()))

# %% [markdown]
# :::{dropdown} Quiz: Heart rate alone scores as high as an encoder. Is the encoder useless?
# For this question it adds nothing that can be shown. It may still hold other things; ask whether
# both together beat heart rate.
# :::
#
# ## Fewer labels
#
# {term}`Self-supervision <self-supervised learning>` is for those who have few labels. In {numref}`fig-real-labels` only some people's
# labels are used; they are drawn anew for every tested person, five times, always from those who
# are not tested; for whole networks only once, since they are expensive to train. The last point
# uses everybody else: 35 people where one is left out, 30 where a sixth is. The {term}`intervals <confidence interval>` are about
# tested people; they leave out the draw.

# %% mystnb={"image": {"alt": "Seven curves of the area under the ROC curve over 2, 5, 10, 20 and all labelled people on a logarithmic axis, with intervals. It shows how many labelled people each kind of features needs, and what heart rate reaches with them."}, "figure": {"caption": "Rest or arithmetic in a person never seen, by the number of people whose labels are used. Real recordings (eegmat); 95 % intervals over people.", "name": "fig-real-labels"}}
curves = efficiency(scores)
fig = real_plots.label_efficiency(curves, "eegmat, real recordings")
fig

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show {type}: the curves as numbers"}
few = curves.pivot(index="rival", columns="people", values="mean")
print(few.reindex(curves["rival"].unique()).round(3).to_string(na_rep=""))
fewest = int(few.columns[0])
best = few[fewest].idxmax()
print(f"with the labels of {fewest} people, best: {best}")
tuned, scratch = few.loc["STR, fine-tuned"], few.loc["from scratch"]
for people in [n for n in few.columns if np.isfinite(tuned[n])]:
    print(
        f"{people} people: fine-tuned STR minus from scratch {tuned[people] - scratch[people]:+.3f}"
    )

# %% [markdown]
# ## What the encoder can't see
#
# The published network ends in a **maximum over time**: of each feature map it keeps the largest value,
# wherever it is. A heart that beats twelve times and one that beats nine times in the window give the
# same maximum if their beats look the same. The **mean** over time of the same maps counts beats, more
# or less. No weight changes. {numref}`fig-real-pooling` compares four ways to read the maps: the
# **maximum**, the **mean**, **both** side by side, and **two time scales**: the mean over the window
# beside the mean of the maxima of its seconds.

# %% mystnb={"image": {"alt": "Three rows, random, STR and contrastive, each with four marks with intervals on an axis of the area under the ROC curve: maximum, mean, both, and two time scales. A dashed line is heart rate. It shows what the choice of one line of the network is worth, beside heart rate."}, "figure": {"caption": "The same frozen encoders, read with four poolings. Real recordings (eegmat); all were trained with the maximum.", "name": "fig-real-pooling"}}
own = scores[(scores["features"] == ENCODER) & (scores["transfer"] == FROZEN)]
own = own[(own["protocol"] == LOSO) & (own["labelled"] == ALL) & (own["trained"] == "max")]
own = own[own["source"].isin([CLINIC, "nobody"])]
short = own.groupby("pretext")["views"].transform("min") == own["views"]
poolings = summarise_real(own[short].assign(panel="eegmat"), ["panel", "pretext", "pooling"])
rate = table.loc["heart rate", "mean"]
fig = real_plots.pooling_dots(poolings, "eegmat, real recordings", {"heart rate": rate})
fig

# %% [markdown]
# ### The same on invented people
#
# Here is the same change of one line on the invented cohort, where the planted effect of arousal is
# on heart rate and that of valence on the shape of the beat. So the mean should help where the rate tells,
# and need not help where the shape does.

# %% mystnb={"image": {"alt": "Three panels, one a target, each with three rows of four marks with intervals: random, STR and contrastive encoders read with four poolings on synthetic people. It shows for which planted effect the mean tells more than the maximum."}, "figure": {"caption": "The same on synthetic people: ratings of new people from frozen encoders.", "name": "fig-real-pooling-synthetic"}}
synthetic = summarise_real(
    pooled[pooled["trained"] == "max"].assign(panel=lambda t: t["target"]),
    ["panel", "pretext", "pooling"],
)
fig = real_plots.pooling_dots(synthetic, "synthetic")
fig

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show {type}: encoders that were trained with the mean"}
trained = pooled[(pooled["trained"] == "mean") | (pooled["pooling"] == "mean")]
trained = trained[trained["pretext"] != RANDOM]
print("synthetic: read with the mean, trained with the maximum or with the mean, mean AUC")
print(trained.pivot_table(index=["pretext", "trained"], columns="target", values="auc")
      .round(3).to_string())  # fmt: skip

# %% [markdown]
# ### What a pooling loses
#
# What does a {term}`pooling` lose? From the features of an encoder, a linear model predicts heart rate and two
# measures of its variability, {term}`RMSSD` (from beat to beat) and {term}`SDNN` (over the whole window), in people who
# were left out. {numref}`fig-real-probes` shows how well it follows them
# within a person.

# %% mystnb={"image": {"alt": "Three panels of bars: correlation with heart rate, with RMSSD and with SDNN, for random, STR and contrastive encoders read with four poolings. It shows which measure of the rhythm each pooling keeps."}, "figure": {"caption": "What a linear model reads from frozen features of people who were left out: correlation with the measured value within a person. Real recordings (eegmat).", "name": "fig-real-probes"}}
measures = {"heart_rate": "heart rate", "rmssd": "RMSSD", "sdnn": "SDNN"}
read = probes[(probes["features"] == ENCODER) & (probes["trained"] == "max")]
read = read[read["measure"].isin(measures)]
bars = summarise_real(read, ["measure", "pretext", "pooling"], "value", bounds=(-1, 1))
fig = real_plots.probe_bars(bars, measures, [RANDOM, STR, CONTRASTIVE], "eegmat, real recordings")
fig

# %% [markdown]
# :::{dropdown} Quiz: Why can the mean over time tell the heart rate and the maximum can't?
# Each beat adds to a mean. A maximum keeps the best fit once, however often it occurs.
# :::
#
# ## What each choice changes
#
# The questions were fixed before these tables were made, but after a first look at some of the same
# scores, so they are no blind test. Differences are paired within
# people, the intervals hold together, and p-values are corrected for their number (Holm).

# %% mystnb={"image": {"alt": "A forest of paired differences, one row a question, with corrected intervals around a line at zero; filled marks leave out zero. It shows which choices change the score on real hearts and which cannot be told apart."}, "figure": {"caption": "Paired differences of the area under the ROC curve, corrected for all questions. Real recordings (eegmat).", "name": "fig-real-differences"}}
tests = differences(scores, questions(scores))
fig = real_plots.difference_forest(tests, "eegmat, real recordings")
fig

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show {type}: the answers in words"}
p_value = tests.set_index("question")["p_holm"]
answers = tests.set_index("question")[["mean"]].round(3)
answers["p (Holm)"] = p_value.map("{:.3f}".format).where(p_value >= 0.001, "< 0.001")
answers["first is"] = [verdict(row) for _, row in tests.iterrows()]
print(answers.to_string())

# %% tags=["hide-input"]
beaten = [q for q, row in zip(tests["question"], tests.to_dict("records"), strict=True)
          if q.endswith("− heart rate") and row["low"] > 0]  # fmt: skip
print("heart rate is beaten by:", ", ".join(beaten) or "nothing that was tried")
print(f"questions: {len(tests)}, decided: {(answers['first is'] != 'not decided').sum()}")

# %% [markdown]
# ## Can it be believed?
#
# Four checks: of the split, of the person, of the data that the encoders learnt from, and of the leads.
#
# ### The split
#
# {numref}`fig-real-protocols` scores the same features under three splits. Leaving out
# single windows keeps the person on both sides. Leaving out a single *recording* errs the other
# way and scores too low: each person has one recording of each state, so the only training recording of
# the tested person is in the *other* state, and a head that recognises the person answers with that
# one.

# %% mystnb={"image": {"alt": "Rows of features from heart rate to encoders, each with three marks of balanced accuracy: single windows, single recordings, whole people left out. It shows how much a split that keeps people on both sides flatters each kind of features."}, "figure": {"caption": "The same features under three splits: a tenth of the windows, a tenth of the recordings, or one person left out. Real recordings (eegmat).", "name": "fig-real-protocols"}}
parts = []
for name in list(shown)[:8]:
    selection = {k: v for k, v in named[shown[name]].items() if k != "protocol"}
    chosen = select(scores, selection)
    chosen = chosen[chosen["protocol"].isin(PROTOCOLS)]
    parts.append(summarise_real(chosen.assign(rival=name), ["rival", "protocol"]))
by_split = pd.concat(parts, ignore_index=True)
by_split["protocol"] = pd.Categorical(by_split["protocol"].map(PROTOCOLS), PROTOCOLS.values())
fig = real_plots.protocols(
    by_split.sort_values("protocol", kind="stable"), "eegmat, real recordings"
)
fig

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show {type}: the three splits as numbers"}
wide = by_split.pivot(index="rival", columns="protocol", values="balanced_accuracy")
wide["windows − people"] = wide["single windows"] - wide["whole people"]
print(wide.loc[list(shown)[:8]].round(3).to_string())

# %% [markdown]
# :::{dropdown} Quiz: Leaving out single recordings scores *below* leaving out people. How can a looser split be harder?
# The only training recording of the tested person is in the other state. A head that recognises the
# person answers with that one, and is wrong.
# :::
#
# ### The person
#
# Features may tell who somebody is. A linear discriminant learns people from one of
# their recordings and names the person of each window of the other. Features that can do this let a
# head recognise people instead of states, wherever the split allows it.

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show {type}: how often the person is named"}
identity = probes[probes["measure"] == "identity"]
identity = identity[(identity["features"] == TEN) | (identity["trained"] == "max")]
who = summarise_real(identity, ["features", "pretext", "pooling"], "value")
n_people = one["participant"].nunique()
print(f"share of windows given to the right one of {n_people} people, in the other recording;")
print(f"guessing gives {1 / n_people:.3f}")
print(
    who[["features", "pretext", "pooling", "mean", "low", "high"]].round(3).to_string(index=False)
)
untrained = who.loc[who["pretext"] == RANDOM, "mean"].max()
print("a random encoder names most windows' people, untrained:", bool(untrained > 0.5))

# %% [markdown]
# ### The source
#
# Encoders that learnt from other people of eegmat, or from both sets, have seen the
# {term}`recorder` and the situation, though not the person. The table has their scores beside those of encoders
# from the clinic.

# %%
source_rows = []
for pretext in (STR, CONTRASTIVE):
    for pooling in ("max", "mean"):
        of = {"clinic": f"{pretext} {pooling}", OWN: f"{pretext} {pooling} from {OWN}",
              BOTH: f"{pretext} {pooling} from {BOTH}"}  # fmt: skip
        means = {name: person_means(scores, named[choice]).mean() for name, choice in of.items()}
        source_rows.append({"pretext": pretext, "pooling": pooling, **means})
print(pd.DataFrame(source_rows).round(3).to_string(index=False))

# %% [markdown]
# ### The leads
#
# {doc}`16_real_transformations` found people whose lead is upside down. Nothing was
# done about them here: a network that learnt from upright leads meets a strange heart. The scores
# of the others follow; they were looked at after the fact, so they are only a hint.

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show {type}: the scores without leads that are upside down"}
leads = []
for name in (
    "heart rate",
    "STR, maximum (as published)",
    "STR, mean",
    "from scratch",
    "from scratch, mean",
):
    chosen = (
        select(scores, named[shown[name]]).groupby(["participant", "lead"])["auc"].mean().dropna()
    )
    chosen = chosen.reset_index()
    down = chosen["lead"] == "lead upside down"
    leads.append(
        {
            "rival": name,
            "all": chosen["auc"].mean(),
            "median": chosen["auc"].median(),
            "without upside down": chosen.loc[~down, "auc"].mean(),
            "upside down": " ".join(f"{value:.2f}" for value in chosen.loc[down, "auc"]),
        }
    )
print(pd.DataFrame(leads).round(3).to_string(index=False))

# %% [markdown]
# `WindowConfig(turn=True)` turns such leads first.
#
# ## What we found
#
# Three findings. The code takes the numbers and the verdicts from the tables above.

# %%
Markdown("\n".join(f"- {sentence}" for sentence in findings(scores)))

# %% [markdown]
# The recordings are open, under the Open Data Commons Attribution License 1.0, from PhysioNet: eegmat
# {cite}`zyma2019eegmat` and MIT-BIH {cite}`moody2001mitbih`.
#
# ```{admonition} What may not be concluded
# :class: warning
# - That emotions are in the ECG: this is cognitive load.
# - That it is the arithmetic: rest came first, with closed eyes.
# - That it holds for others: these are 36 young people, most of them women, and 32 are scored.
# ```
#
# ## What could go wrong
#
# Each of these mistakes makes an encoder look better than it is, or its opponent worse.
#
# - **A straw man.** Training from scratch with too few steps loses to anything. Here its training
#   loss is printed beside that of a coin.
# - **Mixing the scores of several heads.** When single windows are left out, the windows of one
#   person are judged by different heads ({doc}`07_leakage`). So all areas of this chapter come from
#   splits that keep each person's windows together; for the other splits it shows the balanced
#   accuracy.
# - **Too many questions.** Every question of the forest counts in the correction, even the dull ones.
#
# ## Take-aways
#
# - Put heart rate beside every encoder.
# - How a network pools over time decides which part of the rhythm its features can hold.
# - Ask which questions were planned, and how many; then look at the intervals. "Not decided" does not
#   mean equal: with few people and many questions an interval is wide.

# %% [markdown]
# ## Exercises
#
# **Exercise 17.1.** Which of the ten features alone would come closest to heart rate? What would
# you need to compute it?
#
# :::{dropdown} Solution 17.1
# One that follows the rate, such as the time from R to T, which becomes shorter as the heart beats
# faster. The tables hold scores of all ten together, so you would need the windows of eegmat:
# `ecglib fetch` brings the recordings, `window_features` measures them, and each column is scored
# within a person like heart rate.
# :::
#
# **Exercise 17.2.** Read the STR encoder with the mean, with the labels of two people. How much
# does the score depend on *which* two?
#
# :::{dropdown} Solution 17.2
# Each row is another draw. The intervals of the figure leave this out.
# :::

# %% tags=["solution"]
chosen = scores[(scores["pretext"] == STR) & (scores["pooling"] == "mean")]
by_draw = chosen[chosen["labelled"] == "2"].groupby("draw")["auc"].mean()
print(by_draw.round(3).to_string())

# %% [markdown]
# **Exercise 17.3.** How much narrower would an interval of the forest be if its question had been
# the only one?
#
# :::{dropdown} Solution 17.3
# By the ratio of two quantiles. Dull questions make the others less certain, so leave them out of
# the plan.
# :::

# %% tags=["solution"]
from scipy.stats import t as student

n_scored = int(one["auc"].notna().sum())
alone, together = (student.ppf(1 - 0.025 / n, n_scored - 1) for n in (1, len(tests)))
print(f"{n_scored} people, {len(tests)} questions: {alone / together:.0%} of its width")

# %% [markdown]
# **Research question.** Rest came first and with closed eyes, so state, time and eyes can't be
# parted here. Which recording, with the same recorder and the fewest people, would part them, and
# which of the three findings above would you expect to survive?
#
# ## What next
#
# This is the last chapter. {doc}`../book/real-dreamer` puts DREAMER itself behind the
# first fourteen, and {doc}`../book/datasets` lists other sets that the library reads.
