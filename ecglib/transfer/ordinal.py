"""Models of an ordered scale: ratings as numbers, and as the answers to four questions.

"High or low" throws away the order of the ratings and puts a 3 and a 1 into one class. Ridge
regression takes the rating for a number. The ordinal model of Frank & Hall (2001) asks four binary
questions, "is it above 1?", ..., "is it above 4?", and assumes order, but no equal distances.

References
----------
Frank & Hall, A Simple Approach to Ordinal Classification, ECML 2001.
"""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError

MEDIAN, MEAN, RIDGE, ORDINAL = "training median", "training mean", "ridge", "ordinal"
"""Names of the models: two that know only the training ratings, and the two of `rating_models`."""


class OrdinalLogistic(RegressorMixin, BaseEstimator):
    """Frank & Hall's ordinal model of ratings: one logistic regression per "above k?".

    Parameters
    ----------
    C : float
        Inverse strength of the penalty of each regression.
    highest, lowest : int
        Ends of the scale; there is one regression fewer than it has answers.

    Notes
    -----
    The regressions are fitted apart, so their probabilities can cross: "above 3" may come out
    likelier than "above 2". The expected rating is defined all the same. Class probabilities need
    the order; `predict_proba` lowers whatever lies above the probability to its left.

    Examples
    --------
    >>> X, y = np.arange(1, 6)[:, None] * 1.0, np.arange(1, 6)
    >>> model = OrdinalLogistic(C=10.0).fit(X, y)
    >>> model.predict(X).round().tolist(), model.predict_proba(X).shape
    ([1.0, 2.0, 3.0, 4.0, 5.0], (5, 5))
    """

    @checked
    def __init__(self, C: float = 1.0, highest: int = 5, lowest: int = 1) -> None:
        checks.whole("highest", highest, lowest + 1)
        self.C = C
        self.highest = highest
        self.lowest = lowest

    @checked
    def fit(self, X: np.ndarray, y: np.ndarray) -> OrdinalLogistic:
        """Fit the regressions.

        Parameters
        ----------
        X : ndarray, shape (n_windows, n_features)
            Features.
        y : ndarray, shape (n_windows,)
            Ratings, whole numbers from `lowest` to `highest`.

        Returns
        -------
        OrdinalLogistic

        Raises
        ------
        DataError
            If a rating is not one of these, or there is not one for each window.
        """
        y = checks.of_length("y", checks.array("y", y), len(X))
        bad = ~np.isin(y, range(self.lowest, self.highest + 1))
        if bad.any():
            raise DataError(
                f"rating {y[bad][0]}",
                field="y",
                expected=f"a whole number from {self.lowest} to {self.highest}",
            )
        self.regressions_: list[LogisticRegression | float] = []
        for k in range(self.lowest, self.highest):
            above = y > k
            if above.all() or not above.any():  # a question with one answer needs no regression
                self.regressions_.append(float(above[0]))
            else:
                regression = LogisticRegression(C=self.C, max_iter=1000)
                self.regressions_.append(regression.fit(X, above))
        return self

    @checked
    def probability_above(self, X: np.ndarray) -> np.ndarray:
        """Give the probabilities that the rating is above the lowest, the next, and so on.

        Parameters
        ----------
        X : ndarray, shape (n_windows, n_features)
            Features.

        Returns
        -------
        ndarray, shape (n_windows, highest - lowest)
            As fitted; they need not fall from left to right.
        """
        columns = [
            np.full(len(X), r) if isinstance(r, float) else r.predict_proba(X)[:, 1]
            for r in self.regressions_
        ]
        return np.stack(columns, axis=1)

    @checked
    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Give the probabilities of all ratings.

        Parameters
        ----------
        X : ndarray, shape (n_windows, n_features)
            Features.

        Returns
        -------
        ndarray, shape (n_windows, highest - lowest + 1)
            None below 0; they sum to 1.
        """
        above = np.minimum.accumulate(self.probability_above(X), axis=1)
        return -np.diff(above, axis=1, prepend=1, append=0)

    @checked
    def predict(self, X: np.ndarray) -> np.ndarray:
        """Give the expected rating.

        Parameters
        ----------
        X : ndarray, shape (n_windows, n_features)
            Features.

        Returns
        -------
        ndarray, shape (n_windows,)
            From `lowest` to `highest`.
        """
        return self.lowest + self.probability_above(X).sum(axis=1)


@checked
def rating_models(
    n_features: int, windows_per_trial: float, lowest: int = 1, highest: int = 5
) -> dict[str, BaseEstimator]:
    """Make the two models and the two baselines, unfitted.

    Parameters
    ----------
    n_features : int
        Number of features.
    windows_per_trial : float
        Mean number of windows in a trial.
    lowest, highest : int
        Ends of the scale.

    Returns
    -------
    dict of str to estimator
        By name. The features of ridge and ordinal are standardised on the training windows.

    Raises
    ------
    DataError
        If the number of windows per trial is not above 0.

    Notes
    -----
    The penalties say the same as that of `ecglib.transfer.linear.linear_classifier`: a trial counts
    once, and beforehand the features together are expected to move the log odds by about 1, and the
    rating by about as much as what they leave unexplained.

    Examples
    --------
    >>> list(rating_models(n_features=4, windows_per_trial=5.0))
    ['training median', 'training mean', 'ridge', 'ordinal']
    """
    checks.number("windows_per_trial", windows_per_trial, above=0, high=1e6)
    strength = n_features * windows_per_trial
    return {
        MEDIAN: DummyRegressor(strategy="median"),
        MEAN: DummyRegressor(strategy="mean"),
        RIDGE: make_pipeline(StandardScaler(), Ridge(alpha=strength)),
        ORDINAL: make_pipeline(StandardScaler(), OrdinalLogistic(1 / strength, highest, lowest)),
    }
