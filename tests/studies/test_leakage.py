"""What the ladder measures is right where the right answer is known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ecglib.data.labels import TARGETS
from ecglib.evaluation.leave_out import ladder
from ecglib.evaluation.probes import PROBES
from ecglib.evaluation.protocols import KEY, RANDOM, STR
from ecglib.evaluation.summaries import participant_metrics
from ecglib.studies import leakage
from ecglib.studies.leakage import (
    FEELING,
    STATE,
    KnownCohort,
    heads,
    known_cohorts,
    ladder_predictions,
    ladder_summary,
    leak,
    oracle_summary,
    probe_summary,
    rungs,
)
from ecglib.studies.profiles import QUICK
from ecglib.studies.study import Study
from ecglib.synthetic.cohort import CohortSpec
from ecglib.synthetic.people import FEATURES, clip_feelings, physiology, rate_clips
from tests.studies.tiny import ENCODER, SPEC

TINY = replace(QUICK, windows=replace(QUICK.windows, last_s=20.0), encoder=ENCODER, n_resamples=200)


def make_known(effect, n_people=20, n_clips=12, seed=0):
    """A cohort without signals: ratings, feelings and states as `make_cohort` draws them."""
    rng = np.random.default_rng(seed)
    of_clips = clip_feelings(n_clips, rng)
    truth, meta = [], []
    for participant in range(1, n_people + 1):
        ratings, felt = rate_clips(of_clips, rng)
        nuisance = rng.normal(size=(n_clips, len(FEATURES)))
        state = physiology(felt, nuisance, rng.normal(size=len(FEATURES)), effect)
        about = {"participant": participant, "clip": np.arange(1, n_clips + 1)}
        feelings = {f"felt_{t}": felt[:, i] for i, t in enumerate(TARGETS)}
        truth.append(pd.DataFrame({**about, **feelings, **state}))
        scores = {t: ratings[:, i] for i, t in enumerate(TARGETS)}
        meta.append(pd.DataFrame({**about, "start": 0.0, **scores}))
    meta = pd.concat([*meta, *(rows.assign(start=10.0) for rows in meta)], ignore_index=True)
    return KnownCohort(CohortSpec(effect=effect), meta, {}, pd.concat(truth, ignore_index=True))


def test_with_no_effect_the_body_tells_nothing_and_the_feeling_still_does():
    areas = oracle_summary({0.0: make_known(0.0)}).set_index("oracle")["mean"]
    assert areas[STATE] == 0.5  # not about: the guess is the same for every recording
    assert areas[FEELING] > 0.9


def test_the_oracle_of_the_body_approaches_that_of_the_feeling_as_the_effect_grows():
    cohorts = {effect: make_known(effect) for effect in (0.0, 0.5, 2.0, 20.0)}
    areas = oracle_summary(cohorts).pivot(index="effect", columns="oracle", values="mean")
    assert areas[FEELING].nunique() == 1
    assert areas[STATE].is_monotonic_increasing
    assert areas.loc[0.5, STATE] > 0.6
    assert (areas[STATE] < areas[FEELING] + 0.02).all()


def test_a_logistic_head_that_learns_nothing_does_not_follow_the_training_share():
    noise = np.random.default_rng(0).normal(size=(2000, 3))
    for n_high in (200, 1800):
        labels = np.arange(2000) < n_high
        head = heads()[leakage.LOGISTIC].fit(noise, labels)
        assert head.predict_proba(noise)[:, 1].mean() == pytest.approx(0.5, abs=0.02)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("artifacts")


@pytest.fixture
def study(folder, monkeypatch):
    # Any encoder does, so it is not pretrained.
    monkeypatch.setattr(leakage, "_encoder", lambda study, kind: leakage.random_encoder(study))
    return Study(profile=TINY, folder=folder, spec=SPEC)


def test_the_cohorts_are_other_people_who_share_all_but_the_effect(study):
    cohorts = known_cohorts(study, [0.0, 2.0])
    none, strong = cohorts.values()
    pd.testing.assert_frame_equal(none.meta, strong.meta)
    assert not none.truth["heart_rate"].equals(strong.truth["heart_rate"])
    assert none.truth["felt_arousal"].equals(strong.truth["felt_arousal"])
    ratings = ["participant", "clip", *TARGETS]
    own = study.usable.meta[ratings].drop_duplicates().reset_index(drop=True)
    assert not own.equals(none.meta[ratings].drop_duplicates().reset_index(drop=True))
    assert list(none.features) == [STR, RANDOM, leakage.BANDS]
    assert list(strong.features) == [STR]


def test_the_ladder_is_climbed_once_for_every_cohort(study, monkeypatch):
    first = ladder_predictions(study, [0.0, 2.0])
    assert list(first["protocol"].unique()) == [s.protocol for s in ladder()]
    assert list(first["effect"].unique()) == [0.0, 2.0]
    assert not first.duplicated([*KEY, "effect"]).any()
    monkeypatch.setattr(leakage, "make_cohort", None)  # making anything again would fail
    monkeypatch.setattr(leakage, "_climb", None)
    pd.testing.assert_frame_equal(ladder_predictions(study, [0.0, 2.0]), first)

    summary = ladder_summary(first, n_resamples=200)
    assert set(summary["metric"]) == {"auc", "pooled_accuracy"}
    on_str = summary[summary["model"].str.startswith(STR)]
    assert (on_str.groupby(["effect", "metric", "model"]).size() == 7).all()
    assert summary["mean"].between(0, 1).all()

    for row in leak(first, n_resamples=200).itertuples():
        own = first[(first["effect"] == row.effect) & (first["model"] == row.model)]
        loose, strict = (
            participant_metrics(own[own["protocol"] == protocol], ["auc"]).set_index("participant")
            for protocol in (row.protocol, row.minus)
        )
        # People whom both protocols can score.
        assert row.mean == pytest.approx((loose["value"] - strict["value"]).dropna().mean())


def test_every_probe_runs_on_every_kind_of_features(study):
    found = probe_summary(known_cohorts(study, [0.0]), n_resamples=200)
    assert len(found) == len(PROBES) * 3
    assert found["mean"].between(0, 1).all()
    assert (found.groupby("identity")["chance"].nunique() == 1).all()


def test_the_rungs_follow_the_study(study):
    few = rungs(study, study.usable.meta)
    assert [s.n_splits for s in few[:5]] == [10, 10, 10, 4, 6]
    assert few[1].length_s == TINY.windows.length_s
