"""The two other files are what they are said to be, and nothing is written into the project."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

from ecglib.data.dreamer import read_dreamer
from ecglib.synthetic.cohort import CohortSpec

TOOLS = Path(__file__).resolve().parents[1] / "tools"
BRIEF = {"n_participants": 2, "clip_lengths_s": (12.0, 12.0), "baseline_s": 11.0}


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    return import_module("check_other_data")


def test_the_files_differ_from_the_books_own_cohort(tool):
    own, none, few = CohortSpec(), *(other.spec for other in tool.OTHERS.values())
    assert none.effect == 0 and few.n_participants < 8
    for spec in (none, few):
        assert spec.n_participants != own.n_participants
        assert len(spec.clip_lengths_s) != len(own.clip_lengths_s)
    scripts = {script.stem for script in TOOLS.parent.glob("notebooks/[0-9]*.py")}
    executed = [scripts - set(other.stored) for other in tool.OTHERS.values()]
    assert scripts - executed[0] - executed[1] == set(tool.REAL)
    both = {name[:2] for name in executed[0] & executed[1]}
    assert both >= {"01", "02", "03", "04", "05", "06", "08", "09", "10", "11"}


@pytest.mark.parametrize(("name", "label"), [("no-effect", "synthetic"), ("few-people", "DREAMER")])
def test_a_file_says_what_it_is(tool, tmp_path, name, label):
    other = replace(tool.OTHERS[name], spec=CohortSpec(**BRIEF))
    tool.write_file(other, tmp_path / "DREAMER.mat")
    assert read_dreamer(tmp_path / "DREAMER.mat").name == label
    assert (tmp_path / "DREAMER.npz").is_file() == other.synthetic


def test_what_is_lent_is_replaced_and_never_written_to(tool, tmp_path):
    project, folder = tmp_path / "project", tmp_path / "folder"
    project.mkdir()
    for name in ("synthetic-v1-a.npz", "windows-v1-b.npz", "predictions-v1-c.csv"):
        (project / name).write_text("kept")
    tool.lend(project, folder)
    assert sorted(f.name for f in folder.iterdir()) == ["synthetic-v1-a.npz", "windows-v1-b.npz"]
    (tmp_path / "partial").write_text("new")
    (tmp_path / "partial").replace(folder / "windows-v1-b.npz")  # as artifacts are written
    assert (project / "windows-v1-b.npz").read_text() == "kept"
