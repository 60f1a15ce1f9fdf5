"""What a page of the book must be, apart from loading without an error: scripts and limits.

Some rules are asked in the browser, by scripts that run in the page; whether links lead somewhere
is read from the files. `tools/check_pages.py` applies them.
"""

from __future__ import annotations

import os
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

MAX_BYTES = 3_000_000
"""What a page may weigh, with everything that it loads."""

MAX_HEIGHT = 9000
"""Pixels from top to bottom that a chapter should not exceed on a desktop."""

MIN_WORDS = 20
"""Words that should at least describe a figure to those who cannot see it."""

DESKTOP, PHONE = (1280, 1600), (390, 844)
"""Width and height of the two windows in which every page is looked at."""

# Load lazy images, then describe those that show nothing or say nothing.
IMAGES = """
(async () => {
  const images = [...document.images];
  images.forEach(image => { image.loading = "eager"; });
  await Promise.all(images.map(image => image.decode().catch(() => null)));
  const named = /^$|\\.(png|svg|jpe?g)$/;
  return images.flatMap(image => [
    ...(image.naturalWidth ? [] : ["missing image " + image.src]),
    ...(named.test(image.alt.trim()) ? ["image without alternative text " + image.src] : []),
  ]);
})()
"""

# Header cells without a word, and lists by role whose children are none of a list.
TABLES_AND_LISTS = """
[
  ...[...document.querySelectorAll("th")]
    .filter(cell => !cell.textContent.trim() && !cell.getAttribute("aria-label")
      && !cell.querySelector("img[alt]"))
    .map(cell => "empty table header in the table \\""
      + cell.closest("table").textContent.trim().replace(/\\s+/g, " ").slice(0, 40) + "\\""),
  ...[...document.querySelectorAll("[role=list]")]
    .filter(list => list.children.length && [...list.children].some(
      child => child.tagName !== "LI" && child.getAttribute("role") !== "listitem"))
    .map(list => "a list by role whose children are no list items: " + list.className),
]
"""

# How high the page is, and the words that describe each figure of the text.
MEASURES = """
({
  height: document.documentElement.scrollHeight,
  alts: [...document.querySelectorAll("article .cell_output img, article figure img")].map(
    image => image.alt.trim()),
})
"""

# What sticks out of the window, if anything does: the innermost elements first named.
WIDTH = """
(() => {
  const edge = window.innerWidth;
  const wide = document.documentElement.scrollWidth - edge;
  if (wide <= 0) return [];
  const scrolls = element => {
    for (let up = element.parentElement; up; up = up.parentElement)
      if (up !== document.body && up !== document.documentElement
          && getComputedStyle(up).overflowX !== "visible") return true;
    return false;
  };
  const out = [...document.body.querySelectorAll("*")].filter(element =>
    element.getBoundingClientRect().right > edge + 1
    && !scrolls(element) && getComputedStyle(element).position !== "fixed");
  const inner = out.filter(element => ![...element.children].some(child => out.includes(child)));
  const names = inner.slice(0, 3).map(element =>
    element.tagName.toLowerCase() + (element.className ? "." + element.className : "")
    + " \\"" + element.textContent.trim().slice(0, 30) + "\\"");
  return ["scrolls sideways by " + wide + " px: " + names.join(", ")];
})()
"""

# The theme's own button does the same.
THEME = """
(() => { const root = document.documentElement.dataset; root.mode = root.theme = "%s"; })()
"""

# What axe-core calls serious or critical.
AXE = """
axe.run(document, {resultTypes: ["violations"], preload: false}).then(found => found.violations
  .filter(one => ["serious", "critical"].includes(one.impact))
  .map(one => "axe, " + one.impact + ": " + one.id + " (" + one.nodes.length + "), first "
    + one.nodes[0].target.join(" ") + " " + one.nodes[0].html.slice(0, 120)))
"""


def find_axe() -> str | None:
    """Read the script of axe-core from the package that brings it, or None without it.

    The environment variable ``AXE_CORE`` names another copy of ``axe.min.js``.
    """
    if named := os.environ.get("AXE_CORE"):
        return Path(named).read_text(encoding="utf-8")
    spec = find_spec("axe_core_python")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).with_name("axe.min.js").read_text(encoding="utf-8")


class Anchors(HTMLParser):
    """The links of a page, and the names that links to it may end in."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one element."""
        values = {key: value or "" for key, value in attrs}
        self.names |= {values[key] for key in ("id", "name") if key in values}
        if tag in ("a", "link") and "href" in values:
            self.links.append(values["href"])


def anchors_of(page: Path) -> Anchors:
    """Read the links and the names of a page."""
    found = Anchors()
    found.feed(page.read_text(encoding="utf-8"))
    return found


def broken_links(html: Path, pages: list[str]) -> dict[str, list[str]]:
    """Return the links within the book that lead nowhere, by page.

    Parameters
    ----------
    html : Path
        Folder of the rendered book.
    pages : list of str
        Pages whose links are followed, in that folder.

    Returns
    -------
    dict of str to list of str
        An empty list for a page whose links all lead to a file, and to a name in it.
    """
    known: dict[Path, Anchors] = {}

    def anchors(page: Path) -> Anchors:
        if page not in known:
            known[page] = anchors_of(page)
        return known[page]

    found: dict[str, list[str]] = {}
    for page in pages:
        here = html / page
        found[page] = []
        for link in dict.fromkeys(anchors(here).links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (here.parent / unquote(parts.path)).resolve() if parts.path else here
            name = unquote(parts.fragment)
            if not target.is_file():
                found[page].append(f"link to a page that is not there: {link}")
            elif name and target.suffix == ".html" and name not in anchors(target).names:
                found[page].append(f"link to a name that is not there: {link}")
    return found
