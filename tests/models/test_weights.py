import json
import os
import pickle
from dataclasses import replace

import keras
import numpy as np
import pytest

from ecglib.core.artifacts import load_arrays, save_arrays
from ecglib.core.errors import DataError
from ecglib.models.card import Preprocessing
from ecglib.models.encoder import EncoderConfig, build_encoder
from ecglib.models.weights import (
    FORMAT,
    arrays_to_weights,
    encoder_shapes,
    load_encoder,
    save_encoder,
    weights_to_arrays,
)
from tests.models.cards import make_card

CONFIG = EncoderConfig(filters=(3, 4), kernels=(8, 4), pool_stride=8, batch_norm=True)
LENGTH = 640
CARD = make_card(LENGTH)


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
    save_encoder(path, encoder, CONFIG, CARD)
    return path


def rewrite(path, **changes):
    """Change the card in a file."""
    arrays = load_arrays(path)
    card = {**json.loads(str(arrays["card"])), **changes}
    save_arrays(path, {**arrays, "card": np.array(json.dumps(card))})


def test_an_encoder_comes_back_bit_for_bit(encoder, path):
    loaded, card = load_encoder(path)
    assert card == replace(CARD, network=CONFIG)
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
    save_encoder(str(tmp_path / "e.npz"), encoder, config, make_card(320))
    loaded, card = load_encoder(str(tmp_path / "e.npz"))
    assert card.network == config and loaded.input_shape == (None, 320)
    x = np.random.default_rng(1).normal(size=(2, 320)).astype("float32")
    np.testing.assert_array_equal(encoder(x), loaded(x))


@pytest.mark.parametrize(
    "config",
    [
        EncoderConfig(),
        CONFIG,
        replace(CONFIG, batch_norm=False),
        EncoderConfig(filters=(2,), kernels=(5,), batch_norm=True, convolution="spectral"),
    ],
)
def test_shapes_are_known_before_anything_is_built(config):
    built = {v.path: tuple(v.shape) for v in build_encoder(config, LENGTH).weights}
    assert encoder_shapes(config) == built


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (replace(CONFIG, batch_norm=False), "encoder/conv_layer_1/bias: no such weights"),
        (replace(CONFIG, kernels=(8, 8)), "encoder/conv_layer_3/kernel: shape"),
        (replace(CONFIG, filters=(3, 5)), "encoder/conv_layer_3/kernel: shape"),
        (replace(CONFIG, filters=(3,), kernels=(8,)), "weights that this network does not have"),
        # No weight shows these.
        (replace(CONFIG, activation="leaky_relu"), "field config: .*other features"),
        (replace(CONFIG, pool_stride=2), "field config: .*other features"),
        (replace(CONFIG, pool_size=4), "field config: .*other features"),
    ],
)
def test_settings_of_another_encoder_are_not_written(encoder, tmp_path, config, told):
    with pytest.raises(DataError, match=told):
        save_encoder(tmp_path / "e.npz", encoder, config, CARD)
    assert os.listdir(tmp_path) == []


def test_the_card_of_another_encoder_is_not_written(encoder, tmp_path):
    card = replace(CARD, preprocessing=Preprocessing(128.0, 10.0, 0.8, "z-score"))
    with pytest.raises(DataError, match=r"length_s: 1280 samples at 128 Hz. Expected 640 samples"):
        save_encoder(tmp_path / "e.npz", encoder, CONFIG, card)
    assert os.listdir(tmp_path) == []


def test_weights_that_are_not_finite_are_not_written(tmp_path):
    encoder = build_encoder(CONFIG, LENGTH)
    encoder.set_weights([np.full(w.shape, np.nan) for w in encoder.get_weights()])
    with pytest.raises(DataError, match="not finite"):
        save_encoder(tmp_path / "e.npz", encoder, CONFIG, CARD)
    assert os.listdir(tmp_path) == []


def test_other_computing_is_no_other_encoder(tmp_path):
    config = replace(CONFIG, batch_norm=False)
    encoder = build_encoder(config, LENGTH, seed=5)
    save_encoder(tmp_path / "e.npz", encoder, replace(config, convolution="spectral"), CARD)
    x = np.random.default_rng(1).normal(size=(2, LENGTH)).astype("float32")
    loaded, _ = load_encoder(tmp_path / "e.npz")
    np.testing.assert_allclose(loaded(x), encoder(x), rtol=1e-4, atol=1e-5)


