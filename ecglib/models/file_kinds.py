"""What kind of weights file somebody has brought, told by its bytes and never by its name."""

from __future__ import annotations

import os
import zipfile
from enum import StrEnum

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError


class FileKind(StrEnum):
    """Kind of a file, in words that complete a sentence: "FILE is ...".

    Examples
    --------
    >>> print(FileKind.PICKLE)
    a Python pickle, which can run any code
    """

    ARRAYS = "an archive of arrays (.npz)"
    HDF5 = "an HDF5 file, such as Keras' .h5"
    KERAS = "a Keras file (.keras)"
    TORCH = "a PyTorch file"
    TORCH_PROGRAM = "a PyTorch program (TorchScript)"
    TORCH_OLD = "a PyTorch file of the format before version 1.6, which is a pickle"
    PICKLE = "a Python pickle, which can run any code"
    CHECKPOINT = "the index of a TensorFlow checkpoint"
    POINTER = "a Git LFS pointer, which stands for a file and does not hold it"
    ZIP = "a zip archive of something else"
    DAMAGED = "a damaged or unfinished zip archive"
    EMPTY = "an empty file"
    UNKNOWN = "a file of an unknown kind"

    @property
    def remedy(self) -> str | None:
        """What to do with a file of this kind, if there is something to do."""
        return _REMEDIES.get(self)


_REMEDIES = {
    FileKind.ARRAYS: "if save_encoder wrote it, read it with load_encoder",
    FileKind.HDF5: "build the network, have Keras load these weights into it, and write it with "
    "save_encoder",
    FileKind.KERAS: "have Keras load the model, give its weights to a model of build_encoder, and "
    "write that with save_encoder",
    FileKind.TORCH: "read it with ecglib.models.torch_weights.read_torch_encoder",
    FileKind.TORCH_PROGRAM: "save the weights alone: torch.save(model.state_dict(), path)",
    FileKind.TORCH_OLD: "load it in PyTorch with weights_only=True and save it again",
    FileKind.CHECKPOINT: "read it with ecglib.pretext.released_weights.read_released_checkpoint",
    FileKind.POINTER: "fetch the file itself, with 'git lfs pull' or from the web page",
    FileKind.DAMAGED: "fetch or copy the file again",
    FileKind.EMPTY: "fetch or copy the file again",
}

_STARTS = (
    (b"\x89HDF\r\n\x1a\n", FileKind.HDF5),
    (b"version https://git-lfs", FileKind.POINTER),
    (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", FileKind.TORCH_OLD),
    (b"\x80", FileKind.PICKLE),
)
_INDEX_END = b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"  # TensorFlow's index is a table that ends so


@checked
def file_kind(path: str | os.PathLike[str]) -> FileKind:
    """Tell the kind of a file.

    Parameters
    ----------
    path : str or path
        Any file.

    Returns
    -------
    FileKind

    Raises
    ------
    DataError
        If it cannot be opened.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> path = Path(tempfile.mkdtemp(), "notes.txt")
    >>> _ = path.write_text("no encoder")
    >>> print(file_kind(path))
    a file of an unknown kind
    """
    try:
        with open(path, "rb") as file:
            start = file.read(64)
            file.seek(max(0, file.seek(0, os.SEEK_END) - len(_INDEX_END)))
            end = file.read()
        if start.startswith(b"PK"):
            return _kind_of_zip(path)
    except OSError as error:
        raise DataError(
            f"cannot be opened ({error.strerror})", file=path, expected="a file of weights"
        ) from error
    for first, kind in _STARTS:
        if start.startswith(first):
            return kind
    if end == _INDEX_END:
        return FileKind.CHECKPOINT
    return FileKind.UNKNOWN if start else FileKind.EMPTY


def _kind_of_zip(path: str | os.PathLike[str]) -> FileKind:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        return FileKind.DAMAGED
    if any(name.endswith("/constants.pkl") for name in names):
        return FileKind.TORCH_PROGRAM
    if any(name.endswith("/data.pkl") for name in names):
        return FileKind.TORCH
    if "model.weights.h5" in names:
        return FileKind.KERAS
    return FileKind.ARRAYS if all(name.endswith(".npy") for name in names) else FileKind.ZIP
