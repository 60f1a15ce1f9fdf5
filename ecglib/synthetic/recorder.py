"""What an ECG recorder adds to the heart's signal: wander, mains, muscle, motion, rounding.

Physiologically or technically motivated: baseline wander follows respiration and drifts slowly;
mains interference sits at 50 Hz and its harmonic; muscle activity is broad-band and comes in
bursts; an electrode that moves makes a jump that the amplifier's high-pass lets decay; a 12-bit
converter rounds to whole counts around mid-scale. Invented: every size and rate below.

Signals are float32 arrays of shape (n_samples, 2) in millivolts. Slow curves live on a grid of
`GRID_HZ` and are interpolated.
"""

from __future__ import annotations

import numpy as np
from scipy import fft

from ecglib.core import checks
from ecglib.core.annotations import checked

GRID_HZ = 8.0
"""Samples per second of every slow curve (respiration, heart rate, drift)."""


COUNTS_PER_MV = 240.0
"""Converter units of a millivolt."""


MID_SCALE, FULL_SCALE = 2048, 4095
"""Converter units of 0 mV, and of the largest value that it can give."""


_MAINS_HZ = 50.0


_WANDER_MV, _MAINS_MV, _MUSCLE_MV, _BURST_MV, _AMPLIFIER_MV = 0.06, 0.005, 0.005, 0.03, 0.003


_BURSTS_PER_HOUR = 20.0


@checked
def slow_noise(n: int, low: float, high: float, rng: np.random.Generator) -> np.ndarray:
    """Return unit-variance noise whose power falls as 1/f inside a band and is zero outside.

    Parameters
    ----------
    n : int
        Samples at `GRID_HZ`.
    low, high : float
        Band edges in Hz.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    numpy.ndarray
        Shape (n,).

    Raises
    ------
    DataError
        If the band has no width.

    Examples
    --------
    >>> noise = slow_noise(4000, 0.05, 0.4, np.random.default_rng(0))
    >>> noise.shape, round(float(noise.std()), 1)
    ((4000,), 1.0)
    """
    checks.number("low", low, 0, below=high)
    size = fft.next_fast_len(n, real=True)
    frequency = fft.rfftfreq(size, 1 / GRID_HZ)
    inside = (frequency >= low) & (frequency <= high)
    phasors = rng.standard_normal((2, frequency.size))
    spectrum = np.zeros(frequency.size, dtype=complex)
    spectrum[inside] = (phasors[0] + 1j * phasors[1])[inside] / np.sqrt(frequency[inside])
    power = 2 * np.sum(1 / frequency[inside])
    return fft.irfft(spectrum, size)[:n] * size / np.sqrt(2 * power) if power else np.zeros(n)


@checked
def on_samples(curve: np.ndarray, n_samples: int, fs: float) -> np.ndarray:
    """Interpolate a curve from the `GRID_HZ` grid to the sampling rate.

    Parameters
    ----------
    curve : numpy.ndarray
        Shape (n_grid,), at `GRID_HZ`.
    n_samples : int
        Length of the result.
    fs : float
        Sampling rate in Hz.

    Returns
    -------
    numpy.ndarray
        Shape (n_samples,), float32.

    Raises
    ------
    DataError
        If the curve is empty or not finite.

    Examples
    --------
    >>> on_samples(np.array([0.0, 1.0, 2.0]), n_samples=4, fs=2 * GRID_HZ).tolist()
    [0.0, 0.5, 1.0, 1.5]
    """
    checks.array("curve", curve)
    grid = np.arange(curve.size) * (fs / GRID_HZ)
    return np.interp(np.arange(n_samples), grid, curve).astype(np.float32)


