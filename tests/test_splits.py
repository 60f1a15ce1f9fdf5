import doctest

import numpy as np
import pandas as pd
import pytest

from ecglib import splits
from ecglib.errors import DataError

ALL = (
    splits.WindowKFold(n_splits=4, seed=1),
    splits.TrialGroupedKFold(n_splits=4, seed=1),
    splits.ClipGroupedKFold(n_splits=4, seed=1),
    splits.ParticipantGroupedKFold(n_splits=4, seed=1),
    splits.LeaveOneParticipantOut(),
)


def frame(n_participants: int = 6, n_clips: int = 5, n_windows: int = 3) -> pd.DataFrame:
    index = pd.MultiIndex.from_product(
        [range(1, n_participants + 1), range(1, n_clips + 1), range(n_windows)],
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
    folds = list(splitter.split(meta, labels(meta)))
    assert len(folds) == splitter.get_n_splits(meta)
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(len(meta)))
    for train, test in folds:
        assert not set(train) & set(test)
        assert len(train) + len(test) == len(meta)
        if splitter.columns:
            keys = meta[list(splitter.columns)].apply(tuple, axis=1)
            assert not set(keys[train]) & set(keys[test])


@pytest.mark.parametrize("splitter", ALL[:4], ids=lambda s: s.protocol)
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


@pytest.mark.parametrize("splitter", ALL[1:], ids=lambda s: s.protocol)
def test_missing_column_is_refused_by_name(splitter: splits.Splitter) -> None:
    column = splitter.columns[-1]
    with pytest.raises(DataError, match=f"field {column}: {type(splitter).__name__}"):
        splitter.split(frame().drop(columns=column))
    meta = frame().astype({column: float})
    meta.loc[4, column] = np.nan
    with pytest.raises(DataError, match=f"field {column}: .*missing value in window 4"):
        splitter.split(meta)


@pytest.mark.parametrize("splitter", ALL, ids=lambda s: s.protocol)
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
    with pytest.raises(DataError, match="needs the metadata frame"):
        splits.LeaveOneParticipantOut().get_n_splits()


def test_rare_combinations_of_labels_are_still_split() -> None:
    meta = frame(n_windows=1)
    y = np.stack([np.arange(30) % 2, np.arange(30) // 3], axis=1)
    assert len(list(splits.ClipGroupedKFold(n_splits=5).split(meta, y))) == 5
