"""What the fast pretext schedule and the published one need to learn, and what they are worth.

Run from the repository root: ``python benchmarks/bench_schedule.py [--seconds N] [--tiny]``.

Both schedules train the published encoder's shape (pooling stride 2) on all windows of the
full-size synthetic cohort but those of one group of people, and are judged on windows of that
group. Each runs to its own end, or until the clock stops it; started again, it continues. Views
(versions of windows), steps and seconds are counted until the mean area under the ROC curve over
five transformations first reaches 0.97. Then the frozen encoders that have learnt, and a random
one, serve the same emotion heads. One that has not learnt says nothing about its schedule, and is
left out. On a graphics card (``KERAS_BACKEND=jax``) both use direct convolutions, on a processor
spectral ones, which changes the time and not the numbers.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd
from common import row, save
from schedules import (
    GOAL,
    JUDGED_WINDOWS,
    Point,
    cards,
    comparable,
    epoch_seconds,
    finer,
    finished,
    reached,
    state_of,
    synthetic_study,
    watch,
)

from ecglib.core.process import keep_freed_memory
from ecglib.data.labels import TARGETS, label_matrix
from ecglib.evaluation.intervals import mean_and_interval
from ecglib.evaluation.metrics import auc
from ecglib.evaluation.protocols import RANDOM, STR
from ecglib.models.training import TrainingConfig
from ecglib.studies.pretraining import features, left_out, pretext
from ecglib.studies.profiles import FAST, PAPER, QUICK, Profile
from ecglib.transfer.frozen import fit_heads

GROUP, EVERY, LIMIT, BUDGET = 0, 5, 10, 1200.0
BETWEEN = "range: the goal was passed somewhere between two judgements"
HEAD = QUICK.head
"""The same heads for all encoders; so many of the published length would take hours."""


def schedules(convolution: str) -> dict[str, Profile]:
    """Give both profiles; the epochs of the fast one are cut in three, to judge it more often."""
    return {
        name: replace(profile, encoder=replace(profile.encoder, convolution=convolution))
        for name, profile in (("fast", finer(FAST, 3)), ("published", PAPER))
    }


def until(points: Sequence[Point]) -> dict[str, float]:
    """Count views, steps and seconds until `GOAL`, or until the end where it is not reached.

    The seconds are those of so many median epochs: compiling, a matter of once, is left out.
    """
    end = reached(points) or points[-1]
    seconds = end["epoch"] * statistics.median(epoch_seconds(points))
    return {"views": end["views"], "steps": end["steps"], "seconds": seconds}


def before(points: Sequence[Point]) -> dict[str, float]:
    """Count views, steps and seconds between the judgement that found `GOAL` and the last before.

    They are 0 where `GOAL` is not reached, or was found at the first judgement.
    """
    judged = [p for p in points if "auc" in p]
    end = reached(points)
    number = judged.index(end) if end else 0
    if not number:
        return {"views": 0, "steps": 0, "seconds": 0.0}
    epochs = end["epoch"] - judged[number - 1]["epoch"]
    return {what: count * epochs / end["epoch"] for what, count in until(points).items()}


def learning_rows(
    points: Mapping[str, Sequence[Point]], trainings: Mapping[str, TrainingConfig]
) -> list[dict[str, Any]]:
    """Say how many views, steps and seconds each schedule needed, and compare both.

    Where the fast schedule has not learnt, there is nothing to compare. Where the published one has
    not, the ratio is a lower bound; it is judged unless the clock stopped that training.
    """
    rows = []
    counted = {name: until(of_one) for name, of_one in points.items()}
    since = {name: before(of_one) for name, of_one in points.items()}
    states = {name: state_of(of_one, trainings[name]) for name, of_one in points.items()}
    if reached(points["fast"]):
        learnt = reached(points["published"]) is not None
        judged = learnt or finished(points["published"], trainings["published"])
        rows += [
            row(
                f"{what} of the published schedule for each of the fast one, until AUC {GOAL}",
                [number / counted["fast"][what]],
                unit="×",
                target=LIMIT if what == "views" and judged else None,
                note=BETWEEN if learnt else f"a lower bound; published: {states['published']}",
            )
            | {
                "low": (number - since["published"][what]) / counted["fast"][what],
                "high": number / (counted["fast"][what] - since["fast"][what]),
            }
            for what, number in counted["published"].items()
        ]
    for name, numbers in counted.items():
        how = f"until AUC {GOAL}" if reached(points[name]) else f"without reaching AUC {GOAL}"
        device = points[name][-1]["device"]
        notes = {"views": states[name], "steps": "", "seconds": f"{device}; without compiling"}
        rows += [
            row(
                f"{name} schedule {how}: {what}",
                [number],
                unit="s" if what == "seconds" else what,
                note=notes[what],
            )
            for what, number in numbers.items()
        ]
    return rows


def downstream(features: np.ndarray, meta: pd.DataFrame, people: np.ndarray) -> pd.DataFrame:
    """Leave one of `people` out, train heads on everyone else; AUC (participant × target)."""
    participant = meta["participant"].to_numpy()
    y = label_matrix(meta, TARGETS).T
    mask = np.repeat([participant != p for p in people], len(TARGETS), axis=0)
    probability = fit_heads(features, np.tile(y, (len(people), 1)), mask, HEAD, 0)
    rows = {
        p: {
            target: auc(y[t, participant == p], probability[3 * k + t, participant == p])
            for t, target in enumerate(TARGETS)
        }
        for k, p in enumerate(people)
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def difference(a: pd.DataFrame, b: pd.DataFrame, target: str) -> dict[str, Any]:
    """Put the mean difference within people with its 95 % interval into a row of the table."""
    found = mean_and_interval(a[target] - b[target], several_folds=True, bounds=(-1.0, 1.0))
    what = f"frozen transfer, {target}: fast minus published"
    note = f"mean and 95 % interval over {found['n_participants']} people"
    ends = {"low": found["low"], "high": found["high"]}
    return row(what, [found["mean"]], unit="AUC", note=note) | ends


def transfer_rows(scores: Mapping[str, pd.DataFrame]) -> list[dict[str, Any]]:
    """Say what heads on each encoder reach, and by how much the fast schedule's is better."""
    rows = [
        row(
            f"frozen transfer, {target}, {name} encoder: mean AUC",
            [float(table[target].mean())],
            unit="AUC",
        )
        for target in TARGETS
        for name, table in scores.items()
    ]
    if {"fast", "published"} <= set(scores):
        rows += [difference(scores["fast"], scores["published"], target) for target in TARGETS]
    return rows


