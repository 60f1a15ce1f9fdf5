"""The arrays within one variable of a MATLAB v5 file, element by element."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.core.limits import numbers_fill
from ecglib.data.mat_stream import DamagedError, Stream, TooLargeError

MAX_ELEMENTS = 2**15
"""Most arrays, structs, fields and rows of text in one variable; DREAMER.mat has some 2000."""


MAX_DEPTH = 32
"""Most cell arrays and structs within each other."""


MAX_TEXT = 2**20
"""Most characters of one text."""


# Types of data elements, by their number in the file.
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8"}


_NUMBERS |= {12: "i8", 13: "u8"}


_TEXTS = {1: "latin-1", 2: "latin-1", 16: "utf-8", 4: "utf-16", 17: "utf-16"}


_INT8, _INT32, _UINT32, _MATRIX, _UTF32 = 1, 5, 6, 14, 18


# Classes of arrays.
_CELL, _STRUCT, _CHAR, _NUMERIC, _OPAQUE = 1, 2, 4, range(6, 16), 17


_CLASSES = {1: "cell", 2: "struct", 3: "object", 4: "char", 5: "sparse", 6: "double", 7: "single"}


_CLASSES |= {8: "int8", 9: "uint8", 10: "int16", 11: "uint16", 12: "int32", 13: "uint32"}


_CLASSES |= {14: "int64", 15: "uint64", 16: "function", 17: "opaque"}


_UNREAD = {"object": "an object", "sparse": "a sparse array", "function": "a function handle"}


_COMPLEX, _LOGICAL = 0x800, 0x200


_NAME_BYTES, _NAMES_BYTES = 4096, 2**20


@dataclass(frozen=True)
class Unreadable:
    """Stands for a value that the format allows and that is not read here.

    Parameters
    ----------
    what : str
        What it is, such as "a sparse array".
    path : str
        Where it stands, in MATLAB's own notation: ``DREAMER.Data{3}.ECG.stimuli{2}``.

    Examples
    --------
    >>> str(Unreadable("a sparse array", "DREAMER.Data{3}.Age"))
    'a sparse array, which is not read here (DREAMER.Data{3}.Age)'
    """

    what: str
    path: str

    def __str__(self) -> str:
        return f"{self.what}, which is not read here ({self.path})"


class MatReader:
    """What turns the bytes of one variable into arrays, element by element.

    Parameters
    ----------
    stream : Stream
        The bytes, from the tag of the variable on.
    order : str
        ``"<"`` or ``">"``: the order of bytes in a number.
    file : Path
        Where they lie, for messages.
    skip : frozenset of str
        Names of struct fields to leave out.
    convert : callable, optional
        What becomes of each numeric array as soon as it is read.

    Examples
    --------
    >>> import tempfile
    >>> from scipy.io import savemat
    >>> from ecglib.data.mat_stream import StoredBytes
    >>> file = Path(tempfile.mkdtemp(), "anna.mat")
    >>> savemat(file, {"fs": 256.0})
    >>> with file.open("rb") as stream:
    ...     _ = stream.seek(128)  # after the head of the file
    ...     found = MatReader(StoredBytes(stream, file.stat().st_size - 128), "<", file).head()
    >>> found
    ('fs', 'double', (1, 1))
    """

    @checked
    def __init__(
        self,
        stream: Stream,
        order: str,
        file: Path,
        skip: frozenset[str] = frozenset(),
        convert: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> None:
        self.stream, self.order, self.file = stream, order, file
        self.skip, self.convert = skip, convert
        self.elements, self.filled = 0, 0
        self.place: list[str] = []

    def head(self) -> tuple[str, str, tuple[int, ...]]:
        """Give the name, the class and the shape of this variable."""
        self._open()
        flags, shape, name = self._header()
        kind = _CLASSES.get(flags & 0xFF, f"class {flags & 0xFF}")
        if flags & _LOGICAL and (flags & 0xFF) in _NUMERIC:
            kind = "logical"
        return name, kind, shape

    def variable(self) -> Any:
        """Give the content of this variable, and verify its checksum."""
        end = self._open()
        flags, shape, name = self._header()
        self.place.append(shown_name(name))
        try:
            content = self._content(flags, shape, end)
        except (DataError, TooLargeError):
            self.stream.finish()  # a wrong checksum says more
            raise
        self._go_to(end)
        self.stream.finish()
        return content

    def _open(self) -> int:
        """Read the tag of the variable; give the position at which it ends."""
        kind, n, data = self._tag()
        if kind != _MATRIX or not n or data is not None:
            raise DamagedError(f"a variable of type {kind} and {n} bytes")
        return self.stream.position + n

    def _path(self) -> str:
        return "".join(self.place)

    def _count(self, n: int) -> None:
        """Count parts of the variable before they are made."""
        self.elements += n
        if self.elements > MAX_ELEMENTS:
            raise TooLargeError(f"{self._path()} has more than {MAX_ELEMENTS} parts")

    def _fill(self, n: int) -> None:
        """Count bytes of memory before they are filled."""
        self.filled += n
        if self.filled > self.stream.may_fill:
            raise TooLargeError(
                f"{self._path()} would fill more than {self.stream.may_fill} bytes of memory, "
                "which is too much for a file of its size"
            )

    def _go_to(self, end: int) -> None:
        """Pass over what is left of an array, which must not have taken from the next one."""
        if self.stream.position > end:
            raise DamagedError(f"{self._path()}: an element is longer than what holds it")
        self.stream.skip(end - self.stream.position)

    def _tag(self) -> tuple[int, int, bytearray | None]:
        """Give type, length and, where the tag holds them itself, the data of an element."""
        tag = self.stream.read(8)
        first, second = (int(word) for word in np.frombuffer(tag, f"{self.order}u4"))
        if first >> 16:
            n = first >> 16
            if n > 4:
                raise DamagedError(f"a short element of {n} bytes")
            return first & 0xFFFF, n, tag[4 : 4 + n]
        return first, second, None

    def _data(self, n: int, data: bytearray | None) -> bytearray:
        """Give the data of an element after its tag."""
        if data is None:
            data = self.stream.read(n)
            self.stream.skip(-n % 8)
        return data

    def _short(self, expected: int, most: int, what: str) -> bytearray:
        """Read an element of a given type that is not long."""
        kind, n, data = self._tag()
        if kind != expected:
            raise DamagedError(f"type {kind} where {what} should stand")
        if n > most:
            raise DamagedError(f"{n} bytes where {what} should stand")
        return self._data(n, data)

    def _integers(self, kind: int, most: int, what: str) -> list[int]:
        data = self._short(kind, 4 * most, what)
        if len(data) % 4:
            raise DamagedError(f"{len(data)} bytes where {what} should stand")
        return [int(value) for value in np.frombuffer(data, self.order + _NUMBERS[kind])]

    def _name(self) -> str:
        return self._short(_INT8, _NAME_BYTES, "a name").decode("latin-1")

    def _header(self) -> tuple[int, tuple[int, ...], str]:
        """Give flags, shape and name of an array; an opaque one has no shape."""
        flags = self._integers(_UINT32, 2, "flags")
        if len(flags) != 2:
            raise DamagedError(f"{len(flags)} flags")
        if flags[0] & 0xFF == _OPAQUE:
            return flags[0], (), self._name()
        shape = self._integers(_INT32, 32, "a shape")
        if len(shape) < 2 or min(shape) < 0:
            raise DamagedError(f"an array of shape {shape}")
        return flags[0], tuple(shape), self._name()

    def _array(self, place: str) -> Any:
        """Read an array within a cell array or a struct."""
        self.place.append(place)
        kind, n, data = self._tag()
        if kind != _MATRIX or data is not None:
            raise DamagedError(f"type {kind} where the array {self._path()} should stand")
        end = self.stream.position + n
        if n:
            flags, shape, _ = self._header()
            content = self._content(flags, shape, end)
            self._go_to(end)
        else:  # how MATLAB writes []
            content = np.zeros((1, 0))
        self.place.pop()
        return content

    def _content(self, flags: int, shape: tuple[int, ...], end: int) -> Any:
        of_class, count = flags & 0xFF, math.prod(shape)
        if of_class in (_CELL, _STRUCT) and len(self.place) > MAX_DEPTH:
            raise TooLargeError(f"cell arrays and structs lie more than {MAX_DEPTH} deep")
        if of_class == _CELL:
            self._check_room(8 * count, end)
            self._count(count)
            return [self._array(f"{{{i + 1}}}") for i in range(count)]
        if of_class == _STRUCT:
            fields = self._field_names()
            self._check_room(8 * count * len(fields), end)
            self._count(count * (1 + len(fields)))
            structs = [
                self._struct(fields, f"({i + 1})" if count > 1 else "") for i in range(count)
            ]
            return structs[0] if count == 1 else structs
        if of_class == _CHAR:
            return self._text(shape, end)
        if of_class in _NUMERIC:
            return self._numeric(shape, bool(flags & _COMPLEX), end)
        if of_class == _OPAQUE:
            self._name()  # of the system that it belongs to
            return self._unreadable(f"an object of the class {shown_name(self._name())}")
        of_class_name = _CLASSES.get(of_class, "")
        return self._unreadable(_UNREAD.get(of_class_name, f"an array of class {of_class}"))

    def _check_room(self, n: int, end: int) -> None:
        """Refuse to look for more than the rest of an array can hold."""
        if n > end - self.stream.position:
            raise DamagedError(f"{self._path()}: an element is longer than what holds it")

    def _unreadable(self, what: str) -> Unreadable:
        return Unreadable(what, self._path())

    def _field_names(self) -> list[str]:
        (width,) = self._integers(_INT32, 1, "the length of field names") or (0,)
        data = self._short(_INT8, _NAMES_BYTES, "the names of fields")
        if not 0 < width <= _NAME_BYTES or len(data) % width:
            raise DamagedError("a struct whose field names cannot be told apart")
        self._count(len(data) // width)
        parts = (data[i : i + width] for i in range(0, len(data), width))
        names = [part.split(b"\0", 1)[0].decode("latin-1") for part in parts]
        first: dict[str, int] = {}
        for number, name in enumerate(names, start=1):
            if first.setdefault(name, number) != number:
                raise DataError(
                    f"two fields have this name, the fields {first[name]} and {number} of the "
                    "struct",
                    file=self.file,
                    field=f"{self._path()}.{shown_name(name)}",
                    expected="one field of each name",
                    remedy="delete one of them, or take the original file",
                )
        return names

    def _struct(self, fields: list[str], place: str) -> dict[str, Any]:
        self.place += [place] if place else []
        struct = {}
        for field in fields:
            if field in self.skip:
                kind, n, data = self._tag()
                if kind != _MATRIX or data is not None:
                    raise DamagedError(f"type {kind} where the array {field} should stand")
                self.stream.skip(n)
            else:
                struct[field] = self._array(f".{shown_name(field)}")
        if place:
            self.place.pop()
        return struct

    def _numeric(self, shape: tuple[int, ...], is_complex: bool, end: int) -> np.ndarray:
        values = self._numbers(shape, end)
        if is_complex:
            self._fill(16 * values.size)
            both = np.empty(shape, np.result_type(values, 1j), order="F")
            both.real, both.imag = values, self._numbers(shape, end)
            values = both
        return self.convert(values) if self.convert else values

    def _numbers(self, shape: tuple[int, ...], end: int) -> np.ndarray:
        kind, n, data = self._tag()
        if kind not in _NUMBERS:
            raise DamagedError(f"numbers of type {kind}")
        stored = np.dtype(self.order + _NUMBERS[kind])
        count = math.prod(shape)
        if n != stored.itemsize * count:
            raise DamagedError(f"{n} bytes for an array of shape {shape}")
        if data is None:
            self._check_room(n, end)
        self._fill(numbers_fill(count, stored))
        values = np.frombuffer(self._data(n, data), stored).reshape(shape, order="F")
        return values if stored.isnative else values.astype(stored.newbyteorder("="))

    def _text(self, shape: tuple[int, ...], end: int) -> str | Unreadable:
        kind, n, data = self._tag()
        if kind == _UTF32:
            return self._unreadable("text in UTF-32")
        if kind not in _TEXTS:
            raise DamagedError(f"text of type {kind}")
        n_rows = shape[0]
        if len(shape) != 2:
            return self._unreadable(f"text of {len(shape)} dimensions")
        if data is None:
            self._check_room(n, end)
        if max(n, math.prod(shape)) > MAX_TEXT:
            return self._unreadable(f"text of more than {MAX_TEXT} characters")
        self._count(n_rows)
        try:
            text = self._decoded(self._data(n, data), _TEXTS[kind])
        except UnicodeDecodeError as error:
            return self._unreadable(f"text that is no {error.encoding.upper()}")
        if len(text) == math.prod(shape):
            return "\n".join(text[row::n_rows].rstrip("\0") for row in range(n_rows))
        # Characters outside the basic plane, which MATLAB counts as two.
        if n_rows == 1 and len(text.encode("utf-16-le", "surrogatepass")) == 2 * shape[1]:
            return text.rstrip("\0")
        raise DamagedError(f"{len(text)} characters for text of shape {shape}")

    def _decoded(self, data: bytearray, encoding: str) -> str:
        if encoding == "utf-16":
            encoding += "-le" if self.order == "<" else "-be"
        return data.decode(encoding)


@checked
def shown_name(name: str) -> str:
    """Give a `name` so that it can stand in a message, whatever it holds.

    Examples
    --------
    >>> shown_name("ECG" + chr(7))
    'ECG?'
    """
    return "".join(c if c.isprintable() else "?" for c in name[:63])
