# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Fine-tuning
#
# ```{opening} fig-finetuning-changes
# If the labels may change the encoder too, how far does each layer move from what the pretext taught it?
# ```
#
# ```{admonition} Before you start
# - **You will learn** to train a softmax layer on a frozen encoder, to let the labels change the
#   encoder too, and to check which weights a training moved. Then from two classes to five.
# - **You need first**: {doc}`05_transfer`.
# - **It takes** about a minute; some minutes more if the encoder has to be trained first.
# ```
#
# A {term}`frozen` {term}`encoder` keeps what the {term}`pretext` taught it, needed or not. **{term}`Fine-tuning <fine-tuning>`** goes on training
# it with labels, gently. The encoder can then adapt to the task, but it can also forget what it
# knew, or learn the few labelled people by heart. This chapter shows how it is done and checked, on
# one {term}`fold`. Whether it pays off can only be decided on all folds, which {doc}`14_comparison` does.

# %%
import textwrap
from dataclasses import replace

import numpy as np
import pandas as pd
from keras import ops

from ecglib.core.errors import DataError
from ecglib.core.process import tune_process
from ecglib.data.labels import TARGETS, class_labels, label_matrix
from ecglib.evaluation.metrics import auc
from ecglib.plots import finetuning as finetuning_plots
from ecglib.studies import pretraining
from ecglib.studies.comparison import folds
from ecglib.studies.study import Study
from ecglib.transfer.finetune import FineTuner, build_classifier, weighted_cross_entropy

tune_process()
study = Study()
config = study.profile.comparison
seed = study.profile.seed
print(f"data: {study.label}, profile: {study.profile.name}")

# %% [markdown]
# ## One fold
#
# We take the first group of participants, test some of them, and train on everybody else. The
# encoder comes from {doc}`04_pretraining` and has never seen this group. To keep the chapter short we
# use one {term}`window` of every {term}`trial`; the comparison uses all.

# %%
fold = folds(study)[0]
everything = study.usable.meta.reset_index(names="row")
one = everything.groupby(["participant", "clip"])["row"].first().to_numpy()
meta, X = study.usable.meta.iloc[one].reset_index(drop=True), study.usable.X[one]
test = np.flatnonzero(np.isin(one, fold.test))
train = np.flatnonzero(np.isin(one, fold.train))
people = {name: set(meta["participant"].iloc[rows]) for name, rows in
          (("train", train), ("test", test))}  # fmt: skip
print(f"{study.label}: {len(train)} windows of {len(people['train'])} people to train,")
print(f"{len(test)} windows of {len(people['test'])} people to test")
print("people on both sides:", len(people["train"] & people["test"]))

# %% [markdown]
# ## The softmax layer
#
# On top of the encoder comes **one fully connected layer**. It gives one number per
# class, the *{term}`logit`*. A **{term}`softmax`** turns the logits into probabilities that sum to one. We put three
# such layers side by side, one each for {term}`valence`, {term}`arousal` and {term}`dominance`. They share the encoder, and
# nothing else.

# %%
classifier = build_classifier(n_features=128, n_targets=3, n_classes=2, seed=seed)
print("features to logits:", classifier.input_shape, "→", classifier.output_shape)
trainable = sum(int(np.prod(v.shape)) for v in classifier.trainable_variables)
print("trainable numbers:", trainable)
print("targets × (features + bias) × classes:", 3 * (128 + 1) * 2)

# %% [markdown]
# The {term}`loss` is the **{term}`categorical cross-entropy <cross-entropy>`**: minus the logarithm of the probability of the true
# class, averaged. By hand and by the library:

# %%
random = np.random.default_rng(seed)
logits = random.normal(size=(8, 3, 2)).astype("float32")
truth = random.integers(0, 2, size=(8, 3))
probability = np.exp(logits.astype(float))
probability /= probability.sum(axis=-1, keepdims=True)
of_truth = np.take_along_axis(probability, truth[..., None], axis=-1)
by_hand = -np.log(of_truth).mean()
one_hot = np.eye(2, dtype="float32")[truth]
by_library = float(ops.convert_to_numpy(weighted_cross_entropy(one_hot, logits)))
print("equal to one in a million:", bool(abs(by_hand - by_library) < 1e-6))

