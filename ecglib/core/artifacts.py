"""Files that are written whole or not at all, arrays in files, and names made of content."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.core.npz import ArrayFile
from ecglib.core.partial import partial_path, prepare

_LATER = "counts where it differs from its default"


def fingerprint(made_from: Mapping[str, Any]) -> str:
    """Give twelve hexadecimal digits that change when anything in `made_from` changes.

    Parameters
    ----------
    made_from : mapping
        Plain values, dataclasses, and nested mappings or sequences of these.

    Examples
    --------
    >>> fingerprint({"seed": 0, "people": [1, 2]}) == fingerprint({"people": [1, 2], "seed": 0})
    True
    >>> len(fingerprint({"seed": 1}))
    12
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
    """Turn a `value` that JSON does not know into values that it does.

    Examples
    --------
    >>> plain(np.float64(0.5)), plain(Path("data"))
    (0.5, 'data')
    """
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
@checked
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; move it into place only if the block succeeds.

    The temporary name ends in the whole name of `path`, for writers that look at its suffixes. What
    killed processes left in its folder is removed first (`ecglib.core.partial`).

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "numbers.txt")
    >>> with atomic_path(path) as partial:
    ...     _ = partial.write_text("1 2 3")
    ...     path.exists()
    False
    >>> path.read_text()
    '1 2 3'
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    prepare(path.parent.absolute())
    partial = partial_path(path)
    try:
        yield partial
        os.replace(partial, path)
    except OSError as error:
        if error.filename in (None, str(partial), partial):  # a full disk names no file
            raise OSError(error.errno, error.strerror or str(error), str(path)) from error
        raise
    finally:
        partial.unlink(missing_ok=True)


@checked
def save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named `arrays` to one ``.npz`` file at `path`, atomically; refuse object arrays.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "numbers.npz")
    >>> save_arrays(path, {"a": np.arange(3)})
    >>> path.is_file()
    True
    """
    for name, array in arrays.items():
        if np.asarray(array).dtype.hasobject:  # also within a structured one
            raise TypeError(f"array '{name}' holds Python objects, which would need pickling")
    with atomic_path(path) as partial, open(partial, "wb") as stream:
        np.savez(stream, **arrays)


@checked
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
        If the file is missing, truncated, not an ``.npz`` file, holds pickled objects, or would
        fill more memory than `ecglib.core.limits` allows; if what is read differs from what was
        written.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "numbers.npz")
    >>> save_arrays(path, {"a": np.arange(3), "b": np.zeros(2)})
    >>> load_arrays(path, ["a"])
    {'a': array([0, 1, 2])}
    """
    try:
        with ArrayFile(path) as arrays:
            # zipfile doesn't compare: a wrong length in the directory can hide an entry.
            with path.open("rb") as file:
                file.seek(-12, 2)
                counted = int.from_bytes(file.read(2), "little")
            if counted != len(arrays.names):
                raise ValueError(f"{len(arrays.names)} arrays are found, {counted} were written")
            return {n: arrays.read(n) for n in arrays.names if names is None or n in names}
    except DataError:
        raise
    except Exception as error:  # zip, header, pickle and system errors all mean the same here
        raise DataError(
            f"cannot be read as an array archive ({error})",
            file=path,
            expected="an .npz file written by ecglib",
            remedy="delete it; the stage that makes it will make it again",
        ) from error
