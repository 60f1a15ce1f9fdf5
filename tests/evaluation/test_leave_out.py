import doctest

import numpy as np
import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.evaluation import leave_out

WITHIN = leave_out.WithinParticipantKFold(n_splits=4, seed=1)


RUNGS = leave_out.ladder(n_splits=4, seed=1)


def frame(n_participants: int = 6, n_clips: int = 5, n_windows: int = 3) -> pd.DataFrame:
    index = pd.MultiIndex.from_product(
        [range(1, n_participants + 1), range(1, n_clips + 1), range(0, 10 * n_windows, 10)],
        names=["participant", "clip", "start"],
    )
    return index.to_frame(index=False)


def labels(meta: pd.DataFrame, seed: int = 0) -> np.ndarray:
    """One label per trial and target, as ratings are."""
    trial = meta.groupby(["participant", "clip"]).ngroup().to_numpy()
    return np.random.default_rng(seed).integers(0, 2, (trial.max() + 1, 3))[trial]


def test_examples_in_docstrings() -> None:
    assert doctest.testmod(leave_out).failed == 0


def test_one_class_outside_one_participant_is_refused() -> None:
    meta = frame()
    y = (meta["participant"] == 3).to_numpy()
    with pytest.raises(DataError, match="LeaveOneParticipantOut, fold 2"):
        leave_out.LeaveOneParticipantOut().split(meta, y)


def test_leave_one_participant_and_clip_out_knows_neither() -> None:
    meta = frame().sample(frac=1, random_state=0, ignore_index=True)
    trials = sorted(meta[["participant", "clip"]].itertuples(index=False, name=None))[::3]
    folds = leave_out.LeaveOneParticipantAndClipOut().split(meta, labels(meta))
    for (participant, clip), (train, test) in zip(trials, folds, strict=True):
        of_person, of_clip = meta["participant"] == participant, meta["clip"] == clip
        assert test.tolist() == meta.index[of_person & of_clip].tolist()
        assert train.tolist() == meta.index[~of_person & ~of_clip].tolist()


def test_within_participant_folds_stay_within_one_participant() -> None:
    meta = frame()
    y = labels(meta, seed=3)[:, 0]
    left_out = WITHIN.left_out(meta, y)
    assert 0 < len(left_out) < 6
    with pytest.warns(UserWarning, match=f"leaves out {len(left_out)} .*: {left_out[0]}"):
        folds = list(WITHIN.split(meta, y))
    assert len(folds) == WITHIN.get_n_splits(meta, y) == 4 * (6 - len(left_out))
    person = meta["participant"].to_numpy()
    tested = []
    for train, test in folds:
        assert len(set(person[train]) | set(person[test])) == 1
        assert len(train) + len(test) == (person == person[test[0]]).sum()
        assert set(y[train]) == {0, 1}
        tested += test.tolist()
    assert sorted(tested) == np.flatnonzero(~np.isin(person, left_out)).tolist()


def test_within_participant_leaves_out_for_any_of_several_labels() -> None:
    meta = frame(4, 6)
    y = np.stack([meta["clip"] % 2, meta["clip"] % 2], axis=1)
    assert WITHIN.left_out(meta, y) == []
    y[meta["participant"] == 3, 1] = 1
    assert WITHIN.left_out(meta, y[:, 0]) == []
    assert WITHIN.left_out(meta, y) == [3]
    with pytest.raises(DataError, match="every participant"):
        WITHIN.split(meta, np.ones(len(meta)))


def test_each_rung_forbids_more_than_the_one_before() -> None:
    meta = frame(10, 5)
    y = labels(meta)
    known = []
    for splitter in leave_out.ladder(n_splits=10, seed=0, meta=meta):
        train, test = next(splitter.split(meta, y))
        trials = meta.groupby(["participant", "clip"]).ngroup()
        known.append(
            [
                np.isin(of[test], of[train]).any()
                for of in (trials, meta["participant"], meta["clip"])
            ]
        )
    assert [[bool(k) for k in row] for row in known] == [
        [True, True, True],
        [True, True, True],
        [False, True, True],
        [False, True, False],
        [False, False, True],
        [False, False, True],
        [False, False, False],
    ]


