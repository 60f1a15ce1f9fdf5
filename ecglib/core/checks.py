"""Checks of arguments: a value passes, or a `DataError` says which argument it is and why.

Every check takes the name of the argument and its value, and gives the value back. NaN and infinity
are no numbers here, a truth value is no number either, and what cannot be converted is refused
before it reaches arithmetic that would make something of it. `ecglib.core.annotations` holds all
arguments of a function against their types at once.
"""

from __future__ import annotations

import math
import numbers
import operator
import sys
from collections import abc
from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_origin

import numpy as np
import pandas as pd

from ecglib.core.errors import DataError

_Shape = tuple[int | None, ...]
_LARGEST = sys.float_info.max


def number(
    field: str,
    value: object,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    above: float | None = None,
    below: float | None = None,
) -> float:
    """Check a finite number.

    Parameters
    ----------
    field : str
        Name of the argument.
    value : object
        What was given.
    low, high : float
        Least and largest allowed value.
    above, below : float, optional
        Limits that are not allowed themselves.

    Returns
    -------
    float

    Raises
    ------
    DataError
        If it is no number, not finite, or outside of the range.

    Examples
    --------
    >>> number("length_s", 10, above=0)
    10.0
    >>> number("length_s", float("nan"), above=0)
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: field length_s: nan. Expected a number above 0.
    """
    found = value if type(value) in (float, int) else _as_number(value)
    right = found is not None and abs(found) <= _LARGEST and low <= found <= high
    right = right and (above is None or found > above) and (below is None or found < below)
    if not right:
        raise wrong(field, value, "a number" + _range(low, high, above, below))
    return float(found)


def _as_number(value: Any) -> float | None:
    """Give what acts like one real number as one, also a tensor or an array of no dimension."""
    if isinstance(value, bool | np.bool_ | str | bytes | complex | np.complexfloating):
        return None
    if getattr(value, "ndim", 0) or not hasattr(value, "__float__"):
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def whole(field: str, value: object, low: float = -math.inf, high: float = math.inf) -> int:
    """Check a whole number.

    Parameters
    ----------
    field : str
        Name of the argument.
    value : object
        What was given; 3.0 is not whole, as it may be the result of a division.
    low, high : float
        Least and largest allowed value.

    Returns
    -------
    int

    Raises
    ------
    DataError
        If it is not whole, or outside of the range.

    Examples
    --------
    >>> whole("epochs", -1, 1)
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: field epochs: -1. Expected a whole number of at least 1.
    """
    try:
        found = value if type(value) is int else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        found = None
    if found is None or isinstance(value, bool | np.bool_) or not low <= found <= high:
        raise wrong(field, value, "a whole number" + _range(low, high))
    return found


def flag(field: str, value: object) -> bool:
    """Check a truth value.

    Parameters
    ----------
    field : str
        Name of the argument.
    value : object
        What was given: True or False, or 1 or 0.

    Returns
    -------
    bool

    Raises
    ------
    DataError
        If it is anything else.

    Examples
    --------
    >>> flag("balanced", "no")
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: field balanced: a text, 'no'. Expected True or False.
    """
    if value is True or value is False:
        return value
    plain = isinstance(value, bool | np.bool_ | int | np.integer)
    if not plain or value not in (0, 1):
        raise wrong(field, value, "True or False")
    return bool(value)


def one_of(field: str, value: object, names: Iterable[object]) -> Any:
    """Check one of several names.

    Parameters
    ----------
    field : str
        Name of the argument.
    value : object
        What was given.
    names : iterable
        The values that there are.

    Returns
    -------
    object
        The `value`.

    Raises
    ------
    DataError
        If there is no such name.

    Examples
    --------
    >>> one_of("scope", "whole", ["whole", "head"])
    'whole'
    >>> one_of("scope", "body", ["whole", "head"])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: field scope: unknown: 'body'. Expected one of whole, head.
    """
    names = list(names)
    if not isinstance(value, abc.Hashable) or value not in names:
        raise wrong(field, value, "one of " + ", ".join(map(str, names)), known=False)
    return value


