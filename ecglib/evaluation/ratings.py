"""Ratings, on their scale, of people who took no part in the training, out of fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.tables import typed
from ecglib.data.labels import class_labels
from ecglib.data.targets import Rating, as_target
from ecglib.evaluation.jobs import run_folds
from ecglib.evaluation.leave_out import LeaveOneParticipantOut
from ecglib.evaluation.protocols import RATING_COLUMNS


@checked
def evaluate_ratings(
    models: Mapping[str, BaseEstimator],
    features_of: Mapping[int, np.ndarray],
    meta: pd.DataFrame,
    targets: Sequence[str | Rating],
    *,
    regime: str,
) -> pd.DataFrame:
    """Predict the ratings of every participant by models fitted on all others.

    Parameters
    ----------
    models : mapping of str to estimator
        By name; each has ``fit`` and ``predict``.
    features_of : mapping of int to ndarray of shape (n_windows, n_features)
        For every tested participant, features of all windows.
    meta : DataFrame
        One row per window.
    targets : sequence of str or Rating
        Scales of whole numbers.
    regime : str
        What the features have seen before.

    Returns
    -------
    DataFrame
        Columns `RATING_COLUMNS`. Predictions beyond an end of the scale are set to it.

    Raises
    ------
    DataError
        As in `ecglib.data.labels.class_labels` and the splitter, and if there are no targets.

    Examples
    --------
    >>> from sklearn.dummy import DummyRegressor
    >>> meta = pd.DataFrame({"participant": np.repeat([1, 2, 3], 3), "clip": [1, 2, 3] * 3})
    >>> meta = meta.assign(valence=[1, 3, 5] * 3)
    >>> features = dict.fromkeys([1, 2, 3], meta[["valence"]].to_numpy(float))
    >>> rows = evaluate_ratings(
    ...     {"mean": DummyRegressor()}, features, meta, ["valence"], regime="none"
    ... )
    >>> print(*rows["predicted"], "for", *rows["truth"])
    3.0 3.0 3.0 3.0 3.0 3.0 3.0 3.0 3.0 for 1 3 5 1 3 5 1 3 5
    """
    people, clips = (meta[column].to_numpy() for column in ("participant", "clip"))
    scales = tuple(map(as_target, targets))
    if not scales:
        raise checks.wrong("targets", targets, "at least one target")
    ratings = np.stack(
        [class_labels(meta, s).astype(np.int64) + s.answers[0] for s in scales], axis=1
    )
    common = (dict(models), ratings, people, clips, scales, regime)
    arguments = [
        (features_of[people[test[0]]], train, test, fold, *common)
        for fold, (train, test) in enumerate(LeaveOneParticipantOut().split(meta))
    ]
    return pd.concat(run_folds(_rate_fold, arguments), ignore_index=True)


def _rate_fold(
    features: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    fold: int,
    models: dict[str, BaseEstimator],
    ratings: np.ndarray,
    people: np.ndarray,
    clips: np.ndarray,
    scales: tuple[Rating, ...],
    regime: str,
) -> pd.DataFrame:
    X = features.astype(np.float64)
    rows = []
    for t, scale in enumerate(scales):
        for name, model in models.items():
            predicted = clone(model).fit(X[train], ratings[train, t]).predict(X[test])
            rows.append(
                {
                    "protocol": LeaveOneParticipantOut.protocol,
                    "model": name,
                    "regime": regime,
                    "target": scale.name,
                    "fold": fold,
                    "seed": 0,
                    "window": test,
                    "participant": people[test],
                    "clip": clips[test],
                    "predicted": np.clip(predicted, scale.low, scale.high),
                    "truth": ratings[test, t],
                }
            )
    return typed(pd.concat(map(pd.DataFrame, rows), ignore_index=True), RATING_COLUMNS)
