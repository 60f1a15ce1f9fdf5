"""Stages: steps of a computation whose results are files, each computed once.

A stage has a name and a version. A result's file name carries both, and a fingerprint of the
settings and of the data that it was made from: nothing of the code. Whoever changes the code so
that numbers change raises the version, and no older file is read again, neither of this stage nor
of those that come after it. `ecglib.core.lock` watches that nobody forgets it.

What made a result stands inside its file too, and is compared when the file is read: a file that
was moved to the name of another one is refused, not believed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from ecglib.core.annotations import checked
from ecglib.core.artifacts import atomic_path, fingerprint, load_arrays, plain, save_arrays
from ecglib.core.errors import DataError
from ecglib.core.provenance import ENTRY, provenance, provenance_of, with_provenance

T = TypeVar("T")

_NOTHING = "nothing of that name"


def _save_arrays(path: Path, arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> None:
    save_arrays(path, with_provenance(arrays, about))


def _load_arrays(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    arrays = load_arrays(path)
    about = provenance_of(arrays, path)
    arrays.pop(ENTRY, None)
    return arrays, about


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
    save : callable
        ``save(path, value, about)`` writes a value, and what made it (plain values), to a temporary
        path. By default values are named arrays; `tables` gives `save` and `load` for tables.
    load : callable
        ``load(path)`` gives the value and what made it again, or must refuse a bad file.

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
    save: Callable[[Path, Any, Mapping[str, Any]], None] = field(default=_save_arrays, repr=False)
    load: Callable[[Path], tuple[Any, Mapping[str, Any]]] = field(default=_load_arrays, repr=False)

    def versions(self) -> dict[str, int]:
        """Give the versions of this stage and of all before it, by name."""
        found = {self.name: self.version}
        for stage in self.after:
            found |= stage.versions()
        return found

    @checked
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

    @checked
    def cached(
        self,
        made_from: Mapping[str, Any],
        make: Callable[[], T],
        folder: Path,
        *,
        shipped: Path | None = None,
        check: Callable[[T], None] | None = None,
    ) -> T:
        """Load a result, or make and store it first.

        Parameters
        ----------
        made_from : mapping
            As in `file`. With the stages' versions, those of the packages, the machine and the
            duration (`ecglib.core.provenance`) it is written into the result's file. A table also
            has it as ``attrs["provenance"]``.
        make : callable
            Makes the value; called only if the file is not there.
        folder : Path
            Folder of the artifacts.
        shipped : Path, optional
            A folder of results that travel with a project: one that was made from exactly the same
            is loaded from there rather than made again.
        check : callable, optional
            Raises `ecglib.core.errors.DataError` for a value that cannot be: called before one is
            stored, and for every one that is loaded.

        Returns
        -------
        value
            What `load` gives, also on the first call, so that both ways give the same value.

        Raises
        ------
        DataError
            If the file is damaged, was made from something else than its name says, does not say
            what it was made from, or its value does not pass the check.
        """
        name = self.file(made_from)
        path = folder / name
        if not path.is_file() and shipped and (shipped / name).is_file():
            path = shipped / name
        if not path.is_file():
            start = time.perf_counter()
            value = make()
            if check:
                check(value)
            about = provenance(self.configuration(made_from), time.perf_counter() - start)
            self.write(path, value, about)
        return self.read(path, made_from, check)

    def configuration(self, made_from: Mapping[str, Any]) -> dict[str, Any]:
        """Say what decides a result, as it stands in the file.

        Parameters
        ----------
        made_from : mapping
            As in `file`.

        Returns
        -------
        dict
            Plain values: `made_from`, and under "stages" the versions.
        """
        return {**json.loads(json.dumps(made_from, default=plain)), "stages": self.versions()}

    @checked
    def write(self, path: Path, value: Any, about: Mapping[str, Any]) -> None:
        """Store a value and what made it in one file, whole or not at all.

        Parameters
        ----------
        path : Path
            The file.
        value : object
            What `save` can write.
        about : mapping
            What made it; under "configuration" what `configuration` gives.
        """
        with atomic_path(path) as partial:
            self.save(partial, value, about)

    @checked
    def read(
        self,
        path: Path,
        made_from: Mapping[str, Any],
        check: Callable[[Any], None] | None = None,
    ) -> Any:
        """Load a stored value, if it was made from what it should be.

        Parameters
        ----------
        path : Path
            The file.
        made_from : mapping
            As in `file`.
        check : callable, optional
            As in `cached`.

        Returns
        -------
        value

        Raises
        ------
        DataError
            As in `cached`.
        """
        value, about = self.load(path)
        self._compare(path, about, made_from)
        if check:
            try:
                check(value)
            except DataError as error:
                raise error.but(file=path, remedy="delete it, and it is made again") from error
        return value

    def _compare(self, path: Path, about: Mapping[str, Any], made_from: Mapping[str, Any]) -> None:
        found, asked = about.get("configuration"), self.configuration(made_from)
        if not isinstance(found, Mapping):
            raise DataError(
                "does not say what it was made from",
                file=path,
                expected=f"a file that the stage '{self.name}' wrote",
                remedy="delete it, and it is made again",
            )
        if _as_text(found) == _as_text(asked):
            return
        place, one, other = _difference(found, asked)
        remedy = "delete it, and it is made again"
        if found.get("stages") == asked["stages"]:
            own = self.file({name: value for name, value in found.items() if name != "stages"})
            remedy = f"give it its own name back, {own}, or {remedy}"
        raise DataError(
            f"holds what was made with {_brief(one)}",
            file=path,
            field=place,
            expected=_brief(other),
            remedy=remedy,
        )

    @checked
    def ship(self, sources: Sequence[Mapping[str, Any]], folder: Path, shipped: Path) -> list[Path]:
        """Copy stored results to a folder of results that travel.

        All other results of this stage there are removed. One that was read from there stays.

        Parameters
        ----------
        sources : sequence of mapping
            What each was made from, as in `file`.
        folder, shipped : Path
            As in `cached`.

        Returns
        -------
        list of Path
            The copies.
        """
        copies = [shipped / self.file(made_from) for made_from in sources]
        for copy in copies:
            own = folder / copy.name
            if own.is_file() or not copy.is_file():
                with atomic_path(copy) as partial:
                    partial.write_bytes(own.read_bytes())
        for old in set(shipped.glob(f"{self.name}-v*")) - set(copies):
            old.unlink()
        return copies


@checked
def tables(
    save: Callable[[Path, pd.DataFrame], None],
    load: Callable[[Path], pd.DataFrame],
    suffix: str = ".csv.gz",
) -> dict[str, Any]:
    """Say how a stage stores tables.

    Parameters
    ----------
    save : callable
        Writes a table with its ``attrs["provenance"]``, such as that of `ecglib.core.tables`.
    load : callable
        Reads both again.
    suffix : str
        File name extension with its dot.

    Returns
    -------
    dict
        ``suffix``, ``save`` and ``load`` of a `Stage`.

    Examples
    --------
    >>> from functools import partial
    >>> from ecglib.core.tables import load_table, save_table
    >>> stage = Stage("sums", 1, (), **tables(save_table, partial(load_table, columns=["sum"])))
    >>> stage.suffix
    '.csv.gz'
    """
    return {
        "suffix": suffix,
        "save": partial(_save_table, save),
        "load": partial(_load_table, load),
    }


def _save_table(
    save: Callable[[Path, pd.DataFrame], None],
    path: Path,
    table: pd.DataFrame,
    about: Mapping[str, Any],
) -> None:
    table = table.copy(deep=False)
    table.attrs["provenance"] = dict(about)
    save(path, table)


def _load_table(
    load: Callable[[Path], pd.DataFrame], path: Path
) -> tuple[pd.DataFrame, Mapping[str, Any]]:
    table = load(path)
    return table, table.attrs["provenance"]


def _as_text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _difference(found: Any, asked: Any, place: str = "") -> tuple[str, Any, Any]:
    """Find the first place at which two plain values differ, and what stands there in each."""
    if isinstance(found, Mapping) and isinstance(asked, Mapping):
        # What is there in one alone tells more than what differs in both.
        for name in sorted({*found, *asked}, key=lambda name: name in found and name in asked):
            one, other = found.get(name, _NOTHING), asked.get(name, _NOTHING)
            if _as_text(one) != _as_text(other):
                return _difference(one, other, f"{place}.{name}" if place else name)
    if isinstance(found, list) and isinstance(asked, list) and len(found) == len(asked):
        for number, (one, other) in enumerate(zip(found, asked, strict=True)):
            if _as_text(one) != _as_text(other):
                return _difference(one, other, f"{place}[{number}]")
    return place, found, asked


def _brief(value: Any) -> str:
    text = value if value == _NOTHING else _as_text(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
