"""Permutation tests: whether a model beats chance, and whether two models differ.

A test compares what was observed with what would have been observed if things that are alike under
the null hypothesis had changed places. What may change places decides whether the test is right.

- Windows of a trial share one rating and resemble each other: the *trials of one participant*
  change places, all windows of a trial together. Participants keep their share of high ratings.
- Heads of a cross-validation were trained on one another's test participants: the ratings change
  places *before* the heads are trained, and every permutation trains them anew (`refit_test`).
  Permuting the ratings under finished predictions (`chance_test`) is right only for a head that
  was trained on other people than those who test it.

A test of this kind asks whether scores and ratings belong together. It cannot tell an emotion from
anything else that goes with the clip.

References
----------
Ojala & Garriga, Permutation Tests for Studying Classifier Performance, JMLR 11 (2010). That the
observed order counts as one of the permutations, which keeps p above 0: Phipson & Smyth,
Statistical Applications in Genetics and Molecular Biology 9 (2010).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.arrays import rows_by_value
from ecglib.core.errors import DataError
from ecglib.evaluation.protocols import RESULT


@dataclass(frozen=True)
class PermutationTest:
    """What was observed, and the same after every permutation.

    Parameters
    ----------
    observed : float
        The statistic; larger is further from the null hypothesis.
    permuted : ndarray, shape (n_permutations,)
        The statistic after each permutation.

    Examples
    --------
    >>> float(PermutationTest(0.7, np.array([0.4, 0.5, 0.6, 0.8])).p)
    0.4
    """

    observed: float
    permuted: np.ndarray

    @property
    def p(self) -> float:
        """Share of orders, the observed one included, whose statistic is at least as large."""
        as_large = np.count_nonzero(self.permuted >= self.observed - 1e-12)  # equal up to rounding
        return (1 + as_large) / (1 + self.permuted.size)


@checked
def areas(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Measure areas under ROC curves along the last axis, ties counted half; NaN without a class.

    Parameters
    ----------
    labels, scores : ndarray, shape (..., n_windows)
        Labels, 0 or 1, and scores; the leading axes are broadcast.

    Returns
    -------
    ndarray, shape (...)

    Raises
    ------
    DataError
        If a label is not 0 or 1, a score is not finite, or there is not one for each window.

    Examples
    --------
    >>> print(areas(np.array([[0, 1, 1], [1, 0, 0]]), np.array([0.2, 0.1, 0.9])))
    [0.5 0.5]
    """
    labels, scores = checks.labels("labels", labels), checks.array("scores", scores)
    if not labels.ndim or labels.shape[-1:] != scores.shape[-1:]:
        raise DataError(
            f"scores of shape {scores.shape} for labels of shape {labels.shape}",
            field="scores",
            expected="as many windows as labels",
        )
    ranks = rankdata(scores, axis=-1)
    positive = labels.sum(axis=-1, dtype=np.float64)
    negative = labels.shape[-1] - positive
    rank_sum = np.einsum("...w,...w->...", labels.astype(np.float64), ranks)
    pairs = np.where(positive * negative == 0, np.nan, positive * negative)
    return (rank_sum - positive * (positive + 1) / 2) / pairs


@checked
def mean_areas(labels: np.ndarray, scores: np.ndarray, participant: np.ndarray) -> np.ndarray:
    """Average the areas under the ROC curves of all participants who have both classes.

    Parameters
    ----------
    labels : ndarray, shape (n_labelings, n_windows)
        Labels, 0 or 1.
    scores : ndarray, shape (n_labelings, n_windows) or (1, n_windows)
        Scores for each labelling, or one set for all.
    participant : ndarray, shape (n_windows,)
        Whose windows they are.

    Returns
    -------
    ndarray, shape (n_labelings,)

    Raises
    ------
    DataError
        If no participant has both classes, and as in `areas`.

    Examples
    --------
    >>> labels, scores = np.array([[0, 1, 0, 1]]), np.array([[0.1, 0.9, 0.8, 0.3]])
    >>> print(mean_areas(labels, scores, np.array([1, 1, 2, 2])))
    [0.5]
    """
    labels = checks.labels("labels", labels, (None, None))
    scores = checks.array("scores", scores, (None, labels.shape[1]))
    checks.of_length("participant", participant, labels.shape[1])
    of_person = np.array(
        [areas(labels[:, rows], scores[:, rows]) for rows in rows_by_value(participant).values()]
    )
    defined = np.isfinite(of_person).all(axis=1)
    if not defined.any():
        raise DataError(
            f"every participant ({len(of_person)}) has windows of one class", field="labels"
        )
    return of_person[defined].mean(axis=0)


