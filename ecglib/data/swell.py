"""SWELL-KW: office work of 25 people in three conditions, with the ECG of a TMSi Mobi.

Koldijk, Sappelli, Verberne, Neerincx and Kraaij, ICMI 2014; doi 10.17026/dans-x55-69zp. The files
are asked for at the DANS data station.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pandas as pd

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.data.cohort import Cohort
from ecglib.data.duplicates import refuse_duplicates
from ecglib.data.extracts import Collected, folder_of
from ecglib.data.readers.choice import is_ecg
from ecglib.data.readers.poly5 import poly5_header, read_poly5
from ecglib.data.readers.workbook import read_sheet
from ecglib.data.targets import Classes, Rating

CONDITIONS = {"N": "neutral", "I": "interruptions", "T": "time pressure"}
"""What a block of work was like, by the letter that the labels have."""


CONDITION = Classes("condition", tuple(CONDITIONS.values()))
"""The first target: the condition of a block, each told from the others."""


SCALES = {
    "Valence_rc": Rating("valence", 1, 9, whole=False),
    "Arousal_rc": Rating("arousal", 1, 9, whole=False),
    "Dominance": Rating("dominance", 1, 9, whole=False),
    "Stress": Rating("stress", 0, 10, whole=False),
    "MentalEffort": Rating("mental_effort", 0, 10, whole=False),
    "MentalDemand": Rating("mental_demand", 0, 10, whole=False),
    "PhysicalDemand": Rating("physical_demand", 0, 10, whole=False),
    "TemporalDemand": Rating("temporal_demand", 0, 10, whole=False),
    "Effort": Rating("effort", 0, 10, whole=False),
    "Performance_rc": Rating("performance", 0, 10, whole=False),
    "Frustration": Rating("frustration", 0, 10, whole=False),
}
"""The other targets, by the columns of the labels: what people answered after a block."""


LABELS = "Behavioral-features - per minute.xlsx"
"""The workbook that holds condition and ratings."""


UNVERIFIED = (
    "which channel is the ECG: the set's own script calls the 8th the heart, other readers take "
    "the 6th or the 3rd for it; it is chosen by its name, never by its number",
    "whether a recording begins with the relaxation before its block is not known: nothing is cut "
    "off, so minutes of rest may carry the label of the work",
    "the scales are taken from other readers: 1 to 9 for valence, arousal and dominance, 0 to 10 "
    "for the other ratings",
    "how the labels write a missing rating is not known: an empty cell, NaN and 999 count as one",
)
"""What the reader does not know, or takes from other readers and no document of the set."""


_RAW = Path("0 - Raw data", "D - Physiology - raw data")


_RELAX = "R"


_MISSING = ("", "nan", "na", "n/a", "null", "#n/a", "999")


_RECORDING = re.compile(r"(pp[1-9]\d*)_.*c(\d)\.s00", re.IGNORECASE)


_REMEDY = "copy the files of SWELL-KW again from the DANS data station"


@checked
def read_swell(
    folder: str | os.PathLike[str], *, lead: str | None = None, allow_duplicates: bool = False
) -> Cohort:
    """Read the ECG of SWELL-KW's blocks of work as a cohort.

    Parameters
    ----------
    folder : str or os.PathLike
        Holds, at any depth, the recordings ``pp1_18-9-2012_c1.S00`` and so on, and
        ``Behavioral-features - per minute.xlsx``.
    lead : str, optional
        Name of the channel that is the ECG; by default the one channel that is named like an ECG.
    allow_duplicates : bool
        Let recordings pass that share samples with another one.

    Returns
    -------
    Cohort
        The lead "ECG", one recording for each person ("PP1" and so on) and block, the clip, at the
        rate and in the unit of its file (2048 Hz and µV, as others found). Targets are the
        condition, `CONDITION`, and the ratings, `SCALES`. Its notes say what was taken for granted
        (`UNVERIFIED`), which blocks lack labels or a recording, and what was left out.

    Raises
    ------
    DataError
        If a file is damaged; if no channel, or several, can be the ECG; if a recording is there
        twice; if the labels of a block contradict each other; if recordings share samples.

    Notes
    -----
    The condition comes from the labels: the order of interruptions and time pressure differs from
    person to person, so a block's number does not tell it. The letter R is relaxation, not stress.
    Labels repeat the rating of a block in each of its minutes. Whole, the set takes 2 GB of memory.

    Examples
    --------
    >>> read_swell("no/such/folder")
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: no/such/folder: there is no such folder. Expected the folder of \
SWELL-KW. To fix it: copy the files of SWELL-KW again from the DANS data station.
    >>> [CONDITION.values, SCALES["Stress"].expected]
    [('neutral', 'interruptions', 'time pressure'), 'a number from 0 to 10']
    """
    folder = folder_of(folder, "the folder of SWELL-KW", _REMEDY)
    found, strange = _recordings(folder)
    labels = _labels(_workbook(folder))
    missing = [
        f"{person} block {block}" for person, block in labels if (person, block) not in found
    ]
    without = [
        f"{person} block {block}" for person, block in found if (person, block) not in labels
    ]
    notes = [
        f"{what}: {', '.join(names)}"
        for what, names in (
            ("blocks that have labels, but no recording", missing),
            ("blocks that have a recording, but no labels, and are left out", without),
            ("left out, by name (not such as pp1_18-9-2012_c1.S00)", strange),
        )
        if names
    ]
    collected = Collected("SWELL-KW")
    for (person, block), path in found.items():
        if (person, block) in labels:
            recording = read_poly5(path, leads=_ecg_of(path, lead))
            collected.add(
                recording.signals.astype(np.float64),
                recording.fs,
                recording.unit,
                participant=person,
                clip=block,
                **labels[person, block],
            )
    if len(without) == len(found):
        raise DataError(
            "no recording has labels",
            file=folder,
            expected="labels of the people whose recordings are there",
            remedy=_REMEDY,
        )
    cohort = collected.cohort(("ECG",), (CONDITION, *SCALES.values()), (*UNVERIFIED, *notes))
    if not allow_duplicates:
        refuse_duplicates(cohort, file=folder, remedy="keep them: allow_duplicates=True")
    return cohort


@checked
def is_swell(folder: str | os.PathLike[str]) -> bool:
    """Tell whether a folder is that of SWELL-KW, without a look into its files.

    Parameters
    ----------
    folder : str or os.PathLike
        Any folder.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_swell("."), list(CONDITIONS)
    (False, ['N', 'I', 'T'])
    """
    folder = Path(folder)
    return (folder / LABELS).is_file() or (folder / _RAW).is_dir()


def _recordings(folder: Path) -> tuple[dict[tuple[str, int], Path], list[str]]:
    """Return the recordings by person and block, and the names of files that are none."""
    found: dict[tuple[str, int], Path] = {}
    strange = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() != ".s00" or path.name.startswith("."):
            continue
        name = _RECORDING.fullmatch(path.name)
        if not name or name[2] not in "123":
            strange.append(path.name)
            continue
        key = name[1].upper(), int(name[2])
        if key in found:
            raise DataError(
                f"the same person and block as {found[key]}",
                file=path,
                participant=key[0],
                clip=key[1],
                expected="one recording of each block",
                remedy="leave one of the two out of the folder",
            )
        found[key] = path
    if not found:
        raise DataError(
            "there is no recording",
            file=folder,
            expected="pp1_18-9-2012_c1.S00 and so on, Poly5 files",
            remedy="name the folder that holds the raw data of the physiology, and the labels",
        )
    return found, strange


def _workbook(folder: Path) -> Path:
    found = sorted(path for path in folder.rglob("*") if path.name.lower() == LABELS.lower())
    if len(found) != 1:
        raise DataError(
            f"{LABELS} is there {len(found)} times" if found else f"{LABELS} is missing",
            file=folder,
            expected="this workbook once, in the folder or below it",
            remedy=_REMEDY,
        )
    return found[0]


def _labels(path: Path) -> dict[tuple[str, int], dict[str, object]]:
    """Return condition and ratings by person and block."""
    columns = {name: (name,) for name in ("PP", "Blok", "Condition", *SCALES)}
    table = read_sheet(path, columns)
    for column, pattern, expected in (
        ("PP", r"PP[1-9]\d*", "PP1 and so on"),
        ("Blok", r"[123](\.0)?", "1, 2 or 3"),
        ("Condition", r"[NITR]", "N, I, T or R"),
    ):
        table[column] = table[column].str.upper()
        bad = ~table[column].str.fullmatch(pattern)
        if bad.any():
            row = bad.idxmax()
            raise DataError(
                f"{table.at[row, column]!r} in row {row}",
                file=path,
                field=column,
                expected=expected,
                remedy=_REMEDY,
            )
    found = {}
    for (person, block), rows in table.groupby(["PP", table["Blok"].str[0].astype(int)]):
        work = rows[rows["Condition"] != _RELAX]
        place = {"file": path, "participant": person, "clip": block, "remedy": _REMEDY}
        codes = work["Condition"].unique()
        if len(codes) != 1:
            raise DataError(
                f"conditions {', '.join(codes) or _RELAX}",
                field="Condition",
                expected="one of N, I and T in each block",
                **place,
            )
        ratings = {scale.name: _rating(work[c], scale, place) for c, scale in SCALES.items()}
        found[person, int(block)] = {"condition": CONDITIONS[codes[0]], **ratings}
    return found


def _rating(texts: pd.Series, scale: Rating, place: dict) -> float:
    """Return the one rating that the minutes of a block repeat; NaN if there is none."""
    known = texts[~texts.str.lower().isin(_MISSING)]
    values = pd.to_numeric(known, errors="coerce")
    bad = ~scale.allows(values)
    if bad.any():
        row = known.index[np.argmax(bad)]
        raise DataError(
            f"{known[row]!r} in row {row}", field=texts.name, expected=scale.expected, **place
        )
    if values.nunique() > 1:
        raise DataError(
            f"{', '.join(f'{value:g}' for value in values.unique()[:3])}",
            field=texts.name,
            expected="the same rating in each minute of a block",
            **place,
        )
    return float(values.iloc[0]) if len(values) else np.nan


def _ecg_of(path: Path, lead: str | None) -> str:
    """Return the name of the channel to read."""
    names = poly5_header(path).names
    found = [lead] if lead is not None else [name for name in names if is_ecg(name)]
    if (lead is None and len(found) != 1) or names.count(found[0]) != 1:
        raise DataError(
            f"{len(found)} channels are named like an ECG"
            if lead is None
            else f"{names.count(lead)} channels have the name {lead!r}",
            file=path,
            field="lead",
            expected=f"one of the channels {', '.join(map(repr, names))}",
            remedy="look at them (ecglib.data.readers.poly5.read_poly5), and say which is the "
            'ECG by its name: lead="..."',
        )
    return found[0]
