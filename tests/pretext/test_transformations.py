import keras
import numpy as np
import pytest

from ecglib.models.layers import normal
from ecglib.pretext import transformations
from ecglib.pretext.transformations import TASKS, AllVersions, TransformConfig

N = 2560


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(0).normal(size=(4, N)).astype("float32")


def as_numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def reference_warp(window, stretched, offset):
    """One window, piece by piece, in float64."""
    pieces = []
    for i, is_stretched in enumerate(stretched):
        piece = window[284 * i : 284 * (i + 1)].astype("float64")
        length = 299 if is_stretched else 271
        pieces.append(np.interp(np.linspace(0, 283, length), np.arange(284), piece))
    warped = np.concatenate(pieces)
    assert warped.size == 2579
    return warped[offset : offset + N]


def draw_stretched(rng, batch):
    return rng.permuted(np.tile(np.arange(9) < 5, (batch, 1)), axis=1)


def test_task_order():
    assert TASKS == (
        "original",
        "noise",
        "scaling",
        "negation",
        "temporal_inversion",
        "permutation",
        "time_warping",
    )


def test_published_strengths():
    c = TransformConfig()
    assert (c.snr_db, c.scale_factor, c.n_segments) == (15.0, 1.1, 20)
    assert (c.warp_n_pieces, c.warp_stretch, c.warp_n_stretched) == (9, 1.05, 5)
    assert transformations.warp_lengths(N, 9, 1.05, 5) == (284, 299, 271)


def test_deterministic_transformations_are_exact(x):
    np.testing.assert_array_equal(as_numpy(transformations.scale(x)), x * np.float32(1.1))
    np.testing.assert_array_equal(as_numpy(transformations.negate(x)), -x)
    np.testing.assert_array_equal(as_numpy(transformations.invert_time(x)), x[:, ::-1])


def test_negation_and_inversion_undo_themselves(x):
    for transform in (transformations.negate, transformations.invert_time):
        once = as_numpy(transform(x))
        assert not np.array_equal(once, x)
        np.testing.assert_array_equal(as_numpy(transform(once)), x)


@pytest.mark.parametrize("snr_db", [0.0, 15.0, 30.0])
def test_noise_has_the_snr_asked_for_in_each_window(x, snr_db):
    louder = x * np.array([[0.01], [1.0], [7.0], [100.0]], "float32")
    noise = as_numpy(transformations.add_noise(louder, snr_db, seed=1)).astype("float64") - louder
    measured = 10 * np.log10((louder.astype("float64") ** 2).mean(1) / (noise**2).mean(1))
    # The variance of 2560 Gaussian samples is known to 2.8 %, 0.12 dB; five of these.
    np.testing.assert_allclose(measured, snr_db, atol=0.6)


def test_noise_is_exactly_scaled(x):
    drawn = as_numpy(normal(x.shape, seed=5)).astype("float64")
    power = (x.astype("float64") ** 2).mean(1, keepdims=True) / 10**1.5
    expected = x + np.sqrt(power) * drawn
    np.testing.assert_allclose(as_numpy(transformations.add_noise(x, seed=5)), expected, atol=2e-6)


def test_noise_takes_one_snr_per_window_and_leaves_silence_alone(x):
    snr = np.array([[0.0], [10.0], [20.0], [30.0]], "float32")
    noise = as_numpy(transformations.add_noise(x, snr, seed=1)) - x
    assert (np.diff(noise.std(axis=1)) < 0).all()
    np.testing.assert_array_equal(as_numpy(transformations.add_noise(np.zeros_like(x), seed=1)), 0)


def test_permute_segments_against_reference(x):
    order = np.random.default_rng(3).permuted(np.tile(np.arange(20), (4, 1)), axis=1)
    expected = np.empty_like(x)
    for i in range(4):
        for j in range(20):
            segment = order[i, j]
            expected[i, 128 * j : 128 * (j + 1)] = x[i, 128 * segment : 128 * (segment + 1)]
    np.testing.assert_array_equal(as_numpy(transformations.permute_segments(x, order)), expected)


