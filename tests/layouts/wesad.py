"""Small files in the layout of WESAD, with everything in it that has misled readers."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

SENSORS = ("ECG", "EDA", "EMG", "TEMP", "XYZ", "XYZ", "XYZ", "RESPIRATION")

S2 = {
    "ORDER": ("Base", "TSST", "Medi 1", "Fun", "Medi 2", "sRead", "fRead"),
    "START": ("7.08", "39.55", "70.19", "81.25", "93.38", "54.42", "89.51"),
    "END": ("26.32", "50.3", "77.1", "87.47", "100.15", "56.07", "91.15"),
}
"""Order and times of a person of the set, as they stand in the file."""

SHORT = {
    "ORDER": ("Base", "Fun", "Medi 2", "TSST", "Medi 1", "bRead", "sRead"),
    "START": ("0.1", "1.05", "2.2", "3", "1.4", "0.42", "3.41"),
    "END": ("0.4", "1.37", "2.51", "3.4", "2.11", "1.04", "4.02"),
}
"""Invented times of little more than 20 s a block, so that files stay small."""

DIM = {"Base": (7, 2), "TSST": (3, 8), "Fun": (8, 4), "Medi 1": (6, 1), "Medi 2": (5, 3)}
"""Valence and arousal after each condition."""

README = """### Personal information ###
Age: {age}
Height (cm): 175
Weight (kg): 80
Gender: {sex}
Dominant hand: right

### Study pre-requisites ###
Did you drink coffee today? YES
Are you a smoker? NO

### Additional notes ###
The temperature sensor was not fully attached: it was loose.
"""


def raw_ecg(seed: int, seconds: float, fs: float) -> np.ndarray:
    """Return numbers of the converter that no other person has; none is 0."""
    n = round(seconds * fs)
    beats = np.hanning(round(0.1 * fs) * 2 + 1)
    spikes = np.zeros(n)
    spikes[:: round(0.85 * fs)] = 9000
    rng = np.random.default_rng(seed)
    wander = np.cumsum(rng.integers(-20, 21, n))
    wave = 32768 + np.convolve(spikes, beats, mode="same") + wander - wander.mean()
    return np.clip(np.rint(wave), 1, 65535).astype(np.int64)


def header(fs: object = 700, **changes: object) -> str:
    """Return the three lines above the samples; `changes` replace fields of the JSON."""
    n = len(changes.get("sensor", SENSORS))
    device = {
        "sensor": list(SENSORS),
        "device name": "RespiBan Professional",
        "column": ["nSeq", "DI", *(f"CH{i}" for i in range(1, n + 1))],
        "sync interval": 2,
        "time": "9:39:1.0",
        "date": "2017-5-22",
        "comments": "",
        "device connection": "BTH00:07:80:D8:AB:58",
        "channels": list(range(1, n + 1)),
        "mode": 0,
        "digital IO": [0, 1],
        "firmware version": 770,
        "device": "biosignalsplux",
        "position": 0,
        "sampling rate": fs,
        "label": [f"CH{i}" for i in range(1, n + 1)],
        "resolution": [16] * n,
        "special": [{}] * n,
    }
    about = json.dumps({"00:07:80:D8:AB:58": device | changes})
    return f"# OpenSignals Text File Format\n# {about}\n# EndOfHeader\n"


def write_respiban(
    path: Path, ecg: Sequence[int], fs: object = 700, *, tab: str = "\t", **changes: object
) -> Path:
    """Write the recorder's text; a tab ends each line."""
    sensors = changes.get("sensor", SENSORS)
    before, after = (len(part) for part in (sensors[: sensors.index("ECG")], sensors))
    left, right = "\t31000" * before, "\t28123" * (after - before - 1)
    rows = [f"{i % 65536}\t0{left}\t{value}{right}{tab}\n" for i, value in enumerate(ecg)]
    path.write_text(header(fs, **changes) + "".join(rows), encoding="utf-8", newline="\n")
    return path


def write_quest(
    path: Path,
    subject: str,
    times: Mapping[str, Sequence[str]] = SHORT,
    dim: Mapping[str, tuple[object, object]] = DIM,
) -> Path:
    """Write times and questionnaires, padded with empty fields to 27 columns."""
    asked = [name for name in times["ORDER"] if name in DIM]
    rows = [("# Subj", subject), *((f"# {name}", *row) for name, row in times.items()), ()]
    # What a person felt: 26 items, two of them after stress only.
    rows += [("# PANAS", *[1] * 23, *((2, 1) if n == "TSST" else ("", "")), 1) for n in asked]
    rows += [(), *[("# STAI", 4, 1, 1, 4, 1, 3)] * len(asked), ()]
    rows += [*(("# DIM", *dim[name]) for name in asked if name in dim), ()]
    rows.append(("# SSSQ", 4, 4, 2, 3, 1, 2))
    lines = [";".join(map(str, (*row, *[""] * (27 - len(row))))) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\r\n")
    return path


def write_person(
    root: Path,
    subject: str,
    times: Mapping[str, Sequence[str]] = SHORT,
    *,
    fs: float = 100,
    seconds: float = 245,
    age: object = 27,
    sex: str = "male",
) -> Path:
    """Write the files of one person that are read, and the pickle, which must not be."""
    folder = root / subject
    folder.mkdir(parents=True)
    write_respiban(
        folder / f"{subject}_respiban.txt", raw_ecg(int(subject[1:]), seconds, fs), fs=fs
    )
    write_quest(folder / f"{subject}_quest.csv", subject, times)
    (folder / f"{subject}_readme.txt").write_text(README.format(age=age, sex=sex))
    (folder / f"{subject}.pkl").write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")
    return folder
