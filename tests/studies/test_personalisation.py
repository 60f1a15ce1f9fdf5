"""A person's own ratings against those of others: the same windows, each computed once."""

import warnings

import numpy as np
import pandas as pd
import pytest

from ecglib.evaluation.crossval import evaluate_estimator
from ecglib.evaluation.leave_out import LeaveOneParticipantOut, WithinParticipantKFold
from ecglib.evaluation.protocols import MAJORITY, NONE
from ecglib.evaluation.rated import rated_curve, regime_of
from ecglib.evaluation.summaries import participant_metrics
from ecglib.studies import crossfit, personalisation
from ecglib.studies.crossfit import RANDOM_LINEAR, STR_LINEAR
from ecglib.studies.personalisation import (
    TRAINING_SHARE,
    fold_by_fold,
    own_against_others,
    own_predictions,
    rated_predictions,
)
from ecglib.transfer.linear import design_matrix, linear_classifier
from tests.cohorts import responding_cohort
from tests.studies.fakes import FakeStudy, features


@pytest.fixture
def study(tmp_path, monkeypatch):
    for module in (crossfit, personalisation):
        monkeypatch.setattr(module, "features", features)
    return FakeStudy(tmp_path)


def test_rated_predictions_are_made_once_and_bring_their_own_majority(study, monkeypatch):
    rows = rated_predictions(study)
    assert set(rows["model"]) == {STR_LINEAR, RANDOM_LINEAR, MAJORITY}
    assert set(rows["regime"]) == {regime_of(k) for k in (0, 1, 2, 4)}
    counts = rows.groupby(["model", "regime", "target", "seed"]).size()
    assert counts.nunique() == 1
    monkeypatch.setattr(personalisation, "evaluate_rated", None)  # a second evaluation would fail
    pd.testing.assert_frame_equal(rows, rated_predictions(study))

    curve = rated_curve(rows, ("auc", "accuracy"), n_resamples=100)
    assert sorted(curve["rated"].unique()) == [0, 1, 2, 4]
    own = curve[curve["model"] == MAJORITY].set_index(["target", "metric", "rated"])["mean"]
    at = pd.MultiIndex.from_frame(curve[["target", "metric", "rated"]])
    np.testing.assert_allclose(curve["baseline"], own.loc[at])
    blind = curve[(curve["model"] == MAJORITY) & (curve["metric"] == "auc")]
    np.testing.assert_allclose(blind["mean"], 0.5)


def test_own_and_others_are_compared_on_the_windows_that_both_test(study):
    meta = study.usable.meta
    meta.loc[meta["participant"] == 2, "arousal"] = 5  # nothing to learn from this person alone
    meta["dominance"] = np.where(meta["clip"] == meta["participant"], 5, 1)
    rows = own_predictions(study)
    own = rows[rows["protocol"] == WithinParticipantKFold.protocol]
    assert set(own[own["target"] == "valence"]["participant"]) == {1, 2, 3, 4, 5, 6}
    assert set(own[own["target"] == "arousal"]["participant"]) == {1, 3, 4, 5, 6}
    assert "dominance" not in set(own["target"])
    assert set(own["model"]) == {MAJORITY, STR_LINEAR, RANDOM_LINEAR}
    share = rows[rows["model"] == TRAINING_SHARE]
    assert set(share["regime"]) == {NONE}
    assert (share.groupby(["fold", "target"])["probability"].nunique() == 1).all()

    both = fold_by_fold(rows)
    tested = both.groupby(["target", "protocol"])["window"].agg(lambda w: len(set(w)))
    assert (tested.unstack("protocol").nunique(axis=1) == 1).all()
    majority = participant_metrics(both[both["model"] == MAJORITY], ["auc"])["value"].dropna()
    assert set(majority) == {0.5}
    table = own_against_others(rows, STR_LINEAR, ["auc"], n_resamples=100).set_index("target")
    assert table["n_participants"].to_dict() == {"valence": 6, "arousal": 5}
    mean = participant_metrics(both[both["model"] == STR_LINEAR], ["auc"])
    mean = mean.groupby(["target", "protocol", "participant"])["value"].mean()
    mean = mean.groupby(["target", "protocol"]).mean()
    assert table.loc["valence", "mean"] == pytest.approx(
        mean["valence", WithinParticipantKFold.protocol]
        - mean["valence", LeaveOneParticipantOut.protocol]
    )


def test_fold_by_fold_a_head_that_learns_nothing_is_at_chance_and_pooled_below():
    meta, _ = responding_cohort(n_people=20, n_clips=9)
    rng = np.random.default_rng(3)
    meta["valence"] = rng.choice([2, 5], (20, 9)).repeat(2, axis=1).ravel()
    trial = meta.groupby(["participant", "clip"]).ngroup()
    noise = rng.standard_normal((len(meta), 20)) + 3 * rng.standard_normal((180, 20))[trial]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # people with too few trials of a class
        rows = evaluate_estimator(
            linear_classifier(20, 2),
            design_matrix(noise, meta["participant"].to_numpy()),
            meta,
            WithinParticipantKFold(3, 0),
            ["valence"],
            model="m",
            regime="r",
        )
    # Pooled is as if one head had judged all windows of a person.
    pooled, by_fold = (
        participant_metrics(frame, ["auc"]).groupby("participant")["value"].mean().mean()
        for frame in (rows.assign(fold=0), fold_by_fold(rows))
    )
    assert by_fold == pytest.approx(0.5, abs=0.1)
    assert pooled < by_fold - 0.05
