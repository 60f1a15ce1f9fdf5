"""Synthetic recordings are labelled, known, repeatable, and replace nothing unasked."""

import json

import numpy as np
import pytest

from ecglib.core.errors import DataError
from ecglib.data.dreamer import read_dreamer
from ecglib.data.readers.any_format import read_recording
from ecglib.synthetic.cohort import load_truth
from ecglib.workflows.synthesize import LEADS, make_recording, synthesize

SMALL = {"participants": 2, "clips": 2, "seconds": 12}


@pytest.mark.parametrize("kind", ["csv", "npz", "edf"])
def test_every_format_gives_the_same_recording_back(tmp_path, kind):
    if kind == "edf":
        pytest.importorskip("edfio")
    made = synthesize(tmp_path / f"a.{kind}", seconds=12, fs=250, seed=4)
    found, (wanted, truth) = read_recording(made.file), make_recording(12, 250, 4)
    assert (found.fs, found.unit, found.leads) == (250, "mV", LEADS)
    np.testing.assert_allclose(found.signals, wanted.signals, atol=1e-5)
    assert json.loads(made.truth.read_text()) == truth
    assert all("synthetic" in lead for lead in found.leads) and "no person" in truth["about"]
    assert len(list(tmp_path.iterdir())) == 2


def test_the_truth_knows_the_beats():
    recording, truth = make_recording(30, seed=1)
    peaks = np.rint(np.array(truth["r_peaks_s"]) * 256).astype(int)
    lead = recording.lead(1)
    highest = [lead[max(p - 60, 0) : p + 60].max() for p in peaks[1:-1]]
    np.testing.assert_allclose(lead[peaks[1:-1]], highest, atol=0.25)
    assert 60 / np.diff(truth["r_peaks_s"]).mean() == pytest.approx(
        truth["state"]["heart_rate"], rel=0.1
    )


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    one, two, other = (
        synthesize(tmp_path / f"{name}.csv", seconds=10, seed=seed).file.read_bytes()
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert one == two != other


def test_a_cohort_says_that_it_is_synthetic_and_has_its_truth_beside_it(tmp_path):
    made = synthesize(tmp_path / "D.mat", **SMALL, effect=0)
    cohort = read_dreamer(made.file)
    assert cohort.name == "synthetic" and cohort.recordings["participant"].nunique() == 2
    stimuli = cohort.recordings["condition"] == "stimulus"
    assert cohort.recordings["duration"][stimuli].tolist() == [12.0] * 4
    truth = load_truth(made.truth)
    assert made.truth == tmp_path / "D.npz" and len(truth.recordings) == 8


@pytest.mark.parametrize("there", ["a.csv", "a.truth.json"])
def test_nothing_is_replaced_unasked(tmp_path, there):
    (tmp_path / there).write_text("mine")
    with pytest.raises(DataError, match="the file is there already"):
        synthesize(tmp_path / "a.csv", seconds=10)
    assert (tmp_path / there).read_text() == "mine" and len(list(tmp_path.iterdir())) == 1
    synthesize(tmp_path / "a.csv", seconds=10, force=True)
    assert (tmp_path / there).read_text() != "mine"


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("a.wav", {}, r"the extension '\.wav'"),
        ("a.csv", {"clips": 3}, "field clips: 3 for one recording"),
        ("a.csv", {"effect": 0.0}, "field effect"),
        ("a.mat", {"fs": 500}, "field fs: 500 for a cohort"),
        ("a.mat", {"seconds": 3}, "at least 10 s"),
        ("a.mat", {"clips": 1}, "at least 2"),
        ("a.csv", {"seconds": 3}, "field seconds"),
        ("a.csv", {"fs": 60, "seconds": 10}, "100 Hz or more"),
        ("a.csv", {"seed": -1}, "field seed"),
        ("a.edf", {"seconds": 10.5, "fs": 257}, "do not fit EDF"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(tmp_path, name, options, told):
    if name.endswith("edf"):
        pytest.importorskip("edfio")
    with pytest.raises(DataError, match=told):
        synthesize(tmp_path / name, **options)
    assert list(tmp_path.iterdir()) == []
