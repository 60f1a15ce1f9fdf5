# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Do we need a network?
#
# ```{admonition} Before you start
# - **You will learn** what ten hand-made features of the heartbeat can do, which of them 10 s are
#   long enough for, what to do when one is missing, and how much of an accuracy is nothing but
#   knowing the person.
# - **You need first**: {doc}`06_results`.
# - **It takes** a quarter of a minute if the earlier chapters have run; a minute more the first
#   time.
# ```
#
# People have read the ECG without networks for a century. A doctor looks at the rhythm and at the
# shape of the beat. Both can be put in numbers, and a few numbers are enough for a simple
# classifier. A network that cannot beat them has learnt nothing new. So they belong in the same
# table, under the same splits, with the same intervals.
#
# There is an even simpler opponent, which uses no ECG at all. Some people rate almost every clip
# high, and a predictor that knows only this is right surprisingly often.

# %%
import numpy as np
import pandas as pd

from ecglib.core.process import tune_process
from ecglib.data.labels import TARGETS
from ecglib.evaluation.leave_out import LeaveOneParticipantOut
from ecglib.evaluation.predictions import append_predictions
from ecglib.evaluation.protocols import MAJORITY, ORACLE, PERSON_MAJORITY, RANDOM, SEEN, STR
from ecglib.evaluation.splits import WindowKFold
from ecglib.evaluation.summaries import paired_difference, participant_metrics, summarise
from ecglib.features.heartbeats import FEATURES, annotate_window, window_features
from ecglib.plots import baselines as baselines_plots
from ecglib.plots import results as results_plots
from ecglib.studies import results
from ecglib.studies.baselines import RELATIVE, classical_features, classical_predictions
from ecglib.studies.study import Study
from ecglib.transfer.classical import classifiers

tune_process()
study = Study()
meta, X, fs = study.usable.meta, study.usable.X, study.usable.fs
WINDOW, PERSON = WindowKFold.protocol, LeaveOneParticipantOut.protocol
print(f"data: {study.label}, profile: {study.profile.name}")

# %% [markdown]
# ## Ten numbers for ten seconds
#
# NeuroKit {cite}`makowski2021neurokit` finds the {term}`R peaks <R peak>`. The time from one to the next is the
# **{term}`RR interval`**; its mean gives the {term}`heart rate`, its changes the {term}`heart-rate variability <HRV>` (HRV). The
# beats laid over each other give a **median beat**, on which we measure heights and times.

# %%
table = classical_features(study)
whole = int(table.valid.sum(axis=1).argmax())  # a window in which nothing is missing

# %% mystnb={"image": {"alt": "Above, ten seconds of ECG with its R peaks marked and the intervals between them in milliseconds. Below, the beats of the window in grey, their median in black, and arrows for the heights of the P, R and T waves, the width of the R wave and the time from R to T."}, "figure": {"caption": "What is measured on one window.", "name": "fig-baselines-beat"}}
fig = baselines_plots.beat_features(annotate_window(X[whole], fs), fs, study.label)
fig

# %%
rate = table.values[whole, 0]
print(f"{study.label}: heart rate of this window {rate:.0f} per minute")
again = window_features(X[whole : whole + 1], fs)
print("the same when computed alone:", np.allclose(again.values[0], table.values[whole]))

# %% [markdown]
# Are 10 s long enough? It depends on the {term}`feature`. In 3,387 adults, {term}`RMSSD` from 10 s correlated with
# RMSSD from 4 to 5 minutes at 0.85, {term}`SDNN` only at 0.76 {cite}`munoz2015ultrashort`. The authors call
# 10 s valid for RMSSD and ask for 30 s for SDNN. pNN50 counts about ten differences, so it moves in
# steps of ten per cent. The powers of frequency bands, common in longer recordings, are left out:
# 10 s do not hold one cycle of the slowest rhythm of the low-frequency band
# {cite}`taskforce1996hrv`.

# %%
columns = {"name": "feature", "unit": "unit", "beats": "beats needed", "meaning": "meaning"}
listed = pd.DataFrame([vars(f) for f in FEATURES]).rename(columns=columns)
listed = listed.rename(columns={"in_ten_seconds": "measured in 10 s?"}).set_index("feature")
listed[["unit", "meaning", "beats needed", "measured in 10 s?"]]

