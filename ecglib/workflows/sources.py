"""What the paths are that a user names: recordings, a folder of them, or a cohort."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import scipy.io

from ecglib.core.errors import DataError
from ecglib.core.folders import given_path
from ecglib.data.folder import REQUIRED
from ecglib.data.readers.any_format import READERS


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


def refuse_reading_options(path: str | os.PathLike[str], *given: object) -> None:
    """Raise a DataError if it is said how to read a file whose layout says that itself.

    Parameters
    ----------
    path : str or os.PathLike
        A file in the layout of DREAMER.mat.
    *given : object
        What is said: rate, unit or leads; None for what is not.

    Raises
    ------
    DataError
        If anything is.
    """
    for value in given:
        if value is not None:
            raise DataError(
                f"{value!r} is given for a file in the layout of DREAMER.mat",
                file=path,
                expected="no rate, unit or leads, which this layout fixes",
                remedy="leave it out",
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
