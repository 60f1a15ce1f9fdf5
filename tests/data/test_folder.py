import numpy as np
import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.data.folder import read_folder, read_recordings
from ecglib.data.targets import Rating
from tests.data.readers.files import FS, wave, write_columns, write_lines, write_wfdb


@pytest.fixture
def folder(tmp_path):
    """Give a folder with three recordings."""
    for i, name in enumerate(("anna", "ben", "cleo"), start=1):
        write_columns(tmp_path / f"{name}.csv", "ECG", wave(lead=i))
    return tmp_path


def test_without_a_table_each_file_is_a_participant(folder):
    (folder / "notes.md").write_text("no recording")
    (folder / "SOURCE.txt").write_text("Recorded in 2019, 3 people.\nLead 1 only.")
    (folder / "deeper").mkdir()
    table, recordings = read_recordings(folder, fs=FS)
    assert table.to_dict("list") == {
        "file": ["anna.csv", "ben.csv", "cleo.csv"],
        "participant": ["anna", "ben", "cleo"],
    }
    assert [recording.name for recording in recordings] == ["anna", "ben", "cleo"]
    np.testing.assert_array_equal(recordings[2].lead(1), wave(lead=3))


@pytest.mark.parametrize(
    ("name", "separator"), [("people.csv", ","), ("z.tsv", "\t"), ("a.csv", ";")]
)
def test_a_table_says_whose_they_are_and_keeps_its_columns(folder, name, separator):
    lines = [
        "participant,file,clip,condition,valence,comment",
        "01,ben.csv,1,rest,,first",
        "01,anna.csv,2,film,4,",
        "02,cleo.csv,1,film,2.5,last",
    ]
    write_lines(folder / name, *(line.replace(",", separator) for line in lines))
    table, recordings = read_recordings(folder, fs=FS)
    assert [recording.name for recording in recordings] == ["ben", "anna", "cleo"]
    assert table["participant"].tolist() == ["01", "01", "02"]
    assert table["clip"].tolist() == [1, 2, 1]
    assert table["condition"].tolist() == ["rest", "film", "film"]
    np.testing.assert_array_equal(table["valence"], [np.nan, 4, 2.5])
    assert table["comment"].isna().tolist() == [False, True, False]
    again, _ = read_recordings(folder, name, fs=FS)
    pd.testing.assert_frame_equal(table, again)


def test_a_wfdb_record_of_segments_is_one_recording(tmp_path):
    pytest.importorskip("wfdb")
    write_wfdb(tmp_path, "part_1", wave()[:, None], FS, ("II",), ("mV",))
    write_wfdb(tmp_path, "part_2", wave(lead=2)[:, None], FS, ("II",), ("mV",))
    write_lines(tmp_path / "part.hea", "part/2 1 250 5000", "part_1 2500", "part_2 2500")
    table, (recording,) = read_recordings(tmp_path)
    assert table["file"].tolist() == ["part.hea"]
    assert len(recording) == 5000
    write_lines(tmp_path / "table.csv", "file,participant", "part,p", "part_1.dat,q")
    with pytest.raises(DataError, match=r"part_1\.dat: .* 10\.0 s of the same ECG as part from"):
        read_recordings(tmp_path)
    _, recordings = read_recordings(tmp_path, allow_duplicates=True)
    assert [len(recording) for recording in recordings] == [5000, 2500]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["file,participant"], "the table has no row"),
        (["file,participant", "anna.csv,"], "field participant: row 2 has no value"),
        (["file,participant", "anna.csv, "], "field participant: row 2 has no value"),
        (["file,participant,clip", "anna.csv,a,1", "ben.csv,b,"], "field clip: row 3 has no value"),
        (
            ["file,participant", "eve.csv,a"],
            r"field file: row 2 names eve\.csv, which is not there",
        ),
        (
            ["file,participant", "anna.csv,a", "./anna.csv,b"],
            "field file: rows 2 and 3 name the same file",
        ),
        (["file,participant,x", "anna.csv,a,inf"], "field x: row 2 is inf"),
        (["file,participant,file", "anna.csv,a,b"], "two columns of one name"),
        (["file,participant", "anna.csv,a,1", "ben.csv,b,2"], "row has more fields than"),
        (["file,participant", "anna.csv,a,1", "ben.csv,b"], "row has more fields than"),
    ],
)
def test_a_table_with_a_mistake_is_refused(folder, lines, said):
    write_lines(folder / "table.csv", *lines)
    with pytest.raises(DataError, match=said) as error:
        read_recordings(folder, fs=FS)
    assert error.value.file == str(folder / "table.csv")


def test_which_table_must_be_clear(folder):
    write_lines(folder / "one.csv", "file,participant", "anna.csv,a")
    write_lines(folder / "two.csv", "file,participant", "ben.csv,b")
    with pytest.raises(DataError, match=r"several tables name recordings: one\.csv, two\.csv"):
        read_recordings(folder, fs=FS)
    table, _ = read_recordings(folder, "two.csv", fs=FS)
    assert table["participant"].tolist() == ["b"]
    with pytest.raises(DataError, match="there is no such table"):
        read_recordings(folder, "three.csv", fs=FS)
    with pytest.raises(DataError, match="no column file and participant; there are ECG"):
        read_recordings(folder, "anna.csv", fs=FS)


