"""Terms, boxes, marks and the order of the pages: each comes from one place, and all agree."""

import importlib.util
import re
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from docutils import nodes
from docutils.frontend import get_default_settings
from docutils.utils import new_document
from sphinx import addnodes

from tools import check_pages
from tools.check_prose import pages, words_of

ROOT = Path(__file__).resolve().parents[1]
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
TERM = re.compile(r"\{term\}`(?:[^`<]*<)?([^`>]+?)>?`")


def extension(name: str):
    """Load one of the book's extensions, under the name by which Sphinx looks for it."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "book" / "_ext" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


differences, marks, terms = map(extension, ("differences", "marks", "terms"))
TEXTS = {page: words_of(path) for page, path in pages().items()}
ORDER = [page.removesuffix(".html") for page in check_pages.pages_of(TOC)[:-1]]
READ = ORDER[: ORDER.index("notebooks/17_real_state") + 1]


# The glossary


def entries() -> list[list[str]]:
    """The entries of the glossary, each with all its names."""
    found = []
    for block in re.findall(r"^```\{glossary\}\n(.*?)^```", TEXTS["book/glossary"], re.S | re.M):
        for entry in block.strip().split("\n\n"):
            found.append([line for line in entry.split("\n") if not line.startswith("  ")])
    return found


def linked(page: str) -> set[str]:
    """What a page links to in the glossary."""
    return {" ".join(name.split()).lower() for name in TERM.findall(TEXTS[page])}


def test_every_entry_says_something_in_one_to_three_sentences():
    assert len(entries()) > 60
    text = TEXTS["book/glossary"]
    for names in entries():
        said = re.search(rf"^{re.escape(names[-1])}\n((?:  .+\n)+)", text, re.M)[1]
        sentences = re.findall(r"[.?](?=\s|$)", re.sub(r"\d\.", "", said))
        assert 1 <= len(sentences) <= 3, names


def test_no_word_has_two_entries():
    names = [name.lower() for entry in entries() for name in entry]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("page", TEXTS)
def test_every_linked_term_is_in_the_glossary(page):
    known = {name.lower() for entry in entries() for name in entry}
    assert linked(page) - known == set()


def test_every_entry_is_linked_from_a_chapter_or_a_page_of_the_basics():
    used = set().union(*(linked(page) for page in READ))
    assert [names for names in entries() if not used & {name.lower() for name in names}] == []


def test_a_linked_term_leaves_its_place_in_the_index():
    paragraph = nodes.paragraph()
    paragraph += addnodes.pending_xref("", reftype="term", reftarget="fold")
    paragraph += addnodes.pending_xref("", reftype="doc", reftarget="fold")
    document = new_document("page", get_default_settings())
    document += paragraph
    terms.IndexTerms(document).apply()
    (index,) = document.findall(addnodes.index)
    ((_, word, place, *_),) = index["entries"]
    assert word == "fold"
    assert [t["ids"] for t in document.findall(nodes.target)] == [[place]]


def test_modules_and_constants_leave_no_entry_in_the_index():
    document = new_document("page", get_default_settings())
    said = ("module; ecglib.core", "LONGEST (in module ecglib.core)", "AUC", "auc() (in module a)")
    document += addnodes.index(entries=[("single", text, "place", "", None) for text in said])
    terms.FewerEntries(document).apply()
    (index,) = document.findall(addnodes.index)
    assert [entry[1] for entry in index["entries"]] == ["AUC", "auc() (in module a)"]


# The boxes


def test_every_row_of_the_table_stands_in_the_chapters_that_it_names():
    shown: dict[str, list[str]] = {}
    for page, text in TEXTS.items():
        for keys in re.findall(r"^```\{differences\} (.+)$", text, re.M):
            for key in keys.split():
                shown.setdefault(key, []).append(page)
    assert shown == {key: row["chapters"] for key, row in differences.rows().items()}


def test_a_row_has_every_cell_and_defects_say_why_they_matter():
    rows = differences.rows().values()
    for row in rows:
        assert {"key", "topic", "paper", "code", "ours", "chapters"} <= set(row)
        assert "|" not in "".join(map(str, row.values()))
        assert set(row["chapters"]) <= set(READ)
    defects = [row for row in rows if "why" in row]
    assert 0 < len(defects) < len(rows)
    page = TEXTS["book/released-code"]
    assert re.findall(r"^```\{difference-table\} (\w+)$", page, re.M) == ["defects", "choices"]


def test_a_row_becomes_a_line_of_a_table():
    row = {"topic": "folds", "paper": "a", "code": "b", "ours": "c", "file": "x.py, y.py"}
    lines = list(differences.markdown([row], differences.BOX))
    assert lines[1:] == ["|---|---|---|---|", "| folds | a | b (`x.py`, `y.py`) | c |"]
    row["chapters"] = ["notebooks/01_data"]
    assert differences.cell(row, "chapters") == "{doc}`/notebooks/01_data`"


# The marks


def test_every_page_but_those_of_the_reference_has_a_mark():
    expected = [p for p in ORDER if not p.startswith("book/api/") and p != "genindex"]
    assert sorted(marks.pages()) == sorted(expected)
    legend = TEXTS["book/how-to-read"]
    assert f"({marks.LEGEND})=" in legend
    assert [said for said in marks.MARKS.values() if said not in legend] == []


def test_a_mark_follows_the_file(monkeypatch):
    monkeypatch.setattr(marks, "of_study", lambda: "dreamer")
    assert marks.marks_of(["study", "synthetic"]) == ["dreamer", "synthetic"]
    monkeypatch.setattr(marks, "of_study", lambda: "synthetic")
    assert marks.marks_of(["study", "synthetic"]) == ["synthetic"]
    assert marks.marks_of([]) == ["none"]


def test_a_file_that_calls_itself_synthetic_is_marked_so(tmp_path, monkeypatch):
    import numpy as np
    from scipy.io import savemat

    path = tmp_path / "DREAMER.mat"
    monkeypatch.setenv("ECGLIB_DREAMER", str(path))
    for provider, mark in (("a synthetic cohort", "synthetic"), ("a university", "dreamer")):
        savemat(path, {"DREAMER": {"Data": np.zeros(3), "Provider": provider, "Version": "1"}})
        marks.of_study.cache_clear()
        assert marks.of_study() == mark
    monkeypatch.delenv("ECGLIB_DREAMER")
    monkeypatch.setenv("ECGLIB_HOME", str(tmp_path))
    marks.of_study.cache_clear()
    assert marks.of_study() == "synthetic"
    marks.of_study.cache_clear()


def test_the_mark_stands_under_the_title():
    class Page:
        class env:
            docname = "book/heart"

            @staticmethod
            def note_dependency(_):
                pass

    document, section = nodes.document(None, None), nodes.section()
    section += [nodes.title("", "The heart"), nodes.paragraph("", "Text.")]
    document += section
    marks.add_mark(Page, document)
    assert section[1].astext() == f"Data: {marks.MARKS['synthetic']}"


# One chain


@pytest.mark.parametrize(("page", "following"), list(pairwise(READ)))
def test_what_next_leads_to_the_next_page(page, following):
    section = re.search(r"^## What next\n(.*?)(?=^## |\Z)", TEXTS[page], re.S | re.M)
    assert section, f"{page} does not say what next"
    stem = following.rpartition("/")[2]
    first = re.search(r"\{doc\}`(?:[^`<]*<)?([^`>]+)", section[1])[1]
    assert first.rpartition("/")[2] == stem


@pytest.mark.parametrize("page", [page for page in READ if page.startswith("notebooks/")])
def test_what_a_chapter_needs_comes_before_it(page):
    needs = re.search(r"You need first\*\*:(.*?)\n- ", TEXTS[page], re.S)[1].partition(". ")[0]
    for name in re.findall(r"\{doc\}`([^`]+)`", needs):
        assert name in [p.rpartition("/")[2] for p in READ[: READ.index(page)]]
