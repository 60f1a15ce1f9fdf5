"""What nbval must not compare in the notebooks of this folder."""

from __future__ import annotations

import os

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # inherited by the kernels


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip comparing stderr: which lines TensorFlow logs there depends on the processor."""
    for item in items:
        skipped = getattr(item.parent, "skip_compare", None)
        if skipped is not None and "stderr" not in skipped:
            item.parent.skip_compare = (*skipped, "stderr")
