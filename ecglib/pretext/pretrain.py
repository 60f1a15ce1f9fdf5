"""Pretraining: from windows without labels to an encoder, with checkpoints and exact resume.

`pretrain` does it in one call. `train` is the loop behind it. It serves every model that learns
from windows alone and brings its own loss.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np

from ecglib.core.annotations import checked
from ecglib.core.arrays import digest
from ecglib.core.artifacts import fingerprint, load_arrays, save_arrays
from ecglib.core.errors import DataError
from ecglib.core.progress import progress
from ecglib.models.encoder import EncoderConfig
from ecglib.models.training import (
    History,
    TrainingConfig,
    participant_stream,
    train_epoch,
    window_stream,
)
from ecglib.pretext.contrastive import (
    ContrastiveConfig,
    ContrastiveModel,
    build_contrastive_model,
)
from ecglib.pretext.str_model import PretextConfig, STRModel, build_str_model

CHECKPOINT = "checkpoint.npz"
"""Name of the checkpoint in the folder of a training."""

PretextConfigs = PretextConfig | ContrastiveConfig
"""Settings of a pretext; their kind says which one."""


class _HasWindows(Protocol):
    """What keeps windows as an array, such as `ecglib.preprocessing.windows.Windows`."""

    @property
    def X(self) -> np.ndarray: ...


@dataclass(frozen=True)
class Pretrained:
    """A pretrained network and how its training went.

    Parameters
    ----------
    model : STRModel or ContrastiveModel
        The whole network.
    history : History
        One row per epoch.

    Examples
    --------
    >>> from ecglib.pretext.str_model import PretextConfig
    >>> training = TrainingConfig(
    ...     epochs=1, batch_windows=8, steps_per_epoch=1, learning_rate=0.01, schedule="staircase"
    ... )
    >>> shape = EncoderConfig(filters=(4, 8), kernels=(8, 4))
    >>> model = build_model(PretextConfig(training), shape, length=360)
    >>> Pretrained(model, History([{"loss": 0.5}])).encoder.output_shape
    (None, 8)
    """

    model: STRModel | ContrastiveModel
    history: History

    @property
    def encoder(self) -> keras.Model:
        """Encoder alone: windows in, features out."""
        return self.model.encoder


class Clock(keras.callbacks.Callback):
    """Seconds of training, those before an interruption among them; a callback of `train`.

    Attributes
    ----------
    seconds : float
        Until the end of the last epoch.

    Examples
    --------
    >>> clock = Clock()
    >>> clock.restore(90.0)  # as `train` does where an interrupted training continues
    >>> clock.seconds
    90.0
    """

    def __init__(self) -> None:
        super().__init__()
        self.seconds, self._since = 0.0, 0.0

    def on_train_begin(self, logs: Any = None) -> None:
        """Start to count."""
        self._since = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Count an epoch."""
        now = time.monotonic()
        self.seconds, self._since = self.seconds + now - self._since, now

    def state(self) -> float:
        """Give the seconds so far, for a checkpoint."""
        return self.seconds

    def restore(self, state: float) -> None:
        """Take back what `state` gave."""
        self.seconds = state


@checked
def build_model(
    config: PretextConfigs, encoder: EncoderConfig, length: int, seed: int = 0
) -> STRModel | ContrastiveModel:
    """Build the network of a pretext, untrained.

    Parameters
    ----------
    config : PretextConfig or ContrastiveConfig
        Which pretext, and its settings.
    encoder : EncoderConfig
        Shape of the encoder.
    length : int
        Window length in samples.
    seed : int
        Seed of everything random in the network.

    Returns
    -------
    STRModel or ContrastiveModel

    Examples
    --------
    >>> from ecglib.pretext.str_model import PretextConfig
    >>> training = TrainingConfig(
    ...     epochs=1, batch_windows=8, steps_per_epoch=1, learning_rate=0.01, schedule="staircase"
    ... )
    >>> shape = EncoderConfig(filters=(4, 8), kernels=(8, 4))
    >>> type(build_model(PretextConfig(training), shape, length=360)).__name__
    'STRModel'
    """
    build = build_str_model if isinstance(config, PretextConfig) else build_contrastive_model
    return build(config, encoder, length, seed)


