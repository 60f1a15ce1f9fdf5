# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Transfer
#
# ```{opening} fig-transfer-features
# An encoder has learnt from windows without a rating. What do its features know, and can a small head
# learn emotions from them?
# ```
#
# ```{admonition} Before you start
# - **You will learn** how a pretrained encoder is frozen and checked to be frozen, and how small
#   heads learn emotions from its features, for all folds at once.
# - **You need first**: {doc}`04_pretraining`.
# - **It takes** about a minute; some minutes more if the encoder has to be trained first.
# ```
#
# The {term}`encoder` has learnt what an ECG looks like. We now **freeze** it: its weights stay as they are,
# bit for bit. On top we put a small new {term}`head` that learns from ratings. Few labels are enough for a
# small head, and since the encoder never changes, we can run it over all {term}`windows <window>` *once* and keep
# the {term}`features <feature>`. Everything after that is cheap.

# %%
import hashlib
import textwrap

import keras
import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from ecglib.core.errors import DataError
from ecglib.core.process import tune_process
from ecglib.data.labels import TARGETS, binary_labels, label_matrix
from ecglib.evaluation.crossval import evaluate_frozen
from ecglib.evaluation.leave_out import LeaveOneParticipantOut
from ecglib.evaluation.metrics import auc
from ecglib.evaluation.protocols import RANDOM, STR
from ecglib.plots import pretraining as pretraining_plots
from ecglib.studies import pretraining
from ecglib.studies.crossing import scores_here
from ecglib.studies.restricted import example_label, example_note, example_study
from ecglib.studies.study import Study
from ecglib.transfer.frozen import RELEASED_HEAD, fit_heads
from ecglib.transfer.heads import build_emotion_model, build_head

tune_process()
study = Study()
meta, X = study.usable.meta, study.usable.X
print(f"data: {study.label}, profile: {study.profile.name}")
example, example_name = example_study(study), example_label(study)
print(example_note(study), end="")

# %% [markdown]
# ## Features, once
#
# We take the encoder that has never seen the first group of participants. Its features are one row
# of numbers per window. For comparison we keep the features of a **random** encoder: the same
# network before any training. It is a better opponent than it sounds, because random templates
# also respond to the shape of a beat.

# %%
group = 0
features = {
    RANDOM: pretraining.features(study, RANDOM),
    STR: pretraining.features(study, STR, group),
}
for model, array in features.items():
    print(f"{study.label}, {model}: {array.shape[0]} windows × {array.shape[1]} features")
encoder = pretraining.pretext(study, group).encoder
again = encoder.predict(X[:64], batch_size=64, verbose=0)
same = np.allclose(again, features[STR][:64], atol=1e-3)
print("the kept features are the encoder's:", same)

# %% [markdown]
# What do the features know? {numref}`fig-transfer-features` flattens them to the plane in which
# they vary most. Each number marks a participant.


# %%
def share_between(array, participant):
    """Share of the variance of standardised features that lies between people."""
    z = StandardScaler().fit_transform(array)
    centres = pd.DataFrame(z).groupby(participant).transform("mean").to_numpy()
    return float(centres.var(axis=0).sum() / z.var(axis=0).sum())


participant = meta["participant"].to_numpy()
shares = {model: share_between(array, participant) for model, array in features.items()}
drawn = features
if example is not study:  # the same encoders, shown other windows
    encoders = {RANDOM: pretraining.random_encoder(study), STR: encoder}
    drawn = {
        model: network.predict(example.usable.X, batch_size=64, verbose=0)
        for model, network in encoders.items()
    }
points = {
    model: PCA(2, whiten=True, random_state=0).fit_transform(StandardScaler().fit_transform(array))
    for model, array in drawn.items()
}

# %% mystnb={"image": {"alt": "Two scatter plots of windows, for the random and the pretrained encoder. The windows of up to six participants have a colour, a marker and a number each; all other windows are grey."}, "figure": {"caption": "The features of all windows in the plane of their first two principal components. Up to six participants who lie far apart are picked out; everybody else is grey.", "name": "fig-transfer-features"}}
people_drawn = example.usable.meta["participant"].to_numpy()
drawn_shares = {model: share_between(array, people_drawn) for model, array in drawn.items()}
fig = pretraining_plots.feature_maps(points, people_drawn, drawn_shares, example_name)
fig

