"""Every choice runs on the same honest folds and lands in one table."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ecglib import comparison
from ecglib.artifacts import fingerprint, results_folder
from ecglib.comparison import (
    ALL,
    CHOICE,
    FROZEN,
    SCRATCH,
    TUNED,
    Starts,
    choices,
    folds,
    labelled_windows,
    load_scores,
    run_choices,
    save_scores,
    score_participants,
)
from ecglib.errors import DataError
from ecglib.labels import TARGETS
from ecglib.metrics import METRICS
from ecglib.models import EncoderConfig
from ecglib.profiles import SMOKE
from ecglib.study import Study
from ecglib.synthetic import CohortSpec

SPEC = CohortSpec(n_participants=6, clip_lengths_s=(20.0, 31.0, 24.0, 20.0), baseline_s=11.0)
TINY = replace(
    SMOKE,
    windows=replace(SMOKE.windows, last_s=20.0),
    encoder=EncoderConfig(pool_stride=8, batch_norm=True, filters=(4, 4, 8), kernels=(8, 4, 4)),
    comparison=replace(SMOKE.comparison, folds_per_group=2, labelled=(2,), seeds=(0, 1)),
)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setattr("ecglib.study.find_dreamer", lambda path: path)
    yield Study(profile=TINY, root=tmp_path_factory.mktemp("artifacts"), spec=SPEC)
    patch.undo()


@pytest.fixture(scope="module")
def predictions(study):
    chosen = pd.concat(
        [
            choices(["random", "STR"], encoders=["plain"]),
            choices(["contrastive"], ["frozen"], ["batch norm"], [5], labelled=[2]),
        ]
    )
    make = Starts._make  # pretraining itself is tested below, on one start each
    Starts._make = lambda self, pretext, *args: make(self, "random", *args)
    try:
        return run_choices(study, chosen)
    finally:
        Starts._make = make


def test_every_sensible_combination_appears_once():
    table = choices()
    assert len(table) == 2 * (1 + 1 + 3 * 2)  # encoders × (frozen, scratch, learnt × transfers)
    assert not table.duplicated().any()
    assert set(table.loc[table["transfer"] == SCRATCH, "pretext"]) == {"random"}
    assert "random" not in set(table.loc[table["transfer"] == TUNED, "pretext"])
    assert list(table.columns) == CHOICE


@pytest.mark.parametrize(
    "wrong", [{"pretexts": ["rotation"]}, {"transfers": ["half"]}, {"classes": [3]}]
)
def test_an_unknown_choice_is_refused_by_name(wrong):
    with pytest.raises(ValueError, match=str(next(iter(wrong.values()))[0])):
        choices(**wrong)


def test_a_list_without_a_sensible_combination_is_refused():
    with pytest.raises(ValueError, match="from scratch"):
        choices(["random"], [TUNED])


def test_the_folds_test_every_window_once_and_keep_people_and_groups_apart(study):
    meta = study.usable.meta
    split = folds(study)
    tested = np.concatenate([fold.test for fold in split])
    assert sorted(tested) == list(range(len(meta)))
    assert len(split) == 2 * 2
    for fold in split:
        people = set(meta["participant"].iloc[fold.test])
        assert people <= set(study.groups[fold.group])
        assert not people & set(meta["participant"].iloc[fold.train])
        assert len(fold.train) + len(fold.test) == len(meta)


def test_fewer_labels_are_some_of_the_same_people():
    participant = np.repeat(np.arange(10), 3)
    train = np.arange(6, 30)
    two, five = (set(participant[labelled_windows(participant, train, n, 4)]) for n in (2, 5))
    assert (len(two), len(five)) == (2, 5)
    assert two < five
    assert not five & {0, 1}
    assert labelled_windows(participant, train, ALL, 4) is train
    other = set(participant[labelled_windows(participant, train, 2, 5)])
    assert other != two


def test_more_labelled_people_than_there_are_is_refused():
    with pytest.raises(DataError, match="labels of 4 participants, and the fold trains on 3"):
        labelled_windows(np.repeat(np.arange(3), 2), np.arange(6), 4, 0)


def test_every_choice_predicts_every_window_of_every_target_once(study, predictions):
    n_windows = len(study.usable)
    for _, group in predictions.groupby([*CHOICE, "target"]):
        assert sorted(group["window"]) == list(range(n_windows))
    assert set(predictions["target"]) == set(TARGETS)
    assert predictions["score"].between(0, 1 + 1e-6).all()
    # 4 choices and the majority for 2 classes; one choice and the majority for 5.
    assert len(predictions[CHOICE].drop_duplicates()) == 4 + 1 + 1 + 1
    five = predictions[predictions["classes"] == 5]
    assert set(five["truth"]) <= set(range(5))
    assert ((five["truth"] >= 3) == (five["high"] == 1)).all()
    two = predictions[predictions["classes"] == 2]
    assert (two["truth"] == two["high"]).all()
    learnt = two[two["pretext"] != "majority"]
    clear = (learnt["score"] - 0.5).abs() > 1e-5
    assert ((learnt["score"] > 0.5) == (learnt["predicted"] == 1))[clear].all()


def test_the_majority_is_that_of_the_training_windows(study, predictions):
    meta = study.usable.meta
    rows = predictions[(predictions["pretext"] == "majority") & (predictions["classes"] == 2)]
    for number, fold in enumerate(folds(study)):
        share = (meta["arousal"].iloc[fold.train] > 3).mean()
        found = rows[(rows["fold"] == number) & (rows["target"] == "arousal")]["predicted"]
        assert set(found) == {int(share > 0.5)}


def test_no_start_has_seen_the_group_that_it_serves(study, monkeypatch):
    shown = []
    monkeypatch.setattr(Study, "pretext", lambda self, group: shown.append(group) or _Encoded(self))
    starts = Starts(study)
    starts.weights("STR", "batch norm", 1)
    starts.weights("STR", "batch norm", 1)
    assert shown == [1]  # the encoder that leaves out group 1, and made once


class _Encoded:
    def __init__(self, study):
        self.encoder = study.random_encoder()


def test_a_learnt_start_differs_from_a_random_one_and_random_ones_by_seed(study):
    starts = Starts(study)
    first, other = (starts.weights("random", "plain", 0, seed) for seed in (0, 1))
    assert not np.array_equal(first[0], other[0])
    assert starts.weights("random", "plain", 1, 0) is first
    for pretext in ("STR", "contrastive", "supervised"):
        learnt = starts.weights(pretext, "plain", 0)
        assert [w.shape for w in learnt] == [w.shape for w in first]
        assert not np.array_equal(learnt[0], first[0])


def test_scores_agree_with_the_metrics_of_the_other_chapters(predictions):
    scores = score_participants(predictions)
    row = scores[(scores["classes"] == 2) & (scores["transfer"] == FROZEN)].iloc[0]
    same = (
        predictions[[*CHOICE, "target", "participant"]] == row[[*CHOICE, "target", "participant"]]
    )
    group = predictions[same.all(axis=1)]
    truth, probability = group["truth"].to_numpy(), group["score"].to_numpy()
    assert row["n_windows"] == len(group)
    for name, metric in METRICS.items():
        np.testing.assert_allclose(row[name], metric(truth, probability), atol=1e-12)


def test_five_class_scores_by_hand():
    rows = {
        **dict(zip(CHOICE, ("STR", FROZEN, "plain", 5, ALL, 0), strict=True)),
        "target": "arousal",
        "participant": 1,
        "truth": [0, 0, 2, 4],
        "predicted": [0, 1, 2, 2],
        "high": [0, 0, 0, 1],
        "score": [0.1, 0.2, 0.6, 0.5],
    }
    row = score_participants(pd.DataFrame(rows)).iloc[0]
    assert row["accuracy"] == 0.5
    np.testing.assert_allclose(row["balanced_accuracy"], (0.5 + 1 + 0) / 3)
    np.testing.assert_allclose(row["macro_f1"], (2 / 3 + 0 + 2 / 3 + 0) / 4)
    np.testing.assert_allclose(row["auc"], 2 / 3)


def test_one_class_leaves_the_metrics_that_need_two_undefined():
    rows = {
        **dict(zip(CHOICE, ("STR", FROZEN, "plain", 2, ALL, 0), strict=True)),
        "target": "arousal",
        "participant": 1,
        "truth": [1, 1],
        "predicted": [1, 0],
        "high": [1, 1],
        "score": [0.9, 0.2],
    }
    row = score_participants(pd.DataFrame(rows)).iloc[0]
    assert np.isnan(row["auc"]) and np.isnan(row["balanced_accuracy"])
    assert row["accuracy"] == 0.5


def test_scores_come_back_from_their_file(tmp_path, predictions):
    scores = score_participants(predictions)
    scores.attrs["provenance"] = {"made": "now"}
    save_scores(tmp_path / "scores.csv.gz", scores)
    back = load_scores(tmp_path / "scores.csv.gz")
    pd.testing.assert_frame_equal(back, scores, rtol=1e-5, check_dtype=False)
    assert back.attrs["provenance"] == {"made": "now"}


@pytest.mark.parametrize("damage", ["truncated", "other", "missing"])
def test_a_damaged_file_of_scores_is_refused_by_name(tmp_path, predictions, damage):
    path = tmp_path / "scores.csv.gz"
    if damage == "truncated":
        save_scores(path, score_participants(predictions))
        path.write_bytes(path.read_bytes()[:200])
    elif damage == "other":
        save_scores(path, pd.DataFrame({"a": [1]}))
    with pytest.raises(DataError, match=r"scores\.csv\.gz"):
        load_scores(path)


def test_a_shipped_table_is_used_for_the_same_source_only(study, tmp_path, monkeypatch):
    made = []
    choice = dict(zip(CHOICE, ("STR", FROZEN, "plain", 2, ALL, 0), strict=True))
    table = pd.DataFrame([{**choice, "target": "valence", "participant": 1}])
    monkeypatch.setattr(comparison, "results_folder", lambda: tmp_path / "results")
    monkeypatch.setattr("ecglib.artifacts.results_folder", lambda: tmp_path / "results")
    monkeypatch.setattr(comparison, "run_choices", lambda *a: made.append(a))
    monkeypatch.setattr(comparison, "score_participants", lambda p: table.copy())
    first = comparison.grid(study)
    shipped = comparison.ship(study, "grid")
    assert [path.name for path in shipped.parent.glob("grid*.gz")] == [shipped.name]
    about = json.loads(shipped.with_name(f"{shipped.name}.json").read_text())
    assert about["configuration"]["data"] == study.origin
    # A fresh clone: no artifacts of its own, the same source.
    clone = Study(study.path, study.profile, tmp_path / "clone", SPEC)
    pd.testing.assert_frame_equal(comparison.grid(clone), first)
    assert len(made) == 3  # both encoders, and the second one for five classes
    other = Study(study.path, replace(study.profile, seed=5), tmp_path / "clone", SPEC)
    comparison.grid(other)
    assert len(made) == 6


def test_a_table_that_was_interrupted_keeps_its_finished_parts(study, tmp_path, monkeypatch):
    parts = []

    def run(study, chosen):
        if len(parts) == 1:
            raise KeyboardInterrupt
        parts.append(chosen)
        return chosen

    def score(chosen):
        majority = chosen.iloc[:1].assign(pretext="majority")
        return pd.concat([majority, chosen]).assign(target="valence", participant=1)

    monkeypatch.setattr(comparison, "results_folder", lambda: tmp_path / "none")
    monkeypatch.setattr(comparison, "run_choices", run)
    monkeypatch.setattr(comparison, "score_participants", score)
    clone = Study(study.path, study.profile, tmp_path, SPEC)
    with pytest.raises(KeyboardInterrupt):
        comparison.label_efficiency(clone)
    monkeypatch.setattr(comparison, "run_choices", lambda study, chosen: chosen)
    whole = comparison.label_efficiency(clone)
    expected = comparison._choices_of(clone, "label-efficiency")
    assert len(whole[whole["pretext"] != "majority"]) == len(expected)
    assert [part["seed"].unique().tolist() for part in parts] == [[0]]


def test_the_results_that_travel_are_those_of_this_code(monkeypatch):
    """Otherwise a fresh clone would compute for half an hour what it was meant to read."""
    study = Study(profile="quick")
    monkeypatch.setitem(study.__dict__, "path", study._synthetic_file)  # its name is enough
    names = {
        *(f"{k}-{fingerprint(comparison._source(study, comparison._choices_of(study, k)))}.csv.gz"
          for k in ("grid", "label-efficiency")),
        study.contrastive_file(0).name,
    }  # fmt: skip
    shipped = {path.name for path in results_folder().iterdir()}
    assert shipped == names | {f"{name}.json" for name in names}
