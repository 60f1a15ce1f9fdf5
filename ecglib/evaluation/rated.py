"""A new person of whom some trials are rated: who is learnt, who is tested, and what it is worth.

The rated trials join the training windows of everyone else. The person gets an intercept of their
own, as every training participant has (`ecglib.transfer.linear.linear_classifier`); the
coefficients of the features stay common to all.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.data.labels import label_matrix
from ecglib.data.targets import Target, label_names
from ecglib.evaluation.jobs import run_folds
from ecglib.evaluation.predictions import prediction_rows
from ecglib.evaluation.summaries import summarise
from ecglib.transfer.linear import design_matrix, linear_classifier

RATED = (0, 1, 2, 4, 8)
"""Numbers of rated trials of the tested person."""

N_DRAWS = 3
"""Random draws of the rated trials, for every participant."""

PROTOCOL = "new participant, some trials rated"
"""Name of this protocol in the column `protocol`."""


@checked
def regime_of(n_rated: int) -> str:
    """Name the regime in which `n_rated` trials of the tested person are training trials.

    Examples
    --------
    >>> regime_of(4)
    '4 rated'
    """
    checks.whole("n_rated", n_rated, 0)
    return f"{n_rated} rated"


@checked
def draw_trials(
    meta: pd.DataFrame, n_rated: int, n_draws: int = N_DRAWS, seed: int = 0
) -> dict[int, np.ndarray]:
    """Draw for every participant the trials that may be rated; all others are tested.

    Parameters
    ----------
    meta : DataFrame
        One row per window.
    n_rated : int
        Number of trials in a draw.
    n_draws : int
        Number of draws.
    seed : int
        A participant's draws depend on it, on the participant's number and on the participant's
        trials, and on no model.

    Returns
    -------
    dict of int to ndarray of int, shape (n_draws, n_rated)
        Clips by participant. The first k of a draw are the k rated trials, so that more rated
        trials contain the fewer.

    Raises
    ------
    DataError
        If a participant has no trial left to test, or `n_rated` is negative.

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": 1, "clip": [1, 1, 2, 3, 4]})
    >>> draw_trials(meta, n_rated=2, n_draws=3)[1].shape
    (3, 2)
    """
    checks.frame("meta", meta)
    checks.whole("n_rated", n_rated, 0)
    drawn = {}
    for participant, clips in meta.groupby("participant")["clip"].unique().items():
        if len(clips) <= n_rated:
            raise DataError(
                f"{n_rated} trials to rate of {len(clips)}",
                participant=participant,
                field="n_rated",
                expected="at least one trial left to test",
            )
        number = zlib.crc32(participant.encode()) if isinstance(participant, str) else participant
        drawn[participant] = np.array(
            [
                np.random.default_rng([seed, number, draw]).permutation(np.sort(clips))
                for draw in range(n_draws)
            ]
        )[:, :n_rated]
    return drawn


@checked
def rated_numbers(meta: pd.DataFrame, rated: Sequence[int] = RATED) -> tuple[int, ...]:
    """Keep those of `rated` that leave every participant at least half of the trials to test.

    Parameters
    ----------
    meta : DataFrame
        One row per window.
    rated : sequence of int
        Numbers of rated trials.

    Returns
    -------
    tuple of int

    Raises
    ------
    DataError
        If a number is negative or not whole, or there are no windows.

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": 1, "clip": [1, 1, 2, 3, 4, 5]})
    >>> rated_numbers(meta)
    (0, 1, 2)
    """
    checks.frame("meta", meta)
    rated = checks.several("rated", rated, checks.whole, 0)
    fewest = int(meta.groupby("participant")["clip"].nunique().min())
    return tuple(k for k in rated if 2 * k <= fewest)


@checked
def evaluate_rated(
    features_of: Mapping[int, np.ndarray],
    meta: pd.DataFrame,
    targets: Sequence[str | Target],
    *,
    model: str,
    rated: Sequence[int] = RATED,
    n_draws: int = N_DRAWS,
    seed: int = 0,
) -> pd.DataFrame:
    """Predict the trials of a new person of whom some other trials are rated.

    For each participant and each draw of `draw_trials`, the training windows are those of all other
    participants and of the first k trials of the draw. The windows outside the draw are tested, the
    same ones for every k.

    Parameters
    ----------
    features_of : mapping of int to ndarray of shape (n_windows, n_features)
        For every tested participant, features of all windows.
    meta : DataFrame
        One row per window.
    targets : sequence of str or Target
        What is asked, as in `ecglib.data.labels.label_matrix`.
    model : str
        What the features are.
    rated : sequence of int
        Numbers k of rated trials.
    n_draws, seed : int
        As in `draw_trials`.

    Returns
    -------
    DataFrame
        Columns `ecglib.evaluation.protocols.COLUMNS`, protocol `PROTOCOL`. The regime names k
        (`regime_of`), ``seed`` is the number of the draw, ``fold`` counts the participants.

    Raises
    ------
    DataError
        As in `draw_trials` and `ecglib.data.labels.binary_labels`.

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": np.repeat([1, 2, 3], 4), "clip": [1, 2, 3, 4] * 3})
    >>> meta = meta.assign(valence=[1, 1, 5, 5] * 3)
    >>> features = meta[["valence"]].to_numpy(float)
    >>> of = dict.fromkeys([1, 2, 3], features)
    >>> rows = evaluate_rated(of, meta, ["valence"], model="rating", rated=(0, 1), n_draws=2)
    >>> rows.groupby("regime").size().to_dict()
    {'0 rated': 18, '1 rated': 18}
    """
    checks.several("rated", rated, checks.whole, 0)
    labels = label_matrix(meta, targets)
    people, clips = (meta[column].to_numpy() for column in ("participant", "clip"))
    windows_per_trial = len(meta) / meta.groupby(["participant", "clip"]).ngroups
    names = tuple(label_names(targets))
    common = (labels, people, clips, tuple(rated), names, windows_per_trial, model)
    arguments = [
        (features_of[participant], participant, fold, draws, *common)
        for fold, (participant, draws) in enumerate(
            draw_trials(meta, max(rated), n_draws, seed).items()
        )
    ]
    return pd.concat(run_folds(_evaluate_one, arguments), ignore_index=True)


def _evaluate_one(
    features: np.ndarray,
    participant: int,
    fold: int,
    draws: np.ndarray,
    labels: np.ndarray,
    people: np.ndarray,
    clips: np.ndarray,
    rated: tuple[int, ...],
    targets: tuple[str, ...],
    windows_per_trial: float,
    model: str,
) -> pd.DataFrame:
    """Predict one participant's windows."""
    meta = pd.DataFrame({"participant": people, "clip": clips})
    design, own = design_matrix(features, people), people == participant
    fitted: dict[frozenset[int], list[Pipeline]] = {}  # with none rated, the same for all draws
    rows = []
    for draw, drawn in enumerate(draws):
        test = np.flatnonzero(own & ~np.isin(clips, drawn))
        for k in rated:
            key = frozenset(drawn[:k].tolist())
            if key not in fitted:
                train = ~own | np.isin(clips, drawn[:k])
                fitted[key] = [
                    linear_classifier(features.shape[1], windows_per_trial).fit(design[train], y)
                    for y in labels[train].T
                ]
            rows += [
                prediction_rows(
                    meta,
                    test,
                    classifier.predict_proba(design[test])[:, 1],
                    labels[:, t],
                    protocol=PROTOCOL,
                    model=model,
                    regime=regime_of(k),
                    target=targets[t],
                    fold=fold,
                    seed=draw,
                )
                for t, classifier in enumerate(fitted[key])
            ]
    return pd.concat(rows, ignore_index=True)


