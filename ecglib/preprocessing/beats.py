"""Beats without a detector's settings: where a window has QRS complexes, and how alike they are.

This serves quality, polarity and the heart rate of a report. What describes a beat for learning is
in `ecglib.features.heartbeats`.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from scipy import fft
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from ecglib.core import checks
from ecglib.core.annotations import checked

QRS_HZ = (8.0, 30.0)
"""Band in which QRS complexes stand out from P and T waves, wander and mains."""


WAVES_HZ = (0.8, 40.0)
"""Band of all waves of a beat."""


MIN_RATE = 64.0
"""Sampling rate in Hz below which QRS complexes lose their band."""


MIN_CONTRAST = 3.0
"""QRS complexes that stand out less are none: in windows of 10 s the heart gives 3.7 or more,
ventricular flutter 2, EEG, muscle and white noise 1.4 to 3.1."""


BEFORE_S = 0.22
"""Seconds before the middle of QRS that a beat covers, from the P wave on."""


AFTER_S = 0.36
"""Seconds after the middle of QRS that a beat covers, to the end of the T wave; up to 140 beats a
minute there is no neighbour's QRS among them."""


QRS_S = 0.1
"""Seconds before and after the middle of QRS that belong to it."""


_SMOOTH_S, _APART_S, _TOP_S, _SHIFT_S = 0.08, 0.2, 2.0, 0.03


@dataclass(frozen=True)
class Beats:
    """QRS complexes of windows of equal length.

    Parameters
    ----------
    at : tuple of ndarray of int
        Per window the increasing positions of its complexes.
    contrast : ndarray, shape (n_windows,)
        How far the complexes stand out in the band `QRS_HZ`: the median of their envelope over that
        of all samples; 0 without a complex.
    share : ndarray, shape (n_windows,)
        Median of their envelope over the standard deviation of the window; 0 without a complex.
    qrs : ndarray, shape (n_windows, length)
        The windows in the band `QRS_HZ`, as parts of their largest sample.

    Examples
    --------
    >>> beat = np.r_[np.zeros(100), 0.1, 0.8, 1.0, 0.2, -0.2, np.zeros(151)]  # once a second
    >>> beats = find_qrs(np.tile(beat, 10)[None], fs=256.0)
    >>> len(beats.at[0]), bool(beats.contrast[0] > MIN_CONTRAST)
    (10, True)
    """

    at: tuple[np.ndarray, ...]
    contrast: np.ndarray
    share: np.ndarray
    qrs: np.ndarray


@checked
def band_pass(X: np.ndarray, fs: float, band: tuple[float, float]) -> np.ndarray:
    """Keep a band of frequencies of every window, without delay.

    Parameters
    ----------
    X : ndarray, shape (n_windows, length)
        Finite samples.
    fs : float
        Sampling rate in Hz.
    band : tuple of float
        Its lower and upper edge in Hz, where the gain is one half.

    Returns
    -------
    ndarray, shape (n_windows, length)
        The line from the first to the last sample is taken off before, so that the ends do not
        ring.

    Examples
    --------
    >>> t = np.arange(2560) / 256
    >>> slow, quick = np.sin(2 * np.pi * t), np.sin(2 * np.pi * 20 * t)
    >>> band_pass(np.stack([slow, quick]), 256.0, QRS_HZ).std(axis=1).round(1).tolist()
    [0.0, 0.7]
    """
    length = X.shape[1]
    ramp = np.linspace(0, 1, length)
    X = X - (X[:, :1] + (X[:, -1:] - X[:, :1]) * ramp)
    n = fft.next_fast_len(length, real=True)
    frequency = np.maximum(fft.rfftfreq(n, 1 / fs), 1e-9)
    low, high = band
    gain = 1 / (1 + (low / frequency) ** 6) / (1 + (frequency / high) ** 8)
    return fft.irfft(fft.rfft(X, n) * gain, n)[:, :length]


@checked
def find_qrs(X: np.ndarray, fs: float) -> Beats:
    """Find the QRS complexes of windows by the energy in their band.

    Parameters
    ----------
    X : ndarray, shape (n_windows, length)
        Filtered windows, finite, in any unit, either way up.
    fs : float
        Sampling rate in Hz, `MIN_RATE` or more.

    Returns
    -------
    Beats
        The same for `X` and for ``c * X``.

    Notes
    -----
    A complex is a maximum of the envelope within 0.2 s on either side that reaches half of the
    typical maximum of 2 s. Noise has such maxima as well: `Beats.contrast` tells them apart.

    Examples
    --------
    >>> beat = np.r_[np.zeros(100), 0.1, 0.8, 1.0, 0.2, -0.2, np.zeros(151)]  # once a second
    >>> print(np.diff(find_qrs(np.tile(beat, 5)[None], fs=256.0).at[0]))
    [256 256 256 256]
    """
    X = in_own_range(X)
    qrs = band_pass(X, fs, QRS_HZ)
    power = uniform_filter1d(qrs**2, max(1, round(_SMOOTH_S * fs)), axis=1)
    envelope = np.sqrt(np.maximum(power, 0))  # a running sum may end just below zero
    highest = maximum_filter1d(envelope, 2 * round(_APART_S * fs) + 1, axis=1)
    of_two = maximum_filter1d(envelope, round(_TOP_S * fs), axis=1)[:, :: max(1, round(fs / 2))]
    top = np.median(of_two, axis=1, keepdims=True)
    rows, columns = np.nonzero((envelope == highest) & (envelope > 0.5 * top))
    ends = np.searchsorted(rows, np.arange(len(X) + 1))
    at = tuple(columns[a:b] for a, b in itertools.pairwise(ends))
    heights = np.array(
        [np.median(e[p]) if p.size else 0.0 for e, p in zip(envelope, at, strict=True)]
    )
    tiny = np.finfo(float).tiny
    between = np.maximum(np.median(envelope, axis=1), tiny)
    return Beats(at, heights / between, heights / np.maximum(X.std(axis=1), tiny), qrs)


