from dataclasses import replace

import keras
import numpy as np
import pytest

from ecglib.models import encoder as encoder_module
from ecglib.models.encoder import EncoderConfig
from ecglib.pretext import str_model
from ecglib.pretext.str_model import STRModel
from ecglib.pretext.transformations import TASKS

CHEAP = EncoderConfig(filters=(3, 4), kernels=(8, 4), pool_stride=8)


SHORT = 640


def as_numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def state(model):
    return b"".join(w.tobytes() for w in model.get_weights())


def cheap_str_model(batch_norm=False, **kwargs):
    encoder = encoder_module.build_encoder(replace(CHEAP, batch_norm=batch_norm), SHORT, seed=1)
    return STRModel(encoder, str_model.build_str_heads(4, 8, seed=2), **kwargs)


@pytest.fixture(scope="module")
def windows():
    return np.random.default_rng(0).normal(size=(6, SHORT)).astype("float32")


def test_heads_shapes_and_parameters():
    heads = str_model.build_str_heads()
    assert heads.count_params() == 7 * 33_153
    assert heads.output_shape == (None, 7)
    assert heads.count_params() + encoder_module.build_encoder().count_params() == 561_223


@pytest.mark.parametrize(
    ("slope", "options"),
    [
        (0.0, {}),
        (0.0, {"activation": "relu", "slope": 0.2}),
        (0.2, {"activation": "leaky_relu"}),
        (0.5, {"activation": "leaky_relu", "slope": 0.5}),
    ],
)
def test_heads_are_seven_separate_dense_networks(slope, options):
    heads = str_model.build_str_heads(seed=3, **options)
    rng = np.random.default_rng(0)
    heads.set_weights([rng.normal(scale=0.1, size=w.shape) for w in heads.get_weights()])
    w1, b1, w2, b2, w3, b3 = (w.astype("float64") for w in heads.get_weights())
    features = rng.normal(size=(5, 128)).astype("float32")
    expected = np.empty((5, 7))
    for t in range(7):
        first = features @ w1[t] + b1[t]
        first = np.where(first > 0, first, slope * first)
        second = first @ w2[t] + b2[t]
        second = np.where(second > 0, second, slope * second)
        expected[:, t] = second @ w3[t] + b3[t]
    np.testing.assert_allclose(as_numpy(heads(features)), expected, rtol=1e-3, atol=1e-4)


def test_an_unknown_activation_of_the_heads_is_refused():
    with pytest.raises(ValueError, match="activation: unknown: 'gelu'"):
        str_model.build_str_heads(activation="gelu")


def test_every_head_starts_like_a_dense_head():
    heads = str_model.build_str_heads(seed=4)
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
    heads = str_model.build_str_heads()
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
    assert str_model.TASK_WEIGHTS == {
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


@pytest.mark.compiled
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