# %% [markdown]
# :::{dropdown} Quiz: Why three softmax layers, and not one with eight classes for all combinations of high and low?
# Each target has its own question and its own labels. Eight classes would split few ratings into
# rarer ones, and need a new layer for each new target.
# :::
#
# ## The schedule
#
# Training uses SGD with momentum. The rate climbs for a tenth of the steps, then falls along half a
# cosine. The {term}`head` alone can afford many more steps: it trains on features that were computed once.
#
# The whole network has one guard. A gradient that is longer than a limit is shortened to it
# (**gradient clipping**). Without batch normalisation features can be tiny; scaling them up for the
# softmax layer scales the gradients up too, and one step may throw the encoder far away.
#
# There are gentler recipes: train the head first, so that random layers on top don't send random
# gradients through the encoder {cite}`kumar2022finetuning`; give the encoder a smaller rate; thaw it
# layer by layer. The book keeps to the plain one. Then fine-tuning and training from scratch are the
# same training from different weights, and a difference between them is due to the weights.

# %% mystnb={"image": {"alt": "Two curves of learning rate over steps: a short straight climb, then half a cosine down to zero; the head alone begins at another rate than the whole network."}, "figure": {"caption": "Learning rate of the head alone and of the whole network.", "name": "fig-finetuning-rates"}}
settings = {"head alone": config.head, "whole network": config.tuning}
rates = {}
for name, setting in settings.items():
    schedule = setting.training.rate(len(train))
    steps = setting.training.epochs * setting.training.steps(len(train))
    rates[name] = np.array([float(schedule(step)) for step in range(steps)])
fig = finetuning_plots.rate_curves(rates, study.profile.name)
fig

# %%
for name, setting in settings.items():
    clip = "not clipped" if setting.clip_norm is None else f"clipped at {setting.clip_norm:g}"
    print(f"{name}:")
    print(f"  {len(rates[name])} steps of {setting.training.batch_windows} windows")
    print(f"  momentum {setting.momentum}, highest rate {rates[name].max():.3g}")
    print(f"  gradients {clip}")

# %% [markdown]
# ## Frozen
#
# First the head alone. The encoder runs once, in inference mode, and we keep its features. Each
# feature is shifted and scaled by the mean and standard deviation of the *training* windows, since
# SGD is slow where one feature is large and another small.

# %%
labels = label_matrix(meta, TARGETS)
start = pretraining.pretext(study, fold.group).encoder.get_weights()
frozen = FineTuner(X, labels, study.profile.encoder, config.head, n_classes=2, seed=seed)
_ = frozen.fit(train, start)
probabilities = {"head alone": frozen.predict(test, start)}

# %%
after = frozen.encoder.get_weights()
same = [np.array_equal(a, b) for a, b in zip(start, after, strict=True)]
statistics = sum("moving" in v.path for v in frozen.encoder.weights)
print("weights of the encoder, all bytes as before:", all(same))
if statistics:
    print(f"among them {statistics} running statistics of batch normalisation")

# %% [markdown]
# :::{dropdown} Quiz: The head is trained on standardised features. Whose mean and deviation?
# Those of the training windows alone. The test windows are shifted and scaled by the same numbers.
# :::
#
# ## Fine-tuned
#
# Now the whole network, from the same start. All layers train, {term}`batch normalisation` among them: its
# statistics follow the batches again.

# %%
tuned = FineTuner(X, labels, study.profile.encoder, config.tuning, n_classes=2, seed=seed)
losses = tuned.fit(train, start)
probabilities["whole network"] = tuned.predict(test, start)
print("the loss fell:", losses[-1] < losses[0])

# %%
after = tuned.encoder.get_weights()
moved = pd.DataFrame(
    [
        {"kind": v.path.split("/")[-1], "moved": not np.array_equal(a, b)}
        for a, b, v in zip(start, after, tuned.encoder.weights, strict=True)
    ]
)
print(moved.groupby("kind")["moved"].agg(moved="sum", all="count").to_string())

# %% [markdown]
# How far did they move? {numref}`fig-finetuning-changes` shows it for the kernel of each
# {term}`convolution`, as a share of its own length. At 100 % little of the pretext would be left.

# %%
changes = {}
for before, now, variable in zip(start, after, tuned.encoder.weights, strict=True):
    if variable.path.endswith("kernel"):
        layer = variable.path.split("/")[-2]
        changes[layer] = np.linalg.norm(now - before) / np.linalg.norm(before)
changes = pd.Series(changes)
print("convolutions:", len(changes))
largest = changes.max()
bands = ((0.1, "less than a tenth"), (0.5, "a tenth to a half"), (1, "half to all"))
band = next((text for limit, text in bands if largest < limit), "more than all")
print(f"the kernel that moved most moved by {band} of its length")

# %% mystnb={"image": {"alt": "Six bars, one for each convolution, show by how many per cent its kernel differs after fine-tuning from the pretrained one."}, "figure": {"caption": "What fine-tuning changed in each convolution.", "name": "fig-finetuning-changes"}}
fig = finetuning_plots.weight_changes(changes, study.label)
fig

