"""CASE: 30 people who say with a joystick, all the time, how a video makes them feel.

Sharma, Castellini, van den Broek, Albu-Schaeffer and Schwenker, Scientific Data 6:196 (2019);
figshare collection 4260668. The processed files are read, ``data/interpolated``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.data.cohort import Cohort
from ecglib.data.duplicates import refuse_duplicates
from ecglib.data.extracts import Collected, folder_of
from ecglib.data.targets import Classes, Rating

FS = 1000.0
"""Sampling rate of the ECG in Hz."""


ANNOTATION_MS = 50
"""Milliseconds from one position of the joystick to the next."""


VIDEOS = {
    **{1: "amusing", 2: "amusing", 3: "boring", 4: "boring"},
    **{5: "relaxed", 6: "relaxed", 7: "scary", 8: "scary"},
}
"""What each video should make one feel, by its number. 10, 11 and 12 are what comes before, between
and after them: they are no clips."""


SCALES = tuple(Rating(name, 0.5, 9.5, whole=False) for name in ("valence", "arousal"))
"""Targets: where the joystick was on average."""


EMOTION = Classes("emotion", ("amusing", "boring", "relaxed", "scary"))
"""The third target: what the video was chosen for, whatever the person felt."""


UNVERIFIED = (
    "how fast the joystick follows what is felt is not known: it begins at the middle, 5, and lags "
    "behind; from_s leaves a clip's first seconds out of its label",
    "which axis of the raw joystick is arousal: one reader of the set contradicts its document; "
    "the processed files, which are read here, name their columns",
)
"""What the reader does not know, or what other readers of the set disagree about."""


_OTHER_VIDEOS = (10, 11, 12)


MAX_BYTES = 2**29
"""Largest file that is read; the longest recording, 41 minutes, takes less than half of it."""


_CHUNK = 1 << 17


_NAME = re.compile(r"sub_([1-9]\d*)\.csv")


_HOME = Path("data", "interpolated")


_REMEDY = "get the processed files of CASE again from figshare"


@checked
def read_case(
    folder: str | os.PathLike[str], *, from_s: float = 0.0, allow_duplicates: bool = False
) -> Cohort:
    r"""Read the ECG of CASE during its eight videos as a cohort.

    Parameters
    ----------
    folder : str or os.PathLike
        Holds ``data/interpolated``, or is one of these two folders; in it, ``physiological`` and
        ``annotations`` hold ``sub_1.csv`` and so on.
    from_s : float
        Seconds at the beginning of a video that do not count for its label. The ECG is there from
        the first one.
    allow_duplicates : bool
        Let recordings pass that share samples with another one.

    Returns
    -------
    Cohort
        The lead "ECG" in mV at 1000 Hz, one recording for each person and video, the clip, with
        the condition "stimulus". The label of a clip is the mean of the joystick's positions,
        on the scale from 0.5 to 9.5, from second ``from_s`` to the video's end: ``valence`` and
        ``arousal``. How much it moved is in ``valence_sd`` and ``arousal_sd``; what the video was
        chosen for in ``emotion``. Its notes say what is not certain (`UNVERIFIED`), which videos a
        person lacks, and during which the joystick never moved, so that their label says nothing.

    Raises
    ------
    DataError
        If a file is missing or damaged, a time or a sample is left out, a video is there twice, or
        the two files of a person do not show the same video at the same time; if recordings share
        samples.

    Examples
    --------
    >>> import tempfile
    >>> home = Path(tempfile.mkdtemp(), "data", "interpolated")
    >>> for part, step, columns in (("physiological", 1, "daqtime,ecg"),
    ...                             ("annotations", 50, "jstime,valence,arousal")):
    ...     rows = [f"{columns},video"]
    ...     for ms in range(0, 4000, step):
    ...         values = "0.1" if step == 1 else "5.0,5.0" if ms < 2000 else "8.0,3.0"
    ...         rows.append(f"{ms},{values},{11 if ms < 1000 else 7}")
    ...     (home / part).mkdir(parents=True)
    ...     written = (home / part / "sub_1.csv").write_text("\n".join(rows))
    >>> cohort = read_case(home)
    >>> cohort.recordings[["participant", "clip", "duration", "valence", "arousal", "emotion"]]
       participant  clip  duration  valence   arousal emotion
    0            1     7       3.0      7.0  3.666667   scary
    >>> cohort.notes[-1]
    'videos that are missing: participant 1 clip 1, 2, 3, 4, 5, 6, 8'
    """
    if not from_s >= 0:
        raise DataError(f"{from_s!r}", field="from_s", expected="seconds, 0 or more")
    folder = folder_of(folder, "the folder of CASE", _REMEDY)
    collected = Collected("CASE")
    lacking, still = [], []
    for person, ecg_file, joystick_file in _files(folder):
        joystick = _joystick(joystick_file)
        seen = []
        for video, begin, ecg in _clips(ecg_file, person):
            place = {"participant": person, "clip": video}
            label = _label(joystick, video, (begin, begin + len(ecg)), from_s, joystick_file, place)
            collected.add(ecg, FS, "mV", **place, condition="stimulus", **label)
            seen.append(video)
            if label["valence_sd"] == label["arousal_sd"] == 0:
                still.append(f"participant {person} clip {video}")
        missing = ", ".join(str(video) for video in VIDEOS if video not in seen)
        if missing:
            lacking.append(f"participant {person} clip {missing}")
    notes = [
        f"{what}: {'; '.join(found)}"
        for what, found in (
            ("videos that are missing", lacking),
            ("videos without a move of the joystick", still),
        )
        if found
    ]
    cohort = collected.cohort(("ECG",), (*SCALES, EMOTION), (*UNVERIFIED, *notes))
    if not allow_duplicates:
        refuse_duplicates(cohort, file=folder, remedy="keep them: allow_duplicates=True")
    return cohort


@checked
def is_case(folder: str | os.PathLike[str]) -> bool:
    """Tell whether a folder is that of CASE, without a look into its files.

    Parameters
    ----------
    folder : str or os.PathLike
        Any folder.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_case("."), [scale.middle for scale in SCALES]
    (False, [5.0, 5.0])
    """
    return any(
        all((home / part / "sub_1.csv").is_file() for part in ("physiological", "annotations"))
        for home in _homes(Path(folder))
    )


def _homes(folder: Path) -> tuple[Path, ...]:
    return folder / _HOME, folder / _HOME.name, folder


def _files(folder: Path) -> list[tuple[int, Path, Path]]:
    """Return the number of each person, and the files of ECG and joystick."""
    homes = [home for home in _homes(folder) if (home / "physiological").is_dir()]
    if not homes:
        raise DataError(
            "there are no processed files",
            file=folder,
            expected=f"{_HOME.as_posix()}/physiological/sub_1.csv and so on",
            remedy="name the folder that holds data/interpolated; raw files, initial and "
            "non-interpolated ones are not read",
        )
    parts = [homes[0] / name for name in ("physiological", "annotations")]
    found: list[dict[int, Path]] = []
    for part in parts:
        paths = sorted(part.glob("*.csv")) if part.is_dir() else []
        names = {path: _NAME.fullmatch(path.name) for path in paths}
        found.append({int(name[1]): path for path, name in names.items() if name})
    for person in sorted(found[0].keys() ^ found[1].keys()):
        lacking = parts[person in found[0]] / f"sub_{person}.csv"
        raise DataError(
            "this file is missing",
            file=lacking,
            participant=person,
            expected="a file of each person in physiological and in annotations",
            remedy=_REMEDY,
        )
    if not found[0]:
        raise DataError(
            "there is no recording", file=parts[0], expected="sub_1.csv and so on", remedy=_REMEDY
        )
    return [(person, found[0][person], found[1][person]) for person in sorted(found[0])]


def _table(path: Path, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Give columns of a file in pieces, checked to be finite numbers, the first one the time."""
    place = {"file": path, "remedy": _REMEDY}
    read, size = 0, path.stat().st_size
    if size > MAX_BYTES:
        raise DataError(
            f"{size / 2**20:.0f} MiB", expected=f"at most {MAX_BYTES / 2**20:.0f} MiB", **place
        )
    try:
        pieces = pd.read_csv(
            path, encoding="utf-8-sig", dtype=np.float64, chunksize=_CHUNK, skip_blank_lines=False
        )
        with pieces:
            for piece in pieces:
                # Where the first line has a field more than there are names, pandas shifts all.
                if not isinstance(piece.index, pd.RangeIndex):
                    raise ValueError("lines have more fields than there are columns")
                missing = [name for name in columns if name not in piece]
                if missing:
                    raise ValueError(f"no column {missing[0]}")
                piece = piece[list(columns)]
                bad = np.argwhere(~np.isfinite(piece.to_numpy()))
                if len(bad):
                    row, column = bad[0]
                    raise DataError(
                        f"line {read + row + 2} has no number",
                        field=piece.columns[column],
                        expected="a finite number in each line",
                        **place,
                    )
                read += len(piece)
                if len(piece):
                    yield piece
    except DataError:
        raise
    except (ValueError, OSError, OverflowError) as error:
        raise DataError(
            f"no table of numbers ({str(error)[:200]})",
            expected=f"the columns {', '.join(columns)} between commas",
            **place,
        ) from error
    if not read:
        raise DataError("the table has no row", expected="a row for each sample", **place)


