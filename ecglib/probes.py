"""Probes: what can be read from features besides the emotion, and how well.

A probe learns to say *whose* window it is, *which clip* was on, or *which recording* it comes from.
It uses features that were made for another purpose, and no rating. What it finds is what a
head could use instead of an emotion, wherever the split lets it.

All probes are one linear discriminant analysis with scikit-learn's defaults. It has a closed form
and nothing to tune, and it stays quick with hundreds of classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from ecglib.errors import DataError
from ecglib.metrics import MIN_PARTICIPANTS, SHARED_TRAINING, bootstrap_interval
from ecglib.splits import ParticipantGroupedKFold, Splitter, TrialGroupedKFold, WindowKFold


@dataclass(frozen=True)
class Probe:
    """One question about identity, and the split that asks it fairly.

    Parameters
    ----------
    columns : tuple of str
        Columns of the metadata frame that together are the identity.
    splitter : callable
        ``splitter(n_splits, seed)``. Every identity is known from training, and what would make
        the question too easy is not.
    groups : tuple of str
        Columns whose combinations the splitter keeps whole; none if it splits single windows.
    asks : str
        The question in words.
    """

    columns: tuple[str, ...]
    splitter: Callable[[int, int], Splitter]
    groups: tuple[str, ...]
    asks: str


PROBES: Mapping[str, Probe] = {
    "participant": Probe(
        ("participant",), TrialGroupedKFold, ("participant", "clip"), "whose, in a new trial?"
    ),
    "clip": Probe(("clip",), ParticipantGroupedKFold, ("participant",), "which clip, new person?"),
    "trial": Probe(
        ("participant", "clip"), WindowKFold, (), "which trial, other windows of it being known?"
    ),
}
"""Probes by the name of the identity."""


def band_powers(X: np.ndarray, fs: float, n_bands: int = 40) -> np.ndarray:
    """Describe windows by their power in bands of one hertz, without any training.

    Parameters
    ----------
    X : ndarray, shape (n_windows, length)
        Windows.
    fs : float
        Sampling rate in Hz.
    n_bands : int
        Number of bands. The first begins just above 0 Hz and ends at 1 Hz.

    Returns
    -------
    ndarray of float32, shape (n_windows, n_bands)
        Natural logarithm of the mean power in each band.

    Raises
    ------
    DataError
        If the windows are shorter than one second or the bands go beyond half the sampling rate.
    """
    power = np.abs(np.fft.rfft(X, axis=1)) ** 2
    per_band = int(X.shape[1] / fs)
    stop = 1 + n_bands * per_band
    if per_band < 1 or stop > power.shape[1]:
        raise DataError(
            f"{n_bands} bands of 1 Hz from windows of {X.shape[1]} samples at {fs:g} Hz",
            field="n_bands",
            expected="windows of at least one second, and bands below half the sampling rate",
        )
    means = power[:, 1:stop].reshape(len(X), n_bands, per_band).mean(axis=2)
    return np.log(means + np.finfo(np.float32).tiny).astype(np.float32)


def run_probe(
    features: np.ndarray, meta: pd.DataFrame, identity: str, n_splits: int = 5, seed: int = 0
) -> pd.Series:
    """Let a probe name the identity of every window, out of fold.

    Parameters
    ----------
    features : ndarray, shape (n_windows, n_features)
        Features of all windows.
    meta : DataFrame
        One row per window.
    identity : {"participant", "clip", "trial"}
        Which of `PROBES`.
    n_splits, seed : int
        Number of folds (or fewer, where there are fewer groups) and seed of the split.

    Returns
    -------
    Series of float, one value per participant
        Share of this participant's windows whose identity the probe named.

    Raises
    ------
    DataError
        If the identity is unknown or has one value only, the features do not fit the frame or are
        not finite; and as in the splitter.
    """
    if identity not in PROBES:
        raise DataError(
            f"unknown identity {identity!r}", field="identity", expected=", ".join(PROBES)
        )
    if features.ndim != 2 or len(features) != len(meta) or not np.isfinite(features).all():
        raise DataError(
            f"features of shape {features.shape}, "
            f"{np.count_nonzero(~np.isfinite(features))} of them not finite",
            field="features",
            expected=f"finite numbers, shape ({len(meta)}, n_features)",
        )
    probe = PROBES[identity]
    truth = meta.groupby(list(probe.columns)).ngroup().to_numpy()
    if np.unique(truth).size < 2:
        raise DataError(f"the frame has one {identity}", field=identity, expected="at least two")
    n_groups = len(meta.groupby(list(probe.groups))) if probe.groups else len(meta)
    named = np.empty(len(meta), dtype=truth.dtype)
    for train, test in probe.splitter(min(n_splits, n_groups), seed).split(meta):
        fitted = LinearDiscriminantAnalysis().fit(features[train], truth[train])
        named[test] = fitted.predict(features[test])
    return pd.Series(named == truth, dtype=float).groupby(meta["participant"].to_numpy()).mean()


def probe_chance(meta: pd.DataFrame, identity: str) -> float:
    """Give the accuracy of guessing: one in the number of identities.

    Parameters
    ----------
    meta : DataFrame
        One row per window.
    identity : {"participant", "clip", "trial"}
        Which of `PROBES`.

    Returns
    -------
    float

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": [1, 1, 2, 2], "clip": [1, 2, 1, 2]})
    >>> probe_chance(meta, "participant"), probe_chance(meta, "trial")
    (0.5, 0.25)
    """
    return 1 / len(meta.groupby(list(PROBES[identity].columns)))


def mean_over_participants(
    values: pd.Series, n_resamples: int = 9999, seed: int = 0, *, several_folds: bool
) -> dict[str, float]:
    """Average one share or area per participant, 0 to 1, with the 95 % interval of the mean.

    Parameters
    ----------
    values : Series of float
        One value per participant; NaN where it is not defined for someone, who is then left out.
    n_resamples, seed : int
        Bootstrap resamples and their seed.
    several_folds : bool
        Whether participants are in each other's training data; the interval is then widened by
        `ecglib.metrics.SHARED_TRAINING`.

    Returns
    -------
    dict
        `mean`, `low`, `high` and `n_participants`. With fewer than `MIN_PARTICIPANTS` values there
        is no interval: `low` and `high` are NaN.
    """
    defined = values.dropna().to_numpy(dtype=float)
    mean = defined.mean() if defined.size else np.nan
    interval = (np.nan, np.nan)
    if defined.size >= MIN_PARTICIPANTS:
        widening = SHARED_TRAINING if several_folds else 1.0
        interval = bootstrap_interval(defined, 0.95, n_resamples, seed, widening)
    low, high = (float(x) for x in np.clip(interval, 0, 1))
    return {"mean": float(mean), "low": low, "high": high, "n_participants": defined.size}
