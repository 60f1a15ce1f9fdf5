"""The MIT-BIH Arrhythmia Database: 48 recordings of a clinic's patients, with annotated beats.

Patients were chosen for their arrhythmias, and some have a pacemaker. Nothing is left out, and
there are no labels of a person's state: these recordings are for what needs none.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.data.cohort import Cohort
from ecglib.data.extracts import Arrays, Collected, checked_table, folder_of, number
from ecglib.data.readers.any_format import read_recording
from ecglib.data.wfdb_folder import Leads, annotated_beats, read_wfdb_folder, records_of

SAME_PERSON = {"202": "201"}
"""Records that are of the same person as another one."""


ARRAYS, BEATS, RECORDS = "mitdb_MLII_5min_int16.npz", "mitdb_beats_5min.npz", "records.csv"
"""Files of the extract that holds the first five minutes of each record."""


CONDITION = "clinic"
"""Condition of every recording."""


_NAME, _VERSION = "MIT-BIH", "1.0.0"


_RECORDS = frozenset(map(str, (
    100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 111, 112, 113, 114, 115, 116,
    117, 118, 119, 121, 122, 123, 124, 200, 201, 202, 203, 205, 207, 208, 209, 210,
    212, 213, 214, 215, 217, 219, 220, 221, 222, 223, 228, 230, 231, 232, 233, 234,
)))  # fmt: skip


_HEAD = ["2", "360", "650000"]  # leads, rate and samples, as every header of the set begins


_CONVERTED = "_converted.npz"


_REMEDY = "get the files of the set again: ecglib fetch mitdb"


@checked
def read_mitbih(folder: str | os.PathLike[str], *, leads: Leads | None = None) -> Cohort:
    """Read the set as a cohort.

    Parameters
    ----------
    folder : str or os.PathLike
        Holds WFDB records, the originals; or ``mitdb_MLII_5min_int16.npz`` with ``records.csv``,
        the first five minutes of each; or files such as ``100_converted.npz``.
    leads : str, int, sequence of them, or function, optional
        Of WFDB records, as in `ecglib.data.wfdb_folder.read_wfdb_folder`. By default MLII, and V5
        of records 102 and 104, which have no MLII.

    Returns
    -------
    Cohort
        In mV. Participants are record numbers; 201 and 202 are one person, 201, with two clips.
        Columns are those of `ecglib.data.wfdb_folder.read_wfdb_folder`; an age, sex or lead name
        that the files do not give is missing. There are no targets.

    Raises
    ------
    DataError
        If a file is missing, damaged, or contradicts another one; if leads are asked for of files
        that hold only one.

    Examples
    --------
    >>> import tempfile, wfdb
    >>> folder, x = tempfile.mkdtemp(), np.sin(np.arange(7200) / 40)[:, None]
    >>> wfdb.wrsamp("100", 360, ["mV"], ["MLII"], x, fmt=["16"], write_dir=folder)
    >>> read_mitbih(folder)
    <Cohort 'MIT-BIH': 1 participant, 1 clip, 1 recording, 0.3 min at 360 Hz>
    """
    folder = folder_of(folder, "the folder of mitdb", _REMEDY)
    form = _form(folder)
    if form == "wfdb":
        return read_wfdb_folder(
            folder,
            name=_NAME,
            version=_VERSION,
            leads=_usual_lead if leads is None else leads,
            participants=SAME_PERSON,
            condition=CONDITION,
        )
    if leads is not None:
        raise DataError(
            "these files hold one lead of each record",
            file=folder,
            field="leads",
            expected="no choice of leads",
            remedy="read WFDB records: ecglib fetch mitdb",
        )
    collected = Collected(_NAME, _VERSION)
    return (_read_extract if form == "extract" else _read_converted)(folder, collected)


@checked
def read_beats(folder: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Read where beats were annotated, by cardiologists.

    Parameters
    ----------
    folder : str or os.PathLike
        As in `read_mitbih`; of WFDB records, those with the annotations ``.atr`` beside them.

    Returns
    -------
    dict of str to ndarray of int64
        Samples from 0, in order, by the name of the record, which the cohort's column ``record``
        has. Beats of every kind are there: normal, ectopic, paced, unclassified.

    Raises
    ------
    DataError
        If a file is missing or damaged.

    Examples
    --------
    >>> import tempfile, wfdb
    >>> folder, x = tempfile.mkdtemp(), np.sin(np.arange(7200) / 40)[:, None]
    >>> wfdb.wrsamp("100", 360, ["mV"], ["MLII"], x, fmt=["16"], write_dir=folder)
    >>> wfdb.wrann("100", "atr", np.array([360, 720]), ["N", "V"], write_dir=folder)
    >>> {record: beats.tolist() for record, beats in read_beats(folder).items()}
    {'100': [360, 720]}
    """
    folder = folder_of(folder, "the folder of mitdb", _REMEDY)
    form = _form(folder)
    if form == "wfdb":
        return {record: annotated_beats(folder, record) for record in records_of(folder)}
    if form == "extract":
        arrays = Arrays(folder / BEATS, _REMEDY)
        found = {name: arrays.row(name, "iu") for name in arrays.names if name.isdecimal()}
        files = dict.fromkeys(found, arrays.path)
    else:
        files = _converted(folder)
        found = {name: Arrays(path, _REMEDY).row("r_peaks", "iu") for name, path in files.items()}
    for record, beats in found.items():
        if np.any(np.diff(beats.astype(np.int64)) <= 0) or beats[0] < 0:
            raise DataError(
                "beats out of order", file=files[record], field=record, expected="rising samples"
            )
    return {record: beats.astype(np.int64) for record, beats in found.items()}


