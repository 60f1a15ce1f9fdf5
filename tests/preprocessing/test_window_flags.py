import numpy as np
import pandas as pd
import pytest

from ecglib.preprocessing.quality import MISSING, OK, QUALITIES
from ecglib.preprocessing.window_flags import judge_windows, mains_share
from tests.real import shared_data

FS = 256
N = 10 * FS
T = np.arange(N) / FS
BAD = slice(4 * N, 6 * N)  # windows 4 and 5 of 12


def noise(seed, n=2 * N):
    return np.random.default_rng(seed).standard_normal(n)


def brain(n=2 * N):
    """1/f noise between 0.5 and 40 Hz and an alpha rhythm that waxes and wanes."""
    frequency = np.fft.rfftfreq(n, 1 / FS)
    inside = (frequency > 0.5) & (frequency < 40)
    phasors = np.fft.rfft(noise(1, n)) * inside / np.sqrt(np.maximum(frequency, 0.5))
    alpha = np.fft.rfft(noise(2, n)) * ((frequency > 9) & (frequency < 11))
    parts = [np.fft.irfft(part, n) for part in (phasors, alpha)]
    return 0.03 * sum(part / part.std() for part in parts)


def one_spike(x):
    x[30] = 500 * np.ptp(x)
    x[N + 99] = -1e12
    return x


def a_rail(x):
    return np.minimum(x, np.percentile(x, 96))