def of_type(field: str, value: object, *kinds: type) -> Any:
    """Check that a value is of one of some types.

    Parameters
    ----------
    field : str
        Name of the argument.
    value : object
        What was given.
    *kinds : type
        The types.

    Returns
    -------
    object
        The `value`.

    Raises
    ------
    DataError
        If it is of another type.

    Examples
    --------
    >>> of_type("name", "anna", str)
    'anna'
    >>> of_type("name", 3, str)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: field name: 3. Expected a text.
    """
    if not isinstance(value, kinds):
        raise wrong(field, value, " or ".join(name_of(kind) for kind in kinds))
    return value


def several(
    field: str, values: object, check: Callable[..., Any], *limits: Any, least: int = 1
) -> tuple[Any, ...]:
    """Check each value of a sequence.

    Parameters
    ----------
    field : str
        Name of the argument.
    values : object
        What was given; a text is no sequence.
    check : callable
        A check of this module, such as `whole`.
    *limits
        What it takes after the value.
    least : int
        How many values there must be.

    Returns
    -------
    tuple

    Raises
    ------
    DataError
        If it is no sequence, has too few values, or one of them is wrong.

    Examples
    --------
    >>> several("kernels", (32, 16), whole, 1)
    (32, 16)
    """
    if isinstance(values, str | bytes) or getattr(values, "ndim", 1) == 0:
        raise wrong(field, values, "several values")
    if not isinstance(values, Iterable):
        raise wrong(field, values, "several values")
    values = tuple(values)
    if len(values) < least:
        raise wrong(field, values, f"at least {least} of them")
    return tuple(check(field, value, *limits) for value in values)


def array(
    field: str,
    value: object,
    shape: _Shape | None = None,
    *,
    finite: bool = True,
    empty: bool = False,
) -> np.ndarray:
    """Check an array of real numbers.

    Parameters
    ----------
    field : str
        Name of the argument.
    value : object
        What was given: an array, or what makes one.
    shape : tuple of (int or None), optional
        Its shape; None stands for any length. By default any shape.
    finite : bool
        Whether every number must be finite.
    empty : bool
        Whether it may have no number at all.

    Returns
    -------
    ndarray
        Of the type that it has.

    Raises
    ------
    DataError
        If it is none of real numbers, has another shape, or a number that is not finite.

    Examples
    --------
    >>> array("X", [[0.0, np.inf]], (None, 2))
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: field X: inf at [0, 1]. Expected finite numbers.
    """
    try:
        found = np.asarray(value)
    except ValueError:  # rows of several lengths
        found = np.asarray(None)
    if found.dtype.kind not in "biuf":
        raise wrong(field, value, "an array of real numbers")
    if shape is not None and (
        found.ndim != len(shape)
        or any(s not in (None, n) for s, n in zip(shape, found.shape, strict=True))
    ):
        lengths = ", ".join("any" if n is None else str(n) for n in shape)
        raise DataError(
            f"an array of shape {found.shape}", field=field, expected=f"shape ({lengths})"
        )
    if not found.size and not empty:
        raise DataError(f"an empty array of shape {found.shape}", field=field, expected="values")
    if finite and found.dtype.kind == "f" and not np.isfinite(found).all():
        at = np.unravel_index(int(np.argmin(np.isfinite(found))), found.shape)
        place = f" at [{', '.join(map(str, at))}]" if at else ""
        raise DataError(f"{found[at]}{place}", field=field, expected="finite numbers")
    return found


def of_length(field: str, values: object, n: int) -> Any:
    """Check that there is one value for each of some things, such as windows.

    Parameters
    ----------
    field : str
        Name of the argument.
    values : object
        What was given: an array, or any sequence but a text.
    n : int
        How many things there are.

    Returns
    -------
    object
        The `values`.

    Raises
    ------
    DataError
        If there are more or fewer.

    Examples
    --------
    >>> of_length("person", [1, 1, 2], 3)
    [1, 1, 2]
    >>> of_length("person", [1, 1, 2], 4)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: field person: values of shape (3,). Expected 4 values.
    """
    if isinstance(values, str | bytes) or np.shape(values) != (n,):
        raise DataError(f"values of shape {np.shape(values)}", field=field, expected=f"{n} values")
    return values


