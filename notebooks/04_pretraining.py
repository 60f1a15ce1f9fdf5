# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Pretraining
#
# ```{opening} fig-pretraining-tasks
# A network is trained to say what was done to a window. Which alterations does it recognise in people
# whom it has never seen?
# ```
#
# ```{admonition} Before you start
# - **You will learn** what the network looks like, how it is trained without any rating, and how to
#   tell whether it learnt something that holds for people it has never seen.
# - **You need first**: {doc}`03_transformations`.
# - **It takes** some minutes the first time, while the network trains; seconds after that.
# ```
#
# The last chapter turned one {term}`window` into seven. Now a network learns to tell which is which. The
# question is only a {term}`pretext`: nobody needs a detector of upside-down ECGs. To answer it, however,
# the network has to know what an ECG looks like, and that knowledge is what we keep
# {cite}`sarkar2022tac`.
#
# There is one **{term}`encoder`**, shared by everything, and seven small **{term}`heads <head>`**. The encoder turns a
# window into a short list of numbers, its features. Each head reads the features and answers one
# yes-or-no question: is this *my* version? A window and its versions give 49 answers, and we know
# all the right ones without asking anyone.

# %%
import json
from pathlib import Path

import numpy as np
import pandas as pd

from ecglib.core.process import tune_process
from ecglib.evaluation import recognition
from ecglib.models.encoder import build_encoder
from ecglib.plots import pretraining as pretraining_plots
from ecglib.plots.palette import spoken
from ecglib.pretext.str_model import build_str_heads
from ecglib.pretext.transformations import TASKS
from ecglib.studies import pretraining
from ecglib.studies.profiles import PAPER, QUICK, differences
from ecglib.studies.study import Study

tune_process()
study = Study()
meta = study.usable.meta
print(f"data: {study.label}, profile: {study.profile.name}")

# %% [markdown]
# ## The encoder
#
# Three blocks of two {term}`convolutions <convolution>` each. A convolution slides short templates along the window and
# notes how well each of them fits. From block to block there are more templates, and they are
# shorter, but between blocks the signal is thinned out by {term}`max pooling <pooling>`, so they see more of it. In
# the end, global max pooling keeps one number per template: how well it fits *anywhere*. The
# position is discarded, so a beat counts the same wherever it falls in the window.

# %% tags=["hide-output"]
encoder = build_encoder(PAPER.encoder)
pd.DataFrame(
    {
        "output": [str(layer.output.shape[1:]) for layer in encoder.layers],
        "parameters": [layer.count_params() for layer in encoder.layers],
    },
    index=[layer.name for layer in encoder.layers],
)

# %% [markdown]
# ## The heads
#
# Each head has two hidden layers and one output, the **{term}`logit`**: above zero means yes. The numbers
# of parameters are those of the published checkpoint.

# %%
heads = build_str_heads()
one_head = heads.count_params() // len(TASKS)
print(f"encoder: {encoder.count_params():,} parameters")
print(f"one pretext head: {one_head:,}")
print(f"encoder and {len(TASKS)} heads: {encoder.count_params() + heads.count_params():,}")
print(f"encoder of the profile in use: {pretraining.random_encoder(study).count_params():,}")

# %% [markdown]
# :::{dropdown} Quiz: The encoder ends in a maximum over time. Can its features hold how *often* something occurs in the window?
# Hardly: one good fit gives the same maximum as twelve. Whether the rate can still be read from
# shapes is a question for {doc}`17_real_state`.
# :::
#
# ## The loss
#
# Every head is a small classifier with its own {term}`binary cross-entropy <cross-entropy>`
# $\ell_t$. The {term}`loss` that the network minimises is their weighted sum, plus a penalty on
# large weights:
#
# $$
# \mathcal{L} = \sum_{t=1}^{7} \alpha_t \, \ell_t
#     + \frac{\beta}{2} \sum_k \lVert w_k \rVert^2
# $$ (eq-pretext-loss)
#
# The sum over $k$ runs over all kernels. Mind the half in {eq}`eq-pretext-loss`: the released code
# has it, the penalty of the same name in Keras has not. The published weights $\alpha_t$ say which
# questions are easy:

# %%
weights = pd.Series(dict(PAPER.pretext.task_weights), name="published weight")
print(weights.rename(spoken).to_string())

