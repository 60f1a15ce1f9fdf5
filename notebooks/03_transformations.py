# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Transformations
#
# ```{opening} fig-transformations-all
# What can be done to a window so that a network has to know what a heartbeat looks like to say what
# was done?
# ```
#
# ```{admonition} Before you start
# - **You will learn** the six ways in which a window is altered, with their exact arithmetic, and
#   why two of them are hard to see.
# - **You need first**: {doc}`02_windows`.
# - **It takes** about half a minute.
# ```
#
# Labels are expensive; alterations are free. If we alter a {term}`window` ourselves, we know the answer to
# the question "what was done to it?". A network that answers well must have learnt what a heartbeat
# normally looks like: which way is up, which way time runs, which wave follows which. This is the
# **{term}`pretext`** task of {cite:t}`sarkar2020icassp` and {cite:t}`sarkar2022tac`. With the untouched window there are
# seven versions ({numref}`fig-transformations-all`).

# %%
import math
import textwrap

import numpy as np

from ecglib.core.arrays import evenly_spaced
from ecglib.evaluation.metrics import auc
from ecglib.features.heartbeats import FEATURES, largest_deflection, window_features
from ecglib.plots import transformations as transformations_plots
from ecglib.pretext.transformations import (
    TASKS,
    AllVersions,
    add_noise,
    invert_time,
    negate,
    permute,
    scale,
    time_warp,
    warp_lengths,
)
from ecglib.studies.restricted import example_label, example_note, example_study
from ecglib.studies.study import Study

study = Study()
config, seed = study.profile.pretext.transforms, study.profile.seed
print(f"data: {study.label}, profile: {study.profile.name}")
example, example_name = example_study(study), example_label(study)
print(example_note(study), end="")

# %% [markdown]
# Each {term}`transformation` is a function from a batch of windows to a batch of windows. Three of them
# draw random numbers, and take a {term}`seed`.

# %%
transformations = {
    "original": lambda x: x,
    "noise": lambda x: add_noise(x, config.snr_db, seed=seed),
    "scaling": lambda x: scale(x, config.scale_factor),
    "negation": negate,
    "temporal_inversion": invert_time,
    "permutation": lambda x: permute(x, config.n_segments, seed=seed),
    "time_warping": lambda x: time_warp(
        x, config.warp_n_pieces, config.warp_stretch, config.warp_n_stretched, seed=seed
    ),
}
print("in the order of the seven heads:", list(transformations) == list(TASKS))

# %% [markdown]
# We want to see what happens to *the same beat*. To find out where it goes, we send the sample
# numbers 0, 1, 2, ... through the same transformation with the same seed. For each sample of the
# result, the outcome says where in the original it came from. (Noise, scaling and negation move
# nothing, so they need no trick.) Our example is the window of median amplitude.

