import re

import pytest

from ecglib.core.errors import DataError
from ecglib.data.open_sets import EEGMAT, MITDB, OPEN_SETS, find_open


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """An empty home, and nothing said."""
    monkeypatch.setenv("ECGLIB_HOME", str(tmp_path / "home"))
    for known in OPEN_SETS.values():
        monkeypatch.delenv(known.variable, raising=False)
    return tmp_path / "home"


def folder(path):
    path.mkdir(parents=True)
    return path


def test_the_argument_comes_first_then_the_variable_then_the_folder(home, tmp_path, monkeypatch):
    assert find_open("eegmat") is None
    default = folder(home / "data" / "eegmat")
    assert find_open("eegmat") == default == EEGMAT.default_folder
    named = folder(tmp_path / "named")
    monkeypatch.setenv("ECGLIB_EEGMAT", str(named))
    assert find_open("eegmat") == named
    given = folder(tmp_path / "given")
    assert find_open("eegmat", given) == given
    monkeypatch.setenv("ECGLIB_EEGMAT", "")
    assert find_open("eegmat") == default
    assert find_open("mitdb") is None


def test_what_is_named_and_not_there_is_never_replaced(home, tmp_path, monkeypatch):
    folder(home / "data" / "mitdb")
    with pytest.raises(DataError, match=r"argument path names no existing folder.*fetch mitdb"):
        find_open("mitdb", tmp_path / "gone")
    monkeypatch.setenv("ECGLIB_MITDB", str(tmp_path / "gone"))
    with pytest.raises(DataError, match="the environment variable ECGLIB_MITDB"):
        find_open("mitdb")


def test_a_file_or_a_dangling_link_is_no_folder(home, tmp_path):
    (home / "data").mkdir(parents=True)
    (home / "data" / "mitdb").symlink_to(tmp_path / "gone")
    with pytest.raises(DataError, match="the default place"):
        find_open("mitdb")


def test_an_unknown_name():
    with pytest.raises(DataError, match="no open set is named 'dreamer'"):
        find_open("dreamer")


def test_needed_files_are_told_from_others():
    for known, needed, other in (
        (EEGMAT, "Subject35_2.edf", "Subject00_1.edf.seizures"),
        (EEGMAT, "subject-info.csv", "../subject-info.csv"),
        (MITDB, "234.atr", "x_mitdb/x_108.dat"),
        (MITDB, "RECORDS", "100.xws"),
    ):
        assert re.fullmatch(known.files, needed) and not re.fullmatch(known.files, other)
    assert all(known.url.startswith("https://physionet.org/files/") for known in OPEN_SETS.values())
