from math import ceil

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

from ecglib.core.errors import DataError
from ecglib.preprocessing.filters import highpass, n_resampled, resample
from tests.real import shared_data

FS = 256.0


def tone(frequency, fs, seconds=60):
    return np.sin(2 * np.pi * frequency * np.arange(int(seconds * fs)) / fs)


def local_peaks(x, near, reach):
    """Index of the largest sample within `reach` of each position."""
    return np.array([p - reach + np.argmax(x[p - reach : p + reach + 1]) for p in near])


def r_peaks_of(x, fs):
    spread = np.percentile(x, 99) - np.percentile(x, 1)
    return signal.find_peaks(x, prominence=0.6 * spread, distance=int(0.4 * fs))[0]


# --- highpass ---------------------------------------------------------------------------------


@pytest.mark.parametrize("frequency", [0.2, 0.3, 0.8, 2.0, 10.0])
def test_highpass_gain_is_that_of_the_squared_butterworth(frequency):
    x = tone(frequency, FS, 120)
    middle = slice(int(30 * FS), int(90 * FS))  # a whole number of periods of every tone
    measured = highpass(x, FS)[middle].std() / x[middle].std()
    assert measured == pytest.approx(1 / (1 + (0.8 / frequency) ** 4), rel=1e-3)


def test_highpass_removes_a_constant_exactly_and_a_drift_almost():
    assert not highpass(np.full(2560, 2048.3), FS).any()
    drift = highpass(np.linspace(0, 1000, 61 * 256), FS)
    assert np.abs(drift).max() < 1e-3


def test_highpass_has_zero_phase():
    x = np.zeros(4001)
    x[2000] = 1
    y = highpass(x, FS)
    np.testing.assert_allclose(y, y[::-1], atol=1e-9)
    assert np.argmax(y) == 2000


def test_highpass_filters_each_lead_alone():
    x = np.random.default_rng(0).normal(size=(2000, 2))
    both = highpass(x, FS)
    for lead in range(2):
        np.testing.assert_allclose(both[:, lead], highpass(x[:, lead], FS), atol=1e-12)
    assert highpass(x.astype(np.float32), FS).dtype == np.float64


def test_highpass_refuses_what_it_cannot_filter():
    x = np.zeros(2560)
    x[[7, 9]] = np.nan, np.inf
    with pytest.raises(DataError, match=r"field x: 2 samples are NaN or infinite.*sample 7"):
        highpass(x, FS)
    with pytest.raises(DataError, match=r"640 samples \(2\.50 s\) are too short.*more than 640"):
        highpass(np.zeros(640), FS)
    assert highpass(np.zeros(641), FS).shape == (641,)
    with pytest.raises(DataError, match="field cutoff"):
        highpass(np.zeros(2560), FS, cutoff=128)
    with pytest.raises(DataError, match="field order"):
        highpass(np.zeros(2560), FS, order=0)
    with pytest.raises(DataError, match=r"shape \(0,\)"):
        highpass(np.zeros(0), FS)


@pytest.mark.parametrize("name", ["ecg_sample_Vp01", "ecg_sample_Vp02"])
def test_highpass_on_a_person_removes_wander_and_keeps_r_peaks(real_ecg_dir, name):
    with np.load(real_ecg_dir / "biopsykit_mist" / f"{name}.npz") as file:
        x, fs = file["ecg"].astype(float), float(file["fs"])
    y = highpass(x, fs)
    frequency, before = signal.welch(x, fs, nperseg=int(64 * fs))
    _, after = signal.welch(y, fs, nperseg=int(64 * fs))
    wander = (frequency > 0) & (frequency < 0.3)
    assert 10 * np.log10(before[wander].sum() / after[wander].sum()) >= 20
    heart = (frequency > 3) & (frequency < 40)
    assert abs(10 * np.log10(before[heart].sum() / after[heart].sum())) < 0.1

    peaks = r_peaks_of(y, fs)
    peaks = peaks[(peaks > 20) & (peaks < len(x) - 20)]
    assert len(peaks) > 60 * len(x) / fs / 60  # more than 60 beats a minute in both recordings
    shift = np.abs(local_peaks(x, peaks, 10) - peaks)
    assert shift.max() <= 1


# --- resample ---------------------------------------------------------------------------------


@given(n=st.integers(1, 2000), fs_in=st.sampled_from([100, 128, 250, 256, 360, 500, 512, 1000]))
def test_resample_length_and_straight_lines(n, fs_in):
    x = 5.0 + 0.25 * np.arange(n) / fs_in
    y = resample(x, fs_in, FS)
    assert len(y) == ceil(n * FS / fs_in)
    slope = 0.25 if n > 1 else 0
    np.testing.assert_allclose(y, 5.0 + slope * np.arange(len(y)) / FS, atol=1e-9)


@pytest.mark.parametrize("fs_in", [100.0, 360.0, 500.0, 4000.0])
def test_resample_keeps_a_tone_in_time(fs_in):
    y = resample(tone(5, fs_in, 20), fs_in, FS)
    np.testing.assert_allclose(y[256:-256], tone(5, FS, 20)[256:-256], atol=2e-3)


@pytest.mark.parametrize("fs_in", [1000, 999.99, 4000.7])
def test_resample_does_not_alias(fs_in):
    y = resample(tone(200, fs_in, 20), fs_in, FS)
    assert y[256:-256].std() < 0.01


