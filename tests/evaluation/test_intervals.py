import ast
import doctest
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ecglib
from ecglib.core.errors import DataError
from ecglib.evaluation import intervals
from ecglib.evaluation.intervals import (
    MIN_PARTICIPANTS,
    SHARED_TRAINING,
    bootstrap_interval,
    mean_and_interval,
)


def test_interval_covers_a_known_mean() -> None:
    rng = np.random.default_rng(1)
    repetitions = 400
    covered = 0
    for i in range(repetitions):
        low, high = intervals.bootstrap_interval(rng.beta(8, 2, 23), 0.95, 999, seed=i)
        covered += low <= 0.8 <= high
    assert 0.92 <= covered / repetitions <= 0.98  # 0.95 give or take 2.7 standard errors


def test_interval_widens_with_the_level_and_is_reproducible() -> None:
    values = np.random.default_rng(0).normal(0.6, 0.1, 23)
    narrow, wide = (intervals.bootstrap_interval(values, level) for level in (0.95, 1 - 0.05 / 12))
    assert wide[0] < narrow[0] < values.mean() < narrow[1] < wide[1]
    assert narrow == intervals.bootstrap_interval(values, 0.95)
    assert intervals.bootstrap_interval(np.full(23, 0.5)) == (0.5, 0.5)


def test_interval_refuses_what_it_cannot_use() -> None:
    with pytest.raises(DataError, match="at least 5 participants"):
        intervals.bootstrap_interval(np.array([0.4, 0.5, 0.6]))
    with pytest.raises(DataError, match="1 of them not finite"):
        intervals.bootstrap_interval(np.array([0.4, 0.5, 0.6, 0.7, 0.8, np.nan]))
    with pytest.raises(DataError, match="resample in each tail"):
        intervals.bootstrap_interval(np.arange(9.0), level=0.9999, n_resamples=99)


VALUES = np.array([0.4, 0.5, 0.6, 0.55, 0.45, 0.7])


def test_examples_in_docstrings() -> None:
    assert doctest.testmod(intervals).failed == 0


def test_a_mean_with_its_interval_by_hand() -> None:
    row = mean_and_interval(VALUES, several_folds=False)
    assert list(row) == ["mean", "low", "high", "n_participants", "n_undefined", "note"]
    assert row["mean"] == pytest.approx(3.2 / 6)
    assert (row["low"], row["high"]) == bootstrap_interval(VALUES)
    assert (row["n_participants"], row["n_undefined"], row["note"]) == (6, 0, "")
    assert {type(value) for value in row.values()} <= {float, int, str}


def test_who_is_undefined_is_dropped_and_counted() -> None:
    values = pd.Series([np.nan, *VALUES, np.nan, np.nan], index=range(10, 19))
    row, alone = (mean_and_interval(v, several_folds=True) for v in (values, VALUES))
    assert row == {**alone, "n_undefined": 3}


def test_participants_of_several_folds_widen_the_interval_around_the_mean() -> None:
    one, many = (mean_and_interval(VALUES, several_folds=several) for several in (False, True))
    assert pytest.approx(2**0.5) == SHARED_TRAINING
    assert many["mean"] == one["mean"]
    for end in ("low", "high"):
        expected = one["mean"] + 2**0.5 * (one[end] - one["mean"])
        assert many[end] == pytest.approx(expected)


def test_intervals_that_are_to_hold_together_share_the_error() -> None:
    together = mean_and_interval(VALUES, several_folds=False, n_intervals=4)
    assert together == mean_and_interval(VALUES, several_folds=False, level=0.9875)
    alone = mean_and_interval(VALUES, several_folds=False)
    assert together["low"] < alone["low"] < alone["high"] < together["high"]
    half = mean_and_interval(VALUES, several_folds=False, level=0.5, n_intervals=5)
    assert half == mean_and_interval(VALUES, several_folds=False, level=0.9)


def test_seed_and_resamples_reach_the_bootstrap() -> None:
    row = mean_and_interval(VALUES, several_folds=False, n_resamples=300, seed=5)
    assert (row["low"], row["high"]) == bootstrap_interval(VALUES, 0.95, 300, 5)


def test_mean_and_interval_stay_within_the_bounds() -> None:
    nearly_one = np.array([1.0, 1.0, 1.0, 1.0, 0.2, 1.0])
    free = mean_and_interval(nearly_one, several_folds=True, bounds=(-np.inf, np.inf))
    assert free["high"] > 1
    assert mean_and_interval(nearly_one, several_folds=True) == {
        **free,
        "low": max(free["low"], 0.0),
        "high": 1.0,
    }
    shifted = mean_and_interval(nearly_one - 1, several_folds=True, bounds=(-1.0, 1.0))
    assert shifted["mean"] == pytest.approx(free["mean"] - 1)
    assert shifted["high"] == pytest.approx(free["high"] - 1)
    assert shifted["low"] == pytest.approx(max(free["low"] - 1, -1))
    # Jackknife values may lie outside, and their mean too.
    assert mean_and_interval(np.full(6, 1.2), several_folds=True)["mean"] == 1.0


def test_too_few_participants_have_a_mean_and_a_note() -> None:
    few = VALUES[: MIN_PARTICIPANTS - 1]
    row = mean_and_interval([*few, np.nan, np.nan], several_folds=True)
    assert row["mean"] == pytest.approx(few.mean())
    assert np.isnan([row["low"], row["high"]]).all()
    assert (row["n_participants"], row["n_undefined"]) == (4, 2)
    assert row["note"] == "no interval: 4 participants, 5 needed"
    assert mean_and_interval(VALUES[:5], several_folds=True)["note"] == ""


@pytest.mark.parametrize("values", [np.full(3, np.nan), pd.Series(np.full(3, np.nan))])
def test_nobody_defines_the_value(values) -> None:
    row = mean_and_interval(values, several_folds=True)
    assert np.isnan([row["mean"], row["low"], row["high"]]).all()
    assert (row["n_participants"], row["n_undefined"]) == (0, 3)
    assert row["note"] == "undefined for every participant (3)"


def test_infinite_values_are_refused() -> None:
    with pytest.raises(DataError, match="infinite value"):
        mean_and_interval([*VALUES, np.inf], several_folds=True)


def test_no_other_module_makes_intervals_of_its_own() -> None:
    """Only the simulations, which try the intervals out, go past `mean_and_interval`."""
    root, users = Path(ecglib.__file__).parent, set()
    for path in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            name = getattr(node, "id", getattr(node, "attr", getattr(node, "name", None)))
            if name == "bootstrap_interval":
                users.add(path.relative_to(root).as_posix())
    assert users == {"evaluation/intervals.py", "evaluation/simulation.py"}
