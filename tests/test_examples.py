"""The examples of docstrings give what they say."""

import doctest
import importlib
import pkgutil

import pytest

import ecglib.core
import ecglib.data

# Rooms whose modules load fast; those of the other rooms run beside their own tests.
MODULES = [
    module.name
    for room in (ecglib.core, ecglib.data)
    for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}.")
    if not module.ispkg
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_examples_are_found():
    assert "ecglib.data.readers.choice" in MODULES
    assert doctest.testmod(importlib.import_module("ecglib.data.recording")).attempted > 0
