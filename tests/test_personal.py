"""Rated trials of the tested person: who is learnt, who is tested, and what it is worth."""

import doctest
import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ecglib import personal
from ecglib.errors import DataError
from ecglib.folds import evaluate_estimator
from ecglib.labels import TARGETS
from ecglib.metrics import MAJORITY, participant_metrics
from ecglib.personal import (
    PROTOCOL,
    RANDOM_LINEAR,
    STR_LINEAR,
    TRAINING_SHARE,
    design_matrix,
    draw_trials,
    evaluate_rated,
    evaluate_strict,
    fold_by_fold,
    linear_classifier,
    own_against_others,
    own_predictions,
    rated_curve,
    rated_numbers,
    rated_predictions,
    regime_of,
)
from ecglib.splits import LeaveOneParticipantOut, WithinParticipantKFold
from ecglib.study import NONE, STR, STRICT


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
    """What the experiments ask of a study, without networks."""

    def __init__(self, root, n_people=6, n_clips=8):
        meta, self.X = make_cohort(n_people, n_clips)
        self.usable = SimpleNamespace(meta=meta)
        self.groups = [np.array([1, 3, 5]), np.array([2, 4, 6])]
        self.group_of = {p: g for g, group in enumerate(self.groups) for p in group.tolist()}
        self.cohort = SimpleNamespace(sha256="0")
        self.profile = SimpleNamespace(windows="w", seed=0)
        self.root = root

    def features(self, model, group=None):
        assert (model == STR) == (group is not None)
        # The encoders differ by a column, so that a mix-up changes predictions.
        return np.column_stack([self.X, self.X[:, 0] ** (2 + (group or 0))])


@pytest.fixture
def study(tmp_path):
    return FakeStudy(tmp_path)


def everyone(X, meta):
    return dict.fromkeys(meta["participant"].unique().tolist(), X)


def test_examples_in_docstrings():
    outcome = doctest.testmod(personal, extraglobs={"np": np, "pd": pd})
    assert outcome.attempted >= 5
    assert not outcome.failed


def test_a_person_s_draws_depend_on_nobody_else_and_contain_each_other():
    meta, _ = make_cohort()
    drawn = draw_trials(meta, 4, n_draws=3, seed=1)
    assert list(drawn) == [1, 2, 3, 4, 5, 6]
    alone = draw_trials(meta[meta["participant"] == 5], 4, n_draws=3, seed=1)
    np.testing.assert_array_equal(alone[5], drawn[5])
    shuffled = draw_trials(meta.sample(frac=1, random_state=0), 4, n_draws=3, seed=1)
    np.testing.assert_array_equal(shuffled[2], drawn[2])
    fewer = draw_trials(meta, 2, n_draws=3, seed=1)
    np.testing.assert_array_equal(fewer[5], drawn[5][:, :2])
    assert not np.array_equal(drawn[5], draw_trials(meta, 4, n_draws=3, seed=2)[5])
    assert all(len(set(draw)) == 4 for draws in drawn.values() for draw in draws.tolist())


def test_a_draw_that_leaves_nothing_to_test_is_refused_by_name():
    meta, _ = make_cohort()
    with pytest.raises(DataError, match=r"participant 3.*at least one trial left"):
        draw_trials(meta[(meta["participant"] != 3) | (meta["clip"] < 5)], 4)


def test_half_of_the_trials_of_the_poorest_participant_stay_to_be_tested():
    meta, _ = make_cohort(n_clips=18)
    assert rated_numbers(meta) == (0, 1, 2, 4, 8)
    assert rated_numbers(meta[(meta["participant"] != 2) | (meta["clip"] < 6)]) == (0, 1, 2)


def test_the_same_windows_are_tested_for_every_number_and_none_is_rated():
    meta, X = make_cohort()
    rows = evaluate_rated(everyone(X, meta), meta, TARGETS, model="m", rated=(0, 1, 4), n_draws=2)
    assert set(rows["regime"]) == {"0 rated", "1 rated", "4 rated"}
    assert set(rows["protocol"]) == {PROTOCOL}
    assert sorted(rows["seed"].unique()) == [0, 1]
    drawn = draw_trials(meta, 4, n_draws=2)
    for (participant, draw), group in rows.groupby(["participant", "seed"]):
        rated = set(drawn[participant][draw])
        assert not rated & set(group["clip"])
        assert rated | set(group["clip"]) == set(range(1, 9))
        tested = group.groupby(["regime", "target"])["window"].apply(tuple)
        assert tested.nunique() == 1


def test_without_rated_trials_the_draw_makes_no_difference():
    meta, X = make_cohort()
    rows = evaluate_rated(everyone(X, meta), meta, ["valence"], model="m", rated=(0, 4), n_draws=2)
    rows = rows[rows["regime"] == regime_of(0)]
    assert (rows.groupby("window")["probability"].nunique() == 1).all()
    plain = evaluate_estimator(
        linear_classifier(3, windows_per_trial=2),
        design_matrix(X, meta["participant"].to_numpy()),
        meta,
        LeaveOneParticipantOut(),
        ["valence"],
        model="m",
        regime="r",
    ).set_index("window")["probability"]
    np.testing.assert_allclose(rows["probability"], plain.loc[rows["window"]], atol=1e-6)


