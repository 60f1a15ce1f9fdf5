"""Small pictures of figures from the chapters, each a link to the figure itself.

The pictures are cut from the outputs of the executed notebooks when the book is made, so they show
what the chapters show. Each line of the directive ``gallery`` is the name of a figure and, after a
colon, what it answers. The directive ``opening`` puts one picture beside the question of a chapter.
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

OPENING_WIDTH = 720
"""Pixels across the picture that opens a chapter: a phone shows it large enough to be read."""

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


def small(picture: bytes, width: int = WIDTH) -> bytes:
    """Shrink a PNG to `width` pixels across and `COLOURS` colours."""
    with Image.open(io.BytesIO(picture)) as found:
        image = Image.new("RGB", found.size, "white")
        image.paste(found, mask=found.split()[-1] if found.mode == "RGBA" else None)
    image = image.resize((width, round(width * image.height / image.width)), Image.LANCZOS)
    buffer = io.BytesIO()
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def linked_picture(
    directive: SphinxDirective, name: str, kind: str = "small", width: int = WIDTH
) -> str:
    """Cut a small picture of a figure, and give the link that shows it.

    Parameters
    ----------
    directive : SphinxDirective
        What shows it, on its page.
    name : str
        Name of the figure.
    kind : str, default "small"
        What the name of the picture's file begins with.
    width : int
        Pixels across the picture.

    Returns
    -------
    str
        HTML of the link; ``{classes}`` and ``{text}`` are left to fill in.
    """
    env = directive.env
    folder = Path(env.app.outdir) / "_images"
    folder.mkdir(parents=True, exist_ok=True)
    chapter, picture, alt = find_figure(Path(env.srcdir) / "notebooks", name)
    (folder / f"{kind}-{name}.png").write_bytes(small(picture, width))
    env.note_dependency(str(Path(env.srcdir) / "notebooks" / f"{chapter}.ipynb"))
    target = env.app.builder.get_relative_uri(env.docname, f"notebooks/{chapter}")
    source = f"{'../' * env.docname.count('/')}_images/{kind}-{name}.png"
    alt = html.escape(alt).replace("{", "{{").replace("}", "}}")
    return (
        f'<a class="{{classes}}" href="{target}#{name}">'
        f'<img src="{source}" width="{width}" alt="{alt}"><span>{{text}}</span></a>'
    )


class Gallery(SphinxDirective):
    """Lay out small pictures side by side."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Cut the pictures, and give the links that show them."""
        items = []
        for line in filter(None, map(str.strip, self.content)):
            name, _, text = line.partition(":")
            picture = linked_picture(self, name)
            items.append(picture.format(classes="gallery-item", text=html.escape(text.strip())))
        block = f'<div class="gallery">{"".join(items)}</div>'
        return [nodes.raw("", block, format="html")]


class Opening(SphinxDirective):
    """Put the one figure of a chapter beside its question."""

    has_content = True
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Cut the picture, and give the question and the link that shows it."""
        picture = linked_picture(self, self.arguments[0], "opening", OPENING_WIDTH)
        block = nodes.container(classes=["opening"])
        self.state.nested_parse(self.content, self.content_offset, block)
        # After the question: who can't see it hears the question first.
        block += nodes.raw("", picture.format(classes="opening-figure", text=""), format="html")
        return [block]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    app.add_directive("gallery", Gallery)
    app.add_directive("opening", Opening)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
