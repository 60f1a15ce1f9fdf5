"""Recordings in WFDB records, as PhysioNet keeps them, read by `wfdb`; nothing is downloaded."""

from __future__ import annotations

import re
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.core.extras import need
from ecglib.core.limits import check_growth
from ecglib.data.readers.choice import Leads, choose, one_of_all, stated_rate, stated_unit
from ecglib.data.recording import Recording, check_size, default_leads

MAX_SEGMENTS = 1000
"""Most segments of one record."""


_COPY = "copy the record's files again, all of them, into one folder"


_MAX_HEADER, _MAX_LINE = 1 << 17, 1 << 12


# A file's name as the format allows it: no folder, no address.
_PLAIN = re.compile(r"[\w.-]+")


# Bits of one sample in each format that is not compressed.
_BITS = {"8": 8, "80": 8, "16": 16, "61": 16, "160": 16, "24": 24, "32": 32, "212": 12}


@checked
def header_of(path: Path) -> Path | None:
    """Return the header of the record that a path names, or None if there is none.

    Parameters
    ----------
    path : Path
        ``100``, ``100.hea`` or ``100.dat``.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "100.hea").write_text("100 0 360")
    >>> header_of(folder / "100.dat").name
    '100.hea'
    """
    if not path.name:
        return None
    places = [path.with_name(f"{path.name}.hea")]
    if path.suffix.lower() in (".hea", ".dat"):
        places.insert(0, path.with_suffix(".hea"))
    return next((header for header in places if header.is_file()), None)


@checked
def segments_of(header: Path) -> list[str]:
    r"""Return the names of the records that a record of several segments consists of.

    Parameters
    ----------
    header : Path
        The record's header; it is read as text, whether or not the files that it names are there.

    Returns
    -------
    list of str
        Empty if it is one record; gaps are left out.

    Examples
    --------
    >>> import tempfile
    >>> header = Path(tempfile.mkdtemp(), "night.hea")
    >>> written = header.write_text("night/3 1 250 6000\npart_1 2500\n~ 1000\npart_2 2500\n")
    >>> segments_of(header)
    ['part_1', 'part_2']
    """
    text = header.read_text(encoding="latin-1")[: 1 << 20]
    lines = [line.split() for line in text.splitlines() if line.strip() and line[0] != "#"]
    if not lines or "/" not in lines[0][0]:
        return []
    return [line[0] for line in lines[1:] if line[0] != "~"]


@checked
def read_wfdb(
    path: Path, *, fs: float | None = None, leads: Leads = None, unit: str | None = None
) -> Recording:
    """Read the ECG of a WFDB record.

    Parameters
    ----------
    path : Path
        The record: ``100``, ``100.hea`` or ``100.dat``.
    fs : float, optional
        Sampling rate in Hz, to overrule a wrong header.
    leads : str, int or sequence of them, optional
        Signals to read; by default those whose name is an ECG lead's.
    unit : str, optional
        Unit of the samples, if the file has none.

    Returns
    -------
    Recording
        In physical units, float64, at the ECG's own rate where signals have several; samples that
        the record marks as invalid are NaN, and so is what lies between its segments.

    Raises
    ------
    DataError
        If `wfdb` is missing; if a file of the record is missing, damaged or shorter than its header
        says; if no ECG is found, or the leads differ in rate or unit.

    Examples
    --------
    >>> import tempfile, wfdb
    >>> folder, x = tempfile.mkdtemp(), np.sin(np.arange(7200) / 40)[:, None]
    >>> wfdb.wrsamp("100", 360, ["mV"], ["MLII"], x, fmt=["16"], write_dir=folder)
    >>> read_wfdb(Path(folder, "100"))
    <Recording '100': MLII; 20.0 s at 360 Hz, mV>
    """
    wfdb = need("wfdb", "readers", "WFDB records")
    header = header_of(path)
    if header is None:
        raise DataError(
            "the record has no header",
            file=path,
            expected=f"{path.with_suffix('.hea').name} beside it",
            remedy=_COPY,
        )
    base = str(header.with_suffix("").absolute())
    if "::" in base:  # the package would take it for an address
        raise DataError(
            "a path with '::'", file=header, expected="a plain path", remedy="rename the folder"
        )
    _check_header(header)
    try:
        record = wfdb.rdheader(base)
        segments = _segments(wfdb, record, header)
        layout = next(segment for segment in segments if segment is not None)
        files = {file for segment in segments for file in _check_files(segment, header)}
        names = [str(name or "").strip() for name in layout.sig_name or []]
        chosen = choose(names, leads, file=header)
        named = [names[i] or default_leads(len(names))[i] for i in chosen]
        per_frame = [layout.samps_per_frame[i] or 1 for i in chosen]
        rate = one_of_all(
            [n * record.fs for n in per_frame], named, "sampling rates in Hz", file=header
        )
        n_samples = (record.sig_len or 0) * per_frame[0]
        check_size(n_samples, len(chosen), file=header)
        check_growth(  # a gap takes no bytes, a compressed signal few
            sum(file.stat().st_size for file in files),
            2 * 8 * n_samples * len(chosen),
            file=header,
            remedy="read the record's segments one by one",
        )
        read = wfdb.rdrecord(base, channels=chosen, smooth_frames=False)
        dimension = one_of_all(list(read.units), named, "units", file=header)
        signals = np.column_stack(read.e_p_signal)
    except DataError:
        raise
    except Exception as error:
        raise DataError(
            f"the record cannot be read ({type(error).__name__}: {error})",
            file=header,
            expected="an undamaged WFDB record",
            remedy=_COPY,
        ) from error
    return Recording(
        signals,
        stated_rate(fs, rate, file=header, where="sampling rate in its header"),
        named,
        stated_unit(unit, dimension or "", file=header),
        name=header.stem,
        file=str(header),
    )


