"""The ECG in a text of the recorder RespiBAN: three lines of header, then a line for each sample.

The set WESAD has such files of a quarter of a gigabyte each. They are parsed in parts, and two
bytes are kept of each sample.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.data.recording import check_rate

BITS = 16
"""Bits of a number of the converter."""


_ROWS = 1 << 18  # lines that are parsed at a time


_HEADER_BYTES = 1 << 16


_REMEDY = "copy the file again from its source"


@dataclass(frozen=True)
class Header:
    """What a file says above its samples.

    Parameters
    ----------
    fs : float
        Sampling rate in Hz.
    n_lines : int
        Number of lines above the first sample.
    n_columns : int
        Number of columns.
    ecg : int
        The column of the ECG, from 0.
    tab : bool
        Whether the first line of samples ends in a tab, as in the set.

    Examples
    --------
    >>> Header(fs=700.0, n_lines=3, n_columns=10, ecg=2, tab=True).ecg
    2
    """

    fs: float
    n_lines: int
    n_columns: int
    ecg: int
    tab: bool


@checked
def read_respiban(path: Path, participant: str | None = None) -> tuple[np.ndarray, float]:
    r"""Read the converter's numbers of the ECG, and their rate.

    Parameters
    ----------
    path : Path
        The file.
    participant : str, optional
        Whose it is, for messages.

    Returns
    -------
    ecg : ndarray of uint16, shape (n_samples,)
        As they stand in the file. No other column is kept.
    fs : float
        Sampling rate in Hz, as the header states it.

    Raises
    ------
    DataError
        If the file is missing, empty or damaged: names the line.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "S2_respiban.txt")
    >>> about = {"00:07": {"sensor": ["EDA", "ECG"], "column": ["nSeq", "DI", "CH1", "CH2"],
    ...                    "sampling rate": 700, "resolution": [16, 16]}}
    >>> _ = path.write_text(f"# OpenSignals\n# {json.dumps(about)}\n# EndOfHeader\n"
    ...                     "0\t0\t9\t32768\t\n1\t0\t9\t32769\t\n")
    >>> read_respiban(path)
    (array([32768, 32769], dtype=uint16), 700.0)
    """
    place = {"file": path, "participant": participant}
    header = read_header(path, participant)
    parts = []
    try:
        # The last column says that a line is whole, and nothing follows the tab that ends it.
        last, after = header.n_columns - 1, [header.n_columns] * header.tab
        reader = pd.read_csv(
            path,
            sep="\t",
            header=None,
            names=range(header.n_columns + len(after)),
            index_col=False,
            usecols=sorted({header.ecg, last, *after}),
            skiprows=header.n_lines,
            dtype="float64",
            keep_default_na=False,
            na_values=[""],
            chunksize=_ROWS,
            encoding_errors="replace",
        )
        with reader:
            for chunk in reader:
                values = chunk[header.ecg].to_numpy()
                right = (values >= 0) & (values < 2**BITS) & (values == np.floor(values))
                right &= chunk[last].notna().to_numpy() & chunk[after].isna().to_numpy().all(axis=1)
                if not right.all():
                    raise ValueError("a line is damaged")
                parts.append(values.astype(np.uint16))
        if not any(map(len, parts)):
            raise ValueError("no line")
    except (ValueError, OSError, OverflowError) as error:
        raise DataError(
            _damage(path, header),
            field="ECG",
            expected=f"{header.n_columns} numbers on each line, the ECG a whole one below "
            f"{2**BITS}",
            remedy=f"{_REMEDY}; a download may have broken off",
            **place,
        ) from error
    return np.concatenate(parts), header.fs


@checked
def read_header(path: Path, participant: str | None = None) -> Header:
    """Find out the rate and the column of the ECG.

    Parameters
    ----------
    path : Path
        The file.
    participant : str, optional
        Whose it is, for messages.

    Returns
    -------
    Header

    Raises
    ------
    DataError
        If the file is missing, or its header does not say it.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "S2_respiban.txt")
    >>> about = {
    ...     "sensor": ["ECG"],
    ...     "column": ["nSeq", "CH1"],
    ...     "sampling rate": 700,
    ...     "resolution": [16],
    ... }
    >>> lines = ["# OpenSignals", f"# {json.dumps({'00:07': about})}", "# EndOfHeader"]
    >>> _ = path.write_text(chr(10).join([*lines, chr(9).join(["0", "32768", ""]), ""]))
    >>> header = read_header(path)
    >>> header.fs, header.ecg
    (700.0, 1)
    """
    place = {"file": path, "participant": participant, "remedy": _REMEDY}
    if not path.is_file():
        raise DataError("this file is missing", expected="the text of the recorder", **place)
    *lines, first = _first_lines(path)
    if not any("endofheader" in line.lower() for line in lines):
        raise DataError(
            "no line says EndOfHeader" if lines else "there is no header",
            expected="lines that begin with #, of which the last says EndOfHeader",
            **place,
        )
    text = next((line for line in lines if line.lstrip("# ").startswith("{")), "")
    try:
        devices = json.loads(text.lstrip("# "))
    except (ValueError, RecursionError) as error:
        raise DataError(
            "the header holds no description of the recorder", expected="JSON", **place
        ) from error
    devices = devices.values() if isinstance(devices, dict) else []
    devices = [device for device in devices if isinstance(device, dict)]
    ecgs = [device for device in devices for sensor in _texts(device, "sensor") if sensor == "ECG"]
    if len(ecgs) != 1:
        raise DataError(
            f"{len(ecgs)} sensors are an ECG" if ecgs else "no sensor is an ECG",
            field="sensor",
            expected="one sensor named ECG",
            **place,
        )
    sensors, columns = _texts(ecgs[0], "sensor"), _texts(ecgs[0], "column")
    which = sensors.index("ECG")
    if len(columns) <= len(sensors):
        raise DataError(
            f"{len(columns)} columns for {len(sensors)} sensors",
            field="column",
            expected="nSeq, DI and a column for each sensor",
            **place,
        )
    bits = ecgs[0].get("resolution")
    if not isinstance(bits, list) or len(bits) != len(sensors) or bits[which] != BITS:
        raise DataError(
            f"{bits!r}"[:80], field="resolution", expected=f"{BITS} bits of the ECG", **place
        )
    try:
        fs = check_rate(ecgs[0].get("sampling rate"), file=path, field="sampling rate")
    except DataError as error:
        raise error.but(file=path, participant=participant) from error
    tab = first.rstrip("\r\n").endswith("\t")
    return Header(fs, len(lines), len(columns), len(columns) - len(sensors) + which, tab)


def _first_lines(path: Path) -> Iterator[str]:
    """Give the lines that begin with #, to the end of the header, and the one below them."""
    left, above = _HEADER_BYTES, True
    with path.open("rb") as stream:
        while above:
            line = stream.readline(max(left, 0)).decode("utf-8-sig", errors="replace")
            left -= len(line)
            above = line.startswith("#")
            yield line


def _damage(path: Path, header: Header) -> str:
    """Say which line is the first that is wrong, and why."""
    number = header.n_lines
    with path.open(encoding="utf-8", errors="replace", newline="\n") as stream:
        for number, line in enumerate(stream, start=1):
            fields = line.rstrip("\r\n").split("\t")
            if fields[-1] == "":
                fields.pop()
            if number <= header.n_lines or not fields:
                continue
            if len(fields) != header.n_columns:
                return f"line {number} has {len(fields)} fields"
            ecg = fields[header.ecg]
            if not ecg.isdecimal() or int(ecg[:9]) >= 2**BITS:
                return f"line {number}: the ECG is {ecg[:40]!r}"
            if not fields[-1].isdecimal():
                return f"line {number}: the last field is {fields[-1][:40]!r}"
    if number <= header.n_lines:
        return "there is no sample after the header"
    return "the lines cannot be read"


def _texts(device: Mapping[str, Any], field: str) -> list[str]:
    values = device.get(field)
    return [str(value) for value in values] if isinstance(values, list) else []