@checked
def pretrain(
    windows: np.ndarray | _HasWindows,
    config: PretextConfigs,
    encoder: EncoderConfig | None = None,
    *,
    seed: int = 0,
    folder: Path | None = None,
    participant: np.ndarray | None = None,
    participant_val: np.ndarray | None = None,
    **options: Any,
) -> Pretrained:
    """Build a network and train it on windows; nothing else is needed, and no label is used.

    Only subject-aware negatives (`ecglib.pretext.contrastive.ContrastiveConfig`) need to know whose
    each window is.

    Parameters
    ----------
    windows : ndarray of float32, shape (n_windows, n_samples), or Windows
        Whatever may be learnt from: leave out whoever is tested later.
    config : PretextConfig or ContrastiveConfig
        Which pretext, and its settings; for example those of a profile.
    encoder : EncoderConfig, optional
        Shape of the encoder; that of the paper by default.
    seed : int
        Seed of the network and of the order of the windows.
    folder : Path, optional
        Where checkpoints go, so that an interrupted training continues.
    participant, participant_val : ndarray, optional
        Whose each window is, of ``X_val`` too; `Windows` know it. Used where `config` asks for
        ``windows_per_participant``.
    **options
        As for `train`: ``X_val``, ``callbacks``, ``tensorboard``, ``jit_compile``, ``label``.

    Returns
    -------
    Pretrained

    Raises
    ------
    ValueError, DataError, FloatingPointError
        As in `train`.

    Examples
    --------
    >>> from ecglib.pretext.str_model import PretextConfig
    >>> training = TrainingConfig(
    ...     epochs=1, batch_windows=2, steps_per_epoch=1, learning_rate=0.01, schedule="staircase"
    ... )
    >>> X = np.random.default_rng(0).normal(size=(4, 180)).astype("float32")
    >>> shape = EncoderConfig(filters=(2,), kernels=(4,))
    >>> trained = pretrain(X, PretextConfig(training), shape, jit_compile=False)
    >>> len(trained.history.frame()), trained.encoder.output_shape
    (1, (None, 2))
    """
    X = getattr(windows, "X", windows)
    if own := getattr(config, "windows_per_participant", None):
        if participant is None and hasattr(windows, "meta"):
            participant = windows.meta["participant"].to_numpy()
        if participant is None or (options.get("X_val") is not None and participant_val is None):
            raise DataError(
                "it is not said whose each window is",
                field="participant",
                expected=f"one entry per window, for {own} windows of each participant in a batch",
            )
        options["subjects"] = Subjects(own, participant, participant_val)
    model = build_model(config, encoder or EncoderConfig(), X.shape[1], seed)
    history = train(model, X, config.training, seed=seed, folder=folder, **options)
    return Pretrained(model, history)


@dataclass(frozen=True, eq=False)
class Subjects:
    """Whose windows are trained on, for batches of several windows of few participants.

    Parameters
    ----------
    own : int
        Windows of one participant in a batch.
    train, val : ndarray, shape (n_windows,)
        Whose each window is, of the training windows and of those of ``X_val``.

    Examples
    --------
    >>> Subjects(own=2, train=np.array([1, 1, 2, 2])).own
    2
    """

    own: int
    train: np.ndarray
    val: np.ndarray | None = None


