import dataclasses

import keras
import numpy as np
import pytest

from ecglib.core.artifacts import fingerprint, plain
from ecglib.models import encoder as encoder_module
from ecglib.models.embedding import embed
from ecglib.models.encoder import EncoderConfig

CHEAP = EncoderConfig(filters=(3, 4), kernels=(8, 4), pool_stride=8)


SHORT = 640


def as_numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def state(model):
    return b"".join(w.tobytes() for w in model.get_weights())


def test_encoder_shapes_names_and_parameters():
    encoder = encoder_module.build_encoder()
    assert encoder.count_params() == 329_152
    assert encoder.input_shape == (None, 2560) and encoder.output_shape == (None, 128)
    lengths = [encoder.get_layer(f"conv_layer_{i}").output.shape[1] for i in range(1, 7)]
    assert lengths == [2560, 2560, 1277, 1277, 635, 635]
    kernels = [encoder.get_layer(f"conv_layer_{i}").kernel.shape for i in range(1, 7)]
    assert kernels == [
        (32, 1, 32),
        (32, 32, 32),
        (16, 32, 64),
        (16, 64, 64),
        (8, 64, 128),
        (8, 128, 128),
    ]


def test_encoder_variants():
    encoder = encoder_module.build_encoder(EncoderConfig(pool_stride=8, activation="leaky_relu"))
    assert encoder.count_params() == 329_152
    assert encoder.get_layer("conv_layer_5").output.shape[1] == 40
    x = np.array([[-2.0, 3.0]], "float32")
    np.testing.assert_allclose(as_numpy(encoder.get_layer("activation_1")(x)), [[-0.4, 3.0]])
    relu = encoder_module.build_encoder(CHEAP).get_layer("activation_1")
    np.testing.assert_allclose(as_numpy(relu(x)), [[0.0, 3.0]])
    with pytest.raises(ValueError, match="activation: unknown: 'gelu'"):
        EncoderConfig(activation="gelu")
    with pytest.raises(ValueError, match="one of each"):
        EncoderConfig(filters=(2, 3))


def test_batch_norm_replaces_the_biases():
    encoder = encoder_module.build_encoder(EncoderConfig(batch_norm=True))
    n_channels = 2 * (32 + 64 + 128)
    assert encoder.count_params() == 329_152 - n_channels + 4 * n_channels
    names = [layer.name for layer in encoder.layers]
    first = names.index("conv_layer_1")
    assert names[first : first + 3] == ["conv_layer_1", "batch_norm_1", "activation_1"]
    assert not encoder.get_layer("conv_layer_1").use_bias
    assert encoder.get_layer("batch_norm_1").momentum == 0.9


def test_encoder_seed():
    one, same, other = (
        state(encoder_module.build_encoder(CHEAP, SHORT, seed=s)) for s in (1, 1, 2)
    )
    assert one == same != other


@pytest.mark.parametrize(
    ("n", "most", "size"), [(640, 64, 64), (100, 64, 50), (5, 64, 64), (127, 64, 64), (66, 64, 33)]
)
def test_an_even_batch_leaves_no_rest_unless_it_would_be_small(n, most, size):
    assert encoder_module.even_batch(n, most) == size


def test_half_l2():
    w = np.array([[1.0, -2.0], [3.0, 0.5]], "float32")
    assert float(encoder_module.half_l2(0.1)(w)) == pytest.approx(0.1 * 0.5 * (1 + 4 + 9 + 0.25))


def test_pooling_keeps_what_it_says_of_the_same_maps():
    x = np.random.default_rng(0).normal(size=(3, SHORT)).astype("float32")
    pooled = {}
    for pooling in ("max", "mean", "both", "scales"):
        config = dataclasses.replace(CHEAP, pooling=pooling)
        encoder = encoder_module.build_encoder(config, SHORT, seed=1)
        pooled[pooling] = as_numpy(encoder(x))
    maps = keras.Model(encoder.input, encoder.get_layer("activation_4").output)(x)
    np.testing.assert_allclose(pooled["max"], as_numpy(maps).max(axis=1), rtol=1e-6)
    np.testing.assert_allclose(pooled["mean"], as_numpy(maps).mean(axis=1), rtol=1e-5)
    beside = np.concatenate([pooled["max"], pooled["mean"]], axis=1)
    np.testing.assert_allclose(pooled["both"], beside, rtol=1e-6)
    maps = as_numpy(maps)
    tenths = maps[:, : maps.shape[1] // 10 * 10].reshape(3, 10, -1, maps.shape[2])
    beside = np.concatenate([pooled["mean"], tenths.max(axis=2).mean(axis=1)], axis=1)
    np.testing.assert_allclose(pooled["scales"], beside, rtol=1e-5)
    for pooling, expected in pooled.items():
        other = encoder_module.with_pooling(encoder, pooling)
        np.testing.assert_allclose(as_numpy(other(x)), expected, rtol=1e-6)
        np.testing.assert_allclose(embed(x, encoder, pooling=pooling), expected, atol=1e-5)
    with pytest.raises(ValueError, match=r"'median'.* max, mean, both, scales"):
        dataclasses.replace(CHEAP, pooling="median")


def test_only_an_encoder_whose_maps_are_known_is_pooled_otherwise():
    encoder = encoder_module.build_encoder(CHEAP, SHORT)
    with pytest.raises(ValueError, match="'max' or 'mean' or 'both'"):
        encoder_module.with_pooling(encoder, "median")
    longer = keras.Sequential([encoder, keras.layers.Dense(3, name="emotion")])
    with pytest.raises(ValueError, match="'emotion'"):
        encoder_module.with_pooling(longer, "mean")


def test_what_was_named_before_there_was_a_choice_of_pooling_keeps_its_name():
    names = [fingerprint({"encoder": EncoderConfig(pooling=p)}) for p in ("max", "mean", "both")]
    assert len(set(names)) == 3
    assert "pooling" not in plain(EncoderConfig()) and "pooling" in plain(
        EncoderConfig(pooling="mean")
    )
