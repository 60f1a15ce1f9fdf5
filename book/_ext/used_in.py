"""Say of each function and class in the API reference which chapters and pages use it.

The scripts of the chapters and the code on the pages in prose are read, not run: what they import
from `ecglib`, and what they take from a module or from ``import ecglib as ecg``. So the links
follow the code at every build.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

CODE = re.compile(r"^```(?:python|\{code-cell\}[^\n]*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def code_of(page: Path) -> str:
    """Read the code of a percent script, or of a page in Markdown without what is no Python."""
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".py":
        return text
    blocks = []
    for block in CODE.findall(text):
        block = re.sub(
            r"\A---\n.*?^---\n|^:[a-z-]+:[^\n]*\n", "", block, flags=re.DOTALL | re.MULTILINE
        )
        try:
            ast.parse(block)
        except SyntaxError:
            continue
        blocks.append(block)
    return "\n".join(blocks)


def found(module: str, name: str) -> object | None:
    """Give what a module has under a name: a value, or a module that lies in it."""
    try:
        return getattr(importlib.import_module(module), name, None) or importlib.import_module(
            f"{module}.{name}"
        )
    except ImportError:
        return None


def full_name(value: object) -> str | None:
    """Name a function or class by where it is defined, if that is in `ecglib`."""
    if not (inspect.isclass(value) or inspect.isroutine(value)):
        return None
    name = f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', '')}"
    return name if name.startswith("ecglib.") else None


def uses(code: str) -> set[str]:
    """List the functions and classes of `ecglib` that code takes, by their full names.

    Parameters
    ----------
    code : str
        Source of Python.

    Returns
    -------
    set of str
        Such as ``ecglib.data.cohort.Cohort``.
    """
    tree = ast.parse(code)
    modules: dict[str, str] = {}
    taken: list[object] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "ecglib" and (alias.asname or "." not in alias.name):
                    modules[alias.asname or alias.name] = alias.name
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "ecglib":
            for alias in node.names:
                value = found(str(node.module), alias.name)
                if inspect.ismodule(value):
                    modules[alias.asname or alias.name] = value.__name__
                taken.append(value)
    for node in ast.walk(tree):
        owner = node.value if isinstance(node, ast.Attribute) else None
        if isinstance(owner, ast.Name) and owner.id in modules:
            taken.append(found(modules[owner.id], node.attr))
    return {name for value in taken if (name := full_name(value))}


def pages(folder: Path) -> Iterator[tuple[str, Path]]:
    """Give the name of every chapter and page in prose, and the file with its code."""
    for script in sorted((folder / "notebooks").glob("[0-9]*.py")):
        yield f"notebooks/{script.stem}", script
    for page in sorted((folder / "book").glob("*.md")):
        yield f"book/{page.stem}", page


def read_uses(app: Sphinx) -> None:
    """Read all pages once, before the reference is written."""
    table: dict[str, list[str]] = {}
    for name, file in pages(Path(app.srcdir)):
        for used in uses(code_of(file)):
            table.setdefault(used, []).append(name)
    app.used_in = table  # type: ignore[attr-defined]


def add_links(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Put the links under the docstring of a function or class."""
    places = [page for page in app.used_in.get(name, []) if page in app.env.found_docs]
    if what in ("function", "class") and places:
        links = ", ".join(f":doc:`/{page}`" for page in places)
        lines += ["", f"**Used in** {links}", ""]


def setup(app: Sphinx) -> dict[str, Any]:
    """Read the pages at the start, and add to the docstrings after napoleon has read them."""
    app.connect("builder-inited", read_uses)
    app.connect("autodoc-process-docstring", add_links, priority=700)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
