"""The examples in the docstrings of every module run, and give what stands below them."""

import doctest
import importlib
import pkgutil
from importlib.util import find_spec
from pathlib import Path

import pytest

import ecglib

MODULES = [
    module.name
    for module in pkgutil.walk_packages(ecglib.__path__, "ecglib.")
    if ">>>" in Path(find_spec(module.name).origin).read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted > 0
    assert found.failed == 0
