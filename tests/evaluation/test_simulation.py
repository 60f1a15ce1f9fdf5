import doctest

import numpy as np
import pandas as pd
import pytest

from ecglib.evaluation import simulation
from ecglib.evaluation.intervals import SHARED_TRAINING, bootstrap_interval
from ecglib.evaluation.permutation import areas
from ecglib.evaluation.simulation import (
    CASES,
    People,
    coverage,
    coverage_table,
    cross_validation_table,
    null_p_values,
    uniformity,
)
from ecglib.evaluation.summaries import participant_metrics


def test_examples_in_docstrings():
    assert doctest.testmod(simulation).failed == 0


@pytest.mark.parametrize("case", CASES)
def test_the_stated_truth_is_the_mean_of_very_many_people(case):
    people, metric = CASES[case]
    labels, features = people.draw(8000, np.random.default_rng(1))
    of = areas if metric == "auc" else simulation._balanced_accuracies
    values = of(labels, features[..., 0])
    values = values[np.isfinite(values)]
    error = values.std() / np.sqrt(values.size)
    assert abs(values.mean() - getattr(people, metric)) < 4 * error


def test_people_are_as_they_are_said_to_be():
    people = People(separation=1.0, n_features=2, alike=0.75)
    labels, features = people.draw((3, 400), np.random.default_rng(0))
    assert labels.shape == (3, 400, 72) and features.shape == (3, 400, 72, 2)
    by_trial = features.reshape(3, 400, 18, 4, 2)
    assert (labels.reshape(3, 400, 18, 4).std(axis=-1) == 0).all()
    within = by_trial[..., 1].var(axis=-1, ddof=1).mean()
    assert within == pytest.approx(0.25, abs=0.01)
    assert features[..., 1].var() == pytest.approx(1, abs=0.03)
    apart = features[..., 0][labels == 1].mean() - features[..., 0][labels == 0].mean()
    assert apart == pytest.approx(1, abs=0.05)


def test_simulated_metrics_equal_those_of_the_library():
    people = People(separation=1.0, leaning_spread=0.5)
    labels, features = people.draw(6, np.random.default_rng(2))
    flat = simulation._flat(labels, features, people)
    frame = simulation.prediction_frame(flat[0], flat[1][:, 0], *flat[2:], folds=True)
    tidy = participant_metrics(frame, ["auc", "balanced_accuracy"])
    for metric, of in (("auc", areas), ("balanced_accuracy", simulation._balanced_accuracies)):
        expected = tidy.loc[tidy["metric"] == metric, "value"]
        np.testing.assert_allclose(of(labels, features[..., 0]), expected)


def test_coverage_of_cases_with_a_known_answer():
    constant = np.full((7, 6), 0.6)
    assert coverage(constant, 0.6)["coverage"] == 1
    assert coverage(constant, 0.7)["below"] == 1
    assert coverage(constant, 0.5) == {"coverage": 0, "error": 0, "below": 0, "above": 1}
    normal = np.random.default_rng(0).normal(size=(400, 23))
    counted = coverage(normal, 0.0)
    assert abs(counted["coverage"] - 0.95) < 4 * counted["error"]
    assert counted["coverage"] + counted["below"] + counted["above"] == pytest.approx(1)
    # A mean with twice the variance that the participants show, and the interval made for it.
    shared = normal + np.random.default_rng(1).normal(scale=23**-0.5, size=(400, 1))
    plain, widened = coverage(shared, 0.0), coverage(shared, 0.0, widening=SHARED_TRAINING)
    assert plain["coverage"] < 0.89
    assert abs(widened["coverage"] - 0.95) < 4 * widened["error"]


def test_coverage_is_that_of_the_librarys_interval():
    values = np.random.default_rng(3).beta(8, 2, (40, 12))
    values[5, 2] = np.nan
    inside = []
    for i, row in enumerate(values):
        low, high = bootstrap_interval(row[np.isfinite(row)], n_resamples=999, seed=i)
        inside.append(low <= 0.8 <= high)
    assert coverage(values, 0.8)["coverage"] == pytest.approx(np.mean(inside))


def test_coverage_table_has_a_row_per_case_and_size_and_repeats():
    table = coverage_table((9, 12), repetitions=10)
    assert len(table) == 2 * len(CASES)
    assert table["coverage"].between(0, 1).all() and table["truth"].between(0.5, 1).all()
    pd.testing.assert_frame_equal(table, coverage_table((9, 12), repetitions=10))


def test_left_out_heads_vary_more_than_participants_show_and_the_table_allows_for_it():
    table = cross_validation_table((0.0,), 23, repetitions=70).set_index("heads")
    assert abs(table.loc["finished", "error_ratio"] - 1) < 0.2
    assert abs(table.loc["left-out", "error_ratio"] - SHARED_TRAINING) < 0.25
    assert table.loc["left-out", "plain"] < 0.9 < table.loc["left-out", "table"]


def test_right_tests_give_uniform_p_values_and_wrong_ones_do_not():
    # Few cohorts: only what is far from right can be seen here; the chapter uses more.
    p_values = null_p_values(80, 39, 12)
    table = uniformity(p_values, 39)
    assert ((p_values * 40).round(9) % 1 == 0).all(axis=None)
    for right in ("finished head, trials", "left-out heads, refitted", "two finished heads, signs"):
        assert table.loc[right, "ks_p"] > 0.001
    extreme = (p_values - 0.5).abs().gt(0.4).mean()
    assert extreme["finished head, windows"] > extreme["finished head, trials"]
    assert extreme["left-out heads, trials"] > extreme["left-out heads, refitted"]


def test_uniformity_tells_uniform_p_values_from_others():
    rng = np.random.default_rng(0)
    uniform = rng.integers(1, 101, 400) / 100
    too_small = rng.binomial(99, rng.beta(1, 3, 400)) / 100 + 0.01
    table = uniformity(pd.DataFrame({"uniform": uniform, "too small": too_small}))
    assert table["uniform"].tolist() == [True, False]
    assert table["expected_low"].iloc[0] < 0.05 < table["expected_high"].iloc[0]
    assert table.loc["too small", "below_5_percent"] == np.mean(too_small <= 0.05)
