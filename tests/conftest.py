"""Fixtures shared by the tests."""

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before anything imports TensorFlow

import pytest

from tests.real import shared_data


@pytest.fixture(scope="session")
def real_ecg_dir() -> Path:
    """Folder of real open ECG recordings beside the checkout; tests skip without it."""
    return shared_data()
