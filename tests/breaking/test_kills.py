"""A little of `make kills`: what is killed goes on, and leaves what nobody would have left."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ecglib.core.artifacts import save_arrays
from ecglib.core.provenance import provenance, with_provenance
from tests.breaking.kills import LATEST_S, contents, points

PROJECT = Path(__file__).parents[2]


@pytest.mark.skipif(os.name != "posix", reason="processes are forked on POSIX systems")
def test_killed_downloads_end_as_if_nobody_had_killed_them():
    command = [sys.executable, "-m", "tests.breaking.kills", "--quick", "--points", "5", "fetch"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    row = ast.literal_eval(done.stdout)
    assert row["stage"] == "fetch" and row["kills"] >= 5
    assert row["identical"] == row["runs"] > 0
    assert row["left"] == row["different"] == []


def test_half_of_the_points_are_moments_and_half_follow_changes():
    drawn = points(40, 10.0, 7, np.random.default_rng(0))
    moments = [point.moment for point in drawn if point.moment is not None]
    assert len(moments) == 20 and 0.2 <= min(moments) < max(moments) <= 9.8
    others = [point for point in drawn if point.moment is None]
    assert (min(one.change for one in others), max(one.change for one in others)) == (1, 7)
    assert all(0 <= point.later <= LATEST_S for point in others)
    assert drawn == points(40, 10.0, 7, np.random.default_rng(0))


def test_only_seconds_and_date_may_differ(tmp_path):
    def write(name, value, made, seed):
        about = {**provenance({"seed": seed}, 1.0), "made": made}
        save_arrays(tmp_path / name / "a.npz", with_provenance({"x": np.array(value)}, about))
        return contents(tmp_path / name)

    first = write("first", [1.0, 2.0], "today", 0)
    assert write("second", [1.0, 2.0], "tomorrow", 0) == first
    assert write("third", [1.0, np.nextafter(2.0, 3)], "today", 0) != first
    assert write("fourth", [1.0, 2.0], "today", 1) != first
    (tmp_path / "first" / ".partial-left").touch()
    assert contents(tmp_path / "first").keys() - first.keys() == {".partial-left"}
