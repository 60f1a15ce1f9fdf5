"""What is kept of the feature maps, asked of a study in DREAMER's layout; see `real_scores`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pandas as pd

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.data.labels import TARGETS, label_matrix
from ecglib.evaluation.leave_out import LeaveOneParticipantOut
from ecglib.evaluation.metrics import auc
from ecglib.evaluation.protocols import CONTRASTIVE, ORIGIN, RANDOM, STR
from ecglib.models.embedding import embed
from ecglib.models.layers import POOLINGS
from ecglib.studies import pretraining, stages
from ecglib.studies.real_scores import head
from ecglib.studies.study import Study

TRAINED = ("max", "mean")
"""Poolings with which encoders are trained."""

POOLING_COLUMNS = (*ORIGIN, "pretext", "trained", "pooling", "target", "participant", "auc")
"""Columns of `pooling_scores`."""


@checked
def pooling_scores(study: Study) -> pd.DataFrame:
    """Score frozen encoders of a study under every pooling, new people (LOSO).

    Parameters
    ----------
    study : Study
        Its windows, groups and settings; an encoder is tested on the group that it has not seen.

    Returns
    -------
    DataFrame
        Columns `POOLING_COLUMNS`: one row per pretext, pooling of the training, pooling of the
        features, target and participant. An encoder trained with the maximum is read in all ways,
        one trained with the mean as it was trained.
    """
    return stages.POOLING_SCORES.cached(source(study), lambda: _scores(study), study.folder)


@checked
def source(study: Study) -> dict[str, Any]:
    """Say what decides the table of a `study`.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from ecglib.studies.profiles import SMOKE
    >>> source(SimpleNamespace(identity="0f", profile=SMOKE))["data"]  # no more is asked for
    '0f'
    """
    profile = study.profile
    names = ("name", "windows", "encoder", "pretext", "contrastive", "seed")
    return {
        "data": study.identity,
        "profile": {name: getattr(profile, name) for name in names},
        "trained": TRAINED,
    }


@checked
def own_encoders(study: Study, pretext: str) -> list[keras.Model]:
    """Give the encoders of a study.

    Parameters
    ----------
    study : Study
        Data, settings and folder.
    pretext : {"random", "STR", "contrastive"}
        What they learnt.

    Returns
    -------
    list of keras.Model
        One per group, which it has not seen; of "random" the one that has seen nobody.

    Examples
    --------
    >>> import tempfile
    >>> from ecglib.studies.profiles import SMOKE
    >>> from ecglib.studies.stand_in import synthetic_file
    >>> from ecglib.synthetic.cohort import CohortSpec
    >>> from pathlib import Path
    >>> folder, spec = Path(tempfile.mkdtemp()), CohortSpec(2, (20.0, 20.0), 11.0)
    >>> study = Study(synthetic_file(spec, folder), SMOKE, folder)
    >>> [encoder.name for encoder in own_encoders(study, RANDOM)]
    ['encoder']
    """
    if pretext == RANDOM:
        return [pretraining.random_encoder(study)]
    groups = range(len(study.groups))
    if pretext == STR:
        return [pretraining.pretext(study, group).encoder for group in groups]
    return [pretraining.contrastive(study, group).model.encoder for group in groups]


@checked
def rating_scores(study: Study, parts: list[np.ndarray]) -> pd.DataFrame:
    """Score features of a study's windows for every target and person, new people (LOSO).

    Parameters
    ----------
    study : Study
        Its windows and groups.
    parts : list of ndarray, each of shape (n_windows, n_features)
        One array, or one for each group, by the encoder that has not seen it.

    Returns
    -------
    DataFrame
        ``target``, ``participant`` and ``auc``, missing where all ratings of a person are of one
        class.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> meta = pd.DataFrame({"participant": np.repeat([1, 2, 3], 4), "clip": [1, 2, 3, 4] * 3})
    >>> meta = meta.assign(**dict.fromkeys(TARGETS, [1, 5, 1, 5] * 3))
    >>> study = SimpleNamespace(usable=SimpleNamespace(meta=meta), group_of={1: 0, 2: 0, 3: 0})
    >>> rating_scores(study, [meta[["valence"]].to_numpy(float)])["auc"].unique().tolist()
    [1.0]
    """
    checks.several("parts", parts, checks.array)
    meta = study.usable.meta
    labels = label_matrix(meta, TARGETS)
    rows = []
    for train, test in LeaveOneParticipantOut().split(meta, labels):
        person = meta["participant"].iloc[test[0]]
        X = parts[study.group_of[person] if len(parts) > 1 else 0]
        for t, target in enumerate(TARGETS):
            fitted = head(X.shape[1]).fit(X[train], labels[train, t])
            said, truth = fitted.predict_proba(X[test])[:, 1], labels[test, t]
            value = auc(truth, said) if 0 < truth.mean() < 1 else np.nan
            rows.append({"target": target, "participant": person, "auc": value})
    return pd.DataFrame(rows)


def _scores(study: Study) -> pd.DataFrame:
    tables = []
    for trained in TRAINED:
        encoder = replace(study.profile.encoder, pooling=trained)
        own = study.with_profile(replace(study.profile, encoder=encoder))
        for pretext in (RANDOM, STR, CONTRASTIVE):
            encoders = own_encoders(own, pretext)
            for pooling in POOLINGS if trained == TRAINED[0] else (trained,):
                parts = [
                    embed(study.usable, encoder, pooling=pooling, progress=False)
                    for encoder in encoders
                ]
                found = rating_scores(study, parts)
                names = {"pretext": pretext, "trained": trained, "pooling": pooling}
                tables.append(found.assign(**names))
    table = pd.concat(tables, ignore_index=True)
    table = table.assign(data=study.label, profile=study.profile.name)
    return table[list(POOLING_COLUMNS)]
