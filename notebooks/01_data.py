# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The data
#
# ```{opening} fig-data-ratings
# People rate how they felt while they watched film clips. How are their ratings spread, and what
# would a guess score that never looks at the ECG?
# ```
#
# ```{admonition} Before you start
# - **You will learn** how the file is laid out, how `ecglib` reads it, what a trial looks like,
#   and how the ratings are spread.
# - **You need first**: nothing but some Python.
# - **It takes** about half a minute; longer the first time, when the file may have to be made.
# ```
#
# DREAMER {cite}`katsigiannis2018dreamer` is a study of people who watched film {term}`clips <clip>`. A small
# {term}`recorder` took two {term}`leads <lead>` of their {term}`electrocardiogram <ECG>` (ECG). After each clip, each person rated how
# they had felt: how pleasant ({term}`valence`), how excited ({term}`arousal`), how much in control ({term}`dominance`).
# The idea to *predict* the ratings from the ECG rests on one file, so we start with the file.
#
# The next cell names the data behind this page. If it says "synthetic", then nobody was recorded:
# we invented the people, in the same file layout, and everything below shows how the machinery
# works. If it says "DREAMER", then the page was made from the real file; single recordings and
# ratings are then those of an invented person all the same, because the real ones must not be passed
# on ({doc}`../book/real-dreamer`).

# %%
import textwrap
from pathlib import Path

import neurokit2 as nk
import numpy as np
import pandas as pd

from ecglib.core.errors import DataError
from ecglib.data.dreamer import RATING_FIELDS, cohort_from_struct
from ecglib.data.labels import TARGETS, binary_labels
from ecglib.data.matfile import read_variable
from ecglib.features.heartbeats import BEFORE_S, landmarks, median_beat
from ecglib.plots import cohort as cohort_plots
from ecglib.plots import paper as paper_plots
from ecglib.studies.restricted import example_label, example_note, example_study
from ecglib.studies.stand_in import recipe
from ecglib.studies.study import Study
from ecglib.synthetic.people import CLIP_MEANS, FEATURES
from ecglib.synthetic.recorder import COUNTS_PER_MV

study = Study()
cohort = study.cohort
print(f"data: {study.label}, profile: {study.profile.name}")
example, example_name = example_study(study), example_label(study)
print(example_note(study), end="")

# %% [markdown]
# ## One trial
#
# A **{term}`trial`** is one {term}`participant` who watches one clip and rates it once. {numref}`fig-data-leads`
# shows a few seconds of one. Both leads see the same heart, from two directions. An ECG shows what
# is electrical about a heartbeat; the muscle follows a moment later. In the order of time:
#
# - The **{term}`P wave`**, a small hill: the upper chambers are activated, and then contract.
# - The **{term}`QRS complex`**, the narrow spike, whose high point is the **{term}`R peak`**: the main pumping
#   chambers are activated, and then contract.
# - The **{term}`ST segment`**, nearly level: the main chambers are active throughout.
# - The **{term}`T wave`**, a broad hill: the main chambers recover electrically, ready for the next beat.
# - The **{term}`RR interval`** is the time from one R peak to the next. A minute divided by it is the heart
#   rate.
#
# A lead may see some of these waves small or upside down: it depends on its direction. We mark the R peaks that a detector of NeuroKit {cite}`makowski2021neurokit` finds. Where the
# true ones are known, because we placed them, they are marked too.

# %%
shown = example.cohort.recordings.query("condition == 'stimulus'")
trial = shown.index[0]
fs = int(example.cohort.fs)
recording = example.cohort.signals[trial]
cleaned = nk.ecg_clean(recording[:, 0].astype(float), sampling_rate=fs)
_, info = nk.ecg_peaks(cleaned, sampling_rate=fs)
peaks = {"found": np.asarray(info["ECG_R_Peaks"])}
if example.truth is not None:
    peaks["true"] = example.truth.r_peaks[trial]

