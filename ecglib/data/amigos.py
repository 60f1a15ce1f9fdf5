"""The restricted set AMIGOS: 40 people who watched short videos, and most of them long ones.

What is read are the preprocessed files, ``Data_Preprocessed_P01.mat`` and so on: of each trial the
two leads of the ECG, and the self-ratings after it. The EEG never lies in memory as a whole.

References
----------
Miranda-Correa, Abadi, Sebe & Patras, IEEE Transactions on Affective Computing 12(2):479-493 (online
2018), and the page of the set. `UNVERIFIED` lists what is not certain.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.data.cohort import Cohort
from ecglib.data.duplicates import refuse_duplicates
from ecglib.data.extracts import Collected, folder_of
from ecglib.data.matfile import read_variable
from ecglib.data.targets import Rating

FS = 128.0
"""Sampling rate of the preprocessed files in Hz. They do not state it."""


BASELINE_S = 5.0
"""Seconds before the video with which each trial begins."""


LEADS = ("ecg_0", "ecg_1")
"""Names of the leads: columns 15 and 16 of the file's 17, counted from 1."""


RATINGS = tuple(
    Rating(name, 1, 9, whole=False)
    for name in ("arousal", "valence", "dominance", "liking", "familiarity")
)
"""Self-ratings after a video, in the order of the file: arousal comes before valence."""


EMOTIONS = ("neutral", "disgust", "happiness", "surprise", "anger", "fear", "sadness")
"""What a person said to have felt, each 1 or 0, in the order of the file after the ratings."""


N_PEOPLE = 40
"""Number of people in the set."""

N_TRIALS = 20
"""Number of trials in the file of a person."""

N_SHORT = 16
"""Number of these trials that are short."""


UNVERIFIED = (
    f"the sampling rate is taken to be {FS:g} Hz, which the files do not state: most readers of "
    "the set do so, and the EEG in the same rows has this rate; one reader says 60 Hz, one 256 Hz",
    "which lead is of the right and which of the left arm is not known: readers of the set say "
    "both",
    "the unit of the samples is not known",
    f"the first {BASELINE_S:g} s of each trial are taken to be before the video, on the word of "
    "readers of the set",
)
"""What the reader does not know, or takes from other readers and no document of the set."""


_COLUMNS, _ECG = (16, 17), slice(14, 16)


_FILE = re.compile(r"Data_Preprocessed_(P(?!00)\d\d)\.mat", re.IGNORECASE)


_REMEDY = "copy the file again from the set"


