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
    order: Sequence[str],
    **details: Any,
) -> Path:
    """Write ``benchmarks/results/NAME.json``: what was tried, one row each, and where.

    The first entry of a row names it. Rows of other names in `order` stay as they were, and with
    them the seconds they took, so that a part can be tried again alone.
    """
    path = FOLDER / f"{name}.json"
    before = json.loads(path.read_text()) if path.is_file() else {"rows": []}
    named = {next(iter(row.values())): dict(row) for row in [*before["rows"], *rows]}
    if len(rows) < len(order):
        took_s += before.get("about", {}).get("seconds", 0.0)
    about = provenance(configuration, took_s)
    kept = [named[one] for one in order if one in named]
    text = json.dumps({"about": about, "rows": kept, **details}, indent=1)
    with atomic_path(path) as partial:
        partial.write_text(text + "\n")
    return path
