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
# ```{opening} fig-released-effects
# How far does each defect of the released code move the number that it reports, and what is left of
# that number when no rating has to do with what was felt?
# ```
#
# ```{admonition} Before you start
# - **You will learn** how to rebuild a published protocol from its head, its split and its metric;
#   how to measure what a defect does to a number: put it in alone, and look at the change; and how
#   to find a test side that is the training side.
# - **You need first**: {doc}`06_results`. {doc}`../book/released-code` lists what we found.
# - **It takes** about half a minute if it has run before, and longer the first time, when heads are
#   fitted many times to choose among them. For the book's own cohort the predictions of all variants
#   come with the project, in `results/`; for other data they are computed first.
# ```
#
# The authors of the method published their code. That is a service to everyone, and less common
# than it should be: only published code can be checked at all. We read it at one commit, `1cd367d`
# of `pritamqu/SSL-ECG`, and built its {term}`protocol` anew. What follows says how much each defect changes
# *our* number on *this* file. It says nothing of how much it changed theirs. Nor is the list a
# verdict on the method, which is what the rest of this book is about.

# %%
import textwrap

import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ecglib.core.errors import DataError
from ecglib.core.process import tune_process
from ecglib.data.labels import TARGETS, label_matrix
from ecglib.evaluation import released
from ecglib.evaluation.audit import Use, find_leaks
from ecglib.evaluation.copies import find_shared_windows, refuse_shared_windows
from ecglib.evaluation.intervals import mean_and_interval
from ecglib.evaluation.leave_out import LeaveOneParticipantOut
from ecglib.evaluation.metrics import accuracy, auc
from ecglib.evaluation.protocols import NONE, STR, TEST
from ecglib.evaluation.refits import optimism
from ecglib.evaluation.released_metrics import released_metrics
from ecglib.evaluation.splits import WindowKFold
from ecglib.plots import replication as replication_plots
from ecglib.studies import pretraining, replication
from ecglib.studies.study import Study

tune_process()
study = Study()
meta = study.usable.meta
print(f"data: {study.label}, profile: {study.profile.name}")

# %% [markdown]
# ## The protocol, by name
#
# The features are the 128 numbers of the {term}`frozen` {term}`encoder`. A {term}`head` learns from them, a split says who is
# tested, and a metric counts: {term}`accuracy`, and an {term}`F1`.
#
# ```{differences} pretraining head folds f1
# ```
#
# Here we take the head, the split and the metrics of the released code. Two simplifications are ours. The released code pretrains one encoder in each {term}`fold`, on the
# training {term}`windows <window>` of that fold; we use one encoder for all folds, which has seen some of the test
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
# The released code predicts {term}`arousal` and {term}`valence`. These are the corrected numbers: right column,
# binary labels, statistics of all recordings, one fit per fold. "F1" is the released metric of all
# test windows together, "mean of F1" the usual one, "F1 of folds" the mean of the released one over
# folds, and "majority" the accuracy of always giving the commoner class.

# %% tags=["nbval-ignore-output"] reason="results of trained networks differ slightly between processors"
plain = results[results["model"] == released.CORRECTED]
scores = {target: released.score(rows) for target, rows in plain.groupby("target")}
names = {"f1": "F1", "mean_f1": "mean of F1", "f1_folds": "F1 of folds"}
scores = pd.DataFrame(scores).T.round(2).rename(columns=names)
scores.rename_axis(columns=f"{released.CORRECTED} ({study.label})")

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

# %% tags=["hide-input", "nbval-ignore-output"] reason="results of trained networks differ slightly between processors"
columns = ["before", "number", "change", "low", "high", "accuracy", "majority"]
effects[columns].round(2).rename_axis(columns=study.label)

