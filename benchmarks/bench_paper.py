"""The published profile, from the file to the predictions: how far it came, and how long it takes.

Run from the repository root: ``python benchmarks/bench_paper.py [--seconds N]``, or ``make
paper-run`` without a limit.

Windows of the full-size synthetic cohort, one pretraining for each group of people, features, and
heads under both protocols. Each epoch of a pretraining leaves a checkpoint and every other step a
file: stopped or killed, it goes on from there when it is started again, on a processor or
(``KERAS_BACKEND=jax``) on a graphics card. By default the clock stops the pretraining after five
minutes, and the table says how much is left and how long that would take.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from common import row, save
from schedules import Point, device, finished, state_of, synthetic_study, watch

from ecglib.core.process import tune_process
from ecglib.evaluation.protocols import STR, STRICT
from ecglib.models.training import TrainingConfig
from ecglib.pretext.transformations import TASKS
from ecglib.studies import stages
from ecglib.studies.pretraining import left_out, pretext
from ecglib.studies.profiles import PAPER
from ecglib.studies.results import predictions, results_source, summary
from ecglib.studies.study import Study

BUDGET, EVERY = 300.0, 5


def epoch_seconds(points: Sequence[Point]) -> list[float]:
    """Give how long each epoch took."""
    ends = [0.0, *(p["seconds"] for p in points)]
    return [b - a for a, b in zip(ends, ends[1:], strict=False)]


def progress_rows(
    points: Mapping[int, Sequence[Point]], training: TrainingConfig, windows: Mapping[int, int]
) -> list[dict[str, Any]]:
    """Say how far each pretraining came, how fast it was, and how long all would take.

    Parameters
    ----------
    points : mapping of int to list
        Of each group, begun or not.
    training : TrainingConfig
        Its length.
    windows : mapping of int to int
        Training windows of each group.
    """
    rows, left, spent = [], 0.0, 0.0
    devices = list(dict.fromkeys(p["device"] for of_one in points.values() for p in of_one))
    speeds = {
        group: [
            training.steps(windows[group]) * training.batch_windows * len(TASKS) / s
            for s in epoch_seconds(of_one)
        ]
        for group, of_one in points.items()
    }
    every_speed = [s for of_one in speeds.values() for s in of_one]
    if not every_speed:
        return []
    for group, of_one in points.items():
        note = state_of(of_one, training)
        rows.append(
            row(
                f"pretraining without group {group}: epochs of {training.epochs}",
                [len(of_one)],
                unit="epochs",
                target=training.epochs,
                note=note,
            )
        )
        spent += of_one[-1]["seconds"] if of_one else 0.0
        epoch = training.steps(windows[group]) * training.batch_windows * len(TASKS)
        left += (training.epochs - len(of_one)) * epoch / statistics.median(every_speed)
    where = ", ".join(devices)
    rows += [
        row("pretraining: speed of an epoch", every_speed, unit="views/s", note=where),
        row(
            "all pretrainings",
            [(spent + left) / 3600],
            unit="h",
            note="measured" if not left else f"projected; {spent / 3600:.2f} h of it measured",
        ),
    ]
    return rows


def result_rows(study: Study) -> list[dict[str, Any]]:
    """Say what the heads reach for new people, and how long heads and features took."""
    table = summary(study, metrics=("auc",))
    strict = table[(table["model"] == STR) & (table["regime"] == STRICT)]
    beside = study.folder / f"{stages.PREDICTIONS.file(results_source(study))}.json"
    about = json.loads(Path(beside).read_text())
    return [
        row(
            "features and heads",
            [about["seconds"] / 3600],
            unit="h",
            note=about["environment"]["processor"],
        ),
        *(
            row(
                f"new people (LOSO), {found.target}: mean AUC",
                [found.mean],
                unit="AUC",
                note=f"95 % interval over {found.n_participants} people",
            )
            | {"low": found.low, "high": found.high}
            for found in strict.itertuples()
        ),
    ]


def main() -> None:
    """Go through the profile, as far as the clock allows."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument(
        "--seconds",
        type=float,
        default=BUDGET,
        help="stop pretraining then, inf for never (default: %(default)g)",
    )
    parser.add_argument("--train-only", action="store_true", help="no predictions, no result file")
    options = parser.parse_args()
    start = time.perf_counter()
    tune_process()
    study = synthetic_study(PAPER)
    training = PAPER.pretext.training
    groups = range(len(study.groups))
    points: dict[int, list[Point]] = {}
    for group in groups:
        points[group] = watch(study, group, start + options.seconds, EVERY)
        if finished(points[group], training):
            pretext(study, group)  # keeps the encoder
    if options.train_only:
        return
    windows = {group: int((~left_out(study, group)).sum()) for group in groups}
    rows, skipped = progress_rows(points, training, windows), []
    if all(finished(p, training) for p in points.values()):
        predictions(study)
        rows += result_rows(study)
    else:
        skipped.append("the predictions, which need all encoders")
    save(
        "paper",
        rows,
        {"data": "synthetic", "training": asdict(training), "last device": device()},
        time.perf_counter() - start,
        points={str(group): of_one for group, of_one in points.items()},
        skipped=skipped,
    )


if __name__ == "__main__":
    main()
