"""Mend what the theme and the writers leave in the pages, once all of them are written.

A screen reader meets three things that it cannot name: the buttons that open a part of the sidebar,
the empty corner of a table that pandas writes, and entries of the bibliography that say they
belong to no list. A phone needs three things more: a box in which a wide figure scrolls, the names
of columns in the cells of a box that it shows as cards, and, like everybody, columns of numbers
that are known as such. And every page loads two thousand icons to show twenty.
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

FIGURE = re.compile(r"(<figure\b[^>]*>\s*)(<img\b[^>]*>)")
"""A figure, and the picture that it begins with."""

# The theme lets the keyboard reach what has its class, where it scrolls.
WIDE = r'\1<div class="pst-scrollable-table-container wide">\2</div>'
"""A figure whose picture has a box of its own, which scrolls where it is too wide."""

FRAME = re.compile(r'<table border="1" class="dataframe">.*?</table>', re.DOTALL)
BOX = re.compile(
    r'<div class="(?:note differences admonition|differences docutils container)">.*?</table>',
    re.DOTALL,
)
"""The table of an output, and a box or a page of differences up to the end of its table."""

ROW = re.compile(r"<tr\b.*?</tr>", re.DOTALL)
CELL = re.compile(r"<(?P<kind>t[hd])\b(?P<about>[^>]*)>(?P<inside>.*?)</t[hd]>", re.DOTALL)
NUMBER = re.compile(r"[+\-−]?\d[\d,.]*(e[+\-]?\d+)?( ?(%|s|ms|MB|GB))?|[–-]?|nan|NaN|inf")
INTERVAL = re.compile(r"(?<=>)([+\-−]?[\d.]+) \[([^\[\],<]+), ([^\[\],<]+)\](?=[ <])")
"""A row, a cell, what stands in a cell of a column of numbers, and a number with its interval."""

ON_ONE_LINE = r"\1&nbsp;[\2,&nbsp;\3]"
"""An interval that a narrow column does not break."""

ROLES = {
    "table": "table",
    "thead": "rowgroup",
    "tbody": "rowgroup",
    "tr": "row",
    "th": "columnheader",
    "td": "cell",
}
"""What parts of a table are: a browser may forget it of those that are laid out otherwise."""

ICON = re.compile(
    r'(?P<key>"[a-z0-9-]+"|[a-z0-9]+): ?\[\d+, ?\d+, ?\[(?P<names>[^\[\]]*)\], ?"[0-9a-f]+", ?'
    r'(?:"[^"]*"|\["[^"]*", ?"[^"]*"\])\],?'
)
"""One icon in the script of the theme: its name, its size, its other names, its outline."""


def mend(text: str) -> str:
    """Mend the text of one page."""
    for old, new in MENDED:
        text = text.replace(old, new)
    text = FIGURE.sub(WIDE, text)
    text = FRAME.sub(lambda found: mark_numbers(INTERVAL.sub(ON_ONE_LINE, found[0])), text)
    return BOX.sub(lambda found: name_cells(found[0]), text)


def mark_numbers(table: str) -> str:
    """Give the cells of columns of numbers, headers too, the class ``number``.

    Columns are counted from the right: a cell that spans several rows stands at the left. A row
    with a cell that spans several columns stays as it is.
    """
    rows = [list(CELL.finditer(row[0])) for row in ROW.finditer(table.partition("<tbody>")[2])]
    n_columns = max(map(len, rows), default=0)

    def holds_numbers(place: int) -> bool:
        cells = [row[-place] for row in rows if len(row) >= place]
        said = [cell["inside"].strip() for cell in cells]
        return (
            all(cell["kind"] == "td" for cell in cells)
            and all(map(NUMBER.fullmatch, said))
            and any(character.isdigit() for text in said for character in text)
        )

    numbers = {place for place in range(1, n_columns + 1) if holds_numbers(place)}

    def mark(row: re.Match[str]) -> str:
        if "colspan" in row[0] or 'class="number"' in row[0]:
            return row[0]
        left = len(CELL.findall(row[0])) + 1

        def marked(cell: re.Match[str]) -> str:
            nonlocal left
            left -= 1
            if left not in numbers:
                return cell[0]
            kind = cell["kind"]
            return f'<{kind}{cell["about"]} class="number">{cell["inside"]}</{kind}>'

        return CELL.sub(marked, row[0])

    return ROW.sub(mark, table)


def name_cells(box: str) -> str:
    """Write roles into the table of a box, and into its cells the names of their columns."""
    if 'role="table"' in box:
        return box
    names = [
        re.sub(r"<[^>]+>", "", cell["inside"]) for cell in CELL.finditer(box) if "h" in cell["kind"]
    ]

    def named(row: re.Match[str]) -> str:
        columns = iter(names)
        return re.sub("<td>", lambda _: f'<td data-column="{next(columns)}">', row[0])

    box = ROW.sub(named, box)
    return re.sub(
        rf"<({'|'.join(ROLES)})(?=[ >])", lambda tag: f'{tag[0]} role="{ROLES[tag[1]]}"', box
    )


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
