"""Every use of a term of the glossary is in the index, beside its definition.

The role ``term`` links a word to the glossary. Here each such link also leaves an entry in the
index, so that the index says in which chapters a word is used, and not only where it is defined.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx


def index_terms(app: Sphinx, doctree: nodes.document) -> None:
    """Add an entry of the index, and the place that it leads to, before each linked term."""
    used = [n for n in doctree.findall(addnodes.pending_xref) if n.get("reftype") == "term"]
    for number, link in enumerate(used):
        place = f"term-{number}"
        entry = ("single", link["reftarget"], place, "", None)
        index = addnodes.index(entries=[entry])
        position = link.parent.index(link)
        link.parent.insert(position, [index, nodes.target("", "", ids=[place])])


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the entries to each page as it is read."""
    app.connect("doctree-read", index_terms)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
