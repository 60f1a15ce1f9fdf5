"""Invented metadata and features that several tests use; nothing here is an ECG."""

import numpy as np
import pandas as pd

from ecglib.data.labels import TARGETS


def spread_cohort(n_participants: int = 6) -> tuple[np.ndarray, pd.DataFrame]:
    """Features that follow valence and differ between participants."""
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product(
        [range(1, n_participants + 1), range(1, 9), range(4)],
        names=["participant", "clip", "start"],
    )
    meta = index.to_frame(index=False)
    trial = meta.groupby(["participant", "clip"]).ngroup().to_numpy()
    for target in ("valence", "arousal", "dominance"):
        meta[target] = rng.integers(1, 6, trial.max() + 1)[trial]
    features = rng.normal(size=(len(meta), 10)) + meta[["participant"]].to_numpy()
    features[:, :3] += (meta[["valence"]] > 3).to_numpy()
    return features.astype("float32"), meta


def responding_cohort(
    n_people: int = 6, n_clips: int = 8, n_windows: int = 2, offset: float = 0.0, seed: int = 0
) -> tuple[pd.DataFrame, np.ndarray]:
    """Windows whose first feature follows valence, shifted by a person's offset."""
    rng = np.random.default_rng(seed)
    meta = pd.DataFrame(
        [(p, c) for p in range(1, n_people + 1) for c in range(1, n_clips + 1)],
        columns=["participant", "clip"],
    )
    # Half of each person's ratings are high, in an order of the person's own.
    ratings = np.where(np.arange(n_clips) < n_clips // 2, 2, 5)
    for target in TARGETS:
        meta[target] = np.concatenate([rng.permutation(ratings) for _ in range(n_people)])
    meta = meta.loc[meta.index.repeat(n_windows)].reset_index(drop=True)
    shift = offset * rng.standard_normal(n_people)[meta["participant"] - 1]
    X = rng.standard_normal((len(meta), 3))
    X[:, 0] += np.where(meta["valence"] > 3, 1.5, -1.5) + shift
    return meta, X.astype(np.float32)


def rated_windows() -> pd.DataFrame:
    """Four windows of each of five trials of six people, with random ratings."""
    rng = np.random.default_rng(0)
    trials = pd.DataFrame(
        [(p, c, *rng.integers(1, 6, 3)) for p in range(1, 7) for c in range(1, 6)],
        columns=["participant", "clip", *TARGETS],
    )
    windows = trials.loc[trials.index.repeat(4)].reset_index(drop=True)
    return windows.assign(condition="stimulus", lead=1)
