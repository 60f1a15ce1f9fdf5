"""Training of a self-supervised model: schedule, checkpoints, exact resume, early stopping.

The loop serves every pretext whose model learns from windows alone, without labels. The model
brings its own loss; this module brings everything around it.
"""

import hashlib
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import pandas as pd
from tqdm import tqdm

from ecglib.artifacts import fingerprint, load_arrays, save_arrays
from ecglib.errors import DataError

CHECKPOINT = "checkpoint.npz"


@dataclass(frozen=True)
class TrainingConfig:
    """How long and how fast to train.

    Parameters
    ----------
    epochs : int
        Number of epochs. A checkpoint is written after each.
    batch_windows : int
        Windows in one step; the model makes its own versions or views of each.
    steps_per_epoch : int or None
        Steps in one epoch; None means one pass over all windows.
    learning_rate : float
        The optimiser's rate at the start (``"staircase"``) or at the peak (``"warmup_cosine"``).
    schedule : {"staircase", "warmup_cosine"}
        ``"staircase"``: the rate is multiplied by `decay_rate` every `decay_steps` steps.
        ``"warmup_cosine"``: linear rise over `warmup_steps`, then a half cosine to zero.
    decay_rate, decay_steps : float, int
        Of the staircase.
    warmup_steps : int
        Of the warm-up.
    patience : int or None
        Stop when the validation loss has not improved for this many epochs, and go back to the
        weights of the best epoch. None trains to the end.
    """

    epochs: int
    batch_windows: int
    steps_per_epoch: int | None
    learning_rate: float
    schedule: Literal["staircase", "warmup_cosine"]
    decay_rate: float = 1.0
    decay_steps: int = 1
    warmup_steps: int = 0
    patience: int | None = None

    def __post_init__(self) -> None:
        if self.schedule not in ("staircase", "warmup_cosine"):
            raise ValueError(
                f"schedule {self.schedule!r} is unknown: use 'staircase' or 'warmup_cosine'"
            )
        for name in ("epochs", "batch_windows", "steps_per_epoch", "decay_steps", "patience"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}: it must be at least 1")

    def steps(self, n_windows: int) -> int:
        """Count the steps in one epoch of a training set of `n_windows`."""
        return self.steps_per_epoch or n_windows // self.batch_windows

    def rate(self, n_windows: int) -> keras.optimizers.schedules.LearningRateSchedule:
        """Learning rate as a function of the step."""
        if self.schedule == "staircase":
            return keras.optimizers.schedules.ExponentialDecay(
                self.learning_rate, self.decay_steps, self.decay_rate, staircase=True
            )
        total = self.epochs * self.steps(n_windows)
        return keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=0.0,
            decay_steps=max(1, total - self.warmup_steps),
            warmup_target=self.learning_rate,
            warmup_steps=self.warmup_steps,
        )


@dataclass
class History:
    """What happened in training: one row per epoch, and how it ended."""

    epochs: list[dict[str, float]] = field(default_factory=list)
    stopped_early: bool = False
    best_epoch: int | None = None

    def frame(self) -> pd.DataFrame:
        """One row per epoch, counted from 1, with a column per logged quantity."""
        frame = pd.DataFrame(self.epochs)
        frame.index = pd.RangeIndex(1, len(frame) + 1, name="epoch")
        return frame


def window_stream(n: int, start: int, count: int, seed: int) -> np.ndarray:
    """Window indices of an endless stream that passes over all `n` windows in a new order.

    The stream is a pure function of the seed, so training can continue anywhere in it.

    Parameters
    ----------
    n : int
        Number of windows.
    start, count : int
        Position in the stream and number of indices wanted.
    seed : int
        Seed of the orders.

    Returns
    -------
    ndarray of int, shape (count,)
        Indices; every pass of `n` holds each window once.
    """
    first, last = start // n, (start + count - 1) // n
    passes = [np.random.default_rng([seed, p]).permutation(n) for p in range(first, last + 1)]
    return np.concatenate(passes)[start - first * n :][:count]


