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
# ```{admonition} Before you start
# - **You will learn** what the network looks like, how it is trained without any rating, and how to
#   tell whether it learnt something that holds for people it has never seen.
# - **You need first**: {doc}`03_transformations`.
# - **It takes** some minutes the first time, while the network trains; seconds after that.
# ```
#
# The last chapter turned one window into seven. Now a network learns to tell which is which. The
# question is only a pretext: nobody needs a detector of upside-down ECGs. But to answer it, the
# network has to know what an ECG looks like, and that knowledge is what we keep
# {cite}`sarkar2022tac`.
#
# There is one **encoder**, shared by everything, and seven small **heads**. The encoder turns a
# window into a short list of numbers, its features. Each head reads the features and answers one
# yes-or-no question: is this *my* version? A window and its versions give 49 answers, and we know
# all the right ones without asking anyone.

# %%
import numpy as np
import pandas as pd

from ecglib.core.process import tune_process
from ecglib.evaluation import recognition
from ecglib.models.encoder import build_encoder
from ecglib.plots import pretraining as pretraining_plots
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
# Three blocks of two convolutions each. A convolution slides short templates along the window and
# notes how well each of them fits. From block to block there are more templates, and they are
# shorter, but between blocks the signal is thinned out by max pooling, so they see more of it.
# In the end, global max pooling keeps one number per template: how well it fits *anywhere*. The
# place is forgotten, so a beat counts the same wherever in the window it falls.

# %%
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
# Each head has two hidden layers and one output, the **logit**: above zero means yes. The numbers
# of parameters are those of the published checkpoint.

# %%
heads = build_str_heads()
one_head = heads.count_params() // len(TASKS)
print(f"encoder: {encoder.count_params():,} parameters")
print(f"one pretext head: {one_head:,}")
print(f"encoder and {len(TASKS)} heads: {encoder.count_params() + heads.count_params():,}")
print(f"encoder of the profile in use: {pretraining.random_encoder(study).count_params():,}")

# %% [markdown]
# ## The loss
#
# Every head is a small classifier with its own binary cross-entropy $\ell_t$. The network
# minimises their weighted sum, plus a penalty on large weights:
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
print(pd.Series(dict(PAPER.pretext.task_weights), name="published weight").to_string())

# %% [markdown]
# ## Two profiles
#
# `paper` holds every published value and wants a graphics card. `quick` is the same method for two
# processor cores. It stops much earlier, and to learn enough in so few steps it normalises within
# the network {cite}`ioffe2015batchnorm`, weighs all questions alike, and lets a head's one "yes"
# count as much as its six "no". We chose its values on other synthetic cohorts than the one in
# this book, but the first trials of the schedule and the last check of the stride looked at this
# one too. This is every difference:

# %%
differences(QUICK, PAPER)

# %% [markdown]
# ## Training
#
# Pretraining needs no ratings, but it can still see too much. If the encoder has learnt from a
# person's windows, that person is no stranger to it. So we split the participants into groups and
# leave one group out. The next cell trains the encoder that has never seen the first group, or
# loads it if it is there already. During training a checkpoint is kept after every epoch: an
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
# {numref}`fig-pretraining-curves` shows the training windows, with dropout at work. It tells us that
# the training went somewhere, not that the result is any good. The dotted line is guessing.

# %%
history = pretext.history
print("the loss fell:", history["loss"].iloc[-1] < history["loss"].iloc[0])
print("answers at the end better than guessing:", history["balanced_accuracy"].iloc[-1] > 0.6)

# %% [markdown]
# ## Recognition for people it has never seen
#
# Now the participants who were left out. For each head we count two things. The **area under the
# ROC curve** (AUC) is the chance that the head answers more strongly to its own version than to
# another one; guessing gives one half. **F1** joins precision and recall of the yes-answers, and
# here it starts low: only one version in seven deserves a yes.

# %%
# NBVAL_IGNORE_OUTPUT
# reason: scores of a trained network differ slightly between processors
scores = recognition.task_scores(pretext.heldout_logits)
scores.round(3).rename_axis(f"task ({study.label})")

# %% mystnb={"image": {"alt": "Horizontal bar chart with two bars for each of the seven versions: area under the ROC curve and F1."}, "figure": {"caption": "How well each head recognises its version, for participants left out of pretraining.", "name": "fig-pretraining-tasks"}}
fig = pretraining_plots.task_bars(scores, study.label)
fig

# %%
bounds = dict.fromkeys(("noise", "negation", "temporal_inversion", "permutation"), 0.98)
bounds["time_warping"] = 0.90
for task, bound in bounds.items():
    print(f"AUC of {task} at least {bound:.2f}: {scores.loc[task, 'auc'] >= bound}")

# %% [markdown]
# ## How far could anyone go?
#
# Two heads are missing from that list. Original and scaled windows have the same shape and differ
# in amplitude by a few per cent, and amplitude differs from window to window anyway. So before we
# blame the network, we ask how far *anyone* could go. We build two oracles. Both know the logarithm
# of the root mean square of a window and of several quantiles of its absolute samples, and weigh
# them by a linear discriminant.
#
# - The **oracle: same participant** has studied the amplitudes of the same participant in other clips.
#   This is the ceiling: it uses what a network cannot have for a stranger.
# - The **oracle: other participants** has studied everyone else, and judges the stranger by them. This is
#   what a network can know too, though a network may find more in the shape of a window than a few
#   quantiles.
#
# If a head tells the five other versions apart without error, and the hard one with area $a$, then
# its area against all six is $(5 + a) / 6$. That is the ceiling of the two heads.

