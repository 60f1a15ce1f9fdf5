"""One variable of a MATLAB v5 file as plain Python dictionaries, lists, strings and arrays."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat, whosmat

from ecglib.errors import DataError

_SAVE_AS_V5 = "save it again from MATLAB with the option '-v7', or from SciPy with savemat"


def read_variable(
    path: str | os.PathLike[str], name: str, skip: Collection[str] = ()
) -> dict[str, Any] | list[Any] | str | np.ndarray:
    """Read one variable of a MATLAB v5 file (what MATLAB writes with ``-v6`` or ``-v7``).

    Parameters
    ----------
    path : str or os.PathLike
        The file.
    name : str
        The variable; the others are not read.
    skip : collection of str, optional
        Names of struct fields to leave out, at any depth, so that they are not kept in memory.

    Returns
    -------
    dict, list, str or numpy.ndarray
        A struct is a dictionary of its fields and a cell array a list, whatever its orientation
        and even with a single element; a char array is a string, anything numeric an array of
        two or more dimensions.

    Raises
    ------
    DataError
        If the file is missing, of another format, damaged, or lacks the variable.

    Notes
    -----
    A compressed variable (as in DREAMER.mat) carries a checksum, which SciPy verifies. An
    uncompressed one carries none: damage inside its numbers goes unnoticed, and SciPy itself
    may crash on a damaged tag (scipy pull request 25349).
    """
    path = Path(path)
    _require_v5(path)
    try:
        content = loadmat(path, variable_names=[name])
        names = [name] if name in content else [variable for variable, _, _ in whosmat(path)]
    # SciPy's parser answers damaged bytes with almost any exception, zlib's and its own included.
    except Exception as error:
        raise DataError(
            f"the file cannot be read ({type(error).__name__}: {error})",
            file=path,
            expected="an undamaged MATLAB v5 file",
            remedy="compare its size and checksum with the original's and copy it again; "
            "if memory ran out, close other programs",
        ) from error
    if name not in content:
        raise DataError(
            f"no variable of this name; the file holds {', '.join(names) or 'none'}",
            file=path,
            field=name,
            expected=f"one variable named {name}",
            remedy="name the right file",
        )
    return _plain(content[name], frozenset(skip))


def _require_v5(path: Path) -> None:
    """Raise a DataError unless the file's first 128 bytes are a MATLAB v5 header."""
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
        return
    if header[124:] in (b"\x00\x02IM", b"\x02\x00MI") or header.startswith(b"\x89HDF"):
        problem, remedy = "the file is in the HDF5 format of MATLAB v7.3", _SAVE_AS_V5
    elif len(header) < 128:
        problem = f"the file has only {len(header)} bytes"
        remedy = "copy the complete file again"
    else:
        problem, remedy = "the file does not begin with a MATLAB v5 header", "name the right file"
    raise DataError(problem, file=path, expected=expected, remedy=remedy)


def _plain(value: Any, skip: frozenset[str]) -> Any:
    """Turn SciPy's nested object arrays into dictionaries, lists, strings and arrays."""
    if not isinstance(value, np.ndarray):
        return value
    if value.dtype.names is not None:
        structs = [
            {key: _plain(item[key], skip) for key in value.dtype.names if key not in skip}
            for item in value.ravel(order="F")
        ]
        return structs[0] if len(structs) == 1 else structs
    if value.dtype.kind == "O":
        return [_plain(item, skip) for item in value.ravel(order="F")]
    if value.dtype.kind == "U":
        return "\n".join(value.ravel())
    return value