@checked
def recording_noise(
    respiration: np.ndarray,
    n_samples: int,
    fs: float,
    artefacts_per_hour: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Make everything that is not the heart, for one person's whole session.

    Parameters
    ----------
    respiration : numpy.ndarray
        Respiration between -1 and 1 at `GRID_HZ`, shape (n_grid,).
    n_samples : int
        Length of the session.
    fs : float
        Sampling rate in Hz.
    artefacts_per_hour : float
        Expected number of electrode jumps.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    noise : numpy.ndarray
        Shape (n_samples, 2), mV, float32.
    disturbed : numpy.ndarray
        Shape (k, 2): first and one-past-last sample of each muscle burst and each jump, in order.

    Raises
    ------
    DataError
        If the respiration is not finite, or the number of artefacts negative.

    Examples
    --------
    >>> breath = np.zeros(10 * int(GRID_HZ))
    >>> noise, disturbed = recording_noise(breath, 2560, 256.0, 0.0, np.random.default_rng(0))
    >>> noise.shape, disturbed.shape[1]
    ((2560, 2), 2)
    """
    checks.array("respiration", respiration)
    checks.number("artefacts_per_hour", artefacts_per_hour, 0, 1e6)
    noise = np.empty((n_samples, 2), dtype=np.float32)
    bursts = _events(_BURSTS_PER_HOUR, n_samples, fs, (1.0, 4.0), rng)
    jumps = _events(artefacts_per_hour, n_samples, fs, (2.5, 2.5), rng)
    muscle_level = _muscle_level(respiration.size, bursts / fs, rng)
    phase = 2 * np.pi * _MAINS_HZ / fs * np.arange(n_samples)
    mains = np.sin(phase) + 0.2 * np.sin(2 * phase + 1.0)
    for lead in range(2):
        coupling = rng.uniform(0.5, 1.2) * rng.choice((-1, 1))
        wander = coupling * respiration + slow_noise(respiration.size, 0.005, 0.5, rng)
        mains_mv = _MAINS_MV * rng.lognormal(0, 0.5)
        white = rng.standard_normal((2, n_samples + 2), dtype=np.float32)
        # A difference over two samples passes 20 to 110 Hz, the band of surface muscle activity.
        muscle = (white[0, 2:] - white[0, :-2]) * np.float32(np.sqrt(0.5))
        noise[:, lead] = (
            on_samples(_WANDER_MV * wander, n_samples, fs)
            + on_samples(muscle_level, n_samples, fs) * muscle
            + np.float32(_AMPLIFIER_MV) * white[1, 2:]
            + mains_mv * mains
        )
    for start, stop in jumps:
        t = np.arange(stop - start) / fs
        shape = np.exp(-t / 0.4) - np.exp(-t / 0.03)
        noise[start:stop] += rng.uniform(-1.5, 1.5, 2) * shape[:, None]
    disturbed = np.concatenate([bursts, jumps])
    return noise, disturbed[np.argsort(disturbed[:, 0], kind="stable")]


@checked
def to_counts(millivolts: np.ndarray) -> np.ndarray:
    """Convert millivolts to the whole counts of a 12-bit converter.

    Parameters
    ----------
    millivolts : numpy.ndarray
        Any shape.

    Returns
    -------
    numpy.ndarray
        Same shape, float32, whole numbers from 0 to 4095.

    Raises
    ------
    DataError
        If there is no voltage, or one is not finite.

    Examples
    --------
    >>> counts = to_counts(np.array([0.0, 1.0, 1000.0]))
    >>> bool((counts == counts.round()).all()), float(counts[-1])
    (True, 4095.0)
    """
    checks.array("millivolts", millivolts)
    counts = np.rint(millivolts * np.float32(COUNTS_PER_MV)) + MID_SCALE
    return np.clip(counts, 0, FULL_SCALE).astype(np.float32)


def _events(
    per_hour: float,
    n_samples: int,
    fs: float,
    lengths_s: tuple[float, float],
    rng: np.random.Generator,
) -> np.ndarray:
    """Return (k, 2) first and one-past-last samples of events at random times."""
    count = rng.poisson(per_hour * n_samples / fs / 3600)
    start = np.sort(rng.integers(0, n_samples, count))
    stop = start + np.rint(rng.uniform(*lengths_s, count) * fs).astype(np.int64)
    return np.stack([start, np.minimum(stop, n_samples)], axis=1)


def _muscle_level(n_grid: int, bursts_s: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the standard deviation (mV) of muscle activity at `GRID_HZ`."""
    level = np.full(n_grid, _MUSCLE_MV * rng.lognormal(0, 0.3))
    for first, last in np.rint(bursts_s * GRID_HZ).astype(int):
        # The edges taper by half a second so that a burst neither clicks nor outlasts its span.
        position = np.linspace(0, 1, max(last - first, 1))
        taper = np.minimum(1, 6 * np.minimum(position, 1 - position))
        level[first:last] += _BURST_MV * rng.lognormal(0, 0.4) * taper[: level[first:last].size]
    return level
