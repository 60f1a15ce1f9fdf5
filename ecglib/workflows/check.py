"""Check a recording before anything is learnt from it: what it is, and how much of it is usable."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.data.rates import plausible_rate
from ecglib.data.readers.any_format import read_recording
from ecglib.data.readers.choice import Leads
from ecglib.data.recording import Recording
from ecglib.plots.quality import recording_strip
from ecglib.preprocessing.beats import heart_rates
from ecglib.preprocessing.polarity import polarity
from ecglib.preprocessing.quality import MISSING, OK, QUALITIES
from ecglib.preprocessing.report import GRADES, envelope
from ecglib.workflows.judged import WINDOW, JudgedLead, judge_lead
from ecglib.workflows.sources import file_of, file_sha256

_PART_S = 2.0
_MOST_ASKED = 12  # leads whose rate is looked at
_WAYS_UP = {1: "upright", -1: "upside down", 0: "undecided"}


@dataclass(frozen=True)
class LeadCheck:
    """What was found in one lead.

    Parameters
    ----------
    lead : str
        Its name.
    grade : {"good", "fair", "poor"}
        Good from 90 % usable windows, fair from 50 %.
    windows : int
        Number of windows.
    shares : dict of str to float
        Share of the windows of each quality that occurs.
    heart_rate : float or None
        Median of the beats per minute of the usable windows.
    slowest : float or None
        The lowest of them.
    fastest : float or None
        The highest of them.
    polarity : {"upright", "upside down", "undecided"}
        Which way up it is.
    height : float or None
        Typical height from the lowest to the highest point of 2 s, filtered, in the unit.
    missing_s : float
        Seconds without a sample, in all.
    longest_gap_s : float
        Seconds of the longest piece without a sample.

    Examples
    --------
    >>> lead = LeadCheck(
    ...     "ECG",
    ...     "good",
    ...     12,
    ...     {"ok": 0.75, "flat": 0.25},
    ...     70.0,
    ...     64.0,
    ...     78.0,
    ...     "upright",
    ...     1.2,
    ...     0.0,
    ...     0.0,
    ... )
    >>> lead.usable
    0.75
    """

    lead: str
    grade: str
    windows: int
    shares: dict[str, float]
    heart_rate: float | None
    slowest: float | None
    fastest: float | None
    polarity: str
    height: float | None
    missing_s: float
    longest_gap_s: float

    @property
    def usable(self) -> float:
        """Share of usable windows, 0 to 1."""
        return self.shares.get(QUALITIES[OK], 0.0)


@dataclass(frozen=True)
class RecordingCheck:
    """What a recording is and how good it is.

    Parameters
    ----------
    file : str
        Where it was read from, or its name.
    format : str
        "CSV", "EDF" and so on, or "in memory".
    sha256 : str
        Checksum of the file (of a WFDB record, of its header); empty if there is none.
    sha256_of_samples : str
        Checksum of the samples and their rate, the same in every format.
    verdict : {"good", "fair", "poor"}
        Good from 90 % usable windows in all leads, fair from 50 %. At most fair if one lead is
        poor; poor if hearts don't beat as fast as the rate makes them, or if the recording is
        shorter than a window.
    fs : float
        Sampling rate in Hz, as stated.
    fitting_fs : float or None
        Another rate that would fit, if the stated one makes the heart rate impossible.
    duration : float
        Seconds.
    unit : str
        Unit of the samples; empty if unknown.
    window_s : float
        Length of the windows that were judged, in seconds; 0 if the recording is too short for any.
    leads : tuple of LeadCheck
        What was found in each.
    notes : tuple of str
        What the reader should know or do.

    Examples
    --------
    >>> from ecglib.data.recording import Recording
    >>> beat = np.r_[np.zeros(100), 0.1, 0.8, 1.0, 0.2, -0.2, np.zeros(151)]  # once a second
    >>> found = check_of(Recording(np.tile(beat, 30)[:, None], 256.0, unit="mV"))
    >>> isinstance(found, RecordingCheck), found.verdict, len(found.leads)
    (True, 'poor', 1)
    """

    file: str
    format: str
    sha256: str
    sha256_of_samples: str
    verdict: str
    fs: float
    fitting_fs: float | None
    duration: float
    unit: str
    window_s: float
    leads: tuple[LeadCheck, ...]
    notes: tuple[str, ...]

    @property
    def usable(self) -> float:
        """Share of usable windows of all leads, 0 to 1."""
        return float(np.mean([lead.usable for lead in self.leads]))

    @property
    def heart_rate(self) -> float | None:
        """Median beats per minute over the leads that have one."""
        rates = [lead.heart_rate for lead in self.leads if lead.heart_rate is not None]
        return float(np.median(rates)) if rates else None

    @property
    def sentence(self) -> str:
        """The verdict in one sentence."""
        windows = sum(lead.windows for lead in self.leads)
        if not windows:
            return f"{self.verdict}: too short to be judged"
        share = f"{self.usable:.0%} of {windows} windows of {self.window_s:g} s are usable"
        if self.fitting_fs is not None:
            return f"{self.verdict}: the sampling rate is doubtful; {share}"
        if self.window_s < WINDOW.length_s:
            return f"{self.verdict}: too short for one window of {WINDOW.length_s:g} s"
        return f"{self.verdict}: {share}"

    def table(self) -> pd.DataFrame:
        """Give what was found as text, a row per lead."""
        return pd.DataFrame([_lead_row(lead, self.unit) for lead in self.leads])

    def to_text(self) -> str:
        """Say it in lines for a terminal."""
        names = ", ".join(lead.lead for lead in self.leads)
        lines = [
            f"{self.file}: {self.sentence}",
            f"  {self.format}; {self.fs:g} Hz; {self.duration:.1f} s; "
            f"{self.unit or 'unit unknown'}; leads: {names}",
            *([f"  sha256 {self.sha256}"] if self.sha256 else []),
            *(f"  {line}" for line in self.table().to_string(index=False).splitlines()),
            *(f"  Note: {note}" for note in self.notes),
        ]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Give plain values, as JSON can hold them; what is not known is None."""
        return dataclasses.asdict(self)


