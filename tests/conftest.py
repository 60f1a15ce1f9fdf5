"""Fixtures shared by the tests."""

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before anything imports TensorFlow

import pytest

REAL_ECG = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def real_ecg_dir() -> Path:
    """Folder of real open ECG recordings beside the checkout; tests skip without it."""
    if not REAL_ECG.is_dir():
        pytest.skip("no real ECG recordings beside this checkout (../shared/data)")
    return REAL_ECG
