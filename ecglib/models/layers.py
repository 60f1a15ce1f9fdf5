"""Random numbers and layers like Keras' own, and faster on a CPU."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from scipy import special

from ecglib.core.annotations import checked

Seed = int | keras.random.SeedGenerator
"""Source of random numbers: a generator, or an integer that gives the same ones at every call."""


def uniform(shape: Any, *, seed: Seed) -> Any:
    """Draw float32 numbers, each equally likely anywhere from 0 up to but not including 1.

    Keras' own `keras.random.uniform` leaves the choice of the generator to TensorFlow, and on a
    CPU a compiled program that has to choose is many times slower. Here it is named: Philox, which
    TensorFlow takes itself where nothing is compiled. A compiled program uses it in another order,
    so its numbers are others.

    Parameters
    ----------
    shape : tuple of int
        Shape of the result; on TensorFlow an entry may be a tensor.
    seed : int or SeedGenerator
        An integer gives the same numbers at every call.

    Returns
    -------
    tensor of float32, `shape`

    Examples
    --------
    >>> drawn = np.asarray(uniform((2, 3), seed=0))
    >>> drawn.shape, bool(((drawn >= 0) & (drawn < 1)).all())
    ((2, 3), True)
    """
    if keras.backend.backend() != "tensorflow":
        return keras.random.uniform(shape, dtype="float32", seed=seed)
    import tensorflow as tf  # on another backend it need not be there

    return tf.random.stateless_uniform(shape, _state(seed), alg="philox")


def normal(shape: Any, *, seed: Seed) -> Any:
    """Draw float32 numbers of the standard normal distribution, in steps of its quantiles.

    Each number is one of 65,536 equally likely ones: the medians of as many equally likely parts
    of the distribution. So a draw takes 16 random bits and a look into a table, which on a CPU is
    faster than finer numbers. Up to 2 standard deviations from 0 the steps are below 0.001; no
    number is further from 0 than 4.33, and their variance is 0.99998.

    Parameters
    ----------
    shape : tuple of int
        Shape of the result, at least one entry; on TensorFlow all but the last may be tensors.
    seed : int or SeedGenerator
        An integer gives the same numbers at every call.

    Returns
    -------
    tensor of float32, `shape`

    Examples
    --------
    >>> drawn = np.asarray(normal((1000,), seed=0))
    >>> drawn.dtype.name, bool(abs(drawn.std() - 1) < 0.1)
    ('float32', True)
    """
    return ops.take(ops.convert_to_tensor(_normal_quantiles()), _sixteen_bits(shape, seed))


@functools.cache
def _normal_quantiles() -> np.ndarray:
    """Give the medians of 65,536 equally likely parts of the normal distribution, in order."""
    return special.ndtri((np.arange(2**16) + 0.5) / 2**16).astype("float32")


def _sixteen_bits(shape: Any, seed: Seed) -> Any:
    """Draw int32 numbers from 0 to 65,535; both halves of each word that TensorFlow draws."""
    if keras.backend.backend() != "tensorflow":
        return ops.cast(uniform(shape, seed=seed) * 2**16, "int32")
    import tensorflow as tf

    *rest, n = shape
    words = tf.random.stateless_uniform(
        (*rest, (n + 1) // 2), _state(seed), None, None, tf.uint32, alg="philox"
    )
    halves = tf.concat([words & 0xFFFF, tf.bitwise.right_shift(words, 16)], axis=-1)
    return tf.cast(halves[..., :n], tf.int32)


def _state(seed: Seed) -> Any:
    """Give the two numbers from which a generator of TensorFlow starts."""
    return ops.cast(np.array([seed, 0]) if isinstance(seed, int) else seed.next(), "int32")


@keras.saving.register_keras_serializable(package="ecglib")
class Dropout(keras.layers.Dropout):
    """A `keras.layers.Dropout` that draws with `uniform`.

    Parameters
    ----------
    rate : float
        Share of the inputs that are set to zero in training; the others are divided by
        ``1 - rate``.
    **kwargs
        Other arguments of `keras.layers.Dropout`.

    Examples
    --------
    >>> kept = np.asarray(Dropout(0.5, seed=0)(np.ones((1, 100), "float32"), training=True))
    >>> np.unique(kept).tolist()
    [0.0, 2.0]
    """

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Drop at random in training; else return the inputs."""
        if not training or self.rate == 0:
            return inputs
        shape = ops.shape(inputs)
        if self.noise_shape is not None:
            pairs = zip(self.noise_shape, shape, strict=True)
            shape = tuple(size if same is None else same for same, size in pairs)
        kept = uniform(shape, seed=self.seed_generator) >= self.rate
        return ops.where(kept, inputs / (1 - self.rate), 0.0)


