"""One module of Python, parsed: what it defines, imports and does besides.

Only the standard library is used here, so that every version of Python can run it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

Bindings = dict[str, tuple[str, str] | None]
"""What names stand for: a module and a name in it ("" for the module itself); None for a value."""

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
"""Statements that define a function."""

COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
"""Expressions with a scope of their own."""

_COMPOUND = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.Match)


class Module:
    """One parsed module.

    Parameters
    ----------
    name : str
        Its dotted name.
    file : Path
        Its source.
    package : str
        Name of the package that it belongs to.

    Attributes
    ----------
    definitions : dict of str to list of ast.stmt
        The statements that make or change what a name stands for.
    imports : Bindings
        The imported names.
    stars : list of str
        Modules all of whose names are imported.
    effects : list of ast.stmt
        Statements that do something else.
    registered : list of str
        Definitions with a decorator of this package, which may have put them into a table.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp(), "room.py")
    >>> _ = file.write_text("from math import pi as PI; area = lambda r: PI * r**2")
    >>> module = Module("house.room", file, "house")
    >>> sorted(module.definitions), module.has_effects
    (['area'], False)
    """

    def __init__(self, name: str, file: Path, package: str) -> None:
        tree = ast.parse(file.read_bytes())
        self.package = package
        self.parent = name if file.name == "__init__.py" else name.rpartition(".")[0]
        self.definitions: dict[str, list[ast.stmt]] = {}
        self.effects: list[ast.stmt] = []
        self.stars: list[str] = []
        self.imports = {n: origin for n, origin in self.bindings(tree.body).items() if origin}
        for statement in tree.body:
            names = _changed(statement)
            for name in names:
                self.definitions.setdefault(name, []).append(statement)
            if not says_nothing(statement) and (not names or isinstance(statement, _COMPOUND)):
                self.effects.append(statement)
        if both := [n for n in self.definitions if self._is_ours(self.imports.get(n))]:
            raise LookupError(f"{name} defines and imports '{both[0]}'")
        self.registered = [
            statement.name
            for statement in tree.body
            if isinstance(statement, (*FUNCTIONS, ast.ClassDef))
            and any(self._is_here(decorator) for decorator in statement.decorator_list)
        ]

    @property
    def has_effects(self) -> bool:
        """Whether it does more than to define names."""
        return bool(self.effects or self.registered)

    def bindings(self, body: Iterable[ast.AST]) -> Bindings:
        """Give the names that the statements of a `body` bind in their own scope."""
        found: Bindings = {}
        elsewhere: list[str] = []
        pending = list(body)
        while pending:
            node = pending.pop(0)
            if isinstance(node, ast.Import | ast.ImportFrom):
                for name, origin in self._imported(node).items():
                    old = found.get(name)
                    if old and old != origin and (self._is_ours(old) or self._is_ours(origin)):
                        raise LookupError(f"'{name}' is imported from {old[0]} and {origin[0]}")
                    found[name] = origin
                continue
            for name in bound(node):
                found.setdefault(name, None)
            if isinstance(node, ast.Global | ast.Nonlocal):
                elsewhere += node.names
            elif isinstance(node, COMPREHENSIONS):  # only := leaves its scope
                inside = [n.target for n in ast.walk(node) if isinstance(n, ast.NamedExpr)]
                found |= {target.id: None for target in inside}
            elif not isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.Lambda)):
                pending += ast.iter_child_nodes(node)
        return {name: origin for name, origin in found.items() if name not in elsewhere}

    def _imported(self, node: ast.Import | ast.ImportFrom) -> dict[str, tuple[str, str]]:
        if isinstance(node, ast.Import):
            tops = [a.name if a.asname else a.name.split(".")[0] for a in node.names]
            return {a.asname or top: (top, "") for a, top in zip(node.names, tops, strict=True)}
        origin = node.module or ""
        if node.level:
            parents = self.parent.split(".")
            origin = ".".join([*parents[: len(parents) - node.level + 1], *filter(None, [origin])])
        if node.names[0].name == "*":
            self.stars.append(origin)
            return {}
        return {a.asname or a.name: (origin, a.name) for a in node.names}

    def _is_ours(self, origin: tuple[str, str] | None) -> bool:
        return origin is not None and origin[0].split(".")[0] == self.package

    def _is_here(self, decorator: ast.expr) -> bool:
        names = [n.id for n in ast.walk(decorator) if isinstance(n, ast.Name)]
        return any(n in self.definitions or self._is_ours(self.imports.get(n)) for n in names)


def bound(node: ast.AST) -> list[str]:
    """Give the names that a `node` itself binds, whatever stands inside of it.

    Examples
    --------
    >>> [bound(node) for node in ast.parse("def f(): pass").body]
    [['f']]
    """
    if isinstance(node, ast.Name):
        return [] if isinstance(node.ctx, ast.Load) else [node.id]
    if isinstance(node, ast.MatchMapping):
        return [node.rest] if node.rest else []
    binds = (*FUNCTIONS, ast.ClassDef, ast.ExceptHandler, ast.MatchAs, ast.MatchStar)
    return [node.name] if isinstance(node, binds) and node.name else []


def _changed(statement: ast.stmt) -> list[str]:
    """Give the names of a module that one of its statements defines or changes."""
    if isinstance(statement, FUNCTIONS):
        inside = [n.names for n in ast.walk(statement) if isinstance(n, ast.Global)]
        return [statement.name, *(name for names in inside for name in names)]
    found: dict[str, None] = {}
    pending: list[ast.AST] = [] if says_nothing(statement) else [statement]
    while pending:
        node = pending.pop()
        found |= dict.fromkeys(bound(node))
        inner = node  # x.y[0] = 1 changes x
        while isinstance(inner, ast.Attribute | ast.Subscript) and not _is_read(node):
            inner = inner.value
        if inner is not node and isinstance(inner, ast.Name):
            found[inner.id] = None
        if not isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.Lambda, *COMPREHENSIONS)):
            pending += ast.iter_child_nodes(node)
    return list(found)


def _is_read(node: ast.Attribute | ast.Subscript) -> bool:
    return isinstance(node.ctx, ast.Load)


def says_nothing(node: object) -> bool:
    """Tell whether a `node` says nothing: docstrings, imports (the names in use tell them), ...

    Examples
    --------
    >>> [says_nothing(node) for node in ast.parse("import math; x = math.pi").body]
    [True, False]
    """
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    if isinstance(node, ast.If) and not node.orelse:  # for annotations, or for a script
        test = ast.unparse(node.test)
        return test in ("TYPE_CHECKING", "typing.TYPE_CHECKING", "__name__ == '__main__'")
    return isinstance(node, ast.Import | ast.ImportFrom | ast.Global | ast.Nonlocal | ast.Pass)


def last_name(node: object) -> str | None:
    """Give the last part of the dotted name that `node` is, or None if it is not one.

    Examples
    --------
    >>> last_name(ast.parse("numpy.linalg.norm", mode="eval").body)
    'norm'
    """
    return getattr(node, "attr", getattr(node, "id", None))