@checked
def rated_curve(
    predictions: pd.DataFrame, metrics: Sequence[str], n_resamples: int
) -> pd.DataFrame:
    """Summarise predictions for each number of rated trials.

    Parameters
    ----------
    predictions : DataFrame
        Results of `evaluate_rated`, with a model "majority" among them.
    metrics : sequence of str
        Names from `ecglib.evaluation.metrics.METRICS`.
    n_resamples : int
        Bootstrap resamples of the participants.

    Returns
    -------
    DataFrame
        As `ecglib.evaluation.summaries.summarise`, with the column ``rated``. The baseline of a row
        is that of the same number of rated trials.

    Raises
    ------
    DataError
        If there are no predictions, and as in `ecglib.evaluation.summaries.summarise`.

    Examples
    --------
    >>> from ecglib.evaluation.simulation import prediction_frame
    >>> person, truth = np.repeat(np.arange(6), 4), np.tile([0, 1, 0, 1], 6)
    >>> rows = prediction_frame(truth, truth / 1, person, truth, folds=True).assign(
    ...     regime=regime_of(2)
    ... )
    >>> rows = pd.concat([rows, rows.assign(model="majority", probability=0.0)])
    >>> rated_curve(rows, ["accuracy"], 99)[["model", "mean", "baseline", "rated"]]
           model  mean  baseline  rated
    0  simulated   1.0       0.5      2
    1   majority   0.5       0.5      2
    """
    plain = checks.frame("predictions", predictions).copy()
    plain.attrs = {}  # pandas copies these, the whole provenance, with every slice that it takes
    by_regime = dict(list(plain.groupby("regime")))
    tables = [
        summarise(by_regime[regime_of(k)], metrics, n_resamples=n_resamples).assign(rated=k)
        for k in RATED
        if regime_of(k) in by_regime
    ]
    return pd.concat(tables, ignore_index=True)
