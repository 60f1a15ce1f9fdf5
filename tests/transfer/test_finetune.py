"""Fine-tuning: what is frozen stays frozen, what is reset is reset, and SGD does its sums."""

import hashlib
from dataclasses import replace

import keras
import numpy as np
import pytest

from ecglib.core.errors import DataError
from ecglib.models.encoder import EncoderConfig
from ecglib.models.training import TrainingConfig
from ecglib.transfer.finetune import (
    FineTuneConfig,
    FineTuner,
    build_classifier,
    fit_classifiers,
    weighted_cross_entropy,
)

ENCODER = EncoderConfig(pool_stride=8, batch_norm=True, filters=(4, 4, 8), kernels=(8, 4, 4))
TRAINING = TrainingConfig(
    epochs=2,
    batch_windows=8,
    steps_per_epoch=30,
    learning_rate=0.05,
    schedule="warmup_cosine",
    warmup_steps=3,
)
WHOLE = FineTuneConfig(replace(TRAINING, learning_rate=0.01))
HEAD = FineTuneConfig(TRAINING, scope="head")
N = 160


def digest(weights):
    return hashlib.sha256(b"".join(np.ascontiguousarray(w) for w in weights)).hexdigest()


@pytest.fixture(scope="module")
def data():
    """Windows whose rhythm says the class of the first target; the second target is noise."""
    rng = np.random.default_rng(0)
    labels = np.stack([np.arange(N) % 2, rng.integers(0, 2, N)], axis=1)
    t = np.arange(256)
    period = np.where(labels[:, :1], 16, 40)
    X = np.sin(2 * np.pi * t / period + rng.uniform(0, 6, (N, 1)))
    return (X + 0.3 * rng.normal(size=X.shape)).astype("float32"), labels


FOLDS = [(np.arange(0, 120), np.arange(120, N)), (np.arange(40, N), np.arange(40))]


def run(data, config, folds=FOLDS, start=None, n_classes=2, seed=0):
    return fit_classifiers(
        *data, folds, start, ENCODER, config, n_classes=n_classes, seed=seed, jit_compile=False
    )


@pytest.mark.parametrize("config", [WHOLE, HEAD], ids=["whole", "head"])
def test_it_learns_what_can_be_learnt_and_gives_probabilities(data, config):
    for (_, test), probability in zip(FOLDS, run(data, config), strict=True):
        assert probability.shape == (len(test), 2, 2)
        np.testing.assert_allclose(probability.sum(axis=-1), 1, atol=1e-5)
        right = probability.argmax(axis=-1) == data[1][test]
        assert right[:, 0].mean() > 0.9
        assert right[:, 1].mean() < 0.8


def test_five_classes_of_which_some_are_never_trained(data):
    X, labels = data
    five = np.where(labels == 0, 1, 4)
    config = replace(HEAD, class_weights=True)
    for (_, test), p in zip(FOLDS, run((X, five), config, n_classes=5), strict=True):
        assert p.shape == (len(test), 2, 5)
        assert np.isfinite(p).all()
        assert (p[:, 0].argmax(axis=-1) == five[test, 0]).mean() > 0.9


def test_a_frozen_encoder_keeps_every_byte_and_a_tuned_one_does_not(data):
    for config, same in ((HEAD, True), (WHOLE, False)):
        tuner = FineTuner(*data, ENCODER, config, n_classes=2, seed=0, jit_compile=False)
        before = tuner.encoder.get_weights()
        tuner.fit(FOLDS[0][0])
        after = tuner.encoder.get_weights()
        assert (digest(before) == digest(after)) is same
        moving = [
            not np.array_equal(w, b)
            for v, w, b in zip(tuner.encoder.weights, after, before, strict=True)
            if "moving" in v.path
        ]
        assert len(moving) == 12  # six layers, mean and variance
        assert any(moving) is not same


