"""Source code by definition, and a digest of all that some functions reach.

The digest follows functions to everything of their package that they use: functions, classes and
constants, wherever they are defined and however they are imported. It leaves out docstrings,
comments, blank lines and type annotations, and it does not know what a module, a function or a
constant is called or where it stands. So a definition can be moved or renamed freely. It is the
same in every version of Python that the library supports.

What cannot be followed is refused rather than left out: a name that the package does not have, and
one name for two things. A module that is used as a value (``getattr(module, "name")``) is reached
as a whole, and so is what a decorator of the package may have put into a table. A class that only
an annotation names is reached as well, because its methods may be called, although the annotation
itself is not written down. What no name tells is not followed: a function that is passed in by a
caller outside, a name put together from strings, a file of data, another package's version.

The standard library is enough to run this, in every version of Python that the library supports.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from ecglib.core.code_module import Module
from ecglib.core.code_text import Place, Writer, numbered

SILENT = ("core.annotations", "core.checks", "core.errors", "core.provenance")
"""Modules that decide no number: what is refused, what is wrong, and what made a file."""

RECORDS = ("studies",)
"""Rooms whose classes hold what other stages have computed: annotations do not lead there."""

WHOLE, EFFECTS = "the module", "its effects"
"""Places beside the definitions of a module."""


class Sources:
    """The source code of a package.

    Parameters
    ----------
    package : str
        Name of the package.
    folder : Path
        Its folder.
    silent : sequence of str
        Modules of the package that are left out, without its name.
    records : sequence of str
        Modules or rooms to which annotations do not lead, without its name.

    Examples
    --------
    >>> import ecglib
    >>> sources = Sources("ecglib", Path(ecglib.__file__).parent)
    >>> len(sources.digest(["ecglib.evaluation.metrics:auc"])) > 8
    True
    """

    def __init__(
        self,
        package: str,
        folder: Path,
        silent: Iterable[str] = SILENT,
        records: Iterable[str] = RECORDS,
    ) -> None:
        self.package, self.folder = package, folder
        self.silent = {f"{package}.{name}" for name in silent}
        self._records = tuple(f"{package}.{name}." for name in records)
        self._modules: dict[str, Module | None] = {}
        self._texts: dict[Place, tuple[str, set[Place]]] = {}

    def digest(self, code: Iterable[str]) -> str:
        """Digest everything that some functions reach.

        Parameters
        ----------
        code : iterable of str
            ``"package.module:name"``.

        Returns
        -------
        str
            16 hexadecimal digits.

        Raises
        ------
        LookupError
            If one of them does not exist, or what it reaches cannot be followed.
        """
        roots = []
        for text in code:
            module, _, name = text.partition(":")
            place = self.follow(module, [name])[:2]
            if place[1] in ("", WHOLE):
                raise LookupError(f"{text} is no definition of {self.package}")
            roots.append(place)
        text, reached, annotated = self._reach(roots)
        texts: dict[Place, str] = {}
        while missing := annotated - reached - texts.keys():
            for place in missing:
                texts[place], _, more = self._reach([place])
                annotated |= more
        # Sorted, because the order of annotations says nothing.
        return _hash("\n".join([text, *sorted(map(_hash, texts.values()))]))[:16]

    def _reach(self, roots: Iterable[Place]) -> tuple[str, set[Place], set[Place]]:
        """Write down all that definitions reach, in the order in which it is reached.

        Give the text, the places reached, and those that only annotations name.
        """
        numbers: dict[Place, int] = {}
        annotated: set[Place] = set()
        texts: list[str] = []

        def number(place: Place) -> int:
            found = numbers.setdefault(place, len(numbers))
            if self.module(place[0]).has_effects:
                numbers.setdefault((place[0], EFFECTS), len(numbers))
            return found

        for place in roots:
            number(place)
        while len(texts) < len(numbers):  # numbering one text may reach others
            text, names = self._written(list(numbers)[len(texts)])
            texts.append(f"@{len(texts)} {numbered(text, number)}")
            annotated |= names
        return "\n".join(texts), set(numbers), annotated

    def _written(self, place: Place) -> tuple[str, set[Place]]:
        """Write one definition down, and give the classes that its annotations name."""
        if place not in self._texts:
            module, name = place
            source, writer = self.module(module), Writer(self, module)
            if name == WHOLE:
                text = writer.names(source.definitions)
            elif name == EFFECTS:
                text = writer.write(source.effects) + writer.names(source.registered)
            else:
                text = writer.write(source.definitions[name])
            self._texts[place] = text, writer.annotated
        return self._texts[place]

    def module(self, name: str) -> Module | None:
        """Give the module of the package with a dotted `name`, or None if there is none."""
        if name not in self._modules:
            inside = name == self.package or name.startswith(f"{self.package}.")
            path = self.folder.joinpath(*name.split(".")[1:])
            files = (path / "__init__.py", path.with_suffix(".py")) if inside else ()
            found = next((file for file in files if file.is_file()), None)
            self._modules[name] = found and Module(name, found, self.package)
        return self._modules[name]

    def follow(self, module: str, names: list[str]) -> tuple[str, str, list[str]]:
        """Follow a dotted name, through imports, to where it is defined.

        Parameters
        ----------
        module : str
            Where to start.
        names : list of str
            A name in that module, and perhaps attributes of what it stands for.

        Returns
        -------
        module, name : str
            Where it is defined; the name is "" outside of the package.
        rest : list of str
            Attributes of the definition; outside of the package, all names.

        Raises
        ------
        LookupError
            If the package has no such module or name.
        """
        source = self.module(module)
        if source is None and module.split(".")[0] == self.package:
            raise LookupError(f"there is no module {module}")
        if source is None:
            return module, "", names
        if not names:
            return module, WHOLE, []
        first, *rest = names
        if first in source.definitions:
            return module, first, rest
        if origin := source.imports.get(first):
            return self.follow(origin[0], [*filter(None, origin[1:]), *rest])
        if self.module(f"{module}.{first}"):
            return self.follow(f"{module}.{first}", rest)
        for star in source.stars:
            if self.knows(star, first):
                return self.follow(star, names)
        raise LookupError(f"{module} has no '{first}' that the lock could follow")

    def is_record(self, module: str) -> bool:
        """Tell whether annotations do not lead to the classes of a `module`."""
        return module in self.silent or f"{module}.".startswith(self._records)

    def knows(self, module: str, name: str) -> bool:
        """Tell whether a `module` of the package has a `name`."""
        source = self.module(module)
        if source is None:
            return False
        return (
            name in source.definitions
            or name in source.imports
            or any(self.knows(star, name) for star in source.stars)
        )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
