"""Metrics of ratings, which know that 2 is nearer to 3 than 1 is, and their summary.

The models whose ratings they judge are in `ecglib.transfer.ordinal`. Every metric is
computed on each participant's test windows and averaged over participants, as in
`ecglib.evaluation.summaries`. What a participant does not define is dropped and counted.

References
----------
Macro-averaged mean absolute error: Baccianella, Esuli & Sebastiani, Evaluation Measures for Ordinal
Regression, ISDA 2009. Weighted kappa: Cohen, Psychological Bulletin 70, 1968. Concordance: Lin,
Biometrics 45, 1989.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.data.targets import TARGETS, Rating, as_target
from ecglib.evaluation.intervals import mean_and_interval
from ecglib.evaluation.protocols import RATING_COLUMNS, RESULT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@checked
def macro_mae(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Average the mean absolute errors of all ratings that were given, each counting once.

    Who always answers 3 is never far off where most ratings are 2 to 4. Averaging over the ratings
    first makes rare ratings count as much as common ones.

    Parameters
    ----------
    truth : ndarray of int, shape (n_windows,)
        Ratings given, on any scale.
    predicted : ndarray, shape (n_windows,)
        Ratings predicted, on the same scale.

    Returns
    -------
    float
        In rating steps; 0 is perfect.

    Examples
    --------
    >>> macro_mae(np.array([1, 3, 3, 3]), np.array([3, 3, 3, 3]))
    1.0
    """
    truth, predicted = _pair(truth, predicted)
    error = np.abs(predicted - truth)
    return float(np.mean([error[truth == rating].mean() for rating in np.unique(truth)]))