# %%
loudness = np.sqrt(np.mean(example.usable.X.astype(np.float64) ** 2, axis=1))
middle = np.argsort(loudness)[len(loudness) // 2]
x = example.usable.X[[middle]]
n, fs = x.shape[1], example.usable.fs
peak = largest_deflection(x[0], n // 4, 3 * n // 4)
beat = (peak - int(0.25 * fs), peak, peak + int(0.45 * fs))
numbers = np.arange(n, dtype=np.float32)[None]
moving = ("temporal_inversion", "permutation", "time_warping")
versions = {task: np.asarray(change(x))[0] for task, change in transformations.items()}
sources = {
    task: np.asarray(transformations[task](numbers))[0] if task in moving else numbers[0]
    for task in TASKS
}
print(f"{example_name}: one window of {n} samples, one beat of {beat[2] - beat[0]} samples")

# %% mystnb={"image": {"alt": "Seven rows, each with the same window of electrocardiogram in another version: original, noise, scaling, negation, temporal inversion, permutation, time warping; one beat is highlighted in each."}, "figure": {"caption": "One window in seven versions. The highlighted samples are those of one beat of the original.", "name": "fig-transformations-all"}}
fig = transformations_plots.seven_versions(versions, sources, beat, fs, example_name)
fig

# %% [markdown]
# ## Noise
#
# White noise is added. Its strength is set relative to the window: a window of large amplitude gets
# strong noise, so the amplitude alone does not give the answer away.
#
# For a signal-to-noise ratio of $\mathrm{SNR}$ decibels the noise has the power
#
# $$P_\text{noise} = \frac{1}{N}\sum_i x_i^2 \Big/ 10^{\mathrm{SNR}/10}.$$
#
# The noise takes its numbers from a table of 65,536 equally likely values of the
# normal distribution, which is faster than computing them ({func}`ecglib.models.layers.normal`).

# %% mystnb={"image": {"alt": "Two rows, before and after; left the whole window, right the same beat enlarged: after, the line between the waves is ragged."}, "figure": {"caption": "Noise: the whole window and one beat of it, before and after.", "name": "fig-transformations-noise"}}
fig = transformations_plots.before_after(
    x[0], versions["noise"], sources["noise"], beat, fs, "noise", example_name
)
fig

# %%
many = study.usable.X[:256]
noise = np.asarray(transformations["noise"](many)) - many
snr = 10 * np.log10(np.mean(many**2, axis=1) / np.mean(noise**2, axis=1))
print(
    f"{study.label}: asked for {config.snr_db:g} dB, mean of {len(many)} windows {snr.mean():.1f} dB"
)
print("each window within 0.7 dB:", bool(np.all(np.abs(snr - config.snr_db) < 0.7)))

# %% [markdown]
# :::{dropdown} Quiz: Why is the strength of the noise set relative to each window, and not fixed?
# Fixed noise would drown small windows and vanish in large ones. Then amplitude, not noise, would
# decide the answer.
# :::
#
# ## Scaling
#
# Every sample is multiplied by the same factor. Look at {numref}`fig-transformations-scaling`, then
# cover the row "before" with your hand. Could you tell that it was scaled? We come back to this
# below.

# %% mystnb={"image": {"alt": "Two rows, before and after; left the whole window, right the same beat enlarged: after, the beat has the same shape and is slightly taller than the beat before, which is drawn over it as a dashed line."}, "figure": {"caption": "Scaling: the whole window and one beat of it, before and after; below right both, one over the other.", "name": "fig-transformations-scaling"}}
fig = transformations_plots.before_after(
    x[0], versions["scaling"], sources["scaling"], beat, fs, "scaling", example_name, overlay=True
)
fig

# %%
ratio = np.ptp(versions["scaling"]) / np.ptp(versions["original"])
print(
    f"{example_name}: the range grows by a factor of {ratio:.3f}, asked for {config.scale_factor:g}"
)

# %% [markdown]
# ## Negation
#
# The window is turned upside down. This is what swapped electrodes do. To notice it, one has to
# know which way the tall, narrow spike should point in this lead.

# %% mystnb={"image": {"alt": "Two rows, before and after; left the whole window, right the same beat enlarged: after, it is upside down and lies at the same place."}, "figure": {"caption": "Negation: the whole window and one beat of it, before and after.", "name": "fig-transformations-negation"}}
fig = transformations_plots.before_after(
    x[0], versions["negation"], sources["negation"], beat, fs, "negation", example_name
)
fig

# %%
print(
    f"{example_name}: window plus negated window is zero:",
    bool(np.all(versions["original"] + versions["negation"] == 0)),
)

# %% [markdown]
# ## Temporal inversion
#
# The window is played backwards. A heartbeat is not symmetric: a small wave, the spike, a broad
# wave. Backwards, the broad one comes first.

# %% mystnb={"image": {"alt": "Two rows, before and after; left the whole window, right the same beat enlarged: after, the beat is mirrored and lies at the mirrored place of the window."}, "figure": {"caption": "Temporal inversion: the whole window and one beat of it, before and after.", "name": "fig-transformations-inversion"}}
task = "temporal_inversion"
fig = transformations_plots.before_after(
    x[0], versions[task], sources[task], beat, fs, task, example_name
)
fig

# %%
twice = np.asarray(invert_time(invert_time(x)))
print(
    f"{example_name}: the peak moves from sample {peak} to sample",
    int(np.argmin(np.abs(sources[task] - peak))),
)
print(
    "these add up to the last sample's number:",
    peak + int(np.argmin(np.abs(sources[task] - peak))) == n - 1,
)
print("backwards twice is the original:", np.array_equal(twice, x))

# %% [markdown]
# :::{dropdown} Quiz: Which of the three would a heart-rate counter notice: negation, temporal inversion, or neither?
# Neither. Both keep every RR interval's length; inversion only reverses their order.
# :::
#
# ## Permutation
#
# The window is cut into equal segments, and these are shuffled. Beats are torn apart wherever a cut
# falls; the rhythm is lost. Thin lines in {numref}`fig-transformations-permutation` are the cuts.
#
# ```{differences} permutation
# ```

# %% mystnb={"image": {"alt": "Two rows, before and after, with thin lines at the cuts; left the whole window, right the beat enlarged: after, the beat's samples lie in two or more separate places."}, "figure": {"caption": "Permutation: the whole window and one beat of it, before and after. Thin lines: the cuts.", "name": "fig-transformations-permutation"}}
task = "permutation"
cuts = np.arange(0, n, n // config.n_segments)
fig = transformations_plots.before_after(
    x[0], versions[task], sources[task], beat, fs, task, example_name, edges=(cuts, cuts)
)
fig

# %%
segment = n // config.n_segments
order = sources["permutation"][::segment].astype(int) // segment
print(
    f"{study.label}: {config.n_segments} segments × {segment} samples = {config.n_segments * segment}"
)
print("order of the segments:", *order)
print(
    "every sample is still there:",
    np.array_equal(np.sort(versions["permutation"]), np.sort(versions["original"])),
)
print(f"possible orders: about 10^{int(math.log10(math.factorial(config.n_segments)))}")

# %% [markdown]
# ## Time warping
#
# The window is cut into equal pieces. Some, chosen at random, are stretched; the others are
# squeezed. Values between samples are interpolated linearly. The result is a little longer than a
# window, so a window is cropped from it at a random place. In a stretched piece beats are broader
# and farther apart, in a squeezed piece narrower and closer together.

# %% mystnb={"image": {"alt": "Two rows, before and after, with thin lines between the pieces; left the whole window, right the same beat enlarged: after, it is slightly wider or narrower, and lies elsewhere."}, "figure": {"caption": "Time warping: the whole window and one beat of it, before and after. Thin lines: the borders of the pieces.", "name": "fig-transformations-warping"}}
task = "time_warping"
piece, longer, shorter = warp_lengths(
    n, config.warp_n_pieces, config.warp_stretch, config.warp_n_stretched
)
source = sources[task]
borders = np.flatnonzero(np.diff(source // piece)) + 1
fig = transformations_plots.before_after(
    x[0],
    versions[task],
    source,
    beat,
    fs,
    task,
    example_name,
    edges=(piece * np.arange(1, config.warp_n_pieces + 1), borders),
)
fig

# %% [markdown]
# ```{interactive} strength
# One window with a slider for the strength of each transformation. Beside it are the answers of the
# seven heads of the network that chapter 4 trains: how sure each is that it sees its version.
# ```

# %% [markdown]
# ### The arithmetic of warping
#
# The lengths are rounded up to whole samples. Their sum must not fall below the length of a window,
# or there would be nothing to crop from. This is why more pieces are stretched than squeezed.
# `warp_lengths` refuses settings that do not work out.
#
# The arithmetic is worth doing slowly.

# %%
n_squeezed = config.warp_n_pieces - config.warp_n_stretched
total = config.warp_n_stretched * longer + n_squeezed * shorter
print(
    f"{study.label}: {n} samples in {config.warp_n_pieces} pieces of {piece},",
    f"{n - config.warp_n_pieces * piece} samples left over and dropped",
)
print(
    f"stretched: {piece} × {config.warp_stretch:g} = {piece * config.warp_stretch:.1f} -> {longer}"
)
print(
    f"squeezed:  {piece} / {config.warp_stretch:g} = {piece / config.warp_stretch:.1f} -> {shorter}"
)
print(f"together:  {config.warp_n_stretched} × {longer} + {n_squeezed} × {shorter} = {total}")
print(f"a crop of {n} samples fits in {total - n + 1} places")
print(
    "whole pieces in the figure have these lengths only:",
    set(np.diff(borders).tolist()) <= {longer, shorter},
)

# %% [markdown]
# :::{dropdown} Quiz: Why must more pieces be stretched than squeezed?
# The warped signal has to be at least as long as a window, since a window is cropped from it.
# Otherwise it would need padding, and the padding would give it away.
# :::
#
# ## All versions at once
#
# In training, one layer makes all versions of a batch, on the device that trains. The versions of
# one window are neighbours, so the right answer for a row is its number modulo seven. No labels are
# stored anywhere.

# %%
layer = AllVersions(config, seed=seed)
batch = np.asarray(layer(study.usable.X[:4]))
again = np.asarray(AllVersions(config, seed=seed)(study.usable.X[:4]))
print(f"{study.label}: 4 windows in, shape of what comes out {batch.shape}")
rows = np.arange(len(batch))
print("labels:", *(rows % len(TASKS)))
print("every seventh row is an original:", np.array_equal(batch[:: len(TASKS)], study.usable.X[:4]))
print("the same seed gives the same versions:", np.array_equal(batch, again))
print(
    "a second call gives others:", not np.array_equal(batch, np.asarray(layer(study.usable.X[:4])))
)

# %% [markdown]
# ## Original, scaled or warped?
#
# The network sees one version at a time, never two side by side. Four of the six alterations leave
# something that no heart does: even noise, waves upside down, backwards or torn apart. The other
# two are slight. A window that is only a little larger is a perfectly good window: it looks like
# one from a person with slightly taller {term}`R peaks <R peak>`. To recognise it, one would have to know how large
# *this* window was before.
#
# How much does the amplitude vary anyway? {numref}`fig-transformations-amplitude` shows the root
# mean square of all usable windows, as they are and scaled.

# %%
level = np.sqrt(np.mean(study.usable.X.astype(np.float64) ** 2, axis=1))
person = study.usable.meta.groupby(["participant", "lead"]).ngroup().to_numpy()
within = np.mean([np.log(level[person == p]).std() for p in np.unique(person)])
truth = np.repeat([0, 1], len(level))
area = auc(truth, np.concatenate([level, level * config.scale_factor]))
print(f"{study.label}: what scaling adds to the logarithm: {np.log(config.scale_factor):.2f}")
print(f"spread of the logarithm over all windows: {np.log(level).std():.2f}")
print(f"spread within a participant's windows: {within:.2f}")
print(f"area under the ROC curve of loudness, original or scaled: {area:.2f} (0.5 is guessing)")

# %% mystnb={"image": {"alt": "Two histograms of the root mean square of windows, originals filled and scaled ones as an outline shifted slightly to the right; where they overlap, loudness does not tell which is which."}, "figure": {"caption": "Amplitudes of original and scaled windows.", "name": "fig-transformations-amplitude"}}
fig = transformations_plots.amplitude_overlap(level, config.scale_factor, study.label)
fig

# %% [markdown]
# Compare the first number with the two spreads. Where the shift is no larger than the spread, the
# histograms overlap. Where the spread within one person is the smaller one, it helps to know that
# person's usual amplitude; but a network that meets a stranger does not know it.
#
# Warping is slight in another way. It changes tempo, and the tempo of a heart changes anyway. Does it
# change as much from beat to beat?

# %%
few = study.usable.X[evenly_spaced(np.arange(len(study.usable)), 40)]
measured = window_features(few, fs)
names = [feature.name for feature in FEATURES]
pulse, spread = (measured.values[:, names.index(name)] for name in ("heart_rate", "sdnn"))
known = measured.valid[:, [names.index("heart_rate"), names.index("sdnn")]].all(axis=1)
variation = np.median((spread * pulse / 60_000)[known])
print(
    f"{study.label}: what warping adds to the logarithm of a duration, or takes from it:",
    f"{np.log(config.warp_stretch):.2f}",
)
print(f"spread of RR intervals over their mean, median of {known.sum()} windows: {variation:.2f}")

# %% [markdown]
# Where the spread is not much smaller than the change, the rhythm does not give a warped window
# away. What does is finer: from piece to piece, the waves themselves become narrower and wider
# together. Unlike the amplitude before scaling, all of this is in the window, so it can be learnt.
# The question is how much training it takes.
#
# Chapter {doc}`04_pretraining` shows which heads are weak, what each of them takes for its own
# version, how far the amplitude alone leads, and what more training brings. A weak head does no
# harm in itself: we want the features, not the answers.
#
# :::{dropdown} Quiz: Would a network that knows the person's usual loudness recognise scaled windows better?
# Yes, where the spread within a person is smaller than the spread over all. For a stranger it does
# not know it.
# :::
#
# ## What could go wrong
#
# - **Normalising inside the network** would undo the scaling. The per-participant scale of
#   {doc}`02_windows` keeps it, because it is the same for all of a person's windows.
# - **Noise of fixed strength**: it would drown small windows and hardly show in large ones.
# - **One seed for everything**: if every batch draws the same order, the network learns that order.
#   The layer continues its random numbers from call to call.
# - **A permutation that changes nothing** is possible, since every order is equally likely. With
#   this many orders, you will not live to see one.
# - **Padding or cropping that leaves a trace**, such as zeros at an edge: the network finds the
#   trace instead of the heart. Every version here has full length and no padding.
#
# ## Take-aways
#
# - Seven versions give seven questions, and the answers cost nothing.
# - Each transformation follows the published arithmetic, and the printed checks prove it.
# - Original and scaled windows differ in amplitude alone. Where amplitude varies anyway, it tells little.
# - Original and warped windows differ slightly in tempo. Where tempo varies anyway, the widths of the
#   waves tell more.

# %% [markdown]
# ## Exercises
#
# **Exercise 3.1.** How loud is the added noise, compared with the tallest wave of the window, at
# 20, 15, 10, 5 and 0 dB? At which of them would you stop seeing a P wave of a tenth of that height?
#
# :::{dropdown} Solution 3.1
# Where the noise reaches the P wave's own height, the wave can't be made out in a single beat any
# more. It is the smallest wave and disappears first.
# :::

# %% tags=["solution"]
for snr in (20, 15, 10, 5, 0):
    added = np.asarray(add_noise(x, float(snr), seed=seed)) - x
    share = added.std() / np.abs(x).max()
    print(f"{study.label}, {snr} dB: noise of {share:.0%} of the tallest wave")

# %% [markdown]
# **Exercise 3.2.** Which scale factor would make originals and scaled windows easy to tell apart by
# amplitude, say with an area of 0.95?
#
# :::{dropdown} Solution 3.2
# The more amplitude varies, the larger it is. Such a factor would make an easy question, and perhaps
# a useless one.
# :::

# %% tags=["solution"]
for factor in (1.1, 1.2, 1.5, 2.0, 3.0):
    told_apart = auc(truth, np.concatenate([level, level * factor]))
    print(f"{study.label}, × {factor}: area {told_apart:.2f}")

# %% [markdown]
# **Exercise 3.3.** Can you choose the pieces so that warping stretches four and squeezes five?
#
# :::{dropdown} Solution 3.3
# No. Together they would be shorter than the window, and the message says how many samples would be
# left.
# :::

# %% tags=["solution"]
try:
    warp_lengths(n, n_pieces=9, stretch=1.05, n_stretched=4)
except ValueError as error:
    print(textwrap.fill(str(error), 72))

# %% [markdown]
# **Exercise 3.4.** A permutation may leave some segments where they were. How many, on average?
# Guess, then try.
#
# :::{dropdown} Solution 3.4
# One, however many segments there are: each of the $m$ segments stays with probability $1/m$. To
# leave *all* in place is another matter.
# :::

# %% tags=["solution"]
rng = np.random.default_rng(0)
places = np.arange(config.n_segments)
stayed = [np.sum(rng.permutation(places) == places) for _ in range(10_000)]
print(f"{config.n_segments} segments, of which stay on average {np.mean(stayed):.2f}")

# %% [markdown]
# **Research question.** These six alterations were chosen by hand. Which alteration would a network
# have to notice in order to learn what *you* want from an ECG, say breathing, or the end of the T
# wave? Write it as a function from windows to windows and say which shortcut could give it away.
#
# ## What next
#
# {doc}`04_pretraining` trains a network to tell the seven versions apart.
