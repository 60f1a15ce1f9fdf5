"""What choosing the best of several refits does to its score."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.evaluation.refits import Refits, best_of, optimism, refit
from ecglib.evaluation.splits import WindowKFold
from ecglib.transfer import frozen
from ecglib.transfer.frozen import HeadConfig
from tests.cohorts import rated_windows

TINY = HeadConfig(hidden=(4,), epochs=2, batch_size=32)


@pytest.fixture(scope="module")
def meta():
    return rated_windows()


@pytest.fixture(scope="module")
def features(meta):
    return np.random.default_rng(1).normal(size=(len(meta), 5)).astype("float32")


def test_best_of_against_all_draws():
    scores = np.random.default_rng(0).random((6, 3))
    for k in range(1, 7):
        draws = [scores[list(rows)].max(axis=0) for rows in combinations(range(6), k)]
        np.testing.assert_allclose(best_of(scores, k), np.mean(draws, axis=0))
    for k in (0, 7):
        with pytest.raises(DataError, match="from 1 to 6"):
            best_of(scores, k)


def test_choosing_adds_nothing_to_one_refit_and_grows_where_nothing_is_to_be_found():
    rng = np.random.default_rng(0)
    truth, fold = rng.integers(0, 2, 400), np.arange(400) % 8
    refits = Refits(truth, fold, rng.random((12, 400)) < 0.5)
    curve = optimism(refits)
    scores = refits.scores()
    assert scores.shape == (12, 8)
    assert curve["per_fold"][1] == pytest.approx(scores.mean())
    assert curve["same"][1] == pytest.approx(scores.mean())
    assert (curve.diff().dropna() > 0).all(axis=None)
    assert curve["per_fold"][12] == pytest.approx(scores.max(axis=0).mean())
    assert abs(curve["per_fold"][1] - 0.5) < 0.03 < curve["per_fold"][12] - 0.5
    assert (curve["per_fold"] >= curve["same"] - 1e-12).all()


def test_the_best_refit_is_chosen_in_each_fold():
    truth, fold = np.array([0, 1, 0, 1, 0, 1, 0, 1]), np.array([5, 5, 7, 7, 5, 5, 7, 7])
    right, wrong = truth == 1, truth == 0
    refits = Refits(truth, fold, np.stack([np.where(fold == 5, right, wrong), ~right, right]))
    np.testing.assert_array_equal(refits.scores(), [[1, 0], [0, 0], [1, 1]])
    np.testing.assert_array_equal(refits.best(), right)


def test_refits_predict_each_window_with_the_head_that_did_not_learn_it(monkeypatch, features):
    labels = np.arange(len(features)) % 2
    folds = list(WindowKFold(3, 0).split(pd.DataFrame(index=range(len(features)))))
    seen = {}

    def fit_heads(x, y, mask, config, seed):
        seen.update(mask=mask, labels=y)
        # Head h says "high" exactly where it did not learn; refit 1 never does.
        return np.where(np.arange(len(y))[:, None] < 3, ~mask, 0.0)

    monkeypatch.setattr(frozen, "fit_heads", fit_heads)
    refits = refit(features, labels, folds, TINY, n_refits=2, seed=0)
    assert seen["mask"].shape == (6, len(features))
    assert (seen["labels"] == labels).all()
    assert refits.predicted[0].all()
    assert not refits.predicted[1].any()
    for f, (_, test) in enumerate(folds):
        assert (refits.fold[test] == f).all()