def noise(seed):
    return np.random.default_rng(seed).normal(size=round(20 * FS))


def test_the_same_ecg_twice_is_refused_with_both_places(folder):
    np.save(folder / "dora.npy", noise(1)[round(5 * FS) :] * -2 + 1)
    write_columns(folder / "eve.csv", "ECG", noise(1))
    said = r"eve\.csv: from second 5\.0 it holds 15\.0 s of the same ECG as dora\.npy from second 0"
    with pytest.raises(DataError, match=f"{said}.*allow_duplicates=True"):
        read_recordings(folder, fs=FS)
    write_lines(folder / "t.csv", "file,participant", "anna.csv,a", "dora.npy,d", "eve.csv,b")
    with pytest.raises(DataError, match=r"eve\.csv: .* 0\.0 \(rows 3 and 4 of t\.csv\)"):
        read_folder(folder, fs=FS)
    assert len(read_folder(folder, fs=FS, allow_duplicates=True).signals) == 3


def test_one_lead_is_enough_and_files_may_have_different_ones(folder):
    both = np.stack([noise(2), noise(3)], axis=1)
    np.savez(folder / "two.npz", ecg=both, fs=FS)
    np.savez(folder / "zoe.npz", ecg=noise(3), fs=FS)
    with pytest.raises(DataError, match=r"zoe\.npz: .* 20\.0 s of the same ECG as two\.npz"):
        read_recordings(folder, fs=FS)
    (folder / "zoe.npz").unlink()
    assert len(read_recordings(folder, fs=FS)[1]) == 4


def test_a_column_that_names_datasets(folder):
    write_lines(
        folder / "t.csv", "file,participant,dataset", "anna.csv,1,a", "ben.csv,2,b", "cleo.csv,2,b"
    )
    assert read_folder(folder, fs=FS).recordings["dataset"].tolist() == ["a", "b", "b"]
    write_lines(folder / "t.csv", "file,participant,dataset", "anna.csv,1,a", "ben.csv,1,b")
    with pytest.raises(DataError, match="participant 1, field dataset: several values"):
        read_folder(folder, fs=FS)
    write_lines(folder / "t.csv", "file,participant,dataset", "anna.csv,1,a", "ben.csv,2,")
    with pytest.raises(DataError, match="field dataset: None as a name"):
        read_folder(folder, fs=FS)


def test_a_file_that_cannot_be_read_is_named(folder):
    (folder / "ben.csv").write_text("ECG\n1\nred\n2\n")
    with pytest.raises(DataError, match=r"ben\.csv"):
        read_recordings(folder, fs=FS)
    with pytest.raises(DataError, match="there is no such folder"):
        read_recordings(folder / "deeper")
    (folder / "deeper").mkdir()
    with pytest.raises(DataError, match="the folder holds no recording"):
        read_recordings(folder / "deeper")
    np.save(folder / "anna.npy", wave(lead=5))
    with pytest.raises(DataError, match=r"anna\.csv and anna\.npy would both be .* anna"):
        read_recordings(folder, fs=FS)


def test_a_folder_becomes_a_cohort(folder):
    write_lines(
        folder / "people.csv",
        "file,participant,condition,stress,sex",
        "cleo.csv,7,film,10,f",
        "anna.csv,3,rest,0,m",
        "ben.csv,3,film,,m",
    )
    cohort = read_folder(folder, targets=[Rating("stress", 0, 10)], fs=FS, unit="mV")
    assert cohort.name == folder.name and cohort.leads == ("ECG",) and cohort.unit == "mV"
    rows = cohort.recordings
    assert rows["participant"].tolist() == [3, 3, 7] and rows["clip"].tolist() == [1, 2, 1]
    assert rows["condition"].tolist() == ["rest", "film", "film"]
    np.testing.assert_array_equal(cohort.signals[1][:, 0], wave(lead=2))
    np.testing.assert_array_equal(rows["stress"], [0, np.nan, 10])
    with pytest.raises(DataError, match=r"participant 7, .*field stress: .*from 0 to 9"):
        read_folder(folder, targets=[Rating("stress", 0, 9)], fs=FS)


def test_a_folder_without_a_table_becomes_a_cohort_too(folder):
    cohort = read_folder(folder, fs=FS)
    assert cohort.recordings["participant"].tolist() == ["anna", "ben", "cleo"]
    assert set(cohort.recordings["condition"]) == {"recording"} and cohort.targets == ()


def test_recordings_that_do_not_fit_each_other_are_named(folder):
    write_lines(folder / "t.csv", "file,participant,clip", "anna.csv,1,1", "ben.csv,1,1")
    with pytest.raises(DataError, match=r"participant 1, clip 1: ben\.csv is the second"):
        read_folder(folder, fs=FS)
    (folder / "t.csv").unlink()
    np.savez(folder / "two.npz", ecg=np.stack([wave(lead=5), wave(lead=6)], axis=1), fs=FS)
    with pytest.raises(DataError, match=r"anna\.csv \(ECG\) and two\.npz \(lead 1, lead 2\)"):
        read_folder(folder, fs=FS)
    assert len(read_folder(folder, fs=FS, leads=[1]).signals) == 4
