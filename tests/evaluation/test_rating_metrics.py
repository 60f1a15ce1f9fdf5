import doctest

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import cohen_kappa_score

from ecglib.core.errors import DataError
from ecglib.core.tables import typed
from ecglib.evaluation import rating_metrics as rating_metrics_module
from ecglib.evaluation.intervals import SHARED_TRAINING, bootstrap_interval
from ecglib.evaluation.protocols import RATING_COLUMNS
from ecglib.evaluation.rating_metrics import (
    concordance,
    macro_mae,
    quadratic_kappa,
    rating_metrics,
    spearman,
    summarise_ratings,
)


def predicted(truth, values, participant=1, model="m"):
    truth = np.atleast_1d(truth)
    rows = pd.DataFrame(
        {
            "protocol": "p",
            "model": model,
            "regime": "r",
            "target": "valence",
            "fold": participant,
            "seed": 0,
            "window": np.arange(truth.size),
            "participant": participant,
            "clip": 1,
            "predicted": values,
            "truth": truth,
        }
    )
    return typed(rows, RATING_COLUMNS)


def test_examples_in_docstrings():
    outcome = doctest.testmod(rating_metrics_module)
    assert outcome.attempted
    assert not outcome.failed


def test_metrics_against_values_worked_out_by_hand():
    truth, guess = np.array([1, 2, 3, 4, 5, 5]), np.array([1.0, 3.0, 3.0, 3.0, 5.0, 4.0])
    # Errors by rating: 0, 1, 0, 1, (0 + 1) / 2.
    assert macro_mae(truth, guess) == pytest.approx((0 + 1 + 0 + 1 + 0.5) / 5)
    assert quadratic_kappa(truth, guess) == pytest.approx(
        cohen_kappa_score(truth, guess.astype(int), weights="quadratic", labels=[1, 2, 3, 4, 5])
    )
    x, y = truth - truth.mean(), guess - guess.mean()
    expected = 2 * (x @ y) / (x @ x + y @ y + 6 * (truth.mean() - guess.mean()) ** 2)
    assert concordance(truth, guess) == pytest.approx(expected)
    assert spearman(truth, guess) == pytest.approx(spearmanr(truth, guess).statistic)


@pytest.mark.parametrize("seed", range(3))
def test_kappa_equals_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    truth, guess = rng.integers(1, 6, 40), rng.uniform(1, 5, 40)
    expected = cohen_kappa_score(truth, np.floor(guess + 0.5).astype(int), weights="quadratic")
    assert quadratic_kappa(truth, guess) == pytest.approx(expected)


def test_perfect_shifted_and_constant_predictions():
    truth = np.array([1, 2, 3, 4, 5, 2])
    for metric, perfect in ((quadratic_kappa, 1), (spearman, 1), (concordance, 1), (macro_mae, 0)):
        assert metric(truth, truth.astype(float)) == pytest.approx(perfect)
    squeezed = 3 + 0.2 * (truth - 3)
    assert spearman(truth, squeezed) == pytest.approx(1)
    assert concordance(truth, squeezed) < 0.5
    constant = np.full(6, 3.0)
    assert quadratic_kappa(truth, constant) == concordance(truth, constant) == 0
    assert np.isnan(spearman(truth, constant))
    alike = np.full(6, 4)
    for metric in (quadratic_kappa, spearman, concordance):
        assert np.isnan(metric(alike, np.linspace(1, 5, 6)))
    assert macro_mae(alike, constant) == 1


def test_people_who_define_no_metric_are_dropped_and_counted():
    rng = np.random.default_rng(0)
    frames = [predicted(rng.integers(1, 6, 20), rng.uniform(1, 5, 20), p) for p in range(1, 7)]
    frames += [predicted(np.full(20, 4), rng.uniform(1, 5, 20), 7)]
    frames += [predicted(rng.integers(1, 6, 20), np.full(20, 3.0), 8)]
    table = summarise_ratings(pd.concat(frames), n_resamples=200).set_index("metric")
    assert table["n_participants"].to_dict() == {
        "macro_mae": 8,
        "quadratic_kappa": 7,
        "spearman": 6,
        "concordance": 7,
    }
    assert (table["n_participants"] + table["n_undefined"] == 8).all()
    assert table[["mean", "low", "high"]].notna().all(axis=None)
    constant = predicted(rng.integers(1, 6, 20), np.full(20, 3.0))
    row = summarise_ratings(constant).set_index("metric")
    assert row.loc["spearman", "note"] == "undefined for every participant (1)"
    assert "no interval" in row.loc["macro_mae", "note"]
    assert np.isnan(row.loc["macro_mae", "low"])


def test_intervals_are_those_of_participants_widened_for_shared_training():
    rng = np.random.default_rng(1)
    frames = [predicted(rng.integers(1, 6, 30), rng.uniform(1, 5, 30), p) for p in range(10)]
    rows = pd.concat(frames)
    table = summarise_ratings(rows, n_resamples=500).set_index("metric")
    values = rating_metrics(rows)["macro_mae"].to_numpy()
    low, _ = bootstrap_interval(values, n_resamples=500)
    expected = values.mean() + SHARED_TRAINING * (low - values.mean())
    assert table.loc["macro_mae", "low"] == pytest.approx(expected)


def test_differences_are_taken_within_participants():
    rng = np.random.default_rng(2)
    frames = []
    for p in range(6):
        truth = rng.integers(1, 6, 30)
        frames += [predicted(truth, np.full(30, 3.0), p, "flat")]
        frames += [predicted(truth, np.clip(truth + rng.normal(0, 1, 30), 1, 5), p, "good")]
    rows = pd.concat(frames)
    table = summarise_ratings(rows, against="flat", n_resamples=200)
    assert set(table["model"]) == {"good"}
    values = rating_metrics(rows)["macro_mae"].unstack("model")
    row = table.set_index("metric").loc["macro_mae"]
    assert row["mean"] == pytest.approx((values["good"] - values["flat"]).mean())
    assert row["high"] < 0
    with pytest.raises(DataError, match="no predictions of model 'other'"):
        summarise_ratings(rows, against="other")


def test_invalid_ratings_are_refused_by_name():
    rows = predicted([1, 2, 3], [1.0, 2.0, 3.0], participant=4)
    with pytest.raises(DataError, match=r"participant 4, clip 1, field predicted: 6\.0"):
        rating_metrics(rows.assign(predicted=6.0))
    with pytest.raises(DataError, match="field truth"):
        rating_metrics(rows.assign(truth=0))
    with pytest.raises(DataError, match=r"field predicted: .* lack this column"):
        rating_metrics(rows.drop(columns="predicted"))
    with pytest.raises(DataError, match="no predicted ratings"):
        rating_metrics(rows.iloc[:0])
