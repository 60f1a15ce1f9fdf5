# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What the released protocol measures
#
# ```{admonition} Before you start
# - **You will learn** how to rebuild a published protocol from its head, its split and its metric,
#   and how to measure what a defect does to a number: put it in alone, and look at the change.
# - **You need first**: {doc}`06_results`. {doc}`../book/released-code` lists what we found.
# - **It takes** a quarter of a minute if this chapter has run before; about two minutes otherwise.
# ```
#
# The authors of the method published their code. That is a service, and rarer than it should be:
# only published code can be checked at all. We read it at one commit, `1cd367d` of
# `pritamqu/SSL-ECG`, and built its protocol anew. What follows says how much each defect changes
# *our* number on *this* file. It says nothing of how much it changed theirs. Nor is the list a
# verdict on the method, which is what the rest of this book is about.

# %%
import numpy as np
import pandas as pd

from ecglib.core.process import tune_process
from ecglib.data.labels import TARGETS, label_matrix
from ecglib.evaluation import released
from ecglib.evaluation.refits import optimism
from ecglib.evaluation.released_metrics import released_metrics
from ecglib.evaluation.splits import WindowKFold
from ecglib.plots import replication as replication_plots
from ecglib.studies import replication
from ecglib.studies.study import Study

tune_process()
study = Study()
meta = study.usable.meta
print(f"data: {study.label}, profile: {study.profile.name}")

# %% [markdown]
# ## The protocol, by name
#
# | part | released code | file there | here |
# |---|---|---|---|
# | features | 128 numbers of the frozen encoder | `main.py` | the same |
# | head | three layers of 512 ReLU, dropout 0.2, L2 0.0001; batch 128, Adam at 0.001, 200 epochs | `model.py` | the same, fewer epochs in `quick` |
# | split | ten folds of shuffled windows | `main.py` | `WindowKFold` |
# | metric | accuracy; F1 from the mean precision and the mean recall | `utils.py` | `released_metrics` |
#
# Two simplifications are ours. The released code pretrains one encoder in each fold, on the
# training windows of that fold; we use one encoder for all folds, which has seen some of the test
# windows without their ratings. And our head has one output where theirs has one per class.

# %%
head = replication.released_head(study.profile)
splitter = WindowKFold(study.profile.window_folds, study.profile.seed)
results = replication.released_results(study)
print("hidden layers:", head.hidden, "epochs:", head.epochs)
print(f"{study.label}: {len(meta)} windows, {splitter.get_n_splits(meta)} folds")
counts = results.groupby(["model", "target"])["window"].nunique()
print("every window is tested once by every variant:", bool((counts == len(meta)).all()))

# %% [markdown]
# The released code predicts arousal and valence. These are the corrected numbers: right column,
# binary labels, statistics of all recordings, one fit per fold. `f1` is the released metric of all
# test windows together, `f1_folds` its mean over folds, `majority` the accuracy of always giving
# the commoner class.

# %%
# NBVAL_IGNORE_OUTPUT
# reason: results of trained networks differ slightly between processors
plain = results[results["model"] == released.CORRECTED]
scores = {target: released.score(rows) for target, rows in plain.groupby("target")}
pd.DataFrame(scores).T.round(2).rename_axis(columns=f"{released.CORRECTED} ({study.label})")

# %% [markdown]
# ## One defect at a time
#
# Each row of {numref}`fig-released-effects` puts one defect into the corrected version and leaves
# everything else alone: windows, folds, seed, even the first weights of the heads. The last row is
# no defect but a control, to which we come at the end.

# %%
effects = replication.effects(study)

# %% mystnb={"image": {"alt": "Two panels with six rows, five defects and a control. Left, the F1 without and with each defect as a circle and a diamond, with chance as a dotted line at one half. Right, the difference with its interval and a dotted line at zero."}, "figure": {"caption": "The released F1 for valence without and with each defect, and the change with its 95 % interval over participants.", "name": "fig-released-effects"}}
fig = replication_plots.defect_effects(effects, study.label)
fig

