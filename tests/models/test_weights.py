import json
import os
from dataclasses import replace

import keras
import numpy as np
import pytest

from ecglib.core.artifacts import load_arrays, save_arrays
from ecglib.core.errors import DataError
from ecglib.models.encoder import EncoderConfig, build_encoder
from ecglib.models.weights import (
    FORMAT,
    arrays_to_weights,
    load_encoder,
    save_encoder,
    weights_to_arrays,
)

CONFIG = EncoderConfig(filters=(3, 4), kernels=(8, 4), pool_stride=8, batch_norm=True)
LENGTH = 640
ABOUT = {"data": "synthetic", "sampling rate": 256.0, "licence": "BSD-3-Clause"}


@pytest.fixture(scope="module")
def encoder():
    """All weights drawn at random, those of the batch normalisation too."""
    model = build_encoder(CONFIG, LENGTH, seed=1)
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in model.get_weights()])
    return model


@pytest.fixture
def path(encoder, tmp_path):
    path = tmp_path / "encoder.npz"
    save_encoder(path, encoder, CONFIG, ABOUT)
    return path


def rewrite(path, **changes):
    """Change the card in a file."""
    arrays = load_arrays(path)
    card = {**json.loads(str(arrays["card"])), **changes}
    save_arrays(path, {**arrays, "card": np.array(json.dumps(card))})


def test_an_encoder_comes_back_bit_for_bit(encoder, path):
    loaded, about = load_encoder(path)
    assert about == ABOUT
    ours, theirs = encoder.get_weights(), loaded.get_weights()
    assert len(ours) == 20
    assert [w.tobytes() for w in ours] == [w.tobytes() for w in theirs]
    assert [w.path for w in encoder.weights] == [w.path for w in loaded.weights]
    x = np.random.default_rng(1).normal(size=(5, LENGTH)).astype("float32")
    for training in (False, True):
        a, b = (keras.ops.convert_to_numpy(m(x, training=training)) for m in (encoder, loaded))
        assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
@pytest.mark.parametrize("pool_stride", [2, 8])
def test_the_file_tells_how_to_build_the_encoder(tmp_path, activation, pool_stride):
    config = replace(CONFIG, activation=activation, pool_stride=pool_stride, batch_norm=False)
    encoder = build_encoder(config, 320, seed=3)
    save_encoder(str(tmp_path / "e.npz"), encoder, config)
    loaded, about = load_encoder(str(tmp_path / "e.npz"))
    assert about == {} and loaded.input_shape == (None, 320)
    x = np.random.default_rng(1).normal(size=(2, 320)).astype("float32")
    np.testing.assert_array_equal(encoder(x), loaded(x))


@pytest.mark.parametrize(
    "config",
    [
        replace(CONFIG, batch_norm=False),
        replace(CONFIG, kernels=(8, 8)),
        replace(CONFIG, filters=(3, 5)),
    ],
)
def test_settings_of_another_encoder_are_not_written(encoder, tmp_path, config):
    with pytest.raises(DataError, match="build the model with the settings"):
        save_encoder(tmp_path / "e.npz", encoder, config)
    assert os.listdir(tmp_path) == []


def test_weights_of_another_encoder_are_refused(path):
    config = json.loads(str(load_arrays(path)["card"]))["config"]
    rewrite(path, config={**config, "filters": [3, 5]})
    with pytest.raises(DataError, match=r"encoder\.npz: is not a saved encoder.*shape"):
        load_encoder(path)
    rewrite(path, config={**config, "activation": "gelu"})
    with pytest.raises(DataError, match=r"encoder\.npz.*'gelu'"):
        load_encoder(path)
    rewrite(path, config={**config, "new": 1})
    with pytest.raises(DataError, match=r"encoder\.npz.*new"):
        load_encoder(path)
    rewrite(path, config="small")
    with pytest.raises(DataError, match=r"encoder\.npz"):
        load_encoder(path)


def test_missing_weights_are_refused(path):
    arrays = load_arrays(path)
    key = next(name for name in arrays if name.endswith("moving_variance"))
    del arrays[key]
    save_arrays(path, arrays)
    with pytest.raises(DataError, match=r"encoder\.npz.*moving_variance"):
        load_encoder(path)


@pytest.mark.parametrize(
    "card",
    [
        [1, 2],
        "text",
        {},
        {"format": FORMAT},
        {"format": "ecglib encoder 99"},
        {"format": FORMAT, "config": {}, "length": "long", "about": {}},
        {"format": FORMAT, "config": {}, "length": None, "about": {}},
        {"format": FORMAT, "config": {}, "length": float("inf"), "about": {}},
        {"format": FORMAT, "config": {"pool_stride": 0}, "length": LENGTH, "about": {}},
    ],
)
def test_another_card_is_refused(path, card):
    arrays = load_arrays(path)
    save_arrays(path, {**arrays, "card": np.array(json.dumps(card))})
    with pytest.raises(DataError, match=r"encoder\.npz.*is not a saved encoder"):
        load_encoder(path)


def test_a_card_that_nests_without_end_is_refused(path):
    save_arrays(path, {**load_arrays(path), "card": np.array("[" * 100_000)})
    with pytest.raises(DataError, match=r"encoder\.npz.*is not a saved encoder"):
        load_encoder(path)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda w: np.where(np.arange(w.size).reshape(w.shape) == 1, np.nan, w), "1 of"),
        (lambda w: np.full_like(w, np.inf), "not finite"),
        (lambda w: w.astype(int), "int64 of shape"),
        (lambda w: w.astype(complex), "complex128 of shape"),
        (lambda w: w.astype(str), "of shape"),
    ],
)
def test_weights_that_are_no_finite_numbers_are_refused_by_name(path, spoil, told):
    arrays = load_arrays(path)
    key = next(name for name in arrays if name.endswith("kernel"))
    save_arrays(path, {**arrays, key: spoil(arrays[key])})
    with pytest.raises(DataError, match=rf"encoder\.npz.*{key}.*{told}"):
        load_encoder(path)


def test_damaged_and_foreign_files_are_refused(path, tmp_path):
    whole = path.read_bytes()
    for content in (b"", b"PK", whole[:-100], whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"encoder\.npz"):
            load_encoder(path)
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    with pytest.raises(DataError, match=r"encoder\.npz"):
        load_encoder(path)
    np.savez(path, features=np.zeros(3))
    with pytest.raises(DataError, match=r"encoder\.npz"):
        load_encoder(path)
    with pytest.raises(DataError, match=r"absent\.npz"):
        load_encoder(tmp_path / "absent.npz")


def test_nothing_in_a_file_is_executed(path, tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    arrays = load_arrays(path)
    trap = np.array([Trap()], dtype=object)
    for name in ("card", next(iter(set(arrays) - {"card"})), "more"):
        np.savez(path, **{**arrays, name: trap}, allow_pickle=True)
        with pytest.raises(DataError, match=r"encoder\.npz"):
            load_encoder(path)
    assert os.listdir(tmp_path) == ["encoder.npz"]


def test_arrays_of_several_models_lie_side_by_side(encoder):
    other = build_encoder(CONFIG, LENGTH, seed=2)
    arrays = {**weights_to_arrays(encoder, "a"), **weights_to_arrays(other, "b")}
    assert len(arrays) == 40 and all(name[:2] in ("a/", "b/") for name in arrays)
    blank = build_encoder(CONFIG, LENGTH, seed=3)
    arrays_to_weights(blank, arrays, "b")
    for ours, theirs in zip(blank.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(DataError, match=r"field c/.*no such weights"):
        arrays_to_weights(blank, arrays, "c")
