"""Labels find their windows by name; what is missing or double is named."""

import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.data.targets import Classes, Rating
from ecglib.workflows.label_table import join_labels, need_labels, read_labels, target_of

META = pd.DataFrame(
    {"participant": ["1", "1", "x", "x"], "clip": [1, 2, 1, 2], "condition": "task"}
)


def labels(tmp_path, text):
    path = tmp_path / "labels.csv"
    path.write_text(text)
    return read_labels(path)


def test_many_windows_find_one_row_by_the_keys_that_there_are(tmp_path):
    table = labels(tmp_path, "participant;age\n1;20\nx;30\n")
    joined, labelled = join_labels(META, table, ["age"])
    assert joined["age"].tolist() == [20, 20, 30, 30] and labelled.all()
    table = labels(tmp_path, "participant,clip,task\nx,2,sums\nx,1,rest\n1,1,rest\n1,2,\n")
    joined, labelled = join_labels(META.assign(task="old"), table, ["task"])
    assert joined["task"].fillna("-").tolist() == ["rest", "-", "rest", "sums"]
    assert labelled.tolist() == [True, False, True, True]


def test_missing_and_double_keys_are_named(tmp_path):
    table = labels(tmp_path, "participant,clip,task\n1,1,a\n1,2,b\n1,1,b\n")
    with pytest.raises(DataError, match=r"rows 2 and 4 .* participant 1, clip 1"):
        join_labels(META, table, ["task"])
    table = labels(tmp_path, "participant,clip,task\n1,1,a\n1,2,b\n")
    joined, labelled = join_labels(META, table, ["task"])
    with pytest.raises(DataError, match="2 of 4 windows have no label: participant x, clip 1"):
        need_labels(joined, labelled)
    with pytest.raises(DataError, match="it names 3, and the windows are of 1, x"):
        join_labels(META, labels(tmp_path, "participant,task\n3,a\n"), ["task"])
    with pytest.raises(DataError, match="field mood: the table of labels has no such column"):
        join_labels(META, table, ["mood"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("person,task\n1,a\n", "no column participant"),
        ("participant,task\n", "no row"),
        ("participant,clip,task\n1,1,a\n,2,b\n", "field participant: row 3 has no value"),
    ],
)
def test_a_table_that_says_not_whose_labels_are_refused(tmp_path, text, told):
    with pytest.raises(DataError, match=told):
        labels(tmp_path, text)


def test_targets_are_read_from_texts():
    table = pd.DataFrame(
        {
            "valence": [1, 5, 2],
            "stress": [0, 10, 5],
            "task": ["b", "a", "c"],
            "yes": [0, 1, 1],
            "one": ["a", "a", "a"],
        }
    )
    assert target_of("valence", table) == Rating("valence")
    assert target_of("stress:0-10", table) == Rating("stress", 0, 10)
    assert target_of("task", table) == Classes("task", ("a", "b", "c"))
    assert target_of("task=b", table) == Classes("task", ("a", "b", "c"), "b")
    assert target_of("yes=0", table) == Classes("yes", (0, 1), 0)
    for text, told in (
        ("task=d", "no label is 'd'"),
        ("stress", "give the ends of the scale: stress:1-9"),
        ("one", "every label is 'a'"),
        ("gone", "no such column"),
    ):
        with pytest.raises(DataError, match=told):
            target_of(text, table)


def test_no_class_is_meant_by_an_empty_name():
    table = pd.DataFrame({"task": ["rest", "sums"], "level": [1.0, 2.0]})
    for text in ("task=", "level="):
        with pytest.raises(DataError, match="no label is ''"):
            target_of(text, table)
    assert target_of("level=2", table) == Classes("level", (1.0, 2.0), 2.0)


@pytest.mark.parametrize("row", ["1,rest,7", "2,sums,7\n1,rest,7"])
def test_a_row_with_a_field_too_many_is_refused(tmp_path, row):
    with pytest.raises(DataError, match=r"labels.csv: the table cannot be read"):
        labels(tmp_path, f"participant,task\n{row}\n")
