"""The streaming reader gives what SciPy gives, and refuses what it does not know."""

import io
import os
import struct
import tracemalloc
import zlib
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import loadmat, savemat
from scipy.sparse import csr_matrix

from ecglib.core.errors import DataError
from ecglib.core.limits import FREE, GROWTH, may_fill
from ecglib.data.mat_arrays import MAX_ELEMENTS, MAX_TEXT, Unreadable
from ecglib.data.mat_stream import DamagedError, InflatedBytes, StoredBytes, TooLargeError
from ecglib.data.matfile import MAX_VARIABLES, list_variables, read_variable

NAME = "content"
COMPLEX, LOGICAL = 0x800, 0x200


@contextmanager
def memory():
    """Give a list that holds, in the end, the most bytes that were in use at a time."""
    peak = []
    tracemalloc.start()
    try:
        yield peak
    finally:
        peak.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()


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


def pack(variable):
    """A variable as it lies compressed in a file."""
    packed = zlib.compress(variable)
    return struct.pack("<II", 15, len(packed)) + packed


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


def test_a_variable_that_is_not_read_is_refused(tmp_path):
    savemat(tmp_path / "x.mat", {NAME: csr_matrix(np.eye(3))})
    with pytest.raises(DataError, match="field content: the variable is a sparse array") as caught:
        read_variable(tmp_path / "x.mat", NAME)
    assert "damaged" not in str(caught.value)
    path = write(tmp_path / "x.mat", "<", array("<", 16, (1, 1), b"", NAME.encode()))
    with pytest.raises(DataError, match="a function handle, which is not read here"):
        read_variable(path, NAME)


def opaque(order, kind, name=b""):
    """An object of MATLAB's newer classes, as it lies in a file."""
    return element(
        order,
        14,
        element(order, 6, struct.pack(f"{order}II", 17, 0))
        + element(order, 1, name)
        + element(order, 1, b"MCOS")
        + element(order, 1, kind)
        + array(order, 13, (6, 1), element(order, 6, struct.pack(f"{order}6I", *range(6)))),
    )


def fields(order, shape, width=16, **values):
    """A struct of these fields."""
    names = b"".join(name.encode().ljust(width, b"\0") for name in values)
    head = element(order, 5, struct.pack(f"{order}i", width)) + element(order, 1, names)
    return array(order, 2, shape, head + b"".join(values.values()), NAME.encode())


EMPTY = struct.pack("<II", 14, 0)


def number(order, value=1.5):
    return array(order, 6, (1, 1), element(order, 9, struct.pack(f"{order}d", value)))


def scalar(name, order="<", value=1.5):
    """A variable that is one number."""
    return array(
        order, 6, (1, 1), element(order, 9, struct.pack(f"{order}d", value)), name.encode()
    )


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_value_that_is_not_read_is_named_and_those_beside_it_are_read(tmp_path, order):
    wide = element(order, 18, "é".encode("utf-32-le" if order == "<" else "utf-32-be"))
    deep = array(order, 4, (1, 1, 2), element(order, 1, b"ab"))
    halves = element(order, 17, struct.pack(f"{order}H", 0xD800))
    cells = array(order, 1, (1, 2), array(order, 3, (1, 1), b"x" * 48) + number(order))
    content = fields(
        order,
        (1, 1),
        s=array(order, 5, (3, 3), b"?" * 96),
        f=array(order, 16, (1, 1), number(order)),
        o=opaque(order, b"datetime"),
        w=array(order, 4, (1, 1), wide),
        d=deep,
        h=array(order, 4, (1, 1), halves),
        c=cells,
        long=array(order, 4, (1, MAX_TEXT + 1), element(order, 1, b"a" * (MAX_TEXT + 1))),
        odd=array(order, 99, (1, 1), b"?" * 8),
        good=number(order, 2.5),
    )
    path = write(tmp_path / "x.mat", order, content)
    found = read_variable(path, NAME)
    assert found.pop("good") == 2.5
    first, second = found.pop("c")
    assert second == 1.5 and first == Unreadable("an object", "content.c{1}")
    assert {value.path for value in found.values()} == {f"content.{name}" for name in found}
    assert [value.what for value in found.values()] == [
        "a sparse array",
        "a function handle",
        "an object of the class datetime",
        "text in UTF-32",
        "text of 3 dimensions",
        f"text that is no UTF-16-{'LE' if order == '<' else 'BE'}",
        f"text of more than {MAX_TEXT} characters",
        "an array of class 99",
    ]


