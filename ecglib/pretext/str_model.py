"""Signal transformation recognition (STR): seven heads on one encoder, and their loss.

Every head ends in logits.

References
----------
Sarkar & Etemad, "Self-supervised ECG Representation Learning for Emotion Recognition", IEEE
Transactions on Affective Computing (arXiv 2002.03898), section 3; released code
github.com/pritamqu/SSL-ECG, ``model.py`` and ``main.py``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import keras
import numpy as np
from keras import layers, ops

from ecglib.core import checks
from ecglib.core.annotations import check_fields, checked
from ecglib.core.errors import DataError
from ecglib.models.encoder import EncoderConfig, build_encoder, half_l2, layer_seeds
from ecglib.models.layers import Dropout
from ecglib.models.training import TrainingConfig
from ecglib.pretext.transformations import TASKS, AllVersions, TransformConfig

TASK_WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "original": 0.195,
        "noise": 0.195,
        "scaling": 0.195,
        "negation": 0.0125,
        "temporal_inversion": 0.0125,
        "permutation": 0.195,
        "time_warping": 0.195,
    }
)
"""Weight of each pretext task in the loss (released code, ``main.py``)."""


@checked
def build_str_heads(
    n_features: int = 128,
    hidden: int = 128,
    dropout: float = 0.6,
    l2: float = 1e-4,
    seed: int = 0,
    name: str = "str_heads",
    *,
    activation: Literal["relu", "leaky_relu"] = "relu",
    slope: float = 0.2,
) -> keras.Model:
    """Build the seven pretext heads: features (batch, n_features) -> logits (batch, 7).

    Each head is n_features → hidden → hidden → 1, with activation and dropout after both hidden
    layers, 33,153 parameters as published. The seven kernels of a layer are stacked, so that all
    heads are one batched matrix product; the heads share nothing.

    Parameters
    ----------
    n_features : int
        Number of features of the encoder.
    hidden : int
        Units of both hidden layers.
    dropout : float
        Share of the hidden units that is dropped in training.
    l2 : float
        β of the penalty β/2·‖w‖² on every kernel.
    seed : int
        Seed of the initial weights and of the dropout.
    name : str
        Name of the model.
    activation : {"relu", "leaky_relu"}
        As in `ecglib.models.encoder.EncoderConfig`: the released code uses leaky ReLU here too.
    slope : float
        Slope of the leaky ReLU for negative values.

    Returns
    -------
    keras.Model
        Output column `t` is the head that recognises ``TASKS[t]``.

    Raises
    ------
    ValueError
        If `activation` is another one.

    Examples
    --------
    >>> heads = build_str_heads()
    >>> heads.output_shape, heads.count_params() // 7
    ((None, 7), 33153)
    """
    if activation not in ("relu", "leaky_relu"):
        raise ValueError(f"activation {activation!r} is unknown: use 'relu' or 'leaky_relu'")
    negative_slope = slope if activation == "leaky_relu" else 0.0
    n_heads = len(TASKS)
    seeds = iter(layer_seeds(seed, 5))

    def stacked_dense(
        equation: str, fan_in: int, fan_out: int, shape: tuple[int, ...], bias_axes: str, name: str
    ) -> layers.EinsumDense:
        # Keras would take a stacked kernel for a convolution's; this is each head's own Glorot.
        limit = math.sqrt(6 / (fan_in + fan_out))
        return layers.EinsumDense(
            equation,
            output_shape=shape,
            bias_axes=bias_axes,
            kernel_initializer=keras.initializers.RandomUniform(-limit, limit, seed=next(seeds)),
            kernel_regularizer=half_l2(l2),
            name=name,
        )

    inputs = keras.Input((n_features,), name="features")
    x = stacked_dense("bf,tfh->bth", n_features, hidden, (n_heads, hidden), "th", "dense_1")(inputs)
    x = Dropout(dropout, seed=next(seeds))(layers.ReLU(negative_slope=negative_slope)(x))
    x = stacked_dense("bth,thk->btk", hidden, hidden, (n_heads, hidden), "tk", "dense_2")(x)
    x = Dropout(dropout, seed=next(seeds))(layers.ReLU(negative_slope=negative_slope)(x))
    x = stacked_dense("btk,tk->bt", hidden, 1, (n_heads,), "t", "logits")(x)
    return keras.Model(inputs, x, name=name)


class STRModel(keras.Model):
    """Signal transformation recognition: raw windows in, which-transformation logits out.

    The seven versions of each window are drawn inside the model
    (`ecglib.pretext.transformations.AllVersions`), and every head answers one question about every
    version: is this my transformation? ``fit`` takes windows alone. The loss is the weighted sum
    over the tasks of the binary cross-entropy, averaged over all versions, plus the L2 penalties.

    Parameters
    ----------
    encoder : keras.Model
        Windows (batch, length) -> features; see `ecglib.models.encoder.build_encoder`.
    heads : keras.Model
        From features to logits (batch, 7); see `build_str_heads`.
    transforms : TransformConfig, optional
        Strength of the transformations; published values by default.
    task_weights : mapping of str to float
        Weight of each task of `TASKS`.
    balanced : bool
        Weight a head's one positive version by 7/2 and its six negative versions by 7/12, so that
        both classes count equally. The released code does not.
    seed : int
        Seed of the transformations.
    name : str
        Name of the model.

    Raises
    ------
    ValueError
        If `task_weights` does not name exactly the seven tasks.

    Examples
    --------
    >>> encoder = build_encoder(EncoderConfig(filters=(4, 8), kernels=(8, 4)), length=360)
    >>> model = STRModel(encoder, build_str_heads(8, hidden=4), seed=0)
    >>> tuple(model(np.random.default_rng(0).normal(size=(2, 360)).astype("float32")).shape)
    (14, 7)
    """

    @checked
    def __init__(
        self,
        encoder: keras.Model,
        heads: keras.Model,
        transforms: TransformConfig | None = None,
        task_weights: Mapping[str, float] = TASK_WEIGHTS,
        balanced: bool = False,
        seed: int = 0,
        name: str = "str_model",
    ) -> None:
        super().__init__(name=name)
        if set(task_weights) != set(TASKS):
            raise ValueError(f"task_weights names {sorted(task_weights)}, expected {list(TASKS)}")
        self.encoder = encoder
        self.heads = heads
        self.versions = AllVersions(transforms, seed, name="versions")
        n_tasks = len(TASKS)
        # Rows: the version shown; columns: the head that answers.
        is_own = np.eye(n_tasks, dtype="float32")
        # Averaged over the versions, each of the two classes has half the weight.
        self._labels = is_own
        self._class_weights = is_own * n_tasks / 2 + (1 - is_own) * n_tasks / (2 * (n_tasks - 1))
        self._balanced = balanced
        self._task_weights = np.array([task_weights[task] for task in TASKS], "float32")
        self.balanced_accuracy = keras.metrics.Mean(name="balanced_accuracy")
        self.versions.build(encoder.input_shape)
        self.build(encoder.input_shape)

    def call(self, x: Any, training: bool | None = None) -> Any:
        """Recognise the versions of raw windows.

        Parameters
        ----------
        x : tensor (batch, length)
            Windows; their versions are drawn anew at each call.
        training : bool, optional
            Whether dropout and batch normalisation act as in training.

        Returns
        -------
        tensor (7 * batch, 7)
            Row ``7 * b + v`` is version `v` of window `b`, column `t` the logit of head `t`.
        """
        features = self.encoder(self.versions(x), training=training)
        return self.heads(features, training=training)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Give the weighted cross-entropy of `y_pred`, the output of `call`, plus penalties.

        The order of the versions is the label: `y` and `sample_weight` play no part.
        """
        logits = ops.reshape(y_pred, (-1, *self._labels.shape))
        cross_entropy = ops.softplus(logits) - self._labels * logits
        if self._balanced:
            cross_entropy = cross_entropy * self._class_weights
        per_task = ops.mean(cross_entropy, axis=(0, 1))
        return ops.sum(per_task * self._task_weights) + sum(self.losses)

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        """Update the balanced accuracy, averaged over the tasks, and give all metrics."""
        logits = ops.reshape(y_pred, (-1, *self._labels.shape))
        correct = ops.cast(ops.equal(logits > 0, self._labels > 0), logits.dtype)
        self.balanced_accuracy.update_state(ops.mean(correct * self._class_weights, axis=(1, 2)))
        return self.get_metrics_result()


