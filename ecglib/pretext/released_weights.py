"""The checkpoint of the released code: its encoder and its seven heads, as models of ours.

References
----------
github.com/pritamqu/SSL-ECG at 1cd367d (TensorFlow 1.14, CC BY-NC 4.0): ``implementation/model.py``
(layers and their names), ``implementation/main.py`` (order of the tasks),
``load_model/saved_model`` (the checkpoint). Its index file gives names and shapes.
"""

from __future__ import annotations

import glob
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import keras
import numpy as np

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.models.card import EncoderCard, Preprocessing, TrainingData
from ecglib.models.encoder import EncoderConfig, build_encoder
from ecglib.models.file_kinds import FileKind, file_kind
from ecglib.models.weights import arrays_to_weights, check_shapes, check_weights, encoder_shapes
from ecglib.pretext.str_model import build_str_heads
from ecglib.pretext.transformations import TASKS

RELEASED_ENCODER = EncoderConfig(activation="leaky_relu", slope=0.2)
"""Shape of the released encoder; its heads have the same activation."""

RELEASED_CARD = EncoderCard(
    name="SSL-ECG, released checkpoint",
    pretext="STR",
    data=TrainingData(
        "SWELL, AMIGOS, DREAMER and WESAD",
        description="By its code, nine tenths of the shuffled windows of all people; which tenth "
        "was left out is not told.",
    ),
    licence="CC-BY-NC-4.0",
    attribution="P. Sarkar and A. Etemad, Self-supervised ECG Representation Learning for Emotion "
    "Recognition, IEEE Transactions on Affective Computing, 2020; github.com/pritamqu/SSL-ECG",
    preprocessing=Preprocessing(
        256.0,
        10.0,
        0.8,
        "per person: minus the mean, divided by the standard deviation of the samples between the "
        "2.5 % and 97.5 % ranks",
    ),
    limits="It has learnt from people of SWELL, AMIGOS, DREAMER and WESAD: on these data no score "
    "of it is one on unseen people. Not for commercial use.",
    versions={"tensorflow": "1.14"},
)
"""What is known of the released encoder, for whoever writes it with `save_encoder`."""

_LENGTH = 2560
_HIDDEN = 128
_LAYERS = ("dense_1", "dense_2", "logits")
_OF_TRAINING = re.compile(r".*/Adam(_1)?|beta[12]_power|steps")
_FILE = re.compile(r"(.+)\.(?:index|meta|data-\d{5}-of-\d{5})")


@checked
def read_released_checkpoint(path: str | Path) -> tuple[keras.Model, keras.Model]:
    """Read the TensorFlow 1 checkpoint of the released code.

    Weights are read and nothing else: the graph file (``.meta``) isn't needed, and what the
    optimiser kept is left out.

    Parameters
    ----------
    path : str or Path
        The checkpoint: a name such as ``SSL_model.ckpt``, one of the files that begin with it, or
        their folder, if its file ``checkpoint`` names one.

    Returns
    -------
    encoder : keras.Model
        Windows (batch, 2560) -> features (batch, 128); `RELEASED_ENCODER` is its shape.
    heads : keras.Model
        From features to logits (batch, 7); column `t` recognises ``TASKS[t]``.

    Raises
    ------
    DataError
        If a file is missing, damaged or of another kind, or a weight is missing, of another shape
        or not finite.
    ImportError
        If TensorFlow, which reads such files, is not installed.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> try:
    ...     read_released_checkpoint(folder / "SSL_model.ckpt")
    ... except DataError as error:
    ...     print(error.problem)
    cannot be opened (No such file or directory)
    """
    tf = _tensorflow()
    prefix = _prefix(Path(path))
    of_encoder, of_heads = encoder_shapes(RELEASED_ENCODER), _head_shapes()
    found = _weights(tf, prefix, of_encoder | of_heads)
    encoder = build_encoder(RELEASED_ENCODER, _LENGTH)
    arrays_to_weights(encoder, {f"encoder/{name}": found[name] for name in of_encoder}, "encoder")
    heads = build_str_heads(
        activation=RELEASED_ENCODER.activation, slope=RELEASED_ENCODER.slope, hidden=_HIDDEN
    )
    stacked = {}
    for layer in _LAYERS:
        for kind in ("kernel", "bias"):
            parts = [found[_head_name(task, layer, kind)] for task in range(len(TASKS))]
            stack = np.stack(parts)
            stacked[f"heads/{layer}/{kind}"] = stack[..., 0] if layer == "logits" else stack
    arrays_to_weights(heads, stacked, "heads")
    return encoder, heads


