import keras
import numpy as np
import pytest

from ecglib.layers import BlockMaxPooling1D
from ecglib.models import EncoderConfig, build_encoder

tf = pytest.importorskip("tensorflow")


def pooled_and_gradient(layer, x, weights):
    x = tf.constant(x)

    @tf.function(jit_compile=True)
    def both(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
            total = tf.reduce_sum(y * weights[:, : y.shape[1]])
        return y, tape.gradient(total, x)

    return [tensor.numpy() for tensor in both(x)]


@pytest.mark.parametrize("n", [40, 63])
@pytest.mark.parametrize(("size", "stride"), [(8, 2), (8, 8), (8, 3), (2, 5)])
def test_equals_keras_pooling_forward_and_backward(n, size, stride):
    rng = np.random.default_rng(0)
    # Distinct values: at exact ties the two share the gradient differently.
    x = rng.permutation(2 * n * 3).reshape(2, n, 3).astype("float32") - 3 * n
    weights = rng.normal(size=x.shape).astype("float32")
    ours = pooled_and_gradient(BlockMaxPooling1D(size, stride), x, weights)
    theirs = pooled_and_gradient(keras.layers.MaxPooling1D(size, stride), x, weights)
    np.testing.assert_array_equal(ours[0], theirs[0])
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-5, atol=1e-6)
    assert ours[0].shape == BlockMaxPooling1D(size, stride).compute_output_shape(x.shape)


def test_ties_lose_no_gradient():
    x = np.ones((1, 8, 2), "float32")
    weights = np.array([[[2.0, -3.0]]], "float32")
    _, gradient = pooled_and_gradient(BlockMaxPooling1D(8, 2), x, weights)
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
