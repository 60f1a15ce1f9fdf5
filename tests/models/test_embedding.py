import os
import subprocess
import sys
import weakref
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

from ecglib.core import progress
from ecglib.core.errors import DataError
from ecglib.models import embedding
from ecglib.models.embedding import DEFAULT, embed, encoders, find_encoder
from ecglib.models.encoder import EncoderConfig, build_encoder
from ecglib.models.weights import save_encoder
from ecglib.preprocessing.windows import Windows
from tests.models.cards import make_card

TINY = EncoderConfig(filters=(3, 4), kernels=(8, 4))
LENGTH = 100


@pytest.fixture(scope="module")
def encoder():
    return build_encoder(TINY, LENGTH, seed=1)


@pytest.fixture
def shipped(encoder, tmp_path, monkeypatch):
    """A package with two encoders."""
    monkeypatch.setattr(embedding, "SHIPPED", tmp_path)
    save_encoder(tmp_path / f"{DEFAULT}.npz", encoder, TINY, make_card(LENGTH))
    save_encoder(
        tmp_path / "another.npz", build_encoder(TINY, LENGTH, seed=2), TINY, make_card(LENGTH)
    )
    (tmp_path / "README.md").write_text("no encoder")
    return tmp_path


def windows(n):
    return np.random.default_rng(0).normal(size=(n, LENGTH)).astype("float32")


def expected(encoder, X):
    return keras.ops.convert_to_numpy(encoder(X))


