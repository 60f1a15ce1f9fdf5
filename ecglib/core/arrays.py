"""Small things that are done to arrays everywhere."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError


@checked
def digest(array: np.ndarray) -> str:
    """Fingerprint the content of an array, for what was computed from it.

    The numbers count, in order; the shape does not: name it beside where it may differ.

    Parameters
    ----------
    array : ndarray
        Any array of numbers.

    Returns
    -------
    str
        64 hexadecimal digits.

    Examples
    --------
    >>> digest(np.arange(3))[:8] == digest(np.arange(3).reshape(3, 1))[:8]
    True
    >>> digest(np.arange(3)) == digest(np.arange(4))
    False
    """
    return hashlib.sha256(np.ascontiguousarray(array)).hexdigest()


@checked
def evenly_spaced(rows: np.ndarray, most: int) -> np.ndarray:
    """Keep at most so many of the rows, evenly spaced, the first and the last among them.

    Parameters
    ----------
    rows : ndarray, shape (n, ...)
        Anything in an order.
    most : int
        How many to keep.

    Returns
    -------
    ndarray, shape (min(n, most), ...)

    Examples
    --------
    >>> evenly_spaced(np.arange(10), 4)
    array([0, 3, 6, 9])
    """
    checks.of_type("rows", rows, np.ndarray)
    checks.whole("most", most, 0)
    return rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(int)]


@checked
def check_finite(arrays: Mapping[str, np.ndarray]) -> None:
    """Refuse arrays of which one holds NaN or an infinite number.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Arrays by name; texts and whole numbers pass.

    Raises
    ------
    DataError
        Names the array.

    Examples
    --------
    >>> check_finite({"kernel": np.array([1.0, np.nan])})
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: field kernel: 1 of 2 numbers are not finite. Expected finite \
numbers.
    """
    for name, array in arrays.items():
        if array.dtype.kind == "f" and (wrong := np.count_nonzero(~np.isfinite(array))):
            raise DataError(
                f"{wrong} of {array.size} numbers are not finite",
                field=name,
                expected="finite numbers",
            )


@checked
def rows_by_value(values: np.ndarray) -> dict[int, np.ndarray]:
    """Give the rows in which each value stands.

    Parameters
    ----------
    values : ndarray, shape (n,)
        For example the participant of every window.

    Returns
    -------
    dict of int to ndarray of int
        In the order of the values.

    Examples
    --------
    >>> rows_by_value(np.array([7, 3, 7]))
    {3: array([1]), 7: array([0, 2])}
    """
    if values.ndim != 1:
        raise DataError(
            f"an array of shape {values.shape}", field="values", expected="one dimension"
        )
    rows = np.argsort(values, kind="stable")
    found, start = np.unique(values[rows], return_index=True)
    stop = [*start[1:], len(rows)]
    return {
        value: rows[first:last]
        for value, first, last in zip(found.tolist(), start, stop[: len(start)], strict=True)
    }
