"""Ratings from 1 to 5 as they are: two models of an ordered scale, and four metrics.

"High or low" throws away the order of the ratings and puts a 3 and a 1 into one class. Ridge
regression takes the rating for a number. The ordinal model of Frank & Hall (2001) asks four binary
questions, "is it above 1?", ..., "is it above 4?", and assumes order, but no equal distances.

Every metric is computed on each participant's test windows and averaged over participants, as in
`ecglib.metrics`. What a participant does not define is dropped and counted.

References
----------
Frank & Hall, A Simple Approach to Ordinal Classification, ECML 2001. Macro-averaged mean absolute
error: Baccianella, Esuli & Sebastiani, Evaluation Measures for Ordinal Regression, ISDA 2009.
Weighted kappa: Cohen, Psychological Bulletin 70, 1968. Concordance: Lin, Biometrics 45, 1989.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ecglib.artifacts import cached, code_of, load_arrays, save_arrays
from ecglib.errors import DataError
from ecglib.evaluation import COLUMNS
from ecglib.folds import run_folds
from ecglib.labels import RATINGS, TARGETS, five_class_labels
from ecglib.metrics import MIN_PARTICIPANTS, RESULT, SHARED_TRAINING, bootstrap_interval
from ecglib.personal import features_source, strict_features
from ecglib.splits import LeaveOneParticipantOut
from ecglib.study import STRICT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ecglib.study import Study

MEDIAN, MEAN, RIDGE, ORDINAL = "training median", "training mean", "ridge", "ordinal"

RATING_COLUMNS = {
    **{name: kind for name, kind in COLUMNS.items() if name not in ("probability", "truth")},
    "predicted": "float32",
    "truth": "int64",
}
"""Columns of predicted ratings: as `ecglib.evaluation.COLUMNS`, but for `predicted`, the predicted
rating, a number from 1 to 5, and `truth`, the rating given, a whole number from 1 to 5."""


class OrdinalLogistic(RegressorMixin, BaseEstimator):
    """Frank & Hall's ordinal model of ratings: one logistic regression per "above k?".

    Parameters
    ----------
    C : float
        Inverse strength of the penalty of each of the four regressions.

    Notes
    -----
    The four are fitted apart, so their probabilities can cross: "above 3" may come out likelier
    than "above 2". The expected rating is defined all the same. Class probabilities need the order;
    `predict_proba` lowers whatever lies above the probability to its left.
    """

    def __init__(self, C: float = 1.0) -> None:
        self.C = C

    def fit(self, X: np.ndarray, y: np.ndarray) -> OrdinalLogistic:
        """Fit the four regressions.

        Parameters
        ----------
        X : ndarray, shape (n_windows, n_features)
            Features.
        y : ndarray, shape (n_windows,)
            Ratings, whole numbers from 1 to 5.

        Returns
        -------
        OrdinalLogistic

        Raises
        ------
        DataError
            If a rating is not one of these.
        """
        y = np.asarray(y)
        bad = ~np.isin(y, RATINGS)
        if bad.any():
            raise DataError(f"rating {y[bad][0]}", field="y", expected="a whole number from 1 to 5")
        self.regressions_: list[LogisticRegression | float] = []
        for k in RATINGS[:-1]:
            above = y > k
            if above.all() or not above.any():  # a question with one answer needs no regression
                self.regressions_.append(float(above[0]))
            else:
                regression = LogisticRegression(C=self.C, max_iter=1000)
                self.regressions_.append(regression.fit(X, above))
        return self

    def probability_above(self, X: np.ndarray) -> np.ndarray:
        """Give the probabilities that the rating is above 1, 2, 3 and 4.

        Parameters
        ----------
        X : ndarray, shape (n_windows, n_features)
            Features.

        Returns
        -------
        ndarray, shape (n_windows, 4)
            As fitted; they need not fall from left to right.
        """
        columns = [
            np.full(len(X), r) if isinstance(r, float) else r.predict_proba(X)[:, 1]
            for r in self.regressions_
        ]
        return np.stack(columns, axis=1)

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Give the probabilities of the five ratings.

        Parameters
        ----------
        X : ndarray, shape (n_windows, n_features)
            Features.

        Returns
        -------
        ndarray, shape (n_windows, 5)
            None below 0; they sum to 1.
        """
        above = np.minimum.accumulate(self.probability_above(X), axis=1)
        return -np.diff(above, axis=1, prepend=1, append=0)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Give the expected rating.

        Parameters
        ----------
        X : ndarray, shape (n_windows, n_features)
            Features.

        Returns
        -------
        ndarray, shape (n_windows,)
            From 1 to 5.
        """
        return 1 + self.probability_above(X).sum(axis=1)


def rating_models(n_features: int, windows_per_trial: float) -> dict[str, BaseEstimator]:
    """Make the two models and the two baselines, unfitted.

    Parameters
    ----------
    n_features : int
        Number of features.
    windows_per_trial : float
        Mean number of windows in a trial.

    Returns
    -------
    dict of str to estimator
        By name. The features of ridge and ordinal are standardised on the training windows.

    Notes
    -----
    The penalties say the same as that of `ecglib.personal.linear_classifier`: a trial counts once,
    and beforehand the features together are expected to move the log odds by about 1, and the
    rating by about as much as what they leave unexplained.
    """
    strength = n_features * windows_per_trial
    return {
        MEDIAN: DummyRegressor(strategy="median"),
        MEAN: DummyRegressor(strategy="mean"),
        RIDGE: make_pipeline(StandardScaler(), Ridge(alpha=strength)),
        ORDINAL: make_pipeline(StandardScaler(), OrdinalLogistic(C=1 / strength)),
    }


def evaluate_ratings(
    models: Mapping[str, BaseEstimator],
    features_of: Mapping[int, np.ndarray],
    meta: pd.DataFrame,
    targets: Sequence[str],
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
    targets : sequence of str
        Rating scales.
    regime : str
        What the features have seen before.

    Returns
    -------
    DataFrame
        Columns `RATING_COLUMNS`. Predictions below 1 and above 5 are set to 1 and 5.

    Raises
    ------
    DataError
        As in `ecglib.labels.five_class_labels` and the splitter.
    """
    people, clips = (meta[column].to_numpy() for column in ("participant", "clip"))
    ratings = np.stack([five_class_labels(meta, t).astype(np.int64) + 1 for t in targets], axis=1)
    common = (dict(models), ratings, people, clips, tuple(targets), regime)
    arguments = [
        (features_of[int(people[test[0]])], train, test, fold, *common)
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
    targets: tuple[str, ...],
    regime: str,
) -> pd.DataFrame:
    X = features.astype(np.float64)
    rows = []
    for t, target in enumerate(targets):
        for name, model in models.items():
            predicted = clone(model).fit(X[train], ratings[train, t]).predict(X[test])
            rows.append(
                {
                    "protocol": LeaveOneParticipantOut.protocol,
                    "model": name,
                    "regime": regime,
                    "target": target,
                    "fold": fold,
                    "seed": 0,
                    "window": test,
                    "participant": people[test],
                    "clip": clips[test],
                    "predicted": np.clip(predicted, RATINGS[0], RATINGS[-1]),
                    "truth": ratings[test, t],
                }
            )
    return pd.concat(map(pd.DataFrame, rows), ignore_index=True).astype(RATING_COLUMNS)