@pytest.mark.parametrize("fs_in", [249.99, 255.7, 255.973, 123.456, 999.99, 4000.7, 9999.9])
@pytest.mark.parametrize("frequency", [0.5, 5.0, 17.0, 40.0])
def test_resample_is_exact_at_any_rate(fs_in, frequency):
    at = np.arange(int(20 * fs_in)) / fs_in
    y = resample(np.sin(2 * np.pi * frequency * at), fs_in, FS)
    expected = np.sin(2 * np.pi * frequency * np.arange(len(y)) / FS)
    assert np.abs(y - expected)[256:-256].max() < 2e-4


@given(n=st.integers(1, 2000), fs_in=st.floats(50, 2000))
def test_resample_counts_its_samples_and_keeps_straight_lines_at_any_rate(n, fs_in):
    n_new = n_resampled(n, fs_in, FS)
    assert -1e-9 <= n_new - n * FS / fs_in < 1 + 1e-9
    y = resample(np.column_stack([3 + np.arange(n) / fs_in, np.ones(n)]), fs_in, FS)
    assert y.shape == (n_new, 2)
    np.testing.assert_allclose(y[:, 1], 1, atol=1e-9)
    slope = 1 if n > 1 else 0
    np.testing.assert_allclose(y[:, 0], 3 + slope * np.arange(n_new) / FS, atol=1e-9)


def test_n_resampled_counts_by_the_exact_ratio():
    assert n_resampled(3600, 360, 256) == 2560
    assert n_resampled(3601, 360, 256) == 2561
    assert n_resampled(2557 * 10**6, 255.7, 256) == 2560 * 10**6
    assert n_resampled(2557 * 10**6 + 1, 255.7, 256) == 2560 * 10**6 + 2


def test_resample_takes_one_step_where_the_ratio_is_small():
    x = np.random.default_rng(2).normal(size=3601)
    slope = (x[-1] - x[0]) / 3600
    y = signal.resample_poly(x - (x[0] + slope * np.arange(3601)), 32, 45)
    y = y + (x[0] + slope * (np.arange(len(y)) * 45 / 32))
    np.testing.assert_array_equal(resample(x, 360, 256), y)


@pytest.mark.parametrize("fs_in", [0, -250, 0.256, np.nan, 20_000])
def test_resample_refuses_rates_of_no_ecg(fs_in):
    with pytest.raises(DataError, match=r"field fs_in: .* from 50 to 10000"):
        resample(np.ones(100), fs_in, 256)
    with pytest.raises(DataError, match="field fs_in"):
        n_resampled(100, fs_in, 256)


@pytest.mark.parametrize("fs_out", [0, -256, np.nan, np.inf])
def test_resample_refuses_an_impossible_target(fs_out):
    with pytest.raises(DataError, match="field fs_out"):
        resample(np.ones(100), 250, fs_out)


def test_resample_works_along_leads_and_refuses_gaps():
    x = np.random.default_rng(1).normal(size=(720, 2))
    both = resample(x, 360, 256)
    assert both.shape == (512, 2)
    np.testing.assert_allclose(both[:, 1], resample(x[:, 1], 360, 256))
    x[3, 1] = np.inf
    with pytest.raises(DataError, match=r"field x: 1 samples are NaN or infinite.*sample 3"):
        resample(x, 360, 256)


@pytest.mark.parametrize("record", ["100", "102", "119", "121"])
def test_resample_keeps_the_annotated_beats_of_patients_in_place(real_ecg_dir, record):
    with np.load(real_ecg_dir / "mitbih" / f"{record}_converted.npz") as file:
        x, beats, fs = file["ecg"].astype(float), file["r_peaks"], float(file["fs"])
    x, beats = x[: int(300 * fs)], beats[(beats > fs) & (beats < 299 * fs)]
    y = resample(x, fs, FS)
    assert len(y) == ceil(len(x) * 32 / 45)
    peaks = local_peaks(x, beats, 18)  # within 50 ms of the annotation
    expected = np.round(peaks * FS / fs).astype(int)
    shift = np.abs(local_peaks(y, expected, 12) - peaks * FS / fs)
    assert len(beats) > 250
    assert np.median(shift) < 0.6
    assert np.mean(shift <= 2) > 0.99


def test_resample_100_hz_rest_keeps_beats_and_rate(real_ecg_dir):
    x = pd.read_csv(real_ecg_dir / "neurokit" / "bio_resting_5min_100hz.csv")["ECG"].to_numpy()
    y = resample(x, 100, FS)
    assert len(y) == ceil(len(x) * 2.56)
    before, after = r_peaks_of(highpass(x, 100), 100), r_peaks_of(highpass(y, FS), FS)
    nearest = after[np.abs(after / FS - (before / 100)[:, None]).argmin(axis=1)]
    assert len(before) > 400
    assert abs(len(after) - len(before)) <= 1
    assert np.abs(nearest / FS - before / 100).max() <= 0.01  # one sample of the slower rate


@pytest.mark.parametrize("record", ["100", "119"])
@pytest.mark.parametrize("fs_in", [249.99, 255.7])
def test_resample_keeps_beats_in_place_at_any_rate(record, fs_in):
    # The samples are the same: only what is said of their rate differs.
    with np.load(shared_data("mitbih", f"{record}_converted.npz")) as file:
        x, beats = file["ecg"].astype(float)[:108_000], file["r_peaks"]
    beats = local_peaks(x, beats[(beats > 400) & (beats < 107_600)], 18)
    expected = beats * FS / fs_in
    y = resample(x, fs_in, FS)
    shift = local_peaks(y, np.round(expected).astype(int), 12) - expected
    assert len(beats) > 250
    assert np.mean(np.abs(shift) < 1) > 0.99
    assert abs(np.median(shift)) < 0.2
