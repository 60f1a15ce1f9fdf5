import numpy as np
import pytest

from ecglib.core.errors import DataError
from ecglib.features.spectrum import band_powers

FS = 64.0


def test_a_tone_lies_in_its_band_alone():
    tones = np.array([3, 10, 20])
    t = np.arange(640) / FS
    X = np.sin(2 * np.pi * (tones[:, None] - 0.5) * t)
    powers = band_powers(X, FS, n_bands=25)
    assert powers.shape == (3, 25) and powers.dtype == np.float32
    assert (powers.argmax(axis=1) + 1).tolist() == tones.tolist()
    others = np.delete(powers[0], tones[0] - 1)
    assert others.max() < powers[0].max() - 20


def test_twice_the_amplitude_is_four_times_the_power_in_every_band():
    X = np.random.default_rng(0).normal(size=(4, 640))
    difference = band_powers(2 * X, FS, n_bands=20) - band_powers(X, FS, n_bands=20)
    np.testing.assert_allclose(difference, np.log(4), rtol=1e-4)


def test_a_constant_has_no_power_in_any_band_and_silence_is_finite():
    X = np.random.default_rng(0).normal(size=(4, 640))
    np.testing.assert_allclose(
        band_powers(X + 100, FS, n_bands=20), band_powers(X, FS, n_bands=20), atol=1e-4
    )
    assert np.isfinite(band_powers(np.zeros((1, 640)), FS, n_bands=20)).all()


@pytest.mark.parametrize(("length", "n_bands"), [(63, 5), (640, 33), (128, 40)])
def test_impossible_bands_are_refused(length, n_bands):
    with pytest.raises(DataError, match="field n_bands"):
        band_powers(np.zeros((1, length)), FS, n_bands)
