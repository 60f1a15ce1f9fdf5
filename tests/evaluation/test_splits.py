import doctest

import numpy as np
import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.evaluation import leave_out, splits

WITHIN = leave_out.WithinParticipantKFold(n_splits=4, seed=1)
RUNGS = leave_out.ladder(n_splits=4, seed=1)
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


def test_a_single_label_is_called_y_and_one_of_two_by_its_number() -> None:
    meta = frame()
    y = labels(meta)[:, :2]
    y[:, 1] = 0
    for given, field in ((y[:, 1], "y"), (y[:, 1:], "y"), (y, "y[:, 1]")):
        with pytest.raises(DataError, match="class 0") as error:
            splits.WindowKFold(3).split(meta, given)
        assert error.value.field == field


@pytest.mark.parametrize(
    "kind",
    [
        splits.WindowKFold,
        splits.TrialGroupedKFold,
        splits.ClipGroupedKFold,
        splits.ParticipantGroupedKFold,
    ],
)
def test_ten_folds_of_seed_0_are_the_published_ones(kind: type) -> None:
    meta = frame(12, 12, 2)
    assert (kind().n_splits, kind().get_n_splits()) == (10, 10)
    first, given = (
        [test.tolist() for _, test in one.split(meta)] for one in (kind(), kind(10, seed=0))
    )
    assert first == given


def test_impossible_folds_are_refused() -> None:
    with pytest.raises(DataError, match="7 folds of 6 participants"):
        splits.ParticipantGroupedKFold(n_splits=7).split(frame())
    with pytest.raises(DataError, match="n_splits: 1"):
        splits.WindowKFold(n_splits=1).split(frame())
    with pytest.raises(DataError, match="shape"):
        splits.WindowKFold().split(frame(), np.zeros(3))
    with pytest.raises(DataError, match="gap_s: -1"):
        splits.WindowKFoldWithGap(gap_s=-1)
    with pytest.raises(DataError, match=r"field gap_s: .*fold 0: every training window lies less"):
        splits.WindowKFoldWithGap(2, gap_s=100).split(frame(1, 1, 9))


def test_combinations_of_labels_are_spread_evenly_over_the_folds() -> None:
    meta = frame(10, 4, 2)
    trial = meta.groupby(["participant", "clip"]).ngroup().to_numpy()
    combination = np.random.default_rng(0).permutation(np.arange(40) % 4)[trial]
    y = np.stack([combination % 2, combination // 2], axis=1)
    for _, test in splits.TrialGroupedKFold(n_splits=5).split(meta, y):
        assert np.bincount(combination[test]).tolist() == [4, 4, 4, 4]


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


def test_what_is_not_said_is_as_published_and_as_documented() -> None:
    made = splits.WindowKFoldWithGap()
    assert (made.n_splits, made.gap_s, made.seed, made.length_s) == (10, 10.0, 0, 10.0)
    for kind in ("WindowKFold", "TrialGroupedKFold", "ParticipantGroupedKFold"):
        made = getattr(splits, kind)()
        assert (made.n_splits, made.seed) == (10, 0)


@pytest.mark.parametrize(
    ("splitter", "remedy"),
    [
        (leave_out.LeaveOneDatasetOut(), "pool the cohorts with ecglib.data.pool.pool"),
        (splits.ClipGroupedKFold(), "pass the frame that came with the windows"),
        (leave_out.LeaveOneParticipantOut(), "pass the frame that came with the windows"),
    ],
)
def test_the_remedy_for_a_missing_column_is_its_own(splitter, remedy) -> None:
    with pytest.raises(DataError) as found:
        splitter.split(frame().drop(columns=list(splitter.columns), errors="ignore"))
    assert found.value.remedy == remedy


@pytest.mark.parametrize("kind", ["Trial", "Clip", "Participant"])
def test_folds_do_not_depend_on_the_order_of_the_windows(kind: str) -> None:
    meta = frame(9, 8, 2)
    order = np.random.default_rng(0).permutation(len(meta))
    splitter = getattr(splits, f"{kind}GroupedKFold")(n_splits=4, seed=1)
    straight = [set(test) for _, test in splitter.split(meta)]
    mixed = [set(order[test]) for _, test in splitter.split(meta.iloc[order].reset_index())]
    assert straight == mixed


def test_one_target_of_words_is_balanced_as_one_of_numbers_is() -> None:
    meta = frame(12, 4, 2)
    y = (labels(meta)[:, 0] > 0).astype(int)
    words = np.array(["low", "high"], dtype=object)[1 - y]
    splitter = splits.TrialGroupedKFold(n_splits=4, seed=0)
    by_number, by_word = (
        [test.tolist() for _, test in splitter.split(meta, one)] for one in (y, words)
    )
    assert by_number == by_word
    assert (
        np.ptp([y[test].mean() for test in by_number])
        <= 0.1
        < np.ptp([y[test].mean() for _, test in splitter.split(meta)])
    )


def test_a_combination_with_one_window_for_each_fold_is_balanced() -> None:
    """Four windows of one class, four of others: the four are spread over the four folds."""
    meta = frame(8, 1, 1)
    y = np.array([0, 0, 0, 0, 1, 2, 3, 4])
    for seed in range(5):
        splitter = splits.ParticipantGroupedKFold(n_splits=4, seed=seed)
        assert [int((y[test] == 0).sum()) for _, test in splitter.split(meta, y)] == [1, 1, 1, 1]
