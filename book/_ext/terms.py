"""Every use of a term of the glossary is in the index, beside its definition.

The role ``term`` links a word to the glossary. Here each such link also leaves an entry in the
index, so that the index says in which chapters a word is used, and not only where it is defined.
Modules, which have an index of their own, and constants leave none: nobody looks them up there.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

LEFT_OUT = re.compile(r"module; .*|[A-Z][A-Z0-9_]* \(in module .*\)")
"""What an entry says that has no place in the index: a module, a constant."""


class IndexTerms(SphinxTransform):
    """Add an entry of the index, and the place that it leads to, before each linked term."""

    default_priority = 840
    """Before the domains collect what stands on a page, the entries of the index among it (850)."""

    def apply(self, **kwargs: Any) -> None:
        """Add the entries to one page."""
        links = list(self.document.findall(addnodes.pending_xref))
        for number, link in enumerate(n for n in links if n.get("reftype") == "term"):
            place = f"term-use-{number}"
            index = addnodes.index(entries=[("single", link["reftarget"], place, "", None)])
            position = link.parent.index(link)
            link.parent.insert(position, [index, nodes.target("", "", ids=[place])])


class FewerEntries(SphinxTransform):
    """Leave modules and constants out of the index."""

    default_priority = 841
    """As that of the terms."""

    def apply(self, **kwargs: Any) -> None:
        """Drop the entries of one page."""
        for index in self.document.findall(addnodes.index):
            index["entries"] = [e for e in index["entries"] if not LEFT_OUT.fullmatch(e[1])]


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the entries to each page as it is read."""
    app.add_transform(IndexTerms)
    app.add_transform(FewerEntries)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
