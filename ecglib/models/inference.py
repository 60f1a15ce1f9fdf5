"""The forward pass of an encoder with fixed weights, in NumPy: the fastest way on a CPU.

A network that is only applied, not trained, needs no gradients and keeps no intermediate results.
So each core takes a few windows through all layers, in memory that stays in its cache, and almost
all of its work is products of small matrices, which NumPy does at full speed.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import keras
import numpy as np
from keras import layers
from numpy.lib.stride_tricks import as_strided
from threadpoolctl import ThreadpoolController

from ecglib.core.annotations import checked
from ecglib.models.layers import (
    POOLINGS,
    BlockMaxPooling1D,
    SpectralConv1D,
    TimePooling,
    pool_time,
    spectral_matrices,
)

TILE = 4
"""Windows that one core takes through the network together: few, so that its cache holds them."""

PIECE = 32
"""Samples, or more, that a convolution computes from one spectrum."""

FIRST_PIECE = 8
"""Samples that the first convolution computes in one row of its matrix product."""

Scratch = Callable[[str, tuple[int, ...]], np.ndarray]
"""Gives the memory of a name, in a shape; what it held is lost."""

_one_at_a_time = threading.Lock()
# A forward pass takes all cores, and while it runs the linear algebra has one thread; two at once
# would not be faster, and could put back each other's number.


def new_scratch() -> Scratch:
    """Give memory that is used again and again, for one thread.

    Examples
    --------
    >>> scratch = new_scratch()
    >>> scratch("a", (2, 3)).shape
    (2, 3)
    """
    memory: dict[str, np.ndarray] = {}

    def scratch(name: str, shape: tuple[int, ...]) -> np.ndarray:
        size = math.prod(shape)
        if name not in memory or memory[name].size < size:
            memory[name] = np.empty(size, np.float32)
        return memory[name][:size].reshape(shape)

    return scratch


@dataclasses.dataclass
class Block:
    """A convolution of the encoder and what follows it until the next.

    Parameters
    ----------
    kernel : ndarray of float32, shape (size, channels, filters)
        With the factors of a batch normalisation, if there is one.
    bias : ndarray of float32, shape (filters,)
        Likewise.
    slope : float
        Of the (leaky) ReLU for negative values, from 0 to 1.
    pool : tuple of int, optional
        Size and stride of a max pooling.

    Examples
    --------
    >>> block = Block(np.ones((3, 1, 2), "float32"), np.array([1.0, -3.0], "float32"), slope=0.5)
    >>> y = np.zeros((1, 2, 2), "float32")
    >>> block.activate(y, y)
    >>> y[0].tolist()
    [[1.0, -1.5], [1.0, -1.5]]
    """

    kernel: np.ndarray
    bias: np.ndarray
    slope: float = 1.0
    pool: tuple[int, int] | None = None

    def activate(self, y: np.ndarray, out: np.ndarray) -> None:
        """Add the bias to `y` and put it through the activation into `out`; `y` is lost."""
        y += self.bias
        np.maximum(y, self.slope * y if self.slope else 0, out=out)


class FirstConvolution:
    """A "same" convolution of one channel, as a product with a banded matrix.

    Parameters
    ----------
    kernel : ndarray of float32, shape (size, 1, filters)
        The kernel.
    length : int
        Samples of a window.

    Examples
    --------
    >>> first = FirstConvolution(np.ones((3, 1, 2), "float32"), length=8)
    >>> room, inner = first.room(1, new_scratch())
    >>> room.shape, inner.shape
    ((1, 10, 1), (1, 8, 1))
    """

    def __init__(self, kernel: np.ndarray, length: int) -> None:
        size, _, filters = kernel.shape
        self.length, self.before = length, (size - 1) // 2
        self.n_pieces, self.reach = -(-length // FIRST_PIECE), FIRST_PIECE + size - 1
        self.band = np.zeros((self.reach, FIRST_PIECE, filters), np.float32)
        for i in range(FIRST_PIECE):
            self.band[i : i + size, i] = kernel[:, 0]

    def room(self, n: int, scratch: Scratch) -> tuple[np.ndarray, np.ndarray]:
        """Give zeros around a place for `n` windows, and that place, from `scratch`."""
        size = self.n_pieces * FIRST_PIECE + self.reach - FIRST_PIECE
        return _padded(scratch("input", (n, size, 1)), self.before, self.length)

    def __call__(self, padded: np.ndarray, scratch: Scratch) -> np.ndarray:
        """Convolve what `room` gave, (n, padded length, 1), to (n, length, filters)."""
        pieces = _overlapping(padded, self.n_pieces, FIRST_PIECE, self.reach)[..., 0]
        rows = scratch("rows", pieces.shape)
        rows[:] = pieces  # a matrix product needs rows that don't overlap
        filters = self.band.shape[2]
        y = scratch("output", (len(rows), self.n_pieces * FIRST_PIECE, filters))
        band = self.band.reshape(self.reach, -1)
        np.matmul(rows.reshape(-1, self.reach), band, out=y.reshape(-1, band.shape[1]))
        return y[:, : self.length]


class Convolution:
    """A "same" convolution, with spectra of overlapping pieces.

    `ecglib.models.layers.spectral_matrices` gives a convolution of a short piece with a kernel, of
    which the whole, longer result is used. The transposed matrices give the opposite, a long piece
    and the part of the result that depends on nothing else: Keras' convolution, which is a
    correlation. Its results have only to be put side by side.

    Parameters
    ----------
    kernel : ndarray of float32, shape (size, channels, filters)
        The kernel.
    length : int
        Samples of the signal.

    Examples
    --------
    >>> conv = Convolution(np.ones((3, 2, 4), "float32"), length=8)
    >>> room, inner = conv.room(1, new_scratch())
    >>> inner.shape
    (1, 8, 2)
    """

    def __init__(self, kernel: np.ndarray, length: int) -> None:
        size = len(kernel)
        of_piece, of_kernel, back = spectral_matrices(size, max(PIECE, 2 * size))
        self.n_frequencies = len(back) // 3
        # The first third of the rows is the sum of the others, or their difference.
        self.into = np.ascontiguousarray(back[self.n_frequencies :])
        self.out_of = np.ascontiguousarray(of_piece[self.n_frequencies :].T)
        self.kernel = np.einsum("pk,kcd->pcd", of_kernel, kernel)
        self.length, self.before = length, (size - 1) // 2
        self.n_pieces = -(-length // len(self.out_of))

    def room(self, n: int, scratch: Scratch) -> tuple[np.ndarray, np.ndarray]:
        """Give zeros around a place for `n` signals, and that place, from `scratch`."""
        piece, reach = len(self.out_of), self.into.shape[1]
        shape = (n, self.n_pieces * piece + reach - piece, self.kernel.shape[1])
        return _padded(scratch("input", shape), self.before, self.length)

    def __call__(self, padded: np.ndarray, scratch: Scratch) -> np.ndarray:
        """Convolve what `room` gave, (n, padded length, channels), to (n, length, filters)."""
        n, f = len(padded), self.n_frequencies
        (piece, _), reach = self.out_of.shape, self.into.shape[1]
        n_products, channels, filters = self.kernel.shape
        pieces = _overlapping(padded, self.n_pieces, piece, reach)
        x = scratch("spectrum", (n_products, n, self.n_pieces, channels))
        np.matmul(self.into, pieces, out=np.moveaxis(x[f:], 0, 2))
        np.subtract(x[f : 2 * f], x[2 * f :], out=x[:f])
        y = scratch("product", (n_products, n, self.n_pieces, filters))
        np.matmul(
            x.reshape(n_products, -1, channels),
            self.kernel,
            out=y.reshape(n_products, -1, filters),
        )
        y[f : 2 * f] += y[:f]
        y[2 * f :] += y[:f]
        out = scratch("output", (n, self.n_pieces, piece, filters))
        np.matmul(self.out_of, np.moveaxis(y[f:], 0, 2), out=out)
        return out.reshape(n, -1, filters)[:, : self.length]


class Forward:
    """The forward pass of an encoder: from windows to features.

    The features are those of the encoder up to rounding, on every backend of Keras to the bit.

    Parameters
    ----------
    blocks : list of Block
        The last one is followed by the pooling over time.
    length : int
        Samples of a window.
    pooling : str
        One of `ecglib.models.layers.POOLINGS`.

    Examples
    --------
    >>> from ecglib.models.encoder import EncoderConfig, build_encoder
    >>> encoder = build_encoder(EncoderConfig(filters=(4, 8), kernels=(8, 4)), length=256)
    >>> X = np.random.default_rng(0).normal(size=(2, 256)).astype("float32")
    >>> bool(np.allclose(Forward.of(encoder)(X), encoder(X), atol=1e-5))
    True
    """

    @checked
    def __init__(self, blocks: list[Block], length: int, pooling: str = "max") -> None:
        self.blocks, self.length, self.kinds = blocks, length, POOLINGS[pooling]
        self.n_features = len(blocks[-1].bias) * len(self.kinds)
        self._convolutions: list[FirstConvolution | Convolution] = []
        for number, block in enumerate(blocks):
            kind = Convolution if number else FirstConvolution
            self._convolutions.append(kind(block.kernel, length))
            if block.pool:
                length = (length - block.pool[0]) // block.pool[1] + 1
        self._scratches: list[Scratch] = []

    @classmethod
    @checked
    def of(cls, encoder: keras.Model) -> Forward | None:
        """Take over the weights of an `encoder` as they are now.

        Parameters
        ----------
        encoder : keras.Model
            From `ecglib.models.encoder.build_encoder`.

        Returns
        -------
        Forward or None
            None if it is built in another way, or computes in less than float32.
        """
        blocks, pooling = read_blocks(encoder), _pooling(encoder.layers[-1])
        return None if blocks is None else cls(blocks, encoder.input_shape[1], str(pooling))

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """Give the features of windows, on as many threads as NumPy's linear algebra may use.

        Parameters
        ----------
        X : ndarray of float32, shape (n_windows, n_samples)
            Windows.

        Returns
        -------
        ndarray of float32, shape (n_windows, n_features)
        """
        features = np.empty((len(X), self.n_features), np.float32)
        starts = iter(range(0, len(X), TILE))  # whoever is done takes the next

        def work(scratch: Scratch) -> None:
            for start in starts:
                part = slice(start, start + TILE)
                self._through_all_layers(X[part], features[part], scratch)

        with _one_at_a_time:
            n_threads = max(1, min(_threads(), -(-len(X) // TILE)))
            while len(self._scratches) < n_threads:
                self._scratches.append(new_scratch())
            with _linear_algebra().limit(limits=1), ThreadPoolExecutor(n_threads) as pool:
                list(pool.map(work, self._scratches[:n_threads]))
        return features

    def _through_all_layers(self, X: np.ndarray, features: np.ndarray, scratch: Scratch) -> None:
        padded, place = self._convolutions[0].room(len(X), scratch)
        place[..., 0] = X
        for number, (block, convolve) in enumerate(
            zip(self.blocks, self._convolutions, strict=True), start=1
        ):
            y = convolve(padded, scratch)
            if number == len(self.blocks):
                if self.kinds == ("max",):
                    block.activate(y.max(axis=1), out=features)
                    return
                maps = scratch("maps", y.shape)
                block.activate(y, out=maps)
                pooled = [pool_time(maps, kind, np) for kind in self.kinds]
                np.concatenate(pooled, axis=1, out=features)
                return
            # The activation never falls, so it can wait for the pooling, which leaves it less.
            y = max_pool(y, *block.pool, scratch) if block.pool else y
            padded, place = self._convolutions[number].room(len(X), scratch)
            block.activate(y, out=place)


def max_pool(y: np.ndarray, size: int, stride: int, scratch: Scratch) -> np.ndarray:
    """Take the largest sample of pools, as `ecglib.models.layers.BlockMaxPooling1D` does.

    Parameters
    ----------
    y : ndarray of float32, shape (n, length, channels)
        Signals.
    size, stride : int
        Samples of a pool, and from one to the next.
    scratch : callable
        Where the result lies.

    Returns
    -------
    ndarray of float32, shape (n, n_pools, channels)

    Examples
    --------
    >>> y = np.array([[[1.0], [3.0], [2.0], [0.0]]], "float32")
    >>> max_pool(y, 2, 2, new_scratch()).ravel().tolist()
    [3.0, 2.0]
    """
    n, length, channels = y.shape
    n_pools = (length - size) // stride + 1
    block = math.gcd(size, stride)
    per_pool, step = size // block, stride // block
    n_blocks = (n_pools - 1) * step + per_pool
    blocks = y[:, : n_blocks * block].reshape(n, n_blocks, block, channels)
    largest = scratch("pool 0", (n, n_blocks, channels))
    largest[:] = blocks[:, :, 0]
    for i in range(1, block):
        np.maximum(largest, blocks[:, :, i], out=largest)
    width, turn = 1, 0
    while width < per_pool:
        shift, turn = min(width, per_pool - width), 1 - turn
        longer = scratch(f"pool {turn}", (n, largest.shape[1] - shift, channels))
        largest = np.maximum(largest[:, :-shift], largest[:, shift:], out=longer)
        width += shift
    return largest[:, ::step]


@checked
def read_blocks(encoder: keras.Model) -> list[Block] | None:
    """Read the layers of an `encoder`; None if it is not built as `Forward` knows it.

    Parameters
    ----------
    encoder : keras.Model
        Any model.

    Returns
    -------
    list of Block or None

    Examples
    --------
    >>> from ecglib.models.encoder import EncoderConfig, build_encoder
    >>> encoder = build_encoder(EncoderConfig(filters=(4, 8), kernels=(8, 4)), length=256)
    >>> [block.kernel.shape for block in read_blocks(encoder)]
    [(8, 1, 4), (8, 4, 4), (4, 4, 8), (4, 8, 8)]
    """
    chain = list(encoder.layers)
    first = [layers.InputLayer, layers.Reshape]
    if [type(layer) for layer in chain[:2]] != first or not _pooling(chain[-1]):
        return None
    linked = all(after.input is before.output for before, after in pairwise(chain))
    precise = all(keras.backend.standardize_dtype(x.compute_dtype) == "float32" for x in chain)
    if not (linked and precise) or chain[1].output.shape[2:] != (1,):
        return None
    blocks: list[Block] = []
    known = all(_read(layer, blocks) for layer in chain[2:-1])
    return blocks if known and blocks and not blocks[-1].pool else None


def _pooling(layer: keras.Layer) -> str | None:
    """Name the pooling over time that a layer does, or None."""
    if isinstance(layer, TimePooling):
        return layer.pooling
    simple = {layers.GlobalMaxPooling1D: "max", layers.GlobalAveragePooling1D: "mean"}
    if type(layer) not in simple or layer.keepdims or layer.data_format != "channels_last":
        return None
    return simple[type(layer)]


def _read(layer: keras.Layer, blocks: list[Block]) -> bool:
    """Add a layer to the blocks, and tell whether that was possible."""
    kind, numpy = type(layer), keras.ops.convert_to_numpy
    if kind in (layers.Conv1D, SpectralConv1D):
        found = (layer.strides, layer.dilation_rate, layer.groups, layer.padding, layer.data_format)
        if found != ((1,), (1,), 1, "same", "channels_last"):
            return False
        if layer.activation is not keras.activations.linear:
            return False
        kernel = numpy(layer.kernel)
        bias = numpy(layer.bias) if layer.use_bias else np.zeros(kernel.shape[2], np.float32)
        blocks.append(Block(kernel, bias))
        return True
    if not blocks or blocks[-1].pool:
        return False
    block = blocks[-1]
    activated = block.slope < 1
    if kind is layers.BatchNormalization and not activated:
        if layer.axis not in (2, -1):
            return False
        scale = 1 / np.sqrt(numpy(layer.moving_variance) + np.float32(layer.epsilon))
        scale = scale * numpy(layer.gamma) if layer.scale else scale
        shift = numpy(layer.beta) if layer.center else 0
        block.kernel = block.kernel * scale
        block.bias = (block.bias - numpy(layer.moving_mean)) * scale + shift
        return True
    if kind is layers.ReLU and not activated and layer.max_value is None and not layer.threshold:
        block.slope = float(layer.negative_slope)
        return block.slope < 1
    if kind in (layers.MaxPooling1D, BlockMaxPooling1D):
        block.pool = (layer.pool_size[0], layer.strides[0])
        return (layer.padding, layer.data_format) == ("valid", "channels_last")
    return False


def _padded(room: np.ndarray, before: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    room[:, :before] = 0
    room[:, before + length :] = 0
    return room, room[:, before : before + length]


def _overlapping(padded: np.ndarray, n: int, step: int, size: int) -> np.ndarray:
    """Give `n` pieces of `size` samples, `step` from one to the next, that share their memory."""
    of_signal, of_sample, of_channel = padded.strides
    return as_strided(
        padded,
        (len(padded), n, size, padded.shape[2]),
        (of_signal, step * of_sample, of_sample, of_channel),
        writeable=False,
    )


@functools.cache
def _linear_algebra() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")


def _threads() -> int:
    found = [library["num_threads"] for library in _linear_algebra().info()]
    return max(found, default=os.cpu_count() or 1)
