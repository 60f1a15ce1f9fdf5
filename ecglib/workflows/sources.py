"""What the paths are that a user names: recordings, a folder of them, or a cohort."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import scipy.io

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.core.folders import given_path
from ecglib.core.words import counted
from ecglib.data.amigos import is_amigos, read_amigos
from ecglib.data.case import is_case, read_case
from ecglib.data.cohort import Cohort, one_or_each
from ecglib.data.eegmat import is_eegmat, read_eegmat
from ecglib.data.folder import REQUIRED, has_table
from ecglib.data.mitbih import is_mitbih, read_mitbih
from ecglib.data.readers.any_format import READERS
from ecglib.data.readers.choice import Leads
from ecglib.data.recording import positions
from ecglib.data.swell import is_swell, read_swell
from ecglib.data.wesad import is_wesad, read_wesad
from ecglib.data.yaad import is_yaad, read_yaad

_LISTED = 12  # names of recordings in a line


@checked
def file_of(path: str | os.PathLike[str]) -> Path:
    """Give the file that a path names; of a WFDB record `path` its header.

    Examples
    --------
    >>> file_of("anna.csv").name
    'anna.csv'
    """
    path = given_path(path)
    if path.suffix.lower() in READERS:
        return path
    return path.with_suffix(".hea") if path.suffix == ".dat" else path.with_name(f"{path.name}.hea")


@checked
def file_sha256(path: Path) -> str:
    """Give the checksum of the file `path`.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "anna.csv")
    >>> _ = path.write_text("ecg")
    >>> file_sha256(path)[:8]
    '180e2a60'
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@checked
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

    Examples
    --------
    >>> is_dreamer("anna.csv"), is_dreamer("nowhere.mat")
    (False, False)
    """
    if Path(path).suffix.lower() != ".mat":
        return False
    try:
        return any(name == "DREAMER" for name, _, _ in scipy.io.whosmat(path))
    except Exception:  # a damaged file shows in many ways; whoever reads it says how
        return False


@checked
def refuse_reading_options(
    path: str | os.PathLike[str], *given: object, what: str = "a file in the layout of DREAMER.mat"
) -> None:
    """Raise a DataError if it is said how to read a file whose layout says that itself.

    Parameters
    ----------
    path : str or os.PathLike
        A file in the layout of DREAMER.mat, or something else.
    *given : object
        Rate, unit or leads as they were given; None for what was not given.
    what : str
        What the path is, for the message.

    Raises
    ------
    DataError
        If a rate, a unit or leads are given.

    Examples
    --------
    >>> refuse_reading_options("DREAMER.mat", None, None)
    >>> refuse_reading_options("DREAMER.mat", 256.0)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: DREAMER.mat: 256.0 is given for a file in the ...
    """
    for value in given:
        if value is not None:
            raise DataError(
                f"{value!r} is given for {what}",
                file=path,
                expected="no rate, unit or leads, as far as this layout fixes them",
                remedy="leave it out",
            )


def say_nothing(line: str) -> None:
    """Say nothing of a `line`: what functions do that are not given a way to tell.

    Examples
    --------
    >>> say_nothing("one window is left out")
    """


@checked
def known_set(path: str | os.PathLike[str]) -> str | None:
    """Tell which set of recordings, of those that a folder can be, this one is.

    Parameters
    ----------
    path : str or os.PathLike
        Any file or folder.

    Returns
    -------
    {"WESAD", "AMIGOS", "SWELL-KW", "CASE", "YAAD", "eegmat", "MIT-BIH"} or None
        None also for a set that is read in another way, and for a folder with a table that says
        whose its files are: that one is read as the table says.

    Raises
    ------
    DataError
        If several sets are in the folder, or several tables.

    Examples
    --------
    >>> import tempfile
    >>> known_set(tempfile.mkdtemp()) is None
    True
    """
    folder = Path(path).expanduser()
    if not folder.is_dir() or has_table(folder):
        return None
    found = [name for name, fits in _KNOWN.items() if fits(folder)]
    if len(found) > 1:
        raise DataError(
            f"{' and '.join(found)} are in this folder",
            file=folder,
            expected="one set of recordings",
            remedy="name the folder of one of them",
        )
    return found[0] if found else None


@checked
def read_known(
    folder: str | os.PathLike[str],
    *,
    fs: float | None = None,
    leads: Leads = None,
    unit: str | None = None,
    allow_duplicates: bool = False,
    tell: Callable[[str], object] = say_nothing,
) -> Cohort:
    """Read a folder that `known_set` knows.

    Parameters
    ----------
    folder : str or os.PathLike
        The folder.
    fs : float, optional
        Sampling rate in Hz, of YAAD only, whose files do not state it.
    leads : str, int or sequence of them, optional
        Of sets with several leads: AMIGOS, and MIT-BIH as WFDB records. Of SWELL-KW the name of the
        channel that is the ECG.
    unit : str, optional
        No set takes one, so that any unit is refused.
    allow_duplicates : bool
        Let recordings pass that share samples with others; of eegmat and MIT-BIH, whose recordings
        are known, there is no such choice.
    tell : callable
        Is given a line for each of the cohort's notes.

    Returns
    -------
    Cohort

    Raises
    ------
    DataError
        If it is none of these sets, cannot be read, or something is given that it fixes.

    Examples
    --------
    >>> import tempfile
    >>> read_known(tempfile.mkdtemp())  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: ...: this is none of the sets that are known. Expected the \