@checked
def read_amigos(
    folder: str | os.PathLike[str], *, long_videos: bool = True, allow_duplicates: bool = False
) -> Cohort:
    """Read the ECG of AMIGOS as a cohort, two recordings for each trial.

    Parameters
    ----------
    folder : str or os.PathLike
        Holds ``Data_Preprocessed_P01.mat`` and so on, in itself or in folders below it. People
        whose file is not there are not missed.
    long_videos : bool
        Read the four long videos of a person, too; else the sixteen short ones only.
    allow_duplicates : bool
        Let recordings pass that share samples with another one.

    Returns
    -------
    Cohort
        Both leads at 128 Hz, in an unknown unit; NaN is a missing sample, and recordings of nothing
        else are there, too. Participants are "P01" to "P40", and a clip is a video by its name in
        the file, such as "10" or "N1". Of each trial there is the "baseline", the 5 s before the
        video, and the "stimulus"; a baseline carries the ratings of the video that follows it.
        Targets are arousal, valence, dominance, liking and familiarity from 1 to 9, missing where
        nobody rated. Further columns: what was felt (`EMOTIONS`, 1 or 0), ``video`` ("short" or
        "long") and ``trial``, its place in the file from 1. A trial without a signal is left out.
        Notes say which, and what is not certain (`UNVERIFIED`).

    Raises
    ------
    DataError
        If a file is missing, damaged, of another layout or there twice; names the file, the
        participant, the video and the field. If two recordings share samples.

    Notes
    -----
    The ratings of outside annotators are not read: in them valence comes first.

    Examples
    --------
    >>> import tempfile
    >>> from scipy.io import savemat
    >>> def cell(items):
    ...     array = np.empty((1, 20), dtype=object)
    ...     array[0, :] = items
    ...     return array
    >>> rng = np.random.default_rng(0)
    >>> folder = tempfile.mkdtemp()
    >>> trials = [rng.normal(size=(128 * 20, 17)) for _ in range(16)] + [np.zeros((0, 0))] * 4
    >>> rated = [np.array([[2, 8, 5, 6, 1, 0, 0, 1, 0, 0, 0, 0.0]])] * 16 + [np.zeros((0, 0))] * 4
    >>> names = [str(i) for i in range(1, 17)] + ["N1", "P1", "B1", "U1"]
    >>> savemat(Path(folder, "Data_Preprocessed_P08.mat"), {"joined_data": cell(trials),
    ...         "labels_selfassessment": cell(rated), "VideoIDs": cell(names)})
    >>> cohort = read_amigos(folder)
    >>> cohort.recordings.loc[:1, ["clip", "condition", "duration", "arousal", "valence"]]
       clip condition  duration  arousal  valence
    0     1  baseline       5.0      2.0      8.0
    1     1  stimulus      15.0      2.0      8.0
    """
    folder = folder_of(
        folder, "the folder of AMIGOS", "name the folder that holds Data_Preprocessed_P01.mat"
    )
    collected = Collected("AMIGOS")
    without: dict[str, list[str]] = {"signal": [], "rating": [], "sample of the ECG": []}
    people = _files(folder)
    for participant, path in people.items():
        place = {"file": path, "participant": participant, "remedy": _REMEDY}
        signals = _cells(path, "joined_data", place)
        ratings = _cells(path, "labels_selfassessment", place)
        videos = [_text(value) for value in _cells(path, "VideoIDs", place)]
        for i in range(N_TRIALS if long_videos else N_SHORT):
            place["clip"] = videos[i] or f"trial {i + 1}"
            signal = _signal(signals[i], place)
            labels = _labels(ratings[i], place)
            trial = f"{participant} {place['clip']}"
            if signal is None:
                without["signal"].append(trial)
                continue
            if not videos[i] or videos.count(videos[i]) > 1:
                raise DataError(
                    f"{videos.count(videos[i])} trials are of {videos[i]!r}",
                    field="VideoIDs",
                    expected="a name of its own for each video",
                    **place,
                )
            if np.isnan(labels["valence"]):
                without["rating"].append(trial)
            if np.isnan(signal).all():
                without["sample of the ECG"].append(trial)
            start = round(BASELINE_S * FS)
            for condition, part in (("baseline", signal[:start]), ("stimulus", signal[start:])):
                collected.add(
                    part,
                    FS,
                    "",
                    participant=participant,
                    clip=videos[i],
                    condition=condition,
                    **labels,
                    video="short" if i < N_SHORT else "long",
                    trial=i + 1,
                )
    notes = [
        f"{len(trials)} trials have no {what}{' and are left out' * (what == 'signal')}: "
        f"{', '.join(trials)}"
        for what, trials in without.items()
        if trials
    ]
    if len(people) != N_PEOPLE:
        notes.append(f"of the {N_PEOPLE} people, {len(people)} are in this folder")
    if len(without["signal"]) == len(people) * (N_TRIALS if long_videos else N_SHORT):
        raise DataError("no trial has a signal", file=folder, field="joined_data")
    cohort = collected.cohort(LEADS, RATINGS, (*UNVERIFIED, *notes))
    if not allow_duplicates:
        refuse_duplicates(cohort, file=folder, remedy="say allow_duplicates=True")
    return cohort


@checked
def is_amigos(folder: str | os.PathLike[str]) -> bool:
    """Tell whether a folder, or one below it, holds files of the set that can be read.

    Parameters
    ----------
    folder : str or os.PathLike
        Any folder.

    Returns
    -------
    bool

    Examples
    --------
    >>> import tempfile
    >>> is_amigos(tempfile.mkdtemp())
    False
    """
    return any(_FILE.fullmatch(path.name) for path in Path(folder).expanduser().rglob("*.mat"))


