"""Print the rendered book into one PDF: `_build/ecg-ssl-book.pdf`.

The articles of all pages are put behind each other, in the order of the table of contents, after
a title page; a headless Chromium prints them. Links within the book lead to their place in the PDF.
The pages of the API reference are left out: they are for looking things up, and would be hundreds
of pages of paper. Links to them become plain text.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import html as markup
import os
import posixpath
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml
from tornado.websocket import websocket_connect

from tools import check_pages

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = ("book/api/", "genindex")
"""Pages whose path begins with this are not printed."""

NAME = "ecg-ssl-book.pdf"
TAG = re.compile(r"<[a-zA-Z][^<>]*>")
LINK = re.compile(r'(<a\b[^<>]*?\bhref=")([^"]*)("[^<>]*>)(.*?)(</a>)', re.DOTALL)
LOOKS = ("_static/pygments.css", "_static/sphinx-design.min.css")
FOOT = (
    '<div style="font-size:8px;width:100%;text-align:center;font-family:sans-serif">'
    '<span class="pageNumber"></span></div>'
)


def contents(toc: dict[str, Any]) -> Iterator[tuple[str | None, str]]:
    """Give the caption of the part and the name of every page that is printed, in order."""
    yield None, toc["root"]
    for part in toc["parts"]:
        for page in check_pages.pages_of({"root": "", "parts": [part]})[1:-1]:
            if not page.startswith(LEFT_OUT):
                yield part["caption"], page.removesuffix(".html")


def place(page: str, name: str = "") -> str:
    """Name a place of the PDF by its page and the name that it has there."""
    return re.sub(r"[^\w.-]+", "-", f"{page}--{name}" if name else page)


def article_of(text: str) -> str:
    """Cut the article out of a page."""
    start = text.index("<article")
    return text[text.index(">", start) + 1 : text.index("</article>", start)]


def moved(article: str, page: str, pages: set[str], files: str) -> str:
    """Rewrite names, links and pictures of an article for the one document.

    Parameters
    ----------
    article : str
        The inner markup of a page's article.
    page : str
        Path of the page, without its suffix.
    pages : set of str
        All pages that are in the document.
    files : str
        Where the rendered book lies, as seen from the document.
    """
    folder = posixpath.dirname(page)

    def tag(found: re.Match[str]) -> str:
        text = re.sub(r'\bid="([^"]*)"', lambda m: f'id="{place(page, m[1])}"', found[0])
        if text.startswith("<details"):
            text = text.replace("<details", "<details open", 1) if " open" not in text else text
        if text.startswith("<img"):
            here = posixpath.join(files, folder)
            text = re.sub(r'\bsrc="(?!data:)([^"]*)"', lambda m: f'src="{here}/{m[1]}"', text)
            text = text.replace('loading="lazy"', "")
        return text

    def link(found: re.Match[str]) -> str:
        parts = urlsplit(markup.unescape(found[2]))
        if parts.scheme or parts.netloc:
            return found[0]
        path = unquote(parts.path).removesuffix(".html")
        target = posixpath.normpath(posixpath.join(folder, path)) if path else page
        if target not in pages:
            return found[4]
        return f"{found[1]}#{place(target, unquote(parts.fragment))}{found[3]}{found[4]}{found[5]}"

    def drawing(found: re.Match[str]) -> str:
        # The parts of a drawing have new names; what draws with them must follow.
        return re.sub(r'(href="#|url\(#)([^")]+)', lambda m: m[1] + place(page, m[2]), found[0])

    article = re.sub(r"<script\b.*?</script>", "", article, flags=re.DOTALL)  # paper stands still
    article = re.sub(r"<svg\b.*?</svg>", drawing, article, flags=re.DOTALL)
    return LINK.sub(link, TAG.sub(tag, article))


def document(html: Path, toc: dict[str, Any], title: str, files: str) -> str:
    """Write the whole book as one page of HTML.

    Parameters
    ----------
    html : Path
        Folder of the rendered book.
    toc : dict
        Its table of contents.
    title : str
        For the first page.
    files : str
        Where that folder lies, as seen from the document.
    """
    listed = list(contents(toc))
    pages = {page for _, page in listed}
    lines, bodies, before = [], [], None
    for part, page in listed:
        article = article_of((html / f"{page}.html").read_text(encoding="utf-8"))
        heading = re.search(r"<h1>(.*?)<a class=\"headerlink\"", article, re.DOTALL)
        name = re.sub(r"<[^>]*>", "", heading[1]) if heading else page
        if part != before:
            lines.append(f'<li class="caption">{part}</li>')
        before = part
        lines.append(f'<li><a href="#{place(page)}">{name}</a></li>')
        body = moved(article, page, pages, files)
        bodies.append(f'<section class="page" id="{place(page)}">{body}</section>')
    sheets = "".join(f'<link rel="stylesheet" href="{files}/{sheet}">' for sheet in LOOKS)
    own = (ROOT / "tools" / "book_pdf.css").read_text(encoding="utf-8")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    authors = ", ".join(author["name"] for author in citation["authors"])
    return (
        f'<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8">'
        f'<link rel="icon" href="data:,">'  # or the browser asks for one that is not there
        f"<title>{title}</title>{sheets}<style>{own}</style></head><body>"
        f'<div class="title"><h1>{title}</h1><p>{authors}</p><p>Version {citation["version"]}. '
        "Text and code under the BSD 3-Clause licence.</p><p>The pages of the book, printed. The "
        "reference of the library is left out; the rendered book has it.</p></div>"
        f'<nav class="toc"><h2>Contents</h2><ol>{"".join(lines)}</ol></nav>'
        f"{''.join(bodies)}</body></html>"
    )


def lost(text: str) -> list[str]:
    """List the links of a document to places that it does not have."""
    names = set(re.findall(r'\bid="([^"]*)"', text))
    return sorted(set(re.findall(r'href="#([^"]*)"', text)) - names)


async def printed(devtools: str, address: str) -> bytes:
    """Load a page in Chromium and print it."""
    site, _, page = address.rpartition("/")
    tab = check_pages.Tab(await websocket_connect(devtools, max_message_size=2**29), f"{site}/")
    listener = asyncio.create_task(tab.listen())
    target = await tab.call("Target.createTarget", url="about:blank")
    attached = await tab.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
    tab.session = attached["sessionId"]
    for domain in ("Page", "Runtime", "Log", "Network"):
        await tab.call(f"{domain}.enable")
    await tab.visit(page)
    if tab.problems:
        sys.exit("\n".join(tab.problems))
    made = await tab.call(
        "Page.printToPDF",
        preferCSSPageSize=True,
        printBackground=True,
        generateTaggedPDF=True,
        generateDocumentOutline=True,
        displayHeaderFooter=True,
        headerTemplate="<span></span>",
        footerTemplate=FOOT,
    )
    listener.cancel()
    return base64.b64decode(made["data"])


def main() -> None:
    """Print the rendered book and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--html", type=Path, default=ROOT / "_build" / "html")
    parser.add_argument("--toc", type=Path, default=ROOT / "_toc.yml")
    options = parser.parse_args()
    if not (options.html / "index.html").is_file():
        sys.exit(f"no rendered book in {options.html}: run `make book` first")
    if (executable := check_pages.find_browser()) is None:
        sys.exit(f"no browser found, looked for {', '.join(check_pages.BROWSERS)}")
    folder = options.html.resolve().parent
    title = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["title"]
    toc = yaml.safe_load(options.toc.read_text(encoding="utf-8"))
    text = document(options.html, toc, title, options.html.name)
    if broken := lost(text):
        sys.exit("links to places that are not in the document: " + ", ".join(broken))
    source = folder / "ecg-ssl-book.html"
    source.write_text(text, encoding="utf-8")
    try:
        with check_pages.served(folder) as site, check_pages.browser(executable) as devtools:
            pdf = asyncio.run(printed(devtools, site + source.name))
    finally:
        source.unlink()
    target = folder / NAME
    part = target.with_suffix(".part")
    part.write_bytes(pdf)
    os.replace(part, target)
    pages = len(re.findall(rb"/Type\s*/Page\b", pdf))
    links = len(re.findall(rb"/Subtype\s*/Link\b", pdf))
    print(f"{target}: {pages} pages, {links} links, {len(pdf) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
