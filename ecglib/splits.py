"""Who is tested: cross-validation splitters over the metadata frame, from loose to strict.

A splitter has scikit-learn's interface, ``split(meta, y=None, groups=None)`` and
``get_n_splits(meta)``, and reads what it groups by from columns of the frame (`groups` is ignored).
Every fold is made and checked before the first one is handed out: a frame that lacks a column, has
too few groups, or gives a fold whose training windows hold one class of a label is refused by name.
`ladder` gives seven of them, from loose to strict; `WithinParticipantKFold` stands beside them.

``y`` may be one label per window, shape (n,), or several, shape (n, n_labels); a stratified
splitter balances their combinations over the folds. Without ``y`` it balances fold sizes.
"""

import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold, LeaveOneGroupOut, StratifiedGroupKFold

from ecglib.errors import DataError
from ecglib.windows import WindowConfig

Fold = tuple[np.ndarray, np.ndarray]


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
    """

    protocol = ""
    columns: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

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

    def get_n_splits(
        self, meta: pd.DataFrame | None = None, y: object = None, groups: object = None
    ) -> int:
        """Return the number of folds.

        Parameters
        ----------
        meta : DataFrame, optional
            One row per window; splitters without a number of folds of their own need it.
        y : ndarray, optional
            Class labels; only `WithinParticipantKFold` reads them.
        groups : object
            Ignored.

        Returns
        -------
        int
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
                    remedy="pass the frame that came with the windows",
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

    def __init__(
        self,
        n_splits: int = 10,
        gap_s: float = 10.0,
        seed: int = 0,
        length_s: float = WindowConfig.length_s,
    ) -> None:
        super().__init__(n_splits, seed)
        if not (gap_s >= 0 and length_s > 0):
            raise DataError(
                f"gap of {gap_s} s, windows of {length_s} s",
                field="gap_s, length_s",
                expected="a gap of 0 s or more, windows longer than 0 s",
            )
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


class _LeaveOneOut(Splitter):
    """One fold per group, in the order of the groups."""

    def get_n_splits(
        self, meta: pd.DataFrame | None = None, y: object = None, groups: object = None
    ) -> int:
        """Return the number of groups in `meta`; `y` and `groups` are ignored."""
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

    def __init__(self, n_splits: int = 5, seed: int = 0) -> None:
        super().__init__(n_splits, seed)

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

    def get_n_splits(
        self,
        meta: pd.DataFrame | None = None,
        y: np.ndarray | None = None,
        groups: object = None,
    ) -> int:
        """Return `n_splits` for each participant of `meta` who is not left out for `y`."""
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
                f"WithinParticipantKFold leaves out {len(left_out)} participants, whose training "
                f"windows are of one class in some fold: {', '.join(map(str, left_out))}",
                stacklevel=3,
            )
        return kept

    def _of_participants(
        self, meta: pd.DataFrame, labels: np.ndarray | None
    ) -> Iterator[tuple[int, list[Fold]]]:
        trial = self._group_of(meta)
        for participant, rows in sorted(meta.groupby("participant").indices.items()):
            self._need_units(np.unique(trial[rows]).size, participant)
            own = self._stratified(trial[rows], None if labels is None else labels[rows])
            yield int(participant), [(rows[train], rows[test]) for train, test in own]


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
    """Whether the training windows of a fold are all alike in one of the labels."""
    return any((labels[train] == labels[train[0]]).all(axis=0).any() for train, _ in folds)
