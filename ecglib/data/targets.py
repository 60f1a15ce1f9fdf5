"""What can be asked of a trial: an ordered rating on its scale, or one of several classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ecglib.core.annotations import check_fields, checked
from ecglib.core.errors import DataError


@dataclass(frozen=True)
class Rating:
    """An ordered self-rating, such as valence from 1 to 5.

    Parameters
    ----------
    name : str
        The column of the tables that holds it.
    low, high : float
        Ends of the scale; its middle separates "low" from "high".
    whole : bool
        Whether only whole numbers can be answered.

    Raises
    ------
    DataError
        If the scale has no length.

    Examples
    --------
    >>> Rating("stress", 0, 10).middle
    5.0
    """

    name: str
    low: float = 1
    high: float = 5
    whole: bool = True

    def __post_init__(self) -> None:
        check_fields(self)
        if not (np.isfinite([self.low, self.high]).all() and self.low < self.high):
            raise DataError(
                f"a scale from {self.low} to {self.high}",
                field=self.name,
                expected="two finite numbers, the lower one first",
            )

    @property
    def middle(self) -> float:
        """The middle of the scale."""
        return (self.low + self.high) / 2

    @property
    def answers(self) -> tuple[int, ...]:
        """All answers, in order; only a scale of whole numbers can list them."""
        if not self.whole:
            raise DataError(
                "any number is an answer on this scale",
                field=self.name,
                expected="a scale of whole numbers",
                remedy="ask for high against low, or round the ratings",
            )
        return tuple(range(int(np.ceil(self.low)), int(np.floor(self.high)) + 1))

    @property
    def expected(self) -> str:
        """What a correct value looks like, for messages."""
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} from {self.low:g} to {self.high:g}"

    @checked
    def allows(self, values: pd.Series) -> np.ndarray:
        """Say of each of the `values` whether it is an answer on this scale."""
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64)
        inside = (numbers >= self.low) & (numbers <= self.high)
        with np.errstate(invalid="ignore"):
            return inside & (numbers == np.floor(numbers)) if self.whole else inside


@dataclass(frozen=True)
class Classes:
    """One of several classes without an order, such as rest or arithmetic.

    Parameters
    ----------
    name : str
        The column of the tables that holds it.
    values : tuple
        The classes. Of two, the second is class 1.
    positive : object, optional
        The class that is told from all others; by default the second of two. With more than two
        and none named, each class is told from the others in turn (`binary_targets`).

    Raises
    ------
    DataError
        If there are fewer than two classes, one is named twice, or `positive` is none of them.

    Examples
    --------
    >>> Classes("condition", ("rest", "arithmetic")).expected
    'rest or arithmetic'
    """

    name: str
    values: tuple[object, ...]
    positive: object = None

    def __post_init__(self) -> None:
        check_fields(self)
        if len(self.values) < 2 or len(set(self.values)) < len(self.values):
            raise DataError(
                f"classes {self.values!r}", field=self.name, expected="two or more, once each"
            )
        if self.positive is not None and self.positive not in self.values:
            raise DataError(
                f"positive class {self.positive!r}", field=self.name, expected=self.expected
            )

    @property
    def expected(self) -> str:
        """What a correct value looks like, for messages."""
        return " or ".join(map(str, self.values))

    @checked
    def allows(self, values: pd.Series) -> np.ndarray:
        """Say of each of the `values` whether it is one of these classes."""
        return values.isin(self.values).to_numpy()


Target = Rating | Classes
"""What a column of labels means."""

SCALES = tuple(Rating(name) for name in ("valence", "arousal", "dominance"))
"""DREAMER's ratings from 1 to 5: how pleasant, how excited, how much in control."""

TARGETS = tuple(scale.name for scale in SCALES)
"""Names of DREAMER's scales; a name alone stands for the scale from 1 to 5."""

RATINGS = SCALES[0].answers
"""Answers on each of DREAMER's scales."""


@checked
def as_target(target: str | Target) -> Target:
    """Give the target that a name stands for; a target stands for itself.

    Parameters
    ----------
    target : str or Target
        One of `TARGETS`, or a `Rating` or `Classes`.

    Returns
    -------
    Target

    Raises
    ------
    DataError
        If the name is none of `TARGETS`: what other columns mean must be said.

    Examples
    --------
    >>> as_target("valence")
    Rating(name='valence', low=1, high=5, whole=True)
    """
    if isinstance(target, Rating | Classes):
        return target
    for scale in SCALES:
        if scale.name == target:
            return scale
    raise DataError(
        f"unknown target {target!r}",
        field="target",
        expected="one of " + ", ".join(TARGETS) + ", or a Rating or Classes",
        remedy="say what the column means (ecglib.data.targets), such as "
        f"Rating({str(target)!r}, 1, 9) or Classes({str(target)!r}, ('no', 'yes'))",
    )


@checked
def binary_targets(targets: Sequence[str | Target]) -> list[Target]:
    """Turn targets into questions with two answers, each with a name of its own.

    A rating asks for high against low, two classes for the second against the first, and more
    classes for each against all others.

    Parameters
    ----------
    targets : sequence of str or Target
        As in `as_target`.

    Returns
    -------
    list of Target

    Raises
    ------
    DataError
        If a name is unknown, or two targets would have the same name.

    Examples
    --------
    >>> state = Classes("state", ("rest", "stress", "fun"))
    >>> [question_name(target) for target in binary_targets(["valence", state])]
    ['valence', 'state=rest', 'state=stress', 'state=fun']
    """
    found: list[Target] = []
    for target in map(as_target, targets):
        if isinstance(target, Classes) and target.positive is None and len(target.values) > 2:
            found += [Classes(target.name, target.values, value) for value in target.values]
        else:
            found.append(target)
    names = [question_name(target) for target in found]
    for name in names:
        if names.count(name) > 1:
            raise DataError(
                f"{name} is asked {names.count(name)} times", field="targets", expected="once"
            )
    return found


@checked
def label_names(targets: Sequence[str | Target]) -> list[str]:
    """Name the columns of `ecglib.data.labels.label_matrix`.

    Parameters
    ----------
    targets : sequence of str or Target
        As in `binary_targets`.

    Returns
    -------
    list of str

    Examples
    --------
    >>> label_names(["arousal", Classes("state", ("rest", "fun", "stress"), positive="fun")])
    ['arousal', 'state=fun']
    """
    return [question_name(target) for target in binary_targets(targets)]


@checked
def question_name(target: str | Target) -> str:
    """Give the name under which predictions of a target stand in tables.

    Parameters
    ----------
    target : str or Target
        As in `as_target`.

    Returns
    -------
    str
        The column's name, with the class after an equals sign where one class is told from others.

    Examples
    --------
    >>> question_name("valence"), question_name(Classes("state", ("rest", "fun"), "fun"))
    ('valence', 'state=fun')
    """
    target = as_target(target)
    if isinstance(target, Classes) and target.positive is not None:
        return f"{target.name}={target.positive}"
    return target.name