# %% [markdown]
# ```{differences} pooling activation penalty pretraining
# ```
#
# ## Two profiles
#
# `paper` holds every published value and wants a graphics card. `quick` is the same method for two
# processor cores. It stops much earlier, and to learn enough in so few steps it normalises within
# the network {cite}`ioffe2015batchnorm`, weighs all questions alike, and lets a head's one "yes"
# count as much as its six "no". We chose its values on other {term}`synthetic cohorts <synthetic cohort>` than the one in
# this book, but the first trials of the schedule and the last check of the stride looked at this
# one too. This is every difference:

# %% tags=["hide-output"]
differences(QUICK, PAPER)

# %% [markdown]
# ## Training
#
# Pretraining needs no ratings, but it can still see too much. If the encoder has learnt from a
# person's windows, that person is no stranger to it. So we split the participants into groups and
# leave one group out. The next cell trains the encoder that has never seen the first group, or
# loads it if it is there already. During training a checkpoint is kept after every {term}`epoch`: an
# interrupted run goes on where it stopped and ends with the very same weights. A log for
# TensorBoard lies beside it.

# %%
group = 0
pretext = pretraining.pretext(study, group)
out = np.isin(meta["participant"], study.groups[group])
n_known, n_strangers = meta.loc[~out, "participant"].nunique(), len(study.groups[group])
print(f"{study.label}: trained for {len(pretext.history)} epochs")
print(f"on {np.count_nonzero(~out)} windows of {n_known} participants")
print(f"shown {len(pretext.heldout_rows)} windows of {n_strangers} others")

# %% mystnb={"image": {"alt": "Two line plots over the training epochs: the loss on the left, the balanced accuracy on the right with a dotted line at one half."}, "figure": {"caption": "Loss and balanced accuracy on the training windows after each epoch.", "name": "fig-pretraining-curves"}}
fig = pretraining_plots.training_curves(pretext.history, study.label)
fig

# %% [markdown]
# {numref}`fig-pretraining-curves` shows the training windows, with {term}`dropout` at work. It tells us
# that the training made progress, not that the result is any good. The dotted line is guessing.

# %% tags=["hide-cell"]
history = pretext.history
print("the loss fell:", history["loss"].iloc[-1] < history["loss"].iloc[0])
print("answers at the end better than guessing:", history["balanced_accuracy"].iloc[-1] > 0.6)

# %% [markdown]
# :::{dropdown} Quiz: Pretraining uses no ratings. Why leave people out at all?
# The features may fit the hearts they were learnt from. A person who is tested later should be as new to
# the encoder as the next user.
# :::
#
# ## Recognition for people it has never seen
#
# Now we turn to the participants who were left out, and compute two numbers for each head. The
# **{term}`area under the ROC curve <AUC>`** (AUC) is the chance that the head answers more strongly to its own
# version than to another one; guessing gives one half. **{term}`F1`** joins {term}`precision` and {term}`recall` of the
# yes-answers, and here it starts low: only one version in seven deserves a yes.

# %% tags=["nbval-ignore-output"] reason="scores of a trained network differ slightly between processors"
scores = recognition.task_scores(pretext.heldout_logits)
METRIC = {"auc": "AUC", "f1": "F1"}
scores.round(3).rename(index=spoken, columns=METRIC).rename_axis(f"task ({study.label})")

# %% mystnb={"image": {"alt": "Horizontal bar chart with two bars for each of the seven versions: area under the ROC curve and F1, each with its value beside it. Where F1 is far below the area, the head says yes too often or too seldom."}, "figure": {"caption": "How well each head recognises its version, for participants left out of pretraining.", "name": "fig-pretraining-tasks"}}
fig = pretraining_plots.task_bars(scores, study.label)
fig

# %%
LEARNT = 0.98
learnt = scores["auc"] >= LEARNT
heads_named = scores.index.map(spoken)
print(f"{study.label}, heads with an AUC of at least {LEARNT}:", *heads_named[learnt], sep="\n  ")
print("below it:", *heads_named[~learnt], sep="\n  ")

# %% [markdown]
# :::{dropdown} Quiz: An F1 of 0.25 beside an area of 0.5: good, bad, or nothing learnt?
# Nothing learnt: saying yes to everything scores about that, since one version in seven deserves a
# yes.
# :::
#
# ## What is taken for what
#
# Why are some heads weak? We show one version, and see which of the seven heads answers most
# strongly.

