"""Files that are written whole or not at all, arrays in files, and names made of content."""

from __future__ import annotations

import hashlib
import json
import math
import os
import uuid
import zipfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ecglib.core.errors import DataError

_AT_ONCE = 1 << 18
"""Bytes that are read at a time: few enough to stay in the processor's cache."""

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}

_LATER = "counts where it differs from its default"


def fingerprint(made_from: Mapping[str, Any]) -> str:
    """Give twelve hexadecimal digits that change when anything in `made_from` changes.

    Parameters
    ----------
    made_from : mapping
        Plain values, dataclasses, and nested mappings or sequences of these.
    """
    text = json.dumps(made_from, sort_keys=True, default=plain)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def later(default: Any) -> Any:
    """Give a field to a dataclass of settings that names files already.

    The field counts in a `fingerprint` only where it differs from its `default`, so that what was
    computed before there was a choice keeps its name.

    Examples
    --------
    >>> from dataclasses import make_dataclass
    >>> old = make_dataclass("Settings", ["a"])
    >>> new = make_dataclass("Settings", ["a", ("b", str, later("max"))])
    >>> fingerprint({"s": old(1)}) == fingerprint({"s": new(1)}) != fingerprint({"s": new(1, "x")})
    True
    """
    return field(default=default, metadata={_LATER: True})


def plain(value: Any) -> Any:
    """Turn a `value` that JSON does not know into values that it does."""
    if is_dataclass(value) and not isinstance(value, type):
        return {
            f.name: getattr(value, f.name)
            for f in fields(value)
            if not (f.metadata.get(_LATER) and getattr(value, f.name) == f.default)
        }
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"cannot fingerprint a {type(value).__name__}: {value!r}")


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; move it into place only if the block succeeds.

    The temporary name ends in the whole name of `path`, for writers that look at its suffixes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".partial-{uuid.uuid4().hex}-{path.name}")
    try:
        yield partial
        os.replace(partial, path)
    except OSError as error:
        if error.filename in (None, str(partial), partial):  # a full disk names no file
            raise OSError(error.errno, error.strerror or str(error), str(path)) from error
        raise
    finally:
        partial.unlink(missing_ok=True)


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named `arrays` to one ``.npz`` file at `path`, atomically; refuse object arrays."""
    for name, array in arrays.items():
        if np.asarray(array).dtype == object:
            raise TypeError(f"array '{name}' holds Python objects, which would need pickling")
    with atomic_path(path) as partial, open(partial, "wb") as stream:
        np.savez(stream, **arrays)


def load_arrays(path: Path, names: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """Read what `save_arrays` wrote to `path`. Nothing is ever unpickled.

    Every byte is read once, straight to its place, and compared with the checksums; no part of the
    file is needed any more afterwards.

    Parameters
    ----------
    path : Path
        The file; what other programs compressed is read too.
    names : collection of str, optional
        The arrays that are wanted, those of them that are there; all by default.

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    DataError
        If the file is missing, truncated, not an ``.npz`` file, or holds pickled objects; if what
        is read differs from what was written.
    """
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            entries = {e.filename.removesuffix(".npy"): e for e in archive.infolist()}
            # zipfile doesn't compare: a wrong length in the directory can hide an entry.
            file.seek(-12, 2)
            counted = int.from_bytes(file.read(2), "little")
            if counted != len(entries):
                raise ValueError(f"{len(entries)} arrays are found, {counted} were written")
            size = os.fstat(file.fileno()).st_size
            return {
                name: _read_array(archive, entry, size)
                for name, entry in entries.items()
                if names is None or name in names
            }
    except Exception as error:  # zip, header, pickle and system errors all mean the same here
        raise DataError(
            f"cannot be read as an array archive ({error})",
            file=path,
            expected="an .npz file written by ecglib",
            remedy="delete it; the stage that makes it will make it again",
        ) from error


def _read_array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, size: int) -> np.ndarray:
    """Read one array of an archive whose file has a `size`, to the end: there zipfile compares."""
    if entry.compress_type == zipfile.ZIP_STORED and entry.file_size > size:
        raise ValueError(f"'{entry.filename}' claims more bytes than the file has")
    with archive.open(entry) as member:
        read_header = _HEADERS[np.lib.format.read_magic(member)]
        shape, fortran, dtype = read_header(member)
        if dtype.hasobject:
            raise ValueError(f"'{entry.filename}' holds Python objects, which would need pickling")
        n_bytes = math.prod(shape) * dtype.itemsize
        # Before memory is asked for: a damaged shape could ask for any amount.
        if n_bytes != entry.file_size - member.tell():
            raise ValueError(f"the shape {shape} of '{entry.filename}' does not fit its length")
        array = np.empty(shape[::-1] if fortran else shape, dtype)
        place = memoryview(array.reshape(-1).view(np.uint8))
        done = 0
        while done < n_bytes:
            read = member.readinto(place[done : done + _AT_ONCE])
            if not read:
                raise EOFError(f"'{entry.filename}' ends early")
            done += read
        member.read(1)  # an array without elements must be compared too
    return array.T if fortran else array
