"""The tables are made once, part by part, and travel with the project."""

from dataclasses import replace
from itertools import product
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ecglib.core.folders import HOME
from ecglib.evaluation.protocols import (
    ALL,
    CHOICE,
    CONTRASTIVE,
    ENCODERS,
    FROZEN,
    ORIGIN,
    PRETEXTS,
    RANDOM,
    SCRATCH,
    STR,
    SUPERVISED,
    TUNED,
)
from ecglib.evaluation.recognition import task_scores
from ecglib.evaluation.representation import collapse_report
from ecglib.models.encoder import build_encoder
from ecglib.studies import comparison_tables, pretraining
from ecglib.studies.comparison import folds, labelled_windows
from ecglib.studies.comparison_tables import (
    control,
    grid,
    label_efficiency,
    pretext_report,
    recipes,
)
from ecglib.studies.profiles import PAPER, QUICK, SMOKE
from ecglib.studies.study import Study
from ecglib.synthetic.cohort import CONTROL
from tests.studies.fakes import outline
from tests.studies.tiny import SPEC


def scored(chosen):
    """Stand for scores of choices and of the majority class."""
    table = pd.concat([chosen.iloc[:1].assign(pretext="majority"), chosen])[CHOICE]
    table = table.assign(target="valence", participant=1)
    table.insert(0, "data", "synthetic")
    table.insert(1, "profile", "smoke")
    return table


@pytest.fixture
def asked(monkeypatch):
    """Nothing is trained; the choices that would be are collected."""
    asked = []
    monkeypatch.setattr(
        comparison_tables, "run_choices", lambda study, chosen: asked.append(chosen) or chosen
    )
    monkeypatch.setattr(comparison_tables, "score_participants", scored)
    return asked


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
    table = comparison_tables._efficiency_choices(study)
    assert list(dict.fromkeys(table["labelled"])) == [*map(str, expected), ALL]
    people = study.usable.meta["participant"].to_numpy()
    for fold in folds(study):
        for number in set(table["labelled"]):
            assert len(labelled_windows(people, fold.train, number, 0))


def test_label_efficiency_asks_what_its_docstring_says():
    table = comparison_tables._efficiency_choices(outline(QUICK, 23))
    lines = table[["pretext", "transfer"]].drop_duplicates().to_numpy().tolist()
    assert sorted(map(tuple, lines)) == sorted(
        [(RANDOM, FROZEN), (RANDOM, SCRATCH), (STR, FROZEN), (STR, TUNED), (CONTRASTIVE, FROZEN)]
    )
    assert set(table["encoder"]) == {ENCODERS[1]}


def test_a_table_that_was_interrupted_keeps_its_finished_parts(study, tmp_path, monkeypatch, asked):
    def interrupt(study, chosen):
        if asked:
            raise KeyboardInterrupt
        asked.append(chosen)
        return chosen

    clone = Study(study.path, study.profile, tmp_path, SPEC)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(comparison_tables, "run_choices", interrupt)
        label_efficiency(clone)
    whole = label_efficiency(clone)
    expected = comparison_tables._efficiency_choices(clone)
    assert len(whole[whole["pretext"] != "majority"]) == len(expected)
    assert [part["seed"].unique().tolist() for part in asked] == [[0], [1]]


def test_shipped_tables_are_used_for_the_same_source_only(study, tmp_path, monkeypatch, asked):
    monkeypatch.setenv(HOME, str(tmp_path))
    for name, fake in FAKES.items():
        monkeypatch.setattr(pretraining, name, fake)
    old = tmp_path / "results" / "grid-v0-0.csv.gz"
    old.parent.mkdir()
    old.touch()
    study = Study(study.path, study.profile, tmp_path / "artifacts", SPEC)
    tables = [table(study) for table in (grid, control, label_efficiency, pretext_report)]
    copies = [
        copy
        for stage, made_of, _ in recipes(study)
        for copy in stage.ship([made_of], study.folder, old.parent)
    ]
    assert {path.name for path in old.parent.iterdir()} == {path.name for path in copies}
    assert tables[0].attrs["provenance"]["configuration"]["data"] == study.identity

    # A fresh clone: no artifacts of its own, the same source.
    n_parts = len(asked)
    # Networks of the grid and of its control, each with every seed; seeds of label efficiency.
    assert n_parts == 3 * 2 + 2 + 2
    clone = Study(study.path, study.profile, tmp_path / "clone", SPEC)
    for table, first in zip((grid, control, label_efficiency, pretext_report), tables, strict=True):
        pd.testing.assert_frame_equal(table(clone), first)
    assert len(asked) == n_parts
    other = Study(study.path, replace(study.profile, seed=5), tmp_path / "clone", SPEC)
    grid(other)
    assert len(asked) == n_parts + 3 * 2


