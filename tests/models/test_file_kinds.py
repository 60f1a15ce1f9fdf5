import pickle
import zipfile

import h5py
import keras
import numpy as np
import pytest

from ecglib.core.errors import DataError
from ecglib.models.file_kinds import FileKind, file_kind

OLD_TORCH = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e80024de9032e")


def zipped(path, *names):
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")


def test_every_kind_is_told_by_the_content(tmp_path):
    path = tmp_path / "weights.npz"
    made = {}

    def told(name):
        made[name] = file_kind(path)

    np.savez(path, x=np.zeros(3))
    told(FileKind.ARRAYS)
    with h5py.File(path, "w") as file:
        file["x"] = 1
    told(FileKind.HDF5)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.save(tmp_path / "model.keras")
    (tmp_path / "model.keras").rename(path)
    told(FileKind.KERAS)
    zipped(path, "archive/data.pkl", "archive/data/0")
    told(FileKind.TORCH)
    zipped(path, "archive/data.pkl", "archive/constants.pkl")
    told(FileKind.TORCH_PROGRAM)
    zipped(path, "text.txt")
    told(FileKind.ZIP)
    for kind, content in (
        (FileKind.TORCH_OLD, OLD_TORCH),
        (FileKind.PICKLE, pickle.dumps({"a": 1})),
        (FileKind.CHECKPOINT, bytes(100) + bytes.fromhex("57fb808b247547db")),
        (FileKind.POINTER, b"version https://git-lfs.github.com/spec/v1\n"),
        (FileKind.DAMAGED, b"PK\x03\x04" + bytes(100)),
        (FileKind.EMPTY, b""),
        (FileKind.UNKNOWN, b"some text"),
    ):
        path.write_bytes(content)
        told(kind)
    assert made == {kind: kind for kind in FileKind}


def test_a_file_that_cannot_be_opened(tmp_path):
    for path in (tmp_path / "absent.npz", tmp_path):
        with pytest.raises(DataError, match="cannot be opened"):
            file_kind(path)


def test_what_to_do_is_said_in_words():
    assert "load_encoder" in FileKind.ARRAYS.remedy
    assert "read_torch_encoder" in FileKind.TORCH.remedy
    assert FileKind.UNKNOWN.remedy is None
