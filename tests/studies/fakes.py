"""Studies without signals and without networks."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from ecglib.data.labels import TARGETS
from ecglib.evaluation.protocols import STR
from ecglib.studies.study import Study


def make_cohort(n_people=6, n_clips=8, n_windows=2, offset=0.0, seed=0):
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


class FakeStudy:
    """What functions ask of a study."""

    def __init__(self, folder, n_people=6, n_clips=8):
        meta, self.X = make_cohort(n_people, n_clips)
        self.usable = SimpleNamespace(meta=meta)
        self.groups = [np.array([1, 3, 5]), np.array([2, 4, 6])]
        self.group_of = {p: g for g, group in enumerate(self.groups) for p in group.tolist()}
        self.identity = "0"
        self.profile = SimpleNamespace(windows="w", seed=0)
        self.folder = folder


def features(study, model, group=None):
    """Stand for `ecglib.studies.pretraining.features`."""
    assert (model == STR) == (group is not None)
    # The encoders differ by a column, so that a mix-up changes predictions.
    return np.column_stack([study.X, study.X[:, 0] ** (2 + (group or 0))])


def outline(profile, n_people):
    """Give a study of which only the numbers of its people are known."""
    study = Study(profile=profile)
    people = pd.DataFrame({"participant": np.arange(1, n_people + 1)})
    vars(study).update(
        cohort=SimpleNamespace(recordings=people), usable=SimpleNamespace(meta=people)
    )
    return study
