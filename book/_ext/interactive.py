"""Put an interactive figure into a page: ``{interactive} NAME``, with its description as the text.

The page gets everything inline: the numbers of ``book/interactive/NAME.json``, its controls, and
uPlot (1.6.32, MIT), chosen because it is kept up, draws time series, and weighs 50 kB, where other
libraries weigh a megabyte and more. Nothing is fetched, and no server is needed. In print, and
where no script runs, the drawing ``NAME.svg`` stands in its place.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

FOLDER = Path(__file__).resolve().parents[1] / "interactive"


def page(name: str, description: str) -> str:
    """Write the HTML of one interactive figure.

    Parameters
    ----------
    name : str
        Name of its files.
    description : str
        What it shows, in words: the alternative text of its drawing.

    Returns
    -------
    str
    """

    def read(file: str) -> str:
        return (FOLDER / file).read_text(encoding="utf-8")

    data = json.dumps(json.loads(read(f"{name}.json")), separators=(",", ":"), ensure_ascii=False)
    data = data.replace("</", "<\\/")
    drawing = re.search(r"<svg.*</svg>", read(f"{name}.svg"), re.DOTALL)
    assert drawing is not None
    said = html.escape(description, quote=True)
    svg = drawing[0].replace("<svg ", f'<svg role="img" aria-label="{said}" ', 1)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' xmlns(:xlink)?="[^"]*"', "", svg).replace("xlink:href", "href")
    css = read("uplot/uPlot.min.css") + read("common.css")
    library = f"/* {read('uplot/LICENSE')} */\n{read('uplot/uPlot.iife.min.js')}"
    return (
        f'<section class="playground" aria-label="{said}">\n<style>{css}</style>\n'
        f'<div class="twin">{svg}</div>\n'
        f'<script type="application/json">{data}</script>\n'
        f"<script>{library}\n{read('common.js')}</script>\n"
        f'<div class="live" hidden>\n{read(f"{name}.html")}</div>\n</section>\n'
    )


class Interactive(SphinxDirective):
    """The directive; a page may have one."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[nodes.Node]:
        """Return the figure as HTML, which other builders leave out."""
        (name,) = self.arguments
        for path in FOLDER.rglob("*"):
            self.env.note_dependency(str(path))
        return [nodes.raw("", page(name, " ".join(self.content)), format="html")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive with Sphinx."""
    app.add_directive("interactive", Interactive)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
