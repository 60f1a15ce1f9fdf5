import dataclasses

import keras
import numpy as np
import pytest
from scipy import stats

from ecglib.models import layers
from ecglib.models.encoder import EncoderConfig, build_encoder
from ecglib.models.layers import (
    BlockMaxPooling1D,
    Dropout,
    SpectralConv1D,
    normal,
    spectral_matrices,
    uniform,
)

tf = pytest.importorskip("tensorflow")


def value_and_gradients(layer, x, weights):
    """What the layer gives, and the gradients of its weighted sum: of x, then of its variables."""
    x = tf.constant(x)

    @tf.function(jit_compile=True)
    def both(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
            total = tf.reduce_sum(y * weights[:, : y.shape[1]])
        return y, *tape.gradient(total, [x, *layer.trainable_variables])

    return [tensor.numpy() for tensor in both(x)]


@pytest.mark.parametrize("n", [40, 63])
@pytest.mark.parametrize(("size", "stride"), [(8, 2), (8, 8), (8, 3), (2, 5)])
def test_equals_keras_pooling_forward_and_backward(n, size, stride):
    rng = np.random.default_rng(0)
    # Distinct values: at exact ties the two share the gradient differently.
    x = rng.permutation(2 * n * 3).reshape(2, n, 3).astype("float32") - 3 * n
    weights = rng.normal(size=x.shape).astype("float32")
    ours = value_and_gradients(BlockMaxPooling1D(size, stride), x, weights)
    theirs = value_and_gradients(keras.layers.MaxPooling1D(size, stride), x, weights)
    np.testing.assert_array_equal(ours[0], theirs[0])
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-5, atol=1e-6)
    assert ours[0].shape == BlockMaxPooling1D(size, stride).compute_output_shape(x.shape)


def test_ties_lose_no_gradient():
    x = np.ones((1, 8, 2), "float32")
    weights = np.array([[[2.0, -3.0]]], "float32")
    _, gradient = value_and_gradients(BlockMaxPooling1D(8, 2), x, weights)
    np.testing.assert_allclose(gradient.sum(axis=1), weights[:, 0])


def test_other_poolings_are_refused():
    with pytest.raises(ValueError, match="'valid'"):
        BlockMaxPooling1D(8, 2, padding="same")
    with pytest.raises(ValueError, match="channels last"):
        BlockMaxPooling1D(8, 2, data_format="channels_first")


def test_encoder_is_saved_and_loaded_with_it(tmp_path):
    config = EncoderConfig(filters=(3, 4), kernels=(8, 4))
    encoder = build_encoder(config, 100)
    assert isinstance(encoder.get_layer("pool_1"), BlockMaxPooling1D)
    encoder.save(tmp_path / "encoder.keras")
    loaded = keras.models.load_model(tmp_path / "encoder.keras")
    x = np.random.default_rng(0).normal(size=(2, 100)).astype("float32")
    same = [keras.ops.convert_to_numpy(model(x)) for model in (encoder, loaded)]
    np.testing.assert_array_equal(*same)


@pytest.mark.parametrize(("kernel", "block"), [(4, 8), (5, 10), (8, 8), (1, 2)])
def test_products_of_spectra_are_the_full_convolution(kernel, block):
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=block), rng.normal(size=kernel)
    of_block, of_kernel, back = spectral_matrices(kernel, block)
    full = back.T @ ((of_block @ x) * (of_kernel @ w))
    np.testing.assert_allclose(full[: block + kernel - 1], np.convolve(x, w), atol=1e-5)
    np.testing.assert_allclose(full[block + kernel - 1 :], 0, atol=1e-5)


