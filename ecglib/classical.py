"""Baselines that need no network: ten features of the heartbeat, and a person's base rate.

Three standard classifiers learn from the features of `ecglib.beats`. Their settings are
scikit-learn's, or were fixed before anything was tested; nothing is tuned. They say what a network
has to beat.

A second kind of baseline looks at no ECG at all: it answers with what the person mostly rated. It
says how much of an accuracy is knowing the person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from ecglib.artifacts import cached, code_of, load_arrays, save_arrays
from ecglib.beats import FeatureTable, window_features
from ecglib.evaluation import (
    append_predictions,
    label_matrix,
    load_predictions,
    prediction_rows,
    save_predictions,
)
from ecglib.folds import evaluate_estimator
from ecglib.labels import TARGETS
from ecglib.splits import LeaveOneParticipantOut, WindowKFold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecglib.splits import Splitter
    from ecglib.study import Study

RELATIVE = ", relative"
"""Ends the names of models whose features are relative to the person."""

ALONE, UNLABELLED = "none", "saw the person's windows, unrated"
"""Regimes: each window by itself; or relative to all windows of its person, without ratings."""

PERSON_MAJORITY = "person majority"

FROM_TRAINING, ORACLE = "person's training windows", "oracle: the tested person's ratings"
"""Regimes of `person_majority_predictions`: where the person's base rate comes from."""


class MarginSVC(SVC):
    """A support vector machine whose probability is the logistic function of its margin.

    It ranks and classifies windows as `sklearn.svm.SVC` does, with 0.5 at the decision boundary.
    It is not calibrated, which the metrics of this book don't ask for; calibration would cost
    several more fits in every fold.
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
        """
        high = expit(self.decision_function(X))
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


def design_matrix(table: FeatureTable) -> np.ndarray:
    """Lay values and mask side by side, so that no NaN is ever handed from one function to another.

    Parameters
    ----------
    table : FeatureTable
        Features of windows.

    Returns
    -------
    ndarray of float64, shape (n_windows, 2 n_features)
        The values, then 1 where they are valid and 0 where they are missing.
    """
    return np.hstack([table.values, table.valid.astype(np.float64)])


def _mark_gaps(design: np.ndarray) -> np.ndarray:
    """Turn the mask of a design matrix into NaN, for the imputer that comes next."""
    values, valid = np.split(design, 2, axis=1)
    return np.where(valid > 0, values, np.nan)


def person_majority_predictions(
    meta: pd.DataFrame,
    splitter: Splitter,
    targets: Sequence[str],
    *,
    threshold: float = 3,
    rule: str = ">",
) -> pd.DataFrame:
    """Predict for every test window the class that most windows of the same person have.

    It knows a person's base rate and nothing else. Where every fold trains on the people that it
    tests, the base rate is that of the person's training windows. Under leave-one-participant-out,
    and wherever else a tested person is not among the training windows, no honest model knows it:
    there the tested person's own ratings are counted, and the result is an oracle. It is the best
    accuracy that a model can reach with one answer per person.

    Parameters
    ----------
    meta, splitter, targets, threshold, rule
        As in `ecglib.evaluation.majority_predictions`.

    Returns
    -------
    DataFrame
        One row per prediction, columns `ecglib.evaluation.COLUMNS`, with probability 0 or 1 (0 for
        a draw), model `PERSON_MAJORITY` and regime `FROM_TRAINING` or `ORACLE`.

    Raises
    ------
    DataError
        As in the splitter and `ecglib.labels.binary_labels`.

    Examples
    --------
    >>> ratings = {"valence": [1, 1, 5, 5, 5, 1], "arousal": [1, 5, 1, 1, 5, 1]}
    >>> meta = pd.DataFrame({"participant": [1, 1, 1, 2, 2, 2], "clip": [1, 2, 3, 1, 2, 3]})
    >>> rows = person_majority_predictions(
    ...     meta.assign(**ratings), LeaveOneParticipantOut(), ["valence"]
    ... )
    >>> print(rows["regime"].iloc[0], *rows["probability"].astype(int))
    oracle: the tested person's ratings 0 0 0 1 1 1
    """
    labels = label_matrix(meta, targets, threshold, rule)
    people = meta["participant"].to_numpy()
    folds = list(splitter.split(meta, labels))
    known = all(np.isin(people[test], people[train]).all() for train, test in folds)
    everyone = np.arange(len(meta))
    rows = []
    for fold, (train, test) in enumerate(folds):
        source = train if known else everyone
        shares = pd.DataFrame(labels[source]).groupby(people[source]).mean()
        guess = (shares.loc[people[test]] > 0.5).to_numpy(dtype=float)
        rows += [
            prediction_rows(
                meta,
                test,
                guess[:, t],
                labels[:, t],
                protocol=splitter.protocol,
                model=PERSON_MAJORITY,
                regime=FROM_TRAINING if known else ORACLE,
                target=target,
                fold=fold,
                seed=0,
            )
            for t, target in enumerate(targets)
        ]
    return pd.concat(rows, ignore_index=True)


