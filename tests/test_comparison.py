"""Every choice runs on the same honest folds and lands in one table."""

import ast
import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ecglib import comparison
from ecglib.artifacts import fingerprint, results_folder
from ecglib.comparison import (
    ALL,
    CHOICE,
    CONTRASTIVE,
    ENCODERS,
    FROZEN,
    KINDS,
    ORIGIN,
    PRETEXTS,
    RANDOM,
    SCRATCH,
    STR,
    SUPERVISED,
    TUNED,
    Starts,
    choices,
    folds,
    labelled_windows,
    load_scores,
    pretext_report,
    run_choices,
    save_scores,
    score_participants,
    training_effort,
)
from ecglib.contrastive import collapse_report
from ecglib.errors import DataError
from ecglib.labels import TARGETS
from ecglib.metrics import METRICS
from ecglib.models import EncoderConfig, build_encoder
from ecglib.profiles import PAPER, QUICK, SMOKE
from ecglib.recognition import task_scores
from ecglib.study import Study
from ecglib.synthetic import CohortSpec

SPEC = CohortSpec(n_participants=6, clip_lengths_s=(20.0, 31.0, 24.0, 20.0), baseline_s=11.0)
TINY = replace(
    SMOKE,
    windows=replace(SMOKE.windows, last_s=20.0),
    encoder=EncoderConfig(pool_stride=8, batch_norm=True, filters=(4, 4, 8), kernels=(8, 4, 4)),
    pretext=replace(SMOKE.pretext, heldout_windows=10),
    comparison=replace(SMOKE.comparison, folds_per_group=2, labelled=(2,), seeds=(0, 1)),
)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setattr("ecglib.study.find_dreamer", lambda path: path)
    yield Study(profile=TINY, root=tmp_path_factory.mktemp("artifacts"), spec=SPEC)
    patch.undo()


def outline(profile, n_people, root=None):
    """A study of which only the numbers of its people are known."""
    study = Study(profile=profile, root=root)
    people = pd.DataFrame({"participant": np.arange(1, n_people + 1)})
    study.__dict__ |= {
        "path": study._synthetic_file,  # its name is enough
        "cohort": SimpleNamespace(recordings=people),
        "usable": SimpleNamespace(meta=people),
    }
    return study


def chosen(**columns):
    """One row of choices made by hand."""
    row = dict(zip(CHOICE, (STR, FROZEN, "plain", 2, ALL, 0), strict=True))
    return pd.DataFrame([{**row, **columns}])


def scored(truth, predicted, high, score, classes=2):
    """Scores of one participant from hand-made predictions."""
    rows = chosen(classes=classes).iloc[0].to_dict() | {"data": "synthetic", "profile": "smoke"}
    rows |= {"target": "arousal", "participant": 1}
    rows |= {"truth": truth, "predicted": predicted, "high": high, "score": score}
    return score_participants(pd.DataFrame(rows)).iloc[0]


@pytest.fixture(scope="module")
def predictions(study):
    table = pd.concat(
        [
            choices(["random", "STR"], encoders=["plain"]),
            choices(["contrastive"], ["frozen"], ["batch norm"], [5], labelled=[2]),
        ]
    )
    make = Starts._make  # pretraining itself is tested below, on one start each
    Starts._make = lambda self, pretext, *args: make(self, "random", *args)
    try:
        return run_choices(study, table)
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


def test_few_labels_do_not_go_with_an_encoder_that_used_everybodys():
    with pytest.raises(ValueError, match="'supervised' with labels of 'all' only"):
        choices([SUPERVISED], labelled=[2])
    both = choices([STR, SUPERVISED], [FROZEN], ["plain"], labelled=[2, ALL])
    assert both[["pretext", "labelled"]].to_numpy().tolist() == [
        [STR, "2"],
        [STR, ALL],
        [SUPERVISED, ALL],
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"pretext": SUPERVISED, "labelled": 2},
        {"pretext": SUPERVISED, "labelled": "2"},
        {"transfer": SCRATCH},
        {"pretext": RANDOM, "transfer": TUNED},
        {"pretext": "rotation"},
        {"transfer": "half"},
        {"encoder": "deep"},
        {"classes": 3},
    ],
)
def test_a_row_made_by_hand_that_makes_no_sense_is_refused_before_any_training(wrong):
    mixed = pd.concat([chosen(), chosen(**wrong)], ignore_index=True)
    with pytest.raises(DataError, match=f"choice 1 .*{next(iter(wrong.values()))}"):
        run_choices(outline(TINY, 6), mixed)


