"""Splits that leave out whole people, clips or datasets, splits within one person, the ladder."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd
from sklearn.model_selection import LeaveOneGroupOut

from ecglib.core.annotations import checked
from ecglib.core.arrays import rows_by_value
from ecglib.core.errors import DataError
from ecglib.core.words import counted
from ecglib.data.cohort import DATASET
from ecglib.evaluation.splits import (
    ClipGroupedKFold,
    Fold,
    ParticipantGroupedKFold,
    Splitter,
    TrialGroupedKFold,
    WindowKFold,
    WindowKFoldWithGap,
    _GroupedKFold,
)
from ecglib.preprocessing.segmentation import WindowConfig


class _LeaveOneOut(Splitter):
    """One fold per group, in the order of the groups."""

    def get_n_splits(
        self, meta: pd.DataFrame | None = None, y: object = None, groups: object = None
    ) -> int:
        """Return the number of groups in `meta`; `y` and `groups` are ignored.

        Raises
        ------
        DataError
            If there is no frame, or it lacks a column.
        """
        if meta is None:
            raise DataError(f"{type(self).__name__} needs the metadata frame", field="meta")
        self._checked(meta, None)
        return np.unique(self._group_of(meta)).size

    def _folds(self, meta: pd.DataFrame, labels: np.ndarray | None) -> list[Fold]:
        for column in self.columns:
            if meta[column].nunique() < 2:
                raise DataError(
                    f"{type(self).__name__}: the frame has one {column}",
                    field=column,
                    expected="at least two",
                )
        group_of = self._group_of(meta)
        return list(LeaveOneGroupOut().split(group_of, groups=group_of))


class LeaveOneParticipantOut(_LeaveOneOut):
    """One fold per participant, in the order of their numbers, tested on that participant alone.

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": [1, 1, 2, 2, 3, 3], "clip": [1, 2, 1, 2, 1, 2]})
    >>> splitter = LeaveOneParticipantOut()
    >>> splitter.get_n_splits(meta)
    3
    >>> for train, test in splitter.split(meta):
    ...     print("train", train, "test", test)
    train [2 3 4 5] test [0 1]
    train [0 1 4 5] test [2 3]
    train [0 1 2 3] test [4 5]
    """

    protocol = "leave-one-participant-out"
    columns = ("participant",)


class LeaveOneParticipantAndClipOut(_LeaveOneOut):
    """One fold per trial, trained on other participants who watched other clips.

    The strictest rung: neither the person nor the clip of a test window is known from training.
    The other windows of the test participant and of the test clip take no part in the fold. Folds
    come in the order of participants and, within each, of clips.

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": [1, 1, 2, 2, 3, 3], "clip": [1, 2, 1, 2, 1, 2]})
    >>> splitter = LeaveOneParticipantAndClipOut()
    >>> splitter.get_n_splits(meta)
    6
    >>> for train, test in splitter.split(meta):
    ...     print("train", train, "test", test)
    train [3 5] test [0]
    train [2 4] test [1]
    train [1 5] test [2]
    train [0 4] test [3]
    train [1 3] test [4]
    train [0 2] test [5]
    """

    protocol = "leave-one-participant-and-clip-out"
    columns = ("participant", "clip")

    def _folds(self, meta: pd.DataFrame, labels: np.ndarray | None) -> list[Fold]:
        participant, clip = (meta[column].to_numpy() for column in self.columns)
        return [
            (
                train[
                    (participant[train] != participant[test[0]]) & (clip[train] != clip[test[0]])
                ],
                test,
            )
            for train, test in super()._folds(meta, labels)
        ]


class _OfDatasets(_LeaveOneOut):
    """A splitter of pooled cohorts, in which a name means one person."""

    needs = (DATASET, "participant")

    def _checked(self, meta: pd.DataFrame, y: object) -> np.ndarray | None:
        labels = super()._checked(meta, y)
        sets = meta.groupby("participant")[DATASET].unique()
        several = sets[sets.str.len() > 1]
        if len(several):
            where = " and ".join(map(str, sorted(several.iloc[0])))
            raise DataError(
                f"{type(self).__name__}: somebody of this name is in {where}",
                participant=several.index[0],
                field=DATASET,
                expected="names that keep the people of all datasets apart",
                remedy="pool the cohorts with ecglib.data.pool.pool, which names people by dataset",
            )
        return labels


class LeaveOneDatasetOut(_OfDatasets):
    """One fold per dataset, in the order of their names, trained on the people of the others.

    It asks whether what was learnt in one laboratory holds in another one. Of two datasets each is
    trained on to test the other; of more, select the windows of two to train on one alone.

    Examples
    --------
    >>> meta = pd.DataFrame({"dataset": [*"aaabb"], "participant": ["a/1", "a/1", "a/2", "b/1",
    ...                      "b/2"], "clip": [1, 2, 1, 1, 1]})
    >>> for train, test in LeaveOneDatasetOut().split(meta):
    ...     print("train", train, "test", test)
    train [3 4] test [0 1 2]
    train [0 1 2] test [3 4]
    """

    protocol = "leave-one-dataset-out"
    columns = (DATASET,)


class LeaveOneParticipantOutWithinDataset(_OfDatasets):
    """One fold per participant, trained on the other people of the same dataset alone.

    It is `LeaveOneParticipantOut` in each dataset by itself: beside `LeaveOneDatasetOut` it says
    what is lost on the way from one dataset to another. Folds come in the order of datasets and,
    within each, of participants.

    Examples
    --------
    >>> meta = pd.DataFrame({"dataset": [*"aaabb"], "participant": ["a/1", "a/1", "a/2", "b/1",
    ...                      "b/2"], "clip": [1, 2, 1, 1, 1]})
    >>> for train, test in LeaveOneParticipantOutWithinDataset().split(meta):
    ...     print("train", train, "test", test)
    train [2] test [0 1]
    train [0 1] test [2]
    train [4] test [3]
    train [3] test [4]
    """

    protocol = "leave-one-participant-out-within-dataset"
    columns = (DATASET, "participant")

    def _folds(self, meta: pd.DataFrame, labels: np.ndarray | None) -> list[Fold]:
        people = meta.groupby(DATASET)["participant"].nunique()
        alone = people.index[people < 2]
        if len(alone):
            raise DataError(
                f"{type(self).__name__}: dataset {alone[0]} has one participant",
                field="participant",
                expected="at least two in each dataset",
                remedy="leave out the windows of that dataset",
            )
        dataset, group_of = meta[DATASET].to_numpy(), self._group_of(meta)
        return [
            (train[dataset[train] == dataset[test[0]]], test)
            for train, test in LeaveOneGroupOut().split(group_of, groups=group_of)
        ]


class WithinParticipantKFold(_GroupedKFold):
    """K-fold over the trials of each participant: trained and tested on that person alone.

    It asks how well a model works that was made for one person, from that person's ratings of
    other clips. Folds come in the order of participants, `n_splits` for each.

    A participant with a fold whose training windows are all of one class cannot be evaluated. With
    `y` given, such a participant is left out of all folds, a warning names them, and `left_out`
    lists them beforehand. One of several labels suffices to be left out: give one label at a time
    to keep as many participants as possible, or all to test every label on the same ones.

    Parameters
    ----------
    n_splits, seed : int
        Number of folds for each participant, at most the trials of each, and seed of the shuffles.

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": [1] * 4 + [2] * 4, "clip": [1, 2, 3, 4] * 2})
    >>> for train, test in WithinParticipantKFold(n_splits=2, seed=0).split(meta):
    ...     print("train", train, "test", test)
    train [0 3] test [1 2]
    train [1 2] test [0 3]
    train [4 7] test [5 6]
    train [5 6] test [4 7]
    >>> y = np.array([0, 1, 0, 1, 1, 1, 1, 1])
    >>> WithinParticipantKFold(n_splits=2, seed=0).left_out(meta, y)
    [2]
    """

    protocol = "within-participant"
    columns = ("participant", "clip")
    unit = "trials"

    @checked
    def __init__(self, n_splits: int = 5, seed: int = 0) -> None:
        super().__init__(n_splits, seed)

    @checked
    def left_out(self, meta: pd.DataFrame, y: np.ndarray) -> list[int]:
        """List the participants who have a fold with training windows of one class.

        Parameters
        ----------
        meta, y
            As in `split`.

        Returns
        -------
        list of int
            Their numbers.
        """
        labels = self._checked(meta, y)
        return [p for p, folds in self._of_participants(meta, labels) if _one_class(folds, labels)]

    @checked
    def get_n_splits(
        self,
        meta: pd.DataFrame | None = None,
        y: np.ndarray | None = None,
        groups: object = None,
    ) -> int:
        """Return `n_splits` for each participant of `meta` who is not left out for `y`.

        Raises
        ------
        DataError
            If there is no frame, or it lacks a column.
        """
        if meta is None:
            raise DataError("WithinParticipantKFold needs the metadata frame", field="meta")
        self._checked(meta, None)
        left_out = [] if y is None else self.left_out(meta, y)
        return self.n_splits * (meta["participant"].nunique() - len(left_out))

    def _folds(self, meta: pd.DataFrame, labels: np.ndarray | None) -> list[Fold]:
        kept, left_out = [], []
        for participant, folds in self._of_participants(meta, labels):
            if labels is not None and _one_class(folds, labels):
                left_out.append(participant)
            else:
                kept += folds
        if not kept:
            raise DataError(
                "WithinParticipantKFold: every participant has a fold with training windows of "
                "one class",
                field="y",
                remedy="use another threshold or another target",
            )
        if left_out:
            warnings.warn(
                f"WithinParticipantKFold leaves out {counted(len(left_out), 'participant')}, whose "
                f"training windows are of one class in some fold: {', '.join(map(str, left_out))}",
                stacklevel=3,
            )
        return kept

    def _of_participants(
        self, meta: pd.DataFrame, labels: np.ndarray | None
    ) -> Iterator[tuple[int, list[Fold]]]:
        trial = self._group_of(meta)
        for participant, rows in rows_by_value(meta["participant"].to_numpy()).items():
            self._need_units(np.unique(trial[rows]).size, participant)
            own = self._stratified(trial[rows], None if labels is None else labels[rows])
            yield participant, [(rows[train], rows[test]) for train, test in own]


@checked
def ladder(
    n_splits: int = 10,
    seed: int = 0,
    *,
    meta: pd.DataFrame | None = None,
    gap_s: float = 10.0,
    length_s: float = WindowConfig.length_s,
) -> list[Splitter]:
    """Give the seven protocols from loose to strict.

    Parameters
    ----------
    n_splits, seed : int
        Number of folds and seed of the K-fold protocols.
    meta : DataFrame, optional
        One row per window. When given, a K-fold over fewer clips or participants than `n_splits`
        gets one fold for each of them; otherwise such a frame is refused by the splitter.
    gap_s, length_s : float
        As in `WindowKFoldWithGap`.

    Returns
    -------
    list of Splitter

    Examples
    --------
    >>> for splitter in ladder():
    ...     print(splitter.protocol)
    window-kfold
    window-kfold-gap
    trial-grouped
    clip-grouped
    participant-grouped
    leave-one-participant-out
    leave-one-participant-and-clip-out
    """

    def most(column: str) -> int:
        return n_splits if meta is None else min(n_splits, meta[column].nunique())

    return [
        WindowKFold(n_splits, seed),
        WindowKFoldWithGap(n_splits, gap_s, seed, length_s),
        TrialGroupedKFold(n_splits, seed),
        ClipGroupedKFold(most("clip"), seed),
        ParticipantGroupedKFold(most("participant"), seed),
        LeaveOneParticipantOut(),
        LeaveOneParticipantAndClipOut(),
    ]


def _one_class(folds: list[Fold], labels: np.ndarray) -> bool:
    """Say whether the training windows of a fold are all alike in one of the labels."""
    return any((labels[train] == labels[train[0]]).all(axis=0).any() for train, _ in folds)
