"""Training by epochs: how long and how fast, in which order, and what happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import keras
import numpy as np
import pandas as pd

from ecglib.core.annotations import check_fields, checked
from ecglib.core.provenance import environment


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

    Raises
    ------
    DataError
        If a value is of another type or outside its range.
    """

    epochs: int
    batch_windows: int
    steps_per_epoch: int | None
    learning_rate: float
    schedule: Literal["staircase", "warmup_cosine"]
    decay_rate: float = 1.0
    decay_steps: int = 1
    warmup_steps: int = 0

    def __post_init__(self) -> None:
        check_fields(self)

    @checked
    def steps(self, n_windows: int) -> int:
        """Count the steps in one epoch of a training set of `n_windows`."""
        return self.steps_per_epoch or n_windows // self.batch_windows

    @checked
    def rate(self, n_windows: int) -> keras.optimizers.schedules.LearningRateSchedule:
        """Give the learning rate as a function of the step, for training on `n_windows`."""
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
    """What happened in training: one row per epoch.

    Parameters
    ----------
    epochs : list of dict
        What was logged in each epoch so far, by name.
    """

    epochs: list[dict[str, float]] = field(default_factory=list)

    def frame(self) -> pd.DataFrame:
        """Give one row per epoch, counted from 1, with a column per logged quantity."""
        frame = pd.DataFrame(self.epochs)
        frame.index = pd.RangeIndex(1, len(frame) + 1, name="epoch")
        return frame


@checked
def window_stream(n: int, start: int, count: int, seed: int) -> np.ndarray:
    """Give indices in an endless stream that passes over all `n` windows in a new order.

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


@checked
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


def device() -> str:
    """Name what networks are trained on here: the graphics card, or the processor."""
    if keras.backend.backend() == "jax":
        import jax  # only where it is the backend

        cards = [found.device_kind for found in jax.devices() if found.platform != "cpu"]
        if cards:
            return cards[0]
    return environment()["processor"]