@checked
def is_mitbih(folder: str | os.PathLike[str]) -> bool:
    """Tell whether a folder holds the set, whole or in part, in any of its forms.

    Parameters
    ----------
    folder : str or os.PathLike
        Any folder.

    Returns
    -------
    bool
        Of a folder of WFDB records only if every header there is one of the set, by its name and
        its first line: a folder with a record of one's own is one's own.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "100.hea").write_text("100 2 360 650000")
    >>> is_mitbih(folder)
    True
    >>> _ = (folder / "anna.hea").write_text("anna 1 250 5000")
    >>> is_mitbih(folder)
    False
    """
    folder = Path(folder).expanduser()
    if all((folder / name).is_file() for name in (ARRAYS, RECORDS)):
        return True
    headers = list(folder.glob("*.hea"))
    if headers:
        return all(path.stem in _RECORDS and _head(path) == [path.stem, *_HEAD] for path in headers)
    converted = [p.name.removesuffix(_CONVERTED) for p in folder.glob(f"*{_CONVERTED}")]
    return bool(converted) and set(converted) <= _RECORDS


def _head(header: Path) -> list[str]:
    with header.open(encoding="utf-8", errors="replace") as stream:
        return stream.readline(200).split()[:4]


def _usual_lead(record: str) -> str:
    return "V5" if record in ("102", "104") else "MLII"


def _form(folder: Path) -> str:
    """Tell in which form a folder holds the set."""
    if (folder / ARRAYS).is_file():
        return "extract"
    if (folder / "RECORDS").is_file() or any(folder.glob("*.hea")):
        return "wfdb"
    if _converted(folder):
        return "converted"
    raise DataError(
        "there are no recordings of the set",
        file=folder,
        expected=f"WFDB records (100.hea, 100.dat and so on), {ARRAYS}, or 100{_CONVERTED}",
        remedy=_REMEDY,
    )


def _converted(folder: Path) -> dict[str, Path]:
    paths = sorted(folder.glob(f"*{_CONVERTED}"))
    found = {path.name.removesuffix(_CONVERTED): path for path in paths}
    for record, path in found.items():
        if not re.fullmatch(r"\d+", record):
            raise DataError(
                f"{record!r} is no record's number", file=path, expected=f"100{_CONVERTED}"
            )
    return found


def _whose(record: str, before: dict[str, int]) -> dict[str, object]:
    """Return participant and clip of a record, given how many recordings each had before."""
    person = SAME_PERSON.get(record, record)
    before[person] = before.get(person, 0) + 1
    return {"participant": person, "clip": before[person], "condition": CONDITION}


def _read_extract(folder: Path, collected: Collected) -> Cohort:
    path = folder / RECORDS
    columns = (
        "record", "age", "sex", "lead", "adc_gain_per_mV", "baseline_adu", "fs_hz",
        "n_samples_kept",
    )  # fmt: skip
    table = checked_table(path, columns, "record", _REMEDY)
    arrays = Arrays(folder / ARRAYS, _REMEDY)
    differ = sorted(set(arrays.names) ^ set(table.index))
    if differ:
        lacking = path if differ[0] in arrays.names else arrays.path
        raise DataError(
            f"record {differ[0]} is missing",
            file=lacking,
            expected=f"the same records in {RECORDS} and {ARRAYS}",
            remedy=_REMEDY,
        )
    before: dict[str, int] = {}
    for record in table.index:
        samples = arrays.row(record, "i")
        gain, baseline, fs, n_samples = (number(table, record, c, path) for c in columns[4:])
        if n_samples != len(samples) or gain <= 0:
            raise DataError(
                f"{n_samples:g} samples and a gain of {gain:g} for record {record}",
                file=path,
                expected=f"{len(samples)} samples, and a gain above 0",
                remedy=_REMEDY,
            )
        age, sex = table.at[record, "age"], table.at[record, "sex"]
        collected.add(
            (samples - baseline) / gain,
            fs,
            "mV",
            **_whose(record, before),
            age=number(table, record, "age", path) if age else np.nan,
            sex=sex if sex in ("M", "F") else None,
            record=record,
            lead_name=table.at[record, "lead"],
        )
    return collected.cohort(("ECG",))


def _read_converted(folder: Path, collected: Collected) -> Cohort:
    before: dict[str, int] = {}
    for record, path in _converted(folder).items():
        recording = read_recording(path, leads="ecg", unit="mV")
        collected.add(
            recording.signals.astype(np.float64),
            recording.fs,
            "mV",
            **_whose(record, before),
            age=np.nan,
            sex=None,
            record=record,
            lead_name=None,
        )
    return collected.cohort(("ECG",))
