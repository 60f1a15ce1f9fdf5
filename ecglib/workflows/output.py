"""Results on the screen or in a file, and files that are not replaced unasked."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ecglib.core.annotations import checked
from ecglib.core.artifacts import atomic_path, plain
from ecglib.core.errors import DataError

PREDICTIONS = "predictions.csv.gz"
"""What a folder of results calls its predictions."""


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

    Examples
    --------
    >>> print(to_json({"file": Path("anna.csv"), "leads": []}))
    {
      "file": "anna.csv",
      "leads": []
    }
    """
    return json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False, default=plain)


@checked
def show(result: str | Mapping[str, Any] | Sequence[Any], out: Path | None = None) -> None:
    """Print a text or, as JSON, plain values, or write them to a file whole or not at all.

    Parameters
    ----------
    result : str, mapping or sequence
        What to show.
    out : Path, optional
        The file; the standard output by default.

    Examples
    --------
    >>> show("all windows are good")
    all windows are good
    """
    text = result if isinstance(result, str) else to_json(result)
    if out is None:
        print(text)
        return
    with atomic_path(out) as partial:
        partial.write_text(f"{text}\n", encoding="utf-8")


@checked
def refuse_to_replace(path: Path | None, force: bool) -> None:
    """Raise a DataError if a file is there already.

    Parameters
    ----------
    path : Path, optional
        What is about to be written; None if nothing is.
    force : bool
        Replace it all the same.

    Raises
    ------
    DataError
        If `path` exists and `force` is false.

    Examples
    --------
    >>> import tempfile
    >>> refuse_to_replace(None, force=False)
    >>> folder = Path(tempfile.mkdtemp())
    >>> try:
    ...     refuse_to_replace(folder, force=False)
    ... except DataError as error:
    ...     print(error.problem)
    the file is there already
    """
    if path is not None and path.exists() and not force:
        raise DataError(
            "the file is there already",
            file=path,
            remedy="give another name, or --force (in Python force=True) to replace it",
        )


@checked
def refuse_to_replace_input(
    out: str | os.PathLike[str] | None, inputs: Iterable[str | os.PathLike[str] | None]
) -> None:
    """Raise a DataError if a result would be written over what it is made from.

    Parameters
    ----------
    out : str or os.PathLike, optional
        What is about to be written.
    inputs : iterable of str or os.PathLike
        What is read; None and what is not there are passed over.

    Raises
    ------
    DataError
        If `out` is one of them, also by another name.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp(), "anna.csv")
    >>> file.touch()
    >>> refuse_to_replace_input(file.with_name("report.csv"), [file, None])
    """
    if out is None or not os.path.exists(out):
        return
    for path in inputs:
        if path is not None and os.path.exists(path) and os.path.samefile(path, out):
            raise DataError(
                "the result would be written over what it is made from",
                file=out,
                expected="another file",
                remedy="give the result another name",
            )