@checked
def check_recording(
    path: str | os.PathLike[str],
    *,
    fs: float | None = None,
    leads: Leads = None,
    unit: str | None = None,
) -> RecordingCheck:
    """Check one recording.

    Parameters
    ----------
    path : str or os.PathLike
        The file.
    fs, leads, unit
        As in `ecglib.data.readers.any_format.read_recording`.

    Returns
    -------
    RecordingCheck
        Also of recordings that are shorter than a window, and of leads that are flat or missing.

    Raises
    ------
    DataError
        If the file cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> file = Path(tempfile.mkdtemp(), "anna.npz")
    >>> beats = np.tile(np.hanning(200) ** 40, 60)
    >>> np.savez(file, ecg=beats, fs=250, unit="mV")
    >>> check = check_recording(file)
    >>> check.sentence, round(check.heart_rate)
    ('good: 100% of 4 windows of 10 s are usable', 75)
    """
    return check_of(read_recording(path, fs=fs, leads=leads, unit=unit))


@checked
def check_of(recording: Recording) -> RecordingCheck:
    """Check a recording that was read, or made in memory.

    Parameters
    ----------
    recording : Recording
        All its leads are checked.

    Returns
    -------
    RecordingCheck

    Examples
    --------
    >>> check_of(Recording(np.tile(np.hanning(200) ** 40, 8), 250, unit="mV")).sentence
    'poor: too short for one window of 10 s'
    """
    leads, length_s = [], 0.0
    for name in recording.leads:  # one in memory at a time
        judged = judge_lead(recording, name)
        leads.append(_check_lead(name, judged))
        length_s = judged.length_s
    fitting = _fitting_rate(recording)
    file = file_of(recording.file) if recording.file else None
    return RecordingCheck(
        file=recording.file or recording.name,
        format=file.suffix.lstrip(".").upper().replace("HEA", "WFDB") if file else "in memory",
        sha256=file_sha256(file) if file else "",
        sha256_of_samples=recording.sha256(),
        verdict=_verdict(leads, fitting, length_s),
        fs=recording.fs,
        fitting_fs=fitting,
        duration=recording.duration,
        unit=recording.unit,
        window_s=length_s,
        leads=tuple(leads),
        notes=tuple(_notes(recording, leads, fitting, length_s)),
    )