def _checked_times(times: np.ndarray, before: float | None, step: int, path: Path, at: int) -> None:
    """Raise a DataError unless times go on in steps of so many ms."""
    if before is None:
        before = times[0] - step
    wrong = np.abs(np.diff(times, prepend=before) - step) > 0.01
    if wrong.any():
        row = int(np.argmax(wrong))
        previous = before if row == 0 else times[row - 1]
        raise DataError(
            f"line {at + row + 2}: {times[row]:g} ms after {previous:g} ms",
            file=path,
            field="daqtime" if step == 1 else "jstime",
            expected=f"a time every {step} ms",
            remedy=_REMEDY,
        )


def _checked_videos(videos: np.ndarray, path: Path, at: int) -> None:
    wrong = ~np.isin(videos, [*VIDEOS, *_OTHER_VIDEOS])
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"line {at + row + 2}: video {videos[row]:g}",
            file=path,
            field="video",
            expected="1 to 8, or 10 to 12",
            remedy=_REMEDY,
        )


def _clips(path: Path, person: int) -> Iterator[tuple[int, float, np.ndarray]]:
    """Give the number, the first millisecond and the ECG of each video of a person."""
    parts: list[np.ndarray] = []
    seen: set[int] = set()
    now, begin, before, at = 0, 0.0, None, 0
    for piece in _table(path, ("daqtime", "ecg", "video")):
        times, ecg, videos = piece.to_numpy().T
        _checked_times(times, before, 1, path, at)
        _checked_videos(videos, path, at)
        before, at = times[-1], at + len(piece)
        edges = np.flatnonzero(np.diff(videos)) + 1
        for start, stop in zip([0, *edges], [*edges, len(videos)], strict=True):
            video = int(videos[start])
            if video != now:
                if parts:
                    yield now, begin, np.concatenate(parts)
                now, begin, parts = video, times[start], []
                _refuse_twice(video, seen, path, person)
            if video in VIDEOS:
                parts.append(ecg[start:stop])
    if parts:
        yield now, begin, np.concatenate(parts)


