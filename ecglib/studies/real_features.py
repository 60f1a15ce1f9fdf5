"""What is known of the windows of real people: measured features, and those of every encoder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.data.eegmat import CONDITION
from ecglib.evaluation.protocols import CONTRASTIVE, FROZEN, RANDOM, STR
from ecglib.features.heartbeats import window_features
from ecglib.models.embedding import embed
from ecglib.models.encoder import with_pooling
from ecglib.models.layers import POOLINGS
from ecglib.pretext.transformations import TASKS
from ecglib.studies import stages
from ecglib.studies.real import BOTH, CLINIC, NOBODY, OWN, Made, RealStudy
from ecglib.studies.real_networks import encoder_source, random_encoder, real_encoder, shape

RATE, TEN, ENCODER, WITH_TEN = "heart rate", "ten features", "encoder", "encoder and ten features"
"""What is known of a window: see the column ``features``."""

MEASURED = "measured"
"""As `pretext`: features that are measured, not learnt."""

CASE = [
    "features",
    "pretext",
    "source",
    "trained",
    "pooling",
    "transfer",
    "views",
    "seed",
]
"""Columns that say what was known: which features, what the encoder learnt before and from whom,
with which pooling it was trained and is read, what labels train, how many views it saw, seed."""


@dataclass(frozen=True)
class Known:
    """What is known of every window in one case, and by which encoder.

    Parameters
    ----------
    case : dict
        Values of the columns `CASE`.
    parts : list of ndarray, each of shape (n_windows, n_features)
        The features; one array, or one for each group of people, by the encoder that has not seen
        the group.
    blocks : tuple of int, optional
        How many features are of one kind, where several kinds stand side by side.

    Examples
    --------
    >>> Known(case_of("ten features", "measured", "nobody"), [np.zeros((4, 10))]).parts[0].shape
    (4, 10)
    """

    case: dict[str, Any]
    parts: list[np.ndarray]
    blocks: tuple[int, ...] | None = None


@checked
def known(study: RealStudy) -> Iterator[Known]:
    """Give the features of all windows in every case of frozen features.

    Parameters
    ----------
    study : RealStudy
        Recordings, plan and folder.

    Yields
    ------
    Known
    """
    plan = study.plan
    ten = _ten_features(study)
    if plan.n_groups:
        yield Known(case_of(RATE, MEASURED, NOBODY), [ten[:, :1]])
        yield Known(case_of(TEN, MEASURED, NOBODY), [ten])
        for seed in plan.seeds:
            maps = _pooled(study, None, seed)
            for pooling in POOLINGS:
                case = case_of(ENCODER, RANDOM, NOBODY, plan.poolings[0], pooling, seed=seed)
                yield Known(case, [_read(maps, pooling)])
    for made in study.encoders():
        if made.source != CLINIC:
            continue
        maps, views = _pooled(study, made), views_of(study, made.pretext)
        first = made.pooling == plan.poolings[0]
        for pooling in POOLINGS if first else (made.pooling,):
            found = _read(maps, pooling)
            case = case_of(
                ENCODER, made.pretext, CLINIC, made.pooling, pooling, views=views, seed=made.seed
            )
            yield Known(case, [found])
            if first and made.pretext == STR and pooling in plan.poolings[:2]:
                both = np.hstack([found, ten])
                blocks = found.shape[1], ten.shape[1]
                yield Known({**case, "features": WITH_TEN}, [both], blocks)
    if plan.n_groups:
        for pretext in (STR, CONTRASTIVE):
            for source in (OWN, BOTH):
                groups = [m for m in study.encoders() if (m.pretext, m.source) == (pretext, source)]
                maps = [_pooled(study, made) for made in groups]
                for pooling in plan.poolings[:2]:
                    case = case_of(
                        ENCODER,
                        pretext,
                        source,
                        plan.poolings[0],
                        pooling,
                        views=views_of(study, pretext),
                        seed=plan.seed,
                    )
                    yield Known(case, [_read(found, pooling) for found in maps])


@checked
def views_of(study: RealStudy, pretext: str) -> int:
    """Count the versions of windows that a `pretext` of a `study` shows.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from ecglib.studies.real import RealPlan
    >>> study = SimpleNamespace(plan=RealPlan())  # no more is asked for
    >>> views_of(study, STR) > 0
    True
    """
    plan = study.plan
    training = (plan.pretext if pretext == STR else plan.contrastive).training
    versions = len(TASKS) if pretext == STR else 2
    return training.epochs * training.steps_per_epoch * training.batch_windows * versions


@checked
def case_of(
    features: str,
    pretext: str,
    source: str,
    trained: str = "none",
    pooling: str = "none",
    *,
    transfer: str = FROZEN,
    views: int = 0,
    seed: int = 0,
) -> dict[str, Any]:
    """Give the values of the columns `CASE`, by name.

    Parameters
    ----------
    features : str
        What is known of a window.
    pretext : str
        What an encoder learnt, or `MEASURED`.
    source : str
        Whose ECG it learnt from.
    trained : str
        How the encoder pooled its features while it was trained; "none" without training.
    pooling : str
        How features are pooled over the window; "none" of features that are measured.
    transfer : str
        What the labels train.
    views : int
        How many views it saw.
    seed : int
        Seed of the random weights or of the pretraining.

    Returns
    -------
    dict

    Examples
    --------
    >>> case_of("encoder", "STR", "clinic", "max", "mean")["pooling"]
    'mean'
    """
    checks.whole("views", views, 0)
    values = (features, pretext, source, trained, pooling, transfer, views, seed)
    return dict(zip(CASE, values, strict=True))


@checked
def source(study: RealStudy, longer: RealStudy | None = None) -> dict[str, Any]:
    """Say what decides the tables of a `study`, and of a `longer` one if there is one.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from ecglib.studies.real import RealPlan
    >>> source(SimpleNamespace(data={"eegmat": "0f"}, plan=RealPlan()))["data"]
    {'eegmat': '0f'}
    """
    return {
        "data": study.data,
        "target": CONDITION,
        "plan": study.plan,
        "longer": longer.plan if longer else None,
    }


def _ten_features(study: RealStudy) -> np.ndarray:
    """Give the ten features; a gap, if there is one, gets the median of all windows of everyone."""
    found = window_features(study.windows.X, study.windows.fs)
    values = np.where(found.valid, found.values, np.nan)
    return np.where(np.isnan(values), np.nanmedian(values, axis=0), values)


def _pooled(study: RealStudy, made: Made | None, seed: int = 0) -> dict[str, np.ndarray]:
    """Give what is kept of the last feature maps, by kind, of an encoder or a random one."""
    kind = study.plan.poolings[0] if made is None else made.pooling
    made_from = {
        "of": study.data["eegmat"],
        "windows": study.plan.windows,
        "encoder": (
            {"random": shape(study, kind), "seed": seed}
            if made is None
            else encoder_source(study, made)
        ),
    }

    def make() -> dict[str, np.ndarray]:
        encoder = (
            random_encoder(study, kind, seed) if made is None else real_encoder(study, made).encoder
        )
        found = {}
        for pooling in ("both", "scales"):
            pooled = embed(study.windows, with_pooling(encoder, pooling), progress=False)
            halves = np.split(pooled, 2, axis=1)
            found |= dict(zip(POOLINGS[pooling], halves, strict=True))
        return found

    return stages.REAL_FEATURES.cached(made_from, make, study.folder)


def _read(maps: dict[str, np.ndarray], pooling: str) -> np.ndarray:
    return np.hstack([maps[kind] for kind in POOLINGS[pooling]])