# %%
# NBVAL_IGNORE_OUTPUT
# reason: results of trained networks differ slightly between processors
columns = ["before", "number", "change", "low", "high", "accuracy", "majority"]
effects[columns].round(2).rename_axis(columns=study.label)

# %% [markdown]
# `before` is the number without the defect, `number` the one with it; `low` and `high` bound the
# change. The interval treats participants as the unit and is widened because the folds share their
# training windows ({doc}`08_statistics`). `accuracy` and `majority` belong to the number with the
# defect. A change may be negative: a defect need not flatter to be one.
#
# ## Dominance read as valence
#
# The step that reads DREAMER's labels (`data_preprocessing.py`) stores arousal, valence and
# dominance. The step that prepares the folds takes the first and the last of the three. So the
# column called valence holds dominance. Does that matter? Compare the two labels, window by window:

# %%
labels = dict(zip(TARGETS, label_matrix(meta, TARGETS).T, strict=True))
same = labels["valence"] == labels["dominance"]
print(f"{study.label}: valence and dominance have the same label in {same.mean():.0%} of windows")
read = results[results["model"] == replication.DOMINANCE].sort_values("window")
print("the variant is tested on dominance:", np.array_equal(read["truth"], labels["dominance"]))

# %% [markdown]
# The score of that variant may be higher or lower. It is a score of something else. No split and no
# interval can find such a mistake. Reading fields by name, and a test that does, can.
#
# ## The best of many fits
#
# In `main.py` the emotion heads are trained again after *each* of the 100 epochs of the pretext, and
# scored on the test fold each time. The scores go into one file, with the number of the fold but
# not of the epoch. (For DREAMER the test scores even go into the file of the training scores.)
# Nothing in the code says which of the 100 to report. Whoever takes the best one has used the test
# fold to choose.
#
# How much can that give? We fit every fold many times and report the best of $k$. So that the
# whole curve is cheap, these are heads of the profile's size, and they differ only in their first
# weights. Their scores are more alike than those of 100 encoders would be.
#
# We do it twice. Once with the ratings. And once with labels that are **shuffled over all windows**:
# now neither emotion nor trial nor person can be recognised, and an honest score is one half.

# %%
refits = replication.refit_results(study)
curves = {name: optimism(one) for name, one in refits.items()}

# %% mystnb={"image": {"alt": "Two panels over the number of refits to choose from, one with the ratings and one with shuffled labels. The curve for the best of each fold rises above the flatter one for the best of all folds; chance is a dotted line at one half."}, "figure": {"caption": "What is reported if the best of several refits is chosen by its score on the test folds.", "name": "fig-released-choosing"}}
fig = replication_plots.selection_optimism(curves, study.label)
fig

# %%
nothing = curves[replication.NOTHING]["per_fold"]
print(f"{study.label}, labels shuffled, so every honest score is one half")
print("one fit, within 0.05 of one half:", bool(abs(nothing[1] - 0.5) < 0.05))
print("the more refits, the higher:", bool((nothing.diff().dropna() > 0).all()))
print(
    "best of all, above the average fit by 0.02 or more:",
    bool(nothing.iloc[-1] > nothing[1] + 0.02),
)

# %%
# NBVAL_IGNORE_OUTPUT
# reason: results of trained networks differ slightly between processors
table = pd.concat(curves, axis=1).loc[[1, 5, 10, replication.N_REFITS]].round(3)
table.rename_axis(columns=[study.label, "chosen"])

