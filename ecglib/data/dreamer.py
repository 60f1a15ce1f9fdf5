"""Find and read DREAMER.mat, the file of the DREAMER database, version 1.0.2.

The layout is the one that the database's DREAMER_info.pdf describes (Katsigiannis & Ramzan 2018,
doi:10.1109/JBHI.2017.2688239). The synthetic cohort is written in it as well, so that both go
through this reader.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.core.folders import find_named, given_path, home_folder
from ecglib.data import cohort as general
from ecglib.data.cohort import Cohort, check_signal
from ecglib.data.duplicates import refuse_duplicates
from ecglib.data.mat_arrays import Unreadable
from ecglib.data.matfile import read_variable
from ecglib.data.targets import RATINGS, SCALES, TARGETS

VARIABLE = "ECGLIB_DREAMER"
"""The environment variable that may name the file."""


ECG_RATE = 256
"""Sampling rate of the ECG in Hz."""


RATING_FIELDS = {
    "valence": "ScoreValence",
    "arousal": "ScoreArousal",
    "dominance": "ScoreDominance",
}
"""Field of the file that holds the ratings of each target."""


CONDITIONS = ("baseline", "stimulus")
"""What a recording was made during: the neutral clip before a film clip, or the film clip."""


COLUMNS = (*general.COLUMNS, *TARGETS, "age", "gender")
"""Columns of the recordings; a baseline carries the ratings of the clip that follows it."""


MIN_DURATION = 10.0
"""Seconds of the shortest usable recording: one window of the published method."""


CONDITION_FIELDS = {"baseline": "baseline", "stimulus": "stimuli"}
"""Field of the file that holds the recordings of each condition."""


_ORIGINAL = "compare the file with an original DREAMER.mat, version 1.0.2"


@checked
def find_dreamer(path: str | os.PathLike[str] | None = None) -> Path | None:
    """Say where the real DREAMER.mat lies, by one rule.

    The first of these that is given decides: the argument ``path``; the environment variable
    ``ECGLIB_DREAMER`` (an empty one counts as not given); the file ``data/DREAMER.mat`` in the home
    folder (`ecglib.core.folders`).

    Parameters
    ----------
    path : str or os.PathLike, optional
        The file. A relative path starts from the current folder, ``~`` is the user's folder.

    Returns
    -------
    pathlib.Path or None
        The absolute path of an existing file, or None if none of the three is given. Then the
        synthetic cohort takes its place.

    Raises
    ------
    DataError
        If the first one given is not an existing file: nothing else silently replaces it.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "mine.mat")
    >>> _ = path.write_bytes(b"")
    >>> find_dreamer(path).name
    'mine.mat'
    """
    named = find_named(path, VARIABLE, home_folder() / "data" / "DREAMER.mat")
    if named is None:
        return None
    found, origin = named
    if not found.is_file():
        raise DataError(
            f"{origin} names no existing file",
            file=found,
            expected="DREAMER.mat, the database's file",
            remedy="correct the path, or remove it to use the synthetic cohort",
        )
    return found


@checked
def read_dreamer(path: str | os.PathLike[str], *, allow_duplicates: bool = False) -> Cohort:
    """Read a cohort from DREAMER.mat or from any file of the same layout.

    Parameters
    ----------
    path : str or os.PathLike
        The file. Its own ``noOfSubjects`` and ``noOfVideoSequences`` say how many participants
        and clips there must be (23 and 18 in the original). The EEG is not used.
    allow_duplicates : bool
        Let recordings pass that share 10 s or more with another one (`ecglib.data.duplicates`).

    Returns
    -------
    Cohort
        Both leads of every baseline and stimulus, float32, in units of the recorder's converter,
        at 256 Hz. Its name is "synthetic" if the file says so of itself in ``Provider``,
        ``Disclaimer`` or ``Version``, otherwise "DREAMER".

    Raises
    ------
    DataError
        If the file is missing, of another format or damaged; if a field is missing; if the
        sampling rate, a shape or a count is wrong; if a rating is not a whole number from 1 to 5;
        if a recording is shorter than 10 s or holds NaN or infinite samples; if two share samples.

    Examples
    --------
    >>> import tempfile
    >>> from ecglib.synthetic.cohort import CohortSpec, make_cohort, write_dreamer_mat
    >>> made = make_cohort(CohortSpec(2, (20.0, 20.0), 11.0), seed=0)
    >>> read_dreamer(write_dreamer_mat(made.cohort, Path(tempfile.mkdtemp(), "DREAMER.mat")))
    <Cohort 'synthetic': 2 participants, 2 clips, 8 recordings, 2.1 min at 256 Hz>
    """
    path = given_path(path)
    dreamer = read_variable(path, "DREAMER", skip=("EEG",), convert=_compact)
    with open(path, "rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    cohort = cohort_from_struct(dreamer, file=path, sha256=sha256)
    if not allow_duplicates:
        refuse_duplicates(
            cohort,
            file=path,
            remedy="read it with allow_duplicates=True, then leave one out with Cohort.select",
        )
    return cohort


@checked
def cohort_from_struct(
    dreamer: Mapping[str, Any], *, file: str | os.PathLike[str], sha256: str = ""
) -> Cohort:
    """Make a cohort of the struct ``DREAMER``, however it was read.

    Parameters
    ----------
    dreamer : mapping
        The struct's fields: structs as mappings, cell arrays as lists, chars as strings, numbers
        as arrays (see `ecglib.data.matfile.read_variable`).
    file : str or os.PathLike
        Where it comes from, for messages.
    sha256 : str, optional
        Checksum of that file.

    Returns
    -------
    Cohort
        As from `read_dreamer`.

    Raises
    ------
    DataError
        If a field is missing or breaks a rule.

    Examples
    --------
    >>> cohort_from_struct({}, file="DREAMER.mat")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: DREAMER.mat, field ECG_SamplingRate: this field ...
    """
    place = {"file": file}
    fs = _number(_field(dreamer, "ECG_SamplingRate", place), "ECG_SamplingRate", place)
    if fs != ECG_RATE:
        raise DataError(
            f"{fs:g} Hz",
            field="ECG_SamplingRate",
            expected=f"{ECG_RATE} Hz",
            remedy=_ORIGINAL,
            **place,
        )
    # All three are required because they tell a synthetic file from a real one.
    provenance = {
        name: _text(_field(dreamer, name, place), name, place)
        for name in ("Provider", "Disclaimer", "Version")
    }
    synthetic = "synthetic" in " ".join(provenance.values()).lower()
    n_participants = _number(_field(dreamer, "noOfSubjects", place), "noOfSubjects", place)
    n_clips = _number(_field(dreamer, "noOfVideoSequences", place), "noOfVideoSequences", place)
    data = _cell(_field(dreamer, "Data", place), n_participants, "noOfSubjects", "Data", place)

    rows: list[dict[str, Any]] = []
    signals: list[np.ndarray] = []
    for participant, struct in enumerate(data, start=1):
        for row, signal in _recordings(struct, n_clips, {**place, "participant": participant}):
            rows.append({"participant": participant, **row})
            signals.append(signal)
    return Cohort(
        name="synthetic" if synthetic else "DREAMER",
        fs=fs,
        recordings=pd.DataFrame(rows, columns=list(COLUMNS)),
        signals=tuple(signals),
        sha256=sha256,
        version=provenance["Version"],
        targets=SCALES,
    )


def _recordings(
    struct: Any, n_clips: float, place: dict[str, Any]
) -> list[tuple[dict[str, Any], np.ndarray]]:
    """Return the row and the signal of each recording of one participant, in order."""
    age = _number(_field(struct, "Age", place), "Age", place)
    if age not in range(1, 121):
        raise DataError(
            f"{age:g}",
            field="Age",
            expected="whole years from 1 to 120",
            remedy=_ORIGINAL,
            **place,
        )
    gender = _text(_field(struct, "Gender", place), "Gender", place)
    ratings = {
        target: _ratings(_field(struct, name, place), n_clips, name, place)
        for target, name in RATING_FIELDS.items()
    }
    ecg = _field(struct, "ECG", place)
    cells = {
        condition: _cell(
            _field(ecg, name, place, parent="ECG"),
            n_clips,
            "noOfVideoSequences",
            f"ECG.{name}",
            place,
        )
        for condition, name in CONDITION_FIELDS.items()
    }
    recordings = []
    for i in range(int(n_clips)):
        for condition, name in CONDITION_FIELDS.items():
            signal = _signal(cells[condition][i], f"ECG.{name}", {**place, "clip": i + 1})
            row = {
                "clip": i + 1,
                "condition": condition,
                "n_samples": len(signal),
                "duration": len(signal) / ECG_RATE,
                **{target: values[i] for target, values in ratings.items()},
                "age": int(age),
                "gender": gender,
            }
            recordings.append((row, signal))
    return recordings


def _compact(values: np.ndarray) -> np.ndarray:
    """Return what is large, so a recording, as float32; integers are how MATLAB stores doubles."""
    if values.dtype.kind in "iuf" and values.size >= ECG_RATE:
        return _as_float32(values)
    return values


def _as_float32(values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # what overflows is infinite and refused later
        return np.ascontiguousarray(values, dtype=np.float32)


def _signal(value: Any, field: str, place: dict[str, Any]) -> np.ndarray:
    """Return one recording as float32."""
    if not isinstance(value, np.ndarray):
        raise DataError(
            f"{_describe(value)} instead of floating-point samples",
            field=field,
            expected="an array of numbers, samples × 2 leads",
            remedy=_ORIGINAL,
            **place,
        )
    if value.dtype.kind in "iuf":
        value = _as_float32(value)
    check_signal(value, ECG_RATE, field=field, n_leads=2, whole=True, least_s=MIN_DURATION, **place)
    return value


def _ratings(value: Any, n_clips: float, field: str, place: dict[str, Any]) -> list[int]:
    """Return one participant's ratings of one kind, a whole number per clip."""
    numeric = isinstance(value, np.ndarray) and value.dtype.kind in "iuf"
    if not numeric or value.shape not in ((n_clips, 1), (1, n_clips)):
        raise DataError(
            _describe(value),
            field=field,
            expected=f"{n_clips:g} × 1 numbers, as noOfVideoSequences says",
            remedy=_ORIGINAL,
            **place,
        )
    for clip, rating in enumerate(value.ravel(), start=1):
        if rating not in RATINGS:
            raise DataError(
                f"rating {rating}",
                clip=clip,
                field=field,
                expected=SCALES[0].expected,
                remedy="restore the rating from its source",
                **place,
            )
    return [int(rating) for rating in value.ravel()]