@pytest.mark.parametrize(
    ("profile", "n_people", "expected"),
    [
        (QUICK, 23, [2, 5, 10]),
        (QUICK, 10, [2, 5]),  # the smallest fold trains on 7
        (PAPER, 23, [2, 5, 10, 15]),
        (PAPER, 10, [2, 5]),
        (PAPER, 16, [2, 5, 10]),  # 15 of 15 would be all
        (SMOKE, 3, []),
    ],
)
def test_numbers_of_labelled_people_fit_the_smallest_fold(profile, n_people, expected):
    study = outline(profile, n_people)
    table = comparison._rows_of(study, "label-efficiency")
    assert list(dict.fromkeys(table["labelled"])) == [*map(str, expected), ALL]
    people = study.usable.meta["participant"].to_numpy()
    for fold in folds(study):
        for number in set(table["labelled"]):
            assert len(labelled_windows(people, fold.train, number, 0))


def test_label_efficiency_asks_what_its_docstring_says():
    table = comparison._rows_of(outline(QUICK, 23), "label-efficiency")
    lines = table[["pretext", "transfer"]].drop_duplicates().to_numpy().tolist()
    assert sorted(map(tuple, lines)) == sorted(
        [(RANDOM, FROZEN), (RANDOM, SCRATCH), (STR, FROZEN), (STR, TUNED), (CONTRASTIVE, FROZEN)]
    )
    assert set(table["encoder"]) == {ENCODERS[1]}


def test_the_effort_of_each_transfer_by_hand():
    table, config = training_effort(TINY.comparison), TINY.comparison
    whole = config.tuning.training
    assert table.index.tolist() == [FROZEN, TUNED, SCRATCH]
    assert table["trains"].tolist() == ["softmax layers", "whole network", "whole network"]
    for transfer, training in ((FROZEN, config.head.training), (TUNED, whole), (SCRATCH, whole)):
        steps, batch = training.epochs * training.steps_per_epoch, training.batch_windows
        row = table.loc[transfer].drop("trains").tolist()
        assert row == [steps, batch, steps * batch, training.learning_rate]


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
    keys = [*CHOICE, "target", "participant"]
    same = predictions[keys] == row[keys]
    group = predictions[same.all(axis=1)]
    truth, probability = group["truth"].to_numpy(), group["score"].to_numpy()
    assert row["n_windows"] == len(group)
    for name, metric in METRICS.items():
        np.testing.assert_allclose(row[name], metric(truth, probability), atol=1e-12)


def test_five_class_scores_by_hand():
    row = scored([0, 0, 2, 4], [0, 1, 2, 2], [0, 0, 0, 1], [0.1, 0.2, 0.6, 0.5], classes=5)
    assert row["accuracy"] == 0.5
    np.testing.assert_allclose(row["balanced_accuracy"], (0.5 + 1 + 0) / 3)
    np.testing.assert_allclose(row["macro_f1"], (2 / 3 + 0 + 2 / 3 + 0) / 4)
    np.testing.assert_allclose(row["auc"], 2 / 3)


def test_one_class_leaves_the_metrics_that_need_two_undefined():
    row = scored([1, 1], [1, 0], [1, 1], [0.9, 0.2])
    assert np.isnan(row["auc"]) and np.isnan(row["balanced_accuracy"])
    assert row["accuracy"] == 0.5


def test_every_row_says_which_data_and_which_profile_it_is_of(study, predictions):
    scores = score_participants(predictions)
    for table in (predictions, scores):
        assert list(table.columns[:2]) == ORIGIN
        assert table[ORIGIN].drop_duplicates().to_numpy().tolist() == [["synthetic", "smoke"]]
    assert "name" in comparison._source(study, "grid")["profile"]


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
    table = chosen().assign(target="valence", participant=1)
    table.insert(0, "data", "synthetic")
    table.insert(1, "profile", "smoke")
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

    def run(study, part):
        if len(parts) == 1:
            raise KeyboardInterrupt
        parts.append(part)
        return part

    def score(part):
        majority = part.iloc[:1].assign(pretext="majority")
        table = pd.concat([majority, part]).assign(target="valence", participant=1)
        table.insert(0, "data", "synthetic")
        table.insert(1, "profile", "smoke")
        return table

    monkeypatch.setattr(comparison, "results_folder", lambda: tmp_path / "none")
    monkeypatch.setattr(comparison, "run_choices", run)
    monkeypatch.setattr(comparison, "score_participants", score)
    clone = Study(study.path, study.profile, tmp_path, SPEC)
    with pytest.raises(KeyboardInterrupt):
        comparison.label_efficiency(clone)
    monkeypatch.setattr(comparison, "run_choices", lambda study, part: part)
    whole = comparison.label_efficiency(clone)
    expected = comparison._rows_of(clone, "label-efficiency")
    assert len(whole[whole["pretext"] != "majority"]) == len(expected)
    assert [part["seed"].unique().tolist() for part in parts] == [[0]]


def test_every_module_that_decides_a_number_is_part_of_the_name():
    """A module that one of them imports is one of them too, or named here."""
    others = {"artifacts", "errors", "provenance"}  # they write and name files
    others |= {"splits", "heads"}  # of evaluations and probes that no table here comes from
    others |= {"study"}  # see the comment beside the list
    folder = results_folder().parent / "ecglib"
    for module in comparison._MODULES:
        for node in ast.walk(ast.parse((folder / f"{module}.py").read_text())):
            name = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            if name.startswith("ecglib."):
                assert name.removeprefix("ecglib.") in {*comparison._MODULES, *others}