def test_permutation_moves_whole_segments_differently_in_each_window():
    ramp = np.tile(np.arange(N, dtype="float32"), (4, 1))
    result = as_numpy(transformations.permute(ramp, seed=1)).reshape(4, 20, 128)
    assert (np.diff(result, axis=2) == 1).all()
    orders = result[:, :, 0] / 128
    np.testing.assert_array_equal(np.sort(orders, axis=1), np.tile(np.arange(20), (4, 1)))
    assert len({tuple(order) for order in orders}) == 4


def test_permutation_puts_every_segment_everywhere_equally_often():
    ids = np.tile(np.arange(3, dtype="float32"), (3000, 1))
    result = as_numpy(transformations.permute(ids, n_segments=3, seed=2))
    _, counts = np.unique(result, axis=0, return_counts=True)
    # All six orders, the identity among them; 500 expected, standard deviation 20.
    assert counts.size == 6
    assert counts.min() > 400 and counts.max() < 600


def test_warp_against_reference(x):
    rng = np.random.default_rng(4)
    stretched = draw_stretched(rng, 4)
    offset = np.array([0, 7, 13, 19], "int32")
    result = as_numpy(transformations.warp_pieces(x, stretched, offset))
    expected = [reference_warp(*drawn) for drawn in zip(x, stretched, offset, strict=True)]
    np.testing.assert_allclose(result, expected, atol=2e-4)


def test_warp_of_a_ramp_has_the_two_slopes():
    ramp = np.arange(N, dtype="float32")[None]
    stretched = np.array([[1, 0, 1, 0, 1, 0, 1, 0, 1]], bool)
    result = as_numpy(transformations.warp_pieces(ramp, stretched, np.array([0], "int32")))[0]
    steps = np.diff(result)
    np.testing.assert_allclose(steps[:298], 283 / 298, atol=1e-3)
    np.testing.assert_allclose(steps[298], 1, atol=1e-3)
    np.testing.assert_allclose(steps[299:569], 283 / 270, atol=1e-3)
    # Ends of pieces are kept exactly.
    assert result[298] == 283 and result[299] == 284 and result[299 + 270] == 567


def test_time_warp_draws_are_possible_and_differ(x):
    batch = 64
    ramp = np.tile(np.arange(N, dtype="float32"), (batch, 1))
    result = as_numpy(transformations.time_warp(ramp, seed=3))
    # The ramp's first value gives the offset, the step in the middle of a piece its stretching.
    patterns, offsets = set(), set()
    for window in result:
        steps = np.array(
            [np.diff(window[(window > 284 * i + 20) & (window < 284 * i + 240)]) for i in range(9)],
            dtype=object,
        )
        stretched = tuple(bool(np.median(s) < 1) for s in steps)
        assert sum(stretched) == 5
        first_step = 283 / (298 if stretched[0] else 270)
        offset = round(float(window[0]) / first_step)
        assert 0 <= offset <= 19
        np.testing.assert_allclose(window, reference_warp(ramp[0], stretched, offset), atol=1e-3)
        patterns.add(stretched)
        offsets.add(offset)
    assert len(patterns) > 30 and len(offsets) > 12


def test_other_window_lengths_and_impossible_ones(x):
    short = x[:, :1280]
    assert transformations.permute(short, seed=0).shape == (4, 1280)
    assert transformations.time_warp(short, seed=0).shape == (4, 1280)
    with pytest.raises(ValueError, match="20 equal segments"):
        transformations.permute(x[:, :2559], seed=0)
    with pytest.raises(ValueError, match="stretch more pieces"):
        transformations.time_warp(x, n_stretched=4, seed=0)


