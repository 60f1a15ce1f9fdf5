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
# ```{opening} fig-baselines-paired
# Does a pretrained network read more from ten seconds of ECG than ten numbers measured by hand?
# ```
#
# ```{admonition} Before you start
# - **You will learn** what ten hand-made features of the heartbeat can do, which of them 10 s are
#   long enough for, what to do when one is missing, and how much of an accuracy is nothing but
#   knowing the person.
# - **You need first**: {doc}`06_results`.
# - **It takes** half a minute if it has run before, and longer the first time, when the beats of every
#   window are measured. For the book's own cohort the predictions from these features come with the
#   project, in `results/`; for other data they are computed first.
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
from ecglib.evaluation.intervals import mean_and_interval
from ecglib.evaluation.leave_out import LeaveOneParticipantOut
from ecglib.evaluation.predictions import append_predictions
from ecglib.evaluation.protocols import MAJORITY, ORACLE, PERSON_MAJORITY, RANDOM, SEEN, STR
from ecglib.evaluation.splits import WindowKFold
from ecglib.evaluation.summaries import paired_difference, participant_metrics, summarise
from ecglib.features.heartbeats import FEATURES, annotate_window, window_features
from ecglib.plots import baselines as baselines_plots
from ecglib.plots import results as results_plots
from ecglib.plots.palette import spoken
from ecglib.studies import excerpt, results
from ecglib.studies.baselines import RELATIVE, classical_features, classical_predictions
from ecglib.studies.before_clip import MINUS_BASELINE, baseline_relative_predictions
from ecglib.studies.published import published_results
from ecglib.studies.restricted import example_label, example_note, example_study
from ecglib.studies.study import Study
from ecglib.transfer.classical import classifiers

tune_process()
study = Study()
meta, X, fs = study.usable.meta, study.usable.X, study.usable.fs
WINDOW, PERSON = WindowKFold.protocol, LeaveOneParticipantOut.protocol
print(f"data: {study.label}, profile: {study.profile.name}")
example, example_name = example_study(study), example_label(study)
print(example_note(study), end="")

# %% [markdown]
# ## Ten numbers for ten seconds
#
# NeuroKit {cite}`makowski2021neurokit` finds the {term}`R peaks <R peak>`. The time from one to the next is the
# **{term}`RR interval`**; its mean gives the {term}`heart rate`, its changes the {term}`heart-rate variability <HRV>` (HRV). The
# beats laid over each other give a **median beat**, on which we measure heights and times.

# %%
table = classical_features(study)
measured = table if example is study else window_features(example.usable.X[:64], fs)
whole = int(measured.valid.sum(axis=1).argmax())  # a window in which nothing is missing
x = example.usable.X[whole]

# %% mystnb={"image": {"alt": "Above, ten seconds of ECG with its R peaks marked and the intervals between them in milliseconds. Below, the beats of the window in grey, their median in black, and arrows for the heights of the P, R and T waves, the width of the R wave and the time from R to T."}, "figure": {"caption": "What is measured on one window.", "name": "fig-baselines-beat"}}
fig = baselines_plots.beat_features(annotate_window(x, fs), fs, example_name)
fig

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show {type}: the heart rate of this window"}
rate = measured.values[whole, 0]
print(f"{example_name}: heart rate of this window {rate:.0f} per minute")
again = window_features(x[None], fs)
print("the same when computed alone:", np.allclose(again.values[0], measured.values[whole]))

# %% [markdown]
# ### Are ten seconds long enough?
#
# It depends on the {term}`feature`. In 3,387 adults, {term}`RMSSD` from 10 s correlated with
# RMSSD from 4 to 5 minutes at 0.85, {term}`SDNN` only at 0.76 {cite}`munoz2015ultrashort`. The authors call
# 10 s valid for RMSSD and ask for 30 s for SDNN.
#
# pNN50 counts about ten differences, so it moves in
# steps of ten per cent. The powers of frequency bands, common in longer recordings, are left out:
# 10 s do not hold one cycle of the slowest rhythm of the low-frequency band
# {cite}`taskforce1996hrv`.

# %%
pd.set_option("display.max_colwidth", None)  # whole meanings
columns = {"name": "feature", "unit": "unit", "beats": "beats needed", "meaning": "meaning"}
listed = pd.DataFrame([vars(f) for f in FEATURES]).rename(columns=columns)
listed = listed.rename(columns={"in_ten_seconds": "measured in 10 s?"}).set_index("feature")
listed[["unit", "meaning", "beats needed", "measured in 10 s?"]]

