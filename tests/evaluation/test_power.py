import numpy as np
import pytest

from ecglib.core.errors import DataError
from ecglib.evaluation.intervals import MIN_PARTICIPANTS, SHARED_TRAINING
from ecglib.evaluation.power import (
    detectable_effect,
    detectable_effects,
    power,
    power_curves,
    standard_errors,
)
from ecglib.evaluation.simulation import (
    simulated_power,
)
from ecglib.evaluation.variance import variance_parts


def test_power_grows_with_effect_and_participants_and_falls_with_spread():
    effects = [power(e, 0.1, 23) for e in (0.0, 0.02, 0.05, 0.1, 0.2)]
    sizes = [power(0.05, 0.1, n) for n in (6, 10, 23, 40, 100)]
    spreads = [power(0.05, s, 23) for s in (0.05, 0.1, 0.2)]
    assert effects == sorted(effects) and sizes == sorted(sizes)
    assert spreads == sorted(spreads, reverse=True)
    assert effects[0] == pytest.approx(0.05)
    assert power(0.05, 0.1, 23, several_folds=False) > power(0.05, 0.1, 23)


def test_detectable_effect_is_found_as_often_as_asked_for():
    effect = detectable_effect(0.1, 23)
    assert power(effect, 0.1, 23) == pytest.approx(0.8)
    single = detectable_effect(0.1, 23, several_folds=False)
    assert effect == pytest.approx(SHARED_TRAINING * single)
    # Cohen's tables give d = 0.61 for a one-sample t test of 23 with power 0.8.
    assert single / 0.1 == pytest.approx(0.61, abs=0.005)
    assert simulated_power(single, 0.1, 23, repetitions=300) == pytest.approx(0.8, abs=0.07)
    with pytest.raises(DataError, match=r"spread: 0\.0\. Expected a number above 0"):
        detectable_effect(0.0, 23)


def test_detectable_effect_is_in_the_unit_of_the_spread_however_large():
    assert detectable_effect(1e5, 23) == pytest.approx(1e6 * detectable_effect(0.1, 23))


def test_curves_of_power_hold_the_power_of_every_effect_and_cohort():
    table = power_curves(0.1, (10, 23))
    assert table.columns.tolist() == [10, 23]
    assert (table.index[0], table.index[-1]) == (0, pytest.approx(0.2))
    assert (table.diff().iloc[1:] > 0).all(axis=None)
    few = power_curves(0.1, (23,), effects=[0.02, 0.05])
    assert few[23].tolist() == [power(0.02, 0.1, 23), power(0.05, 0.1, 23)]


def test_detectable_effects_are_those_of_both_kinds_of_head():
    table = detectable_effects(0.1, (6, 23))
    assert table.loc[23, "left-out heads"] == detectable_effect(0.1, 23)
    assert table.loc[23, "finished head"] == detectable_effect(0.1, 23, several_folds=False)
    default = detectable_effects(0.1)
    assert (default.index[0], default.index[-1]) == (MIN_PARTICIPANTS, 200)
    assert default.index.is_unique and default.index.is_monotonic_increasing
    assert (default.diff().iloc[1:] < 0).all(axis=None)
    assert (default["left-out heads"] > default["finished head"]).all()


def test_standard_errors_are_those_of_the_variance_parts():
    table = 0.5 + 0.1 * np.random.default_rng(0).normal(size=(9, 5))
    parts = variance_parts(table)
    errors = standard_errors(parts, (9, 18), range(1, 6))
    assert errors.shape == (5, 2)
    assert errors.loc[5, 9] == pytest.approx(parts["error"])
    assert errors.loc[1, 9] == pytest.approx(parts["error_one_seed"])
    # Twice the people halve all but the share of the seeds.
    halved = (errors.loc[1, 9] ** 2 - parts["seed"]) / 2
    assert errors.loc[1, 18] ** 2 - parts["seed"] == pytest.approx(halved)
