"""Every stage and chapter of the book, the first time and the second.

The chapters run as ``make book`` runs them: side by side, one thread each, what they share first.
The first time an empty folder of artifacts is filled, the second time it is read. Rendering the
pages takes the same time in both cases; it is measured on its own.

What makes a stage or chapter slow or fast is told by the note of its row.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import row, save

ROOT = Path(__file__).resolve().parents[1]

NOTES = {
    "pretext of group 0": "beside the other group, each on one core",
    "supervised": "reads the predictions of 8 networks in results/",
    "ladder": "beside other chapters; its folds run one after another, on the core that is free",
    "09_baselines": "one process on one thread; before, worker processes and threads fought",
    "12_contrastive": "reads the encoder in results/",
    "14_comparison": "reads the tables in results/ and runs one choice anew",
}
"""What decides the time of a task."""


def chapters(folder: Path, artifacts: Path, *options: str) -> dict:
    """Execute all chapters, and give the seconds of every task and of the whole."""
    subprocess.run(
        [
            sys.executable,
            ROOT / "tools" / "chapters.py",
            *("--into", folder),
            *options,
            *sorted((ROOT / "notebooks").glob("[0-9]*.py")),
        ],
        env={
            **os.environ,
            "ECGLIB_ARTIFACTS": str(artifacts),
            "ECGLIB_PROFILE": "quick",
            "ECGLIB_DREAMER": "",
        },
        check=True,
    )
    return json.loads((folder / "chapters.json").read_text())


def main() -> None:
    """Run all chapters twice and keep the times."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--tiny", action="store_true", help="only say what would be run")
    if parser.parse_args().tiny:
        print(*NOTES.items(), sep="\n")
        return
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cold = chapters(folder, folder / "artifacts")
        warm = chapters(folder, folder / "artifacts", "--again")
        same = chapters(folder, folder / "artifacts")
    rows = [
        row("all chapters, the first time", [cold["whole"]], unit="s", target=600, at_least=False),
        row(
            "all chapters, again, after a change that left all stages as they were",
            [warm["whole"]],
            unit="s",
            target=150,
            at_least=False,
        ),
        row(
            "all chapters, again, after no change at all",
            [same["whole"]],
            unit="s",
            note="taken as they were executed before",
        ),
    ]
    for task, seconds in cold["seconds"].items():
        second = warm["seconds"].get(task)
        again = "again: left out" if second is None else f"again: {second:.0f} s"
        note = "; ".join(filter(None, [again, NOTES.get(task, "")]))
        rows.append(row(task, [seconds], unit="s", note=note))
    save(
        "chapters",
        rows,
        {"workers": cold["workers"], "profile": "quick"},
        time.perf_counter() - start,
        seconds=cold["seconds"],
        again=warm["seconds"],
        skipped=[],
    )


if __name__ == "__main__":
    main()
