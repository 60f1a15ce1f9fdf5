"""The synthetic cohort: what is planted is there, and nothing else is."""

from dataclasses import replace
from itertools import pairwise

import neurokit2 as nk
import numpy as np
import pandas as pd
import pytest
from scipy.signal import butter, sosfiltfilt, welch

from ecglib.core.errors import DataError
from ecglib.data.dreamer import read_dreamer
from ecglib.data.labels import TARGETS
from ecglib.data.matfile import read_variable
from ecglib.synthetic.cohort import (
    CONTROL,
    CohortSpec,
    load_truth,
    make_cohort,
    save_truth,
    simulate_session,
    write_dreamer_mat,
    written_name,
)
from ecglib.synthetic.people import FEATURES

FS = 256


SMALL = CohortSpec(n_participants=2, clip_lengths_s=(12.0, 15.5), baseline_s=11.0)


SHORT = CohortSpec(clip_lengths_s=(10.0,) * 18, baseline_s=10.0)
"""As many people and clips as by default, so that the planted effects can be measured."""


@pytest.fixture(scope="module")
def small():
    return make_cohort(SMALL, seed=5)


@pytest.fixture(scope="module")
def short():
    return make_cohort(SHORT, seed=1)


@pytest.fixture(scope="module")
def people():
    """One minute and more of each of twelve people."""
    return make_cohort(
        CohortSpec(n_participants=12, clip_lengths_s=(130.0, 65.0), baseline_s=10.0), seed=2
    )


def within_person_d(values: pd.Series, high: pd.Series, participant: pd.Series) -> float:
    """Return Cohen's d between high and low trials after removing each person's mean."""
    centred = values - values.groupby(participant).transform("mean")
    a, b = centred[high], centred[~high]
    return (a.mean() - b.mean()) / np.sqrt((a.var() + b.var()) / 2)


def matched(found: np.ndarray, true: np.ndarray, tolerance: float) -> int:
    """Count the found beats within a tolerance of a true one."""
    return int((np.abs(found[:, None] - true[None, :]).min(axis=1) <= tolerance).sum())


def band_shares(signal: np.ndarray, fs: float) -> np.ndarray:
    """Return the shares of power in 0.8-4-8-15-25-40 Hz after the study's high-pass."""
    sos = butter(4, 0.8, "highpass", fs=fs, output="sos")
    frequency, power = welch(sosfiltfilt(sos, signal), fs, nperseg=int(8 * fs))
    edges = [0.8, 4, 8, 15, 25, 40]
    bands = [power[(frequency >= a) & (frequency < b)].sum() for a, b in pairwise(edges)]
    return np.array(bands) / power[(frequency >= 0.8) & (frequency < 40)].sum()


def minute_statistics(r_peaks_s: np.ndarray) -> np.ndarray:
    """Return heart rate (bpm), SDNN and RMSSD (ms) of every whole minute."""
    rows = []
    for start in np.arange(0, r_peaks_s[-1] - 60, 60):
        rr = np.diff(r_peaks_s[(r_peaks_s >= start) & (r_peaks_s < start + 60)]) * 1000
        rows.append((60_000 / rr.mean(), rr.std(), np.sqrt(np.mean(np.diff(rr) ** 2))))
    return np.array(rows)


def real_signals(folder) -> dict[str, tuple[np.ndarray, float]]:
    signals = {}
    for name in ("Vp01", "Vp02"):
        with np.load(folder / "biopsykit_mist" / f"ecg_sample_{name}.npz") as data:
            signals[name] = (data["ecg"].astype(float), float(data["fs"]))
    for name in ("bio_resting_5min_100hz", "bio_resting_8min_100hz"):
        signals[name] = (pd.read_csv(folder / "neurokit" / f"{name}.csv")["ECG"].to_numpy(), 100.0)
    return signals