# %% [markdown]
# ## When a feature is missing
#
# A {term}`window` with two beats has a heart rate but no variability, and a flat one has neither. Libraries
# answer such windows with an error or with NaN, and a NaN that is passed on ruins a mean three
# steps later. Here every table of features carries a **mask**. Its values are always finite, and
# the mask says which of them count. A value that no heart produces counts as missing, too.

# %%
noise = np.random.default_rng(0).normal(size=X.shape[1])
first_beats = np.where(np.arange(X.shape[1]) < 2.5 * fs, X[whole], X[whole][-1])
bad = {
    "flat": np.zeros(X.shape[1]),
    "noise": noise,
    "flat after 2.5 s": first_beats,
    "clipped": np.clip(X[whole], -0.5, 0.5),
    "upside down": -X[whole],
}
described = window_features(np.stack(list(bad.values())), fs)
print("every value finite:", bool(np.isfinite(described.values).all()))
print("flat: features found", int(described.valid[0].sum()))
same = np.array_equal(described.values[-1], again.values[0])
print("upside down: the same features as upright:", same)

# %%
# NBVAL_IGNORE_OUTPUT
# reason: how many features noise seems to have depends on the last digits of a filter
names = [f.name for f in FEATURES]
pd.DataFrame(np.where(described.valid, "yes", "–"), index=list(bad), columns=names)

# %% [markdown]
# Noise gets a heart rate as well. A detector finds peaks because it looks for peaks, so a feature
# that *exists* need not be *right*. That is why bad windows are flagged before
# ({doc}`02_windows`). How much is missing in our usable windows?

# %%
incomplete = (~table.valid).any(axis=1)
print(f"{study.label}: {len(table)} windows × {len(FEATURES)} features")
print("every value finite:", bool(np.isfinite(table.values).all()))
print(f"windows in which a feature is missing: {incomplete.sum()}")

# %% [markdown]
# Inside each {term}`fold` a missing value becomes the median of the *training* windows, and one more column
# tells the classifier that it was missing. The estimator itself never sees a NaN.
#
# ## Three classifiers, two versions
#
# {term}`Logistic regression <logistic regression>` draws a plane, the support vector machine (SVM) a curved surface, gradient
# boosting adds up small trees. Each comes as one pipeline, so the median, the scaling and the
# classifier are all fitted on the training windows of the fold. Nothing is tuned: with so few
# {term}`trials <trial>` a search over settings would mostly find luck.

# %%
for name, pipeline in classifiers().items():
    print(f"{name}: {' → '.join(type(step).__name__ for step in pipeline)}")

# %% [markdown]
# Differences between people are larger than differences between moods. A heart rate of 80 means
# calm in one person and excitement in another. The second version, **relative to the person**,
# subtracts from every feature the person's own mean over all of the person's windows. It needs no
# rating. But it needs the other windows of the test person, the later ones too, so it answers
# another question: not "what does this window say?" but "what does it say compared with the rest of
# this recording?". Its rows name that in their {term}`regime`.

# %%
classical = classical_predictions(study)
counts = classical.groupby(["model", "regime"]).size().rename("predictions")
counts.reset_index()

# %% [markdown]
# ## One table
#
# The rows of {doc}`06_results` and the new ones go into one frame, and through the same metrics.
# **Person {term}`majority <majority baseline>`** answers with the class that most windows of the same person have. {term}`Window-wise <window-wise>`
# it counts the person's training windows. For a new person nobody can know it, so under
# {term}`leave-one-participant-out <LOSO>` it counts the tested person's own ratings: it is an **{term}`oracle`** rather
# than a model, with the best {term}`accuracy` that one answer per person can reach.

# %%
predictions = append_predictions(results.predictions(study), classical)
HRV = list(classifiers())
RELATIVES = [name + RELATIVE for name in HRV]
models = [MAJORITY, PERSON_MAJORITY, *HRV, *RELATIVES, RANDOM, STR]
order = {model: place for place, model in enumerate(models)}
summary = summarise(predictions, ("auc", "accuracy"), n_resamples=study.profile.n_resamples)
summary = summary.sort_values("model", key=lambda m: m.map(order), kind="stable")


def as_text(summary: pd.DataFrame, metric: str) -> pd.DataFrame:
    """One row per protocol, model and regime, one column per target: mean [interval]."""
    rows = summary[summary["metric"] == metric].sort_values("protocol", kind="stable")
    text = [f"{r.mean:.2f} [{r.low:.2f}, {r.high:.2f}]" for r in rows.itertuples()]
    key = ["protocol", "model", "regime", "target"]
    table = rows.assign(text=text).set_index(key)["text"].unstack("target", sort=False)
    return table[list(TARGETS)].rename_axis(columns=f"{metric} ({study.label})")


