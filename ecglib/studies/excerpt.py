"""What an excerpt of the recordings leaves out: the second lead, and all but the last seconds.

The profile ``quick`` takes lead 1 and the last 40 s of each clip. Here the same features and heads
are given both leads and whole clips as well. A trial is called by the mean over all its windows, so
that the same trials are ranked whatever is taken of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.folders import results_folder
from ecglib.data.labels import TARGETS, label_matrix
from ecglib.evaluation.leave_out import LeaveOneParticipantOut
from ecglib.evaluation.metrics import auc
from ecglib.evaluation.protocols import ORIGIN
from ecglib.features.heartbeats import window_features
from ecglib.models.embedding import DEFAULT, embed
from ecglib.preprocessing.segmentation import make_windows
from ecglib.preprocessing.windows import Windows
from ecglib.studies import stages
from ecglib.studies.comparison import with_origin
from ecglib.studies.profiles import QUICK
from ecglib.studies.real_scores import head
from ecglib.studies.study import Study
from ecglib.transfer.classical import classifiers, design_matrix

LAST_S = QUICK.windows.last_s
"""Seconds of the excerpt, from the end of each clip."""

ONE, BOTH = "lead 1", "all leads"
"""Leads that are taken."""

EXCERPT, WHOLE = f"last {LAST_S:g} s", "whole clip"
"""Seconds that are taken."""

BEATS = "ten features"
"""Features of the heartbeat, with logistic regression; the others are those of an encoder."""

KEYS = ["features", "leads", "seconds"]
"""Columns that name a case."""


@checked
def scores(study: Study) -> pd.DataFrame:
    """Score two kinds of features, by the leads and the seconds that they are given.

    Parameters
    ----------
    study : Study
        Its recordings; of its profile the length and the filter of windows are taken.

    Returns
    -------
    DataFrame
        `ORIGIN`, `KEYS`, ``target``, ``participant``, ``auc`` (over the person's trials; LOSO;
        missing where all ratings of a person are of one class), and of the case: ``n_windows``,
        ``feature_s`` and ``head_s``, the seconds that its features and all its heads took where the
        table was made. The features are `BEATS` and the encoder `ecglib.models.embedding.DEFAULT`,
        which learnt from other people. Computed once, or taken from ``results/``.
    """
    return stages.EXCERPT.cached(
        source(study), lambda: _scores(study), study.folder, shipped=results_folder()
    )


@checked
def source(study: Study) -> dict[str, Any]:
    """Say what decides the table of a `study`.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from ecglib.studies.profiles import SMOKE
    >>> from ecglib.studies.stand_in import synthetic_file
    >>> from ecglib.synthetic.cohort import CohortSpec
    >>> folder, spec = Path(tempfile.mkdtemp()), CohortSpec(3, (20.0, 20.0), 11.0)
    >>> source(Study(synthetic_file(spec, folder), SMOKE, folder))["profile"]
    'smoke'
    """
    return {
        "data": study.identity,
        "windows": _config(study, None),
        "last_s": LAST_S,
        "encoder": DEFAULT,
        "profile": study.profile.name,
    }


@checked
def trial_areas(
    features: np.ndarray, meta: pd.DataFrame, classifier: Callable[[], BaseEstimator]
) -> pd.DataFrame:
    """Score features of windows by the trials of new people (LOSO).

    Parameters
    ----------
    features : ndarray, shape (n_windows, n_features)
        Features of windows.
    meta : DataFrame
        One row per window, with participant, clip and the ratings.
    classifier : callable
        Makes the head, unfitted.

    Returns
    -------
    DataFrame
        ``target``, ``participant`` and ``auc``, over the person's trials, each called by the mean
        probability of its windows.

    Examples
    --------
    >>> from sklearn.naive_bayes import GaussianNB
    >>> clips = [1, 1, 2, 2, 3, 3, 4, 4]
    >>> meta = pd.DataFrame({"participant": np.repeat([1, 2], 8), "clip": clips * 2})
    >>> meta = meta.assign(**dict.fromkeys(TARGETS, [1, 1, 5, 5] * 4))
    >>> features = meta[["valence"]] + np.random.default_rng(0).normal(size=(16, 1))
    >>> trial_areas(features.to_numpy(), meta, GaussianNB)["auc"].tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """
    features = checks.array("features", features, (len(meta), None))
    labels = label_matrix(meta, TARGETS)
    rows = []
    for train, test in LeaveOneParticipantOut().split(meta, labels):
        person, clip = meta["participant"].iloc[test[0]], meta["clip"].to_numpy()[test]
        for t, target in enumerate(TARGETS):
            fitted = clone(classifier()).fit(features[train], labels[train, t])
            said = pd.Series(fitted.predict_proba(features[test])[:, 1]).groupby(clip).mean()
            truth = pd.Series(labels[test, t]).groupby(clip).first()
            value = auc(truth.to_numpy(), said.to_numpy())
            rows.append({"target": target, "participant": person, "auc": value})
    return pd.DataFrame(rows)


def _config(study: Study, last_s: float | None) -> Any:
    return replace(study.profile.windows, leads=None, last_s=last_s)


def _beats(windows: Windows) -> np.ndarray:
    return design_matrix(window_features(windows.X, windows.fs))


def _embedded(windows: Windows) -> np.ndarray:
    return embed(windows, DEFAULT, progress=False)


def _scores(study: Study) -> pd.DataFrame:
    logistic = next(iter(classifiers().values()))
    kinds: dict[str, tuple[Callable[[Windows], np.ndarray], Callable[[int], BaseEstimator]]] = {
        BEATS: (_beats, lambda _: logistic),
        DEFAULT: (_embedded, head),
    }
    tables = []
    for seconds, last_s in ((EXCERPT, LAST_S), (WHOLE, None)):
        windows = make_windows(study.cohort, _config(study, last_s)).usable
        first = windows.meta["lead"].to_numpy() == windows.meta["lead"].min()
        for kind, (describe, make) in kinds.items():
            start = time.perf_counter()
            features = describe(windows)
            took = time.perf_counter() - start
            # A lead is normalised by itself, so its windows are the same with and without others.
            for leads, rows in ((ONE, first), (BOTH, np.ones(len(windows), bool))):
                meta = windows.meta[rows].reset_index(drop=True)
                start = time.perf_counter()
                table = trial_areas(features[rows], meta, lambda: make(features.shape[1]))  # noqa: B023
                tables.append(
                    table.assign(
                        features=kind,
                        leads=leads,
                        seconds=seconds,
                        n_windows=len(meta),
                        feature_s=took * rows.mean(),
                        head_s=time.perf_counter() - start,
                    )
                )
    table = with_origin(study, pd.concat(tables, ignore_index=True))
    last = ["target", "participant", "auc", "n_windows", "feature_s", "head_s"]
    return table[[*ORIGIN, *KEYS, *last]]
