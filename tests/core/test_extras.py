import sys

import pytest

from ecglib.core.errors import DataError
from ecglib.core.extras import how_to_install, need


def test_a_package_that_is_there_is_given():
    assert need("json", "readers", "nothing") is sys.modules["json"]


def test_one_that_is_not_is_asked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, "edfio", None)
    with pytest.raises(DataError) as error:
        need("edfio", "readers", "EDF files")
    assert "EDF files need the package edfio" in str(error.value)
    assert "pip install 'ssl-ecg-emotion-book[readers]'" in str(error.value)
    assert "pip install --editable '.[readers]'" in how_to_install("readers")


def test_a_broken_package_is_not_called_missing(monkeypatch, tmp_path):
    (tmp_path / "half_there.py").write_text("import something_else_entirely")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="something_else_entirely"):
        need("half_there", "readers", "EDF files")