# %% [markdown]
# `before` is the number without the defect, `number` the one with it; `low` and `high` bound the
# change. The {term}`interval <confidence interval>` treats participants as the unit and is widened because the folds share their
# training windows ({doc}`08_statistics`). `accuracy` and `majority` belong to the number with the
# defect. A change may be negative: a defect need not flatter to be one.
#
# ## Dominance read as valence
#
# The step that reads DREAMER's labels (`data_preprocessing.py`) stores arousal, valence and
# {term}`dominance`. The step that prepares the folds takes the first and the last of the three. So the
# column called valence holds dominance. Does that matter? Compare the two labels, window by window:

# %%
labels = dict(zip(TARGETS, label_matrix(meta, TARGETS).T, strict=True))
same = labels["valence"] == labels["dominance"]
print(f"{study.label}: valence and dominance have the same label in {same.mean():.0%} of windows")
read = results[results["model"] == replication.DOMINANCE].sort_values("window")
print("the variant is tested on dominance:", np.array_equal(read["truth"], labels["dominance"]))

# %% [markdown]
# The score of that variant may be higher or lower, but it is a score for something else. No split
# and no interval can reveal such a mistake. Reading fields by name prevents it, and a test makes
# sure of that.
#
# :::{dropdown} Quiz: A mended defect makes the score higher. Was it no defect?
# It was one all the same: the number answered another question. A defect need not flatter.
# :::
#
# ## The best of many fits
#
# In `main.py` the emotion heads are trained again after *each* of the 100 {term}`epochs <epoch>` of the {term}`pretext`,
# and scored on the test fold each time. The scores go into one file, with the number of the fold
# but not of the epoch. (For DREAMER the test scores even go into the file of the training scores.)
# Nothing in the code says which of the 100 to report. Taking the best one means using the test fold
# to choose.
#
# How much can that give? We fit every fold many times and report the best of $k$. So that the
# whole curve is cheap, these are heads of the profile's size, and they differ only in their first
# weights. Their scores are more alike than those of 100 encoders would be.
#
# We do it twice: once with the ratings, and once with labels that are **shuffled over all
# windows**. In the second case neither emotion nor {term}`trial` nor person can be recognised, and an
# honest score is one half.

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

# %% tags=["hide-cell", "nbval-ignore-output"] reason="results of trained networks differ slightly between processors" mystnb={"code_prompt_show": "Show {type}: the scores of 1 to 20 refits"}
table = pd.concat(curves, axis=1).loc[[1, 5, 10, replication.N_REFITS]].round(3)
names = {"per_fold": "for each fold", "same": "for all folds"}
table.rename(columns=names).rename_axis(columns=[study.label, "chosen"])

# %% [markdown]
# Where there is nothing to find, the whole rise is made by choosing. Choosing one refit for all
# folds by its mean adds less than choosing in each fold, but it adds too. The
# cure costs nothing: decide before the test fold is opened. Where something must be chosen, choose
# it on part of the training windows.
#
# :::{dropdown} Quiz: Labels are shuffled over all windows, and the best of twenty fits scores 0.54. What was found?
# Nothing. The rise above one half is made by choosing on the test fold.
# :::
#
# ## Statistics from one file
#
# The released code means to normalise a person with all recordings of that person. But its loop
# starts afresh at each file (`data_preprocessing.py`), so the last one alone gives the mean and the
# standard deviation. The last file is whichever the operating system lists last; we take the last
# clip. All windows of the person, in training and test folds alike, are scaled by it. That makes a person's
# ECG higher or lower by the ratio of two standard deviations, and shifts it by an offset.
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
# Where the last line says True, the offset does little, because the {term}`high-pass filter` has removed
# the mean. As to the gain, mind that the transformation
# "scaling" of the pretext is a factor of 1.1 ({doc}`03_transformations`): a gain of that size is
# what the encoder was taught to notice.
#
# The same statistics also include windows that are tested later. Ours do too, under a {term}`window-wise`
# split: a person's scale comes from all windows of that person. No rating is involved, and under
# {term}`leave-one-participant-out <LOSO>` it is what a new user would get.
#
# ## Two metrics called F1
#
# The released F1 takes the mean {term}`precision` and the mean {term}`recall` of the two classes, and then their
# harmonic mean. The usual macro F1 takes an F1 for each class, and then the mean. The first is never the
# smaller one {cite}`opitz2019macro`, and for one-sided answers it is far above the second. Neither is wrong,
# but a number called F1 needs its formula, and papers that use different ones cannot be compared.
#
# A small example, with three windows that are high and one that is low:

