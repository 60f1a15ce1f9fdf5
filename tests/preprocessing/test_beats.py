import numpy as np
import pytest

from ecglib.preprocessing.beats import (
    AFTER_S,
    BEFORE_S,
    MIN_CONTRAST,
    QRS_HZ,
    aligned_beats,
    around_qrs,
    band_pass,
    find_qrs,
    heart_rates,
    in_own_range,
)

FS = 256
TIMES = np.arange(0.7, 9.5, 0.8)


def heart(times=TIMES, fs=FS, length=10):
    t = np.arange(length * fs) / fs
    waves = ((1, 0, 0.012), (0.3, 0.27, 0.04), (0.12, -0.16, 0.02))
    return sum(
        h * np.exp(-0.5 * ((t - at - lag) / sd) ** 2) for at in times for h, lag, sd in waves
    )


@pytest.mark.parametrize(("hz", "gain"), [(1, 0.0), (8, 0.5), (16, 1.0), (30, 0.5), (50, 0.0)])
def test_a_band_keeps_its_frequencies_in_place(hz, gain):
    x = np.sin(2 * np.pi * hz * np.arange(10 * FS) / FS)[None] + 1000 + np.arange(10 * FS)
    kept = band_pass(x, FS, QRS_HZ)
    middle = slice(2 * FS, 8 * FS)
    pure = np.sin(2 * np.pi * hz * np.arange(10 * FS) / FS)[middle]
    np.testing.assert_allclose(kept[0, middle], gain * pure, atol=0.03)


@pytest.mark.parametrize("scale", [1, -1, 1e-200, 1e200])
@pytest.mark.parametrize("fs", [64, 100, 256, 1000])
def test_every_complex_is_found_at_every_rate_and_scale(scale, fs):
    found = find_qrs(scale * heart(fs=fs)[None], fs)
    np.testing.assert_allclose(found.at[0] / fs, TIMES, atol=0.02)
    assert found.contrast[0] > 5 * MIN_CONTRAST


def test_noise_has_no_complexes_that_stand_out():
    noise = np.random.default_rng(0).standard_normal((200, 10 * FS))
    assert find_qrs(noise, FS).contrast.max() < MIN_CONTRAST
    nothing = find_qrs(np.zeros((1, 10 * FS)), FS)
    assert nothing.contrast[0] == nothing.share[0] == 0
    assert nothing.at[0].size == 0


def test_beats_lie_on_each_other():
    x = heart(TIMES + 0.01 * np.sin(np.arange(11)))
    found = find_qrs(x[None], FS)
    beats = aligned_beats(x, found.qrs[0], found.at[0] + 3, FS)
    assert beats.shape == (11, round(BEFORE_S * FS) + round(AFTER_S * FS) + 1)
    assert set(beats.argmax(axis=1)) == {round(BEFORE_S * FS)}
    assert around_qrs(FS).start < round(BEFORE_S * FS) < around_qrs(FS).stop
    assert aligned_beats(x[:100], found.qrs[0][:100], np.array([50]), FS).shape[0] == 0


def test_heart_rate_forgives_a_missed_beat():
    rates = heart_rates(np.stack([heart(), heart(np.delete(TIMES, 4)), 0 * heart()]), FS)
    np.testing.assert_allclose(rates, [75, 75, np.nan], atol=0.3)


def test_own_range_survives_any_size():
    x = in_own_range(np.array([[1e300, -1e305], [0, 0], [1e-300, 0]]))
    np.testing.assert_array_equal(x, [[1e-5, -1], [0, 0], [1, 0]])
