import pytest

from ecglib.core.errors import DataError
from ecglib.data.extracts import checked_table


def test_a_table_has_texts_by_the_names_of_its_rows(tmp_path):
    (tmp_path / "t.csv").write_text("\ufeffkey, fs,more\na, 500 ,x\nb,250,y\n", encoding="utf-8")
    table = checked_table(tmp_path / "t.csv", ("key", "fs"), "key", "get it again")
    assert table.to_dict("index") == {"a": {"fs": "500"}, "b": {"fs": "250"}}


@pytest.mark.parametrize("rows", ["a,500,1\nb,250,2\n", "a,500\nb,250,2\n"])
def test_a_row_with_a_field_too_many_is_refused(tmp_path, rows):
    (tmp_path / "t.csv").write_text("key,fs\n" + rows)
    with pytest.raises(DataError, match=r"(?s)t\.csv: no table \(.*get it again"):
        checked_table(tmp_path / "t.csv", ("key", "fs"), "key", "get it again")