@dataclass(frozen=True)
class PretextConfig:
    """Signal transformation recognition: the transformations, the heads, the loss, the training.

    Parameters
    ----------
    training : TrainingConfig
        Length, batch and learning rate.
    transforms : TransformConfig
        Strength of the transformations.
    task_weights : mapping of str to float
        Weight of each task in the loss.
    balanced : bool
        Weigh a head's one positive and six negative versions equally.
    dropout : float
        Dropout rate in the pretext heads.
    head_l2 : float
        β of the penalty β/2·‖w‖² on the kernels of the pretext heads.
    n_groups : int
        The participants are split into this many groups; the encoder that serves a group is
        pretrained on the other groups only.
    heldout_windows : int
        Windows of the left-out group, evenly spaced, on which recognition is measured.

    Raises
    ------
    DataError
        If a value is of another type or outside its range, or a task has no weight.

    Examples
    --------
    >>> training = TrainingConfig(
    ...     epochs=1, batch_windows=8, steps_per_epoch=1, learning_rate=0.01, schedule="staircase"
    ... )
    >>> sorted(PretextConfig(training).task_weights) == sorted(TASKS)
    True
    """

    training: TrainingConfig
    transforms: TransformConfig = field(default_factory=TransformConfig)
    task_weights: Mapping[str, float] = field(default_factory=lambda: dict(TASK_WEIGHTS))
    balanced: bool = False
    dropout: float = 0.6
    head_l2: float = 1e-4
    n_groups: int = 3
    heldout_windows: int = 300

    def __post_init__(self) -> None:
        check_fields(self)
        if set(self.task_weights) != set(TASKS):
            raise DataError(
                f"weights of {', '.join(map(str, self.task_weights))}",
                field="task_weights",
                expected="a weight for each of " + ", ".join(TASKS),
            )
        for weight in self.task_weights.values():
            checks.number("task_weights", weight, 0)
        checks.whole("n_groups", self.n_groups, 2)
        checks.whole("heldout_windows", self.heldout_windows, 1)


@checked
def build_str_model(
    config: PretextConfig, encoder: EncoderConfig, length: int, seed: int = 0
) -> STRModel:
    """Build the whole network of a pretext, untrained.

    Parameters
    ----------
    config : PretextConfig
        Transformations, heads and loss.
    encoder : EncoderConfig
        Shape of the encoder.
    length : int
        Window length in samples.
    seed : int
        Seed of the encoder, of the heads and of the transformations.

    Returns
    -------
    STRModel

    Examples
    --------
    >>> training = TrainingConfig(
    ...     epochs=1, batch_windows=8, steps_per_epoch=1, learning_rate=0.01, schedule="staircase"
    ... )
    >>> shape = EncoderConfig(filters=(4, 8), kernels=(8, 4))
    >>> build_str_model(PretextConfig(training), shape, length=360).encoder.output_shape
    (None, 8)
    """
    seeds = layer_seeds(seed, 3)
    network = build_encoder(encoder, length, seed=seeds[0])
    heads = build_str_heads(
        network.output_shape[-1], dropout=config.dropout, l2=config.head_l2, seed=seeds[1]
    )
    return STRModel(
        network, heads, config.transforms, config.task_weights, config.balanced, seed=seeds[2]
    )
