"""Intervals for other people *and* other clips: both are samples, and every person sees every clip.

The tables' intervals (`ecglib.evaluation.intervals`) ask what other people would give with the same
clips. If clips differ in what they do to a heart, whatever they are rated, then all people share
the accident of which clips were chosen, and more people do not average it out. Here people and
clips are crossed random factors: the interval is that of the mean area under the ROC curve within
people, over people and clips that were not in the study.

The variance of the mean has two parts. That between people, which holds the noise of single trials
too, is the one that the tables use. The clips' own part is estimated from what people have in
common: by how much a clip pulls the areas of two different people in the same direction. The
decomposition is that of variances clustered in two ways (Cameron, Gelbach & Miller, Journal of
Business & Economic Statistics 29, 2011); a clip's pull is the derivative of a person's area with
respect to the clip's weight. The ends of the interval come from a bootstrap of both at once, people
and clips drawn independently (Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1,
2007), of the mean over its standard error. The bootstrap of the mean alone would count the noise of
trials three times, as Owen shows. `ecglib.evaluation.simulated_clips` measures what is covered.

No such interval repairs a bias. A head that was trained on ratings of the tested clips may know
the clips: see ``"leave-one-participant-and-clip-out"``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.evaluation.intervals import MIN_PARTICIPANTS, SHARED_TRAINING, mean_and_interval
from ecglib.evaluation.protocols import RESULT

MIN_CLIPS = MIN_PARTICIPANTS
"""Fewer clips than this give no interval, as with people."""

_CHUNK = 250
"""Resamples that are in memory at a time."""


@checked
def crossed_intervals(
    predictions: pd.DataFrame,
    *,
    level: float = 0.95,
    n_resamples: int = 1999,
    seed: int = 0,
) -> pd.DataFrame:
    """Give the mean area within people with two intervals: other people, and other clips as well.

    Parameters
    ----------
    predictions : DataFrame
        One row per prediction, as `ecglib.evaluation.crossval` makes them: columns
        `ecglib.evaluation.protocols.COLUMNS`.
    level : float
        Confidence level.
    n_resamples, seed : int
        Bootstrap resamples and their seed.

    Returns
    -------
    DataFrame
        One row per (protocol, target, model, regime): `mean`, `people_low` and `people_high` (the
        same clips, as in `ecglib.evaluation.summaries.summarise`), `low` and `high` (other clips
        too), `clips_share` (of the variance of the mean, from 0 to 1), `n_participants` (that
        define the area), `n_undefined`, `n_clips` and `note`.

    Raises
    ------
    DataError
        If a column is missing, a value is not valid, the seeds of a result tested different
        windows, or the level or the number of resamples is out of range.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rows = pd.DataFrame(
    ...     [(person, clip) for person in range(8) for clip in range(9)],
    ...     columns=["participant", "clip"],
    ... )
    >>> rows = rows.assign(protocol="p", target="t", model="m", regime="r", fold=0, seed=0)
    >>> rows["window"], rows["truth"] = rows.index, rows["clip"] % 2
    >>> pull = rng.normal(size=9)[rows["clip"]]  # what a clip does to everyone
    >>> rows["probability"] = 1 / (1 + np.exp(-pull - rng.normal(size=72)))
    >>> row = crossed_intervals(rows).iloc[0]
    >>> bool(row["low"] < row["people_low"] < row["mean"] < row["people_high"] < row["high"])
    True
    """
    rows = []
    for key, result in _checked(predictions).groupby(RESULT, sort=False):
        right, pairs = _compared(result)
        rows.append(
            {
                **dict(zip(RESULT, key, strict=True)),
                **crossed_interval(
                    right,
                    pairs,
                    several_folds=result["fold"].nunique() > 1,
                    level=level,
                    n_resamples=n_resamples,
                    seed=seed,
                ),
            }
        )
    return pd.DataFrame(rows)


@checked
def crossed_difference(
    a: pd.DataFrame,
    b: pd.DataFrame,
    *,
    level: float = 0.95,
    n_resamples: int = 1999,
    seed: int = 0,
) -> pd.DataFrame:
    """Compare two models on the same people and clips: the mean of ``a - b`` with both intervals.

    Parameters
    ----------
    a, b : DataFrame
        Predictions of one model in one regime each, for the same test windows.
    level, n_resamples, seed
        As in `crossed_intervals`.

    Returns
    -------
    DataFrame
        One row per (protocol, target), with `model` ("A - B") and the columns of
        `crossed_intervals`.

    Raises
    ------
    DataError
        If a frame holds several models or regimes, the two tested different windows, and as in
        `crossed_intervals`.

    Examples
    --------
    >>> frame = pd.DataFrame({"participant": np.repeat(range(6), 6), "clip": [*range(6)] * 6})
    >>> frame = frame.assign(protocol="p", target="t", model="m", regime="r", fold=0, seed=0)
    >>> frame = frame.assign(window=frame.index, truth=frame["clip"] % 2)
    >>> good = frame.assign(probability=frame["truth"].astype(float))
    >>> crossed_difference(good, frame.assign(probability=0.5))["mean"].tolist()
    [0.5]
    """
    a, b = _checked(a), _checked(b)
    for frame in (a, b):
        if len(frame[["model", "regime"]].drop_duplicates()) != 1:
            raise DataError(
                "a comparison needs one model in one regime on each side", field="model, regime"
            )
    name = " - ".join(f"{f['model'].iloc[0]} ({f['regime'].iloc[0]})" for f in (a, b))
    others = dict(list(b.groupby(["protocol", "target"])))
    key = ["participant", "clip", "window", "truth"]
    rows = []
    for (protocol, target), result in a.groupby(["protocol", "target"], sort=False):
        other = others.get((protocol, target), b.iloc[:0])
        one, two = (
            frame[key].drop_duplicates().sort_values(key).reset_index(drop=True)
            for frame in (result, other)
        )
        if not one.equals(two):
            raise DataError(
                f"the two models were tested on different windows ({len(one)} and {len(two)}) "
                f"under protocol {protocol}, target {target}",
                field="window",
                remedy="compare predictions of the same splitter on the same metadata frame",
            )
        right, pairs = _compared(result)
        right_b, pairs_b = _compared(other)
        if not np.allclose(pairs, pairs_b):
            raise DataError(
                "the two models were tested in different folds",
                field="fold",
                remedy="compare predictions of the same splitter on the same metadata frame",
            )
        rows.append(
            {
                "protocol": protocol,
                "target": target,
                "model": name,
                # For the same pairs the area is linear in what was ranked right.
                **crossed_interval(
                    right - right_b,
                    pairs,
                    several_folds=result["fold"].nunique() > 1,
                    level=level,
                    n_resamples=n_resamples,
                    seed=seed,
                    bounds=(-1.0, 1.0),
                ),
            }
        )
    return pd.DataFrame(rows)


@checked
def crossed_interval(
    right: np.ndarray,
    pairs: np.ndarray,
    *,
    several_folds: bool,
    level: float = 0.95,
    n_resamples: int = 1999,
    seed: int = 0,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> dict[str, Any]:
    """Give the mean area of people, with intervals for other people, and for other clips as well.

    Parameters
    ----------
    right : ndarray, shape (n_participants, n_clips, n_clips)
        Of the pairs of a window of class 1 of the first clip and one of class 0 of the second, how
        many are ranked right (ties count half); or the difference of two such numbers.
    pairs : ndarray, shape (n_participants, n_clips, n_clips)
        How many such pairs there are.
    several_folds : bool
        Whether people are in each other's training data: then the part of the people is widened by
        `ecglib.evaluation.intervals.SHARED_TRAINING`, as in all tables.
    level, n_resamples, seed
        As in `crossed_intervals`.
    bounds : tuple of float
        Least and largest possible value.

    Returns
    -------
    dict
        Columns of `crossed_intervals` that follow the name of a result.

    Raises
    ------
    DataError
        If the arrays do not fit each other, or the level or the number of resamples is out of
        range.

    Examples
    --------
    >>> pairs = np.broadcast_to(np.outer([1, 0, 1, 0, 1], [0, 1, 0, 1, 0]), (6, 5, 5))
    >>> crossed_interval(pairs, pairs, several_folds=False)["mean"]
    1.0
    """
    right = checks.array("right", right).astype(np.float64)
    pairs = checks.array("pairs", pairs).astype(np.float64)
    if right.shape != pairs.shape or right.ndim != 3 or right.shape[1] != right.shape[2]:
        raise DataError(
            f"arrays of shapes {right.shape} and {pairs.shape}",
            field="right, pairs",
            expected="twice (n_participants, n_clips, n_clips)",
        )
    tail = (1 - level) / 2
    if not 0 < level < 1 or tail * n_resamples < 1:
        raise DataError(
            f"level {level} with {n_resamples} resamples",
            field="level, n_resamples",
            expected="a level between 0 and 1 that leaves at least one resample in each tail",
        )
    defined = pairs.sum(axis=(1, 2)) > 0
    n_people, n_clips = int(defined.sum()), right.shape[1]
    areas = np.full(len(right), np.nan)
    areas[defined] = right.sum(axis=(1, 2))[defined] / pairs.sum(axis=(1, 2))[defined]
    people = mean_and_interval(
        areas, several_folds=several_folds, level=level, seed=seed, bounds=bounds
    )
    row: dict[str, Any] = {
        "mean": people["mean"],
        "people_low": people["low"],
        "people_high": people["high"],
        "low": float("nan"),
        "high": float("nan"),
        "clips_share": float("nan"),
        "n_participants": n_people,
        "n_undefined": people["n_undefined"],
        "n_clips": n_clips,
        "note": people["note"],
    }
    if row["note"]:
        return row
    if n_clips < MIN_CLIPS:
        row["note"] = f"no interval for other clips: {n_clips} clips, {MIN_CLIPS} needed"
        return row
    right, pairs = right[defined], pairs[defined]
    every = np.ones((1, n_people)), np.ones((1, n_clips))
    mean, of_people, of_clips = (float(part[0]) for part in _parts(right, pairs, *every))
    widened = of_people * (SHARED_TRAINING**2 if several_folds else 1.0)
    error = np.sqrt(widened + of_clips)
    if error <= 1e-12:  # everyone has the same area, and no clip pulls at it
        return row | {"low": row["mean"], "high": row["mean"], "clips_share": 0.0}
    t = _pivots(right, pairs, mean, n_resamples, np.random.default_rng(seed))
    t_low, t_high = np.quantile(t, (tail, 1 - tail))
    ends = np.clip([mean - t_high * error, mean - t_low * error], *bounds)
    return row | {
        # Two bootstraps differ a little, and whoever knows less must not seem to know more.
        "low": min(float(ends[0]), row["people_low"]),
        "high": max(float(ends[1]), row["people_high"]),
        "clips_share": float(of_clips / (widened + of_clips)),
    }


def _pivots(
    right: np.ndarray, pairs: np.ndarray, mean: float, n_resamples: int, rng: np.random.Generator
) -> np.ndarray:
    """Give the distances of resampled means from `mean`, over their own standard errors."""
    found = []
    sizes = right.shape[:2]
    for first in range(0, n_resamples, _CHUNK):
        count = min(_CHUNK, n_resamples - first)
        drawn = (rng.multinomial(n, np.full(n, 1 / n), count).astype(float) for n in sizes)
        means, of_people, of_clips = _parts(right, pairs, *drawn)
        error = np.sqrt(of_people + of_clips)
        with np.errstate(invalid="ignore", divide="ignore"):
            found.append((means - mean) / error)
    t = np.concatenate(found)
    return t[np.isfinite(t)]  # without two different people there is no standard error


def _parts(
    right: np.ndarray, pairs: np.ndarray, people: np.ndarray, clips: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the mean area and the two parts of its variance, for weights of people and of clips.

    `people` and `clips` are of shape (n_resamples, n_participants) and (n_resamples, n_clips).
    """
    n_clips = right.shape[1]
    numerator, pull_right = _weighted(right, clips)
    denominator, pull_pairs = _weighted(pairs, clips)
    defined = denominator > 0
    scale = np.where(defined, denominator, 1.0)
    areas = np.where(defined, numerator / scale, 0.0)
    # What one more of a clip would do to a person's area.
    pull = (pull_right - areas[..., None] * pull_pairs) / scale[..., None]
    people = people * defined
    n = people.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (people * areas).sum(axis=1) / n
        of_people = (people * (areas - mean[:, None]) ** 2).sum(axis=1) / (n * (n - 1))
        together = np.matmul(people[:, None, :], pull)[:, 0] ** 2
        alone = np.matmul(people[:, None, :], pull**2)[:, 0]
        of_clips = (clips * (together - alone)).sum(axis=1) / (n * (n - 1))
    return mean, of_people, np.maximum(of_clips * n_clips / (n_clips - 1), 0.0)


