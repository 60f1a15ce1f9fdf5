"""How far a long computation is: a bar in a terminal, and one line for whoever waits elsewhere.

A program that runs others, such as the one that builds a book, sets the environment variable
``ECGLIB_PROGRESS`` to the path of a file. What runs writes its line there.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

from ecglib.core.annotations import checked

T = TypeVar("T")

VARIABLE = "ECGLIB_PROGRESS"
"""Names the file that the line is written to."""

EVERY_S = 0.5
"""Least number of seconds between two lines."""


@checked
def progress(
    items: Iterable[T], label: str, *, total: int | None = None, done: int = 0, unit: str = "it"
) -> Iterator[T]:
    """Go through items and say how far it is.

    Parameters
    ----------
    items : iterable
        What is to be done.
    label : str
        What it is, such as ``"pretext without group 0"``.
    total : int, optional
        Number of all items; that of `items` by default.
    done : int
        How many were done before.
    unit : str
        What an item is, such as ``"epoch"``.

    Yields
    ------
    item
        Those of `items`.

    Examples
    --------
    >>> list(progress([1, 2], "numbers"))
    [1, 2]
    """
    if total is None:
        items = list(items)
        total = done + len(items)
    file, last = os.environ.get(VARIABLE), 0.0
    bar = tqdm(
        items,
        desc=label,
        total=total,
        initial=done,
        unit=unit,
        disable=not sys.stderr.isatty(),
    )
    for number, item in enumerate(bar, done + 1):
        if file and time.monotonic() - last >= EVERY_S:
            last = time.monotonic()
            _write(Path(file), f"{label}: {unit} {number} of {total}")
        yield item
    if file:
        _write(Path(file), "")


def _write(file: Path, line: str) -> None:
    # Whoever waits may have gone; that must not stop the work.
    with suppress(OSError):
        file.write_text(line, encoding="utf-8")
