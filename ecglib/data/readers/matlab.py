"""Recordings in MATLAB v5 files: vectors and matrices with names."""

from __future__ import annotations

from pathlib import Path

import scipy.io

from ecglib.core.errors import DataError
from ecglib.data.matfile import read_variable
from ecglib.data.readers.choice import Leads
from ecglib.data.readers.named_arrays import Stored, recording_of
from ecglib.data.recording import Recording

_NUMBERS = {"double", "single", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32))}


_NUMBERS |= {"int64", "uint64"}


def read_mat(
    path: Path, *, fs: float | None = None, leads: Leads = None, unit: str | None = None
) -> Recording:
    """Read a recording from the variables of a MATLAB file.

    Parameters
    ----------
    path : Path
        A file of version 5 (``-v6`` or ``-v7``). The ECG is the variable named ``ecg`` (or like a
        lead), or the only one long enough; ``fs`` or ``sampling_rate`` may hold its rate, ``leads``
        names of leads, ``unit`` the unit.
    fs : float, optional
        Sampling rate in Hz, if the file has none or a wrong one.
    leads : str, int or sequence of them, optional
        Variables to read, or leads of the one matrix, by name or number.
    unit : str, optional
        Unit of the samples, if the file has none.

    Returns
    -------
    Recording

    Raises
    ------
    DataError
        If the file is damaged or of another format, is DREAMER.mat, or it is not clear which
        variable is the ECG.
    """
    try:
        listed = scipy.io.whosmat(path)
    except Exception as error:  # a damaged file shows in many ways
        read_variable(path, "ecg")  # says what is wrong with it, if it finds it
        raise DataError(
            f"the file cannot be read ({type(error).__name__}: {error})",
            file=path,
            expected="an undamaged MATLAB v5 file",
            remedy="copy it again, or save it again with the option '-v7'",
        ) from error
    if any(name == "DREAMER" for name, _, _ in listed):
        raise DataError(
            "this is a whole cohort in the layout of DREAMER.mat",
            file=path,
            expected="one recording",
            remedy="read it with ecglib.read_dreamer",
        )
    stored = {
        name: Stored(tuple(shape), _kind(of_class))
        for name, shape, of_class in listed
        if not name.startswith("__")
    }

    def read(name: str) -> object:
        return read_variable(path, name)

    return recording_of(stored, read, file=path, fs=fs, leads=leads, unit=unit)


def _kind(of_class: str) -> str:
    if of_class in _NUMBERS:
        return "number"
    return "text" if of_class in ("char", "cell") else of_class
