"""The convolutional encoder: windows in, 128 features out.

References
----------
Sarkar & Etemad, "Self-supervised ECG Representation Learning for Emotion Recognition", IEEE
Transactions on Affective Computing (arXiv 2002.03898), section 3; released code
github.com/pritamqu/SSL-ECG, ``model.py`` and ``main.py``.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

import keras
import numpy as np
from keras import layers

from ecglib.core import checks
from ecglib.core.annotations import check_fields, checked
from ecglib.core.artifacts import later
from ecglib.core.errors import DataError
from ecglib.models.layers import POOLINGS, BlockMaxPooling1D, SpectralConv1D, TimePooling


@dataclasses.dataclass(frozen=True)
class EncoderConfig:
    """Shape of the encoder; the defaults are those of the paper.

    Parameters
    ----------
    pool_stride : int
        Stride of the max poolings. 2 gives the published 2560 → 1277 → 635 samples; 8, the pool
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
        ``"spectral"`` (`ecglib.models.layers.SpectralConv1D`) gives the same numbers up to rounding
        and is faster on a CPU. Weights fit both.
    precision : {"float32", "bfloat16"}
        Type in which convolutions and their gradients are computed. ``"bfloat16"`` is Keras' mixed
        precision, for a graphics card with units for it; weights, features and everything after
        the encoder stay float32.
    pooling : {"max", "mean", "both", "scales"}
        What is kept of the last feature maps: their maximum over time, as published, which forgets
        how often something happens; their mean; both, side by side; or two time scales, the mean
        over the window beside the mean of the maxima of its tenths. The last two give twice as many
        features. Weights fit all four; see `with_pooling`.

    Examples
    --------
    >>> EncoderConfig().filters, EncoderConfig(pooling="both").pooling
    ((32, 64, 128), 'both')
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
    pooling: Literal["max", "mean", "both", "scales"] = later("max")

    def __post_init__(self) -> None:
        check_fields(self)
        if (self.convolution, self.precision) == ("spectral", "bfloat16"):
            raise DataError(
                "spectral convolutions in bfloat16",
                field="precision",
                expected="float32, which they need",
                remedy="use direct convolutions with bfloat16",
            )
        checks.number("slope", self.slope, 0, below=1)
        if len(self.filters) != len(self.kernels):
            raise ValueError(
                f"{len(self.filters)} filters and {len(self.kernels)} kernels: give one of each "
                "per block"
            )


@checked
def half_l2(beta: float) -> keras.regularizers.Regularizer:
    """Give the penalty `beta`/2·‖w‖².

    The released code (TensorFlow 1, ``tf.nn.l2_loss``) has the half, `keras.regularizers.L2` has
    not: this is ``L2(beta / 2)``.

    Examples
    --------
    >>> float(half_l2(0.5)(np.array([2.0])))
    1.0
    """
    return keras.regularizers.L2(checks.number("beta", beta, 0) / 2)


@checked
def layer_seeds(seed: int, n: int) -> list[int]:
    """Derive `n` unrelated seeds from one `seed`, for layers that are built together.

    Examples
    --------
    >>> len(set(layer_seeds(0, 3))), layer_seeds(0, 2) == layer_seeds(0, 2)
    (3, True)
    """
    return [int(s) for s in np.random.SeedSequence(seed).generate_state(n) >> 1]


@checked
def build_encoder(
    config: EncoderConfig | None = None, length: int = 2560, seed: int = 0, name: str = "encoder"
) -> keras.Model:
    """Build the convolutional encoder: windows (batch, length) -> features (batch, 128).

    Each block is two "same" convolutions, and a "valid" max pooling except after the last block,
    which ends in global pooling over time. The convolutions are named ``conv_layer_1`` to
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

    Examples
    --------
    >>> encoder = build_encoder(EncoderConfig(filters=(4, 8), kernels=(8, 4)), length=256)
    >>> encoder.input_shape, encoder.output_shape
    ((None, 256), (None, 8))
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
    features = _pool(config.pooling)(x)
    return keras.Model(inputs, features, name=name)


@checked
def with_pooling(encoder: keras.Model, pooling: str) -> keras.Model:
    """Pool the last feature maps of an encoder in another way.

    Parameters
    ----------
    encoder : keras.Model
        From `build_encoder`.
    pooling : {"max", "mean", "both", "scales"}
        As in `EncoderConfig`.

    Returns
    -------
    keras.Model
        From windows to features, with the layers of `encoder`, so with its weights, now and later.

    Raises
    ------
    ValueError
        If the pooling is unknown, or the encoder is built in another way.

    Examples
    --------
    >>> encoder = build_encoder(EncoderConfig(filters=(4, 8), kernels=(8, 4)), length=256)
    >>> with_pooling(encoder, "both").output_shape
    (None, 16)
    """
    if pooling not in POOLINGS:
        raise ValueError(f"pooling {pooling!r} is unknown: use {' or '.join(map(repr, POOLINGS))}")
    last = encoder.layers[-1]
    if last.name != "features":
        raise ValueError(
            f"encoder '{encoder.name}' ends in a layer '{last.name}', not in the pooling of "
            "build_encoder: its feature maps are not known"
        )
    return keras.Model(encoder.input, _pool(pooling)(last.input), name=encoder.name)


def _pool(pooling: str) -> keras.Layer:
    """Build the last layer of an encoder."""
    simple = {"max": layers.GlobalMaxPooling1D, "mean": layers.GlobalAveragePooling1D}
    if pooling in simple:
        return simple[pooling](dtype="float32", name="features")
    return TimePooling(pooling, dtype="float32", name="features")


@checked
def even_batch(n: int, most: int) -> int:
    """Give a batch up to `most` that divides `n`, so that one shape is compiled.

    Where the largest such batch would be small, it is `most`.

    Examples
    --------
    >>> even_batch(300, 128), even_batch(307, 128)
    (100, 128)
    """
    checks.whole("n", n, 1)
    checks.whole("most", most, 1)
    size = next(size for size in range(min(most, n), 0, -1) if n % size == 0)
    return size if size > most // 4 else most
