"""A table of labels, joined to windows: many windows to one row. Targets from their names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.core.tables import as_names, read_csv_of_user
from ecglib.data.targets import TARGETS, Classes, Rating, Target, as_target

KEYS = ("participant", "clip", "condition")
"""Columns by which a row of labels finds its windows: the first, and which of the others exist."""

MOST_CLASSES = 10
"""With more different values a column holds no classes."""

_SCALE = re.compile(r"(?P<name>.+):(?P<low>-?\d+(?:\.\d+)?)-(?P<high>-?\d+(?:\.\d+)?)")


@checked
def read_labels(path: str | Path) -> pd.DataFrame:
    """Read a table of labels.

    Parameters
    ----------
    path : str or Path
        A CSV or TSV file with the column participant, perhaps clip and condition, and labels.

    Returns
    -------
    DataFrame
        Names as `ecglib.core.tables.as_names` gives them; what is empty is missing.

    Raises
    ------
    DataError
        If the file cannot be read, has no column participant, or a key is missing in a row.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "labels.csv")
    >>> pd.DataFrame({"participant": ["anna"], "clip": [1], "valence": [4]}).to_csv(
    ...     path, index=False
    ... )
    >>> read_labels(path).to_dict("records")
    [{'participant': 'anna', 'clip': 1, 'valence': 4}]
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8-sig") as stream:
            line = stream.readline()
        comment = line.startswith("# ")
        separator = next((mark for mark in ("\t", ";") if mark in line and not comment), ",")
        table = read_csv_of_user(
            path,
            sep=separator,
            skiprows=1 if comment else 0,
            skipinitialspace=True,
            dtype=dict.fromkeys(KEYS, str),
            keep_default_na=False,
            na_values=[""],
        )
    except FileNotFoundError as error:
        raise DataError("there is no such file", file=path, expected="a table of labels") from error
    except (OSError, ValueError) as error:
        raise DataError(
            f"the table cannot be read ({error})",
            file=path,
            expected="CSV in UTF-8, the names of the columns in its first line",
        ) from error
    table.columns = [str(name).strip() for name in table.columns]
    if KEYS[0] not in table or table.empty:
        raise DataError(
            f"no {'row' if KEYS[0] in table else 'column participant'}; there are the columns "
            f"{', '.join(table.columns)}",
            file=path,
            expected="a column participant, and one row for each participant, clip or condition",
        )
    for key in [key for key in KEYS if key in table]:
        empty = np.flatnonzero(table[key].isna())
        if len(empty):
            raise DataError(
                f"row {empty[0] + 2} has no value",
                file=path,
                field=key,
                expected=f"a {key} in every row",
            )
        table[key] = as_names(table[key], key)
    return table


@checked
def join_labels(
    meta: pd.DataFrame, labels: pd.DataFrame, columns: Sequence[str]
) -> tuple[pd.DataFrame, np.ndarray]:
    """Put the labels of a table beside what is known of windows.

    Parameters
    ----------
    meta : DataFrame
        One row per window, with the column participant.
    labels : DataFrame
        One row per participant, clip or condition, as `read_labels` gives it.
    columns : sequence of str
        The labels wanted.

    Returns
    -------
    meta : DataFrame
        The same rows with these columns, missing where there is no label.
    labelled : ndarray of bool, shape (n_windows,)
        Which windows have all of the labels.

    Raises
    ------
    DataError
        If a column is missing, two rows are about the same windows, or no row is about any.

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": [1, 1, 2], "clip": [1, 2, 1]})
    >>> labels = pd.DataFrame({"participant": ["1", "2"], "stress": [3, 7]})
    >>> joined, labelled = join_labels(meta, labels, ["stress"])
    >>> joined["stress"].tolist(), labelled.tolist()
    ([3, 3, 7], [True, True, True])
    """
    for column in columns:
        if column not in labels:
            raise DataError(
                f"the table of labels has no such column; there are {', '.join(labels)}",
                field=column,
                expected="the name of a column of labels",
            )
    keys = [key for key in KEYS if key in labels and key in meta]
    if KEYS[0] not in keys:
        raise DataError("no such column", field=KEYS[0], expected="whose labels they are")
    # As text: where one side has names such as "x", its "3" is text, and the other's a number.
    own = pd.MultiIndex.from_frame(labels[keys].astype(str))
    again = own.duplicated(keep=False)
    if again.any():
        first = np.flatnonzero(again)
        same = own[first] == own[first[0]]
        named = ", ".join(f"{k} {v}" for k, v in zip(keys, own[first[0]], strict=True))
        rows = " and ".join(str(row + 2) for row in first[same])
        raise DataError(
            f"rows {rows} of the table of labels are both about {named}",
            field=", ".join(keys),
            expected="one row for each",
            remedy="remove one, or tell them apart in the column clip or condition",
        )
    at = own.get_indexer(pd.MultiIndex.from_frame(meta[keys].astype(str)))
    if (at < 0).all():
        names = ", ".join(map(str, labels[KEYS[0]].unique()[:5]))
        ours = ", ".join(map(str, meta[KEYS[0]].unique()[:5]))
        raise DataError(
            f"no row of the table of labels is about any window; it names {names}, and the "
            f"windows are of {ours}",
            field=", ".join(keys),
            expected="the names of the windows",
        )
    found = labels[list(columns)].reset_index(drop=True).reindex(at)
    found.index = meta.index
    joined = meta.drop(columns=[c for c in columns if c in meta]).join(found)
    for column in columns:
        if joined[column].notna().all():
            joined[column] = joined[column].astype(labels[column].dtype)
    return joined, joined[list(columns)].notna().all(axis=1).to_numpy()