def close(features, wanted):
    np.testing.assert_allclose(features, wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_features_come_in_the_order_of_the_windows(encoder, batch_size):
    X = windows(7)
    features = embed(X, encoder, batch_size=batch_size)
    assert features.shape == (7, 4) and features.dtype == np.float32
    close(features, expected(encoder, X))


@pytest.mark.parametrize("kind", [">f8", "<f2", "i2"])
def test_windows_of_other_types_are_taken(encoder, kind):
    X = (10 * windows(3)).astype(kind)
    close(embed(X, encoder), expected(encoder, X.astype("float32")))


def test_windows_may_lie_in_a_file_or_come_in_parts(encoder, tmp_path):
    X = windows(9)
    wanted = embed(X, encoder)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    np.testing.assert_array_equal(embed(mapped, encoder, batch_size=2), wanted)
    parts = [X[:4], X[4:4], X[4:]]
    np.testing.assert_array_equal(embed(parts, encoder), wanted)
    np.testing.assert_array_equal(embed((part for part in parts), encoder), wanted)

    class Windows:  # as `ecglib.preprocessing.windows.Windows`, which models do not know
        def __init__(self, X):
            self.X = X

    np.testing.assert_array_equal(embed(Windows(X), encoder), wanted)


def test_parts_are_not_kept(encoder):
    alive = []

    def parts():
        for _ in range(6):
            X = windows(2)
            alive.append(weakref.ref(X))
            yield X
            del X
            assert sum(ref() is not None for ref in alive) <= 1

    assert embed(parts(), encoder).shape == (12, 4)


def test_progress_counts_what_has_a_length(encoder, monkeypatch):
    lines = []
    monkeypatch.setenv(progress.VARIABLE, "somewhere")
    monkeypatch.setattr(progress, "EVERY_S", 0)
    monkeypatch.setattr(progress, "_write", lambda file, line: lines.append(line))
    embed(windows(5), encoder, batch_size=2)
    assert lines == [*(f"embedding: batch {i} of 3" for i in (1, 2, 3)), ""]
    lines.clear()
    embed(windows(5), encoder, progress=False)
    embed(iter([windows(5)]), encoder)
    assert lines == []


@pytest.mark.parametrize("X", [np.zeros((3, LENGTH - 1)), np.zeros(LENGTH), [np.zeros(LENGTH)]])
def test_windows_of_another_shape_are_refused(encoder, X):
    with pytest.raises(DataError, match=r"this encoder takes \(n_windows, 100\)"):
        embed(X, encoder)


@pytest.mark.parametrize("X", [np.zeros((0, LENGTH)), [], iter(())])
def test_no_windows_are_refused(encoder, X):
    with pytest.raises(DataError, match="no windows to embed"):
        embed(X, encoder)


@pytest.mark.parametrize("kind", [complex, bool, str, object])
def test_windows_that_are_no_real_numbers_are_refused(encoder, kind):
    with pytest.raises(DataError, match=r"windows of .*Expected real numbers"):
        embed(np.zeros((3, LENGTH)).astype(kind), encoder)


def test_a_masked_sample_is_not_finite(encoder):
    X = np.ma.masked_greater(windows(7), 1e9)
    embed(X, encoder)
    X[5, 3] = np.ma.masked
    with pytest.raises(DataError, match="window 5 holds values that are not finite"):
        embed(X, encoder, batch_size=2)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_a_window_that_is_not_finite_is_named(encoder, bad):
    X = windows(7).astype("float64")
    X[5, 3] = X[6, 2] = bad
    with (
        pytest.raises(DataError, match="window 5 holds values that are not finite"),
        np.errstate(over="ignore"),
    ):
        embed(X, encoder, batch_size=2)


def test_encoders_are_found_by_name_and_path(encoder, shipped):
    X = windows(2)
    assert encoders() == sorted(["another", DEFAULT])
    wanted = expected(encoder, X)
    for named in (None, DEFAULT, shipped / f"{DEFAULT}.npz", str(shipped / f"{DEFAULT}.npz")):
        close(embed(X, named), wanted)
    assert not np.allclose(embed(X, "another"), wanted)
    assert find_encoder(encoder) == (encoder, None)
    assert find_encoder("another")[0] is not find_encoder("another")[0]  # to be trained at will


def test_an_encoder_that_is_not_there_is_told_with_those_that_are(shipped):
    with pytest.raises(DataError, match=r"no encoder 'mine'. Expected one of \['another', 'str"):
        find_encoder("mine")
    (shipped / "broken.npz").write_bytes(b"")
    with pytest.raises(DataError, match=r"broken\.npz"):
        find_encoder("broken")


def test_without_encoders_the_default_is_told_to_be_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(embedding, "SHIPPED", tmp_path / "none")
    assert encoders() == []
    with pytest.raises(DataError, match=f"no encoder '{DEFAULT}'"):
        embed(windows(1))


def test_keras_applies_what_is_built_otherwise():
    inputs = keras.Input((LENGTH,))
    other = keras.Model(inputs, keras.layers.Dense(5)(inputs))
    X = windows(5)
    close(embed(X, other, batch_size=2), expected(other, X))


def test_keras_applies_every_encoder_on_a_graphics_card(encoder, monkeypatch):
    X = windows(5)
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["gpu:0"])
    monkeypatch.setattr(embedding, "Forward", None)
    close(embed(X, encoder, batch_size=2), expected(encoder, X))


def test_features_are_the_same_on_the_other_backend_to_the_bit(encoder, tmp_path):
    pytest.importorskip("jax", reason="the other backend is not installed")
    save_encoder(tmp_path / "encoder.npz", encoder, TINY, make_card(LENGTH))
    np.save(tmp_path / "X.npy", windows(3))
    code = (
        "import sys, keras, numpy as np; from ecglib.models.embedding import embed; "
        "folder = sys.argv[1]; X = np.load(folder + '/X.npy'); "
        "np.save(folder + '/features.npy', embed(X, folder + '/encoder.npz')); "
        "print(keras.backend.backend())"
    )
    path = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env=os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["jax"]
    np.testing.assert_array_equal(np.load(tmp_path / "features.npy"), embed(windows(3), encoder))


def test_windows_at_another_rate_than_the_encoders_are_refused_by_name(shipped):
    meta = pd.DataFrame({name: [1, 1] for name in ("participant", "clip", "lead", "start")})
    meta = meta.assign(condition="rest", quality="ok")
    made = Windows(windows(2), meta, 128.0, "mine")
    with pytest.raises(DataError, match=r"field fs: windows with 128\. Expected 256"):
        embed(made)
    assert embed(Windows(made.X, meta, 256.0, "mine")).shape == (2, 4)
