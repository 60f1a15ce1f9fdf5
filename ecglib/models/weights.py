"""Weights in files: those of any model as named arrays, and an encoder that can be loaded alone."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import keras
import numpy as np

from ecglib.core.annotations import checked
from ecglib.core.artifacts import load_arrays, save_arrays
from ecglib.core.errors import DataError
from ecglib.models.card import EncoderCard
from ecglib.models.encoder import EncoderConfig, build_encoder
from ecglib.models.file_kinds import FileKind, file_kind

FORMAT = "ecglib encoder 2"
"""What a file of `save_encoder` says of itself."""


@checked
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

    Examples
    --------
    >>> model = keras.Sequential(
    ...     [keras.Input((2,)), keras.layers.Dense(1, name="dense")], name="head"
    ... )
    >>> {name: array.shape for name, array in weights_to_arrays(model, "valence").items()}
    {'valence/head/dense/kernel': (2, 1), 'valence/head/dense/bias': (1,)}
    """
    return {f"{name}/{v.path}": keras.ops.convert_to_numpy(v) for v in model.weights}


@checked
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

    Examples
    --------
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> arrays = {name: 0 * array + 3 for name, array in weights_to_arrays(model, "head").items()}
    >>> arrays_to_weights(model, arrays, "head")
    >>> float(np.max(model.get_weights()[0]))
    3.0
    """
    variables = {f"{name}/{v.path}": v for v in model.weights}
    own = {key: arrays[key] for key in variables if key in arrays}
    check_weights(own, {key: tuple(v.shape) for key, v in variables.items()})
    for key, variable in variables.items():
        variable.assign(own[key])


@checked
def check_weights(
    found: Mapping[str, np.ndarray],
    expected: Mapping[str, tuple[int, ...]],
    file: str | Path | None = None,
) -> None:
    """Refuse all but the expected weights: by name, of their shapes, finite.

    Parameters
    ----------
    found : mapping of str to ndarray
        Weights and their names.
    expected : mapping of str to tuple of int
        Shapes and their names.
    file : str or Path, optional
        Where they were found, for the message.

    Raises
    ------
    DataError
        If one is missing, too many, of another shape, or anything but floating-point numbers that
        are finite in single precision.

    Examples
    --------
    >>> check_weights({"kernel": np.zeros((2, 3))}, {"kernel": (2, 3)})
    >>> check_weights({"kernel": np.full((2, 3), np.nan)}, {"kernel": (2, 3)})  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: field kernel: 6 of 6 weights are not finite. ...
    """
    check_shapes({name: array.shape for name, array in found.items()}, expected, file)
    for name, array in found.items():
        if array.dtype.kind != "f":
            raise DataError(
                f"{array.dtype}", file=file, field=name, expected="floating-point numbers"
            )
        with np.errstate(over="ignore"):  # a network computes in single precision
            single = array.astype(np.float32)
        if wrong := np.count_nonzero(~np.isfinite(single)):
            raise DataError(
                f"{wrong} of {array.size} weights are not finite",
                file=file,
                field=name,
                expected="finite numbers",
                remedy="train the model again, or take an undamaged file",
            )


@checked
def check_shapes(
    found: Mapping[str, tuple[int, ...]],
    expected: Mapping[str, tuple[int, ...]],
    file: str | Path | None = None,
) -> None:
    """Refuse all but the expected weights, by name and shape, before any is read.

    Parameters
    ----------
    found, expected : mapping of str to tuple of int
        Shapes and their names.
    file : str or Path, optional
        Where they were found, for the message.

    Raises
    ------
    DataError
        If one is missing, too many, or of another shape.

    Examples
    --------
    >>> check_shapes({"kernel": (2, 3)}, {"kernel": (2, 3)})
    >>> check_shapes({"kernel": (3, 2)}, {"kernel": (2, 3)})  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: field kernel: shape (3, 2). Expected weights of ...
    """
    for name, shape in expected.items():
        if found.get(name) != shape:
            raise DataError(
                f"shape {found[name]}" if name in found else "no such weights",
                file=file,
                field=name,
                expected=f"weights of shape {shape}",
                remedy="use the settings that the weights were trained with, or another file",
            )
    if more := sorted(set(found) - set(expected)):
        raise DataError(
            f"weights that this network does not have ({len(more)} such)", file=file, field=more[0]
        )


@checked
def encoder_shapes(config: EncoderConfig) -> dict[str, tuple[int, ...]]:
    """Give the shape of every weight of an encoder, without building it.

    Parameters
    ----------
    config : EncoderConfig
        Shape of the network.

    Returns
    -------
    dict of str to tuple of int
        By the names that the weights have in the model, which are those of the released code.

    Examples
    --------
    >>> shapes = encoder_shapes(EncoderConfig())
    >>> shapes["conv_layer_3/kernel"], shapes["conv_layer_3/bias"]
    ((16, 32, 64), (64,))
    """
    shapes: dict[str, tuple[int, ...]] = {}
    number, channels = 0, 1
    for filters, kernel in zip(config.filters, config.kernels, strict=True):
        for _ in range(2):
            number += 1
            shapes[f"conv_layer_{number}/kernel"] = (kernel, channels, filters)
            channels = filters
            if config.batch_norm:
                for name in ("gamma", "beta", "moving_mean", "moving_variance"):
                    shapes[f"batch_norm_{number}/{name}"] = (filters,)
            else:
                shapes[f"conv_layer_{number}/bias"] = (filters,)
    return shapes


@checked
def save_encoder(
    path: str | Path, encoder: keras.Model, config: EncoderConfig, card: EncoderCard
) -> None:
    """Write an encoder and its card to one file, whole or not at all.

    Parameters
    ----------
    path : str or Path
        An ``.npz`` file.
    encoder : keras.Model
        From `ecglib.models.encoder.build_encoder`.
    config : EncoderConfig
        What it was built with.
    card : EncoderCard
        What its users should know.

    Raises
    ------
    DataError
        If `config` or `card` is that of another encoder, or a weight is not finite.

    Examples
    --------
    >>> import tempfile
    >>> from ecglib.models.card import Preprocessing, TrainingData
    >>> config = EncoderConfig(filters=(4, 8), kernels=(8, 4))
    >>> card = EncoderCard(
    ...     name="untrained",
    ...     pretext="none",
    ...     data=TrainingData("nothing"),
    ...     licence="CC0-1.0",
    ...     limits="it has learnt nothing",
    ...     preprocessing=Preprocessing(256.0, 1.0, 0.8, "of the recording"),
    ... )
    >>> path = Path(tempfile.mkdtemp(), "untrained.npz")
    >>> save_encoder(path, build_encoder(config, length=256), config, card)
    >>> load_encoder(path)[1].name
    'untrained'
    """
    length = encoder.input_shape[1]
    if card.preprocessing.n_samples != length:
        raise DataError(
            f"{card.preprocessing.n_samples} samples at {card.preprocessing.fs:g} Hz",
            field="preprocessing.length_s",
            expected=f"{length} samples, as this encoder takes",
        )
    weights = weights_to_arrays(encoder, "encoder")
    check_weights(weights, _shapes(config))
    copy = build_encoder(config, length)
    arrays_to_weights(copy, weights, "encoder")
    _check_same(copy, encoder)
    about = {"format": FORMAT, **dataclasses.replace(card, network=config).to_json()}
    save_arrays(Path(path), {"card": np.array(json.dumps(about)), **weights})


@checked
def load_encoder(path: str | Path) -> tuple[keras.Model, EncoderCard]:
    """Read what `save_encoder` wrote; nothing in the file is ever executed.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    encoder : keras.Model
        Windows (batch, length) -> features.
    card : EncoderCard
        What is known of it; `EncoderCard.check_fits` tells whether windows fit.

    Raises
    ------
    DataError
        If the file is missing, damaged, of another format, or its weights don't fit its settings.

    Examples
    --------
    >>> import tempfile
    >>> from ecglib.models.card import Preprocessing, TrainingData
    >>> config = EncoderConfig(filters=(4, 8), kernels=(8, 4))
    >>> card = EncoderCard(
    ...     name="untrained",
    ...     pretext="none",
    ...     data=TrainingData("nothing"),
    ...     licence="CC0-1.0",
    ...     limits="it has learnt nothing",
    ...     preprocessing=Preprocessing(256.0, 1.0, 0.8, "of the recording"),
    ... )
    >>> path = Path(tempfile.mkdtemp(), "untrained.npz")
    >>> save_encoder(path, build_encoder(config, length=256), config, card)
    >>> encoder, card = load_encoder(path)
    >>> encoder.output_shape, card.preprocessing.fs
    ((None, 8), 256.0)
    """
    path = Path(path)
    kind = file_kind(path)
    if kind != FileKind.ARRAYS:
        _not_ours(path, f"it is {kind}", kind.remedy)
    _check_size(path)
    arrays = load_arrays(path)
    if "card" not in arrays:
        _not_ours(path, "it has no card")
    card = _read_card(path, arrays.pop("card"))
    # Before anything is built: a card could ask for a network of any size.
    if len(card.network.filters) > len(arrays):
        _not_ours(path, f"its card describes {len(card.network.filters)} blocks of layers")
    check_weights(arrays, _shapes(card.network), path)
    try:
        encoder = build_encoder(card.network, card.preprocessing.n_samples)
    except Exception as error:  # Keras has no one kind of error for a shape that cannot be
        raise DataError(
            f"describes a network that cannot be built ({error})", file=path, field="network"
        ) from error
    arrays_to_weights(encoder, arrays, "encoder")
    return encoder, card


def _shapes(config: EncoderConfig) -> dict[str, tuple[int, ...]]:
    return {f"encoder/{name}": shape for name, shape in encoder_shapes(config).items()}


def _read_card(path: Path, text: np.ndarray) -> EncoderCard:
    try:
        about = json.loads(str(text))
        found = about.pop("format")
    except (ArithmeticError, AttributeError, KeyError, RecursionError, TypeError, ValueError):
        _not_ours(path, "its card cannot be read")
    if found != FORMAT:
        _not_ours(path, f"its format is {str(found)[:40]!r}", "save the encoder again")
    try:
        card = EncoderCard.from_json(about)
    except DataError as error:
        remedy = "save the encoder again with a card that is whole"
        raise error.but(file=path, remedy=remedy) from error
    if card.network is None:
        _not_ours(path, "its card does not describe the network")
    return card


def _check_size(path: Path) -> None:
    """Refuse an archive that would grow in memory: ours are not compressed."""
    size = path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        claimed = sum(entry.file_size for entry in archive.infolist())
        packed = [e.filename for e in archive.infolist() if e.compress_type != zipfile.ZIP_STORED]
    if packed or claimed > size:
        told = f"'{packed[0]}' is compressed" if packed else f"{claimed} bytes in a file of {size}"
        _not_ours(path, f"it is not as it was written ({told})")


def _check_same(copy: keras.Model, encoder: keras.Model) -> None:
    """Refuse settings that no weight shows, such as a stride, by what the encoder computes."""
    x = np.random.default_rng(0).normal(size=(2, *encoder.input_shape[1:])).astype("float32")
    theirs, ours = (
        keras.ops.convert_to_numpy(model(x, training=False)) for model in (copy, encoder)
    )
    if not np.allclose(theirs, ours, rtol=0, atol=1e-3 * np.abs(ours).max()):
        raise DataError(
            "an encoder of these settings computes other features from the same weights",
            field="config",
            expected="the settings with which the encoder was built",
        )


def _not_ours(path: Path, told: str, remedy: str | None = None) -> NoReturn:
    raise DataError(
        f"is not a saved encoder: {told}",
        file=path,
        expected=f"a file written by save_encoder, {FORMAT!r}",
        remedy=remedy,
    )
