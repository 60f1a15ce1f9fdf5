"""Compute the study of real hearts from open recordings: networks, features, scores, tables.

Everything is kept step by step, so an interrupted run goes on where it was. With ``--ship`` the
tables are copied to ``results/``, which the book reads.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from ecglib.core.process import tune_process
from ecglib.studies.real import LONG, RealPlan, read_real
from ecglib.studies.real_networks import train_all


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--eegmat", type=Path, required=True, help="folder of eegmat")
    parser.add_argument("--mitdb", type=Path, nargs="+", required=True, help="folders of mitdb")
    parser.add_argument("--jobs", type=int, default=2, help="processes side by side")
    parser.add_argument("--long", action="store_true", help="train eight times longer, on a card")
    parser.add_argument("--train-only", action="store_true", help="stop after the networks")
    given = parser.parse_args()
    tune_process()
    begin = time.monotonic()
    study = read_real(given.eegmat, given.mitdb, LONG if given.long else RealPlan())
    train_all(study, given.jobs)
    print(f"networks: {time.monotonic() - begin:.0f} s")
    if given.train_only:
        return


if __name__ == "__main__":
    main()
