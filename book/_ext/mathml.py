"""Render formulae as MathML at build time.

MathJax, the usual choice, is fetched from another host whenever a page is opened. Browsers have
drawn MathML by themselves since 2023, so a page written this way needs no script and no network.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)

# The converter copies what it does not know: an unknown command keeps its backslash, and the
# "&" of an environment without columns stays bare.
LEFTOVER = re.compile(r">\\[A-Za-z]+<|>&<")


def to_mathml(node: nodes.Element, display: str) -> str:
    """Return the MathML of a formula, or warn (which stops a strict build) and return its source.

    Parameters
    ----------
    node : docutils.nodes.Element
        A ``math`` or ``math_block`` node; its text is the LaTeX source.
    display : str
        ``"inline"`` or ``"block"``.
    """
    latex = node.astext()
    try:
        mathml = convert(latex, display=display)
    except Exception as error:  # its exceptions share no base class
        logger.warning("formula %r: %s %s", latex, type(error).__name__, error, location=node)
        return latex
    if leftover := LEFTOVER.search(mathml):
        logger.warning("formula %r: cannot render %r", latex, leftover[0][1:-1], location=node)
    return mathml


def visit_inline(self: HTML5Translator, node: nodes.math) -> None:
    """Write a formula that stands in a line of text."""
    self.body.append(self.starttag(node, "span", "", CLASS="math notranslate nohighlight"))
    self.body.append(to_mathml(node, "inline") + "</span>")
    raise nodes.SkipNode


def visit_block(self: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula that stands alone, with its number if it has a label."""
    self.body.append(self.starttag(node, "div", CLASS="math notranslate nohighlight"))
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append(to_mathml(node, "block") + "</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer; ``html_math_renderer: mathml`` selects it."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
