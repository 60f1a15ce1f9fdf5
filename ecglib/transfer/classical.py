"""Three standard classifiers for features with gaps, such as those of the heartbeat.

Their settings are scikit-learn's, or were fixed before anything was tested; nothing is tuned.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.features.heartbeats import BeatFeatures


class MarginSVC(SVC):
    """A support vector machine whose probability is the logistic function of its margin.

    It ranks and classifies windows as `sklearn.svm.SVC` does, with 0.5 at the decision boundary.
    It is not calibrated, which no metric of ranks or classes asks for; calibration would cost
    several more fits in every fold.

    Examples
    --------
    >>> X, y = np.array([[-1.0], [-2.0], [1.0], [2.0]]), np.array([0, 0, 1, 1])
    >>> model = MarginSVC(kernel="linear").fit(X, y)
    >>> model.predict_proba(np.array([[0.0]])).round(1).tolist()
    [[0.5, 0.5]]
    """

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Give the logistic function of the signed margin.

        Parameters
        ----------
        X : ndarray, shape (n_windows, n_features)
            Features.

        Returns
        -------
        ndarray, shape (n_windows, 2)

        Raises
        ------
        DataError
            If a feature is not finite.
        """
        checks.array("X", X, (None, None))
        high = expit(self.decision_function(X))  # as given: scikit-learn compares names of columns
        return np.stack([1 - high, high], axis=1)


def classifiers() -> dict[str, Pipeline]:
    """Make the three classifiers, unfitted, each with all that is fitted before it.

    Returns
    -------
    dict of str to Pipeline
        By name. Each takes what `design_matrix` gives: a missing value becomes the median of the
        training windows, a further column says that it was missing, and all columns are brought to
        mean 0 and standard deviation 1 of the training windows.

    Notes
    -----
    Logistic regression and the support vector machine have scikit-learn's default settings. The
    gradient boosting has smaller trees and fewer of them than the default: with a rating per trial
    and about four hundred trials, 31 leaves a tree would learn the trials one by one.

    Examples
    --------
    >>> list(classifiers())
    ['HRV logistic', 'HRV SVM', 'HRV boosting']
    """
    last_steps = {
        "HRV logistic": LogisticRegression(max_iter=1000),
        "HRV SVM": MarginSVC(),
        "HRV boosting": HistGradientBoostingClassifier(
            max_iter=50, max_leaf_nodes=8, early_stopping=False, random_state=0
        ),
    }
    return {
        name: make_pipeline(
            FunctionTransformer(_mark_gaps),
            SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
            StandardScaler(),
            last_step,
        )
        for name, last_step in last_steps.items()
    }


@checked
def design_matrix(table: BeatFeatures) -> np.ndarray:
    """Lay values and mask side by side, so that no NaN is ever handed from one function to another.

    Parameters
    ----------
    table : BeatFeatures
        Features of windows.

    Returns
    -------
    ndarray of float64, shape (n_windows, 2 n_features)
        The values, then 1 where they are valid and 0 where they are missing.

    Examples
    --------
    >>> design_matrix(BeatFeatures(np.array([[70.0, 0.0]]), np.array([[True, False]]))).tolist()
    [[70.0, 0.0, 1.0, 0.0]]
    """
    return np.hstack([table.values, table.valid.astype(np.float64)])


def _mark_gaps(design: np.ndarray) -> np.ndarray:
    """Turn the mask of a design matrix into NaN, for the imputer that comes next."""
    values, valid = np.split(design, 2, axis=1)
    return np.where(valid > 0, values, np.nan)
