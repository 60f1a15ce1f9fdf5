"""Band powers: what a window holds at each frequency, without any training."""

from __future__ import annotations

import numpy as np

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.errors import DataError


@checked
def band_powers(X: np.ndarray, fs: float, n_bands: int = 40) -> np.ndarray:
    """Describe windows by their power in bands of one hertz, without any training.

    Parameters
    ----------
    X : ndarray, shape (n_windows, length)
        Windows.
    fs : float
        Sampling rate in Hz.
    n_bands : int
        Number of bands. The first begins just above 0 Hz and ends at 1 Hz.

    Returns
    -------
    ndarray of float32, shape (n_windows, n_bands)
        Natural logarithm of the mean power in each band.

    Raises
    ------
    DataError
        If the windows are shorter than one second or the bands go beyond half the sampling rate,
        or a sample is not finite.

    Examples
    --------
    >>> x = np.sin(2 * np.pi * 4.5 * np.arange(2560) / 256)
    >>> int(band_powers(x[None], 256.0).argmax())
    4
    """
    checks.array("X", X, empty=True)
    power = np.abs(np.fft.rfft(X, axis=1)) ** 2
    per_band = int(X.shape[1] / fs)
    stop = 1 + n_bands * per_band
    if per_band < 1 or stop > power.shape[1]:
        raise DataError(
            f"{n_bands} bands of 1 Hz from windows of {X.shape[1]} samples at {fs:g} Hz",
            field="n_bands",
            expected="windows of at least one second, and bands below half the sampling rate",
        )
    means = power[:, 1:stop].reshape(len(X), n_bands, per_band).mean(axis=2)
    return np.log(means + np.finfo(np.float32).tiny).astype(np.float32)
