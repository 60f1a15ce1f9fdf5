"""Metrics of binary predictions: accuracy, balanced accuracy, macro F1, area under the curve."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import rankdata

from ecglib.core import checks
from ecglib.core.arrays import rows_by_value


def labels_and_probabilities(
    truth: np.ndarray, probability: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Check that there is one label and one probability per window.

    Parameters
    ----------
    truth, probability
        As in `accuracy`.

    Returns
    -------
    truth, probability : ndarray, shape (n_windows,)

    Raises
    ------
    DataError
        As in `accuracy`.

    Examples
    --------
    >>> labels_and_probabilities(np.array([1, 2]), np.array([0.5, 0.5]))
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: field truth: 2. Expected labels, 0 or 1.
    """
    truth = checks.labels("truth", truth, (None,))
    return truth, checks.probabilities("probability", probability, truth.shape)


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

    Raises
    ------
    DataError
        If there are no windows, shapes differ, a label is not 0 or 1, or a probability is none.

    Examples
    --------
    >>> accuracy(np.array([1, 1, 0, 0]), np.array([0.9, 0.4, 0.2, 0.1]))
    0.75
    """
    truth, probability = labels_and_probabilities(truth, probability)
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

    Raises
    ------
    DataError
        As in `accuracy`.

    Examples
    --------
    >>> balanced_accuracy(np.array([1, 0, 0, 0]), np.full(4, 0.1))  # always "low"
    0.5
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

    Raises
    ------
    DataError
        As in `accuracy`.

    Examples
    --------
    >>> round(macro_f1(np.array([1, 0, 0, 0]), np.full(4, 0.1)), 3)  # always "low"
    0.429
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
    truth : ndarray, shape (n_windows,)
        Labels, 0 or 1.
    probability : ndarray, shape (n_windows,)
        Probability of class 1, or any other score: only the order counts.

    Returns
    -------
    float

    Raises
    ------
    DataError
        If there are no windows, shapes differ, a label is not 0 or 1, or a score is not finite.

    Examples
    --------
    >>> auc(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.3, 0.9]))
    0.75
    """
    truth = checks.labels("truth", truth, (None,))
    probability = checks.array("probability", probability, truth.shape)
    positive = int(np.sum(truth))
    negative = truth.size - positive
    if not positive or not negative:
        return float("nan")
    rank_sum = rankdata(probability)[truth == 1].sum()
    return float((rank_sum - positive * (positive + 1) / 2) / (positive * negative))


def auc_within_folds(truth: np.ndarray, probability: np.ndarray, fold: np.ndarray) -> float:
    """Measure how often a window of class 1 is ranked above one of class 0 of the same fold.

    Every fold has a head of its own. What is taken out for the test is missing from the training,
    so the answers of heads of different folds differ by more than what their windows differ by: see
    `ecglib.evaluation.summaries`. Here only windows that one head has judged are compared. A fold
    counts by its number of pairs; with one fold this is `auc`.

    Parameters
    ----------
    truth, probability
        As in `accuracy`.
    fold : ndarray, shape (n_windows,)
        Which head judged each window.

    Returns
    -------
    float
        NaN if no fold has windows of both classes.

    Raises
    ------
    DataError
        As in `auc`, and if there is not one fold per window.

    Examples
    --------
    >>> truth, probability = np.array([1, 0, 1, 0]), np.array([0.2, 0.1, 0.9, 0.8])
    >>> auc(truth, probability), auc_within_folds(truth, probability, np.array([0, 0, 1, 1]))
    (0.75, 1.0)
    """
    truth = checks.labels("truth", truth, (None,))
    probability = checks.array("probability", probability, truth.shape)
    fold = np.asarray(checks.of_length("fold", fold, truth.size))
    pairs = right = 0.0
    for rows in rows_by_value(fold).values():
        positive = int(np.sum(truth[rows]))
        of_fold = positive * (rows.size - positive)
        if of_fold:
            pairs += of_fold
            right += of_fold * auc(truth[rows], probability[rows])
    return right / pairs if pairs else float("nan")


def ranks_within_folds(probability: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Give every window its rank among the windows of its fold, as a share of them.

    This makes the answers of heads comparable where every fold holds the like: many people, and
    trials drawn at random. Where a fold holds few trials, or a clip that everyone rates alike, the
    ranks also take away what there is to find; `auc_within_folds` does not.

    Parameters
    ----------
    probability : ndarray, shape (n_windows,)
        Probability of class 1.
    fold : ndarray, shape (n_windows,)
        Which head judged each window.

    Returns
    -------
    ndarray, shape (n_windows,)
        Above 0, up to 1; equal probabilities share their mean rank.

    Raises
    ------
    DataError
        If a probability is not finite, or there is not one fold per window.

    Examples
    --------
    >>> print(ranks_within_folds(np.array([0.2, 0.1, 0.9, 0.8]), np.array([0, 0, 1, 1])))
    [1.  0.5 1.  0.5]
    """
    probability = checks.array("probability", probability, (None,))
    fold = np.asarray(checks.of_length("fold", fold, probability.size))
    rank = np.empty(len(probability))
    for rows in rows_by_value(fold).values():
        rank[rows] = rankdata(probability[rows]) / rows.size
    return rank


METRICS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "macro_f1": macro_f1,
    "auc": auc,
}
"""Metrics by the names that they have in tables."""


def _confusion(truth: np.ndarray, probability: np.ndarray) -> tuple[int, int, int, int]:
    truth, probability = labels_and_probabilities(truth, probability)
    predicted = probability > 0.5
    counts = np.bincount(2 * truth.astype(np.int64) + predicted, minlength=4)
    return tuple(int(c) for c in counts)