FAULTS = {
    "missing": lambda x: np.where(np.arange(2 * N) % N < 700, -32768.0, x),
    "spike": one_spike,
    "clipped": a_rail,
    "flat": lambda x: np.where(np.arange(2 * N) % N < 700, 0.1, x),
    "mains hum": lambda x: 0.3 * np.sin(2 * np.pi * 50 * np.arange(2 * N) / FS) + 0.01 * noise(3),
    "no beats": lambda x: brain(),
    "amplitude": lambda x: 1000 * x,
    "noise": lambda x: x + 0.15 * noise(4),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("unit", ["mV", ""])
def test_each_fault_is_flagged_by_name_and_nowhere_else(ecg_mv, flagged, name, unit):
    clean, good = flagged(ecg_mv, unit=unit)
    assert set(good) == {"ok"}
    ecg_mv[BAD] = FAULTS[name](ecg_mv[BAD].copy())
    windows, names = flagged(ecg_mv, unit=unit)
    assert names.tolist() == ["ok"] * 4 + [name] * 2 + ["ok"] * 6
    if name in ("spike", "missing"):  # bridged, so that the neighbours do not feel it
        far = np.r_[0:3, 7:12]
        np.testing.assert_allclose(windows[far], clean[far], atol=1e-3)


@pytest.mark.parametrize(("power", "name"), [(1e12, "spike"), (1e20, "spike"), (np.inf, "missing")])
def test_one_sample_changes_its_own_window_alone(ecg_mv, flagged, power, name):
    clean, _ = flagged(ecg_mv)
    ecg_mv[3 * N + 500] = power
    windows, names = flagged(ecg_mv)
    assert names.tolist() == ["ok"] * 3 + [name] + ["ok"] * 8
    np.testing.assert_allclose(windows, clean, atol=0.02)


def test_a_recording_that_no_converter_can_give_is_flagged(ecg_mv, flagged):
    for scale in (1e200, 1e-200):
        assert set(flagged(scale * ecg_mv)[1]) == {"amplitude"}


@pytest.mark.parametrize(
    ("unit", "scale"), [("mV", 1), ("uV", 1e3), ("µV", 1e3), ("V", 1e-3), ("nV", 1e6), ("MV", 1)]
)
def test_amplitude_is_judged_in_the_unit_stated(ecg_mv, flagged, unit, scale):
    assert set(flagged(scale * ecg_mv, unit=unit)[1]) == {"ok"}
    for wrong in (1e3, 1e-3):
        assert set(flagged(wrong * scale * ecg_mv, unit=unit)[1]) == {"amplitude"}
        assert set(flagged(wrong * scale * ecg_mv, unit="adu")[1]) == {"ok"}


@pytest.mark.parametrize("hz", [50, 60, 49.7])
def test_hum_is_told_from_a_heart_with_some_hum(ecg_mv, flagged, hz):
    hum = np.sin(2 * np.pi * hz * np.arange(len(ecg_mv)) / FS)
    assert set(flagged(0.3 * hum)[1]) == {"mains hum"}
    assert set(flagged(ecg_mv + 0.02 * hum)[1]) == {"ok"}
    share = mains_share(np.stack([hum[:N], ecg_mv[:N]]), FS)
    assert share[0] > 0.99 and share[1] < 0.01
    assert mains_share(np.ones((1, N)), FS) == 0


def test_a_lead_that_falls_off_within_a_window_has_no_beats(ecg_mv, flagged):
    ecg_mv[5 * N + 5 * FS :] = brain(len(ecg_mv) - 5 * N - 5 * FS)
    assert flagged(ecg_mv)[1].tolist() == ["ok"] * 5 + ["no beats"] * 7


@pytest.mark.parametrize("fs", [64, 100, 128, 500])
def test_flags_do_not_depend_on_the_rate(fs):
    t = np.arange(10 * fs) / fs
    beats = sum(
        h * np.exp(-0.5 * ((t % 0.8 - 0.3 - lag) / sd) ** 2)
        for h, lag, sd in ((1, 0, 0.012), (0.3, 0.27, 0.04), (0.12, -0.16, 0.02))
    )
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(len(t)) * np.sqrt(fs / 500)  # the same power per Hz
    X = np.stack([beats, noise, beats + 0.2 * noise])
    assert judge_windows(X, fs).tolist() == ["ok", "no beats", "noise"]


def test_a_long_window_gets_the_worst_flag_of_its_parts(ecg_mv, flagged):
    ecg_mv[BAD] = brain()
    windows, _ = flagged(ecg_mv)
    long = judge_windows(windows.reshape(4, -1), FS)
    assert long.tolist() == ["ok", "no beats", "ok", "ok"]


def test_flags_of_samples_outrank_those_of_windows(ecg_mv):
    codes = np.full((3, N), OK, dtype=np.int8)
    codes[1, 5] = MISSING
    X = np.stack([ecg_mv[:N], noise(0, N), noise(0, N)])
    assert judge_windows(X, FS, codes=codes).tolist() == ["ok", "missing", "no beats"]


def test_few_or_empty_windows_are_judged():
    assert judge_windows(np.zeros((0, N)), FS).shape == (0,)
    assert judge_windows(np.zeros((2, N)), FS).tolist() == ["no beats"] * 2
    assert judge_windows(np.ones((1, 50)), 50).tolist() == ["amplitude"]
    assert set(QUALITIES) >= set(FAULTS)


UNUSABLE = {"S02_1", "S13_1", "S20_2", "S35_2"}


def test_the_four_eegmat_records_without_electrode_are_flagged_and_few_others(flagged):
    labels = pd.read_csv(shared_data("eegmat", "labels.csv")).set_index("key")
    flags = {}
    with np.load(shared_data("eegmat", "eegmat_ecg_500hz_int16.npz")) as file:
        for key in file.files:
            row = labels.loc[key]
            mv = file[key] * row["gain_mV_per_adu"] + row["offset_mV"]
            flags[key] = flagged(mv, 500.0, "mV")[1]
    bad = {key for key, names in flags.items() if (names != "ok").mean() > 0.5}
    assert bad == UNUSABLE
    assert all(set(flags[key]) == {"no beats"} for key in UNUSABLE)
    others = np.concatenate([names for key, names in flags.items() if key not in UNUSABLE])
    assert len(others) == 805
    assert (others != "ok").mean() <= 0.02


def test_a_bad_and_a_good_recording(flagged):
    def lead(name):
        return pd.read_csv(shared_data("neurokit", name), header=None)[1].to_numpy()

    bad = flagged(lead("bad_500.csv"), 500.0)[1]
    assert (bad != "ok").sum() >= 5 and len(bad) == 6
    assert set(bad) <= {"noise", "ok"}
    assert set(flagged(lead("good_4000.csv"), 4000.0)[1]) == {"ok"}
