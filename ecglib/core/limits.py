"""How much memory the bytes of a file may fill, whatever the file says of itself.

Compressed bytes can stand for a thousand times as many, so that a small file could fill a machine.
No recording shrinks so far: samples of an ECG or an EEG, however they are stored, to a tenth.
"""

from __future__ import annotations

import os

import numpy as np

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError

FREE = 2**26
"""Bytes that any file may fill, however small it is: 64 MiB."""


GROWTH = 32
"""What fills more than `FREE` may be so many times as large as the bytes that it comes from."""


@checked
def may_fill(stored: int) -> int:
    """Give how many bytes of memory so many bytes of a file may fill.

    Parameters
    ----------
    stored : int
        Bytes in the file.

    Returns
    -------
    int

    Examples
    --------
    >>> may_fill(500_000) == FREE, may_fill(100_000_000)
    (True, 3200000000)
    """
    checks.whole("stored", stored, 0)
    return max(FREE, GROWTH * stored)


@checked
def numbers_fill(count: int, dtype: np.dtype) -> int:
    """Give how many bytes stored numbers fill, together with the floating point made of them.

    Parameters
    ----------
    count : int
        How many numbers.
    dtype : dtype
        How they are stored.

    Returns
    -------
    int

    Examples
    --------
    >>> numbers_fill(10, np.dtype("int16")), numbers_fill(10, np.dtype("float64"))
    (60, 160)
    """
    checks.whole("count", count, 0)
    single = dtype.itemsize <= 2 or dtype == np.float32
    return count * (dtype.itemsize + (4 if single else 8))


@checked
def check_growth(
    stored: int,
    grown: int,
    *,
    file: str | os.PathLike[str],
    field: str | None = None,
    remedy: str = "if it is genuine, save it again without compression",
) -> None:
    """Refuse what would fill more memory than the bytes in its file may.

    Parameters
    ----------
    stored : int
        Bytes in the file.
    grown : int
        Bytes that they become.
    file, field
        Where they stand, for the message.
    remedy : str
        What to do about a genuine file.

    Raises
    ------
    DataError
        If that is more than `may_fill` allows.

    Examples
    --------
    >>> check_growth(500_000, 500_000_000, file="bomb.npz")
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: bomb.npz: 500000 bytes would become 500000000. Expected at most \
67108864 bytes, or 32 times what is stored. To fix it: if it is genuine, save it again without \
compression.
    """
    if grown > may_fill(stored):
        raise DataError(
            f"{stored} bytes would become {grown}",
            file=file,
            field=field,
            expected=f"at most {FREE} bytes, or {GROWTH} times what is stored",
            remedy=remedy,
        )
