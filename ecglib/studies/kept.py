"""What the files of encoders and of features must hold, before anything is computed with them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ecglib.core.annotations import checked
from ecglib.core.arrays import check_finite
from ecglib.core.errors import DataError

TRAINED_ON = "trained_on"
"""Name of the array of an encoder's file that holds the participants whom it was trained on."""


@checked
def check_encoder(
    arrays: Mapping[str, np.ndarray], shown: np.ndarray, rows: np.ndarray | None = None
) -> None:
    """Refuse an encoder that was trained or tried on others than it should, or is not finite.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        As they were read.
    shown : ndarray, shape (n_people,)
        Participants that it should have been trained on.
    rows : ndarray of int, optional
        Windows that it should have been tried on.

    Raises
    ------
    DataError
        Names the array.

    Examples
    --------
    >>> check_encoder({"trained_on": np.array([1, 2, 3])}, shown=np.array([1, 2]))
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: field trained_on: participants 1, 2, 3. Expected participants \
1, 2: everyone outside the group.
    """
    wanted = {TRAINED_ON: (shown, "participants", "everyone outside the group")}
    if rows is not None:
        wanted["heldout_rows"] = (rows, "windows", "the group's")
    for name, (expected, what, whose) in wanted.items():
        found = arrays.get(name)
        if found is None or not np.array_equal(found, expected):
            raise DataError(
                "does not say which" if found is None else f"{what} {_listed(found)}",
                field=name,
                expected=f"{what} {_listed(expected)}: {whose}",
            )
    check_finite(arrays)


@checked
def check_features(arrays: Mapping[str, np.ndarray], n_windows: int) -> None:
    """Refuse features that are not one finite row for every window.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Features by name.
    n_windows : int
        Number of windows that they are of.

    Raises
    ------
    DataError
        Names the array.

    Examples
    --------
    >>> check_features({"features": np.zeros((3, 256), "float32")}, n_windows=4)
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: field features: array of shape (3, 256). Expected 4 rows, one \
per window.
    """
    for name, array in arrays.items():
        if array.ndim != 2 or len(array) != n_windows:
            raise DataError(
                f"array of shape {array.shape}",
                field=name,
                expected=f"{n_windows} rows, one per window",
            )
    check_finite(arrays)


def _listed(values: np.ndarray) -> str:
    shown = ", ".join(map(str, values.ravel()[:12].tolist()))
    return shown if values.size <= 12 else f"{shown} and {values.size - 12} more"
