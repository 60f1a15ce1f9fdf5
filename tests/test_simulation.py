import doctest
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ecglib import evaluation, simulation
from ecglib.errors import DataError
from ecglib.metrics import METRICS, SHARED_TRAINING, bootstrap_interval, participant_metrics
from ecglib.permutation import areas
from ecglib.simulation import (
    CASES,
    People,
    coverage,
    coverage_table,
    cross_validation_table,
    detectable_effect,
    null_p_values,
    power,
    seed_variance,
    simulated_power,
    uniformity,
    variance_parts,
)


@dataclass(frozen=True)
class Head:
    epochs: int = 10


def seeded_frame(table, first_seed=0):
    """Predictions whose accuracy per participant and seed is that of the table, in tenths."""
    rows = []
    for person, values in enumerate(table, start=1):
        for seed, value in enumerate(values, start=first_seed):
            right = np.arange(10) < round(10 * value)
            truth = np.arange(10) % 2
            rows.append(
                pd.DataFrame(
                    {
                        "protocol": "leave-one-participant-out",
                        "model": "m",
                        "regime": "none",
                        "target": "valence",
                        "fold": person,
                        "seed": seed,
                        "window": 10 * person + np.arange(10),
                        "participant": person,
                        "clip": 1,
                        "probability": np.where(right, truth, 1 - truth),
                        "truth": truth,
                    }
                )
            )
    return pd.concat(rows, ignore_index=True)


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
    with pytest.raises(DataError, match="positive spread"):
        detectable_effect(0.0, 23)


def test_variance_parts_of_constructed_tables():
    person = np.array([0.4, 0.5, 0.6, 0.9])[:, None]
    seed = np.array([-0.02, 0.0, 0.02])
    parts = variance_parts(person + seed)  # no rest at all
    assert parts["rest"] == pytest.approx(0, abs=1e-12)
    assert parts["participant"] == pytest.approx(person.var(ddof=1))
    assert parts["seed"] == pytest.approx(0.0004)
    assert parts["spread_of_seeds"] == pytest.approx(0.02)
    assert parts["error"] ** 2 == pytest.approx(person.var(ddof=1) / 4 + 0.0004 / 3)
    assert parts["error_many_seeds"] ** 2 == pytest.approx(person.var(ddof=1) / 4)
    assert parts["error_one_seed"] > parts["error"] > parts["error_many_seeds"]
    # Two by two, by hand: row means 0.5 and 0.7, column means 0.6 and 0.6, every rest 0.1.
    crossed = variance_parts(np.array([[0.6, 0.4], [0.6, 0.8]]))
    assert crossed["rest"] == pytest.approx(0.04)
    assert (crossed["participant"], crossed["seed"]) == (0, 0)


def test_variance_parts_are_right_on_average():
    rng = np.random.default_rng(0)
    found = [
        variance_parts(
            rng.normal(scale=0.1, size=(23, 1))
            + rng.normal(scale=0.05, size=(1, 5))
            + rng.normal(scale=0.08, size=(23, 5))
        )
        for _ in range(2000)
    ]
    mean = pd.DataFrame(found).mean()
    assert mean["participant"] == pytest.approx(0.01, rel=0.03)
    assert mean["seed"] == pytest.approx(0.0025, rel=0.08)
    assert mean["rest"] == pytest.approx(0.0064, rel=0.02)


def test_seed_variance_reads_predictions():
    table = np.array([[0.5, 0.6], [0.7, 0.8], [0.9, 1.0]])
    row = seed_variance(seeded_frame(table), "accuracy").iloc[0]
    expected = variance_parts(table)
    assert row[list(expected)].tolist() == pytest.approx(list(expected.values()))
    assert (row["n_participants"], row["n_seeds"], row["model"]) == (3, 2, "m")
    assert set(METRICS) >= {"accuracy"}


def test_seed_variance_refuses_incomplete_seeds():
    frame = seeded_frame([[0.5, 0.6], [0.7, 0.8], [0.9, 1.0]])
    missing = frame[~((frame["participant"] == 2) & (frame["seed"] == 1))]
    with pytest.raises(DataError, match="participant 2, field seed: no accuracy of model m with"):
        seed_variance(missing, "accuracy")
    with pytest.raises(DataError, match="2 participants and 2 seeds"):
        seed_variance(frame[frame["seed"] == 0], "accuracy")


def test_heads_are_trained_once_for_every_seed(tmp_path, monkeypatch):
    meta = pd.DataFrame({"participant": np.repeat([1, 2, 3], 4), "clip": np.tile([1, 2, 3, 4], 3)})
    meta["valence"] = 2 + 2 * (meta["clip"] % 2)
    study = SimpleNamespace(
        usable=SimpleNamespace(meta=meta),
        profile=SimpleNamespace(head=Head()),
        features=lambda model: np.arange(24.0).reshape(12, 2),
        root=tmp_path,
    )
    trained = []

    def evaluate(features, meta, splitter, targets, head, seed, model, regime):
        trained.append((splitter.protocol, targets, head.epochs, seed, model))
        rng = np.random.default_rng(seed)
        frames = [
            evaluation.prediction_rows(
                meta,
                test,
                rng.random(test.size),
                evaluation.label_matrix(meta, targets)[:, 0],
                **{"protocol": splitter.protocol, "model": model, "regime": regime},
                **{"target": targets[0], "fold": fold, "seed": seed},
            )
            for fold, (_, test) in enumerate(splitter.split(meta))
        ]
        return pd.concat(frames)

    monkeypatch.setattr(evaluation, "evaluate_frozen", evaluate)
    first, again = (simulation.seed_predictions(study, "valence", n_seeds=3) for _ in range(2))
    protocol = "leave-one-participant-out"
    assert trained == [(protocol, ["valence"], 4, seed, "random encoder") for seed in range(3)]
    pd.testing.assert_frame_equal(first, again)
    assert seed_variance(first)["n_seeds"].item() == 3


def test_a_kept_table_is_simulated_once(tmp_path, monkeypatch):
    first = simulation.kept(coverage_table, tmp_path, n_participants=(9,), repetitions=3)
    calls = []
    monkeypatch.setattr(simulation, "coverage", lambda *a, **k: calls.append(1))
    again = simulation.kept(coverage_table, tmp_path, n_participants=(9,), repetitions=3)
    pd.testing.assert_frame_equal(first, again)
    assert not calls
    assert len(list(tmp_path.glob("coverage-table-*.csv"))) == 1
