"""Small recordings, and files of them in every format."""

from pathlib import Path

import numpy as np

FS = 250.0


def wave(n: int = 2500, lead: int = 1) -> np.ndarray:
    """Return samples that rise and fall, another row of them for each lead."""
    return np.round(np.sin(np.arange(n) / 20) + lead * np.cos(np.arange(n) / 7), 4)


def write_lines(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


def write_columns(path: Path, header: str, *columns: np.ndarray, separator: str = ",") -> Path:
    """Write columns of numbers as text, under a header if there is one."""
    rows = [separator.join(f"{value:.10g}" for value in row) for row in zip(*columns, strict=True)]
    return write_lines(path, *([header] if header else []), *rows)


def write_edf(path: Path, *signals: tuple, bdf: bool = False, **of_file) -> Path:
    """Write (samples, rate, label, unit) each as one signal."""
    import edfio

    kind = edfio.BdfSignal if bdf else edfio.EdfSignal
    (edfio.Bdf if bdf else edfio.Edf)(
        [kind(x, fs, label=label, physical_dimension=unit) for x, fs, label, unit in signals],
        **of_file,
    ).write(path)
    return path


def write_wfdb(folder: Path, name: str, x: np.ndarray, fs: float, leads, units) -> Path:
    """Write (n_samples, n_leads) as a record in format 16."""
    import wfdb

    wfdb.wrsamp(
        name,
        fs=fs,
        units=list(units),
        sig_name=list(leads),
        p_signal=x,
        fmt=["16"] * len(leads),
        write_dir=str(folder),
    )
    return folder / name