def _refuse_twice(video: int, seen: set[int], path: Path, person: int) -> None:
    if video in seen:
        raise DataError(
            "the video is there twice, with something else between",
            file=path,
            participant=person,
            clip=video,
            field="video",
            expected="each of the videos 1 to 8 once",
            remedy=_REMEDY,
        )
    if video in VIDEOS:
        seen.add(video)


def _joystick(path: Path) -> pd.DataFrame:
    """Read where the joystick of a person was: jstime, valence, arousal, video."""
    pieces = list(_table(path, ("jstime", "valence", "arousal", "video")))
    table = pd.concat(pieces, ignore_index=True)
    _checked_times(table["jstime"].to_numpy(), None, ANNOTATION_MS, path, 0)
    _checked_videos(table["video"].to_numpy(), path, 0)
    return table


def _label(
    joystick: pd.DataFrame,
    video: int,
    span: tuple[float, float],
    from_s: float,
    path: Path,
    place: dict[str, int],
) -> dict[str, object]:
    """Return the label of a clip that lasts from the one to the other millisecond."""
    own = joystick[joystick["video"] == video]
    times = own["jstime"].to_numpy()
    ends = (times[0], times[-1] + ANNOTATION_MS) if len(own) else (np.nan, np.nan)
    if not all(abs(a - b) <= 2 * ANNOTATION_MS for a, b in zip(ends, span, strict=True)):
        raise DataError(
            f"the joystick has this video from {ends[0]:g} to {ends[1]:g} ms"
            if len(own)
            else "the joystick lacks this video",
            file=path,
            field="video",
            expected=f"{span[0]:g} to {span[1]:g} ms, as the ECG has it",
            remedy=_REMEDY,
            **place,
        )
    kept = own[times >= span[0] + 1000 * from_s]
    if kept.empty:
        raise DataError(
            f"nothing is left of {(span[1] - span[0]) / 1000:g} s",
            file=path,
            field="from_s",
            expected=f"less than {from_s:g} s",
            **place,
        )
    label: dict[str, object] = {}
    for scale in SCALES:
        bad = ~scale.allows(own[scale.name])
        if bad.any():
            row = own.index[int(np.argmax(bad))]
            raise DataError(
                f"line {row + 2}: {own.at[row, scale.name]:g}",
                file=path,
                field=scale.name,
                expected=scale.expected,
                remedy=_REMEDY,
                **place,
            )
        values = kept[scale.name].to_numpy()
        label[scale.name] = float(values.mean())
        label[f"{scale.name}_sd"] = float(values.std()) if np.ptp(values) else 0.0
    return label | {"emotion": VIDEOS[video]}
