"""Windows on both sides of a split, found by what they hold and not by what they are called.

`ecglib.evaluation.audit` compares the rows that a split names. It cannot know what the code then
read. `find_shared_windows` takes the two arrays that training and test were really given, after
every reader and every split, and compares their numbers. Each window becomes a digest of 128 bits,
so the cost is one pass over both arrays, a few megabytes at a time.

Only equal windows count. Pieces of recordings that were shifted, or saved in another unit, are
found by `ecglib.data.duplicates`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
import pandas as pd

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError

_BLOCK = 1 << 20  # values that are converted at a time


@checked
def find_shared_windows(train: np.ndarray, test: np.ndarray) -> pd.DataFrame:
    """List the windows of the test side that the training side holds too.

    Parameters
    ----------
    train, test : ndarray, shape (n_windows, ...)
        Windows or features as the two sides got them, of one shape but for their number.

    Returns
    -------
    DataFrame
        One row per test window that is a training window: ``test`` (its row in `test`), ``train``
        (the first row of `train` that is equal) and ``n_train`` (how many are). Empty if none is.

    Raises
    ------
    DataError
        If an array has no windows or fewer than two values a window, is not of real numbers or
        holds one that is not finite, or if the windows of the two differ in shape.

    Notes
    -----
    Where one array is in single and the other in double precision, they are compared in single. A
    window with one value throughout, such as a flat line, is like any other and counts as none.

    Examples
    --------
    >>> ecg = np.random.default_rng(0).normal(size=(6, 2560))
    >>> find_shared_windows(ecg[:4], ecg[4:]).empty
    True
    >>> find_shared_windows(ecg[:4], ecg[[5, 3, 0]])
       test  train  n_train
    0     1      3        1
    1     2      0        1
    """
    train, test = _checked(train, "train"), _checked(test, "test")
    if train.shape[1:] != test.shape[1:]:
        raise DataError(
            f"training windows of shape {train.shape[1:]} and test windows of {test.shape[1:]}",
            field="test",
            expected="windows of one shape on both sides",
        )
    dtype = np.result_type(train, test)
    if train.dtype.kind == test.dtype.kind == "f" and train.dtype != test.dtype:
        dtype = np.dtype(np.float32)
    places: dict[bytes, list[int]] = {}
    for row, digest in _digests(train, dtype, "train"):
        places.setdefault(digest, []).append(row)
    found = [
        (row, places[digest][0], len(places[digest]))
        for row, digest in _digests(test, dtype, "test")
        if digest in places
    ]
    return pd.DataFrame(found, columns=["test", "train", "n_train"], dtype=np.int64)


@checked
def refuse_shared_windows(train: np.ndarray, test: np.ndarray) -> None:
    """Raise a DataError if a window of the test side is on the training side too.

    Parameters
    ----------
    train, test : ndarray, shape (n_windows, ...)
        As in `find_shared_windows`.

    Raises
    ------
    DataError
        If any is, with their number and the first pair; and as in `find_shared_windows`.

    Examples
    --------
    >>> ecg = np.random.default_rng(0).normal(size=(6, 2560))
    >>> refuse_shared_windows(ecg[:4], ecg[4:])
    >>> refuse_shared_windows(ecg[:4], ecg[2:])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: field test: 2 of 4 test windows are training windows: row 0 ...
    """
    shared = find_shared_windows(train, test)
    if shared.empty:
        return
    first = shared.iloc[0]
    raise DataError(
        f"{len(shared)} of {len(test)} test windows are training windows: row {first['test']} of "
        f"the test side is row {first['train']} of the training side"
        + ", and so on"
        * (len(shared) > 1),
        field="test",
        expected="no window on both sides of a split",
        remedy="print which people each side's reader opens, and compare them with the split",
    )


def _checked(windows: np.ndarray, side: str) -> np.ndarray:
    windows = np.asarray(windows)
    if windows.dtype.kind not in "biuf":
        raise DataError(f"an array of {windows.dtype}", field=side, expected="real numbers")
    if windows.ndim < 2 or not len(windows) or windows[0].size < 2:
        raise DataError(
            f"an array of shape {windows.shape}",
            field=side,
            expected="one or more windows of two or more values each",
        )
    return windows


def _digests(windows: np.ndarray, dtype: np.dtype, side: str) -> Iterator[tuple[int, bytes]]:
    """Yield the row and the digest of every window that is not one value throughout."""
    step = max(1, _BLOCK // windows[0].size)
    for start in range(0, len(windows), step):
        part = windows[start : start + step].reshape(-1, windows[0].size)
        bad = ~np.isfinite(part)
        if bad.any():
            row, sample = np.argwhere(bad)[0]
            raise DataError(
                f"window {start + row} holds {part[row, sample]} at sample {sample}",
                field=side,
                expected="finite numbers",
            )
        part = part.astype(dtype)
        part += dtype.type(0)  # minus zero is zero
        for row in np.flatnonzero((part != part[:, :1]).any(axis=1)):
            yield start + int(row), hashlib.blake2b(part[row].tobytes(), digest_size=16).digest()
