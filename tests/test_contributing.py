"""What CONTRIBUTING.md tells people to do works: its examples run, its links lead somewhere."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from ecglib import commands
from ecglib.cli import main
from ecglib.synthetic.cohort import CohortSpec, make_cohort, write_dreamer_mat
from tools import check_notebooks, run_notebooks

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def example(heading: str) -> str:
    """Read the one block of Python under a heading."""
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", TEXT, re.DOTALL | re.MULTILINE)[1]
    (block,) = re.findall(r"^```python\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    return block


def test_every_example_is_tried_here():
    headings = re.findall(r"^## Add a (.+)$", TEXT, re.MULTILINE)
    assert headings == [
        "transformation",
        "pretext",
        "splitter",
        "dataset",
        "chapter",
        "command-line verb",
    ]
    assert TEXT.count("```python\n") == len(headings)


@pytest.mark.parametrize("what", ["transformation", "pretext", "splitter", "dataset"])
def test_an_example_runs_by_itself(what, tmp_path):
    script = tmp_path / "example.py"
    script.write_text(example(f"Add a {what}"), encoding="utf-8")
    assert "assert " in script.read_text(encoding="utf-8")
    # A process of its own: an example may put an entry into one of the library's tables.
    environment = {**os.environ, "ECGLIB_HOME": str(tmp_path), "TF_CPP_MIN_LOG_LEVEL": "3"}
    ran = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:__main__", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


def test_the_chapter_is_one_that_the_checks_accept(tmp_path):
    script = tmp_path / "15_chapter.py"
    script.write_text(example("Add a chapter"), encoding="utf-8")
    notebook = run_notebooks.execute(script)
    assert run_notebooks.drop_stderr(notebook) == ""
    run_notebooks.write(notebook, script.with_suffix(".ipynb"))
    assert check_notebooks.problems_of(script.with_suffix(".ipynb")) == []
    # A busy kernel may send one printed line in two pieces.
    printed = "".join(o.get("text", "") for cell in notebook.cells for o in cell.get("outputs", []))
    assert "trials on both sides: 0\n" in printed


def test_a_module_in_the_folder_of_commands_is_a_verb(tmp_path, monkeypatch):
    spec = CohortSpec(n_participants=2, clip_lengths_s=(12.0, 12.0), baseline_s=12.0)
    file = write_dreamer_mat(make_cohort(spec, 0).cohort, tmp_path / "tiny.mat")
    folder = tmp_path / "commands"
    folder.mkdir()
    (folder / "people.py").write_text(example("Add a command-line verb"), encoding="utf-8")
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(folder)])
    monkeypatch.setenv("ECGLIB_DREAMER", str(file))
    monkeypatch.setenv("ECGLIB_HOME", str(tmp_path))
    ran = CliRunner().invoke(main, ["people"])
    monkeypatch.delitem(sys.modules, "ecglib.commands.people")
    assert (ran.exit_code, ran.output) == (
        0,
        "participant 1: 2 clips\nparticipant 2: 2 clips\n",
    )
    assert "people" in CliRunner().invoke(main, ["--help"]).output


def test_the_tour_names_every_room_from_top_to_bottom():
    rooms = {p.parent.name for p in (ROOT / "ecglib").glob("*/__init__.py")}
    diagram = re.search(r"```\n( +commands.*?)```", TEXT, re.DOTALL)[1]
    diagram = "\n".join(line[:31] for line in diagram.splitlines())  # without what rooms are for
    place = {room: re.search(rf"\b{room}\b", diagram) for room in rooms}
    assert [room for room, found in place.items() if not found] == []
    line = {room: diagram[: found.start()].count("\n") for room, found in place.items()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (layers,) = (
        c["layers"] for c in project["tool"]["importlinter"]["contracts"] if c["type"] == "layers"
    )
    order = [
        [part.strip().removeprefix("ecglib.") for part in layer.split("|")] for layer in layers
    ]
    kept = [[room for room in layer if room in rooms] for layer in order]
    heights = [{line[room] for room in layer} for layer in kept if layer]
    assert all(len(height) == 1 for height in heights)
    assert heights == sorted(heights, key=min)


def test_what_it_names_exists():
    paths = re.findall(r"`((?:ecglib|tests|tools|notebooks|results)/[\w./]*)`", TEXT)
    made_later = {"ecglib/studies/stages.lock"}
    assert len(paths) > 10
    assert [path for path in paths if not (ROOT / path).exists() and path not in made_later] == []
    targets = set(re.findall(r"(?:^|`)make ([a-z-]+)", TEXT, re.MULTILINE))
    assert {t for t in targets if not re.search(rf"^{t}:", MAKEFILE, re.MULTILINE)} == set()
    verbs = set(re.findall(r"^ecglib (\w+)", TEXT, re.MULTILINE))
    assert verbs == {"stages"} <= set(main.list_commands(None))