def test_the_recordings_are_those_of_the_spec(small):
    rows = small.cohort.recordings
    assert small.cohort.name == "synthetic" and small.cohort.fs == FS
    assert rows["n_samples"].tolist() == 2 * [2816, 3072, 2816, 3968]
    assert rows["condition"].tolist() == 4 * ["baseline", "stimulus"]
    assert len(small.truth.recordings) == len(small.truth.r_peaks) == len(rows) == 8


def test_the_default_spec_has_the_size_of_dreamer():
    spec = CohortSpec()
    assert (spec.n_participants, len(spec.clip_lengths_s), spec.baseline_s) == (23, 18, 61.0)
    assert (min(spec.clip_lengths_s), max(spec.clip_lengths_s)) == (65, 393)
    assert len(set(spec.clip_lengths_s)) == 18
    assert np.mean(spec.clip_lengths_s) == pytest.approx(199, abs=1)


def test_signals_are_whole_counts_around_mid_scale(small):
    counts = np.concatenate(small.cohort.signals)
    assert counts.dtype == np.float32 and counts.shape[1] == 2
    assert np.array_equal(counts, np.rint(counts))
    assert np.all(np.abs(np.median(counts, axis=0) - 2048) < 60)
    assert 150 < np.percentile(counts, 99.9) - np.percentile(counts, 0.1) < 1000


def test_the_same_seed_gives_the_same_bytes(small):
    again = make_cohort(SMALL, seed=5)
    other = make_cohort(SMALL, seed=6)
    for a, b, c in zip(
        small.cohort.signals, again.cohort.signals, other.cohort.signals, strict=True
    ):
        assert a.tobytes() == b.tobytes() != c.tobytes()
    pd.testing.assert_frame_equal(small.truth.recordings, again.truth.recordings)


def test_participants_do_not_depend_on_how_many_there_are(small):
    more = make_cohort(replace(SMALL, n_participants=3), seed=5)
    for a, b in zip(
        small.cohort.signals, more.cohort.signals[: len(small.cohort.signals)], strict=True
    ):
        assert np.array_equal(a, b)
    first = more.cohort.recordings.iloc[: len(small.cohort.recordings)]
    pd.testing.assert_frame_equal(small.cohort.recordings, first)


def test_without_effect_signals_do_not_depend_on_feelings():
    felt = np.array([[1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]])
    nuisance = np.zeros((2, len(FEATURES)))

    def signal(effect: float, feelings: np.ndarray) -> np.ndarray:
        spec = replace(SMALL, effect=effect)
        return simulate_session(spec, feelings, nuisance, np.random.SeedSequence(3)).signal

    assert np.array_equal(signal(0.0, felt), signal(0.0, felt[::-1]))
    assert not np.array_equal(signal(1.0, felt), signal(1.0, felt[::-1]))


def test_ratings_do_not_depend_on_the_effect(small):
    without = make_cohort(replace(SMALL, effect=0.0), seed=5)
    pd.testing.assert_frame_equal(small.cohort.recordings, without.cohort.recordings)


@pytest.mark.parametrize(
    ("feature", "target", "low", "high"),
    [
        ("heart_rate", "arousal", 0.8, 1.6),
        ("rsa", "arousal", -1.4, -0.5),
        ("t_amplitude", "arousal", -1.7, -0.8),
        ("t_asymmetry", "valence", 0.9, 1.9),
        ("qrs_width", "valence", 0.9, 1.9),
        ("heart_rate", "valence", -0.5, 0.5),
    ],
)
def test_the_controls_effects_have_their_size(feature, target, low, high):
    made = make_cohort(replace(SHORT, effect=CONTROL), seed=1)
    rows = made.cohort.recordings.query("condition == 'stimulus'")
    values = made.truth.recordings.loc[rows.index, feature]
    d = within_person_d(values, rows[target] > 3, rows["participant"])
    assert low < d < high


@pytest.mark.parametrize("target", TARGETS)
def test_zero_effect_leaves_only_chance(target):
    none = make_cohort(replace(SHORT, effect=0.0), seed=1)
    rows = none.cohort.recordings.query("condition == 'stimulus'")
    truth = none.truth.recordings.loc[rows.index]
    d = [within_person_d(truth[f], rows[target] > 3, rows["participant"]) for f in FEATURES]
    assert np.abs(d).max() < 0.35  # 414 trials: the standard error is 0.1


