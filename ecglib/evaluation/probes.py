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

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.evaluation.splits import (
    ParticipantGroupedKFold,
    Splitter,
    TrialGroupedKFold,
    WindowKFold,
)


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

    Examples
    --------
    >>> PROBES["participant"].columns, PROBES["participant"].groups
    (('participant',), ('participant', 'clip'))
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


@checked
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

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": np.repeat([1, 2], 10), "clip": [*range(5)] * 4})
    >>> features = meta[["participant"]] + np.random.default_rng(0).normal(0, 0.1, (20, 1))
    >>> run_probe(features.to_numpy(), meta, "participant", n_splits=2).to_dict()
    {1: 1.0, 2: 1.0}
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


@checked
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

    Raises
    ------
    DataError
        If the identity is unknown, or the frame lacks a column or has no rows.

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": [1, 1, 2, 2], "clip": [1, 2, 1, 2]})
    >>> probe_chance(meta, "participant"), probe_chance(meta, "trial")
    (0.5, 0.25)
    """
    checks.frame("meta", meta)
    checks.one_of("identity", identity, PROBES)
    return 1 / len(meta.groupby(list(PROBES[identity].columns)))
