"""Checks of one value."""

import numpy as np
import pandas as pd
import pytest

from ecglib.core import checks
from ecglib.core.errors import DataError


@pytest.mark.parametrize(
    ("limits", "value", "expected"),
    [
        ({"low": 0, "high": 1}, 2, "a number from 0 to 1"),
        ({"above": 0}, 0, "a number above 0"),
        ({"low": 0, "below": 1}, 1, "a number of at least 0 and below 1"),
        ({}, "x", "a number"),
    ],
)
def test_numbers_out_of_range_say_the_range(limits, value, expected):
    with pytest.raises(DataError) as refused:
        checks.number("x", value, **limits)
    assert refused.value.expected == expected


def test_numbers_come_back_as_python_ones():
    assert type(checks.number("x", np.float32(0.5))) is float
    assert type(checks.whole("x", np.int8(3))) is int


def test_generators_are_read_once_and_given_back():
    assert checks.several("x", (n for n in (1, 2)), checks.whole, 1) == (1, 2)
    with pytest.raises(DataError, match="at least 1 of them"):
        checks.several("x", iter(()), checks.whole)
    with pytest.raises(DataError, match="several values"):
        checks.several("x", "ab", checks.of_type, str)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (np.array([[1.0, np.nan]]), "nan at [0, 1]"),
        ([[1], [1, 2]], "[[1], [1, 2]]"),
        (np.zeros((0, 2)), "an empty array of shape (0, 2)"),
        (np.zeros(2), "an array of shape (2,)"),
    ],
)
def test_arrays_say_what_is_wrong_and_where(value, problem):
    with pytest.raises(DataError) as refused:
        checks.array("X", value, (None, 2))
    assert refused.value.problem == problem


def test_labels_and_probabilities():
    assert checks.labels("truth", [True, False]).tolist() == [True, False]
    with pytest.raises(DataError, match="field truth: 2"):
        checks.labels("truth", [0, 2])
    with pytest.raises(DataError, match=r"field p: 1\.5"):
        checks.probabilities("p", [0.5, 1.5])


def test_tables_without_rows_or_a_column_are_refused():
    with pytest.raises(DataError, match="lacks this column"):
        checks.frame("meta", pd.DataFrame({"a": [1]}), ("clip",))
    with pytest.raises(DataError, match="without rows"):
        checks.frame("meta", pd.DataFrame({"clip": []}), ("clip",))