def test_ladder_makes_fewer_folds_of_a_small_cohort_when_it_is_shown() -> None:
    meta = frame(7, 5)
    assert [s.n_splits for s in leave_out.ladder(meta=meta)[:5]] == [10, 10, 10, 5, 7]
    assert [s.n_splits for s in leave_out.ladder()[:5]] == [10] * 5


def test_impossible_folds_are_refused() -> None:
    with pytest.raises(DataError, match="one participant"):
        leave_out.LeaveOneParticipantOut().split(frame(n_participants=1))
    with pytest.raises(DataError, match="the frame has one clip"):
        leave_out.LeaveOneParticipantAndClipOut().split(frame(n_clips=1))
    with pytest.raises(DataError, match=r"participant 2, field n_splits: .* 4 folds of 3 trials"):
        meta = frame()
        WITHIN.split(meta[(meta["participant"] != 2) | (meta["clip"] <= 3)])
    for splitter in (leave_out.LeaveOneParticipantOut(), WITHIN):
        with pytest.raises(DataError, match="needs the metadata frame"):
            splitter.get_n_splits()


def pooled(*sizes: int) -> pd.DataFrame:
    """Windows of datasets a, b ... with so many people each, in no order."""
    parts = [
        frame(n).assign(
            dataset=name, participant=lambda meta, name=name: name + meta["participant"].astype(str)
        )
        for name, n in zip("abc", sizes, strict=False)
    ]
    return pd.concat(parts).sample(frac=1, random_state=0, ignore_index=True)


def test_leave_one_dataset_out_trains_on_the_others() -> None:
    meta = pooled(2, 3, 1)
    splitter = leave_out.LeaveOneDatasetOut()
    folds = list(splitter.split(meta, labels(meta)))
    assert len(folds) == splitter.get_n_splits(meta) == 3
    for name, (train, test) in zip("abc", folds, strict=True):
        assert test.tolist() == meta.index[meta["dataset"] == name].tolist()
        assert train.tolist() == meta.index[meta["dataset"] != name].tolist()


def test_leave_one_participant_out_within_each_dataset() -> None:
    meta = pooled(2, 3)
    splitter = leave_out.LeaveOneParticipantOutWithinDataset()
    folds = list(splitter.split(meta, meta["clip"] % 2))
    assert len(folds) == splitter.get_n_splits(meta) == 5
    for person, (train, test) in zip(("a1", "a2", "b1", "b2", "b3"), folds, strict=True):
        tested = meta["participant"] == person
        assert test.tolist() == meta.index[tested].tolist()
        assert train.tolist() == meta.index[~tested & (meta["dataset"] == person[0])].tolist()
    alone = meta[meta["dataset"] == "b"].reset_index(drop=True)
    of_all = leave_out.LeaveOneParticipantOut().split(alone)
    for one, other in zip(splitter.split(alone), of_all, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


@pytest.mark.parametrize(
    "splitter", [leave_out.LeaveOneDatasetOut(), leave_out.LeaveOneParticipantOutWithinDataset()]
)
def test_datasets_that_cannot_be_told_apart_are_refused(splitter: leave_out.Splitter) -> None:
    meta = pooled(2, 3)
    with pytest.raises(DataError, match=r"field dataset: .* pool the cohorts"):
        splitter.split(meta.drop(columns="dataset"))
    meta["participant"] = meta["participant"].str[1:].astype(int)
    said = r"participant 1, field dataset: .* of this name is in a and b"
    with pytest.raises(DataError, match=said):
        splitter.split(meta)


def test_datasets_that_are_too_small_are_refused() -> None:
    with pytest.raises(DataError, match="the frame has one dataset"):
        leave_out.LeaveOneDatasetOut().split(pooled(3))
    with pytest.raises(DataError, match="dataset c has one participant"):
        leave_out.LeaveOneParticipantOutWithinDataset().split(pooled(2, 3, 1))
