"""What the pages of the book are held to, how they are mended, and how they become one PDF."""

import importlib.util
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tools import book_pdf, check_pages, page_rules

ROOT = Path(__file__).resolve().parents[1]
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())
spec = importlib.util.spec_from_file_location("mended", ROOT / "book" / "_ext" / "mended.py")
mended = importlib.util.module_from_spec(spec)
spec.loader.exec_module(mended)


def write(folder, **pages):
    for name, body in pages.items():
        (folder / f"{name}.html").write_text(f"<!doctype html><title>t</title>{body}")
    return folder


# Links


def test_links_must_lead_to_a_file_and_to_a_name_in_it(tmp_path):
    write(
        tmp_path,
        a='<h1 id="top"><a href="b.html#here">x</a><a href="#top">x</a><a href="b.html">x</a>',
        b='<p id="here"><a href="https://example.org/#x">x</a><a href="mailto:a@b.c">x</a>',
        c='<a href="gone.html">x</a><a href="a.html#bottom">x</a><a href="#nowhere">x</a>',
    )
    found = page_rules.broken_links(tmp_path, ["a.html", "b.html", "c.html"])
    assert found.pop("a.html") == found.pop("b.html") == []
    assert found == {
        "c.html": [
            "link to a page that is not there: gone.html",
            "link to a name that is not there: a.html#bottom",
            "link to a name that is not there: #nowhere",
        ]
    }


# In the browser


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory):
    """Look at small pages, each of which breaks one rule."""
    executable = check_pages.find_browser()
    if executable is None:
        pytest.skip("no Chromium on this machine")
    folder = tmp_path_factory.mktemp("pages")
    words = " ".join(["word"] * page_rules.MIN_WORDS)
    picture = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"
    (folder / "dot.svg").write_text(picture)
    (folder / "big.js").write_text("//" + "x" * page_rules.MAX_BYTES)
    icon = '<link rel="icon" href="dot.svg"><meta name="viewport" content="width=device-width">'
    figure = '<article><figure><img src="dot.svg" alt="{}"></figure></article>'
    pages = {
        "good": figure.format(words) + "<table><tr><th>a</th></tr></table>",
        "few": figure.format("two words"),
        "corner": "<table><tr><th></th><th>a</th></tr></table>",
        "list": '<div role="list" class="some"><div role="note">a</div></div>',
        "heavy": '<script src="big.js"></script>',
        "wide": f'<p style="width: {page_rules.PHONE[0] + 60}px">a</p>',
        "scrolls": '<div style="overflow-x: auto"><p style="width: 900px">a</p></div>',
    }
    write(folder, **{name: icon + body for name, body in pages.items()})
    found = check_pages.run(executable, folder, [f"{name}.html" for name in pages])
    return {page.removesuffix(".html"): seen for page, seen in found.items()}


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("corner", "empty table header"),
        ("list", "children are no list items: some"),
        ("heavy", "3.0 MB, more than 3"),
        ("wide", "scrolls sideways"),
    ],
)
def test_a_page_that_breaks_a_rule_fails(looked_at, page, said):
    (problem,) = looked_at[page].problems
    assert said in problem


@pytest.mark.parametrize("page", ["good", "few", "scrolls"])
def test_a_page_that_keeps_the_rules_passes(looked_at, page):
    assert looked_at[page].problems == []


def test_a_short_description_is_a_warning(looked_at):
    assert looked_at["good"].warnings == []
    assert looked_at["few"].warnings == ["2 words describe a figure: two words"]


def test_the_table_has_the_height_and_weight_of_every_page(looked_at):
    lines = check_pages.heights(looked_at).splitlines()[1:]
    assert {line.split()[-1] for line in lines} == set(looked_at)
    assert all(int(line.split()[0]) > 0 and int(line.split()[1]) > 0 for line in lines)


def test_axe_is_read_from_where_the_variable_says(tmp_path, monkeypatch):
    (tmp_path / "axe.js").write_text("axe = 1")
    monkeypatch.setenv("AXE_CORE", str(tmp_path / "axe.js"))
    assert page_rules.find_axe() == "axe = 1"


# What is mended


def test_a_screen_reader_finds_a_name_for_everything():
    page = (
        '<summary><span class="toctree-toggle"></span></summary><th></th><th>a</th>'
        '<div role="list"><div class="citation" role="doc-biblioentry">b</div></div>'
    )
    text = mended.mend(page)
    assert text == (
        f'<summary aria-label="{mended.LABEL}"><span class="toctree-toggle"></span></summary>'
        '<td></td><th>a</th><div role="list"><div class="citation" role="listitem">b</div></div>'
    )
    assert mended.mend(text) == text


def test_the_picture_of_a_figure_has_a_box_that_scrolls():
    picture = '<img alt="a" src="a.png" />'
    text = mended.mend(f'<figure id="a">\n{picture}\n</figure>{picture}')
    box = f'<div class="pst-scrollable-table-container wide">{picture}</div>'
    assert text == f'<figure id="a">\n{box}\n</figure>{picture}'
    assert mended.mend(text) == text


def test_columns_of_numbers_are_marked():
    frame = pd.DataFrame({"name": ["a", "7"], "share": ["96%", "–"], "n": [1, -2], "none": "–"})
    text = mended.mend(frame.set_index(["name", "share"], append=True).to_html())
    assert text.count('class="number"') == 4  # two headers, two cells
    text = mended.mend(frame.to_html())
    assert [text.count(f'<th class="number">{name}</th>') for name in frame] == [0, 1, 1, 0]
    assert "<td>7</td>" in text and '<td class="number">-2</td>' in text
    assert mended.mend(text) == text