def test_the_control_is_the_same_cohort_with_a_strong_effect(study):
    strong = comparison_tables.control_study(study)
    assert strong.spec == replace(study.spec, effect=CONTROL)
    assert strong.label == "synthetic" and strong.identity != study.identity
    few = study.cohort.recordings.query("participant <= 3 and clip <= 2")
    smaller = Study(study.path, study.profile, study.folder, study.spec)
    vars(smaller)["cohort"] = SimpleNamespace(recordings=few)
    spec = comparison_tables.control_study(smaller).spec
    assert (spec.n_participants, spec.clip_lengths_s) == (3, study.spec.clip_lengths_s[:2])
    columns = ["participant", "clip", "valence"]
    pd.testing.assert_frame_equal(
        strong.cohort.recordings[columns], study.cohort.recordings[columns]
    )


def fake_encoder(study, group, seed=0):
    length = study.usable.X.shape[1]
    return build_encoder(study.profile.encoder, length, seed=group + 100 * seed)


def fake_pretext(study, group, seed=0):
    logits = np.random.default_rng([group, seed, study.profile.encoder.batch_norm]).normal(
        size=(9, 7, 7)
    )
    return SimpleNamespace(encoder=fake_encoder(study, 10 + group, seed), heldout_logits=logits)


def fake_contrastive(study, group, seed=0):
    history = pd.DataFrame({"val_contrastive_accuracy": [0.9, 0.3 + group / 10 + seed / 100]})
    model = SimpleNamespace(encoder=fake_encoder(study, 20 + group, seed))
    return SimpleNamespace(model=model, history=history)


FAKES = {
    "pretext": fake_pretext,
    "contrastive": fake_contrastive,
    "supervised_encoder": fake_encoder,
}


@pytest.fixture(scope="module")
def report(study):
    with pytest.MonkeyPatch.context() as patch:
        for name, fake in FAKES.items():
            patch.setattr(pretraining, name, fake)
        return pretext_report(study)


def measured(report, pretext, encoder, group, seed=0):
    of = {"pretext": pretext, "encoder": encoder, "group": group, "seed": seed}
    rows = report[(report[list(of)] == pd.Series(of)).all(axis=1)]
    return rows.set_index("measure")["value"]


def test_the_report_has_every_pretext_encoder_group_and_seed_and_nothing_missing(study, report):
    assert list(report.columns) == [
        *ORIGIN,
        "pretext",
        "encoder",
        "group",
        "seed",
        "measure",
        "value",
    ]
    assert not report.isna().any(axis=None)
    of = ["pretext", "encoder", "group", "seed"]
    found = set(report[of].itertuples(index=False, name=None))
    config = study.profile.comparison
    assert found == set(product(PRETEXTS, ENCODERS, range(config.n_groups), config.seeds))
    assert set(report["data"]) == {"synthetic"}


def test_the_report_says_how_well_a_pretext_was_learnt(study, report):
    plain = study.with_profile(
        replace(study.profile, encoder=replace(study.profile.encoder, batch_norm=False))
    )
    row = measured(report, STR, "plain", 1, seed=1)
    auc = task_scores(fake_pretext(plain, 1, seed=1).heldout_logits)["auc"].mean()
    np.testing.assert_allclose(row[["score", "chance"]], [auc, 0.5], rtol=1e-5)
    row = measured(report, CONTRASTIVE, "plain", 1, seed=1)
    chance = study.profile.contrastive.chance
    np.testing.assert_allclose(row[["score", "chance"]], [0.41, chance], rtol=1e-5)
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
    monkeypatch.setattr(pretraining, "contrastive", lambda *_: SimpleNamespace(history=history))
    assert comparison_tables._learnt(study, CONTRASTIVE, 0, 0) == {}
