"""A set of recordings is checked: who is in it, how good it is, and what is said where."""

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from ecglib.cli import main
from ecglib.core.errors import DataError
from ecglib.data.cohort import Cohort
from ecglib.workflows.check_cohort import check_cohort
from ecglib.workflows.output import to_json
from tests.layouts import wesad

FS = 250


def heart(seed: int, seconds: float) -> np.ndarray:
    noise = 0.01 * np.random.default_rng(seed).normal(size=round(seconds * FS))
    return (np.resize(np.hanning(200) ** 40, len(noise)) + noise)[:, None]


def cohort_of(*rows: tuple[str, str, np.ndarray]) -> Cohort:
    signals = tuple(signal for *_, signal in rows)
    table = pd.DataFrame([row[:2] for row in rows], columns=["participant", "condition"])
    table.insert(1, "clip", range(1, len(rows) + 1))
    table["n_samples"] = [len(signal) for signal in signals]
    table["duration"] = table["n_samples"] / FS
    return Cohort("lab", FS, table, signals, leads=("I",), unit="mV", notes=("perhaps",))


def test_what_is_found_is_counted():
    cohort = cohort_of(
        ("anna", "baseline", heart(0, 5)),
        ("anna", "film", heart(1, 30)),
        ("ben", "film", heart(2, 20)),
    )
    check = check_cohort(cohort, "lab")
    assert (check.people, check.recordings, check.rates) == (2, 3, (250.0,))
    assert check.conditions == {"film": 2, "baseline": 1} and check.labels == {}
    assert check.quality["windows"].tolist() == [3, 2] and check.verdict == "good"
    assert check.notes == ("1 recording shorter than 10 s left out: anna 1 baseline",)
    assert check.of_reader == ("perhaps",) and "perhaps" not in check.to_text()
    assert json.loads(to_json(check.to_dict()))["of_reader"] == ["perhaps"]


def test_who_cannot_be_cut_is_a_problem():
    flat = np.zeros((20 * FS, 1))
    check = check_cohort(cohort_of(("anna", "film", heart(0, 20)), ("ben", "film", flat)), "lab")
    assert check.verdict == "fair" and "participant ben" in check.problems[0]
    with pytest.raises(DataError, match="no participant can be cut"):
        check_cohort(cohort_of(("ben", "film", flat)), "lab")


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("set")
    for person in ("S3", "S10"):
        wesad.write_person(folder, person, fs=100)
    return folder


def test_notes_go_to_stderr_and_results_stay_clean(folder, tmp_path):
    told = run("check", folder, "--json")
    assert told.exit_code in (0, 4), told.output
    found = json.loads(told.stdout)
    assert (found["data"], found["people"]) == ("WESAD", 2)
    for note in found["of_reader"]:
        assert f"WESAD: {note}" in told.stderr
    told = run("features", folder, "-o", tmp_path / "f.csv", "--json")
    assert told.exit_code == 0 and json.loads(told.stdout)["participants"] == 2
    assert "WESAD: of the 15 people" in told.stderr and "WESAD:" not in told.stdout
    assert set(pd.read_csv(tmp_path / "f.csv", comment="#")["participant"]) == {"S3", "S10"}
    told = run("report", folder, "-o", tmp_path / "w.html", "--json")
    assert told.exit_code == 0 and json.loads(told.stdout)["bytes"] > 1000
    assert "WESAD: of the 15 people" in told.stderr
    text = (tmp_path / "w.html").read_text()
    assert "Cohort WESAD" in text and "TSST" not in text and "S10" not in text


def test_a_set_is_checked_alone(folder):
    for more in ((folder,), ("--picture", "a.png")):
        told = run("check", folder, *more)
        assert told.exit_code == 2 and "WESAD is checked alone" in told.output