def test_an_interval_stays_on_one_line():
    text = mended.mend(pd.DataFrame({"auc": ["+0.62 [0.55, −0.70] (0.50)", "a [b, c]"]}).to_html())
    assert "<td>+0.62&nbsp;[0.55,&nbsp;−0.70] (0.50)</td>" in text
    assert "<td>a [b, c]</td>" in text
    assert mended.mend(text) == text


def test_a_row_that_spans_columns_is_left_as_it_is():
    frame = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_product([["both"], ["a", "b"]]))
    text = mended.mend(frame.to_html())
    assert text.count('class="number"') == 4 and 'halign="left">both</th>' in text


def test_a_cell_of_a_box_has_the_name_of_its_column_and_the_box_stays_a_table():
    box = (
        '<div class="note differences admonition"><table class="table"><thead>'
        '<tr><th class="head"><p>on</p></th><th class="head"><p>we do</p></th></tr></thead>'
        "<tbody><tr><td><p>a</p></td><td><p>b</p></td></tr></tbody></table></div>"
    )
    text = mended.mend(box)
    assert '<td role="cell" data-column="on"><p>a</p></td>' in text
    assert '<td role="cell" data-column="we do"><p>b</p></td>' in text
    roles = {"table": 1, "rowgroup": 2, "row": 2, "columnheader": 2, "cell": 2}
    assert {role: text.count(f'role="{role}"') for role in roles} == roles
    assert mended.mend(text) == text
    table = box.removeprefix('<div class="note differences admonition">')
    assert mended.mend(table) == table


def test_icons_that_no_page_shows_are_left_out(tmp_path):
    moon = 'moon:[384,512,[127769,9214],"f186","M223 32L1 2z"],'
    glass = '"magnifying-glass":[512,512,[128269,"search"],"f002","M416 208z"],'
    double = 'sun:[512,512,[9728],"f185",["M1 2z","M3 4z"]]'
    script = f"var i={{{moon}{glass}{double}}};next()"
    assert mended.fewer_icons(script, {"search", "sun"}) == f"var i={{{glass}{double}}};next()"
    write(tmp_path, a='<i class="fa-solid fa-moon"></i><th></th>')
    (tmp_path / "_static" / "scripts").mkdir(parents=True)
    icons = tmp_path / "_static" / "scripts" / "fontawesome.js"
    icons.write_text(script)
    mended.mend_folder(tmp_path)
    assert icons.read_text() == f"var i={{{moon}}};next()"
    assert "<td></td>" in (tmp_path / "a.html").read_text()


# One PDF


def test_every_page_but_the_reference_is_printed_in_order():
    pages = [page for _, page in book_pdf.contents(TOC)]
    listed = [page.removesuffix(".html") for page in check_pages.pages_of(TOC)]
    left_out = ("book/api/", "genindex", "search")  # an index of places is no use on paper
    assert pages == [page for page in listed if not page.startswith(left_out)]
    assert pages[0] == "book/intro" and pages[-1] == "book/bibliography"


def test_links_lead_to_their_place_in_the_document():
    article = (
        '<h2 id="start">a</h2><a class="i" href="#start">1</a><a href="../book/b.html">2</a>'
        '<a href="../book/b.html#x">3</a><a href="../book/api/core.html#y">4</a>'
        '<a href="https://example.org/">5</a><img alt="i" src="../_images/i.png" loading="lazy"/>'
        "<details><summary>s</summary></details>"
    )
    text = book_pdf.moved(article, "notebooks/a", {"notebooks/a", "book/b"}, "html")
    assert text == (
        '<h2 id="notebooks-a--start">a</h2><a class="i" href="#notebooks-a--start">1</a>'
        '<a href="#book-b">2</a><a href="#book-b--x">3</a>4'
        '<a href="https://example.org/">5</a><img alt="i" src="html/notebooks/../_images/i.png" />'
        "<details open><summary>s</summary></details>"
    )
    assert book_pdf.lost(text) == ["book-b", "book-b--x"]


def test_the_document_has_a_title_contents_and_all_articles(tmp_path):
    for name, link in (("a", "b.html#h"), ("b", "a.html")):
        body = (
            f'<article class="c"><h1 id="h">Page {name}<a class="headerlink" href="#h">#</a></h1>'
        )
        (tmp_path / f"{name}.html").write_text(f'{body}<a href="{link}">to</a></article>')
    toc = {"root": "a", "parts": [{"caption": "Part", "chapters": [{"file": "b"}]}]}
    text = book_pdf.document(tmp_path, toc, "The title", "html")
    assert book_pdf.lost(text) == []
    order = ["<h1>The title", "Contents", "Part", 'id="a"', "Page a", 'id="b"', "Page b"]
    assert [text.index(one) for one in order] == sorted(text.index(one) for one in order)


def test_a_drawing_keeps_its_parts():
    article = '<svg><g id="a"/><use xlink:href="#a"/><path clip-path="url(#a)"/></svg>'
    text = book_pdf.moved(article, "notebooks/x", {"notebooks/x"}, "html")
    name = book_pdf.place("notebooks/x", "a")
    assert text.count(f'"{name}"') == 1 and f'#{name}"' in text and f"url(#{name})" in text
    assert book_pdf.lost(text) == []
