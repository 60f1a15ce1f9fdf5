"""Predictions of a study, and an audit that knows which encoder saw whom."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.data.labels import TARGETS, label_matrix
from ecglib.evaluation.crossval import majority_predictions
from ecglib.evaluation.predictions import append_predictions
from ecglib.evaluation.protocols import (
    MAJORITY,
    NONE,
    RANDOM,
    RESULT,
    SEEN,
    STR,
    STRICT,
    SUPERVISED,
)
from ecglib.studies import results
from ecglib.studies.results import (
    head_predictions,
    leaks,
    null_predictions,
    null_supervised_predictions,
    predictions,
    splitters,
    summary,
    supervised_predictions,
    supervised_splitters,
)
from ecglib.studies.study import Study
from tests.studies.tiny import SPEC, TINY

SMALL = replace(
    TINY, window_folds=2, supervised_folds=2, head=replace(TINY.head, hidden=(4,), epochs=2)
)
WINDOW, PERSON, GROUPED = "window-kfold", "leave-one-participant-out", "participant-grouped"


@pytest.fixture(scope="module")
def study(home, tmp_path_factory):
    return Study(profile=SMALL, folder=tmp_path_factory.mktemp("artifacts"), spec=SPEC)


def named(rows):
    return set(rows[["protocol", "model", "regime"]].itertuples(index=False, name=None))


def test_frozen_encoders_are_evaluated_once_in_every_regime(study, monkeypatch):
    rows = predictions(study)
    assert named(rows) == {
        (WINDOW, MAJORITY, NONE),
        (WINDOW, RANDOM, NONE),
        (WINDOW, STR, SEEN),
        (PERSON, MAJORITY, NONE),
        (PERSON, RANDOM, NONE),
        (PERSON, STR, STRICT),
        (PERSON, STR, SEEN),
    }
    counts = rows.groupby([*RESULT])["window"].agg(["size", "nunique"])
    assert (counts == len(study.usable)).all(axis=None)
    monkeypatch.setattr(results, "evaluate_frozen", None)  # a second evaluation would fail
    pd.testing.assert_frame_equal(predictions(study), rows)


@pytest.fixture
def without_heads(study, tmp_path):
    """The study with its encoders and features, and without predictions."""
    folder = tmp_path / "artifacts"
    ignored = shutil.ignore_patterns("heads-*", "predictions-*")
    shutil.copytree(study.folder, folder, ignore=ignored)
    return Study(profile=SMALL, folder=folder, spec=SPEC)


def test_heads_that_were_stopped_go_on_after_the_last_part(study, without_heads, monkeypatch):
    rows, evaluate, done = predictions(study), results.evaluate_frozen, []

    def stopped(*given, **options):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append((options["model_name"], options["regime"]))
        return evaluate(*given, **options)

    monkeypatch.setattr(results, "evaluate_frozen", stopped)
    with pytest.raises(KeyboardInterrupt):
        predictions(without_heads)
    assert done == [(RANDOM, NONE), (RANDOM, NONE), (STR, SEEN)]
    again = []

    def counted(*given, **options):
        again.append((options["model_name"], options["regime"]))
        return evaluate(*given, **options)

    monkeypatch.setattr(results, "evaluate_frozen", counted)
    pd.testing.assert_frame_equal(predictions(without_heads), rows)
    assert again == [(STR, STRICT), (STR, SEEN)]


@pytest.mark.parametrize(
    "part",
    [(WINDOW, STR, STRICT), (PERSON, RANDOM, SEEN), (PERSON, SUPERVISED, NONE), ("", "", "")],
)
def test_heads_that_do_not_exist_are_refused_with_those_that_do(study, part):
    with pytest.raises(DataError, match=r"there are no heads on .* one of window-kfold, random"):
        head_predictions(study, *part)


def test_every_fold_uses_the_encoder_of_its_regime(without_heads, monkeypatch):
    """Features that say which encoder made them come back as predictions."""
    study = without_heads
    asked = []

    def features(study, model, group=None):
        asked.append((model, group))
        return np.full((len(study.usable), 1), -1.0 if group is None else group, np.float32)

    def evaluate(array, meta, splitter, targets, config=None, seed=0, **options):
        encoders = options.get("encoder_of_fold")
        told[options["model_name"], options["regime"], splitter.protocol] = [
            float((array[encoders[f]] if encoders else array)[0, 0])
            for f in range(splitter.get_n_splits(meta))
        ]
        return majority_predictions(meta, splitter, targets).assign(
            model=options["model_name"], regime=options["regime"]
        )

    told = {}
    monkeypatch.setattr(results, "features", features)
    monkeypatch.setattr(results, "evaluate_frozen", evaluate)
    results._predict(study)
    own = [study.group_of[p] for p in sorted(study.group_of)]
    assert told[STR, STRICT, PERSON] == own
    assert told[STR, SEEN, PERSON] == [1 - group for group in own]
    assert set(told[STR, SEEN, WINDOW]) == {0}
    assert set(told[RANDOM, NONE, PERSON]) == {-1}


def test_supervised_networks_have_folds_and_a_majority_of_their_own(study, monkeypatch):
    meta, rows = study.usable.meta, supervised_predictions(study)
    assert named(rows) == {
        (protocol, model, NONE)
        for protocol in (WINDOW, GROUPED)
        for model in (MAJORITY, SUPERVISED)
    }
    for splitter in supervised_splitters(study):
        own = rows[(rows["protocol"] == splitter.protocol) & (rows["model"] == SUPERVISED)]
        for fold, (_, test) in enumerate(splitter.split(meta, label_matrix(meta, TARGETS))):
            assert set(own[own["fold"] == fold]["window"]) == set(test)
    monkeypatch.setattr(results, "fit_classifiers", None)
    pd.testing.assert_frame_equal(supervised_predictions(study), rows)


def test_the_cohort_without_effect_is_of_other_people(study, monkeypatch):
    rows = null_predictions(study)
    assert named(rows) == {
        (PERSON, MAJORITY, NONE),
        (PERSON, RANDOM, NONE),
        (PERSON, STR, STRICT),
    }
    own = predictions(study).query("model == 'majority' and protocol == @PERSON")
    assert (
        not rows.query("model == 'majority'")["truth"]
        .reset_index(drop=True)
        .equals(own["truth"].reset_index(drop=True))
    )
    monkeypatch.setattr(results, "make_cohort", None)
    pd.testing.assert_frame_equal(null_predictions(study), rows)


def test_networks_with_labels_are_tried_on_the_same_cohort_without_effect(study, monkeypatch):
    rows = null_supervised_predictions(study)
    assert named(rows) == {(GROUPED, MAJORITY, NONE), (GROUPED, SUPERVISED, NONE)}
    by = ["target", "window"]
    same = null_predictions(study).query("model == 'majority'").sort_values(by)["truth"]
    networks = rows.query("model == 'supervised'").sort_values(by)["truth"]
    assert networks.tolist() == same.tolist()
    monkeypatch.setattr(results, "make_cohort", None)
    pd.testing.assert_frame_equal(null_supervised_predictions(study), rows)


def test_a_summary_has_one_row_for_every_result_and_metric(study):
    table = summary(study, n_resamples=50)
    assert not table.duplicated([*RESULT, "metric"]).any()
    assert set(table["model"]) == {MAJORITY, RANDOM, STR}
    assert set(table["protocol"]) == {WINDOW, PERSON}


def test_the_audit_of_a_study_knows_which_encoder_saw_whom(study, monkeypatch):
    window, person = splitters(study)
    majority = [majority_predictions(study.usable.meta, s, TARGETS) for s in (window, person)]
    rows = append_predictions(
        *majority,
        majority[0].assign(model=STR, regime=SEEN),
        majority[1].assign(model=STR, regime=SEEN),
        majority[1].assign(model=STR, regime=STRICT),
    )
    trained = append_predictions(
        *(
            majority_predictions(study.usable.meta, s, TARGETS).assign(model=SUPERVISED)
            for s in supervised_splitters(study)
        )
    )
    monkeypatch.setattr(results, "predictions", lambda study: rows)
    monkeypatch.setattr(results, "supervised_predictions", lambda study: trained)
    found = leaks(study)
    assert set(found["stage"]) <= {"normalisation"}
    assert SUPERVISED in set(found["model"])
    # Now as if every fold had used the encoder of another group.
    own = results.group_of_folds
    monkeypatch.setattr(results, "group_of_folds", lambda *a: [1 - g for g in own(*a)])
    found = leaks(study).query("stage == 'pretext'")
    assert set(found["regime"]) == {STRICT}
    assert {"participant", "trial", "window"} == set(found["kind"])


def test_the_audit_reads_from_the_encoder_whom_it_was_trained_on(study, without_heads, monkeypatch):
    """Files that say otherwise than the groups: as if the check of the encoders were not there."""
    _ = predictions(study), supervised_predictions(study)
    everyone = np.unique(study.usable.meta["participant"])
    monkeypatch.setattr(results, "trained_on", lambda study, group: everyone)
    found = leaks(study).query("stage == 'pretext'")
    assert set(found["regime"]) == {STRICT}
    assert set(found["participant"].dropna()) == set(everyone)
    with pytest.raises(DataError, match="was pretrained on"):
        results._predict(without_heads)


def test_strict_predictions_refuse_encoders_that_were_swapped(study, tmp_path):
    _ = predictions(study)
    for path in study.folder.glob("*.*"):
        if not path.name.startswith(("predictions-", "heads-", "features-")):
            shutil.copy(path, tmp_path / path.name)
    one, two = sorted(tmp_path.glob("pretext-*.npz"))
    kept = one.rename(tmp_path / "kept")
    two.rename(one)
    kept.rename(two)
    swapped = Study(profile=SMALL, folder=tmp_path, spec=SPEC)
    for function in (predictions, leaks):
        with pytest.raises(DataError, match=r"pretext-.*, field group: .*made with [01]"):
            function(swapped)
    assert not list(tmp_path.glob("predictions-*"))