@checked
def permuted_labels(
    labels: np.ndarray,
    participant: np.ndarray,
    trial: np.ndarray,
    n_permutations: int = 999,
    seed: int = 0,
) -> np.ndarray:
    """Let the labels of every participant's trials change places.

    Parameters
    ----------
    labels : ndarray, shape (n_windows,)
        Labels; equal within a trial.
    participant, trial : ndarray, shape (n_windows,)
        Whose windows they are, and from which of the participant's trials.
    n_permutations : int
        How many times.
    seed : int
        Seed of the permutations.

    Returns
    -------
    ndarray, shape (n_permutations, n_windows)

    Raises
    ------
    DataError
        If the windows of a trial have several labels, or there is not one participant and one
        trial for each.

    Examples
    --------
    >>> ones = np.ones(6, int)
    >>> permuted_labels(np.array([0, 0, 1, 1, 1, 1]), ones, np.array([1, 1, 2, 2, 3, 3]), 2, seed=3)
    array([[1, 1, 1, 1, 0, 0],
           [0, 0, 1, 1, 1, 1]])
    """
    checks.array("labels", labels, (None,))
    for name, values in (("participant", participant), ("trial", trial)):
        checks.of_length(name, values, labels.size)
    rng = np.random.default_rng(seed)
    permuted = np.empty((n_permutations, labels.size), labels.dtype)
    for person, rows in rows_by_value(participant).items():
        trials, first, trial_of = np.unique(trial[rows], return_index=True, return_inverse=True)
        of_trial = labels[rows][first]
        torn = np.flatnonzero(of_trial[trial_of] != labels[rows])
        if torn.size:
            raise DataError(
                "windows of one trial have several labels",
                participant=person,
                clip=trials[trial_of[torn[0]]],
                field="labels",
                expected="one rating per trial",
            )
        shuffled = rng.permuted(np.tile(of_trial, (n_permutations, 1)), axis=1)
        permuted[:, rows] = shuffled[:, trial_of]
    return permuted


@checked
def chance_test(
    predictions: pd.DataFrame, *, unit: str = "clip", n_permutations: int = 999, seed: int = 0
) -> PermutationTest:
    """Test the mean area of a finished head on people whom it was not trained on.

    Under cross-validation this test finds too much; use `refit_test` there.

    Parameters
    ----------
    predictions : DataFrame
        One row per prediction, of one protocol, target, model and regime. Several seeds are
        averaged.
    unit : str
        Column that names what changes places within a participant: ``"clip"`` for trials. With
        ``"window"`` the test shows what goes wrong when windows are taken for independent.
    n_permutations, seed
        As in `permuted_labels`.

    Returns
    -------
    PermutationTest
        Of the mean over participants of the area under the ROC curve.

    Raises
    ------
    DataError
        If the predictions are of several results, or seeds tested different windows; and as in
        `permuted_labels` and `mean_areas`.

    Examples
    --------
    >>> from ecglib.evaluation.simulation import prediction_frame
    >>> person, clip = np.repeat(np.arange(5), 6), np.tile(np.arange(6), 5)
    >>> truth = clip % 2
    >>> test = chance_test(
    ...     prediction_frame(truth, truth / 1, person, clip, folds=False), n_permutations=99
    ... )
    >>> float(test.observed), float(test.p)
    (1.0, 0.01)
    """
    if len(predictions[RESULT].drop_duplicates()) != 1:
        raise DataError(
            "a test needs the predictions of one result",
            field=", ".join(RESULT),
            remedy="select one protocol, target, model and regime",
        )
    scores = predictions.pivot(index="window", columns="seed", values="probability")
    if scores.isna().any(axis=None):
        raise DataError("the seeds were tested on different windows", field="window")
    rows = predictions.drop_duplicates("window").set_index("window", drop=False).loc[scores.index]
    labels, participant = rows["truth"].to_numpy(), rows["participant"].to_numpy()
    shuffled = permuted_labels(labels, participant, rows[unit].to_numpy(), n_permutations, seed)
    labelings = np.vstack([labels, shuffled])
    of_seed = [mean_areas(labelings, s[None], participant) for s in scores.to_numpy().T]
    return _compared(np.mean(of_seed, axis=0))