@checked
def train(
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
    subjects: Subjects | None = None,
) -> History:
    """Train `model` on windows; continue from the checkpoint in `folder` if there is one.

    An interrupted run that is started again ends with the same weights as one that was never
    interrupted: the checkpoint holds the weights, the optimiser, the random states, the history and
    what callbacks want to keep, and the order of the windows follows from `seed` alone.

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
    tensorboard : bool
        Write a TensorBoard log under ``folder/tensorboard``.
    callbacks : iterable of keras.callbacks.Callback
        Told about the start and end of training and of each epoch, the latter before the
        checkpoint is written. If a callback has the methods ``state()`` and ``restore(state)``,
        what the first gives, in plain values, goes into the checkpoint, and the second gets it
        back when training continues. Several callbacks of one class are told apart by their order.
    jit_compile : bool or "auto"
        Compile the step with XLA.
    label : str
        What `ecglib.core.progress` calls this training.
    subjects : Subjects, optional
        Whose each window is. Batches are then those of
        `ecglib.models.training.participant_stream`, and the model is also told the participants'
        numbers.

    Returns
    -------
    History
        One row per epoch. `model` is left with the final weights.

    Raises
    ------
    ValueError
        If there are fewer windows than one batch needs, or the model is not built.
    DataError
        If the checkpoint in `folder` belongs to another run, lacks the state of a callback, or
        can't be read.
    FloatingPointError
        If the loss or a weight is no longer finite; the last good checkpoint stays.

    Examples
    --------
    >>> from ecglib.pretext.str_model import PretextConfig
    >>> training = TrainingConfig(
    ...     epochs=2, batch_windows=2, steps_per_epoch=1, learning_rate=0.01, schedule="staircase"
    ... )
    >>> X = np.random.default_rng(0).normal(size=(4, 180)).astype("float32")
    >>> model = build_model(PretextConfig(training), EncoderConfig(filters=(2,), kernels=(4,)), 180)
    >>> len(train(model, X, training, seed=0, jit_compile=False).frame())
    2
    """
    n, batch = len(X), config.batch_windows
    if n < batch:
        raise ValueError(f"{n} windows are fewer than one batch of {batch}")
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
    y = y_val = None
    sampled = {}  # what was begun without subjects keeps its checkpoint
    if subjects:
        y = np.unique(subjects.train, return_inverse=True)[1].astype(np.int32)
        sampled = {"subjects": [subjects.own, digest(y)]}
        if X_val is not None:
            X_val, y_val = _by_subjects(X_val, subjects, batch, seed)
    run = fingerprint(
        {
            **sampled,
            "config": config,
            "seed": seed,
            "X": digest(X),
            "X_val": None if X_val is None else digest(X_val),
            # Not their names, which count the layers made in this process.
            "variables": [[v.dtype, list(v.shape)] for v in _state(model)],
        }
    )
    history, listeners = History(), list(callbacks)
    if checkpoint and checkpoint.is_file():
        history = _restore(checkpoint, model, run, listeners)
    if tensorboard and folder:
        listeners.append(keras.callbacks.TensorBoard(folder / "tensorboard", write_graph=False))
    told = keras.callbacks.CallbackList(listeners, model=model)
    told.on_train_begin()
    first = len(history.epochs)
    try:
        for epoch in progress(
            range(first, config.epochs), label, total=config.epochs, done=first, unit="epoch"
        ):
            told.on_epoch_begin(epoch)
            place = (epoch * steps * batch, steps * batch, seed)
            if subjects:
                order = participant_stream(y, *place, subjects.own, batch)
            else:
                order = window_stream(n, *place)
            logs = train_epoch(model, X, y, order, batch)
            if X_val is not None:
                scores = model.evaluate(X_val, y_val, batch_size=batch, verbose=0, return_dict=True)
                logs |= {f"val_{name}": float(value) for name, value in scores.items()}
            values = [*logs.values(), *(v.numpy() for v in _state(model))]
            if not all(np.isfinite(value).all() for value in values):
                raise FloatingPointError(
                    f"epoch {epoch + 1} gave a loss or weights that are not finite ({logs}); lower "
                    "the learning rate or look for windows with extreme values"
                )
            history.epochs.append(logs)
            told.on_epoch_end(epoch, logs)
            if checkpoint:
                _store(checkpoint, model, run, history, listeners)
    finally:
        told.on_train_end()
    return history


def _by_subjects(
    X: np.ndarray, subjects: Subjects, batch: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Lay out about as many windows as there are in batches like those of the training."""
    y = np.unique(subjects.val, return_inverse=True)[1].astype(np.int32)
    order = participant_stream(y, 0, len(X) // batch * batch, seed, subjects.own, batch)
    return X[order], y[order]


def _state(model: keras.Model) -> list[Any]:
    return [*model.variables, *model.optimizer.variables]


def _with_state(callbacks: Iterable[Any]) -> dict[str, Any]:
    """Name the callbacks that have a state by their class, and by their number within it."""
    named: dict[str, Any] = {}
    count: Counter[str] = Counter()
    for callback in callbacks:
        if all(callable(getattr(callback, name, None)) for name in ("state", "restore")):
            kind = type(callback).__name__
            count[kind] += 1
            named[f"{kind} {count[kind]}"] = callback
    return named


def _store(
    path: Path, model: keras.Model, run: str, history: History, callbacks: Iterable[Any]
) -> None:
    arrays = {f"state/{i}": v.numpy() for i, v in enumerate(_state(model))}
    states = {name: callback.state() for name, callback in _with_state(callbacks).items()}
    about = {"run": run, "epochs": history.epochs, "callbacks": states}
    save_arrays(path, {**arrays, "about": np.array(json.dumps(about))})


def _restore(path: Path, model: keras.Model, run: str, callbacks: Iterable[Any]) -> History:
    arrays = load_arrays(path)
    about = json.loads(str(arrays["about"])) if "about" in arrays else {}
    states, named = about.get("callbacks", {}), _with_state(callbacks)
    # A checkpoint that says nothing of a callback would leave a gap in what that one tells.
    if about.get("run") != run or set(states) != set(named):
        raise DataError(
            "is the checkpoint of another run",
            file=path,
            expected="the same configuration, seed, model, windows and callbacks as now",
            remedy="use another folder, or delete this file to start again",
        )
    for i, variable in enumerate(_state(model)):
        variable.assign(arrays[f"state/{i}"])
    for name, callback in named.items():
        callback.restore(states[name])
    return History(about["epochs"])
