"""What WESAD's files say about a person: times and ratings of blocks, age and sex.

Sources are ``SX_quest.csv``, whose fields stand between semicolons, and ``SX_readme.txt``. Times
are minutes and seconds that a spreadsheet took for numbers, so that zeros at their end are lost:
``50.3`` is 50 min 30 s. They are kept as texts until they are seconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.data.targets import Rating

STATE_OF = {
    "Base": "baseline",
    "TSST": "stress",
    "Fun": "amusement",
    "Medi 1": "meditation",
    "Medi 2": "meditation",
}
"""State of each block that was followed by questionnaires. They were not recorded in this order."""


READING = ("bRead", "sRead", "fRead")
"""Short blocks of reading: they have times, but no questionnaire."""


RATINGS = (Rating("valence", 1, 9), Rating("arousal", 1, 9))
"""Self-ratings after a block, in the order of the file: how pleasant, how excited."""


TRIM_S = 10.0
"""Seconds that are cut from both ends of a block."""


_REMEDY = "copy the file again from WESAD.zip"


_MOST_BYTES = 1 << 20


_TIME = re.compile(r"(\d{1,3})(?:\.(\d{1,2}))?", re.ASCII)


@dataclass(frozen=True)
class Block:
    """One block of the protocol.

    Parameters
    ----------
    name : str
        As the file has it: "TSST" and so on.
    start, end : int
        Seconds from the start of the recorder's text, nothing cut.
    valence, arousal : float
        Self-ratings from 1 to 9; NaN of a block of reading.

    Examples
    --------
    >>> Block("TSST", start=60, end=660, valence=3.0, arousal=7.0).state
    'stress'
    """

    name: str
    start: int
    end: int
    valence: float
    arousal: float

    @property
    def state(self) -> str | None:
        """State of the person, or None of a block of reading."""
        return STATE_OF.get(self.name)

    @property
    def kept(self) -> tuple[float, float]:
        """First and last second of what is used."""
        return self.start + TRIM_S, self.end - TRIM_S


@checked
def read_blocks(path: Path, participant: str) -> list[Block]:
    r"""Read names, times and ratings of a person's blocks.

    Parameters
    ----------
    path : Path
        ``SX_quest.csv``.
    participant : str
        Whose it should be.

    Returns
    -------
    list of Block
        In the order in which they were recorded, which is not that of the file.

    Raises
    ------
    DataError
        If the file is missing, damaged or of somebody else, a name is no block's, a time or rating
        is missing or impossible, or blocks overlap.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "S2_quest.csv")
    >>> rows = ["# Subj;S2", "# ORDER;Base;TSST;Medi 1;Fun;Medi 2", *["# DIM;7;2"] * 5,
    ...         "# START;7.08;39.55;70.19;81.25;93.38", "# END;26.32;50.3;77.1;87.47;100.15"]
    >>> _ = path.write_text("\n".join(rows))
    >>> {block.name: block.end - block.start for block in read_blocks(path, "S2")}
    {'Base': 1164, 'TSST': 635, 'Medi 1': 411, 'Fun': 382, 'Medi 2': 397}
    """
    place = {"file": path, "participant": participant}
    rows: dict[str, list[list[str]]] = {}
    for line in _text(path, participant).splitlines():
        first, *fields = (field.strip() for field in line.split(";"))
        if first.startswith("#"):
            rows.setdefault(first.lstrip("# ").upper(), []).append(fields)
    single = {name: _only_row(rows, name, place) for name in ("SUBJ", "ORDER", "START", "END")}
    if single["SUBJ"] != [participant]:
        raise DataError(
            f"the file is of {' '.join(single['SUBJ']) or 'nobody'}",
            field="Subj",
            expected=participant,
            remedy=_REMEDY,
            **place,
        )
    names = [" ".join(name.split()) for name in single["ORDER"]]
    _check_names(names, place)
    times = {
        field: [
            _seconds(text, field, {**place, "clip": name})
            for name, text in zip(names, _fitting(single[field], names, field, place), strict=True)
        ]
        for field in ("START", "END")
    }
    asked = [name for name in names if name in STATE_OF]
    dim = rows.get("DIM", [])
    if len(dim) != len(asked):
        raise DataError(
            f"{len(dim)} rows for {len(asked)} conditions",
            field="DIM",
            expected="one row for each condition, in their order",
            remedy=_REMEDY,
            **place,
        )
    ratings = {
        name: [
            _rating(row[i] if i < len(row) else "", scale, {**place, "clip": name})
            for i, scale in enumerate(RATINGS)
        ]
        for name, row in zip(asked, dim, strict=True)
    }
    blocks = [
        Block(name, start, end, *ratings.get(name, (np.nan, np.nan)))
        for name, start, end in zip(names, times["START"], times["END"], strict=True)
    ]
    blocks.sort(key=lambda block: block.start)
    _check_times(blocks, place)
    return blocks


@checked
def read_age_and_sex(path: Path, participant: str) -> tuple[float, str | None]:
    r"""Read age and sex of a person.

    Parameters
    ----------
    path : Path
        ``SX_readme.txt``.
    participant : str
        Whose it is.

    Returns
    -------
    age : float
        Years; NaN if the file is not there or does not say it.
    sex : {"M", "F"} or None

    Raises
    ------
    DataError
        If the file says something else.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "S2_readme.txt")
    >>> _ = path.write_text("### Personal information ###\nAge: 27\nGender: male")
    >>> read_age_and_sex(path, "S2")
    (27.0, 'M')
    """
    if not path.exists():
        return np.nan, None
    said: dict[str, str] = {}
    for line in _text(path, participant).splitlines():
        name, colon, value = line.partition(":")
        if colon:
            said.setdefault(name.strip().lower(), value.strip())
    age, sex = said.get("age", ""), said.get("gender", "")
    place = {"file": path, "participant": participant, "remedy": "correct it, or leave it empty"}
    if age and not (age.isdecimal() and 1 <= int(age) <= 120):
        raise DataError(f"{age[:40]!r}", field="Age", expected="whole years, 1 to 120", **place)
    if sex and sex[0].upper() not in "MF":
        raise DataError(f"{sex[:40]!r}", field="Gender", expected="male or female", **place)
    return (float(age) if age else np.nan), (sex[0].upper() if sex else None)


def _only_row(
    rows: Mapping[str, list[list[str]]], name: str, place: Mapping[str, Any]
) -> list[str]:
    """Return the one row of a name, without the empty fields that pad it."""
    found = rows.get(name, [])
    if len(found) != 1:
        raise DataError(
            f"{len(found)} rows begin with '# {name}'" if found else f"no row begins '# {name}'",
            field=name,
            expected="one row",
            remedy=_REMEDY,
            **place,
        )
    (row,) = found
    while row and not row[-1]:
        row = row[:-1]
    return row


def _check_names(names: list[str], place: Mapping[str, Any]) -> None:
    known = (*STATE_OF, *READING)
    strange = [name for name in names if name not in known]
    twice = [name for name in names if names.count(name) > 1]
    absent = [name for name in STATE_OF if name not in names]
    if strange or twice or absent:
        problem = (
            f"{strange[0]!r} is no block"
            if strange
            else f"{twice[0]} is there twice"
            if twice
            else f"{absent[0]} is missing"
        )
        raise DataError(
            problem,
            field="ORDER",
            expected=f"{', '.join(STATE_OF)} in any order, perhaps {', '.join(READING)}",
            remedy=_REMEDY,
            **place,
        )


def _fitting(row: list[str], names: list[str], field: str, place: Mapping[str, Any]) -> list[str]:
    if len(row) != len(names):
        raise DataError(
            f"{len(row)} times for {len(names)} blocks",
            field=field,
            expected="a time for each block of ORDER",
            remedy=_REMEDY,
            **place,
        )
    return row


def _seconds(text: str, field: str, place: Mapping[str, Any]) -> int:
    """Return the seconds of minutes and seconds, whose last zero may be lost: "50.3" is 50:30."""
    found = _TIME.fullmatch(text)
    seconds = int((found[2] or "").ljust(2, "0")) if found else 60
    if not found or seconds > 59:
        raise DataError(
            f"{text!r} is no time",
            field=field,
            expected="minutes, a point and seconds below 60, such as 7.08",
            remedy=f"{_REMEDY}; a spreadsheet may have rewritten it",
            **place,
        )
    return 60 * int(found[1]) + seconds


def _rating(text: str, scale: Rating, place: Mapping[str, Any]) -> float:
    if text not in map(str, scale.answers):
        raise DataError(
            f"{scale.name} is {text!r}",
            field="DIM",
            expected=f"{scale.expected}; valence first, then arousal",
            remedy=_REMEDY,
            **place,
        )
    return float(text)


def _check_times(blocks: list[Block], place: Mapping[str, Any]) -> None:
    before = None
    for block in blocks:
        if block.end - block.start <= 2 * TRIM_S:
            raise DataError(
                f"the block lasts {block.end - block.start} s",
                clip=block.name,
                field="END",
                expected=f"more than the {TRIM_S:g} s that are cut from each of its ends",
                remedy=_REMEDY,
                **place,
            )
        if before is not None and block.start < before.end:
            raise DataError(
                f"the block begins at second {block.start}, before {before.name} ends "
                f"at second {before.end}",
                clip=block.name,
                field="START",
                expected="blocks one after the other",
                remedy=_REMEDY,
                **place,
            )
        before = block


def _text(path: Path, participant: str) -> str:
    """Return a small text file."""
    place = {"file": path, "participant": participant, "remedy": _REMEDY}
    try:
        with path.open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        raise DataError(
            "this file is missing" if missing else f"cannot be opened ({error.strerror})",
            expected=f"a text about {participant}",
            **place,
        ) from error
    if not content.strip() or len(content) > _MOST_BYTES:
        raise DataError(
            "the file is empty" if not content.strip() else f"more than {_MOST_BYTES} bytes",
            expected="a small text",
            **place,
        )
    return content.decode("utf-8-sig", errors="replace")
