"""The API reference: a page for every module of `ecglib`, and tables of what modules offer.

``book/api/<room>.md`` is written by hand. It lists the modules of a room with the directive
``modules``, which says of each what it is about and what it offers. The page that this links to is
written here, before Sphinx looks for pages, into ``book/api/modules``.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
import re
from pathlib import Path
from typing import Any

import click
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.ext.autodoc import DataDocumenter
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective
from sphinx.util.inspect import signature_from_str

import ecglib

PAGES = Path("book/api/modules")
"""Where the pages of the modules go, in the folder of the book."""

LONGEST = 150
"""Characters of the longest value that is shown beside a constant."""

LONGEST_DEFAULT = 40
"""Characters of the longest default that is shown in a signature."""


def modules() -> list[str]:
    """List the modules of all rooms by their full names, but not those of the command line."""
    found = pkgutil.walk_packages(ecglib.__path__, "ecglib.")
    names = [m.name for m in found if not m.ispkg and m.name.count(".") >= 2]
    return [name for name in names if not name.startswith("ecglib.commands.")]


def offered(module: str) -> list[str]:
    """List what a module offers, in the order of its source: functions, classes, constants.

    Parameters
    ----------
    module : str
        Full name of the module.

    Returns
    -------
    list of str
        Names without a leading underscore that have a docstring.
    """
    found = importlib.import_module(module)
    analyzer = ModuleAnalyzer.for_module(module)
    analyzer.analyze()

    def is_offered(name: str) -> bool:
        value = getattr(found, name, None)
        own = getattr(value, "__module__", None) == module and bool(inspect.getdoc(value))
        return ("", name) in analyzer.attr_docs or (is_code(value) and own)

    names = [n for n in analyzer.tagorder if "." not in n and not n.startswith("_")]
    return [n for n in sorted(names, key=analyzer.tagorder.__getitem__) if is_offered(n)]


def is_code(value: object) -> bool:
    """Tell whether a value is a function or a class, and not a constant or a type alias."""
    return inspect.isclass(value) or inspect.isroutine(value)


def first_sentence(module: str) -> str:
    """Give the first line of a module's docstring."""
    return (inspect.getdoc(importlib.import_module(module)) or "").partition("\n")[0]


def page(module: str) -> str:
    """Write the page of a module, in reStructuredText."""
    title = module.removeprefix("ecglib.")
    return f"{title}\n{'=' * len(title)}\n\n.. automodule:: {module}\n   :members:\n"


def write_pages(app: Sphinx) -> None:
    """Write the pages that are new or different, and remove those whose module is gone."""
    folder = Path(app.srcdir) / PAGES
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {f"{m.removeprefix('ecglib.')}.rst": page(m) for m in modules()}
    for name, text in wanted.items():
        # An unchanged file keeps its date, so that a second build does not read it again.
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text:
            (folder / name).write_text(text, encoding="utf-8")
    for old in folder.glob("*.rst"):
        if old.name not in wanted:
            old.unlink()


