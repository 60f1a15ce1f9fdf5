"""The streaming reader gives what SciPy gives, and refuses what it does not know."""

import os
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import loadmat, savemat
from scipy.sparse import csr_matrix

from ecglib.core.errors import DataError
from ecglib.data.matfile import read_variable

NAME = "content"


def plain(value):
    """What SciPy read, as dictionaries, lists, strings and arrays."""
    if not isinstance(value, np.ndarray):
        return value
    if value.dtype.names is not None:
        structs = [
            {key: plain(item[key]) for key in value.dtype.names} for item in value.ravel("F")
        ]
        return structs[0] if len(structs) == 1 else structs
    if value.dtype.kind == "O":
        return [plain(item) for item in value.ravel(order="F")]
    if value.dtype.kind == "U":
        return "\n".join(value.ravel())
    return value


def assert_same(a, b):
    assert type(a) is type(b)
    if isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            assert_same(a[key], b[key])
    elif isinstance(a, list):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert_same(x, y)
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype.newbyteorder("=") and a.shape == b.shape
        np.testing.assert_array_equal(a, b)
    else:
        assert a == b


def cell(*items):
    array = np.empty((len(items), 1), dtype=object)
    array[:, 0] = items
    return array


NUMBERS = st.sampled_from(["f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"]).flatmap(
    lambda kind: st.tuples(st.integers(0, 4), st.integers(0, 5)).map(
        lambda shape: (np.arange(shape[0] * shape[1]).reshape(shape) * 3 - 1).astype(kind)
    )
)
TEXT = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1, max_size=12)
CONTENT = st.recursive(
    NUMBERS | TEXT,
    lambda inner: (
        st.dictionaries(st.from_regex(r"[a-z][a-z0-9]{0,20}", fullmatch=True), inner, min_size=1)
        | st.lists(inner, min_size=1, max_size=3).map(lambda items: cell(*items))
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(content=CONTENT, compressed=st.booleans())
def test_it_gives_what_scipy_gives(tmp_path_factory, content, compressed):
    path = tmp_path_factory.getbasetemp() / "some.mat"
    savemat(path, {"before": 1.5, NAME: content, "after": "x"}, do_compression=compressed)
    assert_same(read_variable(path, NAME), plain(loadmat(path)[NAME]))


def test_rows_of_text_arrays_of_structs_and_complex_numbers(tmp_path):
    path = tmp_path / "some.mat"
    structs = np.zeros((2, 2), dtype=[("a", object), ("b", object)])
    for i, item in enumerate(structs.ravel()):
        item["a"], item["b"] = np.full((1, i), 1.0), f"text {i}"
    complex_numbers = np.array([[1 + 2j, 3.5]])
    content = {"rows": np.array(["one", "three"]), "structs": structs, "z": complex_numbers}
    savemat(path, {NAME: content})
    assert_same(read_variable(path, NAME), plain(loadmat(path)[NAME]))


def element(order, kind, data, pad=True):
    filler = b"\0" * (-len(data) % 8) if pad else b""
    return struct.pack(f"{order}II", kind, len(data)) + data + filler


def array(order, array_class, shape, body, name=b"", flags=0):
    return element(
        order,
        14,
        element(order, 6, struct.pack(f"{order}II", array_class | flags, 0))
        + element(order, 5, struct.pack(f"{order}{len(shape)}i", *shape))
        + element(order, 1, name)
        + body,
    )


def write(path, order, *variables, mark=None):
    mark = mark or {"<": b"\x00\x01IM", ">": b"\x01\x00MI"}[order]
    path.write_bytes(b"MATLAB 5.0".ljust(124) + mark + b"".join(variables))
    return path


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders(tmp_path, order):
    values = struct.pack(f"{order}6h", 1, -2, 3, 4, 5, 600)
    text = "Größe".encode("utf-16-le" if order == "<" else "utf-16-be")
    content = array(order, 6, (2, 3), element(order, 3, values)) + array(
        order, 4, (1, 5), element(order, 17, text)
    )
    path = write(tmp_path / "x.mat", order, array(order, 1, (2, 1), content, NAME.encode()))
    numbers, word = read_variable(path, NAME)
    np.testing.assert_array_equal(numbers, [[1, 3, 5], [-2, 4, 600]])
    assert word == "Größe"
    assert_same([numbers, word], plain(loadmat(path)[NAME]))


@pytest.mark.parametrize(
    "content", [csr_matrix(np.eye(3)), {"deep": cell(1.0, csr_matrix(np.eye(2)))}]
)
def test_what_it_does_not_know_is_refused(tmp_path, content):
    savemat(tmp_path / "x.mat", {NAME: content})
    with pytest.raises(DataError, match="not read here"):
        read_variable(tmp_path / "x.mat", NAME)


def test_a_function_handle_is_refused(tmp_path):
    path = write(tmp_path / "x.mat", "<", array("<", 16, (1, 1), b"", NAME.encode()))
    with pytest.raises(DataError, match="class 16"):
        read_variable(path, NAME)


def test_a_missing_variable_is_named_with_those_that_are_there(tmp_path):
    savemat(tmp_path / "x.mat", {"one": 1.0, "two": "b"})
    with pytest.raises(DataError, match="the file holds one, two"):
        read_variable(tmp_path / "x.mat", NAME)


def test_skipped_fields_never_lie_in_memory(tmp_path):
    path = tmp_path / "x.mat"
    large = np.random.default_rng(0).integers(0, 100, (500_000, 4)).astype(float)
    savemat(path, {NAME: {"EEG": large, "ECG": np.arange(5.0)}}, do_compression=True)
    tracemalloc.start()
    try:
        content = read_variable(path, NAME, skip=("EEG",))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert list(content) == ["ECG"]
    assert peak < large.nbytes / 8


@pytest.mark.parametrize("compressed", [True, False])
def test_arrays_are_converted_one_by_one(tmp_path, compressed):
    path = tmp_path / "many.mat"
    cells = cell(*(np.full((50_000, 2), float(i)) for i in range(40)))
    savemat(path, {NAME: {"ECG": cells}}, do_compression=compressed)
    tracemalloc.start()
    try:
        content = read_variable(path, NAME, convert=lambda values: values.astype(np.float32))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [a.dtype for a in content["ECG"]] == [np.float32] * 40
    assert [a[0, 0] for a in content["ECG"]] == list(range(40))
    kept, largest = sum(a.nbytes for a in content["ECG"]), cells[0, 0].nbytes
    assert peak < kept + 5 * largest < sum(a.nbytes for a in cells[:, 0])


@pytest.mark.parametrize("compressed", [True, False])
def test_every_truncation_is_an_error(tmp_path, compressed):
    whole, cut = tmp_path / "whole.mat", tmp_path / "cut.mat"
    savemat(whole, {NAME: {"a": np.arange(40.0), "b": "text"}}, do_compression=compressed)
    data = whole.read_bytes()
    for n in range(128, len(data), 7):
        cut.write_bytes(data[:n])
        with pytest.raises(DataError):
            read_variable(cut, NAME)


def test_a_wrong_checksum_is_an_error(tmp_path):
    body = array("<", 6, (1, 2), element("<", 9, struct.pack("<2d", 1, 2)), NAME.encode())
    packed = bytearray(zlib.compress(body))
    packed[-1] ^= 1
    path = write(tmp_path / "x.mat", "<", struct.pack("<II", 15, len(packed)) + bytes(packed))
    with pytest.raises(DataError, match="incorrect data check"):
        read_variable(path, NAME)


def test_a_lying_length_costs_no_memory(tmp_path):
    """An array that claims 4 GB, in a file of a few hundred bytes."""
    body = array("<", 6, (1, 2**29), struct.pack("<II", 9, 2**32 - 8), NAME.encode())
    packed = zlib.compress(body)
    path = write(tmp_path / "x.mat", "<", struct.pack("<II", 15, len(packed)) + packed)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="longer than what holds it"):
            read_variable(path, NAME)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10_000_000


@pytest.mark.parametrize("compressed", [True, False])
def test_damaged_bytes_give_an_error_or_some_content_but_no_crash(tmp_path, compressed):
    whole, bad = tmp_path / "whole.mat", tmp_path / "bad.mat"
    content = {"a": np.arange(6.0), "b": "text", "c": cell({"d": np.ones((2, 2))}, "e")}
    savemat(whole, {NAME: content}, do_compression=compressed)
    data = whole.read_bytes()
    expected = read_variable(whole, NAME)
    rng = np.random.default_rng(0)
    for _ in range(400):
        changed = bytearray(data)
        changed[rng.integers(128, len(data))] = rng.integers(256)
        bad.write_bytes(changed)
        try:
            found = read_variable(bad, NAME)
        except DataError:
            continue
        if compressed:  # its checksum holds, so nothing has changed
            assert_same(found, expected)


def test_the_file_of_the_tests_is_left_alone(tmp_path):
    savemat(tmp_path / "x.mat", {NAME: 1.0})
    before = os.stat(tmp_path / "x.mat")
    read_variable(tmp_path / "x.mat", NAME)
    assert os.stat(tmp_path / "x.mat").st_mtime_ns == before.st_mtime_ns
