"""Every reader of files, as a function of a path, with the name that its file must have."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any


def read_mat_variable(path: Path) -> object:
    from ecglib.data.matfile import read_variable

    return read_variable(path, "DREAMER")


def read_dreamer(path: Path) -> object:
    from ecglib.data.dreamer import read_dreamer

    return read_dreamer(path)


def read_any(path: Path) -> object:
    from ecglib.data.readers.any_format import read_recording

    return read_recording(path, fs=250)


def read_wfdb_folder(path: Path) -> object:
    from ecglib.data.wfdb_folder import read_wfdb_folder

    return read_wfdb_folder(path.parent)


def read_encoder(path: Path) -> object:
    from ecglib.models.weights import load_encoder

    return load_encoder(path)


def read_torch(path: Path) -> object:
    from ecglib.models.torch_weights import read_torch_encoder

    return read_torch_encoder(path, tiny_torch(), 100)


@cache
def tiny_torch() -> Any:
    """Settings of the encoder in the corpus; Keras is imported only where it is needed."""
    from dataclasses import replace

    from ecglib.models.torch_weights import TORCH_ENCODER

    return replace(TORCH_ENCODER, filters=(2, 3, 4))


def read_windows(path: Path) -> object:
    from ecglib.preprocessing.windows import Windows

    return Windows.load(path)


def read_arrays(path: Path) -> object:
    from ecglib.core.artifacts import load_arrays

    return load_arrays(path)


def read_table(path: Path) -> object:
    from ecglib.core.tables import load_table

    return load_table(path, ("a", "b"))


def read_beats(path: Path) -> object:
    from ecglib.data.wfdb_folder import annotated_beats

    return annotated_beats(path.parent, path.stem)


def read_extract(path: Path) -> object:
    from ecglib.data.extracts import Arrays

    arrays = Arrays(path, "copy it again")
    return [arrays.row(name, "iuf") for name in arrays.names]


def read_workbook(path: Path) -> object:
    from ecglib.data.readers.workbook import read_sheet

    return read_sheet(path, {"person": ("PP",), "stress": ("Stress", "Strain")}, sheet="a")


TARGETS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "variable": ("a.mat", read_mat_variable),
    "dreamer": ("a.mat", read_dreamer),
    "mat": ("a.mat", read_any),
    "csv": ("a.csv", read_any),
    "txt": ("a.txt", read_any),
    "edf": ("a.edf", read_any),
    "bdf": ("a.bdf", read_any),
    "npy": ("a.npy", read_any),
    "npz": ("a.npz", read_any),
    "poly5": ("a.S00", read_any),
    "workbook": ("a.xlsx", read_workbook),
    "wfdb": ("a.hea", read_any),
    "records": ("a.hea", read_wfdb_folder),
    "beats": ("a.atr", read_beats),
    "arrays": ("a.npz", read_arrays),
    "extract": ("a.npz", read_extract),
    "windows": ("a.npz", read_windows),
    "table": ("a.csv.gz", read_table),
    "encoder": ("a.npz", read_encoder),
    "torch": ("a.pt", read_torch),
}
