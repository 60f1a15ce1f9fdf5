import csv

import numpy as np
import pandas as pd
import pytest

from ecglib.data.rates import COMMON_RATES, RESTING_BPM, plausible_rate
from tests.real import shared_data

NO_ANSWER = {"233"}  # so many premature beats that no interval is the usual one


def beats(bpm, fs, seconds=60, noise=0.01, seed=0):
    """Give narrow complexes with a broad wave after each."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * fs)) / fs
    starts = np.cumsum(60 / bpm * (1 + 0.03 * rng.standard_normal(round(bpm * seconds / 60) + 2)))
    x = noise * rng.standard_normal(len(t))
    for start in starts:
        x += np.exp(-0.5 * ((t - start) / 0.012) ** 2)
        x += 0.25 * np.exp(-0.5 * ((t - start - 0.25 * np.sqrt(60 / bpm)) / 0.04) ** 2)
    return x


@pytest.mark.parametrize("fs", [128.0, 250.0, 255.7, 360.0, 1000.0])
@pytest.mark.parametrize("bpm", [45, 75, 110])
def test_a_true_rate_is_believed(bpm, fs):
    assert plausible_rate(beats(bpm, fs), fs) is None


@pytest.mark.parametrize("bpm", [30, 190])
def test_a_rare_heart_rate_with_usual_complexes_is_believed(bpm):
    assert plausible_rate(beats(bpm, 250), 250) is None


@pytest.mark.parametrize("stated", [1000.0, 2500.0, 62.5])
def test_a_wrong_rate_is_answered_with_one_that_fits(stated):
    found = plausible_rate(beats(75, 250), stated)
    assert found in COMMON_RATES
    assert RESTING_BPM[0] <= 75 * found / 250 <= RESTING_BPM[1]
    if stated != 62.5:
        assert found == 250


def test_nothing_is_said_where_no_beats_are_found():
    noise = np.random.default_rng(0).standard_normal(15_000)
    assert plausible_rate(noise, 250) is None
    assert plausible_rate(np.cumsum(noise), 250) is None
    assert plausible_rate(np.sin(np.arange(15_000) / 100), 250) is None
    assert plausible_rate(np.zeros(15_000), 250) is None
    assert plausible_rate(np.full(15_000, np.nan), 250) is None
    assert plausible_rate(beats(75, 250, 2), 250) is None


def test_missing_samples_do_not_matter():
    x = beats(75, 250)
    x[4000:5000] = np.nan
    assert plausible_rate(x, 250) is None
    assert plausible_rate(x, 1000) == 250


def arrhythmia():
    with np.load(shared_data("mitdb5", "mitdb_MLII_5min_int16.npz")) as file:
        return {name: file[name].astype(float) for name in file.files}


def test_all_arrhythmia_records():
    for i, (name, x) in enumerate(arrhythmia().items()):
        expected = None if name in NO_ANSWER else 360
        assert plausible_rate(x, 360) is None, name
        assert plausible_rate(x, 1440) == expected, name
        assert i % 3 or plausible_rate(x, 90) == expected, name


@pytest.mark.parametrize("record", ["100", "108", "119"])
def test_half_an_hour_of_patients(record):
    with np.load(shared_data("mitbih", f"{record}_converted.npz")) as file:
        x = file["ecg"].astype(float)
    for minute in range(0, 30, 5):
        part = x[minute * 21_600 : (minute + 5) * 21_600]
        assert plausible_rate(part, 360) is None
        assert plausible_rate(part, 1440) == 360


def test_students_at_rest_and_in_arithmetic():
    folder = shared_data("eegmat")
    with (folder / "labels.csv").open() as table:
        rows = list(csv.DictReader(table))[::4]
    with np.load(folder / "eegmat_ecg_500hz_int16.npz") as file:
        for row in rows:
            x = file[row["key"]].astype(float)
            assert plausible_rate(x, 500) is None, row["key"]
            if row["ecg_ok"] == "1":
                assert plausible_rate(x, 2000) in (250, 500), row["key"]
            else:
                assert plausible_rate(x, 2000) is None, row["key"]


def test_other_recorders():
    folder = shared_data("neurokit")
    for name, fs, column in (
        ("bio_eventrelated_100hz", 100, "ECG"),
        ("bio_resting_5min_100hz", 100, "ECG"),
        ("good_4000", 4000, 1),
        ("bad_500", 500, 1),
    ):
        header = None if column == 1 else 0
        x = pd.read_csv(folder / f"{name}.csv", header=header)[column].to_numpy()
        assert plausible_rate(x, fs) is None, name
        assert fs == 4000 or plausible_rate(x, 4 * fs) == fs, name
    for name in ("Vp01", "Vp02"):
        with np.load(shared_data("biopsykit_mist", f"ecg_sample_{name}.npz")) as file:
            x = file["ecg"].astype(float)
        assert plausible_rate(x, 256) is None
        assert plausible_rate(x, 1024) == 256
