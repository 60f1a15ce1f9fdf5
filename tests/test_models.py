from dataclasses import replace

import keras
import numpy as np
import pytest

from ecglib import heads, models
from ecglib.models import EncoderConfig, STRModel
from ecglib.transforms import TASKS

LENGTH = 2560
CHEAP = EncoderConfig(filters=(3, 4), kernels=(8, 4), pool_stride=8)
SHORT = 640


def as_numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def state(model):
    return b"".join(w.tobytes() for w in model.get_weights())


def cheap_str_model(batch_norm=False, **kwargs):
    encoder = models.build_encoder(replace(CHEAP, batch_norm=batch_norm), SHORT, seed=1)
    return STRModel(encoder, models.build_str_heads(4, 8, seed=2), **kwargs)


@pytest.fixture(scope="module")
def windows():
    return np.random.default_rng(0).normal(size=(6, SHORT)).astype("float32")


def test_encoder_shapes_names_and_parameters():
    encoder = models.build_encoder()
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
    encoder = models.build_encoder(EncoderConfig(pool_stride=8, activation="leaky_relu"))
    assert encoder.count_params() == 329_152
    assert encoder.get_layer("conv_layer_5").output.shape[1] == 40
    x = np.array([[-2.0, 3.0]], "float32")
    np.testing.assert_allclose(as_numpy(encoder.get_layer("activation_1")(x)), [[-0.4, 3.0]])
    relu = models.build_encoder(CHEAP).get_layer("activation_1")
    np.testing.assert_allclose(as_numpy(relu(x)), [[0.0, 3.0]])
    with pytest.raises(ValueError, match="'gelu' is unknown"):
        EncoderConfig(activation="gelu")
    with pytest.raises(ValueError, match="one of each"):
        EncoderConfig(filters=(2, 3))


def test_batch_norm_replaces_the_biases():
    encoder = models.build_encoder(EncoderConfig(batch_norm=True))
    n_channels = 2 * (32 + 64 + 128)
    assert encoder.count_params() == 329_152 - n_channels + 4 * n_channels
    names = [layer.name for layer in encoder.layers]
    first = names.index("conv_layer_1")
    assert names[first : first + 3] == ["conv_layer_1", "batch_norm_1", "activation_1"]
    assert not encoder.get_layer("conv_layer_1").use_bias
    assert encoder.get_layer("batch_norm_1").momentum == 0.9


def test_encoder_seed():
    one, same, other = (state(models.build_encoder(CHEAP, SHORT, seed=s)) for s in (1, 1, 2))
    assert one == same != other


def test_half_l2():
    w = np.array([[1.0, -2.0], [3.0, 0.5]], "float32")
    assert float(models.half_l2(0.1)(w)) == pytest.approx(0.1 * 0.5 * (1 + 4 + 9 + 0.25))


def test_heads_shapes_and_parameters():
    heads = models.build_str_heads()
    assert heads.count_params() == 7 * 33_153
    assert heads.output_shape == (None, 7)
    assert heads.count_params() + models.build_encoder().count_params() == 561_223


def test_heads_are_seven_separate_dense_networks():
    heads = models.build_str_heads(seed=3)
    rng = np.random.default_rng(0)
    heads.set_weights([rng.normal(scale=0.1, size=w.shape) for w in heads.get_weights()])
    w1, b1, w2, b2, w3, b3 = (w.astype("float64") for w in heads.get_weights())
    features = rng.normal(size=(5, 128)).astype("float32")
    expected = np.empty((5, 7))
    for t in range(7):
        first = np.maximum(features @ w1[t] + b1[t], 0)
        second = np.maximum(first @ w2[t] + b2[t], 0)
        expected[:, t] = second @ w3[t] + b3[t]
    np.testing.assert_allclose(as_numpy(heads(features)), expected, rtol=1e-3, atol=1e-4)


def test_every_head_starts_like_a_dense_head():
    heads = models.build_str_heads(seed=4)
    for name, fan_out in (("dense_1", 128), ("dense_2", 128), ("logits", 1)):
        kernel, bias = heads.get_layer(name).get_weights()
        limit = np.sqrt(6 / (128 + fan_out))
        assert np.abs(kernel).max() <= limit
        # A uniform distribution; each head's standard deviation is known to a few per cent.
        tolerance = 0.15 if name == "logits" else 0.02
        np.testing.assert_allclose(
            kernel.reshape(7, -1).std(axis=1), limit / np.sqrt(3), rtol=tolerance
        )
        assert not bias.any()
        assert not np.array_equal(kernel[0], kernel[1])


def test_dropout_rate_is_the_share_dropped():
    heads = models.build_str_heads()
    dropouts = [layer for layer in heads.layers if isinstance(layer, keras.layers.Dropout)]
    assert len(dropouts) == 2
    for dropout in dropouts:
        kept = as_numpy(dropout(np.ones((50, 7, 128), "float32"), training=True)) > 0
        assert abs(1 - kept.mean() - 0.6) < 0.02