def train_epoch(
    model: keras.Model, X: np.ndarray, y: np.ndarray | None, order: np.ndarray, batch: int
) -> dict[str, float]:
    """Train a compiled model on the windows in `order`, one batch after the other.

    Keras' own `fit` hands every step to another thread, where temporary memory is found anew; on
    two cores that costs a tenth of the time.

    Parameters
    ----------
    model : keras.Model
        Compiled.
    X : ndarray, shape (n_windows, n_samples)
        Windows.
    y : ndarray, shape (n_windows, ...), or None
        Labels, for a model that needs them.
    order : ndarray of int, shape (n_steps * batch,)
        Which windows, in the order in which they are shown.
    batch : int
        Windows in one step.

    Returns
    -------
    dict of str to float
        Loss and metrics, averaged over the epoch.
    """
    logs: list[dict[str, float]] = []
    for first in range(0, len(order), batch):
        rows = order[first : first + batch]
        # Metrics start anew at each call, so the average is taken here.
        logs.append(model.train_on_batch(X[rows], None if y is None else y[rows], return_dict=True))
    return {name: float(np.mean([row[name] for row in logs])) for name in logs[0]}


def pretrain(
    model: keras.Model,
    X: np.ndarray,
    config: TrainingConfig,
    *,
    seed: int,
    folder: Path | None = None,
    X_val: np.ndarray | None = None,
    tensorboard: bool = False,
    callbacks: Iterable[keras.callbacks.Callback] = (),
    jit_compile: bool | str = True,
    label: str = "pretext",
) -> History:
    """Train `model` on windows; continue from the checkpoint in `folder` if there is one.

    An interrupted run that is started again ends with the same weights as one that was never
    interrupted: the checkpoint holds the weights, the optimiser, the random states and the
    history, and the order of the windows follows from `seed` alone.

    Parameters
    ----------
    model : keras.Model
        Learns from windows without labels. All its variables exist already; it is compiled here.
    X : ndarray, shape (n_windows, n_samples), float32
        Training windows.
    config : TrainingConfig
        Length, batch and learning rate.
    seed : int
        Seed of the order of the windows.
    folder : Path, optional
        Where the checkpoint and the log go. None keeps nothing. Give every run a folder of its
        own: what a model does not show in the shapes of its variables, such as its loss, is not
        compared with that of the checkpoint.
    X_val : ndarray, optional
        Windows of other participants; their loss is logged as ``val_loss`` after each epoch.
        Needed if ``config.patience`` is set.
    tensorboard : bool
        Write a TensorBoard log under ``folder/tensorboard``.
    callbacks : iterable of keras.callbacks.Callback
        Told about the start and end of training and of each epoch.
    jit_compile : bool or "auto"
        Compile the step with XLA.
    label : str
        Text of the progress bar, which shows in a terminal only.

    Returns
    -------
    History
        One row per epoch. `model` is left with the final weights, or with those of the best epoch
        if it stopped early.

    Raises
    ------
    ValueError
        If there are fewer windows than one batch needs, `patience` is set without `X_val`, or the
        model is not built.
    DataError
        If the checkpoint in `folder` belongs to another run or can't be read.
    FloatingPointError
        If the loss or a weight is no longer finite; the last good checkpoint stays.
    """
    n, batch = len(X), config.batch_windows
    if n < batch:
        raise ValueError(f"{n} windows are fewer than one batch of {batch}")
    if config.patience is not None and X_val is None:
        raise ValueError("early stopping (patience) needs validation windows X_val")
    if folder is None and tensorboard:
        raise ValueError("a TensorBoard log needs a folder")
    if not model.built:
        raise ValueError(f"model '{model.name}' is not built: call it on a few windows first")
    steps = config.steps(n)
    model.compile(
        optimizer=keras.optimizers.Adam(config.rate(n)),
        jit_compile=jit_compile,
    )
    model.optimizer.build(model.trainable_variables)
    checkpoint = folder / CHECKPOINT if folder else None
    run = fingerprint(
        {
            "config": config,
            "seed": seed,
            "X": _checksum(X),
            "X_val": None if X_val is None else _checksum(X_val),
            # Not their names, which count the layers made in this process.
            "variables": [[v.dtype, list(v.shape)] for v in _state(model)],
        }
    )
    history, best = History(), None
    if checkpoint and checkpoint.is_file():
        history, best = _restore(checkpoint, model, run)

    listeners = list(callbacks)
    if tensorboard and folder:
        listeners.append(keras.callbacks.TensorBoard(folder / "tensorboard", write_graph=False))
    told = keras.callbacks.CallbackList(listeners, model=model)
    told.on_train_begin()
    bar = tqdm(
        total=config.epochs,
        initial=len(history.epochs),
        desc=label,
        unit="epoch",
        disable=not sys.stderr.isatty(),
    )
    try:
        for epoch in range(len(history.epochs), config.epochs):
            if history.stopped_early:
                break
            told.on_epoch_begin(epoch)
            order = window_stream(n, epoch * steps * batch, steps * batch, seed)
            logs = train_epoch(model, X, None, order, batch)
            if X_val is not None:
                scores = model.evaluate(X_val, batch_size=batch, verbose=0, return_dict=True)
                logs |= {f"val_{name}": float(value) for name, value in scores.items()}
            values = [*logs.values(), *(v.numpy() for v in _state(model))]
            if not all(np.isfinite(value).all() for value in values):
                raise FloatingPointError(
                    f"epoch {epoch + 1} gave a loss or weights that are not finite ({logs}); lower "
                    "the learning rate or look for windows with extreme values"
                )
            history.epochs.append(logs)
            best = _follow(history, config, model, best)
            if checkpoint:
                _store(checkpoint, model, run, history, best)
            told.on_epoch_end(epoch, logs)
            bar.set_postfix(loss=f"{logs['loss']:.3f}")
            bar.update()
    finally:
        bar.close()
        told.on_train_end()
    if history.stopped_early and best is not None:
        for variable, value in zip(model.variables, best, strict=True):
            variable.assign(value)
    return history


