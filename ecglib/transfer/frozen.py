"""Emotion heads on frozen features: all folds and targets trained at once as one stacked model.

A head is small and there are many: 23 folds times 3 targets makes 69. Stacked, they train as one
Keras model whose kernels carry a leading axis of heads. Like separate trainings from one seed, the
heads share the order of the windows and which units drop out. Nothing else: every head has its own
weights, initial draw, standardisation and loss, and a window outside a head's training mask adds
exactly zero to its loss and gradients.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from ecglib.core import checks
from ecglib.core.annotations import check_fields, checked
from ecglib.core.errors import DataError
from ecglib.core.progress import progress
from ecglib.models.layers import Dropout


@dataclasses.dataclass(frozen=True)
class HeadConfig:
    """Shape and training of an emotion head.

    Parameters
    ----------
    hidden : tuple of int
        Units of the hidden layers, each followed by a ReLU.
    dropout : float
        Dropout rate after every hidden layer.
    l2 : float
        Adds ``l2 * sum(w**2)`` to the loss for every hidden kernel: the convention of
        ``keras.regularizers.L2``, without the half that the pretext's L2 has.
    epochs : int
        Passes over the windows.
    batch_size : int
        Windows per step.
    learning_rate : float
        Step size of Adam.
    balanced : bool
        Weigh the classes inversely to their frequency among the head's training windows.

    Examples
    --------
    >>> HeadConfig().hidden, HeadConfig((32,), balanced=True).epochs
    ((64, 64), 30)
    """

    hidden: tuple[int, ...] = (64, 64)
    dropout: float = 0.0
    l2: float = 0.0
    epochs: int = 30
    batch_size: int = 128
    learning_rate: float = 1e-3
    balanced: bool = False

    def __post_init__(self) -> None:
        check_fields(self)


RELEASED_HEAD = HeadConfig(hidden=(512, 512, 512), dropout=0.2, l2=1e-4, epochs=200)
"""The DREAMER head of the released code (``model.py``, github.com/pritamqu/SSL-ECG).

There two sigmoid units predict a one-hot label; here, as in the other heads, one unit does.
"""


class StackedDense(keras.layers.Layer):
    """One dense layer per head, applied to a tensor with a leading axis of heads.

    A 3-D kernel would be initialised for the wrong number of inputs by Keras' default, which takes
    the leading axis for a convolution's; here every head gets the Glorot limits of its own layer.

    Parameters
    ----------
    units : int
        Outputs per head.
    l2 : float
        Adds ``l2 * sum(w**2)`` to the loss.
    seed : int
        Seed of the kernels' uniform Glorot initialisation.
    **kwargs
        As for `keras.layers.Layer`.

    Examples
    --------
    >>> layer = StackedDense(units=5)
    >>> tuple(layer(np.ones((3, 2, 4), "float32")).shape)
    (3, 2, 5)
    """

    @checked
    def __init__(self, units: int, *, l2: float = 0.0, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.l2 = l2
        self.seed = seed

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create kernels (heads, inputs, units) and biases (heads, 1, units)."""
        n_heads, _, n_inputs = input_shape
        limit = math.sqrt(6 / (n_inputs + self.units))
        self.kernel = self.add_weight(
            name="kernel",
            shape=(n_heads, n_inputs, self.units),
            initializer=keras.initializers.RandomUniform(-limit, limit, seed=self.seed),
        )
        self.bias = self.add_weight(
            name="bias", shape=(n_heads, 1, self.units), initializer="zeros"
        )

    def call(self, inputs: Any) -> Any:
        """Map (heads, batch, inputs) to (heads, batch, units)."""
        if self.l2:
            # Summed over the inputs first: XLA adds up a whole tensor number by number.
            self.add_loss(self.l2 * ops.sum(ops.sum(ops.square(self.kernel), axis=1)))
        return ops.matmul(inputs, self.kernel) + self.bias


