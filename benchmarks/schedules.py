"""A pretraining that is watched: views, steps, seconds and recognition after each epoch.

`watch` trains as ``ecglib pretrain`` does, in the same folder and to the same weights, so that an
interrupted measurement continues, here or with that command. Recognition is the mean area under the
ROC curve over five transformations on windows of people left out. An encoder has *learnt* when it
has reached `GOAL`; only one that has is worth a comparison.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ecglib.core.arrays import evenly_spaced
from ecglib.core.artifacts import atomic_path
from ecglib.core.provenance import environment
from ecglib.evaluation.recognition import task_scores
from ecglib.models.training import TrainingConfig
from ecglib.pretext.pretrain import pretrain
from ecglib.pretext.transformations import TASKS
from ecglib.studies.pretraining import left_out, pretext_folder
from ecglib.studies.profiles import Profile
from ecglib.studies.stand_in import synthetic_file
from ecglib.studies.study import Study

GOAL = 0.97
"""Mean area under the ROC curve at which a pretext counts as learnt."""

JUDGED = ("noise", "negation", "temporal_inversion", "permutation", "time_warping")
"""The transformations that a window alone betrays; of "original" and "scaling" it says little."""

JUDGED_WINDOWS = 60
POINTS = "points.json"
"""Name of the file with what was measured, beside the checkpoint."""

Point = dict[str, Any]
"""State after an epoch: epoch, steps, views, seconds, device, loss; where judged, auc and tasks."""


class OutOfTime(Exception):
    """The budget is spent; the checkpoint of the last whole epoch is written."""


def cards() -> list[str]:
    """Names of the graphics cards that JAX sees."""
    try:
        import jax
    except ImportError:
        return []
    return [device.device_kind for device in jax.devices() if device.platform != "cpu"]


def device() -> str:
    """Name what networks are trained on here: the graphics card, or the processor."""
    on_card = cards() if keras.backend.backend() == "jax" else []
    return on_card[0] if on_card else environment()["processor"]


def synthetic_study(profile: Profile, folder: Path | None = None) -> Study:
    """Give the study of the full-size synthetic cohort, whatever file lies in ``data/``."""
    return Study(synthetic_file(folder=folder), profile, folder)


def finer(profile: Profile, parts: int) -> Profile:
    """Cut the epochs of a profile's pretext into `parts`: the same training, judged more often."""
    training = profile.pretext.training
    if training.steps_per_epoch is None or training.steps_per_epoch % parts:
        raise ValueError(f"{training.steps_per_epoch} steps are not {parts} equal parts")
    cut = replace(
        training, epochs=training.epochs * parts, steps_per_epoch=training.steps_per_epoch // parts
    )
    return replace(profile, pretext=replace(profile.pretext, training=cut))


def reached(points: Sequence[Point]) -> Point | None:
    """Find the first point at which `GOAL` was reached; None if there is none."""
    return next((p for p in points if p.get("auc", -math.inf) >= GOAL), None)


def state_of(points: Sequence[Point], training: TrainingConfig) -> str:
    """Say in words how a training that is to last as `training` says went."""
    if not points:
        return "not begun"
    last, goal = points[-1], reached(points)
    judged = [p["auc"] for p in points if "auc" in p]
    if goal:
        words = f"AUC {GOAL} after {goal['views']:,} views"
    else:
        words = f"AUC {max(judged):.2f} at best" if judged else "not judged yet"
    if not finished(points, training):
        return f"{words}; stopped by the clock after epoch {last['epoch']} of {training.epochs}"
    return f"{words}; trained to its own end"


def finished(points: Sequence[Point], training: TrainingConfig) -> bool:
    """Say whether the training came to its own end."""
    return bool(points) and points[-1]["epoch"] == training.epochs


def comparable(
    points: Mapping[str, Sequence[Point]], trainings: Mapping[str, TrainingConfig]
) -> list[str]:
    """Name the trainings that came to their own end and whose encoder has learnt.

    Only these say something about their schedule.
    """
    return [name for name, p in points.items() if reached(p) and finished(p, trainings[name])]


def epoch_seconds(points: Sequence[Point]) -> list[float]:
    """Give how long each epoch took; the first of a process compiles the step."""
    return [after - before for before, after in pairwise([0.0, *(p["seconds"] for p in points)])]