@pytest.mark.parametrize(
    ("n", "n_pieces", "stretch", "n_stretched", "lengths"),
    [
        (N, 8, 1.0, 0, (320, 320, 320)),
        (N, 8, 1.05, 8, (320, 336, 305)),
        (8, 4, 1.0, 0, (2, 2, 2)),
        (4, 4, 1.0, 0, None),  # a piece of one sample
        (N, 9, 1.05, 10, None),
        (N, 9, 0.5, -1, None),
    ],
)
def test_pieces_may_all_be_stretched_or_none(n, n_pieces, stretch, n_stretched, lengths):
    if lengths is not None:
        assert transformations.warp_lengths(n, n_pieces, stretch, n_stretched) == lengths
        return
    with pytest.raises(ValueError, match=f"{n_stretched} of them stretched"):
        transformations.warp_lengths(n, n_pieces, stretch, n_stretched)


@pytest.mark.parametrize(
    "transform", [transformations.add_noise, transformations.permute, transformations.time_warp]
)
def test_seed_reproduces_and_changes_the_draws(x, transform):
    same = np.tile(x[:1], (2, 1))
    first, again, other = (as_numpy(transform(same, seed=s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first[0], first[1])
    generator = keras.random.SeedGenerator(1)
    assert not np.array_equal(
        as_numpy(transform(same, seed=generator)), as_numpy(transform(same, seed=generator))
    )


def test_all_versions_order_and_state(x):
    layer = AllVersions(seed=5)
    assert layer.compute_output_shape((None, N)) == (None, N)
    assert layer.compute_output_shape((4, N)) == (28, N)
    first = as_numpy(layer(x))
    assert first.shape == (28, N) and first.dtype == np.float32
    version = dict(zip(TASKS, first.reshape(4, 7, N).swapaxes(0, 1), strict=True))
    np.testing.assert_array_equal(version["original"], x)
    np.testing.assert_array_equal(version["scaling"], x * np.float32(1.1))
    np.testing.assert_array_equal(version["negation"], -x)
    np.testing.assert_array_equal(version["temporal_inversion"], x[:, ::-1])
    np.testing.assert_array_equal(np.sort(version["permutation"]), np.sort(x))
    assert 10 < 10 * np.log10(x.var() / (version["noise"] - x).var()) < 20
    # An interpolated white signal has less variance than the signal.
    assert 0.5 < version["time_warping"].var() / x.var() < 0.8

    second = as_numpy(layer(x))
    same = (first == second).reshape(4, 7, N).all(axis=(0, 2))
    np.testing.assert_array_equal(same, [True, False, True, True, True, False, False])
    twin = AllVersions.from_config(layer.get_config())
    np.testing.assert_array_equal(as_numpy(twin(x)), first)


@pytest.mark.compiled
def test_all_versions_compiled(x):
    """XLA draws the same kind of versions: the fixed ones equal, the drawn ones valid."""
    layer = AllVersions(TransformConfig(scale_factor=2.0), seed=5)
    model = keras.Sequential([keras.Input((N,)), layer])
    model.compile(jit_compile=True)
    ramp = np.tile(np.arange(N, dtype="float32"), (4, 1))
    version = model.predict(ramp, verbose=0).reshape(4, 7, N)
    np.testing.assert_array_equal(version[:, 0], ramp)
    np.testing.assert_array_equal(version[:, 2], ramp * 2)
    np.testing.assert_array_equal(version[:, 3], -ramp)
    np.testing.assert_array_equal(version[:, 4], ramp[:, ::-1])
    np.testing.assert_array_equal(np.sort(version[:, 5]), ramp)
    steps = np.diff(version[:, 6], axis=1)
    assert steps.min() > 0.9 and steps.max() < 1.1
    again = model.predict(ramp, verbose=0).reshape(4, 7, N)
    same = (again == version).all(axis=(0, 2))
    np.testing.assert_array_equal(same, [True, False, True, True, True, False, False])
