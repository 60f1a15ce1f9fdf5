"""Stages: steps of a computation whose results are files, each computed once.

A stage has a name and a version. A result's file name carries both, and a fingerprint of the
settings and of the data that it was made from: nothing of the code. Whoever changes the code so
that numbers change raises the version, and no older file is read again, neither of this stage nor
of those that come after it. `ecglib.core.lock` watches that nobody forgets it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from ecglib.core.artifacts import atomic_path, fingerprint, load_arrays, plain, save_arrays
from ecglib.core.provenance import provenance

T = TypeVar("T")


@dataclass(frozen=True)
class Stage:
    """One step of a computation, and how its results are stored.

    Parameters
    ----------
    name : str
        First part of its files' names, such as ``"windows"``.
    version : int
        Raise it when the stage's numbers change.
    code : tuple of str
        Functions that the stage's numbers come from, as ``"package.module:function"``. What they
        reach belongs to the stage too, except what the stages in `after` have computed.
    after : tuple of Stage
        Stages whose results this one starts from; when their versions rise, its file names change.
    suffix : str
        File name extension with its dot.
    save, load : callable
        ``save(path, value)`` writes to a temporary path; ``load(path)`` must refuse a bad file. By
        default values are named arrays.

    Examples
    --------
    >>> stage = Stage("squares", 2, ("example:square",))
    >>> stage.file({"n": 3})
    'squares-v2-1a203388b47e.npz'
    """

    name: str
    version: int
    code: tuple[str, ...]
    after: tuple[Stage, ...] = ()
    suffix: str = ".npz"
    save: Callable[[Path, Any], None] = field(default=save_arrays, repr=False)
    load: Callable[[Path], Any] = field(default=load_arrays, repr=False)

    def versions(self) -> dict[str, int]:
        """Give the versions of this stage and of all before it, by name."""
        found = {self.name: self.version}
        for stage in self.after:
            found |= stage.versions()
        return found

    def file(self, made_from: Mapping[str, Any]) -> str:
        """Name the file of a result.

        Parameters
        ----------
        made_from : mapping
            Settings and identity of the data: everything but code that decides the content; see
            `ecglib.core.artifacts.fingerprint`.

        Returns
        -------
        str
        """
        name = fingerprint({"made_from": made_from, "stages": self.versions()})
        return f"{self.name}-v{self.version}-{name}{self.suffix}"

    def cached(
        self,
        made_from: Mapping[str, Any],
        make: Callable[[], T],
        folder: Path,
        *,
        shipped: Path | None = None,
    ) -> T:
        """Load a result, or make and store it first.

        Parameters
        ----------
        made_from : mapping
            As in `file`. With the stages' versions, those of the packages, the machine and the
            duration (`ecglib.core.provenance`) it is written beside the result, in a JSON file
            whose name is that of the result with ``.json`` added. A table also gets it as
            ``attrs["provenance"]``.
        make : callable
            Makes the value; called only if the file is not there.
        folder : Path
            Folder of the artifacts.
        shipped : Path, optional
            A folder of results that travel with a project: one that was made from exactly the same
            is loaded from there rather than made again.

        Returns
        -------
        value
            What `load` gives, also on the first call, so that both ways give the same value.
        """
        name = self.file(made_from)
        path = folder / name
        if not path.is_file() and shipped and (shipped / name).is_file():
            return self.load(shipped / name)
        if not path.is_file():
            start = time.perf_counter()
            value = make()
            configuration = json.loads(json.dumps(made_from, default=plain))
            configuration["stages"] = self.versions()
            about = provenance(configuration, time.perf_counter() - start)
            if hasattr(value, "attrs"):  # a table takes its provenance along, into its own file
                value.attrs["provenance"] = about
            with atomic_path(path) as partial:
                self.save(partial, value)
            with atomic_path(path.with_name(f"{path.name}.json")) as partial:
                partial.write_text(json.dumps(about, indent=1, sort_keys=True))
        return self.load(path)

    def ship(self, made_from: Mapping[str, Any], folder: Path, shipped: Path) -> Path:
        """Copy a stored result and its provenance to a folder of results that travel.

        Older results of this stage there are removed. One that was read from there stays.

        Parameters
        ----------
        made_from : mapping
            As in `file`.
        folder, shipped : Path
            As in `cached`.

        Returns
        -------
        Path
            The copy.
        """
        name = self.file(made_from)
        if (shipped / name).is_file() and not (folder / name).is_file():
            return shipped / name
        for copied in (name, f"{name}.json"):
            with atomic_path(shipped / copied) as partial:
                partial.write_bytes((folder / copied).read_bytes())
        for old in shipped.glob(f"{self.name}-v*"):
            if not old.name.startswith(name):
                old.unlink()
        return shipped / name
