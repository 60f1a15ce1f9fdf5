"""Who is tested: cross-validation splitters over the metadata frame, from loose to strict.

A splitter has scikit-learn's interface, ``split(meta, y=None, groups=None)`` and
``get_n_splits(meta)``, and reads what it groups by from columns of the frame (`groups` is ignored).
Every fold is made and checked before the first one is handed out: a frame that lacks a column, has
too few groups, or gives a fold whose training windows hold one class of a label is refused by name.

``y`` may be one label per window, shape (n,), or several, shape (n, n_labels); a stratified
splitter balances their combinations over the folds. Without ``y`` it balances fold sizes.
"""

import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold, LeaveOneGroupOut, StratifiedGroupKFold

from ecglib.errors import DataError

Fold = tuple[np.ndarray, np.ndarray]


class Splitter:
    """What all splitters share: the checks, and the order in which they are made.

    Attributes
    ----------
    protocol : str
        Name of the protocol, as it stands in predictions and tables.
    columns : tuple of str
        Columns of the frame that define a group; the windows of a group stay together.
    """

    protocol = ""
    columns: tuple[str, ...] = ()

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
        group_of = self._group_of(meta)
        labels = None if y is None else _as_columns(y, len(meta), type(self).__name__)
        folds = self._folds(group_of, labels)
        for i, (train, test) in enumerate(folds):
            self._check(i, train, test, labels)
        return iter(folds)

    def get_n_splits(
        self, meta: pd.DataFrame | None = None, y: object = None, groups: object = None
    ) -> int:
        """Return the number of folds.

        Parameters
        ----------
        meta : DataFrame, optional
            One row per window; only leave-one-participant-out needs it.
        y, groups : object
            Ignored.

        Returns
        -------
        int
        """
        raise NotImplementedError

    def _folds(self, group_of: np.ndarray, labels: np.ndarray | None) -> list[Fold]:
        raise NotImplementedError

    def _group_of(self, meta: pd.DataFrame) -> np.ndarray:
        for column in self.columns:
            if column not in meta.columns:
                raise DataError(
                    f"{type(self).__name__} needs this column and the metadata frame lacks it",
                    field=column,
                    remedy="pass the frame that came with the windows",
                )
            if meta[column].isna().any():
                position = int(np.flatnonzero(meta[column].isna())[0])
                raise DataError(
                    f"{type(self).__name__}: missing value in window {position}", field=column
                )
        if not self.columns:
            return np.arange(len(meta))
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


class WindowKFold(Splitter):
    """Shuffled K-fold over windows: the released protocol, reported because it was published.

    Windows of one trial, which share one rating, sit on both sides of the split, so the score
    measures recognition of the trial and the person as much as of the emotion.

    Parameters
    ----------
    n_splits : int
        Number of folds.
    seed : int
        Seed of the shuffle.

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

    def __init__(self, n_splits: int = 10, seed: int = 0) -> None:
        self.n_splits = n_splits
        self.seed = seed

    def get_n_splits(
        self, meta: pd.DataFrame | None = None, y: object = None, groups: object = None
    ) -> int:
        """Return `n_splits`; the arguments are ignored."""
        return self.n_splits

    def _folds(self, group_of: np.ndarray, labels: np.ndarray | None) -> list[Fold]:
        _need_groups(self, group_of.size, "windows")
        kfold = KFold(self.n_splits, shuffle=True, random_state=self.seed)
        return list(kfold.split(group_of))


class _GroupedKFold(Splitter):
    """Stratified K-fold that keeps the windows of a group on one side."""

    group_name = ""

    def __init__(self, n_splits: int = 10, seed: int = 0) -> None:
        self.n_splits = n_splits
        self.seed = seed

    def get_n_splits(
        self, meta: pd.DataFrame | None = None, y: object = None, groups: object = None
    ) -> int:
        """Return `n_splits`; the arguments are ignored."""
        return self.n_splits

    def _folds(self, group_of: np.ndarray, labels: np.ndarray | None) -> list[Fold]:
        _need_groups(self, np.unique(group_of).size, self.group_name)
        stratum = np.zeros(group_of.size, dtype=int)
        if labels is not None:
            _, code, count = np.unique(labels, axis=0, return_inverse=True, return_counts=True)
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
    n_splits : int
        Number of folds.
    seed : int
        Seed of the shuffle.

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
    group_name = "trials"


class ClipGroupedKFold(_GroupedKFold):
    """K-fold over clips: all participants' windows of one clip stay together.

    The test clips are new and the test participants are known from training.

    Parameters
    ----------
    n_splits : int
        Number of folds, at most the number of clips.
    seed : int
        Seed of the shuffle.

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
    group_name = "clips"


class ParticipantGroupedKFold(_GroupedKFold):
    """K-fold over participants: all windows of one participant stay together.

    The test participants are new and the test clips are known from training.

    Parameters
    ----------
    n_splits : int
        Number of folds, at most the number of participants.
    seed : int
        Seed of the shuffle.

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
    group_name = "participants"


class LeaveOneParticipantOut(Splitter):
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

    def get_n_splits(
        self, meta: pd.DataFrame | None = None, y: object = None, groups: object = None
    ) -> int:
        """Return the number of participants in `meta`; `y` and `groups` are ignored."""
        if meta is None:
            raise DataError("LeaveOneParticipantOut needs the metadata frame", field="meta")
        return int(np.unique(self._group_of(meta)).size)

    def _folds(self, group_of: np.ndarray, labels: np.ndarray | None) -> list[Fold]:
        if np.unique(group_of).size < 2:
            raise DataError(
                "LeaveOneParticipantOut: the frame has one participant",
                field="participant",
                expected="at least two",
            )
        return list(LeaveOneGroupOut().split(group_of, groups=group_of))


def _as_columns(y: np.ndarray, n_windows: int, who: str) -> np.ndarray:
    labels = np.asarray(y)
    if labels.ndim not in (1, 2) or labels.shape[0] != n_windows:
        raise DataError(
            f"{who}: labels of shape {labels.shape} for {n_windows} windows",
            field="y",
            expected=f"shape ({n_windows},) or ({n_windows}, n_labels)",
        )
    return labels.reshape(n_windows, -1)


def _need_groups(splitter: WindowKFold | _GroupedKFold, n_groups: int, name: str) -> None:
    if not 2 <= splitter.n_splits <= n_groups:
        raise DataError(
            f"{type(splitter).__name__}: {splitter.n_splits} folds of {n_groups} {name}",
            field="n_splits",
            expected=f"from 2 to the number of {name}",
        )
