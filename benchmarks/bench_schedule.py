"""Views that the fast schedule needs to learn the pretext, against the published schedule.

Run from the repository root: ``python benchmarks/bench_schedule.py [--tiny]``.

Both schedules train the faithful encoder's shape (pooling stride 2) on the same windows of the
synthetic cohort and are judged on the same windows of people left out. The number counted is that
of views (versions of windows) shown until the mean area under the ROC curve over five
transformations first reaches 0.97. The published schedule is stopped at ten times the views of the
fast one; if it has not got there, the ratio is a lower bound, and the row says so. Then both frozen
encoders, and a random one, serve the same emotion heads. Both schedules use spectral convolutions,
which changes the time and not the numbers.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict, replace
from typing import Any

import keras
import numpy as np
import pandas as pd
from common import row, save

from ecglib.core.process import keep_freed_memory
from ecglib.data.labels import TARGETS, label_matrix
from ecglib.evaluation.intervals import mean_and_interval
from ecglib.evaluation.metrics import auc
from ecglib.evaluation.recognition import task_scores
from ecglib.models.encoder import build_encoder, layer_seeds
from ecglib.models.training import train_epoch, window_stream
from ecglib.pretext.str_model import STRModel, build_str_heads
from ecglib.studies.profiles import FAST, PAPER, QUICK, Profile
from ecglib.studies.study import Study
from ecglib.transfer.frozen import fit_heads

GOAL, LIMIT = 0.97, 10
JUDGED = ("noise", "negation", "temporal_inversion", "permutation", "time_warping")
GROUP = 0
HEAD = QUICK.head


def build(profile: Profile, length: int) -> STRModel:
    """Build the seven-task model of a profile."""
    seeds = layer_seeds(profile.seed, 3)
    pretext = profile.pretext
    encoder = build_encoder(profile.encoder, length, seed=seeds[0])
    heads = build_str_heads(
        encoder.output_shape[-1], dropout=pretext.dropout, l2=pretext.head_l2, seed=seeds[1]
    )
    return STRModel(
        encoder, heads, pretext.transforms, pretext.task_weights, pretext.balanced, seed=seeds[2]
    )


def recognition(model: STRModel, X: np.ndarray) -> float:
    """Mean area under the ROC curve over `JUDGED`."""
    logits = model.predict(X, batch_size=20, verbose=0).reshape(len(X), 7, 7)
    return float(task_scores(logits).loc[list(JUDGED), "auc"].mean())


def train(
    profile: Profile, X: np.ndarray, shown: np.ndarray, every: int, most: int | None
) -> tuple[STRModel, list[dict[str, float]]]:
    """Train to the end of the schedule, or until `most` views.

    It is judged every `every` windows until `GOAL` is reached, and once more at the end.
    """
    config, model = profile.pretext.training, build(profile, X.shape[1])
    model.compile(keras.optimizers.Adam(config.rate(len(X))), jit_compile=True)
    batch = config.batch_windows
    total = config.epochs * config.steps(len(X)) * batch
    total = min(total, most // 7) if most else total
    order = window_stream(len(X), 0, total // batch * batch, profile.seed)
    points = []
    chunk = max(1, every // batch) * batch
    first = 0
    while first < len(order):
        part = order[first:] if reached(points) else order[first : first + chunk]
        logs = train_epoch(model, X, None, part, batch)
        points.append(
            {
                "views": 7 * (first := first + len(part)),
                "loss": logs["loss"],
                "auc": recognition(model, shown),
            }
        )
        print(profile.name, points[-1], flush=True)
    return model, points


def reached(points: list[dict[str, float]]) -> float | None:
    """Find the number of views after which `GOAL` was first reached."""
    return next((p["views"] for p in points if p["auc"] >= GOAL), None)


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


def main() -> None:
    """Train with both schedules, compare views and downstream scores."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--tiny", action="store_true", help="a trial without a result file")
    tiny = parser.parse_args().tiny
    start = time.perf_counter()
    keep_freed_memory()
    study = Study(profile=QUICK)
    study.path = study.synthetic_path
    usable, people = study.usable, study.groups[GROUP]
    left_out = np.isin(usable.meta["participant"], people)
    X = usable.X[~left_out]
    shown = usable.X[left_out]
    shown = shown[np.linspace(0, len(shown) - 1, 20 if tiny else 60).astype(int)]

    fast_profile = FAST
    if tiny:
        brief = replace(FAST.pretext.training, epochs=2, steps_per_epoch=2, batch_windows=4)
        fast_profile = replace(FAST, pretext=replace(FAST.pretext, training=brief))
    fast, fast_points = train(fast_profile, X, shown, every=8 if tiny else 80, most=None)
    views = reached(fast_points) or fast_points[-1]["views"]
    step = 7 * PAPER.pretext.training.batch_windows
    limit = step if tiny else -(-LIMIT * views // step) * step  # whole steps, rounded up
    spectral = replace(PAPER.encoder, convolution="spectral")
    paper = replace(PAPER, encoder=spectral)
    published, published_points = train(paper, X, shown, every=1280, most=limit)
    its_views = reached(published_points)

    scores = {}
    for name, model in (
        ("fast", fast),
        ("published", published),
        ("random", build(FAST, X.shape[1])),
    ):
        model.encoder.compile(jit_compile=True)
        features = model.encoder.predict(usable.X, batch_size=64, verbose=0)
        scores[name] = downstream(features, usable.meta, people)
    about: list[dict[str, Any]] = [
        row(
            "views of the published schedule for each view of the fast one, until AUC 0.97",
            [(its_views or published_points[-1]["views"]) / views],
            unit="×",
            target=LIMIT,
            note=""
            if its_views
            else "a lower bound: the published schedule was stopped at AUC "
            f"{published_points[-1]['auc']:.2f}",
        ),
        row("views of the fast schedule until AUC 0.97", [views], unit="views"),
        *(
            row(
                f"frozen transfer, {target}, {name} encoder: mean AUC",
                [float(table[target].mean())],
                unit="AUC",
            )
            for target in TARGETS
            for name, table in scores.items()
        ),
        *(difference(scores["fast"], scores["published"], target) for target in TARGETS),
    ]
    if reached(fast_points) is None:
        about[0]["met"], about[0]["target"] = None, None
        about[0]["note"] = "the fast schedule did not reach AUC 0.97 either"
    if tiny:
        print(about)
        return
    save(
        "schedule",
        about,
        {
            "data": "synthetic",
            "fast": asdict(FAST.pretext.training),
            "published": asdict(PAPER.pretext.training),
            "training windows": len(X),
            "judged windows": len(shown),
        },
        time.perf_counter() - start,
        fast=fast_points,
        published=published_points,
        skipped=[],
    )


if __name__ == "__main__":
    main()