def test_penalty_covers_every_kernel_and_no_bias():
    model = cheap_str_model()
    arrays = zip(model.weights, model.get_weights(), strict=True)
    kernels = [array.astype("float64") for w, array in arrays if w.path.endswith("kernel")]
    assert len(kernels) == 7
    expected = sum(1e-4 / 2 * (kernel**2).sum() for kernel in kernels)
    assert len(model.losses) == 7
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("balanced", [False, True])
def test_loss_against_reference(balanced):
    weights = {task: 0.1 * (i + 1) for i, task in enumerate(TASKS)}
    model = cheap_str_model(task_weights=weights, balanced=balanced)
    logits = np.random.default_rng(1).normal(scale=3, size=(7 * 4, 7))
    total = 0.0
    for t, task in enumerate(TASKS):
        terms = []
        for row in range(28):
            own = row % 7 == t
            p = 1 / (1 + np.exp(-logits[row, t]))
            weight = (7 / 2 if own else 7 / 12) if balanced else 1.0
            terms.append(-weight * np.log(p if own else 1 - p))
        total += weights[task] * np.mean(terms)
    expected = total + float(sum(model.losses))
    assert float(model.compute_loss(y_pred=logits.astype("float32"))) == pytest.approx(
        expected, rel=1e-5
    )


def test_published_task_weights_are_the_default():
    assert models.TASK_WEIGHTS == {
        "original": 0.195,
        "noise": 0.195,
        "scaling": 0.195,
        "negation": 0.0125,
        "temporal_inversion": 0.0125,
        "permutation": 0.195,
        "time_warping": 0.195,
    }
    model = cheap_str_model()
    # Undecided logits: every task's cross-entropy is log 2.
    loss = float(model.compute_loss(y_pred=np.zeros((14, 7), "float32")) - sum(model.losses))
    assert loss == pytest.approx(np.log(2) * (5 * 0.195 + 2 * 0.0125))
    with pytest.raises(ValueError, match="task_weights names"):
        cheap_str_model(task_weights={"noise": 1.0})


def test_balanced_accuracy():
    model = cheap_str_model()
    answers = np.tile(np.eye(7, dtype="float32") * 2 - 1, (3, 1))
    # Every head right; every head says no; one head of seven says yes to all.
    always_no = -np.ones((21, 7), "float32")
    one_yes = answers.copy()
    one_yes[:, 2] = 1
    for logits, expected in ((answers, 1), (always_no, 0.5), (one_yes, (6 + 0.5) / 7)):
        model.reset_metrics()
        result = model.compute_metrics(None, None, logits)["balanced_accuracy"]
        assert float(result) == pytest.approx(expected)


def test_same_seed_same_training(windows):
    finals = []
    for _ in range(2):
        model = cheap_str_model(batch_norm=True, seed=7)
        before = state(model)
        model.compile(keras.optimizers.Adam(1e-2), run_eagerly=True)
        history = model.fit(windows, batch_size=3, epochs=1, shuffle=False, verbose=0).history
        assert np.isfinite(history["loss"]).all()
        assert state(model) != before
        finals.append(state(model))
    assert finals[0] == finals[1]


def test_learns_from_windows_alone_compiled():
    """Windows of positive samples: under XLA the network learns to see the negated one."""
    x = np.abs(np.random.default_rng(0).normal(size=(16, SHORT))).astype("float32")
    model = cheap_str_model(balanced=True, task_weights=dict.fromkeys(TASKS, 1.0), seed=1)
    model.compile(keras.optimizers.Adam(1e-2), jit_compile=True)
    history = model.fit(x, batch_size=16, epochs=40, verbose=0).history
    assert set(history) == {"loss", "balanced_accuracy"}
    assert history["loss"][-1] < history["loss"][0]
    logits = model(x, training=False)
    assert logits.shape == (16 * 7, 7)
    t = TASKS.index("negation")
    logits = as_numpy(logits).reshape(16, 7, 7)[:, :, t]
    assert (logits[:, [t]] > np.delete(logits, t, axis=1)).mean() > 0.95


def test_head_and_released_head():
    assert models.build_head().count_params() == 128 * 64 + 64 + 64 * 64 + 64 + 64 + 1
    head = heads.RELEASED_HEAD
    released = models.build_head(head.hidden, n_outputs=2, dropout=head.dropout, l2=head.l2)
    assert released.output_shape == (None, 2)
    widths = [layer.units for layer in released.layers if isinstance(layer, keras.layers.Dense)]
    assert widths == [512, 512, 512, 2]
    rates = [layer.rate for layer in released.layers if isinstance(layer, keras.layers.Dropout)]
    assert rates == [0.2, 0.2, 0.2]
    hidden = [layer.kernel for layer in released.layers if layer.name.startswith("dense")]
    expected = head.l2 * sum(float(np.sum(as_numpy(kernel) ** 2)) for kernel in hidden)
    assert float(sum(released.losses)) == pytest.approx(expected, rel=1e-5)


def test_emotion_model_puts_the_heads_side_by_side(windows):
    encoder = models.build_encoder(CHEAP, SHORT)
    heads = [
        models.build_head(n_features=4, seed=i, name=target)
        for i, target in enumerate(("valence", "arousal", "dominance"))
    ]
    model = models.build_emotion_model(encoder, heads)
    assert model.output_shape == (None, 3)
    features = encoder(windows)
    expected = np.concatenate([as_numpy(head(features)) for head in heads], axis=1)
    np.testing.assert_allclose(as_numpy(model(windows)), expected, atol=1e-5)
    assert np.unique(expected[0]).size == 3
    assert models.build_emotion_model(encoder, heads[:1]).output_shape == (None, 1)


def test_frozen_encoder_is_byte_identical_after_training(windows):
    encoder = models.build_encoder(replace(CHEAP, batch_norm=True), SHORT)
    head = models.build_head(n_features=4)
    model = models.build_emotion_model(encoder, [head])
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
