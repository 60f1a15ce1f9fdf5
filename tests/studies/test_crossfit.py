"""Everyone is predicted by the encoder that never saw them."""

import numpy as np
import pytest

from ecglib.evaluation.crossval import evaluate_estimator
from ecglib.evaluation.leave_out import LeaveOneParticipantOut
from ecglib.evaluation.protocols import RANDOM, STR, STRICT
from ecglib.studies import crossfit
from ecglib.studies.crossfit import (
    RANDOM_LINEAR,
    STR_LINEAR,
    evaluate_strict,
    features_by_participant,
    features_source,
)
from ecglib.transfer.linear import design_matrix, linear_classifier
from tests.studies.fakes import FakeStudy, features


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.setattr(crossfit, "features", features)
    return FakeStudy(tmp_path)


def test_everyone_gets_the_features_of_their_own_group(study):
    found = features_by_participant(study)
    assert set(found) == {STR_LINEAR, RANDOM_LINEAR}
    for participant, group in study.group_of.items():
        np.testing.assert_array_equal(found[STR_LINEAR][participant], features(study, STR, group))
        np.testing.assert_array_equal(found[RANDOM_LINEAR][participant], features(study, RANDOM))


def test_a_person_is_predicted_by_the_encoder_that_never_saw_them(study):
    meta, estimator = study.usable.meta, linear_classifier(4, 2)
    rows = evaluate_strict(study, estimator, LeaveOneParticipantOut(), ["valence"])
    assert sorted(rows["window"]) == list(range(len(meta)))
    assert set(rows["regime"]) == {STRICT}
    for group, participants in enumerate(study.groups):
        design = design_matrix(features(study, STR, group), meta["participant"].to_numpy())
        expected = evaluate_estimator(
            estimator, design, meta, LeaveOneParticipantOut(), ["valence"], model="m", regime="r"
        )
        for frame in (rows, expected):
            frame.set_index("window", inplace=True, drop=False)
        of = rows.loc[rows["participant"].isin(participants), "probability"]
        np.testing.assert_allclose(of, expected.loc[of.index, "probability"])


def test_other_features_make_other_artifacts(study):
    before = features_source(study)
    assert before == features_source(study)
    study.X = study.X + 1
    assert before != features_source(study)
