"""Windows: one array of samples and one metadata row per window, in memory and in a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ecglib.core.annotations import check_fields, checked
from ecglib.core.artifacts import load_arrays, save_arrays
from ecglib.core.errors import DataError
from ecglib.core.provenance import with_provenance
from ecglib.core.words import counted
from ecglib.preprocessing.quality import OK, QUALITIES

META_COLUMNS = ("participant", "clip", "condition", "lead", "start", "quality")
"""Columns of every `Windows.meta`; `start` is in seconds from the start of the recording."""


FILE_FORMAT = "ecglib windows 1"
"""What a file of `Windows.save` says of itself."""


@dataclass(frozen=True, eq=False, repr=False)
class Windows:
    """Filtered, normalised windows and what is known of each.

    Parameters
    ----------
    X : numpy.ndarray
        (n_windows, length) float32, finite, without unit.
    meta : pandas.DataFrame
        One row per window, numbered from 0: participant, clip, condition, lead (its number, from
        1), start (s from the start of the recording) and quality
        (`ecglib.preprocessing.quality.QUALITIES`), in any order; ratings, classes and other columns
        may stand beside them.
    fs : float
        Sampling rate in Hz.
    cohort_name : str
        What titles and labels call the data, such as "DREAMER" or "synthetic".

    Raises
    ------
    DataError
        If a part has another shape or type, or the parts do not fit each other.

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": [1, 2], "clip": 1, "condition": "stimulus", "lead": 1})
    >>> meta = meta.assign(start=0.0, quality=["ok", "flat"])
    >>> windows = Windows(np.zeros((2, 2560), "float32"), meta, 256.0, "two people")
    >>> len(windows), len(windows.usable)
    (2, 1)
    """

    X: np.ndarray
    meta: pd.DataFrame
    fs: float
    cohort_name: str

    def __post_init__(self) -> None:
        check_fields(self)
        if self.X.ndim != 2 or self.X.dtype != np.float32 or not _all_finite(self.X):
            raise DataError(
                f"{self.X.dtype} array of shape {self.X.shape}",
                field="X",
                expected="finite float32 samples, (n_windows, length)",
            )
        absent = [column for column in META_COLUMNS if column not in self.meta]
        if absent:
            raise DataError(f"no column {', '.join(absent)}", field="meta")
        if not (isinstance(self.fs, int | float | np.number) and 0 < self.fs < np.inf):
            raise DataError(f"{self.fs!r}", field="fs", expected="a positive number of Hz")
        strange = sorted(set(self.meta["quality"].astype(str)) - set(QUALITIES))
        if strange:
            raise DataError(
                f"{', '.join(strange[:5])}", field="quality", expected=f"some of {QUALITIES}"
            )
        if not self.meta.index.equals(pd.RangeIndex(len(self.X))):
            raise DataError(
                f"{len(self.meta)} rows for {len(self.X)} windows",
                field="meta",
                expected="one row per window, numbered from 0",
            )

    def __len__(self) -> int:
        return len(self.X)

    def __repr__(self) -> str:
        return (
            f"<Windows {self.cohort_name!r}: {len(self)} of {self.X.shape[1]} samples at "
            f"{self.fs:g} Hz, {counted(self.meta['participant'].nunique(), 'participant')}>"
        )

    @property
    def usable(self) -> Windows:
        """The windows of good quality."""
        return self.select(self.meta["quality"] == QUALITIES[OK])

    @checked
    def select(self, mask: np.ndarray | pd.Series) -> Windows:
        """Return the windows where `mask` is true, numbered afresh.

        Parameters
        ----------
        mask : array of bool, (n_windows,)
            For example ``windows.meta["quality"] == "ok"``.

        Returns
        -------
        Windows
            Copies of the chosen windows.

        Raises
        ------
        DataError
            If `mask` is not one truth value per window.
        """
        chosen = np.asarray(mask)
        if chosen.dtype != bool or chosen.shape != (len(self),):
            raise DataError(
                f"{chosen.dtype} array of shape {chosen.shape}",
                field="mask",
                expected=f"{len(self)} truth values, one per window",
            )
        meta = self.meta[chosen].reset_index(drop=True)
        return Windows(self.X[chosen], meta, self.fs, self.cohort_name)

    @checked
    def save(self, path: str | os.PathLike[str], about: Mapping[str, Any] | None = None) -> None:
        """Write everything to one file, whole or not at all.

        Parameters
        ----------
        path : path
            An .npz file. Each column of `meta` becomes one array in it.
        about : mapping, optional
            What made the windows (`ecglib.core.provenance.provenance`), to stand in the file;
            `ecglib.core.provenance.load_provenance` reads it.

        Raises
        ------
        DataError
            If a column of `meta` holds neither numbers, truth values nor strings.
        """
        parts = {
            "format": np.array(FILE_FORMAT),
            "X": self.X,
            "fs": np.array(self.fs),
            "cohort_name": np.array(self.cohort_name),
            **{f"meta.{name}": _as_array(self.meta[name]) for name in self.meta},
        }
        save_arrays(Path(path), parts if about is None else with_provenance(parts, about))

    @classmethod
    @checked
    def load(cls, path: str | os.PathLike[str]) -> Windows:
        """Read what `save` wrote.

        Every byte is compared with the checksums in the file, at every call: the samples are read
        once, into memory of their own, which takes little longer than to look at all of them where
        they lie (0.1 s for 7000 windows of 10 s that the system still holds). They are not mapped
        from the file: a process that looks at a mapped file is ended by the system when that file
        is cut short.

        Parameters
        ----------
        path : path
            The .npz file.

        Returns
        -------
        Windows
            Equal to what was saved; its samples are read-only. What becomes of the file afterwards
            does not matter to it.

        Raises
        ------
        DataError
            If the file is missing, damaged, of another kind or format, or its parts don't fit.
        """
        remedy = "make the windows again"
        if not Path(path).is_file():
            raise DataError("no such file", file=path, remedy=remedy)
        try:
            parts = load_arrays(Path(path))
            found = str(parts["format"])
            if found != FILE_FORMAT:
                raise DataError(
                    f"format {found!r}", field="format", expected=f"{FILE_FORMAT!r}", remedy=remedy
                )
            meta = pd.DataFrame(
                {
                    name.removeprefix("meta."): column
                    for name, column in parts.items()
                    if name.startswith("meta.")
                }
            )
            X = parts["X"]
            X.flags.writeable = False
            return cls(X, meta, float(parts["fs"]), str(parts["cohort_name"]))
        except DataError as error:
            problem = error.problem
            if error.file is not None:  # it was not even read
                problem = f"not a whole file of windows: {problem}"
            raise DataError(
                problem, file=path, field=error.field, expected=error.expected, remedy=remedy
            ) from error
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"not a whole file of windows ({error})", file=path, remedy=remedy
            ) from error


def _all_finite(X: np.ndarray) -> bool:
    # The smallest or largest of samples with a NaN is NaN; no array of truth values is needed.
    return X.size == 0 or bool(np.isfinite([X.min(), X.max()]).all())


def _as_array(column: pd.Series) -> np.ndarray:
    """Return a column as an array that can be saved without pickling."""
    values = column.to_numpy()
    if values.dtype.kind in "biuf":
        return values
    # A column of texts may hold missing ones from pandas 3 on; as an array they would be "nan".
    missing = column.isna().any()
    if missing or pd.api.types.infer_dtype(column, skipna=False) != "string":
        raise DataError(
            f"column of type {column.dtype}" + ", with missing values" * bool(missing),
            field=str(column.name),
            expected="numbers, truth values or strings",
        )
    return values.astype(str)
