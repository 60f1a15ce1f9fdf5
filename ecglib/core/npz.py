"""Named arrays in an NPZ file, looked at before any of them is read; nothing is ever unpickled."""

from __future__ import annotations

import io
import math
import os
import zipfile
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np

from ecglib.core.annotations import checked
from ecglib.core.limits import check_growth

MAX_ARRAYS = 10_000
"""Most arrays of one file."""


_MAX_HEADER, _PIECE = 10_000, 1 << 20


_HEADERS = {
    (1, 0): (2, np.lib.format.read_array_header_1_0),
    (2, 0): (4, np.lib.format.read_array_header_2_0),
}


@checked
def read_header(stream: BinaryIO | Any, size: int) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Read what stands at the head of an array in NumPy's format, and hold it to its bytes.

    Parameters
    ----------
    stream : binary file
        At the array's first byte; afterwards at that of its first number.
    size : int
        Bytes of the whole array in that format.

    Returns
    -------
    shape : tuple of int
    fortran_order : bool
    dtype : dtype

    Raises
    ------
    ValueError
        If it is no such head, promises more numbers than the bytes can hold, or Python objects.

    Examples
    --------
    >>> stream = io.BytesIO()
    >>> np.save(stream, np.zeros((2, 3)))
    >>> size = stream.tell()
    >>> _ = stream.seek(0)
    >>> read_header(stream, size)
    ((2, 3), False, dtype('float64'))
    """
    version = np.lib.format.read_magic(stream)
    if version not in _HEADERS:
        raise ValueError(f"format version {version}")
    width, read = _HEADERS[version]
    length = stream.read(width)
    n = int.from_bytes(length, "little")
    if n > _MAX_HEADER:
        raise ValueError(f"a header of {n} bytes")
    shape, fortran, dtype = read(io.BytesIO(length + stream.read(n)))
    if dtype.hasobject:
        raise ValueError("it holds Python objects, not numbers, which need allow_pickle")
    if dtype.subdtype or any(n < 0 for n in shape):
        raise ValueError(f"an array of {dtype} and shape {shape}")
    count = math.prod(map(int, shape))
    if count * max(dtype.itemsize, 1) > size:
        raise ValueError(f"its header promises {count} numbers; the file has {size} bytes")
    return tuple(map(int, shape)), bool(fortran), dtype


class ArrayFile:
    """An NPZ file that is open for reading.

    Parameters
    ----------
    path : str or os.PathLike
        The file.

    Raises
    ------
    DataError
        If its arrays would fill more memory than `ecglib.core.limits` allows.
    Exception
        If it is missing or damaged; of many kinds, as `zipfile` has it.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp(), "anna.npz")
    >>> np.savez(file, ecg=np.arange(5.0), fs=np.array(250))
    >>> with ArrayFile(file) as arrays:
    ...     print(arrays.names, arrays.header("ecg"), arrays.read("fs"))
    ['ecg', 'fs'] ((5,), dtype('float64')) 250
    """

    @checked
    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._zip = zipfile.ZipFile(self.path)
        try:
            self._members = self._find()
        except BaseException:
            self._zip.close()
            raise

    def _find(self) -> dict[str, zipfile.ZipInfo]:
        entries = self._zip.infolist()
        if len(entries) > MAX_ARRAYS:
            raise ValueError(f"{len(entries)} arrays; at most {MAX_ARRAYS} are read")
        members = {}
        for entry in entries:
            name = entry.filename.removesuffix(".npy")
            if name == entry.filename:
                raise ValueError(f"'{name[:40]}' in it is no array")
            if name in members:
                raise ValueError(f"two arrays are named '{name[:40]}'")
            members[name] = entry
        grown = sum(entry.file_size for entry in entries)
        check_growth(self.path.stat().st_size, grown, file=self.path)
        return members

    @property
    def names(self) -> list[str]:
        """Names of the arrays, in the order of the file."""
        return list(self._members)

    @checked
    def header(self, name: str) -> tuple[tuple[int, ...], np.dtype]:
        """Give shape and type of the array called `name`, without reading it."""
        with self._zip.open(self._members[name]) as stream:
            shape, _, dtype = read_header(stream, self._members[name].file_size)
        return shape, dtype

    @checked
    def read(self, name: str) -> np.ndarray:
        """Read the array called `name`, and compare its checksum."""
        member = self._members[name]
        with self._zip.open(member) as stream:
            shape, fortran, dtype = read_header(stream, member.file_size)
            found = np.empty(shape, dtype, "F" if fortran else "C")
            flat = found.reshape(-1, order="A").view(np.uint8) if found.nbytes else ()
            at = 0
            while at < len(flat) and (part := stream.read(min(_PIECE, len(flat) - at))):
                flat[at : at + len(part)] = np.frombuffer(part, np.uint8)
                at += len(part)
            # At the very end zipfile compares the checksum.
            if at < len(flat) or stream.read(1):
                raise ValueError(f"'{name[:40]}' has another length than its header says")
        return found

    def close(self) -> None:
        """Close the file."""
        self._zip.close()

    def __enter__(self) -> ArrayFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
