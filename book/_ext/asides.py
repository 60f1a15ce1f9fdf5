"""Fold the sections of a chapter that its argument can do without.

``book/asides.yml`` lists them: page, heading, and what a reader finds in the fold. The heading and
the first paragraph, which says what the section asks and what came out, stay on the page.
"""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

LIST = Path(__file__).resolve().parents[1] / "asides.yml"
"""The list, beside the pages of the book."""


def fold_section(section: nodes.section, inside: str) -> None:
    """Fold a section behind its first paragraph.

    Parameters
    ----------
    section : docutils.nodes.section
        It opens with a title and a paragraph.
    inside : str
        What the fold contains, in a few words.

    Raises
    ------
    ValueError
        If no paragraph follows the title, or nothing follows the paragraph.
    """
    kinds = [type(node) for node in section.children[:2]]
    if kinds != [nodes.title, nodes.paragraph] or len(section) == 2:
        raise ValueError("a folded section needs a first paragraph that stays, and a rest")
    # The fold is made of two tags, not of a node around its content: headings inside it stay part
    # of the page's table of contents.
    summary = f"<summary>Show: {html.escape(inside)}</summary>"
    section.insert(2, nodes.raw("", f'<details class="aside">{summary}', format="html"))
    section.append(nodes.raw("", "</details>", format="html"))


class Asides(SphinxTransform):
    """Fold what the list names on one page."""

    default_priority = 410

    def apply(self, **kwargs: Any) -> None:
        """Go through the sections of the page."""
        self.env.note_dependency(str(LIST))
        listed = yaml.safe_load(LIST.read_text(encoding="utf-8")).get(self.env.docname, {})
        sections = {s[0].astext(): s for s in self.document.findall(nodes.section)}
        if missing := sorted(listed.keys() - sections.keys()):
            raise ValueError(f"{LIST.name}: {self.env.docname} has no section {missing[0]!r}")
        for heading, inside in listed.items():
            fold_section(sections[heading], inside)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the transform, and the script that opens a fold which a link leads into."""
    app.add_transform(Asides)
    app.add_js_file("asides.js")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