@checked
def refit_test(
    score: Callable[[np.ndarray], np.ndarray],
    labels: np.ndarray,
    participant: np.ndarray,
    trial: np.ndarray,
    *,
    n_permutations: int = 999,
    seed: int = 0,
) -> PermutationTest:
    """Test the mean area of a cross-validated head, trained anew for every permutation.

    Parameters
    ----------
    score : callable
        Maps labels of shape (n_labelings, n_windows) to out-of-fold scores of the same shape: a
        whole cross-validation per row, such as
        `ecglib.transfer.linear.linear_scores`. Whatever it fits with the help of
        ratings it must fit for each row. Scores of shape (1, n_windows) serve all labellings.
    labels, participant, trial, n_permutations, seed
        As in `permuted_labels`.

    Returns
    -------
    PermutationTest
        Of the mean over participants of the area under the ROC curve.

    Raises
    ------
    DataError
        As in `permuted_labels` and `mean_areas`.

    Examples
    --------
    >>> from ecglib.transfer.linear import linear_scores
    >>> person, trial = np.repeat(np.arange(5), 6), np.tile(np.arange(6), 5)
    >>> labels = trial % 2
    >>> features = labels[:, None] + np.random.default_rng(0).normal(size=(30, 1))
    >>> def score(labelings):
    ...     return linear_scores(features, person, labelings)
    >>> test = refit_test(score, labels, person, trial, n_permutations=19)
    >>> test.permuted.shape, bool(test.observed > 0.5)
    ((19,), True)
    """
    shuffled = permuted_labels(labels, participant, trial, n_permutations, seed)
    labelings = np.vstack([labels, shuffled])
    return _compared(mean_areas(labelings, score(labelings), participant))


@checked
def sign_flip_test(
    differences: np.ndarray, *, n_permutations: int = 9999, seed: int = 0
) -> PermutationTest:
    """Test whether two models differ, by letting them change places within participants.

    Like `chance_test`, this takes participants for independent; for two cross-validated models
    look at the interval of `ecglib.evaluation.summaries.paired_difference`.

    Parameters
    ----------
    differences : ndarray, shape (n_participants,)
        A metric of one model minus that of the other, for each participant.
    n_permutations, seed
        Number of random choices of signs, and their seed.

    Returns
    -------
    PermutationTest
        Of the absolute mean difference, so that `p` counts both directions.

    Raises
    ------
    DataError
        If there is no difference, or one that is not finite.

    Examples
    --------
    >>> test = sign_flip_test(np.array([0.1, 0.2, 0.1, 0.3, 0.2, 0.1]), n_permutations=999)
    >>> bool(test.p < 0.1)
    True
    """
    differences = np.asarray(differences, dtype=np.float64)
    if differences.ndim != 1 or not differences.size or not np.isfinite(differences).all():
        raise DataError(
            f"no test of differences of shape {differences.shape}, "
            f"{np.count_nonzero(~np.isfinite(differences))} of them not finite",
            field="differences",
            expected="one finite value per participant",
        )
    rng = np.random.default_rng(seed)
    signs = rng.choice((-1.0, 1.0), (n_permutations, differences.size))
    signs = np.vstack([np.ones(differences.size), signs])
    return _compared(np.abs(signs @ differences) / differences.size)


def _compared(values: np.ndarray) -> PermutationTest:
    """Take the first value for the observed one and the others for the permuted ones."""
    return PermutationTest(float(values[0]), values[1:])
