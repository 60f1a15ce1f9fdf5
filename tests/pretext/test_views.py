import json
from dataclasses import fields, replace

import keras
import numpy as np
import pytest

from ecglib.pretext.views import RandomViews, ViewConfig, crop_and_resize

N, BATCH = 2560, 64
OFF = ViewConfig(**{f.name: 0.0 for f in fields(ViewConfig) if f.name.endswith("_probability")})
"""No transformation at all."""
SHORT = replace(ViewConfig(), warp_n_pieces=4, warp_n_stretched=3)
"""All transformations, possible for windows of 160 samples."""


def only(name, **strength):
    """One transformation, always."""
    return replace(OFF, **{f"{name}_probability": 1.0}, **strength)


def as_numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def views(config, x, seed=0):
    return as_numpy(RandomViews(config, seed)(x))


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(0).normal(size=(BATCH, N)).astype("float32")


@pytest.fixture(scope="module")
def short():
    return np.random.default_rng(0).normal(size=(8, 160)).astype("float32")


@pytest.fixture(scope="module")
def ramp():
    return np.tile(np.arange(N, dtype="float32"), (BATCH, 1))


@pytest.mark.parametrize("n", [2, 7, 160, 2560])
def test_crop_against_interp_in_float64(n):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(6, n)).astype("float32")
    length = rng.uniform(1, n, 6).astype("float32")
    start = (rng.uniform(size=6) * (n - length)).astype("float32")
    positions = np.linspace(start, start + length.astype("float64") - 1, n, axis=1)
    expected = [np.interp(p, np.arange(n), w) for p, w in zip(positions, x, strict=True)]
    # A position is known to the last digit of float32 at `n`; neighbouring samples differ by 3.
    np.testing.assert_allclose(
        as_numpy(crop_and_resize(x, start, length)), expected, atol=3 * n * 1.2e-7 + 1e-6
    )


def test_the_whole_window_and_the_ends_of_a_crop_are_exact(x):
    zeros, everything = np.zeros(BATCH, "float32"), np.full(BATCH, N, "float32")
    np.testing.assert_array_equal(as_numpy(crop_and_resize(x, zeros, everything)), x)
    rng = np.random.default_rng(2)
    start, length = rng.integers(0, 1000, BATCH), rng.integers(2, 1561, BATCH)
    cropped = as_numpy(crop_and_resize(x, start.astype("float32"), length.astype("float32")))
    rows = np.arange(BATCH)
    np.testing.assert_array_equal(cropped[:, 0], x[rows, start])
    np.testing.assert_array_equal(cropped[:, -1], x[rows, start + length - 1])
    start = np.array([0.25, 100], "float32")
    last = as_numpy(crop_and_resize(x[:2], start, N - start))
    np.testing.assert_array_equal(last[:, -1], x[:2, -1])


def test_with_everything_off_both_views_are_the_window(x):
    np.testing.assert_array_equal(views(OFF, x), np.repeat(x, 2, axis=0))


def test_a_crop_of_everything_is_the_window(x):
    config = only("crop", crop_share=(1.0, 1.0))
    np.testing.assert_array_equal(views(config, x), np.repeat(x, 2, axis=0))


def test_crops_have_shares_and_positions_of_the_whole_range(ramp):
    seen = views(only("crop", crop_share=(0.6, 0.9)), ramp)
    first, last = seen[:, 0], seen[:, -1]
    share = (last - first + 1) / N
    assert share.min() > 0.6 - 1e-3 and share.max() < 0.9 + 1e-3
    assert share.min() < 0.63 and share.max() > 0.87
    assert first.min() >= 0 and last.max() <= N - 1
    place = first / (N * (1 - share))
    assert place.min() < 0.05 and place.max() > 0.95
    np.testing.assert_allclose(np.diff(seen), np.repeat(share[:, None], N - 1, axis=1), atol=1e-3)


def test_noise_has_a_drawn_snr(x):
    seen = views(only("noise", snr_db=(5.0, 25.0)), x)
    clean = np.repeat(x, 2, axis=0)
    snr = 10 * np.log10((clean**2).mean(1) / ((seen - clean) ** 2).mean(1))
    # The power of 2560 samples of noise is known to 0.12 dB.
    assert snr.min() > 4.4 and snr.max() < 25.6
    assert snr.min() < 7 and snr.max() > 23


def test_scaling_has_a_drawn_factor(x):
    factor = views(only("scale", scale_factor=(0.5, 2.0)), x) / np.repeat(x, 2, axis=0)
    np.testing.assert_allclose(factor, np.repeat(factor[:, :1], N, axis=1), rtol=1e-5)
    assert factor.min() > 0.5 - 1e-5 and factor.max() < 2 + 1e-5
    assert factor[:, 0].min() < 0.6 and factor[:, 0].max() > 1.9


def test_negation_and_inversion_are_certain_or_never(x):
    twice = np.repeat(x, 2, axis=0)
    np.testing.assert_array_equal(views(only("negate"), x), -twice)
    np.testing.assert_array_equal(views(only("invert"), x), twice[:, ::-1])


@pytest.mark.parametrize("name", ["crop", "warp", "permute", "invert", "negate", "scale", "noise"])
def test_a_probability_is_the_share_of_changed_views(name):
    x = np.random.default_rng(3).normal(size=(500, 80)).astype("float32")
    config = replace(
        OFF, **{f"{name}_probability": 0.3}, warp_n_pieces=4, warp_n_stretched=3, n_segments=(20,)
    )
    seen = views(config, x).reshape(500, 2, 80)
    changed = (seen != x[:, None]).any(axis=2)
    # 1000 draws: standard deviation 0.0145.
    assert abs(changed.mean() - 0.3) < 0.06
    assert (changed[:, 0] != changed[:, 1]).any()