class StackedHeads(keras.Model):
    """Many heads on the same features, as one model.

    Parameters
    ----------
    mean, scale : ndarray, shape (n_heads, n_features)
        Every head's own standardisation.
    config : HeadConfig
        Shape of the heads.
    seed : int
        Seed of initial weights and dropout.

    Examples
    --------
    >>> heads = StackedHeads(np.zeros((3, 4)), np.ones((3, 4)), HeadConfig((8,)), seed=0)
    >>> tuple(heads(np.ones((2, 4), "float32")).shape)
    (2, 3)
    """

    @checked
    def __init__(self, mean: np.ndarray, scale: np.ndarray, config: HeadConfig, seed: int) -> None:
        checks.array("mean", mean, (None, None))
        checks.array("scale", scale, mean.shape)
        super().__init__()
        n_heads, n_features = mean.shape
        seeds = np.random.SeedSequence(seed).generate_state(2 * len(config.hidden) + 1)
        draws = (int(s >> 1) for s in seeds)
        self.mean = self._constant("mean", mean)
        self.scale = self._constant("scale", scale)
        self.hidden = []
        self.drop = []
        for units in config.hidden:
            self.hidden.append(StackedDense(units, l2=config.l2, seed=next(draws)))
            self.drop.append(Dropout(config.dropout, noise_shape=(1, None, None), seed=next(draws)))
        self.out = StackedDense(1, seed=next(draws))

        width = n_features
        for layer in [*self.hidden, self.out]:
            layer.build((n_heads, None, width))
            width = layer.units
        self.built = True

    def _constant(self, name: str, value: np.ndarray) -> Any:
        weight = self.add_weight(
            name=name, shape=(len(value), 1, value.shape[1]), initializer="zeros", trainable=False
        )
        weight.assign(value[:, None].astype("float32"))
        return weight

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Map features (batch, n_features) to logits (batch, n_heads)."""
        x = (inputs[None] - self.mean) / self.scale
        for dense, drop in zip(self.hidden, self.drop, strict=True):
            x = drop(ops.relu(dense(x)), training=training)
        return ops.transpose(self.out(x)[..., 0])

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Sum, over heads, the mean cross-entropy of each head's training windows in the batch.

        A sum keeps every head's gradient what it would be if it were trained alone.
        """
        entropy = ops.softplus(y_pred) - y * y_pred
        per_head = ops.sum(sample_weight * entropy, axis=0)
        total = ops.sum(sample_weight, axis=0)
        # A batch without a training window of some head leaves 0 / 0 there.
        loss = ops.sum(per_head / ops.where(total > 0, total, 1.0))
        return loss + sum(self.losses)


