"""Statements written down without what does not count, and with places instead of names.

Only the standard library is used here, so that every version of Python can run it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from ecglib.core.code_module import (
    COMPREHENSIONS,
    FUNCTIONS,
    Bindings,
    bound,
    last_name,
    says_nothing,
)

if TYPE_CHECKING:
    from ecglib.core.sources import Sources

Place = tuple[str, str]
"""A module and the name of one of its definitions."""

_IGNORED = frozenset(("returns", "annotation", "ctx", "kind", "type_comment", "type_params"))
_NOT_FIELDS = ("ClassVar", "InitVar", "KW_ONLY")


class Writer:
    """A writer of the statements of one module, without what does not count.

    Parameters
    ----------
    sources : Sources
        Knows where names are defined.
    module : str
        The module in which the statements stand.

    Attributes
    ----------
    annotated : set of Place
        Classes that annotations name.

    Examples
    --------
    >>> from pathlib import Path
    >>> import ecglib
    >>> from ecglib.core.sources import Sources
    >>> writer = Writer(
    ...     Sources("ecglib", Path(ecglib.__file__).parent), "ecglib.evaluation.metrics"
    ... )
    >>> said, documented = ast.parse("x = 1"), ast.parse("x = 1; 'a docstring'")
    >>> writer.write(said) == writer.write(documented)
    True
    """

    def __init__(self, sources: Sources, module: str) -> None:
        self._sources, self._module = sources, module
        self.annotated: set[Place] = set()
        self._aliases: set[Place] = set()  # other names for types, seen in annotations
        self._scopes: list[Bindings] = []  # of the functions, classes and so on around
        self._in_class = False

    def write(self, node: object) -> str:
        """Write a `node` of the syntax tree, a list of them, or a plain value.

        Names of definitions are written as places, see `numbered`.
        """
        if isinstance(node, list):
            return f"[{','.join(self.write(n) for n in node if not self._says_nothing(n))}]"
        if not isinstance(node, ast.AST):
            return f"{type(node).__name__}:{node!a}"
        for field in ("annotation", "returns"):
            self._annotate(getattr(node, field, None))
        kind = type(node).__name__
        if isinstance(node, ast.Name | ast.Attribute):
            return self._known(node) or f"{kind}({self._fields(node, *node._fields)})"
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [ast.Name(name, ast.Load()) for name in self._bindings([node])]
            return f"{kind}({self.write(names)})"
        if isinstance(node, COMPREHENSIONS):
            return f"{kind}({self._comprehension(node)})"
        if isinstance(node, (*FUNCTIONS, ast.Lambda)):
            return f"{kind}({self._name(node)},{self._function(node)})"
        if isinstance(node, ast.ClassDef):
            return f"{kind}({self._name(node)},{self._class(node)})"
        if isinstance(node, ast.AnnAssign) and not self._in_class:  # an assignment like others
            return f"Assign(targets=[{self.write(node.target)}],{self._fields(node, 'value')})"
        if isinstance(node, ast.AnnAssign):
            no_field = any(last_name(n) in _NOT_FIELDS for n in ast.walk(node.annotation))
            return f"{kind}({no_field},{self._fields(node, 'target', 'value')})"
        if isinstance(node, ast.JoinedStr):
            return f"{kind}([{','.join(map(self.write, _merged(node.values)))}])"
        return f"{kind}({self._fields(node, *node._fields)})"

    def names(self, names: Iterable[str]) -> str:
        """Write the `names` of some definitions of the module."""
        return " ".join(_mark(self._module, name) for name in names)

    def _fields(self, node: ast.AST, *names: str) -> str:
        values = {name: getattr(node, name, None) for name in names if name not in _IGNORED}
        if isinstance(node, ast.FormattedValue) and not getattr(node.format_spec, "values", None):
            del values["format_spec"]  # that of f"{x:}" is empty, or absent in other versions
        return ",".join(f"{n}={self.write(v)}" for n, v in values.items() if v not in (None, []))

    def _says_nothing(self, node: object) -> bool:
        if self._in_class and isinstance(node, ast.Import | ast.ImportFrom):
            return False  # what is imported becomes an attribute
        only_type = isinstance(node, ast.AnnAssign) and node.value is None
        return says_nothing(node) or (only_type and not self._in_class)

    def _name(self, node: ast.AST) -> str:
        """Write the name of a function or class; one of a module is its number."""
        name = getattr(node, "name", "")  # a lambda has none
        return _mark(self._module, name) if name and not self._scopes else name

    def _function(self, node: ast.AST) -> str:
        body = node.body if isinstance(node.body, list) else [node.body]
        given = node.args
        named = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
        scope = self._bindings(body) | {one.arg: None for one in named if one}
        outer = self._fields(node, "decorator_list", "args")
        return f"{outer},{self._within(scope, lambda: self._fields(node, 'body'))}"

    def _class(self, node: ast.ClassDef) -> str:
        # Its values are no names for the functions inside, but imports in it must be followed.
        scope = {name: origin for name, origin in self._bindings(node.body).items() if origin}
        outer = self._fields(node, "decorator_list", "bases", "keywords")
        return f"{outer},{self._within(scope, lambda: self._fields(node, 'body'), in_class=True)}"

    def _comprehension(self, node: ast.AST) -> str:
        first, *others = node.generators
        names = [n for each in node.generators for n in ast.walk(each.target)]
        scope = {name: None for n in names for name in bound(n)}
        outer = self.write(first.iter)  # the only part that does not see the targets

        def inner() -> str:
            own = self._fields(first, "target", "ifs", "is_async")
            return f"{self._fields(node, 'elt', 'key', 'value')},{own},{self.write(others)}"

        return f"{outer},{self._within(scope, inner)}"

    def _within(self, scope: Bindings, write: Callable[[], str], *, in_class: bool = False) -> str:
        before, self._in_class = self._in_class, in_class
        self._scopes.append(scope)
        text = write()
        self._scopes.pop()
        self._in_class = before
        return text

    def _bindings(self, body: Iterable[ast.AST]) -> Bindings:
        return self._sources.module(self._module).bindings(body)

    def _known(self, node: ast.Name | ast.Attribute) -> str | None:
        """Write a name as the number of its definition, or as where it was imported from."""
        if self._in_class and isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            return None
        place = self._place(node)
        if place is None:
            return None
        module, name, rest = place
        if not name:
            return f"<{'.'.join([module, *rest])}>"
        if module in self._sources.silent:
            return f"<{'.'.join([name, *rest])}>"
        return ".".join([_mark(module, name), *rest])

    def _place(self, node: ast.AST) -> tuple[str, str, list[str]] | None:
        """Follow a dotted name to its definition, unless it is a value inside of a function."""
        path: list[str] = []
        while isinstance(node, ast.Attribute):
            path.insert(0, node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return None
        scope = next((s for s in reversed(self._scopes) if node.id in s), None)
        if scope is None:
            known = self._sources.knows(self._module, node.id)
            return self._sources.follow(self._module, [node.id, *path]) if known else None
        if scope[node.id] is None:
            return None
        module, name = scope[node.id]
        return self._sources.follow(module, [*filter(None, [name]), *path])

    def _annotate(self, node: ast.AST | None) -> None:
        """Remember the classes of the package that an annotation names; its text does not count."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node = _parsed(node.value)
        place = node and self._place(node)
        if place and place[1]:
            self._remember(*place[:2])
        elif node and not place:
            for inner in ast.iter_child_nodes(node):
                self._annotate(inner)

    def _remember(self, module: str, name: str) -> None:
        for statement in self._sources.module(module).definitions.get(name, []):
            if isinstance(statement, ast.ClassDef) and not self._sources.is_record(module):
                self.annotated.add((module, name))
            elif isinstance(statement, ast.Assign) and (module, name) not in self._aliases:
                other = Writer(self._sources, module)
                other.annotated, other._aliases = self.annotated, self._aliases
                self._aliases.add((module, name))
                other._annotate(statement.value)


def numbered(text: str, number: Callable[[Place], int]) -> str:
    """Replace the places in the `text` that a `Writer` wrote by each place's `number`.

    Examples
    --------
    >>> edge = chr(0)
    >>> numbered(f"{edge}metrics:auc{edge}(x)", lambda place: len(place))
    '@2(x)'
    """
    return re.sub("\0(.*?):(.*?)\0", lambda found: f"@{number(found.groups())}", text)


def _mark(module: str, name: str) -> str:
    return f"\0{module}:{name}\0"  # no other text has this character: strings are escaped


def _parsed(text: str) -> ast.expr | None:
    """Read an annotation that is written as a string; None if the string is something else."""
    try:
        return ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        return None


def _merged(values: Iterable[ast.expr]) -> Iterator[ast.expr]:
    """Join neighbouring texts of an f-string, which versions of Python split in different ways."""
    text = ""
    for value in values:
        if isinstance(value, ast.Constant):
            text += value.value
            continue
        if text:
            yield ast.Constant(text)
        text = ""
        yield value
    if text:
        yield ast.Constant(text)