# %% mystnb={"image": {"alt": "Seven by seven matrix of percentages: versions shown in rows, heads that answer most strongly in columns. The diagonal is what is recognised; large numbers beside it show which versions are taken for each other.", "width": "80%"}, "figure": {"caption": "For each version shown, the share of windows on which each head answers most strongly.", "name": "fig-pretraining-confusion"}}
confusion = recognition.confusion(pretext.heldout_logits)
fig = pretraining_plots.confusion_matrix(confusion, study.label)
fig

# %% tags=["nbval-ignore-output"] reason="scores of a trained network differ slightly between processors"
for version, shares in confusion.iterrows():
    rivals = shares.drop(version).sort_values(ascending=False)
    if shares[version] < 0.95:
        told = ", ".join(
            f"{spoken(head)} {share:.0%}" for head, share in rivals[rivals > 0.02].items()
        )
        print(f"{spoken(version)}: {shares[version]:.0%} by its own head; {told}")

# %% [markdown]
# What is missing can have two different causes. Scaled windows differ from originals in amplitude alone, and
# to judge that one has to know what is usual. Warped windows have nearly the amplitudes of their
# originals: where they are taken for originals, amplitude is not the reason. They differ in widths
# and distances by a few per cent ({doc}`03_transformations`), which is all in the window, and which
# this network may not have learnt to measure *yet*. We look at the two causes one after the other.
#
# ### Each head by itself
#
# {numref}`fig-pretraining-confusion` has a weakness: the heads were trained apart, and nothing
# makes their logits comparable. So we also ask of each head by itself how well it separates its own
# version from *each* of the others, and by which of them it loses its points.
#
# Every version is shown equally often. Therefore the mean of a row below is exactly that head's area
# above, and what is missing from 1 can be shared out among the versions.

# %% tags=["nbval-ignore-output"] reason="scores of a trained network differ slightly between processors"
areas = recognition.areas_by_version(pretext.heldout_logits)
lost = (1 - areas) / (len(TASKS) - 1)
for head in scores.index[~learnt]:
    told = ", ".join(
        f"{loss:.3f} on {spoken(version)}"
        for version, loss in lost.loc[head].sort_values(ascending=False).items()
        if loss > 0.001
    )
    print(f"head {spoken(head)!r}: AUC {scores.loc[head, 'auc']:.3f}, lost {told}")
areas.round(2).rename(index=spoken, columns=spoken).rename_axis(columns=f"version ({study.label})")

# %% tags=["hide-cell"]
print("the rows average to the scores above:", np.allclose(areas.mean(axis=1), scores["auc"]))
slight = ["original", "scaling", "time_warping"]
among = lost.loc[slight, slight].sum().sum() / lost.loc[slight].sum().sum()
print("original, scaling and warping lose nearly all (95 %) to each other:", bool(among >= 0.95))
own = pd.Series(np.diag(confusion), index=TASKS).drop(slight)
print("every other head speaks up for most windows of its version:", bool((own > 0.5).all()))

# %% [markdown]
# ## How far does amplitude lead?
#
# How well can originals and scaled windows be told apart by amplitude alone? Two {term}`oracles <oracle>`
# say so. The **oracle: same participant** has studied the amplitudes of the same participant in other
# clips, which a network cannot do for a stranger. The **oracle: other participants** has studied everyone
# else, and judges the stranger by them, as a network does. {numref}`fig-pretraining-reference` puts the
# network beside both. The gap between the two oracles is what knowing the person is worth.
#
# Both know the logarithm of the root mean square of a window and of several quantiles of its
# absolute samples, and weigh them by a linear discriminant. They are a reference, not a ceiling: a
# network may find more in a window than a linear sum of a few quantiles does. If a head tells five versions apart without error, and the sixth with area $a$, then
# its area against all six is $(5 + a) / 6$.

# %%
factor = study.profile.pretext.transforms.scale_factor
reference = recognition.amplitude_reference(study.usable.X, meta, factor)
print(f"{study.label}: original against × {factor:g}, area under the ROC curve (AUC)")
print(f"oracle, same participant: {reference['person']:.2f}, mean over participants")
print(f"oracle, other participants: {reference['population']:.2f}")
print(f"a head that errs as they do, and in nothing else: {reference['person_head']:.2f}", end=", ")
print(f"{reference['population_head']:.2f}")

