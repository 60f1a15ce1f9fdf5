import numpy as np
import pytest
from scipy.signal import welch

from ecglib.synthetic.recorder import GRID_HZ, slow_noise, to_counts


def test_slow_noise_has_unit_variance_inside_its_band():
    noise = slow_noise(100_000, 0.01, 0.5, np.random.default_rng(0))
    frequency, power = welch(noise, GRID_HZ, nperseg=8192)
    assert noise.std() == pytest.approx(1.0, abs=0.15)
    assert power[frequency > 0.6].max() < 1e-3 * power.max()


def test_counts_end_at_the_rails_of_the_converter():
    assert to_counts(np.array([-99.0, 0.0, 99.0])).tolist() == [0, 2048, 4095]
    assert to_counts(np.array([1.0]))[0] - to_counts(np.array([0.0]))[0] == 240
