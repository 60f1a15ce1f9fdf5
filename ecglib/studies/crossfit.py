"""Features for every person by an encoder that never saw that person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from ecglib.core.annotations import checked
from ecglib.core.arrays import digest
from ecglib.evaluation.crossval import evaluate_estimator
from ecglib.evaluation.protocols import RANDOM, STR, STRICT
from ecglib.evaluation.splits import Splitter
from ecglib.studies.pretraining import features
from ecglib.studies.study import Study
from ecglib.transfer.linear import design_matrix

STR_LINEAR, RANDOM_LINEAR = f"{STR}, linear", f"{RANDOM}, linear"
"""Models of this module: the frozen features of either encoder under
`ecglib.transfer.linear.linear_classifier`."""


@checked
def strict_features(study: Study) -> dict[int, np.ndarray]:
    """Give all windows' features for every participant, by an encoder that never saw the person.

    Parameters
    ----------
    study : Study
        Whose encoders and usable windows.

    Returns
    -------
    dict of int to ndarray of float32, shape (n_windows, n_features)
        By participant. Those of one group share one array.
    """
    arrays = [features(study, STR, group) for group in range(len(study.groups))]
    return {participant: arrays[group] for participant, group in study.group_of.items()}


@checked
def evaluate_strict(
    study: Study, estimator: Pipeline, splitter: Splitter, targets: Sequence[str]
) -> pd.DataFrame:
    """Evaluate a classifier on features of encoders that never saw the tested person.

    All folds are run on the features of each encoder, and of the predictions those are kept whose
    participant this encoder never saw.

    Parameters
    ----------
    study : Study
        Whose encoders, windows and ratings.
    estimator : Pipeline
        A classifier that takes what `ecglib.transfer.linear.design_matrix` gives.
    splitter : Splitter
        Who is tested.
    targets : sequence of str
        Rating scales.

    Returns
    -------
    DataFrame
        Columns `ecglib.evaluation.protocols.COLUMNS`.
    """
    meta = study.usable.meta
    frames = []
    for group, participants in enumerate(study.groups):
        design = design_matrix(features(study, STR, group), meta["participant"].to_numpy())
        rows = evaluate_estimator(
            estimator, design, meta, splitter, targets, model=STR_LINEAR, regime=STRICT
        )
        frames.append(rows[rows["participant"].isin(participants)])
    return pd.concat(frames, ignore_index=True)


@checked
def features_by_participant(study: Study) -> dict[str, dict[int, np.ndarray]]:
    """Give the frozen features of both encoders for every tested participant.

    Parameters
    ----------
    study : Study
        Whose encoders and usable windows.

    Returns
    -------
    dict of str to dict of int to ndarray
        By model, then as in `strict_features`.
    """
    strict = strict_features(study)
    return {STR_LINEAR: strict, RANDOM_LINEAR: dict.fromkeys(strict, features(study, RANDOM))}


@checked
def features_source(study: Study) -> dict[str, Any]:
    """Say what the features of `features_by_participant` are, for the name of an artifact.

    Parameters
    ----------
    study : Study
        Whose features.

    Returns
    -------
    dict
        The data, and a digest of the features' bytes.
    """
    digests = {
        model: {str(person): digest(array)[:12] for person, array in arrays.items()}
        for model, arrays in features_by_participant(study).items()
    }
    return {
        "data": study.identity,
        "windows": study.profile.windows,
        "features": digests,
        "seed": study.profile.seed,
    }
