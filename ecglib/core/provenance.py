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

import numpy as np

from ecglib.core.annotations import checked
from ecglib.core.artifacts import load_arrays
from ecglib.core.errors import DataError

ENTRY = "provenance"
"""Name of the entry in a file of arrays that says what made them."""

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


_INSTRUCTION_SETS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "sve")
"""Those that decide how fast a processor multiplies matrices, as Linux calls them."""


def environment() -> dict[str, str]:
    """Describe the machine and the software: system, processor, cores, Python and `PACKAGES`.

    Two processors of one name may differ in speed by a factor of two. So where Linux tells them,
    the processor's family and model, its instruction sets for matrices and its caches come along.

    Returns
    -------
    dict of str to str
        Names no user, no host and no folder.

    Examples
    --------
    >>> "Python" in environment()
    True
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "operating system": platform.system(),
        **processor(),
        "cores available": str(cores),
        "Python": platform.python_version(),
        **{name: found for name in PACKAGES if (found := _version(name))},
    }


@checked
def processor(
    cpuinfo: Path = Path("/proc/cpuinfo"), cpu: Path = Path("/sys/devices/system/cpu/cpu0")
) -> dict[str, str]:
    """Describe the processor.

    Parameters
    ----------
    cpuinfo, cpu : Path
        Where Linux describes it; elsewhere there are no such files.

    Returns
    -------
    dict of str to str
        ``processor``, and what is known of ``processor model``, ``instruction sets`` and
        ``caches``.

    Examples
    --------
    >>> list(processor(Path("nowhere"), Path("nowhere")))
    ['processor']
    """
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    facts = {}
    for name, _, value in (line.partition(":") for line in lines):
        facts.setdefault(name.strip(), value.strip())
    found = {"processor": facts.get("model name") or platform.machine()}
    if "cpu family" in facts:
        found["processor model"] = f"family {facts['cpu family']}, model {facts.get('model', '?')}"
    flags = facts.get("flags", facts.get("Features", "")).split()
    if sets := [name for name in _INSTRUCTION_SETS if name in flags]:
        found["instruction sets"] = ", ".join(sets)
    caches = []
    for folder in sorted(cpu.glob("cache/index*")):
        level, kind, size = ((folder / name) for name in ("level", "type", "size"))
        if size.is_file() and kind.read_text().strip() != "Instruction":
            caches.append(f"L{level.read_text().strip()} {size.read_text().strip()}")
    if caches:
        found["caches"] = ", ".join(caches)
    return found


@checked
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

    Examples
    --------
    >>> about = provenance({"seed": 0}, seconds=1.23)
    >>> about["configuration"], about["seconds"]
    ({'seed': 0}, 1.2)
    """
    return {
        "configuration": dict(configuration),
        "environment": environment(),
        "made": f"{datetime.now(UTC):%Y-%m-%dT%H:%MZ}",
        "seconds": round(seconds, 1),
    }


@checked
def with_provenance(
    arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    """Add what made named arrays to them, so that it stands in their file.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        For `ecglib.core.artifacts.save_arrays`.
    about : mapping
        From `provenance`.

    Returns
    -------
    dict of str to ndarray
        The same arrays, and `ENTRY`.

    Examples
    --------
    >>> list(with_provenance({"x": np.zeros(3)}, {"configuration": {}}))
    ['x', 'provenance']
    """
    if ENTRY in arrays:
        raise ValueError(f"an array may not be named '{ENTRY}': that is for what made the arrays")
    return {**arrays, ENTRY: np.array(json.dumps(about, sort_keys=True))}


@checked
def load_provenance(path: Path) -> dict[str, Any]:
    """Read from a file what made its arrays, but not the arrays themselves.

    Parameters
    ----------
    path : Path
        An ``.npz`` file.

    Returns
    -------
    dict
        As from `provenance`; empty if the file does not say.

    Raises
    ------
    DataError
        If the file is missing, damaged or another kind of file.

    Examples
    --------
    >>> import tempfile
    >>> from ecglib.core.artifacts import save_arrays
    >>> path = Path(tempfile.mkdtemp(), "numbers.npz")
    >>> save_arrays(path, with_provenance({"a": np.arange(3)}, provenance({"seed": 0}, 1.2)))
    >>> load_provenance(path)["configuration"]
    {'seed': 0}
    """
    return provenance_of(load_arrays(path, (ENTRY,)), path)


@checked
def provenance_of(arrays: Mapping[str, np.ndarray], path: Path) -> dict[str, Any]:
    """Read what made arrays from the entry that `with_provenance` put beside them.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        From `ecglib.core.artifacts.load_arrays`.
    path : Path
        Where they lie, for the message.

    Returns
    -------
    dict
        As from `provenance`; empty if there is no entry.

    Raises
    ------
    DataError
        If the entry is not what `with_provenance` writes.

    Examples
    --------
    >>> arrays = with_provenance({"a": np.arange(3)}, provenance({"seed": 0}, 1.2))
    >>> provenance_of(arrays, Path("numbers.npz"))["configuration"]
    {'seed': 0}
    >>> provenance_of({"a": np.arange(3)}, Path("numbers.npz"))
    {}
    """
    if ENTRY not in arrays:
        return {}
    try:
        return dict(json.loads(str(arrays[ENTRY])))
    except (RecursionError, TypeError, ValueError) as error:
        raise DataError(
            f"what made the file cannot be read ({error})",
            file=path,
            field=ENTRY,
            remedy="delete it; the stage that makes it will make it again",
        ) from error


@checked
def to_comment(about: Mapping[str, Any]) -> str:
    """Write the provenance `about` a table as one comment line, to stand above its values.

    Examples
    --------
    >>> to_comment({"seed": 0}).strip()
    '# {"seed": 0}'
    """
    return f"# {json.dumps(about, sort_keys=True)}\n"


@checked
def from_comment(line: str) -> dict[str, Any]:
    """Read a `line` that `to_comment` wrote; raise ValueError for any other.

    Examples
    --------
    >>> from_comment(to_comment({"seed": 0}))
    {'seed': 0}
    """
    if not line.startswith("# "):
        raise ValueError("the first line holds no provenance")
    return json.loads(line[2:])


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
