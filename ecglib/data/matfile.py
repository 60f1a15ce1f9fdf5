"""One variable of a MATLAB v5 file as plain Python dictionaries, lists, strings and arrays.

The file is read as a stream: fields that nobody wants are passed over piece by piece and never lie
in memory. Most of DREAMER.mat is EEG, which the book does not use.

A file is held to what its bytes can be and to limits: `MAX_VARIABLES` variables, each within the
limits of `ecglib.data.mat_arrays`, and no more memory than `ecglib.core.limits` allows.

References
----------
MathWorks, "MAT-File Format", sections on level 5 files. What is read here gives the same values as
`scipy.io.loadmat`, which the tests compare; what the format allows beyond that is named and left
unread (`Unreadable`).
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.core.folders import given_path
from ecglib.data.mat_arrays import MatReader, Unreadable, shown_name
from ecglib.data.mat_stream import (
    DamagedError,
    InflatedBytes,
    StoredBytes,
    Stream,
    TooLargeError,
)

MAX_VARIABLES = 10_000
"""Most variables of one file."""


_MATRIX, _COMPRESSED = 14, 15


_SAVE_AS_V5 = "save it again from MATLAB with the option '-v7', or from SciPy with savemat"


@dataclass(frozen=True)
class Variable:
    """What a file says of one of its variables before it is read.

    Parameters
    ----------
    name : str
        Its name.
    shape : tuple of int
        Its shape; empty for an opaque one.
    kind : str
        MATLAB's word for its class: "double", "logical", "char", "cell", "struct", "sparse",
        "opaque" (a string, a table, a date) and so on.
    at : int
        The byte of the file at which it begins.

    Examples
    --------
    >>> import tempfile
    >>> from scipy.io import savemat
    >>> file = Path(tempfile.mkdtemp(), "anna.mat")
    >>> savemat(file, {"ecg": np.zeros((5000, 2))})
    >>> found = list_variables(file)[0]
    >>> isinstance(found, Variable), found.name, found.shape
    (True, 'ecg', (5000, 2))
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    at: int


@checked
def list_variables(path: str | os.PathLike[str]) -> list[Variable]:
    """List the variables of a MATLAB v5 file without reading them.

    Parameters
    ----------
    path : str or os.PathLike
        The file.

    Returns
    -------
    list of Variable
        In the order of the file; what MATLAB keeps there for itself, without a name, is left out.

    Raises
    ------
    DataError
        If the file is missing, of another format or damaged, or two variables have one name.

    Examples
    --------
    >>> import tempfile
    >>> from scipy.io import savemat
    >>> file = Path(tempfile.mkdtemp(), "anna.mat")
    >>> savemat(file, {"ecg": np.zeros((5000, 2)), "unit": "mV"})
    >>> [(found.name, found.shape, found.kind) for found in list_variables(file)]
    [('ecg', (5000, 2), 'double'), ('unit', (1, 2), 'char')]
    """
    path = given_path(path)
    order = _byte_order(path)
    with _reported(path), path.open("rb") as file:
        found = list(_variables(file, order))
    first: dict[str, Variable] = {}
    for variable in found:
        other = first.setdefault(variable.name, variable)
        if other is not variable:
            raise DataError(
                f"two variables have this name, at the bytes {other.at} and {variable.at}",
                file=path,
                field=shown_name(variable.name),
                expected="one variable of each name",
                remedy="delete one of them, or take the original file",
            )
    return found


