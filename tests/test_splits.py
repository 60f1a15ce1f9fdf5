import doctest

import numpy as np
import pandas as pd
import pytest

from ecglib import splits
from ecglib.errors import DataError

WITHIN = splits.WithinParticipantKFold(n_splits=4, seed=1)
RUNGS = splits.ladder(n_splits=4, seed=1)
ALL = (*RUNGS, WITHIN)
SEEDED = [splitter for splitter in ALL if hasattr(splitter, "seed")]
# Splitters whose training windows are all windows that are not tested.
WHOLE = [s for s in RUNGS if "gap" not in s.protocol and "and-clip" not in s.protocol]


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
    assert doctest.testmod(splits).failed == 0


@pytest.mark.parametrize("splitter", ALL, ids=lambda s: s.protocol)
def test_every_window_is_tested_once_and_no_group_is_on_both_sides(
    splitter: splits.Splitter,
) -> None:
    meta = frame()
    y = None if splitter is WITHIN else labels(meta)
    folds = list(splitter.split(meta, y))
    assert len(folds) == splitter.get_n_splits(meta)
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(len(meta)))
    for train, test in folds:
        assert not set(train) & set(test)
        assert splitter not in WHOLE or len(train) + len(test) == len(meta)
        if splitter.columns:
            keys = meta[list(splitter.columns)].apply(tuple, axis=1)
            assert not set(keys[train]) & set(keys[test])


@pytest.mark.parametrize("splitter", SEEDED, ids=lambda s: s.protocol)
def test_seed_decides_the_folds(splitter: splits.Splitter) -> None:
    meta = frame()
    other = type(splitter)(n_splits=4, seed=2)
    first, again, changed = (
        [test.tolist() for _, test in s.split(meta)] for s in (splitter, splitter, other)
    )
    assert first == again
    assert first != changed


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["Trial", "Clip", "Participant"])
def test_dreamer_sized_folds_are_full_and_balanced(kind: str, seed: int) -> None:
    meta = frame(23, 18, 2)
    y = labels(meta, seed)
    splitter = getattr(splits, f"{kind}GroupedKFold")(n_splits=10, seed=seed)
    share = [y[test].mean() for _, test in splitter.split(meta, y)]
    sizes = [test.size for _, test in splitter.split(meta, y)]
    assert max(abs(np.array(share) - y.mean())) < 0.2
    assert max(sizes) <= 3 * min(sizes)


def test_stratification_beats_chance() -> None:
    meta = frame(23, 18, 2)
    y = labels(meta)[:, 0]
    splitter = splits.TrialGroupedKFold(n_splits=10, seed=0)
    spread = [
        np.std([y[test].mean() for _, test in splitter.split(meta, given)]) for given in (y, None)
    ]
    assert spread[0] < spread[1] / 2


@pytest.mark.parametrize(
    ("splitter", "column"),
    [(s, column) for s in ALL for column in (*s.columns, *s.needs)],
    ids=lambda value: getattr(value, "protocol", value),
)
def test_missing_column_is_refused_by_name(splitter: splits.Splitter, column: str) -> None:
    with pytest.raises(DataError, match=f"field {column}: {type(splitter).__name__}"):
        splitter.split(frame().drop(columns=column))
    meta = frame().astype({column: float})
    meta.loc[4, column] = np.nan
    with pytest.raises(DataError, match=f"field {column}: .*missing value in window 4"):
        splitter.split(meta)


@pytest.mark.parametrize("splitter", RUNGS, ids=lambda s: s.protocol)
def test_one_class_in_training_is_refused_by_name(splitter: splits.Splitter) -> None:
    meta = frame()
    y = labels(meta)
    y[:, 1] = 1
    with pytest.raises(DataError, match=rf"{type(splitter).__name__}, fold 0.*class 1") as error:
        splitter.split(meta, y)
    assert error.value.field == "y[:, 1]"


def test_one_class_outside_one_participant_is_refused() -> None:
    meta = frame()
    y = (meta["participant"] == 3).to_numpy()
    with pytest.raises(DataError, match="LeaveOneParticipantOut, fold 2"):
        splits.LeaveOneParticipantOut().split(meta, y)