# %% mystnb={"image": {"alt": "Two rows of a few seconds of electrocardiogram on a grid of millimetres, one per lead, with a calibration pulse where the gain is known; the R peaks are marked above both. In the first row one beat has the names P, Q, R, S and T at its waves, and an arrow between two R peaks marks the RR interval."}, "figure": {"caption": "Both leads of the start of one trial on ECG paper: a small square is 0.04 s wide and, where the gain of the recorder is known, 0.1 mV high. Markers: R peaks.", "name": "fig-data-leads"}}
first, length = 5, 6
part = slice(first * fs, (first + length) * fs)
marks = {name: at[(at >= part.start) & (at < part.stop)] / fs - first for name, at in peaks.items()}
found = marks["found"]
beat, _ = median_beat(cleaned[part], fs, (found * fs).round().astype(int))
at, r, near = landmarks(beat, fs, np.diff(found).mean()), round(BEFORE_S * fs), round(0.06 * fs)
at |= {"q": (beat[r - near : r].argmin() - near) / fs, "s": beat[r : r + near].argmin() / fs}
fig = paper_plots.leads_paper(
    recording[part],
    fs,
    f"participant {shown.loc[trial, 'participant']}, {example_name}",
    # The recorder of the invented cohort is ours; a file of converter units does not state its gain.
    mv_per_unit=None if example.truth is None else 1 / COUNTS_PER_MV,
    start=first,
    marks=marks,
    waves={name: found[1] + at.get(name.lower(), 0.0) for name in "PQRST"},
    rr=found[2:4],
)
fig

# %% [markdown]
# The detector knows nothing of our model, so its agreement with the truth checks both. A real
# recording has no truth to compare with.

# %% tags=["hide-cell"]
rate = 60 * fs / np.median(np.diff(peaks["found"]))
print(f"{example_name}: median heart rate of this trial {rate:.0f} beats per minute")
if example.truth is None:
    print("the true R peaks are not known")
else:
    gap = np.abs(peaks["found"][:, None] - peaks["true"]) / fs
    print("true beats found within 50 ms, at least 98 %:", (gap.min(axis=0) < 0.05).mean() >= 0.98)
    print("found beats that are true, at least 98 %:", (gap.min(axis=1) < 0.05).mean() >= 0.98)

# %% [markdown]
# :::{dropdown} Quiz: A minute of ECG holds more R peaks than the minute before. Which changes: heart rate, RR interval, or both?
# Both, since each is the other's inverse: a minute divided by the RR interval is the heart rate.
# They carry the same information on different scales.
# :::
#
# ## The layout of the file
#
# The file is a nest of MATLAB structs and cell arrays. `read_variable` turns it into dictionaries
# and lists; it never runs code from the file. We leave out the brain signals (EEG), which this
# book doesn't use.

# %%
raw = read_variable(study.path, "DREAMER", skip=("EEG",))


def show(value, name, depth=0):
    """Print what is in a field, and in the first cell of a list."""
    what = {dict: "struct of {} fields", list: "{} cells, the first:", str: "{} characters"}
    size = value.shape if isinstance(value, np.ndarray) else len(value)
    print("  " * depth + f"{name}: " + what.get(type(value), "numbers {}").format(size))
    if isinstance(value, dict):
        for key in value:
            show(value[key], key, depth + 1)
    elif isinstance(value, list):
        show(value[0], f"{name}{{1}}", depth + 1)


show(raw, "DREAMER")

# %% [markdown]
# ## Read by name, never by position
#
# Three rating fields stand next to each other, with the same shape and the same range. A reader
# that counts columns can swap them, and nothing looks wrong. The danger is real: the code released
# with the published method fills its valence column from the dominance field
# ({doc}`../book/released-code`). `ecglib` takes each rating by its name. The next cell shows how
# much that matters: it counts how often the two ratings of a trial differ.

# %% tags=["hide-input"]
trials = cohort.recordings.query("condition == 'stimulus'")
for target, field in RATING_FIELDS.items():
    stored = np.concatenate([person[field].ravel() for person in raw["Data"]])
    print(f"{target} is {field}: {np.array_equal(stored, trials[target])}")
differ = (trials["valence"] != trials["dominance"]).mean()
print(f"{study.label}: valence and dominance differ in {differ:.0%} of the trials")

# %% [markdown]
# ```{differences} valence labels
# ```
#
# :::{dropdown} Quiz: A test checks the shape and the range of all three rating fields. Would it notice that two were swapped?
# No. Both have the same shape and the same range. Only a check by name, or against values known
# from elsewhere, would.
# :::
#
# ### A damaged file is refused
#
# A file with a missing field, a wrong sampling rate or an impossible rating is refused. The
# message names the place, what was expected, and what to do.
#
# Here we remove a field on purpose.

# %%
person = {name: value for name, value in raw["Data"][0].items() if name != "ScoreValence"}
try:
    cohort_from_struct({**raw, "Data": [person, *raw["Data"][1:]]}, file="damaged.mat")
except DataError as error:
    print(textwrap.fill(str(error), 72))
del raw, person