def change_network(path, **changes):
    network = json.loads(str(load_arrays(path)["card"]))["network"]
    rewrite(path, network={**network, **changes})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"filters": [3, 5]}, r"encoder/conv_layer_3/kernel: shape \(4, 3, 4\).*\(4, 3, 5\)"),
        ({"filters": [10**8, 10**8]}, "encoder/conv_layer_1/kernel: shape"),
        ({"kernels": [10**8, 10**8]}, "encoder/conv_layer_1/kernel: shape"),
        ({"filters": [3], "kernels": [8]}, "weights that this network does not have"),
        ({"activation": "gelu"}, "'gelu'"),
        ({"pool_stride": 0}, "pool_stride"),
        ({"pool_size": 10**6}, "cannot be built"),
        ({"new": 1}, "field network.new"),
        ({"slope": "steep"}, "field network.slope"),
    ],
)
def test_a_network_that_does_not_fit_the_weights_is_refused_by_name(path, changes, told):
    change_network(path, **changes)
    with pytest.raises(DataError, match=rf"encoder\.npz.*{told}"):
        load_encoder(path)


def test_missing_weights_are_refused(path):
    arrays = load_arrays(path)
    key = next(name for name in arrays if name.endswith("moving_variance"))
    del arrays[key]
    save_arrays(path, arrays)
    with pytest.raises(DataError, match=r"encoder\.npz.*moving_variance"):
        load_encoder(path)


@pytest.mark.parametrize(
    ("card", "told"),
    [
        ([1, 2], "is not a saved encoder: its card cannot be read"),
        ("text", "is not a saved encoder: its card cannot be read"),
        ({}, "is not a saved encoder: its card cannot be read"),
        ({"format": "ecglib encoder 1"}, "its format is 'ecglib encoder 1'.*'ecglib encoder 2'"),
        ({"format": "ecglib encoder 99"}, "its format is 'ecglib encoder 99'"),
        ({"format": 7}, "its format is '7'"),
        ({"format": FORMAT}, "field card.name: is missing"),
    ],
)
def test_another_card_is_refused(path, card, told):
    arrays = load_arrays(path)
    save_arrays(path, {**arrays, "card": np.array(json.dumps(card))})
    with pytest.raises(DataError, match=rf"encoder\.npz.*{told}"):
        load_encoder(path)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"network": None}, "does not describe the network"),
        ({"more": 1}, "field card.more: is unknown"),
        ({"licence": ""}, "field licence"),
        ({"training": {"loss": float("nan")}}, "field training"),
        ({"recognition": {"auc": {"a": 2}, "people": "x"}}, "field recognition.auc.a: 2"),
        ({"preprocessing": "as ever"}, "field preprocessing"),
    ],
)
def test_a_card_of_other_values_is_refused_by_name(path, changes, told):
    rewrite(path, **changes)
    with pytest.raises(DataError, match=rf"encoder\.npz.*{told}"):
        load_encoder(path)


def test_weights_that_nothing_asks_for_are_refused(path):
    save_arrays(path, {**load_arrays(path), "encoder/more": np.zeros(3)})
    with pytest.raises(DataError, match=r"encoder\.npz, field encoder/more: weights that this"):
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
        (lambda w: np.full(w.shape, 1e300), "not finite"),
        (lambda w: w.astype(int), "int64"),
        (lambda w: w.astype(complex), "complex128"),
        (lambda w: w.astype(str), "<U"),
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


def test_a_compressed_archive_which_could_grow_without_end_is_refused(path):
    arrays = load_arrays(path)
    np.savez_compressed(path, **arrays)
    with pytest.raises(DataError, match=r"encoder\.npz.*is compressed"):
        load_encoder(path)


def test_files_of_other_makers_are_told_apart(encoder, path, tmp_path):
    encoder.save_weights(tmp_path / "e.weights.h5")
    encoder.save(tmp_path / "e.keras")
    for name, told in (("e.weights.h5", "HDF5 file, such as Keras"), ("e.keras", "Keras file")):
        # Whatever it is called.
        (tmp_path / name).rename(path)
        with pytest.raises(DataError, match=rf"encoder\.npz: .*{told}.*To fix it: .*save_encoder"):
            load_encoder(path)
    path.write_bytes(pickle.dumps({"weights": 1}))
    with pytest.raises(DataError, match="a Python pickle, which can run any code"):
        load_encoder(path)


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