# %%
truth, predicted = np.array([1, 1, 1, 0]), np.array([1, 1, 0, 0])
for name, value in released_metrics(truth, predicted).items():
    print(f"{name}: {value:.3f}")

# %% [markdown]
# The two agree for a classifier that errs equally often on both classes. They differ where a classifier gives nearly always the same
# answer. Take one that looks at nothing, and says "high" to all but one window in fifty, chosen
# blindly:

# %%
blind = np.ones(len(meta), dtype=int)
blind[::50] = 0
scores = released_metrics(labels["valence"], blind)
print(f"{study.label}, valence: F1 of means {scores['f1']:.1f}, mean of F1 {scores['mean_f1']:.1f}")
print("F1 of means is higher by 0.05 or more:", scores["f1"] - scores["mean_f1"] > 0.05)

# %% [markdown]
# The released F1 expects about one half from *any* blind classifier that uses both classes, so one
# half is its chance. The mean of F1 punishes a one-sided answer.
#
# :::{dropdown} Quiz: Two papers report an F1 of 0.7. Are they comparable?
# Only if both name the formula. The harmonic mean of mean precision and mean recall is never below
# the mean of the F1, and far above it for one-sided answers.
# :::
#
# ## Ratings as they are
#
# No step of the released code turns ratings into high and low. It makes one output for each distinct
# value that it meets (`utils.py`, `model.py`): two sigmoid outputs where the label file holds two
# values, more outputs and a {term}`softmax` where it holds more. The label files were prepared outside the
# code. So the code alone does not tell which threshold made the labels, or whether there was one.
# From the ratings of this file it would make:

# %%
n_values = {target: meta[target].nunique() for target in TARGETS}
for target, n in n_values.items():
    print(f"{study.label}, {target}: {n} distinct ratings, {n} outputs")

# %% [markdown]
# With more than two classes even the chance level is different. We name a threshold (above 3 is high) and
# use it everywhere.
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

# %% tags=["nbval-ignore-output"] reason="results of trained networks differ slightly between processors"
control = effects.loc[replication.SHUFFLED]
print(f"{study.label}, valence, released F1")
print(f"ratings: {control['before']:.2f}")
print(f"ratings shuffled among trials: {control['number']:.2f}, chance 0.50")
print(f"accuracy {control['accuracy']:.2f}, majority {control['majority']:.2f}")

# %% [markdown]
# What the control scores above one half does not come from emotion, except for what one shuffle
# leaves in place by accident. The trial and the person are what is recognised. This part belongs to
# the split, and no correction of the code removes it; {doc}`07_leakage` takes it apart. Do not
# subtract the control from the number, though: where the ratings can be read, a head need not fall
# back on the trial.
#
# **If this page says "synthetic"**, the sizes of the changes are those of invented people with the
# effect that was planted in them, if any, and so are their signs. On another file every row may move the other way. What
# carries over is the method: one change, everything else equal, an interval over participants.

