"""Quality of windows: what is only seen in several seconds of filtered signal.

Beats that don't stand out (an electrode is off and picks up the brain, muscles or nothing), mains
hum louder than the heart, an amplitude that no ECG has in the unit stated, and waves that drown in
noise. Limits are conservative and look at no label; beside each stands what real recordings give.
"""

from __future__ import annotations

import numpy as np
from scipy import fft

from ecglib.core import checks
from ecglib.core.annotations import checked
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
from ecglib.preprocessing.quality import (
    AMPLITUDE,
    MAINS,
    NO_BEATS,
    NOISE,
    OK,
    QUALITIES,
    window_quality,
)

MIN_SHARE = 0.05
"""QRS complexes smaller than this, in standard deviations of the window, are none: the heart gives
0.2 or more even beside a large artefact, a smooth wave without complexes 0.001."""


LONGEST_PAUSE_S = 4.0
"""Seconds without a complex after which a window counts as one without beats."""


MIN_LIKENESS = 0.8
"""Correlation of complexes with those most like them, a quarter of all, below which they are none:
99 of 100 windows of a heart give 0.94 or more, also with two kinds of beats, other signals 0.8."""


MIN_SNR = 2.5
"""Size of P and T waves over the noise between beats (8 dB) below which these waves drown; quiet
recordings reach 5 to 20."""


MAINS_HZ = (50.0, 60.0)
"""Frequencies of mains."""


MAX_MAINS_SHARE = 0.5
"""Share of a window's power within 1 Hz of mains and its multiples that counts as pure hum."""


AMPLITUDE_MV = (0.05, 10.0)
"""Height of an ECG from its lowest to its highest point in mV; 116 real leads in mV lie between
0.28 and 4.4."""


AMPLITUDE_UNKNOWN = (1e-9, 2.0**32)
"""The same where the unit is not known: no converter has more steps."""


MILLIVOLTS = {"v": 1e3, "mv": 1.0, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "nv": 1e-6}
"""Units of voltage in mV, by their names in small letters."""


MOST_UNLIKE = 20.0
"""Height of a window over the median of all, or the reverse, that a change of the heart does not
explain: something else was recorded, or in another unit."""


FOREIGN = (QUALITIES[AMPLITUDE], QUALITIES[NO_BEATS], QUALITIES[MAINS])
"""Flags of windows in which something else than a heart was recorded."""


_PART_S, _HEIGHT_S, _MIN_BEATS, _CHUNK = 10.0, 2.0, 5, 512


@checked
def judge_windows(
    X: np.ndarray, fs: float, unit: str = "", codes: np.ndarray | None = None
) -> np.ndarray:
    """Flag windows of filtered signal, each by the name of its worst fault.

    Parameters
    ----------
    X : ndarray, shape (n_windows, length)
        Finite samples of one lead of one recording (or one person) after the high-pass filter and
        before normalisation.
    fs : float
        Sampling rate in Hz.
    unit : str
        Unit of the samples: V, mV, uV, µV or nV in any case. Any other word or none: the amplitude
        is only held against what a converter can give.
    codes : ndarray of int8, shape (n_windows, length), optional
        Flags of the raw samples from `ecglib.preprocessing.quality.sample_quality`, cut into the
        same windows. They outrank what is seen here.

    Returns
    -------
    ndarray of str, shape (n_windows,)
        Names out of `ecglib.preprocessing.quality.QUALITIES`. Beside those of the samples:

        - mains hum: more than half of the power lies at 50 or 60 Hz and multiples;
        - no beats: QRS complexes don't stand out, aren't alike, or are absent for 4 s;
        - amplitude: the typical height of 2 s is below 0.05 or above 10 mV, or 20 times larger or
          smaller than the median over the windows with beats;
        - noise: P and T waves are less than 2.5 times as large as what differs between beats.
          A fibrillating atrium does the same;
        - ok: all others.

        Later ones in `QUALITIES` outrank earlier ones.

    Raises
    ------
    DataError
        If the flags have another shape than the windows.

    Notes
    -----
    Windows of more than 15 s are judged in parts of about 10 s, and get the worst flag. Noise and
    likeness are judged where there are five whole beats or more. Below 64 Hz neither beats nor
    noise are judged, as QRS complexes lose their band.

    Examples
    --------
    >>> import numpy as np
    >>> t = np.arange(2560) / 256
    >>> beat = 300 * np.exp(-0.5 * ((t % 0.8 - 0.3) / 0.01) ** 2)
    >>> wave = 60 * np.exp(-0.5 * ((t % 0.8 - 0.55) / 0.04) ** 2)
    >>> hum = 40 * np.sin(2 * np.pi * 50 * t)
    >>> X = np.stack([beat + wave, hum])
    >>> judge_windows(X, 256, "uV").tolist()
    ['ok', 'mains hum']
    >>> judge_windows(X[:1], 256, "mV").tolist()
    ['amplitude']
    """
    if codes is not None:
        checks.array("codes", codes, X.shape, empty=True)
    X = np.asarray(X, dtype=np.float64)
    n_parts = max(1, round(X.shape[1] / (_PART_S * fs)))
    length = X.shape[1] // n_parts
    parts = X[:, : length * n_parts].reshape(len(X) * n_parts, length)
    chunks = [parts[i : i + _CHUNK] for i in range(0, len(parts), _CHUNK)]
    height = np.concatenate([np.empty(0), *(_height(chunk, fs) for chunk in chunks)])
    hum = np.concatenate([np.empty(0), *(mains_share(chunk, fs) for chunk in chunks)])
    drowned, beatless = np.zeros((2, len(parts)), dtype=bool)
    if fs >= MIN_RATE and len(parts):
        drowned, beatless = np.concatenate([_beats(chunk, fs) for chunk in chunks], axis=1)
    of_samples = np.full(len(X), QUALITIES[OK]) if codes is None else window_quality(codes, fs)
    living = ~beatless & (hum <= MAX_MAINS_SHARE)
    living &= np.repeat(of_samples == QUALITIES[OK], n_parts)
    found = np.full(len(parts), OK, dtype=np.int8)
    found[drowned] = NOISE
    found[_implausible(height, living, unit)] = AMPLITUDE
    found[beatless] = NO_BEATS
    found[hum > MAX_MAINS_SHARE] = MAINS
    names = np.array(QUALITIES)[found.reshape(-1, n_parts).max(axis=1)]
    return np.where(of_samples == QUALITIES[OK], names, of_samples)


