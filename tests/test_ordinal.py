"""Ratings from 1 to 5: models, metrics and their summary."""

import doctest
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import cohen_kappa_score

from ecglib import ordinal
from ecglib.errors import DataError
from ecglib.metrics import SHARED_TRAINING, bootstrap_interval
from ecglib.ordinal import (
    MEAN,
    MEDIAN,
    ORDINAL,
    RATING_COLUMNS,
    RIDGE,
    OrdinalLogistic,
    concordance,
    evaluate_ratings,
    macro_mae,
    quadratic_kappa,
    rating_metrics,
    rating_models,
    rating_predictions,
    spearman,
    summarise_ratings,
)
from ecglib.study import STR


def make_cohort(n_people=6, n_clips=10, seed=0):
    rng = np.random.default_rng(seed)
    n = n_people * n_clips
    meta = pd.DataFrame(
        {
            "participant": np.repeat(np.arange(1, n_people + 1), n_clips),
            "clip": np.tile(np.arange(1, n_clips + 1), n_people),
            "valence": rng.integers(1, 6, n),
            "arousal": rng.integers(1, 6, n),
            "dominance": rng.integers(1, 6, n),
        }
    )
    X = rng.standard_normal((n, 4))
    X[:, 0] += meta["valence"]
    return meta, X


def predicted(truth, values, participant=1, model="m"):
    truth = np.atleast_1d(truth)
    return pd.DataFrame(
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
    ).astype(RATING_COLUMNS)


def test_examples_in_docstrings():
    outcome = doctest.testmod(ordinal, extraglobs={"np": np})
    assert outcome.attempted
    assert not outcome.failed


def test_the_ordinal_model_recovers_an_order_and_gives_probabilities():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((600, 2))
    y = np.digitize(X[:, 0] + 0.3 * rng.standard_normal(600), [-1, -0.3, 0.3, 1]) + 1
    fitted = OrdinalLogistic(C=10.0).fit(X, y)
    shares = fitted.predict_proba(X)
    assert shares.shape == (600, 5)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert (shares >= 0).all()
    assert spearman(y, fitted.predict(X)) > 0.9
    assert np.mean(shares.argmax(axis=1) + 1 == y) > 0.7
    grid = np.column_stack([np.linspace(-3, 3, 50), np.zeros(50)])
    assert (np.diff(fitted.predict(grid)) > 0).all()


def test_crossing_probabilities_are_put_in_order():
    class Crossing(OrdinalLogistic):
        def probability_above(self, X):
            return np.array([[0.8, 0.5, 0.6, 0.1]])

    shares = Crossing().predict_proba(np.zeros((1, 1)))
    np.testing.assert_allclose(shares, [[0.2, 0.3, 0.0, 0.4, 0.1]], atol=1e-12)
    np.testing.assert_allclose(Crossing().predict(np.zeros((1, 1))), [3.0])


def test_a_rating_that_nobody_gave_in_training_gets_no_probability():
    X, y = np.array([[0.0], [0.1], [0.9], [1.0]]), np.array([2, 2, 3, 3])
    shares = OrdinalLogistic().fit(X, y).predict_proba(X)
    np.testing.assert_allclose(shares[:, [0, 3, 4]], 0)
    np.testing.assert_allclose(shares.sum(axis=1), 1)


def test_something_else_than_a_rating_is_refused():
    with pytest.raises(DataError, match=r"rating 2\.5.*whole number from 1 to 5"):
        OrdinalLogistic().fit(np.zeros((2, 1)), np.array([1, 2.5]))


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
    assert "constant" in row.loc["spearman", "note"]
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


def test_models_beat_the_baselines_where_there_is_something_to_find():
    meta, X = make_cohort()
    features = dict.fromkeys(range(1, 7), X)
    rows = evaluate_ratings(
        rating_models(4, 1), features, meta, ["valence", "arousal"], regime="strict"
    )
    assert list(rows.columns) == list(RATING_COLUMNS)
    assert rows["predicted"].between(1, 5).all()
    assert (rows.groupby(["model", "target"])["window"].nunique() == len(meta)).all()
    mean = rating_metrics(rows).groupby(["target", "model"]).mean()
    for model in (RIDGE, ORDINAL):
        assert mean.loc["valence", "macro_mae"][model] < mean.loc["valence", "macro_mae"][MEDIAN]
        assert mean.loc[("valence", model), "concordance"] > 0.5
        assert abs(mean.loc[("arousal", model), "spearman"]) < 0.4
    ratings = meta["valence"][meta["participant"] != 3]
    of_three = rows.query("participant == 3 and target == 'valence'").groupby("model")["predicted"]
    assert of_three.unique()[MEAN] == pytest.approx(ratings.mean())
    assert of_three.unique()[MEDIAN] == pytest.approx(ratings.median())


def test_ratings_of_the_tested_person_are_never_learnt():
    meta, X = make_cohort()
    features, models = dict.fromkeys(range(1, 7), X), rating_models(4, 1)
    before = evaluate_ratings(models, features, meta, ["valence"], regime="r")
    other = meta.assign(valence=np.where(meta["participant"] == 2, 1, meta["valence"]))
    after = evaluate_ratings(models, features, other, ["valence"], regime="r")
    mine = before["participant"] == 2
    np.testing.assert_array_equal(before["predicted"][mine], after["predicted"][mine])
    assert not np.array_equal(before["predicted"][~mine], after["predicted"][~mine])


def test_the_experiment_uses_each_person_s_encoder_and_runs_once(tmp_path, monkeypatch):
    meta, X = make_cohort()
    study = SimpleNamespace(
        usable=SimpleNamespace(meta=meta),
        groups=[np.array([1, 2, 3]), np.array([4, 5, 6])],
        group_of={p: int(p > 3) for p in range(1, 7)},
        cohort=SimpleNamespace(sha256="0"),
        profile=SimpleNamespace(windows="w", seed=0),
        root=tmp_path,
        features=lambda model, group=None: np.roll(X, group or 0, axis=0),
    )
    rows = rating_predictions(study)
    expected = evaluate_ratings(
        rating_models(4, 1),
        {p: study.features(STR, study.group_of[p]) for p in range(1, 7)},
        meta,
        ["valence", "arousal", "dominance"],
        regime="strict",
    )
    pd.testing.assert_frame_equal(rows, expected)
    monkeypatch.setattr(ordinal, "evaluate_ratings", None)  # a second evaluation would fail
    pd.testing.assert_frame_equal(rows, rating_predictions(study))
