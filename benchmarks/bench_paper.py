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
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import keras
import numpy as np
import pandas as pd
from common import row, save, seconds
from schedules import (
    Point,
    device,
    epoch_seconds,
    finished,
    state_of,
    synthetic_study,
    watch,
)

from ecglib.core.artifacts import atomic_path
from ecglib.core.process import tune_process
from ecglib.core.provenance import environment
from ecglib.evaluation.protocols import MAJORITY, STR, STRICT
from ecglib.models.training import TrainingConfig, train_epoch
from ecglib.pretext.pretrain import build_model
from ecglib.pretext.transformations import TASKS
from ecglib.studies import stages
from ecglib.studies.pretraining import left_out, pretext
from ecglib.studies.profiles import PAPER
from ecglib.studies.results import head_predictions, predictions, results_source, summary
from ecglib.studies.study import Study

BUDGET, EVERY = 300.0, 5


def views_an_epoch(training: TrainingConfig, windows: int) -> int:
    """Count the versions of windows that one epoch shows."""
    return training.steps(windows) * training.batch_windows * len(TASKS)


def progress_rows(
    points: Mapping[int, Sequence[Point]],
    training: TrainingConfig,
    windows: Mapping[int, int],
    here: tuple[str, float],
) -> list[dict[str, Any]]:
    """Say how far each pretraining came, how fast it was, and how long all take.

    Parameters
    ----------
    points : mapping of int to list
        Of each group, begun or not.
    training : TrainingConfig
        Its length.
    windows : mapping of int to int
        Training windows of each group.
    here : (str, float)
        The device at hand, and its speed in views per second.
    """
    rows = [
        row(
            f"pretraining without group {group}: epochs of {training.epochs}",
            [len(of_one)],
            unit="epochs",
            target=training.epochs,
            note=state_of(of_one, training),
        )
        for group, of_one in points.items()
    ]
    speeds: dict[str, list[float]] = {}
    for group, of_one in points.items():
        views = views_an_epoch(training, windows[group])
        for point, took in zip(of_one, epoch_seconds(of_one), strict=True):
            speeds.setdefault(point["device"], []).append(views / took)
    rows += [
        row("pretraining: speed of an epoch", found, unit="views/s", note=name)
        for name, found in speeds.items()
    ]
    spent = sum(of_one[-1]["seconds"] for of_one in points.values() if of_one)
    name, speed = here
    views = {group: views_an_epoch(training, n) for group, n in windows.items()}
    left = sum((training.epochs - len(of_one)) * views[g] for g, of_one in points.items()) / speed
    note = "measured" if not left else f"{spent / 3600:.2g} h measured, the rest projected"
    rows.append(row("all pretrainings", [(spent + left) / 3600], unit="h", note=note))
    if name not in speeds:
        # What all would take there is not projected: other work slows these few steps.
        note = f"{name}, {load()}"
        rows.append(row("pretraining: speed of a step", [speed], unit="views/s", note=note))
    return rows


def load() -> str:
    """Say how many processes want to run here: other work makes a measurement slow."""
    return f"{os.getloadavg()[0]:.1f} processes running on {environment()['cores available']} cores"


def speed_here(study: Study) -> float:
    """Take five training steps, after one that compiles; views per second of the fastest."""
    training, X = study.profile.pretext.training, study.usable.X
    model = build_model(study.profile.pretext, study.profile.encoder, X.shape[1])
    model.compile(keras.optimizers.Adam(training.learning_rate), jit_compile=True)
    order = np.arange(training.batch_windows)
    times = [seconds(lambda: train_epoch(model, X, None, order, len(order))) for _ in range(6)]
    return len(order) * len(TASKS) / min(times[1:])


def evaluate(study: Study) -> dict[str, Any]:
    """Compute features and predictions, unless they are there; say how long that took, and where.

    Killed, it goes on after the last part that was finished. The seconds are those of the finished
    parts, as their files tell.
    """
    made = study.folder / stages.PREDICTIONS.file(results_source(study))
    beside = made.with_name(f"{made.name}.where.json")
    where = json.loads(beside.read_text()) if beside.is_file() else []
    if not made.is_file():
        where = sorted({*where, device()})
        with atomic_path(beside) as partial:
            partial.write_text(json.dumps(where))
    table = predictions(study)
    heads = table.loc[table["model"] != MAJORITY, ["protocol", "model", "regime"]]
    parts = [head_predictions(study, *names) for names in heads.drop_duplicates().to_numpy()]
    took = sum(part.attrs["provenance"]["seconds"] for part in parts)
    return {"seconds": took, "note": ", ".join(where)}


def result_rows(table: pd.DataFrame, took: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Say what the heads reach for new people (from a `summary`), and how long it took."""
    strict = table[(table["model"] == STR) & (table["regime"] == STRICT)]
    rows = [
        row(
            f"new people (LOSO), {found.target}: mean AUC",
            [found.mean],
            unit="AUC",
            note=f"95 % interval over {found.n_participants} people",
        )
        | {"low": found.low, "high": found.high}
        for found in strict.itertuples()
    ]
    hours = [took["seconds"] / 3600]
    return [row("features and heads", hours, unit="h", note=took["note"]), *rows]


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
    tune_process(threads=None)  # all cores: this takes days on one
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
    rows, skipped = progress_rows(points, training, windows, (device(), speed_here(study))), []
    if all(finished(p, training) for p in points.values()):
        took = evaluate(study)
        rows += result_rows(summary(study, metrics=("auc",)), took)
    else:
        skipped.append("the predictions, which need all encoders")
    save(
        "paper",
        rows,
        {
            "data": "synthetic",
            "device": ", ".join(dict.fromkeys(q["device"] for p in points.values() for q in p)),
            "training": asdict(training),
        },
        time.perf_counter() - start,
        points={str(group): of_one for group, of_one in points.items()},
        skipped=skipped,
    )


if __name__ == "__main__":
    main()