def test_half_the_effect_is_half_the_shift(short):
    def shift(effect: float) -> pd.Series:
        spec = replace(SHORT, n_participants=2, effect=effect, slope_sd=0.0)
        cohort = make_cohort(spec, seed=1)
        return np.log(cohort.truth.recordings["qrs_width"])

    zero, half, one = shift(0.0), shift(0.5), shift(1.0)
    np.testing.assert_allclose(half - zero, (one - zero) / 2, atol=1e-12)
    felt = short.truth.recordings["felt_valence"].iloc[: len(zero)]
    np.testing.assert_allclose(one - zero, 0.40 * 0.02 * felt, atol=1e-12)


def test_people_respond_differently():
    spec = replace(SHORT, person_sd=0.5)  # nobody reaches the limits of the feature
    zero = make_cohort(replace(spec, effect=0.0), seed=1).truth.recordings
    truth = make_cohort(spec, seed=1).truth.recordings
    felt = truth["felt_valence"]
    moved = np.log(truth["qrs_width"] / zero["qrs_width"]) / (0.40 * 0.02)
    clips = truth["condition"] == "stimulus"
    slope = (moved * felt)[clips].groupby(truth["participant"]).sum() / 18
    np.testing.assert_allclose(moved[clips], felt[clips] * truth["participant"].map(slope)[clips])
    assert slope.mean() == pytest.approx(1, abs=0.3)  # 23 people: the standard error is 0.1
    assert slope.std() == pytest.approx(0.5, abs=0.2)


def test_the_heart_beats_at_the_rate_of_the_truth(short):
    truth = short.truth.recordings
    rate = [60 * FS * (len(r) - 1) / (r[-1] - r[0]) for r in short.truth.r_peaks]
    assert np.corrcoef(rate, truth["heart_rate"])[0, 1] > 0.85
    assert np.mean(rate) == pytest.approx(truth["heart_rate"].mean(), rel=0.02)


@pytest.mark.parametrize("knob", ["person_sd", "trial_sd", "clip_sd"])
def test_each_nuisance_has_its_own_knob(knob):
    spec = replace(SHORT, n_participants=6, effect=0.0, person_sd=0.0, trial_sd=0.0)
    assert make_cohort(spec, seed=4).truth.recordings["qrs_width"].nunique() == 1
    truth = make_cohort(replace(spec, **{knob: 1.0}), seed=4).truth.recordings
    width = truth[truth["condition"] == "stimulus"].set_index(["participant", "clip"])["qrs_width"]
    table = width.unstack()
    varies_between_people = not np.allclose(table, table.iloc[0])
    varies_between_clips = not np.allclose(table.T, table.T.iloc[0])
    expected = {
        "person_sd": (True, False),
        "trial_sd": (True, True),
        "clip_sd": (False, True),
    }[knob]
    assert (varies_between_people, varies_between_clips) == expected


def test_no_noise_leaves_a_flat_line_between_beats():
    felt, nuisance = np.zeros((2, 3)), np.zeros((2, len(FEATURES)))
    quiet = replace(SMALL, noise=0.0, artefacts_per_hour=0.0)
    session = simulate_session(quiet, felt, nuisance, np.random.SeedSequence(1))
    assert np.all(np.median(session.signal, axis=0) - 2048 <= 2)
    noisy = simulate_session(SMALL, felt, nuisance, np.random.SeedSequence(1))
    assert np.array_equal(noisy.r_peaks, session.r_peaks)
    assert np.std(noisy.signal - session.signal) > 5


