"""Folded sections keep heading and first paragraph, and the list names sections that exist."""

import importlib.util
import re
from pathlib import Path

import pytest
import yaml
from docutils import nodes

ROOT = Path(__file__).parents[1]
LISTED = yaml.safe_load((ROOT / "book" / "asides.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def asides():
    spec = importlib.util.spec_from_file_location("asides", ROOT / "book" / "_ext" / "asides.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def section(*kinds):
    return nodes.section("", *(kind("", "text") for kind in kinds))


def test_heading_and_first_paragraph_stay(asides):
    found = section(nodes.title, nodes.paragraph, nodes.paragraph, nodes.paragraph)
    asides.fold_section(found, "more <of> it")
    first, *folded, last = found.children[2:]
    assert first.astext() == '<details class="aside"><summary>Show: more &lt;of&gt; it</summary>'
    assert [type(node) for node in folded] == [nodes.paragraph, nodes.paragraph]
    assert last.astext() == "</details>"


@pytest.mark.parametrize(
    "kinds", [(nodes.title,), (nodes.title, nodes.paragraph), (nodes.title, nodes.literal_block)]
)
def test_a_section_without_a_paragraph_or_a_rest_is_refused(asides, kinds):
    with pytest.raises(ValueError, match="first paragraph that stays"):
        asides.fold_section(section(*kinds), "nothing")


@pytest.mark.parametrize("page", LISTED)
def test_the_listed_sections_exist(page):
    text = (ROOT / f"{page}.py").read_text(encoding="utf-8")
    headings = re.findall(r"^# #{2,3} (.+)$", text, re.M)
    assert LISTED[page].keys() <= set(headings)
    assert all(inside.strip() for inside in LISTED[page].values())
