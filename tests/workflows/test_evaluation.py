"""Labels from features, by any split: found where planted, audited, refused where impossible."""

import numpy as np
import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.data.targets import Classes
from ecglib.evaluation.predictions import load_predictions
from ecglib.evaluation.protocols import SEEN, STRICT
from ecglib.workflows import evaluation
from ecglib.workflows.choices import SPLITTERS
from ecglib.workflows.evaluation import evaluate_table, labelled_features
from ecglib.workflows.feature_table import FeatureTable


@pytest.mark.parametrize("split", SPLITTERS)
def test_every_split_finds_what_is_planted(table, split):
    folds = None if split.startswith("leave") else 3
    asked = ["task", "stress:1-9"]
    n_sets = 2 if "dataset" in split else 1
    sets = np.where(table.meta["participant"] < 3, "a", "b")
    table = FeatureTable(table.features, table.names, table.meta.assign(dataset=sets), table.about)
    found = evaluate_table(table, targets=asked, split=split, n_splits=folds, n_resamples=99)
    assert (found.summary["data"] == "mine").all()
    auc = found.summary.query("metric == 'auc' and model != 'majority'")
    assert len(auc) == 2 * n_sets and (auc["mean"] > 0.9).all()
    assert set(auc.get("dataset", ["a"])) == set("ab"[:n_sets])
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
    assert len(list((tmp_path / ".folds").glob("fold-*"))) == 5
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
        ({}, {"head": "forest"}, "head: unknown: 'forest'"),
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
    impossible = {"split": "participant-grouped", "n_splits": 9}
    for options, told in (
        (impossible, "9 folds of 6"),
        ({"regime": "none"}, "the encoder 'mine' made the features"),
    ):
        with pytest.raises(DataError, match=told):
            evaluate_table(*given, encoder=encoder_file, **options)


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
