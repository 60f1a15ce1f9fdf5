"""One variable of a MATLAB v5 file as plain Python dictionaries, lists, strings and arrays.

The file is read as a stream: fields that nobody wants are passed over piece by piece and never lie
in memory. Most of DREAMER.mat is EEG, which the book does not use.

References
----------
MathWorks, "MAT-File Format", sections on level 5 files. What is read here gives the same values as
`scipy.io.loadmat`, which the tests compare; what the format allows beyond that is refused.
"""

from __future__ import annotations

import math
import os
import zlib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ecglib.core.errors import DataError

_SAVE_AS_V5 = "save it again from MATLAB with the option '-v7', or from SciPy with savemat"


_PIECE = 1 << 18


# Types of data elements, by their number in the file.
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8"}


_NUMBERS |= {12: "i8", 13: "u8"}


_TEXTS = {1: "latin-1", 2: "latin-1", 16: "utf-8"}


_INT8, _INT32, _UINT32, _MATRIX, _COMPRESSED = 1, 5, 6, 14, 15


_WIDE_TEXTS = {4, 17}


# Classes of arrays.
_CELL, _STRUCT, _CHAR, _NUMERIC = 1, 2, 4, range(6, 16)


_COMPLEX = 0x800


class _Damaged(ValueError):
    """The bytes break the rules of the format, or of the part of it that is read here."""


def read_variable(
    path: str | os.PathLike[str],
    name: str,
    skip: Collection[str] = (),
    convert: Callable[[np.ndarray], np.ndarray] | None = None,
) -> dict[str, Any] | list[Any] | str | np.ndarray:
    """Read one variable of a MATLAB v5 file (what MATLAB writes with ``-v6`` or ``-v7``).

    Parameters
    ----------
    path : str or os.PathLike
        The file.
    name : str
        The variable; the others are not read.
    skip : collection of str, optional
        Names of struct fields to leave out, at any depth. They never lie in memory.
    convert : callable, optional
        What becomes of each numeric array as soon as it is read, such as a change to a smaller
        type, so that the stored ones never lie in memory together.

    Returns
    -------
    dict, list, str or numpy.ndarray
        A struct is a dictionary of its fields and a cell array a list, whatever its orientation
        and even with a single element; a char array is a string (its rows joined by line breaks),
        anything numeric an array of two or more dimensions, in the type in which it is stored.

    Raises
    ------
    DataError
        If the file is missing, of another format, damaged, or lacks the variable, or if the
        variable holds something else than numbers, text, cells and structs: sparse arrays,
        objects, function handles.

    Notes
    -----
    A compressed variable (as in DREAMER.mat) carries a checksum, which is verified. An
    uncompressed one carries none: damage inside its numbers goes unnoticed.
    """
    path = Path(path)
    order = _byte_order(path)
    names = []
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(128)
            while file.tell() < end:
                reader, after = _open_element(file, order, end)
                if reader is not None:
                    reader.convert = convert
                    found, content = reader.variable(name, frozenset(skip))
                    if found == name:
                        return content
                    names.append(found)
                file.seek(after)
    except (zlib.error, ValueError, OSError, MemoryError, RecursionError) as error:
        raise DataError(
            f"the file cannot be read ({type(error).__name__.lstrip('_')}: {error})",
            file=path,
            expected="an undamaged MATLAB v5 file",
            remedy="compare its size and checksum with the original's and copy it again; "
            "if memory ran out, close other programs",
        ) from error
    raise DataError(
        f"no variable of this name; the file holds {', '.join(names) or 'none'}",
        file=path,
        field=name,
        expected=f"one variable named {name}",
        remedy="name the right file",
    )


def _byte_order(path: Path) -> str:
    """Give the byte order that the header of 128 bytes states, or raise a DataError."""
    expected = "a MATLAB v5 file"
    if not path.exists():
        raise DataError(
            "there is no such file", file=path, expected=expected, remedy="check the path"
        )
    if not path.is_file():
        raise DataError(
            "this is not a file", file=path, expected=expected, remedy="name the file itself"
        )
    try:
        with path.open("rb") as file:
            header = file.read(128)
    except OSError as error:
        raise DataError(
            f"the file cannot be opened ({error.strerror})",
            file=path,
            expected="a file that you may read",
            remedy="check its permissions",
        ) from error
    # Bytes 124 to 127 hold the version and the byte order mark "MI", both in the writer's order.
    if header[124:] in (b"\x00\x01IM", b"\x01\x00MI"):
        return "<" if header.endswith(b"IM") else ">"
    if header[124:] in (b"\x00\x02IM", b"\x02\x00MI") or header.startswith(b"\x89HDF"):
        problem, remedy = "the file is in the HDF5 format of MATLAB v7.3", _SAVE_AS_V5
    elif len(header) < 128:
        problem = f"the file has only {len(header)} bytes"
        remedy = "copy the complete file again"
    else:
        problem, remedy = "the file does not begin with a MATLAB v5 header", "name the right file"
    raise DataError(problem, file=path, expected=expected, remedy=remedy)


