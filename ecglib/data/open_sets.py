"""Open sets of recordings: what they are, where they come from, and where they lie here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.core.folders import find_named, home_folder


@dataclass(frozen=True)
class OpenSet:
    """A set of recordings that anyone may download.

    Parameters
    ----------
    name : str
        Its short name, which is that of its folder in ``data/``.
    title : str
        Its full name.
    url : str
        Folder of its files.
    files : str
        Regular expression that the names of the needed files match.
    n_files : int
        How many there are at least.
    listed : str
        The same in words.
    licence : str
        Under which it can be used.
    cite : str
        Whom to cite.

    Examples
    --------
    >>> EEGMAT.variable, EEGMAT.default_folder.parts[-2:]
    ('ECGLIB_EEGMAT', ('data', 'eegmat'))
    """

    name: str
    title: str
    url: str
    files: str
    n_files: int
    listed: str
    licence: str
    cite: str

    @property
    def variable(self) -> str:
        """The environment variable that may name its folder."""
        return f"ECGLIB_{self.name.upper()}"

    @property
    def default_folder(self) -> Path:
        """Its folder if nothing else is said: ``data/NAME`` in the home folder."""
        return home_folder() / "data" / self.name


EEGMAT = OpenSet(
    name="eegmat",
    title="EEG During Mental Arithmetic Tasks 1.0.0",
    url="https://physionet.org/files/eegmat/1.0.0/",
    files=r"Subject\d\d_[12]\.edf|subject-info\.csv|LICENSE\.txt",
    n_files=73,
    listed="Subject00_1.edf to Subject35_2.edf, two for each person, and subject-info.csv",
    licence="Open Data Commons Attribution License 1.0",
    cite="Zyma et al. 2019, Data 4(1):14, doi 10.3390/data4010014; doi 10.13026/C2JQ1P",
)
"""36 people at rest and at mental arithmetic; the ECG is one of the signals."""


MITDB = OpenSet(
    name="mitdb",
    title="MIT-BIH Arrhythmia Database 1.0.0",
    url="https://physionet.org/files/mitdb/1.0.0/",
    files=r"\d\d\d\.(dat|hea|atr)|RECORDS|LICENSE\.txt",
    n_files=145,
    listed="100.dat, 100.hea and 100.atr to those of 234, and RECORDS",
    licence="Open Data Commons Attribution License 1.0",
    cite="Moody & Mark 2001, IEEE Eng in Med and Biol 20(3):45-50; doi 10.13026/C2F305",
)
"""48 recordings of 47 patients of a clinic, with every beat annotated."""


OPEN_SETS = {known.name: known for known in (EEGMAT, MITDB)}
"""Open sets by name."""


@checked
def open_set(name: str) -> OpenSet:
    """Return an open set.

    Parameters
    ----------
    name : str
        Its short name, one of those in `OPEN_SETS`.

    Returns
    -------
    OpenSet

    Raises
    ------
    DataError
        If none has it.

    Examples
    --------
    >>> open_set("mitdb").title
    'MIT-BIH Arrhythmia Database 1.0.0'
    """
    if name not in OPEN_SETS:
        raise DataError(
            f"no open set is named {name!r}", field="name", expected=" or ".join(OPEN_SETS)
        )
    return OPEN_SETS[name]


@checked
def find_open(name: str, path: str | os.PathLike[str] | None = None) -> Path | None:
    """Say where an open set lies, by one rule.

    The first of these that is given decides: the argument ``path``; the environment variable
    ``ECGLIB_EEGMAT`` or ``ECGLIB_MITDB`` (an empty one counts as not given); the folder
    ``data/eegmat`` or ``data/mitdb`` in the home folder (`ecglib.core.folders`).

    Parameters
    ----------
    name : {"eegmat", "mitdb"}
        Which set.
    path : str or os.PathLike, optional
        Its folder. A relative path starts from the current folder, ``~`` is the user's folder.

    Returns
    -------
    pathlib.Path or None
        The absolute path of an existing folder, or None if none of the three is given.

    Raises
    ------
    DataError
        If the first one given is not an existing folder, or no set has the name.

    Examples
    --------
    >>> import tempfile
    >>> find_open("eegmat", tempfile.gettempdir()).is_dir()
    True
    """
    wanted = open_set(name)
    named = find_named(path, wanted.variable, wanted.default_folder)
    if named is None:
        return None
    found, origin = named
    if not found.is_dir():
        raise DataError(
            f"{origin} names no existing folder",
            file=found,
            expected=f"the folder of {wanted.title}",
            remedy=f"correct the path, or download the set: ecglib fetch {name}",
        )
    return found