@checked
def check_each(
    paths: Sequence[str | os.PathLike[str]],
    *,
    fs: float | None = None,
    leads: Leads = None,
    unit: str | None = None,
) -> Iterator[RecordingCheck | DataError]:
    """Check files one after the other, and say of those that cannot be read why.

    Parameters
    ----------
    paths : sequence of str or os.PathLike
        Files.
    fs, leads, unit
        As in `check_recording`, for all.

    Yields
    ------
    RecordingCheck or DataError
        One for each, in order.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> file = Path(tempfile.mkdtemp(), "anna.npz")
    >>> np.savez(file, ecg=np.sin(np.arange(7680) / 9), fs=256)
    >>> [type(found).__name__ for found in check_each([file, "nowhere.npz"])]
    ['RecordingCheck', 'DataError']
    """
    for path in paths:
        try:
            yield check_recording(path, fs=fs, leads=leads, unit=unit)
        except DataError as error:
            yield error


@checked
def overview(checks: Sequence[RecordingCheck | DataError]) -> str:
    """Lay checks of several files below each other.

    Parameters
    ----------
    checks : sequence of RecordingCheck or DataError
        From `check_each`.

    Returns
    -------
    str
        A table with a row per file, and below it what there is to say about each.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> file = Path(tempfile.mkdtemp(), "anna.npz")
    >>> np.savez(file, ecg=np.sin(np.arange(7680) / 9), fs=256)
    >>> "anna.npz" in overview(list(check_each([file])))
    True
    """
    rows, notes = [], []
    for check in checks:
        if isinstance(check, DataError):
            rows.append({"file": check.file or "", "verdict": "unreadable"})
            notes.append(str(check))
            continue
        notes += [f"{check.file}: {note}" for note in check.notes]
        rows.append(
            {
                "file": check.file,
                "verdict": check.verdict,
                "usable": f"{check.usable:.0%}",
                "leads": str(len(check.leads)),
                "Hz": f"{check.fs:g}",
                "seconds": f"{check.duration:.1f}",
                "unit": check.unit,
                "beats/min": _number(check.heart_rate, ".0f"),
            }
        )
    if not rows:
        return "no recordings"
    table = pd.DataFrame(rows).fillna("").to_string(index=False)
    return "\n".join([table, *notes])


@checked
def recording_picture(recording: Recording, lead: str | int = 1) -> Figure:
    """Draw where in one lead of a recording which windows are flagged.

    Parameters
    ----------
    recording : Recording
        Of 10 s or more.
    lead : str or int
        Name or number of the lead.

    Returns
    -------
    Figure
        See `ecglib.plots.quality.recording_strip`.

    Raises
    ------
    DataError
        If the recording is too short to be judged.

    Examples
    --------
    >>> from ecglib.data.recording import Recording
    >>> x = np.tile(np.r_[np.zeros(100), 0.1, 0.8, 1.0, 0.2, -0.2, np.zeros(151)], 30)
    >>> len(recording_picture(Recording(x[:, None], 256.0)).axes)
    2
    """
    judged = judge_lead(recording, lead)
    if not len(judged.meta):
        raise DataError(
            f"{recording.duration:.1f} s are too short to be drawn",
            file=recording.file or None,
            expected="a recording of more than 2.5 s",
        )
    name = lead if isinstance(lead, str) else recording.leads[lead - 1]
    return recording_strip(
        envelope(judged.ecg, judged.fs),
        judged.meta,
        round(judged.length_s, 2),
        recording.unit or "unit unknown",
        f"{recording.name}, {name}".replace("$", r"\$"),
    )