class _Stored:
    """`n` bytes of a file, from its present position."""

    def __init__(self, file: BinaryIO, n: int) -> None:
        self.file, self.left = file, n

    def read(self, n: int) -> bytes | bytearray:
        self.left -= n
        data = self.file.read(n) if self.left >= 0 else b""
        if len(data) < n:
            raise _Damaged("an element is longer than what holds it")
        return data

    def skip(self, n: int) -> None:
        self.left -= n
        if self.left < 0:
            raise _Damaged("an element is longer than what holds it")
        self.file.seek(n, os.SEEK_CUR)

    def finish(self) -> None:
        """Nothing to verify."""


class _Compressed:
    """The bytes that `n` bytes of a file inflate to, a piece at a time."""

    def __init__(self, file: BinaryIO, n: int) -> None:
        self.file, self.left = file, n
        self.zlib = zlib.decompressobj()
        self.piece, self.position = b"", 0

    def _next_piece(self) -> bool:
        """Inflate the next piece; False at the end of the data."""
        while not self.zlib.eof:
            data = self.zlib.unconsumed_tail
            if not data:
                data = self.file.read(min(_PIECE, self.left))
                self.left -= len(data)
                if not data:
                    raise _Damaged("the compressed data end too early")
            self.piece, self.position = self.zlib.decompress(data, _PIECE), 0
            if self.piece:
                return True
        return False

    def read(self, n: int) -> bytes | bytearray:
        """Give the next `n` bytes. They are collected as they come: a damaged length costs none."""
        end = self.position + n
        if end <= len(self.piece):
            data = self.piece[self.position : end]
            self.position = end
            return data
        data = bytearray()
        while len(data) < n:
            if self.position == len(self.piece) and not self._next_piece():
                raise _Damaged("an element is longer than what holds it")
            part = self.piece[self.position : self.position + n - len(data)]
            self.position += len(part)
            data += part
        return data

    def skip(self, n: int) -> None:
        while n:
            if self.position == len(self.piece) and not self._next_piece():
                raise _Damaged("an element is longer than what holds it")
            step = min(n, len(self.piece) - self.position)
            self.position += step
            n -= step

    def finish(self) -> None:
        """Inflate what is left: zlib compares its checksum at the very end."""
        while self._next_piece():
            pass


def _open_element(file: BinaryIO, order: str, end: int) -> tuple[_Reader | None, int]:
    """Open the element at the file's position; give its reader and where the next one begins.

    There is no reader for an element that holds no variable.
    """
    tag = file.read(8)
    if len(tag) < 8:
        raise _Damaged("the file ends within a tag")
    kind, n = (int(word) for word in np.frombuffer(tag, f"{order}u4"))
    start = file.tell()
    if start + n > end:
        raise _Damaged("the file ends within a variable")
    if kind == _COMPRESSED:
        return _Reader(_Compressed(file, n), order), start + n
    if kind == _MATRIX:
        file.seek(-8, os.SEEK_CUR)
        return _Reader(_Stored(file, n + 8), order), start + n
    return None, start + n


