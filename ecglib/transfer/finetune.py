"""Fine-tuning: one fully connected softmax layer per target, trained by SGD with momentum.

The labels train either the softmax layers alone, on the features of a frozen encoder, or the whole
network. Both start from the same encoder, with the same layers on top, so their results can be
compared.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal

import keras
import numpy as np
from keras import layers, ops

from ecglib.core import checks
from ecglib.core.annotations import check_fields, checked
from ecglib.core.arrays import evenly_spaced
from ecglib.core.errors import DataError
from ecglib.core.progress import progress
from ecglib.models.encoder import EncoderConfig, build_encoder, layer_seeds
from ecglib.models.training import TrainingConfig, train_epoch, window_stream

Fold = tuple[np.ndarray, np.ndarray]
"""Training and test rows of the metadata frame, as a splitter gives them."""

Weights = Sequence[np.ndarray]
"""Weights of an encoder, as ``encoder.get_weights()`` gives them."""

WHOLE, HEAD = "whole", "head"
"""What the labels train: the whole network, or the softmax layers alone."""

_ENCODE_BATCH = 32


@dataclasses.dataclass(frozen=True)
class FineTuneConfig:
    """What the labels train, and how.

    Parameters
    ----------
    training : TrainingConfig
        Length, batch and learning rate of SGD. `steps_per_epoch` must be given: every fold takes
        the same number of steps, however many people are labelled.
    momentum : float
        Of SGD, from 0 to below 1.
    scope : {"whole", "head"}
        Train the whole network, or the softmax layers on the frozen encoder.
    class_weights : bool
        Weigh the classes inversely to their frequency among the training windows of the fold.
    clip_norm : float, optional
        Shorten the gradient of all weights together to this length where it is longer. The
        features of an encoder without batch normalisation can be so small that `Standardise`
        makes the first gradients explode.

    Raises
    ------
    ValueError
        If a value is outside its range or the number of steps is missing.

    Examples
    --------
    >>> training = TrainingConfig(
    ...     epochs=1, batch_windows=8, steps_per_epoch=20, learning_rate=0.01, schedule="staircase"
    ... )
    >>> FineTuneConfig(training).scope, FineTuneConfig(training, scope=HEAD).momentum
    ('whole', 0.9)
    """

    training: TrainingConfig
    momentum: float = 0.9
    scope: Literal["whole", "head"] = WHOLE
    class_weights: bool = False
    clip_norm: float | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        if self.clip_norm is not None and not self.clip_norm > 0:
            raise ValueError(f"clip_norm is {self.clip_norm}: it must be above 0, or None")
        if self.training.steps_per_epoch is None:
            raise ValueError("fine-tuning needs steps_per_epoch, the same for every fold")


@keras.saving.register_keras_serializable(package="ecglib")
class Standardise(layers.Layer):
    """A layer that subtracts a mean from each feature and divides by a scale; neither is trained.

    SGD on raw features is slow where one feature is large and another small.

    Examples
    --------
    >>> layer = Standardise()
    >>> layer.build((None, 2))
    >>> layer.adapt(np.array([[0.0, 10.0], [2.0, 30.0]], "float32"))
    >>> np.asarray(layer(np.array([[1.0, 30.0]], "float32"))).tolist()
    [[0.0, 1.0]]
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create mean and scale, (n_features,), as 0 and 1."""
        width = input_shape[-1:]
        self.mean = self.add_weight(name="mean", shape=width, initializer="zeros", trainable=False)
        self.scale = self.add_weight(name="scale", shape=width, initializer="ones", trainable=False)

    def call(self, inputs: Any) -> Any:
        """Map (batch, n_features) to the same shape."""
        return (inputs - self.mean) / self.scale

    def adapt(self, features: np.ndarray) -> None:
        """Take mean and scale of `features` (n_windows, n_features); a constant keeps scale 1."""
        x = features.astype(np.float64)
        scale = x.std(axis=0)
        constant = scale <= 1e-6 * (np.abs(x.mean(axis=0)) + 1e-6)
        self.mean.assign(x.mean(axis=0).astype("float32"))
        self.scale.assign(np.where(constant, 1.0, scale).astype("float32"))


@checked
def build_classifier(
    n_features: int, n_targets: int, n_classes: int, seed: int = 0, name: str = "classifier"
) -> keras.Model:
    """Build the classification layers: features (batch, n_features) -> logits.

    Parameters
    ----------
    n_features : int
        Number of features of the encoder.
    n_targets : int
        Number of softmax layers side by side; they share nothing.
    n_classes : int
        Classes of each.
    seed : int
        Seed of the initial weights.
    name : str
        Name of the model.

    Returns
    -------
    keras.Model
        From features to logits (batch, n_targets, n_classes). Its layer ``standardise`` is a
        `Standardise`.

    Examples
    --------
    >>> build_classifier(n_features=8, n_targets=3, n_classes=2).output_shape
    (None, 3, 2)
    """
    inputs = keras.Input((n_features,), name="features")
    x = Standardise(name="standardise")(inputs)
    logits = [
        layers.Dense(
            n_classes, kernel_initializer=keras.initializers.GlorotUniform(s), name=f"softmax_{t}"
        )(x)
        for t, s in enumerate(layer_seeds(seed, n_targets))
    ]
    outputs = ops.stack(logits, axis=1)
    return keras.Model(inputs, outputs, name=name)


def weighted_cross_entropy(y: Any, logits: Any) -> Any:
    """Average the categorical cross-entropy over windows and targets.

    Parameters
    ----------
    y : tensor (batch, n_targets, n_classes)
        One-hot labels, times the weight of their class.
    logits : tensor (batch, n_targets, n_classes)
        Of the classes.

    Returns
    -------
    tensor, scalar

    Examples
    --------
    >>> y = np.array([[[1.0, 0.0]]], "float32")
    >>> round(float(weighted_cross_entropy(y, np.zeros((1, 1, 2), "float32"))), 3)
    0.693
    """
    return -ops.mean(ops.sum(y * ops.log_softmax(logits, axis=-1), axis=-1))


class FineTuner:
    """One network that is fine-tuned again and again, from any start, on any windows.

    It is compiled once. Every `fit` starts from scratch: weights, momentum, learning rate and the
    order of the windows depend on its own arguments and the seed, not on earlier calls.

    Parameters
    ----------
    X : ndarray, shape (n_windows, n_samples), float32
        Windows.
    labels : ndarray of int, shape (n_windows, n_targets)
        Class of every window for every target, from 0.
    encoder : EncoderConfig
        Shape of the encoder.
    config : FineTuneConfig
        What is trained, and how.
    n_classes : int
        Classes of every target.
    seed : int
        Seed of the initial weights (of the encoder too, where no start is given) and of the order
        of the windows.
    jit_compile : bool
        Compile with XLA.

    Raises
    ------
    DataError
        If a window is not finite or a label is not a class.

    Examples
    --------
    >>> training = TrainingConfig(
    ...     epochs=1, batch_windows=2, steps_per_epoch=1, learning_rate=0.01, schedule="staircase"
    ... )
    >>> X, labels = np.zeros((4, 64), "float32"), np.array([[0], [1], [0], [1]])
    >>> encoder, config = (
    ...     EncoderConfig(filters=(2,), kernels=(4,)),
    ...     FineTuneConfig(training, scope=HEAD),
    ... )
    >>> tuner = FineTuner(X, labels, encoder, config, n_classes=2, seed=0, jit_compile=False)
    >>> losses = tuner.fit(np.arange(4))
    >>> len(losses), tuner.predict(np.array([0, 1])).shape
    (1, (2, 1, 2))
    """

    @checked
    def __init__(
        self,
        X: np.ndarray,
        labels: np.ndarray,
        encoder: EncoderConfig,
        config: FineTuneConfig,
        *,
        n_classes: int,
        seed: int,
        jit_compile: bool = True,
    ) -> None:
        _check(X, labels, n_classes)
        self.X, self.labels, self.config = X, labels, config
        self.n_classes, self.seed = n_classes, seed
        seeds = layer_seeds(seed, 2)
        self.encoder = build_encoder(encoder, X.shape[1], seed=seeds[0])
        self.encoder.compile(jit_compile=jit_compile)
        n_features = self.encoder.output_shape[-1]
        self.classifier = build_classifier(n_features, labels.shape[1], n_classes, seeds[1])
        self.model = self.classifier
        if config.scope == WHOLE:
            inputs = keras.Input(X.shape[1:], name="window")
            self.model = keras.Model(inputs, self.classifier(self.encoder(inputs)))
        self.model.compile(
            keras.optimizers.SGD(
                config.training.rate(len(X)),
                momentum=config.momentum,
                global_clipnorm=config.clip_norm,
            ),
            loss=weighted_cross_entropy,
            jit_compile=jit_compile,
        )
        self.model.optimizer.build(self.model.trainable_variables)
        self._random = self.encoder.get_weights()
        self._state = [*self.classifier.variables, *self.model.optimizer.variables]
        self._initial = [variable.numpy() for variable in self._state]
        self._features: dict[int, tuple[Weights, np.ndarray]] = {}

    @checked
    def features(self, start: Weights | None = None) -> np.ndarray:
        """Give the features of all windows under a start, computed once for each.

        Parameters
        ----------
        start : sequence of ndarray, optional
            Weights of the encoder, as ``encoder.get_weights()`` gives them; random if None.

        Returns
        -------
        ndarray of float32, shape (n_windows, n_features)
        """
        start = self._random if start is None else start
        if id(start) not in self._features:
            self.encoder.set_weights(start)
            # The start is kept along, so that no other object can take its place in memory.
            self._features[id(start)] = start, _in_batches(self.encoder, self.X)
        return self._features[id(start)][1]

    @checked
    def fit(self, train: np.ndarray, start: Weights | None = None, name: str = "") -> list[float]:
        """Train on some windows; if they are fewer than a batch, a batch shows some twice.

        Parameters
        ----------
        train : ndarray of int
            Training windows.
        start : sequence of ndarray, optional
            Initial weights of the encoder; random if None.
        name : str
            What errors call this training, such as its fold.

        Returns
        -------
        list of float
            Mean training loss of each epoch.

        Raises
        ------
        DataError
            If there are no training windows, or training diverged.
        """
        checks.array("train", train, (None,), empty=True)
        if not len(train):
            raise DataError(
                f"{name or 'the training set'} has no training windows",
                field="folds",
                expected="at least one",
            )
        for variable, value in zip(self._state, self._initial, strict=True):
            variable.assign(value)
        begin = self._random if start is None else start
        standardise = self.classifier.get_layer("standardise")
        if self.config.scope == HEAD:
            inputs = self.features(start)
            standardise.adapt(inputs[train])
        else:
            inputs = self.X
            self.encoder.set_weights(begin)
            # As the features will be in training: batch normalisation acts, and its statistics,
            # which this changes, are put back.
            some = evenly_spaced(train, 64)
            standardise.adapt(ops.convert_to_numpy(self.encoder(self.X[some], training=True)))
        self.encoder.set_weights(begin)
        y, training = self._targets(train), self.config.training
        count = training.steps(len(train)) * training.batch_windows
        losses = []
        for epoch in range(training.epochs):
            order = train[window_stream(len(train), epoch * count, count, self.seed)]
            logs = train_epoch(self.model, inputs, y, order, training.batch_windows)
            losses.append(logs["loss"])
        if not np.isfinite(losses).all():
            raise DataError(
                f"{name or 'the training'}: the network diverged",
                remedy="lower the learning rate, and look for windows with extreme values",
            )
        return losses

    @checked
    def predict(self, rows: np.ndarray, start: Weights | None = None, name: str = "") -> np.ndarray:
        """Give the probabilities of the classes after the last `fit`.

        Parameters
        ----------
        rows : ndarray of int
            Windows.
        start : sequence of ndarray, optional
            The start of that `fit`.
        name : str
            As in `fit`.

        Returns
        -------
        ndarray of float32, shape (len(rows), n_targets, n_classes)

        Raises
        ------
        DataError
            If a probability is not finite.
        """
        checks.array("rows", rows, (None,))
        frozen = self.config.scope == HEAD
        logits = _in_batches(self.model, self.features(start)[rows] if frozen else self.X[rows])
        if not np.isfinite(logits).all():
            raise DataError(
                f"{name or 'the training'}: the network diverged",
                remedy="lower the learning rate, and look for windows with extreme values",
            )
        return ops.convert_to_numpy(ops.softmax(logits, axis=-1))

    def _targets(self, train: np.ndarray) -> np.ndarray:
        """Give one-hot labels times class weights, (n_windows, n_targets, n_classes)."""
        one_hot = np.eye(self.n_classes, dtype="float32")[self.labels]
        if not self.config.class_weights:
            return one_hot
        count = one_hot[train].sum(axis=0)  # (n_targets, n_classes)
        present = (count > 0).sum(axis=1, keepdims=True)
        # A class without training windows has nothing to weigh.
        weight = len(train) / (present * np.where(count > 0, count, np.inf))
        return (one_hot * weight).astype("float32")


@checked
def fit_classifiers(
    X: np.ndarray,
    labels: np.ndarray,
    folds: Sequence[Fold],
    start: Sequence[Weights] | None,
    encoder: EncoderConfig,
    config: FineTuneConfig,
    *,
    n_classes: int,
    seed: int,
    jit_compile: bool = True,
) -> list[np.ndarray]:
    """Fine-tune once per fold, and predict the fold's test windows.

    Parameters
    ----------
    X, labels, encoder, config, n_classes, seed, jit_compile
        As in `FineTuner`.
    folds : sequence of (train, test)
        Integer positions, as a splitter gives them.
    start : sequence of weights, optional
        Initial weights of the encoder for each fold; random, the same for all, if None. A frozen
        encoder runs over all windows once for each distinct object in this sequence.

    Returns
    -------
    list of ndarray, each of shape (n_test, n_targets, n_classes), float32
        Probabilities for the test windows of each fold.

    Raises
    ------
    DataError
        As in `FineTuner`; errors name the fold.

    Examples
    --------
    >>> training = TrainingConfig(
    ...     epochs=1, batch_windows=2, steps_per_epoch=1, learning_rate=0.01, schedule="staircase"
    ... )
    >>> X, labels = np.zeros((4, 64), "float32"), np.array([[0], [1], [0], [1]])
    >>> encoder, config = (
    ...     EncoderConfig(filters=(2,), kernels=(4,)),
    ...     FineTuneConfig(training, scope=HEAD),
    ... )
    >>> folds = [(np.array([0, 1]), np.array([2, 3]))]
    >>> found = fit_classifiers(
    ...     X, labels, folds, None, encoder, config, n_classes=2, seed=0, jit_compile=False
    ... )
    >>> found[0].shape
    (2, 1, 2)
    """
    starts = [None] * len(folds) if start is None else start
    tuner = FineTuner(
        X, labels, encoder, config, n_classes=n_classes, seed=seed, jit_compile=jit_compile
    )
    probabilities = []
    jobs = list(enumerate(zip(folds, starts, strict=True)))
    for number, ((train, test), begin) in progress(jobs, "fine-tuning", unit="fold"):
        tuner.fit(train, begin, f"fold {number}")
        probabilities.append(tuner.predict(test, begin, f"fold {number}"))
    return probabilities


def _in_batches(model: keras.Model, X: np.ndarray) -> np.ndarray:
    """Predict in batches of one size, so that one shape is compiled."""
    filled = np.concatenate([X, np.repeat(X[-1:], -len(X) % _ENCODE_BATCH, axis=0)])
    parts = [
        model.predict_on_batch(filled[i : i + _ENCODE_BATCH])
        for i in range(0, len(filled), _ENCODE_BATCH)
    ]
    return np.concatenate([ops.convert_to_numpy(p) for p in parts])[: len(X)]


def _check(X: np.ndarray, labels: np.ndarray, n_classes: int) -> None:
    if X.ndim != 2 or not np.isfinite(X).all():
        raise DataError(
            f"windows of shape {X.shape}, {np.count_nonzero(~np.isfinite(X))} values not finite",
            field="X",
            expected="finite numbers of shape (n_windows, n_samples)",
        )
    known = np.issubdtype(labels.dtype, np.integer) and np.isin(labels, range(n_classes)).all()
    if labels.ndim != 2 or len(labels) != len(X) or not known:
        raise DataError(
            f"labels of shape {labels.shape} and type {labels.dtype} for {len(X)} windows",
            field="labels",
            expected=f"whole numbers from 0 to {n_classes - 1}, shape (n_windows, n_targets)",
        )
