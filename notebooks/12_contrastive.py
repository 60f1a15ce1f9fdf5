# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Contrastive pretraining
#
# ```{opening} fig-contrastive-embedding
# A network learns, without labels, which two altered copies belong together. Do its features then say whose
# heart it is, or what that person feels?
# ```
#
# ```{admonition} Before you start
# - **You will learn** another pretext without labels: two altered copies of a window should look
#   alike to the network, copies of different windows should not. You will also learn how such a
#   training can fail without looking like a failure.
# - **You need first**: {doc}`03_transformations` and {doc}`04_pretraining`.
# - **It takes** about a minute. The trained encoder for the book's own cohort comes with the
#   project, in `results/`, and so do the scores of its variants; for other data all of these are
#   trained first, which takes far longer.
# ```
#
# The {term}`pretext` of {doc}`04_pretraining` asks *what was done* to a {term}`window`. The {term}`contrastive <contrastive learning>` pretext asks
# *which two belong together*. Each window of a batch is altered twice, at random. The network must
# find, for each of these **{term}`views <view>`**, its partner among all the others {cite}`chen2020simclr`. To do
# so it must keep what the two views share, and may forget what the alteration changed. So the
# choice of alterations decides what the {term}`features <feature>` know.

# %%
import textwrap

import keras
import numpy as np
import pandas as pd
from keras import ops
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from ecglib.core.arrays import evenly_spaced
from ecglib.core.errors import DataError
from ecglib.core.process import tune_process
from ecglib.evaluation.representation import MIN_RANK, MIN_SPREAD, Probes, collapse_report
from ecglib.models.encoder import EncoderConfig, build_encoder
from ecglib.models.training import TrainingConfig
from ecglib.plots import contrastive as contrastive_plots
from ecglib.pretext.contrastive import (
    ANYONE,
    OTHERS,
    SAME,
    ContrastiveModel,
    nt_xent,
    unit_vectors,
)
from ecglib.pretext.pretrain import build_model, train
from ecglib.studies import pretraining, subject_aware
from ecglib.studies.restricted import example_label, example_note, example_study
from ecglib.studies.study import Study

tune_process()
study = Study()
config = study.profile.contrastive
usable = study.usable
print(f"data: {study.label}, profile: {study.profile.name}")
example, example_name = example_study(study), example_label(study)
print(example_note(study), end="")

# %% [markdown]
# ## Two views
#
# The views are composed from the {term}`transformations <transformation>` of {doc}`03_transformations`. There each had one
# published strength. Here each acts with a probability, and with a strength drawn anew for every
# view. One more is added: a random **crop**, stretched to the full length. A crop, like a warp,
# changes the apparent {term}`heart rate`. A network that learns to ignore strong crops unlearns the heart
# rate, and emotions may show there. So crops and warps are mild.

# %% tags=["hide-output"]
views = pd.Series(vars(config.views), name="value").to_frame()
print(views.to_string())

# %% [markdown]
# The {term}`encoder` of this chapter has never seen the first group of participants. The pictures of windows
# and of their features all show that group.

# %%
group = 0
trained = pretraining.contrastive(study, group)
left_out = np.flatnonzero(usable.meta["participant"].isin(study.groups[group]))
pictured = example.usable
strangers = np.flatnonzero(pictured.meta["participant"].isin(example.groups[group]))
shown = evenly_spaced(strangers, 24)
two = ops.convert_to_numpy(trained.model.views(pictured.X[shown]))
print(f"{example_name}: {len(shown)} windows give views of shape {two.shape}")

# %% tags=["hide-input"] mystnb={"image": {"alt": "Three windows, one a row, each beside two randomly altered copies of it, the views that the network has to recognise as partners."}, "figure": {"caption": "Three windows and two random views of each.", "name": "fig-contrastive-views"}}
fig = contrastive_plots.view_pairs(
    pictured.X[shown[:3]], two[:6], study.profile.windows.target_fs, example_name
)
fig

# %% tags=["hide-input"]
same = np.isclose(two[::2], two[1::2]).all(axis=1)
print("every window has two different views:", not same.any())
print("every value is finite:", bool(np.isfinite(two).all()))

