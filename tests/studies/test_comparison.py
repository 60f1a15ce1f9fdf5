"""Every choice runs on the same honest folds and lands in one table."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.data.labels import TARGETS
from ecglib.evaluation.protocols import (
    ALL,
    CHOICE,
    FROZEN,
    ORIGIN,
    RANDOM,
    SCRATCH,
    STR,
    SUPERVISED,
    TUNED,
)
from ecglib.evaluation.scores import score_participants
from ecglib.studies import pretraining
from ecglib.studies.comparison import (
    Starts,
    choices,
    compared,
    folds,
    labelled_windows,
    run_choices,
    training_effort,
)
from ecglib.studies.pretraining import random_encoder
from tests.studies.fakes import outline
from tests.studies.tiny import TINY


def chosen(**columns):
    """One row of choices made by hand."""
    row = dict(zip(CHOICE, (STR, FROZEN, "plain", 2, ALL, 0), strict=True))
    return pd.DataFrame([{**row, **columns}])


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
    assert predictions["probability"].between(0, 1 + 1e-6).all()
    # 4 choices and the majority for 2 classes; one choice and the majority for 5.
    assert len(predictions[CHOICE].drop_duplicates()) == 4 + 1 + 1 + 1
    five = predictions[predictions["classes"] == 5]
    assert set(five["truth"]) <= set(range(5))
    two = predictions[predictions["classes"] == 2]
    for table, first_high in ((five, 3), (two, 1)):
        for target, rows in table.groupby("target"):
            rating = study.usable.meta[target].to_numpy()[rows["window"]]
            assert ((rows["truth"] >= first_high) == (rating > 3)).all()
    learnt = two[two["pretext"] != "majority"]
    clear = (learnt["probability"] - 0.5).abs() > 1e-5
    assert ((learnt["probability"] > 0.5) == (learnt["predicted"] == 1))[clear].all()


def test_the_majority_is_that_of_the_training_windows(study, predictions):
    meta = study.usable.meta
    rows = predictions[(predictions["pretext"] == "majority") & (predictions["classes"] == 2)]
    for number, fold in enumerate(folds(study)):
        share = (meta["arousal"].iloc[fold.train] > 3).mean()
        found = rows[(rows["fold"] == number) & (rows["target"] == "arousal")]["predicted"]
        assert set(found) == {int(share > 0.5)}


def test_no_start_has_seen_the_group_that_it_serves(study, monkeypatch):
    shown = []
    monkeypatch.setattr(
        pretraining, "pretext", lambda study, *which: shown.append(which) or _Encoded(study)
    )
    starts = Starts(study)
    starts.weights("STR", "batch norm", 1)
    starts.weights("STR", "batch norm", 1)
    starts.weights("STR", "batch norm", 1, seed=2)
    assert shown == [(1, 0), (1, 2)]  # group left out and seed, each made once


def test_random_starts_are_drawn_as_glorot_and_bengio_say(study):
    kernels = [w for w in Starts(study).weights("random", "batch norm", 0) if w.ndim == 3]
    for kernel in kernels:
        size, inside, outside = kernel.shape
        limit = np.sqrt(6 / (size * (inside + outside)))
        assert 0.9 * limit < np.abs(kernel).max() <= limit
        assert abs(kernel.mean()) < limit / 3


def test_the_comparison_has_its_own_groups_and_no_more_than_people(study):
    config = replace(study.profile.comparison, n_groups=3)
    for n_groups, expected in ((3, 3), (50, study.usable.meta["participant"].nunique())):
        config = replace(config, n_groups=n_groups)
        own = compared(study.with_profile(replace(study.profile, comparison=config)))
        assert len(own.groups) == expected
        assert own.usable is study.usable


class _Encoded:
    def __init__(self, study):
        self.encoder = random_encoder(study)


def test_a_learnt_start_differs_from_a_random_one_and_random_ones_by_seed(study):
    starts = Starts(study)
    first, other = (starts.weights("random", "plain", 0, seed) for seed in (0, 1))
    assert not np.array_equal(first[0], other[0])
    assert starts.weights("random", "plain", 1, 0) is first
    for pretext in ("STR", "contrastive", "supervised"):
        learnt = starts.weights(pretext, "plain", 0)
        assert [w.shape for w in learnt] == [w.shape for w in first]
        assert not np.array_equal(learnt[0], first[0])


def test_every_row_says_which_data_and_which_profile_it_is_of(predictions):
    for table in (predictions, score_participants(predictions)):
        assert list(table.columns[:2]) == ORIGIN
        assert table[ORIGIN].drop_duplicates().to_numpy().tolist() == [["synthetic", "smoke"]]