def _follow(
    history: History, config: TrainingConfig, model: keras.Model, best: list[np.ndarray] | None
) -> list[np.ndarray] | None:
    """Decide on early stopping from the history alone, so that a resumed run decides alike."""
    if config.patience is None:
        return None
    losses = [row["val_loss"] for row in history.epochs]
    history.best_epoch = int(np.argmin(losses)) + 1
    history.stopped_early = len(losses) - history.best_epoch >= config.patience
    if history.best_epoch == len(losses):
        return [v.numpy() for v in model.variables]
    return best


def _checksum(X: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(X)).hexdigest()


def _state(model: keras.Model) -> list[Any]:
    return [*model.variables, *model.optimizer.variables]


def _store(
    path: Path, model: keras.Model, run: str, history: History, best: list[np.ndarray] | None
) -> None:
    arrays = {f"state/{i}": v.numpy() for i, v in enumerate(_state(model))}
    arrays |= {f"best/{i}": value for i, value in enumerate(best or [])}
    about = {
        "run": run,
        "epochs": history.epochs,
        "stopped_early": history.stopped_early,
        "best_epoch": history.best_epoch,
    }
    save_arrays(path, {**arrays, "about": np.array(json.dumps(about))})


def _restore(path: Path, model: keras.Model, run: str) -> tuple[History, list[np.ndarray] | None]:
    arrays = load_arrays(path)
    about = json.loads(str(arrays["about"])) if "about" in arrays else {}
    if about.get("run") != run:
        raise DataError(
            "is the checkpoint of another run",
            file=path,
            expected="the same configuration, seed, model and windows as now",
            remedy="use another folder, or delete this file to start again",
        )
    for i, variable in enumerate(_state(model)):
        variable.assign(arrays[f"state/{i}"])
    history = History(about["epochs"], about["stopped_early"], about["best_epoch"])
    best = (
        [arrays[f"best/{i}"] for i in range(len(model.variables))] if "best/0" in arrays else None
    )
    return history, best