class Modules(SphinxDirective):
    """What each of the named modules is about, and a table of what it offers.

    The content is one module a line, named without ``ecglib``: ``evaluation.splits``.
    """

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Make the tables."""
        made: list[nodes.Node] = []
        for name in filter(None, map(str.strip, self.content)):
            module = f"ecglib.{name}"
            names = {
                f"{module}.{n}": getattr(importlib.import_module(module), n, None)
                for n in offered(module)
            }
            code = [n for n, value in names.items() if is_code(value)]
            other = [f":py:obj:`~{n}`" for n in names if n not in code]
            # Names are written in full, whatever the page said before.
            lines = [".. py:currentmodule:: None", ""]
            lines += [f":py:mod:`{name} <{module}>`: {first_sentence(module)}", "", *table(code)]
            if other:
                lines += [f"Constants: {', '.join(other)}.", ""]
            found = parsed(self, lines)
            about = next(node for node in found if isinstance(node, nodes.paragraph))
            about["classes"].append("module-about")
            made += found
        return made


class Public(SphinxDirective):
    """A table of what ``import ecglib`` offers by name."""

    def run(self) -> list[nodes.Node]:
        """Make the table."""
        values = [getattr(ecglib, name) for name in ecglib.__all__]
        objects = [value for value in values if not inspect.ismodule(value)]
        return parsed(self, table([f"{o.__module__}.{o.__qualname__}" for o in objects]))


class Verbs(SphinxDirective):
    """What every verb of the command line says when it is asked for help."""

    def run(self) -> list[nodes.Node]:
        """Make one section a verb."""
        from ecglib.cli import main

        context = click.Context(main, info_name="ecglib")
        sections = []
        for verb in main.list_commands(context):
            command = main.get_command(context, verb)
            assert command is not None
            inner = click.Context(command, info_name=verb, parent=context, terminal_width=80)
            text = command.get_help(inner)
            section = nodes.section(ids=[f"ecglib-{verb}"], names=[f"ecglib-{verb}"])
            section += nodes.title("", "", nodes.literal("", f"ecglib {verb}"))
            section += nodes.literal_block(text, text, language="text")
            sections.append(section)
        return sections


def table(names: list[str]) -> list[str]:
    """Write a table of names, each with its first sentence, in reStructuredText."""
    if not names:
        return []
    return [".. autosummary::", "   :nosignatures:", "", *(f"   ~{name}" for name in names), ""]


def parsed(directive: SphinxDirective, lines: list[str]) -> list[nodes.Node]:
    """Let docutils read lines that a directive wrote."""
    node = nodes.container()
    directive.state.nested_parse(StringList(lines, source=directive.get_source_info()[0]), 0, node)
    return node.children


class Data(DataDocumenter):
    """A constant; its value is left out where it is long or that of one machine or process."""

    def should_suppress_value_header(self) -> bool:
        """Tell whether the value is left out."""
        value = repr(self.object)
        says_nothing = isinstance(self.object, Path) or " at 0x" in value
        return says_nothing or len(value) > LONGEST or super().should_suppress_value_header()


def keep_colon(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Keep napoleon from reading the first words of a constant's docstring as its type.

    It reads ``type: description`` there. Nobody writes that here, but a sentence may hold a colon;
    one at the very start makes the type empty, and is not shown.
    """
    if what in ("data", "attribute", "property") and lines and ":" in lines[0]:
        lines[0] = f": {lines[0]}"


def shorten_defaults(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str, returned: str
) -> tuple[str, str] | None:
    """Shorten the signature that autodoc is about to show."""
    return (with_short_defaults(signature), returned) if signature else None


def with_short_defaults(signature: str) -> str:
    """Put ``...`` in the place of defaults that are long or only exist while Python runs.

    Parameters
    ----------
    signature : str
        Parameters in parentheses. Their defaults need not be Python: the text of a module, say,
        is ``<module 'keras.ops' from '/a/path'>``.

    Returns
    -------
    str
        The same with short defaults.
    """

    def short(parameter: str) -> str:
        name, equals, default = parameter.partition("=")
        # The three dots are Python, unlike the ellipsis: Sphinx still reads the signature.
        hidden = equals and (len(default) > LONGEST_DEFAULT or not is_readable(parameter))
        return f"{name}=..." if hidden else parameter

    return f"({', '.join(map(short, parameters(signature)))})"


def is_readable(parameter: str) -> bool:
    """Tell whether Sphinx can read a parameter with its default."""
    try:
        signature_from_str(f"({parameter})")
    except (SyntaxError, ValueError, NotImplementedError):
        return False
    return True


def parameters(signature: str) -> list[str]:
    """Split a signature at the commas between parameters: not in brackets, quotes or a lambda."""
    parts, depth, quote, before = [""], 0, "", ""
    for letter in signature.strip()[1:-1]:
        if quote:
            quote = "" if letter == quote and before != "\\" else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "([{<":
            depth += 1
        elif letter in ")]}>":
            depth -= 1
        if letter == "," and not depth and not quote and not re.search("=lambda[^:]*$", parts[-1]):
            parts.append("")
        else:
            parts[-1] += letter
        before = letter
    return [part.strip() for part in parts if part.strip()]


def skip_field(
    app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: Any
) -> bool | None:
    """Skip a field of a dataclass, such as a default function: it is one of the parameters."""
    data = app.env.temp_data
    module = importlib.import_module(data.get("autodoc:module") or "ecglib")
    owner = getattr(module, data.get("autodoc:class") or "", None)
    if what == "class" and dataclasses.is_dataclass(owner):
        return True if name in {field.name for field in dataclasses.fields(owner)} else None
    return None


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives, and what is done to docstrings and constants."""
    app.setup_extension("sphinx.ext.autodoc")
    app.setup_extension("sphinx.ext.autosummary")
    app.add_autodocumenter(Data, override=True)
    app.add_directive("modules", Modules)
    app.add_directive("public", Public)
    app.add_directive("verbs", Verbs)
    app.add_css_file("reference.css")
    app.connect("autodoc-process-docstring", keep_colon, priority=400)
    app.connect("autodoc-process-signature", shorten_defaults)
    app.connect("autodoc-skip-member", skip_field)
    app.connect("builder-inited", write_pages, priority=400)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
