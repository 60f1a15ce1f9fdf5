"""Recordings whose heart rate follows the task, in files, with a table of labels beside them."""

from pathlib import Path

import numpy as np
import pandas as pd

from ecglib.models.encoder import EncoderConfig

FS = 128
PEOPLE = ("anna", "bo", "cy", "dee", "eve", "fay")
TINY = EncoderConfig(pool_stride=8, batch_norm=True, filters=(4, 4, 8), kernels=(8, 4, 4))


def beats(rate: float, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Narrow waves at a rate in Hz, with a little noise."""
    n = int(FS * seconds)
    phase = np.cumsum(np.full(n, rate / FS)) + rng.random()
    qrs = np.exp(-0.5 * ((phase % 1 - 0.5) / 0.03) ** 2)
    t_wave = 0.25 * np.exp(-0.5 * ((phase % 1 - 0.78) / 0.06) ** 2)
    return qrs + t_wave + 0.01 * rng.normal(size=n)


def write_recordings(folder: Path, people: tuple[str, ...] = PEOPLE, seconds: float = 31) -> Path:
    """Write two recordings of each person, and table.csv about them; give the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rng, rows = np.random.default_rng(0), []
    for person in people:
        for clip, task in enumerate(("rest", "sums"), start=1):
            name = f"{person}-{task}.npz"
            rate = (0.9 if task == "rest" else 2.0) + 0.02 * rng.normal()
            np.savez(folder / name, ecg=beats(rate, seconds, rng), fs=FS, unit="mV")
            stress = 2 + int(rng.integers(2)) if task == "rest" else 8.5
            rows.append((name, person, clip, task, stress))
    columns = ["file", "participant", "clip", "task", "stress"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "table.csv", index=False)
    return folder