# %%
# NBVAL_IGNORE_OUTPUT
# reason: results of trained networks differ slightly between processors
as_text(summary, "auc")

# %% mystnb={"image": {"alt": "Two panels of points with horizontal intervals, one per protocol, for three targets and five models, three of them on hand-made features and two networks, with chance as a dotted line at one half."}, "figure": {"caption": "Area under the ROC curve of hand-made features and networks under both protocols.", "name": "fig-baselines-forest"}}
seen = (summary["protocol"] == PERSON) & (summary["regime"] == SEEN)
drawn = summary["model"].isin([MAJORITY, *HRV, RANDOM, STR]) & ~seen
fig = results_plots.forest(summary[drawn], "auc", study.label)
fig

# %% [markdown]
# The HRV rows use all ten features, the shape as well as the rhythm. A random {term}`encoder` and a
# pretrained one see the same windows, sample by sample.
#
# ## Network or features?
#
# The honest comparison is within people: the same test windows, the same split, the difference for
# each person. We take the simplest of the three, logistic regression, against the encoder that has
# never met the person. To choose the best of three *after* looking would flatter the features.

# %%
new = predictions[predictions["protocol"] == PERSON]
by_model = dict(list(new[new["regime"] != SEEN].groupby("model")))
LOGISTIC = HRV[0]
options = {"n_resamples": study.profile.n_resamples}
difference = paired_difference(
    by_model[STR], by_model[LOGISTIC], ("auc", "balanced_accuracy"), **options
)

# %% mystnb={"image": {"alt": "Two panels, area under the ROC curve and balanced accuracy, with the mean difference and its interval for valence, arousal and dominance, and a dotted line at zero."}, "figure": {"caption": "Pretrained encoder minus logistic regression on ten features, new participants, paired by participant.", "name": "fig-baselines-paired"}}
fig = results_plots.paired_differences(difference, study.label)
fig

# %%
# NBVAL_IGNORE_OUTPUT
# reason: results of trained networks differ slightly between processors
areas = difference[difference["metric"] == "auc"].set_index("target")
print(f"{study.label}: targets for which the network is better, interval above zero")
print([t for t in TARGETS if areas.loc[t, "low"] > 0])
print("targets for which the ten features are better, interval below zero")
print([t for t in TARGETS if areas.loc[t, "high"] < 0])

# %% [markdown]
# **If this page says "synthetic"**, the answer was built in. Our invented people show what they
# feel through heart rate, variability and the size and width of waves. Features that measure these
# must do well, and a small network that trains for a few minutes has to rediscover them. It tells
# nothing about real people. A network that *loses* here, however, has missed effects that are
# there.
#
# What does the person's own mean add?

# %%
relative = paired_difference(by_model[LOGISTIC + RELATIVE], by_model[LOGISTIC], ["auc"], **options)
relative.set_index("target")[["mean", "low", "high", "n_participants"]].round(2)

# %% [markdown]
# ## What the base rate alone achieves
#
# Accuracy has a trap that the {term}`AUC` has not. We look at the two baselines that use no ECG.

# %%
blind = summary[summary["model"].isin([MAJORITY, PERSON_MAJORITY])]
as_text(blind, "accuracy")

# %% [markdown]
# For a new person the oracle can't be worse than the majority of all people, and what it gains is
# the person alone. Window-wise the person majority is no oracle: a model that recognises *who* it
# is can say the same, without regard to emotion. The AUC is not fooled: a model that gives all
# windows of a person the same answer cannot put them in order, and scores one half. (Window-wise it
# may be a little less. Each fold takes some windows out of the count. Where a person is near a
# draw, taking out a "high" one tips the answer to "low", which is wrong.)
#
# Beside the models, for new people:

# %%
# NBVAL_IGNORE_OUTPUT
# reason: results of trained networks differ slightly between processors
as_text(summary[summary["protocol"] == PERSON], "accuracy")

# %% [markdown]
# These are means over people. {numref}`fig-baselines-base-rate` shows the people.

# %%
of_person = participant_metrics(new[new["regime"] != SEEN], ["accuracy"])
keys = ["target", "participant"]
accuracy = of_person.pivot(index=keys, columns="model", values="value").reindex(TARGETS, level=0)
pair = accuracy[[PERSON_MAJORITY, LOGISTIC]].set_axis(["base_rate", "model"], axis=1).reset_index()

