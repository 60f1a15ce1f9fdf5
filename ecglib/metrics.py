"""Metrics of predictions, per participant and pooled, with participant-level intervals.

Windows of one participant are not independent, participants are: every interval here treats the
participant as the unit. A metric is computed on each participant's test windows and averaged over
participants. This matters most for the area under the ROC curve under leave-one-participant-out:
pooled over folds it compares probabilities of different heads, and since leaving out a person with
many "high" windows lowers the base rate that the head learns, test windows of the more frequent
class get lower probabilities and the pooled area falls below 0.5 where there is nothing to find.

A metric that a participant's windows do not define (all of one class) is dropped and counted.

The intervals are bootstrap-t intervals (Efron & Tibshirani, An Introduction to the Bootstrap,
1993, section 12.5). They were chosen by simulation. With 23 participants, and normal, beta and
binomial distributions like those of these metrics, nominal 95 % intervals covered the true mean in
95 % of 1,500 repetitions for bootstrap-t, and in 92 to 93 % for BCa and the percentile method.

That holds for participants who are independent of one another, such as new people before a finished
head. Participants of one cross-validation are not: see `SHARED_TRAINING`. `ecglib.simulation`
measures how often the intervals hold in both cases.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from ecglib.errors import DataError

MIN_PARTICIPANTS = 5
"""Fewer participants than this give no interval: their resamples are too few and too alike."""

SHARED_TRAINING = 2**0.5
"""Factor by which intervals are widened when a result comes from several folds.