def _weighted(counts: np.ndarray, clips: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sum pairs over weighted clips: (n_resamples, n_people), and the derivative by each weight."""
    n_people, n_clips, _ = counts.shape
    shape = (len(clips), n_people, n_clips)
    as_first = (clips @ counts.reshape(-1, n_clips).T).reshape(shape)
    as_second = (clips @ counts.transpose(0, 2, 1).reshape(-1, n_clips).T).reshape(shape)
    total = np.matmul(as_first, clips[..., None])[..., 0]
    return total, as_first + as_second


def _compared(result: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Count for every person and two clips the pairs of windows, and those ranked right."""
    codes = {name: pd.factorize(result[name], sort=True)[0] for name in ("participant", "clip")}
    sizes = [code.max() + 1 for code in codes.values()]
    right, pairs = np.zeros((2, sizes[0], sizes[1], sizes[1]))
    # Heads of different folds are compared only where no fold has windows of both classes.
    by = ["seed", "participant"]
    if result.groupby(["participant", "fold"])["truth"].nunique().gt(1).any():
        by.append("fold")
    probability = result["probability"].to_numpy(np.float64)
    truth = result["truth"].to_numpy()
    for rows in result.groupby(by, sort=False).indices.values():
        high, low = rows[truth[rows] == 1], rows[truth[rows] == 0]
        distance = probability[high][:, None] - probability[low]
        person = codes["participant"][rows[0]]
        at = (codes["clip"][high][:, None], codes["clip"][low])
        np.add.at(right[person], at, 0.5 * (1 + np.sign(distance)))
        np.add.at(pairs[person], at, 1.0)
    return right, pairs


def _checked(predictions: pd.DataFrame) -> pd.DataFrame:
    """Give the predictions, if each seed of a result tested the same windows once."""
    needed = [*RESULT, "fold", "seed", "window", "participant", "clip", "probability", "truth"]
    for column in needed:
        if column not in predictions:
            raise DataError("the predictions lack this column", field=column)
    if predictions.empty:
        raise DataError("there are no predictions", field="predictions")
    for column, good, expected in (
        ("probability", predictions["probability"].between(0, 1), "a number from 0 to 1"),
        ("truth", predictions["truth"].isin((0, 1)), "0 or 1"),
    ):
        if not good.all():
            row = predictions[~good].iloc[0]
            raise DataError(
                f"{row[column]} for window {row['window']} of model {row['model']}",
                participant=row["participant"],
                field=column,
                expected=expected,
            )
    predictions = predictions[needed]
    counts = predictions.groupby([*RESULT, "window"])["seed"].agg(["size", "nunique"])
    of_result = counts.groupby(RESULT)
    uneven = (counts["size"] != counts["nunique"]) | (
        counts["nunique"] != of_result["nunique"].transform("max")
    )
    if uneven.any():
        key = counts.index[uneven][0]
        raise DataError(
            f"window {key[-1]} of model {key[2]} is not predicted once by every seed",
            field="seed, window",
            remedy="predict the same test windows once with every seed",
        )
    return predictions.copy(deep=False)
