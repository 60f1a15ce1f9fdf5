"""Metrics of binary predictions: accuracy, balanced accuracy, macro F1, area under the curve."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import rankdata


def accuracy(truth: np.ndarray, probability: np.ndarray) -> float:
    """Give the share of windows classified correctly at probability 0.5.

    Parameters
    ----------
    truth : ndarray, shape (n_windows,)
        Labels, 0 or 1.
    probability : ndarray, shape (n_windows,)
        Probability of class 1; above 0.5 predicts 1.

    Returns
    -------
    float
    """
    return float(np.mean((probability > 0.5) == truth))


def balanced_accuracy(truth: np.ndarray, probability: np.ndarray) -> float:
    """Average the two classes' recalls; NaN if a class is absent from `truth`.

    Parameters
    ----------
    truth, probability
        As in `accuracy`.

    Returns
    -------
    float
    """
    true_negative, false_positive, false_negative, true_positive = _confusion(truth, probability)
    positive, negative = true_positive + false_negative, true_negative + false_positive
    if not positive or not negative:
        return float("nan")
    return (true_positive / positive + true_negative / negative) / 2


def macro_f1(truth: np.ndarray, probability: np.ndarray) -> float:
    """Average the two classes' F1 scores, unweighted; NaN if a class is absent from `truth`.

    The released code (``utils.py``) instead takes the F1 of the mean precision and the mean recall,
    which is another number.

    Parameters
    ----------
    truth, probability
        As in `accuracy`.

    Returns
    -------
    float
    """
    true_negative, false_positive, false_negative, true_positive = _confusion(truth, probability)
    if not true_positive + false_negative or not true_negative + false_positive:
        return float("nan")
    errors = false_positive + false_negative
    return true_positive / (2 * true_positive + errors) + true_negative / (
        2 * true_negative + errors
    )


def auc(truth: np.ndarray, probability: np.ndarray) -> float:
    """Measure the area under the ROC curve, ties counted half; NaN if `truth` lacks a class.

    Parameters
    ----------
    truth, probability
        As in `accuracy`.

    Returns
    -------
    float
    """
    positive = int(np.sum(truth))
    negative = truth.size - positive
    if not positive or not negative:
        return float("nan")
    rank_sum = rankdata(probability)[truth == 1].sum()
    return float((rank_sum - positive * (positive + 1) / 2) / (positive * negative))


METRICS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "macro_f1": macro_f1,
    "auc": auc,
}
"""Metrics by the names that they have in tables."""


def _confusion(truth: np.ndarray, probability: np.ndarray) -> tuple[int, int, int, int]:
    predicted = probability > 0.5
    counts = np.bincount(2 * truth.astype(np.int64) + predicted, minlength=4)
    return tuple(int(c) for c in counts)