def probabilities(field: str, value: object, shape: _Shape | None = None) -> np.ndarray:
    """Check an array of probabilities.

    Parameters
    ----------
    field, value, shape
        As for `array`.

    Returns
    -------
    ndarray

    Raises
    ------
    DataError
        As for `array`, and if one is not from 0 to 1.

    Examples
    --------
    >>> probabilities("probability", [0.1, 1.2], (2,))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: field probability: 1.2. Expected numbers from 0 to 1.
    """
    found = array(field, value, shape)
    return _each(field, found, (found >= 0) & (found <= 1), "numbers from 0 to 1")


def labels(field: str, value: object, shape: _Shape | None = None) -> np.ndarray:
    """Check an array of labels of two classes.

    Parameters
    ----------
    field, value, shape
        As for `array`.

    Returns
    -------
    ndarray

    Raises
    ------
    DataError
        As for `array`, and if one is neither 0 nor 1.

    Examples
    --------
    >>> labels("truth", np.array([0, 2]))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: field truth: 2. Expected labels, 0 or 1.
    """
    found = array(field, value, shape)
    return _each(field, found, (found == 0) | (found == 1), "labels, 0 or 1")


def _each(field: str, found: np.ndarray, right: np.ndarray, expected: str) -> np.ndarray:
    if not right.all():
        raise DataError(f"{found[~right][0]}", field=field, expected=expected)
    return found


def frame(
    field: str, value: object, columns: Iterable[str] = (), empty: bool = False
) -> pd.DataFrame:
    """Check a table: its columns, and that it has a row.

    Parameters
    ----------
    field : str
        Name of the argument.
    value : object
        What was given.
    columns : iterable of str
        The columns that it must have.
    empty : bool
        Whether it may have no row at all.

    Returns
    -------
    DataFrame
        The `value`.

    Raises
    ------
    DataError
        If it is no table, has no row, or lacks a column; names the column.

    Examples
    --------
    >>> frame("meta", pd.DataFrame({"clip": [1]}), ["participant"])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: field participant: meta lacks this column.
    """
    found = of_type(field, value, pd.DataFrame)
    for column in columns:
        if column not in found.columns:
            raise DataError(f"{field} lacks this column", field=column)
    if not len(found) and not empty:
        raise DataError("a table without rows", field=field, expected="at least one row")
    return found


def _range(low: float, high: float, above: float | None = None, below: float | None = None) -> str:
    """Describe a range in words, with a space before."""
    if math.isfinite(low) and math.isfinite(high):
        return f" from {low:g} to {high:g}"
    least = f"at least {low:g}" if math.isfinite(low) else ""
    least = f"above {above:g}" if above is not None else least
    most = f"at most {high:g}" if math.isfinite(high) else ""
    most = f"below {below:g}" if below is not None else most
    joined = " and ".join(part for part in (least, most) if part)
    return (" of " if joined.startswith("at") else " ") + joined if joined else ""


def name_of(kind: Any) -> str:
    """Name a type as a reader would.

    Parameters
    ----------
    kind : type or annotation
        What to name.

    Returns
    -------
    str

    Examples
    --------
    >>> name_of(float), name_of(pd.DataFrame)
    ('a number', 'a table (DataFrame)')
    """
    plain = {int: "a whole number", float: "a number", bool: "True or False", str: "a text"}
    plain |= {pd.DataFrame: "a table (DataFrame)", type(None): "None", Mapping: "a mapping"}
    if (get_origin(kind) or kind) is np.ndarray:
        return "an array"
    return plain.get(kind) or f"{getattr(kind, '__name__', None) or kind}"


def wrong(field: str, value: object, expected: str, *, known: bool = True) -> DataError:
    """Describe a value that is not what it should be.

    Parameters
    ----------
    field : str
        Name of the argument.
    value : object
        What was given.
    expected : str
        What it should be.
    known : bool
        False for a name that is none of those that there are.

    Returns
    -------
    DataError
        To be raised.

    Examples
    --------
    >>> print(wrong("fs", None, "a number above 0"))
    field fs: None. Expected a number above 0.
    """
    simple = value is None or isinstance(value, numbers.Number | np.generic)
    if simple or (isinstance(value, tuple | list) and len(value) < 9):
        told = str(value)[:60]
    elif isinstance(value, str):
        told = f"a text, {value[:60]!r}" if known else f"unknown: {value[:60]!r}"
    elif isinstance(value, np.ndarray):
        told = f"an array of {value.dtype} of shape {value.shape}"
    else:
        told = f"a {type(value).__name__}"
    return DataError(told, field=field, expected=expected)
