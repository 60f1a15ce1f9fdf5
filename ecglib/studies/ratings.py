"""Ratings of new people, predicted as the numbers from 1 to 5 that they are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ecglib.core.annotations import checked
from ecglib.data.labels import TARGETS
from ecglib.evaluation.protocols import STRICT
from ecglib.evaluation.ratings import evaluate_ratings
from ecglib.studies import stages
from ecglib.studies.crossfit import features_source, strict_features
from ecglib.studies.study import Study
from ecglib.transfer.ordinal import rating_models


@checked
def rating_predictions(study: Study) -> pd.DataFrame:
    """Predict the ratings of every participant by models of all others, once; then read the file.

    Parameters
    ----------
    study : Study
        Whose windows, encoders and ratings.

    Returns
    -------
    DataFrame
        Columns `ecglib.evaluation.protocols.RATING_COLUMNS`. The features of a tested
        participant come from an encoder that never saw this person.

    Notes
    -----
    Participants run in parallel if `joblib.parallel_config` around the call says so.
    """
    features_of = strict_features(study)
    return stages.RATINGS.cached(
        features_source(study), lambda: _predict(features_of, study.usable.meta), study.folder
    )


def _predict(features_of: Mapping[int, np.ndarray], meta: pd.DataFrame) -> pd.DataFrame:
    n_features = next(iter(features_of.values())).shape[1]
    windows_per_trial = len(meta) / meta.groupby(["participant", "clip"]).ngroups
    models = rating_models(n_features, windows_per_trial)
    return evaluate_ratings(models, features_of, meta, TARGETS, regime=STRICT)
