"""Signal quality: which samples of a raw recording are missing, spikes, clipped or flat.

All limits are conservative: they mark what no heart produces, and leave noisy but living signal
alone. What needs a whole window to be seen, such as a lead without beats, is judged on the filtered
signal: see `ecglib.preprocessing.window_flags`.
"""

from __future__ import annotations

from math import ceil

import numpy as np

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.preprocessing.sample_faults import (
    DROPOUT_S,
    FLAT_S,
    LARGEST,
    clipped,
    flat,
    long_runs,
    outliers,
    within,
)

QUALITIES = (
    "ok",
    "noise",
    "amplitude",
    "no beats",
    "mains hum",
    "flat",
    "clipped",
    "spike",
    "missing",
)
"""Names of the flags, in the order of their codes: a higher code outranks a lower one."""


OK = QUALITIES.index("ok")
"""Code of samples and windows without a flag, the lowest of all."""

NOISE = QUALITIES.index("noise")
"""Code of windows in which noise drowns the waves between the beats."""

AMPLITUDE = QUALITIES.index("amplitude")
"""Code of windows that are too low or too high for an ECG."""

NO_BEATS = QUALITIES.index("no beats")
"""Code of windows without heartbeats."""

MAINS = QUALITIES.index("mains hum")
"""Code of windows with mains hum."""

FLAT = QUALITIES.index("flat")
"""Code of samples that do not change, and of windows with them."""

CLIPPED = QUALITIES.index("clipped")
"""Code of clipped samples, and of windows with them."""

SPIKE = QUALITIES.index("spike")
"""Code of samples of a spike, and of windows with them."""

MISSING = QUALITIES.index("missing")
"""Code of missing samples, and of windows with them; the highest of all."""


BRIDGED = (SPIKE, MISSING)
"""Codes of samples whose value says nothing of the heart: `fill_gaps` replaces them before a filter
can spread them, and no mean or standard deviation may count them."""


@checked
def sample_quality(x: np.ndarray, fs: float) -> np.ndarray:
    """Flag every sample of one lead of a raw recording.

    Parameters
    ----------
    x : numpy.ndarray
        Raw samples, (n_samples,), any unit, NaN and infinite values allowed.
    fs : float
        Sampling rate in Hz.

    Returns
    -------
    numpy.ndarray
        (n_samples,) int8, positions in `QUALITIES`:

        - missing: NaN, infinite, in 0.5 s or more of exact zeros, or a code for "no sample":
          3 equal samples or more in a row that are entered and left by a jump of `JUMP_SCALES`,
          or one that is -32768 or -2147483648 and entered and left by `CODE_SCALES`;
        - spike: one or two equal samples entered and left by a jump of `JUMP_SCALES`, or samples
          farther than `SPIKE_SCALES` from the baseline, with their flanks;
        - clipped: in a run of 20 ms and 5 samples or more at the largest or smallest value that
          is not bridged, entered or left by more than the smallest step of the recording, or at
          the largest or smallest within a second, more than once (see `RAIL_S`);
        - flat: in a stretch of 2 s or more that stays within 1 % of the recording's range;
        - ok: all others.

        Missing outranks spike, spike outranks clipped, clipped outranks flat.

    Notes
    -----
    The height of one second is the range of its samples without the highest and lowest 1 %, the
    typical height the median over all seconds that are not constant: neither a drift, nor a bad
    minute, nor a spike of any size moves it. The flags of ``c * x`` are those of `x`, except for
    `MISSING_CODES`.

    Examples
    --------
    >>> x = np.sin(np.arange(1000) / 5) + 0.1 * np.sin(np.arange(1000) / 3)
    >>> x[200:210] = np.nan
    >>> codes = sample_quality(x, 100.0)
    >>> [str(QUALITIES[code]) for code in np.unique(codes)], int((codes > 0).sum())
    (['ok', 'missing'], 10)
    """
    x = np.asarray(x, dtype=np.float64)
    missing = ~(np.abs(x) < LARGEST)
    missing |= within(long_runs(x == 0, ceil(DROPOUT_S * fs)), len(x))
    spike, coded = outliers(x, ~missing, fs)
    missing |= coded
    bridged = spike | missing
    codes = np.full(len(x), OK, dtype=np.int8)
    if not bridged.all():
        filled = fill_gaps(x, bridged)
        codes[flat(filled, fs)] = FLAT
        codes[clipped(filled, fs)] = CLIPPED
    codes[spike] = SPIKE
    codes[missing] = MISSING
    return codes