# %% [markdown]
# ## The cohort
#
# After reading, everything known about a recording is one row of a table. Each trial has two: the
# neutral baseline before the clip, and the clip itself ("stimulus"). The baseline carries the
# ratings of the clip that follows, but nobody rated it. `ecglib` therefore never uses a baseline
# as labelled data unless you ask for it.

# %% tags=["hide-input"]
print(example_name)
print(example_note(study), end="")
units = {"n_samples": "samples", "duration": "duration (s)"}
example.cohort.recordings.head(4).rename(columns=units)

# %% tags=["hide-input"]
by_clip = trials.groupby("clip")["duration"]
n_participants = cohort.recordings["participant"].nunique()
hours = trials["duration"].sum() / 3600
longest_gap = (by_clip.max() - by_clip.min()).max()
print(f"{study.label}: {n_participants} participants, {len(by_clip)} clips, {len(trials)} trials")
print(f"{hours:.1f} hours of ECG during clips")
print(f"clips last {trials['duration'].min():.0f} to {trials['duration'].max():.0f} s")
print(f"largest difference between people for the same clip: {longest_gap:.1f} s")

# %% mystnb={"image": {"alt": "A grid of coloured cells, participants down, clips across; the colour of a cell is the duration of that recording in seconds."}, "figure": {"caption": "How long each participant was recorded during each clip.", "name": "fig-data-durations"}}
fig = cohort_plots.clip_durations(trials, study.label)
fig

# %% [markdown]
# What to remember of {numref}`fig-data-durations` are its columns: everyone sees the same clips.
# Where people differ little for the same clip, and clips differ in length, the length of a
# recording alone gives the clip away. Later chapters cut every recording into {term}`windows <window>` of equal
# length; still, *which clip it was* stays a possible shortcut to the rating.

# %% [markdown]
# ## The ratings
#
# Ratings go from 1 to 5. For two classes we need a threshold; ours is "above 3 is high", and it is
# an argument, so you can change it.

# %% mystnb={"image": {"alt": "Three bar charts side by side, for valence, arousal and dominance: number of trials with each rating from 1 to 5; bars above the threshold are hatched."}, "figure": {"caption": "How often each rating was given. The dashed line parts low from high.", "name": "fig-data-ratings"}}
fig = cohort_plots.rating_counts(trials, study.label)
fig

# %% tags=["hide-input"]
high = pd.DataFrame({target: binary_labels(trials, target) for target in TARGETS})
base = pd.DataFrame({"share of high": high.mean()})
base["accuracy of the commonest answer"] = np.maximum(high.mean(), 1 - high.mean())
print(study.label)
base.round(3)

# %% [markdown]
# The right column is the score to beat: a classifier that ignores the ECG and always gives the
# commonest answer gets that {term}`accuracy`. Every table of this book has it in a row of its own.
#
# A mean can hide that people use the scale differently. {numref}`fig-data-shares` shows whether they
# do.

# %% tags=["hide-cell"]
shares = high.groupby(trials["participant"].to_numpy()).mean()
print(f"{study.label}: lowest and highest share of high in one participant")
shares.agg(["min", "max"]).round(2)

# %% mystnb={"image": {"alt": "Three rows of dots, one row per rating scale, one dot per participant, placed by the share of trials rated high; an orange bar marks each mean, a dashed line one half."}, "figure": {"caption": "Share of trials that each participant rated high.", "name": "fig-data-shares"}}
fig = cohort_plots.high_shares(shares, shares.mean(), study.label)
fig

# %% [markdown]
# Where people differ, a model that can tell *who* it is listening to can answer with that person's
# usual rating. It then looks clever without having read any emotion. Chapter {doc}`06_results`
# leaves out whole participants for this reason.

# %% [markdown]
# :::{dropdown} Quiz: A model reaches exactly the accuracy of the commonest answer. What has it read from the ECG?
# Nothing need have been read: a constant answer gets the same. And if people's shares differ, even
# a score above it may come from recognising people.
# :::
#
# ### Do the clips move people in the same way?
#
# Those of the DREAMER study were chosen to do so. Their mean ratings are known to two decimals from
# a public repository (`ecglib.synthetic.people` says which). So anyone with its file can check that
# trials and ratings were read in the right order: then the means of the clips agree with those.
#
# Here they are compared, if the file has as many clips.

