"""The encoder, the seven pretext heads, the network that trains both, and the emotion heads.

Every head ends in logits: train with losses that say ``from_logits=True``.

References
----------
Sarkar & Etemad, "Self-supervised ECG Representation Learning for Emotion Recognition", IEEE
Transactions on Affective Computing (arXiv 2002.03898), section 3; released code
github.com/pritamqu/SSL-ECG, ``model.py`` and ``main.py``.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

import keras
import numpy as np
from keras import layers, ops

from ecglib.layers import BlockMaxPooling1D, Dropout, SpectralConv1D
from ecglib.transforms import TASKS, AllVersions, TransformConfig

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


@dataclasses.dataclass(frozen=True)
class EncoderConfig:
    """Shape of the encoder; the defaults are those of the paper.

    Parameters
    ----------
    pool_stride : int
        Stride of the max poolings. 2 gives the published 2560 -> 1277 -> 635 samples; 8, the pool
        size, costs less than half the time.
    activation : {"relu", "leaky_relu"}
        The paper's text says ReLU, the released code uses leaky ReLU.
    slope : float
        Slope of the leaky ReLU for negative values.
    batch_norm : bool
        Put batch normalisation between convolution and activation; the convolutions then have no
        bias.
    filters, kernels : tuple of int
        Number of filters and kernel size of the two convolutions of each block.
    pool_size : int
        Size of the max pooling between two blocks.
    l2 : float
        β of the penalty β/2·‖w‖² on every convolution kernel.
    convolution : {"direct", "spectral"}
        How the convolutions are computed, except the first, which has a single channel.
        ``"spectral"`` (`ecglib.layers.SpectralConv1D`) gives the same numbers up to rounding and
        is faster on a CPU. Weights fit both.
    precision : {"float32", "bfloat16"}
        Type in which convolutions and their gradients are computed. ``"bfloat16"`` is Keras' mixed
        precision, for a graphics card with units for it; weights, features and everything after
        the encoder stay float32.
    """

    pool_stride: int = 2
    activation: Literal["relu", "leaky_relu"] = "relu"
    slope: float = 0.2
    batch_norm: bool = False
    filters: tuple[int, ...] = (32, 64, 128)
    kernels: tuple[int, ...] = (32, 16, 8)
    pool_size: int = 8
    l2: float = 1e-4
    convolution: Literal["direct", "spectral"] = "direct"
    precision: Literal["float32", "bfloat16"] = "float32"

    def __post_init__(self) -> None:
        for name, known in (
            ("convolution", ("direct", "spectral")),
            ("precision", ("float32", "bfloat16")),
        ):
            value = getattr(self, name)
            if value not in known:
                raise ValueError(f"{name} {value!r} is unknown: use {known[0]!r} or {known[1]!r}")
        if (self.convolution, self.precision) == ("spectral", "bfloat16"):
            raise ValueError("spectral convolutions need float32: use direct ones with bfloat16")
        if self.activation not in ("relu", "leaky_relu"):
            raise ValueError(
                f"activation {self.activation!r} is unknown: use 'relu' or 'leaky_relu'"
            )
        if len(self.filters) != len(self.kernels):
            raise ValueError(
                f"{len(self.filters)} filters and {len(self.kernels)} kernels: give one of each "
                "per block"
            )


def half_l2(beta: float) -> keras.regularizers.Regularizer:
    """Give the penalty β/2·‖w‖².

    The released code (TensorFlow 1, ``tf.nn.l2_loss``) has the half, `keras.regularizers.L2` has
    not: this is ``L2(beta / 2)``.
    """
    return keras.regularizers.L2(beta / 2)


def layer_seeds(seed: int, n: int) -> list[int]:
    """Derive `n` unrelated seeds from one, for layers that are built together."""
    return [int(s) for s in np.random.SeedSequence(seed).generate_state(n) >> 1]


def build_encoder(
    config: EncoderConfig | None = None, length: int = 2560, seed: int = 0, name: str = "encoder"
) -> keras.Model:
    """Build the convolutional encoder: windows (batch, length) -> features (batch, 128).

    Each block is two "same" convolutions, and a "valid" max pooling except after the last block,
    which ends in global max pooling. The convolutions are named ``conv_layer_1`` to
    ``conv_layer_6`` as in the released checkpoint.

    Parameters
    ----------
    config : EncoderConfig, optional
        Shape of the network; the paper's by default, with 329,152 parameters.
    length : int
        Window length in samples.
    seed : int
        Seed of the initial weights.
    name : str
        Name of the model.

    Returns
    -------
    keras.Model
    """
    config = config or EncoderConfig()
    seeds = iter(layer_seeds(seed, 2 * len(config.filters)))
    dtype = "mixed_bfloat16" if config.precision == "bfloat16" else "float32"
    inputs = keras.Input((length,), name="window")
    x = layers.Reshape((length, 1))(inputs)
    number = 0
    for block, (filters, kernel) in enumerate(zip(config.filters, config.kernels, strict=True)):
        if block:
            x = BlockMaxPooling1D(
                config.pool_size, config.pool_stride, dtype=dtype, name=f"pool_{block}"
            )(x)
        for _ in range(2):
            number += 1
            spectral = config.convolution == "spectral" and number > 1
            x = (SpectralConv1D if spectral else layers.Conv1D)(
                filters,
                kernel,
                padding="same",
                use_bias=not config.batch_norm,
                kernel_initializer=keras.initializers.GlorotUniform(next(seeds)),
                kernel_regularizer=half_l2(config.l2),
                dtype=dtype,
                name=f"conv_layer_{number}",
            )(x)
            if config.batch_norm:
                # Keras' default of 0.99 would leave the moving statistics unfinished after a short
                # training: a third of the initial values remains after 100 steps, here after 10.
                x = layers.BatchNormalization(
                    momentum=0.9, dtype=dtype, name=f"batch_norm_{number}"
                )(x)
            slope = config.slope if config.activation == "leaky_relu" else 0.0
            x = layers.ReLU(negative_slope=slope, dtype=dtype, name=f"activation_{number}")(x)
    features = layers.GlobalMaxPooling1D(dtype="float32", name="features")(x)
    return keras.Model(inputs, features, name=name)


def build_str_heads(
    n_features: int = 128,
    hidden: int = 128,
    dropout: float = 0.6,
    l2: float = 1e-4,
    seed: int = 0,
    name: str = "str_heads",
) -> keras.Model:
    """Build the seven pretext heads: features (batch, n_features) -> logits (batch, 7).

    Each head is n_features -> hidden -> hidden -> 1 with ReLU and dropout, 33,153 parameters as
    published. The seven kernels of a layer are stacked, so that all heads are one batched matrix
    product; the heads share nothing.

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

    Returns
    -------
    keras.Model
        Output column `t` is the head that recognises ``TASKS[t]``.
    """
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
    x = Dropout(dropout, seed=next(seeds))(layers.ReLU()(x))
    x = stacked_dense("bth,thk->btk", hidden, hidden, (n_heads, hidden), "tk", "dense_2")(x)
    x = Dropout(dropout, seed=next(seeds))(layers.ReLU()(x))
    x = stacked_dense("btk,tk->bt", hidden, 1, (n_heads,), "t", "logits")(x)
    return keras.Model(inputs, x, name=name)


class STRModel(keras.Model):
    """Signal transformation recognition: raw windows in, which-transformation logits out.

    The seven versions of each window are drawn inside the model (`AllVersions`), and every head
    answers one question about every version: is this my transformation? ``fit`` takes windows
    alone. The loss is the weighted sum over the tasks of the binary cross-entropy, averaged over
    all versions, plus the L2 penalties.

    Parameters
    ----------
    encoder : keras.Model
        Windows (batch, length) -> features; see `build_encoder`.
    heads : keras.Model
        Features -> logits (batch, 7); see `build_str_heads`.
    transforms : TransformConfig, optional
        Strength of the transformations; published values by default.
    task_weights : mapping of str to float
        Weight of each task of `TASKS`.
    balanced : bool
        Weight a head's one positive version by 7/2 and its six negative versions by 7/12, so that
        both classes count equally. The released code does not.
    seed : int
        Seed of the transformations.

    Raises
    ------
    ValueError
        If `task_weights` does not name exactly the seven tasks.
    """

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


def build_head(
    hidden: Sequence[int] = (64, 64),
    n_outputs: int = 1,
    dropout: float = 0.0,
    l2: float = 0.0,
    n_features: int = 128,
    seed: int = 0,
    name: str = "head",
) -> keras.Model:
    """Build an emotion head: features (batch, n_features) -> logits (batch, n_outputs).

    Parameters
    ----------
    hidden : sequence of int
        Units of the hidden ReLU layers. The default is the book's head, 2 × 64.
    n_outputs : int
        Number of logits.
    dropout : float
        Share of the units of each hidden layer that is dropped in training.
    l2 : float
        Adds ``l2 * sum(w**2)`` to the loss for every hidden kernel, as `ecglib.heads.HeadConfig`
        has it and as the released classifier does; the pretext's penalty has a half.
    n_features : int
        Number of features of the encoder.
    seed : int
        Seed of the initial weights and of the dropout.
    name : str
        Name of the model.

    Returns
    -------
    keras.Model
    """
    seeds = iter(layer_seeds(seed, 2 * len(hidden) + 1))

    def glorot() -> keras.Initializer:
        return keras.initializers.GlorotUniform(next(seeds))

    inputs = keras.Input((n_features,), name="features")
    x = inputs
    for i, units in enumerate(hidden, start=1):
        x = layers.Dense(
            units,
            "relu",
            kernel_initializer=glorot(),
            kernel_regularizer=keras.regularizers.L2(l2) if l2 else None,
            name=f"dense_{i}",
        )(x)
        if dropout:
            x = Dropout(dropout, seed=next(seeds))(x)
    logits = layers.Dense(n_outputs, kernel_initializer=glorot(), name="logits")(x)
    return keras.Model(inputs, logits, name=name)


def build_emotion_model(
    encoder: keras.Model, heads: Sequence[keras.Model], name: str = "emotion_model"
) -> keras.Model:
    """Join an encoder and emotion heads: windows (batch, length) -> logits (batch, n_outputs).

    Parameters
    ----------
    encoder : keras.Model
        Windows -> features; set ``encoder.trainable = False`` to keep it frozen.
    heads : sequence of keras.Model
        One head per target, each with its own name.
    name : str
        Name of the model.

    Returns
    -------
    keras.Model
        The heads' logits side by side, in the order of `heads`.
    """
    inputs = keras.Input(encoder.input_shape[1:], name="window")
    features = encoder(inputs)
    logits = [head(features) for head in heads]
    outputs = logits[0] if len(logits) == 1 else layers.Concatenate(name="emotions")(logits)
    return keras.Model(inputs, outputs, name=name)
