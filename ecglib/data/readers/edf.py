"""Recordings in EDF and BDF files, also EDF+ and BDF+ without gaps, read by `edfio`."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.core.extras import need
from ecglib.data.readers.choice import Leads, choose, one_of_all, stated_rate, stated_unit
from ecglib.data.recording import Recording, check_size

MAX_BDF_BYTES = 2**29
"""Largest BDF file: the package reads all of it, and takes some nine times its size for a while."""


_COPY = "copy the file again from its source"


_BEFORE_COUNTS = 216
"""Bytes of one signal's header that stand before its number of samples in a data record."""


@checked
def read_edf(
    path: Path, *, fs: float | None = None, leads: Leads = None, unit: str | None = None
) -> Recording:
    """Read the ECG of an EDF or BDF file.

    Parameters
    ----------
    path : Path
        The file.
    fs : float, optional
        Sampling rate in Hz, to overrule a wrong header.
    leads : str, int or sequence of them, optional
        Signals to read; by default those whose label is an ECG lead's.
    unit : str, optional
        Unit of the samples, if the file has none.

    Returns
    -------
    Recording
        In the physical unit of the file, float64; annotations are left out.

    Raises
    ------
    DataError
        If `edfio` is missing; if the file is damaged, shorter or longer than its header says, or
        has gaps (EDF+D); if no ECG is found, or the leads differ in rate or unit.

    Examples
    --------
    >>> import tempfile
    >>> from edfio import Edf, EdfSignal
    >>> path = Path(tempfile.mkdtemp(), "anna.edf")
    >>> signal = EdfSignal(np.sin(np.arange(2560) / 20), 256, label="ECG", physical_dimension="mV")
    >>> Edf([signal]).write(path)
    >>> read_edf(path)
    <Recording 'anna': ECG; 10.0 s at 256 Hz, mV>
    """
    edfio = need("edfio", "readers", "EDF and BDF files")
    kind, n_records = _check_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what it warns of is refused, here or above
            reader = edfio.read_bdf if kind == "BDF" else edfio.read_edf
            file = reader(path, header_encoding="latin-1")
            record_s = file.data_record_duration
            signals = [_Signal(signal) for signal in file.signals]
    except Exception as error:
        raise _damaged(f"{type(error).__name__}: {error}", path, kind) from error
    names = [signal.label for signal in signals]
    chosen = [signals[i] for i in choose(names, leads, file=path)]
    names = [signal.label for signal in chosen]
    if not 0 < record_s < np.inf:
        raise _damaged(f"data records of {record_s} s", path, kind)
    rates = [signal.per_record / record_s for signal in chosen]
    rate = one_of_all(rates, names, "sampling rates in Hz", file=path)
    dimension = one_of_all([signal.unit for signal in chosen], names, "units", file=path)
    for signal in chosen:
        if signal.scale in (0, None):
            raise _damaged(f"the lead {signal.label} has no range", path, kind)
    check_size(n_records * chosen[0].per_record, len(chosen), file=path)
    return Recording(
        np.column_stack([signal.samples() for signal in chosen]),
        stated_rate(fs, rate, file=path, where="sampling rate in its header"),
        names,
        stated_unit(unit, dimension, file=path),
        name=path.stem,
        file=str(path),
    )


class _Signal:
    """What the header says of one signal; every field is read at once, so that damage shows."""

    def __init__(self, signal: Any) -> None:
        self._signal = signal
        self.label = signal.label.strip()
        self.unit = signal.physical_dimension.strip()
        self.per_record = signal.samples_per_data_record
        physical, digital = signal.physical_range, signal.digital_range
        steps = digital.max - digital.min
        self.scale = (physical.max - physical.min) / steps if steps else None

    def samples(self) -> np.ndarray:
        return self._signal.data


def _check_file(path: Path) -> tuple[str, int]:
    """Return "EDF" or "BDF" and the number of data records, if the file is as long as it says."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        start = stream.read(256)
        kind = "BDF" if start.startswith(b"\xff") else "EDF"
        try:
            n_header, n_records, n_signals = (
                int(start[part]) for part in (slice(184, 192), slice(236, 244), slice(252, 256))
            )
            stream.seek(256 + n_signals * _BEFORE_COUNTS)
            counts = stream.read(8 * n_signals)
            per_record = [int(counts[8 * i : 8 * i + 8]) for i in range(n_signals)]
        except ValueError as error:
            raise _damaged(str(error), path, kind) from error
    if n_signals < 1 or n_header != 256 * (n_signals + 1) or min(per_record) < 1 or n_records < -1:
        raise _damaged(
            f"{n_signals} signals, {n_records} data records, {n_header} bytes", path, kind
        )
    if start[192:197] in (b"EDF+D", b"BDF+D"):
        raise DataError(
            f"the recording has gaps ({kind}+D)",
            file=path,
            expected=f"{kind} data records that follow each other without a gap",
            remedy="export each part without a gap to a file of its own",
        )
    if kind == "BDF" and size > MAX_BDF_BYTES:
        raise DataError(
            f"{size / 2**20:.0f} MiB",
            file=path,
            expected=f"a BDF file of at most {MAX_BDF_BYTES / 2**20:.0f} MiB",
            remedy="export the ECG alone, or cut the recording into parts",
        )
    record = sum(per_record) * (3 if kind == "BDF" else 2)
    there = (size - n_header) / record
    if n_records == -1 and there >= 1:  # how a recorder that never closed the file leaves it
        n_records = int(there)
    elif there != n_records or n_records < 1:
        raise DataError(
            f"the file holds {max(0, there):.2f} data records; its header says {n_records}",
            file=path,
            expected=f"{n_header + record * max(1, n_records)} bytes, not {size}",
            remedy=_COPY,
        )
    return kind, n_records


def _damaged(problem: str, path: Path, kind: str) -> DataError:
    return DataError(
        f"the header cannot be used ({problem})",
        file=path,
        expected=f"an undamaged {kind} file",
        remedy=_COPY,
    )
