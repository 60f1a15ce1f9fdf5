import builtins
import shutil

import keras
import numpy as np
import pytest

from ecglib.core.errors import DataError
from ecglib.models.weights import load_encoder, save_encoder
from ecglib.pretext.released_weights import (
    RELEASED_CARD,
    RELEASED_ENCODER,
    read_released_checkpoint,
)
from tests.models.numpy_encoder import activated, features_by_hand, random_layers

tf = pytest.importorskip("tensorflow")

SLOPE = 0.2  # what tf.nn.leaky_relu of the released code has by default
PADS = [(15, 16)] * 2 + [(7, 8)] * 2 + [(3, 4)] * 2
NAME = "SSL_model.ckpt"


def variables(seed=0):
    """Give all weights of the released graph, by the names in its checkpoint's index."""
    rng = np.random.default_rng(seed)
    named = {}
    for n, (kernel, bias) in enumerate(random_layers(seed), 1):
        named |= {f"conv_layer_{n}/kernel": kernel, f"conv_layer_{n}/bias": bias}
    for task in range(7):
        for layer, units in (("_dense_1", 128), ("_dense_2", 128), ("", 1)):
            kernel = rng.normal(scale=128**-0.5, size=(128, units)).astype("float32")
            named[f"task_{task}{layer}/kernel"] = kernel
            named[f"task_{task}{layer}/bias"] = rng.normal(scale=0.1, size=units).astype("float32")
    return named


def of_training(named):
    """Give what the optimiser of the released code keeps beside the weights."""
    slots = {
        f"{n}/{slot}": np.zeros_like(a) for n, a in named.items() for slot in ("Adam", "Adam_1")
    }
    powers = {"beta1_power": np.float32(0.9), "beta2_power": np.float32(0.999)}
    return {**slots, **powers, "steps": np.float32(70_000)}


def write(folder, named):
    """Write a checkpoint as TensorFlow 1 does: variables of a graph, saved in a session."""
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        made = []
        for name, value in named.items():
            held = v1.placeholder(value.dtype, value.shape)
            made.append((v1.Variable(held, name=name, use_resource=False), held, value))
        session.run([v.initializer for v, _, _ in made], {held: a for _, held, a in made})
        v1.train.Saver([v for v, _, _ in made]).save(session, str(folder / NAME))
    return folder / NAME


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    named = variables()
    return write(tmp_path_factory.mktemp("released"), {**named, **of_training(named)})


@pytest.fixture
def path(written, tmp_path):
    """A copy that may be spoilt."""
    folder = tmp_path / "saved_model"
    shutil.copytree(written.parent, folder)
    return folder / NAME


def shard(path):
    return path.with_name(f"{NAME}.data-00000-of-00001")


def index(path):
    return path.with_name(f"{NAME}.index")


def test_features_and_logits_are_those_of_the_released_graph(written):
    encoder, heads = read_released_checkpoint(written)
    windows = np.random.default_rng(1).normal(size=(2, 2560)).astype("float32")
    named = variables()
    layers = [tuple(named[f"conv_layer_{n}/{k}"] for k in ("kernel", "bias")) for n in range(1, 7)]
    features = features_by_hand(windows, layers, PADS, SLOPE)
    logits = np.empty((2, 7))
    for task in range(7):
        x = features
        for layer in ("_dense_1", "_dense_2"):
            kernel, bias = (named[f"task_{task}{layer}/{k}"] for k in ("kernel", "bias"))
            x = activated(np.array([[row @ w for w in kernel.T] for row in x]) + bias, SLOPE)
        logits[:, task] = x @ named[f"task_{task}/kernel"][:, 0] + named[f"task_{task}/bias"]
    found = keras.ops.convert_to_numpy(encoder(windows))
    np.testing.assert_allclose(found, features, rtol=0, atol=1e-5)
    answers = keras.ops.convert_to_numpy(heads(found))
    np.testing.assert_allclose(answers, logits, rtol=0, atol=1e-5)
    assert np.abs(features).max() > 1 and logits.std() > 0.1
    assert encoder.count_params() + heads.count_params() == 561_223


@pytest.mark.parametrize(
    "given", [NAME, f"{NAME}.index", f"{NAME}.data-00000-of-00001", f"{NAME}.meta", "."]
)
def test_a_checkpoint_is_found_by_any_of_its_names(path, given):
    encoder, _ = read_released_checkpoint(str(path.parent / given))
    kernel = encoder.get_layer("conv_layer_6").get_weights()[0]
    np.testing.assert_array_equal(kernel, variables()["conv_layer_6/kernel"])