# %% tags=["nbval-ignore-output"] reason="scores of a trained network differ slightly between processors"
network = recognition.original_vs_scaled(pretext.heldout_logits)
print(f"{study.label}: network (both heads), original against × {factor:g}: {network:.2f}")
for head, other in (("original", "scaling"), ("scaling", "original")):
    alone = recognition.head_reference(areas.loc[head, other])
    print(
        f"head {head!r}: {scores.loc[head, 'auc']:.3f};",
        f"{alone:.3f} if it erred on {other!r} alone",
    )

# %% mystnb={"image": {"alt": "Dots, one per participant, for an oracle that knows the person, and three horizontal lines: an oracle that knows other people, the network, and chance at one half."}, "figure": {"caption": "Original against scaled windows: two oracles for reference, and the network.", "name": "fig-pretraining-reference"}}
fig = pretraining_plots.amplitude_oracles(
    reference["by_participant"], reference["population"], network, study.label
)
fig

# %% tags=["hide-cell"]
print("the network does better than guessing:", network > 0.5)
print("the network is below the oracle of the same participant:", network < reference["person"])

# %% [markdown]
# The oracles are averaged over everyone, the network over the participants left out. Where a head's area is clearly below what it
# would be if it erred on this pair alone, amplitude is not the whole story, and the table above says
# what else the head takes for its own.
#
# :::{dropdown} Quiz: A network scores above the oracle that knows other participants. Is there a leak?
# Not necessarily. The oracles see a few statistics of the amplitude, and a network may find more in
# a window. They are references, not ceilings.
# :::
#
# ## A longer training
#
# Would more training help? `quick` stops early, to fit two processor cores.
# `benchmarks/bench_schedule.py` went on: it trained on a graphics card, and judged every head along
# the way on windows of people left out. {numref}`fig-pretraining-longer` shows what it found. A head
# that catches up there was unfinished here. One that hardly moves any more is not helped by more of
# the same training. The book stays with the short training: what it goes on with are the features,
# not the answers of the heads, and {doc}`06_results` asks what they are worth.
#
# The next cells read the results of that training. Its schedule `fast` is
# that of `quick`, longer, and `published` is that of `paper`. More than the length is different there:
# the data are always those of the synthetic cohort as it was when 0.2.0 was released, whatever this page
# shows, more people are known, and the windows cover whole recordings, so there are more to learn from.

# %%
found = json.loads(Path("../benchmarks/results/schedule.json").read_text())
longer = {
    name: pd.DataFrame({p["views"]: p["tasks"] for p in found[name] if "tasks" in p}).T
    for name in ("fast", "published")
}
training = study.profile.pretext.training
n_trained = np.count_nonzero(~out)
views = training.epochs * training.steps(n_trained) * training.batch_windows * len(TASKS)
about = found["about"]["configuration"]
print(f"this chapter ({study.label}): {views:,} versions of {n_trained:,} windows shown")
for name, areas_then in longer.items():
    print(f"{name} ({about['data']}): {areas_then.index[-1]:,}", end=" ")
    print(f"versions of {about['training windows']:,} windows")

# %% mystnb={"image": {"alt": "Seven lines, one per head, of the area under the ROC curve over the number of versions shown, on a logarithmic axis; hollow markers on a dotted vertical line show the network of this chapter. The heads come up one after the other, and those of original and scaling stay lowest at the end."}, "figure": {"caption": "What each head recognises in the longer training `fast`, judged on people left out; hollow, the network of this chapter.", "name": "fig-pretraining-longer"}}
label = f"{about['data']}, fast; hollow: {study.label}, {study.profile.name}"
fig = pretraining_plots.areas_over_views(longer["fast"], scores["auc"], views, label)
fig

# %% tags=["hide-cell", "nbval-ignore-output"] reason="scores of a trained network differ slightly between processors"
same = int(np.abs(longer["fast"].index - views).argmin())
columns = {f"here, {views:,}": scores["auc"]}
columns |= {f"fast, {longer['fast'].index[i]:,}": longer["fast"].iloc[i] for i in (same, -1)}
columns |= {f"published, {longer['published'].index[-1]:,}": longer["published"].iloc[-1]}
pd.DataFrame(columns).rename(spoken).round(3).rename_axis("AUC after so many versions")

# %%
fast, half = longer["fast"], len(longer["fast"]) // 2
for task in TASKS:
    reached = fast.index[fast[task] >= LEARNT]
    when = f"reaches {LEARNT} at {reached[0]:,}" if len(reached) else f"never reaches {LEARNT}"
    low, high = fast[task].iloc[half:].min(), fast[task].iloc[half:].max()
    print(f"{spoken(task)} {when}; second half of the training: {low:.2f} to {high:.2f}")