def rating_predictions(study: Study) -> pd.DataFrame:
    """Predicted ratings of every participant by models of all others, once.

    Parameters
    ----------
    study : Study
        Whose windows, encoders and ratings.

    Returns
    -------
    DataFrame
        Columns `RATING_COLUMNS`. The features of a tested participant come from an encoder that
        never saw this person.

    Notes
    -----
    Participants run in parallel if `joblib.parallel_config` around the call says so.
    """

    def make() -> dict[str, np.ndarray]:
        meta, features_of = study.usable.meta, strict_features(study)
        n_features = next(iter(features_of.values())).shape[1]
        models = rating_models(
            n_features, len(meta) / meta.groupby(["participant", "clip"]).ngroups
        )
        frame = evaluate_ratings(models, features_of, meta, TARGETS, regime=STRICT)
        return {name: frame[name].to_numpy(dtype=kind) for name, kind in RATING_COLUMNS.items()}

    code = code_of("labels", "splits", "folds", "personal", "ordinal")
    arrays = cached(
        "rating-predictions",
        ".npz",
        {**features_source(study), "code": code},
        make,
        save_arrays,
        load_arrays,
        study.root,
    )
    return pd.DataFrame(arrays).astype(RATING_COLUMNS)


def macro_mae(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Mean absolute error for each rating that was given, averaged over these ratings.

    Who always answers 3 is never far off where most ratings are 2 to 4. Averaging over the ratings
    first makes rare ratings count as much as common ones.

    Parameters
    ----------
    truth : ndarray of int, shape (n_windows,)
        Ratings given, 1 to 5.
    predicted : ndarray, shape (n_windows,)
        Ratings predicted, 1 to 5.

    Returns
    -------
    float
        In rating steps; 0 is perfect.

    Examples
    --------
    >>> macro_mae(np.array([1, 3, 3, 3]), np.array([3, 3, 3, 3]))
    1.0
    """
    error = np.abs(np.asarray(predicted, dtype=np.float64) - truth)
    return float(np.mean([error[truth == rating].mean() for rating in np.unique(truth)]))


def quadratic_kappa(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Agreement beyond chance, a miss by two steps counting four times a miss by one.

    Parameters
    ----------
    truth, predicted
        As in `macro_mae`; predictions are rounded to whole ratings, halves up.

    Returns
    -------
    float
        1 is perfect, 0 what independent ratings of these frequencies give; 0 for a constant
        prediction, NaN for a constant truth.
    """
    rounded = np.floor(np.asarray(predicted, dtype=np.float64) + 0.5)
    if np.ptp(truth) == 0:
        return float("nan")
    by_chance = np.subtract.outer(truth, rounded) ** 2
    return float(1 - np.mean((truth - rounded) ** 2) / by_chance.mean())


def spearman(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Correlation of the ranks: whether the order is right, whatever the scale.

    Parameters
    ----------
    truth, predicted
        As in `macro_mae`.

    Returns
    -------
    float
        -1 to 1; NaN if either is constant.
    """
    if np.ptp(truth) == 0 or np.ptp(predicted) == 0:
        return float("nan")
    return float(np.corrcoef(rankdata(truth), rankdata(predicted))[0, 1])


def concordance(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Concordance correlation coefficient: correlation, less for a wrong mean or a wrong spread.

    Parameters
    ----------
    truth, predicted
        As in `macro_mae`.

    Returns
    -------
    float
        -1 to 1; 0 for a constant prediction, NaN for a constant truth.
    """
    if np.ptp(truth) == 0:
        return float("nan")
    x, y = (np.asarray(values, dtype=np.float64) for values in (truth, predicted))
    covariance = np.mean((x - x.mean()) * (y - y.mean()))
    return float(2 * covariance / (x.var() + y.var() + (x.mean() - y.mean()) ** 2))


RATING_METRICS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "macro_mae": macro_mae,
    "quadratic_kappa": quadratic_kappa,
    "spearman": spearman,
    "concordance": concordance,
}
"""Metrics of ratings by the names that they have in tables."""

_BOUNDS = {"macro_mae": (0.0, 4.0)}  # all others lie between -1 and 1


def rating_metrics(predictions: pd.DataFrame) -> pd.DataFrame:
    """Compute all `RATING_METRICS` on every participant's test windows.

    Parameters
    ----------
    predictions : DataFrame
        Columns `RATING_COLUMNS`.

    Returns
    -------
    DataFrame
        One row per (protocol, target, model, regime, participant), one column per metric, NaN where
        the participant does not define it.

    Raises
    ------
    DataError
        If a column is missing, or a rating is not one.
    """
    _check(predictions)
    rows = {
        key: {
            name: function(group["truth"].to_numpy(), group["predicted"].to_numpy())
            for name, function in RATING_METRICS.items()
        }
        for key, group in predictions.groupby([*RESULT, "participant"], sort=False)
    }
    index = pd.MultiIndex.from_tuples(rows, names=[*RESULT, "participant"])
    return pd.DataFrame(list(rows.values()), index=index)


def summarise_ratings(
    predictions: pd.DataFrame,
    *,
    against: str | None = None,
    level: float = 0.95,
    n_intervals: int = 1,
    n_resamples: int = 9999,
    seed: int = 0,
) -> pd.DataFrame:
    """Summarise predicted ratings in one row per result and metric.

    Parameters
    ----------
    predictions : DataFrame
        Columns `RATING_COLUMNS`.
    against : str, optional
        A model. When given, the values are each participant's differences from that model.
    level, n_intervals, n_resamples, seed
        As in `ecglib.metrics.summarise`.

    Returns
    -------
    DataFrame
        One row per (protocol, target, model, regime, metric) with `mean`, `low`, `high`,
        `n_participants` (that define the metric), `n_undefined` (dropped) and `note` (why a number
        is missing; else empty). Intervals are those of `ecglib.metrics.bootstrap_interval`, widened
        by `ecglib.metrics.SHARED_TRAINING`, as participants are in each other's training data.

    Raises
    ------
    DataError
        As in `rating_metrics`, or if there are no predictions of `against`.
    """
    values = rating_metrics(predictions)
    if against is not None:
        if against not in values.index.get_level_values("model"):
            raise DataError(f"no predictions of model '{against}'", field="against")
        of_other = values.xs(against, level="model").groupby(["target", "participant"]).mean()
        at = pd.MultiIndex.from_arrays(
            [values.index.get_level_values(name) for name in ("target", "participant")]
        )
        values = values - of_other.reindex(at).to_numpy()
        values = values[values.index.get_level_values("model") != against]
    level = 1 - (1 - level) / n_intervals
    rows = []
    for key, group in values.groupby(level=RESULT, sort=False):
        for metric in RATING_METRICS:
            low, high = _BOUNDS.get(metric, (-1.0, 1.0))
            width = high - low
            bounds = (low, high) if against is None else (-width, width)
            row = _interval(group[metric], level, n_resamples, seed, bounds)
            rows.append({**dict(zip(RESULT, key, strict=True)), "metric": metric, **row})
    return pd.DataFrame(rows)


def _interval(
    values: pd.Series, level: float, n_resamples: int, seed: int, bounds: tuple[float, float]
) -> dict[str, object]:
    defined = values.dropna().to_numpy()
    row: dict[str, object] = dict.fromkeys(("mean", "low", "high"), float("nan"))
    row |= {"n_participants": defined.size, "n_undefined": values.size - defined.size, "note": ""}
    if not defined.size:
        row["note"] = f"undefined: constant for every participant ({values.size})"
        return row
    row["mean"] = float(defined.mean())
    if defined.size < MIN_PARTICIPANTS:
        row["note"] = f"no interval: {defined.size} participants, {MIN_PARTICIPANTS} needed"
        return row
    interval = bootstrap_interval(defined, level, n_resamples, seed, SHARED_TRAINING)
    row["low"], row["high"] = (float(end) for end in np.clip(interval, *bounds))
    return row


def _check(predictions: pd.DataFrame) -> None:
    for column in RATING_COLUMNS:
        if column not in predictions.columns:
            raise DataError("the predicted ratings lack this column", field=column)
    if predictions.empty:
        raise DataError("there are no predicted ratings", field="predictions")
    valid = {
        "predicted": predictions["predicted"].between(RATINGS[0], RATINGS[-1]),
        "truth": predictions["truth"].isin(RATINGS),
    }
    for column, good in valid.items():
        if not good.all():
            row = predictions[~good].iloc[0]
            raise DataError(
                f"{row[column]} for window {row['window']} of model {row['model']}",
                participant=row["participant"],
                clip=row["clip"],
                field=column,
                expected="a number from 1 to 5",
            )
