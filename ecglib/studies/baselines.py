"""Baselines that need no network: ten features of the heartbeat, and a person's base rate.

Three standard classifiers (`ecglib.transfer.classical`) learn from the features of
`ecglib.features.heartbeats`. They say what a network has to beat.

A second kind of baseline looks at no ECG at all: it answers with what the person mostly rated. It
says how much of an accuracy is knowing the person.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from ecglib.core.annotations import checked
from ecglib.core.folders import results_folder
from ecglib.data.labels import TARGETS
from ecglib.evaluation.crossval import evaluate_estimator, person_majority_predictions
from ecglib.evaluation.predictions import append_predictions
from ecglib.evaluation.splits import Splitter
from ecglib.features.heartbeats import BeatFeatures, window_features
from ecglib.preprocessing.windows import Windows
from ecglib.studies import stages
from ecglib.studies.kept import check_features
from ecglib.studies.results import splitters
from ecglib.studies.study import Study
from ecglib.transfer.classical import classifiers, design_matrix

RELATIVE = ", relative"
"""Ends the names of models whose features are relative to the person."""


ALONE, UNLABELLED = "none", "saw the person's windows, unrated"
"""Regimes: each window by itself; or relative to all windows of its person, without ratings."""


@checked
def classical_features(study: Study) -> BeatFeatures:
    """Describe the usable windows of a study by their heartbeats, once; then read the file.

    Parameters
    ----------
    study : Study
        Whose windows.

    Returns
    -------
    BeatFeatures
        One row per window of ``study.usable``.

    Notes
    -----
    People are described in parallel if `joblib.parallel_config` around the call says so.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from ecglib.studies.profiles import SMOKE
    >>> from ecglib.studies.stand_in import synthetic_file
    >>> from ecglib.synthetic.cohort import CohortSpec
    >>> folder, spec = Path(tempfile.mkdtemp()), CohortSpec(2, (20.0, 20.0), 11.0)
    >>> study = Study(synthetic_file(spec, folder), SMOKE, folder)
    >>> len(classical_features(study).values) == len(study.usable)
    True
    """
    arrays = stages.CLASSICAL_FEATURES.cached(
        _features_source(study),
        lambda: _describe(study.usable),
        study.folder,
        check=partial(check_features, n_windows=len(study.usable)),
    )
    return BeatFeatures(**arrays)


def _describe(windows: Windows) -> dict[str, np.ndarray]:
    rows_of = windows.meta.groupby("participant").indices.values()
    tables = Parallel()(delayed(window_features)(windows.X[rows], windows.fs) for rows in rows_of)
    order = np.argsort(np.concatenate(list(rows_of)))
    return {
        name: np.concatenate([getattr(table, name) for table in tables])[order]
        for name in ("values", "valid")
    }


@checked
def classical_predictions(study: Study) -> pd.DataFrame:
    """Predict by every classical baseline, out of fold, once; then read the file.

    Parameters
    ----------
    study : Study
        Whose windows and ratings.

    Returns
    -------
    DataFrame
        Columns `ecglib.evaluation.protocols.COLUMNS`, under the protocols of
        `ecglib.studies.results.predictions`: the three `classifiers` on the features as they are
        (regime `ALONE`) and relative to the person (regime `UNLABELLED`), and
        `person_majority_predictions`.

    Notes
    -----
    Folds run in parallel if `joblib.parallel_config` around the call says so.
    """
    return stages.CLASSICAL_PREDICTIONS.cached(
        predictions_source(study),
        lambda: _predict(
            classical_features(study), study.usable.meta, splitters(study), study.profile.seed
        ),
        study.folder,
        shipped=results_folder(),
    )


@checked
def predictions_source(study: Study) -> dict[str, Any]:
    """Say what decides the predictions of the classical baselines.

    Parameters
    ----------
    study : Study
        As in `classical_predictions`.

    Returns
    -------
    dict
        What `ecglib.core.stages.Stage.file` takes.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from ecglib.studies.profiles import SMOKE
    >>> study = SimpleNamespace(identity="0f", profile=SMOKE)  # no more is asked for
    >>> predictions_source(study)["features"]["data"]
    '0f'
    """
    return {
        "features": _features_source(study),
        "window_folds": study.profile.window_folds,
        "seed": study.profile.seed,
    }


def _predict(
    table: BeatFeatures, meta: pd.DataFrame, protocols: Sequence[Splitter], seed: int
) -> pd.DataFrame:
    relative = table.relative_to_person(meta["participant"].to_numpy())
    frames = []
    for splitter in protocols:
        frames.append(person_majority_predictions(meta, splitter, TARGETS))
        for features, ending, regime in ((table, "", ALONE), (relative, RELATIVE, UNLABELLED)):
            design = design_matrix(features)
            frames += [
                evaluate_estimator(
                    classifier,
                    design,
                    meta,
                    splitter,
                    TARGETS,
                    model=name + ending,
                    regime=regime,
                    seed=seed,
                )
                for name, classifier in classifiers().items()
            ]
    return append_predictions(*frames)


def _features_source(study: Study) -> dict[str, Any]:
    return {"data": study.identity, "windows": study.profile.windows}