@checked
def mains_share(X: np.ndarray, fs: float) -> np.ndarray:
    """Measure how much of the power of each window is mains hum.

    Parameters
    ----------
    X : ndarray, shape (n_windows, length)
        Filtered windows.
    fs : float
        Sampling rate in Hz.

    Returns
    -------
    ndarray, shape (n_windows,)
        Share from 0 to 1 within 1 Hz of 50 Hz and its multiples or of 60 Hz and its multiples,
        whichever is larger; 0 at sampling rates that can't show them, and of a constant window.

    Examples
    --------
    >>> t = np.arange(2560) / 256
    >>> heart, hum = np.sin(2 * np.pi * 5 * t), np.sin(2 * np.pi * 50 * t)
    >>> mains_share(np.stack([heart, heart + hum]), 256.0).round(1).tolist()
    [0.0, 0.5]
    """
    X = in_own_range(X)
    taper = np.hanning(X.shape[1] + 2)[1:-1]
    power = np.abs(fft.rfft((X - X.mean(axis=1, keepdims=True)) * taper)) ** 2
    frequency = fft.rfftfreq(X.shape[1], 1 / fs)
    shares = np.zeros(len(X))
    for mains in MAINS_HZ:
        nearest = np.maximum(np.rint(frequency / mains), 1) * mains
        hum = power[:, np.abs(frequency - nearest) <= 1].sum(axis=1)
        shares = np.maximum(shares, hum / np.maximum(power.sum(axis=1), np.finfo(float).tiny))
    return shares


def _implausible(height: np.ndarray, living: np.ndarray, unit: str) -> np.ndarray:
    """Return which heights no ECG has in this unit, or beside those that are `living`."""
    low, high = AMPLITUDE_UNKNOWN
    if (scale := MILLIVOLTS.get(unit.strip().lower())) is not None:
        low, high = (limit / scale for limit in AMPLITUDE_MV)
    wrong = (height < low) | (height > high)
    if living.any():
        typical = np.median(height[living])
        wrong |= (height > MOST_UNLIKE * typical) | (height < typical / MOST_UNLIKE)
    return wrong


def _height(X: np.ndarray, fs: float) -> np.ndarray:
    """Return the median height of parts of 2 s, which one artefact does not move."""
    length = min(round(_HEIGHT_S * fs), X.shape[1])
    parts = X[:, : X.shape[1] // length * length].reshape(len(X), -1, length)
    return np.median(np.ptp(parts, axis=2), axis=1)


def _beats(X: np.ndarray, fs: float) -> np.ndarray:
    """Return which windows have waves that drown, and which have no beats, (2, n_windows)."""
    X = in_own_range(X)
    found = find_qrs(X, fs)
    waves = band_pass(X, fs, WAVES_HZ)
    qrs = around_qrs(fs)
    between = np.ones(aligned_beats(X[0], found.qrs[0], found.at[0][:0], fs).shape[1], dtype=bool)
    between[qrs] = False
    beatless = (found.contrast < MIN_CONTRAST) | (found.share < MIN_SHARE)
    drowned = np.zeros(len(X), dtype=bool)
    for i in np.flatnonzero(~beatless):
        at = found.at[i]
        pause = np.diff(at, prepend=0, append=X.shape[1]).max()
        beats = aligned_beats(waves[i], found.qrs[i], at, fs)
        if pause > LONGEST_PAUSE_S * fs:
            beatless[i] = True
        elif len(beats) >= _MIN_BEATS:
            beatless[i] = _likeness(beats[:, qrs]) < MIN_LIKENESS
            drowned[i] = _snr(beats[:, between]) < MIN_SNR
    return np.stack([drowned, beatless])


def _likeness(complexes: np.ndarray) -> float:
    """Return the median correlation of a complex with the last of the quarter most like it."""
    centred = complexes - complexes.mean(axis=1, keepdims=True)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    alike = np.sort(centred @ centred.T, axis=1)[:, -2::-1]  # without itself
    return float(np.median(alike[:, len(complexes) // 4 - 1]))


def _snr(beats: np.ndarray) -> float:
    """Return the size of what repeats from beat to beat over that of what does not.

    A beat is compared with its most similar ones (the second of eight or more), so that some beats
    of another kind, or two kinds in turn, do not count as noise.
    """
    centred = beats - beats.mean(axis=1, keepdims=True)
    products = centred @ centred.T
    total = products.diagonal()
    apart = np.sort(total[:, None] + total - 2 * products, axis=1)[:, 1:]
    # The difference of two beats holds the noise of both.
    noise = np.median(apart[:, min(2, len(beats) // 4) - 1]) / 2
    return float(np.sqrt(max(np.median(total) / max(noise, np.finfo(float).tiny) - 1, 0)))