def test_the_results_that_travel_are_those_of_this_code():
    """Otherwise a fresh clone would compute for long what it was meant to read."""
    study = outline(QUICK, Study().spec.n_participants)
    names = {
        *(f"{kind}-{fingerprint(comparison._source(study, kind))}.csv.gz" for kind in KINDS),
        study.contrastive_file(0).name,
    }
    shipped = {path.name for path in results_folder().iterdir()}
    assert shipped == names | {f"{name}.json" for name in names}


def fake_encoder(study, seed):
    return build_encoder(study.profile.encoder, study.usable.X.shape[1], seed=seed)


def fake_pretext(study, group):
    logits = np.random.default_rng([group, study.profile.encoder.batch_norm]).normal(size=(9, 7, 7))
    return SimpleNamespace(encoder=fake_encoder(study, 10 + group), heldout_logits=logits)


def fake_contrastive(study, group):
    history = pd.DataFrame({"val_contrastive_accuracy": [0.9, 0.3 + group / 10]})
    model = SimpleNamespace(encoder=fake_encoder(study, 20 + group))
    return SimpleNamespace(model=model, history=history)


@pytest.fixture(scope="module")
def report(study):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Study, "pretext", fake_pretext)
        patch.setattr(Study, "contrastive", fake_contrastive)
        patch.setattr(Study, "supervised_encoder", lambda self, group: fake_encoder(self, group))
        return pretext_report(study)


def measured(report, pretext, encoder, group):
    rows = report[
        (report["pretext"] == pretext) & (report["encoder"] == encoder) & (report["group"] == group)
    ]
    return rows.set_index("measure")["value"]


def test_the_report_has_every_pretext_encoder_and_group_and_nothing_missing(study, report):
    assert list(report.columns) == [*ORIGIN, "pretext", "encoder", "group", "measure", "value"]
    assert not report.isna().any(axis=None)
    found = set(report[["pretext", "encoder", "group"]].itertuples(index=False, name=None))
    groups = range(len(study.groups))
    assert found == {(p, e, g) for p in PRETEXTS for e in ENCODERS for g in groups}
    assert set(report["data"]) == {"synthetic"}


def test_the_report_says_how_well_a_pretext_was_learnt(study, report):
    plain = study.with_encoder(replace(study.profile.encoder, batch_norm=False))
    row = measured(report, STR, "plain", 1)
    auc = task_scores(fake_pretext(plain, 1).heldout_logits)["auc"].mean()
    np.testing.assert_allclose(row[["score", "chance"]], [auc, 0.5], rtol=1e-5)
    row = measured(report, CONTRASTIVE, "plain", 1)
    chance = study.profile.contrastive.chance
    np.testing.assert_allclose(row[["score", "chance"]], [0.4, chance], rtol=1e-5)
    for pretext in (RANDOM, SUPERVISED):  # neither has a task that could be tried on others
        assert not {"score", "chance"} & set(measured(report, pretext, "plain", 1).index)


def test_the_report_describes_features_of_people_the_encoder_never_saw(study, report):
    left_out = np.flatnonzero(study.usable.meta["participant"].isin(study.groups[0]))
    rows = left_out[np.linspace(0, len(left_out) - 1, 10).astype(int)]
    features = fake_contrastive(study, 0).model.encoder.predict(study.usable.X[rows], verbose=0)
    expected = collapse_report(features)
    found = measured(report, CONTRASTIVE, "batch norm", 0)
    names = ["spread", "effective_rank", "dead_share", "collapsed"]
    np.testing.assert_allclose(found[names], expected[names].astype(float), rtol=1e-4, atol=1e-6)
    assert found["n_windows"] == len(rows)


def test_a_contrastive_history_without_people_left_out_has_no_score(study, monkeypatch):
    history = pd.DataFrame({"contrastive_accuracy": [0.1]})
    monkeypatch.setattr(Study, "contrastive", lambda self, group: SimpleNamespace(history=history))
    assert comparison._learnt(study, CONTRASTIVE, 0) == {}


def test_the_report_is_kept_and_shipped_like_the_tables(study, report, tmp_path, monkeypatch):
    monkeypatch.setattr("ecglib.artifacts.results_folder", lambda: tmp_path / "results")
    monkeypatch.setattr(comparison, "results_folder", lambda: tmp_path / "results")
    shipped = comparison.ship(study, "pretexts")
    assert shipped.name.startswith("pretexts-")
    monkeypatch.setattr(comparison, "_measure", lambda *a: pytest.fail("was computed again"))
    clone = Study(study.path, study.profile, tmp_path / "clone", SPEC)
    pd.testing.assert_frame_equal(pretext_report(clone), report)
    assert pretext_report(clone).attrs["provenance"]["configuration"]["data"] == study.origin
