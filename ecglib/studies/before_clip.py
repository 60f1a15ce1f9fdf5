"""Features of the heartbeat relative to the neutral baseline that was recorded before each clip.

The baseline belongs to the trial and comes before it: whoever has a new person watch one clip can
record it, and no rating and no other clip is looked at.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.core.folders import results_folder
from ecglib.data.labels import BASELINE, TARGETS
from ecglib.evaluation.crossval import evaluate_estimator
from ecglib.evaluation.leave_out import LeaveOneParticipantOut
from ecglib.evaluation.predictions import append_predictions
from ecglib.features.heartbeats import BeatFeatures, window_features
from ecglib.preprocessing.segmentation import WindowConfig, make_windows
from ecglib.preprocessing.windows import Windows
from ecglib.studies import stages
from ecglib.studies.study import Study
from ecglib.transfer.classical import classifiers, design_matrix

MINUS_BASELINE = ", minus baseline"
"""Ends the names of models whose features are relative to the baseline before the clip."""

AFTER_BASELINE = "saw the baseline before the clip"
"""Regime of the models whose features are relative to the baseline before the clip."""


@checked
def baseline_relative_features(study: Study) -> BeatFeatures:
    """Describe the usable windows of a study relative to the baseline before their clip, once.

    Parameters
    ----------
    study : Study
        Its recordings and windows.

    Returns
    -------
    BeatFeatures
        One row per window of ``study.usable``: the feature minus its mean over the windows of the
        whole baseline before the clip, of the same lead.

    Raises
    ------
    DataError
        If the cohort has no baselines.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from ecglib.studies.profiles import SMOKE
    >>> from ecglib.studies.stand_in import synthetic_file
    >>> from ecglib.synthetic.cohort import CohortSpec
    >>> folder, spec = Path(tempfile.mkdtemp()), CohortSpec(2, (20.0, 20.0), 11.0)
    >>> study = Study(synthetic_file(spec, folder), SMOKE, folder)
    >>> len(baseline_relative_features(study).values) == len(study.usable)
    True
    """
    arrays = stages.BASELINE_FEATURES.cached(_source(study), lambda: _describe(study), study.folder)
    return BeatFeatures(**arrays)


@checked
def baseline_relative_predictions(study: Study) -> pd.DataFrame:
    """Predict new people (LOSO) from features relative to the baseline, once; then read the file.

    Parameters
    ----------
    study : Study
        Its recordings, windows and ratings.

    Returns
    -------
    DataFrame
        Columns `ecglib.evaluation.protocols.COLUMNS`: the three classifiers of
        `ecglib.transfer.classical`, regime `AFTER_BASELINE`.

    Raises
    ------
    DataError
        As in `baseline_relative_features`.

    Notes
    -----
    Folds run in parallel if `joblib.parallel_config` around the call says so.
    """
    return stages.BASELINE_PREDICTIONS.cached(
        source(study), lambda: _predict(study), study.folder, shipped=results_folder()
    )


@checked
def source(study: Study) -> dict[str, Any]:
    """Say what decides the predictions.

    Parameters
    ----------
    study : Study
        As in `baseline_relative_predictions`.

    Returns
    -------
    dict
        What `ecglib.core.stages.Stage.file` takes.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from ecglib.studies.profiles import SMOKE
    >>> study = SimpleNamespace(identity="0f", profile=SMOKE)  # no more is asked for
    >>> source(study)["features"]["data"]
    '0f'
    """
    return {"features": _source(study), "seed": study.profile.seed}


def _source(study: Study) -> dict[str, Any]:
    return {"data": study.identity, "windows": study.profile.windows}


def _describe(study: Study) -> dict[str, np.ndarray]:
    rows = study.cohort.recordings
    before = rows[rows["condition"] == BASELINE]
    if before.empty:
        raise DataError(
            "the cohort has no recording with this condition",
            file=study.path,
            field="condition",
            expected=BASELINE,
        )
    config = study.profile.windows
    # Both kinds together, so that one scale holds for both: it is that of all their samples.
    shown = config.conditions or tuple(c for c in rows["condition"].unique() if c != BASELINE)
    config = replace(config, conditions=(BASELINE, *shown))
    clips = _of(study, config, False)
    if not clips.meta[_AT].equals(study.usable.meta[_AT]):
        raise DataError("the windows of the clips are not those of the study", field="windows")
    whole = None if config.last_s is None else max(before["duration"].max(), config.length_s)
    rest = _of(study, replace(config, last_s=whole), True)
    table, at_rest = (window_features(windows.X, windows.fs) for windows in (clips, rest))
    found = table.relative_to_baseline(_trial(clips), at_rest, _trial(rest))
    return {"values": found.values, "valid": found.valid}


_AT = ["participant", "clip", "lead", "start"]


def _of(study: Study, config: WindowConfig, baseline: bool) -> Windows:
    windows = make_windows(study.cohort, config).usable
    return windows.select((windows.meta["condition"] == BASELINE) == baseline)


def _trial(windows: Windows) -> np.ndarray:
    keys = windows.meta[["participant", "clip", "lead"]].astype(str)
    return keys.agg("/".join, axis=1).to_numpy()


def _predict(study: Study) -> pd.DataFrame:
    design = design_matrix(baseline_relative_features(study))
    return append_predictions(
        *(
            evaluate_estimator(
                classifier,
                design,
                study.usable.meta,
                LeaveOneParticipantOut(),
                TARGETS,
                model=name + MINUS_BASELINE,
                regime=AFTER_BASELINE,
                seed=study.profile.seed,
            )
            for name, classifier in classifiers().items()
        )
    )