def main() -> None:
    """Train with both schedules, compare what they needed and what they are worth."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument(
        "--seconds", type=float, default=BUDGET, help="stop training then (default: %(default)g)"
    )
    parser.add_argument("--train-only", action="store_true", help="no result file")
    parser.add_argument("--tiny", action="store_true", help="a trial without a result file")
    options = parser.parse_args()
    start = time.perf_counter()
    keep_freed_memory()
    profiles = schedules("direct" if cards() else "spectral")
    if options.tiny:
        profiles = {name: _brief(profile) for name, profile in profiles.items()}
    of = {name: synthetic_study(profile) for name, profile in profiles.items()}
    trainings = {name: profile.pretext.training for name, profile in profiles.items()}
    points = {name: watch(s, GROUP, start + options.seconds, EVERY) for name, s in of.items()}
    for name, study in of.items():
        if finished(points[name], trainings[name]):
            pretext(study, GROUP)  # keeps the encoder
    if options.train_only:
        return
    rows = learning_rows(points, trainings)
    study = of["fast"]
    people = study.groups[GROUP]
    good = ["fast", "published"] if options.tiny else comparable(points, trainings)
    scores = {}
    if good:
        found = {name: features(of[name], STR, GROUP) for name in good}
        found["random"] = features(study, RANDOM)
        scores = {n: downstream(array, study.usable.meta, people) for n, array in found.items()}
        rows += transfer_rows(scores)
    if options.tiny:
        print(*rows, sep="\n")
        return
    save(
        "schedule",
        rows,
        {
            "data": "synthetic",
            "device": points["published"][-1]["device"],
            **{name: asdict(training) for name, training in trainings.items()},
            "training windows": int((~left_out(study, GROUP)).sum()),
            "judged windows": JUDGED_WINDOWS,
            "heads": asdict(HEAD),
        },
        sum(p[-1]["seconds"] for p in points.values()),
        **points,
        skipped=[
            f"frozen transfer of the {name} schedule's encoder, which is not a finished one that "
            f"has learnt ({state_of(points[name], trainings[name])})"
            for name in points
            if name not in good
        ],
    )


def _brief(profile: Profile) -> Profile:
    training = replace(
        profile.pretext.training, epochs=2, steps_per_epoch=1, batch_windows=2, warmup_steps=1
    )
    return replace(profile, pretext=replace(profile.pretext, training=training))


if __name__ == "__main__":
    main()
