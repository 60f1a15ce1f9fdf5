"""Small pictures of figures from the chapters, each a link to the figure itself.

The pictures are cut from the outputs of the executed notebooks when the book is made, so they show
what the chapters show. Each line of the directive ``gallery`` is the name of a figure and, after a
colon, what it answers.
"""

from __future__ import annotations

import base64
import html
import io
from pathlib import Path
from typing import Any

import nbformat
from docutils import nodes
from PIL import Image
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

WIDTH = 480
"""Pixels across a small picture."""

COLOURS = 128
"""Colours of a small picture: lines and words need no more."""


def find_figure(notebooks: Path, name: str) -> tuple[str, bytes, str]:
    """Find a figure in the executed notebooks.

    Parameters
    ----------
    notebooks : Path
        Their folder.
    name : str
        Name of the figure, as in its cell's metadata.

    Returns
    -------
    chapter : str
        Name of the notebook without its ending.
    picture : bytes
        The figure, PNG.
    alt : str
        What stands for it where it can't be seen.

    Raises
    ------
    ValueError
        If no cell has this name, or the cell shows no picture.
    """
    for path in sorted(notebooks.glob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            about = cell.metadata.get("mystnb", {})
            if about.get("figure", {}).get("name") != name:
                continue
            for output in cell.get("outputs", []):
                if picture := output.get("data", {}).get("image/png"):
                    return path.stem, base64.b64decode(picture), about["image"]["alt"]
            raise ValueError(f"{path.name}: the cell of {name} shows no picture: execute it")
    raise ValueError(f"no chapter has a figure {name}")


def small(picture: bytes) -> bytes:
    """Shrink a PNG to `WIDTH` pixels and `COLOURS` colours."""
    with Image.open(io.BytesIO(picture)) as found:
        image = Image.new("RGB", found.size, "white")
        image.paste(found, mask=found.split()[-1] if found.mode == "RGBA" else None)
    image = image.resize((WIDTH, round(WIDTH * image.height / image.width)), Image.LANCZOS)
    buffer = io.BytesIO()
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


class Gallery(SphinxDirective):
    """Lay out small pictures side by side."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Cut the pictures, and give the links that show them."""
        builder, here = self.env.app.builder, self.env.docname
        folder = Path(self.env.app.outdir) / "_images"
        folder.mkdir(parents=True, exist_ok=True)
        up = "../" * here.count("/")
        items = []
        for line in filter(None, map(str.strip, self.content)):
            name, _, text = line.partition(":")
            chapter, picture, alt = find_figure(Path(self.env.srcdir) / "notebooks", name)
            (folder / f"small-{name}.png").write_bytes(small(picture))
            self.env.note_dependency(str(Path(self.env.srcdir) / "notebooks" / f"{chapter}.ipynb"))
            target = builder.get_relative_uri(here, f"notebooks/{chapter}")
            items.append(
                f'<a class="gallery-item" href="{target}#{name}">'
                f'<img src="{up}_images/small-{name}.png" width="{WIDTH}" alt="{html.escape(alt)}">'
                f"<span>{html.escape(text.strip())}</span></a>"
            )
        block = f'<div class="gallery">{"".join(items)}</div>'
        return [nodes.raw("", block, format="html")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("gallery", Gallery)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
