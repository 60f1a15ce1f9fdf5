from dataclasses import replace

import keras
import numpy as np
import pytest

from ecglib.errors import DataError
from ecglib.heads import HeadConfig
from ecglib.models import EncoderConfig
from ecglib.pretrain import TrainingConfig, window_stream
from ecglib.supervised import fit_supervised

ENCODER = EncoderConfig(filters=(4, 4, 4), kernels=(8, 4, 4), pool_stride=8, batch_norm=True)
HEAD = HeadConfig(hidden=(8,), l2=1e-4)
TRAINING = TrainingConfig(3, 16, 50, 1e-2, "warmup_cosine", warmup_steps=10)
N = 160


@pytest.fixture(scope="module")
def cohort():
    """Windows whose frequency tells the first target and whose amplitude tells the second."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, size=(N, 2))
    t = np.arange(160) / 256
    frequency = np.where(labels[:, :1], 30.0, 5.0)
    amplitude = np.where(labels[:, 1:], 2.0, 0.7)
    waves = amplitude * np.sin(2 * np.pi * (frequency * t + rng.random((N, 1))))
    return (waves + 0.1 * rng.normal(size=waves.shape)).astype("float32"), labels


def folds():
    order = np.random.default_rng(1).permutation(N)
    parts = np.array_split(order, 4)
    return [(np.concatenate([p for p in parts if p is not part]), part) for part in parts[:2]]


def fit(X, labels, folds, training=TRAINING, **kwargs):
    options = {"dropout": 0.2, "seed": 3, "jit_compile": False, **kwargs}
    return fit_supervised(X, labels, folds, ENCODER, HEAD, training, **options)


@pytest.fixture(scope="module")
def fitted(cohort):
    """Predictions of the first fold, the second, and the first again."""
    first, second = folds()
    return fit(*cohort, [first, second, first])


def test_it_learns_what_is_there(cohort, fitted):
    _, labels = cohort
    for (_, test), probabilities in zip(folds(), fitted, strict=False):
        assert probabilities.shape == (len(test), 2) and probabilities.dtype == np.float32
        assert probabilities.min() >= 0 and probabilities.max() <= 1
        correct = (probabilities > 0.5) == labels[test]
        assert correct.mean(axis=0).min() >= 0.9


def test_every_fold_starts_from_the_same_weights(fitted):
    assert np.array_equal(fitted[0], fitted[2])
    assert not np.array_equal(fitted[0], fitted[1])


def test_nothing_else_of_the_test_windows_matters(cohort, fitted):
    """Neither their labels nor their neighbours, nor the folds trained before."""
    X, labels = cohort
    train, test = folds()[1]
    X, labels = X.copy(), labels.copy()
    labels[test] = 1 - labels[test]
    X[test[3:]] *= 100
    probabilities = fit(X, labels, [(train, test)])[0]
    assert np.array_equal(probabilities[:3], fitted[1][:3])
    assert not np.allclose(probabilities[3:], fitted[1][3:], atol=1e-3)


def test_the_seed_decides_the_initial_weights(cohort, monkeypatch):
    monkeypatch.setattr(keras.Model, "train_on_batch", lambda *args, **kwargs: {"loss": 0.0})
    one, same, other = (fit(*cohort, folds()[:1], seed=seed)[0] for seed in (3, 3, 4))
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_the_order_of_the_windows_continues_over_the_epochs(cohort, monkeypatch):
    seen = []

    def record(self, X, y, **kwargs):
        seen.append((X, y))
        return {"loss": 0.0}

    monkeypatch.setattr(keras.Model, "train_on_batch", record)
    X, labels = cohort
    train, test = folds()[0]
    fit(X, labels, [(train, test)])
    order = train[window_stream(len(train), 0, 2400, 3)]
    assert np.array_equal(np.concatenate([x for x, _ in seen]), X[order])
    assert np.array_equal(np.concatenate([y for _, y in seen]), labels[order])


def test_divergence_is_an_error(cohort):
    steep = replace(TRAINING, learning_rate=1e30)
    with pytest.raises(DataError, match="fold 0: the network diverged"):
        fit(*cohort, folds()[:1], training=steep)


@pytest.mark.parametrize(
    "bad",
    [
        lambda y: y[:-1],
        lambda y: y[:, 0],
        lambda y: y + 1,
        lambda y: np.where(y == 1, np.nan, 0.0),
    ],
    ids=["too few", "one axis", "ratings", "missing"],
)
def test_unusable_labels_are_refused(cohort, bad):
    X, labels = cohort
    with pytest.raises(DataError, match="labels"):
        fit(X, bad(labels), folds())


def test_a_fold_smaller_than_a_batch_is_refused(cohort):
    train, test = folds()[0]
    with pytest.raises(DataError, match=r"15 training windows.*one batch of 16"):
        fit(*cohort, [(train, test), (train[:15], test)])
