"""Whether a probability means what it says: reliability curve, calibration error, Brier score.

Of the windows that a model calls high with 70 %, 70 % should be high. A model can be calibrated and
useless: whoever always answers with the base rate is. And it can order windows well and be wrong
about its certainty.

The expected calibration error (ECE) is never 0 in a finite sample, however well a model is
calibrated, because the share of high windows in a bin fluctuates. It fluctuates much here: the
windows of a trial share one rating, so a bin holds far fewer independent ratings than windows.
`calibration_floor` says how large an ECE a perfectly calibrated model would have with the same
probabilities.

References
----------
Reliability and ECE: Guo et al., On Calibration of Modern Neural Networks, ICML 2017. Its bias:
Roelofs et al., Mitigating Bias in Calibration Error Estimation, AISTATS 2022. Brier, Monthly
Weather Review 78, 1950.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.evaluation.intervals import MIN_PARTICIPANTS, SHARED_TRAINING, mean_and_interval
from ecglib.evaluation.metrics import labels_and_probabilities
from ecglib.evaluation.protocols import RESULT

BINNINGS = ("equal-count", "equal-width")
"""Ways to cut probabilities into bins: as many windows in each, or as wide."""


@checked
def brier_score(truth: np.ndarray, probability: np.ndarray) -> float:
    """Average the squared difference between probability and label; 0 is perfect.

    Parameters
    ----------
    truth : ndarray, shape (n_windows,)
        Labels, 0 or 1.
    probability : ndarray, shape (n_windows,)
        Probability of class 1.

    Returns
    -------
    float

    Raises
    ------
    DataError
        As in `ecglib.evaluation.metrics.accuracy`.

    Examples
    --------
    >>> brier_score(np.array([1, 0]), np.array([0.5, 0.5]))
    0.25
    """
    truth, probability = labels_and_probabilities(truth, probability)
    return float(np.mean((probability.astype(np.float64) - truth) ** 2))


@checked
def assign_bins(
    probability: np.ndarray, n_bins: int = 10, binning: str = "equal-count"
) -> np.ndarray:
    """Put probabilities into bins.

    Parameters
    ----------
    probability : ndarray, shape (n_windows,)
        Numbers from 0 to 1.
    n_bins : int
        Number of bins.
    binning : {"equal-count", "equal-width"}
        Bins that hold about as many windows each, or that are as wide each. Equal probabilities
        come into one bin, so that there can be fewer bins of equal count.

    Returns
    -------
    ndarray of int, shape (n_windows,)
        Bin of each window, from 0, without gaps; empty bins are left out.

    Raises
    ------
    DataError
        If a probability is not one, or the bins are not defined.

    Examples
    --------
    >>> assign_bins(np.array([0.1, 0.2, 0.9, 1.0]), 2), assign_bins(np.full(3, 0.4))
    (array([0, 0, 1, 1]), array([0, 0, 0]))
    """
    probability = checks.probabilities("probability", probability, (None,)).astype(np.float64)
    checks.one_of("binning", binning, BINNINGS)
    if binning == "equal-width":
        inner = np.linspace(0, 1, n_bins + 1)[1:-1]
    else:
        inner = np.quantile(probability, np.linspace(0, 1, n_bins + 1)[1:-1])
    bins = np.searchsorted(inner, probability, side="left")
    return np.unique(bins, return_inverse=True)[1].reshape(-1)


@checked
def expected_calibration_error(
    truth: np.ndarray, probability: np.ndarray, n_bins: int = 10, binning: str = "equal-count"
) -> float:
    """Average, over windows, how far their bin's mean probability is from its share of class 1.

    Parameters
    ----------
    truth, probability
        As in `brier_score`.
    n_bins, binning
        As in `assign_bins`.

    Returns
    -------
    float
        0 to 1. See `calibration_floor` for what it is where nothing is wrong.

    Examples
    --------
    >>> truth, probability = np.array([0, 1, 1, 1]), np.array([0.2, 0.2, 0.9, 0.9])
    >>> round(expected_calibration_error(truth, probability, n_bins=2), 3)
    0.2
    """
    truth, probability = labels_and_probabilities(truth, probability)
    bins = assign_bins(probability, n_bins, binning)
    gap = np.asarray(probability, dtype=np.float64) - truth
    return float(np.abs(np.bincount(bins, gap)).sum() / gap.size)


@checked
def calibration_floor(
    probability: np.ndarray,
    trial: np.ndarray,
    n_bins: int = 10,
    binning: str = "equal-count",
    *,
    n_simulations: int = 500,
    seed: int = 0,
) -> np.ndarray:
    """Simulate the ECE that a perfectly calibrated model would have with these probabilities.

    Labels are drawn with the probabilities themselves. The windows of a trial share one random
    number: each is high with its own probability, and all go up or down together, as the windows of
    a trial that has one rating do.

    Parameters
    ----------
    probability : ndarray, shape (n_windows,)
        Probability of class 1.
    trial : ndarray, shape (n_windows,)
        Number or name of the trial of each window.
    n_bins, binning
        As in `assign_bins`.
    n_simulations, seed : int
        Number of simulations and their seed.

    Returns
    -------
    ndarray, shape (n_simulations,)
        Their mean is the floor. Trials of one person are taken as independent, so the true floor
        may be somewhat higher.

    Raises
    ------
    DataError
        As in `assign_bins`, and if there is not one trial for each window.

    Examples
    --------
    >>> probability, trial = np.tile([0.2, 0.5, 0.8], 20), np.arange(60)
    >>> floor = calibration_floor(probability, trial, n_bins=3, n_simulations=50)
    >>> floor.shape, bool(0 < floor.mean() < 0.2)
    ((50,), True)
    """
    probability = np.asarray(probability, dtype=np.float64)
    bins = assign_bins(probability, n_bins, binning)
    checks.of_length("trial", trial, bins.size)
    _, trial = np.unique(trial, return_inverse=True)
    in_bin = np.eye(bins.max() + 1)[bins]
    rng = np.random.default_rng(seed)
    errors = np.empty(n_simulations)
    for i in range(n_simulations):
        high = rng.random(trial.max() + 1)[trial] < probability
        errors[i] = np.abs((high - probability) @ in_bin).sum() / probability.size
    return errors


@checked
def reliability_curve(
    predictions: pd.DataFrame,
    n_bins: int = 10,
    binning: str = "equal-count",
    *,
    level: float = 0.95,
    n_resamples: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Compare, bin by bin, the mean probability with the share of class 1.

    Parameters
    ----------
    predictions : DataFrame
        One row per prediction, as `ecglib.evaluation.crossval` makes them. The bins are those of
        all windows of a result together: the question is what a stated probability is worth,
        whoever gets it.
    n_bins : int
        Number of bins, as in `assign_bins`.
    binning : {"equal-count", "equal-width"}
        Kind of bins, as in `assign_bins`.
    level : float
        Confidence level of the band, bin by bin.
    n_resamples : int
        Resamples of the participants.
    seed : int
        Seed of the resamples.

    Returns
    -------
    DataFrame
        One row per (protocol, target, model, regime) and bin with `probability` (mean), `share` of
        class 1, `low` and `high` (from resampled participants, NaN with fewer than
        `ecglib.evaluation.intervals.MIN_PARTICIPANTS` in the bin; widened by
        `ecglib.evaluation.intervals.SHARED_TRAINING` for a result from several folds), `n_windows`
        and `n_participants`.

    Raises
    ------
    DataError
        As in `assign_bins`.

    Examples
    --------
    >>> from ecglib.evaluation.simulation import prediction_frame
    >>> person, truth = np.repeat(np.arange(6), 4), np.tile([0, 0, 1, 1], 6)
    >>> rows = prediction_frame(truth, truth / 2, person, truth, folds=False)
    >>> curve = reliability_curve(
    ...     rows.assign(probability=0.25 + truth / 2), n_bins=2, n_resamples=99
    ... )
    >>> curve[["probability", "share", "n_windows", "n_participants"]]
       probability  share  n_windows  n_participants
    0         0.25    0.0         12               6
    1         0.75    1.0         12               6
    """
    checks.frame("predictions", predictions)
    rng = np.random.default_rng(seed)
    tables = []
    for key, group in predictions.groupby(RESULT, sort=False):
        bins = assign_bins(group["probability"].to_numpy(), n_bins, binning)
        sums = (
            group.assign(bin=bins, n_windows=1)
            .pivot_table(
                index="participant",
                columns="bin",
                values=["n_windows", "probability", "truth"],
                aggfunc="sum",
                fill_value=0,
            )
            .astype(np.float64)
        )
        n, p, y = (sums[name].to_numpy() for name in ("n_windows", "probability", "truth"))
        share = y.sum(axis=0) / n.sum(axis=0)
        n_people = len(sums)
        times = rng.multinomial(n_people, np.full(n_people, 1 / n_people), n_resamples)
        with np.errstate(invalid="ignore"):  # a resample may miss all participants of a bin
            resampled = (times @ y) / (times @ n)
        tail = (1 - level) / 2
        band = np.nanquantile(resampled, (tail, 1 - tail), axis=0)
        if group["fold"].nunique() > 1:
            band = np.clip(share + SHARED_TRAINING * (band - share), 0, 1)
        in_bin = np.count_nonzero(n, axis=0)
        low, high = np.where(in_bin >= MIN_PARTICIPANTS, band, np.nan)
        tables.append(
            pd.DataFrame(
                {
                    **dict(zip(RESULT, key, strict=True)),
                    "bin": np.arange(share.size),
                    "probability": p.sum(axis=0) / n.sum(axis=0),
                    "share": share,
                    "low": low,
                    "high": high,
                    "n_windows": n.sum(axis=0).astype(int),
                    "n_participants": in_bin,
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


@checked
def calibration_table(
    predictions: pd.DataFrame,
    n_bins: int = 10,
    binning: str = "equal-count",
    *,
    level: float = 0.95,
    n_resamples: int = 9999,
    n_simulations: int = 500,
    seed: int = 0,
) -> pd.DataFrame:
    """Summarise the calibration of every result in one row.

    Parameters
    ----------
    predictions : DataFrame
        One row per prediction, as `ecglib.evaluation.crossval` makes them.
    n_bins, binning
        As in `assign_bins`.
    level : float
        Confidence level of the interval of the Brier score.
    n_resamples, n_simulations, seed : int
        Resamples of the participants, simulations of the floor, and the seed of both.

    Returns
    -------
    DataFrame
        One row per (protocol, target, model, regime): `brier` (mean over participants) with `low`
        and `high`; `constant`, the Brier score of whoever gives the base rate of these windows to
        each of them, and `skill`, by which share the model's is smaller, with `skill_low` and
        `skill_high` (below 0, the constant is better); `ece` of all windows together; of a
        perfectly calibrated model the mean ECE (`floor`) and the one that it exceeds in 5 % of
        simulations (`floor_high`); `excess`, ECE less floor. If `ece` exceeds `floor_high`, the
        luck of the draw of trials does not explain it.

    Raises
    ------
    DataError
        If there are no predictions, and as in `brier_score`.

    Examples
    --------
    >>> from ecglib.evaluation.simulation import prediction_frame
    >>> person, truth = np.repeat(np.arange(6), 4), np.tile([0, 0, 1, 1], 6)
    >>> rows = prediction_frame(truth, truth / 2, person, truth, folds=False)
    >>> rows["probability"] = 0.25 + truth / 2
    >>> calibration_table(rows, 2, n_resamples=99, n_simulations=20)[
    ...     ["brier", "constant", "skill", "ece"]
    ... ]
        brier  constant  skill   ece
    0  0.0625      0.25   0.75  0.25
    """
    checks.frame("predictions", predictions)
    rows = []
    for key, group in predictions.groupby(RESULT, sort=False):
        truth, probability = group["truth"].to_numpy(), group["probability"].to_numpy()
        errors = pd.DataFrame(
            {"model": (probability - truth) ** 2, "constant": (truth.mean() - truth) ** 2}
        )
        of_person = errors.groupby(group["participant"].to_numpy()).mean()
        options = {
            "several_folds": group["fold"].nunique() > 1,
            "level": level,
            "n_resamples": n_resamples,
            "seed": seed,
        }
        brier = mean_and_interval(of_person["model"], **options)
        constant = float(of_person["constant"].mean())
        # Person by person, so that who is hard to predict for both does not widen the interval.
        gain = (of_person["constant"] - of_person["model"]) / (constant or np.nan)
        skill = mean_and_interval(gain, bounds=(-np.inf, 1.0), **options)
        ece = expected_calibration_error(truth, probability, n_bins, binning)
        trial = group.groupby(["participant", "clip"]).ngroup().to_numpy()
        floors = calibration_floor(
            probability, trial, n_bins, binning, n_simulations=n_simulations, seed=seed
        )
        rows.append(
            {
                **dict(zip(RESULT, key, strict=True)),
                "brier": brier["mean"],
                "low": brier["low"],
                "high": brier["high"],
                "constant": constant,
                "skill": skill["mean"],
                "skill_low": skill["low"],
                "skill_high": skill["high"],
                "ece": ece,
                "floor": float(floors.mean()),
                "floor_high": float(np.quantile(floors, 0.95)),
                "excess": ece - float(floors.mean()),
            }
        )
    return pd.DataFrame(rows)
