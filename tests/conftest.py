"""Fixtures shared by the tests."""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before anything imports TensorFlow

import pytest
from hypothesis import settings

from tests.real import shared_data
from tests.uncompiled import uncompiled

# How long an example takes says more about the machine than about the code.
settings.register_profile("ecglib", deadline=None)
settings.load_profile("ecglib")


LONG = ("studies/test_real.py", "test_bad_input.py", "pretext/test_distributed.py",
        "evaluation/test_representation.py", "models/test_backends.py", "studies/test_pooling.py",
        "test_own_dataset.py", "models/test_cores.py", "commands/test_run.py",
        "test_contributing.py", "studies/test_comparison_tables.py")  # fmt: skip


def pytest_configure(config):
    """Name the marks of these tests."""
    config.addinivalue_line("markers", "compiled: networks are compiled, as they are elsewhere")


def pytest_collection_modifyitems(items):
    """Begin with the files that take longest, so that no process is left alone with one of them.

    Several processes keep this order only if they are told not to sort files by their number of
    tests, as the Makefile tells them.
    """
    first = {f"tests/{name}" for name in LONG}
    items.sort(key=lambda item: item.nodeid.partition("::")[0] not in first)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Let networks train without XLA, whose programs take seconds to make and here run for less.

    The networks of a study are tiny and train for a few steps: there not even a graph is made.
    Tests of compiled training have the mark "compiled", and so have those that copy models, which
    Keras does with its own `compile` only. Processes that a test starts do as ever.
    """
    global _compiled
    if "keras" not in sys.modules:
        return
    from keras import Model

    if _compiled is None:
        _compiled = Model.compile
    plain = uncompiled(_compiled, eagerly=item.path.parent.name == "studies")
    Model.compile = _compiled if item.get_closest_marker("compiled") else plain


_compiled = None


@pytest.fixture(scope="session")
def real_ecg_dir() -> Path:
    """Folder of real open ECG recordings beside the checkout; tests skip without it."""
    return shared_data()
