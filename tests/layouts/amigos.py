"""Small files in the layout of AMIGOS, with everything in it that has misled readers."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.io import savemat

FS, N_TRIALS = 128, 20

VIDEOS = (
    *("10", "13", "138", "18", "19", "20", "23", "30", "31", "34", "36", "4", "5", "58", "80", "9"),
    *("N1", "P1", "B1", "U1"),
)
"""Names of the videos: sixteen short ones, then the long ones."""

EMPTY = np.zeros((0, 0))


def cell(items: list) -> np.ndarray:
    """Return a cell array of one row."""
    array = np.empty((1, len(items)), dtype=object)
    array[0, :] = items
    return array


def trial(person: int, number: int, seconds: float = 16.0) -> np.ndarray:
    """Return (n, 17) samples whose ECG, columns 14 and 15, no other trial has."""
    rng = np.random.default_rng(100 * person + number)
    data = np.tile(4000.0 + np.arange(17), (round(seconds * FS), 1))  # EEG and conductance
    data[:, 14:16] = np.cumsum(rng.normal(size=(len(data), 2)), axis=0)
    return data


def rating(person: int, number: int) -> np.ndarray:
    """Return arousal, valence, dominance, liking, familiarity and seven emotions."""
    arousal, valence = 1 + (person + number) % 9, 1 + (person + 2 * number) % 8 + 0.25
    emotions = np.eye(7)[(person + number) % 7]
    return np.array([[arousal, valence, 5.0, 8.999, 1.0, *emotions]])


def write_person(
    folder: Path,
    person: int,
    edit: Callable[[dict[str, list]], object] | None = None,
    *,
    nested: bool = True,
    compress: bool = True,
) -> Path:
    """Write the file of one person, whose cells `edit` may change first."""
    cells = {
        "joined_data": [trial(person, i) for i in range(N_TRIALS)],
        "labels_selfassessment": [rating(person, i) for i in range(N_TRIALS)],
        # Of outside annotators: segment, valence, arousal.
        "labels_ext_annotation": [np.array([[0, 0.5, -0.5]])] * N_TRIALS,
        "VideoIDs": list(VIDEOS),
    }
    if edit is not None:
        edit(cells)
    name = f"Data_Preprocessed_P{person:02d}"
    path = folder / name / f"{name}.mat" if nested else folder / f"{name}.mat"
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {k: cell(v) for k, v in cells.items()}, do_compression=compress)
    return path


def put(variable: str, number: int, value: object) -> Callable[[dict[str, list]], None]:
    """Return an edit that puts something in the place of one trial, counted from 0."""

    def edit(cells: dict[str, list]) -> None:
        cells[variable][number] = value

    return edit
