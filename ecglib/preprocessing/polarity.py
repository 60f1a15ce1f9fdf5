"""Polarity: whether a lead is upside down, as it is when its electrodes are swapped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecglib.core.annotations import checked
from ecglib.core.errors import DataError
from ecglib.preprocessing.beats import (
    MIN_CONTRAST,
    MIN_RATE,
    WAVES_HZ,
    aligned_beats,
    around_qrs,
    band_pass,
    find_qrs,
    in_own_range,
)

MIN_BEATS = 5
"""A lead with fewer whole beats is not decided."""


MIN_SCORE = 0.25
"""Scores nearer to zero are not decided."""


_PART_S, _WAVES_LIMIT = 10.0, 0.5


@dataclass(frozen=True)
class Polarity:
    """Which way up a lead is.

    Parameters
    ----------
    sign : int
        1 as in a textbook, -1 upside down, 0 undecided: multiply the lead by it unless it is 0.
    score : float
        The evidence from -1 to 1; its distance from 0 says how sure the sign is. 0 without beats.

    Examples
    --------
    >>> found = Polarity(sign=-1, score=-0.8)
    >>> print(found.sign * np.array([0.5, -2.0]))
    [-0.5  2. ]
    """

    sign: int
    score: float


@checked
def polarity(x: np.ndarray, fs: float) -> Polarity:
    """Decide whether a lead is upside down from the waves of its median beat.

    Parameters
    ----------
    x : ndarray, shape (n_samples,) or (n_windows, length)
        A recording of one lead after the high-pass filter, or windows of it, finite, in any unit.
        Parts without beats do not count.
    fs : float
        Sampling rate in Hz, 64 or more.

    Returns
    -------
    Polarity
        The opposite for ``-x``, the same for ``c * x``.

    Raises
    ------
    DataError
        If the rate is lower or samples are not finite.

    Notes
    -----
    Two parts of the beat vote, measured from the median level outside of QRS, in units of the
    largest deflection of QRS: QRS with the sum of its highest and its lowest point, what lies
    outside of it, P and T, with twice the same sum, cut off at one. Their mean is the score. A
    lead is decided where both agree: an S that is deeper than R below an upright T, as in leads on
    the right of the chest, can't be told from an R with an inverted T in a lead that is upside
    down, and a person has to look.

    Examples
    --------
    >>> import numpy as np
    >>> t = np.arange(5120) / 256
    >>> lead = np.exp(-0.5 * ((t % 0.8 - 0.3) / 0.01) ** 2)
    >>> lead += 0.2 * np.exp(-0.5 * ((t % 0.8 - 0.55) / 0.04) ** 2)
    >>> polarity(lead, 256).sign, polarity(-lead, 256).sign
    (1, -1)
    """
    x = np.asarray(x, dtype=np.float64)
    if not fs >= MIN_RATE:
        raise DataError(f"{fs} Hz", field="fs", expected=f"{MIN_RATE:g} Hz or more")
    if not np.isfinite(x).all():
        raise DataError(
            "samples are NaN or infinite",
            field="x",
            expected="finite samples",
            remedy="bridge gaps first (ecglib.preprocessing.quality.fill_gaps)",
        )
    beats = _beats(x if x.ndim == 2 else _in_parts(x, fs), fs)
    if len(beats) < MIN_BEATS:
        return Polarity(0, 0.0)
    beat = np.median(beats, axis=0)
    inside = np.zeros(len(beat), dtype=bool)
    inside[around_qrs(fs)] = True
    beat -= np.median(beat[~inside])
    size = np.abs(beat[inside]).max()
    if size == 0:
        return Polarity(0, 0.0)
    qrs, waves = (float(part.max() + part.min()) / size for part in (beat[inside], beat[~inside]))
    score = float(qrs + 2 * np.clip(waves, -_WAVES_LIMIT, _WAVES_LIMIT)) / 2
    decided = qrs * waves > 0 and abs(score) >= MIN_SCORE
    return Polarity(int(np.sign(score)) if decided else 0, score)


def _in_parts(x: np.ndarray, fs: float) -> np.ndarray:
    """Cut a recording into parts of 10 s; one that is shorter is one part."""
    length = max(1, min(len(x), round(_PART_S * fs)))
    return x[: len(x) // length * length].reshape(-1, length)


def _beats(X: np.ndarray, fs: float) -> np.ndarray:
    """Return the aligned beats of all windows that have any, in units of their window's range."""
    if not X.size:
        return np.empty((0, 1))
    X = in_own_range(X)
    found = find_qrs(X, fs)
    waves = band_pass(X, fs, WAVES_HZ)
    rows = np.flatnonzero(found.contrast >= MIN_CONTRAST)
    beats = [aligned_beats(waves[row], found.qrs[row], found.at[row], fs) for row in rows]
    return np.concatenate([np.empty((0, beats[0].shape[1])), *beats]) if beats else np.empty((0, 1))
