"""A small file in the layout of DREAMER.mat, and a profile of tiny networks."""

from pathlib import Path

import pytest

from ecglib.studies import profiles
from ecglib.synthetic.cohort import make_cohort, write_dreamer_mat
from tests.studies.tiny import QUICKEST, SPEC


@pytest.fixture(autouse=True)
def threads_as_they_are(monkeypatch):
    """A command chooses the threads of its whole process, and this one runs other tests too."""
    monkeypatch.setattr("ecglib.core.process._limit_threads", lambda threads: None)


@pytest.fixture(scope="session")
def study_of_file(tmp_path_factory) -> Path:
    """Write the file once."""
    path = tmp_path_factory.mktemp("file") / "DREAMER.mat"
    return write_dreamer_mat(make_cohort(SPEC, seed=5).cohort, path)


@pytest.fixture
def tiny_study(study_of_file, tmp_path, monkeypatch) -> Path:
    """Point the command line to the file, to tiny networks and to an empty home; give that."""
    monkeypatch.setenv("ECGLIB_DREAMER", str(study_of_file))
    monkeypatch.setenv("ECGLIB_HOME", str(tmp_path))
    monkeypatch.delenv("ECGLIB_ARTIFACTS", raising=False)
    monkeypatch.delenv("ECGLIB_PROFILE", raising=False)
    monkeypatch.setitem(profiles.PROFILES, "quick", QUICKEST)
    return tmp_path