@pytest.mark.parametrize("packed", [False, True])
def test_what_stands_before_the_variable_is_stepped_over(tmp_path, packed):
    before = [opaque("<", b"string", b"notes"), opaque("<", b"table", b"people")]
    if packed:
        before = [pack(part) for part in before]
    wanted = array("<", 6, (1, 1), element("<", 9, struct.pack("<d", 4)), NAME.encode())
    hidden = array("<", 9, (1, 8), element("<", 2, bytes(8)))  # MATLAB keeps objects in it
    path = write(tmp_path / "x.mat", "<", *before, wanted, hidden)
    assert read_variable(path, NAME) == 4
    assert [(v.name, v.kind, v.shape) for v in list_variables(path)] == [
        ("notes", "opaque", ()),
        ("people", "opaque", ()),
        (NAME, "double", (1, 1)),
    ]
    with pytest.raises(DataError, match="an object of the class table, which is not read here"):
        read_variable(path, "people")


def test_characters_beyond_the_basic_plane(tmp_path):
    text = "ECG 🙂"
    wide = array("<", 4, (1, 6), element("<", 17, text.encode("utf-16-le")), NAME.encode())
    assert read_variable(write(tmp_path / "x.mat", "<", wide), NAME) == text
    narrow = array("<", 4, (1, 6), element("<", 16, text.encode()), NAME.encode())
    assert read_variable(write(tmp_path / "x.mat", "<", narrow), NAME) == text


@pytest.mark.parametrize("text", ["ECG 🙂🙂", "ECG 🙂", "ECG"])
def test_text_of_another_length_than_its_shape_says_is_damaged(tmp_path, text):
    for stored in (element("<", 17, text.encode("utf-16-le")), element("<", 16, text.encode())):
        path = write(tmp_path / "x.mat", "<", array("<", 4, (1, 4), stored, NAME.encode()))
        with pytest.raises(DataError, match=rf"{len(text)} characters for .* shape \(1, 4\)"):
            read_variable(path, NAME)


@pytest.mark.parametrize(("length", "refused"), [(2**20, False), (2**20 + 1, True)])
def test_the_longest_text(tmp_path, length, refused):
    body = element("<", 1, b"a" * length)
    path = write(tmp_path / "x.mat", "<", array("<", 4, (1, length), body, NAME.encode()))
    if refused:
        with pytest.raises(DataError, match="text of more than 1048576 characters"):
            read_variable(path, NAME)
    else:
        assert read_variable(path, NAME) == "a" * length


@pytest.mark.parametrize("count", [1, 3])
def test_a_value_is_placed_by_the_number_of_its_struct(tmp_path, count):
    values = array("<", 5, (3, 3), b"?" * 96) * count
    path = write(tmp_path / "x.mat", "<", fields("<", (1, count), Age=values))
    found = read_variable(path, NAME)
    structs = [found] if count == 1 else found
    assert [one["Age"].path for one in structs] == {
        1: ["content.Age"],
        3: ["content(1).Age", "content(2).Age", "content(3).Age"],
    }[count]


