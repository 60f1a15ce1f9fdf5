"""Recordings in Poly5 files, as TMSi's PortiLab and Polybench write them: .S00 and .Poly5.

Little endian. A header of 217 bytes (version 2.03) or 218 (2.04) is followed by descriptions of 136
bytes, two for each channel, and by blocks of 86 bytes and single-precision samples, channel by
channel at each instant. This is what several public readers agree on; no document of the maker was
at hand, and what they do not read is refused: delta compression, and samples of another type.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.data.readers.choice import Leads, choose, one_of_all, stated_rate, stated_unit
from ecglib.data.recording import MAX_LEADS, Recording, check_size

VERSIONS = {203: 31, 204: 32}
"""Versions, and the bytes of text that come before the version's number."""


_FIELDS = struct.Struct("<h81shhBhi4x14xiHHh64x")  # from the version's number on


_DESCRIPTION = struct.Struct("<41s4x11s4fhh60x")


_BLOCK_HEADER = 86


_PAIR = ("(Lo)", "(Hi)")


_COPY = "copy the file again from its source"


@dataclass(frozen=True)
class Poly5Header:
    """What the head of a Poly5 file says.

    Parameters
    ----------
    fs : float
        Sampling rate in Hz.
    names : tuple of str
        Names of the channels, in the file's order.
    units : tuple of str
        Units of the channels; "µV" and so on as the file spells it.
    n_samples : int
        Samples of each channel.
    scales : tuple of tuple
        Of each channel: what the low and the high end of its range mean in its unit, and the two
        ends as they are stored.
    start : int
        Where the first block begins, in bytes.
    per_block : int
        Samples of each channel in a block.

    Examples
    --------
    >>> header = Poly5Header(256.0, ("ECG",), ("uV",), 2560, ((-1.0, 1.0, -1.0, 1.0),), 217, 64)
    >>> header.n_samples / header.fs
    10.0
    """

    fs: float
    names: tuple[str, ...]
    units: tuple[str, ...]
    n_samples: int
    scales: tuple[tuple[float, float, float, float], ...]
    start: int
    per_block: int


@checked
def is_poly5(start: bytes) -> bool:
    r"""Tell a Poly5 file by its first bytes.

    Parameters
    ----------
    start : bytes
        34 of them, or more.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_poly5(bytes(31) + b"\xcb\x00" + bytes(9)), is_poly5(b"0       " * 5)
    (True, False)
    """
    return _n_text(start) is not None


def _n_text(start: bytes) -> int | None:
    """Return how many bytes of text come before the version's number; None if it is not there."""
    for version, n_text in VERSIONS.items():
        if start[n_text : n_text + 2] == version.to_bytes(2, "little"):
            return n_text
    return None


@checked
def poly5_header(path: Path) -> Poly5Header:
    r"""Read the head of a Poly5 file, and check that the file is as long as it says.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Poly5Header

    Raises
    ------
    DataError
        If the file is missing, damaged, shorter or longer than its head says, or of a kind that is
        not read.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "a.S00")
    >>> head = struct.pack("<31sh81shhBhi18xiHHh64x", b"", 203, b"", 256, 256, 0, 2, 3, 1, 3, 12, 0)
    >>> half = struct.Struct("<41s4x11s4fhh60x").pack
    >>> lo, hi = (half(b"%c(%s) ECG" % (8, n), b"\2uV", 0, 1, 0, 1, 0, 0) for n in (b"Lo", b"Hi"))
    >>> written = path.write_bytes(head + lo + hi + bytes(86) + struct.pack("<3f", 5, 6, 7))
    >>> header = poly5_header(path)
    >>> header.names, header.fs, header.n_samples
    (('ECG',), 256.0, 3)
    >>> read_poly5(path).signals[:, 0]
    array([5., 6., 7.], dtype=float32)
    """
    if not path.is_file():
        raise DataError(
            "this is a folder" if path.is_dir() else "there is no such file",
            file=path,
            expected="a Poly5 file",
            remedy="check the path",
        )
    size = path.stat().st_size
    with path.open("rb") as stream:
        start = stream.read(max(VERSIONS.values()) + _FIELDS.size)
        lead_in = _n_text(start)
        if lead_in is None and len(start) >= min(VERSIONS.values()) + _FIELDS.size:
            raise DataError(
                "this is no Poly5 file of version 2.03 or 2.04",
                file=path,
                expected="a Poly5 file (.S00 or .Poly5)",
                remedy="check that it is the right file; else export it from PortiLab as EDF",
            )
        if lead_in is None or len(start) < lead_in + _FIELDS.size:
            raise _damaged(f"it has only {len(start)} bytes", path)
        fields = _FIELDS.unpack_from(start, lead_in)[2:]
        rate, _, _, n_halves, n_samples, n_blocks, per_block, block_bytes, delta = fields
        begin = lead_in + _FIELDS.size
        n_channels = n_halves // 2
        if n_halves < 2 or n_halves % 2 or n_channels > MAX_LEADS:
            raise _damaged(f"{n_halves} signal descriptions", path)
        if delta:
            raise _damaged("compressed samples", path)
        if per_block < 1 or block_bytes != 4 * n_channels * per_block:
            raise _damaged(
                f"blocks of {block_bytes} bytes for {per_block} samples of {n_channels} channels",
                path,
            )
        if n_blocks < 1 or not (n_blocks - 1) * per_block < n_samples <= n_blocks * per_block:
            raise _damaged(f"{n_samples} samples in {n_blocks} blocks of {per_block}", path)
        stream.seek(begin)
        described = stream.read(n_halves * _DESCRIPTION.size)
    begin += n_halves * _DESCRIPTION.size
    if size >= begin:
        _check_length(size - begin, n_blocks, n_samples, per_block, 4 * n_channels, path)
    else:
        raise _damaged(f"it has only {size} of {begin} bytes", path)
    halves = list(_DESCRIPTION.iter_unpack(described))
    names = [_name(*pair, path) for pair in zip(halves[::2], halves[1::2], strict=True)]
    return Poly5Header(
        float(rate),
        tuple(names),
        tuple(_text(half[1]) for half in halves[1::2]),
        n_samples,
        tuple(half[2:6] for half in halves[1::2]),
        begin,
        per_block,
    )


