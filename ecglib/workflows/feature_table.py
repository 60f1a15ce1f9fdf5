"""Features of windows with what is known of each window, in memory and in a CSV or NPZ file.

The first line of a CSV file is a comment that says, as JSON, which columns are features and what
made them; what is known of the windows stands in the columns before. A file without such a line,
written by another program, names its features ``f_...``.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from ecglib.core import checks
from ecglib.core.annotations import check_fields, checked
from ecglib.core.artifacts import atomic_path, load_arrays, save_arrays
from ecglib.core.errors import DataError
from ecglib.core.provenance import from_comment, to_comment
from ecglib.core.tables import as_names, read_csv_of_user
from ecglib.core.words import counted
from ecglib.preprocessing.quality import OK, QUALITIES

FORMAT = "ecglib features 1"
"""What a file of `FeatureTable.save` says of itself."""

PREFIX = "f_"
"""How the names of features begin in a CSV file that no `FeatureTable` wrote."""

KEYS = ("participant", "clip", "lead", "start")
"""Columns that every `FeatureTable.meta` has; `start` is in seconds."""


@dataclass(frozen=True, eq=False, repr=False)
class FeatureTable:
    """Features of windows, and one row about each window.

    Parameters
    ----------
    features : ndarray of float, shape (n_windows, n_features)
        NaN where a feature could not be measured.
    names : sequence of str
        Names of the features, each once.
    meta : DataFrame
        One row per window, numbered from 0: at least `KEYS`; perhaps condition, quality, file and
        labels.
    about : mapping of str to value
        What made the features, as JSON can hold it. ``data`` is the name of the recordings;
        ``encoder`` is None for features that were not learnt, else a mapping with ``name``,
        ``sha256`` of its file and ``data``, what it learnt from; ``preprocessing`` says how the
        windows were made, as `ecglib.models.card.Preprocessing` does.

    Raises
    ------
    DataError
        If the parts do not fit, a name stands twice, or a feature is infinite.

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": [1, 1], "clip": 1, "lead": 1, "start": [0.0, 10.0]})
    >>> FeatureTable(np.ones((2, 1)), ["rate"], meta, {"data": "mine", "encoder": None})
    <FeatureTable 'mine': 2 windows, 1 feature, 1 participant>
    """

    features: np.ndarray
    names: Sequence[str]
    meta: pd.DataFrame
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_fields(self)
        check_fields(self)
        object.__setattr__(self, "names", tuple(self.names))
        x, n = self.features, len(self.meta)
        if x.dtype.kind != "f" or x.shape != (n, len(self.names)) or not x.size:
            raise DataError(
                f"{x.dtype} array of shape {x.shape} for {n} windows and {len(self.names)} names",
                field="features",
                expected="floating-point numbers, a row per window and a column per name",
            )
        twice = [name for name in self.names if [*self.names, *self.meta].count(name) > 1]
        if twice:
            raise DataError("the name stands twice", field=twice[0], expected="each name once")
        absent = [column for column in KEYS if column not in self.meta]
        if absent or not self.meta.index.equals(pd.RangeIndex(n)):
            raise DataError(
                f"no column {' and '.join(absent)}" if absent else "rows are not numbered from 0",
                field="meta",
                expected=f"a row per window with the columns {', '.join(KEYS)}",
            )
        bad = np.argwhere(np.isinf(x))
        if len(bad):
            row, column = bad[0]
            raise DataError(
                f"window {row} has {x[row, column]} ({len(bad)} such values)",
                participant=self.meta["participant"].iloc[row],
                clip=self.meta["clip"].iloc[row],
                field=self.names[column],
                expected="finite numbers, or NaN where one could not be measured",
            )

    def __len__(self) -> int:
        return len(self.meta)

    def __repr__(self) -> str:
        size = counted(len(self), "window"), counted(len(self.names), "feature")
        people = counted(self.meta["participant"].nunique(), "participant")
        return f"<FeatureTable {self.about.get('data', 'unnamed')!r}: {', '.join(size)}, {people}>"

    @property
    def usable(self) -> FeatureTable:
        """The windows of good quality; all where quality is not known."""
        if "quality" not in self.meta:
            return self
        return self.select((self.meta["quality"] == QUALITIES[OK]).to_numpy())

    @checked
    def select(self, mask: np.ndarray) -> FeatureTable:
        """Return the windows where `mask` is true, numbered afresh.

        Parameters
        ----------
        mask : ndarray of bool, shape (n_windows,)
            Which to keep.

        Returns
        -------
        FeatureTable
        """
        checks.of_length("mask", mask, len(self.meta))
        meta = self.meta[mask].reset_index(drop=True)
        return FeatureTable(self.features[mask], self.names, meta, self.about)

    @checked
    def save(self, path: str | Path) -> None:
        """Write everything to one file, whole or not at all.

        Parameters
        ----------
        path : str or Path
            A file whose name ends in .csv or .npz.

        Raises
        ------
        DataError
            If the name ends otherwise, or `meta` holds what a file cannot.
        """
        path = Path(path)
        about = {"format": FORMAT, "features": list(self.names), "about": dict(self.about)}
        if _kind(path) == ".csv":
            about["dtype"] = str(self.features.dtype)
            values = pd.DataFrame(self.features, columns=list(self.names))
            save_csv(path, pd.concat([self.meta, values], axis=1), about)
            return
        columns = {}
        for name, column in self.meta.items():
            values = column.to_numpy()
            if values.dtype.kind not in "biuf":
                values = column.fillna("").to_numpy().astype(str)
            columns[f"meta.{name}"] = values
        save_arrays(path, {"about": np.array(json.dumps(about)), "X": self.features, **columns})

    @classmethod
    @checked
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote, or a CSV file whose features are named ``f_...``.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        FeatureTable
            Of a CSV file that says nothing of itself, `about` is empty.

        Raises
        ------
        DataError
            If the file is missing, damaged or of another kind.
        """
        path = Path(path)
        if not path.is_file():
            raise DataError("there is no such file", file=path, expected="a file of features")
        try:
            return cls(*(_from_csv(path) if _kind(path) == ".csv" else _from_npz(path)))
        except DataError as error:
            if error.file is not None:
                raise
            raise error.but(file=path) from error


