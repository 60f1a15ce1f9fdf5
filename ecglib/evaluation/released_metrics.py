"""The metrics of the released code, whose F1 is not the mean of the classes' F1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.evaluation.intervals import mean_and_interval


@checked
def released_metrics(truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Score predicted classes as the released code does.

    Parameters
    ----------
    truth, predicted : ndarray, shape (n_windows,)
        Classes, 0 or 1.

    Returns
    -------
    dict of str to float
        ``accuracy``; ``precision`` and ``recall``, averaged over the two classes; ``f1``, the
        harmonic mean of these two averages, which is the released metric; and beside it
        ``mean_f1``, the average of the two classes' F1. A class that is never predicted has
        precision 0 here; there it gives no number. A class that is neither true nor predicted
        does not count.

    Raises
    ------
    DataError
        If there are no windows, shapes differ or a class is not 0 or 1.

    Examples
    --------
    >>> scores = released_metrics(np.array([1, 1, 1, 0]), np.array([1, 1, 0, 0]))
    >>> {name: round(value, 3) for name, value in scores.items()}
    {'accuracy': 0.75, 'precision': 0.75, 'recall': 0.833, 'f1': 0.789, 'mean_f1': 0.733}
    """
    return {name: float(v) for name, v in _scores(_confusion(truth, predicted)).items()}


def _confusion(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Count windows by true and predicted class, shape (2, 2)."""
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    if truth.shape != predicted.shape or truth.ndim != 1 or not truth.size:
        raise DataError(
            f"classes of shape {truth.shape} and {predicted.shape}",
            field="truth, predicted",
            expected="one class per window, of one window or more",
        )
    if not (np.isin(truth, (0, 1)).all() and np.isin(predicted, (0, 1)).all()):
        raise DataError("a class other than 0 and 1", field="truth, predicted", expected="0 or 1")
    code = 2 * truth.astype(np.int64) + predicted.astype(np.int64)
    return np.bincount(code, minlength=4).reshape(2, 2)


def _scores(confusion: np.ndarray) -> dict[str, np.ndarray]:
    """Score confusion counts of shape (..., 2, 2), axes true and predicted class."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    true, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)
    present = np.sum(true + predicted > 0, axis=-1)

    def over_classes(windows: np.ndarray) -> np.ndarray:
        return np.sum(hits / np.maximum(windows, 1), axis=-1) / present

    precision, recall = over_classes(predicted), over_classes(true)
    both = precision + recall
    return {
        "accuracy": hits.sum(axis=-1) / confusion.sum(axis=(-1, -2)),
        "precision": precision,
        "recall": recall,
        "f1": np.divide(2 * precision * recall, both, where=both > 0, out=np.zeros_like(both)),
        "mean_f1": 2 * over_classes(true + predicted),
    }


@dataclass(frozen=True)
class PooledScore:
    """A released score of all windows together, and what each participant adds to it.

    Parameters
    ----------
    whole : float
        The score.
    of_participant : ndarray, shape (n_participants,)
        The jackknife's pseudo-values, one per participant, from which intervals are made.

    Examples
    --------
    >>> float(PooledScore(0.5, np.array([0.4, 0.6])).of_participant.mean())
    0.5
    """

    whole: float
    of_participant: np.ndarray


@checked
def pooled_score(
    truth: np.ndarray, predicted: np.ndarray, participant: np.ndarray, name: str = "f1"
) -> PooledScore:
    """Score all windows together, and once more without each participant.

    Parameters
    ----------
    truth, predicted : ndarray, shape (n_windows,)
        Classes, 0 or 1.
    participant : ndarray of int, shape (n_windows,)
        Whose windows they are.
    name : str
        Which score of `released_metrics`.

    Returns
    -------
    PooledScore

    Raises
    ------
    DataError
        If a label or class is not 0 or 1, or there is not one of each for every window.

    Examples
    --------
    >>> truth, person = np.array([0, 1, 0, 1]), np.array([1, 1, 2, 2])
    >>> pooled = pooled_score(truth, np.array([0, 1, 1, 1]), person)
    >>> round(pooled.whole, 3), pooled.of_participant.shape
    (0.789, (2,))
    """
    checks.labels("truth", truth, (None,))
    checks.labels("predicted", predicted, truth.shape)
    checks.of_length("participant", participant, truth.size)
    own = np.array(
        [
            _confusion(truth[participant == p], predicted[participant == p])
            for p in np.unique(participant)
        ]
    )
    total = own.sum(axis=0)
    whole = float(_scores(total)[name])
    without = _scores(total - own)[name] if len(own) > 1 else np.array([whole])
    return PooledScore(whole, whole + (len(own) - 1) * (without.mean() - without))


@checked
def mean_score(scores: Sequence[PooledScore]) -> PooledScore:
    """Average scores of the same participants, such as those of several refits.

    Parameters
    ----------
    scores : sequence of PooledScore
        Results of `pooled_score`.

    Returns
    -------
    PooledScore

    Raises
    ------
    DataError
        If there is no score.

    Examples
    --------
    >>> mean_score(
    ...     [PooledScore(0.5, np.array([0.4, 0.6])), PooledScore(0.7, np.array([0.6, 0.8]))]
    ... ).whole
    0.6
    """
    checks.several("scores", scores, checks.of_type, PooledScore)
    return PooledScore(
        float(np.mean([s.whole for s in scores])),
        np.mean([s.of_participant for s in scores], axis=0),
    )


@checked
def score_change(a: PooledScore, b: PooledScore, n_resamples: int = 9999) -> dict[str, float]:
    """Compare two scores of the same participants.

    Parameters
    ----------
    a, b : PooledScore
        Results of `pooled_score` or `mean_score`.
    n_resamples : int
        Bootstrap resamples of the participants.

    Returns
    -------
    dict of str to float
        ``number`` (of `a`), ``before`` (of `b`), ``change`` (a - b) and ``low`` and ``high``, its
        95 % interval, widened because folds share their training windows.

    Examples
    --------
    >>> one, other = PooledScore(0.75, np.full(6, 0.75)), PooledScore(0.5, np.full(6, 0.5))
    >>> found = score_change(one, other, n_resamples=99)
    >>> found["change"], list(found)
    (0.25, ['number', 'before', 'change', 'low', 'high'])
    """
    change = a.whole - b.whole
    found = mean_and_interval(
        a.of_participant - b.of_participant,
        several_folds=True,
        n_resamples=n_resamples,
        bounds=(-1.0, 1.0),
    )
    ends = {"low": found["low"], "high": found["high"]}
    return {"number": a.whole, "before": b.whole, "change": change, **ends}
