"""YAAD, the Young Adult's Affective Data: ECG during films, with what people said they felt.

Mendeley Data g2p7vwxyn2; to cite Dar, Rahim, Akram, Khawaja and Rahim, ICoDT2 2022, pages 1 to
7, as others cite it: the paper itself was not at hand.
The workbooks of the set hold the participants' names. Nothing here reads them.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.data.cohort import Cohort
from ecglib.data.duplicates import find_duplicates, refuse_duplicates
from ecglib.data.extracts import Collected, folder_of
from ecglib.data.rates import plausible_rate
from ecglib.data.readers.workbook import read_sheet
from ecglib.data.recording import check_rate
from ecglib.data.targets import Classes, Rating

RATES = (128.0, 250.0, 1000.0)
"""Sampling rates in Hz that documents give; the first one, which most give, is assumed."""


EMOTION = Classes(
    "emotion",
    ("Anger", "Disgust", "Fear", "Happy", "Mixed", "Neutral", "Sad", "Surprise"),
)
"""The target: what a person felt most, in the set's own words."""


LEVELS = ("valence", "arousal", "dominance")
"""What people rated; targets if the ends of the scale are given."""


UNVERIFIED = (
    "the sampling rate is not known: most say 128 Hz, others 250 or 1000; hearts speak against "
    "1000 if it is 128, but hardly tell 128 from 250",
    "the unit of the samples is not known",
    "the scale of valence, arousal and dominance, 1 to 5 or 1 to 9, is not known: without "
    "scale=(low, high) they are no targets",
    "whether somebody took part in both parts of the set is not known: each numbers people from 1, "
    "and they count as different people",
)
"""What the reader does not know, or what other readers of the set disagree about."""


MAX_BYTES = 2**22
"""Largest file of a recording: 5000 samples take 100 kB."""


_RECORDING = re.compile(r"ecgdata_s([1-9]\d{0,3})p([1-9]\d{0,3})v([1-9]\d{0,3})\.dat", re.I)


_WORKBOOK = re.compile(r"self-annotation(multi|single)modal(_use)?\.xlsx")


_PARTS = {"multimodal": "multimodal", "singlemodal": "single"}


_ID = re.compile(r"([1-9]\d{0,3})(\.0+)?")


_COLUMNS = {
    "person": ("Participant Id",),
    "session": ("Session ID",),
    "video": ("Video ID",),
    **{name: (f"{name.capitalize()} level",) for name in LEVELS},
    "familiarity": ("Familiarity Score",),
    "emotion": ("Emotion",),
}


_OTHERS_ASKED = 20  # recordings that are asked about the rates that are not assumed


_REMEDY = "get the files of YAAD again from Mendeley Data"


_Key = tuple[str, int, int, int]  # part, person, session, video


@checked
def read_yaad(
    folder: str | os.PathLike[str],
    *,
    fs: float | None = None,
    scale: tuple[float, float] | None = None,
    allow_duplicates: bool = False,
) -> Cohort:
    """Read the ECG of YAAD as a cohort.

    Parameters
    ----------
    folder : str or os.PathLike
        Holds, at any depth, ``Multimodal`` or ``Single Modal`` with files such as
        ``ECGdata_s1p1v1.dat``, and ``Self-annotation Multimodal_Use.xlsx`` or
        ``Self-annotation Single Modal_Use.xlsx``: ``ECG_GSR_Emotions``, as it is published.
    fs : float, optional
        Sampling rate in Hz, which the files do not state; 128 by default.
    scale : tuple of float, optional
        Ends of the scale of valence, arousal and dominance, which no document gives; they are
        targets if it is given.
    allow_duplicates : bool
        Keep recordings that hold the same samples; a note says how many pairs there are.

    Returns
    -------
    Cohort
        The lead "ECG", in an unknown unit. Participants are "multimodal-1", "single-1" and so on;
        the clip "s1v2" is video 2 of session 1. Columns are the ratings as far as they are known,
        how ``familiar`` the film was (missing if it never was), and ``other_fs``: the rate that
        the heart in this recording would fit better, missing if it fits the rate in use. Its notes
        say what is not certain (`UNVERIFIED`), what hearts say of the rate, which recordings have
        no labels (they are kept) and which labels no recording, and what was left out.

    Raises
    ------
    DataError
        If a file is missing or damaged; if most hearts cannot beat at the rate that is assumed; if
        two recordings hold the same samples, also pieces of them; if two rows of labels contradict
        each other. No message quotes a cell of a workbook.

    Notes
    -----
    Of the workbooks only the columns that are used are read. No name is ever returned or
    shown. Age and gender are not read either: nothing tells what the codes mean.

    Examples
    --------
    >>> read_yaad("no/such/folder")
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: no/such/folder: there is no such folder. Expected the folder of \
YAAD. To fix it: get the files of YAAD again from Mendeley Data.
    >>> EMOTION.values[:4]
    ('Anger', 'Disgust', 'Fear', 'Happy')
    """
    ratings = _ratings(scale)
    folder = folder_of(folder, "the folder of YAAD", _REMEDY)
    assumed = fs is None
    fs = RATES[0] if fs is None else check_rate(fs)
    paths, strange = _recordings(folder)
    labels = _labels(folder, {key[0] for key in paths}, ratings)
    signals = {key: _samples(path, key) for key, path in paths.items()}
    others = [plausible_rate(x, fs) for x in signals.values()]
    notes = [_what_hearts_say(folder, list(signals.values()), fs, others, assumed)]
    for what, names in (
        ("recordings that have no labels, and are kept", [k for k in paths if k not in labels]),
        ("labels that have no recording", [k for k in labels if k not in paths]),
    ):
        if names:
            notes.append(f"{what}: {', '.join(f'{_person(k)} {_clip(k)}' for k in names)}")
    if strange:
        notes.append(f"left out, by name or folder: {', '.join(strange)}")
    collected = Collected("YAAD")
    for (key, x), other in zip(signals.items(), others, strict=True):
        place = {"participant": _person(key), "clip": _clip(key), "condition": "stimulus"}
        label = labels.get(key, _UNLABELLED)
        collected.add(x, fs, "", **place, **label, other_fs=np.nan if other is None else other)
    cohort = collected.cohort(("ECG",), (*ratings, EMOTION), (*UNVERIFIED, *notes))
    if not allow_duplicates:
        refuse_duplicates(cohort, file=folder, remedy="keep them: allow_duplicates=True")
        return cohort
    n = len(find_duplicates(cohort))
    return replace(cohort, notes=(*cohort.notes, f"pairs of recordings that share samples: {n}"))


