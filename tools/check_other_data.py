"""Build the book on another file: labels and numbers follow it, and nothing of it is passed on.

The file has another number of participants and clips, other clip lengths and other values than the
default cohort. It is a synthetic one in which the word that says so is overwritten, so the library
must take it for the real DREAMER.mat. It lives in a temporary folder and is deleted at the end.
Notebooks, pages and results are looked through for its samples and ratings (`check_private`).
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path

import nbformat
from build_book import ROOT, build
from check_private import Secrets, leaks

from ecglib.data.cohort import Cohort
from ecglib.data.dreamer import read_dreamer
from ecglib.studies.restricted import SWITCH
from ecglib.studies.study import Study
from ecglib.synthetic.cohort import CohortSpec, make_cohort, write_dreamer_mat

SPEC = CohortSpec(
    n_participants=10, clip_lengths_s=(70.0, 95.0, 66.0, 81.0, 74.0), baseline_s=30.0, noise=2.0
)


WITH_OWN_DATA = ("15_own_ecg", "16_real_transformations", "17_real_state")
"""Chapters about real recordings, which don't look at the data file."""


def write_other_file(path: Path) -> None:
    """Write the cohort, and take the word "synthetic" out of the file."""
    write_dreamer_mat(make_cohort(SPEC, seed=77).cohort, path)
    data = path.read_bytes()
    for word, other in ((b"synthetic", b"pretended"), (b"Synthetic", b"Pretended")):
        data = data.replace(word, other)
    path.write_bytes(data)


def printed(notebook: Path) -> str:
    """Return all text that the code cells of an executed notebook printed or displayed."""
    texts = []
    for cell in nbformat.read(notebook, as_version=4).cells:
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":  # what libraries log there is not part of the page
                continue
            texts.append(output.get("text") or output.get("data", {}).get("text/plain", ""))
    return "\n".join(texts)


def complaints(chapter: str, text: str, participants: int) -> list[str]:
    """List what in the output of one chapter does not follow the data."""
    if chapter in WITH_OWN_DATA:
        return []
    first = text.strip().splitlines()[0] if text.strip() else ""
    found = []
    if "DREAMER" not in first or "synthetic" in first:
        found.append(f"{chapter}: the first line printed does not name the data: {first!r}")
    if chapter.startswith("01") and not re.search(rf"\b{participants} participants\b", text):
        found.append(f"{chapter}: does not say that there are {participants} participants")
    if re.search(r"\b23 participants\b", text):
        found.append(f"{chapter}: speaks of the 23 participants of the default cohort")
    return found


def passed_on(folder: Path, cohort: Cohort) -> list[str]:
    """List what of the file lies in the book that was built in a folder, or in the results."""
    secrets = Secrets.of(Study())
    control = folder / "control.csv"  # what is looked for is found, or the rest says nothing
    control.write_text(",".join(f"{x / 240:.3f}" for x in cohort.signals[1][2000:2064, 0]))
    if not leaks([control], secrets):
        return ["samples of the file that were written down on purpose were not found"]
    pages = [*folder.glob("_build/**/*.ipynb"), *folder.glob("_build/**/*.html")]
    return leaks([*pages, *(ROOT / "results").glob("*.*")], secrets)


def main() -> int:
    """Build, check, and say what is wrong."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "DREAMER.mat"
        write_other_file(path)
        cohort = read_dreamer(path)
        print(f"{cohort!r}, read from another file", flush=True)
        # Where numbers come from is checked, not how good they are.
        os.environ |= {
            "ECGLIB_DREAMER": str(path),
            "ECGLIB_ARTIFACTS": str(folder / "artifacts"),
            "ECGLIB_PROFILE": "smoke",
            SWITCH: "no",
        }
        notebooks = sorted(build(folder).glob("[0-9]*.ipynb"))
        wrong = [
            line
            for notebook in notebooks
            for line in complaints(notebook.stem, printed(notebook), SPEC.n_participants)
        ]
        wrong += passed_on(folder, cohort)
        if cohort.name != "DREAMER" or not notebooks:
            wrong.append(f"the file was read as {cohort.name!r}; {len(notebooks)} chapters ran")
    print("\n".join(wrong) or f"{len(notebooks)} chapters follow the data and pass nothing on")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
