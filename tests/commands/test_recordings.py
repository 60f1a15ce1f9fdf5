"""The verbs about recordings: what they print, write, refuse, and end with."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from ecglib.cli import main


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings")
    for seed, name in enumerate(("anna", "ben")):
        told = run("synthesize", folder / f"{name}.npz", "--seconds", 20, "--seed", seed)
        assert told.exit_code == 0 and "20 s of two leads at 256 Hz, synthetic" in told.output
    return folder


@pytest.mark.parametrize("verb", ["check", "features", "report", "synthesize"])
def test_every_verb_explains_itself(verb):
    told = run(verb, "--help")
    assert told.exit_code == 0
    for words in ("Examples:", f"ecglib {verb}", "Exit codes:", "--json"):
        assert words in told.output


def test_check_one_file(folder, tmp_path):
    told = run("check", folder / "anna.npz", "--picture", tmp_path / "a.svg")
    assert told.exit_code == 0 and "good: 100% of 4 windows" in told.output
    assert (tmp_path / "a.svg").read_text().lstrip().startswith("<?xml")
    told = run("check", folder / "anna.npz", "--json", "--lead", 2, "--out", tmp_path / "a.json")
    assert told.exit_code == 0 and told.output == ""
    (lead,) = json.loads((tmp_path / "a.json").read_text())["leads"]
    assert lead["lead"] == "ECG I synthetic"
    for given in (("--picture", tmp_path / "a.svg"), ("--out", tmp_path / "a.json")):
        told = run("check", folder / "anna.npz", *given)
        assert told.exit_code == 1 and "there already" in told.output
        assert run("check", folder / "anna.npz", *given, "--force").exit_code == 0


def test_check_ends_with_what_was_found(folder, tmp_path):
    assert run("check", folder).exit_code == 0
    np.savez(tmp_path / "noise.npz", ecg=np.random.default_rng(0).normal(size=5120), fs=256)
    told = run("check", tmp_path / "noise.npz")
    assert told.exit_code == 4 and "poor" in told.output
    assert run("check", tmp_path / "noise.npz", folder / "ben.npz").exit_code == 4
    short = np.load(folder / "anna.npz")["ecg"][: 6 * 256]
    np.savez(tmp_path / "short.npz", ecg=short, fs=256, unit="mV")
    told = run("check", tmp_path / "short.npz")
    assert told.exit_code == 4 and "poor: too short for one window of 10 s" in told.output
    np.save(tmp_path / "x.npy", np.arange(5120.0))
    told = run("check", tmp_path / "x.npy")
    assert told.exit_code == 1 and "--fs HZ" in told.output and "Traceback" not in told.output
    told = run("check", tmp_path, "--json")
    assert told.exit_code == 1 and "--fs HZ" in told.output


def test_check_a_cohort(tmp_path):
    file = tmp_path / "D.mat"
    options = ("--participants", 2, "--clips", 2, "--seconds", 12)
    assert run("synthesize", file, *options, "--json").exit_code == 0
    told = run("check", file, "--json")
    assert told.exit_code in (0, 4) and json.loads(told.output)["data"] == "synthetic"
    assert run("check", file, "--picture", tmp_path / "a.png").exit_code == 2
    told = run("check", file, "--fs", 500)
    assert told.exit_code == 1 and "leave it out" in told.output


def test_features_of_a_folder(folder, tmp_path):
    told = run("features", folder, "-o", tmp_path / "f.csv", "--lead", 1, "--json")
    assert told.exit_code == 0
    assert json.loads(told.output) | {"file": ""} == {
        "file": "",
        "windows": 4,
        "usable": 4,
        "features": 10,
        "participants": 2,
        "missing values": 0,
    }
    told = run("features", folder, "-o", tmp_path / "f.csv")
    assert told.exit_code == 1 and "there already" in told.output
    told = run("features", folder, "-o", tmp_path / "f.csv", "--force")
    assert told.exit_code == 0 and "8 windows, 8 usable, 10 features" in told.output


def test_ctrl_c_says_that_the_same_command_goes_on(folder, tmp_path, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("ecglib.workflows.features.window_features", stopped)
    told = run("features", folder, "-o", tmp_path / "f.npz")
    assert told.exit_code == 130 and "the same command goes on" in told.output
    assert not (tmp_path / "f.npz").exists()


def test_report_of_a_recording(folder, tmp_path):
    told = run("report", folder / "anna.npz", "--lead", 1, "-o", tmp_path / "a.html", "--json")
    assert told.exit_code == 0
    assert json.loads(told.output)["bytes"] == (tmp_path / "a.html").stat().st_size
    assert "ecglib report anna.npz --lead 1" in (tmp_path / "a.html").read_text()
    told = run("report", folder / "gone.csv", "-o", tmp_path / "b.html")
    assert told.exit_code == 1 and not (tmp_path / "b.html").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("check",),
        ("check", "a.csv", "--picture", "a.gif"),
        ("check", "a.csv", "b.csv", "--picture", "a.png"),
        ("features", "a.csv"),
        ("features", "a.csv", "-o", "f.xlsx"),
        ("features", "a.csv", "-o", "f.csv", "--no-beats"),
        ("report", "-o", "a.html"),
        ("report", "a.csv", "--predictions", "p.csv.gz", "-o", "a.html"),
        ("synthesize", "a.mat", "--clips", "1"),
    ],
)
def test_wrong_use_is_a_usage_error(arguments):
    assert run(*arguments).exit_code == 2