def _check_header(header: Path) -> None:
    """Raise a DataError if a header is larger than any that holds one."""
    size = header.stat().st_size
    with header.open("rb") as file:
        longest = max(map(len, file.read(_MAX_HEADER).splitlines()), default=0)
    if size > _MAX_HEADER or longest > _MAX_LINE:
        raise DataError(
            f"a header of {size} bytes, with lines of up to {longest}",
            file=header,
            expected=f"at most {_MAX_HEADER} bytes, and {_MAX_LINE} in a line",
            remedy=_COPY,
        )


def _segments(wfdb: Any, record: Any, header: Path) -> list[Any]:
    """Return the headers of the parts that a record consists of; None for a gap."""
    if not hasattr(record, "seg_name"):
        return [record]
    if len(record.seg_name) > MAX_SEGMENTS:
        raise DataError(
            f"{len(record.seg_name)} segments",
            file=header,
            expected=f"at most {MAX_SEGMENTS}",
            remedy="read the record's segments one by one",
        )
    found = []
    for name in record.seg_name:
        if name == "~":
            found.append(None)
            continue
        _check_header(_check_there(name, f"{name}.hea", header))
        found.append(wfdb.rdheader(str(header.with_name(name).absolute())))
    return found


def _check_files(segment: Any, header: Path) -> list[Path]:
    """Return the signal files of a segment, or raise a DataError if one is absent or too short."""
    files: list[Path] = []
    if segment is None:
        return files
    late = max((skew or 0 for skew in segment.skew or []), default=0)
    if late > (segment.sig_len or 0):
        raise DataError(
            f"a signal that begins {late} samples late",
            file=header,
            expected="a skew shorter than the record",
            remedy=_COPY,
        )
    for name in dict.fromkeys(segment.file_name or []):
        if name == "~":
            continue
        own = [i for i, other in enumerate(segment.file_name) if other == name]
        bits = sum(_BITS.get(segment.fmt[i], 0) * (segment.samps_per_frame[i] or 1) for i in own)
        needed = (segment.byte_offset[own[0]] or 0) + ceil(bits * (segment.sig_len or 0) / 8)
        files.append(_check_there(name, name, header))
        size = files[-1].stat().st_size
        if size < needed:
            raise DataError(
                f"{name} has {size} bytes",
                file=header,
                expected=f"{needed} bytes, as the header says",
                remedy=_COPY,
            )
    return files


def _check_there(name: str, file: str, header: Path) -> Path:
    """Return the path of a file that a header names, which must lie beside it."""
    path = header.with_name(file) if _PLAIN.fullmatch(name) else None
    if path is None or not path.is_file():
        problem = f"names {name!r}" if path is None else f"names {file}, which is not there"
        raise DataError(
            f"the header {problem}", file=header, expected="a file beside it", remedy=_COPY
        )
    return path