# %% [markdown]
# :::{dropdown} Quiz: A paper quotes norm values of SDNN from five minutes. May you use them for your windows?
# No. SDNN grows with the length of the recording, and ten seconds correlate with it only in part.
# :::
#
# ## When a feature is missing
#
# A {term}`window` with two beats has a heart rate but no variability, and a flat one has neither. Libraries
# answer such windows with an error or with NaN, and a NaN that is passed on ruins a mean three
# steps later. Here every table of features carries a **mask**. Its values are always finite, and
# the mask says which of them count. A value that no heart produces counts as missing, too. Inside each
# {term}`fold` a missing value becomes the median of the *training* windows, and one more column tells the
# classifier that it was missing, so the estimator itself never sees a NaN.

# %%
noise = np.random.default_rng(0).normal(size=x.size)
first_beats = np.where(np.arange(x.size) < 2.5 * fs, x, x[-1])
bad = {
    "flat": np.zeros(x.size),
    "noise": noise,
    "flat after 2.5 s": first_beats,
    "clipped": np.clip(x, -0.5, 0.5),
    "upside down": -x,
}
described = window_features(np.stack(list(bad.values())), fs)
print("every value finite:", bool(np.isfinite(described.values).all()))
print("flat: features found", int(described.valid[0].sum()))
same = np.array_equal(described.values[-1], again.values[0])
print("upside down: the same features as upright:", same)

# %% tags=["nbval-ignore-output"] reason="how many features noise seems to have depends on the last digits of a filter"
names = [f.name for f in FEATURES]
pd.DataFrame(np.where(described.valid, "yes", "–"), index=list(bad), columns=names).T

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
# :::{dropdown} Quiz: A window of pure noise gets a heart rate of 90. Is the detector broken?
# No. It looks for peaks and finds the highest ones. That a feature exists does not mean that it is
# right; flag the window first.
# :::
#
# ## Three classifiers, three versions
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
#
# The third version asks for less. DREAMER holds about a minute of neutral **baseline** before each
# clip. **Minus baseline** subtracts from every feature its mean over the baseline of the same trial.
# All it needs of a new person comes before the clip. Both are scaled together, so heights may be
# subtracted too. It is tested on new people only.

# %%
classical = append_predictions(classical_predictions(study), baseline_relative_predictions(study))
counts = classical.groupby(["model", "regime"]).size().rename("predictions")
counts.rename(index=spoken).reset_index()

# %% [markdown]
# :::{dropdown} Quiz: Why does the relative version belong in a row of its own?
# It uses the person's other windows, later ones too. It answers another question, and can't run in
# real time.
# :::
#
# ## One table
#
# The rows of {doc}`06_results` and the new ones go into one frame, and through the same metrics.
# **Person {term}`majority <majority baseline>`** answers with the class that most windows of the same person have. {term}`Window-wise <window-wise>`
# it counts the person's training windows. For a new person nobody can know it, so under
# {term}`leave-one-participant-out <LOSO>` it counts the tested person's own ratings: it is an **{term}`oracle`** rather
# than a model, with the best {term}`accuracy` that one answer per person can reach. The table has a row
# for every model and is folded; the figure below it shows the rows that matter most.

# %%
predictions = append_predictions(results.predictions(study), classical)
HRV = list(classifiers())
RELATIVES = [name + ending for ending in (RELATIVE, MINUS_BASELINE) for name in HRV]
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
    table = table[list(TARGETS)].rename(index=spoken)
    return table.rename_axis(columns=f"{metric} ({study.label})")


# %% tags=["nbval-ignore-output"] reason="results of trained networks differ slightly between processors" mystnb={"code_prompt_show": "Show {type}: the AUC of every row"}
as_text(summary, "auc")

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels of points with horizontal intervals, one per protocol, for three targets and five models, three of them on hand-made features and two networks, with chance as a dotted line at one half."}, "figure": {"caption": "Area under the ROC curve of hand-made features and networks under both protocols.", "name": "fig-baselines-forest"}}
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

# %% tags=["hide-input", "nbval-ignore-output"] reason="results of trained networks differ slightly between processors"
areas = difference[difference["metric"] == "auc"].set_index("target")
print(f"{study.label}: targets for which the network is better, interval above zero")
print(" ", ", ".join(t for t in TARGETS if areas.loc[t, "low"] > 0) or "none")
print("targets for which the ten features are better, interval below zero")
print(" ", ", ".join(t for t in TARGETS if areas.loc[t, "high"] < 0) or "none")

