"""Annotations that are kept: the arguments of a function, the fields of a configuration.

A decorator, `checked`, and a function for dataclasses, `check_fields`, hold values against the
types that their signatures state, and against the ranges in `LIMITS`, which go by names: an
argument that is called `n_resamples` anywhere is at least 1.

What acts like a type passes: whatever has a length and rows is a sequence, whatever NumPy can read
is an array, and an object of some class may stand in for one of another. What cannot be
meant is refused: a text for a number, a number for a table, a negative count, NaN.
"""

from __future__ import annotations

import functools
import inspect
import os
import types
from collections import abc
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
import pandas as pd

from ecglib.core.checks import flag, name_of, number, one_of, whole, wrong
from ecglib.core.errors import DataError

_Function = TypeVar("_Function", bound=Callable[..., Any])
_Check = Callable[[Any], Any]

_COUNTS = (
    "n_resamples n_permutations n_simulations n_intervals n_bins n_bands n_outputs n_targets "
    "n_trials n_draws n_groups n_refits repetitions epochs batch_windows batch_size "
    "steps_per_epoch decay_steps length hidden units filters kernels projection pool_size "
    "pool_stride batch"
)
_SECONDS_AND_RATES = "fs target_fs length_s step_s"
_FROM_ZERO = "seed n_samples n_features n_windows warmup_steps head_l2 l2 group"

LIMITS: dict[str, dict[str, float]] = {
    **{name: {"low": 1} for name in _COUNTS.split()},
    **{name: {"above": 0, "high": 1e6} for name in _SECONDS_AND_RATES.split()},
    **{name: {"above": 0} for name in ("learning_rate", "temperature", "decay_rate", "C")},
    **{name: {"low": 50, "high": 10_000} for name in ("fs_in", "fs_out")},
    **{name: {"low": 0} for name in _FROM_ZERO.split()},
    "gap_s": {"low": 0, "high": 1e6},
    "least_s": {"low": 0, "high": 1e6},
    **{name: {"low": 0, "below": 1} for name in ("dropout", "momentum", "overlap")},
    **{name: {"low": 2} for name in ("n_splits", "n_classes", "window_folds", "supervised_folds")},
    "level": {"above": 0, "below": 1},
    "slope": {"low": 0, "high": 1},
    "widening": {"low": 1, "high": 100},
}
"""Ranges of arguments that mean the same wherever they stand, as `ecglib.core.checks.number` takes
them."""

_OPEN = {"bounds"}
"""Arguments in which an infinite number says that there is no limit."""

_ONE_DIMENSION = (
    "truth predicted probability participant trial people person shown peaks qrs at known mask "
    "missing differences p order curve rate respiration lengths times"
)
_TWO_DIMENSIONS = "X runs train_mask of_clips felt nuisance clip_nuisance"

DIMENSIONS = {
    **dict.fromkeys(_ONE_DIMENSION.split(), 1),
    **dict.fromkeys(_TWO_DIMENSIONS.split(), 2),
    "logits": 3,
}
"""Numbers of dimensions of arrays that mean the same wherever they stand."""

_NAMED = {
    *("participant", "participants", "people", "person", "trial", "baseline_trial", "fold", "y"),
    *("values", "complete", "shown", "array", "arrays", "groups", "participant_val"),
}
"""Arguments that may be arrays of names; all other arrays are of numbers."""

_LEFT = {
    *("check_rate.fs", "check_signal.signal", "as_signals.x", "long_first.x", "evenly_spaced.rows"),
    *("Recording.signals", "Recording.fs", "Recording.lead.lead", "Recording.select.leads"),
    *("Cohort.lead_number.lead", "Cohort.fs", "positions.wanted"),
    *("cohort_from_struct.dreamer", "read_wesad.states", "read_yaad.scale"),
}
"""Arguments that a function refuses itself, for it has more to tell: the file, the lead, the
probable cause."""

_ABSTRACT = {
    kind.__name__: kind
    for kind in (Callable, Collection, Iterable, Mapping, Sequence, abc.Iterator)
}


def checked(function: _Function) -> _Function:
    """Hold the arguments of a function against its annotations before it runs.

    Numbers must be finite, whole numbers whole, and what is annotated as an array is handed on as
    one. Annotations that say nothing that can be looked at, such as those of tensors, are left
    alone. If a table lacks a column that the function asks for, the error says which.

    Parameters
    ----------
    function : callable
        With annotated parameters.

    Returns
    -------
    callable
        The same, with the check before it.

    Examples
    --------
    >>> @checked
    ... def half(x: float) -> float:
    ...     return x / 2
    >>> half("3")
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: field x: a text, '3'. Expected a number.
    """
    signature = inspect.signature(function)
    parameters = signature.parameters.values()
    places = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), None)
    various = {p.name for p in parameters if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}

    @functools.wraps(function)
    def with_checks(*args: Any, **kwargs: Any) -> Any:
        by_name = _checks_of(function)
        given = [
            by_name[name](value) if name in by_name else value
            for name, value in zip(places, args, strict=False)
        ]
        of_rest = by_name.get(rest)
        given += map(of_rest, args[len(places) :]) if of_rest else args[len(places) :]
        for name, value in kwargs.items():
            if name in by_name and name not in various:
                kwargs[name] = by_name[name](value)
        try:
            return function(*given, **kwargs)
        except KeyError as error:
            _refuse_table([*zip(places, given, strict=False), *kwargs.items()], error)
            raise

    with_checks.__signature__ = signature  # Keras looks here, and nowhere else
    return with_checks