def test_training_on_kept_features_is_training_the_network_with_its_encoder_frozen(data):
    X, labels = data
    train, test = np.arange(60), FOLDS[0][1]  # few enough for all of them to set the scale
    fast = FineTuner(X, labels, ENCODER, HEAD, n_classes=2, seed=3, jit_compile=False)
    fast.fit(train)
    expected = fast.predict(test)

    slow = FineTuner(X, labels, ENCODER, WHOLE, n_classes=2, seed=3, jit_compile=False)
    slow.encoder.trainable = False
    slow.model.compile(
        keras.optimizers.SGD(TRAINING.rate(len(X)), momentum=WHOLE.momentum),
        loss=weighted_cross_entropy,
        jit_compile=False,
    )
    slow.model.optimizer.build(slow.model.trainable_variables)
    slow._state = [*slow.classifier.variables, *slow.model.optimizer.variables]
    slow._initial = [variable.numpy() for variable in slow._state]
    before = digest(slow.encoder.get_weights())
    slow.fit(train)
    assert digest(slow.encoder.get_weights()) == before
    np.testing.assert_allclose(slow.predict(test), expected, atol=1e-5)


@pytest.mark.parametrize("config", [WHOLE, HEAD], ids=["whole", "head"])
def test_a_fold_alone_gives_the_bits_that_it_gives_among_others(data, config):
    together = run(data, config)
    alone = run(data, config, FOLDS[1:])
    np.testing.assert_array_equal(together[1], alone[0])
    assert not np.array_equal(run(data, config, FOLDS[1:], seed=1)[0], alone[0])


def test_every_fold_starts_from_its_own_weights(data):
    a, b = (
        FineTuner(*data, ENCODER, HEAD, n_classes=2, seed=s).encoder.get_weights() for s in (5, 6)
    )
    both = run(data, HEAD, [FOLDS[0], FOLDS[0]], [a, b])
    assert not np.array_equal(both[0], both[1])
    np.testing.assert_array_equal(both[1], run(data, HEAD, FOLDS[:1], [b])[0])


def test_a_step_is_that_of_sgd_with_momentum(data):
    X, labels = data
    steady = TrainingConfig(
        epochs=1, batch_windows=8, steps_per_epoch=3, learning_rate=0.1, schedule="staircase"
    )
    config = FineTuneConfig(steady, momentum=0.7, scope="head")
    tuner = FineTuner(X, labels[:, :1], ENCODER, config, n_classes=2, seed=0, jit_compile=False)
    train = np.arange(8)  # every batch holds the same windows, in another order
    features = tuner.features()[train].astype(np.float64)
    w = tuner.classifier.get_layer("softmax_0").kernel.numpy().astype(np.float64)
    tuner.fit(train)

    scale = features.std(axis=0)
    z = (features - features.mean(axis=0)) / np.where(scale > 1e-9, scale, 1)
    y = np.eye(2)[labels[train, 0]]
    b, v, u = np.zeros(2), np.zeros_like(w), np.zeros(2)
    for _ in range(3):
        logits = z @ w + b
        p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        v = 0.7 * v - 0.1 * z.T @ (p - y) / len(y)
        u = 0.7 * u - 0.1 * (p - y).mean(axis=0)
        w, b = w + v, b + u
    np.testing.assert_allclose(tuner.classifier.get_layer("softmax_0").kernel.numpy(), w, atol=1e-5)


def test_every_fit_starts_anew(data):
    tuner = FineTuner(*data, ENCODER, WHOLE, n_classes=2, seed=0, jit_compile=False)
    before = tuner.encoder.get_weights()
    train, test = FOLDS[0]
    tuner.fit(train, before)
    first = tuner.predict(test)
    tuner.fit(FOLDS[1][0], before)
    assert not np.array_equal(first, tuner.predict(test))
    tuner.fit(train, before)
    np.testing.assert_array_equal(first, tuner.predict(test))


@pytest.mark.parametrize("config", [WHOLE, HEAD], ids=["whole", "head"])
def test_fewer_windows_than_a_batch_are_shown_more_often(data, config):
    (probability,) = run(data, config, [(np.arange(5), FOLDS[0][1])])
    assert np.isfinite(probability).all()


