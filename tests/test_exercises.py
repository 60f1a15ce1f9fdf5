"""Exercises are numbered and solved by cells that run; pages fold what a reader skips."""

import importlib.util
import re
from itertools import pairwise
from pathlib import Path

import jupytext
import pytest
from docutils import nodes

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted((ROOT / "notebooks").glob("[0-9]*.py"))
DROPDOWN = re.compile(r"^:::\{dropdown\} (.+?)\n(.*?)^:::$", re.MULTILINE | re.DOTALL)


def load_folds():
    """Import the extension that folds cells from its file."""
    spec = importlib.util.spec_from_file_location("folds", ROOT / "book" / "_ext" / "folds.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


folds = load_folds()


def is_solution(cell):
    return "solution" in cell.metadata.get("tags", [])


@pytest.fixture(scope="module", params=CHAPTERS, ids=lambda path: path.stem)
def chapter(request):
    cells = jupytext.read(request.param, fmt="py:percent").cells
    text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return int(request.param.stem[:2]), cells, text


def test_a_chapter_has_three_to_five_numbered_exercises_each_with_a_solution(chapter):
    number, _, text = chapter
    exercises = re.findall(r"^\*\*Exercise (\d+)\.(\d+)\.\*\*", text, re.MULTILINE)
    assert 3 <= len(exercises) <= 5
    assert exercises == [(str(number), str(k + 1)) for k in range(len(exercises))]
    solutions = re.findall(r"^:::\{dropdown\} Solution (\d+)\.(\d+)$", text, re.MULTILINE)
    assert solutions == exercises


def test_the_code_of_a_solution_is_a_cell_that_runs(chapter):
    number, cells, text = chapter
    solved = 0
    for before, cell in pairwise(cells):
        if cell.cell_type == "code" and is_solution(cell):
            assert re.search(rf"Solution {number}\.\d\n(?:(?!:::).*\n)+:::$", before.source)
            assert "nbval-skip" not in cell.metadata.get("tags", [])
            solved += 1
    assert solved >= 2
    assert not any("```python" in body for _, body in DROPDOWN.findall(text))


def test_ideas_have_quiz_questions_with_reasons_at_most_one_a_section(chapter):
    _, _, text = chapter
    quizzes = [(title, body) for title, body in DROPDOWN.findall(text) if "Quiz: " in title]
    assert len(quizzes) >= 3
    for title, body in quizzes:
        assert title.endswith("?")
        assert len(body.split()) >= 8
    assert all(part.count("} Quiz: ") <= 1 for part in re.split(r"^##+ ", text, flags=re.MULTILINE))


def test_a_chapter_ends_with_one_research_question(chapter):
    _, _, text = chapter
    assert text.count("**Research question.** ") == 1
    after = text.split("**Research question.** ")[1]
    assert "**Exercise" not in after
    assert "?" in after.split("What next")[0]


def code_cell(source, output="", *, tags=(), figure=False, html=False):
    """A cell as MyST-NB hands it to the transform."""
    metadata = {"mystnb": {"figure": {"caption": "c"}}} if figure else {}
    classes = ["cell", *(f"tag_{tag}" for tag in tags)]
    cell = nodes.container(nb_element="cell_code", cell_metadata=metadata, classes=classes)
    cell += nodes.container("", nodes.literal_block("", source), nb_element="cell_code_source")
    if output:
        shown = nodes.raw("", output, format="html") if html else nodes.literal_block("", output)
        cell += nodes.container("", shown, nb_element="cell_code_output")
    return cell


def rows(n):
    return "\n".join(f"row {i}" for i in range(n))


@pytest.mark.parametrize(
    ("cell", "first", "mode"),
    [
        (code_cell(rows(8)), False, None),
        (code_cell(rows(9)), False, "input"),
        (code_cell(rows(20)), True, "input"),
        (code_cell(rows(3)), True, None),
        (code_cell(rows(5), figure=True), False, "input"),
        (code_cell(rows(4), figure=True), False, None),
        (code_cell("x", rows(15)), False, None),
        (code_cell("x", rows(16)), False, "output"),
        (code_cell("x", "<tr>" * 16, html=True), False, None),  # with a head of one row
        (code_cell("x", "<tr>" * 17, html=True), False, "output"),
        (code_cell(rows(5), rows(16)), True, "input+output"),
        (code_cell(rows(20), rows(20), tags=["solution"]), True, None),
    ],
)
def test_what_is_folded(cell, first, mode):
    assert folds.hide_mode(cell, first) == mode


def test_a_tag_has_the_last_word():
    cell = code_cell(rows(20), rows(20))
    cell["hide_mode"] = "all"
    assert folds.hide_mode(cell, first=True) == "all"


def test_a_fold_says_what_it_hides():
    cell = code_cell("x")
    assert folds.prompts(cell) == ("Show {type}", "Hide {type}")
    cell["cell_metadata"] = {"mystnb": {"code_prompt_show": "Show {type}: all scores"}}
    assert folds.prompts(cell) == ("Show {type}: all scores", "Hide {type}: all scores")


def test_a_solution_moves_into_the_dropdown_before_it_and_others_stay():
    dropdown = nodes.container("", nodes.paragraph("", "why"), design_component="dropdown")
    cells = [code_cell("a", tags=["solution"]), code_cell("b", tags=["solution"])]
    section = nodes.section("", nodes.paragraph(), dropdown, *cells, nodes.paragraph())
    assert [folds.move_solution(cell) for cell in cells] == [True, True]
    assert dropdown.children[1:] == cells
    assert len(section) == 3
    lost = code_cell("c", tags=["solution"])
    section += lost
    assert not folds.move_solution(lost)
    assert lost.parent is section