# %% [markdown]
# Where a participant's windows lie together, the features know *who* it is. Nobody asked for that, and
# it is the main obstacle to what follows. A head that is tested on a person it was trained on can use
# it; a head that meets a stranger can't.

# %%
n_people = meta["participant"].nunique()
by_chance = (n_people - 1) / (len(meta) - 1)
for model, share in shares.items():
    print(f"{model}: more between people than chance would give:", share > 3 * by_chance)

# %% [markdown]
# :::{dropdown} Quiz: Features of a *random* encoder separate participants as well. What does that say about pretraining?
# That separating people is no proof of it. Random templates also answer to the shape of a beat, so
# every comparison needs a random encoder beside it.
# :::
#
# ## Frozen means frozen
#
# Freezing a Keras model takes one line. To be sure that it worked, we compare the bytes of every
# weight before and after. The weights include the running averages of {term}`batch normalisation`, which
# would drift in training even though no gradient touches them.


# %%
def checksum(model: keras.Model) -> str:
    """SHA-256 of the bytes of all weights."""
    return hashlib.sha256(b"".join(v.numpy().tobytes() for v in model.weights)).hexdigest()


encoder.trainable = False
head = build_head(study.profile.head.hidden)
model = build_emotion_model(encoder, [head])
model.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True))
rows = np.random.default_rng(0).choice(len(meta), 64, replace=False)
y = binary_labels(meta, "valence")[rows].astype("float32")
before = {"encoder": checksum(encoder), "head": checksum(head)}
_ = model.fit(X[rows], y, batch_size=32, epochs=2, verbose=0)

# %%
print("encoder, every byte as before:", checksum(encoder) == before["encoder"])
print("head, trained:", checksum(head) != before["head"])
trained = sum(v.size for v in map(np.asarray, model.trainable_variables))
print(f"parameters that training may change: {trained:,} of {model.count_params():,}")

# %% [markdown]
# A check that cannot fail proves nothing. So we thaw the encoder and train one step more.

# %%
encoder.trainable = True
model.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True))
_ = model.fit(X[rows[:32]], y[:32], batch_size=32, verbose=0)
print("thawed encoder, every byte as before:", checksum(encoder) == before["encoder"])

# %% [markdown]
# That copy is now spoilt, but the study still holds the original.
#
# :::{dropdown} Quiz: No gradient reaches the encoder. Can it still change during training?
# Yes: running averages of batch normalisation move in training mode without any gradient. Only the
# bytes tell.
# :::
#
# ## The heads
#
# Our head has two hidden layers of 64 units, as the method describes, and one {term}`logit` that a sigmoid
# turns into a probability. The released code uses another one, larger and with two outputs. It is
# available under its own name. There is one head per target: {term}`valence`, {term}`arousal`, {term}`dominance`.
#
# ```{differences} head refits
# ```

# %%
named = {
    "this book": build_head(study.profile.head.hidden),
    "released code": build_head(RELEASED_HEAD.hidden, n_outputs=2, name="released_head"),
}
for name, head in named.items():
    layers = [layer for layer in head.layers if isinstance(layer, keras.layers.Dense)]
    sizes = [head.input_shape[1], *(layer.units for layer in layers)]
    print(f"{name}: {' → '.join(map(str, sizes))}, {head.count_params():,} parameters")

# %% [markdown]
# ## One fold by hand
#
# Take the first participant of the group that the encoder never saw. Everyone else trains, this one
# tests. Every number that is fitted comes from the training windows: the head's weights, of course,
# but also the mean and standard deviation of each feature.

# %%
folds = list(LeaveOneParticipantOut().split(meta))
people = np.unique(participant)
tested = study.groups[group][0]
train, test = folds[int(np.flatnonzero(people == tested)[0])]
labels = binary_labels(meta, "valence")
scaler = StandardScaler().fit(features[STR][train])
z = scaler.transform(features[STR])
print(f"{study.label}: train on {len(train)} windows of {len(people) - 1} participants")
print(f"test on {len(test)} windows of participant {tested}")
print(f"share of high valence, training: {labels[train].mean():.2f}")
print(f"share of high valence, test: {labels[test].mean():.2f}")

# %% [markdown]
# Where the two shares differ, this person rates unlike the others. A head that learnt the habits of
# others can then be worse than useless in plain {term}`accuracy`, so we look at the {term}`AUC` first: it asks
# whether the windows of this person are put in the right order.

