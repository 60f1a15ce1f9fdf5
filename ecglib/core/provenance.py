"""What made a result: configuration, versions, machine, date and duration."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    "ssl-ecg-emotion-book",
    "tensorflow",
    "jax",
    "keras",
    "numpy",
    "scipy",
    "pandas",
    "scikit-learn",
    "matplotlib",
    "neurokit2",
)
"""Distributions whose versions are recorded, where they are installed."""


def environment() -> dict[str, str]:
    """Describe the machine and the software: system, processor, cores, Python and `PACKAGES`.

    Returns
    -------
    dict of str to str
        Names no user, no host and no folder.
    """
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "operating system": platform.system(),
        "processor": names[0] if names else platform.machine(),
        "cores available": str(cores),
        "Python": platform.python_version(),
        **{name: found for name in PACKAGES if (found := _version(name))},
    }


def provenance(configuration: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """Say what made a result.

    Parameters
    ----------
    configuration : mapping
        Everything that decides the result, as plain values: settings, seeds, fingerprints of the
        data and of the code.
    seconds : float
        How long it took.

    Returns
    -------
    dict
        With ``configuration``, ``environment``, ``made`` (UTC) and ``seconds``.
    """
    return {
        "configuration": dict(configuration),
        "environment": environment(),
        "made": f"{datetime.now(UTC):%Y-%m-%dT%H:%MZ}",
        "seconds": round(seconds, 1),
    }


def to_comment(about: Mapping[str, Any]) -> str:
    """Write the provenance `about` a table as one comment line, to stand above its values."""
    return f"# {json.dumps(about, sort_keys=True)}\n"


def from_comment(line: str) -> dict[str, Any]:
    """Read a `line` that `to_comment` wrote; raise ValueError for any other."""
    if not line.startswith("# "):
        raise ValueError("the first line holds no provenance")
    return json.loads(line[2:])


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
