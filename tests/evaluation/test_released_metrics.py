"""The released metric is the harmonic mean of means, and pseudo-values average to it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_score, recall_score

from ecglib.core.errors import DataError
from ecglib.evaluation.released_metrics import (
    mean_score,
    pooled_score,
    released_metrics,
    score_change,
)


def test_released_metrics_by_hand():
    # High: 2 of 2 predicted are right, 2 of 3 found. Low: 1 of 2 right, 1 of 1 found.
    scores = released_metrics(np.array([1, 1, 1, 0]), np.array([1, 1, 0, 0]))
    precision, recall = (1 + 1 / 2) / 2, (2 / 3 + 1) / 2
    assert scores["accuracy"] == 3 / 4
    assert scores["precision"] == pytest.approx(precision)
    assert scores["recall"] == pytest.approx(recall)
    assert scores["f1"] == pytest.approx(2 * precision * recall / (precision + recall))
    assert scores["mean_f1"] == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert scores["f1"] - scores["mean_f1"] > 0.05


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_released_metrics_against_scikit_learn(pairs):
    truth, predicted = np.array(pairs).T
    scores = released_metrics(truth.astype(int), predicted)
    options = {"average": "macro", "zero_division": 0}
    assert scores["precision"] == pytest.approx(precision_score(truth, predicted, **options))
    assert scores["recall"] == pytest.approx(recall_score(truth, predicted, **options))
    assert scores["mean_f1"] == pytest.approx(f1_score(truth, predicted, **options))
    # The harmonic mean is concave, so that of the means is never below the mean of those.
    assert scores["f1"] >= scores["mean_f1"] - 1e-12


def test_a_class_never_predicted_has_precision_zero():
    scores = released_metrics(np.array([1, 1, 1, 0]), np.ones(4))
    assert scores["precision"] == 3 / 8
    assert scores["recall"] == 1 / 2
    assert released_metrics(np.array([1, 0]), np.array([0, 1]))["f1"] == 0


def test_released_metrics_refuses():
    with pytest.raises(DataError, match="one class per window"):
        released_metrics(np.array([0, 1]), np.array([0]))
    with pytest.raises(DataError, match="one class per window"):
        released_metrics(np.array([]), np.array([]))
    with pytest.raises(DataError, match="other than 0 and 1"):
        released_metrics(np.array([0, 2]), np.array([0, 1]))


def test_pseudo_values_are_those_of_the_jackknife():
    rng = np.random.default_rng(0)
    participant = np.repeat([1, 2, 5], [10, 20, 15])
    truth, predicted = rng.integers(0, 2, (2, 45))
    score = pooled_score(truth, predicted, participant)
    assert score.whole == released_metrics(truth, predicted)["f1"]
    without = np.array(
        [
            released_metrics(truth[participant != p], predicted[participant != p])["f1"]
            for p in (1, 2, 5)
        ]
    )
    expected = score.whole + 2 * (without.mean() - without)
    np.testing.assert_allclose(score.of_participant, expected)


def test_a_change_is_taken_within_participants():
    rng = np.random.default_rng(1)
    participant = np.repeat(np.arange(8), 12)
    truth = rng.integers(0, 2, participant.size)
    guesses = [np.where(rng.random(truth.size) < share, truth, 1 - truth) for share in (0.9, 0.6)]
    good, bad = (pooled_score(truth, guess, participant) for guess in guesses)
    change = score_change(good, bad, 500)
    assert change["number"] - change["before"] == change["change"] > 0
    assert 0 < change["low"] < change["change"] < change["high"] <= 1
    same = score_change(good, good, 500)
    assert (same["change"], same["low"], same["high"]) == (0, 0, 0)
    assert mean_score([good, bad]).whole == pytest.approx((good.whole + bad.whole) / 2)
