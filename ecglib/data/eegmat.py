"""The open set "EEG During Mental Arithmetic Tasks": rest and mental arithmetic of 36 people.

Rest, with eyes closed, always comes first: time, posture and eyes cannot be told from arithmetic.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.data.cohort import Cohort
from ecglib.data.extracts import Arrays, Collected, checked_table, folder_of, number
from ecglib.data.readers.any_format import read_recording
from ecglib.data.targets import Classes

CONDITIONS = ("rest", "arithmetic")
"""What a person did in the first and in the second recording."""


CONDITION = Classes("condition", CONDITIONS)
"""The target: arithmetic is class 1."""


FS = 500.0
"""Sampling rate in Hz."""


ARRAYS = "eegmat_ecg_500hz_int16.npz"
"""File of the ECG in the extract that holds the ECG alone."""

LABELS = "labels.csv"
"""File of the labels in this extract."""

PEOPLE = "subject-info.csv"
"""File of the people in this extract, and in the original."""


_LEAD = "ECG ECG"


_REMEDY = "get the files of the set again: ecglib fetch eegmat"


_NAME = re.compile(r"Subject(\d\d)")


@checked
def read_eegmat(folder: str | os.PathLike[str]) -> Cohort:
    """Read the ECG of the set as a cohort.

    Parameters
    ----------
    folder : str or os.PathLike
        Holds ``subject-info.csv``, and either the original ``Subject00_1.edf`` and so on, two for
        each person, or an extract: ``eegmat_ecg_500hz_int16.npz`` with ``labels.csv``, which has
        the gain and offset of every recording.

    Returns
    -------
    Cohort
        The lead "ECG" in mV at 500 Hz. Participants are "S00" to "S35"; clip 1 is rest and clip 2
        arithmetic, which is the target, `CONDITION`. Of each person there are age, sex, the
        subtractions a minute and whether their number was good (1) or not (0), all from
        ``subject-info.csv``: what EDF headers say of people contradicts it. Its checksum is one of
        table and samples, the same for both forms of the same recordings.

    Raises
    ------
    DataError
        If a file is missing, renamed, damaged, or contradicts another one.

    Notes
    -----
    Nothing is left out: four of the original recordings (S02 and S13 at rest, S20 and S35 at
    arithmetic) show no heartbeat, because an electrode was off. The quality of their windows says
    so without a look at the label (`ecglib.preprocessing.segmentation`).

    Examples
    --------
    >>> read_eegmat("nowhere")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: nowhere: there is no such folder. Expected the ...
    """
    folder = folder_of(folder, "the folder of eegmat", _REMEDY)
    people = _people(folder / PEOPLE)
    original = sorted(folder.glob("Subject*.edf"))
    extract = not original and (folder / ARRAYS).is_file()
    read = _read_extract(folder, people) if extract else _read_original(folder, people)
    collected = Collected("eegmat", "1.0.0")
    for subject, clip, signal in read:
        collected.add(
            signal,
            FS,
            "mV",
            participant=_short(subject),
            clip=clip,
            condition=CONDITIONS[clip - 1],
            **people.loc[subject],
        )
    return collected.cohort(("ECG",), (CONDITION,))


@checked
def is_eegmat(folder: str | os.PathLike[str]) -> bool:
    """Tell whether a folder is that of the set, in either form, without a look into its files.

    Parameters
    ----------
    folder : str or os.PathLike
        Any folder.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_eegmat("."), CONDITION.values
    (False, ('rest', 'arithmetic'))
    """
    folder = Path(folder).expanduser()
    has_ecg = (folder / ARRAYS).is_file() or any(folder.glob("Subject[0-9][0-9]_[12].edf"))
    return has_ecg and (folder / PEOPLE).is_file()


def _short(subject: str) -> str:
    return _NAME.sub(r"S\1", subject)


def _people(path: Path) -> pd.DataFrame:
    """Return age, sex and performance of each person, by ``Subject00`` and so on."""
    columns = ("Subject", "Age", "Gender", "Number of subtractions", "Count quality")
    table = checked_table(path, columns, "Subject", _REMEDY)
    rows = {}
    for subject in table.index:
        place = {"file": path, "participant": subject, "remedy": _REMEDY}
        if not _NAME.fullmatch(subject):
            raise DataError("an unknown name", field="Subject", expected="Subject00", **place)
        age, quality = (number(table, subject, c, path) for c in ("Age", "Count quality"))
        if age not in range(1, 121):
            raise DataError(f"{age:g}", field="Age", expected="whole years, 1 to 120", **place)
        sex = table.at[subject, "Gender"]
        if sex not in ("F", "M"):
            raise DataError(f"{sex!r}", field="Gender", expected="F or M", **place)
        if quality not in (0, 1):
            raise DataError(f"{quality:g}", field="Count quality", expected="0 or 1", **place)
        rows[subject] = {
            "age": int(age),
            "sex": sex,
            "subtractions": number(table, subject, "Number of subtractions", path),
            "count_quality": int(quality),
        }
    return pd.DataFrame.from_dict(rows, orient="index").astype(object)


def _read_original(folder: Path, people: pd.DataFrame) -> Iterator[tuple[str, int, np.ndarray]]:
    wanted = {
        f"{subject}_{clip}.edf": (subject, clip) for subject in people.index for clip in (1, 2)
    }
    there = {path.name for path in folder.iterdir()}
    missing = [name for name in wanted if name not in there]
    strange = sorted(n for n in there if n.lower().endswith(".edf") and n not in wanted)
    if missing or strange:
        of = f" ({len(missing)} of {len(wanted)} are)" if len(missing) > 1 else ""
        also = f"; {', '.join(strange[:3])} is not of the set" if strange else ""
        raise DataError(
            f"{missing[0]} is missing{of}{also}" if missing else f"{strange[0]} is of nobody",
            file=folder,
            expected=f"two EDF files for each person of {PEOPLE}, or {ARRAYS}",
            remedy=f"give files their original names, or {_REMEDY}",
        )
    for name, (subject, clip) in wanted.items():
        recording = read_recording(folder / name, leads=_LEAD)
        if recording.unit != "mV" or recording.fs != FS:
            raise DataError(
                f"{recording.fs:g} Hz, {recording.unit or 'no unit'}",
                file=folder / name,
                field=_LEAD,
                expected=f"{FS:g} Hz, mV",
                remedy=_REMEDY,
            )
        yield subject, clip, recording.signals[:, 0].astype(np.float64)


def _read_extract(folder: Path, people: pd.DataFrame) -> Iterator[tuple[str, int, np.ndarray]]:
    path = folder / LABELS
    remedy = f"copy {ARRAYS}, {LABELS} and {PEOPLE} again from their source"
    columns = ("key", "condition", "fs_hz", "n_samples", "gain_mV_per_adu", "offset_mV")
    labels = checked_table(path, columns, "key", remedy)
    arrays = Arrays(folder / ARRAYS, remedy)
    wanted = {f"{_short(s)}_{clip}": (s, clip) for s in people.index for clip in (1, 2)}
    for names, file in ((labels.index, path), (arrays.names, arrays.path)):
        differ = sorted(set(names) ^ set(wanted))
        if differ:
            problem = "is missing" if differ[0] in wanted else f"is of nobody in {PEOPLE}"
            raise DataError(
                f"{differ[0]} {problem}",
                file=file,
                expected=f"two recordings for each person of {PEOPLE}",
                remedy=remedy,
            )
    for key, (subject, clip) in wanted.items():
        samples = arrays.row(key, "i")
        for column, is_so, expected in (
            (
                "condition",
                labels.at[key, "condition"] == CONDITIONS[clip - 1],
                CONDITIONS[clip - 1],
            ),
            ("fs_hz", number(labels, key, "fs_hz", path) == FS, f"{FS:g}"),
            ("n_samples", number(labels, key, "n_samples", path) == len(samples), len(samples)),
            ("gain_mV_per_adu", number(labels, key, "gain_mV_per_adu", path) > 0, "more than 0"),
        ):
            if not is_so:
                raise DataError(
                    f"{labels.at[key, column]} for {key}",
                    file=path,
                    field=column,
                    expected=f"{expected}, as the samples are",
                    remedy=remedy,
                )
        gain, offset = (number(labels, key, c, path) for c in ("gain_mV_per_adu", "offset_mV"))
        yield subject, clip, samples * gain + offset
