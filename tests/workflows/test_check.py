"""What a recording is and how good it is: also where there is little to judge."""

import json

import numpy as np
import pytest

from ecglib.core.errors import DataError
from ecglib.data.readers.any_format import read_recording
from ecglib.data.recording import Recording
from ecglib.workflows.check import (
    check_each,
    check_of,
    check_recording,
    overview,
    recording_picture,
)
from ecglib.workflows.output import to_json
from ecglib.workflows.synthesize import make_recording, synthesize
from tests.real import shared_data


@pytest.fixture(scope="module")
def anna(tmp_path_factory):
    return synthesize(tmp_path_factory.mktemp("anna") / "anna.npz", seconds=60, seed=2).file


@pytest.fixture(scope="module")
def clean():
    return make_recording(60, seed=2)[0].lead(1).astype(float)


def write(path, x, fs=256, unit="mV", **more):
    np.savez(path, ecg=x, fs=fs, unit=unit, **more)
    return path


def test_a_good_recording(anna):
    check = check_recording(anna)
    assert (check.verdict, check.format, check.fs, check.unit) == ("good", "NPZ", 256, "mV")
    assert check.duration == 60 and check.window_s == 10 and check.fitting_fs is None
    for lead in check.leads:
        assert lead.windows == 6 and lead.polarity == "upright" and lead.longest_gap_s == 0
        assert sum(lead.shares.values()) == pytest.approx(1)
        assert lead.slowest <= lead.heart_rate <= lead.fastest
        assert 0.5 < lead.height < 3
    assert check.notes == ()
    assert "100% of 12 windows" in check.sentence and "ECG I synthetic" in check.to_text()


def test_the_heart_rate_is_that_of_the_truth(anna):
    truth = json.loads(anna.with_suffix(".truth.json").read_text())
    rate = 60 / np.mean(np.diff(truth["r_peaks_s"]))
    assert check_recording(anna).heart_rate == pytest.approx(rate, rel=0.02)


def test_the_same_samples_in_another_format_have_the_same_checksum(anna, tmp_path):
    recording = read_recording(anna)
    other = write(tmp_path / "b.npz", recording.signals, leads=np.array(recording.leads))
    one, two = check_recording(anna), check_recording(other)
    assert one.sha256_of_samples == two.sha256_of_samples and one.sha256 != two.sha256


def test_a_lead_upside_down_a_flat_one_and_a_missing_one(clean, tmp_path):
    x = np.column_stack([clean, -clean, np.ones_like(clean), np.full_like(clean, np.nan)])
    path = write(tmp_path / "a.npz", x, leads=np.array(["I", "II", "III", "V1"]))
    check = check_recording(path)
    assert [lead.polarity for lead in check.leads[:2]] == ["upright", "upside down"]
    assert check.leads[2].shares == {"flat": 1.0} and check.leads[3].shares == {"missing": 1.0}
    assert check.leads[2].heart_rate is None and check.leads[3].longest_gap_s == 60
    assert check.verdict == "fair"
    said = " ".join(check.notes)
    assert "lead II is upside down" in said and "lead V1 has no usable window" in said
    assert json.loads(to_json(check.to_dict()))["leads"][3]["heart_rate"] is None


def test_one_dead_lead_of_many_makes_a_recording_fair(clean):
    x = np.column_stack([*(clean for _ in range(10)), np.ones_like(clean)])
    check = check_of(Recording(x, 256, unit="mV"))
    assert check.usable > 0.9 and check.verdict == "fair"


def test_gaps_are_measured(clean):
    x = clean.copy()
    x[2560:3072] = np.nan
    x[5000:5256] = np.nan
    (lead,) = check_of(Recording(x, 256, unit="mV")).leads
    assert lead.missing_s == pytest.approx(3, abs=0.05)
    assert lead.longest_gap_s == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize(("seconds", "window"), [(6, 6), (2, 0)])
def test_recordings_shorter_than_a_window(clean, seconds, window):
    check = check_of(Recording(clean[: 256 * seconds], 256, unit="mV"))
    assert check.window_s == window
    assert ("shorter than one window" if window else "too short") in " ".join(check.notes)
    assert check.verdict == "poor" and check.sentence.startswith("poor: too short")
    assert str(seconds) in check.to_text()
    to_json(check.to_dict())


def test_a_wrong_rate_is_said_with_the_one_that_fits(clean):
    check = check_of(Recording(clean, 2560, unit="mV"))
    assert check.verdict == "poor" and check.fitting_fs == pytest.approx(256, rel=0.05)
    assert "2560 Hz" in check.notes[0] and f"{check.fitting_fs:g} Hz would fit" in check.notes[0]
    assert "doubtful" in check.sentence


def test_several_files_make_a_table_and_reasons(anna, tmp_path):
    (tmp_path / "bad.csv").write_text("ECG\n1\n2\n")
    checks = list(check_each([anna, tmp_path / "bad.csv"]))
    assert isinstance(checks[1], DataError)
    told = overview(checks)
    assert "unreadable" in told and "--fs" in told and "good" in told


def test_a_picture_has_a_lane_for_quality(anna):
    figure = recording_picture(read_recording(anna))
    assert "ECG II synthetic" in figure.axes[0].get_title()
    with pytest.raises(DataError, match="too short to be drawn"):
        recording_picture(Recording(np.arange(300.0), 256))


def test_a_noisy_real_recording_is_poor_and_a_clean_one_good():
    folder = shared_data("neurokit")
    assert check_recording(folder / "bad_500.csv", fs=500).verdict == "poor"
    assert check_recording(folder / "good_4000.csv", fs=4000).verdict == "good"
