"""Power: how often an effect of some size is found, and the smallest that is found often.

Beside the two numbers stand tables of them, to plan a study by: over effects, participants, seeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats
from scipy.optimize import brentq

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.evaluation.intervals import MIN_PARTICIPANTS, SHARED_TRAINING

_LARGEST = 1e6  # in the unit of the metric; beyond it squares overflow


@checked
def power(
    effect: float, spread: float, n_participants: int, *, several_folds: bool = True
) -> float:
    """Give the probability that a 95 % interval of a mean leaves out the value of no effect.

    Parameters
    ----------
    effect : float
        Distance of the true mean from no effect, such as a mean AUC minus 0.5, or a mean
        difference between two models.
    spread : float
        Standard deviation of the metric, or of the difference, between participants, as it is seen
        in a table of participants.
    n_participants : int
        Number of participants.
    several_folds : bool
        The result comes from several folds: by `ecglib.evaluation.intervals.SHARED_TRAINING` the
        mean varies more than the participants show, and its interval is wider.

    Returns
    -------
    float
        Of the two-sided t test of as many values from a normal distribution.

    Raises
    ------
    DataError
        If the spread is not positive, or there are fewer than 2 participants.

    Examples
    --------
    >>> [round(power(effect, spread=0.1, n_participants=23), 2) for effect in (0.0, 0.05, 0.1)]
    [0.05, 0.37, 0.9]
    """
    checks.number("spread", spread, above=0, high=_LARGEST)
    checks.number("effect", effect, -_LARGEST, _LARGEST)
    checks.whole("n_participants", n_participants, 2)
    return _power(effect, spread, n_participants, several_folds)


def _power(effect: float, spread: float, n_participants: int, several_folds: bool) -> float:
    """Compute what `power` gives, of any effect that a search comes to."""
    spread = spread * SHARED_TRAINING if several_folds else spread
    limit = stats.f.ppf(0.95, 1, n_participants - 1)  # the square of a t is an F
    shift = n_participants * (effect / spread) ** 2
    shift = max(shift, 1e-12)  # SciPy is wrong at exactly 0
    return float(stats.ncf.sf(limit, 1, n_participants - 1, shift))


@checked
def detectable_effect(
    spread: float, n_participants: int, *, probability: float = 0.8, several_folds: bool = True
) -> float:
    """Find the smallest effect that is found with a given probability; the inverse of `power`.

    Parameters
    ----------
    spread, n_participants, several_folds
        As in `power`.
    probability : float
        How often it is to be found, above 0.05 and below 1.

    Returns
    -------
    float

    Raises
    ------
    DataError
        If the spread is not positive, there are too few participants for an interval, or the
        probability is out of range.

    Examples
    --------
    >>> round(detectable_effect(0.1, 23), 3), round(detectable_effect(0.1, 92), 3)
    (0.086, 0.042)
    """
    checks.number("spread", spread, above=0, high=_LARGEST)
    checks.whole("n_participants", n_participants, MIN_PARTICIPANTS)
    checks.number("probability", probability, above=0.05, below=1)

    def missing(effect: float) -> float:
        return _power(effect, spread, n_participants, several_folds) - probability

    return float(brentq(missing, 0, 100 * spread))


@checked
def power_curves(
    spread: float, n_participants: Sequence[int], effects: Sequence[float] | None = None
) -> pd.DataFrame:
    """Tabulate the power over the effect for cohorts of several sizes.

    Parameters
    ----------
    spread : float
        As in `power`.
    n_participants : sequence of int
        Sizes of the cohorts.
    effects : sequence of float, optional
        By default from none to twice the spread.

    Returns
    -------
    DataFrame
        Power for results of several folds, 0 to 1: a row per effect, a column per size.

    Raises
    ------
    DataError
        If an effect is not finite, and as in `power`.

    Examples
    --------
    >>> power_curves(0.1, [10, 23], effects=[0.0, 0.1]).round(2).loc[0.1].to_dict()
    {10: 0.51, 23: 0.9}
    """
    checks.number("spread", spread, above=0, high=_LARGEST)
    n_participants = checks.several("n_participants", n_participants, checks.whole, 2)
    effects = np.linspace(0, 2 * spread, 61) if effects is None else np.asarray(effects)
    checks.array("effects", effects, (None,))
    return pd.DataFrame(
        {n: [power(effect, spread, n) for effect in effects] for n in n_participants},
        index=pd.Index(effects, name="effect"),
    ).rename_axis(columns="n_participants")


@checked
def detectable_effects(spread: float, n_participants: Sequence[int] | None = None) -> pd.DataFrame:
    """Tabulate the smallest effect that is found 80 % of the time over the size of the cohort.

    Parameters
    ----------
    spread : float
        As in `power`.
    n_participants : sequence of int, optional
        Sizes of the cohorts; by default from the fewest that have an interval to 200.

    Returns
    -------
    DataFrame
        A row per size; columns "left-out heads", of several folds, and "finished head", of one.

    Raises
    ------
    DataError
        As in `detectable_effect`.

    Examples
    --------
    >>> detectable_effects(0.1, [10, 40]).round(3).loc[40].to_dict()
    {'left-out heads': 0.064, 'finished head': 0.045}
    """
    if n_participants is None:
        n_participants = np.unique(np.geomspace(MIN_PARTICIPANTS, 200, 40).astype(int)).tolist()
    n_participants = checks.several(
        "n_participants", n_participants, checks.whole, MIN_PARTICIPANTS
    )
    kinds = {"left-out heads": True, "finished head": False}
    return pd.DataFrame(
        {
            kind: [detectable_effect(spread, n, several_folds=folds) for n in n_participants]
            for kind, folds in kinds.items()
        },
        index=pd.Index(n_participants, name="n_participants"),
    )


@checked
def standard_errors(
    parts: Mapping[str, float],
    n_participants: Sequence[int],
    n_seeds: Sequence[int] = tuple(range(1, 21)),
) -> pd.DataFrame:
    """Tabulate the standard error of a mean over its numbers of seeds and participants.

    Parameters
    ----------
    parts : mapping of str to float
        Variances ``participant``, ``seed`` and ``rest``, as from
        `ecglib.evaluation.variance.variance_parts`.
    n_participants, n_seeds : sequence of int
        How many there are.

    Returns
    -------
    DataFrame
        A row per number of seeds, a column per number of participants.

    Raises
    ------
    DataError
        If a variance is missing or negative, or a number is below 1.

    Examples
    --------
    >>> standard_errors({"participant": 0.01, "seed": 0.0, "rest": 0.0}, [4, 25], n_seeds=[1]).iloc[
    ...     0
    ... ].to_dict()
    {4: 0.05, 25: 0.02}
    """
    for name in ("participant", "seed", "rest"):
        checks.number("parts", parts.get(name), 0)
    n_participants = checks.several("n_participants", n_participants, checks.whole, 1)
    n_seeds = checks.several("n_seeds", n_seeds, checks.whole, 1)
    people, seeds = np.asarray(n_participants), np.asarray(n_seeds)[:, None]
    error = np.sqrt(
        parts["participant"] / people + parts["seed"] / seeds + parts["rest"] / (people * seeds)
    )
    return pd.DataFrame(
        error,
        index=pd.Index(n_seeds, name="n_seeds"),
        columns=pd.Index(n_participants, name="n_participants"),
    )
