"""Features relative to the baseline before the clip: of the right trial, on one scale, once."""

import numpy as np
import pytest

from ecglib.core.errors import DataError
from ecglib.data.labels import BASELINE, TARGETS
from ecglib.features.heartbeats import window_features
from ecglib.preprocessing.segmentation import WindowConfig, make_windows
from ecglib.studies import before_clip
from ecglib.studies.before_clip import (
    AFTER_BASELINE,
    MINUS_BASELINE,
    baseline_relative_features,
    baseline_relative_predictions,
)
from ecglib.studies.study import Study
from ecglib.transfer.classical import classifiers
from tests.studies.tiny import SPEC, TINY


def test_every_window_is_compared_with_the_baseline_of_its_own_trial(study):
    found = baseline_relative_features(study)
    assert len(found) == len(study.usable)
    both = make_windows(study.cohort, WindowConfig(conditions=(BASELINE, "stimulus"), last_s=20.0))
    meta = study.usable.meta
    for row in (0, len(meta) // 2, len(meta) - 1):
        own = meta.loc[row]
        same = (both.meta["participant"] == own["participant"]) & (both.meta["clip"] == own["clip"])
        rest = same & (both.meta["condition"] == BASELINE)
        clip = same & (both.meta["condition"] != BASELINE) & (both.meta["start"] == own["start"])
        assert rest.sum() == 1 and clip.sum() == 1  # a baseline of 11 s holds one window
        one, other = (window_features(both.X[rows], both.fs) for rows in (clip, rest))
        valid = one.valid[0] & other.valid[0]
        np.testing.assert_array_equal(found.valid[row], valid)
        expected = np.where(valid, one.values[0] - other.values[0], 0)
        np.testing.assert_allclose(found.values[row], expected)


def test_predictions_are_of_new_people_and_made_once(study, monkeypatch):
    rows = baseline_relative_predictions(study)
    assert set(rows["model"]) == {name + MINUS_BASELINE for name in classifiers()}
    assert set(rows["regime"]) == {AFTER_BASELINE} and set(rows["target"]) == set(TARGETS)
    assert rows["protocol"].unique().tolist() == ["leave-one-participant-out"]
    assert rows.groupby(["model", "target"])["window"].nunique().eq(len(study.usable)).all()
    monkeypatch.setattr(before_clip, "_predict", None)
    assert baseline_relative_predictions(study).equals(rows)


def test_a_cohort_without_baselines_is_refused(study, tmp_path):
    other = Study(study.path, TINY, tmp_path, SPEC)
    rows = study.cohort.recordings
    kept = rows["condition"] != BASELINE
    cohort = study.cohort
    vars(other)["cohort"] = type(cohort)(
        cohort.name,
        cohort.fs,
        rows[kept].reset_index(drop=True),
        tuple(s for s, keep in zip(cohort.signals, kept, strict=True) if keep),
        leads=cohort.leads,
        unit=cohort.unit,
    )
    with pytest.raises(DataError, match="no recording with this condition"):
        baseline_relative_features(other)