Participants of different folds are in each other's training data. What two of them have in common
by accident, say a ranking of their trials, helps the head that tests the one and the head that
tests the other: it is counted twice, and the spread between participants shows it once. Where there
is nothing to learn, the variance of the mean over participants is therefore twice what that spread
says, for any kind of head; where there is much to learn, it is about what the spread says and the
widened interval is wider than it need be. For leave-one-participant-out the factor is that of
Nadeau & Bengio (Machine Learning 52, 2003), ``sqrt(1 + n / (n - 1))``, up to its last term; that no
estimate of it can be unbiased: Bengio & Grandvalet (JMLR 5, 2004).
"""

MAJORITY = "majority"
"""Name of the majority-class model in predictions."""


def accuracy(truth: np.ndarray, probability: np.ndarray) -> float:
    """Share of windows classified correctly at probability 0.5.

    Parameters
    ----------
    truth : ndarray, shape (n_windows,)
        Labels, 0 or 1.
    probability : ndarray, shape (n_windows,)
        Probability of class 1; above 0.5 predicts 1.

    Returns
    -------
    float
    """
    return float(np.mean((probability > 0.5) == truth))


def balanced_accuracy(truth: np.ndarray, probability: np.ndarray) -> float:
    """Mean of the two classes' recalls; NaN if a class is absent from `truth`.

    Parameters
    ----------
    truth, probability
        As in `accuracy`.

    Returns
    -------
    float
    """
    true_negative, false_positive, false_negative, true_positive = _confusion(truth, probability)
    positive, negative = true_positive + false_negative, true_negative + false_positive
    if not positive or not negative:
        return float("nan")
    return (true_positive / positive + true_negative / negative) / 2


def macro_f1(truth: np.ndarray, probability: np.ndarray) -> float:
    """Unweighted mean of the two classes' F1 scores; NaN if a class is absent from `truth`.

    The released code (``utils.py``) instead takes the F1 of the mean precision and the mean recall,
    which is another number.

    Parameters
    ----------
    truth, probability
        As in `accuracy`.

    Returns
    -------
    float
    """
    true_negative, false_positive, false_negative, true_positive = _confusion(truth, probability)
    if not true_positive + false_negative or not true_negative + false_positive:
        return float("nan")
    errors = false_positive + false_negative
    return true_positive / (2 * true_positive + errors) + true_negative / (
        2 * true_negative + errors
    )


def auc(truth: np.ndarray, probability: np.ndarray) -> float:
    """Area under the ROC curve, ties counted half; NaN if a class is absent from `truth`.

    Parameters
    ----------
    truth, probability
        As in `accuracy`.

    Returns
    -------
    float
    """
    positive = int(np.sum(truth))
    negative = truth.size - positive
    if not positive or not negative:
        return float("nan")
    rank_sum = rankdata(probability)[truth == 1].sum()
    return float((rank_sum - positive * (positive + 1) / 2) / (positive * negative))


METRICS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "macro_f1": macro_f1,
    "auc": auc,
}
"""Metrics by the names that they have in tables."""

RESULT = ["protocol", "target", "model", "regime"]


def participant_metrics(
    predictions: pd.DataFrame, metrics: Sequence[str] = tuple(METRICS)
) -> pd.DataFrame:
    """Compute metrics on every participant's test windows.

    Parameters
    ----------
    predictions : DataFrame
        One row per prediction, as `ecglib.evaluation` makes them.
    metrics : sequence of str
        Names from `METRICS`.

    Returns
    -------
    DataFrame
        One row per (protocol, target, model, regime, seed, participant, metric), with `value`,
        `n_windows` and `defined`. Where `defined` is False the participant's windows are of one
        class and `value` is NaN.

    Raises
    ------
    DataError
        If a column is missing, or a probability or label is not valid.
    """
    predictions = _checked(predictions)
    functions = _functions(metrics)
    rows = []
    for key, group in predictions.groupby([*RESULT, "seed", "participant"], sort=False):
        truth, probability = _arrays(group)
        rows.extend(
            (*key, name, function(truth, probability), truth.size)
            for name, function in functions.items()
        )
    frame = pd.DataFrame(
        rows, columns=[*RESULT, "seed", "participant", "metric", "value", "n_windows"]
    )
    frame["defined"] = frame["value"].notna()
    return frame


def bootstrap_interval(
    values: np.ndarray,
    level: float = 0.95,
    n_resamples: int = 9999,
    seed: int = 0,
    widening: float = 1.0,
) -> tuple[float, float]:
    """Confidence interval of a mean over participants, by the bootstrap-t method.

    Parameters
    ----------
    values : ndarray, shape (n_participants,)
        One value per participant.
    level : float
        Confidence level. For k intervals with joint level 0.95 (Bonferroni), ``1 - 0.05 / k``.
    n_resamples : int
        Number of bootstrap resamples of the participants.
    seed : int
        Seed of the resampling.
    widening : float
        Factor on the distance of both ends from the mean: `SHARED_TRAINING` where participants are
        in each other's training data.

    Returns
    -------
    low, high : float
        Equal to the mean when all values are the same.

    Raises
    ------
    DataError
        If there are fewer than `MIN_PARTICIPANTS` values, one is not finite, or the level or the
        number of resamples is out of range.

    Examples
    --------
    >>> low, high = bootstrap_interval(np.array([0.4, 0.5, 0.55, 0.6, 0.7, 0.65]))
    >>> bool(low < 0.5667 < high)
    True
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or values.size < MIN_PARTICIPANTS or not np.isfinite(values).all():
        raise DataError(
            f"no interval from values of shape {values.shape}, "
            f"{np.count_nonzero(~np.isfinite(values))} of them not finite",
            field="values",
            expected=f"one finite value for each of at least {MIN_PARTICIPANTS} participants",
        )
    tail = (1 - level) / 2
    if not 0 < level < 1 or tail * n_resamples < 1:
        raise DataError(
            f"level {level} with {n_resamples} resamples",
            field="level, n_resamples",
            expected="a level between 0 and 1 that leaves at least one resample in each tail",
        )
    mean, error = values.mean(), values.std(ddof=1) / np.sqrt(values.size)
    if np.ptp(values) == 0:
        return float(values[0]), float(values[0])
    rng = np.random.default_rng(seed)
    sample = values[rng.integers(0, values.size, (n_resamples, values.size))]
    sample = sample[np.ptp(sample, axis=1) > 0]  # one value throughout has no standard error
    t = (sample.mean(axis=1) - mean) / (sample.std(axis=1, ddof=1) / np.sqrt(values.size))
    t_low, t_high = np.quantile(t, (tail, 1 - tail))
    error *= widening
    return float(mean - t_high * error), float(mean - t_low * error)