def check_fields(config: Any) -> None:
    """Hold the fields of a dataclass against their annotations, as `checked` does with arguments.

    Parameters
    ----------
    config : dataclass instance
        Call it first in ``__post_init__``.

    Raises
    ------
    DataError
        If a value is of another type than its field, or a number is not finite.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Settings:
    ...     epochs: int
    ...     def __post_init__(self) -> None:
    ...         check_fields(self)
    >>> Settings(epochs="ten")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: field epochs: a text, 'ten'. Expected a whole number.
    """
    for name, check in _checks_of(type(config)).items():
        if name in config.__dataclass_fields__:
            value = getattr(config, name)
            found = check(value)
            if found is not value:  # an array that was given as a list
                object.__setattr__(config, name, found)


def hints_of(owner: Any) -> dict[str, Any]:
    """Resolve the annotations of a function or class.

    Parameters
    ----------
    owner : callable or type
        What is annotated.

    Returns
    -------
    dict of str to annotation
        A name that only a type checker imports stands for anything.

    Examples
    --------
    >>> def halve(x: float) -> float:
    ...     return x / 2
    >>> hints_of(halve)
    {'x': <class 'float'>}
    """
    unknown: dict[str, Any] = {}
    while True:
        try:
            hints = get_type_hints(owner, localns=unknown or None)
        except NameError as error:
            unknown[error.name] = _ABSTRACT.get(error.name, Any)
        else:
            hints.pop("return", None)
            return hints


@functools.cache
def _checks_of(owner: Any) -> dict[str, _Check]:
    """Make one check for each annotation that can be looked at; once, for the calls are many."""
    hints = hints_of(owner).items()
    own = f"{owner.__qualname__}."
    found = {name: _check_of(name, hint) for name, hint in hints if own + name not in _LEFT}
    return {name: check for name, check in found.items() if check is not None}


def _check_of(field: str, hint: Any) -> _Check | None:
    """Make what gives a value back, as an array where it is to be one, or refuses it."""
    kind, inner = get_origin(hint), get_args(hint)
    if kind in (Union, types.UnionType):
        return _any_of(field, inner)
    if hint in (int, float):
        return functools.partial(_number, field, whole if hint is int else None)
    if hint is bool:
        return functools.partial(flag, field)
    if hint is str or hint is bytes:
        return functools.partial(_text, field, hint)
    if _is_array(hint):
        return functools.partial(_array, field)
    if kind is Literal:
        return functools.partial(one_of, field, names=inner)
    if (kind or hint) is abc.Callable:
        return functools.partial(_having, field, "a function", ("__call__",))
    if kind is tuple and inner and inner[-1] is not Ellipsis:
        return functools.partial(_as_many, field, [_check_of(field, one) for one in inner])
    if (kind or hint) in _SEVERAL:
        one = _check_of(field, inner[0]) if inner else None
        return functools.partial(_several, field, one, inner[0] if inner else Any)
    if (kind or hint) in (abc.Mapping, abc.MutableMapping, dict):
        one = _check_of(field, inner[1]) if inner else None
        if inner and _is_array(inner[1]):
            one = functools.partial(_entry, field)
        return functools.partial(_mapping, field, one)
    if (kind or hint) is os.PathLike:
        return functools.partial(_having, field, "a path", ("__fspath__",))
    if hint is pd.DataFrame:
        return functools.partial(_having, field, name_of(hint), ("columns", "__getitem__"))
    if isinstance(kind or hint, type) and (kind or hint) not in (object, type, Any):
        return functools.partial(_instance, field, kind or hint)
    return None


_SEVERAL = (
    *(list, tuple, set, frozenset, abc.Sequence, abc.Collection, abc.Iterable, abc.Iterator),
    *(abc.Set, abc.MutableSequence),
)

_PLAIN = (str, bytes, bool, int, float, complex, np.generic, np.ndarray, pd.DataFrame)
_PLAIN = (*_PLAIN, pd.Series, tuple, list, dict, set, types.NoneType)
"""What cannot stand in for an object of a class of its own."""


def _any_of(field: str, hints: Sequence[Any]) -> _Check | None:
    """Make a check of a union; what is taken as it is comes before what is made an array."""
    kinds = [one for one in hints if one is not types.NoneType]
    kinds.sort(key=_is_array)
    ways = [_check_of(field, one) for one in kinds]
    if any(way is None for way in ways):
        return None
    optional, names = len(kinds) < len(hints), " or ".join(map(name_of, hints))

    def check(value: Any) -> Any:
        if value is None and optional:
            return None
        refused: DataError | None = None
        for way in ways:
            try:
                return way(value)
            except DataError as error:
                refused = error
        if refused is not None and (len(ways) == 1 or _is_array(kinds[-1])):
            raise refused
        raise wrong(field, value, names)

    return check