@checked
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
        Within a struct or a cell array an `Unreadable` stands for what is none of these: a sparse
        array, an object, a function handle, text of three dimensions or in UTF-32.

    Raises
    ------
    DataError
        If the file is missing, of another format, damaged, larger than its limits, or lacks the
        variable; if it has two of this name, or a struct has two fields of one name; if the
        variable itself is not readable.

    Notes
    -----
    A compressed variable (as in DREAMER.mat) carries a checksum, which is verified. An
    uncompressed one carries none: damage inside its numbers goes unnoticed.

    Examples
    --------
    >>> import tempfile
    >>> from scipy.io import savemat
    >>> file = Path(tempfile.mkdtemp(), "anna.mat")
    >>> savemat(file, {"anna": {"ecg": [0.5, 0.75], "unit": "mV"}})
    >>> read_variable(file, "anna")
    {'ecg': array([[0.5 , 0.75]]), 'unit': 'mV'}
    """
    path = given_path(path)
    variables = list_variables(path)
    wanted = next((variable for variable in variables if variable.name == name), None)
    if wanted is None:
        told = ", ".join(shown_name(variable.name) for variable in variables[:10]) or "none"
        more = f" and {len(variables) - 10} more" if len(variables) > 10 else ""
        raise DataError(
            f"no variable of this name; the file holds {told}{more}",
            file=path,
            field=name,
            expected=f"one variable named {name}",
            remedy="name the right file",
        )
    order = _byte_order(path)
    with _reported(path), path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(wanted.at)
        stream, _ = _open_element(file, order, end)
        if stream is None:
            raise DamagedError("it changed while it was read")
        content = MatReader(stream, order, path, frozenset(skip), convert).variable()
    if isinstance(content, Unreadable):
        raise DataError(
            f"the variable is {content.what}, which is not read here",
            file=path,
            field=name,
            expected="numbers, text, a cell array or a struct",
            remedy="convert it in MATLAB, for instance with full, char, cellstr or table2struct",
        )
    return content


def _byte_order(path: Path) -> str:
    """Give the byte order that the header of 128 bytes states, or raise a DataError."""
    expected = "a MATLAB v5 file"
    try:
        if not path.exists():
            raise DataError(
                "there is no such file", file=path, expected=expected, remedy="check the path"
            )
        if not path.is_file():
            raise DataError(
                "this is not a file", file=path, expected=expected, remedy="name the file itself"
            )
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


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    """Say of a file that cannot be read whether it is damaged, too large, or out of reach."""
    try:
        yield
    except (DamagedError, zlib.error) as error:
        raise DataError(
            f"the file is damaged and cannot be read ({error})",
            file=path,
            expected="an undamaged MATLAB v5 file",
            remedy="compare its size and checksum with the original's and copy it again",
        ) from error
    except TooLargeError as error:
        raise DataError(
            f"the file cannot be read: {error}",
            file=path,
            expected="a variable within the limits of ecglib.data.matfile",
            remedy="if it is genuine, save it again with the option '-v6', or its parts one by one",
        ) from error
    except OSError as error:
        raise DataError(
            f"the file cannot be read ({error.strerror})",
            file=path,
            remedy="check its permissions and its disk",
        ) from error
    except MemoryError as error:
        raise DataError(
            "the file cannot be read: memory ran out", file=path, remedy="close other programs"
        ) from error


def _open_element(file: BinaryIO, order: str, end: int) -> tuple[Stream | None, int]:
    """Open the element at the file's position; give its bytes and where the next one begins.

    There are no bytes of an element that holds no variable.
    """
    tag = file.read(8)
    if len(tag) < 8:
        raise DamagedError("the file ends within a tag")
    kind, n = (int(word) for word in np.frombuffer(tag, f"{order}u4"))
    start = file.tell()
    if start + n > end:
        raise DamagedError("the file ends within a variable")
    if kind == _COMPRESSED:
        return InflatedBytes(file, n), start + n
    if kind == _MATRIX:
        file.seek(-8, os.SEEK_CUR)
        return StoredBytes(file, n + 8), start + n
    return None, start + n


def _variables(file: BinaryIO, order: str) -> Iterator[Variable]:
    """Give what stands at the head of each variable of a file."""
    end = file.seek(0, os.SEEK_END)
    at = 128
    for _ in range(MAX_VARIABLES):
        if at >= end:
            return
        file.seek(at)
        stream, after = _open_element(file, order, end)
        if stream is not None:
            name, kind, shape = MatReader(stream, order, Path()).head()
            if name and name != "__function_workspace__":
                yield Variable(name, shape, kind, at)
        at = after
    if at < end:
        raise TooLargeError(f"it holds more than {MAX_VARIABLES} variables")
