"""Features in files: equal after a round trip, and refused with a reason."""

import numpy as np
import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.preprocessing.windows import Windows
from ecglib.workflows.feature_table import FeatureTable, is_feature_file


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    meta = pd.DataFrame(
        {
            "participant": ["007", "007", "anna"],
            "clip": [1, 2, 1],
            "lead": 1,
            "start": [0.0, 0.0, 10.0],
            "quality": ["ok", "flat", "ok"],
        }
    )
    features = rng.normal(size=(3, 2)).astype(np.float32)
    features[1, 0] = np.nan
    about = {"data": "mine", "encoder": None, "preprocessing": {"length_s": 10.0}}
    return FeatureTable(features, ("rate", "rmssd"), meta, about)


@pytest.mark.parametrize("name", ["f.csv", "f.npz"])
def test_a_file_gives_back_what_was_saved(table, tmp_path, name):
    table.save(tmp_path / name)
    again = FeatureTable.load(tmp_path / name)
    np.testing.assert_array_equal(again.features, table.features)
    assert again.features.dtype == np.float32
    assert again.names == table.names and again.about == table.about
    pd.testing.assert_frame_equal(again.meta, table.meta, check_dtype=False)
    assert len(again.usable) == 2 and is_feature_file(tmp_path / name)


def test_windows_are_another_kind_of_file(tmp_path):
    meta = {"participant": [1], "clip": 1, "condition": "c", "lead": 1, "start": 0.0}
    frame = pd.DataFrame({**meta, "quality": "ok"})
    Windows(np.zeros((1, 4), np.float32), frame, 256.0, "x").save(tmp_path / "w.npz")
    assert not is_feature_file(tmp_path / "w.npz")


def test_a_table_of_another_program_names_its_features_by_a_prefix(tmp_path):
    path = tmp_path / "theirs.csv"
    path.write_text("participant,clip,valence,f_rate,f_x\n007,1,3,1.5,\n8,1,2,2,3\n")
    table = FeatureTable.load(path)
    assert table.names == ("f_rate", "f_x") and table.about == {}
    assert table.meta["participant"].tolist() == ["007", "8"]
    assert table.meta["valence"].tolist() == [3, 2] and np.isnan(table.features[0, 1])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("participant,rate\n1,2\n", "which columns are features"),
        ("person,f_rate\n1,2\n", "no column participant"),
        ("participant,f_rate\n1,two\n2,3\n", "field f_rate: 'two' in row 1"),
        ("participant,f_rate\n1,inf\n2,3\n", "participant 1, clip 1, field f_rate: window 0 has"),
        ("participant,f_rate,f_sd\n1,1,2,3\n2,3,4,5\n", "row has more fields than"),
        ("participant,f_rate\n1,1\n1,3\n", "field start: several rows of one recording"),
        ('# {"format": "other"}\nparticipant,f_rate\n1,1\n', "its format is 'other'"),
        ('# {"format": 1\nparticipant,f_rate\n1,1\n', "does not say what it holds"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(tmp_path, text, told):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=told) as found:
        FeatureTable.load(path)
    assert "bad.csv" in str(found.value)


def test_a_damaged_or_missing_file_is_named(tmp_path):
    (tmp_path / "cut.npz").write_bytes(b"PK\x03\x04 not whole")
    for name, told in (("cut.npz", "cut.npz"), ("gone.csv", "no such file"), ("a.txt", "a.txt")):
        with pytest.raises(DataError, match=told):
            FeatureTable.load(tmp_path / name)


def test_parts_that_do_not_fit_are_refused(table):
    with pytest.raises(DataError, match="field rate: the name stands twice"):
        FeatureTable(table.features, ("rate", "rate"), table.meta)
    with pytest.raises(DataError, match="no column lead and start"):
        FeatureTable(table.features, table.names, table.meta[["participant", "clip"]])
    with pytest.raises(DataError, match="for 3 windows and 1 names"):
        FeatureTable(table.features, ("rate",), table.meta)