def _number(field: str, of: Callable[..., Any] | None, value: Any) -> Any:
    limits = LIMITS.get(field, {})
    if field in _OPEN and isinstance(value, float) and np.isinf(value):
        return value
    if of is not None:
        of(field, value)
    number(field, value, **limits)
    return value


def _text(field: str, kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise wrong(field, value, name_of(kind))
    return value


def _having(field: str, expected: str, names: Sequence[str], value: Any) -> Any:
    if not all(hasattr(value, name) for name in names):
        raise wrong(field, value, expected)
    return value


def _instance(field: str, kind: type, value: Any) -> Any:
    """Refuse plain values; any other object may stand in for one of the class."""
    if isinstance(value, _PLAIN) and not _is_one(value, kind):
        raise wrong(field, value, name_of(kind))
    return value


def _is_one(value: Any, kind: type) -> bool:
    """Tell whether a plain value is of a class, of what it is built on, or fits a protocol."""
    if getattr(kind, "_is_protocol", False):
        return all(hasattr(value, name) for name in vars(kind) if _is_asked_for(name))
    bases = tuple(base for base in _PLAIN if issubclass(kind, base))
    return isinstance(value, (kind, *bases))


def _is_asked_for(name: str) -> bool:
    return name == "__call__" or not name.startswith("_")


def _as_many(field: str, ways: Sequence[_Check | None], value: Any) -> Any:
    if isinstance(value, str | bytes) or not hasattr(value, "__len__"):
        raise wrong(field, value, f"{len(ways)} values")
    if len(value) != len(ways):
        raise wrong(field, value, f"{len(ways)} values")
    for way, one in zip(ways, value, strict=True):
        if way is not None:
            way(one)
    return value


def _several(field: str, one: _Check | None, hint: Any, value: Any) -> Any:
    scalar = isinstance(value, str | bytes) or getattr(value, "ndim", 1) == 0
    if scalar or not (hasattr(value, "__iter__") or hasattr(value, "__getitem__")):
        raise wrong(field, value, "several values")
    if isinstance(value, np.ndarray) and value.dtype.kind in "iuf" and hint in (int, float):
        if hint is int and value.dtype.kind == "f":
            raise wrong(field, value, "whole numbers")
        for extreme in (value.min(), value.max()) if value.size else ():
            one(extreme)
    elif one is not None and isinstance(value, list | tuple):
        for part in value:
            one(part)
    return value


def _mapping(field: str, one: _Check | None, value: Any) -> Any:
    _having(field, name_of(Mapping), ("keys", "__getitem__"), value)
    if one is not None and isinstance(value, Mapping):
        for part in value.values():
            one(part)
    return value


def _entry(field: str, value: Any) -> Any:
    """Take what NumPy made among named arrays: who reads one says which, and in which file."""
    if isinstance(value, np.generic | np.ndarray):
        return value
    return _array(field, value)


def _array(field: str, value: Any) -> Any:
    """Give an array of numbers, or of names where the argument may be of names."""
    found, named = value, field in _NAMED
    expected = "an array of numbers" + " or names" * named
    if not isinstance(value, np.ndarray):
        if value is None or isinstance(value, str | bytes | Mapping | abc.Set):
            raise wrong(field, value, expected)
        lent = hasattr(value, "shape") and hasattr(value, "dtype")  # a tensor, a part of a file
        lent = lent or hasattr(value, "__array__")  # whose rows may be others than all of it
        if lent and not isinstance(value, _OF_PANDAS | np.generic):
            return value
        try:
            found = np.asarray(value)
        except (ValueError, TypeError):  # rows of several lengths
            raise wrong(field, value, expected) from None
        if not found.ndim:
            raise wrong(field, value, expected)
    if found.ndim != DIMENSIONS.get(field, found.ndim):
        raise DataError(
            f"an array of shape {found.shape}",
            field=field,
            expected=f"{DIMENSIONS[field]} dimension" + "s" * (DIMENSIONS[field] > 1),
        )
    names = named and (
        found.dtype.kind in "UT"
        or (found.dtype.kind == "O" and pd.api.types.infer_dtype(found.ravel()) in _NAMES)
    )
    if found.dtype.kind not in "biuf" and not names:
        raise wrong(field, value, expected)
    return found


_OF_PANDAS = pd.Series | pd.Index | pd.DataFrame

_NAMES = ("string", "integer", "mixed-integer", "categorical", "empty")


def _refuse_table(given: Iterable[tuple[str, Any]], error: KeyError) -> None:
    """Say which table lacks a column, if it was a table that did not find its key."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None or not trace.tb_frame.f_globals.get("__name__", "").startswith("pandas"):
        return
    key = error.args[0] if error.args else None
    for name, value in given:
        if isinstance(value, pd.DataFrame) and isinstance(key, str) and key not in value:
            raise DataError(f"the table '{name}' lacks this column", field=key) from error


def _is_array(hint: Any) -> bool:
    return (get_origin(hint) or hint) is np.ndarray
