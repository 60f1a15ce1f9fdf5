"""Files in the layout of SWELL-KW: Poly5 recordings, and a workbook of labels per minute."""

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.layouts.workbook import write_workbook

MOBI = Path("0 - Raw data/D - Physiology - raw data/Mobi signals (raw and filtered)")
LABELS = "Behavioral-features - per minute.xlsx"
RATINGS = (
    *("Valence_rc", "Arousal_rc", "Dominance", "Stress", "MentalEffort", "MentalDemand"),
    *("PhysicalDemand", "TemporalDemand", "Effort", "Performance_rc", "Frustration"),
)


def pascal(text: str, size: int) -> bytes:
    """Write a text after its length, padded with what may stand there: anything."""
    content = text.encode("cp1252")
    return bytes([len(content)]) + content + b"\xee" * (size - 1 - len(content))


def poly5_header(
    names: Sequence[str],
    n_samples: int,
    *,
    fs: int = 2048,
    per_block: int = 400,
    version: int = 203,
    n_blocks: int | None = None,
    block_bytes: int | None = None,
    delta: int = 0,
    n_halves: int | None = None,
    units: Sequence[str] | None = None,
    ranges: Sequence[tuple[float, float, float, float]] | None = None,
    marks: tuple[str, str] = ("(Lo) ", "(Hi) "),
) -> bytes:
    """Write the head of a Poly5 file and its descriptions, field by field."""
    n_channels = len(names)
    n_blocks = -(-n_samples // per_block) if n_blocks is None else n_blocks
    block_bytes = 4 * n_channels * per_block if block_bytes is None else block_bytes
    text = b"POLY SAMPLE FILEversion 2.03\r\n\x1a\x1a"
    head = text[: 31 if version == 203 else 32] + struct.pack("<h", version)
    head += pascal("pp1 c1", 81)
    head += struct.pack("<hhB", fs, fs, 0)
    head += struct.pack("<h", 2 * n_channels if n_halves is None else n_halves)
    head += struct.pack("<i4x", n_samples)
    head += struct.pack("<7h", 2012, 9, 18, 2, 13, 16, 0)
    head += struct.pack("<iHHh64x", n_blocks, per_block, block_bytes, delta)
    assert len(head) == (217 if version == 203 else 218)
    for i, name in enumerate(names):
        unit = "µV" if units is None else units[i]
        span = (0.0, 1.0, 0.0, 1.0) if ranges is None else ranges[i]
        for half, mark in enumerate(marks):
            low_word = (-1.0, 1.0, -1.0, 1.0)  # only the second description counts
            head += pascal(mark + name, 41) + bytes(4) + pascal(unit, 11)
            head += struct.pack("<4fhh60x", *(span if half else low_word), 2 * i + half, 0)
    return head


def write_poly5(
    path: Path,
    signals: np.ndarray,
    names: Sequence[str],
    *,
    per_block: int = 400,
    short_last: bool = False,
    **options,
) -> Path:
    """Write (n_samples, n_channels) as it is stored, before the ranges give it a unit."""
    n_samples, n_channels = signals.shape
    content = [poly5_header(names, n_samples, per_block=per_block, **options)]
    for number, start in enumerate(range(0, n_samples, per_block)):
        block = signals[start : start + per_block].astype("<f4")
        content.append(struct.pack("<i4x7h64x", number, 2012, 9, 18, 2, 13, 16, number))
        content.append(block.tobytes())
        if not short_last:
            content.append(b"\x7f" * 4 * n_channels * (per_block - len(block)))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(content))
    return path


def ecg(seed: int, n: int = 5000) -> np.ndarray:
    """Return samples in µV that no other recording has."""
    rng = np.random.default_rng(seed)
    return (1000 * np.sin(np.arange(n) / 40) + rng.normal(size=n)).astype(np.float32)


NAMES = ("A", "B", "Saw", "GSR", "ECG raw")


def recording_name(person: int, block: int, suffix: str = ".S00") -> str:
    return f"pp{person}_18-9-2012_c{block}{suffix}"


def write_block(folder: Path, person: int, block: int, *, suffix: str = ".S00", **options) -> Path:
    """Write a recording of five channels; the ECG is the last one."""
    names = options.pop("names", NAMES)
    x = ecg(10 * person + block)
    other = np.random.default_rng(0).normal(size=(len(x), len(names) - 1))
    path = folder / MOBI / recording_name(person, block, suffix)
    return write_poly5(path, np.column_stack([other, x]), names, **options)


def rating(person: int, block: int, column: str) -> float:
    """Return what somebody answered after a block: 1 to 9, or 0 to 10."""
    return 1 + (3 * person + 2 * block + RATINGS.index(column)) % 9


def label_rows(conditions: dict[tuple[int, int], str]) -> list[list[object]]:
    """Return the rows of the sheet: every minute of a block repeats its rating."""
    header = ["PP", "Blok", "Condition", "timestamp", *RATINGS, "SnMouseAct"]
    rows: list[list[object]] = [header]
    for (person, block), code in conditions.items():
        answers = [rating(person, block, column) for column in RATINGS]
        for minute, now in enumerate(("R", code, code)):
            row = [f"PP{person}", block, now, f"20120918T1316{minute:02d}000", *answers, 7 * minute]
            rows.append([None if now == "R" and i > 3 else value for i, value in enumerate(row)])
    return rows


CONDITIONS = {(1, 1): "N", (1, 2): "T", (1, 3): "I", (2, 1): "N", (2, 2): "I", (2, 3): "T"}


def write_swell(folder: Path, conditions: dict[tuple[int, int], str] = CONDITIONS) -> Path:
    """Write two people in three blocks, the two orders of the conditions among them."""
    for i, (person, block) in enumerate(conditions):
        version = (203, 204)[i % 2]
        suffix = (".S00", ".s00")[i % 2]
        write_block(folder, person, block, suffix=suffix, version=version, short_last=i % 2 == 0)
    write_workbook(folder / LABELS, {"Sheet1": label_rows(conditions), "Sheet2": [["PP"], ["x"]]})
    return folder
