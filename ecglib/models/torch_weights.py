"""Encoders trained in PyTorch: weights read without PyTorch, and without running their pickle.

``torch.save`` writes a zip archive: the numbers of each tensor in a file of their own, and a pickle
that says which tensor has which name, shape and file. A pickle is a program that may call anything.
Here it is only read: the instructions that name tensors are understood, and any other one ends the
reading.

References
----------
github.com/joergsimon/SSL-ECG-Paper-Reimplementaton at ce711eb, ``src/model.py`` (names, shapes,
padding) and ``src/pretext_training.py`` (what is saved).
"""

from __future__ import annotations

import math
import pickletools
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.models.encoder import EncoderConfig, build_encoder
from ecglib.models.file_kinds import FileKind, file_kind
from ecglib.models.weights import arrays_to_weights, check_shapes, check_weights, encoder_shapes

TORCH_ENCODER = EncoderConfig(kernels=(33, 17, 9))
"""Shape of the PyTorch re-implementation: that of the paper, and one tap more in every kernel.

It pads with (16, 15), (8, 7) and (4, 3) zeros where "same" pads a kernel of 32, 16 or 8 taps with
(15, 16), (7, 8) and (3, 4). A kernel of one tap more is padded with as many zeros before as there,
and where its last tap is 0, it gives the same numbers.
"""

_MOST_INSTRUCTIONS = 1 << 18  # bytes; six convolutions need about 1,200
_FLOATS = "torch FloatStorage"
_DICT = "collections OrderedDict"
_TENSOR = "torch._utils _rebuild_tensor_v2"
_PARAMETER = "torch._utils _rebuild_parameter"


@dataclass(frozen=True)
class _Name:
    """A function or class that the pickle names, and that is never looked up."""

    name: str


@dataclass(frozen=True)
class _Storage:
    """A file of numbers in the archive."""

    key: str
    size: int