# %% [markdown]
# Where there is nothing to find, the whole rise is made by choosing. Choosing one refit for all
# folds by its mean (`same`) adds less than choosing in each fold (`per_fold`), but it adds too. The
# cure costs nothing: decide before the test fold is opened. Where something must be chosen, choose
# it on part of the training windows.
#
# ## Statistics from one file
#
# The released code means to normalise a person with all recordings of that person. But its loop
# starts afresh at each file (`data_preprocessing.py`), so the last one alone gives the mean and the
# standard deviation. Last is whatever the operating system lists last; we take the last clip. All
# windows of the person, in training and test folds alike, are scaled by it.
#
# Both scalings are straight lines in the same signal, so one turns into the other by a gain and an
# offset:
#
# $$x_\text{one file} = \frac{s}{s_\text{last}}\, x + \frac{m - m_\text{last}}{s_\text{last}}$$
#
# with mean $m$ and standard deviation $s$ of all recordings. The same encoder, which knows the
# correct scale, then makes new features.

# %%
scaling = released.last_file_scaling(study.windows, study.cohort, study.profile.windows)
gain, offset = scaling["gain"], scaling["offset"]
print(f"{study.label}: gain from {gain.min():.2f} to {gain.max():.2f}")
print(f"people whose amplitude changes by over 5 %: {(abs(gain - 1) > 0.05).sum()} of {len(gain)}")
print("offset below 0.05 standard deviations for all:", bool((abs(offset) < 0.05).all()))

# %% [markdown]
# The high-pass filter has removed the mean, so the offset does little. The gain makes a person's
# ECG higher or lower by the ratio of two standard deviations. Mind that the transformation
# "scaling" of the pretext is a factor of 1.1 ({doc}`03_transformations`): a gain of that size is
# what the encoder was taught to notice.
#
# The same statistics also include windows that are tested later. Ours do too, under a window-wise
# split: a person's scale comes from all windows of that person. No rating is involved, and under
# leave-one-participant-out it is what a new user would get.
#
# ## Two metrics called F1
#
# The released F1 takes the mean precision and the mean recall of the two classes, and then their
# harmonic mean. The usual macro F1 takes an F1 for each class, and then the mean. A small example,
# with three windows that are high and one that is low:

# %%
truth, predicted = np.array([1, 1, 1, 0]), np.array([1, 1, 0, 0])
for name, value in released_metrics(truth, predicted).items():
    print(f"{name}: {value:.3f}")

# %% [markdown]
# The first is never the smaller one {cite}`opitz2019macro`. On a classifier that is wrong about both
# classes alike they agree. They part where a classifier gives nearly always the same answer. Take
# one that looks at nothing, and says "high" to all but one window in fifty, chosen blindly:

# %%
blind = np.ones(len(meta), dtype=int)
blind[::50] = 0
scores = released_metrics(labels["valence"], blind)
print(f"{study.label}, valence: F1 of means {scores['f1']:.1f}, mean of F1 {scores['mean_f1']:.1f}")
print("F1 of means is higher by 0.05 or more:", scores["f1"] - scores["mean_f1"] > 0.05)

# %% [markdown]
# The released F1 expects about one half from *any* blind classifier that uses both classes, so
# one half is its chance. The mean of F1 punishes a one-sided answer. Neither is wrong; but a number
# called F1 needs its formula, and two papers may not be compared across the two.
#
# ## Ratings as they are
#
# No step of the released code turns ratings into high and low. It makes one output for each distinct
# value that it meets (`utils.py`, `model.py`): two sigmoid outputs where the label file holds two
# values, more outputs and a softmax where it holds more. The label files were prepared outside the
# code. So the code alone does not tell which threshold made the labels, or whether there was one.
# From the ratings of this file it would make

# %%
n_values = {target: meta[target].nunique() for target in TARGETS}
for target, n in n_values.items():
    print(f"{study.label}, {target}: {n} distinct ratings, {n} outputs")

# %% [markdown]
# With five classes even the chance level is another. We name a threshold (above 3 is high) and use
# it everywhere.
#
# ## What is left when all is corrected
#
# Suppose all defects are mended. Does the number now say how well the ECG tells valence? The last
# row of {numref}`fig-released-effects` asks. Each person's ratings are **shuffled among that
# person's trials**. Now no rating has to do with what was felt. But all windows of a trial still
# share one rating, and the shuffled windows of a trial still lie in training *and* test folds.

