"""Under the title of every page, one mark: where its data come from.

``book/data-marks.yml`` lists the pages. What the chapters are built on, the synthetic cohort or
DREAMER, is looked up when the book is made, so that the mark follows the file.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

from ecglib.data.dreamer import find_dreamer
from ecglib.data.matfile import read_variable

LIST = Path(__file__).resolve().parents[1] / "data-marks.yml"
"""The list, beside the pages of the book."""

LEGEND = "data-marks"
"""Label of the section that explains the marks."""

MARKS = {
    "synthetic": "◆ synthetic",
    "real": "● real, open recordings",
    "dreamer": "▲ DREAMER, from your file",
    "none": "○ none on this page",
}
"""What a page says of its data; no two marks differ by their colour alone."""


def pages() -> dict[str, list[str]]:
    """Read the list: kinds of data by page."""
    found: dict[str, list[str]] = yaml.safe_load(LIST.read_text(encoding="utf-8"))
    return found


@functools.cache
def of_study() -> str:
    """Say what the chapters are built on: "synthetic" or "dreamer"."""
    path = find_dreamer()
    if path is None:
        return "synthetic"
    # The people are left out: only what the file says of itself is wanted.
    about = read_variable(path, "DREAMER", skip=("Data",))
    told = (str(about.get(name, "")) for name in ("Provider", "Disclaimer", "Version"))
    return "synthetic" if "synthetic" in " ".join(told).lower() else "dreamer"


def marks_of(kinds: list[str]) -> list[str]:
    """Give the marks of a page, each once.

    Parameters
    ----------
    kinds : list of str
        "study", "synthetic" or "real", as in the list of pages.
    """
    named = [of_study() if kind == "study" else kind for kind in kinds]
    return list(dict.fromkeys(named)) or ["none"]


def mark(kinds: list[str], docname: str) -> nodes.paragraph:
    """Make the line under the title, which leads to what explains it."""
    line = nodes.paragraph(classes=["data-mark"])
    link = addnodes.pending_xref(
        "",
        nodes.inline("Data:", "Data:"),
        refdomain="std",
        reftype="ref",
        reftarget=LEGEND,
        refexplicit=True,
        refwarn=True,
        refdoc=docname,
    )
    line += link
    for kind in marks_of(kinds):
        line += nodes.Text(" ")
        line += nodes.inline(MARKS[kind], MARKS[kind], classes=["data-kind", f"data-{kind}"])
    return line


def add_mark(app: Sphinx, doctree: nodes.document) -> None:
    """Put the mark under the first title of a page that the list names."""
    listed, docname = pages(), app.env.docname
    title = next(doctree.findall(nodes.title), None)
    if docname in listed and title is not None:
        app.env.note_dependency(str(LIST))
        title.parent.insert(title.parent.index(title) + 1, mark(listed[docname], docname))


def setup(app: Sphinx) -> dict[str, Any]:
    """Put a mark on each page as it is read."""
    app.connect("doctree-read", add_mark)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