# %% [markdown]
# **If this page says "synthetic"**, any answer was built in. Invented people in whom an effect was
# planted show what they feel through heart rate, variability and the size and width of waves. Features
# that measure these have an advantage, and a small network that trains for a few minutes has to rediscover
# them. It tells nothing about real people. Where an effect was planted, however, a network that *loses* to
# them has missed some of it.
#
# :::{dropdown} Quiz: The network loses to ten features on synthetic data. What does that prove about DREAMER?
# Nothing. Effects are planted in just those features. Where one was planted, the loss shows that the
# network missed something that was there.
# :::
#
# ### What the person's mean and the baseline add
#
# Both versions are compared with the plain features, person by person. A constant that is subtracted from
# all windows of a person shifts a linear model's answers and changes none of their order: what the person's
# mean gains, it gains by better *training*. The baseline differs from trial to trial. It takes away what
# drifts during a session, and it adds the noise of its own measurement, and of a person who still thinks of
# the clip before. Which of the two wins is an empirical question, and the table below answers it for this
# cohort alone.

# %%
gains = {
    ending.strip(", "): paired_difference(
        by_model[LOGISTIC + ending], by_model[LOGISTIC], ["auc"], **options
    ).set_index("target")
    for ending in (RELATIVE, MINUS_BASELINE)
}
gain = pd.concat(gains, names=["version"])[["mean", "low", "high", "n_participants"]]
gain = gain.rename(columns={"n_participants": "people"})
gain.round(2).rename_axis(columns=f"{LOGISTIC}, area minus that of the plain features")

# %%
for version, rows in gains.items():
    better, worse = (
        [t for t in TARGETS if sign * rows.loc[t, end] > 0]
        for sign, end in ((1, "low"), (-1, "high"))
    )
    print(f"{study.label}, {version}: better, interval above zero: {better}; worse: {worse}")

# %% [markdown]
# Synthetic people need not drift as real ones do.

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

# %% tags=["nbval-ignore-output"] reason="results of trained networks differ slightly between processors" mystnb={"code_prompt_show": "Show {type}: the accuracy of all models"}
as_text(summary[summary["protocol"] == PERSON], "accuracy")

# %% [markdown]
# ### A published number, and why it is not in this table
#
# The authors of DREAMER report an accuracy for its ECG alone {cite}`katsigiannis2018dreamer`. It is no row
# of the table above, because it answers another question. There a model is made *for* each participant,
# from that participant's own rated trials; here the tested people are new.

# %%
published = published_results().set_index("target")
for column in ("work", "model", "protocol", "source"):
    print(f"{column}: {published[column].iloc[0]}")
base_rate = summary[(summary["regime"] == ORACLE) & (summary["metric"] == "accuracy")]
base_rate = base_rate.set_index("target")["mean"]
beside = {"published": published["value"], f"own base rate ({study.label})": base_rate}
pd.DataFrame(beside).loc[published.index].map("{:.2%}".format)

# %% [markdown]
# The published number is an accuracy, and so it contains the person's base rate, which a model of one person knows. The second
# column is what the base rate alone scores here, with an oracle's knowledge. On the real file it says
# how much of the published number one answer per person explains; on a synthetic cohort the two columns
# are of different people and must not be compared. The nearest thing that this book computes is in {doc}`11_beyond`: models from the tested person's own trials.
#
# ### The people behind the means
#
# The tables hold means over people. {numref}`fig-baselines-base-rate` shows the people.

# %% tags=["hide-input"]
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
# :::{dropdown} Quiz: A model has an accuracy of 0.7 for a person who rated 80 % of the clips high. Did it help?
# No: a constant answer would have been right more often. Ask for the AUC, which a constant can't
# raise.
# :::
#
# ## What an excerpt leaves out
#
# The profile `quick` looks at lead 1 and the last 40 s of each clip. The recordings hold a second lead,
# and clips last longer. What does the excerpt cost? Below, the features of this chapter and those of an
# encoder are given both leads and whole clips, and a line says for each kind whether more is better, worse
# or unclear.
#
# The encoder ships with the library and learnt from other hearts, and the split is the same. A trial is called by the mean over all its windows, so the same
# trials are ranked in every row. For the book's own cohort this is stored with the book;
# for other data it is computed here.

# %%
left_out = excerpt.scores(study)
area = left_out.groupby([*excerpt.KEYS, "participant"], sort=False)["auc"].mean()
area = area.unstack("participant")
plain = area.xs((excerpt.ONE, excerpt.EXCERPT), level=["leads", "seconds"])
cost = left_out.groupby(excerpt.KEYS, sort=False)[["n_windows", "feature_s", "head_s"]].first()
rows = {}
for case, of_person in area.iterrows():
    gain = of_person - plain.loc[case[0]]
    row = mean_and_interval(gain, several_folds=True, bounds=(-1, 1))
    rows[case] = {
        "area": of_person.mean(),
        "gain": row["mean"],
        "low": row["low"],
        "high": row["high"],
    }
table_of_cases = pd.DataFrame(rows).T.rename_axis(index=excerpt.KEYS)
shown = table_of_cases.round(3).join(cost.round(0).astype(int))
names = {"n_windows": "windows", "feature_s": "features, s", "head_s": "heads, s"}
shown = shown.rename(columns=names)
shown.rename_axis(columns=f"{study.label}, mean of {len(TARGETS)} targets")