@checked
def need_labels(meta: pd.DataFrame, labelled: np.ndarray) -> None:
    """Refuse windows without a label, and name them.

    Parameters
    ----------
    meta : DataFrame
        One row per window.
    labelled : ndarray of bool, shape (n_windows,)
        Which have one.

    Raises
    ------
    DataError
        If one has none.

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": ["anna", "ben"], "clip": 1})
    >>> need_labels(meta, np.array([True, True]))
    >>> need_labels(meta, np.array([True, False]))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: field labels: 1 of 2 windows have no label: ...
    """
    checks.of_length("labelled", labelled, len(meta))
    if labelled.all():
        return
    keys = [key for key in KEYS if key in meta]
    missing = meta.loc[~labelled, keys].drop_duplicates()
    named = "; ".join(
        ", ".join(f"{k} {v}" for k, v in row.items()) for row in missing.head(5).to_dict("records")
    )
    raise DataError(
        f"{np.count_nonzero(~labelled)} of {len(meta)} windows have no label: {named}"
        + (f" and {len(missing) - 5} others" if len(missing) > 5 else ""),
        field="labels",
        expected="a label for every window",
        remedy="add the rows, or leave these windows out: drop_unlabelled=True (the command line: "
        "--drop-unlabelled)",
    )


@checked
def target_column(text: str) -> str:
    """Give the column that a target's text speaks of; see `target_of`.

    Parameters
    ----------
    text : str
        The target.

    Returns
    -------
    str

    Examples
    --------
    >>> target_column("valence"), target_column("condition=rest")
    ('valence', 'condition')
    """
    scale = _SCALE.fullmatch(text)
    return scale["name"] if scale else text.partition("=")[0]


@checked
def target_of(text: str, table: pd.DataFrame) -> Target:
    """Give the target that a text stands for.

    Parameters
    ----------
    text : str
        ``valence``, ``arousal`` or ``dominance``, from 1 to 5; a column with the ends of its scale,
        ``stress:0-10``; a column of classes, ``task``; or one class against all others,
        ``task=sums``.
    table : DataFrame
        With the column, whose values say which classes there are.

    Returns
    -------
    Rating or Classes

    Raises
    ------
    DataError
        If there is no such column or class, or the column does not hold classes.

    Examples
    --------
    >>> table = pd.DataFrame({"task": ["rest", "sums"], "stress": [0, 7.5]})
    >>> target_of("task", table)
    Classes(name='task', values=('rest', 'sums'), positive=None)
    >>> target_of("stress:0-10", table)
    Rating(name='stress', low=0.0, high=10.0, whole=False)
    """
    column = target_column(text)
    if column not in table:
        raise DataError(
            f"there is no such column; there are {', '.join(map(str, table))}",
            field=column,
            expected="a column of labels",
        )
    values = table[column].dropna()
    scale = _SCALE.fullmatch(text)
    if scale:
        numbers = pd.to_numeric(values, errors="coerce")
        whole = bool((numbers == np.floor(numbers)).all())
        return Rating(column, float(scale["low"]), float(scale["high"]), whole)
    if text in TARGETS:
        return as_target(text)
    found = sorted(values.unique().tolist(), key=str)
    numeric = pd.api.types.is_numeric_dtype(values)
    if len(found) > MOST_CLASSES or (numeric and len(found) > 2):
        raise DataError(
            f"{len(found)} different {'numbers' if numeric else 'values'}",
            field=column,
            expected=f"two to {MOST_CLASSES} classes, named by texts",
            remedy=f"of ratings, give the ends of the scale: {column}:1-9",
        )
    if len(found) < 2:
        raise DataError(
            f"every label is {found[0]!r}" if found else "there is no label",
            field=column,
            expected="two classes or more",
            remedy="one class cannot be told from another: nothing can be learnt here",
        )
    _, equals, wanted = text.partition("=")
    if not equals:
        return Classes(column, tuple(found))
    positive = [v for v in found if wanted == str(v) or (numeric and wanted == f"{v:g}")]
    if not positive:
        raise DataError(
            f"no label is {wanted!r}", field=column, expected=f"one of {', '.join(map(str, found))}"
        )
    return Classes(column, tuple(found), positive[0])