folder of WESAD, AMIGOS, SWELL-KW, CASE, YAAD, eegmat or MIT-BIH.
    """
    name = known_set(folder)
    if name is None:
        *names, last = _KNOWN
        raise DataError(
            "this is none of the sets that are known",
            file=folder,
            expected=f"the folder of {', '.join(names)} or {last}",
        )
    given = {"fs": fs, "leads": leads, "unit": unit}
    fixed = [value for what, value in given.items() if what not in _FREE.get(name, ())]
    refuse_reading_options(folder, *fixed, what=name)
    if name == "WESAD":
        cohort = read_wesad(folder, allow_duplicates=allow_duplicates)
    elif name == "AMIGOS":
        cohort = _of_leads(read_amigos(folder, allow_duplicates=allow_duplicates), leads)
    elif name == "SWELL-KW":
        lead = _one_name(leads, folder)
        cohort = read_swell(folder, lead=lead, allow_duplicates=allow_duplicates)
    elif name == "CASE":
        cohort = read_case(folder, allow_duplicates=allow_duplicates)
    elif name == "YAAD":
        cohort = read_yaad(folder, fs=fs, allow_duplicates=allow_duplicates)
    else:
        cohort = read_eegmat(folder) if name == "eegmat" else read_mitbih(folder, leads=leads)
    for note in cohort.notes:
        tell(f"{cohort.name}: {note}")
    return cohort


_KNOWN = {
    "WESAD": is_wesad,
    "AMIGOS": is_amigos,
    "SWELL-KW": is_swell,
    "CASE": is_case,
    "YAAD": is_yaad,
    "eegmat": is_eegmat,
    "MIT-BIH": is_mitbih,
}


_FREE = {"AMIGOS": ("leads",), "SWELL-KW": ("leads",), "YAAD": ("fs",), "MIT-BIH": ("leads",)}
"""What can be said of a set, because its files do not."""


def _one_name(leads: Leads, folder: str | os.PathLike[str]) -> str | None:
    lead = leads[0] if isinstance(leads, list | tuple) and len(leads) == 1 else leads
    if lead is not None and not isinstance(lead, str):
        raise DataError(
            f"{leads!r}",
            file=folder,
            field="leads",
            expected="the name of one channel, never a number",
            remedy="give the name of the channel that is the ECG",
        )
    return lead


def _of_leads(cohort: Cohort, leads: Leads) -> Cohort:
    """Return a cohort of some of its leads; None takes all."""
    if leads is None:
        return cohort
    at = positions(cohort.leads, leads)
    return replace(
        cohort,
        leads=tuple(cohort.leads[i] for i in at),
        signals=tuple(signal[:, at] for signal in cohort.signals),
    )


@checked
def long_enough(
    cohort: Cohort, least_s: float, tell: Callable[[str], object] = say_nothing
) -> Cohort:
    """Leave out recordings that are shorter than a window.

    Parameters
    ----------
    cohort : Cohort
        Of recordings of any length.
    least_s : float
        Seconds of the shortest that stays.
    tell : callable
        Is given a line that says how many are left out, and which.

    Returns
    -------
    Cohort
        The same signals (not copies).

    Raises
    ------
    DataError
        If all are shorter.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rows = pd.DataFrame({"participant": [1, 2], "clip": 1, "condition": "rest"})
    >>> rows = rows.assign(n_samples=[500, 5000], duration=[2.0, 20.0])
    >>> signals = np.zeros((500, 1)), np.zeros((5000, 1))
    >>> long_enough(Cohort("lab", 250, rows, signals, leads=("ECG",)), 10, print)
    1 recording shorter than 10 s left out: 1 1 rest
    <Cohort 'lab': 1 participant, 1 clip, 1 recording, 0.3 min at 250 Hz>
    """
    rows = cohort.recordings
    short = (rows["duration"] < least_s).to_numpy()
    if not short.any():
        return cohort
    if short.all():
        raise DataError(
            f"all {len(rows)} recordings are shorter than {least_s:g} s",
            field="duration",
            expected=f"recordings of {least_s:g} s, one window, or more",
        )
    named = ["file"] if "file" in rows else ["participant", "clip", "condition"]
    names = [" ".join(map(str, row)) for row in rows.loc[short, named].itertuples(index=False)]
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    tell(
        f"{counted(len(names), 'recording')} shorter than {least_s:g} s left out: "
        f"{', '.join(names[:_LISTED])}{more}"
    )
    at = np.flatnonzero(~short)
    return replace(
        cohort,
        recordings=rows[~short].reset_index(drop=True),
        signals=tuple(cohort.signals[i] for i in at),
        fs=one_or_each([cohort.rates[i] for i in at]),
        unit=one_or_each([cohort.units[i] for i in at]),
    )


@checked
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

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "anna.npz").write_bytes(b"")
    >>> _ = (folder / ".hidden.npz").write_bytes(b"")
    >>> [path.name for path in recordings_in(folder)]
    ['anna.npz']
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
