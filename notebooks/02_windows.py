# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Windows
#
# ```{opening} fig-windows-neighbours
# A recording is cut into many windows, but a person rated it only once. How much does a look-up of
# similar windows give away?
# ```
#
# ```{admonition} Before you start
# - **You will learn** how a long recording becomes many short inputs: filter, scale, cut, flag. And
#   why many windows are not many answers.
# - **You need first**: {doc}`01_data`.
# - **It takes** about half a minute.
# ```
#
# Recordings differ in length, offset and amplitude. A network wants inputs of one length on one
# scale. So each recording is {term}`high-pass filtered <high-pass filter>`, brought to its {term}`participant`'s own scale, and cut
# into **{term}`windows <window>`**. {numref}`fig-windows-grid` shows the result for one recording. What lies
# outside the shaded windows is not used: the {term}`profile` may keep only the last part of each
# recording, and the last few seconds seldom fill a window.

# %%
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import signal
from sklearn.neighbors import NearestNeighbors

from ecglib.data.labels import TARGETS
from ecglib.features.heartbeats import BEFORE_S, find_beats, landmarks, median_beat, upright
from ecglib.plots import windows as windows_plots
from ecglib.preprocessing.normalisation import trimmed_stats
from ecglib.preprocessing.quality import QUALITIES, sample_quality, window_quality
from ecglib.preprocessing.segmentation import cut, prepare
from ecglib.studies.restricted import example_label, example_note, example_study
from ecglib.studies.study import Study

study = Study()
cohort, config = study.cohort, study.profile.windows
print(f"data: {study.label}, profile: {study.profile.name}")
example, example_name = example_study(study), example_label(study)
print(example_note(study), end="")

# %%
trial = example.cohort.recordings.query("condition == 'stimulus'").iloc[0]
raw = example.cohort.signals[trial.name][:, config.leads[0] - 1].astype(float)
filtered, codes = prepare(raw, cohort.fs, config)
cut_out = example.windows.meta
same = (cut_out["participant"] == trial["participant"]) & (cut_out["clip"] == trial["clip"])
same &= (cut_out["condition"] == trial["condition"]) & (cut_out["lead"] == config.leads[0])
print(f"{example_name}: {same.sum()} windows from {trial['duration']:.0f} s")

# %% mystnb={"image": {"alt": "Above, the range of one filtered recording second by second, with the windows cut from it as numbered bands in alternating colours. Below, the first two windows beat by beat."}, "figure": {"caption": "The windows cut from one filtered recording, and the first two of them enlarged.", "name": "fig-windows-grid"}}
fig = windows_plots.window_grid(
    filtered, cut_out[same], config.length_s, config.target_fs, example_name
)
fig

# %% [markdown]
# ## High-pass filter
#
# Movement, breathing and drifting electrodes change the signal slowly, and by more than the small
# waves of a beat. A high-pass filter removes these changes, including those that we could have
# used. Breathing is an example: it can indicate {term}`arousal`, and in the {term}`cohort` of this book it does,
# because we planted it ({doc}`01_data`). Its trace in the baseline is lost, while its effect on the
# {term}`RR intervals <RR interval>` and on the height of the beats remains. Two choices matter.
#
# - **Zero phase.** The filter runs forwards and then backwards. Every beat stays where it was.
# - **The whole recording, before cutting.** A filter needs a few seconds to settle. Filtered one
#   by one, windows would all begin and end with the same artefact.

# %% mystnb={"image": {"alt": "Left, the same seconds of one lead before and after the filter: the slow drift is gone. Right, both power spectra on logarithmic axes: they part below the cut-off."}, "figure": {"caption": "One recording before and after the high-pass filter, in time and in frequency.", "name": "fig-windows-highpass"}}
time = np.arange(len(raw)) / cohort.fs
ecg = pd.DataFrame({"before": raw, "after": filtered}, index=time)
segment = min(len(raw), round(20 * cohort.fs))
hertz, density = signal.welch(ecg.to_numpy(), cohort.fs, nperseg=segment, axis=0)
spectra = pd.DataFrame(density, index=hertz, columns=ecg.columns)
fig = windows_plots.highpass_effect(ecg - ecg.median(), spectra, config.highpass_hz, example_name)
fig