def test_permutations_have_the_numbers_of_segments_asked_for(ramp):
    seen = views(only("permute", n_segments=(2, 8)), ramp)
    np.testing.assert_array_equal(np.sort(seen), np.repeat(ramp, 2, axis=0))
    joins = np.arange(1, N)[None] * (np.diff(seen) != 1)
    in_two = (joins % (N // 2) == 0).all(axis=1)
    assert (joins % (N // 8) == 0).all()
    # A half is cut in two, and half of those keep their order; 8 segments seldom look like 2.
    assert 0.35 < in_two.mean() < 0.65


def test_warps_have_the_stretches_asked_for(ramp):
    seen = views(only("warp", warp_stretches=(1.05, 1.25)), ramp)
    # A piece of 284 samples becomes 299 or 271, or else 355 or 228.
    slopes = 283 / (np.array([299, 271, 355, 228]) - 1)
    steps = np.median(np.diff(seen)[:, :200], axis=1)
    distance = np.abs(steps[:, None] - slopes)
    assert distance.min(axis=1).max() < 2e-3
    assert set(distance.argmin(axis=1)) == {0, 1, 2, 3}


def test_views_differ_within_a_pair_between_windows_and_between_calls(x):
    same = np.tile(x[:1], (4, 1))
    layer = RandomViews(seed=5)
    first, second = as_numpy(layer(same)), as_numpy(layer(same))
    assert first.shape == (8, N) and first.dtype == np.float32
    assert len(np.unique(np.concatenate([first, second]), axis=0)) == 16
    np.testing.assert_array_equal(as_numpy(RandomViews(seed=5)(same)), first)
    assert not np.array_equal(as_numpy(RandomViews(seed=6)(same)), first)


def test_neighbours_are_views_of_one_window():
    levels = np.arange(1, 9, dtype="float32")
    flat = np.tile(levels[:, None], (1, 160))
    seen = views(replace(SHORT, noise_probability=0.0, scale_probability=0.0), flat)
    np.testing.assert_allclose(np.abs(seen), np.repeat(flat, 2, axis=0), rtol=1e-6)


def test_layer_is_rebuilt_from_its_configuration(short):
    layer = RandomViews(replace(SHORT, n_segments=(2, 5), crop_share=(0.5, 0.7)), seed=9)
    config = json.loads(json.dumps(layer.get_config()))
    twin = RandomViews.from_config(config)
    assert twin.config == layer.config
    np.testing.assert_array_equal(as_numpy(twin(short)), as_numpy(layer(short)))
    assert layer.compute_output_shape((None, 160)) == (None, 160)
    assert layer.compute_output_shape((4, 160)) == (8, 160)


@pytest.mark.compiled
def test_compiled_views_are_of_the_same_kind(ramp):
    """XLA draws other numbers from the same seed, so what holds for all draws is compared."""
    config = replace(
        OFF,
        crop_probability=1.0,
        negate_probability=0.5,
        scale_probability=1.0,
        noise_probability=1.0,
        snr_db=(60.0, 70.0),
    )
    x = ramp[:16] + 5000
    model = keras.Sequential([keras.Input((N,)), RandomViews(config, seed=5)])
    model.compile(jit_compile=True)
    seen, again = model.predict(x, verbose=0), model.predict(x, verbose=0)
    assert seen.shape == (32, N) and len(np.unique(np.concatenate([seen, again]), axis=0)) == 64
    assert 5 < (seen[:, 0] < 0).sum() < 27
    ratio = seen[:, -1] / seen[:, 0]
    assert (ratio > 1).all() and (ratio < (5000 + N) / 5000 * 1.02).all()
    factor = np.abs(seen) / 5000
    assert factor.min() > 0.7 * 0.98 and factor.max() < 1.4 * (5000 + N) / 5000 * 1.02


@pytest.mark.compiled
def test_all_transformations_compile(short):
    model = keras.Sequential([keras.Input((160,)), RandomViews(SHORT, seed=5)])
    model.compile(jit_compile=True)
    seen = model.predict(short, verbose=0)
    assert np.isfinite(seen).all() and len(np.unique(seen, axis=0)) == 16


def test_a_silent_window_stays_finite():
    assert np.isfinite(views(SHORT, np.zeros((4, 160), "float32"))).all()


def test_impossible_lengths_are_refused_unless_never_needed(x):
    with pytest.raises(ValueError, match="4 equal segments"):
        views(only("permute"), x[:2, :2558])
    with pytest.raises(ValueError, match="stretch more pieces"):
        views(only("warp", warp_n_stretched=3), x[:2])
    assert views(OFF, x[:2, :2557]).shape == (4, 2557)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"noise_probability": 1.1}, "noise_probability is 1.1"),
        ({"crop_probability": -0.1}, "crop_probability is -0.1"),
        ({"crop_share": (0.0, 1.0)}, "crop_share is"),
        ({"crop_share": (0.5, 1.2)}, "crop_share is"),
        ({"scale_factor": (2.0, 1.0)}, "scale_factor is"),
        ({"snr_db": (0.0, float("inf"))}, "snr_db: inf"),
        ({"snr_db": (float("nan"), 3.0)}, "snr_db: nan"),
        ({"n_segments": ()}, "n_segments is"),
        ({"n_segments": (0,)}, "n_segments is"),
        ({"warp_stretches": (1.0,)}, "warp_stretches is"),
    ],
)
def test_an_impossible_configuration_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(ViewConfig(), **change)
