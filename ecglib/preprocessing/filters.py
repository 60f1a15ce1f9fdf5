"""High-pass filter and sampling-rate conversion of whole recordings."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import numpy as np
from scipy import ndimage, signal

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.data.recording import check_rate

HIGHPASS_ORDER = 2
"""Order of one pass of the high-pass filter; see the notes of `highpass`."""


MAX_RATIO_TERM = 1000
"""Largest numerator or denominator of a sampling-rate ratio that is converted in one step."""


OVERSAMPLING = 2
"""Samples for each of the result, between which those of another ratio are interpolated."""


@checked
def highpass(
    x: np.ndarray, fs: float, cutoff: float = 0.8, order: int = HIGHPASS_ORDER
) -> np.ndarray:
    """Remove baseline wander with a zero-phase Butterworth high-pass filter.

    Parameters
    ----------
    x : numpy.ndarray
        One whole recording, (n_samples,) or (n_samples, n_leads), any unit; filtered along axis 0.
    fs : float
        Sampling rate in Hz.
    cutoff : float
        Cut-off in Hz. The released code says 0.8 (SSL-ECG, README and issue 1).
    order : int
        Order of one pass. The filter runs forwards and backwards, so that the slopes add up.

    Returns
    -------
    numpy.ndarray
        The filtered recording, float64, same shape and unit.

    Raises
    ------
    DataError
        If `x` holds NaN or infinite samples, lasts no longer than two periods of the cut-off
        (2.5 s at 0.8 Hz), or the cut-off is not between 0 and half the sampling rate.

    Notes
    -----
    The released code does not state its order. Two is chosen: run both ways it attenuates by
    6 dB at the cut-off and by 34 dB at 0.3 Hz, where breathing and electrode drift live. Steeper
    filters gain nothing that matters below 0.3 Hz and ring longer around each QRS complex, which
    displaces the ST segment. Zero phase keeps every R-peak in its place; it needs the whole
    recording, so filter before cutting windows. Both ends are extended by point reflection over
    two periods of the cut-off, which keeps the start and end of a recording usable.

    Examples
    --------
    >>> t = np.arange(2560) / 256
    >>> wander, wave = 5 * np.sin(2 * np.pi * 0.1 * t), np.sin(2 * np.pi * 10 * t)
    >>> middle = slice(512, -512)
    >>> bool(np.abs(highpass(wander + wave, 256.0) - wave)[middle].max() < 0.05)
    True
    """
    x = _finite(x)
    if not 0 < cutoff < fs / 2:
        raise DataError(
            f"{cutoff} Hz at a sampling rate of {fs} Hz",
            field="cutoff",
            expected="a cut-off between 0 and half the sampling rate",
        )
    if order < 1:
        raise DataError(f"{order}", field="order", expected="a positive whole number")
    padding = ceil(2 * fs / cutoff)
    if len(x) <= padding:
        raise DataError(
            f"{len(x)} samples ({len(x) / fs:.2f} s) are too short for a {cutoff:g} Hz high-pass",
            field="x",
            expected=f"more than {padding} samples (two periods of the cut-off)",
            remedy="filter the whole recording before cutting it into windows",
        )
    sections = signal.butter(order, cutoff, "highpass", fs=fs, output="sos")
    # Subtracting the first sample changes nothing but rounding: a constant gives exactly zero.
    return signal.sosfiltfilt(sections, x - x[:1], axis=0, padlen=padding)


@checked
def n_resampled(n_samples: int, fs_in: float, fs_out: float) -> int:
    """Return how many samples `resample` gives.

    Parameters
    ----------
    n_samples : int
        Number of samples before.
    fs_in, fs_out : float
        Sampling rates in Hz before and after.

    Returns
    -------
    int
        ``ceil(n_samples * fs_out / fs_in)``, of the exact ratio.

    Raises
    ------
    DataError
        If `fs_in` is not from 50 to 10 000 Hz, or `fs_out` is not a positive number.

    Examples
    --------
    >>> n_resampled(3600, 360, 256), n_resampled(2557, 255.7, 256)
    (2560, 2560)
    """
    ratio = _ratio(fs_in, fs_out)
    return -(-n_samples * ratio.numerator // ratio.denominator)


@checked
def resample(x: np.ndarray, fs_in: float, fs_out: float) -> np.ndarray:
    """Convert a recording to another sampling rate, with an anti-aliasing filter.

    Parameters
    ----------
    x : numpy.ndarray
        One whole recording, (n_samples,) or (n_samples, n_leads); converted along axis 0.
    fs_in : float
        Sampling rate in Hz before, 50 to 10 000; also one like 249.99 or 255.7.
    fs_out : float
        Sampling rate in Hz after.

    Returns
    -------
    numpy.ndarray
        float64, `n_resampled` samples; sample k lies at ``k / fs_out`` s, as it did before. A
        straight line through the first and last sample is set aside while filtering, and comes
        through exactly.

    Raises
    ------
    DataError
        If `x` is empty or holds NaN or infinite samples, or a rate is impossible.

    Notes
    -----
    If the ratio of the rates is one of whole numbers up to 1000 (360 to 256 Hz is 32/45), a
    polyphase filter gives the result in one step. Other ratios would need a filter of millions of
    taps: such a filter gives samples at nearly twice the new rate, and a spline of fifth order
    through them the values at the exact times, to a ten-thousandth up to 40 Hz.

    Examples
    --------
    >>> resample(np.sin(np.arange(1000) / 50), 500.0, 256.0).shape
    (512,)
    """
    x = _finite(x)
    ratio = _ratio(fs_in, fs_out)
    # A recorder's offset, filtered, would leave a faint ripple and ring at both ends.
    slope = (x[-1] - x[0]) / max(1, len(x) - 1)
    level = x - _line(x[0], slope, np.arange(len(x)))
    if max(ratio.numerator, ratio.denominator) <= MAX_RATIO_TERM:
        up, down = ratio.numerator, ratio.denominator
        y = signal.resample_poly(level, up, down, axis=0)
        at = np.arange(len(y)) * down / up
    else:
        at = np.arange(n_resampled(len(x), fs_in, fs_out)) * (fs_in / fs_out)
        y = _at_positions(level, at, ratio)
    return y + _line(x[0], slope, at)


def _ratio(fs_in: float, fs_out: float) -> Fraction:
    """Return ``fs_out / fs_in``, as the ratio of small whole numbers that it is, or exactly."""
    check_rate(fs_in, field="fs_in")
    if not 0 < fs_out < np.inf:
        raise DataError(f"{fs_out}", field="fs_out", expected="a positive sampling rate in Hz")
    # A decimal number such as 255.7 means what it says, not the binary one that is next to it.
    exact = Fraction(str(float(fs_out))) / Fraction(str(float(fs_in)))
    near = Fraction(fs_out / fs_in).limit_denominator(MAX_RATIO_TERM)
    return near if abs(near - exact) <= exact / 10**12 else exact


def _at_positions(x: np.ndarray, at: np.ndarray, ratio: Fraction) -> np.ndarray:
    """Return band-limited values between samples.

    Parameters
    ----------
    x : numpy.ndarray
        (n_samples,) or (n_samples, n_leads), near zero at both ends.
    at : numpy.ndarray
        (n_new,) positions, in samples of `x`.
    ratio : Fraction
        New samples per old one: what is too fast for either rate is filtered out.

    Returns
    -------
    numpy.ndarray
        (n_new,) or (n_new, n_leads).
    """
    near = 1 / (1 / ratio).limit_denominator(MAX_RATIO_TERM // 10)
    up, down = (OVERSAMPLING * near).as_integer_ratio()
    # Half of the slower rate is where the filter ends. The longer one than `resample_poly` would
    # design lets through 84 % of the band, to a ten-thousandth; where it stops, 80 dB are missing.
    end = float(min(1, near) / up)
    taps = signal.firwin(2 * round(20 / end) + 1, end, window=("kaiser", 8.0))
    # Zeros follow, so that the last new sample, which may lie after the last old one, has some.
    zeros = np.zeros((ceil(8 * down / up) + 1, *x.shape[1:]))
    fine = signal.resample_poly(np.concatenate([x, zeros]), up, down, axis=0, window=taps)
    coefficients = ndimage.spline_filter1d(fine, order=5, axis=0, mode="mirror")
    places = at * (up / down)
    leads = coefficients.reshape(len(fine), -1).T
    values = [
        ndimage.map_coordinates(lead, [places], order=5, mode="mirror", prefilter=False)
        for lead in leads
    ]
    return np.stack(values, axis=-1).reshape(len(at), *x.shape[1:])


def _line(start: np.ndarray, slope: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return a straight line per lead at the given positions."""
    return start + slope * at.reshape(-1, *[1] * np.ndim(start))


def _finite(x: np.ndarray) -> np.ndarray:
    """Return `x` as float64 or raise a DataError that counts its unusable samples."""
    x = np.asarray(x, dtype=np.float64)
    if x.ndim not in (1, 2) or x.size == 0:
        raise DataError(
            f"shape {x.shape}", field="x", expected="(n_samples,) or (n_samples, n_leads)"
        )
    bad = ~np.isfinite(x)
    if bad.any():
        raise DataError(
            f"{np.count_nonzero(bad)} samples are NaN or infinite, the first at sample "
            f"{np.argwhere(bad)[0][0]}",
            field="x",
            expected="finite samples, since a filter spreads a gap over the whole recording",
            remedy="fill the gaps first (ecglib.preprocessing.quality.fill_gaps) and leave out "
            "those windows",
        )
    return x
