"""Mend what the theme and the writers leave in the pages, once all of them are written.

A screen reader meets three things that it cannot name: the buttons that open a part of the sidebar,
the empty corner of a table that pandas writes, and entries of the bibliography that say they
belong to no list. And every page loads two thousand icons to show twenty.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

LABEL = "Show or hide the pages below"
"""What the buttons of the sidebar are called."""

MENDED = (
    ("<summary><span", f'<summary aria-label="{LABEL}"><span'),
    ("<th></th>", "<td></td>"),
    ('role="doc-biblioentry"', 'role="listitem"'),
)
"""What stands in a page, and what is to stand there."""

ICON = re.compile(
    r'(?P<key>"[a-z0-9-]+"|[a-z0-9]+): ?\[\d+, ?\d+, ?\[(?P<names>[^\[\]]*)\], ?"[0-9a-f]+", ?'
    r'(?:"[^"]*"|\["[^"]*", ?"[^"]*"\])\],?'
)
"""One icon in the script of the theme: its name, its size, its other names, its outline."""


def mend(text: str) -> str:
    """Mend the text of one page."""
    for old, new in MENDED:
        text = text.replace(old, new)
    return text


def fewer_icons(script: str, used: set[str]) -> str:
    """Leave out of the script of icons those that no page shows.

    Parameters
    ----------
    script : str
        ``fontawesome.js`` of the theme.
    used : set of str
        Names of the icons that are shown, without ``fa-``.
    """

    def kept(found: re.Match[str]) -> str:
        names = {found["key"].strip('"'), *re.findall(r'"([^"]+)"', found["names"])}
        return found[0] if names & used else ""

    return ICON.sub(kept, script)


def mend_pages(app: Sphinx, exception: Exception | None) -> None:
    """Mend all pages, and leave out the icons that none of them shows."""
    if exception is not None or app.builder.format != "html":
        return
    mend_folder(Path(app.outdir))


def mend_folder(folder: Path) -> None:
    """Mend the pages in a folder."""
    used: set[str] = set()
    for page in folder.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        used.update(re.findall(r"\bfa-([a-z0-9-]+)", text))
        if (mended := mend(text)) != text:
            page.write_text(mended, encoding="utf-8")
    static = folder / "_static"
    icons = static / "scripts" / "fontawesome.js"
    for script in static.rglob("*.js"):
        if script != icons:
            used.update(re.findall(r"\bfa-([a-z0-9-]+)", script.read_text(encoding="utf-8")))
    if icons.is_file():
        text = icons.read_text(encoding="utf-8")
        icons.write_text(fewer_icons(text, used), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Mend the pages at the end of a build."""
    app.connect("build-finished", mend_pages)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