def classical_features(study: Study) -> FeatureTable:
    """Describe the usable windows of a study, once; later calls read the file.

    Parameters
    ----------
    study : Study
        Whose windows.

    Returns
    -------
    FeatureTable
        One row per window of ``study.usable``.

    Notes
    -----
    People are described in parallel if `joblib.parallel_config` around the call says so.
    """

    def make() -> dict[str, np.ndarray]:
        X, fs = study.usable.X, study.usable.fs
        rows_of = study.usable.meta.groupby("participant").indices.values()
        tables = Parallel()(delayed(window_features)(X[rows], fs) for rows in rows_of)
        order = np.argsort(np.concatenate(list(rows_of)))
        return {
            name: np.concatenate([getattr(table, name) for table in tables])[order]
            for name in ("values", "valid")
        }

    arrays = cached(
        "classical-features",
        ".npz",
        _features_source(study),
        make,
        save_arrays,
        load_arrays,
        study.root,
    )
    return FeatureTable(**arrays)


def classical_predictions(study: Study) -> pd.DataFrame:
    """Out-of-fold predictions of every classical baseline, once; later calls read the file.

    Parameters
    ----------
    study : Study
        Whose windows and ratings.

    Returns
    -------
    DataFrame
        Columns `ecglib.evaluation.COLUMNS`, under the protocols of ``study.predictions``: the
        three `classifiers` on the features as they are (regime `ALONE`) and relative to the
        person (regime `UNLABELLED`), and `person_majority_predictions`.

    Notes
    -----
    Folds run in parallel if `joblib.parallel_config` around the call says so.
    """

    def make() -> pd.DataFrame:
        meta, profile = study.usable.meta, study.profile
        table = classical_features(study)
        relative = table.relative_to_person(meta["participant"].to_numpy())
        frames = []
        for splitter in (WindowKFold(profile.window_folds, profile.seed), LeaveOneParticipantOut()):
            frames.append(person_majority_predictions(meta, splitter, TARGETS))
            for features, ending, regime in ((table, "", ALONE), (relative, RELATIVE, UNLABELLED)):
                design = design_matrix(features)
                frames += [
                    evaluate_estimator(
                        classifier,
                        design,
                        meta,
                        splitter,
                        TARGETS,
                        model=name + ending,
                        regime=regime,
                        seed=profile.seed,
                    )
                    for name, classifier in classifiers().items()
                ]
        return append_predictions(*frames)

    source = {
        "features": _features_source(study),
        "window_folds": study.profile.window_folds,
        "seed": study.profile.seed,
        "code": code_of("labels", "splits", "evaluation", "folds", "classical"),
    }
    return cached(
        "classical-predictions",
        ".csv.gz",
        source,
        make,
        save_predictions,
        load_predictions,
        study.root,
    )


def _features_source(study: Study) -> dict[str, Any]:
    return {
        "data": study.cohort.sha256,
        "windows": study.profile.windows,
        "code": code_of("matfile", "dreamer", "filters", "quality", "scaling", "windows", "beats"),
    }
