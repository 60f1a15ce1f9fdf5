"""Every rating comes from the encoder that never saw the person, once."""

import pandas as pd

from ecglib.data.labels import TARGETS
from ecglib.evaluation.protocols import STR
from ecglib.evaluation.ratings import evaluate_ratings
from ecglib.studies import crossfit, ratings
from ecglib.studies.ratings import rating_predictions
from ecglib.transfer.ordinal import rating_models
from tests.studies.fakes import FakeStudy, features


def test_the_experiment_uses_each_person_s_encoder_and_runs_once(tmp_path, monkeypatch):
    monkeypatch.setattr(crossfit, "features", features)
    study = FakeStudy(tmp_path)
    rows = rating_predictions(study)
    expected = evaluate_ratings(
        rating_models(4, 2),
        {p: features(study, STR, study.group_of[p]) for p in range(1, 7)},
        study.usable.meta,
        TARGETS,
        regime="strict",
    )
    pd.testing.assert_frame_equal(rows, expected)
    monkeypatch.setattr(ratings, "evaluate_ratings", None)  # a second evaluation would fail
    pd.testing.assert_frame_equal(rows, rating_predictions(study))
