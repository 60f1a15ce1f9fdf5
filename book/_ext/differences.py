"""What the paper says, what its released code does, and what this book does: one table.

``book/differences.yml`` has a row for every topic on which the three differ. A chapter shows the
rows that concern it as a box, with the directive ``differences`` and their keys. The page on the
released code shows all of them, with ``difference-table``: the defects, or the choices.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

TABLE = Path(__file__).resolve().parents[1] / "differences.yml"
"""The table, beside the pages of the book."""

TITLE = "Paper, released code, and this book"
"""Title of every box."""

BOX = {"topic": "on", "paper": "the paper says", "code": "the released code does", "ours": "we do"}
DEFECTS = {
    "topic": "step",
    "code": "what happens",
    "why": "why it matters",
    "ours": "what we do",
    "chapters": "chapter",
}
CHOICES = {**BOX, "topic": "topic", "chapters": "chapter"}
"""Columns of a box and of the two tables, and their headings."""


def rows() -> dict[str, dict[str, Any]]:
    """Read the table: its rows by key.

    Raises
    ------
    ValueError
        If two rows have the same key.
    """
    found = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    by_key = {row["key"]: row for row in found}
    if len(by_key) != len(found):
        raise ValueError(f"{TABLE.name}: a key stands twice")
    return by_key


def cell(row: dict[str, Any], column: str) -> str:
    """Write one cell in Markdown."""
    if column == "chapters":
        return ", ".join(f"{{doc}}`/{chapter}`" for chapter in row["chapters"])
    if column == "code" and "file" in row:
        return f"{row['code']} ({', '.join(f'`{f}`' for f in row['file'].split(', '))})"
    return str(row[column])


def markdown(chosen: list[dict[str, Any]], columns: dict[str, str]) -> Iterator[str]:
    """Write rows as the lines of a Markdown table."""
    yield f"| {' | '.join(columns.values())} |"
    yield "|---" * len(columns) + "|"
    for row in chosen:
        yield f"| {' | '.join(cell(row, column) for column in columns)} |"


class Differences(SphinxDirective):
    """A box with the rows whose keys are given."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Make the box."""
        known, keys = rows(), self.arguments[0].split()
        if unknown := [key for key in keys if key not in known]:
            raise self.error(f"{TABLE.name} has no row {', '.join(unknown)}")
        self.env.note_dependency(str(TABLE))
        box = nodes.admonition(classes=["note", "differences"])
        box += nodes.title(TITLE, TITLE)
        return [parsed(self, box, list(markdown([known[key] for key in keys], BOX)))]


class DifferenceTable(SphinxDirective):
    """All defects, or all choices: rows that say why they matter, and rows that do not."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Make the table."""
        kind = directives.choice(self.arguments[0], ("defects", "choices"))
        self.env.note_dependency(str(TABLE))
        chosen = [row for row in rows().values() if ("why" in row) == (kind == "defects")]
        columns = DEFECTS if kind == "defects" else CHOICES
        node = nodes.container(classes=["differences"])
        return [parsed(self, node, list(markdown(chosen, columns)))]


def parsed(directive: SphinxDirective, node: nodes.Element, lines: list[str]) -> nodes.Element:
    """Let the page's parser read lines that a directive wrote, into a node."""
    source = StringList(lines, source=directive.get_source_info()[0])
    directive.state.nested_parse(source, directive.content_offset, node)
    return node


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    app.add_directive("differences", Differences)
    app.add_directive("difference-table", DifferenceTable)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
