"""Emotion heads: a small network on the features of an encoder, ending in logits."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.models.encoder import layer_seeds
from ecglib.models.layers import Dropout


@checked
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
        Adds ``l2 * sum(w**2)`` to the loss for every hidden kernel, as in
        `ecglib.transfer.frozen.HeadConfig` and the released classifier; the pretext's penalty has
        a half.
    n_features : int
        Number of features of the encoder.
    seed : int
        Seed of the initial weights and of the dropout.
    name : str
        Name of the model.

    Returns
    -------
    keras.Model

    Examples
    --------
    >>> head = build_head(hidden=(8,), n_features=4)
    >>> head.output_shape, head.count_params()
    ((None, 1), 49)
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


@checked
def build_emotion_model(
    encoder: keras.Model, heads: Sequence[keras.Model], name: str = "emotion_model"
) -> keras.Model:
    """Join an encoder and emotion heads: windows (batch, length) -> logits (batch, n_outputs).

    Parameters
    ----------
    encoder : keras.Model
        From windows to features; set ``encoder.trainable = False`` to keep it frozen.
    heads : sequence of keras.Model
        One head per target, each with its own name.
    name : str
        Name of the model.

    Returns
    -------
    keras.Model
        The heads' logits side by side, in the order of `heads`.

    Raises
    ------
    DataError
        If there are no heads.

    Examples
    --------
    >>> from ecglib.models.encoder import EncoderConfig, build_encoder
    >>> encoder = build_encoder(EncoderConfig(filters=(4, 8), kernels=(8, 4)), length=256)
    >>> heads = [build_head((8,), n_features=8, name=name) for name in ("valence", "arousal")]
    >>> build_emotion_model(encoder, heads).output_shape
    (None, 2)
    """
    checks.several("heads", heads, checks.of_type, keras.Model)
    inputs = keras.Input(encoder.input_shape[1:], name="window")
    features = encoder(inputs)
    logits = [head(features) for head in heads]
    outputs = logits[0] if len(logits) == 1 else layers.Concatenate(name="emotions")(logits)
    return keras.Model(inputs, outputs, name=name)