# %% mystnb={"image": {"alt": "Three scatter plots, for valence, arousal and dominance, with one dot per participant: the accuracy of logistic regression over the accuracy of the participant's own majority, and the diagonal."}, "figure": {"caption": "Accuracy of logistic regression on ten features for each new participant, against the accuracy of always giving that participant's commoner answer.", "name": "fig-baselines-base-rate"}}
fig = baselines_plots.against_base_rate(pair, LOGISTIC, study.label)
fig

# %%
better = (accuracy[LOGISTIC] > accuracy[PERSON_MAJORITY]).groupby("target").mean()
print(f"{study.label}: share of new people for whom {LOGISTIC} beats the person's base rate")
for target in TARGETS:
    print(f"{target}: {better[target]:.1f}")
oracle = new[new["regime"] == ORACLE]
print(
    "the oracle's AUC is one half for all:",
    set(participant_metrics(oracle, ["auc"])["value"].dropna()) == {0.5},
)

# %% [markdown]
# Dots under the diagonal are people for whom one constant answer would have been right more often
# than the model, which does not know their {term}`base rate`. If someone's resting heart looks to the model
# like another person's excited one, that person gets the wrong answer again and again. The relative
# version is meant to repair that.
#
# ## What could go wrong
#
# - **The baseline is left out**, or is weaker than need be. Then every network looks useful. Give
#   the opponent the same care, the same splits and the same windows.
# - **Features of ten seconds are taken for those of five minutes.** Reference values of SDNN don't
#   apply to them.
# - **A NaN becomes a zero** before the split. Then a missing heart rate is the lowest of all. A
#   median over *all* windows is better and still looks at the test.
# - **Detection errors become emotion.** One missed beat doubles an RR interval and makes RMSSD
#   explode. Intervals outside 0.3 to 2 s count as gaps here; others pass. People who move when they
#   are excited would give the classifier movement.
# - **The relative version is quoted as if it were the other.** It has seen the whole recording.
# - **The oracle is taken for a model.** It is a yardstick.
#
# ## Take-aways
#
# - Ten numbers and a plane are an opponent to take seriously, and they cost seconds.
# - What is missing is masked, filled inside the fold, and never NaN.
# - An accuracy means little unless you know what the person's base rate alone would score.

# %% [markdown]
# ## Exercises
#
# **1.** Is it the rhythm or the shape? Use only the first five features, then only the last five.
#
# :::{dropdown} Solution
# ```python
# from ecglib.features.heartbeats import BeatFeatures
# from ecglib.studies.baselines import ALONE
# from ecglib.transfer.classical import design_matrix
# from ecglib.evaluation.crossval import evaluate_estimator
#
# for part, columns in {"rhythm": slice(5), "shape": slice(5, None)}.items():
#     half = BeatFeatures(table.values[:, columns], table.valid[:, columns])
#     rows = evaluate_estimator(
#         classifiers()[LOGISTIC], design_matrix(half), meta, LeaveOneParticipantOut(), TARGETS,
#         model=part, regime=ALONE,
#     )
#     print(part, participant_metrics(rows, ["auc"]).groupby("target")["value"].mean().round(2))
# ```
# :::
#
# **2.** The relative version sees a person's later windows. How much is left if the mean may only
# come from the windows of the person's *earlier* clips?
#
# :::{dropdown} Solution
# ```python
# order = meta.sort_values(["participant", "clip", "start"]).index
# known = pd.DataFrame(np.where(table.valid, table.values, np.nan)).loc[order]
# by_trial = known.groupby([meta["participant"], meta["clip"]]).mean()
# before = by_trial.groupby("participant").transform(lambda c: c.expanding().mean().shift())
# ```
# Subtract the row of the window's trial in `before`. The first clip has none; leave it out. The
# clips stand in the order of their numbers here; use the order of presentation if you know it.
# :::
#
# **3.** Why is the person majority no fair opponent under leave-one-participant-out?
#
# :::{dropdown} Solution
# It counts the ratings that are to be predicted. It belongs in the table as a ceiling for models
# that always give the same answer, not as a score to beat before publication.
# :::
#
# ## What next
#
# {doc}`10_released` takes the protocol of the released code, and adds its defects one by one.
# {doc}`../book/real-dreamer` says how to run all of this on the real file.