n_judged = about["judged windows"]
print(f"({about['data']}, fast, judged on {n_judged} windows)")

# %% [markdown]
# Read the lines by two rules. A head that reaches the bound later than `quick` stops was
# unfinished: time warping is of this kind where the lines say so, and then the errors that it
# caused in the other heads disappear as well. A head that never reaches it, and hardly moves in the
# second half, is not helped by more of the same training. Where that is true of original and
# scaling alone, only the question of amplitude is left, and the reference above says what a simple
# reading of it would give.

# %% [markdown]
# ## What could go wrong
#
# - **The same people in training and test.** Windows of one person resemble each other so much that
#   recognition on a random tenth of the windows says little about the next person.
# - **An easy way out.** If a transformation left a trace, say a jump at a fixed place, the head
#   would learn the trace. A perfect score is a reason to look for one.
# - **One number for a head** hides what the head errs on. Look at it version by version before you
#   name a reason.
# - **{term}`Batch normalisation <batch normalisation>` forgets to settle.** In training it uses the statistics of the batch, later
#   a running average. In a short training that average must move fast enough, or the network fails
#   on new windows although the training looked fine.
# - **A good pretext score proves nothing about emotions.** It shows that the features know the shape
#   of an ECG. Whether that helps is the question of {doc}`06_results`.
#
# ## Take-aways
#
# - One encoder and seven heads learn from windows alone; no rating is used.
# - We judge the network on participants whom it never saw.
# - A weak head may be unfinished, or ask for what the window does not tell. A longer training tells
#   the two apart, and a reference says how much the window holds.

# %% [markdown]
# ## Exercises
#
# **Exercise 4.1.** What F1 would a head have that says yes to everything?
#
# :::{dropdown} Solution 4.1
# Precision is one in seven and recall is one, so F1 is two in eight. Compare F1 with that, not with
# one half.
# :::

# %% tags=["solution"]
yes = np.ones_like(pretext.heldout_logits)
print(recognition.task_scores(yes)["f1"].rename("F1").rename(spoken).round(3).to_string())

# %% [markdown]
# **Exercise 4.2.** A head tells five of the other versions apart without error and guesses on the
# sixth. What is its area? And if it guesses on two?
#
# :::{dropdown} Solution 4.2
# $(5 + 0.5)/6$ and $(4 + 2 \cdot 0.5)/6$. An area above 0.9 can hide a question that the head can't
# answer at all.
# :::

# %% tags=["solution"]
print(f"guesses on one: {recognition.head_reference(0.5):.3f}")
print(f"guesses on two: {(4 + 2 * 0.5) / 6:.3f}")

# %% [markdown]
# **Exercise 4.3.** How far would the oracles go if they knew the root mean square alone?
#
# :::{dropdown} Solution 4.3
# Where the numbers without quantiles are lower, the quantiles add something: they tell how much of
# the amplitude is due to the number of beats in the window.
# :::

# %% tags=["solution"]
from unittest.mock import patch

with patch.object(recognition, "AMPLITUDE_QUANTILES", ()):
    alone = recognition.amplitude_reference(study.usable.X, meta, factor)
for oracle in ("person", "population"):
    print(f"{study.label}, {oracle}: {alone[oracle]:.2f} without quantiles,", end=" ")
    print(f"{reference[oracle]:.2f} with them")

# %% [markdown]
# **Exercise 4.4.** Which layer holds the largest share of the encoder's parameters, and why?
#
# :::{dropdown} Solution 4.4
# A convolution has as many weights as the product of its length, its inputs and its outputs. The
# numbers of templates grow from block to block faster than the templates become shorter.
# :::

# %% tags=["solution"]
largest = max(encoder.layers, key=lambda layer: layer.count_params())
print(f"{largest.name}: {largest.count_params() / encoder.count_params():.0%} of all parameters")

# %% [markdown]
# **Research question.** A head that has not learnt its task may be unfinished, or its question may
# have no answer in the window. Which measurement on real recordings, where no generator says what
# is there, parts the two?
#
# ## What next
#
# {doc}`05_transfer` freezes the encoder, throws the seven heads away, and puts new ones in their
# place that predict emotions.
