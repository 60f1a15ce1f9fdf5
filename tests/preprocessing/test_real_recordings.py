"""What preprocessing must not change, and what quality must say, on real recordings."""

import numpy as np
import pandas as pd
import pytest

from ecglib.features.heartbeats import find_beats, window_features
from ecglib.preprocessing.report import quality_report
from ecglib.preprocessing.segmentation import cut, prepare
from tests.real import shared_data

FS = 256
TOLERANCE_S = 0.05
"""Two detections within 50 ms are of one beat."""

MITBIH = (100, 102, 104, 105, 106, 108, 114, 116, 119, 121)


def agreement(one, other):
    """Share of the beats, in seconds, of both lists together that the other list has as well."""
    apart = np.abs(one[:, None] - other)
    near = (apart.min(axis=1) <= TOLERANCE_S).sum() + (apart.min(axis=0) <= TOLERANCE_S).sum()
    return near / (len(one) + len(other))


def test_preprocessing_moves_no_beat_of_a_clean_mitbih_record():
    """Clean: the detector agrees with the cardiologists on 99 % of the raw record's beats."""
    clean = {}
    for record in MITBIH:
        with np.load(shared_data("mitbih", f"{record}_converted.npz")) as file:
            fs, raw = float(file["fs"]), file["ecg"].astype(float)[: 10 * 60 * 360]
            marked = file["r_peaks"][file["r_peaks"] < len(raw)] / fs
        before = find_beats(raw, fs) / fs
        if agreement(before, marked) >= 0.99:
            after = find_beats(prepare(raw, fs)[0], FS) / FS
            clean[record] = agreement(before, after), agreement(after, marked)
    assert len(clean) >= 6
    assert min(min(pair) for pair in clean.values()) >= 0.99, clean


@pytest.mark.parametrize("name", ["Vp01", "Vp02"])
def test_heart_rate_of_each_phase_is_that_of_the_source(name):
    phases = pd.read_csv(shared_data("biopsykit_mist", "phases.csv"))
    with np.load(shared_data("biopsykit_mist", f"ecg_sample_{name}.npz")) as file:
        x, _ = prepare(file["ecg"].astype(float), float(file["fs"]))
    beats = find_beats(x, FS)
    for phase in phases[phases["subject"] == name].itertuples():
        own = beats[(beats >= phase.start) & (beats < phase.end)]
        rate = 60 * FS * (len(own) - 1) / np.ptp(own)
        assert rate == pytest.approx(phase.meanHR, abs=1)
        windows, _ = cut(x[phase.start : phase.end], FS, length_s=5)
        meta = pd.DataFrame({"lead": np.ones(len(windows)), "quality": "ok"})
        report = quality_report(meta, windows, FS, by=["lead"])
        assert report["heart_rate"].item() == pytest.approx(phase.meanHR, abs=1)
        assert report["polarity"].item() == 1


def test_features_do_not_depend_on_which_way_round_the_electrodes_sat():
    windows = []
    with np.load(shared_data("eegmat", "eegmat_ecg_500hz_int16.npz")) as file:
        for key in file.files[::6]:
            windows.append(cut(prepare(file[key].astype(float), 500.0)[0], FS)[0][1])
    with np.load(shared_data("mitdb5", "mitdb_MLII_5min_int16.npz")) as file:
        for key in file.files[::6]:
            windows.append(cut(prepare(file[key].astype(float), 360.0)[0], FS)[0][1])
    up, down = (window_features(sign * np.stack(windows), FS) for sign in (1, -1))
    np.testing.assert_array_equal(up.valid, down.valid)
    np.testing.assert_array_equal(up.values, down.values)
    assert up.valid.mean() > 0.8


def test_few_windows_of_the_open_sets_are_flagged(flagged):
    shares = {}
    with np.load(shared_data("mitdb5", "mitdb_MLII_5min_int16.npz")) as file:
        for key in file.files:
            shares[key] = np.mean(flagged((file[key] - 1024.0) / 200, 360.0, "mV")[1] != "ok")
    for name in ("bio_eventrelated", "bio_resting_5min", "bio_resting_8min"):
        lead = pd.read_csv(shared_data("neurokit", f"{name}_100hz.csv"))["ECG"].to_numpy()
        shares[name] = np.mean(flagged(lead, 100.0)[1] != "ok")
    for name in ("Vp01", "Vp02"):
        with np.load(shared_data("biopsykit_mist", f"ecg_sample_{name}.npz")) as file:
            shares[name] = np.mean(flagged(file["ecg"].astype(float))[1] != "ok")
    # Noise, paced beats with muscle, flutter, and beats of several kinds or a fibrillating atrium.
    patients = {"104", "108", "200", "201", "203", "207", "208", "210", "217", "228", "230"}
    rest = {name: share for name, share in shares.items() if name not in patients}
    assert max(rest.values()) < 0.07, rest
    assert np.mean(list(rest.values())) < 0.01
