"""Run the unit tests of five rooms on the lowest and on the highest versions allowed.

Two environments are made with uv, in a temporary folder: the lowest version of every package that
`pyproject.toml` names, on the oldest Python, and the highest of everything, on the newest. What was
tested, and what came of it, goes to `book/versions.json`; the page about the status shows it. The
locked versions lie between the two, and are tested by ``make test``.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ecglib.core.artifacts import atomic_path
from ecglib.core.provenance import provenance

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "book" / "versions.json"

ROOMS = ("core", "data", "preprocessing", "features", "evaluation")
"""They read, cut, measure and judge. Encoders are trained in others, which take far longer."""

EXTRAS = ("tensorflow", "jax", "features", "readers", "cluster", "dev")
"""All but those of the book, whose packages ask for newer versions than the library does."""

ENDS = {"lowest-direct": "3.11", "highest": "3.13"}
"""How uv chooses versions, and the Python for it."""

NAMED = ("numpy", "scipy", "pandas", "scikit-learn", "matplotlib", "keras", "tensorflow", "jax",
         "neurokit2", "edfio", "wfdb", "pytest")  # fmt: skip
"""Packages whose versions are told."""


def make(folder: Path, resolution: str, python: str) -> Path:
    """Make an environment, and give its Python."""
    subprocess.run(["uv", "venv", "-q", "--python", python, folder], check=True)
    interpreter = folder / "bin" / "python"
    install = ["uv", "pip", "install", "-q", "--python", interpreter, "--resolution", resolution]
    extras = [word for extra in EXTRAS for word in ("--extra", extra)]
    subprocess.run([*install, "-r", ROOT / "pyproject.toml", *extras], check=True, cwd=ROOT)
    return interpreter


def versions(interpreter: Path) -> dict[str, str]:
    """Ask an environment which versions it has."""
    code = (
        "import json, platform\nfrom importlib.metadata import version\n"
        f"print(json.dumps({{'Python': platform.python_version(),"
        f" **{{name: version(name) for name in {NAMED!r}}}}}))"
    )
    done = subprocess.run([interpreter, "-c", code], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def outcome(output: str) -> dict[str, int]:
    r"""Read how many tests passed, failed and were skipped from what pytest printed last.

    >>> outcome("....\n2 failed, 41 passed, 3 warnings in 5.20s")
    {'passed': 41, 'failed': 2, 'errors': 0, 'skipped': 0}
    """
    last = output.strip().splitlines()[-1] if output.strip() else ""
    words = {"passed": "passed", "failed": "failed", "errors": "errors?", "skipped": "skipped"}
    found = {name: re.search(rf"(\d+) {word}\b", last) for name, word in words.items()}
    return {name: int(one[1]) if one else 0 for name, one in found.items()}


def check(interpreter: Path, rooms: tuple[str, ...]) -> dict[str, Any]:
    """Run the tests of rooms in an environment."""
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    start = time.monotonic()
    done = subprocess.run(
        [interpreter, "-m", "pytest", *(f"tests/{room}" for room in rooms)],
        env={**os.environ, **one_thread, "TF_CPP_MIN_LOG_LEVEL": "3"},
        cwd=ROOT,
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        print(done.stdout[-6000:], done.stderr[-2000:], sep="\n")
    seconds = round(time.monotonic() - start)
    return {"versions": versions(interpreter), **outcome(done.stdout), "seconds": seconds}


def main() -> int:
    """Make both environments, run the tests, and write down what was tested."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rooms", nargs="*", default=ROOMS, help="folders of tests/")
    parser.add_argument("--made", nargs=2, type=Path, help="Pythons of environments made before")
    given = parser.parse_args()
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="versions-") as name:
        ends = {}
        for at, (resolution, python) in enumerate(ENDS.items()):
            made = given.made and given.made[at]
            interpreter = made or make(Path(name) / resolution, resolution, python)
            ends[resolution] = check(interpreter, tuple(given.rooms))
    about = provenance({"rooms": list(given.rooms)}, time.monotonic() - start)
    with atomic_path(RESULT) as partial:
        partial.write_text(json.dumps({"about": about, "ends": ends}, indent=1) + "\n")
    for resolution, end in ends.items():
        print(resolution, {name: end[name] for name in ("passed", "failed", "errors", "skipped")})
    return int(any(end["failed"] or end["errors"] or not end["passed"] for end in ends.values()))


if __name__ == "__main__":
    sys.exit(main())
