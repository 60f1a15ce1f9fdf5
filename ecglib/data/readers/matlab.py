"""Recordings in MATLAB v5 files: vectors and matrices with names."""

from __future__ import annotations

from pathlib import Path

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.data.mat_arrays import Unreadable
from ecglib.data.matfile import list_variables, read_variable
from ecglib.data.readers.choice import Leads
from ecglib.data.readers.named_arrays import Stored, recording_of
from ecglib.data.recording import Recording

_NUMBERS = {"double", "single", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32))}


_NUMBERS |= {"int64", "uint64"}


@checked
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

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from scipy.io import savemat
    >>> path = Path(tempfile.mkdtemp(), "anna.mat")
    >>> savemat(path, {"ecg": np.sin(np.arange(5000) / 9), "fs": 500.0, "unit": "mV"})
    >>> read_mat(path)
    <Recording 'anna': ECG; 10.0 s at 500 Hz, mV>
    """
    listed = list_variables(path)
    if any(variable.name == "DREAMER" for variable in listed):
        raise DataError(
            "this is a whole cohort in the layout of DREAMER.mat",
            file=path,
            expected="one recording",
            remedy="read it with ecglib.read_dreamer",
        )
    stored = {
        variable.name: Stored(variable.shape, _kind(variable.kind))
        for variable in listed
        if not variable.name.startswith("__")
    }

    def read(name: str) -> object:
        content = read_variable(path, name)
        for value in content if isinstance(content, list) else ():
            if isinstance(value, Unreadable):
                raise DataError(
                    str(value), file=path, field=name, expected="texts, or leave it out"
                )
        return content

    return recording_of(stored, read, file=path, fs=fs, leads=leads, unit=unit)


def _kind(of_class: str) -> str:
    if of_class in _NUMBERS:
        return "number"
    return "text" if of_class in ("char", "cell") else of_class
