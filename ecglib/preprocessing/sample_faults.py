"""Faults of single samples of a raw lead: spikes, codes for "no sample", rails and flat lines.

Each function gives a mask. `ecglib.preprocessing.quality.sample_quality` puts them together.
"""

from __future__ import annotations

from math import ceil

import numpy as np
from scipy.ndimage import maximum_filter1d, minimum_filter1d

from ecglib.core import checks
from ecglib.core.annotations import checked

DROPOUT_S = 0.5
"""Seconds of exact zeros that count as a dropout; real signal crosses zero for a few samples."""


CLIP_S = 0.02
"""Seconds at the recording's largest or smallest value that count as clipped (5 samples or more);
an R-peak stays there for one or two samples, and a smooth turning point, which may stay longer,
is entered and left by single steps of the converter."""


RAIL_S = 1.0
"""Seconds on either side within which a run at the largest or smallest value counts as clipped as
well, if it is entered or left by more than `RAIL_STEP`, lasts less than `DROPOUT_S`, and another
run has the same value: an amplifier may saturate below the largest value of a recording for a
while."""


RAIL_STEP = 0.05
"""Least step into or out of such a run, as a share of the range within `RAIL_S`."""


FLAT_S = 2.0
"""Seconds without change that count as flat: longer than the gap between beats at 30 per minute."""


FLAT_RANGE = 0.01
"""Change that counts as none, as a share of the recording's range between the 1st and 99th
percentile; the quietest 2 s of real recordings move by 40 % of it or more."""


FLAT_MOST = 4.0
"""That range counts for no more than so many times the height of a high second (the 75th
percentile), so that a few huge values do not make all others flat."""


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


LONG_RUN_S = 0.1
"""Seconds of one value after which it stands out also where the signal itself is large."""


LARGEST = 1e300
"""Values at or beyond it count as infinite: their differences overflow."""


@checked
def outliers(x: np.ndarray, known: np.ndarray, fs: float) -> tuple[np.ndarray, np.ndarray]:
    """Find samples that are far from the signal around them.

    Parameters
    ----------
    x : ndarray, shape (n_samples,)
        Raw samples, any unit.
    known : ndarray of bool, shape (n_samples,)
        Samples that count; others may be NaN.
    fs : float
        Sampling rate in Hz.

    Returns
    -------
    spike, coded : ndarray of bool, shape (n_samples,)
        Known samples that are spikes, and that are codes for "no sample".

    Raises
    ------
    DataError
        If there are no samples, or `known` has another shape.

    Examples
    --------
    >>> x = np.sin(np.arange(1000) / 5)
    >>> x[500] = 80.0
    >>> spike, coded = outliers(x, np.full(1000, True), fs=100.0)
    >>> np.flatnonzero(spike).tolist(), int(coded.sum())
    ([500], 0)
    """
    checks.array("x", x, (None,), finite=False)
    checks.array("known", known, x.shape)
    spike, coded = np.zeros((2, len(x)), dtype=bool)
    block = max(1, round(fs))
    scale = _height(x[known], block, 50)
    if scale == 0:  # nothing varies: there is no measure of what is far
        return spike, coded
    values = x[known]
    _, unit = _surroundings(values, block, scale)
    starts = np.flatnonzero(np.diff(values, prepend=np.nan) != 0)
    lengths = np.diff(starts, append=len(values))
    heights = values[starts]
    jumps = np.abs(np.diff(heights, prepend=np.inf, append=np.inf))
    away = np.minimum(jumps[:-1], jumps[1:]) if len(starts) > 1 else np.zeros(1)
    held = lengths >= LONG_RUN_S * fs
    far = away > JUMP_SCALES * np.where(held, scale, unit[starts])
    code = far & (lengths >= MISSING_RUN)
    code |= (away > CODE_SCALES * scale) & np.isin(heights, MISSING_CODES)
    coded[known] = np.repeat(code, lengths)
    spike[known] = np.repeat(far & ~code, lengths)
    # What is left may still leave the baseline in several steps.
    left = np.flatnonzero(known & ~coded & ~spike)
    level, unit = _surroundings(x[left], block, scale)
    distance = np.abs(x[left] - level) / unit
    if distance.size and distance.max() > SPIKE_SCALES:
        runs = long_runs(distance > SPIKE_FOOT_SCALES, 1)
        peaks = np.maximum.reduceat(distance, runs[:, 0])
        # A part between two runs lies below the foot, so that it does not change the peak.
        spike[left] = within(runs[peaks > SPIKE_SCALES], len(left))
    return spike, coded