@pytest.mark.parametrize(
    ("n", "kernel", "channels", "filters"),
    [(2560, 32, 32, 32), (1277, 16, 32, 64), (635, 8, 128, 128), (100, 5, 3, 4), (7, 8, 2, 3)],
)
def test_spectral_convolution_equals_the_direct_one_forward_and_backward(
    n, kernel, channels, filters
):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, n, channels)).astype("float32")
    weights = rng.normal(size=(3, n, filters)).astype("float32")
    direct = keras.layers.Conv1D(filters, kernel, padding="same", activation="tanh")
    spectral = SpectralConv1D(filters, kernel, activation="tanh")
    for layer in (direct, spectral):
        layer.build(x.shape)
    start = [rng.normal(size=v.shape) / np.sqrt(channels * kernel) for v in direct.weights]
    for layer in (direct, spectral):
        layer.set_weights(start)
    ours = value_and_gradients(spectral, x, weights)
    theirs = value_and_gradients(direct, x, weights)
    assert len(ours) == len(theirs) == 4
    for name, a, b in zip(
        ("output", "of input", "of kernel", "of bias"), ours, theirs, strict=True
    ):
        assert np.abs(b).max() > 0.1
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5 * np.abs(b).max(), err_msg=name)


def test_spectral_convolution_refuses_what_it_cannot_do():
    for wrong in (
        {"padding": "valid"},
        {"strides": 2},
        {"dilation_rate": 2},
        {"groups": 2},
        {"data_format": "channels_first"},
    ):
        with pytest.raises(ValueError, match="padding 'same'"):
            SpectralConv1D(4, 8, **wrong)
    with pytest.raises(ValueError, match="float32"):
        SpectralConv1D(4, 8, dtype="mixed_bfloat16")


@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_whole_encoder_is_the_same_with_spectral_convolutions(batch_norm, tmp_path):
    config = EncoderConfig(batch_norm=batch_norm)
    direct = build_encoder(config, seed=1)
    spectral = build_encoder(dataclasses.replace(config, convolution="spectral"), seed=1)
    assert [v.path for v in direct.variables] == [v.path for v in spectral.variables]
    spectral.set_weights(direct.get_weights())
    x = np.random.default_rng(0).normal(size=(2, 2560)).astype("float32")
    expected = keras.ops.convert_to_numpy(direct(x))
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(spectral(x)), expected, rtol=0, atol=1e-5 * expected.max()
    )
    spectral.save(tmp_path / "encoder.keras")
    loaded = keras.models.load_model(tmp_path / "encoder.keras")
    assert isinstance(loaded.get_layer("conv_layer_2"), SpectralConv1D)


def test_half_precision_keeps_weights_and_features_in_float32():
    config = EncoderConfig(filters=(8, 16), kernels=(8, 4), batch_norm=True)
    full = build_encoder(config, 256, seed=1)
    half = build_encoder(dataclasses.replace(config, precision="bfloat16"), 256, seed=1)
    assert half.get_layer("conv_layer_2").compute_dtype == "bfloat16"
    assert {v.dtype for v in half.variables} == {"float32"}
    half.set_weights(full.get_weights())
    x = np.random.default_rng(0).normal(size=(4, 256)).astype("float32")
    features, expected = (keras.ops.convert_to_numpy(m(x)) for m in (half, full))
    assert features.dtype == np.float32
    # bfloat16 has 8 bits for a number: it must differ, by a little.
    off = np.abs(features - expected).max() / expected.max()
    assert 0 < off < 0.05


def test_half_precision_and_spectra_exclude_each_other():
    with pytest.raises(ValueError, match="float32"):
        EncoderConfig(convolution="spectral", precision="bfloat16")
    with pytest.raises(ValueError, match="unknown: 'fast'"):
        EncoderConfig(convolution="fast")
    with pytest.raises(ValueError, match="unknown: 'float16'"):
        EncoderConfig(precision="float16")


def test_uniform_numbers_are_those_of_keras():
    ours, theirs = keras.random.SeedGenerator(7), keras.random.SeedGenerator(7)
    for _ in range(2):
        expected = keras.random.uniform((30, 40), seed=theirs)
        np.testing.assert_array_equal(uniform((30, 40), seed=ours), expected)
    np.testing.assert_array_equal(uniform((3, 4), seed=5), keras.random.uniform((3, 4), seed=5))


