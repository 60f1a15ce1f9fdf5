"""What a reader meets first: the README, its figure, the citation, the workflows."""

import re
from pathlib import Path

import matplotlib.image
import pytest
import yaml
from PIL import Image

from tools import draw_result

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def workflow(path):
    """Read a workflow; "on" is a word that YAML takes for true."""
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {("on" if key is True else key): value for key, value in found.items()}


def test_the_readme_has_its_parts_in_order():
    parts = ["](book/_static/result.png)", "## Two commands", "## Three doors", "## Limits"]
    places = [README.index(part) for part in [*parts, "## How to cite"]]
    assert places == sorted(places)
    start, end = README.index("<!-- The measured"), README.index("<!-- End of the measured")
    times = re.compile(r"\b\d+ (?:minutes|seconds|hours)\b")
    assert times.search(README, start, end)
    assert not times.search(README[:start] + README[end:])


def test_the_figure_is_small_and_drawn_from_the_table_that_ships():
    assert draw_result.OUT.stat().st_size < 150_000
    with Image.open(draw_result.OUT) as image:
        assert image.info["Source"] == draw_result.source()
    assert matplotlib.image.imread(draw_result.OUT).std() > 0.05  # not an empty canvas


def test_the_figure_shows_every_rival_once():
    ax = draw_result.draw().axes[0]
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert sorted(names) == sorted(draw_result.NAMES.values())
    low, high = ax.get_xlim()
    assert 0 <= low < high <= 1.05


def test_the_citation_has_what_its_format_asks_for():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors", "version", "license"} <= set(citation)
    assert citation["cff-version"] == "1.2.0"
    for work in (citation, *citation["references"]):
        assert work["title"] and all("name" in a or "family-names" in a for a in work["authors"])


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_is_thin(path):
    found = workflow(path)
    assert {"name", "on", "jobs", "permissions"} <= set(found)
    assert found["permissions"] == {"contents": "read"}
    for job in found["jobs"].values():
        for step in job["steps"]:
            assert ("run" in step) != ("uses" in step)
            assert re.fullmatch(r"actions/[\w-]+@v\d+", step.get("uses", "actions/a@v1"))
            for target in re.findall(r"^make (\S+)$", step.get("run", ""), re.MULTILINE):
                assert re.search(rf"^{target}: ", MAKEFILE, re.MULTILINE)


def test_the_workflows_call_what_people_call():
    runs = {
        path.stem: [s["run"] for job in workflow(path)["jobs"].values() for s in job["steps"]
                    if "run" in s]
        for path in WORKFLOWS
    }  # fmt: skip
    assert runs["ci"] == [".ci/run"]
    assert runs["pages"][:2] == ["make book", "make pdf"]
    assert set(runs) == {"ci", "pages"}
