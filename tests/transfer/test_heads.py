from dataclasses import replace

import keras
import numpy as np
import pytest

from ecglib.models import encoder as encoder_module
from ecglib.models.encoder import EncoderConfig
from ecglib.transfer import frozen, heads

CHEAP = EncoderConfig(filters=(3, 4), kernels=(8, 4), pool_stride=8)


SHORT = 640


def as_numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def state(model):
    return b"".join(w.tobytes() for w in model.get_weights())


@pytest.fixture(scope="module")
def windows():
    return np.random.default_rng(0).normal(size=(6, SHORT)).astype("float32")


def test_head_and_released_head():
    assert heads.build_head().count_params() == 128 * 64 + 64 + 64 * 64 + 64 + 64 + 1
    head = frozen.RELEASED_HEAD
    released = heads.build_head(head.hidden, n_outputs=2, dropout=head.dropout, l2=head.l2)
    assert released.output_shape == (None, 2)
    widths = [layer.units for layer in released.layers if isinstance(layer, keras.layers.Dense)]
    assert widths == [512, 512, 512, 2]
    rates = [layer.rate for layer in released.layers if isinstance(layer, keras.layers.Dropout)]
    assert rates == [0.2, 0.2, 0.2]
    hidden = [layer.kernel for layer in released.layers if layer.name.startswith("dense")]
    expected = head.l2 * sum(float(np.sum(as_numpy(kernel) ** 2)) for kernel in hidden)
    assert float(sum(released.losses)) == pytest.approx(expected, rel=1e-5)


def test_emotion_model_puts_the_heads_side_by_side(windows):
    encoder = encoder_module.build_encoder(CHEAP, SHORT)
    three = [
        heads.build_head(n_features=4, seed=i, name=target)
        for i, target in enumerate(("valence", "arousal", "dominance"))
    ]
    model = heads.build_emotion_model(encoder, three)
    assert model.output_shape == (None, 3)
    features = encoder(windows)
    expected = np.concatenate([as_numpy(head(features)) for head in three], axis=1)
    np.testing.assert_allclose(as_numpy(model(windows)), expected, atol=1e-5)
    assert np.unique(expected[0]).size == 3
    assert heads.build_emotion_model(encoder, three[:1]).output_shape == (None, 1)


def test_frozen_encoder_is_byte_identical_after_training(windows):
    encoder = encoder_module.build_encoder(replace(CHEAP, batch_norm=True), SHORT)
    head = heads.build_head(n_features=4)
    model = heads.build_emotion_model(encoder, [head])
    y = np.array([0, 1, 0, 1, 1, 0], "float32")
    loss = keras.losses.BinaryCrossentropy(from_logits=True)

    def train():
        before = state(encoder), state(head)
        model.compile(keras.optimizers.Adam(1e-2), loss, run_eagerly=True)
        model.fit(windows * 3 + 1, y, epochs=2, verbose=0)
        return state(encoder) == before[0], state(head) == before[1]

    encoder.trainable = False
    assert train() == (True, False)
    encoder.trainable = True
    assert train() == (False, False)