@checked
def is_yaad(folder: str | os.PathLike[str]) -> bool:
    """Tell whether a folder is that of YAAD, without a look into its files.

    Parameters
    ----------
    folder : str or os.PathLike
        Any folder.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_yaad("."), RATES
    (False, (128.0, 250.0, 1000.0))
    """
    homes = Path(folder), Path(folder) / "ECG_GSR_Emotions"
    parts = "Raw Data", "Self-Annotation Labels"
    return any(all((home / part).is_dir() for part in parts) for home in homes)


_UNLABELLED = dict.fromkeys((*LEVELS, "familiar"), np.nan) | {"emotion": None}


def _person(key: _Key) -> str:
    return f"{key[0]}-{key[1]}"


def _clip(key: _Key) -> str:
    return f"s{key[2]}v{key[3]}"


def _ratings(scale: tuple[float, float] | None) -> tuple[Rating, ...]:
    if scale is None:
        return ()
    try:
        low, high = map(float, scale)
    except (TypeError, ValueError):
        raise DataError(
            f"{scale!r}", field="scale", expected="two numbers, such as (1, 9)"
        ) from None
    return tuple(Rating(name, low, high, whole=False) for name in LEVELS)


def _part(path: Path) -> str | None:
    """Tell from the folders which of the two parts of the set a file is of."""
    for name in reversed(path.parts[:-1]):
        if found := _PARTS.get(name.lower().replace(" ", "")):
            return found
    return None


def _recordings(folder: Path) -> tuple[dict[_Key, Path], list[str]]:
    """Return the files of recordings, and the names of files that are none."""
    found: dict[_Key, Path] = {}
    strange = []
    for path in sorted(folder.rglob("*")):
        name = path.name.lower()
        if path.suffix.lower() != ".dat" or not name.startswith("ecg"):
            continue
        numbers, part = _RECORDING.fullmatch(name), _part(path.absolute())
        if not numbers or part is None:
            strange.append(path.name)
            continue
        session, person, video = map(int, numbers.groups())
        key = part, person, session, video
        if key in found:
            raise DataError(
                f"the same part, person and video as {found[key]}",
                file=path,
                participant=_person(key),
                clip=_clip(key),
                expected="each recording once",
                remedy="name the folder of one version of the set",
            )
        found[key] = path
    if not found:
        raise DataError(
            "there is no recording",
            file=folder,
            expected="ECGdata_s1p1v1.dat and so on, in Multimodal or Single Modal",
            remedy="name the folder ECG_GSR_Emotions",
        )
    return found, strange


def _samples(path: Path, key: _Key) -> np.ndarray:
    """Read the samples of a recording: numbers between commas, or one a line."""
    place = {
        "file": path,
        "participant": _person(key),
        "clip": _clip(key),
        "field": "ECG",
        "expected": "one channel: numbers between commas, or one a line",
        "remedy": _REMEDY,
    }
    size = path.stat().st_size
    if not 0 < size <= MAX_BYTES:
        raise DataError(f"{size / 2**20:.0f} MiB" if size else "the file is empty", **place)
    try:
        lines = path.read_bytes().decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise DataError("this is no text", **place) from None
    rows = [line.strip().removesuffix(",").split(",") for line in lines if line.strip()]
    if len(rows) > 1 and any(len(row) > 1 for row in rows):
        raise DataError(f"{len(rows)} lines with several numbers", **place)
    samples = [text for row in rows for text in row]
    x = np.empty(len(samples))
    for i, text in enumerate(samples):
        try:
            x[i] = float(text)
        except ValueError:
            raise DataError(f"sample {i} is no number", **place) from None
    if np.isinf(x).any() or not np.isfinite(x).any():
        raise DataError("a sample is infinite, or all are missing", **place)
    return x


