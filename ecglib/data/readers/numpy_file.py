"""Recordings in NumPy files: one array (NPY) or several with names (NPZ); pickles are refused."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.core.limits import check_growth, numbers_fill
from ecglib.core.npz import ArrayFile, read_header
from ecglib.data.readers.choice import Leads, stated_rate, stated_unit
from ecglib.data.readers.named_arrays import Stored, long_first, recording_of
from ecglib.data.recording import MAX_VALUES, Recording

_KINDS = {**dict.fromkeys("iuf", "number"), **dict.fromkeys("US", "text")}


@checked
def read_npy(
    path: Path, *, fs: float | None = None, leads: Leads = None, unit: str | None = None
) -> Recording:
    """Read a recording from one array, (n_samples,), or samples and leads in either order.

    Parameters
    ----------
    path : Path
        The file.
    fs : float
        Sampling rate in Hz, which such a file does not hold.
    leads : str, int or sequence of them, optional
        Leads to keep, by number; all by default.
    unit : str, optional
        Unit of the samples.

    Returns
    -------
    Recording
        The longer direction is time.

    Raises
    ------
    DataError
        If the file is damaged, holds something else, or no rate is given.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "anna.npy")
    >>> np.save(path, np.sin(np.arange(5000) / 9))
    >>> read_npy(path, fs=500.0)
    <Recording 'anna': ECG; 10.0 s at 500 Hz>
    """
    try:
        with path.open("rb") as stream:
            shape, _, kind = read_header(stream, path.stat().st_size)
        _stored(shape, kind)
        x = np.array(np.load(path, mmap_mode="r", allow_pickle=False))
    except Exception as error:  # a damaged header shows in many ways
        raise _damaged(error, path) from error
    recording = Recording(
        long_first(x, file=path, field="the array"),
        stated_rate(fs, None, file=path, where="place for it in an NPY file"),
        unit=stated_unit(unit, "", file=path),
        name=path.stem,
        file=str(path),
    )
    return recording if leads is None else recording.select(leads)


@checked
def read_npz(
    path: Path, *, fs: float | None = None, leads: Leads = None, unit: str | None = None
) -> Recording:
    """Read a recording from the named arrays of an NPZ file.

    Parameters
    ----------
    path : Path
        The file. The ECG is the array named ``ecg`` (or like a lead), or the only one long enough;
        ``fs`` or ``sampling_rate`` may hold its rate, ``leads`` names of leads, ``unit`` the unit.
    fs : float, optional
        Sampling rate in Hz, if the file has none or a wrong one.
    leads : str, int or sequence of them, optional
        Arrays to read, or leads of the one array, by name or number.
    unit : str, optional
        Unit of the samples, if the file has none.

    Returns
    -------
    Recording

    Raises
    ------
    DataError
        If the file is damaged, or it is not clear which array is the ECG.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "anna.npz")
    >>> np.savez(path, ecg=np.sin(np.arange(5000) / 9), fs=500, unit="mV")
    >>> read_npz(path)
    <Recording 'anna': ECG; 10.0 s at 500 Hz, mV>
    """
    try:
        with ArrayFile(path) as arrays:
            stored = {name: _stored(*arrays.header(name)) for name in arrays.names}
            filled = 0

            def read(name: str) -> np.ndarray:
                nonlocal filled
                shape, kind = arrays.header(name)
                filled += numbers_fill(math.prod(shape), kind)
                check_growth(path.stat().st_size, filled, file=path, field=name[:63])
                return arrays.read(name)

            return recording_of(stored, read, file=path, fs=fs, leads=leads, unit=unit)
    except DataError:
        raise
    except Exception as error:  # a damaged archive shows in many ways
        raise _damaged(error, path) from error


def _stored(shape: tuple[int, ...], kind: np.dtype) -> Stored:
    count = math.prod(shape)
    if count > MAX_VALUES:
        raise ValueError(f"{count} numbers; at most {MAX_VALUES} are read")
    return Stored(shape, _KINDS.get(kind.kind, str(kind)[:40]))


def _damaged(error: Exception, path: Path) -> DataError:
    return DataError(
        f"the file cannot be used ({type(error).__name__}: {error})",
        file=path,
        expected="an undamaged NumPy file of numbers",
        remedy="write it again with numpy.save or numpy.savez",
    )
