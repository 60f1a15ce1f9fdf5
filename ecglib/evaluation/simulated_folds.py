"""How much a mean over participants varies under every way of folding, on invented participants.

`ecglib.evaluation.simulation` does it for a finished head and for leave-one-participant-out. Here
are the other results that stand in tables with intervals: folds of people, of windows, of trials
and of clips, the difference of two models on the same folds, and that of two ways of folding.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.progress import progress
from ecglib.evaluation.intervals import SHARED_TRAINING
from ecglib.evaluation.simulation import People, coverage
from ecglib.transfer.linear import linear_scores

PERSON, FOUR, WINDOWS, TRIALS, CLIPS = (
    "one person out",
    "people, four folds",
    "windows, ten folds",
    "trials, ten folds",
    "clips, nine folds",
)
"""Ways of folding that are tried out."""

LINEAR, NEIGHBOURS = "linear", "nearest neighbours"
"""The two heads: one that can hardly learn windows by heart, and one that does nothing else."""

MODELS, WAYS = "two models", "minus one person out"
"""Differences: of linear heads on two halves of the features, and of two ways of folding."""


@checked
def folds_table(
    separations: tuple[float, ...] = (0.0, 0.8),
    n_participants: int = 23,
    repetitions: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """Measure coverage for every way of folding, and for differences.

    Areas compare windows that one head has judged, as in `ecglib.evaluation.summaries`.

    Parameters
    ----------
    separations : tuple of float
        Sizes of the effect, as in `ecglib.evaluation.simulation.People`; the spread between
        participants is half of it.
    n_participants : int
        Size of the cohorts.
    repetitions : int
        Cohorts per separation.
    seed : int
        Seed of the cohorts and of their folds.

    Returns
    -------
    DataFrame
        One row per separation, head and result: ``truth``, the mean over all cohorts; and
        ``error_ratio``, ``plain``, ``plain_error``, ``table`` and ``table_error``, as in
        `ecglib.evaluation.simulation.cross_validation_table`.

    Raises
    ------
    DataError
        If there are fewer than four participants, or no separations.

    Examples
    --------
    >>> table = folds_table((0.0,), n_participants=8, repetitions=3)
    >>> table.loc[0, ["head", "result"]].tolist(), table["truth"].between(-0.5, 1).all()
    (['linear', 'one person out'], np.True_)
    """
    checks.several("separations", separations, checks.number)
    checks.whole("n_participants", n_participants, 4)  # as many as there are folds of people
    rows = []
    for separation in separations:
        people = People(separation, spread=separation / 2, n_features=16)
        rng = np.random.default_rng([seed, round(100 * separation)])
        found: dict[tuple[str, str], list[np.ndarray]] = {}
        for _ in progress(range(repetitions), "folds", unit="cohort"):
            for key, values in _of_cohort(people, n_participants, rng).items():
                found.setdefault(key, []).append(values)
        for (head, result), cohorts in found.items():
            values = pd.DataFrame(cohorts)
            means = values.mean(axis=1)
            truth = float(means.mean())
            said = (values.var(axis=1) / values.notna().sum(axis=1)).mean() ** 0.5
            row = {"separation": separation, "head": head, "result": result, "truth": truth}
            row["error_ratio"] = float(means.std() / said)
            for name, widening in (("plain", 1.0), ("table", SHARED_TRAINING)):
                counted = coverage(values.to_numpy(), truth, widening=widening)
                row |= {name: counted["coverage"], f"{name}_error": counted["error"]}
            rows.append(row)
    return pd.DataFrame(rows)


def _of_cohort(
    people: People, n_participants: int, rng: np.random.Generator
) -> dict[tuple[str, str], np.ndarray]:
    """Give every result of one cohort, a value per participant."""
    labels, features = people.draw(n_participants, rng)
    shape = labels.shape
    of_window = np.arange(labels.size)
    person, clip = of_window // shape[1], of_window % shape[1] // people.n_windows
    trial = person * people.n_trials + clip
    drawn = {FOUR: (person, 4), WINDOWS: (of_window, 10), TRIALS: (trial, 10), CLIPS: (clip, 9)}
    folds = {PERSON: person}
    for name, (unit, n_folds) in drawn.items():
        folds[name] = (rng.permutation(unit.max() + 1) % n_folds)[unit]
    x, y = features.reshape(labels.size, -1), labels.ravel()
    half = x.shape[1] // 2
    # Both models see the feature that differs, each with noise of its own.
    noisy = x[:, :1] + rng.standard_normal((2, labels.size, 1))
    models = [np.hstack([noisy[0], x[:, 1:half]]), np.hstack([noisy[1], x[:, half:]])]

    def values(scores: np.ndarray, fold: np.ndarray) -> np.ndarray:
        return areas_within(labels, scores.reshape(shape), fold.reshape(shape))

    found = {
        (LINEAR, name): values(linear_scores(x, fold, y[None])[0], fold)
        for name, fold in folds.items()
    }
    two = {name: folds[name] for name in (PERSON, WINDOWS)}
    for (name, fold), scores in zip(two.items(), _neighbours(x, [*two.values()], y), strict=True):
        found[NEIGHBOURS, name] = values(scores, fold)
    for head in (LINEAR, NEIGHBOURS):
        found[head, f"{WINDOWS}, {WAYS}"] = found[head, WINDOWS] - found[head, PERSON]
    for name in (PERSON, FOUR, WINDOWS):
        one, other = (
            values(linear_scores(m, folds[name], y[None])[0], folds[name]) for m in models
        )
        found[LINEAR, f"{name}, {MODELS}"] = one - other
    return found


@checked
def areas_within(labels: np.ndarray, scores: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Measure areas along the last axis, comparing windows of the same fold only.

    The same as `ecglib.evaluation.metrics.auc_within_folds`, for many people of few windows.

    Parameters
    ----------
    labels, scores, fold : ndarray, shape (..., n_windows)
        Labels, 0 or 1, scores, and the fold that tests each window.

    Returns
    -------
    ndarray, shape (...)
        NaN where no fold has both classes.

    Raises
    ------
    DataError
        If the shapes differ, a label is not 0 or 1, or a score is not finite.

    Examples
    --------
    >>> fold, scores = np.array([0, 0, 1, 1]), np.array([0.2, 0.1, 0.9, 0.8])
    >>> print(areas_within(np.array([1, 0, 1, 0]), scores, fold))
    1.0
    """
    checks.labels("labels", labels)
    checks.array("scores", scores, labels.shape)
    checks.array("fold", fold, labels.shape)
    pairs = (labels[..., :, None] > labels[..., None, :]) & (
        fold[..., :, None] == fold[..., None, :]
    )
    higher = scores[..., :, None] > scores[..., None, :]
    equal = scores[..., :, None] == scores[..., None, :]
    n = pairs.sum(axis=(-2, -1))
    right = (pairs * (higher + 0.5 * equal)).sum(axis=(-2, -1))
    return right / np.where(n, n, np.nan)


def _neighbours(
    features: np.ndarray, folds: Sequence[np.ndarray], labels: np.ndarray
) -> list[np.ndarray]:
    """Give the share of 1 among the five nearest windows of other folds, for each folding."""
    square = (features**2).sum(axis=1).astype(np.float32)
    x = features.astype(np.float32)
    distance = square[:, None] + square - 2 * x @ x.T
    scores = []
    for fold in folds:
        apart = np.where(fold[:, None] == fold, np.float32(np.inf), distance)
        nearest = np.argpartition(apart, 5, axis=1)[:, :5]
        scores.append(labels[nearest].mean(axis=1))
    return scores