# %% [markdown]
# ## A reader that ignores its argument
#
# The last defect is not in the released code. A function that reads the people who are asked for reads
# the training people instead, and so turns the score of the training data into a test score, whatever
# the split. No shape, label or error gives it away. What does is that everybody scores alike, far above a
# modest model, and a comparison of the arrays that arrived: one line of code before fitting.
#
# We met it next to a public result:
# `FedotovD/WESAD_ECG_SSL` at commit `7e154b0`, a notebook that teaches affect recognition with the
# first two blocks of this network. Fifteen people of the WESAD data are in one of three states. The
# folder `results_cv/` holds, for three models, one row for each person who was left out:
#
# | model | accuracy | UAR | accuracy of single people |
# |---|---|---|---|
# | SVM on features of heart-rate variability | .698 | .510 | .450 to .832 |
# | network, trained with labels | .981 | .980 | .968 to .997 |
# | network, pretrained without labels | .981 | .989 | .940 to .996 |
#
# The first two numbers are means over the fifteen rows. UAR is the mean recall of the three states,
# so guessing gives .33. (The notebook hands truth and answer to its recall in the wrong order, which
# makes it a mean precision. Whether `results_cv/` has the same we cannot tell.)
#
# The notebook reads windows with a function that takes the people to read. In its loop stands
# another name, that of the list of training people, which is defined outside the function. Called
# for the training, the development and the test people, it gives the training people three times.
# The SVM gets its features by another route, which is correct. The program that ran the fifteen
# folds is not published; that it used the same function is our inference from the notebook and from
# the numbers above. Anybody can make this mistake, and we now make it on purpose.
#
# As in that notebook, each person has a file, here with windows, features of the encoder and labels.
# The labels are those of valence, and beside them those of the control, where there is nothing to
# find.