@checked
def fill_gaps(x: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Bridge missing samples by straight lines, so that a filter does not spread the gap.

    Parameters
    ----------
    x : numpy.ndarray
        Samples of one lead, (n_samples,).
    missing : numpy.ndarray
        Boolean, (n_samples,).

    Returns
    -------
    numpy.ndarray
        float64 copy, finite wherever `x` is finite or `missing`; the first and last known sample
        are held to the ends, and all zeros if no sample is known.

    Raises
    ------
    DataError
        If the mask has another shape, or there are no samples.

    Examples
    --------
    >>> fill_gaps(
    ...     np.array([1.0, np.nan, 3.0, np.nan]), np.array([False, True, False, True])
    ... ).tolist()
    [1.0, 2.0, 3.0, 3.0]
    """
    checks.array("x", x, (None,), finite=False)
    checks.array("missing", missing, x.shape)
    filled = np.array(x, dtype=np.float64)
    known = np.flatnonzero(~missing)
    if len(known) == 0:
        return np.zeros_like(filled)
    filled[missing] = np.interp(np.flatnonzero(missing), known, filled[known])
    return filled


@checked
def on_new_grid(codes: np.ndarray, n_samples: int, step: float) -> np.ndarray:
    """Carry sample flags over to another sampling rate, losing none.

    Parameters
    ----------
    codes : numpy.ndarray
        Flags at the old rate, (n_old,) int8.
    n_samples : int
        Number of samples at the new rate.
    step : float
        Old samples per new sample.

    Returns
    -------
    numpy.ndarray
        (n_samples,) int8: the highest flag among the old samples that lie nearest to each new
        one, or that of the nearest old sample.

    Raises
    ------
    DataError
        If there are no flags, or the step is not above 0.

    Examples
    --------
    >>> on_new_grid(np.array([0, 0, 1, 0], "int8"), n_samples=2, step=2.0).tolist()
    [0, 1]
    """
    checks.array("codes", codes, (None,))
    checks.whole("n_samples", n_samples, 0)
    checks.number("step", step, above=0)
    first = np.ceil((np.arange(n_samples) - 0.5) * step).astype(np.intp)
    return np.maximum.reduceat(codes, np.clip(first, 0, len(codes) - 1))


@checked
def window_quality(codes: np.ndarray, fs: float) -> np.ndarray:
    """Summarise the flags of the samples in one flag per window.

    Parameters
    ----------
    codes : numpy.ndarray
        Sample flags cut into windows, (n_windows, length).
    fs : float
        Sampling rate in Hz.

    Returns
    -------
    numpy.ndarray
        (n_windows,) str: "missing", "spike" or "clipped" if any sample is; else "flat" if 1 s or
        more is, half the shortest flat stretch, so that one across a border marks at least one
        window; else "ok".

    Raises
    ------
    DataError
        If the flags have another shape.

    Examples
    --------
    >>> codes = np.zeros((2, 200), "int8")
    >>> codes[1, 50] = QUALITIES.index("spike")
    >>> window_quality(codes, 100.0).tolist()
    ['ok', 'spike']
    """
    checks.array("codes", codes, (None, None), empty=True)
    any_of = [(codes == code).any(axis=1) for code in (MISSING, SPIKE, CLIPPED)]
    flat = (codes == FLAT).sum(axis=1) >= FLAT_S / 2 * fs
    names = [QUALITIES[code] for code in (MISSING, SPIKE, CLIPPED, FLAT)]
    return np.select([*any_of, flat], names, default=QUALITIES[OK])
