import warnings

import neurokit2 as nk
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecglib.core.errors import DataError
from ecglib.features.heartbeats import (
    FEATURES,
    BeatFeatures,
    annotate_window,
    find_beats,
    largest_deflection,
    upright,
    window_features,
)
from ecglib.preprocessing.segmentation import cut, prepare

FS = 256
N = 10 * FS
NAMES = [f.name for f in FEATURES]
RHYTHM = ["rmssd", "sdnn", "pnn50", "sd_ratio"]
SHAPE = ["r_amplitude", "qrs_width", "t_to_r", "rt_interval", "p_to_r"]
R_SD, T_AT, T_HEIGHT, P_HEIGHT = 0.012, 0.27, 0.3, 0.12


def heart(at, n=N, fs=FS):
    """Beats of known shape at known times: R of height 1, T after 270 ms, P before 160 ms."""
    t = np.arange(n) / fs
    x = np.zeros(n)
    for start in at:
        for height, lag, sd in ((1, 0, R_SD), (T_HEIGHT, T_AT, 0.04), (P_HEIGHT, -0.16, 0.02)):
            x += height * np.exp(-0.5 * ((t - start - lag) / sd) ** 2)
    return x


def of(x, fs=FS):
    """Features of one window by name; None where missing."""
    table = window_features(x[None], fs)
    return {
        name: value if valid else None
        for name, value, valid in zip(NAMES, table.values[0], table.valid[0], strict=True)
    }


def check(table, n):
    assert table.values.shape == table.valid.shape == (n, len(FEATURES))
    assert np.isfinite(table.values).all()
    assert not table.values[~table.valid].any()


REGULAR = heart(0.5 + 0.8 * np.arange(12))
SINUS = np.cumsum([0.5, *(0.8 + 0.05 * np.sin(np.arange(11)))])


# --- known values -----------------------------------------------------------------------------


def test_a_regular_heart_of_known_shape():
    got = of(REGULAR)
    assert got["heart_rate"] == pytest.approx(75, rel=0.002)
    assert got["rmssd"] < 5 and got["sdnn"] < 5 and got["pnn50"] == 0
    assert got["r_amplitude"] == pytest.approx(1, abs=0.02)
    assert got["qrs_width"] == pytest.approx(2.355 * 1000 * R_SD, rel=0.05)
    assert got["t_to_r"] == pytest.approx(T_HEIGHT, abs=0.01)
    assert got["rt_interval"] == pytest.approx(1000 * T_AT, abs=4)
    assert got["p_to_r"] == pytest.approx(P_HEIGHT, abs=0.015)


def test_rhythm_is_that_of_the_intervals():
    rr = 1000 * np.diff(SINUS)
    got = of(heart(SINUS))
    assert got["heart_rate"] == pytest.approx(60_000 / rr.mean(), rel=0.002)
    assert got["sdnn"] == pytest.approx(rr.std(ddof=1), abs=3)
    assert got["rmssd"] == pytest.approx(np.sqrt(np.mean(np.diff(rr) ** 2)), abs=4)
    assert got["sd_ratio"] == pytest.approx(np.std(rr[1:] + rr[:-1]) / np.std(np.diff(rr)), rel=0.1)


def test_rhythm_is_the_librarys():
    x = heart(SINUS)
    expected = nk.hrv_time(find_beats(x, FS), sampling_rate=FS).iloc[0]
    got = of(x)
    for name, theirs in (("rmssd", "RMSSD"), ("sdnn", "SDNN"), ("pnn50", "pNN50")):
        assert got[name] == pytest.approx(expected[f"HRV_{theirs}"])


def test_a_negative_t_wave_has_a_negative_ratio():
    t = np.arange(N) / FS
    x = REGULAR - 0.7 * sum(
        np.exp(-0.5 * ((t - s - T_AT) / 0.04) ** 2) for s in 0.5 + 0.8 * np.arange(12)
    )
    assert of(x)["t_to_r"] == pytest.approx(T_HEIGHT - 0.7, abs=0.02)