@pytest.mark.parametrize("width", [None, -8, 0, 3, 5000])
def test_field_names_that_cannot_be_told_apart_are_refused(tmp_path, width):
    told = b"" if width is None else struct.pack("<i", width)
    head = element("<", 5, told) + element("<", 1, b"Age".ljust(8, b"\0"))
    path = write(tmp_path / "x.mat", "<", array("<", 2, (1, 1), head + number("<"), NAME.encode()))
    with pytest.raises(DataError, match="field names cannot be told apart"):
        read_variable(path, NAME)


def test_a_missing_variable_is_named_with_those_that_are_there(tmp_path):
    savemat(tmp_path / "x.mat", {"one": 1.0, "two": "b"})
    with pytest.raises(DataError, match="the file holds one, two"):
        read_variable(tmp_path / "x.mat", NAME)


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (0, "none."),
        (9, "v1, v2, v3, v4, v5, v6, v7, v8, v9."),
        (10, "v1, v2, v3, v4, v5, v6, v7, v8, v9, v10."),
        (11, "v1, v2, v3, v4, v5, v6, v7, v8, v9, v10 and 1 more."),
        (12, "v1, v2, v3, v4, v5, v6, v7, v8, v9, v10 and 2 more."),
    ],
)
def test_ten_of_the_variables_that_are_there_are_named(tmp_path, count, told):
    path = write(tmp_path / "x.mat", "<", *(scalar(f"v{i + 1}") for i in range(count)))
    with pytest.raises(DataError) as caught:
        read_variable(path, NAME)
    assert f"the file holds {told}" in str(caught.value)


CLASSES = {1: "cell", 2: "struct", 3: "object", 4: "char", 5: "sparse", 6: "double", 7: "single"}
CLASSES |= {8: "int8", 9: "uint8", 10: "int16", 11: "uint16", 12: "int32", 13: "uint32"}
CLASSES |= {14: "int64", 15: "uint64", 16: "function", 99: "class 99"}


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_class_of_each_variable_is_listed(tmp_path, order):
    plain_ones = [array(order, n, (1, 2), b"", b"c%d" % n) for n in CLASSES]
    true_ones = [array(order, n, (1, 2), b"", b"l%d" % n, LOGICAL) for n in (4, 6, 9, 15)]
    complex_one = array(order, 7, (1, 2), b"", b"z", COMPLEX)
    path = write(tmp_path / "x.mat", order, *plain_ones, *true_ones, complex_one)
    found = {variable.name: variable.kind for variable in list_variables(path)}
    assert found == {
        **{f"c{n}": kind for n, kind in CLASSES.items()},
        # MATLAB has no logical text.
        **{"l4": "char", "l6": "logical", "l9": "logical", "l15": "logical"},
        "z": "single",
    }


def test_what_is_no_variable_of_anyone_is_not_listed(tmp_path):
    """MATLAB keeps things for itself; other elements than arrays mean nothing on their own."""
    kept = array("<", 9, (1, 8), element("<", 2, bytes(8)), b"__function_workspace__")
    others = [element("<", kind, b"?" * 24) for kind in (1, 16, 99)]
    path = write(tmp_path / "x.mat", "<", *others, kept, scalar(NAME))
    assert [variable.name for variable in list_variables(path)] == [NAME]
    assert read_variable(path, NAME) == 1.5


@pytest.mark.parametrize("kind", [14, 15, 99])
@pytest.mark.parametrize("left", [0, 7])
def test_a_last_element_that_is_cut_short_is_refused(tmp_path, kind, left):
    path = write(tmp_path / "x.mat", "<", struct.pack("<II", kind, 8) + bytes(left))
    with pytest.raises(DataError, match="the file ends within a variable"):
        list_variables(path)


def test_a_variable_that_ends_within_its_own_name_is_refused(tmp_path):
    head = array("<", 6, (1, 1), b"", b"eightabc")[8:]
    for missing in (1, 8):
        tag = struct.pack("<II", 14, len(head) - missing)
        path = write(tmp_path / "x.mat", "<", tag + head + bytes(16))
        with pytest.raises(DataError, match="longer than what holds it"):
            list_variables(path)


