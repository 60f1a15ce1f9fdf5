"""Splitters: who is tested. Folds of windows, and of groups of windows.

Each splitter takes the metadata frame, one row per window, and says what it keeps apart. Those that
leave out whole people or clips, one after the other, are in `ecglib.evaluation.leave_out`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold, StratifiedGroupKFold

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.data.cohort import DATASET
from ecglib.preprocessing.segmentation import WindowConfig

Fold = tuple[np.ndarray, np.ndarray]
"""Training and test rows of the metadata frame."""


class Splitter:
    """What all splitters share: the checks, and the order in which they are made.

    Attributes
    ----------
    protocol : str
        Name of the protocol, as it stands in predictions and tables.
    columns : tuple of str
        Columns of the frame that define a group; the windows of a group stay together.
    needs : tuple of str
        Further columns that the frame must have.

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": [1, 1, 2, 2], "clip": [1, 2, 1, 2]})
    >>> splitter = ParticipantGroupedKFold(n_splits=2, seed=0)
    >>> isinstance(splitter, Splitter), splitter.columns, splitter.get_n_splits(meta)
    (True, ('participant',), 2)
    """

    protocol = ""
    columns: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    @checked
    def split(
        self, meta: pd.DataFrame, y: np.ndarray | None = None, groups: object = None
    ) -> Iterator[Fold]:
        """Split the windows into training and test windows, fold by fold.

        Parameters
        ----------
        meta : DataFrame
            One row per window.
        y : ndarray, shape (n_windows,) or (n_windows, n_labels), optional
            Class labels; checked in every fold, and balanced by stratified splitters.
        groups : object
            Ignored; groups are read from `meta`.

        Returns
        -------
        iterator of (train, test)
            Integer positions of the training and of the test windows.

        Raises
        ------
        DataError
            If the frame lacks a column or has too few groups, or if a fold is empty or has a single
            class among its training windows.
        """
        labels = self._checked(meta, y)
        folds = self._folds(meta, labels)
        for i, (train, test) in enumerate(folds):
            self._check(i, train, test, labels)
        return iter(folds)

    @checked
    def get_n_splits(
        self, meta: pd.DataFrame | None = None, y: object = None, groups: object = None
    ) -> int:
        """Return the number of folds.

        Parameters
        ----------
        meta : DataFrame, optional
            One row per window; splitters without a number of folds of their own need it.
        y : ndarray, optional
            Class labels; only `ecglib.evaluation.leave_out.WithinParticipantKFold` reads them.
        groups : object
            Ignored.

        Returns
        -------
        int

        Raises
        ------
        DataError
            If the frame is needed and missing, or lacks a column.
        """
        raise NotImplementedError

    def _folds(self, meta: pd.DataFrame, labels: np.ndarray | None) -> list[Fold]:
        raise NotImplementedError

    def _checked(self, meta: pd.DataFrame, y: object) -> np.ndarray | None:
        """Refuse a frame that lacks a column; return the labels as (n_windows, n_labels)."""
        for column in (*self.columns, *self.needs):
            if column not in meta.columns:
                raise DataError(
                    f"{type(self).__name__} needs this column and the metadata frame lacks it",
                    field=column,
                    remedy="pool the cohorts with ecglib.data.pool.pool"
                    if column == DATASET
                    else "pass the frame that came with the windows",
                )
            if meta[column].isna().any():
                position = int(np.flatnonzero(meta[column].isna())[0])
                raise DataError(
                    f"{type(self).__name__}: missing value in window {position}", field=column
                )
        if y is None:
            return None
        labels = np.asarray(y)
        if labels.ndim not in (1, 2) or labels.shape[0] != len(meta):
            raise DataError(
                f"{type(self).__name__}: labels of shape {labels.shape} for {len(meta)} windows",
                field="y",
                expected=f"shape ({len(meta)},) or ({len(meta)}, n_labels)",
            )
        return labels.reshape(len(meta), -1)

    def _group_of(self, meta: pd.DataFrame) -> np.ndarray:
        return meta.groupby(list(self.columns), sort=True).ngroup().to_numpy()

    def _check(
        self, i: int, train: np.ndarray, test: np.ndarray, labels: np.ndarray | None
    ) -> None:
        fold = f"{type(self).__name__}, fold {i}"
        if not train.size or not test.size:
            raise DataError(
                f"{fold}: {train.size} training and {test.size} test windows",
                remedy="use fewer folds",
            )
        for j, label in enumerate(() if labels is None else labels.T):
            classes = np.unique(label[train])
            if classes.size < 2:
                raise DataError(
                    f"{fold}: all {train.size} training windows are of class {classes[0]}",
                    field=f"y[:, {j}]" if labels.shape[1] > 1 else "y",
                    expected="at least two classes among the training windows",
                    remedy="use fewer folds, another threshold or another target",
                )


class _KFold(Splitter):
    """A splitter with a number of folds and a seed."""

    unit = ""

    @checked
    def __init__(self, n_splits: int = 10, seed: int = 0) -> None:
        self.n_splits = n_splits
        self.seed = seed

    def get_n_splits(
        self, meta: pd.DataFrame | None = None, y: object = None, groups: object = None
    ) -> int:
        """Return `n_splits`; the arguments are ignored."""
        return self.n_splits

    def _need_units(self, n_units: int, participant: int | None = None) -> None:
        if not 2 <= self.n_splits <= n_units:
            raise DataError(
                f"{type(self).__name__}: {self.n_splits} folds of {n_units} {self.unit}",
                participant=participant,
                field="n_splits",
                expected=f"from 2 to the number of {self.unit}",
            )


class WindowKFold(_KFold):
    """Shuffled K-fold over windows: the released protocol, reported because it was published.

    Windows of one trial, which share one rating, sit on both sides of the split, so the score
    measures recognition of the trial and the person as much as of the emotion.

    Parameters
    ----------
    n_splits, seed : int
        Number of folds and seed of the shuffle.

    References
    ----------
    ``KFold(10, shuffle)`` in ``main.py`` of github.com/pritamqu/SSL-ECG.

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": [1, 1, 1, 2, 2, 2], "clip": [1, 1, 2, 1, 1, 2]})
    >>> for train, test in WindowKFold(n_splits=3, seed=0).split(meta):
    ...     print("train", train, "test", test)
    train [0 1 3 4] test [2 5]
    train [0 2 4 5] test [1 3]
    train [1 2 3 5] test [0 4]
    """

    protocol = "window-kfold"
    unit = "windows"

    def _folds(self, meta: pd.DataFrame, labels: np.ndarray | None) -> list[Fold]:
        self._need_units(len(meta))
        kfold = KFold(self.n_splits, shuffle=True, random_state=self.seed)
        return list(kfold.split(np.arange(len(meta))))


class WindowKFoldWithGap(WindowKFold):
    """`WindowKFold` without the training windows next to a test window.

    The test windows are those of `WindowKFold` with the same seed. A training window is dropped
    where less than `gap_s` seconds of signal lie between it and a test window of the same
    recording. Neighbours then share no slow drift; the trial and its one rating they still share.

    Parameters
    ----------
    n_splits : int
        Number of folds.
    gap_s : float
        Unused signal on each side of every test window, in seconds; 0 drops overlapping windows.
    seed : int
        Seed of the shuffle.
    length_s : float
        Length of a window in seconds. The frame does not hold it; give ``WindowConfig.length_s``.

    Raises
    ------
    DataError
        If `gap_s` is negative or `length_s` is not positive.

    Notes
    -----
    Both leads record the same heart at the same time, so a window of one lead also keeps those of
    the other at bay. Baseline and stimulus are separate recordings if there is a `condition`.

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": 1, "clip": [1] * 6, "start": range(0, 60, 10)})
    >>> for train, test in WindowKFoldWithGap(n_splits=3, gap_s=10, seed=0).split(meta):
    ...     print("train", train, "test", test)
    train [0] test [2 5]
    train [5] test [1 3]
    train [2] test [0 4]
    """

    protocol = "window-kfold-gap"
    needs = ("participant", "clip", "start")

    @checked
    def __init__(
        self,
        n_splits: int = 10,
        gap_s: float = 10.0,
        seed: int = 0,
        length_s: float = WindowConfig.length_s,
    ) -> None:
        super().__init__(n_splits, seed)
        self.gap_s = gap_s
        self.length_s = length_s

    def _folds(self, meta: pd.DataFrame, labels: np.ndarray | None) -> list[Fold]:
        recording = [c for c in ("participant", "clip", "condition") if c in meta]
        rows_of = meta.groupby(recording).indices.values()
        start = meta["start"].to_numpy(dtype=float)
        apart = self.length_s + self.gap_s - 1e-6  # starts are rounded
        folds = []
        for train, test in super()._folds(meta, labels):
            tested = np.zeros(len(meta), dtype=bool)
            tested[test] = True
            near = np.zeros(len(meta), dtype=bool)
            for rows in rows_of:
                to_test = np.abs(start[rows, None] - start[rows[tested[rows]]])
                near[rows] = (to_test < apart).any(axis=1)
            if near[train].all():
                raise DataError(
                    f"{type(self).__name__}, fold {len(folds)}: every training window lies less "
                    f"than {self.gap_s:g} s from a test window",
                    field="gap_s",
                    remedy="use a smaller gap or more folds",
                )
            folds.append((train[~near[train]], test))
        return folds


class _GroupedKFold(_KFold):
    """Stratified K-fold that keeps the windows of a group on one side."""

    def _folds(self, meta: pd.DataFrame, labels: np.ndarray | None) -> list[Fold]:
        group_of = self._group_of(meta)
        self._need_units(np.unique(group_of).size)
        return self._stratified(group_of, labels)

    def _stratified(self, group_of: np.ndarray, labels: np.ndarray | None) -> list[Fold]:
        stratum = np.zeros(group_of.size, dtype=int)
        if labels is not None:
            # Names in an array of objects are sorted only where there is one for each window.
            axis = None if labels.size == len(labels) else 0
            _, code, count = np.unique(labels, axis=axis, return_inverse=True, return_counts=True)
            if count.max() >= self.n_splits:  # else no combination is common enough to balance
                stratum = code.reshape(-1)
        kfold = StratifiedGroupKFold(self.n_splits, shuffle=True, random_state=self.seed)
        with warnings.catch_warnings():
            # A rare combination of labels cannot reach every fold; the others are still balanced.
            warnings.filterwarnings("ignore", message="The least populated class")
            return list(kfold.split(group_of, stratum, group_of))


class TrialGroupedKFold(_GroupedKFold):
    """K-fold over trials: the windows of one participant watching one clip stay together.

    The test participants and the test clips are both known from training.

    Parameters
    ----------
    n_splits, seed : int
        Number of folds and seed of the shuffle.

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": [1, 1, 1, 2, 2, 2], "clip": [1, 1, 2, 1, 1, 2]})
    >>> for train, test in TrialGroupedKFold(n_splits=2, seed=0).split(meta):
    ...     print("train", train, "test", test)
    train [2 5] test [0 1 3 4]
    train [0 1 3 4] test [2 5]
    """

    protocol = "trial-grouped"
    columns = ("participant", "clip")
    unit = "trials"


class ClipGroupedKFold(_GroupedKFold):
    """K-fold over clips: all participants' windows of one clip stay together.

    The test clips are new and the test participants are known from training.

    Parameters
    ----------
    n_splits, seed : int
        Number of folds, at most the number of clips, and seed of the shuffle.

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": [1, 1, 1, 2, 2, 2], "clip": [1, 2, 3, 1, 2, 3]})
    >>> for train, test in ClipGroupedKFold(n_splits=3, seed=0).split(meta):
    ...     print("train", train, "test", test)
    train [0 1 3 4] test [2 5]
    train [0 2 3 5] test [1 4]
    train [1 2 4 5] test [0 3]
    """

    protocol = "clip-grouped"
    columns = ("clip",)
    unit = "clips"


class ParticipantGroupedKFold(_GroupedKFold):
    """K-fold over participants: all windows of one participant stay together.

    The test participants are new and the test clips are known from training.

    Parameters
    ----------
    n_splits, seed : int
        Number of folds, at most the number of participants, and seed of the shuffle.

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": [1, 1, 2, 2, 3, 3], "clip": [1, 2, 1, 2, 1, 2]})
    >>> for train, test in ParticipantGroupedKFold(n_splits=3, seed=0).split(meta):
    ...     print("train", train, "test", test)
    train [0 1 2 3] test [4 5]
    train [0 1 4 5] test [2 3]
    train [2 3 4 5] test [0 1]
    """

    protocol = "participant-grouped"
    columns = ("participant",)
    unit = "participants"
