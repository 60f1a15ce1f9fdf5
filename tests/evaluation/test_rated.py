"""Rated trials of the tested person: who is learnt, who is tested, and what it is worth."""

import numpy as np
import pytest

from ecglib.core.errors import DataError
from ecglib.data.labels import TARGETS
from ecglib.evaluation.crossval import evaluate_estimator
from ecglib.evaluation.leave_out import LeaveOneParticipantOut
from ecglib.evaluation.rated import (
    PROTOCOL,
    draw_trials,
    evaluate_rated,
    rated_numbers,
    regime_of,
)
from ecglib.evaluation.summaries import participant_metrics
from ecglib.transfer.linear import design_matrix, linear_classifier
from tests.cohorts import responding_cohort


def everyone(X, meta):
    return dict.fromkeys(meta["participant"].unique().tolist(), X)


def test_a_person_s_draws_depend_on_nobody_else_and_contain_each_other():
    meta, _ = responding_cohort()
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
    meta, _ = responding_cohort()
    with pytest.raises(DataError, match=r"participant 3.*at least one trial left"):
        draw_trials(meta[(meta["participant"] != 3) | (meta["clip"] < 5)], 4)


def test_half_of_the_trials_of_the_poorest_participant_stay_to_be_tested():
    meta, _ = responding_cohort(n_clips=18)
    assert rated_numbers(meta) == (0, 1, 2, 4, 8)
    assert rated_numbers(meta[(meta["participant"] != 2) | (meta["clip"] < 6)]) == (0, 1, 2)


def test_the_same_windows_are_tested_for_every_number_and_none_is_rated():
    meta, X = responding_cohort()
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
    meta, X = responding_cohort()
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
    meta, X = responding_cohort()
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
    meta, X = responding_cohort(n_people=10, n_clips=12, offset=2.5)
    rows = evaluate_rated(everyone(X, meta), meta, ["valence"], model="m", rated=(0, 6))
    values = participant_metrics(rows, ["accuracy", "auc"]).groupby(["metric", "regime"])
    mean = values["value"].mean()
    assert mean["accuracy", "6 rated"] > mean["accuracy", "0 rated"] + 0.05
    assert mean["auc", "6 rated"] == pytest.approx(mean["auc", "0 rated"], abs=0.03)
