"""Several datasets at once: the lines of the page, a split in a terminal, and real recordings."""

import re
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from sklearn.linear_model import LogisticRegression

import ecglib as ecg
from ecglib.cli import main
from ecglib.core.errors import DataError
from ecglib.data.eegmat import CONDITION, read_eegmat
from ecglib.data.mitbih import read_mitbih
from ecglib.data.pool import pool
from ecglib.evaluation.audit import audit_predictions
from ecglib.evaluation.evaluate import evaluate
from ecglib.evaluation.leave_out import LeaveOneDatasetOut, LeaveOneParticipantOut
from ecglib.evaluation.protocols import MAJORITY, SEEN, STR, STRICT
from ecglib.evaluation.summaries import summarise_datasets
from ecglib.models.embedding import embed
from ecglib.preprocessing.segmentation import WindowConfig, make_windows
from ecglib.preprocessing.windows import Windows
from ecglib.pretext.pretrain import pretrain
from ecglib.studies import profiles
from tests.real import shared_data
from tests.studies.tiny import QUICKEST

PAGE = Path(__file__).parents[1] / "book" / "several-datasets.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
WITHIN = "leave-one-participant-out-within-dataset"
ACROSS = LeaveOneDatasetOut.protocol


def heart(state: str, fs: float, rng: np.random.Generator) -> np.ndarray:
    """Half a minute of beats, faster under stress."""
    rate = (0.9 if state == "rest" else 2.0) + 0.02 * rng.normal()
    phase = np.cumsum(np.full(round(32 * fs), rate / fs)) + rng.random()
    qrs = np.exp(-0.5 * ((phase % 1 - 0.5) / 0.03) ** 2)
    t_wave = 0.25 * np.exp(-0.5 * ((phase % 1 - 0.78) / 0.06) ** 2)
    return qrs + t_wave + 0.005 * rng.normal(size=len(phase))


