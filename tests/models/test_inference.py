import keras
import numpy as np
import pytest
from keras import layers

from ecglib.models import inference
from ecglib.models.encoder import EncoderConfig, build_encoder
from ecglib.models.inference import Block, Convolution, FirstConvolution, Forward, read_blocks
from ecglib.models.layers import TimePooling

TINY = EncoderConfig(filters=(3, 4), kernels=(8, 4))
LEAKY = {"filters": (3, 4), "activation": "leaky_relu"}


def windows(n, length):
    return np.random.default_rng(0).normal(size=(n, length)).astype("float32")


def with_random_weights(config, length):
    """An encoder whose biases and moving statistics count, too."""
    encoder = build_encoder(config, length, seed=1)
    rng = np.random.default_rng(2)
    for v in encoder.variables:
        if v.ndim == 1:
            v.assign(rng.uniform(0.5, 1.5, v.shape) * rng.choice([-1, 1], v.shape))
        if v.path.endswith("moving_variance"):
            v.assign(rng.uniform(0.5, 1.5, v.shape))
    return encoder


@pytest.mark.parametrize(
    ("config", "length"),
    [
        (EncoderConfig(), 2560),
        (EncoderConfig(pool_stride=8, batch_norm=True, activation="leaky_relu"), 2560),
        (TINY, 100),
        (EncoderConfig(filters=(3, 4, 5), kernels=(7, 4, 1), convolution="spectral"), 333),
        (LEAKY | {"kernels": (40, 33), "pool_size": 6, "pool_stride": 4}, 101),
        (LEAKY | {"kernels": (5, 2), "pool_size": 5, "pool_stride": 3}, 30),
        (EncoderConfig(filters=(4,), kernels=(8,)), 1),
    ],
)
def test_features_are_those_of_the_encoder(config, length):
    config = EncoderConfig(**config) if isinstance(config, dict) else config
    encoder = with_random_weights(config, length)
    X = windows(3, length)
    expected = keras.ops.convert_to_numpy(encoder(X))
    features = Forward.of(encoder)(X)
    assert features.dtype == np.float32 and np.abs(expected).max() > 0.1
    np.testing.assert_allclose(features, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("size", [1, 2, 5, 8, 50])
@pytest.mark.parametrize("length", [1, 7, 32, 65])
def test_convolutions_are_correlations_with_zeros_around(size, length):
    rng = np.random.default_rng(0)
    scratch = inference.new_scratch()
    for kind, channels in ((FirstConvolution, 1), (Convolution, 3)):
        kernel = rng.normal(size=(size, channels, 2)).astype("float32")
        x = rng.normal(size=(2, length, channels)).astype("float32")
        convolve = kind(kernel, length)
        for _ in range(2):  # the second time in memory that is not new
            padded, place = convolve.room(2, scratch)
            place[:] = x
            y = convolve(padded, scratch).copy()
        assert y.shape == (2, length, 2)
        around = np.pad(x, [(0, 0), ((size - 1) // 2, size), (0, 0)])
        for t in range(length):
            expected = np.einsum("nkc,kcd->nd", around[:, t : t + size], kernel)
            np.testing.assert_allclose(y[:, t], expected, atol=2e-5)


@pytest.mark.parametrize(("size", "stride"), [(8, 2), (8, 8), (6, 4), (8, 3), (2, 5), (1, 1)])
def test_pooling_is_that_of_keras(size, stride):
    y = np.random.default_rng(0).normal(size=(2, 41, 3)).astype("float32")
    expected = layers.MaxPooling1D(size, stride)(y)
    pooled = inference.max_pool(y, size, stride, inference.new_scratch())
    np.testing.assert_array_equal(pooled, keras.ops.convert_to_numpy(expected))


def test_a_window_does_not_depend_on_the_others():
    X = windows(7, 100)
    forward = Forward.of(with_random_weights(TINY, 100))
    together = forward(X)
    alone = np.concatenate([forward(x[None]) for x in X])
    np.testing.assert_allclose(alone, together, rtol=1e-6, atol=1e-6)
    X[3] = np.nan
    spoilt = forward(X)
    assert np.isnan(spoilt[3]).all()
    np.testing.assert_array_equal(spoilt[[0, 1, 2, 4, 5, 6]], together[[0, 1, 2, 4, 5, 6]])


@pytest.mark.parametrize("n_threads", [1, 3])
def test_threads_share_the_windows_and_leave_their_number_as_it_was(n_threads, monkeypatch):
    X = windows(11, 100)
    forward = Forward.of(with_random_weights(TINY, 100))
    expected = np.concatenate([forward(X[i : i + 1]) for i in range(11)])
    before = inference._threads()
    monkeypatch.setattr(inference, "_threads", lambda: n_threads)
    np.testing.assert_allclose(forward(X), expected, rtol=1e-6, atol=1e-6)
    monkeypatch.undo()
    assert inference._threads() == before


def test_weights_are_taken_over_as_they_are():
    encoder = with_random_weights(TINY, 100)
    X = windows(2, 100)
    old = Forward.of(encoder)
    first = old(X)
    encoder.get_layer("conv_layer_4").bias.assign([5, 6, 7, 8])
    np.testing.assert_array_equal(old(X), first)
    assert not np.allclose(Forward.of(encoder)(X), first)


def test_an_encoder_within_another_model_is_still_known():
    encoder = with_random_weights(TINY, 100)
    keras.Model(encoder.input, layers.Dense(1)(encoder(encoder.input)))
    assert len(read_blocks(encoder)) == 4


def test_blocks_hold_what_the_layers_do():
    blocks = read_blocks(build_encoder(EncoderConfig(activation="leaky_relu")))
    assert [b.kernel.shape for b in blocks][:2] == [(32, 1, 32), (32, 32, 32)]
    assert [b.pool for b in blocks] == [None, (8, 2), None, (8, 2), None, None]
    assert {b.slope for b in blocks} == {0.2}
    y = np.array([[-1.0, 1.0]], "float32")
    Block(np.empty((1, 1, 2)), np.array([0.5, 0.5], "float32"), 0.2).activate(y.copy(), out=y)
    np.testing.assert_allclose(y, [[-0.1, 1.5]])


def chain(*middle, length=20, last=None):
    x = inputs = keras.Input((length,))
    for layer in (layers.Reshape((length, 1)), *middle, last or layers.GlobalMaxPooling1D()):
        x = layer(x)
    return keras.Model(inputs, x)


class Own(layers.Conv1D):
    """Might compute anything."""


CONV = {"filters": 2, "kernel_size": 3, "padding": "same"}


@pytest.mark.parametrize(
    "middle",
    [
        [layers.Conv1D(2, 3, padding="valid")],
        [layers.Conv1D(**CONV, strides=2)],
        [layers.Conv1D(**CONV, dilation_rate=2)],
        [layers.Conv1D(**CONV, activation="tanh")],
        [layers.Conv1D(**CONV, dtype="mixed_bfloat16")],
        [Own(**CONV)],
        [layers.Conv1D(**CONV), layers.ReLU(max_value=6)],
        [layers.Conv1D(**CONV), layers.ReLU(), layers.BatchNormalization()],
        [layers.Conv1D(**CONV), layers.ReLU(), layers.ReLU(0.1)],
        [layers.Conv1D(**CONV), layers.MaxPooling1D(2)],
        [layers.Conv1D(**CONV), layers.MaxPooling1D(2), layers.ReLU(), layers.Conv1D(**CONV)],
        [layers.Conv1D(**CONV), layers.Dropout(0.5)],
        [layers.ReLU()],
        [],
    ],
)
def test_what_is_built_otherwise_is_not_taken(middle):
    assert Forward.of(chain(*middle)) is None
    assert Forward.of(chain(layers.Conv1D(**CONV), layers.ReLU())) is not None


def test_only_one_chain_that_ends_in_a_known_pooling_is_taken():
    conv = layers.Conv1D(1, 3, padding="same")
    assert Forward.of(chain(conv, conv)) is None
    for last, kinds in (
        (layers.GlobalAveragePooling1D(), ("mean",)),
        (TimePooling("scales"), ("mean", "part")),
    ):
        assert Forward.of(chain(layers.Conv1D(**CONV), last=last)).kinds == kinds
    assert Forward.of(chain(conv, last=layers.GlobalMaxPooling1D(keepdims=True))) is None
    assert Forward.of(keras.Sequential([keras.Input((4,)), layers.Dense(2)])) is None
