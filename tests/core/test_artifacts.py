import copy
import dataclasses
import errno
import os
import re
import zipfile
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecglib.core.artifacts import (
    atomic_path,
    fingerprint,
    load_arrays,
    save_arrays,
)
from ecglib.core.errors import DataError

ARRAYS = {"x": np.arange(12.0).reshape(3, 4), "text": np.array("a name"), "empty": np.zeros((0, 2))}


@dataclasses.dataclass(frozen=True)
class Config:
    rate: float = 0.1
    sizes: tuple[int, ...] = (1, 2)


def everything_in(folder):
    return sorted(path.name for path in folder.iterdir())


MADE_FROM = {
    "config": Config(),
    "nested": {"a": [1, 2.5, None, True], "b": "text"},
    "n": np.int64(3),
    "file": Path("data") / "x.mat",
}

CHANGES = {
    "a field of a dataclass": ("config", Config(rate=0.2)),
    "the length of a sequence": ("config", Config(sizes=(1, 2, 3))),
    "a nested value": ("nested", {"a": [1, 2.5, None, False], "b": "text"}),
    "the order of a sequence": ("nested", {"a": [2.5, 1, None, True], "b": "text"}),
    "a nested key": ("nested", {"a": [1, 2.5, None, True], "c": "text"}),
    "a number": ("n", 4),
    "the last digit of a float": ("n", np.nextafter(3.0, 4.0)),
    "a path": ("file", Path("data") / "y.mat"),
    "another input": ("new", None),
}


def test_fingerprint_is_twelve_hexadecimal_digits():
    name = fingerprint(MADE_FROM)
    assert len(name) == 12 and int(name, 16) >= 0


@pytest.mark.parametrize("change", CHANGES)
def test_fingerprint_changes_with_every_input(change):
    key, value = CHANGES[change]
    assert fingerprint({**MADE_FROM, key: value}) != fingerprint(MADE_FROM)


def test_fingerprint_depends_on_content_alone():
    turned = dict(reversed(list(copy.deepcopy(MADE_FROM).items())))
    assert fingerprint(turned) == fingerprint(MADE_FROM)
    assert fingerprint({"a": np.float64(0.5)}) == fingerprint({"a": 0.5})
    assert fingerprint({"a": MappingProxyType({"b": 1})}) == fingerprint({"a": {"b": 1}})
    assert fingerprint({"a": Config()}) == fingerprint({"a": {"rate": 0.1, "sizes": [1, 2]}})


@pytest.mark.parametrize("value", [np.zeros(3), {1, 2}, object(), Config])
def test_fingerprint_refuses_what_it_cannot_write_down(value):
    with pytest.raises(TypeError, match="cannot fingerprint"):
        fingerprint({"a": value})


def test_arrays_come_back(tmp_path):
    path = tmp_path / "new folder" / "a.npz"
    save_arrays(path, ARRAYS)
    loaded = load_arrays(path)
    assert list(loaded) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert np.array_equal(loaded[name], array) and loaded[name].dtype == array.dtype
    assert everything_in(path.parent) == ["a.npz"]


def test_a_new_file_can_be_read_by_whoever_the_umask_allows(tmp_path):
    (tmp_path / "plain").touch()
    save_arrays(tmp_path / "a.npz", ARRAYS)
    assert (tmp_path / "a.npz").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_objects_are_neither_written_nor_read(tmp_path):
    bad = np.array([{"a": 1}], dtype=object)
    with pytest.raises(TypeError, match="'bad'"):
        save_arrays(tmp_path / "a.npz", {"good": np.ones(2), "bad": bad})
    within = np.zeros(2, dtype=[("a", "f8"), ("b", "O")])
    with pytest.raises(TypeError, match="'within'"):
        save_arrays(tmp_path / "a.npz", {"within": within})
    assert everything_in(tmp_path) == []

    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "unpickled"),)

    np.savez(tmp_path / "trap.npz", trap=np.array([Trap()], dtype=object))
    with pytest.raises(DataError, match=r"trap\.npz.*delete it"):
        load_arrays(tmp_path / "trap.npz")
    assert everything_in(tmp_path) == ["trap.npz"]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(tmp_path, share):
    path = tmp_path / "a.npz"
    save_arrays(path, ARRAYS)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DataError, match=r"a\.npz"):
        load_arrays(path)
    assert path.is_file()


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"a\.npz"):
        load_arrays(tmp_path / "a.npz")


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_one_wrong_byte_never_gives_wrong_numbers(tmp_path, data):
    path = tmp_path / "a.npz"
    save_arrays(path, ARRAYS)
    content = bytearray(path.read_bytes())
    where = data.draw(st.integers(0, len(content) - 1))
    content[where] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        loaded = load_arrays(path)
    except DataError:
        return
    assert loaded.keys() == ARRAYS.keys()
    assert all(np.array_equal(loaded[name], ARRAYS[name]) for name in ARRAYS)


