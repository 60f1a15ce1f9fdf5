"""Tables in files: gzipped CSV whose first line says what made them."""

from __future__ import annotations

import gzip
import io
import warnings
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ecglib.core.annotations import checked
from ecglib.core.artifacts import atomic_path
from ecglib.core.errors import DataError
from ecglib.core.limits import FREE, GROWTH
from ecglib.core.provenance import from_comment, to_comment

NAME = "name"
"""Type of a column that names participants or clips: whole numbers, or text; see `as_names`."""


@checked
def as_names(values: Iterable[object], field: str = "names") -> np.ndarray:
    """Give names as whole numbers if all of them are such, else as text.

    A name is the same whether it was typed, computed or read from a file: "3" is 3 where all names
    are numbers, and "007" stays what it is.

    Parameters
    ----------
    values : iterable
        Whole numbers or texts.
    field : str
        What they are, for the message.

    Returns
    -------
    ndarray of int64, or of object (str)

    Raises
    ------
    DataError
        If one is missing, empty, or neither a whole number nor text.

    Examples
    --------
    >>> as_names(["3", "12"]), as_names([7, "S07"])
    (array([ 3, 12]), array(['7', 'S07'], dtype=object))
    """
    code, found = pd.factorize(np.asarray(list(values), dtype=object))
    texts = []
    for name in [None] * bool((code < 0).any()) + list(found):
        number = isinstance(name, float | np.floating) and float(name).is_integer()
        text = str(int(name)) if number else str(name).strip()
        if (not isinstance(name, str | int | np.integer) and not number) or not text:
            raise DataError(f"{name!r} as a name", field=field, expected="whole numbers or texts")
        texts.append(text)
    try:
        numbers = [int(text) for text in texts]
    except ValueError:
        numbers = []
    small = all(abs(number) < 2**63 for number in numbers)
    if numbers and small and [str(number) for number in numbers] == texts:
        return np.array(numbers, dtype=np.int64)[code]
    return np.array(texts, dtype=object)[code]


@checked
def typed(table: pd.DataFrame, types: Mapping[str, str]) -> pd.DataFrame:
    """Give the columns of a table their types.

    Parameters
    ----------
    table : DataFrame
        With all columns of `types`.
    types : mapping of str to str
        Types as pandas names them, or `NAME`.

    Returns
    -------
    DataFrame

    Raises
    ------
    DataError
        As in `as_names`.

    Examples
    --------
    >>> typed(pd.DataFrame({"participant": ["7", "12"]}), {"participant": NAME}).dtypes.to_dict()
    {'participant': dtype('int64')}
    """
    plain = table.astype({name: kind for name, kind in types.items() if kind != NAME})
    named = {
        name: as_names(table[name], name)
        for name, kind in types.items()
        if kind == NAME and table[name].dtype != np.int64
    }
    return plain.assign(**named) if named else plain


_MOST_BYTES = 1 << 16  # of one row


@checked
def save_table(path: str | Path, table: pd.DataFrame, *, float_format: str | None = None) -> None:
    """Write a table to a gzipped CSV file, atomically.

    The first line is a comment with the provenance, ``table.attrs["provenance"]``, as JSON (empty
    if there is none); the second names the columns. Equal tables of equal provenance give equal
    bytes.

    Parameters
    ----------
    path : str or Path
        File to write, usually ``….csv.gz``.
    table : DataFrame
        Its index is not kept.
    float_format : str, optional
        How numbers are written, such as ``"%.6g"``; in full by default.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "table.csv.gz")
    >>> save_table(path, pd.DataFrame({"auc": [2 / 3]}), float_format="%.3f")
    >>> gzip.decompress(path.read_bytes()).decode().split()
    ['#', '{}', 'auc', '0.667']
    """
    text = to_comment(table.attrs.get("provenance", {}))
    text += table.to_csv(index=False, lineterminator="\n", float_format=float_format)
    with atomic_path(Path(path)) as partial:
        partial.write_bytes(gzip.compress(text.encode(), compresslevel=6, mtime=0))


@checked
def load_table(
    path: str | Path,
    columns: Sequence[str],
    types: Mapping[str, str] | None = None,
    *,
    more: bool = False,
) -> pd.DataFrame:
    """Read what `save_table` wrote.

    Parameters
    ----------
    path : str or Path
        The file.
    columns : sequence of str
        The columns that it must have, in this order.
    types : mapping of str to str, optional
        Types of columns, as in `typed`. When given for all, an empty text stays an empty text.
    more : bool
        Further columns may follow.

    Returns
    -------
    DataFrame
        ``attrs["provenance"]`` says what made it.

    Raises
    ------
    DataError
        If the file is missing, damaged or another table.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "table.csv.gz")
    >>> save_table(path, pd.DataFrame({"name": ["STR"], "auc": [0.75]}))
    >>> load_table(path, ["name", "auc"]).to_dict("records")
    [{'name': 'STR', 'auc': 0.75}]
    """
    types, columns = dict(types or {}), list(columns)
    try:
        most = max(FREE // 8, GROWTH // 2 * Path(path).stat().st_size)  # a digit becomes a number
        with gzip.open(path) as packed:
            content = packed.read(most + 1)
        if len(content) > most:
            raise ValueError(f"it inflates to more than {most} bytes")
        if max(map(len, content.split(b"\n")[1:]), default=0) > _MOST_BYTES:
            raise ValueError(f"a line of more than {_MOST_BYTES} bytes")
        with io.TextIOWrapper(io.BytesIO(content), encoding="utf-8") as stream:
            about = from_comment(stream.readline())
            frame = pd.read_csv(
                stream,
                index_col=False,
                dtype={name: "str" if kind == NAME else kind for name, kind in types.items()},
                keep_default_na=not (columns and set(columns) <= set(types)),
                na_values={name: [""] for name, kind in types.items() if kind.startswith("float")},
                float_precision="round_trip",
            )
    except (OSError, EOFError, RecursionError, ValueError, zlib.error) as error:
        raise DataError(
            f"cannot be read as a table ({error})",
            file=path,
            expected=f"a table with the columns {', '.join(columns)}",
            remedy="delete it and let the stage that makes it make it again",
        ) from error
    found = list(frame.columns)
    if (found[: len(columns)] if more else found) != columns:
        raise DataError(
            f"columns {', '.join(found)}",
            file=path,
            expected=", ".join(columns) + (" first" if more else ""),
            remedy="delete it and let the stage that makes it make it again",
        )
    frame = typed(frame, {name: kind for name, kind in types.items() if kind == NAME})
    frame.attrs["provenance"] = about
    return frame


@checked
def read_csv_of_user(path: Path, **options: Any) -> pd.DataFrame:
    r"""Read a table that somebody else made, every field below the name of its column.

    Parameters
    ----------
    path : Path
        A file in UTF-8, with the names of the columns in its first line.
    **options
        As for `pandas.read_csv`.

    Returns
    -------
    DataFrame

    Raises
    ------
    ValueError
        If a row has more fields than there are columns, which pandas would shift or drop, or the
        file is no such table.
    OSError
        If it cannot be opened.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp(), "people.csv")
    >>> written = file.write_text("participant,age\nanna,30,7\nbo,41,7\n")
    >>> read_csv_of_user(file)
    Traceback (most recent call last):
    ...
    ValueError: a row has more fields than there are columns
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            return pd.read_csv(path, encoding="utf-8-sig", index_col=False, **options)
        except pd.errors.ParserWarning as error:
            raise ValueError("a row has more fields than there are columns") from error
