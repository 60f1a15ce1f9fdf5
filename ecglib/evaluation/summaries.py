"""Metrics of predictions, per participant and pooled, with participant-level intervals.

Windows of one participant are not independent, participants are: every interval here treats the
participant as the unit. A metric is computed on each participant's test windows and averaged over
participants. This matters most for the area under the ROC curve under leave-one-participant-out:
pooled over folds it compares probabilities of different heads, and since leaving out a person with
many "high" windows lowers the base rate that the head learns, test windows of the more frequent
class get lower probabilities and the pooled area falls below 0.5 where there is nothing to find.

Where the folds cut a person (window-wise, by trials, by clips, within a person), the same befalls
the area of one person. Take out a trial with a high rating, and the head has seen fewer of this
person's high ratings: its answers for that trial come out lower than those of another head for
another trial. So the area compares only windows that one head has judged
(`ecglib.evaluation.metrics.auc_within_folds`). If trials change their ratings within a person, two
trials of one fold can change places without any change of its training data; so where nothing can
be known, this area is one half on average. Where no fold of a result has windows of both classes of
any one person, as when single trials are left out, there is nothing but the heads' answers side by
side, and they are compared across folds.

A metric that a participant's windows do not define (all of one class) is dropped and counted.

The intervals are those of `ecglib.evaluation.intervals`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.data.cohort import DATASET
from ecglib.evaluation.intervals import mean_and_interval
from ecglib.evaluation.metrics import METRICS, auc_within_folds
from ecglib.evaluation.protocols import MAJORITY, RESULT


@checked
def participant_metrics(
    predictions: pd.DataFrame, metrics: Sequence[str] = tuple(METRICS)
) -> pd.DataFrame:
    """Compute metrics on every participant's test windows.

    Parameters
    ----------
    predictions : DataFrame
        One row per prediction, as `ecglib.evaluation.crossval` makes them.
    metrics : sequence of str
        Names from `METRICS`.

    Returns
    -------
    DataFrame
        One row per (protocol, target, model, regime, seed, participant, metric), with `value`,
        `n_windows` and `defined`. Where `defined` is False the participant's windows are of one
        class, in every fold for ``auc``, and `value` is NaN.

    Raises
    ------
    DataError
        If a column is missing, a probability or label is not valid, or a prediction stands twice.

    Examples
    --------
    >>> from ecglib.evaluation.simulation import prediction_frame
    >>> person, truth = np.repeat(np.arange(6), 4), np.tile([0, 1, 0, 1], 6)
    >>> rows = prediction_frame(truth, truth / 1, person, truth, folds=False)
    >>> participant_metrics(rows, ["accuracy"])[["participant", "value", "defined"]].head(2)
       participant  value  defined
    0            0    1.0     True
    1            1    1.0     True
    """
    predictions = _checked(predictions)
    functions = _functions(metrics)
    rows = []
    for key, result in predictions.groupby([*RESULT, "seed"], sort=False):
        within = "auc" in functions and _folds_compare(result)
        for participant, group in result.groupby("participant", sort=False):
            truth, probability = _arrays(group)
            for name, function in functions.items():
                if name == "auc" and within:
                    value = auc_within_folds(truth, probability, group["fold"].to_numpy())
                else:
                    value = function(truth, probability)
                rows.append((*key, participant, name, value, truth.size))
    frame = pd.DataFrame(
        rows, columns=[*RESULT, "seed", "participant", "metric", "value", "n_windows"]
    )
    frame["defined"] = frame["value"].notna()
    return frame


@checked
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

    The intervals of a result that comes from several folds are widened by
    `ecglib.evaluation.intervals.SHARED_TRAINING`.

    Parameters
    ----------
    predictions : DataFrame
        One row per prediction, as `ecglib.evaluation.crossval` makes them, with those of the
        majority class for every protocol and target.
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

    Examples
    --------
    >>> from ecglib.evaluation.simulation import prediction_frame
    >>> person, truth = np.repeat(np.arange(6), 4), np.tile([0, 1, 0, 1], 6)
    >>> rows = prediction_frame(truth, truth / 1, person, truth, folds=False)
    >>> rows = pd.concat([rows, rows.assign(model=MAJORITY, probability=0.0)])
    >>> summarise(rows, ["accuracy"], n_resamples=99)[
    ...     ["model", "mean", "baseline", "n_participants"]
    ... ]
           model  mean  baseline  n_participants
    0  simulated   1.0       0.5               6
    1   majority   0.5       0.5               6
    """
    predictions, _ = _checked(predictions), _functions(metrics)
    options = {
        "level": level,
        "n_intervals": n_intervals,
        "n_resamples": n_resamples,
        "seed": seed,
    }
    of_participants = _pseudo_values if pooled else _participant_values
    rows = []
    for key, group in predictions.groupby(RESULT, sort=False):
        for metric in metrics:
            values = of_participants(group, metric)
            rows.append(
                {
                    **dict(zip(RESULT, key, strict=True)),
                    "metric": f"pooled_{metric}" if pooled else metric,
                    **mean_and_interval(
                        values, several_folds=group["fold"].nunique() > 1, **options
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
            remedy="append ecglib.evaluation.crossval.majority_predictions for this splitter",
        )
    table["baseline"] = baseline.reindex(index).to_numpy()
    table["note"] = table.pop("note")
    return table


@checked
def summarise_datasets(
    predictions: pd.DataFrame,
    meta: pd.DataFrame,
    metrics: Sequence[str] = tuple(METRICS),
    **options: Any,
) -> pd.DataFrame:
    """Summarise predictions of the people of each tested dataset by themselves.

    A mean over the people of several datasets would be one of whoever has more of them. Where a
    whole dataset is tested by one fold, as in `ecglib.evaluation.leave_out.LeaveOneDatasetOut`, its
    people are not in each other's training data, and its interval is not widened.

    Parameters
    ----------
    predictions : DataFrame
        As in `summarise`.
    meta : DataFrame
        The frame of the windows that were predicted, with the column ``dataset``.
    metrics : sequence of str
        Names from `METRICS`.
    **options
        As for `summarise`.

    Returns
    -------
    DataFrame
        The rows of `summarise` for each dataset, which the first column names.

    Raises
    ------
    DataError
        If the frame lacks the column or is not that of the predictions, and as in `summarise`.

    Examples
    --------
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from ecglib.evaluation.evaluate import evaluate
    >>> from ecglib.evaluation.leave_out import LeaveOneDatasetOut
    >>> meta = pd.DataFrame({"participant": np.repeat([*"abcdefghij"], 4)}).assign(clip=1)
    >>> meta["dataset"] = np.repeat(["here", "there"], 20)
    >>> meta["valence"] = [1, 5, 1, 5] * 10
    >>> features = meta[["valence"]].to_numpy() + np.random.default_rng(0).normal(size=(40, 1))
    >>> rows = evaluate(
    ...     features, meta, LeaveOneDatasetOut(), ["valence"], GaussianNB(), regime="none"
    ... )
    >>> table = summarise_datasets(rows, meta, ["accuracy"], n_resamples=99)
    >>> table[["dataset", "model", "mean", "n_participants"]]
      dataset     model  mean  n_participants
    0    here  majority   0.5               5
    1    here       STR   1.0               5
    2   there  majority   0.5               5
    3   there       STR   1.0               5
    """
    predictions = _checked(predictions)
    if DATASET not in meta:
        raise DataError("the metadata frame lacks this column", field=DATASET)
    window = predictions["window"].to_numpy()
    people = meta["participant"].to_numpy()
    fits = window.min() >= 0 and window.max() < len(meta)
    if not fits or (people[window] != predictions["participant"].to_numpy()).any():
        raise DataError(
            "the predictions are of other windows than the frame",
            field="window",
            remedy="pass the frame that the predictions were made with",
        )
    tables = []
    for dataset, rows in predictions.groupby(meta[DATASET].to_numpy()[window]):
        table = summarise(rows, metrics, **options)
        table.insert(0, DATASET, dataset)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


@checked
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

    As in `summarise`, intervals of results from several folds are widened by
    `ecglib.evaluation.intervals.SHARED_TRAINING`.

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

    Examples
    --------
    >>> from ecglib.evaluation.simulation import prediction_frame
    >>> person, truth = np.repeat(np.arange(6), 4), np.tile([0, 1, 0, 1], 6)
    >>> rows = prediction_frame(truth, truth / 1, person, truth, folds=False, model="a")
    >>> other = rows.assign(model="b", probability=0.5)
    >>> paired_difference(rows, other, ["auc"], n_resamples=99)["mean"].tolist()
    [0.5]
    """
    a, b, _ = _checked(a), _checked(b), _functions(metrics)
    for frame in (a, b):
        if len(frame[["model", "regime"]].drop_duplicates()) != 1:
            raise DataError(
                "a comparison needs one model in one regime on each side", field="model, regime"
            )
    _same_windows(a, b)
    options = {
        "level": level,
        "n_intervals": n_intervals,
        "n_resamples": n_resamples,
        "seed": seed,
    }
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
                    **mean_and_interval(
                        difference,
                        several_folds=group["fold"].nunique() > 1,
                        bounds=(-1.0, 1.0),
                        **options,
                    ),
                }
            )
    return pd.DataFrame(rows)


def _participant_values(group: pd.DataFrame, metric: str) -> pd.Series:
    """Give one value per participant, averaged over seeds; NaN where undefined."""
    values = participant_metrics(group, [metric])
    return values.groupby("participant")["value"].mean()


def _pseudo_values(group: pd.DataFrame, metric: str) -> pd.Series:
    """Give the jackknife values of the pooled metric, one per participant, averaged over seeds.

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


def _folds_compare(result: pd.DataFrame) -> bool:
    """Say whether a fold of a result has windows of both classes of one person."""
    return bool(result.groupby(["participant", "fold"])["truth"].nunique().gt(1).any())


def _arrays(group: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    return group["truth"].to_numpy(), group["probability"].to_numpy()


def _functions(names: Sequence[str]) -> dict[str, Callable[[np.ndarray, np.ndarray], float]]:
    for name in checks.several("metrics", names, checks.of_type, str):
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
    again = predictions.duplicated([*RESULT, "fold", "seed", "window"])
    if again.any():
        row = predictions[again].iloc[0]
        raise DataError(
            f"{again.sum()} predictions made twice, the first of window {row['window']} by model "
            f"{row['model']}",
            participant=row["participant"],
            field="window",
            expected="one prediction for each window, fold and seed of a result",
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
