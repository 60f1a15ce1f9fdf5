"""The page about one's own dataset: its lines run as they stand, on invented people."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from ecglib.workflows.synthesize import synthesize

PAGE = Path(__file__).resolve().parents[1] / "book" / "own-dataset.md"


def blocks(language):
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)```", text, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Five people at rest and at sums, with the columns that the page shows."""
    place = tmp_path_factory.mktemp("own")
    (place / "my_study").mkdir()
    columns = blocks("text")[1].splitlines()[0].split(",")
    rows = []
    for number, name in enumerate(("anna", "ben", "cleo", "dan", "eve")):
        for task, stress in (("rest", 2), ("sums", 8)):
            file, seed = f"{name}-{task}.csv", 10 * number + stress
            synthesize(place / "my_study" / file, seconds=12, fs=250, seed=seed)
            rows.append((file, name, task, task, stress + number % 2))
    pd.DataFrame(rows, columns=columns).to_csv(place / "my_study" / "people.csv", index=False)
    return place


def test_the_lines_lead_from_a_folder_to_a_table(place):
    environment = {**os.environ, "PYTHONPATH": str(PAGE.parents[1]), "ECGLIB_HOME": str(place)}
    said = []
    for line in "".join(blocks("bash")).splitlines():
        # A process each: the first call decides how many threads TensorFlow takes.
        words = [sys.executable, "-m", *shlex.split(line)]
        ran = subprocess.run(
            words, cwd=place, env=environment, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr
        said.append(ran.stdout)
    check, features, table = said
    assert check.count("good") == 10
    assert "138 features, 5 participants" in features
    assert "leave-one-participant-out, 5 folds, regime strict" in table
    assert (place / "result").is_dir()


def test_the_lines_of_python_run(place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    (lines,) = blocks("python")
    exec(compile(lines, "own-dataset.md", "exec"), {})
    assert capsys.readouterr().out.endswith("(10, 128) 5\n")
