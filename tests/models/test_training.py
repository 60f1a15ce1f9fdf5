"""Training by epochs: the order of the windows, the learning rate, and what is logged."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecglib.core.errors import DataError
from ecglib.models.training import (
    TrainingConfig,
    participant_stream,
    train_epoch,
    window_stream,
)

LENGTH, N_WINDOWS, SEED = 160, 40, 7


CONFIG = TrainingConfig(
    epochs=4,
    batch_windows=8,
    steps_per_epoch=6,
    learning_rate=1e-2,
    schedule="staircase",
    decay_rate=0.5,
    decay_steps=9,
)


def windows(n=N_WINDOWS, seed=0):
    return np.random.default_rng(seed).normal(size=(n, LENGTH)).astype("float32")


@settings(deadline=None)
@given(
    n=st.integers(1, 30),
    start=st.integers(0, 100),
    count=st.integers(1, 100),
    seed=st.integers(0, 2**32 - 1),
)
def test_window_stream_is_one_endless_sequence(n, start, count, seed):
    part = window_stream(n, start, count, seed)
    whole = window_stream(n, 0, start + count, seed)
    assert part.shape == (count,)
    assert np.array_equal(part, whole[start:])


@settings(deadline=None)
@given(n=st.integers(1, 40), number=st.integers(0, 20), seed=st.integers(0, 2**32 - 1))
def test_every_pass_of_the_window_stream_is_a_permutation(n, number, seed):
    order = window_stream(n, number * n, n, seed)
    assert np.array_equal(np.sort(order), np.arange(n))


def test_window_stream_changes_with_pass_and_seed():
    first, second = window_stream(100, 0, 200, 1).reshape(2, 100)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, window_stream(100, 0, 100, 2))


def test_batches_of_participants_hold_so_many_windows_of_each_and_are_one_endless_sequence():
    whose = np.repeat([10, 20, 30, 40, 50], [4, 5, 6, 7, 8])
    stream = participant_stream(whose, 0, 240, SEED, 4, 8)
    for batch in stream.reshape(-1, 8):
        people, counts = np.unique(whose[batch], return_counts=True)
        assert people.size == 2 and (counts == 4).all() and np.unique(batch).size == 8
    assert np.unique(stream).size == whose.size  # everyone has a turn, every window too
    for start, count in ((0, 8), (5, 60), (100, 40)):
        part = participant_stream(whose, start, count, SEED, 4, 8)
        np.testing.assert_array_equal(part, stream[start : start + count])
    assert not np.array_equal(stream, participant_stream(whose, 0, 240, SEED + 1, 4, 8))


def test_batches_of_participants_need_enough_of_both():
    whose = np.repeat([10, 20], [4, 3])
    with pytest.raises(DataError, match=r"participant 20: 3 windows.*4 or more"):
        participant_stream(whose, 0, 8, SEED, 4, 8)
    with pytest.raises(DataError, match=r"2 participants.*4 or more, for batches of 8"):
        participant_stream(whose, 0, 8, SEED, 2, 8)


def test_staircase():
    config = TrainingConfig(100, 128, None, 1e-3, "staircase", decay_rate=0.9, decay_steps=10_000)
    rate = config.rate(16_000)
    for step in (0, 9_999, 10_000, 25_000, 99_999):
        assert float(rate(step)) == pytest.approx(1e-3 * 0.9 ** (step // 10_000), rel=1e-5)


@pytest.mark.parametrize("warmup", [0, 5])
def test_warmup_then_half_a_cosine(warmup):
    config = TrainingConfig(10, 8, 5, 2e-3, "warmup_cosine", warmup_steps=warmup)
    rate = config.rate(N_WINDOWS)
    for step in range(51):
        if step < warmup:
            expected = 2e-3 * step / warmup
        else:
            expected = 1e-3 * (1 + np.cos(np.pi * (step - warmup) / (50 - warmup)))
        assert float(rate(step)) == pytest.approx(expected, abs=1e-9)


def test_steps_of_an_epoch():
    assert CONFIG.steps(1000) == 6
    assert replace(CONFIG, steps_per_epoch=None).steps(1000) == 125
    assert replace(CONFIG, steps_per_epoch=None).steps(1007) == 125


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schedule": "cosine"}, "schedule: unknown: 'cosine'"),
        ({"epochs": 0}, "epochs: 0"),
        ({"batch_windows": -1}, "batch_windows: -1"),
        ({"steps_per_epoch": 0}, "steps_per_epoch: 0"),
    ],
)
def test_an_impossible_configuration_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **change)


def test_the_logs_of_an_epoch_are_those_of_all_its_batches():
    """A model without weights to move: its loss is the mean of the windows it is shown."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.layers[0].kernel.assign([[1.0]])
    model.compile(keras.optimizers.SGD(0.0), loss="mae", metrics=["mae"])
    X = np.array([[1.0], [2.0], [6.0], [9.0]], "float32")
    logs = train_epoch(model, X, np.zeros((4, 1), "float32"), np.arange(4), 2)
    assert logs == pytest.approx({"loss": 4.5, "mae": 4.5})