# %% [markdown]
# :::{dropdown} Quiz: After fine-tuning, every kernel moved by less than a tenth. Was the pretext kept?
# Its weights mostly were. Whether its knowledge was, the distance doesn't say: a small move can
# change what counts. Test the pretext again if you need to know.
# :::
#
# ## Does it help?
#
# One fold with one window per trial can't tell. We look anyway, to see the quantity that the next
# chapter collects: the {term}`area under the ROC curve <AUC>` (AUC) within each tested person, averaged.

# %%
tested = meta["participant"].to_numpy()[test]
high = labels[test]


def mean_auc(probability: np.ndarray, target: int) -> float:
    """Mean over people of the AUC of the probability of a high rating."""
    score = probability[:, target, 1]
    people = np.unique(tested)
    return float(np.nanmean([auc(high[tested == p, target], score[tested == p]) for p in people]))


scores = {name: [mean_auc(p, t) for t in range(len(TARGETS))] for name, p in probabilities.items()}
sums = [np.allclose(p.sum(axis=-1), 1, atol=1e-5) for p in probabilities.values()]
print("probabilities of the classes sum to one:", all(sums))

# %% tags=["nbval-ignore-output"] reason="scores of trained networks differ slightly between processors"
print(f"{study.label}, one fold, AUC:")
print(pd.DataFrame(scores, index=list(TARGETS)).round(2).to_string())

# %% [markdown]
# ## Five classes
#
# A rating has five steps. The same network with five outputs per target learns to name the rating.
# The probability of "high" is then the sum of those of 4 and 5. Note what the loss does not know: to
# take a 5 for a 4 costs as much as to take it for a 1. {doc}`11_beyond` has models that know.

# %%
ratings = np.stack([class_labels(meta, target) for target in TARGETS], axis=1)
five = FineTuner(X, ratings, study.profile.encoder, config.head, n_classes=5, seed=seed)
_ = five.fit(train, start)
predicted = five.predict(test, start).argmax(axis=-1)
t = TARGETS.index("arousal")
counts = np.zeros((5, 5), dtype=int)
np.add.at(counts, (ratings[test, t], predicted[:, t]), 1)
print("every tested window is in the table once:", int(counts.sum()) == len(test))

# %% mystnb={"image": {"alt": "A table of five by five cells: true rating of arousal against the predicted one, with counts; right answers lie on the diagonal.", "width": "58%"}, "figure": {"caption": "Which rating of arousal was taken for which, in one fold.", "name": "fig-finetuning-confusion"}}
given = np.maximum(counts.sum(axis=1, keepdims=True), 1)
fig = finetuning_plots.confusion(counts, counts / given, "arousal", study.label)
fig

# %% tags=["nbval-ignore-output"] reason="scores of trained networks differ slightly between processors"
commonest = np.bincount(ratings[train, t], minlength=5).argmax()
print(f"{study.label}, accuracy over five classes: {np.trace(counts) / counts.sum():.2f}")
print(f"always the commonest rating: {np.mean(ratings[test, t] == commonest):.2f}")

# %% [markdown]
# ## Rare classes
#
# If high ratings are rare, a network can lower its loss by calling everything low. **Class weights**
# counter that: each window counts inversely to the frequency of its class. They are an option, off
# by default. The loss changes then, and so does what its probabilities mean.

# %%
balanced = replace(config.head, class_weights=True)
weighted = FineTuner(X, labels, study.profile.encoder, balanced, n_classes=2, seed=seed)
_ = weighted.fit(train, start)
called = {"rated high": labels[test], "plain": probabilities["head alone"].argmax(axis=-1),
          "weighted": weighted.predict(test, start).argmax(axis=-1)}  # fmt: skip
shares = pd.DataFrame({name: y.mean(axis=0) for name, y in called.items()}, index=list(TARGETS))
common = labels[train].mean(axis=0) > 0.5
fewer = shares["weighted"] <= shares["plain"]
print("with weights the commoner class is called less often, or as often:",
      bool((fewer == common).all()))  # fmt: skip

# %% tags=["nbval-ignore-output"] reason="scores of trained networks differ slightly between processors"
print(f"{study.label}, share of windows called high:")
print(shares.round(2).to_string())

# %% [markdown]
# :::{dropdown} Quiz: With class weights a network calls more windows "high" and its accuracy falls. Did it get worse?
# By accuracy, yes; by balanced accuracy perhaps not. The weights changed the question, and what the
# probabilities mean.
# :::
#
# ## What could go wrong
#
# **The rate is too high.** The loss overflows. The library stops and says so, instead of passing on
# numbers that mean nothing.