def test_an_entry_that_a_wrong_length_hides_is_missed(tmp_path):
    path = tmp_path / "a.npz"
    save_arrays(path, ARRAYS)
    content = bytearray(path.read_bytes())
    *_, second, third = (m.start() for m in re.finditer(b"PK\x01\x02", content))
    comment = slice(second + 32, second + 34)
    content[comment] = (content.index(b"PK\x05\x06") - third).to_bytes(2, "little")
    path.write_bytes(content)
    with pytest.raises(DataError, match="2 arrays are found, 3 were written"):
        load_arrays(path)


def test_a_wrong_shape_in_a_header_is_noticed(tmp_path):
    path = tmp_path / "a.npz"
    save_arrays(path, {"x": np.arange(10)})
    content = path.read_bytes()
    assert content.count(b"'shape': (10,)") == 1
    path.write_bytes(content.replace(b"'shape': (10,)", b"'shape': ( 4,)"))
    with pytest.raises(DataError, match="CRC"):
        load_arrays(path)


@pytest.mark.parametrize("shape", [(4,), (10**15,)])
def test_a_shape_that_does_not_fit_the_length_is_refused_before_memory_is_asked_for(
    tmp_path, shape
):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive, archive.open("x.npy", "w") as member:
        about = {"descr": "<f8", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(member, about)
        member.write(bytes(80_000))
    with pytest.raises(DataError, match=r"than its header says|its header promises 10{15}"):
        load_arrays(path)


def test_arrays_in_every_order_and_archive_come_back_and_some_can_be_chosen(tmp_path):
    path = tmp_path / "a.npz"
    turned = np.asfortranarray(np.arange(200_000.0).reshape(400, 500))
    arrays = {"turned": turned, "scalar": np.array(3), "big": turned[::2, 1:].copy()}
    for write in (np.savez, np.savez_compressed):
        write(path, **arrays)
        loaded = load_arrays(path)
        for name, array in arrays.items():
            np.testing.assert_array_equal(loaded[name], array)
        assert loaded["turned"].flags.f_contiguous
        assert list(load_arrays(path, ("scalar", "nowhere"))) == ["scalar"]


def test_a_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_path(path) as partial:
        partial.write_text("half of the n")
        raise RuntimeError
    assert path.read_text() == "old"
    assert everything_in(tmp_path) == ["a.txt"]
    with atomic_path(path) as partial:
        assert partial.parent == path.parent and partial.name.endswith("a.txt")
        partial.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert everything_in(tmp_path) == ["a.txt"]


def test_a_full_disk_names_the_file_that_was_to_be_written(tmp_path):
    path = tmp_path / "a.txt"
    with pytest.raises(OSError, match=r"No space left.*'[^']*/a\.txt'$"), atomic_path(path):
        raise OSError(errno.ENOSPC, "No space left on device")
    path.mkdir()
    with pytest.raises(IsADirectoryError) as caught, atomic_path(path) as partial:
        partial.touch()
    assert "partial" not in str(caught.value) and str(path) in str(caught.value)
    with pytest.raises(FileNotFoundError, match=r"other"), atomic_path(tmp_path / "b") as partial:
        (tmp_path / "other").read_text()