# %%
shuffled = released.shuffle_trials(meta, "valence", study.profile.seed)
by_trial = shuffled.groupby(["participant", "clip"])["valence"].nunique()
print("windows of a trial still share one rating:", bool((by_trial == 1).all()))
ratings_of = [
    frame.drop_duplicates(["participant", "clip"])
    .groupby("participant")["valence"]
    .apply(lambda own: sorted(own))
    for frame in (meta, shuffled)
]
print("everyone still gives the same ratings:", ratings_of[0].equals(ratings_of[1]))

# %%
# NBVAL_IGNORE_OUTPUT
# reason: results of trained networks differ slightly between processors
control = effects.loc[replication.SHUFFLED]
print(f"{study.label}, valence, released F1")
print(f"ratings: {control['before']:.2f}")
print(f"ratings shuffled among trials: {control['number']:.2f}, chance 0.50")
print(f"accuracy {control['accuracy']:.2f}, majority {control['majority']:.2f}")

# %% [markdown]
# What the control scores above one half does not come from emotion, but for what one shuffle leaves
# in place by accident. It is the trial and the person that are recognised. This part belongs to the
# split, and no correction of the code removes it; {doc}`07_leakage` takes it apart. Do not subtract
# the control from the number, though: where the ratings can be read, a head need not fall back on
# the trial.
#
# **If this page says "synthetic"**, the sizes of the changes are those of invented people with a
# planted effect, and so are their signs. On another file every row may move the other way. What
# carries over is the method: one change, everything else equal, an interval over participants.
#
# ## What could go wrong
#
# - **Putting in two defects at once.** Their changes need not add up, and you cannot tell them
#   apart.
# - **Comparing heads that start differently.** Two seeds differ by themselves. Here both versions
#   start from the same weights.
# - **Calling a defect harmless because the number hardly moves.** On another file it may.
# - **Reading "optimism" off one shuffle.** One shuffle can lie a little above or below one half by
#   chance. The rise from the average fit to the best one is what choosing adds.
#
# ## Take-aways
#
# - A protocol is a head, a split and a metric. All three need a name.
# - A defect is measured by putting it in alone.
# - Choosing on the test fold makes a score out of nothing.
# - A corrected window-wise score is still a window-wise score.

# %% [markdown]
# ## Exercises
#
# **1.** Put two defects in at once: dominance in the valence column *and* ratings shuffled among
# trials. What do you expect?
#
# :::{dropdown} Solution
# ```python
# from ecglib.evaluation.protocols import STR
#
# frame = released.shuffle_trials(released.dominance_as_valence(meta), "valence", seed=0)
# both = released.released_protocol(pretraining.features(study, STR, 0), frame, "valence", head)
# released.score(both)
# ```
# What remains is recognition of trials and people, which works for dominance as for valence.
# :::
#
# **2.** How much would choosing add if the refits were independent, each right by chance?
#
# :::{dropdown} Solution
# ```python
# rng = np.random.default_rng(0)
# truth = refits[replication.NOTHING].truth
# fold = refits[replication.NOTHING].fold
# guesses = rng.random((20, len(truth))) < truth.mean()
# optimism(Refits(truth, fold, guesses)).loc[[1, 20]]
# ```
# More than here: our refits share their training windows and agree on many answers.
# :::
#
# **3.** A classifier says "high" to everything. What are its two F1?
#
# :::{dropdown} Solution
# ```python
# released_metrics(labels["valence"], np.ones_like(labels["valence"]))
# ```
# The class that is never predicted has no precision. We count it as 0. The released code divides
# by zero there and gives no number.
# :::
#
# ## What next
#
# {doc}`11_beyond` leaves the usual questions behind.
