"""Tables in files: gzipped CSV whose first line says what made them."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from ecglib.core.artifacts import atomic_path
from ecglib.core.errors import DataError
from ecglib.core.provenance import from_comment, to_comment


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
    """
    text = to_comment(table.attrs.get("provenance", {}))
    text += table.to_csv(index=False, lineterminator="\n", float_format=float_format)
    with atomic_path(Path(path)) as partial:
        partial.write_bytes(gzip.compress(text.encode(), compresslevel=6, mtime=0))


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
        Types of columns. When given for all, an empty text stays an empty text.
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
    """
    types, columns = dict(types or {}), list(columns)
    try:
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            about = from_comment(stream.readline())
            frame = pd.read_csv(
                stream,
                dtype=types,
                keep_default_na=not set(columns) <= set(types),
                na_values={name: [""] for name, kind in types.items() if kind.startswith("float")},
                float_precision="round_trip",
            )
    except (OSError, EOFError, ValueError, zlib.error) as error:
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
    frame.attrs["provenance"] = about
    return frame
