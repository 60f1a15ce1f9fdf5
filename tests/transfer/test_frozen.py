import doctest

import keras
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ecglib.core.errors import DataError
from ecglib.transfer import frozen
from ecglib.transfer.frozen import HeadConfig

SMALL = HeadConfig(hidden=(16, 8), epochs=4, batch_size=32)


def problem(
    n: int = 150, d: int = 10, m: int = 3, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features on unequal scales, labels that depend on them, and a test fold per head."""
    rng = np.random.default_rng(seed)
    x = (rng.normal(size=(n, d)) * rng.uniform(0.5, 5, d) + rng.normal(size=d)).astype("float32")
    y = (x[:, :m].T + rng.normal(size=(m, n)) > x[:, :m].mean(axis=0)[:, None]).astype("int8")
    mask = np.arange(n) % 5 != np.arange(m)[:, None]
    return x, y, mask


def weights_of(model: frozen.StackedHeads, head: int) -> list[np.ndarray]:
    return [keras.ops.convert_to_numpy(w)[head] for w in model.weights if len(w.shape) == 3]


def test_examples_in_docstrings() -> None:
    assert doctest.testmod(frozen).failed == 0


def test_published_head_values() -> None:
    head = frozen.RELEASED_HEAD
    assert (head.hidden, head.dropout, head.l2) == ((512, 512, 512), 0.2, 1e-4)
    assert (head.epochs, head.batch_size, head.learning_rate) == (200, 128, 1e-3)
    assert HeadConfig().hidden == (64, 64)


def test_shapes_and_parameter_count() -> None:
    model = frozen.StackedHeads(np.zeros((5, 128)), np.ones((5, 128)), HeadConfig(), seed=0)
    per_head = (128 * 64 + 64) + (64 * 64 + 64) + (64 + 1)
    assert sum(w.shape.num_elements() for w in model.trainable_weights) == 5 * per_head
    assert tuple(model(np.zeros((7, 128), "float32")).shape) == (7, 5)


def test_every_head_has_its_own_glorot_draw() -> None:
    layer = frozen.StackedDense(64, seed=3)
    layer.build((20, None, 128))
    kernel = keras.ops.convert_to_numpy(layer.kernel)
    limit = np.sqrt(6 / (128 + 64))
    assert np.abs(kernel).max() <= limit
    np.testing.assert_allclose(kernel.std(axis=(1, 2)), limit / np.sqrt(3), rtol=0.03)
    assert not np.array_equal(kernel[0], kernel[1])


def test_test_windows_change_nothing_in_their_folds_head() -> None:
    x, y, mask = problem()
    config = HeadConfig(hidden=(16, 8), epochs=4, batch_size=32, dropout=0.3, l2=1e-3)
    changed_x, changed_y = x.copy(), y.copy()
    test = ~mask[1]
    changed_x[test] = 50 - 30 * changed_x[test]
    changed_y[1, test] = 1 - changed_y[1, test]

    before = frozen.train_heads(x, y, mask, config, seed=5)
    after = frozen.train_heads(changed_x, changed_y, mask, config, seed=5)
    for one, other in zip(weights_of(before, 1), weights_of(after, 1), strict=True):
        np.testing.assert_array_equal(one, other)
    # The same windows train the other heads, so those must differ: the check above can fail.
    assert not np.array_equal(weights_of(before, 0)[2], weights_of(after, 0)[2])

    train = x[mask[1]]
    outputs = [keras.ops.convert_to_numpy(model(train)) for model in (before, after)]
    np.testing.assert_array_equal(outputs[0][:, 1], outputs[1][:, 1])


def test_heads_do_not_touch_each_other() -> None:
    x, y, mask = problem()
    flipped = y.copy()
    flipped[0] = 1 - flipped[0]
    one, other = (frozen.train_heads(x, labels, mask, SMALL, seed=0) for labels in (y, flipped))
    for head in (1, 2):
        for a, b in zip(weights_of(one, head), weights_of(other, head), strict=True):
            np.testing.assert_array_equal(a, b)


def test_stack_of_one_equals_plain_dense_layers() -> None:
    l2 = 0.01
    x, y, _ = problem(n=128, m=1)
    mask = np.ones((1, 128), dtype=bool)
    config = HeadConfig(hidden=(16, 8), epochs=5, batch_size=32, l2=l2)
    scaled = ((x - x.mean(axis=0)) / x.std(axis=0)).astype("float32")

    regularizer = keras.regularizers.L2(l2)
    plain = keras.Sequential(
        [
            keras.Input((x.shape[1],)),
            keras.layers.Dense(16, activation="relu", kernel_regularizer=regularizer),
            keras.layers.Dense(8, activation="relu", kernel_regularizer=regularizer),
            keras.layers.Dense(1),
        ]
    )
    start = frozen.StackedHeads(np.zeros((1, 10)), np.ones((1, 10)), config, seed=2)
    for layer, stacked in zip(plain.layers, [*start.hidden, start.out], strict=True):
        layer.kernel.assign(stacked.kernel[0])
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    plain.compile(keras.optimizers.Adam(config.learning_rate), loss)
    ones = np.ones((128, 1), "float32")
    labels = y.T.astype("float32")
    for batch in frozen.shuffled_batches(scaled, labels, ones, batch_size=32, epochs=5, seed=2):
        plain.train_on_batch(*batch)
    expected = 1 / (1 + np.exp(-plain.predict(scaled, verbose=0)))

    got = frozen.fit_heads(x, y, mask, config, seed=2)
    np.testing.assert_allclose(got[0], expected[:, 0], atol=1e-4)


def test_standardisation_uses_training_windows_only() -> None:
    x, _, mask = problem()
    x[:, 4] = 7.0
    x[~mask[0], 4] = 1e6
    mean, scale = frozen._standardisation(x, mask)
    train = x[mask[0]].astype(float)
    np.testing.assert_allclose(mean[0], train.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(np.delete(scale[0], 4), np.delete(train.std(axis=0), 4), rtol=1e-6)
    assert scale[0, 4] == 1.0


def test_last_batch_is_filled_with_weightless_windows() -> None:
    x, y, mask = problem(n=70)
    x[:, 0] = np.arange(70)
    weights = mask.T.astype("float32")
    batches = list(frozen.shuffled_batches(x, y.T, weights, batch_size=32, epochs=2, seed=0))
    assert [len(features) for features, _, _ in batches] == [32] * 6
    orders = []
    for epoch in (batches[:3], batches[3:]):
        assert (epoch[2][2][6:] == 0).all()
        features, _, weight = (np.concatenate(parts)[:70] for parts in zip(*epoch, strict=True))
        orders.append(features[:, 0].astype(int))
        np.testing.assert_array_equal(np.sort(orders[-1]), np.arange(70))
        np.testing.assert_array_equal(weight, weights[orders[-1]])
    assert not np.array_equal(*orders)


def test_heads_of_one_call_drop_the_same_units() -> None:
    config = HeadConfig(hidden=(16,), dropout=0.5)
    model = frozen.StackedHeads(np.zeros((3, 10)), np.ones((3, 10)), config, seed=0)
    dropped = (
        keras.ops.convert_to_numpy(model.drop[0](np.ones((3, 40, 16), "float32"), training=True))
        == 0
    )
    assert 0.4 < dropped.mean() < 0.6
    assert (dropped == dropped[:1]).all() and not (dropped == dropped[:, :1]).all()


def test_balanced_weights_come_from_training_windows() -> None:
    labels = np.array([[1, 0, 0, 0, 1, 1]])
    mask = np.array([[True, True, True, True, False, False]])
    weights = frozen._weights(labels, mask, balanced=True)
    np.testing.assert_allclose(weights, [[2, 2 / 3, 2 / 3, 2 / 3, 0, 0]], rtol=1e-6)


def test_planted_signal_is_found_and_noise_is_not() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 8)).astype("float32")
    signal = x[:, 0] + 0.5 * rng.normal(size=400) > 0
    y = np.stack([signal, rng.permutation(signal)]).astype("int8")
    test = np.arange(400) >= 250
    config = HeadConfig(hidden=(16, 16), epochs=10, learning_rate=0.01)
    p = frozen.fit_heads(x, y, np.tile(~test, (2, 1)), config, seed=0)
    assert roc_auc_score(y[0, test], p[0, test]) > 0.9
    assert 0.35 < roc_auc_score(y[1, test], p[1, test]) < 0.65


def test_seed_decides_the_result() -> None:
    x, y, mask = problem()
    one, again = (frozen.fit_heads(x, y, mask, SMALL, seed=s) for s in (1, 1))
    np.testing.assert_array_equal(one, again)
    start, other = (
        frozen.StackedHeads(np.zeros((3, 10)), np.ones((3, 10)), SMALL, seed=s) for s in (1, 2)
    )
    assert not np.array_equal(weights_of(start, 0)[2], weights_of(other, 0)[2])


def test_refusals() -> None:
    x, y, mask = problem()
    bad = x.copy()
    bad[3, 2] = np.nan
    with pytest.raises(DataError, match="1 values not finite"):
        frozen.fit_heads(bad, y, mask, SMALL, seed=0)
    with pytest.raises(DataError, match="shape"):
        frozen.fit_heads(x, y[:, :-1], mask, SMALL, seed=0)
    with pytest.raises(DataError, match="boolean"):
        frozen.fit_heads(x, y, mask.astype(int), SMALL, seed=0)
    with pytest.raises(DataError, match="other than 0 and 1"):
        frozen.fit_heads(x, y + 1, mask, SMALL, seed=0)
    y[2] = mask[2]
    with pytest.raises(DataError, match=r"head 2: its 120 training windows are of 1 class"):
        frozen.fit_heads(x, y, mask, SMALL, seed=0)
