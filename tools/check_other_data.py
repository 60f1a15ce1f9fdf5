"""Build the book on two other files: what it says is true of them, and nothing is passed on.

One file is synthetic and has no effect. The other has few people and clips; it is a synthetic one
in which the word that says so is overwritten, so the library must take it for the real DREAMER.mat.
Both have other numbers of participants and clips, and other clip lengths, than the book's own
cohort. What `claims` lists is checked on both. Of the second also the pages are rendered, and
pages, notebooks and results are looked through for its samples and ratings (`check_private`).
The files lie in a temporary folder and are deleted at the end.

With the name of a file on the command line, the book is built on that one alone.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from build_book import ROOT, build
from check_private import Secrets, leaks
from claims import Data, complaints, page_of

from ecglib.core.folders import artifacts_folder
from ecglib.data.cohort import Cohort
from ecglib.data.dreamer import read_dreamer
from ecglib.studies.restricted import SWITCH
from ecglib.studies.stand_in import synthetic_file
from ecglib.studies.study import Study
from ecglib.synthetic.cohort import CohortSpec, make_cohort, write_dreamer_mat


@dataclass(frozen=True)
class Other:
    """A file that the book is built on.

    Parameters
    ----------
    spec : CohortSpec
        What is in it.
    synthetic : bool
        Whether it says that it is synthetic.
    stored : tuple of str
        Chapters that are taken as they are stored.
    long : tuple of str
        Chapters that are executed with ``--long`` only.
    """

    spec: CohortSpec
    synthetic: bool
    stored: tuple[str, ...]
    long: tuple[str, ...] = ()


REAL = ("15_own_ecg", "16_real_transformations", "17_real_state")
"""Chapters about real recordings, which don't look at the data file."""

# Training takes nearly all of the time, so the chapters that train most run on one file each, and
# the one that trains as much as all others together only if it is asked for.
OTHERS = {
    "no-effect": Other(
        CohortSpec(
            n_participants=10,
            clip_lengths_s=(70.0, 95.0, 66.0, 81.0, 74.0),
            baseline_s=30.0,
            noise=2.0,
            effect=0.0,
        ),
        synthetic=True,
        stored=("12_contrastive", "13_finetuning", *REAL),
        long=("14_comparison",),
    ),
    "few-people": Other(
        CohortSpec(n_participants=6, clip_lengths_s=(66.0, 81.0, 70.0, 75.0), baseline_s=30.0),
        synthetic=False,
        stored=("07_leakage", "14_comparison", *REAL),
    ),
}


def write_file(other: Other, path: Path) -> None:
    """Write a file; with the truth beside it if it is synthetic, else without that word in it."""
    if other.synthetic:
        made = synthetic_file(other.spec, path.parent)
        made.with_suffix(".npz").rename(path.with_suffix(".npz"))
        made.rename(path)
        return
    write_dreamer_mat(make_cohort(other.spec, seed=77).cohort, path)
    data = path.read_bytes()
    for word, instead in ((b"synthetic", b"pretended"), (b"Synthetic", b"Pretended")):
        data = data.replace(word, instead)
    path.write_bytes(data)


def lend(artifacts: Path, folder: Path) -> None:
    """Link what the project has already computed and no data file enters, to save the time.

    That is the book's own cohort, which stands in for a file that must not be shown. Another name
    would be made anew, so nothing of the project can get into the numbers. Simulations travel.
    """
    folder.mkdir()
    for kind in ("synthetic", "windows"):
        for file in artifacts.glob(f"{kind}-*"):
            (folder / file.name).symlink_to(file.resolve())


def passed_on(folder: Path, cohort: Cohort) -> list[str]:
    """List what of the file lies in the book that was built in a folder, or in the results."""
    secrets = Secrets.of(Study())
    control = folder / "control.csv"  # what is looked for is found, or the rest says nothing
    control.write_text(",".join(f"{x / 240:.3f}" for x in cohort.signals[1][2000:2064, 0]))
    if not leaks([control], secrets):
        return ["samples of the file that were written down on purpose were not found"]
    pages = [*folder.glob("_build/**/*.ipynb"), *folder.glob("_build/**/*.html")]
    return leaks([*pages, *(ROOT / "results").glob("*.*")], secrets)


def check(name: str, other: Other, long: bool, folder: Path, artifacts: Path) -> list[str]:
    """Build the book on a file, and list what is wrong."""
    stored = other.stored if long else (*other.stored, *other.long)
    path = folder / "DREAMER.mat"
    write_file(other, path)
    cohort = read_dreamer(path)
    print(f"{name}: {cohort!r}", flush=True)
    lend(artifacts, folder / "artifacts")
    # Where numbers come from is checked, not how good they are.
    os.environ |= {
        "ECGLIB_DREAMER": str(path),
        "ECGLIB_ARTIFACTS": str(folder / "artifacts"),
        "ECGLIB_PROFILE": "smoke",
        SWITCH: "no",
    }
    notebooks = build(folder, stored, rendered=not other.synthetic)
    spec = other.spec
    data = Data(spec.n_participants, len(spec.clip_lengths_s), other.synthetic)
    chapters = [n for n in sorted(notebooks.glob("[0-9]*.ipynb")) if n.stem not in stored]
    wrong = [line for c in chapters for line in complaints(c.stem, page_of(c), data)]
    if (cohort.name == "synthetic") != other.synthetic or not chapters:
        wrong.append(f"the file was read as {cohort.name!r}; {len(chapters)} chapters ran")
    if not other.synthetic:
        wrong += passed_on(folder, cohort)
    return [f"{name}: {line}" for line in wrong]


def main() -> int:
    """Build, check, and say what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"default: {' '.join(OTHERS)}")
    parser.add_argument("--long", action="store_true", help="execute chapter 14 as well")
    options = parser.parse_args()
    wrong, artifacts = [], artifacts_folder()
    for name in options.names or OTHERS:
        start, before = time.monotonic(), os.times()
        with tempfile.TemporaryDirectory() as folder:
            wrong += check(name, OTHERS[name], options.long, Path(folder), artifacts)
        after = os.times()
        used = sum(after[2:4]) - sum(before[2:4])  # of processes that were waited for
        took = time.monotonic() - start
        print(f"{name}: {took:.0f} s, of the processor {used:.0f} s", flush=True)
    print("\n".join(wrong) or "what the book says is true of other files, and nothing is passed on")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
