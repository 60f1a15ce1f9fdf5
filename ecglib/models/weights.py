"""Weights in files: those of any model as named arrays, and an encoder that can be loaded alone."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ecglib.core.artifacts import load_arrays, save_arrays
from ecglib.core.errors import DataError
from ecglib.models.encoder import EncoderConfig, build_encoder

FORMAT = "ecglib encoder 1"
"""What a file of `save_encoder` says of itself."""

_NOT_A_CARD = (ArithmeticError, AttributeError, KeyError, RecursionError, TypeError, ValueError)
# What reading and building from a card of unknown origin can raise; it may nest without end, or
# ask for strides of nothing and windows without end.


def weights_to_arrays(model: keras.Model, name: str) -> dict[str, np.ndarray]:
    """Give the weights of a model as named arrays.

    Parameters
    ----------
    model : keras.Model
        Any model.
    name : str
        First part of the arrays' names.

    Returns
    -------
    dict of str to ndarray
    """
    return {f"{name}/{v.path}": keras.ops.convert_to_numpy(v) for v in model.weights}


def arrays_to_weights(model: keras.Model, arrays: Mapping[str, np.ndarray], name: str) -> None:
    """Put named arrays back into a model of the same shape.

    Parameters
    ----------
    model : keras.Model
        Built as the one that `weights_to_arrays` was given.
    arrays : mapping of str to ndarray
        What it gave, perhaps among others.
    name : str
        As for `weights_to_arrays`.

    Raises
    ------
    DataError
        If an array is missing, of another shape, or holds anything but finite numbers.
    """
    for variable in model.weights:
        key = f"{name}/{variable.path}"
        found = arrays.get(key)
        shape = tuple(variable.shape)
        if found is None or found.shape != shape or found.dtype.kind != "f":
            told = "no such weights" if found is None else f"{found.dtype} of shape {found.shape}"
            raise DataError(
                told,
                field=key,
                expected=f"floating-point numbers of shape {shape}",
                remedy="build the model with the settings that the weights were trained with",
            )
        if wrong := np.count_nonzero(~np.isfinite(found)):
            raise DataError(
                f"{wrong} of {found.size} weights are not finite",
                field=key,
                expected="finite numbers",
                remedy="train the model again, or take an undamaged file",
            )
        variable.assign(found)


def save_encoder(
    path: str | Path,
    encoder: keras.Model,
    config: EncoderConfig,
    about: Mapping[str, Any] | None = None,
) -> None:
    """Write an encoder to one file, whole or not at all.

    Parameters
    ----------
    path : str or Path
        An ``.npz`` file.
    encoder : keras.Model
        From `ecglib.models.encoder.build_encoder`.
    config : EncoderConfig
        What it was built with.
    about : mapping, optional
        What else a user should know, in plain values: data, sampling rate, licence.

    Raises
    ------
    DataError
        If the encoder is not of this shape.
    """
    length = encoder.input_shape[1]
    weights = weights_to_arrays(encoder, "encoder")
    arrays_to_weights(build_encoder(config, length), weights, "encoder")
    card = {
        "format": FORMAT,
        "config": dataclasses.asdict(config),
        "length": length,
        "about": dict(about or {}),
    }
    save_arrays(Path(path), {"card": np.array(json.dumps(card)), **weights})


def load_encoder(path: str | Path) -> tuple[keras.Model, dict[str, Any]]:
    """Read what `save_encoder` wrote; nothing in the file is ever executed.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    encoder : keras.Model
        Windows (batch, length) -> features.
    about : dict
        What was said of it.

    Raises
    ------
    DataError
        If the file is missing, damaged, of another format, or its weights don't fit its settings.
    """
    arrays = load_arrays(Path(path))
    try:
        card = json.loads(str(arrays["card"]))
        if card["format"] != FORMAT:
            raise ValueError(f"format {card['format']!r}")
        settings = {k: tuple(v) if isinstance(v, list) else v for k, v in card["config"].items()}
        encoder = build_encoder(EncoderConfig(**settings), int(card["length"]))
        arrays_to_weights(encoder, arrays, "encoder")
        return encoder, dict(card["about"])
    except _NOT_A_CARD as error:
        raise DataError(
            f"is not a saved encoder ({error})",
            file=path,
            expected=f"a file written by save_encoder, {FORMAT!r}",
        ) from error