# %%
means = trials.groupby("clip")[["valence", "arousal"]].mean()
if len(means) == len(CLIP_MEANS["valence"]):
    published = pd.DataFrame(CLIP_MEANS, index=means.index)
    print(f"{study.label}, mean ratings of clips beside the published ones:")
    for target in published:
        r = np.corrcoef(means[target], published[target])[0, 1]
        apart = (means[target] - published[target]).abs()
        print(f"{target}: correlation {r:.2f}; apart by {apart.mean():.2f} on average", end=", ")
        print(f"{apart.max():.2f} at most")
else:
    print(f"{study.label}: {len(means)} clips, so not those of the DREAMER study")

# %% [markdown]
# ## Why an ECG could know
#
# The heart has its own pacemaker, and two kinds of nerves change its pace. The **{term}`vagus`** slows it,
# beat by beat; the **sympathetic** nerves speed it up, within seconds, and make it contract harder.
# What a person feels shifts the balance of the two. It shows in the mean **{term}`heart rate`** and in its
# fluctuation, **{term}`heart-rate variability <HRV>`** (HRV). A part of HRV follows the breath, because the vagus
# is checked with every breath in: the heart beats faster while one breathes in and slower while one
# breathes out. This part is called **{term}`respiratory sinus arrhythmia <RSA>`** (RSA). Slower fluctuations,
# around ten a minute, belong to the regulation of blood pressure {cite}`taskforce1996hrv`.
#
# When people are aroused, their heart rate and breathing tend to rise and their RSA falls
# {cite}`kreibig2010`, and the T wave flattens {cite}`rau1991`. Which of these responds, and how much,
# differs from person to person {cite}`lacey1958`. For valence, whether a feeling is pleasant or not,
# no sign in the ECG is established.
#
# ## What was planted, and what was not
#
# In a synthetic {term}`cohort` made by `ecglib` the truth is known. From the literature come the directions
# just named for arousal, that people respond differently, that they differ more than one person's
# recordings do, the mean ratings of the clips and the share of high valence ratings. **Invented** are
# all sizes, every sign of valence and of dominance, and the ratings of dominance. The next cell says
# what was planted; on other data it says what is known of that.

# %%
IN_WORDS = {
    "heart_rate": "heart rate",
    "rsa": "RSA",
    "slow_hrv": "slow fluctuation of the heart rate",
    "resp_rate": "breathing rate",
    "r_amplitude": "height of the R peak",
    "p_amplitude": "height of the P wave",
    "t_amplitude": "height of the T wave",
    "t_asymmetry": "asymmetry of the T wave",
    "qrs_width": "width of the QRS complex",
}
if study.truth is not None and study.truth.name == Path(recipe(study.spec)).stem:
    print(f"{study.label}: shift per unit of feeling, in standard deviations between trials")
    planted = pd.DataFrame(
        {
            IN_WORDS[name]: [getattr(feature, target) for target in TARGETS]
            for name, feature in FEATURES.items()
        },
        index=TARGETS,
    )
    print(planted.T.map(lambda shift: f"{shift:+.2f}" if shift else "0").to_string())
    print(f"times {study.spec.effect:g}; standard deviation of these between people:", end=" ")
    print(f"{study.spec.slope_sd:.0%} of each")
    ratio = pd.Series({name: f.person / f.trial for name, f in FEATURES.items()})
    print(f"people differ {ratio.min():.1f} to {ratio.max():.1f} times as much as their recordings")
elif study.label == "synthetic":
    print("A synthetic file of another recipe: what was planted, if anything, is not known here.")
else:
    print("Real recordings: nothing was planted, and nobody knows what there is to find.")

# %% [markdown]
# Where the cell above prints numbers, read whatever is found in them as a check of our simulator and
# nothing more:
#
# - The {term}`synthetic cohort` **is** a test bench. It has the layout, sizes and rating habits of the
#   study, a plausible rhythm and beat shape {cite}`mcsharry2003`, noise like a recorder's, and
#   effects of known size that can be set to zero, or made so strong that whatever reads the ECG must
#   find them ({doc}`07_leakage`, {doc}`14_comparison`).
# - It **is not** evidence. Whatever effects it has are simpler than anyone should expect from
#   people. Finding something in it says nothing about emotions in real hearts.
#
# :::{dropdown} Quiz: On a synthetic cohort a network finds arousal. What does that say about people?
# Nothing. It says that the network can find an effect of the kind that was planted, and that the
# path from file to score works.
# :::
#
# ### Is a planted effect in the recordings?
#
# A table of intentions is not yet an effect. So we look for one of them in the recordings: does the
# heart beat faster in trials that a person rated as more arousing *than the same person's other
# trials*? Where the true R peaks are known, a correlation says how closely the two go together.
#
# We subtract each person's mean first; otherwise differences between people would hide the answer.

