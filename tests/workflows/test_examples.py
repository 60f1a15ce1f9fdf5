"""The examples in the docstrings of this room run."""

import doctest
import importlib
import pkgutil

import pytest

from ecglib import workflows


@pytest.mark.parametrize(
    "name", [module.name for module in pkgutil.iter_modules(workflows.__path__)]
)
def test_the_examples_of_a_module_run(name):
    module = importlib.import_module(f"{workflows.__name__}.{name}")
    assert doctest.testmod(module).failed == 0
