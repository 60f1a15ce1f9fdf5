"""Groups of participants, and which group's encoder serves a fold."""

import doctest

import numpy as np
import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.evaluation import crossfit
from ecglib.evaluation.crossfit import group_of, group_of_folds, participant_groups
from ecglib.evaluation.leave_out import LeaveOneParticipantOut
from ecglib.evaluation.splits import ParticipantGroupedKFold, WindowKFold


def test_examples_in_docstrings() -> None:
    assert doctest.testmod(crossfit).failed == 0


@pytest.mark.parametrize(("n_people", "n_groups", "sizes"), [(23, 3, [8, 8, 7]), (2, 2, [1, 1])])
def test_groups_are_of_nearly_equal_size_and_hold_everybody_once(n_people, n_groups, sizes) -> None:
    groups = participant_groups(range(1, n_people + 1), n_groups)
    assert [group.size for group in groups] == sizes
    assert np.sort(np.concatenate(groups)).tolist() == list(range(1, n_people + 1))
    assert all((np.diff(group) > 0).all() for group in groups)


def test_groups_depend_on_who_takes_part_and_on_the_seed_alone() -> None:
    people = np.repeat([7, 3, 1, 12, 5, 9], [1, 4, 2, 3, 3, 2])
    groups = [g.tolist() for g in participant_groups(people, 3, seed=4)]
    assert groups == [g.tolist() for g in participant_groups([1, 3, 5, 7, 9, 12], 3, seed=4)]
    assert groups == [g.tolist() for g in participant_groups(pd.Series(people[::-1]), 3, seed=4)]
    others = [[g.tolist() for g in participant_groups(people, 3, seed=s)] for s in range(8)]
    assert any(groups != other for other in others)


def test_there_are_no_more_groups_than_people_and_no_fewer_than_two() -> None:
    assert [g.tolist() for g in participant_groups([4, 2, 4], 5)] in ([[2], [4]], [[4], [2]])
    with pytest.raises(DataError, match=r"1 participant in 1 group[.]"):
        participant_groups([4, 4], 3)
    with pytest.raises(DataError, match=r"6 participants in 1 group[.]"):
        participant_groups(range(6), 1)


def test_everybody_is_found_in_their_group() -> None:
    assert group_of([np.array([2, 5]), np.array([1]), np.array([9])]) == {2: 0, 5: 0, 1: 1, 9: 2}


META = pd.DataFrame({"participant": np.repeat([4, 1, 3, 2], 6), "clip": np.tile([1, 2, 3], 8)})
GROUPS = [np.array([1, 2]), np.array([3, 4])]


def test_each_fold_gets_the_group_that_it_tests() -> None:
    folds = list(LeaveOneParticipantOut().split(META))
    assert group_of_folds(META, folds, GROUPS) == [0, 0, 1, 1]  # participants 1 to 4
    assert group_of_folds(META, folds[::-1], GROUPS) == [1, 1, 0, 0]
    pairs = [(np.arange(12), np.flatnonzero(META["participant"].isin(g))) for g in GROUPS]
    assert group_of_folds(META, pairs, GROUPS) == [0, 1]


def test_a_fold_without_a_strict_encoder_is_refused() -> None:
    mixed = list(WindowKFold(2, seed=0).split(META))
    with pytest.raises(DataError, match="fold 0 tests participants of 2 groups"):
        group_of_folds(META, mixed, GROUPS)
    folds = list(LeaveOneParticipantOut().split(META))
    with pytest.raises(DataError, match="field groups: fold 2 tests participants of 1 groups"):
        group_of_folds(META, folds, [np.array([1, 2]), np.array([4])])  # 3 is in no group
    halves = list(ParticipantGroupedKFold(2, seed=0).split(META))
    with pytest.raises(DataError):
        group_of_folds(META, halves, [np.array([p]) for p in (1, 2, 3, 4)])


def test_people_may_have_names() -> None:
    groups = participant_groups(["anna", "ben", "anna", "cleo", "dora"])
    assert sorted(np.concatenate(groups).tolist()) == ["anna", "ben", "cleo", "dora"]
    assert group_of([["anna"], ["ben", "cleo"]]) == {"anna": 0, "ben": 1, "cleo": 1}