# %%
kept = np.arange(0, len(meta), max(1, len(meta) // 1500))  # of many windows, some: to be quick
own = meta.iloc[kept].reset_index(drop=True)
people = sorted(own["participant"].unique())
frames = {"ratings": meta, "ratings shuffled": shuffled}
answers = np.hstack([label_matrix(frame, ["valence"])[kept] for frame in frames.values()])
arrays = study.usable.X[kept], pretraining.features(study, STR, 0)[kept], answers
files = {one: [array[own["participant"] == one] for array in arrays] for one in people}
print(f"{study.label}: {len(people)} people, {len(own)} windows")

# %% [markdown]
# Two readers. They differ in one name.


# %%
def read(wanted):
    """Give the windows, features and labels of the people who are wanted."""
    parts = [files[one] for one in wanted]
    return [np.concatenate(part) for part in zip(*parts, strict=True)]


def read_carelessly(wanted):
    """Give the windows, features and labels of the people who are wanted. Or so it says."""
    parts = [files[one] for one in training_people]
    return [np.concatenate(part) for part in zip(*parts, strict=True)]


# %% [markdown]
# Everything else is right: the folds leave one person out, the training side is read correctly, and
# the SVM learns from it alone. Only the test side passes through the one reader or the other.

# %%
READERS = {"right reader": read, "careless reader": read_carelessly}
svm = make_pipeline(StandardScaler(), SVC(C=10))
rows = []
for tested in people:
    training_people = [one for one in people if one != tested]
    _, learnt, y = read(training_people)
    for column, question in enumerate(frames):
        svm.fit(learnt, y[:, column])
        for name, reader in READERS.items():
            _, unknown, truth = reader([tested])
            score = svm.decision_function(unknown)
            both = auc(truth[:, column], score), accuracy(truth[:, column], score > 0)
            rows.append((question, name, tested, *both))
reported = pd.DataFrame(rows, columns=["labels", "reader", "person", "AUC", "accuracy"])

# %% mystnb={"image": {"alt": "Area under the ROC curve for every person left out. With the right reader the circles rise from person to person over a wide range; with the careless reader the diamonds form a flat line at the top. Chance is a dotted line at one half."}, "figure": {"caption": "What is reported of each person, in the order of what the right reader gives.", "name": "fig-released-reader"}}
by_reader = reported[reported["labels"] == "ratings"].pivot(
    index="person", columns="reader", values="AUC"
)[list(READERS)]
fig = replication_plots.scores_by_person(by_reader, study.label, "AUC for valence (0 to 1)")
fig

# %% tags=["nbval-ignore-output"] reason="features of a trained network differ slightly between processors"
groups = reported.groupby(["labels", "reader"], sort=False)
means = {
    metric: groups[metric].agg(
        lambda one: "{mean:.2f} [{low:.2f}, {high:.2f}]".format(
            **mean_and_interval(one, several_folds=True, n_resamples=study.profile.n_resamples)
        )
    )
    for metric in ("AUC", "accuracy")
}
single = groups["accuracy"].agg(lambda one: f"{one.min():.2f} to {one.max():.2f}")
pd.DataFrame(means).assign(**{"of single people": single}).rename_axis(columns=study.label)

# %% [markdown]
# ### What gave it away
#
# The labels did not. Every window that the careless reader returns still has its own label, both
# classes are there, and their shares are those of the data. No shape is wrong and no error is
# raised. The people are not the ones that were asked for, but an array does not say whose it is.
# The interval does not give it away either: it says how much the tested people differ, and here
# nearly the same people are tested again and again. Four other things do. The first two can be seen
# in the public numbers.
#
# 1. **A gap to the modest model.** Beside .98 stands .70 (UAR .51), from the same people. Some
#    networks are better than some SVMs, but a gap like this calls for an explanation first.
# 2. **Everybody scores alike.** People differ, and so does what is read from them: with the SVM, the
#    fifteen lie between .450 and .832, with the networks between .940 and .997. A score that hardly
#    depends on who was left out was perhaps not measured on who was left out. In
#    {numref}`fig-released-reader` compare how the two lines run.
# 3. **Too many windows are tested.** Leaving one person out should test every window once; the careless
#    reader tests each one as often as there are other people.
# 4. **An effect is found where there is none.** With shuffled ratings the score should fall to chance.

# %%
by_labels = reported.pivot(index="person", columns=["labels", "reader"], values="AUC")
right_auc, careless_auc = (by_labels["ratings"][name] for name in READERS)
nothing = by_labels["ratings shuffled", "careless reader"]
print(f"{study.label}, {len(people)} people left out in turn")
print(
    "careless reader, people differ a tenth as much or less:",
    bool(careless_auc.std() <= right_auc.std() / 10),
)
print("ratings shuffled, careless reader, every person above 0.9:", bool((nothing > 0.9).all()))

# %% [markdown]
# :::{dropdown} Quiz: The careless reader passes every check of shapes, labels and errors. What gave it away?
# Everybody scored alike, far above a modest model, and each window was tested many times. Compare
# the windows that arrived, not the names that were asked for.
# :::
#
# ### Two audits
#
# The audit of {doc}`06_results` compares the rows that a split names. Here the split is right, so it
# has nothing to say, whatever the reader does. It believes what it is told.

# %%
leave_out = LeaveOneParticipantOut()
uses = []
for fold, (train, test) in enumerate(leave_out.split(own)):
    uses += [Use(fold, "head", train), Use(fold, TEST, test)]
leaks = find_leaks(own, uses, leave_out.protocol, NONE)
print(f"{study.label}, leaks by the rows of the split: {len(leaks)}")

# %% [markdown]
# `find_shared_windows` is told nothing. It gets the arrays that training and test got, and looks for
# windows of the one in the other by their samples.

# %%
found = []
for tested in people:
    training_people = [one for one in people if one != tested]
    X_train = read(training_people)[0]
    for name, reader in READERS.items():
        X_test = reader([tested])[0]
        found.append((name, len(X_test), len(find_shared_windows(X_train, X_test))))
found = pd.DataFrame(found, columns=["reader", "tested", "also in training"])
audit = found.groupby("reader", sort=False).sum()
audit.rename_axis(columns=f"windows, all folds ({study.label})")

# %%
right, careless = (audit.loc[name] for name in READERS)
print("right reader: every window tested once:", bool(right["tested"] == len(own)))
print("right reader: no test window is a training window:", bool(right["also in training"] == 0))
every = careless["also in training"] == careless["tested"]
print("careless reader: every test window is a training window:", bool(every))

# %% [markdown]
# A rule for your own code: **compare what arrived, not what was asked for.** One line between reading
# and fitting does it, and stops the run:

# %%
try:
    refuse_shared_windows(X_train, read_carelessly([tested])[0])
except DataError as error:
    print(textwrap.fill(str(error), 80))

# %% [markdown]
# It finds equal windows. Where the two sides are scaled apart or cut at other places, use
# {py:func}`~ecglib.data.duplicates.find_duplicates` on the recordings. Three habits keep the slip from
# being made at all. Put readers in a module, where the names of a notebook are unknown: there the
# careless one stops with a `NameError`. Let a linter look for arguments that are never used (rule
# `ARG001` of Ruff; it flags the careless reader). And count what is tested.
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
# - An array does not say whose it is. Compare the test side with the training side before fitting.

# %% [markdown]
# ## Exercises
#
# **Exercise 10.1.** Put two defects in at once: dominance in the valence column *and* ratings
# shuffled among trials. What can a head still recognise? Ask five nearest neighbours.
#
# :::{dropdown} Solution 10.1
# What remains above the majority is recognition of trials and people, which works for dominance as
# for valence. No feeling is left in those labels.
# :::

# %% tags=["solution", "nbval-ignore-output"] reason="results of trained networks differ slightly between processors"
from sklearn.neighbors import KNeighborsClassifier

both_defects = released.shuffle_trials(
    released.dominance_as_valence(meta), "valence", study.profile.seed
)
column = label_matrix(both_defects, ["valence"])[:, 0]
Z = pretraining.features(study, STR, 0)
hit = np.empty(len(column), dtype=bool)
for train, test in splitter.split(meta):
    neighbours = KNeighborsClassifier(5).fit(Z[train], column[train])
    hit[test] = neighbours.predict(Z[test]) == column[test]
majority = max(column.mean(), 1 - column.mean())
print(f"{study.label}: accuracy {hit.mean():.2f}, majority {majority:.2f}")

# %% [markdown]
# **Exercise 10.2.** How much would choosing add if the refits were independent, each right by
# chance?
#
# :::{dropdown} Solution 10.2
# More than refits that share their training windows and agree on many answers. Compare with the
# curve of the shuffled labels.
# :::

# %% tags=["solution"]
from ecglib.evaluation.refits import Refits

rng = np.random.default_rng(0)
truth, fold = refits[replication.NOTHING].truth, refits[replication.NOTHING].fold
guesses = rng.random((20, len(truth))) < truth.mean()
print(optimism(Refits(truth, fold, guesses)).loc[[1, 20]].round(3).to_string())

# %% [markdown]
# **Exercise 10.3.** A classifier says "high" to everything. What are its two F1?
#
# :::{dropdown} Solution 10.3
# The class that is never predicted has no precision. We count it as 0. The released code divides by
# zero there and gives no number.
# :::

# %% tags=["solution"]
always = released_metrics(labels["valence"], np.ones_like(labels["valence"]))
for name, value in always.items():
    print(f"{study.label}, {name}: {value:.2f}")

# %% [markdown]
# **Exercise 10.4.** Let the careless reader loop over *all* people. Which of the two audits
# notices, and how many windows does it count when the last person is tested?
#
# :::{dropdown} Solution 10.4
# The one that looks into the arrays: it counts the training windows, and not the windows of the
# person who is tested. The score is a mixture now: all training people and the one who was asked
# for.
# :::

# %% tags=["solution"]
shared = find_shared_windows(X_train, read(people)[0])
print("as many as there are training windows:", len(shared) == len(X_train))

# %% [markdown]
# **Research question.** Take a published result on physiological signals whose code is open. Which
# of the slips of this chapter could you exclude by reading the code, which by looking at the
# published numbers alone, and which only by running it? Tell its authors before you tell others.
#
# ## What next
#
# {doc}`11_beyond` leaves the usual questions behind.
