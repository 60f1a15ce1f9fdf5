"""What the error of a mean is made of: people, seeds and the rest."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.evaluation.protocols import RESULT
from ecglib.evaluation.summaries import participant_metrics


@checked
def variance_parts(table: np.ndarray) -> dict[str, float]:
    """Split the variance of a table of participants and seeds into its sources.

    The model is ``value = mean + participant + seed + rest`` with independent random effects; the
    variances follow from the mean squares (method of moments; Searle, Casella & McCulloch,
    Variance Components, 1992). An estimate below zero is set to zero.

    Parameters
    ----------
    table : ndarray, shape (n_participants, n_seeds)
        One value per participant and seed.

    Returns
    -------
    dict
        Variances ``participant``, ``seed`` and ``rest``; the standard error of the mean over the
        table (``error``), of one seed alone (``error_one_seed``) and of endlessly many
        (``error_many_seeds``); and ``spread_of_seeds``, the standard deviation of the seeds'
        means, which is what "±" over seeds shows.

    Raises
    ------
    DataError
        If there are fewer than two participants or seeds, or a value is not finite.

    Examples
    --------
    >>> parts = variance_parts(np.array([[0.5, 0.6], [0.7, 0.8], [0.9, 1.0]]))
    >>> {name: round(parts[name], 3) for name in ("participant", "seed", "rest")}
    {'participant': 0.04, 'seed': 0.005, 'rest': 0.0}
    """
    table = np.asarray(table, dtype=np.float64)
    if table.ndim != 2 or min(table.shape) < 2 or not np.isfinite(table).all():
        raise DataError(
            f"no variances from a table of shape {table.shape}, "
            f"{np.count_nonzero(~np.isfinite(table))} values not finite",
            field="table",
            expected="a finite value for each of at least 2 participants and 2 seeds",
        )
    n_people, n_seeds = table.shape
    of_person, of_seed = table.mean(axis=1), table.mean(axis=0)
    rest = table - of_person[:, None] - of_seed + table.mean()
    rest_square = (rest**2).sum() / ((n_people - 1) * (n_seeds - 1))
    participant = max(of_person.var(ddof=1) - rest_square / n_seeds, 0.0)
    seed = max(of_seed.var(ddof=1) - rest_square / n_people, 0.0)

    def error(seeds: float) -> float:
        return float(
            np.sqrt(participant / n_people + seed / seeds + rest_square / (n_people * seeds))
        )

    return {
        "participant": float(participant),
        "seed": float(seed),
        "rest": float(rest_square),
        "error": error(n_seeds),
        "error_one_seed": error(1),
        "error_many_seeds": error(np.inf),
        "spread_of_seeds": float(of_seed.std(ddof=1)),
    }


@checked
def seed_variance(predictions: pd.DataFrame, metric: str = "auc") -> pd.DataFrame:
    """Tell the noise of seeds from the differences between participants.

    Parameters
    ----------
    predictions : DataFrame
        One row per prediction, with several seeds of every result.
    metric : str
        A name from `ecglib.evaluation.metrics.METRICS`.

    Returns
    -------
    DataFrame
        One row per (protocol, target, model, regime), with `n_participants` that define the
        metric, `n_seeds` and the `variance_parts`.

    Raises
    ------
    DataError
        If a seed tested other participants than the others, or as in `variance_parts`.

    Examples
    --------
    >>> from ecglib.evaluation.simulation import prediction_frame
    >>> person, truth = np.repeat(np.arange(6), 4), np.tile([0, 1, 0, 1], 6)
    >>> scores = np.random.default_rng(0).uniform(size=(2, 24))
    >>> rows = [prediction_frame(truth, s, person, truth, folds=False) for s in scores]
    >>> rows = pd.concat(
    ...     [
    ...         one.assign(seed=seed, probability=s)
    ...         for seed, (one, s) in enumerate(zip(rows, scores))
    ...     ]
    ... )
    >>> seed_variance(rows)[["n_participants", "n_seeds"]].values.tolist()
    [[6, 2]]
    """
    rows = []
    for key, group in participant_metrics(predictions, [metric]).groupby(RESULT, sort=False):
        table = group.pivot(index="participant", columns="seed", values="value").dropna(how="all")
        if table.isna().any(axis=None):
            person, seed = table.stack(future_stack=True).loc[lambda x: x.isna()].index[0]
            raise DataError(
                f"no {metric} of model {key[2]} with seed {seed}, though other seeds have one",
                participant=person,
                field="seed",
                remedy="predict the same test windows with every seed",
            )
        rows.append(
            {
                **dict(zip(RESULT, key, strict=True)),
                "n_participants": len(table),
                "n_seeds": table.shape[1],
                **variance_parts(table.to_numpy()),
            }
        )
    return pd.DataFrame(rows)