@pytest.mark.parametrize(("length", "refused"), [(4096, False), (4097, True)])
def test_the_longest_name(tmp_path, length, refused):
    path = write(tmp_path / "x.mat", "<", scalar("n" * length))
    if refused:
        with pytest.raises(DataError, match="4097 bytes where a name should stand"):
            list_variables(path)
    else:
        assert [variable.name for variable in list_variables(path)] == ["n" * length]


def test_the_most_dimensions(tmp_path):
    path = write(tmp_path / "x.mat", "<", array("<", 6, (1,) * 32, b"", NAME.encode()))
    assert list_variables(path)[0].shape == (1,) * 32
    path = write(tmp_path / "x.mat", "<", array("<", 6, (1,) * 33, b"", NAME.encode()))
    with pytest.raises(DataError, match="132 bytes where a shape should stand"):
        list_variables(path)


def test_skipped_fields_never_lie_in_memory(tmp_path):
    path = tmp_path / "x.mat"
    large = np.random.default_rng(0).integers(0, 100, (500_000, 4)).astype(float)
    savemat(path, {NAME: {"EEG": large, "ECG": np.arange(5.0)}}, do_compression=True)
    with memory() as peak:
        content = read_variable(path, NAME, skip=("EEG",))
    assert list(content) == ["ECG"]
    assert peak[0] < large.nbytes / 8


@pytest.mark.parametrize("compressed", [True, False])
def test_arrays_are_converted_one_by_one(tmp_path, compressed):
    path = tmp_path / "many.mat"
    cells = cell(*(np.full((50_000, 2), float(i)) for i in range(40)))
    savemat(path, {NAME: {"ECG": cells}}, do_compression=compressed)
    with memory() as peak:
        content = read_variable(path, NAME, convert=lambda values: values.astype(np.float32))
    assert [a.dtype for a in content["ECG"]] == [np.float32] * 40
    assert [a[0, 0] for a in content["ECG"]] == list(range(40))
    kept, largest = sum(a.nbytes for a in content["ECG"]), cells[0, 0].nbytes
    assert peak[0] < kept + 5 * largest < sum(a.nbytes for a in cells[:, 0])


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
    body = array("<", 6, (1, 2**29 - 1), struct.pack("<II", 9, 2**32 - 8), NAME.encode())
    path = write(tmp_path / "x.mat", "<", pack(body))
    with memory() as peak, pytest.raises(DataError, match="longer than what holds it"):
        read_variable(path, NAME)
    assert peak[0] < 10_000_000


@pytest.mark.parametrize("there", [0, 10_000])
def test_bytes_that_cannot_inflate_to_so_many_cost_no_memory(tmp_path, there):
    """As above, but within what a small file may fill, and the variable itself lies too."""
    count, name = FREE // 16, "n" * 4000  # so much is read before, and the rest is inflated
    body = array("<", 6, (1, count), struct.pack("<II", 9, 8 * count), name.encode())
    lying = struct.pack("<II", 14, len(body) - 8 + 8 * count) + body[8:]
    path = write(tmp_path / "x.mat", "<", pack(lying + np.random.default_rng(0).bytes(there)))
    with memory() as peak, pytest.raises(DataError, match="longer than what holds it"):
        read_variable(path, name)
    assert peak[0] < count


@pytest.mark.parametrize("packed", [False, True])
def test_more_cells_than_their_bytes_can_hold_are_damage(tmp_path, packed):
    """However much of the variable lies before them, and though so many are too many as well."""
    before = array("<", 9, (2**19, 1), element("<", 2, bytes(2**19)))
    cells = array("<", 1, (2**16, 1), EMPTY)
    content = array("<", 1, (1, 2), before + cells, NAME.encode())
    path = write(tmp_path / "x.mat", "<", pack(content) if packed else content)
    with pytest.raises(DataError, match=r"damaged .*content\{2\}: an element is longer"):
        read_variable(path, NAME)


