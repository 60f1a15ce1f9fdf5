"""A recording: the leads of one ECG, their sampling rate, unit and origin."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ecglib.core import checks
from ecglib.core.annotations import check_fields, checked
from ecglib.core.errors import DataError

MIN_RATE, MAX_RATE = 50.0, 10_000.0
"""Slowest and fastest sampling rate in Hz that an ECG is taken at."""


MAX_VALUES = 2**28
"""Most samples times leads of one recording: 2 GiB of double precision."""


MAX_LEADS = 256
"""Most leads of one recording; body-surface maps have so many."""


_UNITS = {
    "mV": ("mv", "millivolt", "millivolts"),
    "uV": ("uv", "µv", "μv", "microvolt", "microvolts"),
    "V": ("v", "volt", "volts"),
    "adu": ("adu", "digital", "counts", "raw"),
    "": ("",),
}


@dataclass(frozen=True, eq=False, repr=False)
class Recording:
    """The leads of one ECG at one sampling rate.

    Parameters
    ----------
    signals : numpy.ndarray
        Samples, (n_samples, n_leads) or, of one lead, (n_samples,). Kept as float32 or float64; NaN
        is a missing sample.
    fs : float
        Sampling rate in Hz, 50 to 10 000.
    leads : sequence of str, optional
        Names of the leads. By default "ECG" if there is one, else "lead 1", "lead 2" and so on.
    unit : str
        "mV", "uV", "V", "adu" (units of the recorder's converter) or "" where it is not known.
    name : str
        What to call the recording, such as its file's name without the extension.
    file : str
        Where it was read from; empty if it was made in memory.

    Raises
    ------
    DataError
        If a rule is broken, a sample is infinite, or no sample is known; names the file, the lead
        and the sample.

    Examples
    --------
    >>> import numpy as np
    >>> recording = Recording(np.zeros((2560, 2)), 256, ("I", "II"), "mV")
    >>> recording
    <Recording 'recording': I, II; 10.0 s at 256 Hz, mV>
    >>> recording.lead("II").shape, recording.select(["II"]).leads
    ((2560,), ('II',))
    """

    signals: np.ndarray
    fs: float
    leads: Sequence[str] = ()
    unit: str = ""
    name: str = "recording"
    file: str = ""

    def __post_init__(self) -> None:
        check_fields(self)
        place = {"file": self.file or None}
        signals = as_signals(self.signals, **place)
        leads = (self.leads,) if isinstance(self.leads, str) else tuple(self.leads)
        leads = leads or default_leads(signals.shape[1])
        for field, value in (
            ("signals", signals),
            ("fs", check_rate(self.fs, **place)),
            ("leads", leads),
            ("unit", unit_name(self.unit)),
            ("file", os.fspath(self.file)),
        ):
            object.__setattr__(self, field, value)
        if self.unit not in _UNITS:
            raise DataError(
                "an unknown unit", field="unit", expected=f"one of {', '.join(_UNITS)}", **place
            )
        _check_leads(leads, signals.shape[1], place)
        _check_samples(signals, leads, place)

    def __repr__(self) -> str:
        unit = f", {self.unit}" if self.unit else ""
        return (
            f"<Recording {self.name!r}: {', '.join(self.leads)}; "
            f"{self.duration:.1f} s at {self.fs:g} Hz{unit}>"
        )

    def __len__(self) -> int:
        return len(self.signals)

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.signals) / self.fs

    @checked
    def lead(self, lead: str | int) -> np.ndarray:
        """Return the samples of one lead.

        Parameters
        ----------
        lead : str or int
            Its name, or its number from 1.

        Returns
        -------
        numpy.ndarray
            (n_samples,), a view.

        Raises
        ------
        DataError
            If there is no such lead.
        """
        (column,) = positions(self.leads, [lead], file=self.file or None)
        return self.signals[:, column]

    @checked
    def select(self, leads: str | int | Sequence[str | int]) -> Recording:
        """Return the recording of some leads, in the order asked for.

        Parameters
        ----------
        leads : str, int or sequence of them
            Names, or numbers from 1.

        Returns
        -------
        Recording

        Raises
        ------
        DataError
            If there is no such lead, or one is asked for twice.
        """
        columns = positions(self.leads, leads, file=self.file or None)
        return replace(
            self,
            signals=self.signals[:, columns],
            leads=tuple(self.leads[column] for column in columns),
        )

    def sha256(self) -> str:
        """Return the checksum of the samples and the sampling rate, whatever their type or names.

        Two files that hold the same samples have the same one.
        """
        digest = hashlib.sha256(f"{self.signals.shape} {self.fs!r}".encode())
        for start in range(0, len(self.signals), 1 << 16):
            block = self.signals[start : start + (1 << 16)].astype("<f8")
            block[np.isnan(block)] = np.nan  # one of the many bit patterns of NaN
            digest.update((block + 0.0).tobytes())  # -0.0 is 0.0
        return digest.hexdigest()


@checked
def default_leads(n_leads: int) -> tuple[str, ...]:
    """Name `n_leads` leads that have no names: "ECG" if it is one, else "lead 1", "lead 2" ...

    Examples
    --------
    >>> default_leads(1), default_leads(2)
    (('ECG',), ('lead 1', 'lead 2'))
    """
    checks.whole("n_leads", n_leads, 0)
    return ("ECG",) if n_leads == 1 else tuple(f"lead {i}" for i in range(1, n_leads + 1))


@checked
def unit_name(text: str) -> str | None:
    """Return the unit that a `text` means as `Recording` writes it, or None if it is unknown.

    Examples
    --------
    >>> unit_name("millivolts"), unit_name("furlongs")
    ('mV', None)
    """
    wanted = str(text).strip().lower()
    return next((name for name, forms in _UNITS.items() if wanted in forms), None)


@checked
def positions(
    names: Sequence[str],
    wanted: str | int | Sequence[str | int],
    *,
    file: str | os.PathLike[str] | None = None,
) -> list[int]:
    """Find leads by their names or by their numbers from 1.

    Parameters
    ----------
    names : sequence of str
        The names that there are, in order.
    wanted : str, int or sequence of them
        Names, as they are written or, if that leaves no doubt, in other case; or numbers.
    file : str or os.PathLike, optional
        For the message.

    Returns
    -------
    list of int
        Positions from 0, in the order asked for.

    Raises
    ------
    DataError
        If one is not there, is meant by several, or is asked for twice.

    Examples
    --------
    >>> positions(["I", "II", "V5"], ["v5", 1])
    [2, 0]
    """
    asked = list(wanted) if np.iterable(wanted) and not isinstance(wanted, str) else [wanted]
    there = ", ".join(f"{i} {name!r}" for i, name in enumerate(names, start=1))
    place = {"file": file, "field": "leads", "expected": f"some of {there}, by name or number"}
    if not asked:
        raise DataError("no lead is asked for", **place)
    found = []
    for lead in asked:
        if isinstance(lead, str):
            hits = [i for i, name in enumerate(names) if name == lead]
            hits = hits or [i for i, name in enumerate(names) if name.lower() == lead.lower()]
        else:
            number = isinstance(lead, int | np.integer) and not isinstance(lead, bool)
            hits = [int(lead) - 1] if number and 1 <= lead <= len(names) else []
        if len(hits) != 1:
            problem = "several leads have" if hits else "no lead has"
            kind = "the name" if isinstance(lead, str) else "the number"
            raise DataError(f"{problem} {kind} {lead!r}", **place)
        found += hits
    if len(set(found)) < len(found):
        raise DataError(f"{asked!r} asks for a lead twice", **place)
    return found


@checked
def check_rate(
    fs: float, *, file: str | os.PathLike[str] | None = None, field: str = "fs"
) -> float:
    """Return a sampling rate, or raise a DataError that says what is probably wrong with it.

    Parameters
    ----------
    fs : float
        Should be a number of Hz from 50 to 10 000.
    file, field
        Where it stands, for the message.

    Returns
    -------
    float

    Raises
    ------
    DataError
        If it is not.

    Examples
    --------
    >>> check_rate(0.256)
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: field fs: 0.256 Hz. Expected a sampling rate from 50 to 10000 \
Hz. To fix it: this looks like kHz; then give 256.
    """
    try:
        rate = float(fs)
    except (TypeError, ValueError):
        rate = math.nan
    if isinstance(fs, bool | np.bool_):
        rate = math.nan
    if MIN_RATE <= rate <= MAX_RATE:
        return rate
    remedy = "give the rate that the recorder's manual or the file's source states"
    if MIN_RATE <= 1000 * rate <= MAX_RATE:
        remedy = f"this looks like kHz; then give {1000 * rate:g}"
    elif rate > 0 and MIN_RATE <= 1 / rate <= MAX_RATE:
        remedy = f"this looks like the seconds from sample to sample; then give {1 / rate:g}"
    elif 0 < rate < MIN_RATE:
        remedy = "so few samples show no heartbeat's shape; check the rate, or use another file"
    elif MAX_RATE < rate < math.inf:
        remedy = "check the rate; if it is right, resample the recording to 1000 Hz first"
    raise DataError(
        f"{fs!r} Hz" if math.isnan(rate) else f"{rate:g} Hz",
        file=file,
        field=field,
        expected=f"a sampling rate from {MIN_RATE:g} to {MAX_RATE:g} Hz",
        remedy=remedy,
    )


@checked
def as_signals(x: np.ndarray, *, file: str | os.PathLike[str] | None = None) -> np.ndarray:
    """Return an array of real numbers as floating point, (n_samples, n_leads).

    Parameters
    ----------
    x : numpy.ndarray
        (n_samples,) or (n_samples, n_leads). Integers of 8 and 16 bits become float32, which holds
        them exactly, others float64. What a masked array masks is missing.
    file : str or os.PathLike, optional
        For the message.

    Returns
    -------
    numpy.ndarray
        float32 or float64; not a copy if it was of that kind.

    Raises
    ------
    DataError
        If it is something else, empty, or too large.

    Examples
    --------
    >>> as_signals(np.array([1, 2, 3], "int16")).shape
    (3, 1)
    """
    if isinstance(x, np.ma.MaskedArray) and x.dtype.kind in "iuf":
        x = x.astype(x.dtype if x.dtype.kind == "f" else np.float64).filled(np.nan)
    x = np.asarray(x)
    place = {"file": file, "field": "signals"}
    if x.dtype.kind not in "iuf" or x.ndim not in (1, 2) or x.size == 0:
        raise DataError(
            f"{x.dtype} of shape {x.shape}",
            expected="real numbers, (n_samples,) or (n_samples, n_leads)",
            **place,
        )
    x = x.reshape(len(x), -1)
    check_size(*x.shape, file=file)
    if x.dtype.type in (np.float32, np.float64) and x.dtype.isnative:
        return x
    with np.errstate(over="ignore"):  # what overflows is infinite and refused later
        return x.astype(np.float32 if x.dtype.itemsize <= 2 else np.float64)


@checked
def check_size(n_samples: int, n_leads: int, *, file: str | os.PathLike[str] | None = None) -> None:
    """Raise a DataError if so much is too much for one recording.

    Readers ask before they make room for what a header promises.

    Parameters
    ----------
    n_samples, n_leads : int
        How much.
    file : str or os.PathLike, optional
        For the message.

    Raises
    ------
    DataError
        If there are more leads than `MAX_LEADS`, or more numbers than `MAX_VALUES`.

    Examples
    --------
    >>> check_size(5000, 2)
    >>> check_size(123_456_789_012, 2)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ecglib.core.errors.DataError: field signals: 123456789012 samples of 2 leads. ...
    """
    checks.whole("n_leads", n_leads, 0)
    checks.whole("n_samples", n_samples, 0)
    if n_leads > MAX_LEADS or n_samples * n_leads > MAX_VALUES:
        raise DataError(
            f"{n_samples} samples of {n_leads} leads",
            file=file,
            field="signals",
            expected=f"at most {MAX_LEADS} leads, and {MAX_VALUES} numbers in all",
            remedy="transpose the array if leads and samples are exchanged; else choose fewer "
            "leads, or cut the recording into parts",
        )


def _check_leads(leads: tuple[str, ...], n_leads: int, place: dict) -> None:
    if not all(isinstance(lead, str) and lead.strip() for lead in leads) or len(leads) != n_leads:
        raise DataError(
            f"{leads!r} for {n_leads} leads",
            field="leads",
            expected="one name for each lead",
            **place,
        )
    if len(set(leads)) < n_leads:
        twice = next(lead for lead in leads if leads.count(lead) > 1)
        raise DataError(
            f"two leads are named {twice!r}",
            field="leads",
            expected="a name of its own for each lead",
            remedy="name them apart in the file, or choose one by its number: leads=[1]",
            **place,
        )


def _check_samples(signals: np.ndarray, leads: tuple[str, ...], place: dict) -> None:
    known = False
    for start in range(0, len(signals), 1 << 20):  # in pieces: no mask as large as the recording
        block = signals[start : start + (1 << 20)]
        infinite = np.isinf(block)
        if infinite.any():
            sample, lead = np.argwhere(infinite)[0]
            raise DataError(
                f"sample {start + sample} of lead {leads[lead]} is {block[sample, lead]}",
                field="signals",
                expected="finite numbers, or NaN where a sample is missing",
                remedy="restore the sample from its source, or set it to NaN",
                **place,
            )
        known = known or not np.isnan(block).all()
    if not known:
        raise DataError(
            f"not one sample of {', '.join(leads)} is known; all {len(signals)} are NaN",
            field="signals",
            expected="numbers",
            remedy="restore the recording from its source",
            **place,
        )
