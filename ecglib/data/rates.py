"""Check that a recording's rate gives a plausible heart rate, and if not, find one that does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import signal

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.data.recording import MAX_RATE, MIN_RATE

COMMON_RATES = (
    *(100, 125, 128, 200, 250, 256, 300, 360, 400, 500, 512, 700, 800, 1000, 1024, 1200, 2000),
    *(2048, 2400, 2500, 4000, 4096, 5000, 8000, 8192, 10000),
)
"""Sampling rates in Hz that recorders use."""


POSSIBLE_BPM = (25.0, 220.0)
"""Beats per minute outside of which no heart rate lies."""


USUAL_BPM = (40.0, 180.0)
"""Beats per minute that need no second look."""


RESTING_BPM = (45.0, 120.0)
"""Beats per minute that a rate must give to be suggested."""


_USUAL_MISTAKES = (2, 4, 8, 10, 16)  # decimated, interpolated or misread by so much


QRS_HZ = (7.5, 45.0)
"""Where the middle of the power of a QRS complex's slope lies. It is 7 to 38 Hz in 48 records of
arrhythmia, 68 of students at rest and in mental arithmetic, and seven others; half of them have 17
to 21 Hz."""


_TYPICAL_BPM, _SPREAD_BPM = 75.0, 0.35  # the spread is one of logarithms, as is the next
_TYPICAL_HZ, _SPREAD_HZ = 19.0, 0.3


_LOOK_S = 60  # seconds of a recording that one look takes from its middle


_SAME_PERIOD = 0.1  # spread of logarithms


_LEAST_SHARE, _LEAST_CONTRAST = 0.2, 3.0
"""Least share of intervals near their median, and least height of beats over what lies between."""


@dataclass(frozen=True)
class _Beats:
    """What one look at a recording, at one assumed rate, found; lengths in samples."""

    score: float
    period: float
    cycle: float  # of the QRS complex
    share: float
    contrast: float


@checked
def plausible_rate(x: np.ndarray, fs: float) -> float | None:
    """Suggest another sampling rate if the stated one makes every heart rate impossible.

    Parameters
    ----------
    x : numpy.ndarray
        One lead of a raw recording, (n_samples,), any unit; NaN is missing. Half a minute or more
        is needed for a firm answer; a minute from its middle is used.
    fs : float
        The stated rate in Hz.

    Returns
    -------
    float or None
        A common rate that gives 45 to 120 beats per minute, preferably one that is `fs` times or
        divided by a whole number; None if the stated rate is possible, if no beats are found that
        would speak against it, or if no common rate fits.

    Raises
    ------
    DataError
        If there are no samples, or several leads.

    Notes
    -----
    Nobody knows the scale of time, so beats are sought as if the recording had been sampled at
    each of many rates. A look counts for more if it finds them regular, high over what lies
    between them and near to 75 per minute; the period in samples is the one on which most agree. A
    heart rate outside 25 to 220 per minute speaks against the stated rate; one outside 40 to 180
    does if the QRS complexes are too narrow or too wide as well. It cannot tell 250 from 360 Hz:
    both are possible.

    Examples
    --------
    >>> beat = np.r_[np.zeros(100), 0.1, 0.8, 1.0, 0.2, -0.2, np.zeros(151)]  # 256 samples
    >>> x = np.tile(beat, 60)
    >>> plausible_rate(x, 256.0), plausible_rate(x, 64.0)
    (None, 256)
    """
    checks.array("x", x, (None,), finite=False)
    longest = round(_LOOK_S * MAX_RATE)
    begin = max(0, (len(x) - longest) // 2)
    x = np.asarray(x[begin : begin + longest], dtype=np.float64)
    missing = ~np.isfinite(x)
    if missing.all():
        return None
    known = np.flatnonzero(~missing)
    x = np.interp(np.arange(len(x)), known, x[known])
    looks = [look for look in (_look(x, rate) for rate in _assumed(fs)) if look is not None]
    looks = [look for look in looks if look.contrast >= _LEAST_CONTRAST]
    if not looks:
        return None
    found = _agreed(looks)
    if found.share < _LEAST_SHARE:
        return None
    bpm, hz = 60 * fs / found.period, fs / found.cycle
    impossible = not POSSIBLE_BPM[0] <= bpm <= POSSIBLE_BPM[1]
    too_fast = bpm > USUAL_BPM[1] and hz > QRS_HZ[1]
    too_slow = bpm < USUAL_BPM[0] and hz < QRS_HZ[0]
    if not (impossible or too_fast or too_slow):
        return None
    fitting = [
        rate
        for rate in COMMON_RATES
        if RESTING_BPM[0] <= 60 * rate / found.period <= RESTING_BPM[1]
    ]
    return min(fitting, key=lambda rate: _distance(rate, fs, found), default=None)


def _assumed(fs: float) -> list[float]:
    """Return rates from slow to fast, half an octave apart, `fs` among them."""
    steps = np.arange(-16, 17)
    return [rate for rate in fs * 2.0 ** (steps / 2) if MIN_RATE <= rate <= MAX_RATE]


def _agreed(looks: list[_Beats]) -> _Beats:
    """Return the look that most others agree with, each as much as it is worth."""
    periods = np.log([look.period for look in looks])
    worth = np.exp([look.score for look in looks])
    agreement = np.exp(-0.5 * (np.subtract.outer(periods, periods) / _SAME_PERIOD) ** 2) @ worth
    return looks[int(np.argmax(agreement))]


def _look(x: np.ndarray, rate: float) -> _Beats | None:
    """Seek beats as if the recording had been sampled at `rate`."""
    n = round(_LOOK_S * rate)
    begin = max(0, (len(x) - n) // 2)
    x = x[begin : begin + n]
    down = max(1, int(rate // 125))
    if len(x) < 5 * rate:
        return None
    x = signal.resample_poly(x - np.median(x), 1, down)
    rate = rate / down
    band = signal.butter(2, [5, min(25, 0.45 * rate)], "bandpass", fs=rate, output="sos")
    y = signal.sosfiltfilt(band, x)
    width = max(1, round(0.1 * rate))
    power = np.convolve(y * y, np.ones(width) / width, "same")
    height = np.sqrt(np.maximum(power, 0))
    peaks = signal.find_peaks(height, distance=max(1, round(0.3 * rate)))[0]
    if len(peaks) < 5:
        return None
    high = np.median(np.sort(height[peaks])[-max(4, len(peaks) // 4) :])
    peaks = peaks[height[peaks] > 0.4 * high]
    intervals = np.diff(peaks)
    if len(intervals) < 4:
        return None
    period = float(np.median(intervals))
    share = float(np.mean(np.abs(intervals / period - 1) < 0.2))
    contrast = float(np.median(height[peaks]) / max(np.median(height), 1e-9 * high))
    off = np.log(60 * rate / period / _TYPICAL_BPM) / _SPREAD_BPM
    score = 2 * np.log(share + 1e-3) + 0.5 * np.log(contrast) - 0.5 * off**2
    cycle = _cycle(x, peaks, round(0.12 * rate))
    return _Beats(float(score), period * down, cycle * down, share, contrast)


def _cycle(x: np.ndarray, peaks: np.ndarray, reach: int) -> float:
    """Return the samples of one cycle in the middle of the power of the beats' slopes."""
    reach = max(2, reach)
    peaks = peaks[(peaks >= reach) & (peaks < len(x) - reach)]
    if len(peaks) == 0:
        return np.inf
    slopes = np.diff(x[peaks[:, None] + np.arange(-reach, reach + 1)]) * np.hanning(2 * reach)
    power = np.median(np.abs(np.fft.rfft(slopes, 1024)) ** 2, axis=0).cumsum()
    return 1024 / max(1, int(np.searchsorted(power, power[-1] / 2)))


def _distance(rate: float, fs: float, found: _Beats) -> tuple[int, float]:
    """Order rates: by how likely one is mistaken for the other, then by what hearts do."""
    ratio = max(rate, fs) / min(rate, fs)
    whole = abs(ratio - round(ratio)) < 1e-6
    unlikely = 2 - whole - (whole and round(ratio) in _USUAL_MISTAKES)
    bpm = np.log(60 * rate / found.period / _TYPICAL_BPM) / _SPREAD_BPM
    hz = np.log(rate / found.cycle / _TYPICAL_HZ) / _SPREAD_HZ
    return unlikely, float(bpm**2 + hz**2)
