"""Labels from features, by any split: found where planted, audited, refused where impossible."""

import numpy as np
import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.data.targets import Classes
from ecglib.evaluation.predictions import load_predictions
from ecglib.evaluation.protocols import SEEN, STRICT
from ecglib.transfer.frozen import HeadConfig, fit_heads
from ecglib.workflows import evaluation
from ecglib.workflows.evaluation import (
    SPLITTERS,
    evaluate_table,
    fit_model,
    labelled_features,
    regime_of,
    splitter_named,
)
from ecglib.workflows.feature_table import FeatureTable
from ecglib.workflows.saved_model import SavedModel

N_PEOPLE, N_CLIPS, N_WINDOWS = 5, 6, 3


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product(
        [range(1, N_PEOPLE + 1), range(1, N_CLIPS + 1), 10.0 * np.arange(N_WINDOWS)],
        names=["participant", "clip", "start"],
    )
    meta = index.to_frame(index=False).assign(lead=1)
    meta["task"] = np.where(meta["clip"] % 2 == 0, "sums", "rest")
    meta["stress"] = np.where(meta["task"] == "sums", 7, 2)
    features = rng.normal(size=(len(meta), 4))
    features[:, 0] += 4 * (meta["task"] == "sums")
    features[3, 2] = np.nan
    about = {"data": "mine", "encoder": None}
    return FeatureTable(features, ("f_rate", "f_b", "f_c", "f_d"), meta, about)


def score(found, metric="auc"):
    rows = found.summary.set_index(["model", "metric"])
    return rows.loc[("features, logistic", metric), "mean"]


@pytest.mark.parametrize("split", SPLITTERS)
def test_every_split_finds_what_is_planted(table, split):
    folds = None if split.startswith("leave") else 3
    asked = ["task", "stress:1-9"]
    found = evaluate_table(table, targets=asked, split=split, n_splits=folds, n_resamples=99)
    assert (found.summary["data"] == "mine").all()
    auc = found.summary.query("metric == 'auc' and model != 'majority'")
    assert len(auc) == 2 and (auc["mean"] > 0.9).all()
    assert found.refuted.empty and set(found.predictions["regime"]) == {"none"}


def test_what_leaks_is_named(table):
    meta = table.meta.assign(start=table.meta["start"] / 2)  # windows of 10 s overlap
    overlapping = FeatureTable(table.features, table.names, meta, table.about)
    found = evaluate_table(
        overlapping, targets=["task"], split="window-kfold", n_splits=3, n_resamples=99
    )
    assert set(found.refuted["kind"]) == {"window"} and set(found.refuted["stage"]) == {"head"}


def test_shared_normalisation_is_told_and_refutes_nothing(table):
    about = {**table.about, "preprocessing": {"length_s": 10.0}}
    scaled = FeatureTable(table.features, table.names, table.meta, about)
    found = evaluate_table(scaled, targets=["task"], split="trial-grouped", n_resamples=99)
    assert set(found.leaks["stage"]) == {"normalisation"} and found.refuted.empty
    assert evaluate_table(scaled, targets=["task"], n_resamples=99).leaks.empty


def test_tables_are_written_with_what_made_them(table, tmp_path):
    found = evaluate_table(table, targets=["task"], n_resamples=99, folder=tmp_path / ".folds")
    assert len(list((tmp_path / ".folds").glob("fold-*"))) == N_PEOPLE
    found.save(tmp_path)
    again = load_predictions(tmp_path / "predictions.csv.gz")
    pd.testing.assert_frame_equal(again, found.predictions)
    assert again.attrs["provenance"]["configuration"]["protocol"] == "leave-one-participant-out"
    summary = pd.read_csv(tmp_path / "summary.csv", skiprows=1)
    assert list(summary) == list(found.summary)
    assert (tmp_path / "leaks.csv").read_text().startswith('# {"configuration"')