@functools.cache
def spectral_matrices(kernel: int, block: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the matrices that turn a convolution into products of spectra, all real.

    With ``length = block + kernel - 1`` (or one more, to be even), the spectra are taken at the
    ``length / 2`` frequencies (f + 1/2) / length. At these every value is complex, and all are
    needed. A product of complex numbers takes three real products (Gauss), so there are
    ``1.5 * length`` of them. The sums before and after are part of the matrices.

    Parameters
    ----------
    kernel, block : int
        Samples of the kernel, and of a piece of the signal.

    Returns
    -------
    of_block : ndarray of float32, shape (products, block)
    of_kernel : ndarray of float32, shape (products, kernel)
    back : ndarray of float32, shape (products, length)
        ``back.T @ ((of_block @ x) * (of_kernel @ w))`` is the full convolution of `x` with `w`.
    """
    length = block + kernel - 1 + (block + kernel - 1) % 2
    angle = 2 * np.pi * np.outer(np.arange(length // 2) + 0.5, np.arange(length)) / length
    c, s = np.cos(angle), -np.sin(angle)
    cx, sx, cw, sw = c[:, :block], s[:, :block], c[:, :kernel], s[:, :kernel]
    # (a + ib)(c + id) = p - r + i(p + q) with p = (a + b)c, q = a(d - c), r = b(c + d).
    of_block = np.concatenate([cx + sx, cx, sx])
    of_kernel = np.concatenate([cw, sw - cw, cw + sw])
    back = np.concatenate([c + s, s, -c]) * (2 / length)
    return tuple(m.astype(np.float32) for m in (of_block, of_kernel, back))


@keras.saving.register_keras_serializable(package="ecglib")
class SpectralConv1D(keras.layers.Conv1D):
    """A `keras.layers.Conv1D` ("same", stride 1) that multiplies spectra of short pieces.

    The signal is cut into pieces twice as long as the kernel. Both are taken to the frequency
    domain, multiplied there, taken back, and the overlapping results added. Each of these steps,
    and so each of their gradients, is a matrix product. With many channels and a long kernel that
    needs far fewer multiplications than the direct way, and the gradient of the kernel, which is
    slow in the libraries for CPUs, becomes as fast as the rest. The result is the same up to
    rounding.

    Parameters
    ----------
    filters, kernel_size : int
        As for `keras.layers.Conv1D`.
    **kwargs
        Other arguments of `keras.layers.Conv1D`.

    Raises
    ------
    ValueError
        If the convolution is strided, dilated, grouped or padded otherwise, or the channels come
        first; or if it computes in less than float32, which spectra don't bear.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(1, 64, 2)).astype("float32")
    >>> layer, direct = SpectralConv1D(4, 8), keras.layers.Conv1D(4, 8, padding="same")
    >>> for one in (layer, direct):
    ...     one.build(x.shape)
    >>> direct.set_weights(layer.get_weights())
    >>> bool(np.allclose(layer(x), direct(x), atol=1e-5))
    True
    """

    @checked
    def __init__(self, filters: int, kernel_size: int | Sequence[int], **kwargs: Any) -> None:
        super().__init__(filters, kernel_size, **{"padding": "same", **kwargs})
        found = (self.strides, self.dilation_rate, self.groups, self.padding, self.data_format)
        if found != ((1,), (1,), 1, "same", "channels_last"):
            raise ValueError(
                f"layer '{self.name}' convolves with padding 'same', the channels last, and "
                "without strides, dilation or groups only"
            )
        if keras.backend.standardize_dtype(self.compute_dtype) in ("float16", "bfloat16"):
            raise ValueError(
                f"layer '{self.name}' computes in {self.compute_dtype}: spectra need float32"
            )

    def call(self, inputs: Any) -> Any:
        """Convolve (batch, n, channels) to (batch, n, filters); n is fixed."""
        size, channels, filters = self.kernel.shape
        n, block = inputs.shape[1], 2 * size  # from 1 to 3 it makes little difference
        n_blocks = -(-n // block)
        of_block, of_kernel, back = spectral_matrices(size, block)
        x = ops.pad(inputs, [(0, 0), (0, n_blocks * block - n), (0, 0)])
        x = ops.einsum("ps,nsc->pnc", of_block, ops.reshape(x, (-1, block, channels)))
        # Keras' convolution is a correlation.
        w = ops.einsum("pk,kcd->pcd", of_kernel, ops.flip(self.kernel, axis=0))
        y = ops.einsum("pl,pnd->nld", back, ops.matmul(x, w))
        # What a piece leaves behind its end belongs to the next one.
        y = ops.reshape(y, (-1, n_blocks, back.shape[1], filters))
        own = ops.pad(y[:, :, :block], [(0, 0), (0, 1), (0, 0), (0, 0)])
        shift = [(0, 0), (1, 0), (0, 2 * block - back.shape[1]), (0, 0)]
        y = own + ops.pad(y[:, :, block:], shift)
        y = ops.reshape(y, (-1, (n_blocks + 1) * block, filters))
        first = size // 2  # the padding of "same" is (size - 1) // 2 before and the rest behind
        y = y[:, first : first + n]
        return self.activation(y + self.bias if self.use_bias else y)


@keras.saving.register_keras_serializable(package="ecglib")
class BlockMaxPooling1D(keras.layers.MaxPooling1D):
    """A `keras.layers.MaxPooling1D` ("valid") whose gradient is elementwise.

    XLA computes the gradient of the built-in pooling on one core, by searching every pool anew
    for its largest sample. Here neighbouring samples are reduced in blocks first, and a pool is
    the maximum of a few blocks: gradients are products with masks, which run on all cores.

    Parameters
    ----------
    pool_size, strides : int
        As for `keras.layers.MaxPooling1D`.
    **kwargs
        Other arguments of `keras.layers.MaxPooling1D`.

    Raises
    ------
    ValueError
        If the padding is not "valid" or the channels come first.

    Notes
    -----
    Input (batch, n, channels) with a fixed n; output (batch, (n - pool_size) // strides + 1,
    channels). Where several samples of a pool are the largest, they may share its gradient; the
    built-in layer gives it to one of them.

    Examples
    --------
    >>> x = np.array([[[1.0], [3.0], [2.0], [0.0]]], "float32")
    >>> np.asarray(BlockMaxPooling1D(2, 2)(x)).ravel().tolist()
    [3.0, 2.0]
    """

    @checked
    def __init__(
        self,
        pool_size: int | Sequence[int] = 2,
        strides: int | Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, **kwargs)
        if (self.padding, self.data_format) != ("valid", "channels_last"):
            raise ValueError(
                f"layer '{self.name}' pools with padding 'valid' and the channels last only, not "
                f"with {self.padding!r} and {self.data_format!r}"
            )

    def call(self, inputs: Any) -> Any:
        """Pool; see the class."""
        size, stride = self.pool_size[0], self.strides[0]
        _, n, channels = inputs.shape
        n_pools = (n - size) // stride + 1
        block = math.gcd(size, stride)
        blocks_per_pool, step = size // block, stride // block
        n_blocks = (n_pools - 1) * step + blocks_per_pool
        x = ops.reshape(inputs[:, : n_blocks * block], (-1, n_blocks, block, channels))
        blocks = ops.max(x, axis=2)
        # The maximum over twice the width is that of two neighbours, so a few steps are enough.
        width = 1
        while width < blocks_per_pool:
            shift = min(width, blocks_per_pool - width)
            blocks = ops.maximum(blocks[:, :-shift], blocks[:, shift:])
            width += shift
        return blocks[:, ::step]


POOLINGS = {"max": ("max",), "mean": ("mean",), "both": ("max", "mean"), "scales": ("mean", "part")}
"""What is kept of each feature map over time, by name; the parts are those of `pool_time`."""

PARTS = 10
"""Parts of a window in `pool_time`: of 10 s, seconds."""


def pool_time(maps: Any, kind: str, xp: Any = ops) -> Any:
    """Pool feature maps over time.

    Parameters
    ----------
    maps : tensor or ndarray, shape (batch, n, channels)
        Feature maps; n is fixed and at least `PARTS`.
    kind : {"max", "mean", "part"}
        The maximum, the mean, or the mean of the maxima of `PARTS` equal parts.
    xp : module
        ``keras.ops`` for tensors, ``numpy`` for arrays.

    Returns
    -------
    tensor or ndarray, shape (batch, channels)

    Examples
    --------
    >>> import numpy as np
    >>> once, often = np.eye(1, 40)[0], np.tile([0.0, 1.0], 20)
    >>> maps = np.stack([once, often], axis=-1)[None]
    >>> for kind in ("max", "mean", "part"):
    ...     print(kind, *pool_time(maps, kind, np)[0])
    max 1.0 1.0
    mean 0.025 0.5
    part 0.1 1.0
    """
    if kind == "max":
        return xp.max(maps, axis=1)
    if kind == "mean":
        return xp.mean(maps, axis=1)
    _, n, channels = maps.shape
    length = n // PARTS
    parts = xp.reshape(maps[:, : PARTS * length], (-1, PARTS, length, channels))
    return xp.mean(xp.max(parts, axis=2), axis=1)


@keras.saving.register_keras_serializable(package="ecglib")
class TimePooling(keras.layers.Layer):
    """A layer that keeps two numbers of each feature map, side by side.

    Parameters
    ----------
    pooling : str
        One of `POOLINGS`.
    **kwargs
        Other arguments of `keras.layers.Layer`.

    Examples
    --------
    >>> x = np.array([[[1.0], [3.0], [2.0], [0.0]]], "float32")
    >>> np.asarray(TimePooling("both")(x)).tolist()
    [[3.0, 1.5]]
    """

    @checked
    def __init__(self, pooling: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pooling = pooling

    def call(self, inputs: Any) -> Any:
        """Pool (batch, n, channels) to (batch, n_features)."""
        return ops.concatenate([pool_time(inputs, k) for k in POOLINGS[self.pooling]], axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Give the arguments, for saving."""
        return {**super().get_config(), "pooling": self.pooling}