def test_detector_finds_the_true_beats_of_clean_windows(people):
    hits = missed = false_alarms = windows = 0
    edge = tolerance = round(0.05 * FS)
    for signal, r_peaks, disturbed in zip(
        people.cohort.signals, people.truth.r_peaks, people.truth.disturbed, strict=True
    ):
        if len(signal) < 60 * FS:
            continue
        for lead in (0, 1):
            clean = nk.ecg_clean(signal[:, lead].astype(float), sampling_rate=FS)
            _, info = nk.ecg_peaks(clean, sampling_rate=FS)
            found = np.asarray(info["ECG_R_Peaks"])
            for start in range(0, len(signal) - 2560 + 1, 2560):
                stop = start + 2560
                if np.any((disturbed[:, 0] < stop) & (disturbed[:, 1] > start)):
                    continue
                # A beat at a recording's very edge is cut off; the detector need not see it.
                low, high = max(start, edge), min(stop, len(signal) - edge)
                true = r_peaks[(r_peaks >= low) & (r_peaks < high)]
                here = found[(found >= low) & (found < high)]
                hits += matched(true, found, tolerance)
                missed += len(true) - matched(true, found, tolerance)
                false_alarms += len(here) - matched(here, r_peaks, tolerance)
                windows += 1
    f1 = 2 * hits / (2 * hits + missed + false_alarms)
    assert windows > 300
    assert f1 >= 0.99


def test_heart_rate_and_its_variability_overlap_real_recordings(people, real_ecg_dir):
    real = []
    for signal, fs in real_signals(real_ecg_dir).values():
        _, info = nk.ecg_peaks(nk.ecg_clean(signal, sampling_rate=fs), sampling_rate=fs)
        real.append(minute_statistics(np.asarray(info["ECG_R_Peaks"]) / fs))
    real = np.concatenate(real)
    made = np.concatenate([minute_statistics(r / FS) for r in people.truth.r_peaks if len(r) > 90])
    for column in range(3):
        low, high = np.percentile(made[:, column], [2.5, 97.5])
        # The middle of the real minutes lies inside what the model makes, and the other way round.
        assert low < np.median(real[:, column]) < high
        assert real[:, column].min() < np.median(made[:, column]) < real[:, column].max()


def test_spectrum_overlaps_real_recordings(people, real_ecg_dir):
    real = np.array([band_shares(*signal) for signal in real_signals(real_ecg_dir).values()])
    made = np.array(
        [band_shares(s[:, lead], FS) for s in people.cohort.signals[1::4] for lead in (0, 1)]
    )
    assert np.all(made.min(axis=0) < real.max(axis=0))
    assert np.all(made.max(axis=0) > real.min(axis=0))
    within = (made.mean(axis=0) > 0.5 * real.min(axis=0)) & (
        made.mean(axis=0) < 1.5 * real.max(axis=0)
    )
    assert within.all()


def test_feelings_stand_behind_the_ratings(short):
    rows = short.cohort.recordings.query("condition == 'stimulus'")
    for target in TARGETS:
        felt = short.truth.recordings.loc[rows.index, f"felt_{target}"]
        by_person = felt.groupby(rows["participant"])
        np.testing.assert_allclose(by_person.mean(), 0, atol=1e-12)
        np.testing.assert_allclose(by_person.std(ddof=0), 1)
        assert np.corrcoef(felt, rows[target])[0, 1] > 0.75


def test_the_file_reads_back_as_the_cohort(small, tmp_path):
    path = write_dreamer_mat(small.cohort, tmp_path / "DREAMER.mat")
    read = read_dreamer(path)
    assert (read.name, read.version, read.fs) == ("synthetic", small.cohort.version, FS)
    pd.testing.assert_frame_equal(read.recordings, small.cohort.recordings)
    for a, b in zip(read.signals, small.cohort.signals, strict=True):
        assert np.array_equal(a, b)


