"""One function that reads a recording from a file of any format that is known."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.core.folders import given_path
from ecglib.data.readers.choice import Leads
from ecglib.data.readers.edf import read_edf
from ecglib.data.readers.matlab import read_mat
from ecglib.data.readers.numpy_file import read_npy, read_npz
from ecglib.data.readers.poly5 import is_poly5, read_poly5
from ecglib.data.readers.text import read_text
from ecglib.data.readers.wfdb_record import header_of, read_wfdb
from ecglib.data.recording import Recording

READERS: dict[str, tuple[str, Callable[..., Recording]]] = {
    ".csv": ("text", read_text),
    ".tsv": ("text", read_text),
    ".txt": ("text", read_text),
    ".npy": ("NPY", read_npy),
    ".npz": ("NPZ", read_npz),
    ".mat": ("MATLAB", read_mat),
    ".edf": ("EDF", read_edf),
    ".bdf": ("BDF", read_edf),
    ".s00": ("Poly5", read_poly5),
    ".poly5": ("Poly5", read_poly5),
    ".hea": ("text", read_wfdb),
}
"""Formats by file name extension: what the file's first bytes must show, and the reader."""


_SUFFIXES = {kind: suffix for suffix, (kind, _) in READERS.items() if kind != "text"}


_MAGIC = (
    (b"\x93NUMPY", "NPY"),
    (b"PK\x03\x04", "NPZ"),
    (b"0       ", "EDF"),
    (b"\xffBIOSEMI", "BDF"),
    (b"\x89HDF\r\n", "HDF5"),
    (b"\x1f\x8b", "gzip"),
    (b"<?xml", "XML"),
    (b"%PDF", "PDF"),
)


@checked
def read_recording(
    path: str | os.PathLike[str],
    *,
    fs: float | None = None,
    leads: Leads = None,
    unit: str | None = None,
) -> Recording:
    """Read the ECG of one file: CSV, TSV, TXT, NPY, NPZ, MAT, EDF, BDF, Poly5 or WFDB.

    Parameters
    ----------
    path : str or os.PathLike
        The file; of a WFDB record any of ``100``, ``100.hea`` and ``100.dat``.
    fs : float, optional
        Sampling rate in Hz, 50 to 10 000. Needed where the file does not state it; outranks a
        header, but not a column of times, which it must agree with.
    leads : str, int or sequence of them, optional
        Leads to read, by name or by number from 1. By default all whose names are those of ECG
        leads; if no name is, all signals of a table or an array, and an error that lists them for
        EDF, Poly5 and WFDB, which hold other signals as well.
    unit : str, optional
        "mV", "uV", "V" or "adu", where the file does not say.

    Returns
    -------
    Recording
        As the file has it: nothing is converted, filtered or resampled.

    Raises
    ------
    DataError
        If there is no such file, its format is unknown or is not what its name says, an optional
        package is missing (the message says how to install it), the file is damaged, the rate is
        unknown or impossible, or a sample is infinite.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> file = Path(tempfile.mkdtemp(), "anna.npz")
    >>> np.savez(file, ecg=np.sin(np.arange(5000)), fs=500, unit="mV")
    >>> read_recording(file)
    <Recording 'anna': ECG; 10.0 s at 500 Hz, mV>
    """
    path = given_path(path)
    suffix = path.suffix.lower()
    if suffix not in READERS and header_of(path) is not None:
        return read_wfdb(path, fs=fs, leads=leads, unit=unit)
    if not path.is_file():
        raise DataError(
            "this is a folder" if path.is_dir() else "there is no such file",
            file=path,
            expected="a recording",
            remedy="name the files in it; in Python, ecglib.read_folder reads a folder"
            if path.is_dir()
            else "check the path",
        )
    found = _content(path)
    if suffix not in READERS:
        raise DataError(
            f"the extension {suffix!r} is of no format that is read here",
            file=path,
            expected=f"one of {', '.join(READERS)}",
            remedy=f"copy the record's header {path.stem}.hea beside it"
            if suffix == ".dat"
            else _remedy(path, found),
        )
    expected, reader = READERS[suffix]
    if found != expected:
        content = {"empty": "the file is empty", "unknown": "the content is of no known format"}
        raise DataError(
            content.get(found, f"the content is {found}"),
            file=path,
            expected=f"{expected}, as the extension {path.suffix} says",
            remedy=_remedy(path, found),
        )
    return reader(path, fs=fs, leads=leads, unit=unit)


def _content(path: Path) -> str:
    """Tell the format of a file by its first bytes."""
    try:
        with path.open("rb") as stream:
            start = stream.read(132)
    except OSError as error:
        raise DataError(
            f"the file cannot be opened ({error.strerror})",
            file=path,
            remedy="check its permissions",
        ) from error
    for magic, name in _MAGIC:
        if start.startswith(magic):
            return name
    if start[124:128] in (b"\x00\x01IM", b"\x01\x00MI", b"\x00\x02IM", b"\x02\x00MI"):
        return "MATLAB"
    if is_poly5(start):
        return "Poly5"
    if not start:
        return "empty"
    binary = b"\0" in start and not start.startswith((b"\xff\xfe", b"\xfe\xff"))
    return "unknown" if binary else "text"


def _remedy(path: Path, found: str) -> str:
    """Say what to do about a file whose name does not fit what it holds."""
    by_content = {
        "NPZ": f"rename it to {path.stem}.npz if NumPy wrote it; export an Excel sheet as CSV; "
        "unpack another ZIP archive",
        "HDF5": "save it again from MATLAB with the option '-v7', or from SciPy with savemat",
        "gzip": "unpack it first",
        "text": f"if it is a table of numbers, rename it to {path.stem}.csv",
        "XML": "export the recording as CSV or EDF",
        "PDF": "export the recording as CSV or EDF",
    }
    if found in by_content:
        return by_content[found]
    if found in _SUFFIXES:
        return f"rename it to {path.stem}{_SUFFIXES[found]}"
    return "check that this is the right file, and copy it again from its source"