# %%
if study.truth is not None:
    beats = [60 * fs / np.diff(study.truth.r_peaks[i]).mean() for i in trials.index]
    known = trials[["participant", *TARGETS]].assign(heart_rate=beats)
    within = known - known.groupby("participant").transform("mean").assign(participant=0)
    correlations = within[list(TARGETS)].corrwith(within["heart_rate"])
    print(f"{study.label}: correlation with heart rate, within participants")
    print(correlations.round(2).to_string())
else:
    print("needs true R peaks")

# %% [markdown]
# ## What could go wrong
#
# - **Swapped ratings**, as told above. Read by name and test it.
# - **A shortcut taken for an emotion**: the person, the clip, the length. Know them before you
#   train.
# - **A threshold chosen after the results.** Decide "high" before you look at any score.
# - **The wrong file.** `ecglib` looks in one order only: the argument, then `ECGLIB_DREAMER`, then
#   `data/DREAMER.mat`. A path that leads nowhere is an error; the library never switches to
#   synthetic data in silence. See {doc}`../book/real-dreamer`.
#
# ## Take-aways
#
# - A trial is one participant, one clip, one rating per scale.
# - Each field is read by its name, and checked.
# - The commonest answer scores at least one half, without any ECG: compare with it, always.
# - Where people differ in how they rate, or clips in what they evoke, both are shortcuts.

# %% [markdown]
# ## Exercises
#
# **Exercise 1.1.** How do the shares of high change if a rating of 3 counts as high as well?
#
# :::{dropdown} Solution 1.1
# Where the middle rating is common, the commonest answer can change sides. A result is only
# comparable with another one that uses the same threshold.
# :::

# %% tags=["solution"]
moved = {
    rule: [binary_labels(trials, target, rule=rule).mean() for target in TARGETS]
    for rule in (">", ">=")
}
print(f"{study.label}, share of high by the rule")
print(pd.DataFrame(moved, index=TARGETS).round(3).to_string())

# %% [markdown]
# **Exercise 1.2.** A model knows each participant's commonest answer, and nothing else. What
# accuracy does it reach on arousal?
#
# :::{dropdown} Solution 1.2
# Never less than the commonest answer overall. This is what recognising the person is worth. (The
# mean over participants is right because all have the same number of trials.)
# :::

# %% tags=["solution"]
knows = np.maximum(shares["arousal"], 1 - shares["arousal"]).mean()
overall = base.loc["arousal", "accuracy of the commonest answer"]
print(f"{study.label}: {knows:.3f} by knowing the person, {overall:.3f} without")

# %% [markdown]
# **Exercise 1.3.** Suppose that somebody swapped the *names* of two rating fields in the file
# itself. Reading by name doesn't help then. What would still show it?
#
# :::{dropdown} Solution 1.3
# What is known of the clips from elsewhere. Each rating should agree best with the published means
# of its own name; a swapped one agrees better with those of another. Without such a source, nothing
# in the file tells.
# :::

# %% tags=["solution"]
if len(means) == len(CLIP_MEANS["valence"]):
    of_clips = trials.groupby("clip")[list(TARGETS)].mean().reset_index(drop=True)
    agreement = {f"published {t}": of_clips.corrwith(pd.Series(m)) for t, m in CLIP_MEANS.items()}
    print(f"{study.label}, correlation of the mean ratings of clips")
    print(pd.DataFrame(agreement).round(2).to_string())
else:
    print(f"{study.label}: not the clips of the DREAMER study")

# %% [markdown]
# **Exercise 1.4.** Do the two leads tell the same story? Correlate them in the first recordings of
# five people.
#
# :::{dropdown} Solution 1.4
# Both see one heart, from two directions, so they share the times of all waves. Their shapes
# differ, and so does the noise of their electrodes. The closer the correlation is to one, the less
# a second lead adds.
# :::

# %% tags=["solution"]
for row in trials.groupby("participant").head(1).head(5).itertuples():
    both = cohort.signals[row.Index].astype(float)
    r = np.corrcoef(both, rowvar=False)[0, 1]
    print(f"{study.label}, participant {row.participant}: {r:.2f}")

# %% [markdown]
# **Research question.** Everyone saw the same clips, so a clip's volume, length and pace are part
# of every trial. Which recording would let you part the body's answer to the *stimulus* from its
# answer to the *feeling*, and how would you test with the existing file whether it matters?
#
# ## What next
#
# A network needs inputs of equal length, on one scale. {doc}`02_windows` makes them.