@checked
def is_feature_file(path: str | Path) -> bool:
    """Tell a file of features from a file of windows.

    Parameters
    ----------
    path : str or Path
        An .npz file of either kind, or a .csv file, which holds features.

    Returns
    -------
    bool
        Also True where the file cannot be opened: whoever loads it says why.

    Examples
    --------
    >>> is_feature_file("features.csv")
    True
    """
    if Path(path).suffix.lower() != ".npz":
        return True
    try:
        with zipfile.ZipFile(path) as archive:
            return "about.npy" in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return True


@checked
def save_csv(path: str | Path, table: pd.DataFrame, about: Mapping[str, Any]) -> None:
    """Write a table as CSV that any program reads, below one comment line, atomically.

    Parameters
    ----------
    path : str or Path
        The file.
    table : DataFrame
        Its index is not kept.
    about : mapping
        What made it, for the comment line.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp(), "t.csv")
    >>> save_csv(file, pd.DataFrame({"a": [1, 2]}), {"data": "mine"})
    >>> file.read_text().splitlines()
    ['# {"data": "mine"}', 'a', '1', '2']
    """
    text = to_comment(about) + table.to_csv(index=False, lineterminator="\n")
    with atomic_path(Path(path)) as partial:
        partial.write_text(text, encoding="utf-8")


def _kind(path: Path) -> str:
    kind = path.suffix.lower()
    if kind not in (".csv", ".npz"):
        raise DataError(
            f"the extension {kind!r}", file=path, expected="a file of features: .csv or .npz"
        )
    return kind


def _from_npz(path: Path) -> tuple[np.ndarray, list[str], pd.DataFrame, dict[str, Any]]:
    arrays = load_arrays(path)
    about = _about(path, str(arrays.get("about", "")))
    if "X" not in arrays:
        raise _damaged(path, "it has no features")
    meta = pd.DataFrame(
        {k.removeprefix("meta."): v for k, v in arrays.items() if k.startswith("meta.")}
    )
    texts = meta.select_dtypes(exclude=["number", "bool"]).columns
    meta[texts] = meta[texts].replace("", np.nan)  # as it is in a CSV file
    return arrays["X"], about["features"], meta, about["about"]


def _from_csv(path: Path) -> tuple[np.ndarray, list[str], pd.DataFrame, dict[str, Any]]:
    with path.open(encoding="utf-8-sig") as stream:
        line = stream.readline()
    about = _about(path, line[2:]) if line.startswith("# ") else {}
    try:
        table = read_csv_of_user(
            path,
            skiprows=1 if about else 0,
            dtype={"participant": str, "clip": str},
            keep_default_na=False,
            na_values=["", "nan", "NaN"],
            float_precision="round_trip",
            low_memory=False,
        )
    except (ValueError, OSError) as error:
        raise _damaged(path, f"the table cannot be read ({error})") from error
    names = about.get("features") or [n for n in table if str(n).startswith(PREFIX)]
    missing = [name for name in [*KEYS[:1], *names] if name not in table]
    if missing or not names:
        raise DataError(
            f"no column {missing[0]}" if missing else "it does not say which columns are features",
            file=path,
            expected="the column participant, and features",
            remedy=f"let the names of the features begin with {PREFIX}, such as {PREFIX}rate",
        )
    for name in names:
        if not pd.api.types.is_numeric_dtype(table[name]):
            text = table[name][pd.to_numeric(table[name], errors="coerce").isna()].dropna()
            raise DataError(
                f"{text.iloc[0]!r} in row {text.index[0] + 1}",
                file=path,
                field=name,
                expected="numbers",
            )
    features = table[list(names)].to_numpy(dtype=about.get("dtype", "float64"))
    meta = table.drop(columns=list(names))
    for name in ("participant", "clip"):
        meta[name] = as_names(meta[name], name) if name in meta else 1
    if not about:  # another program's
        recording = [name for name in ("participant", "clip", "condition", "lead") if name in meta]
        if "start" not in meta and meta.duplicated(recording).any():
            raise DataError(
                "several rows of one recording, and nothing says when they begin",
                file=path,
                field="start",
                expected="a column start, in seconds",
                remedy="add it; tell recordings of a participant apart in a column clip",
            )
        meta = meta.assign(**{k: v for k, v in (("lead", 1), ("start", 0.0)) if k not in meta})
    return features, list(names), meta, about.get("about", {})


def _about(path: Path, text: str) -> dict[str, Any]:
    try:
        about = from_comment(f"# {text}")
        known = about["format"] == FORMAT and isinstance(about["about"], dict)
        known = known and all(isinstance(name, str) for name in about["features"])
        np.dtype(about.get("dtype", "float64"))
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(path, "it does not say what it holds") from error
    if not known:
        raise _damaged(path, f"its format is {str(about['format'])[:40]!r}")
    return about


def _damaged(path: Path, problem: str) -> DataError:
    return DataError(problem, file=path, expected=f"a file of features, {FORMAT!r}")