def load_points(folder: Path) -> list[Point]:
    """Read the points of the training in `folder`, in the order of the epochs."""
    path = folder / POINTS
    return json.loads(path.read_text()) if path.is_file() else []


class Watch(keras.callbacks.Callback):
    """Count, time and judge each epoch; stop at the deadline.

    It keeps its own file, not a state in the checkpoint, so ``ecglib pretrain`` can go on with the
    same checkpoint. An epoch that was done twice, because the process died before its checkpoint
    was written, stands once in the file. The random numbers of the training are left as they were.

    Parameters
    ----------
    folder : Path
        Of the checkpoint.
    shown : ndarray, shape (n, length)
        Windows to judge by.
    steps, batch, epochs : int
        Steps in an epoch, windows in a step, epochs in all.
    deadline : float
        On the clock of `time.perf_counter`.
    every : int
        Epochs between two judgements once the goal is reached.
    """

    def __init__(
        self,
        folder: Path,
        shown: np.ndarray,
        *,
        steps: int,
        batch: int,
        epochs: int,
        deadline: float,
        every: int,
    ) -> None:
        super().__init__()
        self.folder, self.shown = folder, shown
        self.steps, self.batch, self.epochs = steps, batch, epochs
        self.deadline, self.every = deadline, every
        self.points = load_points(folder)
        self.device = device()
        self._start = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Stop if time is up, else start the clock of the epoch."""
        if time.perf_counter() >= self.deadline:
            raise OutOfTime
        self.points = [p for p in self.points if p["epoch"] <= epoch]
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Add the point of the epoch."""
        took = time.perf_counter() - self._start
        before = self.points[-1]["seconds"] if self.points else 0.0
        number = epoch + 1
        steps = number * self.steps
        point: Point = {
            "epoch": number,
            "steps": steps,
            "views": steps * self.batch * len(TASKS),
            "seconds": before + took,
            "device": self.device,
            "loss": (logs or {}).get("loss", math.nan),
        }
        due = number == self.epochs or number % self.every == 0
        if due or not reached(self.points):
            point |= self._judge()
        self.points.append(point)
        with atomic_path(self.folder / POINTS) as partial:
            partial.write_text(json.dumps(self.points, indent=1) + "\n")
        print(json.dumps(point), flush=True)

    def _judge(self) -> dict[str, Any]:
        state = self.model.versions.seed_generator.state
        kept = keras.ops.convert_to_numpy(state)
        logits = self.model.predict(self.shown, batch_size=len(self.shown), verbose=0)
        state.assign(kept)
        auc = task_scores(logits.reshape(len(self.shown), len(TASKS), len(TASKS)))["auc"]
        tasks = {task: round(float(value), 4) for task, value in auc.items()}
        return {"auc": float(auc.loc[list(JUDGED)].mean()), "tasks": tasks}


def watch(study: Study, group: int, deadline: float = math.inf, every: int = 1) -> list[Point]:
    """Pretrain the encoder of a group as `ecglib.studies.pretraining.pretext` would, and watch it.

    Parameters
    ----------
    study : Study
        Data, settings and folder.
    group : int
        Number of the group that is left out.
    deadline : float
        When to stop, on the clock of `time.perf_counter`; a later call continues.
    every : int
        Epochs between two judgements once the goal is reached.

    Returns
    -------
    list of dict
        The points so far.
    """
    profile, folder = study.profile, pretext_folder(study, group)
    heldout = left_out(study, group)
    X, training = study.usable.X[~heldout], profile.pretext.training
    points = load_points(folder)
    if finished(points, training):
        return points
    folder.mkdir(parents=True, exist_ok=True)
    watched = Watch(
        folder,
        study.usable.X[evenly_spaced(np.flatnonzero(heldout), JUDGED_WINDOWS)],
        steps=training.steps(len(X)),
        batch=training.batch_windows,
        epochs=training.epochs,
        deadline=deadline,
        every=every,
    )
    try:
        pretrain(
            X,
            profile.pretext,
            profile.encoder,
            seed=profile.seed + group,
            folder=folder,
            callbacks=[watched],
            label=f"{profile.name}, without group {group}",
        )
    except OutOfTime:
        print(f"{profile.name}, group {group}: out of time", flush=True)
    return watched.points
