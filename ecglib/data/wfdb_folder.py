"""A folder of WFDB records, as PhysioNet publishes them, as a cohort; and their annotated beats."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.core.extras import need
from ecglib.data.cohort import Cohort
from ecglib.data.duplicates import refuse_duplicates
from ecglib.data.extracts import Collected, folder_of
from ecglib.data.readers.any_format import read_recording
from ecglib.data.readers.wfdb_record import segments_of
from ecglib.data.recording import Recording, default_leads
from ecglib.data.targets import Target

Leads = str | int | Sequence[str | int] | Callable[[str], str | int]
"""Leads by name or number from 1, or a function that gives those of a record by its name."""


BEATS = frozenset("NLRBAaJSVrFejnE/fQ?")
"""Symbols of annotations that are beats, of whatever kind: normal, ectopic, paced, unclassified."""


_RECORD = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)*")


_COPY = "copy the record's files again from their source, all of them"


# How headers' comments give age and sex: "69 M 1085 1629 x1", or "<age>: 69 <sex>: M" and alike.
_FIRST = re.compile(r"\s*(-?\d+)\s+([MF?])\b")
_AGE = re.compile(r"\bage\b\W*?(\d+)", re.IGNORECASE)
_SEX = re.compile(r"\b(?:sex|gender)\b\W*([MF])", re.IGNORECASE)


@checked
def read_wfdb_folder(
    folder: str | os.PathLike[str],
    *,
    name: str | None = None,
    version: str = "",
    leads: Leads = 1,
    participants: Mapping[str, str] | None = None,
    condition: str = "recording",
    targets: Sequence[Target] = (),
    labels: Callable[[str], Mapping[str, object]] | None = None,
    allow_duplicates: bool = False,
) -> Cohort:
    """Read all records of a folder as a cohort.

    Parameters
    ----------
    folder : str or os.PathLike
        Holds the records. Its file ``RECORDS`` says which they are, one name a line; without one,
        every header does that is no segment of another record.
    name : str, optional
        Name of the cohort; that of the folder by default.
    version : str
        Version of the set.
    leads : str, int, sequence of them, or function
        Leads to read, by name or number. By default the first signal, whatever it is.
    participants : mapping of str to str, optional
        Whose a record is, where it is not the only one of a person named after it.
    condition : str
        What all records were made during.
    targets : sequence of Rating or Classes
        What the columns of labels mean.
    labels : function, optional
        Gives further columns of a record's row, by its name.
    allow_duplicates : bool
        Let records pass that share 10 s or more (`ecglib.data.duplicates`).

    Returns
    -------
    Cohort
        Each record at its own rate and in its own unit. The clip numbers the records of a
        participant, in the order of ``RECORDS``. Further columns are ``age`` (years, at the first
        record) and ``sex`` ("M" or "F"), as far as the header's comments give them, ``record``, and
        ``lead_name``. A lead that has not the same name in all records is called "ECG", or
        "lead 1" and so on if there are several.

    Raises
    ------
    DataError
        If there are no records, a file is missing or damaged, a lead asked for is not there, or two
        records share samples.

    Examples
    --------
    >>> import tempfile, wfdb
    >>> folder, x = tempfile.mkdtemp(), np.sin(np.arange(7200) / 40)[:, None]
    >>> wfdb.wrsamp("anna", 360, ["mV"], ["MLII"], x, fmt=["16"], write_dir=folder)
    >>> read_wfdb_folder(folder, name="mine")
    <Cohort 'mine': 1 participant, 1 clip, 1 recording, 0.3 min at 360 Hz>
    """
    folder = folder_of(folder, "a folder of WFDB records", "check the path")
    collected = Collected(name or folder.resolve().name, version)
    counts: dict[str, int] = {}
    people: dict[str, tuple[float, str | None]] = {}
    named: set[tuple[str, ...]] = set()
    for record in records_of(folder):
        asked = leads(record) if callable(leads) else leads
        recording = read_recording(folder / f"{record}.hea", leads=asked)
        person = (participants or {}).get(record, record)
        counts[person] = counts.get(person, 0) + 1
        age, sex = age_and_sex(_comments(folder / f"{record}.hea"))
        age, sex = people.setdefault(person, (age, sex))
        _check_number(recording, named, folder / f"{record}.hea")
        named.add(tuple(recording.leads))
        collected.add(
            recording.signals,
            recording.fs,
            recording.unit,
            participant=person,
            clip=counts[person],
            condition=condition,
            age=age,
            sex=sex,
            record=record,
            lead_name=", ".join(recording.leads),
            **(labels(record) if labels else {}),
        )
    some = next(iter(named))
    of_all = some if len(named) == 1 else default_leads(len(some))
    cohort = collected.cohort(of_all, tuple(targets))
    if not allow_duplicates:
        refuse_duplicates(
            cohort,
            file=folder,
            remedy="read it with allow_duplicates=True, then leave one out with Cohort.select",
        )
    return cohort


@checked
def records_of(folder: Path) -> list[str]:
    """Return the names of the records of a folder, as ``RECORDS`` or the headers give them.

    Parameters
    ----------
    folder : Path
        Holds the records.

    Returns
    -------
    list of str

    Raises
    ------
    DataError
        If there are none, or ``RECORDS`` names one that is not there, one twice or one elsewhere.

    Examples
    --------
    >>> import tempfile, wfdb
    >>> folder, x = tempfile.mkdtemp(), np.sin(np.arange(7200) / 40)[:, None]
    >>> for name in ("anna", "ben"):
    ...     wfdb.wrsamp(name, 360, ["mV"], ["MLII"], x, fmt=["16"], write_dir=folder)
    >>> records_of(Path(folder))
    ['anna', 'ben']
    """
    listed = folder / "RECORDS"
    if listed.is_file():
        lines = listed.read_text(encoding="utf-8", errors="replace").splitlines()
        names = [line.strip() for line in lines if line.strip()]
    else:
        headers = sorted(folder.glob("*.hea"))
        parts = {part for header in headers for part in segments_of(header)}
        names = [header.stem for header in headers if header.stem not in parts]
    for i, record in enumerate(names):
        place = {"file": listed, "field": record[:80]}
        if not _RECORD.fullmatch(record) or record in names[:i]:
            raise DataError(
                "this name is there twice" if record in names[:i] else "no name of a record",
                expected="names of records in this folder, once each",
                **place,
            )
        if not (folder / f"{record}.hea").is_file():
            raise DataError(
                f"{record}.hea is missing",
                expected="a header for each record",
                remedy=_COPY,
                **place,
            )
    if not names:
        raise DataError(
            "there are no records",
            file=folder,
            expected="WFDB records: 100.hea, 100.dat and so on",
            remedy="name the folder that holds them",
        )
    return names


@checked
def age_and_sex(comments: Sequence[str]) -> tuple[float, str | None]:
    """Return a person's age in years and sex; NaN and None if they are not there.

    Parameters
    ----------
    comments : sequence of str
        Comments of a record's header, line by line.

    Returns
    -------
    age : float
    sex : {"M", "F"} or None

    Examples
    --------
    >>> age_and_sex(["69 M 1085 1629 x1", "Aldomet, Inderal"])
    (69.0, 'M')
    >>> age_and_sex(["-1 M 742 654 x1"]), age_and_sex(["<age>: 81  <sex>: F"])
    ((nan, 'M'), (81.0, 'F'))
    """
    for line in comments:
        if found := _FIRST.match(line):
            age = float(found[1])
            return (age if age > 0 else np.nan), (found[2] if found[2] in "MF" else None)
    text = "\n".join(comments)
    age, sex = _AGE.search(text), _SEX.search(text)
    return (float(age[1]) if age else np.nan), (sex[1].upper() if sex else None)


@checked
def annotated_beats(folder: Path, record: str, annotator: str = "atr") -> np.ndarray:
    """Return the samples at which beats of a record are annotated.

    Parameters
    ----------
    folder : Path
        Holds the record.
    record : str
        Its name.
    annotator : str
        Extension of the file of annotations.

    Returns
    -------
    ndarray of int64
        Samples from 0, in order: of annotations that are beats (`BEATS`) of whatever kind.

    Raises
    ------
    DataError
        If the file is missing or damaged, or `wfdb` is.

    Examples
    --------
    >>> import tempfile, wfdb
    >>> folder = Path(tempfile.mkdtemp())
    >>> wfdb.wrann("anna", "atr", np.array([360, 500, 720]), ["N", "+", "V"], write_dir=str(folder))
    >>> annotated_beats(folder, "anna").tolist()
    [360, 720]
    """
    wfdb = need("wfdb", "readers", "WFDB annotations")
    path = folder / f"{record}.{annotator}"
    if not path.is_file():
        raise DataError("this file is missing", file=path, remedy=_COPY)
    try:
        if not path.read_bytes().endswith(b"\0\0"):  # how every such file ends
            raise ValueError("the end is missing")
        found = wfdb.rdann(str(path.with_suffix("").absolute()), annotator)
        samples = np.asarray(found.sample, dtype=np.int64)
        is_beat = np.array([symbol in BEATS for symbol in found.symbol], dtype=bool)
        if np.any(np.diff(samples) < 0) or np.any(samples < 0):
            raise ValueError("annotations out of order")
    except Exception as error:  # the package raises many kinds
        raise DataError(
            f"the annotations cannot be read ({type(error).__name__}: {error})",
            file=path,
            expected="an undamaged file of annotations",
            remedy=_COPY,
        ) from error
    return samples[is_beat]


def _comments(header: Path) -> list[str]:
    text = header.read_text(encoding="utf-8", errors="replace")
    return [line[1:].strip() for line in text.splitlines() if line.startswith("#")]


def _check_number(recording: Recording, named: set[tuple[str, ...]], header: Path) -> None:
    """Raise a DataError if a record has not as many leads as those before it."""
    other = next(iter(named), tuple(recording.leads))
    if len(other) != len(recording.leads):
        raise DataError(
            f"leads {', '.join(recording.leads)}, but {', '.join(other)} before",
            file=header,
            field="leads",
            expected="as many leads in each record",
            remedy="choose those that all have, such as leads=1",
        )
