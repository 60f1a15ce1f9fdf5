"""What the readers of open sets share: tables and arrays that are checked, and one identity."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.core.folders import given_path
from ecglib.core.npz import ArrayFile
from ecglib.core.tables import as_names, read_csv_of_user
from ecglib.data.cohort import COLUMNS, Cohort, one_or_each
from ecglib.data.targets import Target

STEP = 1.41421356e-5
"""Samples that round to the same multiple of this, in their unit, have the same identity. No step
of a converter is a simple multiple of it, so none falls where two ways to compute it would round
differently."""


@checked
def folder_of(folder: str | os.PathLike[str], expected: str, remedy: str) -> Path:
    """Return a folder that must be there.

    Parameters
    ----------
    folder : str or os.PathLike
        Its path; ``~`` is the user's folder.
    expected : str
        What it should be, for the message.
    remedy : str
        What to do if it is not there, for the message.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    DataError
        If it is not there.

    Examples
    --------
    >>> import tempfile
    >>> folder_of(tempfile.gettempdir(), "a folder", "check the path").is_dir()
    True
    >>> folder_of("nowhere", "a folder", "check the path")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: nowhere: there is no such folder. Expected a ...
    """
    found = given_path(folder)
    if not found.is_dir():
        raise DataError(
            "this is a file" if found.is_file() else "there is no such folder",
            file=found,
            expected=expected,
            remedy=remedy,
        )
    return found


@checked
def checked_table(path: Path, columns: Sequence[str], key: str, remedy: str) -> pd.DataFrame:
    """Read a CSV file whose rows have a name each.

    Parameters
    ----------
    path : Path
        The file.
    columns : sequence of str
        Columns that must be there.
    key : str
        The one that names the rows.
    remedy : str
        What to do about a file that is wrong.

    Returns
    -------
    DataFrame
        Texts, stripped, of these columns; the names are the index.

    Raises
    ------
    DataError
        If the file is missing or no table, a column is missing, a row has more fields than there
        are columns, or it has no name or that of another one; if `key` is none
        of the columns.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "people.csv")
    >>> pd.DataFrame({"name": ["anna"], "age": [30]}).to_csv(path, index=False)
    >>> checked_table(path, ["name", "age"], "name", "write it again")["age"].to_dict()
    {'anna': '30'}
    """
    if key not in columns:
        raise checks.wrong("columns", columns, f"the names of columns, {key} among them")
    place = {"file": path, "remedy": remedy}
    try:
        table = read_csv_of_user(path, dtype=str, keep_default_na=False)
    except FileNotFoundError as error:
        raise DataError("this file is missing", expected="a table", **place) from error
    except (OSError, ValueError) as error:
        raise DataError(f"no table ({error})", expected="a CSV file", **place) from error
    table.columns = table.columns.str.strip()
    missing = [column for column in columns if column not in table]
    if missing:
        raise DataError(
            f"there is no column {missing[0]!r}", expected=f"{', '.join(columns)}", **place
        )
    table = table[list(columns)].apply(lambda column: column.str.strip())
    bad = table[key].duplicated() | table[key].eq("")
    if bad.any() or table.empty:
        problem = f"row {int(np.argmax(bad)) + 2} is {table[key][bad].iloc[0]!r}" * bool(bad.any())
        raise DataError(
            problem or "the table has no row", field=key, expected="each name once", **place
        )
    return table.set_index(key)


@checked
def number(table: pd.DataFrame, name: str, column: str, path: Path) -> float:
    """Return a number of a table that `checked_table` read.

    Parameters
    ----------
    table : DataFrame
        The table.
    name : str
        Name of the row.
    column : str
        Name of the column.
    path : Path
        The table's file, for the message.

    Returns
    -------
    float

    Raises
    ------
    DataError
        If there is no finite number.

    Examples
    --------
    >>> number(pd.DataFrame({"age": ["30"]}, index=["anna"]), "anna", "age", Path("people.csv"))
    30.0
    """
    try:
        value = float(table.at[name, column])
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise DataError(
            f"{table.at[name, column]!r} in the row of {name}",
            file=path,
            field=column,
            expected="a number",
            remedy="copy the file again from its source",
        )
    return value


class Arrays:
    """Arrays of numbers in an NPZ file; nothing is ever unpickled.

    Parameters
    ----------
    path : Path
        The file.
    remedy : str
        What to do about a file that is wrong.

    Raises
    ------
    DataError
        If the file is missing or damaged.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "signals.npz")
    >>> np.savez(path, anna=np.arange(3, dtype="int16"))
    >>> Arrays(path, "write it again").row("anna", "i").tolist()
    [0, 1, 2]
    """

    @checked
    def __init__(self, path: Path, remedy: str) -> None:
        self.path, self._remedy = path, remedy
        if not path.is_file():
            raise DataError("this file is missing", file=path, remedy=remedy)
        try:
            self._file = ArrayFile(path)
            self.names = self._file.names
        except DataError:
            raise
        except Exception as error:  # a damaged archive shows in many ways
            raise self._damaged(error) from error

    @checked
    def row(self, name: str, kinds: str) -> np.ndarray:
        """Return an array of one dimension.

        Parameters
        ----------
        name : str
            Name of the array.
        kinds : str
            Kinds of types that it may have, as NumPy writes them, such as "iu" for whole numbers.

        Returns
        -------
        ndarray

        Raises
        ------
        DataError
            If it is missing, damaged, or something else.
        """
        try:
            found = self._file.read(name)
        except Exception as error:
            raise self._damaged(error) from error
        if found.ndim != 1 or found.dtype.kind not in kinds or not len(found):
            raise DataError(
                f"{found.dtype} of shape {found.shape}",
                file=self.path,
                field=name,
                expected="one row of whole numbers",
                remedy=self._remedy,
            )
        return found

    def _damaged(self, error: Exception) -> DataError:
        return DataError(
            f"cannot be used ({type(error).__name__}: {error})",
            file=self.path,
            expected="an undamaged NPZ file of numbers",
            remedy=self._remedy,
        )


class Collected:
    """Recordings of an open set, put together one by one and then made a cohort.

    Parameters
    ----------
    name : str
        Name of the cohort.
    version : str
        Version of the set.

    Examples
    --------
    >>> collected = Collected("mine")
    >>> collected.add(
    ...     np.zeros((2560, 1)), 256.0, "mV", participant="anna", clip=1, condition="rest"
    ... )
    >>> collected.cohort(leads=("ECG",))
    <Cohort 'mine': 1 participant, 1 clip, 1 recording, 0.2 min at 256 Hz>
    """

    @checked
    def __init__(self, name: str, version: str = "") -> None:
        self._name, self._version = name, version
        self._rows: list[dict[str, Any]] = []
        self._signals: list[np.ndarray] = []
        self._rates: list[float] = []
        self._units: list[str] = []
        self._digests: list[str] = []

    @checked
    def add(self, signal: np.ndarray, fs: float, unit: str, **row: Any) -> None:
        """Add a recording.

        Parameters
        ----------
        signal : ndarray of float64
            (n_samples,) or (n_samples, n_leads); kept as float32.
        fs : float
            Sampling rate in Hz.
        unit : str
            Unit of the samples.
        **row
            What the table says of it: participant, clip, condition, and more.

        Raises
        ------
        DataError
            If it is no array of numbers, or has no samples.
        """
        checks.array("signal", signal, finite=False)
        signal = signal.reshape(len(signal), -1)
        self._digests.append(_digest(signal))
        self._signals.append(np.ascontiguousarray(signal, dtype=np.float32))
        self._rates.append(float(fs))
        self._units.append(unit)
        self._rows.append(row)

    @checked
    def cohort(
        self,
        leads: tuple[str, ...],
        targets: tuple[Target, ...] = (),
        notes: tuple[str, ...] = (),
    ) -> Cohort:
        """Return the cohort of all recordings that were added, sorted.

        Parameters
        ----------
        leads : tuple of str
            Names of the leads.
        targets : tuple of Rating or Classes
            What columns of labels mean.
        notes : tuple of str
            What whoever uses the cohort should know of it.

        Returns
        -------
        Cohort
            Its checksum is one of the table and of samples, rates and units, whatever files they
            were read from.
        """
        table = pd.DataFrame(self._rows)
        for column in ("participant", "clip"):
            table[column] = as_names(table[column], column)
        table["n_samples"] = [len(signal) for signal in self._signals]
        table["duration"] = table["n_samples"] / self._rates
        table = table[[*COLUMNS, *(name for name in table if name not in COLUMNS)]]
        table = table.sort_values(["participant", "clip", "condition"])
        order = table.index
        rates, units = ([values[i] for i in order] for values in (self._rates, self._units))
        digest = hashlib.sha256(table.to_csv(index=False, lineterminator="\n").encode())
        for i in order:
            digest.update(f"{self._rates[i]!r} {self._units[i]} {self._digests[i]}\n".encode())
        return Cohort(
            name=self._name,
            fs=one_or_each(rates),
            recordings=table.reset_index(drop=True),
            signals=tuple(self._signals[i] for i in order),
            sha256=digest.hexdigest(),
            version=self._version,
            targets=targets,
            leads=leads,
            unit=one_or_each(units),
            notes=notes,
        )


def _digest(signal: np.ndarray) -> str:
    """Return a checksum of samples that another way to write the same numbers doesn't change."""
    digest = hashlib.sha256(repr(signal.shape).encode())
    for start in range(0, len(signal), 1 << 16):
        block = np.rint(signal[start : start + (1 << 16)] / STEP) + 0.0  # -0.0 is 0.0
        block[np.isnan(block)] = np.nan  # one of the many bit patterns of NaN
        digest.update(block.astype("<f8").tobytes())
    return digest.hexdigest()