def test_impossible_folds_are_refused() -> None:
    with pytest.raises(DataError, match="7 folds of 6 participants"):
        splits.ParticipantGroupedKFold(n_splits=7).split(frame())
    with pytest.raises(DataError, match="1 folds of"):
        splits.WindowKFold(n_splits=1).split(frame())
    with pytest.raises(DataError, match="one participant"):
        splits.LeaveOneParticipantOut().split(frame(n_participants=1))
    with pytest.raises(DataError, match="shape"):
        splits.WindowKFold().split(frame(), np.zeros(3))
    with pytest.raises(DataError, match="the frame has one clip"):
        splits.LeaveOneParticipantAndClipOut().split(frame(n_clips=1))
    with pytest.raises(DataError, match="gap of -1 s"):
        splits.WindowKFoldWithGap(gap_s=-1)
    with pytest.raises(DataError, match=r"field gap_s: .*fold 0: every training window lies less"):
        splits.WindowKFoldWithGap(2, gap_s=100).split(frame(1, 1, 9))
    with pytest.raises(DataError, match=r"participant 2, field n_splits: .* 4 folds of 3 trials"):
        meta = frame()
        WITHIN.split(meta[(meta["participant"] != 2) | (meta["clip"] <= 3)])
    for splitter in (splits.LeaveOneParticipantOut(), WITHIN):
        with pytest.raises(DataError, match="needs the metadata frame"):
            splitter.get_n_splits()


def test_rare_combinations_of_labels_are_still_split() -> None:
    meta = frame(n_windows=1)
    y = np.stack([np.arange(30) % 2, np.arange(30) // 3], axis=1)
    assert len(list(splits.ClipGroupedKFold(n_splits=5).split(meta, y))) == 5


@pytest.mark.parametrize("gap_s", [0, 10, 15])
def test_gap_drops_the_neighbours_of_test_windows_and_nothing_else(gap_s: float) -> None:
    # Windows of 10 s with half of each repeated, in recordings that differ in clip or condition.
    meta = pd.concat(
        [
            frame(2, 2, 11).assign(condition=condition, start=lambda m: m["start"] / 2)
            for condition in ("baseline", "stimulus")
        ],
        ignore_index=True,
    )
    columns = ["participant", "clip", "condition"]
    recording = list(meta[columns].itertuples(index=False, name=None))
    start = meta["start"].tolist()
    whole = splits.WindowKFold(6, seed=3).split(meta)
    for (train, test), (others, tested) in zip(
        splits.WindowKFoldWithGap(6, gap_s, seed=3).split(meta), whole, strict=True
    ):
        assert test.tolist() == tested.tolist()
        kept = [
            i
            for i in others
            if not any(
                recording[i] == recording[j] and abs(start[i] - start[j]) - 10 < gap_s
                for j in tested
            )
        ]
        assert train.tolist() == kept
        assert len(kept) < len(others)


def test_no_gap_between_windows_that_do_not_overlap_is_the_released_protocol() -> None:
    meta = frame()
    for (train, _), (others, _) in zip(
        splits.WindowKFoldWithGap(5, 0, seed=2).split(meta),
        splits.WindowKFold(5, seed=2).split(meta),
        strict=True,
    ):
        assert train.tolist() == others.tolist()


def test_gap_holds_across_leads() -> None:
    meta = pd.concat([frame(2, 2, 9).assign(lead=lead) for lead in (1, 2)], ignore_index=True)
    for train, test in splits.WindowKFoldWithGap(3, 10, seed=0).split(meta):
        for i in test:
            same = meta.loc[train].merge(meta.loc[[i], ["participant", "clip"]])
            assert ((same["start"] - meta.loc[i, "start"]).abs() >= 20).all()


def test_leave_one_participant_and_clip_out_knows_neither() -> None:
    meta = frame().sample(frac=1, random_state=0, ignore_index=True)
    trials = sorted(meta[["participant", "clip"]].itertuples(index=False, name=None))[::3]
    folds = splits.LeaveOneParticipantAndClipOut().split(meta, labels(meta))
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
    for splitter in splits.ladder(n_splits=10, seed=0, meta=meta):
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
    assert [s.n_splits for s in splits.ladder(meta=meta)[:5]] == [10, 10, 10, 5, 7]
    assert [s.n_splits for s in splits.ladder()[:5]] == [10] * 5
