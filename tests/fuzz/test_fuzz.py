"""Whatever a file holds, its reader gives a value or one short DataError, and keeps to its memory.

`make fuzz` goes on for minutes; here is a little of it, and what it has found before.
"""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.fuzz.fuzzing import CORPUS, REGRESSIONS, attempt, cases, fuzz
from tests.fuzz.measure import PEAK
from tests.fuzz.targets import TARGETS

PROJECT = Path(__file__).parents[2]

# Read in a process of their own: one that imports Keras begins with seconds of it.
MEASURED = ("variable", "csv", "edf", "npz", "wfdb", "table")


@pytest.fixture(autouse=True)
def _needs(request):
    if not hasattr(request.node, "callspec"):
        return
    target = request.node.callspec.params["target"]
    for package in (
        {"edf": "edfio", "bdf": "edfio"},
        dict.fromkeys(("wfdb", "records", "beats"), "wfdb"),
    ):
        if target in package:
            pytest.importorskip(package[target])


@pytest.mark.parametrize("target", TARGETS)
def test_what_mutations_begin_from_is_sound(target, tmp_path):
    sound = cases(CORPUS, target)
    assert sound and {attempt(target, files, tmp_path) for files in sound} == {"read"}


@pytest.mark.parametrize("target", TARGETS)
def test_a_damaged_file_gives_a_value_or_one_clear_error(target):
    found = Counter()
    count = 8 if target in ("encoder", "torch", "dreamer") else 25
    assert fuzz(target, count, 0, measure=False, found=found) is None
    assert found.total() >= count and found["DataError"]


@pytest.mark.parametrize("target", TARGETS)
def test_what_has_broken_a_reader_before(target, tmp_path):
    for files in cases(REGRESSIONS, target):
        assert attempt(target, files, tmp_path) in ("read", "DataError")


@pytest.mark.skipif(not PEAK.exists(), reason="memory is measured on Linux")
def test_hostile_files_fill_no_memory():
    for package in ("edfio", "wfdb"):
        pytest.importorskip(package)
    command = [sys.executable, "-m", "tests.fuzz.measure", "--quick", *MEASURED]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split(":")[0] for line in done.stdout.splitlines() if line] == list(MEASURED)
