"""Result files of what was tried to break the library; a page of the book is made from them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ecglib.core.artifacts import atomic_path
from ecglib.core.provenance import provenance

FOLDER = Path(__file__).parents[2] / "benchmarks" / "results"


def save(
    name: str,
    rows: Sequence[Mapping[str, Any]],
    configuration: Mapping[str, Any],
    took_s: float,
    **details: Any,
) -> Path:
    """Write ``benchmarks/results/NAME.json``: what was tried, one row each, and where."""
    about = provenance(configuration, took_s)
    path = FOLDER / f"{name}.json"
    text = json.dumps({"about": about, "rows": list(rows), **details}, indent=1)
    with atomic_path(path) as partial:
        partial.write_text(text + "\n")
    return path