# %%
frequency, before = signal.welch(raw, cohort.fs, nperseg=len(raw) // 2)
_, after = signal.welch(filtered, cohort.fs, nperseg=len(raw) // 2)
slow, fast = frequency < config.highpass_hz / 2, frequency > 4 * config.highpass_hz
lags = signal.correlate(np.diff(filtered), np.diff(raw), "same")
shift = np.argmax(lags) - (len(raw) - 1) // 2
print(f"{example_name}, cut-off {config.highpass_hz:g} Hz")
print(
    "below half the cut-off at most 5 % of the power is left:",
    after[slow].sum() < 0.05 * before[slow].sum(),
)
print(
    "above four times the cut-off at least 98 % is left:",
    after[fast].sum() > 0.98 * before[fast].sum(),
)
print("the beats moved by", shift, "samples")

# %% [markdown]
# ```{interactive} filters
# Ten seconds of a real heart. Sliders choose a high-pass and a low-pass cut-off, a box switches a notch
# at 60 hertz, and a menu damages the recording; a line says which quality flag the window gets.
# ```
#
# :::{dropdown} Quiz: A filter moves every R peak by the same 20 ms. Which numbers of this book change: RR intervals, or the time from R to T?
# Neither, if the delay is the same at all frequencies. A filter that delays slow waves more than
# fast ones moves the T wave against the R peak; hence zero phase.
# :::
#
# ### What the filter does to the beat
#
# A part of each beat is slow as well: the {term}`ST segment` and the {term}`T wave`. Diagnostic recorders therefore
# pass everything above 0.05 Hz; a filter with zero phase may begin at 0.67 Hz
# {cite}`kligfield2007`. The cut-off of the released code, which is ours, lies above that. How much
# does it change? Enough that the ST level and the T wave of these windows should not be read for their
# own sake. A change that is alike for everyone does no harm to a comparison; its spread between
# participants can.
#
# For each participant we filter one {term}`trial` both ways and take the median of its
# beats in the last minute. The ST level is the mean from 80 to 120 ms after the {term}`R peak`; zero is the
# level between P and QRS.

# %%
lead, rate = config.leads[0], config.target_fs
r = round(BEFORE_S * rate)


def beat_and_heights(x, peaks):
    """Give the median beat and its heights, in % of the R peak."""
    beat, _ = median_beat(x, rate, peaks)
    beat = 100 * beat / beat[r]
    st = beat[r + round(0.08 * rate) : r + round(0.12 * rate) + 1].mean()
    return beat, {"ST": st, "T": beat[r + round(landmarks(beat, rate)["t"] * rate)]}


def first_trials(cohort):
    """Give the first trial of each participant."""
    return cohort.recordings.query("condition == 'stimulus'").groupby("participant").head(1)


def filtered_both_ways(cohort):
    """Give the beats of each participant, and their heights, after the weak and the strong filter."""
    beats, heights = {}, {}
    for row in first_trials(cohort).itertuples():
        x = cohort.signals[row.Index][:, lead - 1]
        both = [
            prepare(x, cohort.fs, replace(config, highpass_hz=hz))
            for hz in (0.05, config.highpass_hz)
        ]
        weak, strong = (x[-round(60 * rate) :] for x, _ in both)
        sign = 1 if np.array_equal(upright(strong, rate), strong) else -1
        if len(peaks := find_beats(sign * strong, rate)) >= 3:
            found = [beat_and_heights(sign * x, peaks) for x in (weak, strong)]
            beats[row.participant], heights[row.participant] = zip(*found, strict=True)
    return beats, *(pd.DataFrame({p: h[i] for p, h in heights.items()}).T for i in (0, 1))


# %%
beats, weak, strong = filtered_both_ways(cohort)
changes = strong - weak
print(f"{study.label}: {config.highpass_hz:g} Hz instead of 0.05 Hz, {len(changes)} participants")
print("height in % of the R peak")
for wave in changes:
    middle, low, high = changes[wave].median(), changes[wave].min(), changes[wave].max()
    print(
        f"{wave}: median {weak[wave].median():.1f} before, changed by {middle:+.1f}",
        f"({low:+.1f} to {high:+.1f})",
    )
print(f"the T wave changes by {(changes['T'] / weak['T']).median():+.1%} of its own height")
print(
    f"spread (SD) between participants: T {weak['T'].std():.1f}, its change {changes['T'].std():.1f}"
)

# %% mystnb={"image": {"alt": "Left, the median beat of one participant after a filter at 0.05 Hz and after the filter in use, cut off above the T wave so that the gap between both lines shows. Right, a dot per participant for the change of the ST level and of the height of the T wave, with their medians as bars."}, "figure": {"caption": "What the high-pass filter does to the beat, in % of the R peak. The left panel is cut off above the T wave.", "name": "fig-windows-beat"}}
if example is not study:
    beats, weak, strong = filtered_both_ways(example.cohort)
    changes = strong - weak
typical = (changes["ST"] - changes["ST"].median()).abs().idxmin()
pair = pd.DataFrame(
    dict(zip(("0.05 Hz", f"{config.highpass_hz:g} Hz"), beats[typical], strict=True)),
    index=(np.arange(len(beats[typical][0])) - r) / rate,
)
fig = windows_plots.filtered_beats(pair, changes, example_name)
fig

# %% [markdown]
# {doc}`09_baselines` measures the T wave on windows filtered this way, so its heights include that
# change. The last two numbers show how its spread between participants compares with the spread of
# the heights themselves.

# %% [markdown]
# If you need the ST level or the T wave for its own sake, filter from 0.05 Hz on.
#
# ## One scale per participant
#
# Amplitude depends on skin, electrodes and the position of the heart. It therefore says who was
# recorded, and how the electrodes were placed. So we subtract each participant's mean and divide by
# a standard deviation, per lead.
#
# The standard deviation is **trimmed**: it uses the samples between the 2.5 % and 97.5 % ranks
# only, as the released code does, because one electrode that comes loose for a moment can outweigh
# hundreds of beats. The next cell spoils one hundredth of a recording and compares.

# %%
loose = filtered.copy()
loose[: len(loose) // 100] += 30 * filtered.std()
change = {
    "plain": loose.std() / filtered.std(),
    "trimmed": trimmed_stats(loose)[1] / trimmed_stats(filtered)[1],
}
print(f"{example_name}: standard deviation of the spoilt recording over that of the good one")
for name, factor in change.items():
    print(f"  {name}: × {factor:.2f}")

# %% [markdown]
# R peaks are rare and tall, so they are among the trimmed samples. The normalised ECG therefore has
# a standard deviation above one. That does no harm, since the same rule applies to everyone.


# %%
def before_and_after(study):
    """Give each participant's samples of one trial, before and after normalisation."""
    cohort, meta, first = study.cohort, study.windows.meta, first_trials(study.cohort)
    before = {
        row.participant: prepare(cohort.signals[row.Index][:, lead - 1], cohort.fs, config)[0]
        for row in first.itertuples()
    }
    clips = dict(zip(first["participant"], first["clip"], strict=True))
    chosen = (meta["clip"] == meta["participant"].map(clips)) & (meta["lead"] == lead)
    after = {person: study.windows.X[chosen & (meta["participant"] == person)] for person in before}
    return before, after


# %% tags=["hide-input"]
before, after = before_and_after(study)
print(f"{study.label}: largest over smallest trimmed standard deviation between participants")
for name, samples in (("before", before), ("after", after)):
    sds = [trimmed_stats(x)[1] for x in samples.values()]
    print(f"  {name}: {max(sds) / min(sds):.1f}")

# %% mystnb={"image": {"alt": "Two panels with one vertical bar per participant, spanning the middle 95 per cent of the samples, with a dot at the median: in converter units before normalisation, on a common scale after."}, "figure": {"caption": "The middle 95 % of each participant's samples in one trial, and their median as a dot, before and after normalisation.", "name": "fig-windows-scale"}}
shares = pd.Series({"low": 0.025, "median": 0.5, "high": 0.975})
if example is not study:
    before, after = before_and_after(example)
ranges = [
    pd.DataFrame({p: np.quantile(x, shares) for p, x in samples.items()}, index=shares.index).T
    for samples in (before, after)
]
fig = windows_plots.amplitude_ranges(*ranges, example_name)
fig

# %% [markdown]
# The bars do not become equal, and should not: what is left is the shape of each person's beat, and
# how this trial differs from the person's others.
#
# ```{differences} filter normalisation statistics
# ```
#
# Statistics can {term}`leak <leakage>`. These use no rating and nobody else's data, so a participant who is held out
# for testing is treated exactly as a new user would be. They do use that participant's own
# unlabelled recordings: a new user, too, has to be recorded before being normalised.
#
# :::{dropdown} Quiz: A held-out person is normalised with the mean and deviation of that person's own windows. Is this a leak?
# Not of ratings, nor of other people: a new user's recordings give the same numbers. But the user
# must have been recorded for a while before the first answer.
# :::
#
# ## Quality flags
#
# Because a filter hides what went wrong, quality is judged on the **raw** samples first. Four
# things are flagged there, all of them impossible for a heart: samples that are missing, single
# samples far outside everything around them (spikes), samples stuck at the converter's limit
# (clipped), and seconds without any change (flat). Missing samples and spikes are bridged before
# the filter can spread them. Each filtered window is then checked for signs that it holds no usable
# heartbeat: no beats, mains hum, a height that no ECG has, or noise that hides the P and T waves.
#
# A flagged window is not thrown away: it keeps its row, with the flag. `study.usable` holds the
# others, and these are the windows that every model of this book learns from. {doc}`15_own_ecg`
# shows flags on a real recording, where they have more to say.
#
# :::{dropdown} Quiz: Why is quality judged before the filter, and not after?
# The filter smears a missing or clipped stretch into something smooth that looks like a signal. In
# the raw samples it is still plain.
# :::
#
# ### A recording damaged on purpose
#
# Good recordings have little to {term}`flag <quality flag>`, so {numref}`fig-windows-quality` shows a recording that we
# damage on purpose: each damaged stretch is named for what was done to it. After it we count the flags
# of all windows of this study.

# %%
fs = int(cohort.fs)
damaged = raw[: 30 * fs].copy()
at = [int(share * len(damaged)) for share in (0.13, 0.37, 0.70)]
damaged[at[0] : at[0] + fs] = np.nan
damaged[at[1] : at[1] + fs // 2] = raw.max() + np.ptp(raw) / 2
damaged[at[2] : at[2] + 3 * fs] = damaged[at[2]]
flags = sample_quality(damaged, fs)
for code in np.unique(flags):
    print(f"{QUALITIES[code]}: {np.mean(flags == code):.1%} of the samples")
windows, starts = cut(flags, fs, config.length_s)
print("windows:", ", ".join(window_quality(windows, fs)))

# %% mystnb={"image": {"alt": "One raw lead over time with three kinds of damage; each damaged span is shaded and hatched, and the legend names it as missing, clipped or flat."}, "figure": {"caption": "A recording damaged on purpose, and the flags it gets.", "name": "fig-windows-quality"}}
fig = windows_plots.quality_flags(damaged, flags, fs, example_name + ", damaged on purpose")
fig

# %% [markdown]
# And the windows of this study, nothing damaged on purpose:

# %%
meta = study.windows.meta
counts = meta["quality"].value_counts().reindex(QUALITIES, fill_value=0)
print(study.label)
counts.to_frame("windows")

# %% [markdown]
# ## Count the windows
#
# The number of windows follows from durations and settings. We count them on paper first; two
# ways that agree are worth more than one that runs.

# %%
used = cohort.recordings[cohort.recordings["condition"].isin(config.conditions)]
seconds = used["duration"].clip(upper=config.last_s)
step = config.length_s * (1 - config.overlap)
expected = (1 + np.floor((seconds - config.length_s) / step + 1e-9)).astype(int)
print(f"{study.label}: {len(study.windows)} windows of {study.windows.X.shape[1]} samples")
print("as many as expected:", expected.sum() * len(config.leads) == len(study.windows))
print(f"{expected.min()} to {expected.max()} windows per recording and lead")

# %% [markdown]
# ## The frame that travels
#
# Beside the array stands a frame with one row per window. It is the frame that later chapters
# split, label and count. No code of this book asks for "row 17": it asks for a participant, a
# clip, a start.

# %%
print(example_name)
print(example_note(study), end="")
example.windows.meta.head(4)

# %% [markdown]
# ## Many windows, few answers
#
# How many examples do we have? It is tempting to count windows, but the participant rated each
# trial **once**, and all windows of that trial carry that one rating.

# %% tags=["hide-input"]
keys = ["participant", "clip", "condition"]
print(
    f"{study.label}: {len(study.usable)} usable windows,",
    f"{study.usable.meta.groupby(keys).ngroups} rated trials,",
    f"{study.usable.meta['participant'].nunique()} people",
)
most = meta.groupby(keys)[list(TARGETS)].nunique().max().max()
print("largest number of different ratings within one trial:", most)

# %% [markdown]
# Now suppose that some windows of a trial are used for training and others for testing. If windows
# of one trial resemble each other, a model only needs to recognise the trial: the rating comes with
# it. Do they? We describe each window by its power in bands of about one hertz and look up its
# nearest neighbour among all the others. This involves no training and no emotion.

# %%
usable = study.usable
power = np.abs(np.fft.rfft(usable.X, axis=1)) ** 2
per_hz = round(usable.X.shape[1] / usable.fs)
bands = np.log(power[:, 1 : 1 + 40 * per_hz].reshape(len(usable), 40, per_hz).mean(axis=2))
nearest = NearestNeighbors(n_neighbors=1).fit(bands).kneighbors(return_distance=False)[:, 0]
kinds = {"same trial": keys, "same participant": ["participant"]}
rows = {}
for name, columns in kinds.items():
    group = usable.meta.groupby(columns).ngroup().to_numpy()
    others = np.bincount(group)[group] - 1
    rows[name] = ((group == group[nearest]).mean(), others.mean() / (len(group) - 1))
shares = pd.DataFrame.from_dict(rows, orient="index", columns=["found", "expected"])
print(f"{study.label}: share of windows whose nearest neighbour is of the ...")
print(shares.round(3).to_string())

# %% mystnb={"image": {"alt": "Horizontal bars: the share of windows whose most similar other window comes from the same trial, and from the same participant, each beside the share expected by chance."}, "figure": {"caption": "Where the most similar other window comes from, and where chance would find it.", "name": "fig-windows-neighbours"}}
fig = windows_plots.neighbour_shares(shares, study.label)
fig

# %% [markdown]
# Where the bars for "found" tower over those for chance, a plain look-up already tells the trial
# or the person. A test that mixes windows of a trial measures that look-up. It is the published
# {term}`protocol`, so {doc}`06_results` reports it, but never alone: beside it stands a test on people
# whom no part of the model has seen.
#
# ## What could go wrong
#
# - **Filtering windows instead of recordings**: every window gets the same ringing at its edges.
# - **A filter that delays**: the beats move, and with them every interval measured.
# - **Reading an ST level off these windows**: the filter has moved it.
# - **Normalising each window by itself**: it would erase the difference between a window and its
#   scaled version, which the next chapters ask a network to see.
# - **Statistics from test labels or from other people.** Ours use neither.
# - **Counting windows as independent examples**, in a split or in a confidence interval.
#
# ## Take-aways
#
# - Filter whole recordings, with zero phase. Normalise per participant and {term}`lead`. Then cut.
# - A filter takes away signal too: breathing in the baseline, and a part of ST and T.
# - Judge quality before the filter, and keep the flag in the frame.
# - The number of ratings, not of windows, says how much you can learn about emotions.

# %% [markdown]
# ## Exercises
#
# **Exercise 2.1.** Cut the first trial with half-overlapping windows. How many do you get, and how
# many new ratings?
#
# :::{dropdown} Solution 2.1
# Nearly twice as many windows, and not a single new rating. Overlap adds examples for training; it
# adds nothing to a test.
# :::

# %% tags=["solution"]
apart, _ = cut(filtered, config.target_fs, config.length_s)
overlapping, _ = cut(filtered, config.target_fs, config.length_s, overlap=0.5)
print(f"{study.label}: {len(apart)} windows side by side, {len(overlapping)} half-overlapping")

# %% [markdown]
# **Exercise 2.2.** Filter one window alone and compare it with the same window of the filtered
# recording. Where do they differ most?
#
# :::{dropdown} Solution 2.2
# Near the edges, if the output says so twice: there the filter has to guess what came before and
# after.
# :::

# %% tags=["solution"]
from ecglib.preprocessing.filters import highpass

size = round(config.length_s * cohort.fs)
alone = highpass(raw[size : 2 * size], cohort.fs, config.highpass_hz)
gap = np.abs(alone - filtered[size : 2 * size])
inside = gap[3 * fs : -3 * fs].max()
print("more at the start than inside:", bool(gap[:fs].max() > inside))
print("more at the end than inside:", bool(gap[-fs:].max() > inside))

# %% [markdown]
# **Exercise 2.3.** Does the neighbour of a window share its *rating* of arousal more often than
# chance? Look at all neighbours, then at those from other trials only.
#
# :::{dropdown} Solution 2.3
# Compare with chance, the third number: how often two windows drawn at random share a rating. What
# lies between the first number and the second is the leak of the trial. What the second still has
# above chance comes from the person, or from the body.
# :::

# %% tags=["solution"]
arousal = usable.meta["arousal"].to_numpy()
of_trial = usable.meta.groupby(keys).ngroup().to_numpy()
elsewhere = of_trial != of_trial[nearest]
agree = arousal == arousal[nearest]
by_chance = (pd.Series(arousal).value_counts(normalize=True) ** 2).sum()
print(f"{study.label}: all neighbours {agree.mean():.2f}, from other trials", end=" ")
print(f"{agree[elsewhere].mean():.2f}, by chance {by_chance:.2f}")

# %% [markdown]
# **Exercise 2.4.** A colleague normalises every window by its own mean and standard deviation.
# Which question of the next chapter becomes unanswerable?
#
# :::{dropdown} Solution 2.4
# Whether a window was scaled. Its own standard deviation divides the factor out, so the scaled
# window and the original become the same numbers.
# :::

# %% tags=["solution"]
window = usable.X[0].astype(float)
own_scale = [(x - x.mean()) / x.std() for x in (window, 1.1 * window)]
print("original and scaled are equal afterwards:", np.allclose(*own_scale))

# %% [markdown]
# **Research question.** How long should a window be? Ten seconds are a habit. Take a question of
# your own, say a change of breathing or of heart-rate variability, and find out on real recordings
# from which length on a longer window stops helping.
#
# ## What next
#
# Windows need no label to be useful. {doc}`03_transformations` alters them in six ways, so that a
# network can learn by saying what was done.