def write_folder(folder, fs, unit, gain, leads, label, words, more=None):
    """Write two recordings of each of five people, numbered from 1, and a table."""
    rng = np.random.default_rng(int(fs))
    folder.mkdir()
    rows = []
    for person in range(1, 6):
        for clip, state in enumerate(("rest", "stress"), start=1):
            samples = np.stack([gain * heart(state, fs, rng) for _ in leads], axis=1)
            np.savez(folder / f"{person}-{clip}.npz", ecg=samples, fs=fs, unit=unit, leads=leads)
            about = {"participant": person, "clip": clip, label: words[state]}
            rows.append({"file": f"{person}-{clip}.npz", **about, **(more or {}).get(person, {})})
    pd.DataFrame(rows).to_csv(folder / "people.csv", index=False)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Run all lines of the page on two invented folders; give the names that are left."""
    home = tmp_path_factory.mktemp("several")
    same = {"rest": "rest", "stress": "stress"}
    write_folder(home / "lab", 250.0, "mV", 1.0, ["I", "II"], "state", same)
    other = {"rest": "pause", "stress": "sums"}
    write_folder(home / "field", 500.0, "uV", 1000.0, ["ECG"], "task", other)
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        patch.setitem(profiles.PROFILES, "quick", QUICKEST)
        patch.setattr(ecg, "pretrain", partial(pretrain, jit_compile=False))  # to save seconds
        for block in BLOCKS:
            exec(compile(block, PAGE.name, "exec"), found)
    return found


def test_everyone_is_in_one_set_and_windows_are_alike(page):
    meta, X = page["windows"].meta, page["windows"].X
    assert len(BLOCKS) == 5 and X.shape == (60, 2560)
    people = meta.groupby("dataset")["participant"].unique()
    assert list(people["lab"]) == [f"lab/{i}" for i in range(1, 6)]
    assert list(people["field"]) == [f"field/{i}" for i in range(1, 6)]
    assert meta.groupby("dataset")["state"].value_counts().eq(15).all()
    peak = pd.Series(X.max(axis=1)).groupby(meta["dataset"]).median()
    assert peak["lab"] == pytest.approx(peak["field"], rel=0.1)  # a thousand times apart before


def test_the_datasets_survive_a_file(page, tmp_path):
    page["windows"].save(tmp_path / "w.npz")
    pd.testing.assert_frame_equal(Windows.load(tmp_path / "w.npz").meta, page["windows"].meta)


def test_each_tested_set_has_a_line_for_each_question(page):
    table = page["table"].set_index(["protocol", "dataset", "model"])
    assert set(table.index) == {
        (protocol, dataset, model)
        for protocol in (WITHIN, ACROSS)
        for dataset in ("lab", "field")
        for model in (STR, MAJORITY)
    }
    assert table["n_participants"].eq(5).all() and table["note"].eq("").all()
    assert (table.xs(STR, level="model")["mean"] > 0.6).all()
    trained = {
        (s.protocol, fold): set(page["windows"].meta["dataset"].iloc[train])
        for s in page["splitters"]
        for fold, (train, _) in enumerate(s.split(page["windows"].meta))
    }
    assert trained[ACROSS, 0] == {"lab"} and trained[ACROSS, 1] == {"field"}
    assert {len(sets) for sets in trained.values()} == {1}


def test_the_audit_knows_what_a_dataset_is(page):
    strict, windows = page["strict"], page["windows"]
    meta, splitter = windows.meta, LeaveOneDatasetOut()
    assert set(strict["regime"]) == {"none", STRICT}
    trained = [train for train, _ in splitter.split(meta)]
    result = (splitter.protocol, STR, STRICT)
    given = (strict, meta, [splitter])
    assert audit_predictions(*given, {result: trained}, targets=[page["state"]]).empty
    found = audit_predictions(*given, {result: trained[::-1]}, targets=[page["state"]])
    assert set(found[found["stage"] == "pretext"]["kind"]) >= {"participant", "dataset"}
    assert "head" not in set(found["stage"])


def test_a_question_that_only_one_set_asks_is_refused_by_name(page):
    lab, field, state = page["lab"], page["field"], page["state"]
    silent = field.recordings.drop(columns="state")
    silent = type(field)("field", field.fs, silent, field.signals, leads=field.leads)
    both = pool(lab, silent, leads={"lab": "II"}, targets=[state])
    meta = make_windows(both).meta
    for splitter in page["splitters"]:
        with pytest.raises(DataError, match="field state: dataset field never asks it"):
            evaluate(np.zeros((60, 1)), meta, splitter, [state], LogisticRegression(), regime=SEEN)


def test_a_folder_whose_table_names_datasets_in_a_terminal(tmp_path, monkeypatch):
    pytest.importorskip("neurokit2")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ecglib.core.process._limit_threads", lambda threads: None)
    sets = {person: {"dataset": "a" if person < 3 else "b"} for person in range(1, 6)}
    same = {"rest": "rest", "stress": "stress"}
    write_folder(tmp_path / "everyone", 250.0, "mV", 1.0, ["ECG"], "state", same, sets)
    (tmp_path / "everyone" / "6-1.npz").write_bytes(Path("everyone/5-1.npz").read_bytes())
    with open("everyone/people.csv", "a", encoding="utf-8") as table:
        table.write("6-1.npz,6,1,rest,b\n")
    make = ["features", "everyone", "-o", "f.npz"]
    ran = CliRunner().invoke(main, make)
    assert ran.exit_code == 1 and "6-1.npz: from second 0.0" in str(ran.output) + str(ran.exception)
    assert "--allow-duplicates" in str(ran.output) + str(ran.exception)
    assert CliRunner().invoke(main, [*make, "--allow-duplicates"]).exit_code == 0
    (tmp_path / "f.npz").unlink()
    lines = Path("everyone/people.csv").read_text("utf-8").splitlines()
    Path("everyone/people.csv").write_text("\n".join(lines[:-1]), "utf-8")
    assert CliRunner().invoke(main, make).exit_code == 0
    ask = ["--labels", "everyone/people.csv", "--target", "state", "--split", ACROSS]
    ran = CliRunner().invoke(main, ["evaluate", "f.npz", *ask])
    assert ran.exit_code == 0, ran.output
    assert ran.output.index("tested on a:") < ran.output.index("tested on b:")


def test_real_sets_pretrain_together_and_people_of_one_are_tested():
    """Six people at rest and in arithmetic, and five records of a clinic without labels."""
    eegmat = read_eegmat(shared_data("eegmat"))
    eegmat = eegmat.select(participants=[f"S{i:02}" for i in range(6)])
    clinic = read_mitbih(shared_data("mitdb5")).select(participants=[100, 101, 103, 105, 106])
    both = pool(clinic, eegmat)
    windows = make_windows(both, WindowConfig(last_s=60.0)).usable
    assert set(windows.meta["dataset"]) == {"MIT-BIH", "eegmat"}
    trained = pretrain(windows, QUICKEST.pretext, QUICKEST.encoder, jit_compile=False)
    assert np.isfinite(trained.history.frame()["loss"]).all()
    tested = windows.select(windows.meta["dataset"] == "eegmat")
    features, meta = embed(tested, trained.encoder), tested.meta
    head, splitter = LogisticRegression(max_iter=1000), LeaveOneParticipantOut()
    rows = evaluate(features, meta, splitter, [CONDITION], head, regime=SEEN)
    everything = [np.arange(len(meta))] * splitter.get_n_splits(meta)
    shown = {(splitter.protocol, STR, SEEN): everything}
    assert audit_predictions(rows, meta, [splitter], shown, targets=[CONDITION]).empty
    table = summarise_datasets(rows, meta, ["auc"], n_resamples=199).set_index("model")
    assert table["dataset"].eq("eegmat").all() and table["n_participants"].ge(5).all()
    assert 0 < table.loc[STR, "low"] <= table.loc[STR, "mean"] <= table.loc[STR, "high"] <= 1
    assert table.loc[MAJORITY, "mean"] == 0.5
