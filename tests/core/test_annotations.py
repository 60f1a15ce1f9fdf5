"""What acts like a type passes; what cannot be meant is refused, by its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Literal, NamedTuple, Protocol

import keras
import numpy as np
import pandas as pd
import pytest

from ecglib.core.annotations import check_fields, checked
from ecglib.core.errors import DataError
from ecglib.models.training import TrainingConfig


class Split(Protocol):
    """Something that splits."""

    def split(self) -> list[int]: ...


class Pair(NamedTuple):
    """A pair."""

    a: int
    b: int


@checked
def take(
    *,
    ratio: float = 0.5,
    count: int = 1,
    epochs: int = 1,
    flag: bool = True,
    text: str = "",
    method: Literal["STR", "none"] = "STR",
    path: str | Path | None = None,
    X: np.ndarray | None = None,
    participant: np.ndarray | None = None,
    names: Sequence[str] = (),
    numbers: Sequence[int] = (),
    several: Iterable[float] = (),
    two: tuple[float, float] = (0.0, 1.0),
    by_name: Mapping[str, float] | None = None,
    arrays: Mapping[str, np.ndarray] | None = None,
    table: pd.DataFrame | None = None,
    config: TrainingConfig | None = None,
    splitter: Split | None = None,
    pair: Pair | None = None,
    tell: Callable[[str], object] = print,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> dict[str, object]:
    """Give back what came through."""
    return locals()


class Duck:
    """Acts like a table, a path and an array."""

    columns = ("a",)
    shape, dtype = (2, 2), np.dtype("float32")

    def __getitem__(self, key: object) -> object:
        return key

    def __fspath__(self) -> str:
        return "here"

    def split(self) -> list[int]:
        return [1]


def _id(given: dict[str, object]) -> str:
    """Name a case alike in every process: without addresses."""
    return re.sub(r" at 0x[0-9a-f]+", "", str(given))


@pytest.mark.parametrize(
    "given",
    [
        {"ratio": np.float32(0.5)},
        {"ratio": np.array(0.5)},
        {"ratio": Fraction(1, 2)},
        {"ratio": Decimal("0.5")},
        {"ratio": 1},
        {"ratio": keras.ops.convert_to_tensor(0.5)},
        {"count": np.int64(3)},
        {"count": np.array(3)},
        {"count": -3},
        {"flag": np.True_},
        {"flag": 0},
        {"text": np.str_("x")},
        {"method": np.str_("none")},
        {"path": Duck()},
        {"path": Path("x")},
        {"X": Duck()},
        {"X": keras.ops.ones((2, 2))},
        {"participant": pd.Index(["a", "b"])},
        {"participant": pd.Series(["a", "b"], dtype="category")},
        {"names": (n for n in "ab")},
        {"names": {"a": 1}.keys()},
        {"names": pd.Index(["a"])},
        {"names": np.array(["a"])},
        {"numbers": range(3)},
        {"numbers": np.arange(3)},
        {"numbers": {1, 2}},
        {"several": iter([1.0])},
        {"two": [1, 2]},
        {"two": np.array([1.0, 2.0])},
        {"by_name": pd.Series({"a": 1.0})},
        {"arrays": {"one": np.int64(4), "none": np.array(4.0), "name": np.str_("x")}},
        {"table": Duck()},
        {"table": pd.DataFrame({"a": [1]}, index=pd.MultiIndex.from_tuples([(1, "x")]))},
        {"config": SimpleNamespace(epochs=1)},
        {"splitter": Duck()},
        {"pair": (1, 2)},
        {"tell": [].append},
        {"bounds": (-np.inf, np.inf)},
    ],
    ids=_id,
)
def test_what_acts_like_the_type_passes(given):
    ((name, value),) = given.items()
    found = take(**given)[name]
    assert found is value or np.array_equal(found, value)


@pytest.mark.parametrize(
    "given",
    [
        {"ratio": "0.5"},
        {"ratio": None},
        {"ratio": True},
        {"ratio": float("nan")},
        {"ratio": float("inf")},
        {"ratio": 10**400},
        {"ratio": 1j},
        {"ratio": np.ones(2)},
        {"ratio": np.datetime64("2020-01-01")},
        {"count": 3.0},
        {"count": "3"},
        {"count": True},
        {"epochs": 0},
        {"epochs": np.int64(-1)},
        {"flag": "no"},
        {"flag": 2},
        {"text": 3},
        {"method": "str"},
        {"method": []},
        {"path": 3},
        {"X": "x"},
        {"X": 3.0},
        {"X": [[1], [1, 2]]},
        {"X": [1.0, 2.0]},
        {"X": np.array([["a"]])},
        {"X": (n for n in "ab")},
        {"participant": [[1], [2]]},
        {"participant": [None, {}]},
        {"names": "ab"},
        {"names": 3},
        {"names": [3]},
        {"numbers": np.ones(3)},
        {"numbers": [1.5]},
        {"several": None},
        {"several": [None]},
        {"two": (1.0,)},
        {"two": "ab"},
        {"two": (1.0, None)},
        {"by_name": [1.0]},
        {"by_name": {"a": "b"}},
        {"table": {"a": [1]}},
        {"table": np.ones((2, 2))},
        {"config": {"epochs": 1}},
        {"config": "fast"},
        {"splitter": 3},
        {"pair": [1, 2]},
        {"tell": "print"},
        {"bounds": (0.0, float("nan"))},
    ],
    ids=_id,
)
def test_what_cannot_be_meant_is_refused_by_name(given):
    with pytest.raises(DataError) as refused:
        take(**given)
    assert refused.value.field == next(iter(given))


def test_lists_become_arrays():
    assert take(X=[[1, 2]])["X"].shape == (1, 2)
    assert take(participant=["a", "b"])["participant"].tolist() == ["a", "b"]


def test_what_shows_other_rows_than_its_array_is_handed_on_as_it_is():
    class Share:
        def __array__(self, dtype: object = None, copy: bool | None = None) -> np.ndarray:
            return np.zeros((4, 2))

        def __len__(self) -> int:
            return 4

        def __getitem__(self, rows: np.ndarray) -> np.ndarray:
            return np.zeros((4, 2))[rows[:1]]

    share = Share()
    assert take(X=share)["X"] is share
    assert isinstance(take(X=pd.DataFrame({"a": [1.0]}))["X"], np.ndarray)


def test_groups_may_be_of_names():
    @checked
    def count(groups: Sequence[np.ndarray]) -> int:
        return sum(len(group) for group in groups)

    pooled = np.array(["field/1", "lab/2", 3], dtype=object)
    assert count([pooled, pooled[:2]]) == 5
    with pytest.raises(DataError, match="field groups"):
        count([np.array([None, {}], dtype=object)])


def test_fields_of_a_dataclass_become_arrays_too():
    @dataclass(frozen=True)
    class Kept:
        x: np.ndarray

        def __post_init__(self) -> None:
            check_fields(self)

    assert isinstance(Kept([1, 2]).x, np.ndarray)
    with pytest.raises(DataError, match="field x"):
        Kept("ab")


def test_a_table_that_lacks_a_column_is_named():
    @checked
    def column(meta: pd.DataFrame, name: str) -> float:
        return {"known": 1.0}[name] if name != "clip" else meta["clip"]

    with pytest.raises(DataError, match="table 'meta' lacks this column") as refused:
        column(pd.DataFrame({"a": [1]}), "clip")
    assert refused.value.field == "clip"
    with pytest.raises(KeyError, match="unknown"):  # another mapping lacks it, not the table
        column(pd.DataFrame({"a": [1]}), "unknown")


def test_missing_and_unknown_arguments_are_those_of_the_function():
    with pytest.raises(TypeError, match="unexpected keyword argument 'rato'"):
        take(rato=1)
    with pytest.raises(TypeError, match="positional"):
        take(0.5)
