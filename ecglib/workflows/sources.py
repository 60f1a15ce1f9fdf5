"""What the paths are that a user names: recordings, a folder of them, or a cohort."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import scipy.io

from ecglib.core.errors import DataError
from ecglib.core.folders import given_path
from ecglib.data.case import is_case, read_case
from ecglib.data.cohort import Cohort
from ecglib.data.folder import REQUIRED
from ecglib.data.readers.any_format import READERS
from ecglib.data.readers.choice import Leads
from ecglib.data.swell import is_swell, read_swell
from ecglib.data.yaad import is_yaad, read_yaad


def file_of(path: str | os.PathLike[str]) -> Path:
    """Give the file that a path names; of a WFDB record `path` its header."""
    path = given_path(path)
    if path.suffix.lower() in READERS:
        return path
    return path.with_suffix(".hea") if path.suffix == ".dat" else path.with_name(f"{path.name}.hea")


def file_sha256(path: Path) -> str:
    """Give the checksum of the file `path`."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def is_dreamer(path: str | os.PathLike[str]) -> bool:
    """Tell whether a file is a MATLAB file with the variable DREAMER.

    Parameters
    ----------
    path : str or os.PathLike
        Any file.

    Returns
    -------
    bool
        False also for a file that cannot be opened.
    """
    if Path(path).suffix.lower() != ".mat":
        return False
    try:
        return any(name == "DREAMER" for name, _, _ in scipy.io.whosmat(path))
    except Exception:  # a damaged file shows in many ways; whoever reads it says how
        return False


def refuse_reading_options(
    path: str | os.PathLike[str], *given: object, what: str = "a file in the layout of DREAMER.mat"
) -> None:
    """Raise a DataError if it is said how to read a file whose layout says that itself.

    Parameters
    ----------
    path : str or os.PathLike
        A file in the layout of DREAMER.mat, or something else.
    *given : object
        What is said: rate, unit or leads; None for what is not.
    what : str
        What the path is, for the message.

    Raises
    ------
    DataError
        If anything is.
    """
    for value in given:
        if value is not None:
            raise DataError(
                f"{value!r} is given for {what}",
                file=path,
                expected="no rate, unit or leads, as far as this layout fixes them",
                remedy="leave it out",
            )


def known_set(path: str | os.PathLike[str]) -> str | None:
    """Tell which set of recordings, of those that a folder can be, this one is.

    Parameters
    ----------
    path : str or os.PathLike
        Any file or folder.

    Returns
    -------
    {"SWELL-KW", "CASE", "YAAD"} or None
        None also for a set that is read in another way.

    Examples
    --------
    >>> known_set(".") is None
    True
    """
    known = {"SWELL-KW": is_swell, "CASE": is_case, "YAAD": is_yaad}
    return next((name for name, fits in known.items() if fits(path)), None)


def read_known(
    folder: str | os.PathLike[str],
    *,
    fs: float | None = None,
    leads: Leads = None,
    unit: str | None = None,
) -> Cohort:
    """Read a folder that `known_set` knows.

    Parameters
    ----------
    folder : str or os.PathLike
        The folder.
    fs : float, optional
        Sampling rate in Hz, of YAAD only, whose files do not state it.
    leads : str, int or sequence of them, optional
        Of SWELL-KW only: the name of the channel that is the ECG.
    unit : str, optional
        Of none of them.

    Returns
    -------
    Cohort

    Raises
    ------
    DataError
        If it is none of these sets, cannot be read, or something is given that it fixes.

    Examples
    --------
    >>> read_known(".")
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: .: this is none of the sets that are known. Expected the folder \
of SWELL-KW, CASE or YAAD.
    """
    name = known_set(folder)
    if name == "CASE":
        refuse_reading_options(folder, fs, leads, unit, what=name)
        return read_case(folder)
    if name == "YAAD":
        refuse_reading_options(folder, leads, unit, what=name)
        return read_yaad(folder, fs=fs)
    if name == "SWELL-KW":
        refuse_reading_options(folder, fs, unit, what=name)
        lead = leads[0] if isinstance(leads, list | tuple) and len(leads) == 1 else leads
        if lead is not None and not isinstance(lead, str):
            raise DataError(
                f"{leads!r}",
                file=folder,
                field="leads",
                expected="the name of one channel, never a number",
                remedy="give the name of the channel that is the ECG",
            )
        return read_swell(folder, lead=lead)
    raise DataError(
        "this is none of the sets that are known",
        file=folder,
        expected="the folder of SWELL-KW, CASE or YAAD",
    )


def recordings_in(folder: str | os.PathLike[str]) -> list[Path]:
    """List the files of a folder that can be recordings.

    Parameters
    ----------
    folder : str or os.PathLike
        The folder.

    Returns
    -------
    list of Path
        By name; hidden files, and tables that name recordings, are left out.

    Raises
    ------
    DataError
        If there is none.
    """
    found = [
        path
        for path in sorted(Path(folder).iterdir())
        if path.suffix.lower() in READERS
        and path.is_file()
        and not path.name.startswith(".")
        and not _names_recordings(path)
    ]
    if not found:
        raise DataError(
            "the folder holds no recording",
            file=folder,
            expected=f"files with one of the extensions {', '.join(READERS)}",
            remedy="name the folder that holds the recordings",
        )
    return found


def _names_recordings(path: Path) -> bool:
    """Tell whether a file is a table of recordings, and none itself."""
    if path.suffix.lower() not in (".csv", ".tsv"):
        return False
    with path.open("rb") as stream:
        line = stream.readline(1 << 16).decode("utf-8-sig", errors="replace")
    names = {name.strip(' "\r\n') for part in line.split("\t") for name in part.split(",")}
    return set(REQUIRED) <= {name for part in names for name in part.split(";")}
