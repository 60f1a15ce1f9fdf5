"""Training by epochs: how long and how fast, in which order, and what happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import keras
import numpy as np
import pandas as pd

from ecglib.core import checks
from ecglib.core.annotations import check_fields, checked
from ecglib.core.errors import DataError
from ecglib.core.provenance import environment
from ecglib.core.words import counted


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
    decay_rate : float
        Factor of each step down of the staircase.
    decay_steps : int
        Training steps from one step down to the next.
    warmup_steps : int
        Training steps of the warm-up.

    Raises
    ------
    DataError
        If a value is of another type or outside its range.

    Examples
    --------
    >>> config = TrainingConfig(
    ...     epochs=2,
    ...     batch_windows=4,
    ...     steps_per_epoch=None,
    ...     learning_rate=0.01,
    ...     schedule="staircase",
    ... )
    >>> config.steps(n_windows=20)
    5
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

    Examples
    --------
    >>> History([{"loss": 0.5}, {"loss": 0.25}]).frame()["loss"].tolist()
    [0.5, 0.25]
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

    Raises
    ------
    DataError
        If there are no windows, or none is asked for.

    Examples
    --------
    >>> sorted(window_stream(4, 0, 4, seed=0).tolist()), window_stream(4, 2, 5, seed=0).size
    ([0, 1, 2, 3], 5)
    """
    for name, number, least in (("n", n, 1), ("start", start, 0), ("count", count, 1)):
        checks.whole(name, number, least)
    first, last = start // n, (start + count - 1) // n
    passes = [np.random.default_rng([seed, p]).permutation(n) for p in range(first, last + 1)]
    return np.concatenate(passes)[start - first * n :][:count]


@checked
def participant_stream(
    participant: np.ndarray, start: int, count: int, seed: int, own: int, batch: int
) -> np.ndarray:
    """Give indices in an endless stream of batches that hold several windows of few participants.

    In a round every participant has one turn, in a new order, with `own` windows drawn without
    replacement; who would not fill a batch has none in that round. So no participant has two turns
    in one batch. Like `window_stream`, the stream is a pure function of the seed.

    Parameters
    ----------
    participant : ndarray, shape (n_windows,)
        Whose each window is.
    start, count : int
        Position in the stream and number of indices wanted.
    seed : int
        Seed of the draws.
    own : int
        Windows of one participant in a batch.
    batch : int
        Windows in a batch, a multiple of `own`.

    Returns
    -------
    ndarray of int, shape (count,)
        Indices.

    Raises
    ------
    DataError
        If there are fewer participants than a batch holds, or one has fewer windows than `own`;
        if nothing is asked for, or the batch is smaller than `own`.

    Examples
    --------
    >>> whose = np.repeat([*"abc"], 5)
    >>> drawn = participant_stream(whose, 0, 8, seed=0, own=2, batch=4)
    >>> [sorted(set(whose[drawn[i : i + 4]].tolist())) for i in (0, 4)]
    [['a', 'c'], ['a', 'c']]
    """
    for name, value, least in (("start", start, 0), ("count", count, 1), ("own", own, 1)):
        checks.whole(name, value, least)
    checks.whole("batch", batch, own)
    people, codes = np.unique(participant, return_inverse=True)
    counts, together = np.bincount(codes), batch // own
    if people.size < together:
        raise DataError(
            counted(people.size, "participant"),
            field="participant",
            expected=f"{together} or more, for batches of {batch} windows, {own} of each",
        )
    if counts.min() < own:
        raise DataError(
            f"{counts.min()} windows",
            participant=people[counts.argmin()],
            expected=f"{own} or more: so many windows of a participant stand in a batch",
        )
    turns = people.size // together * together
    size = turns * own
    rows = [np.flatnonzero(codes == code) for code in range(people.size)]
    first, last = start // size, (start + count - 1) // size
    rounds = []
    for number in range(first, last + 1):
        rng = np.random.default_rng([seed, number])
        order = rng.permutation(people.size)[:turns]
        rounds += [rng.choice(rows[code], own, replace=False) for code in order]
    return np.concatenate(rounds)[start - first * size :][:count]


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

    Raises
    ------
    DataError
        If `order` names no row of `X`, `y` has another number of rows, or a loss is not
        finite because `X` or `y` is not.

    Examples
    --------
    >>> model = keras.Sequential([keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> X, y = np.ones((4, 2), "float32"), np.zeros((4, 1), "float32")
    >>> sorted(train_epoch(model, X, y, np.array([0, 1, 2, 3]), batch=2))
    ['loss']
    """
    if not len(order) or np.max(order) >= len(X):
        raise checks.wrong("order", order, f"rows of X, which has {len(X)}")
    if y is not None and len(y) != len(X):
        raise DataError(f"{len(y)} rows", field="y", expected=f"{len(X)}, as many as X has")
    logs: list[dict[str, float]] = []
    for first in range(0, len(order), batch):
        rows = order[first : first + batch]
        # Metrics start anew at each call, so the average is taken here.
        logs.append(model.train_on_batch(X[rows], None if y is None else y[rows], return_dict=True))
    means = {name: float(np.mean([row[name] for row in logs])) for name in logs[0]}
    if not np.isfinite(list(means.values())).all():  # by the windows, or a network that diverged
        checks.array("X", X)
        if y is not None:
            checks.array("y", y)
    return means


def device() -> str:
    """Name what networks are trained on here: the graphics card, or the processor.

    Examples
    --------
    >>> isinstance(device(), str)
    True
    """
    if keras.backend.backend() == "jax":
        import jax  # only where it is the backend

        cards = [found.device_kind for found in jax.devices() if found.platform != "cpu"]
        if cards:
            return cards[0]
    return environment()["processor"]
