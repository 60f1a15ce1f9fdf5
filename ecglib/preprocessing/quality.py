"""Signal quality: which samples of a raw recording are missing, spikes, clipped or flat.

All limits are conservative: they mark what no heart produces, and leave noisy but living signal
alone. What needs a whole window to be seen, such as a lead without beats, is judged on the filtered
signal: see `ecglib.preprocessing.window_flags`.
"""

from __future__ import annotations

from math import ceil

import numpy as np
from scipy.ndimage import maximum_filter1d, minimum_filter1d

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


OK, NOISE, AMPLITUDE, NO_BEATS, MAINS, FLAT, CLIPPED, SPIKE, MISSING = range(len(QUALITIES))
"""Codes of the flags, from good to worst. Samples are ok, flat, clipped, a spike or missing;
windows can have any flag."""


BRIDGED = (SPIKE, MISSING)
"""Codes of samples whose value says nothing of the heart: `fill_gaps` replaces them before a filter
can spread them, and no mean or standard deviation may count them."""


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


JUMP_SCALES = 10.0
"""Jump from one sample to the next that no heart makes, in units of the typical height of one
second of the recording; in 127 real recordings at 100 to 4000 Hz the largest is 4, an amplifier
that was switched on."""


SPIKE_SCALES = 20.0
"""Distance from the baseline that no heart makes, in the same unit; in those recordings the largest
artefact, the same one, is 10 away."""


SPIKE_FOOT_SCALES = 5.0
"""Distance down to which the flanks of a spike belong to it."""


MISSING_CODES = (-32768.0, -2147483648.0)
"""Values that stand for "no sample" in files of 16 and 32 bits, where they do not continue the
signal."""


CODE_SCALES = 3.0
"""Jump to and from one of these values that says that it does not continue the signal."""


MISSING_RUN = 3
"""Equal samples in a row, far from their neighbours, that are a code for "no sample" and not a
spike."""


LARGEST = 1e300
"""Values at or beyond it count as infinite: their differences overflow."""


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
          is not bridged, entered or left by more than the smallest step of the recording;
        - flat: in a stretch of 2 s or more that stays within 1 % of the recording's range;
        - ok: all others.

        Missing outranks spike, spike outranks clipped, clipped outranks flat.

    Notes
    -----
    The height of one second is the range of its samples without the highest and lowest 1 %, the
    typical height the median over all seconds that are not constant: neither a drift, nor a bad
    minute, nor a spike of any size moves it. The flags of ``c * x`` are those of `x`, except for
    `MISSING_CODES`.
    """
    x = np.asarray(x, dtype=np.float64)
    missing = ~(np.abs(x) < LARGEST)
    missing |= _fill(_long_runs(x == 0, ceil(DROPOUT_S * fs)), len(x))
    spike, coded = _outliers(x, ~missing, fs)
    missing |= coded
    bridged = spike | missing
    codes = np.full(len(x), OK, dtype=np.int8)
    if not bridged.all():
        filled = fill_gaps(x, bridged)
        codes[_flat(filled, fs)] = FLAT
        codes[_clipped(filled, fs)] = CLIPPED
    codes[spike] = SPIKE
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
        (n_windows,) str: "missing", "spike" or "clipped" if any sample is; else "flat" if 1 s or
        more is, half the shortest flat stretch, so that one across a border marks at least one
        window; else "ok".
    """
    any_of = [(codes == code).any(axis=1) for code in (MISSING, SPIKE, CLIPPED)]
    flat = (codes == FLAT).sum(axis=1) >= FLAT_S / 2 * fs
    names = [QUALITIES[code] for code in (MISSING, SPIKE, CLIPPED, FLAT)]
    return np.select([*any_of, flat], names, default=QUALITIES[OK])


def _outliers(x: np.ndarray, known: np.ndarray, fs: float) -> tuple[np.ndarray, np.ndarray]:
    """Find spikes and codes for "no sample" among the known samples: two masks, (n_samples,)."""
    spike, coded = np.zeros((2, len(x)), dtype=bool)
    block = max(1, round(fs))
    scale = _typical_height(x[known], block)
    if scale == 0:  # nothing varies: there is no measure of what is far
        return spike, coded
    values = x[known]
    starts = np.flatnonzero(np.diff(values, prepend=np.nan) != 0)
    lengths = np.diff(starts, append=len(values))
    levels = values[starts]
    jumps = np.abs(np.diff(levels, prepend=np.inf, append=np.inf))
    away = np.minimum(jumps[:-1], jumps[1:]) if len(levels) > 1 else np.zeros(1)
    code = (away > JUMP_SCALES * scale) & (lengths >= MISSING_RUN)
    code |= (away > CODE_SCALES * scale) & np.isin(levels, MISSING_CODES)
    coded[known] = np.repeat(code, lengths)
    spike[known] = np.repeat((away > JUMP_SCALES * scale) & ~code, lengths)
    # What is left may still leave the baseline in several steps.
    filled = fill_gaps(x, ~known | coded | spike)
    whole = len(x) // block * block
    if whole:
        level = np.median(filled[:whole].reshape(-1, block), axis=1)
        at = (np.arange(len(level)) + 0.5) * block
        filled -= np.interp(np.arange(len(x)), at, level)
        filled = np.abs(filled, out=filled)
        if filled.max() > SPIKE_SCALES * scale:
            runs = _long_runs(filled > SPIKE_FOOT_SCALES * scale, 1)
            peaks = np.maximum.reduceat(filled, runs[:, 0])
            # A part between two runs lies below the foot, so that it does not change the peak.
            spike |= _fill(runs[peaks > SPIKE_SCALES * scale], len(x)) & known & ~coded
    return spike, coded


def _typical_height(x: np.ndarray, block: int) -> float:
    """Return the median height of the blocks that vary, without their 1 % highest and lowest."""
    if len(x) < block:
        block = len(x)
    if block == 0:
        return 0.0
    rows = x[: len(x) // block * block].reshape(-1, block)
    cut = min(ceil(0.01 * block), (block - 1) // 2)
    rows = np.partition(rows, (cut, block - 1 - cut), axis=1)
    heights = rows[:, block - 1 - cut] - rows[:, cut]
    heights = heights[heights > 0]
    return float(np.median(heights)) if heights.size else 0.0


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