def test_ratings_of_tested_trials_change_nothing_and_those_of_rated_trials_do():
    meta, X = make_cohort()
    options = {"model": "m", "rated": (0, 2), "n_draws": 1}
    before = evaluate_rated(everyone(X, meta), meta, ["valence"], **options)
    rated = draw_trials(meta, 2, n_draws=1)[4][0]
    for part, same in ((~meta["clip"].isin(rated), True), (meta["clip"].isin(rated), False)):
        other = meta.copy()
        other.loc[part & (meta["participant"] == 4), "valence"] = 1
        after = evaluate_rated(everyone(X, meta), other, ["valence"], **options)
        for regime in ("0 rated", "2 rated"):
            of_four = (before["participant"] == 4) & (before["regime"] == regime)
            old, new = (frame.loc[of_four, "probability"] for frame in (before, after))
            assert np.array_equal(old, new) == (same or regime == "0 rated")


def test_rated_trials_mend_the_threshold_of_a_person_with_an_offset():
    meta, X = make_cohort(n_people=10, n_clips=12, offset=2.5)
    rows = evaluate_rated(everyone(X, meta), meta, ["valence"], model="m", rated=(0, 6))
    values = participant_metrics(rows, ["accuracy", "auc"]).groupby(["metric", "regime"])
    mean = values["value"].mean()
    assert mean["accuracy", "6 rated"] > mean["accuracy", "0 rated"] + 0.05
    assert mean["auc", "6 rated"] == pytest.approx(mean["auc", "0 rated"], abs=0.03)


def test_a_stranger_has_no_intercept_and_a_known_person_has():
    participant = np.repeat([1, 2], 20)
    y = np.concatenate([np.zeros(20), np.ones(20)])
    fitted = linear_classifier(0, windows_per_trial=1).fit(
        design_matrix(np.zeros((40, 0)), participant), y
    )
    low, high, stranger = fitted.predict_proba(np.array([[1.0], [2.0], [9.0]]))[:, 1]
    assert low < 0.2
    assert high > 0.8
    assert stranger == pytest.approx(0.5, abs=0.01)


def test_a_trial_counts_once_however_many_windows_it_has():
    meta, X = make_cohort(n_windows=1)
    y = (meta["valence"] > 3).to_numpy()
    design = design_matrix(X, meta["participant"].to_numpy())
    once = linear_classifier(3, 1).fit(design, y)
    thrice = linear_classifier(3, 3).fit(np.repeat(design, 3, axis=0), np.repeat(y, 3))
    np.testing.assert_allclose(once.predict_proba(design), thrice.predict_proba(design), atol=1e-3)


def test_a_person_is_predicted_by_the_encoder_that_never_saw_them(study):
    meta, estimator = study.usable.meta, linear_classifier(4, 2)
    rows = evaluate_strict(study, estimator, LeaveOneParticipantOut(), ["valence"])
    assert sorted(rows["window"]) == list(range(len(meta)))
    assert set(rows["regime"]) == {STRICT}
    for group, participants in enumerate(study.groups):
        design = design_matrix(study.features(STR, group), meta["participant"].to_numpy())
        expected = evaluate_estimator(
            estimator, design, meta, LeaveOneParticipantOut(), ["valence"], model="m", regime="r"
        )
        for frame in (rows, expected):
            frame.set_index("window", inplace=True, drop=False)
        of = rows.loc[rows["participant"].isin(participants), "probability"]
        np.testing.assert_allclose(of, expected.loc[of.index, "probability"])


def test_rated_predictions_are_made_once_and_bring_their_own_majority(study, monkeypatch):
    rows = rated_predictions(study)
    assert set(rows["model"]) == {STR_LINEAR, RANDOM_LINEAR, MAJORITY}
    assert set(rows["regime"]) == {regime_of(k) for k in (0, 1, 2, 4)}
    counts = rows.groupby(["model", "regime", "target", "seed"]).size()
    assert counts.nunique() == 1
    monkeypatch.setattr(personal, "evaluate_rated", None)  # a second evaluation would fail
    pd.testing.assert_frame_equal(rows, rated_predictions(study))

    curve = rated_curve(rows, ("auc", "accuracy"), n_resamples=100)
    assert sorted(curve["rated"].unique()) == [0, 1, 2, 4]
    own = curve[curve["model"] == MAJORITY].set_index(["target", "metric", "rated"])["mean"]
    at = pd.MultiIndex.from_frame(curve[["target", "metric", "rated"]])
    np.testing.assert_allclose(curve["baseline"], own.loc[at])
    blind = curve[(curve["model"] == MAJORITY) & (curve["metric"] == "auc")]
    np.testing.assert_allclose(blind["mean"], 0.5)


def test_other_features_make_other_artifacts(study):
    before = personal.features_source(study)
    assert before == personal.features_source(study)
    study.X = study.X + 1
    assert before != personal.features_source(study)


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
    meta, _ = make_cohort(n_people=20, n_clips=9)
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
    pooled, by_fold = (
        participant_metrics(frame, ["auc"]).groupby("participant")["value"].mean().mean()
        for frame in (rows, fold_by_fold(rows))
    )
    assert by_fold == pytest.approx(0.5, abs=0.1)
    assert pooled < by_fold - 0.05