def test_a_pause_is_a_gap_and_not_an_interval():
    at = np.r_[0.5 + 0.8 * np.arange(5), 6.2 + 0.8 * np.arange(5)]  # 2.5 s without a beat
    got = of(heart(at))
    assert got["heart_rate"] == pytest.approx(75, rel=0.005)
    assert got["rmssd"] < 5 and got["sdnn"] < 5


def test_beats_are_found_where_they_are():
    found = find_beats(heart(SINUS), FS)
    np.testing.assert_allclose(found / FS, SINUS, atol=0.005)


# --- what the features do not depend on -------------------------------------------------------


def test_a_turned_electrode_changes_nothing():
    x = heart(SINUS) + np.random.default_rng(0).normal(0, 0.02, N)
    assert of(x) == of(-x)
    np.testing.assert_array_equal(upright(-x, FS), x)


def test_gain_changes_the_amplitude_alone():
    x = heart(SINUS) + np.random.default_rng(0).normal(0, 0.02, N)
    one, four = of(x), of(4 * x)
    assert four.pop("r_amplitude") == pytest.approx(4 * one.pop("r_amplitude"))
    assert four == pytest.approx(one)


def test_every_window_is_described_by_itself():
    X = np.stack([REGULAR, np.zeros(N), heart(SINUS), REGULAR])
    table = window_features(X, FS)
    for i, x in enumerate(X):
        np.testing.assert_array_equal(table.values[i], window_features(x[None], FS).values[0])
    np.testing.assert_array_equal(table.values[0], table.values[3])


# --- bad windows ------------------------------------------------------------------------------


@pytest.mark.parametrize("n_beats", range(6))
def test_few_beats_define_few_features(n_beats):
    got = of(heart(1 + 0.9 * np.arange(n_beats)))
    missing = {name for name, value in got.items() if value is None}
    assert missing == {f.name for f in FEATURES if f.beats > n_beats}


