"""What paths are."""

from pathlib import Path

import pytest

from ecglib.core.errors import DataError
from ecglib.workflows.output import refuse_to_replace, refuse_to_replace_input, show, to_json
from ecglib.workflows.sources import file_of, is_dreamer, recordings_in


def test_a_wfdb_record_is_its_header():
    assert [file_of(name).name for name in ("a/100", "100.dat", "100.hea", "x.y.csv")] == [
        "100.hea",
        "100.hea",
        "100.hea",
        "x.y.csv",
    ]


def test_a_folder_gives_recordings_but_no_table_of_them(tmp_path):
    for name in ("b.csv", "a.npy", ".hidden.csv", "notes.md"):
        (tmp_path / name).write_text("1\n2\n")
    (tmp_path / "people.csv").write_text("file,participant\na.npy,1\n")
    (tmp_path / "more.tsv").write_text('"participant"\t"file"\n1\ta.npy\n')
    assert [path.name for path in recordings_in(tmp_path)] == ["a.npy", "b.csv"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no recording"):
        recordings_in(tmp_path / "empty")


def test_only_a_file_with_the_variable_is_a_cohort(tmp_path):
    (tmp_path / "a.mat").write_bytes(b"nonsense")
    assert not is_dreamer(tmp_path / "a.mat") and not is_dreamer(tmp_path / "a.csv")


def test_results_are_strict_json_on_the_screen_or_in_a_file(tmp_path, capsys):
    show({"a": Path("b"), "c": [None, "ü"]})
    assert capsys.readouterr().out == '{\n  "a": "b",\n  "c": [\n    null,\n    "ü"\n  ]\n}\n'
    show("text", tmp_path / "t.txt")
    assert (tmp_path / "t.txt").read_text() == "text\n" and capsys.readouterr().out == ""
    with pytest.raises(ValueError, match="JSON"):
        to_json({"a": float("nan")})


def test_a_file_is_replaced_on_request_only(tmp_path):
    refuse_to_replace(tmp_path / "new", force=False)
    with pytest.raises(DataError, match="--force"):
        refuse_to_replace(tmp_path, force=False)
    refuse_to_replace(tmp_path, force=True)


def test_a_result_is_not_written_over_what_it_is_made_from(tmp_path):
    file = tmp_path / "anna.csv"
    refuse_to_replace_input(file, [file])
    file.touch()
    (tmp_path / "link.csv").symlink_to(file)
    for out in (file, str(tmp_path / "." / "anna.csv"), tmp_path / "link.csv"):
        with pytest.raises(DataError, match="written over what it is made from"):
            refuse_to_replace_input(out, [None, tmp_path / "bo.csv", file])
    refuse_to_replace_input(None, [file])
