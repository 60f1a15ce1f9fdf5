"""What paths are."""

from pathlib import Path

import numpy as np
import pytest

from ecglib.core.errors import DataError
from ecglib.workflows.features import features_of
from ecglib.workflows.output import refuse_to_replace, refuse_to_replace_input, show, to_json
from ecglib.workflows.sources import file_of, is_dreamer, known_set, read_known, recordings_in
from tests.layouts import amigos, wesad
from tests.layouts.case import HOME, runs, write_person
from tests.layouts.swell import NAMES, write_block, write_swell
from tests.layouts.yaad import write_yaad
from tests.real import shared_data


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


def test_sets_are_known_by_their_folders(tmp_path):
    write_person(tmp_path / "case" / HOME, 1, runs(1, 1000))
    write_swell(tmp_path / "swell")
    write_yaad(tmp_path / "yaad")
    (tmp_path / "mine").mkdir()
    found = [known_set(tmp_path / name) for name in ("case", "swell", "yaad", "mine", "gone")]
    assert found == ["CASE", "SWELL-KW", "YAAD", None, None]
    for name in ("case", "swell"):
        assert read_known(tmp_path / name).name == known_set(tmp_path / name)
    assert read_known(tmp_path / "yaad", fs=125).fs == 125
    with pytest.raises(DataError, match="none of the sets that are known"):
        read_known(tmp_path / "mine")


def test_what_a_set_fixes_cannot_be_said(tmp_path):
    write_person(tmp_path / "case" / HOME, 1, runs(1, 1000))
    write_swell(tmp_path / "swell", {(1, 1): "N"})
    write_block(tmp_path / "swell", 1, 1, names=(*NAMES[:4], "Heart"))
    write_yaad(tmp_path / "yaad")
    for name, given in (
        ("case", {"fs": 500}),
        ("case", {"leads": ["ECG"]}),
        ("yaad", {"unit": "mV"}),
        ("swell", {"fs": 2048}),
    ):
        with pytest.raises(DataError, match=f"is given for {known_set(tmp_path / name)}"):
            read_known(tmp_path / name, **given)
    for leads in (1, ["A", "B"], []):
        with pytest.raises(DataError, match="the name of one channel, never a number"):
            read_known(tmp_path / "swell", leads=leads)
    for lead in ("Heart", ["Heart"]):
        assert read_known(tmp_path / "swell", leads=lead).leads == ("ECG",)


@pytest.fixture
def restricted(tmp_path):
    """Give small folders in the layouts of WESAD and AMIGOS."""
    wesad.write_person(tmp_path / "wesad" / "WESAD", "S3", fs=100)
    amigos.write_person(tmp_path / "amigos", 8)
    return tmp_path


def test_what_is_not_certain_of_a_set_is_told(restricted):
    for name, people in (("WESAD", ["S3"]), ("AMIGOS", ["P08"])):
        told = []
        folder = restricted / name.lower()
        assert known_set(folder) == name
        cohort = read_known(folder, tell=told.append)
        assert cohort.recordings["participant"].unique().tolist() == people
        assert told == [f"{name}: {note}" for note in cohort.notes] and len(told) > 2
    for given in ({"fs": 700}, {"leads": ["ECG"]}, {"unit": "mV"}):
        with pytest.raises(DataError, match="is given for WESAD"):
            read_known(restricted / "wesad", **given)
    one = read_known(restricted / "amigos", leads="ecg_1")
    assert one.leads == ("ecg_1",) and {s.shape[1] for s in one.signals} == {1}
    both = read_known(restricted / "amigos")
    np.testing.assert_array_equal(one.signals[3][:, 0], both.signals[3][:, 1])


def test_two_sets_in_one_folder_are_not_guessed_at(restricted):
    amigos.write_person(restricted / "wesad", 8)
    with pytest.raises(DataError, match="WESAD and AMIGOS are in this folder"):
        known_set(restricted / "wesad")


def test_a_table_of_ones_own_comes_before_what_a_folder_looks_like(restricted):
    table = restricted / "amigos" / "people.csv"
    table.write_text("file,participant\nData_Preprocessed_P08.mat,anna\n")
    assert known_set(restricted / "amigos") is None


def test_recordings_shorter_than_a_window_are_left_out_of_a_set(restricted):
    told = []
    table = features_of(restricted / "amigos", leads=["ecg_0"], tell=told.append)
    assert set(table.meta["condition"]) == {"stimulus"}
    assert "recordings shorter than 10 s left out: P08 " in told[-1]
    assert told[-1].endswith(" more")


@pytest.mark.parametrize(
    ("name", "parts"), [("eegmat", ["eegmat"]), ("MIT-BIH", ["mitdb5"]), ("MIT-BIH", ["mitbih"])]
)
def test_open_sets_are_known(name, parts):
    folder = shared_data(*parts)
    assert known_set(folder) == name
    cohort = read_known(folder)
    assert cohort.name == name and cohort.recordings["participant"].nunique() > 8


def test_a_known_set_is_described_person_by_person(tmp_path, monkeypatch):
    write_person(tmp_path / "case" / HOME, 1, runs(1, 11_000))
    table = features_of(tmp_path / "case", encoder="none")
    assert table.meta["clip"].tolist() == list(range(1, 9))
    assert set(table.meta["participant"]) == {1}


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