# %%
reckless = replace(config.head, training=replace(config.head.training, learning_rate=1e38))
wild = FineTuner(X, labels, study.profile.encoder, reckless, n_classes=2, seed=seed)
try:
    wild.fit(train, start, name="this fold")
except DataError as error:
    print(textwrap.fill(str(error), 80))

# %% [markdown]
# - **Frozen only by name.** `trainable = False` on a part, set after compiling, has no effect on the
#   compiled step. Batch statistics may move without any gradient. Compare bytes, as above.
# - **A loss that falls proves little.** The training people can be learnt by heart.
# - **Choosing rate and length by the test score.** Choose them on other data, once, for all methods.
# - **Too short to train at all.** Look at the loss: if it stays at the level of a coin toss, ln 2
#   for two classes, the labels taught nothing, and "from scratch" is only another name for random
#   weights.
# - **Unequal training.** With fewer labelled people, an {term}`epoch` is shorter. The library fixes the number
#   of steps, so that a comparison varies the labels alone.
#
# ## Take-aways
#
# - Head alone and whole network have the same layers on top, so they can be compared.
# - What was trained and what was not is a matter of bytes.
# - Fine-tuning needs a warm-up, a guard against long gradients, and a look at the loss and at how far
#   the weights went.

# %% [markdown]
# ## Exercises
#
# **Exercise 13.1.** A loss stays at the level of a coin toss. Where is that for two classes, and
# where is the same level for five?
#
# :::{dropdown} Solution 13.1
# At the logarithm of the number of classes. Equal logits give every class the same probability.
# :::

# %% tags=["solution"]
for n_classes in (2, 5):
    equal = np.zeros((4, 1, n_classes), dtype="float32")
    answer = np.eye(n_classes, dtype="float32")[np.zeros((4, 1), dtype=int)]
    loss = float(ops.convert_to_numpy(weighted_cross_entropy(answer, equal)))
    print(f"{n_classes} classes: {loss:.3f}, ln {n_classes} = {np.log(n_classes):.3f}")

# %% [markdown]
# **Exercise 13.2.** How far apart are two *random* encoders, in the measure of
# {numref}`fig-finetuning-changes`? It gives the scale for the bars.
#
# :::{dropdown} Solution 13.2
# About $\sqrt 2$ of a kernel's length: two long random vectors stand at right angles. A kernel that
# moved by so much has nothing to do with its start.
# :::

# %% tags=["solution"]
from ecglib.models.encoder import build_encoder

one_random, another = (
    build_encoder(study.profile.encoder, X.shape[1], seed=number) for number in (1, 2)
)
for a, b, v in zip(one_random.get_weights(), another.get_weights(), another.weights, strict=True):
    if v.path.endswith("kernel"):
        far = np.linalg.norm(a - b) / np.linalg.norm(a)
        print(f"between a length and twice a length: {bool(1 < far < 2)}")

# %% [markdown]
# **Exercise 13.3.** On how many pairs of trials does the AUC of each tested person rest, for
# arousal? How much does one pair count?
#
# :::{dropdown} Solution 13.3
# With one window per trial, high times low. A person with few of either has an area in coarse
# steps, and one pair can move it visibly.
# :::

# %% tags=["solution"]
t = TARGETS.index("arousal")
for p in np.unique(tested):
    n_high = int(high[tested == p, t].sum())
    pairs = n_high * (int((tested == p).sum()) - n_high)
    print(f"{study.label}, participant {p}: {pairs} pairs", end="")
    print(f", each worth {1 / pairs:.3f}" if pairs else ", so no area")

# %% [markdown]
# **Exercise 13.4.** Train the head alone at a tenth of its rate. Does it end elsewhere?
#
# :::{dropdown} Solution 13.4
# If the probabilities hardly differ, the rate was not what limited it. If they do, the slower head
# has not arrived yet: the number of steps is part of a method.
# :::

# %% tags=["solution", "nbval-ignore-output"] reason="results of trained networks differ slightly between processors"
slower = replace(config.head.training, learning_rate=config.head.training.learning_rate / 10)
gentle = replace(config.head, training=slower)
other = FineTuner(X, labels, study.profile.encoder, gentle, n_classes=2, seed=seed)
_ = other.fit(train, start)
gap = np.abs(other.predict(test, start) - probabilities["head alone"]).mean()
print(f"{study.label}: probabilities differ by {gap:.2f} on average")

# %% [markdown]
# **Research question.** Fine-tuning with the labels of a few people may help these people's like
# and harm others. Can you tell from the *unlabelled* windows of a new person which of the two
# encoders, frozen or fine-tuned, will serve that person better?
#
# ## What next
#
# {doc}`14_comparison` crosses every pretext with every transfer, and asks which choice matters.
