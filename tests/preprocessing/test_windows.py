import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.core.provenance import load_provenance
from ecglib.preprocessing.windows import META_COLUMNS, Windows


@pytest.fixture(scope="module")
def windows():
    """72 windows of noise: two leads of two clips of three people."""
    n = 72
    meta = pd.DataFrame(
        {
            "participant": np.repeat([1, 2, 5], 24),
            "clip": np.tile(np.repeat([1, 2], 12), 3),
            "condition": "stimulus",
            "lead": np.tile(np.repeat([1, 2], 6), 6),
            "start": np.tile(np.arange(6) * 10.0, 12),
            "valence": 3,
            "arousal": 4,
            "dominance": 2,
            "quality": np.where(np.arange(n) % 9 == 4, "flat", "ok"),
        }
    )[list(META_COLUMNS)]
    X = np.random.default_rng(0).normal(size=(n, 2560)).astype("float32")
    return Windows(X, meta, 256.0, "synthetic")


def test_usable_windows_are_those_of_good_quality(windows):
    usable = windows.usable
    assert len(usable) == 64
    assert (usable.meta["quality"] == "ok").all()
    np.testing.assert_array_equal(usable.X, windows.X[(windows.meta["quality"] == "ok").to_numpy()])


def test_select(windows):
    chosen = windows.select(windows.meta["participant"] == 2)
    assert len(chosen) == 24
    assert set(chosen.meta["participant"]) == {2}
    assert chosen.meta.index.equals(pd.RangeIndex(24))
    np.testing.assert_array_equal(chosen.X, windows.X[24:48])
    for mask in (np.arange(72), np.ones(71, dtype=bool)):
        with pytest.raises(DataError, match="72 truth values"):
            windows.select(mask)


def test_windows_refuse_parts_that_do_not_fit(windows):
    X, meta = windows.X, windows.meta
    with pytest.raises(DataError, match="72 rows for 71 windows"):
        Windows(X[1:], meta, 256.0, "synthetic")
    with pytest.raises(DataError, match=r"72 rows for 72 windows.*numbered from 0"):
        Windows(X, meta[::-1], 256.0, "synthetic")
    with pytest.raises(DataError, match="no column start, quality"):
        Windows(X, meta.drop(columns=["start", "quality"]), 256.0, "synthetic")
    with pytest.raises(DataError, match="float64 array"):
        Windows(X.astype(float), meta, 256.0, "synthetic")
    with pytest.raises(DataError, match="Expected finite"):
        Windows(np.full_like(X, np.nan), meta, 256.0, "synthetic")


def test_repr_says_what_it_is(windows):
    assert repr(windows) == ("<Windows 'synthetic': 72 of 2560 samples at 256 Hz, 3 participants>")


def test_saving_and_loading_keeps_everything(windows, tmp_path):
    path = tmp_path / "windows.npz"
    extra = Windows(windows.X, windows.meta.assign(high=True, note="é"), 256.0, "synthetic")
    extra.save(path)
    loaded = Windows.load(path)
    np.testing.assert_array_equal(loaded.X, windows.X)
    pd.testing.assert_frame_equal(loaded.meta, extra.meta)
    assert (loaded.fs, loaded.cohort_name) == (256.0, "synthetic")
    windows.save(str(path))  # overwrites
    assert tuple(Windows.load(path).meta.columns) == META_COLUMNS
    assert os.listdir(tmp_path) == ["windows.npz"]


def test_what_was_loaded_needs_no_file_any_more(windows, tmp_path):
    path = tmp_path / "windows.npz"
    windows.save(path)
    X = Windows.load(path).X
    assert not X.flags.writeable
    path.unlink()
    np.testing.assert_array_equal(X, windows.X)


def test_a_file_that_is_cut_while_in_use_ends_no_process(windows, tmp_path):
    """A process that looks at a mapped file is ended by a signal when that file is cut."""
    path = tmp_path / "windows.npz"
    windows.save(path)
    use = (
        "import os, sys; from ecglib.preprocessing.windows import Windows; "
        "windows = Windows.load(sys.argv[1]); os.truncate(sys.argv[1], 5000); "
        "print(float(abs(windows.X).sum()) > 0, len(windows.usable))"
    )
    done = subprocess.run(
        [sys.executable, "-c", use, path], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "True 64"), done.stderr
    with pytest.raises(DataError, match="not a whole file of windows"):
        Windows.load(path)


def same(a, b):
    return (
        np.array_equal(a.X, b.X)
        and a.meta.equals(b.meta)
        and (a.fs, a.cohort_name) == (b.fs, b.cohort_name)
    )


def test_no_flipped_bit_and_no_cut_gives_other_windows(windows, tmp_path):
    path = tmp_path / "windows.npz"
    windows.save(path)
    whole = path.read_bytes()
    random = np.random.default_rng(0)
    refused = 0
    # Anywhere, and in the first and last kilobytes: headers and the directory.
    places = [
        *random.integers(0, len(whole), 100),
        *random.integers(0, 2000, 50),
        *random.integers(len(whole) - 2000, len(whole), 100),
    ]
    for place in places:
        spoilt = bytearray(whole)
        spoilt[place] ^= 1 << int(random.integers(8))
        path.write_bytes(spoilt)
        try:
            assert same(Windows.load(path), windows), place  # a date, or another unused byte
        except DataError as error:
            assert error.file == str(path)
            refused += 1
    assert refused > 150
    for length in random.integers(0, len(whole), 20):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"windows\.npz: not a whole file of windows"):
            Windows.load(path)


