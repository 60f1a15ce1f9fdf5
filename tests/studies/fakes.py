"""Studies without signals and without networks."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from ecglib.evaluation.protocols import STR
from ecglib.studies.study import Study
from tests.cohorts import responding_cohort


class FakeStudy:
    """What functions ask of a study."""

    def __init__(self, folder, n_people=6, n_clips=8):
        meta, self.X = responding_cohort(n_people, n_clips)
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
    clips = pd.DataFrame({"clip": range(1, len(study.spec.clip_lengths_s) + 1)})
    vars(study).update(
        cohort=SimpleNamespace(recordings=people.merge(clips, how="cross")),
        usable=SimpleNamespace(meta=people),
    )
    return study