@checked
def quadratic_kappa(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Measure agreement beyond chance; a miss by two steps counts four times a miss by one.

    Parameters
    ----------
    truth, predicted
        As in `macro_mae`; predictions are rounded to whole ratings, halves up.

    Returns
    -------
    float
        1 is perfect, 0 what independent ratings of these frequencies give; 0 for a constant
        prediction, NaN for a constant truth.

    Examples
    --------
    >>> round(quadratic_kappa(np.array([1, 2, 3, 4]), np.array([1, 2, 3, 3])), 3)
    0.875
    """
    truth, predicted = _pair(truth, predicted)
    rounded = np.floor(predicted + 0.5)
    if np.ptp(truth) == 0:
        return float("nan")
    by_chance = np.subtract.outer(truth, rounded) ** 2
    return float(1 - np.mean((truth - rounded) ** 2) / by_chance.mean())


@checked
def spearman(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Correlate the ranks, which says whether the order is right, whatever the scale.

    Parameters
    ----------
    truth, predicted
        As in `macro_mae`.

    Returns
    -------
    float
        -1 to 1; NaN if either is constant.

    Examples
    --------
    >>> round(spearman(np.array([1, 2, 3, 5]), np.array([2.0, 2.1, 2.2, 9.0])), 3)
    1.0
    """
    truth, predicted = _pair(truth, predicted)
    if np.ptp(truth) == 0 or np.ptp(predicted) == 0:
        return float("nan")
    return float(np.corrcoef(rankdata(truth), rankdata(predicted))[0, 1])


@checked
def concordance(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Correlate, and take off for a wrong mean or spread: Lin's concordance coefficient.

    Parameters
    ----------
    truth, predicted
        As in `macro_mae`.

    Returns
    -------
    float
        -1 to 1; 0 for a constant prediction, NaN for a constant truth.

    Examples
    --------
    >>> truth = np.array([1, 2, 3])
    >>> round(concordance(truth, truth), 3), round(concordance(truth, truth + 1.0), 3)
    (1.0, 0.571)
    """
    x, y = _pair(truth, predicted)
    if np.ptp(x) == 0:
        return float("nan")
    covariance = np.mean((x - x.mean()) * (y - y.mean()))
    return float(2 * covariance / (x.var() + y.var() + (x.mean() - y.mean()) ** 2))


def _pair(truth: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Check that there is one rating given and one predicted per window."""
    truth = checks.array("truth", truth, (None,)).astype(np.float64)
    return truth, checks.array("predicted", predicted, truth.shape).astype(np.float64)


RATING_METRICS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "macro_mae": macro_mae,
    "quadratic_kappa": quadratic_kappa,
    "spearman": spearman,
    "concordance": concordance,
}
"""Metrics of ratings by the names that they have in tables."""


@checked
def rating_metrics(
    predictions: pd.DataFrame, targets: Sequence[str | Rating] = TARGETS
) -> pd.DataFrame:
    """Compute all `RATING_METRICS` on every participant's test windows.

    Parameters
    ----------
    predictions : DataFrame
        Columns `RATING_COLUMNS`.
    targets : sequence of str or Rating
        The scales that were rated on.

    Returns
    -------
    DataFrame
        One row per (protocol, target, model, regime, participant), one column per metric, NaN where
        the participant does not define it.

    Raises
    ------
    DataError
        If a column is missing, a target is none of these, or a rating is not one.

    Examples
    --------
    >>> rows = pd.DataFrame({"participant": 1, "window": [0, 1, 2], "truth": [1, 3, 5]})
    >>> rows = rows.assign(protocol="loso", model="ridge", regime="none", target="valence", clip=1)
    >>> rows = rows.assign(fold=0, seed=0, predicted=np.array([2.0, 3.0, 4.0], "float32"))
    >>> rating_metrics(rows, ["valence"]).iloc[0].round(2).to_dict()
    {'macro_mae': 0.67, 'quadratic_kappa': 0.8, 'spearman': 1.0, 'concordance': 0.8}
    """
    _check(predictions, _scales(targets))
    rows = {
        key: {
            name: function(group["truth"].to_numpy(), group["predicted"].to_numpy())
            for name, function in RATING_METRICS.items()
        }
        for key, group in predictions.groupby([*RESULT, "participant"], sort=False)
    }
    index = pd.MultiIndex.from_tuples(rows, names=[*RESULT, "participant"])
    return pd.DataFrame(list(rows.values()), index=index)


@checked
def summarise_ratings(
    predictions: pd.DataFrame,
    targets: Sequence[str | Rating] = TARGETS,
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
    targets : sequence of str or Rating
        The scales that were rated on.
    against : str, optional
        A model. When given, the values are each participant's differences from that model.
    level, n_intervals, n_resamples, seed
        As in `ecglib.evaluation.summaries.summarise`.

    Returns
    -------
    DataFrame
        One row per (protocol, target, model, regime, metric) with `mean`, `low`, `high`,
        `n_participants` (that define the metric), `n_undefined` (dropped) and `note` (why a number
        is missing; else empty). Intervals are those of
        `ecglib.evaluation.intervals.bootstrap_interval`, widened by
        `ecglib.evaluation.intervals.SHARED_TRAINING`, as participants are in each other's training
        data.

    Raises
    ------
    DataError
        As in `rating_metrics`, or if there are no predictions of `against`.

    Examples
    --------
    >>> rows = pd.DataFrame(
    ...     {"participant": [1, 1, 2, 2], "window": range(4), "truth": [1, 5, 2, 4]}
    ... )
    >>> rows = rows.assign(protocol="loso", model="ridge", regime="none", target="valence", clip=1)
    >>> rows = rows.assign(fold=0, seed=0, predicted=np.array([2, 4, 2, 4], "float32"))
    >>> table = summarise_ratings(rows, ["valence"], n_resamples=99).set_index("metric")
    >>> table["mean"].round(2).to_dict()
    {'macro_mae': 0.5, 'quadratic_kappa': 0.9, 'spearman': 1.0, 'concordance': 0.9}
    """
    values, scales = rating_metrics(predictions, targets), _scales(targets)
    if against is not None:
        if against not in values.index.get_level_values("model"):
            raise DataError(f"no predictions of model '{against}'", field="against")
        of_other = values.xs(against, level="model").groupby(["target", "participant"]).mean()
        at = pd.MultiIndex.from_arrays(
            [values.index.get_level_values(name) for name in ("target", "participant")]
        )
        values = values - of_other.reindex(at).to_numpy()
        values = values[values.index.get_level_values("model") != against]
    rows = []
    for key, group in values.groupby(level=RESULT, sort=False):
        for metric in RATING_METRICS:
            scale = scales[key[RESULT.index("target")]]
            low, high = (0.0, scale.high - scale.low) if metric == "macro_mae" else (-1.0, 1.0)
            width = high - low
            bounds = (low, high) if against is None else (-width, width)
            row = mean_and_interval(
                group[metric],
                several_folds=True,
                level=level,
                n_intervals=n_intervals,
                n_resamples=n_resamples,
                seed=seed,
                bounds=bounds,
            )
            rows.append({**dict(zip(RESULT, key, strict=True)), "metric": metric, **row})
    return pd.DataFrame(rows)


def _scales(targets: Sequence[str | Rating]) -> dict[str, Rating]:
    return {scale.name: scale for scale in map(as_target, targets)}


def _check(predictions: pd.DataFrame, scales: Mapping[str, Rating]) -> None:
    for column in RATING_COLUMNS:
        if column not in predictions.columns:
            raise DataError("the predicted ratings lack this column", field=column)
    if predictions.empty:
        raise DataError("there are no predicted ratings", field="predictions")
    for target, rows in predictions.groupby("target", sort=False):
        if target not in scales:
            raise DataError(
                f"unknown target {target!r}", field="target", expected=", ".join(scales)
            )
        scale = scales[target]
        valid = {
            "predicted": rows["predicted"].between(scale.low, scale.high).to_numpy(),
            "truth": scale.allows(rows["truth"]),
        }
        for column, good in valid.items():
            if not good.all():
                row = rows[~good].iloc[0]
                raise DataError(
                    f"{row[column]} for window {row['window']} of model {row['model']}",
                    participant=row["participant"],
                    clip=row["clip"],
                    field=column,
                    expected=f"a number from {scale.low:g} to {scale.high:g}",
                )
