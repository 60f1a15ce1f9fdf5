import doctest

import numpy as np
import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.evaluation import audit, copies
from ecglib.evaluation.copies import find_shared_windows, refuse_shared_windows
from ecglib.evaluation.leave_out import LeaveOneParticipantOut
from ecglib.evaluation.protocols import NONE, TEST

ECG = np.random.default_rng(0).normal(size=(12, 640)).astype(np.float32)


def test_examples_in_docstrings() -> None:
    assert doctest.testmod(copies).failed == 0


def test_copies_are_found_wherever_they_lie_and_counted() -> None:
    train, test = ECG[[4, 2, 4, 0, 7]], ECG[[1, 4, 9, 0]]
    assert find_shared_windows(train, test).to_numpy().tolist() == [[1, 0, 2], [3, 3, 1]]


def test_windows_of_one_recording_that_are_not_equal_are_not_shared() -> None:
    nearly = ECG.copy()
    nearly[:, 100] = np.nextafter(nearly[:, 100], np.float32(9))
    assert find_shared_windows(ECG, nearly).empty
    assert find_shared_windows(ECG, np.roll(ECG, 1, axis=1)).empty
    assert find_shared_windows(ECG, 2 * ECG).empty


@pytest.mark.parametrize("block", [1, 640, 5000])
def test_the_size_of_a_block_changes_nothing(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(copies, "_BLOCK", block)
    assert find_shared_windows(ECG[:8], ECG[6:])["test"].tolist() == [0, 1]


@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.float64])
def test_the_type_of_the_numbers_does_not_hide_a_copy(dtype: type) -> None:
    counts = np.random.default_rng(1).integers(-2000, 2000, (5, 50)).astype(np.int16)
    assert len(find_shared_windows(counts, counts.astype(dtype))) == 5
    assert len(find_shared_windows(counts.astype(dtype), counts)) == 5


def test_a_copy_saved_in_single_precision_is_one() -> None:
    double = np.random.default_rng(2).normal(size=(4, 50))
    assert len(find_shared_windows(double, double.astype(np.float32))) == 4
    assert len(find_shared_windows(double.astype(np.float32), double)) == 4


def test_minus_zero_is_zero() -> None:
    window = np.array([[0.0, 1.0, 0.0]])
    assert len(find_shared_windows(window, np.array([[-0.0, 1.0, -0.0]]))) == 1


def test_a_flat_line_is_no_copy_of_another() -> None:
    train, test = ECG[:3].copy(), ECG[2:5].copy()
    train[0] = test[1] = 0.0
    assert find_shared_windows(train, test)["test"].tolist() == [0]


def test_several_leads_and_views_of_other_arrays() -> None:
    leads = np.stack([ECG, -ECG], axis=2)
    shared = find_shared_windows(leads[:6], leads[::-1])
    assert shared["test"].tolist() == list(range(6, 12))
    assert shared["train"].tolist() == [5, 4, 3, 2, 1, 0]
    swapped = leads[:, :, ::-1]
    assert find_shared_windows(leads, swapped).empty


def test_the_arrays_are_not_changed() -> None:
    before = ECG.copy()
    find_shared_windows(ECG[:6], ECG[6:])
    np.testing.assert_array_equal(ECG, before)


def test_a_reader_that_ignores_its_argument_is_found_where_the_split_is_right() -> None:
    """The case that rows cannot show: the folds are clean, and the arrays are not."""
    people = pd.MultiIndex.from_product([range(1, 6), [1, 2, 3]], names=["participant", "clip"])
    meta = people.to_frame(index=False).assign(start=0.0)
    ecg = np.random.default_rng(3).normal(size=(len(meta), 64))
    uses = []
    for fold, (train, test) in enumerate(LeaveOneParticipantOut().split(meta)):
        uses += [audit.Use(fold, TEST, test), audit.Use(fold, "head", train)]
        assert find_shared_windows(ecg[train], ecg[test]).empty
        read = train  # what the careless reader gives, whoever is asked for
        assert len(find_shared_windows(ecg[train], ecg[read])) == len(train)
    assert audit.find_leaks(meta, uses, LeaveOneParticipantOut.protocol, NONE).empty


def test_shared_windows_are_refused_with_their_number_and_place() -> None:
    refuse_shared_windows(ECG[:6], ECG[6:])
    with pytest.raises(DataError, match=r"3 of 7 test windows .*row 0 .* is row 5 .*, and so on"):
        refuse_shared_windows(ECG[[0, 1, 2, 3, 4, 5, 6, 7]], ECG[5:])
    with pytest.raises(DataError, match=r"1 of 1 test windows .* row 2 of the training side\."):
        refuse_shared_windows(ECG, ECG[2:3])


NAN = np.where(np.arange(640) == 7, np.nan, ECG)


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        (ECG, ECG[:, :600], r"shape \(640,\) and test windows of \(600,\)"),
        (ECG[:0], ECG, r"field train: an array of shape \(0, 640\)"),
        (ECG, ECG[0], r"field test: an array of shape \(640,\)"),
        (ECG, ECG[:, :1], r"field test: an array of shape \(12, 1\)"),
        (ECG.astype(str), ECG, "field train: an array of <U"),
        (ECG, ECG * 1j, "field test: an array of complex"),
        (ECG, NAN, "field test: window 0 holds nan at sample 7"),
        (NAN, ECG, "field train: window 0 holds nan"),
        (ECG, np.where(ECG > 3, np.inf, ECG), r"field test: window \d+ holds inf"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    train: np.ndarray, test: np.ndarray, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        find_shared_windows(train, test)
