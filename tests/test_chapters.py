"""Executed chapters are taken again only where nothing that they depend on has changed."""

import importlib.util
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[1] / "tools" / "chapters.py"


@pytest.fixture
def chapters(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("chapters", TOOL)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "chapters", module)  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    monkeypatch.setenv("ECGLIB_ARTIFACTS", str(tmp_path / "artifacts"))
    return module


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "project"
    for name in ("ecglib/a.py", "results/t.csv.gz", "notebooks/01_x.py", "requirements.lock"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("1", encoding="utf-8")
    return root


@pytest.mark.parametrize(
    "changed", ["ecglib/a.py", "results/t.csv.gz", "notebooks/01_x.py", "requirements.lock"]
)
def test_one_changed_byte_names_another_chapter(chapters, project, changed):
    script = project / "notebooks" / "01_x.py"
    before = chapters.chapter_key(script, project)
    assert chapters.chapter_key(script, project) == before
    (project / changed).write_text("2", encoding="utf-8")
    assert chapters.chapter_key(script, project) != before


def test_a_setting_in_the_environment_counts_and_a_place_does_not(chapters, project, monkeypatch):
    script = project / "notebooks" / "01_x.py"
    before = chapters.chapter_key(script, project)
    monkeypatch.setenv("ECGLIB_PROGRESS", "elsewhere")
    assert chapters.chapter_key(script, project) == before
    monkeypatch.setenv("ECGLIB_PROFILE", "smoke")
    assert chapters.chapter_key(script, project) != before


def test_what_was_executed_is_taken_and_the_older_one_goes(chapters, project, tmp_path):
    script, into = project / "notebooks" / "01_x.py", tmp_path / "into"
    keys = {script: chapters.chapter_key(script, project)}
    into.mkdir()
    assert chapters.take(keys, into) == [script]
    (into / "01_x.ipynb").write_text("executed", encoding="utf-8")
    chapters.keep(keys, into)
    (into / "01_x.ipynb").unlink()
    assert chapters.take(keys, into) == []
    assert (into / "01_x.ipynb").read_text(encoding="utf-8") == "executed"
    script.write_text("changed", encoding="utf-8")
    changed = {script: chapters.chapter_key(script, project)}
    assert chapters.take(changed, into) == [script]
    chapters.keep(changed, into)
    assert len(list((tmp_path / "artifacts" / "chapters").iterdir())) == 1


def test_what_is_edited_while_chapters_run_is_not_taken_for_executed(
    chapters, project, tmp_path, monkeypatch
):
    script, into = project / "notebooks" / "01_x.py", tmp_path / "into"
    into.mkdir()
    runs = []

    def execute(scripts, into, workers):
        runs.append(list(scripts))
        (into / "01_x.ipynb").write_text("executed", encoding="utf-8")
        script.write_text(f"edited after run {len(runs)}", encoding="utf-8")
        return {"01_x": 1.0}

    monkeypatch.setattr(chapters, "execute", execute)
    monkeypatch.setattr(sys, "argv", ["chapters.py", str(script), "--into", str(into)])
    chapters.main()
    chapters.main()
    assert runs == [[script], [script]]
