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