def _files(folder: Path) -> dict[str, Path]:
    """Return the file of each person, in the order of their names."""
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*.mat"), key=lambda path: (path.name.lower(), path)):
        name = _FILE.fullmatch(path.name)
        if name is None or not path.is_file():
            continue
        participant = name[1].upper()
        if participant in found:
            raise DataError(
                f"there is another file of this person, {found[participant]}",
                file=path,
                participant=participant,
                expected="one file for each person",
                remedy="remove one of the two",
            )
        found[participant] = path
    if not found:
        raise DataError(
            "there is no file of the set",
            file=folder,
            expected="Data_Preprocessed_P01.mat and so on, here or in folders below",
            remedy="name the folder that holds them; original files (Data_Original) are not read",
        )
    return found


def _cells(path: Path, name: str, place: Mapping[str, Any]) -> list[Any]:
    """Return a variable that has a cell for each trial."""
    found = read_variable(path, name, convert=_ecg_alone)
    if not isinstance(found, list) or len(found) != N_TRIALS:
        raise DataError(
            f"{len(found)} cells" if isinstance(found, list) else "no cell array",
            field=name,
            expected=f"a cell array of {N_TRIALS} trials",
            **place,
        )
    return found


def _ecg_alone(values: np.ndarray) -> np.ndarray:
    """Return the ECG of a trial as soon as it is read; all else is small."""
    if values.ndim == 2 and len(values) > 1 and values.shape[1] in _COLUMNS:
        return np.array(values[:, _ECG], dtype=np.float64)
    return np.array(values[:1])  # enough to say what stands in its place


def _text(value: Any) -> str:
    return value.strip().strip("'").strip() if isinstance(value, str) else ""


def _signal(value: Any, place: Mapping[str, Any]) -> np.ndarray | None:
    """Return the ECG of a trial, (n, 2), or None of one that was not recorded."""
    if isinstance(value, np.ndarray) and value.size == 0:
        return None
    numeric = isinstance(value, np.ndarray) and value.dtype.kind in "iuf"
    if not numeric or value.ndim != 2 or len(value) <= 1:
        one_row = numeric and value.shape[1] in _COLUMNS
        raise DataError(
            "a single row"
            if one_row
            else f"numbers in {value.shape[1]} columns"
            if numeric
            else "no numbers",
            field="joined_data",
            expected="a row for each sample: 14 columns of EEG, 2 of ECG, 1 of GSR",
            **place,
        )
    if np.isinf(value).any():
        sample, lead = np.argwhere(np.isinf(value))[0]
        raise DataError(
            f"sample {sample} of {LEADS[lead]} is infinite",
            field="joined_data",
            expected="numbers, or NaN where one is missing",
            **place,
        )
    if len(value) <= BASELINE_S * FS:
        raise DataError(
            f"{len(value)} samples ({len(value) / FS:.2f} s)",
            field="joined_data",
            expected=f"more than the {BASELINE_S:g} s before the video",
            **place,
        )
    return value


def _labels(value: Any, place: Mapping[str, Any]) -> dict[str, float]:
    """Return ratings and emotions of a trial, NaN where nothing was said."""
    names = (*(scale.name for scale in RATINGS), *EMOTIONS)
    if isinstance(value, np.ndarray) and value.size == 0:
        return dict.fromkeys(names, np.nan)
    numeric = isinstance(value, np.ndarray) and value.dtype.kind in "iuf"
    if not numeric or value.shape != (1, len(names)):
        raise DataError(
            f"shape {value.shape}" if numeric else "no numbers",
            field="labels_selfassessment",
            expected=f"1 × {len(names)} numbers: {', '.join(names)}",
            **place,
        )
    labels = dict(zip(names, map(float, value[0]), strict=True))
    scales = {scale.name: (scale.low, scale.high, scale.expected) for scale in RATINGS}
    for name, number in labels.items():
        low, high, expected = scales.get(name, (0, 1, "1 or 0"))
        inside = low <= number <= high and (name in scales or number in (0, 1))
        if not (inside or np.isnan(number)):
            raise DataError(
                f"{name} is {number:g}", field="labels_selfassessment", expected=expected, **place
            )
    return labels
