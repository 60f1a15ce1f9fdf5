"""What the ladder measures is right where the right answer is known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ecglib import ladder as module
from ecglib import study as study_module
from ecglib.affect import FEATURES, clip_feelings, physiology, rate_clips
from ecglib.errors import DataError
from ecglib.evaluation import KEY
from ecglib.ladder import (
    FEELING,
    STATE,
    TARGET,
    KnownCohort,
    heads,
    identity_predictions,
    known_cohorts,
    known_shares,
    ladder_predictions,
    ladder_summary,
    leak,
    oracle_summary,
    probe_summary,
    rungs,
    state_oracle,
)
from ecglib.metrics import participant_metrics
from ecglib.probes import PROBES, band_powers
from ecglib.profiles import QUICK
from ecglib.splits import (
    ClipGroupedKFold,
    LeaveOneParticipantAndClipOut,
    LeaveOneParticipantOut,
    TrialGroupedKFold,
    WindowKFold,
    ladder,
)
from ecglib.study import Study
from ecglib.synthetic import CohortSpec

SPEC = CohortSpec(n_participants=6, clip_lengths_s=(20.0, 31.0, 24.0, 20.0), baseline_s=11.0)
TINY = replace(QUICK, windows=replace(QUICK.windows, last_s=20.0), n_resamples=200)


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
        feelings = {f"felt_{t}": felt[:, i] for i, t in enumerate(module.TARGETS)}
        truth.append(pd.DataFrame({**about, **feelings, **state}))
        scores = {t: ratings[:, i] for i, t in enumerate(module.TARGETS)}
        meta.append(pd.DataFrame({**about, "start": 0.0, **scores}))
    meta = pd.concat([*meta, *(rows.assign(start=10.0) for rows in meta)], ignore_index=True)
    return KnownCohort(CohortSpec(effect=effect), meta, {}, pd.concat(truth, ignore_index=True))


def mean_auc(predictions):
    return participant_metrics(predictions, ["auc"])["value"].mean()


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


def test_no_linear_reading_of_the_state_beats_the_oracle():
    cohort = make_known(1.0, n_people=300)
    truth = cohort.truth
    best = state_oracle(truth, cohort.spec)[TARGET].to_numpy()
    felt = truth[f"felt_{TARGET}"].to_numpy()
    state = np.log(truth[[n for n, f in FEATURES.items() if not f.additive]])
    z = state - state.groupby(truth["participant"]).transform("mean")
    fitted = z @ np.linalg.lstsq(z.to_numpy(), felt, rcond=None)[0]
    of_oracle, of_fit = (np.corrcoef(guess, felt)[0, 1] for guess in (best, fitted))
    assert of_fit - 0.005 < of_oracle < of_fit + 0.1


def test_the_oracle_does_not_care_in_which_order_the_recordings_come():
    cohort = make_known(1.0, n_people=5)
    shuffled = cohort.truth.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(
        state_oracle(shuffled, cohort.spec).sort_index(),
        state_oracle(cohort.truth, cohort.spec).sort_index(),
    )


def test_who_knows_the_trial_knows_the_rating_window_wise_and_nothing_elsewhere():
    meta = make_known(0.0).meta
    assert mean_auc(identity_predictions(meta, WindowKFold(10, 0), "trial")) > 0.9
    strict = identity_predictions(meta, TrialGroupedKFold(10, 0), "trial")
    assert set(strict["probability"]) == {0.5}


def test_who_knows_the_person_ranks_that_persons_trials_the_wrong_way_round():
    meta = make_known(0.0).meta
    assert mean_auc(identity_predictions(meta, TrialGroupedKFold(10, 0), "participant")) < 0.4
    strict = identity_predictions(meta, LeaveOneParticipantOut(), "participant")
    assert set(strict["probability"]) == {0.5}


def test_who_knows_the_clip_needs_no_ecg_until_the_clip_is_left_out():
    meta = make_known(0.0).meta
    assert mean_auc(identity_predictions(meta, LeaveOneParticipantOut(), "clip")) > 0.6
    strict = identity_predictions(meta, LeaveOneParticipantAndClipOut(), "clip")
    assert set(strict["probability"]) == {0.5}
    with pytest.raises(DataError, match="weather"):
        identity_predictions(meta, WindowKFold(), "weather")


def test_every_rung_takes_something_away():
    meta = make_known(0.0, n_people=10).meta
    known = pd.DataFrame({s.protocol: known_shares(meta, s) for s in ladder()}).T
    assert list(known.columns) == list(PROBES)
    assert known.loc[WindowKFold.protocol].min() > 0.8
    assert list(known.loc[TrialGroupedKFold.protocol]) == [1, 1, 0]
    assert list(known.loc[ClipGroupedKFold.protocol]) == [1, 0, 0]
    assert list(known.loc[LeaveOneParticipantOut.protocol]) == [0, 1, 0]
    assert list(known.loc[LeaveOneParticipantAndClipOut.protocol]) == [0, 0, 0]


def test_a_logistic_head_that_learns_nothing_does_not_follow_the_training_share():
    noise = np.random.default_rng(0).normal(size=(2000, 3))
    for n_high in (200, 1800):
        labels = np.arange(2000) < n_high
        head = heads()[module.LOGISTIC].fit(noise, labels)
        assert head.predict_proba(noise)[:, 1].mean() == pytest.approx(0.5, abs=0.02)


class _Spectrum:
    """Stands for an encoder."""

    def predict(self, X, **options):
        return band_powers(X, 256.0, n_bands=12)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("artifacts")


@pytest.fixture
def study(root, monkeypatch):
    monkeypatch.setattr(study_module, "find_dreamer", lambda path: None)
    monkeypatch.setattr(module, "_encoder", lambda study, kind: _Spectrum())
    return Study(profile=TINY, root=root, spec=SPEC)


def test_the_cohorts_are_other_people_who_share_all_but_the_effect(study):
    cohorts = known_cohorts(study, [0.0, 2.0])
    none, strong = cohorts.values()
    pd.testing.assert_frame_equal(none.meta, strong.meta)
    assert not none.truth["heart_rate"].equals(strong.truth["heart_rate"])
    assert none.truth["felt_arousal"].equals(strong.truth["felt_arousal"])
    ratings = ["participant", "clip", *module.TARGETS]
    own = study.usable.meta[ratings].drop_duplicates().reset_index(drop=True)
    assert not own.equals(none.meta[ratings].drop_duplicates().reset_index(drop=True))
    assert list(none.features) == [module.STR, module.RANDOM, module.BANDS]
    assert list(strong.features) == [module.STR]


def test_the_ladder_is_climbed_once_for_every_cohort(study, monkeypatch):
    first = ladder_predictions(study, [0.0, 2.0])
    assert list(first["protocol"].unique()) == [s.protocol for s in ladder()]
    assert list(first["effect"].unique()) == [0.0, 2.0]
    assert not first.duplicated([*KEY, "effect"]).any()
    monkeypatch.setattr(module, "make_cohort", None)  # making anything again would fail
    monkeypatch.setattr(module, "_climb", None)
    pd.testing.assert_frame_equal(ladder_predictions(study, [0.0, 2.0]), first)

    summary = ladder_summary(first, n_resamples=200)
    assert set(summary["metric"]) == {"auc", "pooled_accuracy"}
    on_str = summary[summary["model"].str.startswith(module.STR)]
    assert (on_str.groupby(["effect", "metric", "model"]).size() == 7).all()
    assert summary["mean"].between(0, 1).all()

    areas = summary[summary["metric"] == "auc"].set_index(["effect", "model", "protocol"])["mean"]
    for row in leak(first, n_resamples=200).itertuples():
        expected = (
            areas[row.effect, row.model, row.protocol] - areas[row.effect, row.model, row.minus]
        )
        assert row.mean == pytest.approx(expected)


def test_every_probe_runs_on_every_kind_of_features(study):
    found = probe_summary(known_cohorts(study, [0.0]), n_resamples=200)
    assert len(found) == len(PROBES) * 3
    assert found["mean"].between(0, 1).all()
    assert (found.groupby("identity")["chance"].nunique() == 1).all()


def test_the_rungs_follow_the_study(study):
    few = rungs(study, study.usable.meta)
    assert [s.n_splits for s in few[:5]] == [10, 10, 10, 4, 6]
    assert few[1].length_s == TINY.windows.length_s