@pytest.mark.parametrize("was", ["/home/somebody/models/", "C:\\\\models\\\\", "../", ""])
def test_a_folder_is_read_wherever_it_lay_before(path, was):
    line = f'model_checkpoint_path: "{was}{NAME}"\n'
    (path.parent / "checkpoint").write_text(line + 'all_model_checkpoint_paths: "other.ckpt"\n')
    encoder, heads = read_released_checkpoint(path.parent)
    assert encoder.output_shape == (None, 128) and heads.output_shape == (None, 7)


def test_it_travels_on_as_a_saved_encoder(written, tmp_path):
    encoder, _ = read_released_checkpoint(written)
    save_encoder(tmp_path / "released.npz", encoder, RELEASED_ENCODER, RELEASED_CARD)
    loaded, card = load_encoder(tmp_path / "released.npz")
    assert card.network == RELEASED_ENCODER and card.licence == "CC-BY-NC-4.0"
    assert card.versions == {"tensorflow": "1.14"}  # of whoever trained it, not of who read it
    for ours, theirs in zip(loaded.get_weights(), encoder.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda n: n.pop("conv_layer_4/bias"), "field conv_layer_4/bias: no such weights"),
        (lambda n: n.pop("task_6/kernel"), "field task_6/kernel: no such weights"),
        (
            lambda n: n.update({"conv_layer_3/kernel": np.zeros((32, 16, 64), "f4")}),
            r"field conv_layer_3/kernel: shape \(32, 16, 64\).*shape \(16, 32, 64\)",
        ),
        (
            lambda n: n["task_2_dense_1/kernel"].fill(np.nan),
            "field task_2_dense_1/kernel: 16384 of",
        ),
        (
            lambda n: n.update({"conv_layer_1/bias": np.zeros(32, "i4")}),
            "field conv_layer_1/bias: int32",
        ),
        (
            lambda n: n.update({"gamma": np.zeros(3, "f4")}),
            "field gamma: weights that this network",
        ),
    ],
)
def test_weights_that_do_not_fit_are_refused_by_name(tmp_path, change, told):
    named = variables()
    change(named)
    path = write(tmp_path, named)
    with pytest.raises(DataError, match=rf"SSL_model\.ckpt, {told}"):
        read_released_checkpoint(path)


def test_missing_files_are_named(path, tmp_path):
    with pytest.raises(DataError, match=r"none\.ckpt\.index: cannot be opened"):
        read_released_checkpoint(tmp_path / "none.ckpt")
    with pytest.raises(DataError, match=r"/checkpoint: names no checkpoint.*SSL_model\.ckpt"):
        read_released_checkpoint(tmp_path)
    (tmp_path / "checkpoint").write_text("something else")
    with pytest.raises(DataError, match=r"/checkpoint: names no checkpoint"):
        read_released_checkpoint(tmp_path)
    shard(path).unlink()
    with pytest.raises(DataError, match=r"data-00000-of-00001: no such file.*in one folder"):
        read_released_checkpoint(path)


def test_files_that_are_something_else_are_told(path):
    whole = index(path).read_bytes()
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 6737896\n"
    for content, told in (
        (pointer, "Git LFS pointer"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5"),
        (b"", "an empty file"),
        (np.random.default_rng(0).bytes(3000), "unknown kind"),
        (whole[:-9], "unknown kind"),
    ):
        index(path).write_bytes(content)
        with pytest.raises(DataError, match=rf"ckpt\.index: is no checkpoint .*{told}"):
            read_released_checkpoint(path)
    index(path).write_bytes(whole)
    for content, told in ((pointer, "Git LFS pointer"), (b"", "an empty file")):
        shard(path).write_bytes(content)
        with pytest.raises(DataError, match=rf"data-00000-of-00001: holds no weights.*{told}"):
            read_released_checkpoint(path)


def test_damaged_files_are_refused(tmp_path):
    path = write(tmp_path, variables())
    whole, table = shard(path).read_bytes(), index(path).read_bytes()
    other = whole[:999] + bytes([whole[999] ^ 1]) + whole[1000:]
    for content in (whole[:9], whole[: len(whole) // 2], whole[:-1], bytes(len(whole)), other):
        shard(path).write_bytes(content)
        with pytest.raises(DataError, match=r"SSL_model\.ckpt.*TensorFlow cannot read it"):
            read_released_checkpoint(path)
    shard(path).write_bytes(whole)
    for content in (table[-200:], table[:100] + b"\1\2\3" + table[103:]):
        index(path).write_bytes(content)
        with pytest.raises(DataError, match=r"SSL_model\.ckpt: TensorFlow cannot read it"):
            read_released_checkpoint(path)


def test_without_tensorflow_the_message_says_what_to_install(written, monkeypatch):
    known = builtins.__import__

    def without(name, *rest, **more):
        if name == "tensorflow":
            raise ModuleNotFoundError("No module named 'tensorflow'")
        return known(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"pip install 'ssl-ecg-emotion-book\[tensorflow\]'"):
        read_released_checkpoint(written)