def test_the_file_has_every_field_of_the_layout(small, tmp_path):
    path = write_dreamer_mat(small.cohort, tmp_path / "DREAMER.mat", compress=True)
    content = read_variable(path, "DREAMER")
    assert list(content) == [
        *("Data", "EEG_SamplingRate", "ECG_SamplingRate", "EEG_Electrodes", "noOfSubjects"),
        *("noOfVideoSequences", "Disclaimer", "Provider", "Version", "Acknowledgement"),
    ]
    assert len(content["EEG_Electrodes"]) == 14
    person = content["Data"][1]
    assert list(person) == [
        *("Age", "Gender", "EEG", "ECG", "ScoreValence", "ScoreArousal", "ScoreDominance"),
    ]
    assert person["ECG"]["stimuli"][1].shape == (3968, 2)
    assert person["ECG"]["stimuli"][1].dtype == np.float64
    assert person["EEG"]["baseline"][0].shape == (128, 14)
    assert person["ScoreArousal"].shape == (2, 1)


def test_the_same_cohort_gives_the_same_file(small, tmp_path):
    a = write_dreamer_mat(small.cohort, tmp_path / "a.mat").read_bytes()
    b = write_dreamer_mat(make_cohort(SMALL, seed=5).cohort, tmp_path / "b.mat").read_bytes()
    assert a == b
    assert a.startswith(b"MATLAB 5.0 MAT-file")


def test_a_name_stands_in_the_header_and_changes_nothing_else(small, tmp_path):
    plain = write_dreamer_mat(small.cohort, tmp_path / "a.mat")
    named = write_dreamer_mat(small.cohort, tmp_path / "b.mat", name="synthetic-v1-0123456789ab")
    assert (written_name(plain), written_name(named)) == ("", "synthetic-v1-0123456789ab")
    assert plain.read_bytes()[116:] == named.read_bytes()[116:]
    assert len(read_dreamer(named).recordings) == len(small.cohort.recordings)
    with pytest.raises(DataError, match=r"field name: .*at most 25"):
        write_dreamer_mat(small.cohort, tmp_path / "c.mat", name="x" * 26)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(small, tmp_path, monkeypatch):
    path = tmp_path / "DREAMER.mat"
    path.write_bytes(b"old")

    def fail(*_args, **_kwargs):
        raise OSError("disk full")

    monkeypatch.setattr("ecglib.synthetic.cohort.savemat", fail)
    with pytest.raises(OSError, match="disk full"):
        write_dreamer_mat(small.cohort, path)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["DREAMER.mat"]


def test_only_whole_synthetic_cohorts_are_written(small, tmp_path):
    with pytest.raises(DataError, match="synthetic cohort"):
        write_dreamer_mat(replace(small.cohort, name="DREAMER"), tmp_path / "x.mat")
    with pytest.raises(DataError, match="whole cohort"):
        write_dreamer_mat(small.cohort.select(conditions=["stimulus"]), tmp_path / "x.mat")
    assert not list(tmp_path.iterdir())


def test_the_truth_survives_its_file(small, tmp_path):
    path = tmp_path / "truth.npz"
    save_truth(path, small.truth)
    read = load_truth(path)
    pd.testing.assert_frame_equal(read.recordings, small.truth.recordings)
    for name in ("r_peaks", "disturbed"):
        for a, b in zip(getattr(read, name), getattr(small.truth, name), strict=True):
            assert a.dtype == b.dtype and np.array_equal(a, b)
    assert read.name == ""
    save_truth(path, replace(small.truth, name="of these"))
    assert load_truth(path).name == "of these"


def test_another_archive_is_not_taken_for_the_truth(tmp_path):
    path = tmp_path / "other.npz"
    np.savez(path, features=np.zeros(3))
    with pytest.raises(DataError, match="r_peaks"):
        load_truth(path)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("n_participants", 0),
        ("clip_lengths_s", (60.0,)),
        ("clip_lengths_s", (60.0, 5.0)),
        ("baseline_s", float("nan")),
        ("clip_sd", -1.0),
        ("noise", float("inf")),
        ("effect", float("nan")),
    ],
)
def test_an_impossible_spec_is_refused(field, value):
    with pytest.raises(DataError) as caught:
        CohortSpec(**{field: value})
    assert caught.value.field == field