@checked
def shuffled_batches(
    features: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    *,
    batch_size: int,
    epochs: int,
    seed: int,
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Give the windows batch by batch, in an order that a seed decides, new in every epoch.

    The last batch is filled up with windows of weight zero, which change nothing: batches of one
    size are compiled once.

    Parameters
    ----------
    features : ndarray of float32, shape (n_windows, n_features)
        Features.
    labels, weights : ndarray of float32, shape (n_windows, n_heads)
        Labels and weights in the loss.
    batch_size : int
        Windows per batch.
    epochs : int
        Passes over the windows.
    seed : int
        Seed of the order.

    Yields
    ------
    tuple of ndarray
        Features, labels and weights of one batch.

    Raises
    ------
    DataError
        If a number is not finite, or shapes disagree.

    Examples
    --------
    >>> features, labels = np.arange(5, dtype="float32")[:, None], np.ones((5, 1), "float32")
    >>> batches = shuffled_batches(features, labels, labels, batch_size=4, epochs=1, seed=0)
    >>> [(one.shape, int(weights.sum())) for one, _, weights in batches]
    [((4, 1), 4), ((4, 1), 1)]
    """
    checks.array("features", features)
    for name, values in (("labels", labels), ("weights", weights)):
        checks.array(name, values)
        checks.of_length(name, values[:, 0], len(features))
    size = min(batch_size, len(features))
    rng = np.random.default_rng(seed)
    for _ in range(epochs):
        order = rng.permutation(len(features))
        for first in range(0, len(order), size):
            rows = order[first : first + size]
            filler = size - len(rows)
            weight = np.pad(weights[rows], ((0, filler), (0, 0)))
            rows = np.pad(rows, (0, filler), mode="edge")
            yield features[rows], labels[rows], weight


@checked
def train_heads(
    features: np.ndarray,
    labels: np.ndarray,
    train_mask: np.ndarray,
    config: HeadConfig,
    seed: int,
) -> StackedHeads:
    """Train one head per row of `labels`, each on its own training windows only.

    Parameters
    ----------
    features : ndarray of float32, shape (n_windows, n_features)
        Features of all windows.
    labels : ndarray, shape (n_heads, n_windows)
        Labels, 0 or 1; only those under the mask are used.
    train_mask : ndarray of bool, shape (n_heads, n_windows)
        Training windows of every head.
    config : HeadConfig
        Shape and training of the heads.
    seed : int
        Seed of initial weights, dropout and order of the windows.

    Returns
    -------
    StackedHeads

    Raises
    ------
    DataError
        If shapes disagree, a feature or label is not valid, or the training windows of a head are
        of one class.

    Examples
    --------
    >>> features, labels = np.arange(4, dtype="float32")[:, None], np.array([[0, 1, 0, 1]])
    >>> model = train_heads(
    ...     features, labels, labels >= 0, HeadConfig((), epochs=1, batch_size=4), seed=0
    ... )
    >>> tuple(model(features).shape)
    (4, 1)
    """
    _check(features, labels, train_mask)
    mean, scale = _standardisation(features, train_mask)
    model = StackedHeads(mean, scale, config, seed)
    batches = shuffled_batches(
        features,
        np.ascontiguousarray(labels.T, dtype=np.float32),
        np.ascontiguousarray(_weights(labels, train_mask, config.balanced).T),
        batch_size=config.batch_size,
        epochs=config.epochs,
        seed=seed,
    )
    # XLA compiles for about 3 s of processor time, then saves a third of each large step.
    steps = config.epochs * math.ceil(len(features) / config.batch_size)
    pays = len(labels) * steps > 10_000
    model.compile(
        optimizer=keras.optimizers.Adam(config.learning_rate),
        jit_compile=pays and keras.backend.backend() != "torch",
    )
    # Keras' own `fit` hands every step to another thread, which on two cores costs a fifth.
    for batch in progress(batches, "heads", total=steps, unit="step"):
        model.train_on_batch(*batch)
    return model


@checked
def fit_heads(
    features: np.ndarray,
    labels: np.ndarray,
    train_mask: np.ndarray,
    config: HeadConfig,
    seed: int,
) -> np.ndarray:
    """Train one head per row of `labels` and return its probabilities for all windows.

    Parameters
    ----------
    features, labels, train_mask, config, seed
        As in `train_heads`.

    Returns
    -------
    ndarray of float32, shape (n_heads, n_windows)
        Probability of class 1. A head's probabilities for its own training windows are no
        predictions: use those of its test windows.

    Raises
    ------
    DataError
        As in `train_heads`, and if training diverged.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> features = rng.normal(size=(200, 4)).astype("float32")
    >>> labels = (features[:, :2].T > 0).astype("int8")
    >>> train = np.tile(np.arange(200) < 150, (2, 1))
    >>> probabilities = fit_heads(features, labels, train, HeadConfig(learning_rate=0.01), seed=0)
    >>> [bool(np.mean((p > 0.5) == y) > 0.9) for p, y in zip(probabilities, labels)]
    [True, True]
    """
    model = train_heads(features, labels, train_mask, config, seed)
    chunks = np.array_split(features, math.ceil(len(features) / 1024))
    logits = np.concatenate([ops.convert_to_numpy(model(chunk)) for chunk in chunks])
    if not np.isfinite(logits).all():
        raise DataError(
            "the heads diverged: some logits are not finite",
            remedy="lower the learning rate, and look for features of extreme size",
        )
    return ops.convert_to_numpy(ops.sigmoid(logits)).T


def _standardisation(features: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give mean and standard deviation of every head's training windows, (n_heads, n_features)."""
    x = features.astype(np.float64)
    weight = mask / mask.sum(axis=1, keepdims=True)
    mean = weight @ x
    variance = np.maximum(weight @ x**2 - mean**2, 0)
    # A feature that is constant in training says nothing; dividing by ~0 would let it shout.
    constant = variance <= 1e-10 * (mean**2 + 1e-10)
    return mean, np.where(constant, 1.0, np.sqrt(variance))


def _weights(labels: np.ndarray, mask: np.ndarray, balanced: bool) -> np.ndarray:
    weights = mask.astype(np.float32)
    if balanced:
        positive = (labels * mask).sum(axis=1, keepdims=True) / mask.sum(axis=1, keepdims=True)
        weights *= 0.5 / np.where(labels == 1, positive, 1 - positive)
    return weights


def _check(features: np.ndarray, labels: np.ndarray, mask: np.ndarray) -> None:
    if features.ndim != 2 or not np.isfinite(features).all():
        raise DataError(
            f"features of shape {features.shape}, "
            f"{np.count_nonzero(~np.isfinite(features))} values not finite",
            field="features",
            expected="finite numbers of shape (n_windows, n_features)",
        )
    expected = (len(labels), len(features))
    if labels.shape != expected or mask.shape != expected or mask.dtype != bool:
        raise DataError(
            f"labels of shape {labels.shape} and a mask of shape {mask.shape} and type "
            f"{mask.dtype} for {len(features)} windows",
            field="labels, train_mask",
            expected="shape (n_heads, n_windows), the mask boolean",
        )
    if not np.isin(labels, (0, 1)).all():
        raise DataError("a label other than 0 and 1", field="labels", expected="0 or 1")
    for head in range(len(labels)):
        classes = np.unique(labels[head, mask[head]])
        if classes.size < 2:
            raise DataError(
                f"head {head}: its {mask[head].sum()} training windows are of "
                f"{classes.size} class(es)",
                field="train_mask",
                expected="both classes among the training windows",
            )
