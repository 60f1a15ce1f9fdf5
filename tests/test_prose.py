"""The English of the pages is in order, and the check of it bites."""

import pytest

from tools import check_prose

PAGES = check_prose.pages()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_in_order(page):
    assert check_prose.problems_in(check_prose.words_of(PAGES[page])) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("We use frozen heads except for the dearest.", "for the dearest"),
        ("It belongs into the same table.", "belongs into"),
        ("Accuracy, all in one pot.", "in one pot"),
        ("In the pot it is worth more.", "In the pot"),
        ("A loud window gets loud noise.", "loud window"),
        ("It was tested with whole people left out.", "whole people"),
        ("Who knows that, and nothing else, is right surprisingly often.", "Who knows"),
        ("One can see. Who knows that, is right.", "Who knows"),
        ("A score of the the network.", "the the"),
        ("Said twice over\nover the end of a line.", "over over"),
        ("We normalize it.", "normalize"),
        ("The color of a neighbor.", "neighbor"),
        ("- An item.\n- It belongs into a list.", "belongs into"),
        ("```{admonition} Take-away\nIt belongs into a box.\n```", "belongs into"),
    ],
)
def test_what_no_editor_would_sign_is_found(wrong, said):
    assert any(said in what for _, what in check_prose.problems_in(wrong))


def test_three_short_sentences_in_a_row_are_found():
    ((line, what),) = check_prose.problems_in("First.\n\nIt is. It was. It will be so.")
    assert line == 3
    assert "join them" in what
    assert check_prose.problems_in("It is. It was.\n\nIt will be.") == []


@pytest.mark.parametrize(
    "right",
    [
        "```python\ncolor = normalize(the the)\n```",
        "Use `color` and {doc}`the the`.",
        "| color | the the |",
        "Had he had had it, he knew that that was right.",
        "Who knows?",
        "---\ncolor: red\n---\n\nText.",
        "An area of 0.5. An area of 0.6.",
    ],
)
def test_code_tables_and_good_english_pass(right):
    assert check_prose.problems_in(right) == []


def test_lines_of_a_script_are_counted_as_they_stand(tmp_path):
    page = tmp_path / "01_page.py"
    page.write_text(
        "# %%\nx = 1  # it belongs into code\n\n# %% [markdown]\n# It belongs into text.\n"
    )
    ((line, _),) = check_prose.problems_in(check_prose.words_of(page))
    assert line == 5


def test_make_lint_runs_the_check():
    lint = (check_prose.ROOT / "Makefile").read_text(encoding="utf-8").split("\nlint:")[1]
    assert "tools/check_prose.py" in lint.split("\n\n")[0]
