"""Files in the layout of YAAD: one channel as text between commas, and labels beside names."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.layouts.workbook import write_workbook

HOME = Path("ECG_GSR_Emotions")
RAW = {
    "multimodal": HOME / "Raw Data" / "Multimodal" / "ECG",
    "single": HOME / "Raw Data" / "Single Modal" / "ECG",
}
BOOKS = {
    "multimodal": HOME / "Self-Annotation Labels" / "Self-annotation Multimodal_Use.xlsx",
    "single": HOME / "Self-Annotation Labels" / "Self-annotation Single modal_Use.xlsx",
}
HEADINGS = {
    "multimodal": [
        *("Participant Id", "Name", "Age", "Gender", "Session ID", "Video ID", "Valence level"),
        *("Arousal level", "Dominance level", "Happy", "Familiarity Score", "Emotion"),
        *("V_Label", "A_Label", "Four_Labels"),
    ],
    "single": [
        *("Participant Id", "Name", "Age", "Male", "Session Id", "Video Id", "Valence level"),
        *("Arousal level", "Dominance level", "Happy", "Familiarity Score", "Emotion"),
        *("Valence", "Arousal", "Four_Label"),
    ],
}
NAMES = {1: "Zebulon Quixworthy", 2: "Ottoline Vexbridge"}
TRIALS = [(part, p, s, v) for part in RAW for p in (1, 2) for s in (1, 2) for v in (1, 2)]
EMOTIONS = ("Happy", "Sad", "Fear", "Anger", "Neutral", "Disgust", "Surprise", "Mixed")


def ecg(key: tuple[str, int, int, int], n: int = 5000, fs: float = 128) -> np.ndarray:
    """Return a heart's beats that no other recording has."""
    seed = TRIALS.index(key) if key in TRIALS else 99
    rng = np.random.default_rng(seed)
    t = np.arange(n) / fs
    x = 0.01 * rng.standard_normal(n)
    starts = np.cumsum(60 / (65 + 2 * seed) * (1 + 0.03 * rng.standard_normal(int(2 * t[-1]))))
    for start in starts:
        x += np.exp(-0.5 * ((t - start) / 0.012) ** 2)
        x += 0.25 * np.exp(-0.5 * ((t - start - 0.25) / 0.04) ** 2)
    return np.round(x, 6)


def level(key: tuple[str, int, int, int], which: int) -> int:
    return 1 + (sum(key[1:]) + which) % 5


def emotion(key: tuple[str, int, int, int]) -> str:
    return EMOTIONS[TRIALS.index(key) % 8]


def path_of(key: tuple[str, int, int, int]) -> Path:
    part, person, session, video = key
    return RAW[part] / f"ECGdata_s{session}p{person}v{video}.dat"


def write_ecg(path: Path, x: np.ndarray, column: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(("\n" if column else ",").join(f"{value:.6f}" for value in x))
    return path


def label_rows(part: str, keys: Sequence[tuple[str, int, int, int]] = TRIALS) -> list[list]:
    """Return the rows of a sheet; who never saw a film leaves its familiarity empty."""
    rows: list[list] = [HEADINGS[part]]
    for key in keys:
        if key[0] == part:
            _, person, session, video = key
            levels = [level(key, which) for which in range(3)]
            row = [person, NAMES[person], 21 + person, "M", session, video, *levels, 3]
            rows.append([*row, None if video == 1 else 2, emotion(key), "High V", "Low A", "HVLA"])
    return rows


def write_labels(folder: Path, part: str, rows: list[list]) -> Path:
    return write_workbook(folder / BOOKS[part], {"Sheet1": rows})


def write_yaad(folder: Path, fs: float = 128) -> Path:
    """Write both parts of the set: two people, two sessions and two videos in each."""
    for i, key in enumerate(TRIALS):
        write_ecg(folder / path_of(key), ecg(key, fs=fs), column=i % 2 == 1)
    for part in RAW:
        write_labels(folder, part, label_rows(part))
    gsr = folder / RAW["multimodal"].parent / "GSR" / "GSRdata_s1p1v1.dat"
    write_ecg(gsr, np.ones(10))
    write_workbook(
        folder / BOOKS["single"].with_name("Stimulus_Description.xlsx"),
        {"Sheet1": [["Session ID", "Video ID", "Target Emotion"], [1, 1, "happy"]]},
    )
    return folder
