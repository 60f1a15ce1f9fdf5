"""Say which lines and branches of the library the tests have not run, room by room.

    python -m tests.breaking.branches REPORT SECONDS

takes the report of ``coverage json`` and the seconds of the tests, and writes
``benchmarks/results/coverage.json``: the whole first, then the rooms, and all modules beside them.
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.breaking.results import save

WHOLE = "ecglib"


def row(name: str, numbers: Mapping[str, int]) -> dict[str, Any]:
    """Count what ran of a part of the library.

    Examples
    --------
    >>> numbers = {"num_statements": 8, "missing_lines": 1, "num_branches": 2}
    >>> row("a", {**numbers, "missing_branches": 1})["covered"]
    80.0
    """
    lines, branches = numbers["num_statements"], numbers["num_branches"]
    missed = numbers["missing_lines"], numbers["missing_branches"]
    share = 1 - sum(missed) / (lines + branches) if lines + branches else 1.0
    return {
        "room": name,
        "lines": lines,
        "lines missed": missed[0],
        "branches": branches,
        "branches missed": missed[1],
        "covered": round(100 * share, 2),
    }


def table(report: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Give the rows of the rooms, after that of the whole; and those of the modules."""
    rooms: dict[str, Counter[str]] = defaultdict(Counter)
    modules = []
    for path, found in sorted(report["files"].items()):
        parts = Path(path).with_suffix("").parts
        parts = parts[parts.index(WHOLE) :]
        numbers = {k: v for k, v in found["summary"].items() if isinstance(v, int)}
        rooms[parts[1] if len(parts) > 2 else "commands"].update(numbers)
        rooms[WHOLE].update(numbers)
        modules.append({"module": ".".join(parts), **row("", numbers)})
    whole = row(WHOLE, rooms.pop(WHOLE))
    for one in modules:
        del one["room"]
    modules.sort(key=lambda one: one["covered"])
    return [whole, *(row(name, numbers) for name, numbers in sorted(rooms.items()))], modules


def main(report: str, seconds: str) -> None:
    """Write the result file."""
    content = json.loads(Path(report).read_text())
    rows, modules = table(content)
    configuration = {"coverage": content["meta"]["version"], "branches": True}
    names = [row["room"] for row in rows]
    save("coverage", rows, configuration, float(seconds), names, modules=modules)
    print(rows[0])
    for one in modules[:15]:
        print(f"{one['covered']:6.1f} %  {one['module']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
