"""Cross-fitting: participants in groups, and for each group an encoder that never saw it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.core.words import counted
from ecglib.evaluation.splits import Fold


@checked
def participant_groups(
    participants: Iterable[int | str], n_groups: int = 2, seed: int = 0
) -> list[np.ndarray]:
    """Put participants into groups of nearly equal size.

    Parameters
    ----------
    participants : iterable of int or str
        Participants, each once or more, such as the column of a metadata frame.
    n_groups : int
        Number of groups, or fewer where there are fewer participants.
    seed : int
        Seed of the draw.

    Returns
    -------
    list of ndarray
        The participants of each group, sorted.

    Raises
    ------
    DataError
        If there would be fewer than two groups.

    Examples
    --------
    >>> participant_groups([1, 1, 2, 3, 4], n_groups=2)
    [array([1, 3]), array([2, 4])]
    """
    people = np.unique(np.asarray(list(participants)))
    n_groups = min(n_groups, len(people))
    if n_groups < 2:
        raise DataError(
            f"{counted(len(people), 'participant')} in {counted(n_groups, 'group')}",
            expected="at least 2 of each, so that some can be left out of pretraining",
        )
    shuffled = np.random.default_rng(seed).permutation(people)
    return [np.sort(group) for group in np.array_split(shuffled, n_groups)]


@checked
def group_of(groups: Sequence[np.ndarray]) -> dict[int | str, int]:
    """Give the number of each participant's group.

    Parameters
    ----------
    groups : sequence of ndarray
        From `participant_groups`.

    Returns
    -------
    dict of int or str to int

    Examples
    --------
    >>> group_of([np.array([1, 3]), np.array([2, 4])])
    {1: 0, 3: 0, 2: 1, 4: 1}
    """
    return {p: g for g, group in enumerate(groups) for p in np.asarray(group).tolist()}


@checked
def group_of_folds(
    meta: pd.DataFrame, folds: Sequence[Fold], groups: Sequence[np.ndarray]
) -> list[int]:
    """Give the group of each fold's test participants: the encoder of which serves the fold.

    Parameters
    ----------
    meta : DataFrame
        One row per window.
    folds : sequence of (train, test)
        Rows of `meta`.
    groups : sequence of ndarray
        From `participant_groups`.

    Returns
    -------
    list of int

    Raises
    ------
    DataError
        If a fold tests participants of several groups, or of none: no encoder is strict for it. If
        the frame names no participants.

    Examples
    --------
    >>> meta = pd.DataFrame({"participant": [1, 2, 3, 4]})
    >>> folds = [(np.array([1, 2, 3]), np.array([0])), (np.array([0, 2, 3]), np.array([1]))]
    >>> group_of_folds(meta, folds, [np.array([1, 3]), np.array([2, 4])])
    [0, 1]
    """
    checks.frame("meta", meta, ["participant"])
    of_person = group_of(groups)
    people = meta["participant"].to_numpy()
    numbers = []
    for fold, (_, test) in enumerate(folds):
        found = {of_person.get(p) for p in np.unique(people[test]).tolist()}
        if len(found) != 1 or None in found:
            raise DataError(
                f"fold {fold} tests participants of {len(found)} groups",
                field="groups",
                expected="folds whose participants are all of one group",
                remedy="use LeaveOneParticipantOut, or features of one encoder",
            )
        numbers.append(found.pop())
    return numbers