# %% [markdown]
# :::{dropdown} Quiz: You crop strongly and stretch back. Which feature of the heart does the network learn to ignore?
# Its rate: both views are partners although their rates differ. So it may not be in the features
# when you need it.
# :::
#
# ## The loss
#
# The encoder turns each view into features, and a small **projection head** turns those into another
# vector. Two such vectors are compared by the cosine of their angle. For each view, the {term}`loss` is the
# {term}`cross-entropy` of finding its partner: a {term}`softmax` over its similarities to the other $2N - 1$ views
# of a batch of $N$ windows, one partner and $2N - 2$ negatives, divided by a **temperature**. It is
# called NT-Xent. Written as loops, in double precision:


# %%
def nt_xent_by_hand(z: np.ndarray, temperature: float) -> np.ndarray:
    """Loss of every row, as the formula says it."""
    z = z.astype(np.float64)
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    losses = []
    for i in range(len(z)):
        partner = i + 1 if i % 2 == 0 else i - 1
        others = [np.exp(z[i] @ z[k] / temperature) for k in range(len(z)) if k != i]
        losses.append(-np.log(np.exp(z[i] @ z[partner] / temperature) / sum(others)))
    return np.array(losses)


shape = (2 * config.training.batch_windows, config.projection[-1])
z = np.random.default_rng(0).normal(size=shape).astype("float32")
losses = ops.convert_to_numpy(nt_xent(z, config.temperature)[0])
difference = np.abs(losses - nt_xent_by_hand(z, config.temperature)).max()
print("features:", trained.model.encoder.output_shape[-1], "projection:", config.projection[-1])
print("negatives of each view:", len(z) - 2)
print("for every view, library and loops agree to a millionth:", bool(difference < 1e-6))

# %% [markdown]
# The loss alone is hard to read. The **contrastive {term}`accuracy`** is easier: how often is the partner the
# most similar of all other views? Guessing finds it once in $2N - 1$ times.
#
# ## Training
#
# The loop, the checkpoints and the schedule are those of {doc}`04_pretraining`. The training uses no
# rating. After each {term}`epoch`, accuracy and loss are also measured on windows of the left-out group, if
# it fills a batch. In the history their names begin with `val_`.
#
# The left-out people are the ones who are tested later, in {doc}`14_comparison`. So their curve is
# there to look at. If you use it to decide when to stop or which views to take, you are choosing by
# the people you test, even though you read no rating.

# %% mystnb={"image": {"alt": "Two line plots over the epochs: contrastive accuracy, with a dotted line for guessing, and loss. Each has a line for training windows and one for people left out."}, "figure": {"caption": "Contrastive accuracy and loss, for training windows and for people left out.", "name": "fig-contrastive-training"}}
fig = contrastive_plots.contrastive_curves(trained.history, config.chance, study.label)
fig

# %% tags=["hide-input", "nbval-ignore-output"] reason="the end of a training differs slightly between processors"
names = {
    "contrastive_accuracy": "windows trained on",
    "val_contrastive_accuracy": "people left out",
}
accuracy = trained.history.filter(list(names)).rename(columns=names).iloc[-1]
print(f"{study.label}, last epoch:")
print(accuracy.round(2).to_string())

# %% tags=["hide-input"]
print("guessing:", round(config.chance, 3))
print("better than guessing:")
print((accuracy > config.chance).to_string())

# %% [markdown]
# :::{dropdown} Quiz: Training and held-out curves of the contrastive accuracy are far above guessing. Do the features hold emotion?
# That can't be seen from here. The person alone helps to find partners, and so does the recording.
# :::
#
# ## Before and after
#
# {numref}`fig-contrastive-similarity` compares all views of some held-out windows with one another,
# before any training and after. The two views of a window are neighbours, so partners stand beside
# the diagonal. Windows of one person follow one another.

# %%
before = build_model(config, study.profile.encoder, usable.X.shape[1], study.profile.seed + group)
matrices, found = {}, {}
for name, model in (("before", before), ("after", trained.model)):
    projections = model.head(model.encoder(two))
    unit = ops.convert_to_numpy(unit_vectors(projections))
    matrices[name] = unit @ unit.T
    found[name] = float(ops.mean(nt_xent(projections, config.temperature)[1]))

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two square maps of the cosine similarity of every view with every other, before and after training, with lines between the people."}, "figure": {"caption": "Cosine similarity of all views, before and after training. Lines part the people, whose numbers stand beside the maps.", "name": "fig-contrastive-similarity"}}
whose = np.repeat(pictured.meta["participant"].to_numpy()[shown], 2)
fig = contrastive_plots.similarity_matrices(matrices, example_name, whose)
fig

