"""Signal quality: which samples of a raw recording are missing, clipped or flat.

All limits are conservative: they mark what no heart produces, and leave noisy but living
signal alone. A lead that records nothing but noise from start to end is not recognised.
"""

from __future__ import annotations

from math import ceil

import numpy as np
from scipy.ndimage import maximum_filter1d, minimum_filter1d

OK, FLAT, CLIPPED, MISSING = range(4)
"""Codes of a sample's quality, from good to worst."""


QUALITIES = ("ok", "flat", "clipped", "missing")
"""Names of the flags, in the order of their codes: a higher code outranks a lower one."""


DROPOUT_S = 0.5
"""Seconds of exact zeros that count as a dropout; real signal crosses zero for a few samples."""


CLIP_S = 0.02
"""Seconds at the recording's largest or smallest value that count as clipped (5 samples or more);
an R-peak stays there for one or two samples, and a smooth turning point, which may stay longer,
is entered and left by single steps of the converter."""


FLAT_S = 2.0
"""Seconds without change that count as flat: longer than the gap between beats at 30 per minute."""


FLAT_RANGE = 0.01
"""Change that counts as none, as a share of the recording's range between the 1st and 99th
percentile; the quietest 2 s of real recordings move by 40 % of it or more."""


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

        - missing: NaN, infinite, or in 0.5 s or more of exact zeros;
        - clipped: in a run of 20 ms and 5 samples or more at the largest or smallest value that
          is not missing, entered or left by more than the smallest step of the recording;
        - flat: in a stretch of 2 s or more that stays within 1 % of the recording's range;
        - ok: all others.

        Missing outranks clipped, clipped outranks flat.
    """
    x = np.asarray(x, dtype=np.float64)
    missing = ~np.isfinite(x) | _fill(_long_runs(x == 0, ceil(DROPOUT_S * fs)), len(x))
    codes = np.full(len(x), OK, dtype=np.int8)
    if not missing.all():
        filled = fill_gaps(x, missing)
        codes[_flat(filled, fs)] = FLAT
        codes[_clipped(filled, fs)] = CLIPPED
    codes[missing] = MISSING
    return codes


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
    """
    filled = np.array(x, dtype=np.float64)
    known = np.flatnonzero(~missing)
    if len(known) == 0:
        return np.zeros_like(filled)
    filled[missing] = np.interp(np.flatnonzero(missing), known, filled[known])
    return filled


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
    """
    first = np.ceil((np.arange(n_samples) - 0.5) * step).astype(np.intp)
    return np.maximum.reduceat(codes, np.clip(first, 0, len(codes) - 1))


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
        (n_windows,) str: "missing" or "clipped" if any sample is; else "flat" if 1 s or more is,
        half the shortest flat stretch, so that one across a border marks at least one window;
        else "ok".
    """
    missing = (codes == MISSING).any(axis=1)
    clipped = (codes == CLIPPED).any(axis=1)
    flat = (codes == FLAT).sum(axis=1) >= FLAT_S / 2 * fs
    names = [QUALITIES[MISSING], QUALITIES[CLIPPED], QUALITIES[FLAT]]
    return np.select([missing, clipped, flat], names, default=QUALITIES[OK])


def _clipped(x: np.ndarray, fs: float) -> np.ndarray:
    low, high = x.min(), x.max()
    if low == high:  # a constant is flat, not clipped
        return np.zeros(len(x), dtype=bool)
    shortest = max(5, ceil(CLIP_S * fs))
    runs = np.concatenate([_long_runs(x == low, shortest), _long_runs(x == high, shortest)])
    if len(runs) == 0:
        return np.zeros(len(x), dtype=bool)
    # A smooth turning point, rounded by the converter, is entered and left by its smallest step.
    steps = np.abs(np.diff(x, prepend=x[:1], append=x[-1:]))
    abrupt = steps > 1.5 * steps[steps > 0].min()
    return _fill(runs[abrupt[runs].any(axis=1)], len(x))


def _flat(x: np.ndarray, fs: float) -> np.ndarray:
    span = ceil(FLAT_S * fs)
    if len(x) < span:
        return np.zeros(len(x), dtype=bool)
    low, high = np.percentile(x, [1, 99])
    # Any flat stretch covers a whole block of half its length: most recordings need no more.
    blocks = x[: len(x) // (span // 2) * (span // 2)].reshape(-1, span // 2)
    quiet = FLAT_RANGE * (high - low)
    if (np.ptp(blocks, axis=1) > quiet).all():
        return np.zeros(len(x), dtype=bool)
    # Entry i of a centred filter covers x[i - span // 2 : i - span // 2 + span].
    still = maximum_filter1d(x, span) - minimum_filter1d(x, span) <= quiet
    starts = np.flatnonzero(still[span // 2 : span // 2 + len(x) - span + 1])
    return _fill(np.stack([starts, starts + span], axis=1), len(x))


def _long_runs(mask: np.ndarray, shortest: int) -> np.ndarray:
    """Return start and stop, (n_runs, 2), of the runs of True of `shortest` samples or more."""
    runs = np.flatnonzero(np.diff(mask, prepend=False, append=False)).reshape(-1, 2)
    return runs[np.ptp(runs, axis=1) >= shortest]


def _fill(runs: np.ndarray, n_samples: int) -> np.ndarray:
    """Return a mask, (n_samples,), that is True within the runs, which may overlap."""
    edges = np.zeros(n_samples + 1, dtype=np.int32)
    np.add.at(edges, runs[:, 0], 1)
    np.add.at(edges, runs[:, 1], -1)
    return np.cumsum(edges[:-1]) > 0