class Counted(io.BytesIO):
    """Bytes that count how often they are read."""

    reads = 0

    def read(self, n=-1):
        self.reads += 1
        return super().read(n)


def test_little_is_read_for_the_head_of_a_variable_and_the_rest_in_large_pieces():
    content = np.random.default_rng(0).bytes(1_000_000)
    packed = zlib.compress(content)
    file = Counted(packed)
    stream = InflatedBytes(file, len(packed))
    head = stream.read(48)
    assert file.tell() == 4096 and file.reads == 1
    assert head + stream.read(len(content) - 48) == content
    stream.finish()
    assert file.tell() == len(packed) and file.reads < 10


def test_what_is_inflated_already_is_given_at_once():
    content = b"abcde" * 50_000
    packed = zlib.compress(content)
    stream = InflatedBytes(io.BytesIO(packed), len(packed))
    assert stream.read(48) + stream.read(len(content) - 48) == content


def test_a_file_that_ends_within_a_variable_is_damaged():
    stream = StoredBytes(io.BytesIO(b"abc"), 4)
    assert stream.read(2) == b"ab"
    with pytest.raises(DamagedError):
        stream.read(2)


@pytest.mark.parametrize(("stored", "most"), [(100, 4096), (2000, GROWTH * 2000)])
def test_what_is_passed_over_may_not_inflate_without_end(monkeypatch, stored, most):
    monkeypatch.setattr("ecglib.data.mat_stream.FREE", 1024)  # else it would take seconds
    for length in (most, most + 1):
        packed = zlib.compress(bytes(length))
        stream = InflatedBytes(io.BytesIO(packed.ljust(stored, b"\0")), stored)
        if length > most:
            with pytest.raises(TooLargeError, match=f"more than {most} bytes, {GROWTH} times"):
                stream.skip(length)
        else:
            stream.skip(length)
            stream.finish()
            assert stream.position == length


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