@checked
def aligned_beats(x: np.ndarray, qrs: np.ndarray, at: np.ndarray, fs: float) -> np.ndarray:
    """Cut the whole beats out of one window, so that their QRS complexes lie on each other.

    Parameters
    ----------
    x : ndarray, shape (length,)
        The window.
    qrs : ndarray, shape (length,)
        The same in the band `QRS_HZ`.
    at : ndarray of int, shape (n,)
        Positions of the complexes.
    fs : float
        Sampling rate in Hz.

    Returns
    -------
    ndarray, shape (n_whole, n_samples)
        From `BEFORE_S` before to `AFTER_S` after the middle of QRS; beats that do not lie in the
        window from end to end are left out.

    Raises
    ------
    DataError
        If a sample is not finite, or `qrs` is of another window.

    Examples
    --------
    >>> beat = np.r_[np.zeros(100), 0.1, 0.8, 1.0, 0.2, -0.2, np.zeros(151)]  # once a second
    >>> x = np.tile(beat, 5)
    >>> found = find_qrs(x[None], fs=256.0)
    >>> len(aligned_beats(x, found.qrs[0], found.at[0], fs=256.0))
    5
    """
    checks.array("x", x, (None,))
    checks.array("qrs", qrs, x.shape)
    before, after, shift = (round(s * fs) for s in (BEFORE_S, AFTER_S, _SHIFT_S))
    at = at[(at >= before + 2 * shift) & (at + after + 2 * shift < len(x))]
    if not at.size:
        return np.empty((0, before + after + 1))
    shifts = np.arange(-shift, shift + 1)
    at = at + shifts[np.abs(qrs[at[:, None] + shifts]).argmax(axis=1)]
    half = np.arange(-round(QRS_S * fs), round(QRS_S * fs) + 1)
    shape = np.median(qrs[at[:, None] + half], axis=0)
    fit = qrs[at[:, None, None] + shifts[:, None] + half] @ shape
    at = at + shifts[fit.argmax(axis=1)]
    return x[at[:, None] + np.arange(-before, after + 1)]


@checked
def around_qrs(fs: float) -> slice:
    """Give the part of a beat of `aligned_beats` that is its QRS complex.

    Parameters
    ----------
    fs : float
        Sampling rate in Hz.

    Returns
    -------
    slice
        `QRS_S` to either side of the middle.

    Examples
    --------
    >>> part = around_qrs(256.0)
    >>> round((part.stop - part.start) / 256, 1)
    0.2
    """
    middle, half = round(BEFORE_S * fs), round(QRS_S * fs)
    return slice(middle - half, middle + half + 1)


@checked
def heart_rates(X: np.ndarray, fs: float) -> np.ndarray:
    """Measure the heart rate of windows, for a report.

    Parameters
    ----------
    X : ndarray, shape (n_windows, length)
        Filtered windows, finite, in any unit, either way up.
    fs : float
        Sampling rate in Hz, `MIN_RATE` or more.

    Returns
    -------
    ndarray, shape (n_windows,)
        Beats per minute from the mean interval between complexes, without intervals longer or
        shorter than the median by half; NaN where fewer than three complexes stand out.

    Examples
    --------
    >>> beat = np.r_[np.zeros(100), 0.1, 0.8, 1.0, 0.2, -0.2, np.zeros(151)]  # once a second
    >>> heart_rates(np.tile(beat, 10)[None], fs=256.0).round().tolist()
    [60.0]
    """
    found = find_qrs(X, fs)
    rates = np.full(len(X), np.nan)
    for row in np.flatnonzero(found.contrast >= MIN_CONTRAST):
        intervals = np.diff(found.at[row])
        if len(intervals) >= 2:
            usual = np.median(intervals)
            near = intervals[np.abs(intervals - usual) <= usual / 2]
            if len(near):  # of two intervals, both can be far from their median
                rates[row] = 60 * fs / near.mean()
    return rates


@checked
def in_own_range(X: np.ndarray) -> np.ndarray:
    """Divide every window by its largest sample, so that no square of it can overflow.

    Parameters
    ----------
    X : ndarray, shape (n_windows, length)
        Finite samples.

    Returns
    -------
    ndarray, shape (n_windows, length)
        From -1 to 1; zeros stay zeros.

    Examples
    --------
    >>> in_own_range(np.array([[1.0, -4.0], [0.0, 0.0]])).tolist()
    [[0.25, -1.0], [0.0, 0.0]]
    """
    largest = np.abs(X).max(axis=1, keepdims=True)
    return X / np.where(largest > 0, largest, 1)