# %%
config = study.profile.head
head = build_head(config.hidden, dropout=config.dropout, l2=config.l2, seed=study.profile.seed)
head.compile(
    keras.optimizers.Adam(config.learning_rate), keras.losses.BinaryCrossentropy(from_logits=True)
)
keras.utils.set_random_seed(study.profile.seed)  # fit shuffles the windows
batch = config.batch_size
_ = head.fit(z[train], labels[train], batch_size=batch, epochs=config.epochs, verbose=0)
by_hand = head.predict(z[test], batch_size=batch, verbose=0)[:, 0]

# %% [markdown]
# :::{dropdown} Quiz: The mean and deviation of the features are taken from *all* windows before the split. Is that a leak?
# Yes, a small one: the test windows help to set the scale. It holds no rating, but it costs nothing
# to do it right.
# :::
#
# ## All folds at once
#
# Many participants times three targets makes many heads, all small, all alike. Instead of training
# them one after the other, we stack them: the kernels get one more axis, and all heads train in a
# single model. A mask says which windows each head may learn from, and a masked window adds exactly
# zero to a head's loss. Encoder 0 serves the {term}`folds <fold>` of its own group only, whose participants it has
# never seen.

# %%
mine = [folds[int(np.flatnonzero(people == p)[0])] for p in study.groups[group]]
y = label_matrix(meta, TARGETS).T  # (3 targets, n windows)
stacked = np.tile(y, (len(mine), 1))
mask = np.zeros(stacked.shape, dtype=bool)
for fold, (may_learn, _) in enumerate(mine):
    mask[fold * len(TARGETS) : (fold + 1) * len(TARGETS), may_learn] = True
probability = fit_heads(features[STR], stacked, mask, config, study.profile.seed)
print(f"{study.label}: {len(stacked)} heads trained as one model")
print("every window has a probability from each:", probability.shape == stacked.shape)
print("all of them from 0 to 1:", bool(((probability >= 0) & (probability <= 1)).all()))

# %% [markdown]
# The first head of the stack is the one that we trained by hand, from other random numbers. The two
# should rank this person's windows in much the same way.

# %% tags=["nbval-ignore-output"] reason="scores of trained heads differ slightly between processors"
in_stack = probability[TARGETS.index("valence"), test]
agreement = pd.Series(by_hand).corr(pd.Series(in_stack), method="spearman")
print(f"{study.label}, participant {tested}, valence, area under the ROC curve (AUC)")
print(f"by hand: {auc(labels[test], by_hand):.2f}")
print(f"in the stack: {auc(labels[test], in_stack):.2f}")
print(f"rank correlation of the two: {agreement:.2f}")

# %%
print("by hand and in the stack agree:", agreement > 0.5)

# %% [markdown]
# One person's number means little: its windows come from few {term}`trials <trial>`, and every window of a trial
# shares one rating. The next chapter takes all people, and gives intervals.
#
# ## An encoder from real hearts
#
# The package comes with encoders that learnt from real patients ({doc}`15_own_ecg`,
# {doc}`16_real_transformations`). They have seen nobody of this cohort, so anyone may be tested
# with them. Are they of use here? Each person in turn is left out, and a {term}`logistic regression` on
# {term}`frozen` features says high or low; nothing is tuned. The column `source` says from whom an encoder
# learnt: from **nobody** (random weights), from other people of **this cohort**, or from patients
# of the **clinic** (MIT-BIH).

# %%
table = scores_here(study)
table = table[table["pretext"].isin([RANDOM, STR]) & (table["pooling"] == "max")]
areas = table.pivot_table(index=["pretext", "source"], columns="target", values="auc", sort=False)
print("people scored:", table["participant"].nunique())

# %% tags=["nbval-ignore-output"] reason="scores of trained networks differ slightly between processors"
shown = areas[list(TARGETS)].map("{:.2f}".format)
shown.rename_axis(columns=f"mean AUC within a new person ({study.label})")

# %% [markdown]
# Where the row of the clinic is no lower than that of this cohort, an encoder from real hearts can
# replace one of your own. Compare both with the random encoder first: what it reaches cannot be
# credited to pretraining. Differences without an interval decide nothing.
#
# {doc}`14_comparison` has the contrastive encoders beside them, the other pooling, and the way back: what
# an encoder from this cohort is worth on real hearts.
#
# :::{dropdown} Quiz: An encoder from real patients scores no worse here than one from this cohort. Which row do you compare it with first?
# The random encoder's. What that reaches is no merit of any pretraining.
# :::
#
# ## What could go wrong
#
# The dangerous mistakes make results *better*. The worst one here is to test a participant with an
# encoder that was pretrained on that participant. The evaluation can be told who each encoder has
# seen, and then it refuses:

