"""Whose windows should negatives be? Contrastive encoders with subject-aware negatives, measured.

Every variant is trained like the study's own contrastive encoder: the same views, batches, steps
and training people. Two things are asked of the people whom no encoder has seen: how well a probe
recognises them, and how well a linear head ranks their windows by rating.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pandas as pd

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.folders import results_folder
from ecglib.evaluation.probes import probe_chance, run_probe
from ecglib.evaluation.protocols import ORIGIN, RANDOM
from ecglib.models.embedding import embed
from ecglib.models.encoder import build_encoder
from ecglib.pretext.contrastive import ANYONE, OTHERS, SAME, ContrastiveConfig
from ecglib.pretext.pretrain import pretrain
from ecglib.studies import pretraining, stages
from ecglib.studies.comparison import with_origin
from ecglib.studies.pooling import rating_scores
from ecglib.studies.study import Study

OWN = "as the study's own"
"""The variant whose batches hold whosever windows; all other windows of a batch are negatives."""

VARIANTS = (RANDOM, OWN, ANYONE, SAME, OTHERS)
"""Untrained; trained without thinking of people; and, with batches of windows of two people, whose
windows are negatives (`ecglib.pretext.contrastive.NEGATIVES`)."""

DRAWS = (0, 1)
"""Seeds of the initial weights, of the views and of the order of the windows."""

GROUP = 0
"""The group of people whom no encoder has seen, and who are tested."""

RECOGNISED, AREA, CHANCE = "recognised", "auc", "recognised by guessing"
"""Measures: share of windows whose person a probe names, in a new trial; and the area (LOSO)."""


@checked
def variant(config: ContrastiveConfig, name: str) -> ContrastiveConfig:
    """Give the settings of a variant.

    Parameters
    ----------
    config : ContrastiveConfig
        The study's own settings.
    name : str
        One of `VARIANTS`.

    Returns
    -------
    ContrastiveConfig
        With half of a batch from each of two people, so that negatives of the same and of the
        other person are nearly as many.

    Examples
    --------
    >>> from ecglib.studies.profiles import QUICK
    >>> [variant(QUICK.contrastive, name).n_negatives for name in (OWN, SAME, OTHERS)]
    [30, 14, 16]
    """
    if checks.one_of("name", name, VARIANTS) in (RANDOM, OWN):
        return config
    half = config.training.batch_windows // 2
    return replace(config, negatives=name, windows_per_participant=half)


@checked
def scores(study: Study) -> pd.DataFrame:
    """Measure what every variant's features know of people and of ratings.

    Parameters
    ----------
    study : Study
        Its windows, groups and settings.

    Returns
    -------
    DataFrame
        `ORIGIN`, ``negatives`` (one of `VARIANTS`), ``draw``, ``measure`` (`RECOGNISED`, `CHANCE`
        or `AREA`), ``target`` ("person" or a rating scale), ``participant`` and ``value``, missing
        where all ratings of a person are of one class. Computed once, or taken from ``results/``.
    """
    return stages.SUBJECT_AWARE.cached(
        source(study), lambda: _scores(study), study.folder, shipped=results_folder()
    )


@checked
def source(study: Study) -> dict[str, Any]:
    """Say what decides the table of a `study`.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from ecglib.studies.profiles import SMOKE
    >>> source(SimpleNamespace(identity="0f", profile=SMOKE, folder=None))["variants"] == VARIANTS
    True
    """
    return {**_source(study), "variants": VARIANTS, "draws": DRAWS}


def _source(study: Study) -> dict[str, Any]:
    profile = study.profile
    names = ("name", "windows", "encoder", "contrastive", "seed")
    return {
        "data": study.identity,
        "profile": {name: getattr(profile, name) for name in names},
        "n_groups": profile.pretext.n_groups,
        "group": GROUP,
    }


def _scores(study: Study) -> pd.DataFrame:
    tables = []
    for name in VARIANTS:
        for draw in DRAWS:
            made_from = {**_source(study), "negatives": name, "draw": draw}
            # One by one, so that an interruption costs one training only.
            arrays = stages.SUBJECT_AWARE_PART.cached(
                made_from, lambda name=name, draw=draw: _features(study, name, draw), study.folder
            )
            table = _measure(study, arrays["features"])
            tables.append(table.assign(negatives=name, draw=draw))
    table = with_origin(study, pd.concat(tables, ignore_index=True))
    return table[[*ORIGIN, "negatives", "draw", "measure", "target", "participant", "value"]]


def _features(study: Study, name: str, draw: int) -> Mapping[str, np.ndarray]:
    return {"features": embed(study.usable, _encoder(study, name, draw), progress=False)}


def _encoder(study: Study, name: str, draw: int) -> keras.Model:
    profile, usable = study.profile, study.usable
    seed = profile.seed + GROUP + len(study.groups) * draw
    config = variant(profile.contrastive, name)
    if name == RANDOM:
        return build_encoder(profile.encoder, usable.X.shape[1], seed=seed)
    if name == OWN and draw == 0:
        return pretraining.contrastive(study, GROUP).model.encoder
    shown = ~pretraining.left_out(study, GROUP)
    trained = pretrain(
        usable.X[shown],
        config,
        profile.encoder,
        seed=seed,
        participant=usable.meta["participant"].to_numpy()[shown],
        label=f"negatives: {name}, draw {draw}",
    )
    return trained.encoder


def _measure(study: Study, features: np.ndarray) -> pd.DataFrame:
    meta = study.usable.meta
    unseen = pretraining.left_out(study, GROUP)
    own = meta[unseen].reset_index(drop=True)
    found = run_probe(features[unseen], own, "participant")
    rows = [(RECOGNISED, "person", *item) for item in found.items()]
    chance = probe_chance(own, "participant")
    rows += [(CHANCE, "person", person, chance) for person in found.index]
    columns = ["measure", "target", "participant", "value"]
    areas = rating_scores(study, [features]).rename(columns={"auc": "value"})
    areas = areas[areas["participant"].isin(own["participant"])].assign(measure=AREA)
    table = [pd.DataFrame(rows, columns=columns), areas[columns]]
    return pd.concat(table, ignore_index=True)