# %%
factor = study.profile.pretext.transforms.scale_factor
ceiling = recognition.amplitude_ceiling(study.usable.X, meta, factor)
print(f"{study.label}: original against × {factor:g}, area under the ROC curve (AUC)")
print(f"oracle, same participant: {ceiling['person']:.2f}, mean over participants")
print(f"oracle, other participants: {ceiling['population']:.2f}")
print(f"ceiling of the two heads: {ceiling['person_head']:.2f}, ", end="")
print(f"with knowledge of other people only: {ceiling['population_head']:.2f}")

# %%
# NBVAL_IGNORE_OUTPUT
# reason: scores of a trained network differ slightly between processors
network = recognition.original_vs_scaled(pretext.heldout_logits)
print(f"{study.label}: network, original against × {factor:g}: {network:.2f}")
for task in ("original", "scaling"):
    gap = ceiling["person_head"] - scores.loc[task, "auc"]
    print(f"head {task!r}: {scores.loc[task, 'auc']:.3f}, below the ceiling by {gap:.3f}")

# %% mystnb={"image": {"alt": "Dots, one per participant, for an oracle that knows the person, and three horizontal lines: an oracle that knows other people, the network, and chance at one half."}, "figure": {"caption": "Original against scaled windows: the oracles and the network.", "name": "fig-pretraining-ceiling"}}
fig = pretraining_plots.amplitude_oracles(
    ceiling["by_participant"], ceiling["population"], network, study.label
)
fig

# %%
print("the network does better than guessing:", network > 0.5)
print("the network stays below the oracle of the same participant:", network < ceiling["person"])
gap = ceiling["person_head"] - scores.loc[["original", "scaling"], "auc"]
print("both heads within 0.2 of their ceiling:", bool((gap < 0.2).all()))

# %% [markdown]
# The oracles are averaged over everyone, the network over the participants left out. The gap between
# the two oracles is what knowing the person is worth. A network may close part of it by reading more
# from the shape of a window than a few quantiles tell, but it never gets to study the stranger.
#
# ## Which head speaks up?
#
# A last look from the other side. We show one version, and see which of the seven heads answers
# most strongly. The heads were trained apart, and nothing makes their logits comparable, so this is
# a picture rather than a score. It shows *what is taken for what*.

# %% mystnb={"image": {"alt": "Seven by seven matrix of percentages: versions shown in rows, heads that answer most strongly in columns."}, "figure": {"caption": "For each version shown, the share of windows on which each head answers most strongly.", "name": "fig-pretraining-confusion"}}
confusion = recognition.confusion(pretext.heldout_logits)
fig = pretraining_plots.confusion_matrix(confusion, study.label)
fig

# %%
own = pd.Series(np.diag(confusion), index=TASKS)
easy = own.drop(["original", "scaling"])
print("every other head speaks up for most windows of its version:", bool((easy > 0.5).all()))
mixed = confusion.loc["scaling", ["original", "scaling"]].sum()
print("a scaled window is mostly called scaled or original:", bool(mixed > 0.5))

# %% [markdown]
# ## What could go wrong
#
# - **The same people in training and test.** Windows of one person resemble each other so much that
#   recognition on a random tenth of the windows says little about the next person.
# - **An easy way out.** If a transformation left a trace, say a jump at a fixed place, the head
#   would learn the trace. A perfect score is a reason to look for one.
# - **Batch normalisation forgets to settle.** In training it uses the statistics of the batch, later
#   a running average. In a short training that average must move fast enough, or the network fails
#   on new windows although the training looked fine.
# - **A good pretext score proves nothing about emotions.** It shows that the features know the shape
#   of an ECG. Whether that helps is the question of {doc}`06_results`.
#
# ## Take-aways
#
# - One encoder and seven heads learn from windows alone; no rating is used.
# - We judge the network on participants whom it never saw.
# - Two of the seven questions have a ceiling of their own, and an oracle shows where it lies.

# %% [markdown]
# ## Exercises
#
# **1.** What F1 would a head have that says yes to everything?
#
# :::{dropdown} Solution
# ```python
# yes = np.ones_like(pretext.heldout_logits)
# recognition.task_scores(yes)["f1"]
# ```
# Precision is one in seven and recall is one, so F1 is two in eight. Compare F1 with that, not with
# one half.
# :::
#
# **2.** How far would the oracles go if they knew the root mean square alone?
#
# :::{dropdown} Solution
# ```python
# recognition.AMPLITUDE_QUANTILES = ()
# recognition.amplitude_ceiling(study.usable.X, meta, factor)["person"]
# ```
# Less far. The quantiles tell how much of the loudness is due to the number of beats in the window.
# :::
#
# **3.** Is the network of another group as good?
#
# :::{dropdown} Solution
# ```python
# recognition.task_scores(pretraining.pretext(study, 1).heldout_logits)
# ```
# This trains a second network if it is not there yet. The easy heads should agree closely.
# :::
#
# ## What next
#
# {doc}`05_transfer` freezes the encoder, throws the seven heads away, and puts new ones in their
# place that predict emotions.