def _check_lead(name: str, judged: JudgedLead) -> LeadCheck:
    quality = judged.meta["quality"]
    shares = {q: float((quality == q).mean()) for q in QUALITIES if (quality == q).any()}
    usable = judged.usable
    rates = heart_rates(usable, judged.fs)
    rates = rates[np.isfinite(rates)]
    median, slowest, fastest = (
        (float(np.median(rates)), float(rates.min()), float(rates.max()))
        if len(rates)
        else (None, None, None)
    )
    missing = judged.codes == MISSING
    edges = np.flatnonzero(np.diff(missing, prepend=False, append=False))
    gaps = edges[1::2] - edges[::2]
    return LeadCheck(
        lead=name,
        grade=_grade(shares.get(QUALITIES[OK], 0.0)),
        windows=len(quality),
        shares=shares,
        heart_rate=median,
        slowest=slowest,
        fastest=fastest,
        polarity=_WAYS_UP[polarity(usable, judged.fs).sign],
        height=_height(usable if len(usable) else judged.windows, judged.fs),
        missing_s=float(missing.sum() / judged.fs),
        longest_gap_s=float(gaps.max(initial=0) / judged.fs),
    )


def _grade(share: float) -> str:
    return next(word for word, low in GRADES.items() if share >= low)


def _verdict(leads: Sequence[LeadCheck], fitting: float | None, length_s: float) -> str:
    share = float(np.mean([lead.usable for lead in leads]))
    if fitting is not None or length_s < WINDOW.length_s:
        return "poor"
    if _grade(share) == "good" and any(lead.grade == "poor" for lead in leads):
        return "fair"
    return _grade(share)


def _fitting_rate(recording: Recording) -> float | None:
    """Return the rate that most leads with beats suggest, if most suggest one."""
    asked = range(min(_MOST_ASKED, len(recording.leads)))
    found = [plausible_rate(recording.signals[:, i], recording.fs) for i in asked]
    rate, count = Counter(found).most_common(1)[0]
    return rate if count > len(found) / 2 else None


def _height(windows: np.ndarray, fs: float) -> float | None:
    """Return the median height of parts of 2 s."""
    if not windows.size:
        return None
    length = min(round(_PART_S * fs), windows.shape[1])
    parts = windows[:, : windows.shape[1] // length * length].reshape(-1, length)
    return float(np.median(np.ptp(parts, axis=1)))


def _notes(
    recording: Recording, leads: Sequence[LeadCheck], fitting: float | None, length_s: float
) -> Iterator[str]:
    if fitting is not None:
        yield (
            f"at {recording.fs:g} Hz these beats are too slow or too fast for any heart; about "
            f"{fitting:g} Hz would fit. Look up the recorder's rate, and give it with --fs."
        )
    if not length_s:
        yield f"{recording.duration:.1f} s are too short for the high-pass filter."
    elif length_s < WINDOW.length_s:
        yield (
            f"the recording is shorter than one window of {WINDOW.length_s:g} s; it was judged as "
            "one window, but no window can be made of it."
        )
    for lead in leads:
        if lead.polarity == "upside down":
            yield f"lead {lead.lead} is upside down: turn it, or make windows with turn=True."
        if lead.windows and not lead.usable:
            worst = max(lead.shares, key=lambda name: lead.shares[name])
            yield f"lead {lead.lead} has no usable window; most are flagged {worst!r}."
    if not recording.unit:
        yield "the unit is unknown, so the height is not judged; give it, such as --unit mV."


def _lead_row(lead: LeadCheck, unit: str) -> dict[str, str]:
    flags = [f"{q} {share:.0%}" for q, share in lead.shares.items() if q != QUALITIES[OK]]
    rate = _number(lead.heart_rate, ".0f")
    if lead.slowest is not None:
        rate += f" ({lead.slowest:.0f} to {lead.fastest:.0f})"
    gaps = f"{lead.missing_s:.1f} s" if lead.missing_s else "none"
    if lead.missing_s:
        gaps += f" (longest {lead.longest_gap_s:.1f} s)"
    return {
        "lead": lead.lead,
        "grade": lead.grade,
        "windows": str(lead.windows),
        "usable": f"{lead.usable:.0%}",
        "beats/min": rate or "-",
        "polarity": lead.polarity,
        "height": f"{_number(lead.height, '.3g') or '-'} {unit}".strip(),
        "gaps": gaps,
        "flags": ", ".join(flags) or "none",
    }


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
