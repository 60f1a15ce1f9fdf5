import os
from pathlib import Path

import pytest

from ecglib.core.errors import DataError
from ecglib.core.folders import (
    artifacts_folder,
    find_named,
    given_path,
    home_folder,
    named_path,
    results_folder,
)

OURS = "[tool.ecglib]\n"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Work in an empty folder, with no variable set."""
    for variable in ("ECGLIB_HOME", "ECGLIB_ARTIFACTS", "ECGLIB_DREAMER"):
        monkeypatch.delenv(variable, raising=False)
    folder = tmp_path / "project" / "notebooks" / "deep"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def test_without_anything_home_is_the_current_folder(here):
    assert home_folder() == here
    assert artifacts_folder() == here / "artifacts"
    assert results_folder() == here / "results"


def test_the_nearest_project_of_ours_is_home(here, tmp_path):
    (tmp_path / "pyproject.toml").write_text(OURS)
    assert home_folder() == tmp_path
    (tmp_path / "project" / "pyproject.toml").write_text("[project]\nname = 'x'\n" + OURS)
    assert home_folder() == tmp_path / "project"
    (here / "pyproject.toml").write_text("[tool.ruff]\nline-length = 100\n")
    assert home_folder() == tmp_path / "project"
    assert artifacts_folder() == tmp_path / "project" / "artifacts"
    assert results_folder() == tmp_path / "project" / "results"


@pytest.mark.parametrize(
    "content", [b"[tool.ecglib", b"\xff\xfe[tool.ecglib]", b"", b"[ecglib]\n", b"tool = 'ecglib'"]
)
def test_what_another_project_says_does_not_matter(here, tmp_path, content):
    (tmp_path / "project" / "pyproject.toml").write_bytes(content)
    assert home_folder() == here
    (tmp_path / "pyproject.toml").write_text(OURS)
    assert home_folder() == tmp_path


def test_a_folder_of_that_name_is_no_project(here):
    (here / "pyproject.toml").mkdir()
    assert home_folder() == here


def test_the_variable_comes_first(here, tmp_path, monkeypatch):
    (here / "pyproject.toml").write_text(OURS)
    monkeypatch.setenv("ECGLIB_HOME", str(tmp_path / "elsewhere"))
    assert home_folder() == tmp_path / "elsewhere"
    monkeypatch.setenv("ECGLIB_HOME", "")
    assert home_folder() == here
    monkeypatch.setenv("ECGLIB_HOME", "sub")
    assert home_folder() == here / "sub"
    monkeypatch.setenv("ECGLIB_HOME", "~/mine")
    assert home_folder() == Path.home() / "mine"


def test_a_relative_variable_starts_from_home(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text(OURS)
    monkeypatch.setenv("ECGLIB_ARTIFACTS", "made/here")
    assert artifacts_folder() == tmp_path / "made" / "here"
    monkeypatch.setenv("ECGLIB_HOME", str(tmp_path / "home"))
    assert artifacts_folder() == tmp_path / "home" / "made" / "here"
    assert results_folder() == tmp_path / "home" / "results"


@pytest.mark.parametrize("variable", ["ECGLIB_HOME", "ECGLIB_ARTIFACTS"])
def test_a_user_who_is_not_there_is_refused_by_the_name_of_the_variable(monkeypatch, variable):
    monkeypatch.setenv(variable, "~no-such-user/made")
    with pytest.raises(DataError, match=f"field {variable}: '~no-such-user/made'"):
        artifacts_folder()


def test_named_paths(here, tmp_path, monkeypatch):
    assert named_path("ECGLIB_DREAMER") is None
    monkeypatch.setenv("ECGLIB_DREAMER", "")
    assert named_path("ECGLIB_DREAMER") is None
    for named, expected in (
        ("x.mat", here / "x.mat"),
        ("~/x.mat", Path.home() / "x.mat"),
        (str(tmp_path / "x.mat"), tmp_path / "x.mat"),
    ):
        monkeypatch.setenv("ECGLIB_DREAMER", named)
        assert named_path("ECGLIB_DREAMER") == expected


def test_the_argument_outranks_the_variable_and_that_the_default(here, monkeypatch):
    default = here / "default"
    assert find_named(None, "ECGLIB_X", default) is None
    default.symlink_to(here / "gone")
    assert find_named(None, "ECGLIB_X", default) == (default, "the default place")
    monkeypatch.setenv("ECGLIB_X", "named")
    named = here / "named", "the environment variable ECGLIB_X"
    assert find_named(None, "ECGLIB_X", default) == named
    assert find_named("given", "ECGLIB_X", default) == (here / "given", "the argument path")


def test_a_relative_home_starts_from_the_project_wherever_one_is(here, tmp_path, monkeypatch):
    (tmp_path / "project" / "pyproject.toml").write_text(OURS)
    monkeypatch.setenv("ECGLIB_HOME", "sub")
    assert home_folder() == tmp_path / "project" / "sub"
    monkeypatch.chdir(tmp_path / "project")
    assert home_folder() == tmp_path / "project" / "sub"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("~no-such-user/x", "names no user's folder"),
        ("x" * 300, "File name too long"),
        ("/".join(["folder"] * 2000), "File name too long"),
        ("a\0b", "embedded null (byte|character)"),  # one of them, by version of Python
    ],
)
def test_what_can_be_no_path_is_refused_everywhere(path, told, monkeypatch):
    from ecglib.data.dreamer import find_dreamer, read_dreamer
    from ecglib.data.folder import read_folder
    from ecglib.data.readers.any_format import read_recording

    for read in (given_path, read_recording, read_dreamer, find_dreamer, read_folder):
        with pytest.raises(DataError, match=told) as caught:
            read(path)
        assert len(str(caught.value)) <= 500
    if "\0" not in path:  # no variable can hold one
        for variable in ("ECGLIB_HOME", "ECGLIB_ARTIFACTS"):
            monkeypatch.setenv(variable, path)
            with pytest.raises(DataError, match=f"field {variable}: .*{told}"):
                artifacts_folder()
            monkeypatch.delenv(variable)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is closed")
def test_a_closed_folder_is_named(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    with pytest.raises(DataError, match="no path \\(Permission denied\\)"):
        given_path(closed / "x.mat")
    closed.chmod(0o700)


def test_a_closed_place_is_no_path(monkeypatch):
    def closed(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "stat", closed)
    with pytest.raises(DataError, match=r"x\.mat: no path \(Permission denied\)"):
        given_path("x.mat")


def test_a_current_folder_that_is_gone(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    try:
        with pytest.raises(DataError, match="the current folder is gone"):
            home_folder()
        monkeypatch.setenv("ECGLIB_HOME", str(tmp_path))
        assert home_folder() == tmp_path
    finally:
        monkeypatch.chdir(tmp_path)
