"""A folder of recordings, with a table that says whose they are, or without one."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.core.folders import given_path
from ecglib.core.tables import as_names, read_csv_of_user
from ecglib.data.cohort import COLUMNS, Cohort, one_or_each
from ecglib.data.duplicates import find_duplicates
from ecglib.data.extracts import folder_of
from ecglib.data.readers.any_format import READERS, read_recording
from ecglib.data.readers.choice import Leads
from ecglib.data.readers.wfdb_record import segments_of
from ecglib.data.recording import Recording, default_leads
from ecglib.data.targets import Target

REQUIRED = ("file", "participant")
"""Columns that a table of recordings must have."""


OPTIONAL = ("clip", "condition")
"""Columns that a table may have, and that then need a value in every row."""


_TABLES = (".csv", ".tsv")


@checked
def read_recordings(
    folder: str | os.PathLike[str],
    table: str | os.PathLike[str] | None = None,
    *,
    fs: float | None = None,
    leads: Leads = None,
    unit: str | None = None,
    allow_duplicates: bool = False,
) -> tuple[pd.DataFrame, list[Recording]]:
    """Read the recordings of a folder and the table beside them.

    Parameters
    ----------
    folder : str or os.PathLike
        Holds the recordings.
    table : str or os.PathLike, optional
        A CSV or TSV file, one row a recording, with the columns ``file`` (a path from the folder)
        and ``participant``; perhaps ``clip``, ``condition`` and labels. Files that it does not name
        are not read. By default the one CSV or TSV file in the folder that has both columns. If
        there is none, every file of a known format in the folder is the recording of a participant
        of its own, who is named after it.
    fs, leads, unit
        As in `ecglib.data.readers.any_format.read_recording`, for all files.
    allow_duplicates : bool
        Let files pass that share 10 s or more of ECG (`ecglib.data.duplicates`).

    Returns
    -------
    table : DataFrame
        The table's rows and columns, in its order, with a RangeIndex. ``file`` and ``participant``
        are texts; of the others, columns of numbers are numeric and what is empty is missing.
    recordings : list of Recording
        One for each row.

    Raises
    ------
    DataError
        If the table lacks a column or a value, names a file twice or one that is not there, or a
        file cannot be read (the message is the reader's), or two files hold the same ECG. Nothing
        is returned then.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for i, name in enumerate(("anna", "ben")):
    ...     np.savez(folder / name, ecg=np.sin(np.arange(5000) / (i + 9)), fs=500, unit="mV")
    >>> table, recordings = read_recordings(folder)
    >>> table["participant"].tolist(), recordings[0].fs
    (['anna', 'ben'], 500.0)
    """
    folder = folder_of(folder, "a folder of recordings", "check the path")
    if table is None:
        found = _find_table(folder)
    else:
        given = given_path(table)
        found = given if given.is_file() and not (folder / given).is_file() else folder / given
    rows = _without_table(folder) if found is None else _read_table(found, folder)
    recordings = [
        read_recording(folder / name, fs=fs, leads=leads, unit=unit) for name in rows["file"]
    ]
    if not allow_duplicates:
        _refuse_copies(rows["file"].tolist(), recordings, folder, found)
    return rows, recordings


@checked
def read_folder(
    folder: str | os.PathLike[str],
    table: str | os.PathLike[str] | None = None,
    *,
    targets: Sequence[Target] = (),
    fs: float | None = None,
    leads: Leads = None,
    unit: str | None = None,
    allow_duplicates: bool = False,
) -> Cohort:
    """Read a folder of recordings as a cohort.

    Parameters
    ----------
    folder : str or os.PathLike
        Holds the recordings.
    table : str or os.PathLike, optional
        As in `read_recordings`. Without a column ``clip`` the recordings of a participant are
        numbered from 1, and without ``condition`` each is a "recording".
    targets : sequence of Rating or Classes
        What the columns of labels mean (`ecglib.data.targets`). Windows carry these columns, and
        ``dataset`` if there is one; all others stay in the cohort's ``recordings``.
    fs : float, optional
        Sampling rate in Hz of files that do not state it.
    leads : optional
        Leads to keep, as in `ecglib.data.readers.any_format.read_recording`.
    unit : str, optional
        Unit of files that do not state it.
    allow_duplicates : bool
        Let files pass that share 10 s or more of ECG (`ecglib.data.duplicates`).

    Returns
    -------
    Cohort
        Named after the folder. Where lead names differ from file to file, leads have numbers.

    Raises
    ------
    DataError
        As in `read_recordings` and `Cohort`; if recordings have different numbers of leads, or a
        participant's clip is named twice in one condition.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp(), "study")
    >>> folder.mkdir()
    >>> for i, name in enumerate(("anna", "ben")):
    ...     np.savez(folder / name, ecg=np.sin(np.arange(5000) / (i + 9)), fs=500, unit="mV")
    >>> read_folder(folder)
    <Cohort 'study': 2 participants, 1 clip, 2 recordings, 0.3 min at 500 Hz>
    """
    rows, recordings = read_recordings(
        folder, table, fs=fs, leads=leads, unit=unit, allow_duplicates=allow_duplicates
    )
    by_count: dict[int, str] = {}
    for name, recording in zip(rows["file"], recordings, strict=True):
        by_count.setdefault(len(recording.leads), f"{name} ({', '.join(recording.leads)})")
    if len(by_count) > 1:
        raise DataError(
            f"different numbers of leads: {' and '.join(by_count.values())}",
            file=folder,
            field="leads",
            expected="as many leads in each recording",
            remedy="choose those that all have, such as leads=[1]",
        )
    rows["participant"] = as_names(rows["participant"], "participant")
    if "clip" not in rows:
        rows["clip"] = rows.groupby("participant").cumcount() + 1
    rows["clip"] = as_names(rows["clip"], "clip")
    rows["condition"] = rows["condition"].astype(str) if "condition" in rows else "recording"
    rows["n_samples"] = [len(recording) for recording in recordings]
    rows["duration"] = [recording.duration for recording in recordings]
    key = ["participant", "clip", "condition"]
    again = rows.duplicated(key)
    if again.any():
        row = rows[again].iloc[0]
        raise DataError(
            f"{row['file']} is the second recording of this participant, clip and condition",
            file=folder,
            participant=row["participant"],
            clip=row["clip"],
            expected="one recording of each",
            remedy="number the clips in the column clip, or name conditions",
        )
    rows = rows.sort_values(key)
    ordered = [recordings[i] for i in rows.index]
    names = {tuple(recording.leads) for recording in ordered}
    kept = [*COLUMNS, *(c for c in rows if c not in COLUMNS)]
    return Cohort(
        given_path(folder).resolve().name,
        one_or_each([recording.fs for recording in ordered]),
        rows[kept].reset_index(drop=True),
        tuple(recording.signals for recording in ordered),
        targets=tuple(targets),
        leads=names.pop() if len(names) == 1 else default_leads(next(iter(by_count))),
        unit=one_or_each([recording.unit for recording in ordered]),
    )


def _refuse_copies(
    files: Sequence[str], recordings: Sequence[Recording], folder: Path, table: Path | None
) -> None:
    """Refuse files that hold the same ECG, whatever they and their people are called."""
    parts = []
    for name, recording in zip(files, recordings, strict=True):
        row = (name, 1, "recording", len(recording), recording.duration)
        about = pd.DataFrame([row], columns=list(COLUMNS)).astype({"participant": object})
        parts.append(
            Cohort(name, recording.fs, about, (recording.signals,), leads=tuple(recording.leads))
        )
    found = find_duplicates(*parts)
    if found.empty:
        return
    pair = found.iloc[0]
    rows = [files.index(pair[column]) + 2 for column in ("cohort", "other_cohort")]
    raise DataError(
        f"from second {pair['other_start']:.1f} it holds {pair['seconds']:.1f} s of the same ECG "
        f"as {pair['cohort']} from second {pair['start']:.1f}"
        + (f" (rows {rows[0]} and {rows[1]} of {table.name})" if table else "")
        + (f"; in all, {len(found)} pairs of files do" if len(found) > 1 else ""),
        file=folder / pair["other_cohort"],
        expected="a recording of its own: a person tested on what was trained with is no test",
        remedy="remove one of the two, or say allow_duplicates=True (--allow-duplicates)",
    )


@checked
def has_table(folder: str | os.PathLike[str]) -> bool:
    """Say whether a table in a `folder` says whose its recordings are.

    Raises
    ------
    DataError
        If several do.

    Examples
    --------
    >>> import tempfile
    >>> has_table(tempfile.mkdtemp())
    False
    """
    return _find_table(Path(folder)) is not None


def _find_table(folder: Path) -> Path | None:
    """Return the one file of a folder whose first line names the columns of a table."""
    found = [
        path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in _TABLES and path.is_file() and set(REQUIRED) <= set(_head(path))
    ]
    if len(found) > 1:
        raise DataError(
            f"several tables name recordings: {', '.join(path.name for path in found)}",
            file=folder,
            expected="one",
            remedy=f"say which: table={found[0].name!r}",
        )
    return found[0] if found else None


def _head(path: Path) -> list[str]:
    with path.open("rb") as stream:
        line = stream.readline(1 << 16).decode("utf-8-sig", errors="replace").strip()
    return [name.strip() for name in next(csv.reader([line], delimiter=_separator(line)), [])]


def _separator(line: str) -> str:
    return next((mark for mark in ("\t", ";") if mark in line), ",")


def _read_table(path: Path, folder: Path) -> pd.DataFrame:
    """Read and check a table of recordings."""
    if not path.is_file():
        raise DataError(
            "there is no such table",
            file=path,
            expected="a CSV or TSV file",
            remedy="give its path from the folder of the recordings, or in full",
        )
    names = _head(path)
    missing = [name for name in REQUIRED if name not in names]
    if missing or len(set(names)) < len(names):
        problem = f"no column {' and '.join(missing)}" if missing else "two columns of one name"
        raise DataError(
            f"{problem}; there are {', '.join(names) or 'none'}",
            file=path,
            expected="the columns file and participant, each name once",
            remedy="name the columns in the first line",
        )
    try:
        with path.open(encoding="utf-8-sig") as stream:
            separator = _separator(stream.readline())
        table = read_csv_of_user(
            path,
            sep=separator,
            skipinitialspace=True,
            dtype=dict.fromkeys(REQUIRED, str),
            na_values=[""],
            keep_default_na=False,
        )
    except (ValueError, OSError) as error:
        raise DataError(
            f"the table cannot be read ({error})",
            file=path,
            expected="as many fields in each row as columns",
            remedy="save it again as CSV in UTF-8",
        ) from error
    table.columns = [str(name).strip() for name in table.columns]
    _check_rows(table, path, folder)
    return table


def _check_rows(table: pd.DataFrame, path: Path, folder: Path) -> None:
    if table.empty:
        raise DataError("the table has no row", file=path, expected="one row for each recording")
    for column in (*REQUIRED, *OPTIONAL):
        if column not in table:
            continue
        if pd.api.types.is_string_dtype(table[column]):
            table[column] = table[column].str.strip().replace("", np.nan)
        empty = np.flatnonzero(table[column].isna())
        if len(empty):
            raise DataError(
                f"row {empty[0] + 2} has no value",
                file=path,
                field=column,
                expected=f"a {column} in every row",
                remedy="fill it in, or remove the row",
            )
    for column in table.columns:
        numbers = table[column]
        if pd.api.types.is_numeric_dtype(numbers) and np.isinf(numbers.astype(float)).any():
            row = int(np.flatnonzero(np.isinf(numbers.astype(float)))[0])
            raise DataError(
                f"row {row + 2} is {numbers[row]}",
                file=path,
                field=column,
                expected="finite numbers",
                remedy="correct it, or leave it empty",
            )
    places = {}
    for row, name in enumerate(table["file"], start=2):
        place = (folder / name).resolve()
        if place in places:
            raise DataError(
                f"rows {places[place]} and {row} name the same file {name}",
                file=path,
                field="file",
                expected="each file once",
                remedy="remove one of the rows, or correct its file",
            )
        places[place] = row
        record = place.with_name(f"{place.name}.hea")
        if not (place.is_file() or record.is_file()):
            raise DataError(
                f"row {row} names {name}, which is not there",
                file=path,
                field="file",
                expected=f"a file in {folder}",
                remedy="correct the name, or put the file there",
            )


def _without_table(folder: Path) -> pd.DataFrame:
    """Return a table of all files of a folder that can be recordings, by name."""
    files = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in READERS and path.is_file() and not path.name.startswith(".")
    )
    files = [path for path in files if path.suffix.lower() != ".txt" or _has_numbers(path)]
    parts = {part for path in files if path.suffix.lower() == ".hea" for part in segments_of(path)}
    files = [path for path in files if path.suffix.lower() != ".hea" or path.stem not in parts]
    if not files:
        raise DataError(
            "the folder holds no recording",
            file=folder,
            expected=f"files with one of the extensions {', '.join(READERS)}",
            remedy="name the folder that holds the recordings",
        )
    names: dict[str, str] = {}
    for path in files:
        other = names.setdefault(path.stem, path.name)
        if other != path.name:
            raise DataError(
                f"{other} and {path.name} would both be the participant {path.stem}",
                file=folder,
                expected="file names that tell participants apart",
                remedy="rename one, or put a table with the columns file and participant beside "
                "them",
            )
    return pd.DataFrame({"file": list(names.values()), "participant": list(names)})


def _has_numbers(path: Path) -> bool:
    """Say whether one of the first lines of a text is of numbers: a note is no recording."""
    with path.open("rb") as stream:
        lines = stream.read(1 << 14).decode("utf-8-sig", errors="replace").splitlines()
    for line in lines[:50]:
        fields = line.replace(";", " ").replace(",", " ").split()
        with suppress(ValueError):
            if fields and [float(field) for field in fields]:
                return True
    return False
