"""Fixtures shared by the tests."""

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before anything imports TensorFlow

import pytest
from hypothesis import settings

from tests.real import shared_data

# How long an example takes says more about the machine than about the code.
settings.register_profile("ecglib", deadline=None)
settings.load_profile("ecglib")


@pytest.fixture(scope="session")
def real_ecg_dir() -> Path:
    """Folder of real open ECG recordings beside the checkout; tests skip without it."""
    return shared_data()