# %% [markdown]
# The eye is a poor judge of such maps. Their means say how alike three kinds of pairs are: partners,
# views of other windows of the same person, and views of windows of other people.

# %%
window = np.arange(len(two)) // 2
person = pictured.meta["participant"].to_numpy()[shown][window]
partners = (window[:, None] == window) & ~np.eye(len(two), dtype=bool)
same_person = (person[:, None] == person) & (window[:, None] != window)
kinds = {
    "partners": partners,
    "same person": same_person,
    "other people": person[:, None] != person,
}
alike = pd.DataFrame(
    {name: {kind: m[of].mean() for kind, of in kinds.items()} for name, m in matrices.items()}
)

# %% tags=["hide-input", "nbval-ignore-output"] reason="projections of trained networks differ slightly between processors"
print(f"{example_name}, mean cosine similarity:")
print(alike.round(2).to_string())
guess = 1 / (len(two) - 1)
print(
    f"partners found: before {found['before']:.2f}, after {found['after']:.2f}, guess {guess:.2f}"
)

# %% tags=["hide-input"]
apart = alike.loc["partners"] - alike.loc["other people"]
print("training sets partners further apart from other people:", apart["after"] > apart["before"])
print("after it, partners are the most alike:", alike["after"].idxmax() == "partners")

# %% [markdown]
# ## What the features know
#
# {numref}`fig-contrastive-embedding` flattens the features of held-out windows to the plane in which
# they vary most, and colours them twice: by the person and by the rating of {term}`arousal`.

# %%
some = evenly_spaced(left_out, 256)
meta = usable.meta.iloc[some]
trained.model.encoder.compile(jit_compile=True)
features = trained.model.encoder.predict(usable.X[some], batch_size=32, verbose=0)
z = StandardScaler().fit_transform(features)
drawn = evenly_spaced(strangers, 256)
points = z
if example is not study:
    points = trained.model.encoder.predict(pictured.X[drawn], batch_size=32, verbose=0)
    points = StandardScaler().fit_transform(points)
points = PCA(2, whiten=True, random_state=0).fit_transform(points)
print(f"{study.label}: {z.shape[1]} features of each of {len(z)} windows")

# %% mystnb={"image": {"alt": "One cloud of windows drawn twice. On the left the windows of up to six participants have a colour, a marker and a number each, and all others are grey; on the right all are coloured by rated arousal."}, "figure": {"caption": "Features of held-out windows in the plane of their first two principal components. Up to six participants who lie far apart are picked out; a number stands near the centre of that participant's windows.", "name": "fig-contrastive-embedding"}}
fig = contrastive_plots.embedding(
    points,
    pictured.meta["participant"].to_numpy()[drawn],
    pictured.meta["arousal"].to_numpy()[drawn],
    "arousal",
    example_name,
)
fig

# %% [markdown]
# Colours on a plane can deceive, but the share of the features' variance that lies between groups
# is a number. We print it for the person and for the rating, beside what random groups of the same
# sizes would give.

# %%
rng = np.random.default_rng(0)


def share_between(z: np.ndarray, groups: np.ndarray) -> float:
    """Share of the variance of standardised features that lies between groups."""
    centres = pd.DataFrame(z).groupby(groups).transform("mean").to_numpy()
    return float(centres.var(axis=0).sum() / z.var(axis=0).sum())


shares = {}
for name in ("participant", "arousal"):
    groups = meta[name].to_numpy()
    by_chance = np.mean([share_between(z, rng.permutation(groups)) for _ in range(50)])
    shares[name] = share_between(z, groups)
    print(f"{study.label}, {name}: {shares[name]:.2f} of the variance, by chance {by_chance:.2f}")
print("the person explains more than the rating:", shares["participant"] > shares["arousal"])