LIMITS = {
    "structs without fields": fields("<", (2**31 - 1, 1)),
    "rows of no text": array("<", 4, (2**31 - 1, 0), element("<", 1, b""), NAME.encode()),
    "cells": array("<", 1, (MAX_ELEMENTS + 1, 1), EMPTY * 40_000, NAME.encode()),
    # Each counts together with its field, and the name of the field counts too.
    "structs": fields("<", (MAX_ELEMENTS // 2, 1), a=EMPTY * (MAX_ELEMENTS // 2)),
    "fields of no struct": fields(
        "<", (0, 0), width=8, **{f"a{i}": b"" for i in range(MAX_ELEMENTS + 1)}
    ),
}


@pytest.mark.parametrize("case", LIMITS)
def test_a_variable_of_too_many_parts_is_refused_and_not_called_damaged(tmp_path, case):
    path = write(tmp_path / "x.mat", "<", LIMITS[case])
    refused = pytest.raises(DataError, match=f"more than {MAX_ELEMENTS} parts.*'-v6'")
    with memory() as peak, refused as caught:
        read_variable(path, NAME)
    assert peak[0] < 1_000_000 and "damaged" not in str(caught.value)


def test_as_many_parts_as_are_read(tmp_path):
    cells = EMPTY * MAX_ELEMENTS
    path = write(tmp_path / "x.mat", "<", array("<", 1, (MAX_ELEMENTS, 1), cells, NAME.encode()))
    assert len(read_variable(path, NAME)) == MAX_ELEMENTS
    count = MAX_ELEMENTS // 2 - 1
    path = write(tmp_path / "x.mat", "<", fields("<", (count, 1), a=EMPTY * count))
    assert len(read_variable(path, NAME)) == count
    names = {f"a{i}": b"" for i in range(MAX_ELEMENTS)}
    path = write(tmp_path / "x.mat", "<", fields("<", (0, 0), width=8, **names))
    assert read_variable(path, NAME) == []


CELL_HEAD = array("<", 1, (1, 1), b"")[8:]


def test_one_within_another(tmp_path):
    for depth, refused in ((32, False), (33, True), (5000, True)):
        content = number("<")
        for _ in range(depth - 1):
            content = struct.pack("<II", 14, len(CELL_HEAD) + len(content)) + CELL_HEAD + content
        path = write(tmp_path / "x.mat", "<", array("<", 1, (1, 1), content, NAME.encode()))
        if refused:
            with pytest.raises(DataError, match="more than 32 deep"):
                read_variable(path, NAME)
        else:
            found = read_variable(path, NAME)
            for _ in range(depth):
                (found,) = found
            assert found == 1.5


def test_a_compressed_variable_fills_memory_in_proportion_to_its_bytes(tmp_path):
    """Constant numbers shrink to a thousandth; so many are read, and no more."""
    for count, refused in ((FREE // 16, False), (FREE // 16 + 1, True)):
        body = element("<", 9, bytes(8 * count))
        path = write(tmp_path / "x.mat", "<", pack(array("<", 6, (count, 1), body, NAME.encode())))
        if refused:
            with pytest.raises(DataError, match=f"fill more than {FREE} bytes"):
                read_variable(path, NAME)
        else:
            assert read_variable(path, NAME).shape == (count, 1)
    assert may_fill(FREE) == GROWTH * FREE


def test_complex_numbers_fill_memory_with_both_parts_and_the_whole(tmp_path):
    for count, refused in ((FREE // 48, False), (FREE // 48 + 1, True)):
        body = element("<", 9, bytes(8 * count)) * 2
        packed = pack(array("<", 6, (count, 1), body, NAME.encode(), COMPLEX))
        path = write(tmp_path / "x.mat", "<", packed)
        if refused:
            with pytest.raises(DataError, match=f"fill more than {FREE} bytes"):
                read_variable(path, NAME)
        else:
            found = read_variable(path, NAME)
            assert found.shape == (count, 1) and found.dtype == complex


def test_many_variables(tmp_path):
    some = array("<", 6, (1, 1), element("<", 9, bytes(8)), b"x")
    path = write(tmp_path / "x.mat", "<", some * (MAX_VARIABLES + 1))
    with pytest.raises(DataError, match=f"more than {MAX_VARIABLES} variables"):
        read_variable(path, NAME)
    path = write(tmp_path / "x.mat", "<", *(scalar(f"v{i}") for i in range(MAX_VARIABLES)))
    assert len(list_variables(path)) == MAX_VARIABLES


@pytest.mark.parametrize("packed", [False, True])
def test_two_variables_of_one_name_are_refused_by_their_places(tmp_path, packed):
    one = array("<", 6, (1, 1), element("<", 9, struct.pack("<d", 1)), NAME.encode())
    other = array("<", 6, (1, 1), element("<", 9, struct.pack("<d", 2)), b"other")
    parts = [one, other, one]
    if packed:
        parts = [pack(part) for part in parts]
    path = write(tmp_path / "x.mat", "<", *parts)
    third = 128 + len(parts[0]) + len(parts[1])
    for name in (NAME, "other"):
        with pytest.raises(
            DataError, match=f"field content: two variables .* at the bytes 128 and {third}"
        ):
            read_variable(path, name)


def test_two_fields_of_one_name_are_refused_by_their_places(tmp_path):
    names = b"".join(name.ljust(8, b"\0") for name in (b"a", b"ECG", b"b", b"ECG"))
    head = element("<", 5, struct.pack("<i", 8)) + element("<", 1, names)
    person = array("<", 2, (1, 1), head + number("<") * 4)
    content = fields("<", (1, 1), Data=array("<", 1, (1, 2), number("<") + person))
    path = write(tmp_path / "x.mat", "<", content)
    with pytest.raises(
        DataError, match=r"field content\.Data\{2\}\.ECG: two fields .* the fields 2 and 4"
    ):
        read_variable(path, NAME)