# %%
seen = np.setdiff1d(people, study.groups[group]).tolist()
try:
    evaluate_frozen(
        {"0": features[STR]},
        meta,
        LeaveOneParticipantOut(),
        TARGETS,
        config,
        study.profile.seed,
        STR,
        "strict",
        encoder_of_fold=["0"] * len(people),
        pretrained_on={"0": seen},
    )
except DataError as error:
    print(textwrap.fill(str(error), 72))

# %% [markdown]
# - **Standardising all windows before the split** lets the test windows influence the training.
#   Each stacked head has a standardisation of its own.
# - **Batch normalisation in training mode** changes its running averages. Only a comparison of
#   bytes shows it.
# - **{term}`Dropout <dropout>` in the frozen part** would give other features at each pass. There is none.
# - **A head that is too large** for the number of trials learns the people. Windows are many, but
#   trials are few, and ratings come by trial.
#
# ## Take-aways
#
# - That an encoder is frozen is a claim about bytes, and it can be checked.
# - Features are computed once; heads are cheap and train together.
# - Where the features know who a window belongs to, the split must not.

# %% [markdown]
# ## Exercises
#
# **Exercise 5.1.** Every window of a trial carries the same rating. How many parameters has each of
# the two heads for every *rated trial* of the study?
#
# :::{dropdown} Solution 5.1
# Where a head has far more numbers to set than answers to learn from, it could learn them all. What
# keeps it from learning all trials by heart is the penalty, the dropout and the short training.
# :::

# %% tags=["solution"]
n_trials = meta.groupby(["participant", "clip"]).ngroups
for name, built in named.items():
    print(f"{study.label}, {name}: {built.count_params() / n_trials:,.0f} parameters per trial")

# %% [markdown]
# **Exercise 5.2.** How well can a plain classifier tell *who* it is, from the features of trials
# that it has not met?
#
# :::{dropdown} Solution 5.2
# If it names people far more often than guessing would, the features are a name tag: the identity
# that window-wise splits reward. {doc}`07_leakage` follows it further.
# :::

# %% tags=["solution"]
from ecglib.evaluation.probes import run_probe

named_right = run_probe(features[STR], meta, "participant").mean()
print(f"{study.label}: five times as often as by guessing:", bool(named_right > 5 / n_people))

# %% [markdown]
# **Exercise 5.3.** Fit a logistic regression on the fold of this chapter, once on the features of
# the random encoder and once on those of STR. Which is better, and what have you learnt?
#
# :::{dropdown} Solution 5.3
# Whatever the two numbers say, one person decides nothing: this person has few trials, and all
# windows of a trial share a rating.
# :::

# %% tags=["solution", "nbval-ignore-output"] reason="results of trained networks differ slightly between processors"
from sklearn.linear_model import LogisticRegression

for name, array in features.items():
    z = StandardScaler().fit(array[train]).transform(array)
    fitted = LogisticRegression(C=1 / z.shape[1]).fit(z[train], labels[train])
    print(f"{study.label}, {name}: {auc(labels[test], fitted.decision_function(z[test])):.2f}")

# %% [markdown]
# **Exercise 5.4.** Check the mask: does each stacked head learn from the windows of its own fold,
# and from no window of its test person?
#
# :::{dropdown} Solution 5.4
# It must be true for all. A mask that is wrong by one row would leak, and every score would still
# look plausible.
# :::

# %% tags=["solution"]
right = [
    np.array_equal(np.flatnonzero(mask[fold * len(TARGETS)]), np.sort(may_learn))
    and not mask[fold * len(TARGETS), tested_windows].any()
    for fold, (may_learn, tested_windows) in enumerate(mine)
]
print("every head learns from its fold alone:", all(right))

# %% [markdown]
# **Research question.** Suppose the features know who a window belongs to. Can you remove the person from
# them without removing the state, and without using the tested person's ratings? Say how you would
# notice on real recordings that the state went too.
#
# ## What next
#
# {doc}`06_results` does this for every participant, target and model, under two protocols.
