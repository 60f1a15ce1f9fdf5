"""The mean over participants and its interval: the only place where they are computed.

Windows of one participant are not independent, participants are: every interval treats the
participant as the unit. What a participant does not define is dropped and counted.

The intervals are bootstrap-t intervals (Efron & Tibshirani, An Introduction to the Bootstrap,
1993, section 12.5). They were chosen by simulation. With 23 participants, and normal, beta and
binomial distributions like those of these metrics, nominal 95 % intervals covered the true mean in
95 % of 1,500 repetitions for bootstrap-t, and in 92 to 93 % for BCa and the percentile method.

That holds for participants who are independent of one another, such as new people before a finished
head. Participants of one cross-validation are not: see `SHARED_TRAINING`.
`ecglib.evaluation.simulation` measures how often the intervals hold in both cases, and
`ecglib.evaluation.simulated_folds` for every other way of folding.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.core.words import counted

MIN_PARTICIPANTS = 5
"""Fewer participants than this give no interval: their resamples are too few and too alike."""

SHARED_TRAINING = 2**0.5
"""Factor by which intervals are widened when a result comes from several folds.

Participants of different folds are in each other's training data. What two of them have in common
by accident, say a ranking of their trials, helps the head that tests the one and the head that
tests the other: it is counted twice, and the spread between participants shows it once. Where there
is nothing to learn, the variance of the mean over participants is therefore twice what that spread
says, for any kind of head; where there is much to learn, it is about what the spread says and the
widened interval is wider than it need be. Differences of two models need it as much. Folds of
windows need less, from 1.0 to 1.3 by head and effect, which one study does not tell, so they get no
factor of their own (`ecglib.evaluation.simulated_folds`). For leave-one-participant-out the factor
is that of Nadeau & Bengio (Machine Learning 52, 2003), ``sqrt(1 + n / (n - 1))``, up to its last
term; that no estimate of it can be unbiased: Bengio & Grandvalet (JMLR 5, 2004).
"""


@checked
def bootstrap_interval(
    values: np.ndarray,
    level: float = 0.95,
    n_resamples: int = 9999,
    seed: int = 0,
    widening: float = 1.0,
) -> tuple[float, float]:
    """Estimate the confidence interval of a mean over participants, by the bootstrap-t method.

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
    values = checks.array("values", values, finite=False, empty=True).astype(np.float64)
    if values.ndim != 1 or values.size < MIN_PARTICIPANTS or not np.isfinite(values).all():
        raise DataError(
            f"no interval from values of shape {values.shape}, "
            f"{np.count_nonzero(~np.isfinite(values))} of them not finite",
            field="values",
            expected=f"one finite value for each of at least {MIN_PARTICIPANTS} participants",
        )
    tail = (1 - level) / 2
    if tail * n_resamples < 1:
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


@checked
def mean_and_interval(
    values: pd.Series | np.ndarray,
    *,
    several_folds: bool,
    level: float = 0.95,
    n_intervals: int = 1,
    n_resamples: int = 9999,
    seed: int = 0,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> dict[str, float | int | str]:
    """Average one value per participant, with the interval of the mean.

    Parameters
    ----------
    values : Series or ndarray of float, shape (n_participants,)
        NaN where a participant does not define the value.
    several_folds : bool
        Whether participants are in each other's training data; the interval is then widened by
        `SHARED_TRAINING`.
    level : float
        Confidence level of the intervals taken together.
    n_intervals : int
        Number of intervals that are to hold together (Bonferroni's correction).
    n_resamples, seed : int
        Bootstrap resamples of the participants, and their seed.
    bounds : tuple of float
        Least and largest possible value; mean and interval are kept within them.

    Returns
    -------
    dict
        ``mean``, ``low``, ``high``, ``n_participants`` (that define the value), ``n_undefined``
        (dropped) and ``note`` (why a number is missing and NaN; else empty).

    Raises
    ------
    DataError
        If a value is infinite, `bounds` are out of order, or the level or the number of resamples
        is out of range.

    Examples
    --------
    >>> row = mean_and_interval(np.array([0.4, 0.6, np.nan]), several_folds=True)
    >>> row["mean"], row["n_undefined"], row["note"]
    (0.5, 1, 'no interval: 2 participants, 5 needed')
    """
    values = checks.array("values", values, (None,), finite=False, empty=True).astype(np.float64)
    if np.isinf(values).any():
        raise DataError("an infinite value", field="values", expected="numbers, or NaN")
    if bounds[0] > bounds[1]:
        raise DataError(f"{bounds}", field="bounds", expected="the least value, then the largest")
    defined = values[~np.isnan(values)]
    row: dict[str, float | int | str] = {
        "mean": float("nan"),
        "low": float("nan"),
        "high": float("nan"),
        "n_participants": defined.size,
        "n_undefined": values.size - defined.size,
        "note": "",
    }
    if not defined.size:
        row["note"] = f"undefined for every participant ({values.size})"
        return row
    row["mean"] = float(np.clip(defined.mean(), *bounds))
    if defined.size < MIN_PARTICIPANTS:
        defined_for = counted(defined.size, "participant")
        row["note"] = f"no interval: {defined_for}, {MIN_PARTICIPANTS} needed"
        return row
    widening = SHARED_TRAINING if several_folds else 1.0
    level = 1 - (1 - level) / n_intervals
    interval = bootstrap_interval(defined, level, n_resamples, seed, widening)
    row["low"], row["high"] = (float(x) for x in np.clip(interval, *bounds))
    return row