def summarise(
    predictions: pd.DataFrame,
    metrics: Sequence[str] = tuple(METRICS),
    *,
    pooled: bool = False,
    level: float = 0.95,
    n_intervals: int = 1,
    n_resamples: int = 9999,
    seed: int = 0,
) -> pd.DataFrame:
    """Summarise predictions in one row per result and metric.

    The intervals of a result that comes from several folds are widened by `SHARED_TRAINING`.

    Parameters
    ----------
    predictions : DataFrame
        One row per prediction, as `ecglib.evaluation` makes them, with those of the majority class
        for every protocol and target.
    metrics : sequence of str
        Names from `METRICS`.
    pooled : bool
        Compute the metrics on all test windows together, as the window-wise protocol does, rather
        than per participant. The intervals are still the participants': the bootstrap resamples the
        jackknife's pseudo-values, one per participant left out.
    level : float
        Confidence level of the intervals taken together.
    n_intervals : int
        Number of intervals that are to hold together (Bonferroni's correction).
    n_resamples, seed : int
        Bootstrap resamples and their seed.

    Returns
    -------
    DataFrame
        One row per (protocol, target, model, regime, metric) with `mean`, `low`, `high`,
        `n_participants` (that define the metric), `n_undefined` (dropped), `n_seeds` (averaged
        within a participant first), `baseline` (the same metric of the majority class) and `note`
        (why a number is missing; else empty). Pooled metrics are named ``pooled_...``.

    Raises
    ------
    DataError
        If `predictions` are not valid, or lack the majority class for a protocol and target.
    """
    predictions = _checked(predictions)
    level = 1 - (1 - level) / n_intervals
    of_participants = _pseudo_values if pooled else _participant_values
    rows = []
    for key, group in predictions.groupby(RESULT, sort=False):
        for metric in metrics:
            values = of_participants(group, metric)
            rows.append(
                {
                    **dict(zip(RESULT, key, strict=True)),
                    "metric": f"pooled_{metric}" if pooled else metric,
                    **_interval_row(
                        values,
                        level,
                        n_resamples,
                        seed,
                        bounds=(0.0, 1.0),
                        several_folds=group["fold"].nunique() > 1,
                    ),
                    "n_seeds": group["seed"].nunique(),
                }
            )
    table = pd.DataFrame(rows)
    baseline = table[table["model"] == MAJORITY].set_index(["protocol", "target", "metric"])["mean"]
    index = pd.MultiIndex.from_frame(table[["protocol", "target", "metric"]])
    missing = ~index.isin(baseline.index)
    if missing.any():
        protocol, target, _ = index[missing][0]
        raise DataError(
            f"no majority-class predictions for protocol {protocol}, target {target}",
            field="model",
            remedy="append ecglib.evaluation.majority_predictions for this splitter",
        )
    table["baseline"] = baseline.reindex(index).to_numpy()
    table["note"] = table.pop("note")
    return table


def paired_difference(
    a: pd.DataFrame,
    b: pd.DataFrame,
    metrics: Sequence[str] = tuple(METRICS),
    *,
    level: float = 0.95,
    n_intervals: int = 1,
    n_resamples: int = 9999,
    seed: int = 0,
) -> pd.DataFrame:
    """Compare two models on the same participants: mean of ``a - b`` with its interval.

    As in `summarise`, intervals of results from several folds are widened by `SHARED_TRAINING`.

    Parameters
    ----------
    a, b : DataFrame
        Predictions of one model in one regime each, for the same test windows.
    metrics : sequence of str
        Names from `METRICS`.
    level, n_intervals, n_resamples, seed
        As in `summarise`.

    Returns
    -------
    DataFrame
        One row per (protocol, target, metric) with `model` ("A - B"), `mean`, `low`, `high`,
        `n_participants`, `n_undefined` and `note`.

    Raises
    ------
    DataError
        If a frame holds several models or regimes, or the two test different windows.
    """
    a, b = _checked(a), _checked(b)
    for frame in (a, b):
        if len(frame[["model", "regime"]].drop_duplicates()) != 1:
            raise DataError(
                "a comparison needs one model in one regime on each side", field="model, regime"
            )
    _same_windows(a, b)
    level = 1 - (1 - level) / n_intervals
    name = " - ".join(f"{f['model'].iloc[0]} ({f['regime'].iloc[0]})" for f in (a, b))
    others = dict(list(b.groupby(["protocol", "target"])))
    rows = []
    for (protocol, target), group in a.groupby(["protocol", "target"], sort=False):
        for metric in metrics:
            difference = _participant_values(group, metric) - _participant_values(
                others[protocol, target], metric
            )
            rows.append(
                {
                    "protocol": protocol,
                    "target": target,
                    "model": name,
                    "metric": metric,
                    **_interval_row(
                        difference,
                        level,
                        n_resamples,
                        seed,
                        bounds=(-1.0, 1.0),
                        several_folds=group["fold"].nunique() > 1,
                    ),
                }
            )
    return pd.DataFrame(rows)