def _tensorflow() -> ModuleType:
    try:
        import tensorflow as tf
    except ImportError as error:
        raise ImportError(
            "reading a TensorFlow checkpoint needs TensorFlow: "
            "pip install 'ssl-ecg-emotion-book[tensorflow]'"
        ) from error
    return tf


def _head_name(task: int, layer: str, kind: str) -> str:
    return f"task_{task}{'' if layer == 'logits' else f'_{layer}'}/{kind}"


def _head_shapes() -> dict[str, tuple[int, ...]]:
    features = RELEASED_ENCODER.filters[-1]
    shapes: dict[str, tuple[int, ...]] = {}
    for task in range(len(TASKS)):
        for layer, inputs, units in zip(
            _LAYERS, (features, _HIDDEN, _HIDDEN), (_HIDDEN, _HIDDEN, 1), strict=True
        ):
            shapes[_head_name(task, layer, "kernel")] = (inputs, units)
            shapes[_head_name(task, layer, "bias")] = (units,)
    return shapes


def _prefix(path: Path) -> Path:
    """Give the part that the names of a checkpoint's files share; all of them must be there."""
    if path.is_dir():
        path = path / _named_in(path / "checkpoint")
    elif named := _FILE.fullmatch(path.name):
        path = path.with_name(named[1])
    index = path.with_name(f"{path.name}.index")
    if (kind := file_kind(index)) != FileKind.CHECKPOINT:
        raise DataError(
            f"is no checkpoint of TensorFlow: it is {kind}",
            file=index,
            expected="the index that TensorFlow wrote beside the weights",
            remedy=kind.remedy,
        )
    beside = path.parent.glob(f"{glob.escape(path.name)}.data-*")
    shards = [file for file in beside if _FILE.fullmatch(file.name)]
    if not shards:
        raise DataError(
            "no such file",
            file=path.with_name(f"{path.name}.data-00000-of-00001"),
            expected="the weights beside their index",
            remedy="put both files in one folder",
        )
    for shard in shards:
        if file_kind(shard) in (FileKind.POINTER, FileKind.EMPTY):
            kind = file_kind(shard)
            raise DataError(f"holds no weights: it is {kind}", file=shard, remedy=kind.remedy)
    return path


def _named_in(state: Path) -> str:
    """Give the checkpoint that a folder's own file names, wherever that folder lay before."""
    try:
        text = state.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            "names no checkpoint",
            file=state,
            expected="the file 'checkpoint' that TensorFlow writes",
            remedy="give the name of the checkpoint itself, such as SSL_model.ckpt",
        ) from error
    named = re.search(r'^model_checkpoint_path: "(?:.*[/\\])?([^/\\"]+)"', text, re.MULTILINE)
    if named is None:
        raise DataError(
            "names no checkpoint", file=state, expected='a line model_checkpoint_path: "NAME"'
        )
    return named[1]


def _weights(
    tf: ModuleType, prefix: Path, expected: dict[str, tuple[int, ...]]
) -> dict[str, np.ndarray]:
    reader: Any = None
    try:
        reader = tf.train.load_checkpoint(str(prefix))
        shapes = reader.get_variable_to_shape_map()
    except Exception as error:  # its errors are those of a library in another language
        raise _damaged(prefix, None, error) from error
    found = {name: tuple(shape) for name, shape in shapes.items()}
    check_shapes(
        {name: shape for name, shape in found.items() if not _OF_TRAINING.fullmatch(name)},
        expected,
        prefix,
    )
    arrays = {}
    for name in expected:
        try:
            arrays[name] = np.asarray(reader.get_tensor(name))
        except Exception as error:
            raise _damaged(prefix, name, error) from error
    check_weights(arrays, expected, prefix)
    return arrays


def _damaged(prefix: Path, name: str | None, error: Exception) -> DataError:
    return DataError(
        f"TensorFlow cannot read it ({' '.join(str(error).split())[:200]})",
        file=prefix,
        field=name,
        expected="a checkpoint as the released code wrote it",
        remedy="fetch or copy all its files again",
    )