# %% [markdown]
# Knowing *whose* views they are helps to know whether they belong together, and
# nothing in the loss discourages it. {doc}`07_leakage` shows what that does to a careless
# evaluation.
#
# :::{dropdown} Quiz: The plane shows clusters. What do you ask first?
# Whose they are. The share of variance between people, beside that of random groups, answers in one
# number.
# :::
#
# ### Whose windows should the negatives be?
#
# One can take that knowledge away, or ask for nothing else. If all **negatives** of a view are windows
# of the *same participant*, to know the person is of no use: something else must tell the windows
# apart {cite}`cheng2020subject`. If they are all of *other participants*, so that no two windows of one
# person are ever pushed apart, the person is all there is to know. Both variants were trained, and are
# compared with the plain one by how well a probe names the person and how well a head ranks the ratings.
#
# Methods that take a patient's other segments for partners exclude them from the negatives, too
# {cite}`kiyasseh2021clocs`. The setting is `negatives`. Batches must then hold several windows of few people: **subject-aware sampling**. Here
# half of every batch is one person's and half another's.

# %%
vectors = np.random.default_rng(0).normal(size=shape).astype("float32")
half = np.repeat([0, 1], config.training.batch_windows // 2)
for name in (ANYONE, SAME, OTHERS):
    settings = subject_aware.variant(config, name)
    loss, _ = nt_xent(vectors, config.temperature, half, name)
    print(f"negatives: {name}; {settings.n_negatives} of each view,", end=" ")
    print(f"guessing {settings.chance:.2f}, loss of the above {float(ops.mean(loss)):.2f}")

# %% [markdown]
# Every variant was trained like the encoder above: the same views, steps and training people, with
# two draws of weights and batches each. On the people whom no encoder has seen, a probe names the person of
# a window in a new trial, and a linear head ranks windows by rating (new people, LOSO). For the book's own
# cohort the table is stored with the book; for other data it is computed here.

# %%
subjects = subject_aware.scores(study)
known = subjects.groupby(["negatives", "measure", "target", "draw"], sort=False)["value"].mean()
both = known.groupby(["negatives", "measure", "target"], sort=False).agg(["mean", "min", "max"])
text = both.apply(lambda r: f"{r['mean']:.2f} ({r['min']:.2f}, {r['max']:.2f})", axis=1)
measures = text.unstack(["measure", "target"], sort=False)
measures = measures.drop(columns=subject_aware.CHANCE, level=0)
measures.rename_axis(index=f"{study.label}: mean (each draw)")

# %%
recognised = known.xs(subject_aware.RECOGNISED, level="measure").droplevel("target")
areas_of = known.xs(subject_aware.AREA, level="measure").groupby(["negatives", "draw"]).mean()
guess_person = known.xs(subject_aware.CHANCE, level="measure").iloc[0]
print(f"{study.label}: people recognised by guessing {guess_person:.2f}")


def compare(of: pd.Series, a: str, b: str) -> str:
    """Say whether one variant is above another in every pair of draws."""
    least, most = of[a].min() - of[b].max(), of[a].max() - of[b].min()
    return (
        "more in every draw"
        if least > 0
        else "less in every draw"
        if most < 0
        else "draws disagree"
    )


for name in (SAME, OTHERS):
    print(f"negatives of {name}, against all with the same batches:")
    print(f"  people recognised: {compare(recognised, name, ANYONE)}", end="; ")
    print(f"mean area of the ratings: {compare(areas_of, name, ANYONE)}")

# %% [markdown]
# Compare the last three rows with one another: they share the batches, and only the negatives differ. With
# two draws, a difference is worth mentioning only where all draws agree, and each area is of a few people,
# so its interval is wide ({doc}`08_statistics`). What is true of everyone's hearts can be learnt either
# way. To make a person harder to recognise is no aim in itself; it is one if the person's identity stands
# in the way of the emotion, and that is what the columns of areas tell.
#
# ## Watching the training
#
# Probes on **training participants only** may watch a training: a linear one and one that asks the
# {term}`nearest neighbours`. They read the ratings across people, and the person across {term}`trials <trial>`. A rating
# that nearly all of these people gave alike cannot be probed; it is left out. People who are tested later
# are refused.

# %% tags=["nbval-ignore-output"] reason="scores of trained networks differ slightly between processors"
columns = [c for c in trained.probes if c.startswith(("linear", "knn"))]
print(f"{study.label}: balanced accuracy of probes on training participants, by epoch")
accuracies = trained.probes[columns].T.astype(float).round(2)
print(accuracies.rename(index=lambda name: name.replace("_", ", ")).to_string())

# %%
n_trained = usable.meta["participant"].nunique() - len(study.groups[group])
print(f"guessing: 0.50 for a rating, {1 / n_trained:.2f} for the person")

# %% [markdown]
# The refusal, on purpose:

# %%
try:
    Probes(usable.X[left_out], usable.meta.iloc[left_out], {}, heldout=study.groups[group])
except DataError as error:
    print(textwrap.fill(f"refused: {error}", 80))

# %% [markdown]
# ## What could go wrong: collapse
#
# A network that gives every window the same features makes all partners alike. Only the negatives
# forbid it. When features lose their meaning like this, they **{term}`collapse`**. No error stops such a
# training, but two numbers reveal it. The *spread* is the standard deviation of the features after
# each window's features were divided by their length, as a share of the largest possible. The
# *effective rank* counts the directions that the features really use {cite}`roy2007effective`. If
# one of them falls below its limit, the library reports a collapse.
#
# We ask for a report on the encoder before and after training, and on three sets of features made by
# hand. In *a point* all windows are alike up to noise. In *a line* they differ much, but along one
# direction only. *Constant* features do not differ at all.

# %%
untrained = before.encoder.predict(usable.X[some], verbose=0)
point = features[0] * (1 + 1e-3 * rng.normal(size=features.shape))
line = np.outer(rng.normal(size=len(features)), features[0])
made = {"a point": point, "a line": line, "constant": np.ones(features.shape)}
reports = {
    name: collapse_report(f) for name, f in {"before": untrained, "after": features, **made}.items()
}
table = pd.DataFrame(reports).T
too_low = pd.DataFrame(
    {
        f"spread < {MIN_SPREAD}": table["spread"] < MIN_SPREAD,
        f"rank < {MIN_RANK}": table["effective_rank"] < MIN_RANK,
        "collapsed": table["collapsed"],
    }
)
print(too_low.to_string())

# %% tags=["hide-cell", "nbval-ignore-output"] reason="features of trained networks differ slightly between processors" mystnb={"code_prompt_show": "Show {type}: spread and rank as numbers"}
columns = ["spread", "effective_rank", "dead_share", "mean_cosine"]
print(f"{study.label}:")
print(table[columns].astype(float).round(2).to_string())

# %% [markdown]
# ### Does it happen in a training?
#
# We take a small network and a loss without negatives: partners should be alike, and that is all. Its loss
# can fall to nothing while its features lose their meaning, so the report is made before this training and
# after it. The network learns from the training participants; the report is on the same held-out windows as
# above.


# %%
class WithoutNegatives(ContrastiveModel):
    """Draws partners together and nothing apart."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        unit = unit_vectors(y_pred["projections"])
        return ops.mean(1 - ops.sum(unit[::2] * unit[1::2], axis=-1))


# %%
shape = EncoderConfig(filters=(8, 16), kernels=(16, 8), pool_stride=8)
small = build_encoder(shape, usable.X.shape[1])
no_head = keras.Sequential([keras.Input(small.output_shape[1:]), keras.layers.Identity()])
brief = TrainingConfig(
    epochs=8, batch_windows=8, steps_per_epoch=10, learning_rate=0.03, schedule="staircase"
)
seen = np.setdiff1d(np.arange(len(usable.X)), left_out)
bad = {"before": collapse_report(small.predict(usable.X[some], verbose=0))}
model = WithoutNegatives(small, no_head, config.views)
history = train(model, usable.X[seen], brief, seed=0, jit_compile=False).frame()
bad["after"] = collapse_report(small.predict(usable.X[some], verbose=0))

# %% tags=["nbval-ignore-output"] reason="features of trained networks differ slightly between processors"
print(f"{study.label}, without negatives:")
print(pd.DataFrame(bad).T[columns].astype(float).round(3).to_string())
print("loss:", history["loss"].round(5).tolist())

# %%
print("without negatives, the loss fell:", history["loss"].iloc[-1] < history["loss"].iloc[0])
for when, report in bad.items():
    print(f"collapsed {when} this training:", report["collapsed"])

# %% [markdown]
# ### Other ways to fail
#
# - **Views that are too easy.** If nothing changes, even a random network finds the partner.
# - **Views that destroy the target.** If the heart rate is scrambled, no feature can hold it.
# - **A last batch of another size.** It has other negatives, so its loss is another quantity. The
#   library leaves it out when it evaluates.
# - **Choosing by the people who are tested.** Views, temperature and epochs are settings too. Choose
#   them with training participants or with another cohort, not by `val_` and not by a test score.
#
# :::{dropdown} Quiz: Without negatives the loss falls smoothly. Is the training fine?
# Look at spread and effective rank. A network that gives all windows the same features has the
# lowest loss of all.
# :::
#
# ## Take-aways
#
# - The contrastive pretext needs no labels and no list of transformations to name: its knowledge
#   sits in the choice of views.
# - To find partners, it helps to know the person. So a good contrastive accuracy does not say that
#   the features hold anything about emotion. Measure what they hold.
# - Whose windows the negatives are decides how much the person is worth to the loss.
# - A falling loss does not rule out a collapse. Spread and effective rank reveal it, so log
#   them.

# %% [markdown]
# ## Exercises
#
# **Exercise 12.1.** How many partners would a network find that knows the person and nothing else?
#
# :::{dropdown} Solution 12.1
# It guesses among the views of the same person: one in $2n - 1$ for a person with $n$ windows among
# those shown. Compare with the share that was found after training.
# :::

# %% tags=["solution"]
of_people = pictured.meta["participant"].to_numpy()[shown]
n_same = [np.sum(of_people == one) for one in of_people]
by_person = np.mean([1 / (2 * n - 1) for n in n_same])
print(f"{study.label}: knowing the person {by_person:.2f}, guessing {guess:.2f}")

# %% [markdown]
# **Exercise 12.2.** What is the loss of a network that gives every view the same vector, in a batch
# of $N$ windows? Say it first, then compute it.
#
# :::{dropdown} Solution 12.2
# All similarities are equal, so every other view is as likely to be the partner: $\ln(2N - 1)$,
# whatever the temperature. A training that stays there has learnt nothing.
# :::

# %% tags=["solution"]
n_views = 2 * config.training.batch_windows
alike_all = np.ones((n_views, 4), dtype="float32")
loss = float(ops.mean(nt_xent(alike_all, config.temperature)[0]))
print(f"loss {loss:.3f}, logarithm of the others {np.log(n_views - 1):.3f}")

# %% [markdown]
# **Exercise 12.3.** What happens to the views if the permutation always acts? Is the partner still
# found by the *untrained* network?
#
# :::{dropdown} Solution 12.3
# Beats are cut at the borders of the segments, and intervals between beats change there. Where the
# untrained network finds fewer partners than before, the question has become harder: it takes
# learning to see through the cuts.
# :::

# %% tags=["solution", "nbval-ignore-output"] reason="results of trained networks differ slightly between processors"
from dataclasses import replace

from ecglib.pretext.views import RandomViews

always = RandomViews(replace(config.views, permute_probability=1.0))
harsher = before.head(before.encoder(always(pictured.X[shown])))
partners_found = float(ops.mean(nt_xent(harsher, config.temperature)[1]))
print(f"{study.label}, untrained: {found['before']:.2f} with the views of the profile,", end=" ")
print(f"{partners_found:.2f} if the permutation always acts")

# %% [markdown]
# **Exercise 12.4.** You stop the training where `val_` is best. Which later number is spoilt,
# though you never looked at a rating?
#
# :::{dropdown} Solution 12.4
# Every score on the left-out group, since the encoder was chosen by these people's windows. How
# much it flatters is another question, but nobody can call them strangers any more. Choose by
# training participants.
# :::
#
# **Research question.** A contrastive pretext may learn whose heart it hears, because that helps to
# find partners. Which choice of negatives would make that knowledge worthless, and how would you
# measure on real recordings whether the features then hold more of the state?
#
# ## What next
#
# {doc}`13_finetuning` lets the labels change the encoder too. {doc}`14_comparison` puts this pretext
# beside the others.