class _Reader:
    """Reads arrays, element by element, from a stream of bytes."""

    convert: Callable[[np.ndarray], np.ndarray] | None = None

    def __init__(self, stream: _Stored | _Compressed, order: str) -> None:
        self.stream, self.order = stream, order

    def variable(self, name: str, skip: frozenset[str]) -> tuple[str, Any]:
        """Give the name of this variable and, if it is `name`, its content (else None)."""
        kind, n, _ = self._tag()
        if kind != _MATRIX or not n:
            raise _Damaged(f"a variable of type {kind} and {n} bytes")
        header = self._header()
        if header[0] != name:
            return header[0], None
        content = self._content(*header[1:], skip)
        self.stream.finish()
        return name, content

    def _tag(self) -> tuple[int, int, bytes | None]:
        """Give type, length and, where the tag holds them itself, the data of an element."""
        tag = self.stream.read(8)
        first, second = (int(word) for word in np.frombuffer(tag, f"{self.order}u4"))
        if first >> 16:
            n = first >> 16
            if n > 4:
                raise _Damaged(f"a short element of {n} bytes")
            return first & 0xFFFF, n, bytes(tag[4 : 4 + n])
        return first, second, None

    def _element(self) -> tuple[int, bytes | bytearray]:
        """Give the type and the data of an element that is no array."""
        kind, n, data = self._tag()
        if data is None:
            data = self.stream.read(n)
            self.stream.skip(-n % 8)
        return kind, data

    def _integers(self, expected: int) -> list[int]:
        kind, data = self._element()
        if kind != expected or len(data) % 4:
            raise _Damaged(f"type {kind} where integers should stand")
        return [int(value) for value in np.frombuffer(data, self.order + _NUMBERS[kind])]

    def _header(self) -> tuple[str, int, tuple[int, ...]]:
        """Give name, flags and shape of an array."""
        flags = self._integers(_UINT32)
        shape = self._integers(_INT32)
        kind, name = self._element()
        if len(flags) != 2 or len(shape) < 2 or min(shape) < 0 or kind != _INT8:
            raise _Damaged(f"an array of shape {shape}")
        return bytes(name).decode("latin-1"), flags[0], tuple(shape)

    def _array(self, skip: frozenset[str]) -> Any:
        """Read an array within a cell array or a struct."""
        kind, n, _ = self._tag()
        if kind != _MATRIX:
            raise _Damaged(f"type {kind} where an array should stand")
        if not n:  # how MATLAB writes []
            return np.zeros((1, 0))
        _, flags, shape = self._header()
        return self._content(flags, shape, skip)

    def _content(self, flags: int, shape: tuple[int, ...], skip: frozenset[str]) -> Any:
        of_class, count = flags & 0xFF, math.prod(shape)
        if of_class == _CELL:
            return [self._array(skip) for _ in range(count)]
        if of_class == _STRUCT:
            fields = self._field_names()
            structs = [self._struct(fields, skip) for _ in range(count)]
            return structs[0] if count == 1 else structs
        if of_class == _CHAR:
            return self._text(shape)
        if of_class in _NUMERIC:
            values = self._numbers(shape)
            if flags & _COMPLEX:
                values = values + 1j * self._numbers(shape)
            return self.convert(values) if self.convert else values
        raise _Damaged(f"an array of class {of_class}, which is not read here")

    def _field_names(self) -> list[str]:
        (width,) = self._integers(_INT32)
        kind, data = self._element()
        if kind != _INT8 or width < 1 or len(data) % width:
            raise _Damaged("a struct whose field names cannot be told apart")
        names = [data[i : i + width] for i in range(0, len(data), width)]
        return [bytes(name).split(b"\0", 1)[0].decode("latin-1") for name in names]

    def _struct(self, fields: list[str], skip: frozenset[str]) -> dict[str, Any]:
        struct = {}
        for field in fields:
            if field in skip:
                kind, n, _ = self._tag()
                if kind != _MATRIX:
                    raise _Damaged(f"type {kind} where the array {field} should stand")
                self.stream.skip(n)
            else:
                struct[field] = self._array(skip)
        return struct

    def _numbers(self, shape: tuple[int, ...]) -> np.ndarray:
        kind, data = self._element()
        if kind not in _NUMBERS:
            raise _Damaged(f"numbers of type {kind}")
        stored = np.dtype(self.order + _NUMBERS[kind])
        if len(data) != stored.itemsize * math.prod(shape):
            raise _Damaged(f"{len(data)} bytes for an array of shape {shape}")
        values = np.frombuffer(data, stored).reshape(shape, order="F")
        return values.astype(stored.newbyteorder("="))

    def _text(self, shape: tuple[int, ...]) -> str:
        kind, data = self._element()
        if kind in _WIDE_TEXTS:
            text = bytes(data).decode("utf-16-le" if self.order == "<" else "utf-16-be")
        elif kind in _TEXTS:
            text = bytes(data).decode(_TEXTS[kind])
        else:
            raise _Damaged(f"text of type {kind}")
        if len(text) != math.prod(shape) or len(shape) != 2:
            raise _Damaged(f"{len(text)} characters for text of shape {shape}")
        n_rows = shape[0]
        return "\n".join(text[row::n_rows].rstrip("\0") for row in range(n_rows))