def _field(struct: Any, name: str, place: dict[str, Any], parent: str = "") -> Any:
    """Return one field of a struct by its name."""
    path = f"{parent}.{name}" if parent else name
    if not isinstance(struct, Mapping):
        raise DataError(
            f"{_describe(struct)} where a struct should hold it",
            field=path,
            expected=f"a struct with the field {name}",
            remedy=_ORIGINAL,
            **place,
        )
    if name not in struct:
        raise DataError(
            f"this field is missing; there are {', '.join(struct) or 'none'}",
            field=path,
            expected=f"a field named {name}",
            remedy=_ORIGINAL,
            **place,
        )
    return struct[name]


def _cell(value: Any, count: float, counter: str, field: str, place: dict[str, Any]) -> list[Any]:
    """Return a cell array that must have as many elements as another field says."""
    if not isinstance(value, list) or len(value) != count:
        raise DataError(
            _describe(value),
            field=field,
            expected=f"a cell array of {count:g}, as {counter} says",
            remedy=_ORIGINAL,
            **place,
        )
    return value


def _number(value: Any, field: str, place: dict[str, Any]) -> float:
    """Return a positive number, which the file may hold as text."""
    try:
        number = float(value) if isinstance(value, str) else float(np.asarray(value).item())
    except (TypeError, ValueError):
        number = np.nan
    if not 0 < number < np.inf:
        raise DataError(
            _describe(value),
            field=field,
            expected="one positive number",
            remedy=_ORIGINAL,
            **place,
        )
    return number


def _text(value: Any, field: str, place: dict[str, Any]) -> str:
    """Return a text without surrounding blanks; a single number is read as one."""
    if isinstance(value, np.ndarray) and value.size == 1 and np.isfinite(value).all():
        value = f"{value.item():g}"
    if not isinstance(value, str) or not value.strip():
        raise DataError(
            _describe(value),
            field=field,
            expected="text that is not empty",
            remedy=_ORIGINAL,
            **place,
        )
    return value.strip()


def _describe(value: Any) -> str:
    """Say in a few words what was found in the place of something else."""
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    if isinstance(value, Unreadable):
        return str(value)
    if isinstance(value, Mapping):
        return "a struct"
    if isinstance(value, list):
        return f"a cell array of {len(value)}"
    if isinstance(value, np.ndarray):
        return f"{value.item()!r}" if value.size == 1 else f"an array of shape {value.shape}"
    return f"a {type(value).__name__}"
