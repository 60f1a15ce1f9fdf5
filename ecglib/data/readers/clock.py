"""A column of times: what sampling rate it says, and whether a sample is missing in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.data.readers.choice import GIVE_RATE
from ecglib.data.recording import MAX_RATE, MIN_RATE, check_rate

_TIME = re.compile(
    r"(?:elapsed|unix|utc|local|sample|recording|ecg)?[ _-]?"
    r"(?:t|time|times|timestamps?|datetime|date ?time|seconds?|secs?|millis(?:econds)?|micros)"
    r"(?:[ _-]?[\[(](?P<inside>[^\])]*)[\])]|[ _-]+(?P<after>[a-zµμ]+))?",
    re.IGNORECASE,
)


_COUNTER = re.compile(
    r"|unnamed: 0|index|idx|#|n|no|nr|i|samples?|sample[ _-]?(?:index|number|no|nr)|frame"
)


_UNITS = {
    1.0: ("s", "sec", "secs", "second", "seconds"),
    1e-3: ("ms", "msec", "millis", "millisecond", "milliseconds"),
    1e-6: ("us", "µs", "μs", "usec", "micros", "microsecond", "microseconds"),
    1e-9: ("ns", "nsec", "nanosecond", "nanoseconds"),
}


_MOST_CHARACTERS = 64  # of a date with a time


@dataclass(frozen=True)
class Clock:
    """A column that orders the samples.

    Parameters
    ----------
    name : str
        What the file calls it; empty if it has no name.
    values : numpy.ndarray
        (n_samples,) float64.
    unit : float or None
        Seconds that one of its units lasts, if its name says so.
    named : bool
        Whether its name says that it is a time, rather than a count or nothing.

    Examples
    --------
    >>> clock = Clock("seconds", np.arange(5) / 250, unit=1.0, named=True)
    >>> clock.rate(None, file=Path("anna.csv"))
    250.0
    """

    name: str
    values: np.ndarray
    unit: float | None
    named: bool

    @checked
    def rate(self, given: float | None, *, file: Path) -> float:
        """Return the sampling rate in Hz, checked against the one that the caller gives.

        Parameters
        ----------
        given : float or None
            What the caller says.
        file : Path
            For messages.

        Returns
        -------
        float
            Rounded as far as the column's own digits leave it open.

        Raises
        ------
        DataError
            If times are missing, repeat, leave a gap or are uneven; names the sample. Also if the
            column only counts samples and no rate is given, or if it contradicts the one given.
        """
        step = _even_step(self.values, self._label, file)
        if given is not None:
            return self._agree(check_rate(given, file=file), step, file)
        counts = not self.named and self.values[1] - self.values[0] == 1
        fitting = [
            unit
            for unit in ([self.unit] if self.unit else _UNITS)
            if MIN_RATE <= 1 / (step * unit) <= MAX_RATE
        ]
        one_by_one = self.unit is None and step == 1
        if counts or one_by_one or (not self.named and 1.0 not in fitting):
            hint = f"; in milliseconds it would be {1000 / step:g} Hz" if 1e-3 in fitting else ""
            raise DataError(
                f"{self._label} goes up by {step:g} from sample to sample, which does not show "
                f"the sampling rate{hint}",
                file=file,
                field="fs",
                remedy=GIVE_RATE,
            )
        if not fitting:
            return check_rate(1 / (step * (self.unit or 1.0)), file=file, field=self._label)
        return _rounded(self.values * fitting[0], 1 / (step * fitting[0]))

    @property
    def _label(self) -> str:
        return f"the column {self.name!r}" if self.name else "the first column"

    def _agree(self, given: float, step: float, file: Path) -> float:
        """Return the rate given, if it explains the column in some unit, or as a count."""
        t = self.values - self.values[0]
        units = [self.unit] if self.unit else list(_UNITS)
        # A count goes up by one, and says nothing of the rate.
        if self.unit is None and step == 1:
            return given
        for unit in units:
            off = np.abs(t * unit - np.arange(len(t)) / given).max()
            if off <= 0.5 / given + _resolution(self.values) * unit:
                return given
        says = 1 / (step * (self.unit or 1.0))
        raise DataError(
            f"{given:g} Hz was given, but {self._label} says {says:.6g} Hz",
            file=file,
            field="fs",
            expected="a rate that agrees with the file's own times",
            remedy="leave out the rate, or take the column of times out of the file if it is wrong",
        )


@checked
def find_clock(
    names: list[str], values: dict[int, np.ndarray], *, headless: bool
) -> tuple[int, Clock] | None:
    """Find the column that orders the samples.

    Parameters
    ----------
    names : list of str
        Names of all columns; empty texts if the file has no header.
    values : dict of int to numpy.ndarray
        The numeric columns by their position.
    headless : bool
        Whether the file has no header.

    Returns
    -------
    position : int
    clock : Clock
        Or None if there is no such column.

    Raises
    ------
    DataError
        If a column has no name.

    Examples
    --------
    >>> values = {0: np.arange(500) / 250, 1: np.sin(np.arange(500))}
    >>> position, clock = find_clock(["time", "ECG"], values, headless=False)
    >>> position, clock.name
    (0, 'time')
    """
    if values and not max(values) < len(names):
        raise DataError(
            f"{len(names)} names", field="names", expected=f"at least {max(values) + 1} names"
        )
    for position, column in values.items():
        name = names[position]
        match = _TIME.fullmatch(name.strip()) if name.strip() else None
        if match:
            stated = match["inside"] or match["after"] or ""
            unit = _unit_of(stated or name)
            if unit or not stated or ":" in stated:  # "time (hh:mm:ss)" was read as seconds
                return position, Clock(name, column, unit, True)
    first = values.get(0)
    if first is None or len(values) < 2 or len(first) < 3:
        return None
    if not headless and not _COUNTER.fullmatch(names[0].strip().lower()):
        return None
    # An ECG rises and falls: what only rises from first to last counts something.
    steps = np.diff(first)
    if np.mean(steps > 0) > 0.99 and first[0] < first[-1]:
        return 0, Clock(names[0], first, None, False)
    return None


@checked
def seconds_of(texts: pd.Series) -> np.ndarray | None:
    """Return texts that are dates with times, or times of day, as seconds; None if they are not.

    Parameters
    ----------
    texts : pandas.Series
        Such as ``2024-05-01 10:00:00.004``, ``0:00.004`` or ``10:00:00.004``.

    Returns
    -------
    numpy.ndarray or None
        float64 from the first one, NaN where a text is not read.

    Examples
    --------
    >>> seconds_of(pd.Series(["0:00.000", "0:00.004", "0:00.008"])).round(3).tolist()
    [0.0, 0.004, 0.008]
    """
    written = texts.cat.categories if texts.dtype == "category" else texts
    if max(map(len, map(str, written)), default=0) > _MOST_CHARACTERS:
        return None
    texts = texts.astype(str).str.strip(" '\"[]")
    first = texts.iloc[0] if len(texts) else ""
    if re.fullmatch(r"(?:\d+:)?\d+:\d+(?:[.,]\d+)?", first):
        parts = texts.str.replace(",", ".", regex=False).str.split(":", expand=True)
        columns = [pd.to_numeric(parts[i], errors="coerce").to_numpy() for i in parts.columns]
        total = np.zeros(len(texts))
        for column in columns:
            total = total * 60 + column
        return total - total[0]
    if re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", first):
        stamps = pd.to_datetime(texts, format="ISO8601", errors="coerce", utc=True)
        return (stamps - stamps.iloc[0]).dt.total_seconds().to_numpy()
    return None


@checked
def is_time_name(name: str) -> bool:
    """Tell whether the `name` of a column says that it holds times.

    Examples
    --------
    >>> is_time_name("time (s)"), is_time_name("ECG")
    (True, False)
    """
    return bool(name.strip() and _TIME.fullmatch(name.strip()))


def _unit_of(text: str) -> float | None:
    words = set(re.split(r"[^a-zµμ]+", text.lower()))
    return next((unit for unit, names in _UNITS.items() if words & set(names)), None)


def _even_step(t: np.ndarray, label: str, file: Path) -> float:
    """Return the mean step of times that follow each other evenly."""
    place = {"file": file, "field": "time"}
    if len(t) < 3:
        raise DataError(f"{len(t)} samples", expected="at least three", **place)
    missing = ~np.isfinite(t)
    if missing.any():
        raise DataError(
            f"{label} has no time at sample {np.flatnonzero(missing)[0]}",
            expected="a time for every sample",
            remedy="restore it, or take the column out and give the rate",
            **place,
        )
    steps = np.diff(t)
    usual, fine = float(np.median(steps)), _resolution(t)
    back = np.flatnonzero(steps <= 0)
    if len(back):
        raise DataError(
            f"{label} does not go forward from sample {back[0]} to {back[0] + 1} "
            f"({t[back[0]]:.9g}, {t[back[0] + 1]:.9g})",
            expected="times that increase from sample to sample",
            remedy="export the times with more digits, or take the column out and give the rate",
            **place,
        )
    gap = np.flatnonzero(steps > 1.5 * usual + fine)
    if len(gap):
        raise DataError(
            f"{label} has a gap of {steps[gap[0]]:.9g} after sample {gap[0]} ({t[gap[0]]:.9g}), "
            f"where {usual:.6g} is usual; {len(gap)} in all",
            expected="samples that follow each other evenly",
            remedy="insert rows without a value for the missing samples, or cut the file there",
            **place,
        )
    step = float((t[-1] - t[0]) / (len(t) - 1))
    off = np.abs(t - (t[0] + np.arange(len(t)) * step))
    if off.max() > 0.5 * step + fine:
        raise DataError(
            f"{label} is uneven: sample {off.argmax()} is {off.max() / step:.1f} steps away from "
            "where it should be",
            expected="samples that follow each other evenly",
            remedy="resample the recording to an even rate first",
            **place,
        )
    return step


def _resolution(t: np.ndarray) -> float:
    """Return the size of the last digit that times are written with."""
    some = t[: min(len(t), 2000)]
    for digits in range(10):
        if np.allclose(some, np.round(some, digits), rtol=0, atol=1e-11 + 1e-15 * abs(some[-1])):
            return 10.0**-digits
    return 0.0


def _rounded(t: np.ndarray, rate: float) -> float:
    """Round a rate as far as it explains the times as well as it does itself."""
    k = np.arange(len(t))
    t = t - t[0]
    best = np.abs(t - k / rate).max()
    for digits in range(4):
        round_rate = round(rate, digits)
        if np.abs(t - k / round_rate).max() <= 2 * best + 1e-9 / rate + 1e-12 * t[-1]:
            return float(round_rate)
    return rate
