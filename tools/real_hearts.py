"""Compute the study of real hearts from open recordings: networks, scores, probes, recognition.

Every step is kept, so an interrupted run goes on where it was. At the end the tables are copied to
``results/``, from which the book reads them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ecglib.core.folders import results_folder
from ecglib.core.process import tune_process
from ecglib.studies import stages
from ecglib.studies.crossing import scores_there, source_there
from ecglib.studies.pooling import pooling_scores
from ecglib.studies.pooling import source as pooling_source
from ecglib.studies.real import LONG, RealPlan, RealStudy, read_real
from ecglib.studies.real_features import source
from ecglib.studies.real_networks import missing_networks, train_all
from ecglib.studies.real_probes import real_probes, real_recognition
from ecglib.studies.real_scores import real_scores
from ecglib.studies.stand_in import synthetic_file
from ecglib.studies.study import Study


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--eegmat", type=Path, help="folder of eegmat; data/eegmat by default")
    parser.add_argument(
        "--mitdb", type=Path, nargs="*", default=(), help="folders of mitdb; data/mitdb by default"
    )
    parser.add_argument("--jobs", type=int, default=2, help="processes side by side")
    parser.add_argument("--long", action="store_true", help="also train eight times longer")
    parser.add_argument("--train-only", action="store_true", help="stop after the networks")
    given = parser.parse_args()
    tune_process()
    study = read_real(given.eegmat, given.mitdb, RealPlan())
    longer = RealStudy(study.eegmat, study.clinic, LONG, study.folder)
    timed("networks", lambda: train_all(study, given.jobs))
    if given.long:
        timed("longer trainings", lambda: train_all(longer, given.jobs))
    if given.train_only:
        return
    used = None if any(missing_networks(longer)) else longer
    timed("scores", lambda: real_scores(study, used, given.jobs))
    timed("probes", lambda: real_probes(study))
    timed("recognition", lambda: real_recognition(study))
    synthetic = Study(synthetic_file(folder=study.folder), "quick")
    timed("pooling on synthetic people", lambda: pooling_scores(synthetic))
    timed("encoders of synthetic people", lambda: scores_there(study, synthetic))
    for stage, made_from in (
        (stages.REAL_SCORES, source(study, used)),
        (stages.REAL_PROBES, source(study)),
        (stages.REAL_RECOGNITION, source(study)),
        (stages.POOLING_SCORES, pooling_source(synthetic)),
        (stages.REAL_CROSSING, source_there(study, synthetic)),
    ):
        [copy] = stage.ship([made_from], study.folder, results_folder())
        print(f"kept {copy}")


def timed(what: str, make: Callable[[], Any]) -> None:
    """Do something and say how long it took."""
    begin = time.monotonic()
    make()
    print(f"{what}: {time.monotonic() - begin:.0f} s", flush=True)


if __name__ == "__main__":
    main()