@checked
def read_poly5(
    path: Path, *, fs: float | None = None, leads: Leads = None, unit: str | None = None
) -> Recording:
    """Read the ECG of a Poly5 file.

    Parameters
    ----------
    path : Path
        The file.
    fs : float, optional
        Sampling rate in Hz, to overrule a wrong header.
    leads : str, int or sequence of them, optional
        Channels to read; by default those whose name is an ECG lead's.
    unit : str, optional
        Unit of the samples, if the file has none.

    Returns
    -------
    Recording
        In the unit of the file, float32; channels that are not asked for never lie in memory
        whole.

    Raises
    ------
    DataError
        As in `poly5_header`; if no ECG is found, the chosen channels differ in unit, or one has no
        range.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "anna.Poly5")
    >>> _ = path.write_bytes(b"no Poly5")
    >>> try:
    ...     read_poly5(path)
    ... except DataError as error:
    ...     print(error.problem)
    the header cannot be used (it has only 8 bytes)
    """
    header = poly5_header(path)
    chosen = choose(header.names, leads, file=path)
    names = [header.names[i] for i in chosen]
    unit_of_all = one_of_all([header.units[i] for i in chosen], names, "units", file=path)
    for i in chosen:
        unit_low, unit_high, adc_low, adc_high = header.scales[i]
        if not all(map(math.isfinite, header.scales[i])) or adc_low == adc_high:
            raise DataError(
                f"a range from {adc_low:g} to {adc_high:g} that means {unit_low:g} to "
                f"{unit_high:g}",
                file=path,
                field=header.names[i],
                expected="two different ends of a range",
                remedy=_COPY,
            )
    check_size(header.n_samples, len(chosen), file=path)
    signals = np.empty((header.n_samples, len(chosen)), dtype=np.float32)
    with path.open("rb") as stream:
        at = 0
        for block in _blocks(stream, header):
            for k, i in enumerate(chosen):
                unit_low, unit_high, adc_low, adc_high = header.scales[i]
                gain = (unit_high - unit_low) / (adc_high - adc_low)
                with np.errstate(over="ignore"):  # what overflows is infinite, and refused
                    physical = (block[:, i].astype(np.float64) - adc_low) * gain + unit_low
                    signals[at : at + len(block), k] = physical
            at += len(block)
    return Recording(
        signals,
        stated_rate(fs, header.fs, file=path, where="sample rate in its header"),
        names,
        stated_unit(unit, unit_of_all, file=path),
        name=path.stem,
        file=str(path),
    )


def _blocks(stream: BinaryIO, header: Poly5Header) -> Iterator[np.ndarray]:
    """Give the samples of each block, (n_samples, n_channels) float32."""
    n_channels = len(header.names)
    stream.seek(header.start)
    left = header.n_samples
    while left:
        n = min(left, header.per_block)
        stream.seek(_BLOCK_HEADER, 1)
        samples = np.frombuffer(stream.read(4 * n * n_channels), dtype="<f4")
        yield samples.reshape(n, n_channels)
        left -= n


def _check_length(
    there: int, n_blocks: int, n_samples: int, per_block: int, step: int, path: Path
) -> None:
    """Raise a DataError unless blocks have so many bytes; the last one may be written short."""
    whole = n_blocks * (_BLOCK_HEADER + per_block * step)
    short = whole - (n_blocks * per_block - n_samples) * step
    if there not in (whole, short):
        raise DataError(
            f"{there} bytes of samples",
            file=path,
            expected=f"{whole} bytes, {n_blocks} blocks, as its header says",
            remedy=_COPY,
        )


def _name(low: Sequence, high: Sequence, path: Path) -> str:
    """Return the name of a channel from its two descriptions."""
    names = [_text(half[0]) for half in (low, high)]
    if any(not name.startswith(mark) for name, mark in zip(names, _PAIR, strict=True)):
        raise _damaged(f"channel descriptions {names[0]!r} and {names[1]!r}", path)
    bare = [name[len(mark) :].strip() for name, mark in zip(names, _PAIR, strict=True)]
    if bare[0] != bare[1]:
        raise _damaged(f"channel descriptions {names[0]!r} and {names[1]!r}", path)
    return bare[1]


def _text(field: bytes) -> str:
    """Return a text before which its length stands."""
    return field[1 : 1 + min(field[0], len(field) - 1)].decode("cp1252", errors="replace").strip()


def _damaged(problem: str, path: Path) -> DataError:
    return DataError(
        f"the header cannot be used ({problem})",
        file=path,
        expected="an undamaged Poly5 file: (Lo) and (Hi) for each channel, samples of 4 bytes",
        remedy=_COPY,
    )