@pytest.mark.parametrize(
    ("change", "options", "told"),
    [
        ({"task": "rest"}, {}, "every label is 'rest'"),
        ({"participant": 1}, {}, "the frame has one participant"),
        ({}, {"split": "participant-grouped", "n_splits": 9}, "9 folds of 5 participants"),
        ({}, {"n_splits": 3}, "everyone is left out once"),
        ({}, {"split": "mine"}, "no splitter is called 'mine'"),
        ({}, {"head": "forest"}, "head 'forest'"),
        ({}, {"regime": STRICT}, "that no encoder made"),
    ],
)
def test_the_impossible_is_refused_before_anything_is_trained(
    table, monkeypatch, change, options, told
):
    monkeypatch.setattr(evaluation, "_predict", lambda *given: pytest.fail("trained"))
    meta = table.meta.assign(**change)
    if "participant" in change:
        meta["clip"] = np.repeat(np.arange(len(meta) // 3), 3)
    changed = FeatureTable(table.features, table.names, meta, table.about)
    with pytest.raises(DataError, match=told):
        evaluate_table(changed, targets=["task"], **options)


def test_folds_are_as_many_as_there_can_be(table):
    for split, n in (("clip-grouped", 6), ("participant-grouped", 5), ("within-participant", 5)):
        assert splitter_named(split, table.meta).n_splits == n


ENCODER = {"name": "e", "sha256": "0" * 64, "data": "theirs"}


def test_what_an_encoder_saw_is_said_or_asked_for():
    of_others = {"data": "mine", "encoder": ENCODER}
    of_same = {"data": "theirs", "encoder": ENCODER}
    told = []
    assert regime_of(of_same, tell=told.append) == SEEN and "theirs" in told[0]
    assert regime_of(of_others, not_seen=True) == STRICT
    assert regime_of(of_others, SEEN) == SEEN
    assert regime_of(of_same, STRICT) == STRICT
    for about, given, message in (
        (of_others, {}, "say --not-seen if none"),
        (of_same, {"not_seen": True}, "learnt from 'theirs', as the data"),
        (of_others, {"regime": "none"}, "the encoder 'e' made the features"),
        (of_others, {"regime": SEEN, "not_seen": True}, "and nobody was seen"),
        ({}, {}, "--regime none"),
        (of_others, {"regime": "maybe"}, "regime 'maybe'"),
    ):
        with pytest.raises(DataError, match=message):
            regime_of(about, **given)


def test_windows_are_embedded_and_labelled_from_a_table(
    recordings, windows_file, encoder_file, monkeypatch
):
    given = (windows_file, recordings / "table.csv", ["task"])
    table, targets = labelled_features(*given, encoder=encoder_file)
    assert targets == [Classes("task", ("rest", "sums"))] and len(table) == 36
    assert table.about["encoder"]["name"] == "mine" and table.about["data"] == "beats"
    found = evaluate_table(table, targets=targets, n_resamples=99)
    assert set(found.predictions["regime"]) == {"none", SEEN}
    assert found.refuted.empty and (found.summary["data"] == "beats").all()
    strict = evaluate_table(table, targets=targets, regime=STRICT, n_resamples=99)
    assert strict.leaks.empty
    with pytest.raises(DataError, match="holds windows"):
        labelled_features(*given)
    monkeypatch.setattr(evaluation, "embed_windows", lambda *given: pytest.fail("embedded"))
    with pytest.raises(DataError, match="9 folds of 6"):
        labelled_features(*given, encoder=encoder_file, split="participant-grouped", n_splits=9)


def test_windows_without_a_label_are_refused_or_left_out(table, tmp_path):
    table.save(tmp_path / "f.npz")
    labels = table.meta[["participant", "clip", "task"]].drop_duplicates()
    labels[labels["participant"] != 2].to_csv(tmp_path / "l.csv", index=False)
    given = (tmp_path / "f.npz", tmp_path / "l.csv", ["task"])
    with pytest.raises(DataError, match="18 of 90 windows have no label: participant 2, clip 1"):
        labelled_features(*given)
    told = []
    kept, _ = labelled_features(*given, drop_unlabelled=True, tell=told.append)
    assert len(kept) == 72 and told == ["18 of 90 windows are left out without a label"]
    np.testing.assert_array_equal(
        kept.features, table.features[table.meta["participant"].to_numpy() != 2]
    )


@pytest.mark.parametrize("head", ["logistic", "network"])
def test_a_model_of_all_windows_answers_from_its_file(table, tmp_path, head):
    x = np.nan_to_num(table.features)
    whole = FeatureTable(x, table.names, table.meta, table.about)
    states = Classes("clip", (1, 2, 3, 4, 5, 6), 2)
    targets = [Classes("task", ("rest", "sums")), states]
    model = fit_model(whole, targets, head)
    model.save(tmp_path / "m.npz")
    answers = SavedModel.load(tmp_path / "m.npz").probabilities(x, table.names)
    right = (answers[:, 0] > 0.5) == (table.meta["task"] == "sums")
    assert right.mean() > 0.9 and model.questions == ("task", "clip=2")
    assert model.about["people"] == N_PEOPLE and model.about["head"] == head
    if head == "logistic":
        pipeline = evaluation._logistic(whole).fit(x, table.meta["task"])
        np.testing.assert_allclose(answers[:, 0], pipeline.predict_proba(x)[:, 1], rtol=1e-6)


def test_the_network_is_the_one_that_is_saved(table, monkeypatch):
    small = HeadConfig(hidden=(8,), epochs=3, balanced=True)
    monkeypatch.setattr(evaluation, "_network", lambda: small)
    x = np.nan_to_num(table.features).astype(np.float32)
    whole = FeatureTable(x, table.names, table.meta, table.about)
    label = (table.meta["task"] == "sums").to_numpy(dtype=np.int8)[None]
    mask = np.ones(label.shape, dtype=bool)
    expected = fit_heads(x, label, mask, small, 0)[0]
    model = fit_model(whole, [Classes("task", ("rest", "sums"))], "network")
    np.testing.assert_allclose(model.probabilities(x, table.names)[:, 0], expected, atol=1e-5)
    found = evaluate_table(whole, targets=["task"], head="network", n_resamples=99)
    assert set(found.predictions["model"]) == {"features, network", "majority"}