def test_every_flipped_bit_of_a_sample_is_noticed_also_in_a_file_that_was_sound_before(
    windows, tmp_path
):
    path = tmp_path / "windows.npz"
    windows.save(path)
    whole = path.read_bytes()
    start = whole.index(windows.X.tobytes())
    before = path.stat()
    for place in np.random.default_rng(1).integers(start, start + windows.X.nbytes, 50):
        assert len(Windows.load(path)) == len(windows)
        spoilt = bytearray(whole)
        spoilt[place] ^= 0x40
        path.write_bytes(spoilt)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        with pytest.raises(DataError, match=r"windows\.npz: not a whole file of windows: .*CRC"):
            Windows.load(path)
        path.write_bytes(whole)


def test_what_made_windows_stands_in_their_file(windows, tmp_path):
    path = tmp_path / "windows.npz"
    windows.save(path, {"configuration": {"data": "a"}})
    assert load_provenance(path) == {"configuration": {"data": "a"}}
    assert same(Windows.load(path), windows)
    windows.save(path)
    assert load_provenance(path) == {}


def test_a_compressed_file_is_read(windows, tmp_path):
    path = tmp_path / "windows.npz"
    windows.save(path)
    with np.load(path) as file:
        parts = dict(file)
    np.savez_compressed(path, **parts)
    np.testing.assert_array_equal(Windows.load(path).X, windows.X)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_loading_refuses_a_sample_that_is_not_finite(windows, tmp_path, bad):
    path = tmp_path / "windows.npz"
    windows.save(path)
    with np.load(path) as file:
        parts = dict(file)
    parts["X"][40, 100] = bad
    np.savez(path, **parts)
    with pytest.raises(DataError, match=r"windows\.npz, field X: .*finite float32"):
        Windows.load(path)


def test_a_failed_save_leaves_the_old_file(windows, tmp_path, monkeypatch):
    path = tmp_path / "windows.npz"
    windows.save(path)
    before = path.read_bytes()

    def full_disk(file, **arrays):
        file.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez", full_disk)
    with pytest.raises(OSError, match="no space left"):
        windows.save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["windows.npz"]


def test_saving_refuses_columns_that_would_need_pickling(windows, tmp_path):
    mixed = windows.meta.assign(note=[None, *["x"] * 71])
    with pytest.raises(DataError, match="field note"):
        Windows(windows.X, mixed, 256.0, "synthetic").save(tmp_path / "windows.npz")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("dtype", [object, "string"])
def test_a_missing_text_is_refused_and_never_becomes_the_text_nan(windows, tmp_path, dtype):
    texts = pd.Series(["a", None, *["b"] * 70], dtype=dtype)
    bad = Windows(windows.X, windows.meta.assign(site=texts), windows.fs, "synthetic")
    with pytest.raises(DataError, match=r"site: column of type .*, with missing values"):
        bad.save(tmp_path / "w.npz")
    assert not list(tmp_path.iterdir())


def test_loading_refuses_what_is_not_a_file_of_windows(windows, tmp_path):
    path = tmp_path / "windows.npz"
    with pytest.raises(DataError, match=r"windows\.npz: no such file"):
        Windows.load(path)
    path.write_text(json.dumps({"X": 1}))
    with pytest.raises(DataError, match="not a whole file of windows"):
        Windows.load(path)
    windows.save(path)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(DataError, match="not a whole file of windows"):
        Windows.load(path)
    np.savez(path, X=windows.X)
    with pytest.raises(DataError, match=r"not a whole file of windows .*format"):
        Windows.load(path)
    np.savez(path, format=np.array("ecglib windows 99"))
    with pytest.raises(DataError, match=r"format 'ecglib windows 99'.*Expected 'ecglib windows 1'"):
        Windows.load(path)
    with path.open("wb") as file:
        np.save(file, windows.X)
    with pytest.raises(DataError, match="not a whole file of windows"):
        Windows.load(path)


def test_loading_names_the_file_whose_parts_do_not_fit(windows, tmp_path):
    path = tmp_path / "windows.npz"
    windows.save(path)
    with np.load(path) as file:
        parts = dict(file)
    np.savez(path, **{**parts, "X": parts["X"][:-1]})
    with pytest.raises(DataError, match=r"windows\.npz, field meta: 72 rows for 71 windows"):
        Windows.load(path)
    np.savez(path, **{**parts, "meta.clip": parts["meta.clip"][:-1]})
    with pytest.raises(DataError, match=r"windows\.npz: not a whole file"):
        Windows.load(path)
    np.savez(path, **{**parts, "X": np.array([{}], dtype=object)}, allow_pickle=True)
    with pytest.raises(DataError, match=r"windows\.npz: not a whole file.*Python objects"):
        Windows.load(path)


def test_a_rate_or_a_flag_that_does_not_exist_is_refused(windows):
    for fs in (-3, 0, np.nan, "256"):
        with pytest.raises(DataError, match="field fs"):
            Windows(windows.X, windows.meta, fs, "x")
    with pytest.raises(DataError, match=r"field quality: great\. Expected some of"):
        Windows(windows.X, windows.meta.assign(quality="great"), 256.0, "x")