@dataclass(frozen=True)
class _Tensor:
    """A view of a storage."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@checked
def read_torch_encoder(
    path: str | Path, config: EncoderConfig = TORCH_ENCODER, length: int = 2560
) -> keras.Model:
    """Read the encoder of the PyTorch re-implementation, such as ``model_embedding.pt``.

    The file holds weights only. The activation is a matter of the code that goes with it, and that
    has changed: ReLU, or leaky ReLU with PyTorch's slope of 0.01. The re-implementation names no
    licence, so that its weights may be used by whoever has them and not be passed on.

    Parameters
    ----------
    path : str or Path
        What ``torch.save(encoder.state_dict(), path)`` wrote, in PyTorch 1.6 or later.
    config : EncoderConfig
        Shape of the encoder. For leaky ReLU:
        ``dataclasses.replace(TORCH_ENCODER, activation="leaky_relu", slope=0.01)``.
    length : int
        Window length in samples.

    Returns
    -------
    keras.Model
        Windows (batch, length) -> features, with the padding of the original.

    Raises
    ------
    DataError
        If the file is missing, damaged or of another kind, asks for code to be run, or holds other
        weights than this encoder's six convolutions.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "model_embedding.pt")
    >>> _ = path.write_text("no weights")
    >>> try:
    ...     read_torch_encoder(path)
    ... except DataError as error:
    ...     print(error.problem)
    is not a PyTorch file of weights: it is a file of an unknown kind
    """
    path = Path(path)
    expected = {_torch_name(n): _torch_shape(s) for n, s in encoder_shapes(config).items()}
    with _open(path) as archive:
        root, tensors = _state(archive, path)
        check_shapes({name: tensor.shape for name, tensor in tensors.items()}, expected, path)
        found = {n: _read(archive, root, tensor, n, path) for n, tensor in tensors.items()}
    check_weights(found, expected, path)
    arrays = {}
    for name in encoder_shapes(config):
        weights = found[_torch_name(name)]
        if weights.ndim == 3:
            weights = np.pad(weights.transpose(2, 1, 0), [(0, 1), (0, 0), (0, 0)])
        arrays[f"encoder/{name}"] = weights
    encoder = build_encoder(config, length)
    arrays_to_weights(encoder, arrays, "encoder")
    return encoder


def _torch_name(name: str) -> str:
    layer, kind = name.removeprefix("conv_layer_").split("/")
    return f"conv_{layer}.{'weight' if kind == 'kernel' else kind}"


def _torch_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    if len(shape) == 1:
        return shape
    taps, channels, filters = shape
    return (filters, channels, taps - 1)


def _open(path: Path) -> zipfile.ZipFile:
    kind = file_kind(path)
    if kind != FileKind.TORCH:
        raise DataError(
            f"is not a PyTorch file of weights: it is {kind}",
            file=path,
            expected="what torch.save(encoder.state_dict(), path) writes in PyTorch 1.6 or later",
            remedy=kind.remedy,
        )
    return zipfile.ZipFile(path)


def _state(archive: zipfile.ZipFile, path: Path) -> tuple[str, dict[str, _Tensor]]:
    """Give the folder of the archive in which everything lies, and the tensors by their names."""
    name = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
    pickle = _entry(archive, name, path, _MOST_INSTRUCTIONS)
    try:
        return name.removesuffix("data.pkl"), _tensors(pickle)
    except _NotWeightsError as error:
        raise DataError(
            f"its pickle asks for {error}",
            file=path,
            expected="float32 weights by their names and nothing else",
            remedy="in PyTorch, save them so: torch.save(encoder.float().state_dict(), path)",
        ) from error
    except (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise DataError(
            "its list of weights cannot be read", file=path, remedy="fetch or copy the file again"
        ) from error


def _entry(archive: zipfile.ZipFile, name: str, path: Path, most: int) -> bytes:
    """Read one file of the archive, of which PyTorch compresses none."""
    try:
        info = archive.getinfo(name)
        if info.compress_type != zipfile.ZIP_STORED or info.file_size > most:
            raise ValueError(f"{info.file_size} bytes, or compressed")
        return archive.read(info)
    except Exception as error:  # of headers, checksums and the system: all mean the same here
        raise DataError(
            f"cannot be read ({error})",
            file=path,
            field=name,
            expected="a part of the archive as PyTorch wrote it",
            remedy="fetch or copy the file again",
        ) from error


def _read(
    archive: zipfile.ZipFile, root: str, tensor: _Tensor, name: str, path: Path
) -> np.ndarray:
    """Give the numbers of a tensor, row by row."""
    size = path.stat().st_size
    content = _entry(archive, f"{root}data/{tensor.storage.key}", path, size)
    endian = ">" if _order(archive, root, path) == b"big" else "<"
    steps = [(n - 1) * step for n, step in zip(tensor.shape, tensor.strides, strict=True)]
    if (
        len(content) != 4 * tensor.storage.size
        or min(tensor.offset, *tensor.strides) < 0
        or tensor.offset + sum(steps) >= tensor.storage.size
    ):
        raise DataError(
            f"{len(content)} bytes for {math.prod(tensor.shape)} numbers",
            file=path,
            field=name,
            expected=f"{4 * tensor.storage.size} bytes, and every number among them",
            remedy="fetch or copy the file again",
        )
    numbers = np.frombuffer(content, f"{endian}f4")[tensor.offset :]
    strides = tuple(4 * step for step in tensor.strides)
    view = np.lib.stride_tricks.as_strided(numbers, tensor.shape, strides, writeable=False)
    return view.astype(np.float32)


def _order(archive: zipfile.ZipFile, root: str, path: Path) -> bytes:
    """Give the order of the bytes, which PyTorch tells since version 2.1."""
    name = f"{root}byteorder"
    return _entry(archive, name, path, 16) if name in archive.namelist() else b"little"


class _NotWeightsError(Exception):
    """The pickle asks for more than tensors by their names."""


def _tensors(pickle: bytes) -> dict[str, _Tensor]:
    """Follow the instructions of a pickle that name tensors; refuse all others."""
    stack: list[Any] = []
    marks: list[list[Any]] = []
    memo: dict[int, Any] = {}
    name = ""
    for instruction, value, _ in pickletools.genops(pickle):
        name = instruction.name
        if name in _VALUES:
            stack.append(_VALUES[name](value))
        elif name in ("BINPUT", "LONG_BINPUT"):
            memo[value] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(memo[value])
        elif name == "MARK":
            marks.append(stack)
            stack = []
        elif name == "TUPLE":
            stack, made = marks.pop(), tuple(stack)
            stack.append(made)
        elif name in _TUPLES:
            stack[-_TUPLES[name] :] = [tuple(stack[-_TUPLES[name] :])]
        elif name == "BINPERSID":
            stack.append(_storage(stack.pop()))
        elif name == "REDUCE":
            arguments = stack.pop()
            stack.append(_made(stack.pop(), arguments))
        elif name == "SETITEM":
            key, item = stack[-2:]
            del stack[-2:]
            _fill(stack[-1], [key, item])
        elif name == "SETITEMS":
            stack, items = marks.pop(), stack
            _fill(stack[-1], items)
        elif name == "BUILD":  # versions of the layers, which the weights don't need
            if not isinstance(stack.pop(), dict) or not isinstance(stack[-1], dict):
                raise _NotWeightsError("an object with a state of its own")
        elif name not in ("PROTO", "STOP"):
            raise _NotWeightsError(f"the instruction {name}")
    if name != "STOP" or len(stack) != 1 or marks:
        raise ValueError("unfinished")
    if not isinstance(stack[0], dict):
        raise _NotWeightsError("something without names")
    for key, tensor in stack[0].items():
        if not isinstance(tensor, _Tensor):
            raise _NotWeightsError(f"'{key[:40]}', which is no tensor")
    return stack[0]


def _known(name: str) -> _Name:
    name = str(name)
    if name not in (_FLOATS, _DICT, _TENSOR, _PARAMETER):
        what = "numbers of another type" if name.endswith("Storage") else "code"
        raise _NotWeightsError(f"'{name[:80].replace(' ', '.')}', which is {what}")
    return _Name(name)


def _same(value: Any) -> Any:
    return value


_VALUES = {
    "GLOBAL": _known,
    "EMPTY_TUPLE": lambda _: (),
    "EMPTY_DICT": lambda _: {},
    "NEWTRUE": lambda _: True,
    "NEWFALSE": lambda _: False,
    "NONE": _same,
    **dict.fromkeys(("BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1"), _same),
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def _storage(told: Any) -> _Storage:
    kind, numbers, key, _, size = told
    if kind != "storage" or numbers != _Name(_FLOATS) or not _whole(size) or type(key) is not str:
        raise ValueError("no storage")
    return _Storage(key, size)


def _made(function: Any, arguments: Any) -> Any:
    """Give what a call would make, of the calls that make dicts and tensors."""
    if function == _Name(_DICT) and arguments == ():
        return {}
    if function == _Name(_TENSOR):
        storage, offset, shape, strides = arguments[:4]
        sizes = (offset, *shape, *strides)
        right = isinstance(storage, _Storage) and len(shape) == len(strides)
        if not right or not all(map(_whole, sizes)):
            raise ValueError("no tensor")
        return _Tensor(storage, offset, shape, strides)
    if function == _Name(_PARAMETER) and isinstance(arguments[0], _Tensor):
        return arguments[0]
    raise _NotWeightsError("a call that makes no tensor")


def _whole(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**40


def _fill(target: Any, items: list[Any]) -> None:
    keys, values = items[::2], items[1::2]
    if not isinstance(target, dict) or not all(type(key) is str for key in keys):
        raise ValueError("no names")
    target.update(zip(keys, values, strict=True))