def _participant_values(group: pd.DataFrame, metric: str) -> pd.Series:
    """One value per participant, averaged over seeds; NaN where undefined."""
    values = participant_metrics(group, [metric])
    return values.groupby("participant")["value"].mean()


def _pseudo_values(group: pd.DataFrame, metric: str) -> pd.Series:
    """Jackknife values of the pooled metric, one per participant, averaged over seeds.

    They are centred on the pooled metric itself, without the jackknife's correction of its bias, so
    that the table shows the number that the protocol reports.
    """
    function = _functions([metric])[metric]
    of_seed = []
    for _, rows in group.groupby("seed"):
        truth, probability = _arrays(rows)
        participant = rows["participant"].to_numpy()
        numbers = np.unique(participant)
        whole = function(truth, probability)
        without = [
            function(truth[participant != p], probability[participant != p])
            if numbers.size > 1
            else float("nan")
            for p in numbers
        ]
        influence = (numbers.size - 1) * (np.mean(without) - np.array(without))
        of_seed.append(pd.Series(whole + influence, index=numbers))
    return pd.concat(of_seed, axis=1).mean(axis=1)


def _interval_row(
    values: pd.Series,
    level: float,
    n_resamples: int,
    seed: int,
    *,
    bounds: tuple[float, float],
    several_folds: bool,
) -> dict[str, object]:
    """Mean and interval of one value per participant, and what is missing and why."""
    defined = values.dropna().to_numpy()
    row: dict[str, object] = {
        "mean": float("nan"),
        "low": float("nan"),
        "high": float("nan"),
        "n_participants": defined.size,
        "n_undefined": values.size - defined.size,
        "note": "",
    }
    if not defined.size:
        row["note"] = f"undefined: every participant ({values.size}) has one class"
        return row
    row["mean"] = float(np.clip(defined.mean(), *bounds))
    if defined.size < MIN_PARTICIPANTS:
        row["note"] = f"no interval: {defined.size} participants, {MIN_PARTICIPANTS} needed"
        return row
    widening = SHARED_TRAINING if several_folds else 1.0
    interval = bootstrap_interval(defined, level, n_resamples, seed, widening)
    row["low"], row["high"] = (float(x) for x in np.clip(interval, *bounds))
    return row


def _confusion(truth: np.ndarray, probability: np.ndarray) -> tuple[int, int, int, int]:
    predicted = probability > 0.5
    counts = np.bincount(2 * truth.astype(np.int64) + predicted, minlength=4)
    return tuple(int(c) for c in counts)


def _arrays(group: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    return group["truth"].to_numpy(), group["probability"].to_numpy()


def _functions(names: Sequence[str]) -> dict[str, Callable[[np.ndarray, np.ndarray], float]]:
    for name in names:
        if name not in METRICS:
            raise DataError(
                f"unknown metric {name!r}", field="metrics", expected="one of " + ", ".join(METRICS)
            )
    return {name: METRICS[name] for name in names}


def _checked(predictions: pd.DataFrame) -> pd.DataFrame:
    """Give the predictions, if they are valid, without what pandas would copy with every slice."""
    for column in [*RESULT, "fold", "seed", "window", "participant", "probability", "truth"]:
        if column not in predictions.columns:
            raise DataError("the predictions lack this column", field=column)
    if predictions.empty:
        raise DataError("there are no predictions", field="predictions")
    valid = {
        "probability": predictions["probability"].between(0, 1),
        "truth": predictions["truth"].isin((0, 1)),
    }
    for column, good in valid.items():
        if not good.all():
            row = predictions[~good].iloc[0]
            raise DataError(
                f"{row[column]} for window {row['window']} of model {row['model']}",
                participant=row["participant"],
                field=column,
                expected="a number from 0 to 1" if column == "probability" else "0 or 1",
            )
    predictions = predictions.copy(deep=False)
    predictions.attrs = {}
    return predictions


def _same_windows(a: pd.DataFrame, b: pd.DataFrame) -> None:
    key = ["protocol", "target", "participant", "window", "truth"]
    one, other = (
        frame[key].drop_duplicates().sort_values(key).reset_index(drop=True) for frame in (a, b)
    )
    if one.shape != other.shape or not (one == other).all(axis=None):
        raise DataError(
            f"the two models were tested on different windows ({len(one)} and {len(other)})",
            field="window",
            remedy="compare predictions of the same splitter on the same metadata frame",
        )
