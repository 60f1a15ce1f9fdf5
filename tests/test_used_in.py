"""The reference says of each function which chapters use it."""

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[1]
spec = importlib.util.spec_from_file_location("used_in", ROOT / "book" / "_ext" / "used_in.py")
used_in = importlib.util.module_from_spec(spec)
spec.loader.exec_module(used_in)


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("from ecglib.data.cohort import Cohort as C", {"ecglib.data.cohort.Cohort"}),
        ("import ecglib as ecg\necg.Cohort", {"ecglib.data.cohort.Cohort"}),
        ("import ecglib\necglib.summarise", {"ecglib.evaluation.summaries.summarise"}),
        (
            "from ecglib.evaluation import summaries as s\ns.summarise(1)",
            {"ecglib.evaluation.summaries.summarise"},
        ),
        ("from ecglib.evaluation.protocols import MAJORITY", set()),
        ("from ecglib.gone import nothing\nimport numpy as np\nnp.zeros(1)", set()),
        ("ecg.Cohort", set()),
    ],
)
def test_what_code_uses_is_read_without_running_it(code, names):
    assert used_in.uses(code) == names


def test_a_page_in_prose_is_read_too(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "```{code-cell} ipython3\n---\nmystnb: {a: 1}\ntags: [hide-input]\n---\n"
        "import ecglib as ecg\n```\n\n"
        "```{code-cell} ipython3\n:tags: [hide-input]\necg.Cohort\n```\n\n"
        "```python\nthis is no Python\n```\n\n```bash\nmake book\n```\n"
    )
    assert used_in.uses(used_in.code_of(page)) == {"ecglib.data.cohort.Cohort"}


def test_chapters_are_linked_and_pages_that_are_not_there_are_not():
    links = {"ecglib.a.f": ["notebooks/01_data", "book/gone"], "ecglib.a.X": ["notebooks/01_data"]}
    app = SimpleNamespace(
        used_in=links, env=SimpleNamespace(found_docs={"notebooks/01_data", "book/intro"})
    )
    lines = ["Do it."]
    used_in.add_links(app, "function", "ecglib.a.f", None, None, lines)
    assert lines == ["Do it.", "", "**Used in** :doc:`/notebooks/01_data`", ""]
    used_in.add_links(app, "data", "ecglib.a.X", None, None, lines)
    used_in.add_links(app, "function", "ecglib.a.g", None, None, lines)
    assert len(lines) == 4


def test_every_chapter_uses_something_of_the_library():
    found = {name: used_in.uses(used_in.code_of(file)) for name, file in used_in.pages(ROOT)}
    assert [n for n, used in found.items() if n.startswith("notebooks/") and not used] == []
    assert "ecglib.preprocessing.segmentation.make_windows" in found["book/own-dataset"]
