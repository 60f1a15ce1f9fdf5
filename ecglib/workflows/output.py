"""Results on the screen or in a file, and files that are not replaced unasked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ecglib.core.artifacts import atomic_path, plain
from ecglib.core.errors import DataError


def to_json(value: Any) -> str:
    """Write plain values as JSON that every program reads: without NaN, keys in their order.

    Parameters
    ----------
    value : mapping, sequence, str, number or None
        What is to be written.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If a number is not finite.
    """
    return json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False, default=plain)


def show(result: str | Mapping[str, Any] | Sequence[Any], out: Path | None = None) -> None:
    """Print a text or, as JSON, plain values, or write them to a file whole or not at all.

    Parameters
    ----------
    result : str, mapping or sequence
        What to show.
    out : Path, optional
        The file; the standard output by default.
    """
    text = result if isinstance(result, str) else to_json(result)
    if out is None:
        print(text)
        return
    with atomic_path(out) as partial:
        partial.write_text(f"{text}\n", encoding="utf-8")


def refuse_to_replace(path: Path, force: bool) -> None:
    """Raise a DataError if a file is there already.

    Parameters
    ----------
    path : Path
        What is about to be written.
    force : bool
        Replace it all the same.

    Raises
    ------
    DataError
        If `path` exists and `force` is false.
    """
    if path.exists() and not force:
        raise DataError(
            "the file is there already",
            file=path,
            remedy="give another name, or --force (in Python force=True) to replace it",
        )
