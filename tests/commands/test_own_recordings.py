"""The verbs on one's own recordings, one after the other: pretrain, evaluate, predict."""

import json
import shutil
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from ecglib.cli import main
from ecglib.commands import evaluate
from ecglib.data.folder import read_folder
from ecglib.evaluation.protocols import MAY_SHARE
from ecglib.preprocessing.segmentation import WindowConfig, make_windows
from ecglib.workflows import pretraining
from ecglib.workflows.choices import SPLITTERS
from ecglib.workflows.feature_table import FeatureTable
from tests.workflows.beats import TINY, write_recordings


def run(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_recordings(tmp_path_factory.mktemp("own") / "beats")


@pytest.fixture
def tiny(monkeypatch):
    small = partial(pretraining.pretrain, jit_compile=False)
    monkeypatch.setattr(pretraining, "pretrain", small)
    monkeypatch.setattr(pretraining, "FAST", replace(pretraining.FAST, encoder=TINY))


@pytest.fixture
def features(tmp_path):
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product([range(5), range(4)], names=["participant", "clip"])
    meta = index.to_frame(index=False).assign(lead=1, start=0.0)
    meta["task"] = np.where(meta["clip"] % 2 == 0, "rest", "sums")
    x = rng.normal(size=(20, 2)) + 4 * (meta[["task"]] == "sums").to_numpy()
    path = tmp_path / "features.csv"
    FeatureTable(x, ("rate", "sd"), meta, {"data": "synthetic", "encoder": None}).save(path)
    return path


def test_recordings_become_an_encoder_a_model_and_predictions(folder, tmp_path, tiny):
    encoder, model = tmp_path / "mine.npz", tmp_path / "model.npz"
    options = ("-o", encoder, "--views", "56", "--licence", "CC0-1.0", "--lead", "1")
    told = run("pretrain", folder, *options, "--json")
    assert told.exit_code == 0, told.output
    card = json.loads(told.stdout)
    assert (card["name"], card["licence"], card["data"]["people"]) == ("mine", "CC0-1.0", 5)
    assert "36 windows of 6 participants" in told.stderr
    again = run("pretrain", folder, *options)
    assert again.exit_code == 0 and "nothing is done" in again.stderr
    assert "recognition (AUC) on 1 of 6 participants" in again.stdout
    windows = tmp_path / "windows.npz"
    make_windows(read_folder(folder), WindowConfig(leads=None)).save(windows)
    asked = ("evaluate", windows, "--encoder", encoder, "--labels", folder / "table.csv")
    told = run(*asked, "--target", "task", "--not-seen", "--save-model", model)
    assert told.exit_code == 1 and "learnt from 'beats'" in told.stderr and not model.exists()
    told = run(*asked, "--target", "task", "--target", "stress:0-10", "--save-model", model)
    assert told.exit_code == 0, told.output
    assert "regime: pretext saw test windows" in told.stderr
    assert "beats: 36 windows of 6 participants, leave-one-participant-out, 6 folds" in told.stdout
    out = tmp_path / "out.csv"
    files = (folder / "bo-rest.npz", folder / "bo-sums.npz")
    told = run("predict", *files, "--model", model, "--encoder", encoder, "-o", out, "--json")
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert [row["n_windows"] for row in found["recordings"]] == [3, 3, 3, 3]
    assert len(pd.read_csv(out, skiprows=1)) == len(found["windows"]) == 12
    told = run("predict", *files, "--model", model, "--encoder", encoder, "-o", out)
    assert told.exit_code == 1 and "there already" in told.stderr
    told = run("predict", files[0], "--model", model, "--encoder", encoder, "-o", out, "--force")
    assert told.exit_code == 0 and len(pd.read_csv(out, skiprows=1)) == 6
    told = run("predict", files[0], "--model", model, "--encoder", encoder)
    assert told.stdout.splitlines()[0] == "a model of 6 people of beats"
    told = run("predict", files[0], "--model", model)
    assert told.exit_code == 1 and "Traceback" not in told.output


def test_evaluate_writes_tables_and_says_what_the_data_are(features, tmp_path):
    out = tmp_path / "result"
    told = run("evaluate", features, "--target", "task=sums", "--out", out, "--jobs", "2")
    assert told.exit_code == 0, told.output
    assert told.stdout.startswith("synthetic: 20 windows of 5 participants")
    assert sorted(p.name for p in out.iterdir()) == [
        "leaks.csv",
        "predictions.csv.gz",
        "summary.csv",
    ]
    model = tmp_path / "m.npz"
    model.touch()
    for given in (("--out", out), ("--save-model", model)):
        told = run("evaluate", features, "--target", "task=sums", *given)
        assert told.exit_code == 1 and "there already" in told.stderr
    given = ("--out", out, "--save-model", model, "--force")
    told = run("evaluate", features, "--target", "task=sums", *given)
    assert told.exit_code == 0 and model.stat().st_size
    told = run("evaluate", features, "--target", "task", "--out", features)
    assert told.exit_code == 2 and "is a file" in told.output
    told = run(
        "evaluate",
        features,
        "--target",
        "task",
        "--json",
        "--folds",
        "5",
        "--split",
        "participant-grouped",
    )
    summary = pd.DataFrame(json.loads(told.stdout)["summary"])
    assert set(summary["data"]) == {"synthetic"} and set(summary["target"]) == {"task"}


def test_a_leak_is_exit_code_3_and_named(features, tmp_path):
    table = FeatureTable.load(features)
    meta = table.meta.assign(start=2.0 * table.meta["clip"], clip=1)
    FeatureTable(table.features, table.names, meta, table.about).save(tmp_path / "f.npz")
    given = ("evaluate", tmp_path / "f.npz", "--target", "task", "--split", "window-kfold")
    told = run(*given, "--folds", "4", "--json")
    assert told.exit_code == 3 and "leak: fold 0, the head used" in told.stderr
    assert json.loads(told.stdout)["refuted"][0]["kind"] == "window"


def test_an_interruption_is_one_line_and_its_own_exit_code(features, monkeypatch):
    def stop(*given, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("ecglib.workflows.evaluation.evaluate_table", stop)
    told = run("evaluate", features, "--target", "task")
    assert told.exit_code == 130 and "interrupted; nothing is kept without --out" in told.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("pretrain", "recordings"), "say where the encoder goes: -o FILE.npz"),
        (("pretrain", "recordings", "-o", "x.npz", "--group", "1"), "--group is of studies"),
        (("pretrain", "--views", "9"), "--views needs a FOLDER"),
        (("pretrain", "--again"), "--again needs a FOLDER"),
        (("evaluate", "f.csv"), "Missing option '--target'"),
        (("evaluate", "f.csv", "--target", "a", "--split", "b"), "'b' is not one of"),
        (("evaluate", "f", "--target", "a", "--jobs", "2", "--cluster", "tcp://x"), "not both"),
        (("evaluate", "f.csv", "--target", "a", "--save-model", "m.pkl"), "ends in .npz"),
        (("predict", "--model", "m.npz"), "Missing argument 'FILE...'"),
        (("predict", "a.csv"), "Missing option '--model'"),
    ],
)
def test_what_does_not_belong_together_is_a_usage_error(arguments, told):
    found = run(*arguments)
    assert found.exit_code == 2 and told in found.output


def test_the_choices_are_the_words_of_the_library():
    assert tuple(SPLITTERS) == evaluate.SPLITS
    assert set(evaluate.REGIMES) == set(MAY_SHARE)


def test_no_result_is_written_over_what_it_is_made_from(folder, features, tmp_path, tiny):
    own = shutil.copytree(folder, tmp_path / "own")
    recording, table = own / "bo-rest.npz", tmp_path / "features.npz"
    FeatureTable.load(features).save(table)
    for file, *arguments in (
        (recording, "check", recording, "--out", recording),
        (recording, "check", own, "--out", recording),
        (recording, "features", recording, "-o", recording, "--force"),
        (recording, "predict", recording, "--model", table, "-o", recording),
        (table, "evaluate", table, "--target", "task", "--save-model", table),
        (recording, "pretrain", own, "-o", recording, "--again"),
    ):
        before = file.read_bytes()
        told = run(*arguments)
        assert told.exit_code == 1 and "written over" in told.stderr, (arguments, told.output)
        assert file.read_bytes() == before
