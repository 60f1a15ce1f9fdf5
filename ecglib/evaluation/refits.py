"""What choosing the best of several refits by the test score does to that score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import comb

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.evaluation.released_metrics import released_metrics

if TYPE_CHECKING:
    from ecglib.transfer.frozen import HeadConfig


@dataclass(frozen=True)
class Refits:
    """The same folds fitted again and again.

    Parameters
    ----------
    truth : ndarray, shape (n_windows,)
        Classes, 0 or 1.
    fold : ndarray of int, shape (n_windows,)
        The fold that tests each window.
    predicted : ndarray of bool, shape (n_refits, n_windows)
        Every refit's class of every window when that window was tested.

    Examples
    --------
    >>> truth, fold = np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])
    >>> predicted = np.array([[False, True, False, True], [True, True, False, True]])
    >>> print(Refits(truth, fold, predicted).scores())
    [[1.         1.        ]
     [0.33333333 1.        ]]
    """

    truth: np.ndarray
    fold: np.ndarray
    predicted: np.ndarray

    def scores(self) -> np.ndarray:
        """Give the released F1 of every refit on every test fold, shape (n_refits, n_folds)."""
        folds = [self.fold == f for f in np.unique(self.fold)]
        return np.array(
            [
                [released_metrics(self.truth[test], refit[test])["f1"] for test in folds]
                for refit in self.predicted
            ]
        )

    def best(self) -> np.ndarray:
        """Give what each fold's refit with the best test score predicts, shape (n_windows,)."""
        _, number = np.unique(self.fold, return_inverse=True)
        chosen = self.scores().argmax(axis=0)[number]
        return self.predicted[chosen, np.arange(self.fold.size)]


@checked
def refit(
    features: np.ndarray,
    labels: np.ndarray,
    folds: Sequence[tuple[np.ndarray, np.ndarray]],
    config: HeadConfig,
    n_refits: int,
    seed: int,
) -> Refits:
    """Fit every fold several times from other initial weights.

    Parameters
    ----------
    features : ndarray of float32, shape (n_windows, n_features)
        Features of all windows.
    labels : ndarray, shape (n_windows,)
        Classes, 0 or 1.
    folds : sequence of (train, test)
        Folds that test every window once.
    config : HeadConfig
        Shape and training of the heads.
    n_refits : int
        How often.
    seed : int
        Seed of the heads.

    Returns
    -------
    Refits

    Raises
    ------
    DataError
        As in `ecglib.transfer.frozen.fit_heads`.

    Examples
    --------
    >>> from ecglib.transfer.frozen import HeadConfig
    >>> head = HeadConfig((), epochs=1, batch_size=4)
    >>> features, labels = np.arange(8, dtype="float32")[:, None], np.array([0, 1] * 4)
    >>> halves = np.arange(4), np.arange(4, 8)
    >>> refit(
    ...     features, labels, [halves, halves[::-1]], head, n_refits=2, seed=0
    ... ).predicted.shape
    (2, 8)
    """
    from ecglib.transfer.frozen import fit_heads  # the rest of this module works without Keras

    checks.of_length("labels", labels, len(features))
    fold_of = np.empty(len(labels), dtype=np.int64)
    mask = np.zeros((len(folds), len(labels)), dtype=bool)
    for f, (train, test) in enumerate(folds):
        mask[f, train] = True
        fold_of[test] = f
    stacked = np.tile(labels, (n_refits * len(folds), 1))
    probability = fit_heads(features, stacked, np.tile(mask, (n_refits, 1)), config, seed)
    by_refit = probability.reshape(n_refits, len(folds), -1)
    return Refits(labels, fold_of, by_refit[:, fold_of, np.arange(len(labels))] > 0.5)


@checked
def best_of(scores: np.ndarray, k: int) -> np.ndarray:
    """Average the best of k scores over all ways to draw k of those at hand.

    Parameters
    ----------
    scores : ndarray, shape (n, ...)
        Scores of n refits.
    k : int
        How many are drawn, without replacement.

    Returns
    -------
    ndarray, shape (...)
        With ``k = 1`` the mean; it never falls as k grows.

    Raises
    ------
    DataError
        If k is not from 1 to n.

    Examples
    --------
    >>> [float(best_of(np.array([0.5, 0.25, 0.75]), k).round(3)) for k in (1, 2, 3)]
    [0.5, 0.667, 0.75]
    """
    checks.array("scores", scores)
    n = len(scores)
    if not 1 <= k <= n:
        raise DataError(f"best of {k} of {n} scores", field="k", expected=f"from 1 to {n}")
    # The score of rank i is the best of a draw if the other k - 1 are among the i below it.
    weight = comb(np.arange(n), k - 1) / comb(n, k)
    return np.tensordot(weight, np.sort(scores, axis=0), axes=1)


@checked
def optimism(refits: Refits) -> pd.DataFrame:
    """Average the test score over folds, if the best of k refits is reported.

    Parameters
    ----------
    refits : Refits
        Refits of all folds.

    Returns
    -------
    DataFrame
        Indexed by k from 1 to the number of refits: ``per_fold`` chooses in each fold on its own,
        ``same`` chooses one refit for all folds by its mean.

    Examples
    --------
    >>> truth, fold = np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])
    >>> predicted = np.array([[False, True, True, True], [True, True, False, True]])
    >>> optimism(Refits(truth, fold, predicted)).loc[2].round(2).to_dict()
    {'per_fold': 1.0, 'same': 0.67}
    """
    scores = refits.scores()
    ks = pd.RangeIndex(1, len(scores) + 1, name="k")
    return pd.DataFrame(
        {
            "per_fold": [best_of(scores, k).mean() for k in ks],
            "same": [float(best_of(scores.mean(axis=1), k)) for k in ks],
        },
        index=ks,
    )
