import gzip

import numpy as np
import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.core.tables import load_table, save_table

COLUMNS = ("name", "n", "value", "right")
TYPES = {"name": "str", "n": "int64", "value": "float64", "right": "bool"}


def table():
    rng = np.random.default_rng(0)
    n = 300
    values = rng.normal(size=n) * 10.0 ** rng.integers(-300, 300, n)
    values[:4] = [0.1 + 0.2, 5e-324, np.nan, -np.inf]
    names = np.where(np.arange(n) % 3 == 0, "", 'a, "quoted" é # name')
    frame = pd.DataFrame(
        {"name": names, "n": np.arange(n) - 5, "value": values, "right": np.arange(n) % 2 == 0}
    )
    frame.attrs["provenance"] = {"configuration": {"n": 3, "note": "é\n# x"}, "seconds": 0.5}
    return frame


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "new" / "table.csv.gz"
    save_table(path, table())
    return path


def test_a_table_comes_back_to_the_last_bit(path):
    loaded = load_table(path, COLUMNS, TYPES)
    pd.testing.assert_frame_equal(loaded, table(), check_exact=True, check_dtype=False)
    assert loaded["value"].to_numpy().tobytes() == table()["value"].to_numpy().tobytes()
    assert loaded["right"].dtype == bool and loaded["n"].dtype == np.int64
    assert (loaded["name"] == "").sum() == 100
    assert loaded.attrs["provenance"] == table().attrs["provenance"]


def test_without_types_numbers_still_come_back_to_the_last_bit(path):
    loaded = load_table(path, COLUMNS)
    assert loaded["value"].to_numpy().tobytes() == table()["value"].to_numpy().tobytes()
    assert loaded["name"].isna().sum() == 100


def test_a_table_without_provenance(tmp_path):
    save_table(tmp_path / "t.csv.gz", pd.DataFrame({"a": [1, 2]}, index=[7, 8]))
    loaded = load_table(tmp_path / "t.csv.gz", ["a"])
    assert loaded.attrs["provenance"] == {}
    assert loaded.index.tolist() == [0, 1] and loaded["a"].tolist() == [1, 2]


def test_equal_tables_are_equal_files(path, tmp_path):
    save_table(tmp_path / "other name.csv.gz", table())
    assert (tmp_path / "other name.csv.gz").read_bytes() == path.read_bytes()
    first, second, *_ = gzip.decompress(path.read_bytes()).decode().split("\n")
    assert first.startswith('# {"configuration"') and second == ",".join(COLUMNS)
    assert [p.name for p in path.parent.iterdir()] == ["table.csv.gz"]


def test_numbers_may_be_shortened(tmp_path):
    save_table(tmp_path / "t.csv.gz", pd.DataFrame({"a": [1 / 3]}), float_format="%.3g")
    assert load_table(tmp_path / "t.csv.gz", ["a"])["a"].tolist() == [0.333]


def test_further_columns_only_on_request(path):
    with pytest.raises(DataError, match=r"table\.csv\.gz: columns name, n, value, right"):
        load_table(path, COLUMNS[:2])
    loaded = load_table(path, COLUMNS[:2], more=True)
    assert tuple(loaded.columns) == COLUMNS


@pytest.mark.parametrize(
    "columns",
    [("name", "value", "n", "right"), (*COLUMNS, "more"), ("x", *COLUMNS[1:])],
    ids=["another order", "one missing", "another name"],
)
@pytest.mark.parametrize("more", [False, True])
def test_another_table_is_refused(path, columns, more):
    with pytest.raises(DataError, match=r"table\.csv\.gz.*Expected"):
        load_table(path, columns, more=more)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(path, share):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DataError, match=r"table\.csv\.gz"):
        load_table(path, COLUMNS, TYPES)


def test_no_damaged_byte_gives_other_numbers(path):
    whole = path.read_bytes()
    expected = gzip.decompress(whole)
    refused = 0
    for at in range(10, len(whole), 97):  # before come the ten bytes of gzip's own header
        damaged = bytearray(whole)
        damaged[at] ^= 0x15
        path.write_bytes(damaged)
        try:
            loaded = load_table(path, COLUMNS, TYPES)
        except DataError:
            refused += 1
        else:
            assert gzip.decompress(bytes(damaged)) == expected, at
            pd.testing.assert_frame_equal(loaded, table(), check_exact=True, check_dtype=False)
    assert refused > 50


@pytest.mark.parametrize(
    "content",
    [b"", b"name,n\n", b"# not JSON\nname,n\n", b"# {}\n", b'# {}\nname,n\n"a', b"# {}\n\xff,n\n"],
)
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(content))
    with pytest.raises(DataError, match=r"t\.csv\.gz"):
        load_table(path, ["name", "n"])
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"t\.csv\.gz"):
        load_table(path, ["name", "n"])


def test_a_wrong_type_is_refused(path):
    with pytest.raises(DataError, match=r"table\.csv\.gz: cannot be read"):
        load_table(path, COLUMNS, {**TYPES, "name": "float64"})


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"t\.csv\.gz.*make it again"):
        load_table(tmp_path / "t.csv.gz", ["a"])
