"""Random views of a window, for contrastive learning.

A view is the window after a chain of random transformations: those of the signal transformation
recognition pretext (`ecglib.pretext.transformations`), each with its own probability and with a
strength drawn anew, and a random crop. Everything is batched and runs where the model runs.

References
----------
Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations", ICML 2020
(arXiv 2002.05709), sections 2 and 3.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import keras
from keras import ops

from ecglib.core.annotations import check_fields, checked
from ecglib.models.layers import uniform
from ecglib.pretext.transformations import add_noise, invert_time, negate, permute, scale, time_warp

Range = tuple[float, float]
"""Lowest and highest value that is drawn."""

N_DRAWS = 13
"""Uniform numbers that decide on one view: seven times whether, and six times how strong."""


@dataclasses.dataclass(frozen=True)
class ViewConfig:
    """How often each transformation takes part in a view, and how strong it is.

    An encoder learns to ignore what differs between two views. A crop or a warp that changes the
    time axis by a fifth makes 60 beats per minute look like 72, and the encoder forgets the heart
    rate, which is much of what an ECG says about emotion. A shuffle of many segments does the same
    to the intervals between beats. The defaults therefore change time little.

    Parameters
    ----------
    crop_probability : float
        Probability that a view is a crop, resized to the length of the window.
    crop_share : (float, float)
        Range of the crop's share of the window, at most 1, which is no crop.
    warp_probability : float
        Probability of a time-warp.
    warp_stretches : tuple of float
        Factors (> 1) of which a warp draws one; see `ecglib.pretext.transformations.warp_pieces`.
    warp_n_pieces : int
        Number of pieces of the warp.
    warp_n_stretched : int
        How many of them are stretched.
    permute_probability : float
        Probability of a permutation.
    n_segments : tuple of int
        Numbers of equal segments of which a permutation draws one; all divide the window length.
    invert_probability : float
        Probability of temporal inversion.
    negate_probability : float
        Probability of negation.
    scale_probability : float
        Probability of scaling.
    scale_factor : (float, float)
        Range of the amplitude factor.
    noise_probability : float
        Probability of noise.
    snr_db : (float, float)
        Range of the signal-to-noise ratio in dB.

    Raises
    ------
    ValueError
        If a value is outside its range.

    Examples
    --------
    >>> ViewConfig().n_segments, ViewConfig(noise_probability=0.0).snr_db
    ((2, 4), (10.0, 30.0))
    """

    crop_probability: float = 0.5
    crop_share: Range = (0.9, 1.0)
    warp_probability: float = 0.5
    warp_stretches: tuple[float, ...] = (1.05, 1.1)
    warp_n_pieces: int = 9
    warp_n_stretched: int = 5
    permute_probability: float = 0.5
    n_segments: tuple[int, ...] = (2, 4)
    invert_probability: float = 0.2
    negate_probability: float = 0.2
    scale_probability: float = 0.8
    scale_factor: Range = (0.7, 1.4)
    noise_probability: float = 0.8
    snr_db: Range = (10.0, 30.0)

    def __post_init__(self) -> None:
        check_fields(self)
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name.endswith("_probability") and not 0 <= value <= 1:
                raise ValueError(f"{field.name} is {value}: it must be from 0 to 1")
        limits = {
            "crop_share": (0, 1),
            "scale_factor": (0, math.inf),
            "snr_db": (-math.inf, math.inf),
        }
        for name, (above, most) in limits.items():
            low, high = getattr(self, name)
            if not above < low <= high <= most or math.isinf(high):
                raise ValueError(
                    f"{name} is {(low, high)}: give a lowest and a highest value, finite, above "
                    f"{above} and at most {most}"
                )
        if not self.n_segments or min(self.n_segments) < 1:
            raise ValueError(f"n_segments is {self.n_segments}: give numbers of at least 1")
        if not self.warp_stretches or min(self.warp_stretches) <= 1:
            raise ValueError(f"warp_stretches is {self.warp_stretches}: give factors above 1")


def crop_and_resize(x: Any, start: Any, length: Any) -> Any:
    """Cut a part out of each window and stretch it to the length of the window.

    Sample ``j`` of the result is the window at ``start + j * (length - 1) / (n - 1)``, linearly
    interpolated. The first and the last sample are those of the crop.

    Parameters
    ----------
    x : tensor (batch, n)
        Windows; `n` is at least 2.
    start : float tensor (batch,)
        First sample of the crop, at least 0.
    length : float tensor (batch,)
        Length of the crop in samples, at least 1; ``start + length`` is at most `n`. All of the
        window (0 and `n`) gives the window itself.

    Returns
    -------
    tensor (batch, n)

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(5.0)[None]
    >>> np.asarray(crop_and_resize(x, np.array([1.0]), np.array([3.0]))).tolist()
    [[1.0, 1.5, 2.0, 2.5, 3.0]]
    """
    x = ops.convert_to_tensor(x)
    n = x.shape[-1]
    start, length = ops.cast(start, "float32")[:, None], ops.cast(length, "float32")[:, None]
    index = ops.arange(n, dtype="int32")
    # The distance from sample j of the window, not the position itself: for a large crop it is a
    # small number, and float32 keeps more digits of its fraction.
    shift = start - ops.cast(index, "float32") / (n - 1) * (n - length)
    whole = ops.floor(shift)
    left = ops.clip(index + ops.cast(whole, "int32"), 0, n - 1)
    before = ops.take_along_axis(x, left, axis=-1)
    after = ops.take_along_axis(x, ops.minimum(left + 1, n - 1), axis=-1)
    return before + ops.cast(shift - whole, x.dtype) * (after - before)


@keras.saving.register_keras_serializable(package="ecglib")
class RandomViews(keras.layers.Layer):
    """Two random views of each window: (batch, n) -> (2 * batch, n).

    The views of one window are neighbours: rows ``2 * b`` and ``2 * b + 1`` are those of window
    `b`. A view is, in this order: crop, warp, permutation, temporal inversion, negation, scaling,
    noise. Noise comes last, so that its signal-to-noise ratio holds for the view as it is seen.

    Parameters
    ----------
    config : ViewConfig
        Probabilities and strengths.
    seed : int
        Start of the random numbers; each call continues from the last one. The state is one of
        the layer's `variables`, but not of its `weights`: Keras' `save_weights` leaves it out.
    **kwargs
        As for `keras.layers.Layer`.

    Raises
    ------
    ValueError
        When called, if a number of segments does not divide the window length or a warp leaves too
        few samples, unless its probability is 0.

    Notes
    -----
    The views are drawn in training and in inference alike.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.sin(np.arange(360) / 9)[None].astype("float32")
    >>> tuple(RandomViews()(x).shape)
    (2, 360)
    """

    @checked
    def __init__(self, config: ViewConfig | None = None, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config or ViewConfig()
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, x: Any) -> Any:
        """Make the views; see the class."""
        c, seed = self.config, self.seed_generator
        x = ops.repeat(x, 2, axis=0)
        rows, n = ops.shape(x)[0], x.shape[-1]

        # All probabilities and strengths come from one draw, which is quicker to compile.
        numbers = iter(ops.split(uniform((rows, N_DRAWS), seed=seed), N_DRAWS, 1))

        def draw(low: float = 0.0, high: float = 1.0) -> Any:
            return low + (high - low) * next(numbers)

        def maybe(probability: float, new: Any, old: Any) -> Any:
            return ops.where(draw() < probability, new, old)

        def one_of(versions: list[Any]) -> Any:
            chosen = draw(0, len(versions))
            result = versions[0]
            for number, version in enumerate(versions[1:], start=1):
                result = ops.where(chosen >= number, version, result)
            return result

        # What never happens is not computed at all.
        if c.crop_probability:
            length = n * draw(*c.crop_share)
            start = draw() * (n - length)
            x = maybe(c.crop_probability, crop_and_resize(x, start[:, 0], length[:, 0]), x)
        if c.warp_probability:
            warped = [
                time_warp(x, c.warp_n_pieces, stretch, c.warp_n_stretched, seed=seed)
                for stretch in c.warp_stretches
            ]
            x = maybe(c.warp_probability, one_of(warped), x)
        if c.permute_probability:
            permuted = [permute(x, n_segments, seed=seed) for n_segments in c.n_segments]
            x = maybe(c.permute_probability, one_of(permuted), x)
        if c.invert_probability:
            x = maybe(c.invert_probability, invert_time(x), x)
        if c.negate_probability:
            x = maybe(c.negate_probability, negate(x), x)
        if c.scale_probability:
            x = maybe(c.scale_probability, scale(x, draw(*c.scale_factor)), x)
        if c.noise_probability:
            x = maybe(c.noise_probability, add_noise(x, draw(*c.snr_db), seed=seed), x)
        return x

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Give the shape (2 * batch, n)."""
        batch, n = input_shape
        return (None if batch is None else 2 * batch, n)

    def get_config(self) -> dict[str, Any]:
        """Give the arguments that rebuild the layer."""
        config = dataclasses.asdict(self.config)
        return {**super().get_config(), "config": config, "seed": self.seed}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> RandomViews:
        """Rebuild the layer from the `config` that `get_config` gave."""
        # JSON has no tuples.
        views = {k: tuple(v) if isinstance(v, list) else v for k, v in config["config"].items()}
        return cls(**{**config, "config": ViewConfig(**views)})