def test_compiled_uniform_numbers_are_uniform_and_new_at_each_call():
    seed = keras.random.SeedGenerator(7)
    draw = tf.function(lambda: uniform((300, 400), seed=seed), jit_compile=True)
    first, second = draw().numpy().astype("float64"), draw().numpy().astype("float64")
    assert stats.kstest(first.ravel(), "uniform").pvalue > 0.01
    for one, other in ((first, second), (first[1:], first[:-1]), (first[:, 1:], first[:, :-1])):
        correlation = np.corrcoef(one.ravel(), other.ravel())[0, 1]
        assert abs(correlation) < 5 / np.sqrt(one.size)


@pytest.mark.parametrize("compiled", [False, True])
def test_normal_numbers_are_white_gaussian_and_new_at_each_call(compiled):
    seed = keras.random.SeedGenerator(3)
    draw = tf.function(lambda: normal((200, 1001), seed=seed), jit_compile=compiled)
    z, second = draw().numpy().astype("float64"), draw().numpy().astype("float64")
    assert z.shape == (200, 1001)
    assert stats.kstest(z.ravel(), "norm").pvalue > 0.01
    half = 1001 // 2 + 1  # both halves of a drawn word
    pairs = (
        (z[:, 1:], z[:, :-1]),
        (z[1:], z[:-1]),
        (z[:, half:], z[:, : 1001 - half]),
        (z, second),
    )
    # Five standard errors each.
    for one, other in pairs:
        assert abs(np.mean(one * other)) < 5 / np.sqrt(one.size)
    assert abs(stats.kurtosis(z.ravel())) < 5 * np.sqrt(24 / z.size)


def test_normal_numbers_of_an_integer_seed_repeat():
    np.testing.assert_array_equal(normal((3, 5), seed=4), normal((3, 5), seed=4))
    assert not np.array_equal(normal((3, 5), seed=4), normal((3, 5), seed=5))


def test_normal_numbers_are_finite_at_both_ends_and_as_fine_as_documented(monkeypatch):
    everything = np.arange(2**16)[None]
    monkeypatch.setattr(layers, "_sixteen_bits", lambda shape, seed: everything)
    z = np.asarray(normal(everything.shape, seed=0), "float64")[0]
    np.testing.assert_allclose(z[[0, -1]], np.array([-1, 1]) * stats.norm.isf(2.0**-17), rtol=1e-6)
    assert z[-1] < 4.33
    assert np.diff(z)[np.abs(z[1:]) < 2].max() < 0.001
    assert round(z.var(), 5) == 0.99998


@pytest.mark.parametrize("compiled", [False, True])
def test_dropout_drops_its_share_and_keeps_the_mean(compiled):
    layer = Dropout(0.3, seed=1)
    x = np.full((100, 200), 7, "float32")
    drop = tf.function(lambda: layer(x, training=True), jit_compile=compiled)
    first, second = drop().numpy(), drop().numpy()
    assert set(np.unique(first)) == {0, np.float32(7) / np.float32(0.7)}
    assert abs((first == 0).mean() - 0.3) < 0.02
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(layer(x), x)
    np.testing.assert_array_equal(Dropout(0.0)(x, training=True), x)


def test_dropout_repeats_its_draw_along_an_axis_and_is_rebuilt():
    layer = Dropout(0.5, noise_shape=(None, 1, None), seed=1)
    zero = layer(np.ones((4, 5, 6), "float32"), training=True).numpy() == 0
    assert (zero == zero[:, :1]).all() and 0 < zero.mean() < 1
    twin = Dropout.from_config(layer.get_config())
    np.testing.assert_array_equal(twin(np.ones((4, 5, 6)), training=True).numpy() == 0, zero)
