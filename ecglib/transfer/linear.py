"""Linear heads: a logistic regression with an intercept for each person, and ridge scores."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.arrays import rows_by_value
from ecglib.core.errors import DataError

PENALTY = 0.1
"""Ridge penalty of `linear_scores`, as a share of every feature's variance. Not tuned."""


@checked
def linear_scores(
    features: np.ndarray,
    participant: np.ndarray,
    labels: np.ndarray,
    *,
    tested: Collection[int] | None = None,
    penalty: float = PENALTY,
) -> np.ndarray:
    """Score every participant's windows by a linear head trained on all other participants.

    The head is ridge regression of the label, which ranks windows as Fisher's discriminant does. It
    has a closed form in which all labellings share the costly part, so a thousand
    leave-one-participant-out evaluations take seconds.

    Parameters
    ----------
    features : ndarray, shape (n_windows, n_features)
        Features of all windows.
    participant : ndarray, shape (n_windows,)
        Whose windows they are.
    labels : ndarray, shape (n_labelings, n_windows)
        Labels, 0 or 1; every row gets heads of its own.
    tested : collection of int, optional
        Participants to score; everyone by default. The others only train.
    penalty : float
        Ridge penalty as a share of every feature's variance among the training windows.

    Returns
    -------
    ndarray, shape (n_labelings, n_windows)
        Scores; NaN for the windows of participants who are not tested.

    Raises
    ------
    DataError
        If shapes disagree, a feature is not finite, there is one participant, or the
        penalty is not above 0.

    Examples
    --------
    >>> person, labels = np.repeat([1, 2, 3], 4), np.array([[0, 1, 0, 1] * 3])
    >>> scores = linear_scores(labels.T + 0.0, person, labels)
    >>> bool(scores[labels == 1].min() > scores[labels == 0].max())
    True
    """
    checks.array("labels", labels, (None, None))
    checks.number("penalty", penalty, above=0, high=1e6)
    rows_of = rows_by_value(participant)
    if len(features) != labels.shape[1] or len(features) != len(participant):
        raise DataError(
            f"{len(features)} rows of features for {labels.shape[1]} labels", field="features"
        )
    if not np.isfinite(features).all() or len(rows_of) < 2:
        raise DataError(
            f"{np.count_nonzero(~np.isfinite(features))} values not finite, "
            f"{len(rows_of)} participant(s)",
            field="features",
            expected="finite features of at least two participants",
        )
    x = features.astype(np.float64) - features.mean(axis=0, dtype=np.float64)
    y = labels.T.astype(np.float64)
    squares = {p: x[rows].T @ x[rows] for p, rows in rows_of.items()}
    products = {p: x[rows].T @ y[rows] for p, rows in rows_of.items()}
    sums = {p: (x[rows].sum(axis=0), y[rows].sum(axis=0)) for p, rows in rows_of.items()}
    all_squares, all_products = sum(squares.values()), sum(products.values())
    scores = np.full(labels.shape, np.nan)
    for person in rows_of if tested is None else tested:
        rows = rows_of[person]
        n = len(x) - rows.size
        x_mean, y_sum = -sums[person][0] / n, y.sum(axis=0) - sums[person][1]  # x sums to 0
        covariance = all_squares - squares[person] - n * np.outer(x_mean, x_mean)
        variance = covariance.diagonal().copy()
        constant = variance <= 1e-10 * max(variance.max(), 1e-300)
        covariance[np.diag_indices_from(covariance)] += np.where(constant, 1.0, penalty * variance)
        target = all_products - products[person] - np.outer(x_mean, y_sum)
        target[constant] = 0.0
        scores[:, rows] = (x[rows] @ np.linalg.solve(covariance, target)).T
    return scores


@checked
def linear_classifier(n_features: int, windows_per_trial: float) -> Pipeline:
    """Make a logistic regression with an intercept for each participant, unfitted.

    Features are standardised on the training windows. A participant who is not among them gets the
    intercept 0.

    Parameters
    ----------
    n_features : int
        Number of features. With 0 it learns nothing but base rates.
    windows_per_trial : float
        Mean number of windows in a trial.

    Returns
    -------
    Pipeline
        It takes what `design_matrix` gives.

    Raises
    ------
    DataError
        If the number of windows per trial is not above 0.

    Notes
    -----
    The penalty is a statement made beforehand, not tuned: the log odds vary with the features, all
    together, by a standard deviation of about 1, and with the person by 1 as well. The windows of a
    trial share one rating, so a trial counts as one observation, however many windows it has.

    Examples
    --------
    >>> X = design_matrix(np.array([[0.0], [1.0], [0.0], [1.0]]), np.array([1, 1, 2, 2]))
    >>> model = linear_classifier(n_features=1, windows_per_trial=1.0).fit(X, [0, 1, 0, 1])
    >>> model.predict(X).tolist()
    [0, 1, 0, 1]
    """
    checks.number("windows_per_trial", windows_per_trial, above=0, high=1e6)
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    scaled = [("features", StandardScaler(), slice(n_features))] if n_features else []
    n_effective = max(n_features, 1)
    return make_pipeline(
        ColumnTransformer(
            [*scaled, ("person", one_hot, [n_features])],
            transformer_weights={"person": n_effective**0.5},
        ),
        LogisticRegression(C=1 / (n_effective * windows_per_trial), max_iter=1000),
    )


@checked
def design_matrix(features: np.ndarray, participant: np.ndarray) -> np.ndarray:
    """Put the number of the participant beside the features, as the last column.

    Parameters
    ----------
    features : ndarray, shape (n_windows, n_features)
        Features.
    participant : ndarray of int or str, shape (n_windows,)
        Participant of each window; one named by text gets a number.

    Returns
    -------
    ndarray of float64, shape (n_windows, n_features + 1)

    Raises
    ------
    DataError
        If a feature is not finite, or there is not one participant for each window.

    Examples
    --------
    >>> design_matrix(np.array([[0.5], [0.7]]), np.array([3, 4])).tolist()
    [[0.5, 3.0], [0.7, 4.0]]
    """
    checks.array("features", features, (None, None), empty=True)
    checks.of_length("participant", participant, len(features))
    if participant.dtype.kind not in "iuf":
        participant = np.unique(participant, return_inverse=True)[1]
    return np.column_stack([features, participant]).astype(np.float64)