def _labels(
    folder: Path, parts: set[str], ratings: tuple[Rating, ...]
) -> dict[_Key, dict[str, object]]:
    """Return the labels of all rows of the workbooks."""
    books: dict[str, Path] = {}
    for path in sorted(folder.rglob("*.xlsx")):
        name = _WORKBOOK.fullmatch(path.name.lower().replace(" ", ""))
        part = name and {"multi": "multimodal", "single": "single"}[name[1]]
        if part in books:
            raise DataError(
                f"labels of the same part as {books[part]}",
                file=path,
                expected="one workbook of each part",
                remedy="name the folder of one version of the set",
            )
        if part:
            books[part] = path
    for part in sorted(parts - set(books)):
        word = {"multimodal": "Multimodal", "single": "Single Modal"}[part]
        raise DataError(
            f"Self-annotation {word}_Use.xlsx is missing",
            file=folder,
            expected="the labels of each part whose recordings are there",
            remedy="name the folder ECG_GSR_Emotions, which holds both",
        )
    found: dict[_Key, dict[str, object]] = {}
    for part, path in books.items():
        table = read_sheet(path, _COLUMNS, optional=("familiarity", "emotion"))
        for row, cells in table.to_dict("index").items():
            person, session, video = (
                _number(cells[name], path, row, name) for name in ("person", "session", "video")
            )
            key = part, person, session, video
            label = _label(cells, path, row, key, ratings)
            if str(found.setdefault(key, label)) != str(label):
                raise DataError(
                    f"row {row} contradicts another row",
                    file=path,
                    participant=_person(key),
                    clip=_clip(key),
                    expected="one row for each person and video",
                    remedy=_REMEDY,
                )
    return found


def _number(text: str, path: Path, row: int, column: str) -> int:
    found = _ID.fullmatch(text)
    if not found:
        raise DataError(
            f"row {row} has no number",
            file=path,
            field=_COLUMNS[column][0],
            expected="a whole number from 1",
            remedy=_REMEDY,
        )
    return int(found[1])


def _label(
    cells: dict[str, str], path: Path, row: int, key: _Key, ratings: tuple[Rating, ...]
) -> dict[str, object]:
    """Return the labels of a row of a workbook."""
    label: dict[str, object] = {}
    place = {"file": path, "participant": _person(key), "clip": _clip(key), "remedy": _REMEDY}
    scales = {rating.name: rating for rating in ratings}
    for name in (*LEVELS, "familiarity"):
        value = np.nan
        if cells[name]:
            try:
                value = float(cells[name])
            except ValueError:
                value = np.inf
            scale = scales.get(name)
            if np.isinf(value) or (scale and not scale.low <= value <= scale.high):
                raise DataError(
                    f"row {row} is no {'answer on this scale' if scale else 'number'}",
                    field=_COLUMNS[name][0],
                    expected=scale.expected if scale else "a number, or an empty cell",
                    **place,
                )
        label["familiar" if name == "familiarity" else name] = value
    emotion = cells["emotion"].capitalize() or None
    if emotion not in (None, *EMOTION.values):
        raise DataError(
            f"row {row} has another word",
            field="Emotion",
            expected=EMOTION.expected + ", or an empty cell",
            **place,
        )
    return label | {"emotion": emotion}


def _what_hearts_say(
    folder: Path,
    signals: list[np.ndarray],
    fs: float,
    others: list[float | None],
    assumed: bool,
) -> str:
    """Say in how many recordings hearts speak against a rate; refuse an assumed one if most do."""
    against = [other for other in others if other is not None]
    said = (
        f"the heart rate is impossible at {fs:g} Hz in {len(against)} of {len(others)} recordings"
    )
    if against:
        best = max(set(against), key=against.count)
        said += f" ({best:g} Hz would fit)"
    some = signals[:: -(-len(signals) // _OTHERS_ASKED)]
    for rate in RATES:
        if rate != fs:
            n = sum(plausible_rate(x, rate) is not None for x in some)
            said += f", at {rate:g} Hz in {n} of {len(some)}"
    if assumed and len(against) > len(others) / 2:
        raise DataError(
            said,
            file=folder,
            field="fs",
            expected="a rate at which these hearts can beat",
            remedy=f"give the rate, such as fs={best:g}",
        )
    how = "assumed" if assumed else "given"
    return f"the files state no sampling rate, and {fs:g} Hz is {how}: {said}"