@pytest.mark.parametrize("scope", ["whole", "head"])
def test_a_long_gradient_is_shortened_over_all_weights_together(data, scope):
    steady = TrainingConfig(
        epochs=1, batch_windows=8, steps_per_epoch=1, learning_rate=1.0, schedule="staircase"
    )
    moved = {}
    for clip in (1e-3, 1e3):
        config = FineTuneConfig(steady, momentum=0.0, scope=scope, clip_norm=clip)
        tuner = FineTuner(*data, ENCODER, config, n_classes=2, seed=0, jit_compile=False)
        before = [v.numpy() for v in tuner.model.trainable_variables]
        tuner.fit(np.arange(8))
        after = [v.numpy() for v in tuner.model.trainable_variables]
        squares = [np.sum((a - b) ** 2) for a, b in zip(after, before, strict=True)]
        moved[clip] = float(np.sqrt(np.sum(squares)))
    assert moved[1e-3] == pytest.approx(1e-3, rel=1e-2)
    assert 1e-2 < moved[1e3] < 1e3


def test_the_rate_rises_and_falls_to_nothing_in_every_fold(data):
    tuner = FineTuner(*data, ENCODER, HEAD, n_classes=2, seed=0, jit_compile=False)
    for _ in range(2):
        tuner.fit(FOLDS[0][0])
        assert int(tuner.model.optimizer.iterations) == 60
        assert float(tuner.model.optimizer.learning_rate) < 1e-6
    rate = TRAINING.rate(N)
    assert float(rate(0)) == 0
    assert float(rate(3)) == pytest.approx(0.05)


def test_class_weights_make_the_classes_count_equally(data):
    X, labels = data
    rare = np.where(np.arange(N) % 8 == 0, labels[:, 0], 0)[:, None]
    rare[::16] = 1
    config = replace(HEAD, class_weights=True)
    tuner = FineTuner(X, rare, ENCODER, config, n_classes=2, seed=0, jit_compile=False)
    train = np.arange(N)
    weighted = tuner._targets(train)[train]
    np.testing.assert_allclose(weighted.sum(axis=0), N / 2, rtol=1e-5)
    plain = replace(config, class_weights=False)
    other = FineTuner(X, rare, ENCODER, plain, n_classes=2, seed=0, jit_compile=False)
    assert other._targets(train).sum() == N


def test_the_loss_is_the_cross_entropy_of_the_softmax():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(5, 2, 3)).astype("float32")
    truth = rng.integers(0, 3, (5, 2))
    p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    expected = -np.mean(np.log(np.take_along_axis(p, truth[..., None], axis=-1)))
    y = np.eye(3, dtype="float32")[truth]
    assert float(weighted_cross_entropy(y, logits)) == pytest.approx(expected, rel=1e-5)


def test_there_is_one_layer_and_no_more():
    model = build_classifier(128, 3, 5)
    assert model.output_shape == (None, 3, 5)
    trainable = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    assert trainable == 3 * (128 * 5 + 5)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"scope": "most"}, "scope: unknown: 'most'"),
        ({"momentum": 1.0}, "momentum: 1.0"),
        ({"clip_norm": 0.0}, "clip_norm is 0.0"),
        ({"training": replace(TRAINING, steps_per_epoch=None)}, "steps_per_epoch"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(change, complaint):
    with pytest.raises(ValueError, match=complaint):
        replace(WHOLE, **change)


def test_bad_input_is_refused_by_name(data):
    X, labels = data
    with pytest.raises(DataError, match="fold 1 has no training windows"):
        run(data, HEAD, [FOLDS[0], (np.arange(0), np.arange(9))])
    with pytest.raises(DataError, match="whole numbers from 0 to 1"):
        run((X, labels + 1), HEAD)
    with pytest.raises(DataError, match="1 values not finite"):
        broken = X.copy()
        broken[3, 3] = np.nan
        run((broken, labels), HEAD)


def test_divergence_names_the_fold(data):
    wild = replace(WHOLE, training=replace(TRAINING, learning_rate=1e30, warmup_steps=0))
    with pytest.raises(DataError, match="fold 0: the network diverged"):
        run(data, wild)