def test_noise_and_what_is_no_heart_give_finite_numbers():
    rng = np.random.default_rng(0)
    t = np.arange(N) / FS
    X = np.stack(
        [
            np.zeros(N),
            np.full(N, -1e5),
            t,
            rng.normal(size=N),
            rng.standard_cauchy(N),
            np.cumsum(rng.normal(size=N)),
            np.sign(rng.normal(size=N)),
            np.repeat(rng.normal(size=20), N // 20),
            np.sin(2 * np.pi * 1.2 * t),
            np.sin(2 * np.pi * 50 * t),
            np.eye(1, N, 0)[0],
            np.eye(1, N, N - 1)[0],
            np.clip(REGULAR, 0, 0.3),
            np.where(t < 5, 0, REGULAR),
            np.where(t < 5, rng.normal(size=N), REGULAR),
        ]
    )
    for gain in (1e-12, 1, 1e12):
        table = window_features(gain * X, FS)
        check(table, len(X))
        assert not table.valid[:3].any()


@settings(max_examples=40, deadline=None)
@given(
    n_beats=st.integers(0, 25),
    seed=st.integers(0, 2**32 - 1),
    noise=st.sampled_from([0.0, 0.01, 0.1, 1.0, 10.0]),
    gain=st.sampled_from([-1e6, -1.0, 1e-6, 1.0, 1e3]),
    rail=st.sampled_from([0.05, 0.5, np.inf]),
    dead=st.integers(0, N),
)
def test_no_window_crashes_or_gives_nan(n_beats, seed, noise, gain, rail, dead):
    rng = np.random.default_rng(seed)
    x = heart(rng.uniform(-0.2, 10.2, n_beats)) + rng.normal(0, noise, N)
    x = gain * np.clip(x, -rail, rail)
    x[:dead] = x[min(dead, N - 1)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the library's warnings must not reach the reader
        check(window_features(x[None], FS), 1)


def test_bad_input_is_refused():
    with pytest.raises(DataError, match="shape"):
        window_features(REGULAR, FS)
    with pytest.raises(DataError, match="2 s or more"):
        window_features(REGULAR[None, : FS + 1], FS)
    X = np.stack([REGULAR, REGULAR])
    X[1, 7] = np.nan
    with pytest.raises(DataError, match=r"window 1 .*not finite"):
        window_features(X, FS)


def test_no_windows_give_an_empty_table():
    check(window_features(np.empty((0, N)), FS), 0)


# --- relative to the person -------------------------------------------------------------------


def random_table(n=40, seed=0):
    rng = np.random.default_rng(seed)
    valid = rng.random((n, len(FEATURES))) > 0.2
    return BeatFeatures(np.where(valid, rng.normal(5, 1, valid.shape), 0.0), valid)


def test_relative_features_have_mean_zero_in_every_person():
    table, people = random_table(), np.repeat([3, 1], 20)
    relative = table.relative_to_person(people)
    check(relative, 40)
    np.testing.assert_array_equal(relative.valid, table.valid)
    for person in (1, 3):
        rows = people == person
        np.testing.assert_allclose(relative.values[rows].sum(axis=0), 0, atol=1e-9)
    known = table.values[0][table.valid[0]] - relative.values[0][table.valid[0]]
    sums, counts = table.values[:20].sum(axis=0), table.valid[:20].sum(axis=0)
    np.testing.assert_allclose(known, (sums / counts)[table.valid[0]])


def test_relative_features_forget_the_level_of_the_person():
    table, people = random_table(), np.repeat([3, 1], 20)
    level = np.where(people == 1, 7.0, 0.0)[:, None] * table.valid
    moved = BeatFeatures(table.values + level, table.valid).relative_to_person(people)
    np.testing.assert_allclose(moved.values, table.relative_to_person(people).values, atol=1e-9)


def test_a_feature_that_a_person_never_has_stays_missing():
    table, people = random_table(), np.repeat([3, 1], 20)
    table.valid[:20, 2], table.values[:20, 2] = False, 0.0
    check(table.relative_to_person(people), 40)


# --- real recordings --------------------------------------------------------------------------


def windows_of(ecg, fs, every):
    return cut(prepare(ecg.astype(float), fs)[0], FS)[0][::every]


@pytest.mark.parametrize("record", ["100", "105", "114", "116"])
def test_heart_rate_of_patients_is_that_of_the_annotated_beats(real_ecg_dir, record):
    with np.load(real_ecg_dir / "mitbih" / f"{record}_converted.npz") as file:
        fs, ecg, r_peaks = float(file["fs"]), file["ecg"], file["r_peaks"] / float(file["fs"])
    every = 9
    table = window_features(windows_of(ecg, fs, every), FS)
    check(table, 20)
    for i, rate in enumerate(table.values[:, 0]):
        start = 10 * every * i
        true = np.diff(r_peaks[(r_peaks >= start) & (r_peaks < start + 10)])
        table.valid[i, 0] &= abs(rate * true.mean() / 60 - 1) < 0.05
    assert table.valid[:, 0].mean() >= 0.9


@pytest.mark.parametrize("person", ["Vp01", "Vp02"])
def test_heart_rate_rises_in_people_under_stress(real_ecg_dir, person):
    folder = real_ecg_dir / "biopsykit_mist"
    with np.load(folder / f"ecg_sample_{person}.npz") as file:
        ecg, fs = file["ecg"], float(file["fs"])
    phases = pd.read_csv(folder / "phases.csv").query("subject == @person").set_index("phase")
    rate = {}
    for phase in ("Intervention", "Stress"):
        start, end, expected = phases.loc[phase, ["start", "end", "meanHR"]]
        table = window_features(windows_of(ecg[int(start) : int(end)], fs, 2), FS)
        assert table.valid.mean() > 0.95
        rate[phase] = table.values[:, 0].mean()
        assert rate[phase] == pytest.approx(expected, rel=0.03)
    assert rate["Stress"] > rate["Intervention"]


def test_a_very_noisy_recording_gives_finite_numbers(real_ecg_dir):
    noisy = pd.read_csv(real_ecg_dir / "neurokit" / "bad_500.csv", header=None)[1].to_numpy()
    table = window_features(windows_of(noisy, 500.0, 1), FS)
    check(table, 6)


def test_features_are_named_once_and_say_what_they_need():
    assert len(set(NAMES)) == len(FEATURES) == 10
    assert set(NAMES) == {"heart_rate", *RHYTHM, *SHAPE}
    assert all(f.low < f.high and f.beats in (2, 3, 4) for f in FEATURES)


@pytest.mark.parametrize("polarity", [1, -1])
@pytest.mark.parametrize("at", [0.5 + 0.8 * np.arange(12), SINUS])
def test_an_annotated_window_shows_what_its_features_are(at, polarity):
    found, want = annotate_window(polarity * heart(at), FS), of(heart(at))
    np.testing.assert_array_equal(found.peaks, find_beats(heart(at), FS))
    heights, times = found.waves["height"], found.waves["time"]
    assert heights["R"] == pytest.approx(want["r_amplitude"])
    assert heights["T"] / heights["R"] == pytest.approx(want["t_to_r"])
    assert heights["P"] / heights["R"] == pytest.approx(want["p_to_r"])
    assert 1000 * times["T"] == pytest.approx(want["rt_interval"])
    assert times["P"] == pytest.approx(-0.16, abs=0.01)
    rising, falling = found.half_height
    assert 1000 * (falling - rising) == pytest.approx(want["qrs_width"])


def test_the_beats_of_an_annotated_window_lie_around_their_median():
    found = annotate_window(heart(SINUS) + 5, FS)
    assert found.ecg.shape == (N,)
    whole = (found.peaks >= 0.25 * FS) & (found.peaks + 0.45 * FS < N)
    assert found.beats.shape == (len(found.beat), whole.sum())
    pd.testing.assert_series_equal(found.beats.median(axis=1), found.beat)
    for column, peak in zip(found.beats, found.peaks[whole], strict=True):
        assert found.beats.loc[0, column] == pytest.approx(found.ecg[peak] - 5, abs=0.01)


@pytest.mark.parametrize("x", [heart([3, 5]), np.zeros(N)])
def test_a_window_of_few_beats_is_not_annotated(x):
    with pytest.raises(DataError, match="whole beats"):
        annotate_window(x, FS)


def test_the_largest_deflection_is_that_of_the_part_whatever_its_sign():
    x = np.zeros(100)
    x[[10, 40, 90]] = 3, -2, 5
    assert largest_deflection(x, 20, 60) == 40


def test_relative_to_the_baseline_is_the_difference_from_its_mean_before_the_same_trial():
    clip = BeatFeatures(
        np.array([[70.0, 5], [72, 0], [90, 7], [50, 9]]),
        np.array([[True, True], [True, False], [True, True], [True, True]]),
    )
    rest = BeatFeatures(
        np.array([[60.0, 1], [64, 3], [80, 0], [1, 1]]),
        np.array([[True, True], [True, True], [True, False], [True, True]]),
    )
    trial, before = np.array(["a", "a", "b", "d"]), np.array(["a", "a", "b", "c"])
    found = clip.relative_to_baseline(trial, rest, before)
    np.testing.assert_array_equal(found.values, [[8, 3], [10, 0], [10, 0], [0, 0]])
    expected = [[True, True], [True, False], [True, False], [False, False]]
    np.testing.assert_array_equal(found.valid, expected)
    with pytest.raises(DataError, match=r"field baseline_trial: array of shape \(2,\)"):
        clip.relative_to_baseline(trial, rest, before[:2])