def _height(x: np.ndarray, block: int, percentile: float) -> float:
    """Return a percentile of the heights of the blocks that vary, 0 if none does.

    A height is the range of a block without its highest and lowest 1 %.
    """
    rows = _blocks(x, block)
    if not rows.size:
        return 0.0
    cut = min(ceil(0.01 * rows.shape[1]), (rows.shape[1] - 1) // 2)
    rows = np.partition(rows, (cut, rows.shape[1] - 1 - cut), axis=1)
    heights = rows[:, -1 - cut] - rows[:, cut]
    heights = heights[heights > 0]
    return float(np.percentile(heights, percentile)) if heights.size else 0.0


def _surroundings(x: np.ndarray, block: int, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the baseline and the unit of distance around every sample.

    The unit is `scale`, but larger in a block whose middle half alone spans a quarter of `scale` or
    more: where all is large, single samples are not far, and the whole window has to be judged.
    """
    if not len(x):
        return x, x
    rows = _blocks(x, block)
    n = rows.shape[1]
    quartiles = sorted({n // 4, n // 2, n - 1 - n // 4})
    rows = np.partition(rows, quartiles, axis=1)
    middle = (np.arange(len(rows)) + 0.5) * n
    unit = np.maximum(4 * (rows[:, n - 1 - n // 4] - rows[:, n // 4]), scale)
    at = np.arange(len(x))
    return np.interp(at, middle, rows[:, n // 2]), np.interp(at, middle, unit)


def _blocks(x: np.ndarray, block: int) -> np.ndarray:
    """Cut samples into rows of one block, or into a single shorter one; the rest is left out."""
    n = min(len(x), block)
    return x[: len(x) // max(n, 1) * n].reshape(-1, max(n, 1))


@checked
def clipped(x: np.ndarray, fs: float) -> np.ndarray:
    """Find samples held at a rail of the amplifier or the converter.

    Parameters
    ----------
    x : ndarray, shape (n_samples,)
        Raw samples, finite, any unit.
    fs : float
        Sampling rate in Hz.

    Returns
    -------
    ndarray of bool, shape (n_samples,)
        Runs of `CLIP_S` at the largest or smallest value, or as `RAIL_S` says.

    Raises
    ------
    DataError
        If there are no samples, or several leads.

    Examples
    --------
    >>> x = np.clip(2 * np.sin(np.arange(1000) / 20), -1, 1)
    >>> bool(clipped(x, 100.0).any()), bool(clipped(np.sin(np.arange(1000) / 20), 100.0).any())
    (True, False)
    """
    checks.array("x", x, (None,), finite=False)
    low, high = x.min(), x.max()
    if low == high:  # a constant is flat, not clipped
        return np.zeros(len(x), dtype=bool)
    shortest = max(5, ceil(CLIP_S * fs))
    starts = np.flatnonzero(np.diff(x, prepend=np.nan) != 0)
    runs = np.stack([starts, np.append(starts[1:], len(x))], axis=1)
    runs = runs[np.ptp(runs, axis=1) >= shortest]
    if len(runs) == 0:
        return np.zeros(len(x), dtype=bool)
    # A smooth turning point, rounded by the converter, is entered and left by its smallest step.
    steps = np.abs(np.diff(x, prepend=x[:1], append=x[-1:]))
    entered = steps[runs].max(axis=1)
    level = x[runs[:, 0]]
    at_rail = ((level == low) | (level == high)) & (entered > 1.5 * steps[steps > 0].min())
    around = 2 * round(RAIL_S * fs) + 1
    highest, lowest = (f(x, around)[runs[:, 0]] for f in (maximum_filter1d, minimum_filter1d))
    at_limit = (level == highest) | (level == lowest)
    at_limit &= entered > np.maximum(1.5 * steps[steps > 0].min(), RAIL_STEP * (highest - lowest))
    at_limit &= np.ptp(runs, axis=1) < DROPOUT_S * fs
    _, which, times = np.unique(level[at_limit], return_inverse=True, return_counts=True)
    at_limit[at_limit] = times[which] > 1
    return within(runs[at_rail | at_limit], len(x))


@checked
def flat(x: np.ndarray, fs: float) -> np.ndarray:
    """Find stretches without change.

    Parameters
    ----------
    x : ndarray, shape (n_samples,)
        Raw samples, finite, any unit.
    fs : float
        Sampling rate in Hz.

    Returns
    -------
    ndarray of bool, shape (n_samples,)
        Stretches of `FLAT_S` or more that stay within `FLAT_RANGE`.

    Raises
    ------
    DataError
        If there are several leads.

    Examples
    --------
    >>> x = np.sin(np.arange(1000) / 5)
    >>> x[300:700] = 0.0
    >>> int(flat(x, fs=100.0).sum())
    400
    """
    checks.array("x", x, (None,), finite=False, empty=True)
    span = ceil(FLAT_S * fs)
    if len(x) < span:
        return np.zeros(len(x), dtype=bool)
    low, high = np.percentile(x, [1, 99])
    high_second = _height(x, max(1, round(fs)), 75)
    # Any flat stretch covers a whole block of half its length: most recordings need no more.
    blocks = x[: len(x) // (span // 2) * (span // 2)].reshape(-1, span // 2)
    quiet = FLAT_RANGE * min(high - low, FLAT_MOST * high_second)
    if (np.ptp(blocks, axis=1) > quiet).all():
        return np.zeros(len(x), dtype=bool)
    # Entry i of a centred filter covers x[i - span // 2 : i - span // 2 + span].
    still = maximum_filter1d(x, span) - minimum_filter1d(x, span) <= quiet
    starts = np.flatnonzero(still[span // 2 : span // 2 + len(x) - span + 1])
    return within(np.stack([starts, starts + span], axis=1), len(x))


@checked
def long_runs(mask: np.ndarray, shortest: int) -> np.ndarray:
    """Mark the samples of long runs in which a mask is true.

    Parameters
    ----------
    mask : ndarray of bool, shape (n_samples,)
        Where they lie.
    shortest : int
        Samples that a run has at least.

    Returns
    -------
    ndarray of int, shape (n_runs, 2)
        First and one-past-last sample of each.

    Raises
    ------
    DataError
        If the shortest run is to have no sample.

    Examples
    --------
    >>> long_runs(np.array([True, False, True, True, True]), shortest=2).tolist()
    [[2, 5]]
    """
    checks.whole("shortest", shortest, 1)
    runs = np.flatnonzero(np.diff(mask, prepend=False, append=False)).reshape(-1, 2)
    return runs[np.ptp(runs, axis=1) >= shortest]


@checked
def within(runs: np.ndarray, n_samples: int) -> np.ndarray:
    """Mark the samples inside runs.

    Parameters
    ----------
    runs : ndarray of int, shape (n_runs, 2)
        First and one-past-last sample of each; they may overlap.
    n_samples : int
        Length of the result.

    Returns
    -------
    ndarray of bool, shape (n_samples,)
        True inside a run.

    Raises
    ------
    DataError
        If the runs have another shape.

    Examples
    --------
    >>> within(np.array([[1, 3]]), 5).tolist()
    [False, True, True, False, False]
    """
    checks.array("runs", runs, (None, 2), empty=True)
    edges = np.zeros(n_samples + 1, dtype=np.int32)
    np.add.at(edges, runs[:, 0], 1)
    np.add.at(edges, runs[:, 1], -1)
    return np.cumsum(edges[:-1]) > 0
