import doctest

import numpy as np
import pytest
from sklearn import metrics as reference

from ecglib.evaluation import metrics


def test_examples_in_docstrings() -> None:
    assert doctest.testmod(metrics).failed == 0


@pytest.mark.parametrize("seed", range(5))
def test_metrics_equal_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, 60)
    probability = rng.integers(0, 11, 60) / 10  # with ties, and values of exactly 0.5
    hard = probability > 0.5
    expected = {
        "accuracy": reference.accuracy_score(truth, hard),
        "balanced_accuracy": reference.balanced_accuracy_score(truth, hard),
        "macro_f1": reference.f1_score(truth, hard, average="macro"),
        "auc": reference.roc_auc_score(truth, probability),
    }
    got = {name: function(truth, probability) for name, function in metrics.METRICS.items()}
    assert got == pytest.approx(expected, abs=1e-12)


def test_one_class_leaves_only_accuracy_defined() -> None:
    truth, probability = np.ones(4, int), np.array([0.9, 0.2, 0.8, 0.7])
    values = {name: function(truth, probability) for name, function in metrics.METRICS.items()}
    assert values["accuracy"] == 0.75
    assert all(np.isnan(values[name]) for name in ("balanced_accuracy", "macro_f1", "auc"))


def test_without_windows_of_class_1_only_accuracy_is_defined() -> None:
    truth, probability = np.zeros(4, int), np.array([0.9, 0.2, 0.8, 0.7])
    values = {name: function(truth, probability) for name, function in metrics.METRICS.items()}
    assert values["accuracy"] == 0.25
    assert all(np.isnan(values[name]) for name in ("balanced_accuracy", "macro_f1", "auc"))


@pytest.mark.parametrize(
    ("probability", "expected"),
    [
        # One window right and one wrong in each class.
        ([0.9, 0.2, 0.1, 0.8], [0.5, 0.5, 0.5, 0.75]),
        # Everything wrong, and everything right.
        ([0.1, 0.2, 0.9, 0.8], [0.0, 0.0, 0.0, 0.0]),
        ([0.9, 0.8, 0.1, 0.2], [1.0, 1.0, 1.0, 1.0]),
        # A single window of class 1 is found: recalls 1/2 and 1, F1 2/3 and 4/5; 3 1/2 of 4 pairs.
        ([0.9, 0.5, 0.5, 0.2], [0.75, 0.75, 11 / 15, 0.875]),
    ],
)
def test_metrics_of_four_windows_by_hand(probability, expected) -> None:
    truth = np.array([1, 1, 0, 0])
    got = [function(truth, np.array(probability)) for function in metrics.METRICS.values()]
    assert got == pytest.approx(expected)


def test_the_area_within_folds_counts_the_pairs_of_each_fold() -> None:
    rng = np.random.default_rng(0)
    truth, fold = rng.integers(0, 2, 80), rng.integers(0, 7, 80)
    probability = rng.integers(0, 6, 80) / 5
    right = pairs = 0.0
    for i in np.flatnonzero(truth == 1):
        for j in np.flatnonzero((truth == 0) & (fold == fold[i])):
            pairs += 1
            right += (probability[i] > probability[j]) + 0.5 * (probability[i] == probability[j])
    assert metrics.auc_within_folds(truth, probability, fold) == pytest.approx(right / pairs)
    one = np.zeros(80, int)
    whole = metrics.auc(truth, probability)
    assert metrics.auc_within_folds(truth, probability, one) == pytest.approx(whole)
    assert np.isnan(metrics.auc_within_folds(truth, probability, np.arange(80)))


def test_what_a_head_adds_to_all_its_answers_changes_neither_ranks_nor_area_within_folds() -> None:
    rng = np.random.default_rng(1)
    truth, fold = rng.integers(0, 2, 60), np.repeat([3, 1, 2], 20)
    probability = rng.random(60) / 2
    moved = probability + np.repeat([0.0, 0.4, 0.2], 20)
    for same in (metrics.ranks_within_folds, lambda p, f: metrics.auc_within_folds(truth, p, f)):
        np.testing.assert_allclose(same(probability, fold), same(moved, fold))
    ranks = metrics.ranks_within_folds(probability, fold)
    assert sorted(ranks[:20]) == pytest.approx(np.arange(1, 21) / 20)
    assert metrics.auc(truth, moved) != pytest.approx(metrics.auc(truth, probability))
