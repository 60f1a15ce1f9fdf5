"""Files that one stage writes and the next one reads, named by what made them.

Every stage of the study (cohort, windows, encoder weights, features, predictions) stores its
result in one folder. The name of a file ends in a fingerprint of everything that decides its
content: the configuration, the fingerprints of the files it was made from, and the source code of
the modules that made it. A change in any of these gives another name, so a stale file is never
read by mistake.
"""

import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ecglib.errors import DataError
from ecglib.provenance import provenance

T = TypeVar("T")


def project_root() -> Path:
    """Folder of the project: the nearest folder at or above the current one with a ``_toc.yml``.

    Outside a checkout of the book this is the current folder.
    """
    here = Path.cwd()
    return next((p for p in (here, *here.parents) if (p / "_toc.yml").is_file()), here)


def artifacts_root() -> Path:
    """Folder of all artifacts: ``$ECGLIB_ARTIFACTS``, else ``artifacts/`` in the project."""
    named = os.environ.get("ECGLIB_ARTIFACTS")
    return Path(named) if named else project_root() / "artifacts"


def results_folder() -> Path:
    """Folder of the small results that travel with the repository: ``results/`` in the project."""
    return project_root() / "results"


def fingerprint(made_from: Mapping[str, Any]) -> str:
    """Twelve hexadecimal digits that change when anything in `made_from` changes.

    Parameters
    ----------
    made_from : mapping
        Plain values, dataclasses, and nested mappings or sequences of these.
    """
    text = json.dumps(made_from, sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"cannot fingerprint a {type(value).__name__}: {value!r}")


def code_of(*modules: str) -> str:
    """Fingerprint of the source text of modules of this package, by name without ``ecglib.``."""
    folder = Path(__file__).parent
    texts = [(folder / f"{name}.py").read_bytes() for name in modules]
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:12]


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
    finally:
        partial.unlink(missing_ok=True)


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays to one ``.npz`` file, atomically; object arrays are refused."""
    for name, array in arrays.items():
        if np.asarray(array).dtype == object:
            raise TypeError(f"array '{name}' holds Python objects, which would need pickling")
    with atomic_path(path) as partial, open(partial, "wb") as stream:
        np.savez(stream, **arrays)


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read what `save_arrays` wrote. Nothing is ever unpickled.

    Raises
    ------
    DataError
        If the file is missing, truncated, not an ``.npz`` file, or holds pickled objects.
    """
    try:
        with np.load(path, allow_pickle=False) as data:
            # A damaged array header can end the reading before zipfile compares the checksum.
            damaged = data.zip.testzip()
            if damaged:
                raise ValueError(f"'{damaged}' does not match its checksum")
            # zipfile doesn't compare either: a wrong length in the directory can hide an entry.
            with path.open("rb") as file:
                file.seek(-12, 2)
                counted = int.from_bytes(file.read(2), "little")
            if counted != len(data.files):
                raise ValueError(f"{len(data.files)} arrays are found, {counted} were written")
            return {name: data[name] for name in data.files}
    except Exception as error:  # zip, header, pickle and system errors all mean the same here
        raise DataError(
            f"cannot be read as an array archive ({error})",
            file=path,
            expected="an .npz file written by ecglib",
            remedy="delete it; the stage that makes it will make it again",
        ) from error


def cached(
    kind: str,
    suffix: str,
    made_from: Mapping[str, Any],
    make: Callable[[], T],
    save: Callable[[Path, T], None],
    load: Callable[[Path], T],
    root: Path | None = None,
    shipped: Path | None = None,
) -> T:
    """Load an artifact, or make and save it first.

    Parameters
    ----------
    kind : str
        First part of the file's name, such as ``"windows"``.
    suffix : str
        File name extension with its dot.
    made_from : mapping
        Everything that decides the content; see `fingerprint`. With versions, machine and duration
        (`ecglib.provenance`) it is written beside the artifact, in a JSON file whose name is that
        of the artifact with ``.json`` added. A table also gets it as ``attrs["provenance"]``.
    make : callable
        Makes the value; called only if the file is not there.
    save, load : callable
        ``save(path, value)`` writes to a temporary path, moved into place if it succeeds;
        ``load(path)`` must refuse a bad file.
    root : Path, optional
        Folder of the artifacts; `artifacts_root` by default.
    shipped : Path, optional
        Folder of results that travel with the repository: one that was made from exactly the same
        is loaded from there rather than made again.

    Returns
    -------
    value
        What `load` gives, also on the first call, so that both paths give the same value.
    """
    folder = root or artifacts_root()
    name = f"{kind}-{fingerprint(made_from)}{suffix}"
    path = folder / name
    if not path.is_file() and shipped and (shipped / name).is_file():
        return load(shipped / name)
    if not path.is_file():
        start = time.perf_counter()
        value = make()
        plain = json.loads(json.dumps(made_from, default=_plain))
        about = provenance(plain, time.perf_counter() - start)
        if hasattr(value, "attrs"):  # a table takes its provenance along, into its own file
            value.attrs["provenance"] = about
        with atomic_path(path) as partial:
            save(partial, value)
        with atomic_path(path.with_name(f"{path.name}.json")) as partial:
            partial.write_text(json.dumps(about, indent=1, sort_keys=True))
    return load(path)


def ship_file(path: Path) -> Path:
    """Copy an artifact and its provenance to `results_folder`, in place of older ones of its kind.

    Parameters
    ----------
    path : Path
        The artifact, made by `cached`.

    Returns
    -------
    Path
        The copy.
    """
    folder, kind = results_folder(), path.name.rpartition("-")[0]
    folder.mkdir(exist_ok=True)
    old = [p for p in folder.iterdir() if p.name.rpartition("-")[0] == kind]
    for source in (path, path.with_name(f"{path.name}.json")):
        with atomic_path(folder / source.name) as partial:
            shutil.copyfile(source, partial)
    for stale in old:
        if not stale.name.startswith(path.name):
            stale.unlink()
    return folder / path.name
