"""The names that ``import ecglib as ecg`` offers, and the lines of the README that use them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import ecglib as ecg

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("name", ecg.__all__)
def test_every_name_is_there_and_documented(name):
    assert getattr(ecg, name).__doc__.strip()


def test_all_steps_of_the_method_are_offered():
    steps = {
        *("read_dreamer", "make_cohort", "make_windows", "pretrain", "embed", "save_encoder"),
        *("load_encoder", "evaluate", "WindowKFold", "LeaveOneParticipantOut", "summarise"),
        *("plots", "Study", "get_profile"),
    }
    assert steps <= set(ecg.__all__)
    assert 20 <= len(ecg.__all__) <= 32


def test_importing_it_loads_nothing_heavy():
    code = (
        "import sys, ecglib; print([m for m in ('numpy', 'pandas', 'keras', 'tensorflow', 'jax', "
        "'sklearn', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


def readme_lines(name: str) -> str:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    return next(block for block in blocks if name in block)


def test_the_lines_of_the_readme_go_from_a_file_to_a_table(tmp_path, monkeypatch, capsys):
    lines = readme_lines("read_dreamer")
    statements = [line for line in lines.splitlines() if line.strip() and line[0] != "#"]
    assert len(statements) <= 15
    # On a small file with little training: what is tried is that the lines run as they stand.
    from ecglib.studies import profiles
    from ecglib.synthetic.cohort import make_cohort, write_dreamer_mat
    from tests.studies.tiny import QUICKEST, SPEC

    (tmp_path / "data").mkdir()
    write_dreamer_mat(make_cohort(SPEC, seed=5).cohort, tmp_path / "data" / "DREAMER.mat")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(profiles.PROFILES, "quick", QUICKEST)
    exec(compile(lines, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "leave-one-participant-out" in printed
    assert "majority" in printed and "STR" in printed


def test_the_lines_of_the_readme_go_from_a_file_to_features(tmp_path, monkeypatch):
    from ecglib.workflows.synthesize import synthesize

    synthesize(tmp_path / "anna.csv", seconds=25, fs=250)
    monkeypatch.chdir(tmp_path)
    found = {}
    exec(compile(readme_lines("read_recording"), "README.md", "exec"), found)
    assert found["features"].shape == (4, 128)  # two leads, two windows of each
