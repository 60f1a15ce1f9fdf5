"""The six signal transformations of the pretext task, and the layer that makes all seven versions.

Every function takes a batch of windows ``(batch, n)`` in float32 and runs wherever the backend
runs. A random transformation is a deterministic core that takes the drawn numbers
(`permute_segments`, `warp_pieces`) and a wrapper that draws them, one draw per window.

An integer ``seed`` gives the same numbers at every call, and the same underlying uniform numbers
to every transformation; pass one `keras.random.SeedGenerator` to get fresh numbers at each call.

References
----------
Sarkar & Etemad, "Self-supervised ECG Representation Learning for Emotion Recognition", IEEE
Transactions on Affective Computing (arXiv 2002.03898), section 3; released code
github.com/pritamqu/SSL-ECG.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import keras
from keras import ops

from ecglib.core import checks
from ecglib.core.annotations import check_fields, checked
from ecglib.models.layers import Seed, normal, uniform

TASKS = (
    "original",
    "noise",
    "scaling",
    "negation",
    "temporal_inversion",
    "permutation",
    "time_warping",
)
"""Versions of a window, in the order of `AllVersions`: as it is, and transformed."""


@dataclasses.dataclass(frozen=True)
class TransformConfig:
    """Strength of every transformation; the defaults are the published values.

    Parameters
    ----------
    snr_db : float
        Signal-to-noise ratio of the noisy version, in dB.
    scale_factor : float
        Amplitude factor of the scaled version.
    n_segments : int
        Number of equal segments that are shuffled; it divides the window length.
    warp_n_pieces : int
        Number of equal pieces that are stretched or squeezed.
    warp_stretch : float
        Factor (> 1) by which a piece is stretched, or divided by when squeezed.
    warp_n_stretched : int
        Number of stretched pieces; the others are squeezed.

    Examples
    --------
    >>> TransformConfig().snr_db, TransformConfig(scale_factor=1.5).scale_factor
    (15.0, 1.5)
    """

    snr_db: float = 15.0
    scale_factor: float = 1.1
    n_segments: int = 20
    warp_n_pieces: int = 9
    warp_stretch: float = 1.05
    warp_n_stretched: int = 5

    def __post_init__(self) -> None:
        check_fields(self)
        checks.number("scale_factor", self.scale_factor, above=0)
        checks.whole("n_segments", self.n_segments, 1)
        checks.number("warp_stretch", self.warp_stretch, above=1)
        checks.whole("warp_n_pieces", self.warp_n_pieces, 1)
        checks.whole("warp_n_stretched", self.warp_n_stretched, 0, self.warp_n_pieces)


def add_noise(x: Any, snr_db: Any = 15.0, *, seed: Seed) -> Any:
    """Add white Gaussian noise at a target signal-to-noise ratio.

    The noise variance of a window is ``mean(x**2) / 10**(snr_db / 10)``.

    Parameters
    ----------
    x : tensor (batch, n)
        Windows.
    snr_db : float or tensor (batch, 1)
        Signal-to-noise ratio in dB.
    seed : int or SeedGenerator
        Source of the noise.

    Returns
    -------
    tensor (batch, n)

    Examples
    --------
    >>> import numpy as np
    >>> x = np.sin(np.arange(2560) / 20)[None].astype("float32")
    >>> noise = np.asarray(add_noise(x, snr_db=15.0, seed=0)) - x
    >>> round(float(10 * np.log10((x**2).mean() / (noise**2).mean())))
    15
    """
    x = ops.convert_to_tensor(x)
    rms = ops.sqrt(ops.mean(ops.square(x), axis=-1, keepdims=True))
    noise = ops.cast(normal(ops.shape(x), seed=seed), x.dtype)
    return x + rms * 10.0 ** (-snr_db / 20.0) * noise


def scale(x: Any, factor: Any = 1.1) -> Any:
    """Multiply each window of `x` by `factor` (a float, or a tensor (batch, 1)).

    Examples
    --------
    >>> float(scale(ops.ones((1, 2)), 1.5)[0, 0])
    1.5
    """
    return ops.convert_to_tensor(x) * factor


def negate(x: Any) -> Any:
    """Turn each window of `x` (batch, n) upside down.

    Examples
    --------
    >>> import numpy as np
    >>> np.asarray(negate(np.array([[1.0, -2.0]]))).tolist()
    [[-1.0, 2.0]]
    """
    return ops.negative(x)


def invert_time(x: Any) -> Any:
    """Play each window of `x` (batch, n) backwards.

    Examples
    --------
    >>> import numpy as np
    >>> np.asarray(invert_time(np.array([[1.0, 2.0, 3.0]]))).tolist()
    [[3.0, 2.0, 1.0]]
    """
    return ops.flip(x, axis=-1)


def permute_segments(x: Any, order: Any) -> Any:
    """Rearrange equal segments of each window.

    Parameters
    ----------
    x : tensor (batch, n)
        Windows.
    order : integer tensor (batch, n_segments)
        ``order[i, j]`` is the segment of window `i` that comes j-th in the result.

    Returns
    -------
    tensor (batch, n)

    Raises
    ------
    ValueError
        If the number of segments does not divide `n`.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]])
    >>> np.asarray(permute_segments(x, np.array([[2, 0, 1]]))).tolist()
    [[5.0, 6.0, 1.0, 2.0, 3.0, 4.0]]
    """
    x = ops.convert_to_tensor(x)
    n, n_segments = x.shape[-1], order.shape[-1]
    if n % n_segments:
        raise ValueError(
            f"cannot cut a window of {n} samples into {n_segments} equal segments: "
            "choose n_segments that divides the window length"
        )
    segments = ops.reshape(x, (-1, n // n_segments))
    first = ops.arange(ops.shape(order)[0], dtype=order.dtype)[:, None] * n_segments
    # One gather of whole segments: many times faster than one sample by sample.
    return ops.reshape(ops.take(segments, ops.reshape(first + order, (-1,)), axis=0), (-1, n))


def permute(x: Any, n_segments: int = 20, *, seed: Seed) -> Any:
    """Shuffle equal segments, in an order drawn for each window.

    All ``n_segments!`` orders are equally likely, the identity included, as in the released code.

    Parameters
    ----------
    x : tensor (batch, n)
        Windows.
    n_segments : int
        Number of segments; it divides `n`.
    seed : int or SeedGenerator
        Source of the orders.

    Returns
    -------
    tensor (batch, n)

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(6.0)[None]
    >>> sorted(np.asarray(permute(x, 3, seed=0))[0].tolist())
    [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    """
    x = ops.convert_to_tensor(x)
    keys = uniform((ops.shape(x)[0], n_segments), seed=seed)
    return permute_segments(x, ops.argsort(keys, axis=-1))


def warp_lengths(n: int, n_pieces: int, stretch: float, n_stretched: int) -> tuple[int, int, int]:
    """Give the length of a piece in samples: as cut, stretched and squeezed.

    A window of 2560 samples in 9 pieces, stretched by `stretch` = 1.05, gives (284, 299, 271).

    Raises
    ------
    ValueError
        If the warped window would be shorter than the `n` samples to be cropped from it, or if
        `n_stretched` is not between 0 and `n_pieces`.

    Examples
    --------
    >>> warp_lengths(2560, 9, 1.05, 5)
    (284, 299, 271)
    """
    piece = n // n_pieces
    longer, shorter = math.ceil(piece * stretch), math.ceil(piece / stretch)
    total = n_stretched * longer + (n_pieces - n_stretched) * shorter
    if not 0 <= n_stretched <= n_pieces or shorter < 2 or total < n:
        raise ValueError(
            f"warping {n} samples in {n_pieces} pieces, {n_stretched} of them stretched by "
            f"{stretch}, leaves {total} samples: at least {n} are needed; stretch more pieces"
        )
    return piece, longer, shorter


def warp_pieces(
    x: Any, stretched: Any, offset: Any, stretch: float = 1.05, n_stretched: int = 5
) -> Any:
    """Stretch some pieces of each window, squeeze the others, and crop to the old length.

    The samples after the last whole piece are dropped. Each piece is interpolated linearly with
    its first and last sample kept.

    Parameters
    ----------
    x : tensor (batch, n)
        Windows.
    stretched : boolean tensor (batch, n_pieces)
        Which pieces are stretched: exactly `n_stretched` in each row.
    offset : int32 tensor (batch,)
        First sample of the crop in the concatenated warped pieces.
    stretch : float
        Factor by which a piece is stretched, or divided by when squeezed.
    n_stretched : int
        Number of stretched pieces in each window.

    Returns
    -------
    tensor (batch, n)

    Raises
    ------
    ValueError
        See `warp_lengths`.

    Examples
    --------
    >>> import numpy as np
    >>> x, stretched = np.sin(np.arange(90) / 9)[None], np.arange(9)[None] < 5
    >>> tuple(warp_pieces(x, stretched, np.array([0], "int32")).shape)
    (1, 90)
    """
    x = ops.convert_to_tensor(x)
    n, n_pieces = x.shape[-1], stretched.shape[-1]
    piece, longer, shorter = warp_lengths(n, n_pieces, stretch, n_stretched)
    lengths = ops.cast(ops.where(stretched, longer, shorter), "int32")
    ends = ops.cumsum(lengths, axis=-1)

    # For each sample of the result: the piece it lies in, as it is before and after the warp.
    position = offset[:, None] + ops.arange(n, dtype="int32")
    first, start, length = 0, 0, lengths[:, :1]
    for k in range(1, n_pieces):
        reached = position >= ends[:, k - 1 : k]
        first = ops.where(reached, k * piece, first)
        start = ops.where(reached, ends[:, k - 1 : k], start)
        length = ops.where(reached, lengths[:, k : k + 1], length)
    source = ops.cast((position - start) * (piece - 1), x.dtype) / ops.cast(length - 1, x.dtype)
    left = ops.minimum(ops.cast(source, "int32"), piece - 2)
    fraction = source - ops.cast(left, x.dtype)
    window = ops.arange(ops.shape(x)[0], dtype="int32")[:, None] * n
    at = window + first + left
    samples = ops.reshape(x, (-1,))
    before, after = ops.take(samples, at), ops.take(samples, at + 1)
    return before + fraction * (after - before)


def time_warp(
    x: Any, n_pieces: int = 9, stretch: float = 1.05, n_stretched: int = 5, *, seed: Seed
) -> Any:
    """Stretch randomly chosen pieces of each window, squeeze the others, crop at random.

    Every choice of `n_stretched` pieces and every position of the crop is equally likely.

    Parameters
    ----------
    x : tensor (batch, n)
        Windows.
    n_pieces : int
        Number of pieces of each window.
    stretch : float
        Factor by which a piece is stretched, or divided by when squeezed.
    n_stretched : int
        Number of stretched pieces in each window.
    seed : int or SeedGenerator
        Source of the choices.

    Returns
    -------
    tensor (batch, n)

    Raises
    ------
    ValueError
        See `warp_lengths`.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.sin(np.arange(90) / 9)[None]
    >>> tuple(time_warp(x, seed=0).shape)
    (1, 90)
    """
    x = ops.convert_to_tensor(x)
    n = x.shape[-1]
    _, longer, shorter = warp_lengths(n, n_pieces, stretch, n_stretched)
    n_offsets = n_stretched * longer + (n_pieces - n_stretched) * shorter - n + 1
    # One draw for both: two draws from one integer seed would repeat the same numbers.
    u = uniform((ops.shape(x)[0], n_pieces + 1), seed=seed)
    ranks = ops.argsort(ops.argsort(u[:, :n_pieces], axis=-1), axis=-1)
    offset = ops.minimum(ops.cast(ops.floor(u[:, n_pieces] * n_offsets), "int32"), n_offsets - 1)
    return warp_pieces(x, ranks < n_stretched, offset, stretch, n_stretched)


@keras.saving.register_keras_serializable(package="ecglib")
class AllVersions(keras.layers.Layer):
    """All seven versions of each window, in the order of `TASKS`: (batch, n) -> (7 * batch, n).

    The versions of one window are neighbours: row ``7 * b + t`` is version ``TASKS[t]`` of window
    `b`. The label of a row is therefore its number modulo 7, and outputs that `predict` glues
    together batch by batch keep their order.

    Parameters
    ----------
    config : TransformConfig
        Strength of the transformations.
    seed : int
        Start of the random numbers; each call continues from the last one. The state is one of
        the layer's `variables`, but not of its `weights`: Keras' `save_weights` leaves it out.
    **kwargs
        As for `keras.layers.Layer`.

    Notes
    -----
    The versions are drawn in training and in inference alike.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.sin(np.arange(360) / 9)[None].astype("float32")
    >>> versions = np.asarray(AllVersions()(x))
    >>> versions.shape, bool((versions[TASKS.index("negation")] == -x[0]).all())
    ((7, 360), True)
    """

    @checked
    def __init__(self, config: TransformConfig | None = None, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config or TransformConfig()
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, x: Any) -> Any:
        """Make the versions; see the class."""
        c, seed = self.config, self.seed_generator
        versions = {
            "original": x,
            "noise": add_noise(x, c.snr_db, seed=seed),
            "scaling": scale(x, c.scale_factor),
            "negation": negate(x),
            "temporal_inversion": invert_time(x),
            "permutation": permute(x, c.n_segments, seed=seed),
            "time_warping": time_warp(
                x, c.warp_n_pieces, c.warp_stretch, c.warp_n_stretched, seed=seed
            ),
        }
        stacked = ops.stack([versions[task] for task in TASKS], axis=1)
        return ops.reshape(stacked, (-1, x.shape[-1]))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Give the shape (7 * batch, n)."""
        batch, n = input_shape
        return (None if batch is None else len(TASKS) * batch, n)

    def get_config(self) -> dict[str, Any]:
        """Give the arguments that rebuild the layer."""
        config = dataclasses.asdict(self.config)
        return {**super().get_config(), "config": config, "seed": self.seed}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> AllVersions:
        """Rebuild the layer from the `config` that `get_config` gave."""
        return cls(**{**config, "config": TransformConfig(**config["config"])})