# %%
for kind in plain.index:
    everything = table_of_cases.loc[kind, excerpt.BOTH, excerpt.WHOLE]
    ratio = (
        cost.loc[kind, excerpt.BOTH, excerpt.WHOLE] / cost.loc[kind, excerpt.ONE, excerpt.EXCERPT]
    )
    verdict = "unclear: the interval holds zero"
    if everything["low"] > 0:
        verdict = "more is better"
    elif everything["high"] < 0:
        verdict = "more is worse"
    print(f"{study.label}, {kind}, everything instead of the excerpt: {verdict}")
    print(f"  gain {everything['gain']:+.3f}; windows × {ratio['n_windows']:.0f},", end=" ")
    print(f"time for features × {ratio['feature_s']:.0f}")

# %% [markdown]
# The last two columns are seconds on the machine where the table was made. More windows of a trial
# average out noise. But early in a clip nobody feels yet what the clip is about, and the rating is given
# at its end: that is why the last part is a common choice. Leads of one heart say nearly the same of
# its rhythm. The profile `paper` takes whole clips, of lead 1 as well.
#
# ## What could go wrong
#
# Most of these mistakes favour one side: the network, because its opponent was made weak, or the features,
# because they have seen what they should not.
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
# **Exercise 9.1.** Is it the rhythm or the shape? Fit the logistic regression to the first five
# features alone, then to the last five.
#
# :::{dropdown} Solution 9.1
# The first five describe when beats come, the last five what they look like. Compare both with all
# ten in the table.
# :::

# %% tags=["solution"]
from ecglib.evaluation.crossval import evaluate_estimator
from ecglib.features.heartbeats import BeatFeatures
from ecglib.studies.baselines import ALONE
from ecglib.transfer.classical import design_matrix

for part, some in {"rhythm": slice(5), "shape": slice(5, None)}.items():
    half = design_matrix(BeatFeatures(table.values[:, some], table.valid[:, some]))
    rows = evaluate_estimator(
        classifiers()[LOGISTIC], half, meta, LeaveOneParticipantOut(), TARGETS,
        model=part, regime=ALONE,
    )  # fmt: skip
    halves = participant_metrics(rows, ["auc"]).groupby("target")["value"].mean()
    print(f"{study.label}, {part}:", halves[list(TARGETS)].round(2).to_dict())

# %% [markdown]
# **Exercise 9.2.** The relative version sees a person's later windows. What changes if the mean may
# only come from the person's *earlier* clips?
#
# :::{dropdown} Solution 9.2
# The first clip of everyone has no reference and drops out. A mean of few clips is less certain, so
# more of the person stays in the difference. (The clips stand in the order of their numbers; use
# the order of presentation if you know it.)
# :::

# %% tags=["solution"]
rates = pd.Series(np.where(table.valid[:, 0], table.values[:, 0], np.nan), meta.index)
by_trial = rates.groupby([meta["participant"], meta["clip"]]).mean()
person = by_trial.groupby("participant")
before = person.transform(lambda one: one.expanding().mean().shift())
print(f"{study.label}: trials with an earlier one {before.notna().mean():.0%}")
print(
    f"spread of heart rate around the person's mean: {(by_trial - person.transform('mean')).std():.1f}"
)
print(f"around the mean of earlier clips: {(by_trial - before).std():.1f}")

# %% [markdown]
# **Exercise 9.3.** Why is the person majority no fair opponent under leave-one-participant-out?
#
# :::{dropdown} Solution 9.3
# It counts the ratings that are to be predicted. It belongs in the table as a ceiling for models
# that always give the same answer, not as a score to beat before publication.
# :::
#
# **Exercise 9.4.** pNN50 counts differences between successive RR intervals. In steps of how many
# per cent does it move in a typical window?
#
# :::{dropdown} Solution 9.4
# With $n$ beats there are $n - 2$ differences, so it moves in steps of $1/(n-2)$. A mean of many
# windows hides that; a single window does not have a finer scale.
# :::

# %% tags=["solution"]
beats_in = np.median(table.values[table.valid[:, 0], 0]) * X.shape[1] / fs / 60
print(f"{study.label}: {beats_in:.0f} beats in half of the windows or more,", end=" ")
print(f"steps of {100 / (beats_in - 2):.0f} %")

# %% [markdown]
# **Research question.** Ten features of ten seconds are a weak opponent by design. Which features
# of a whole clip, computed as physiologists would, are the strongest baseline that you can think
# of, and how do you compare one answer per clip with one per window fairly?
#
# ## What next
#
# {doc}`10_released` takes the protocol of the released code, and adds its defects one by one.
# {doc}`../book/real-dreamer` says how to run all of this on the real file.
