import numpy as np
import pytest
from scipy.io import loadmat, savemat

from ecglib.core.errors import DataError
from ecglib.data.amigos import EMOTIONS, UNVERIFIED, is_amigos, read_amigos
from ecglib.data.labels import binary_labels
from ecglib.preprocessing.segmentation import WindowConfig, make_windows
from tests.layouts.amigos import EMPTY, FS, VIDEOS, cell, put, rating, trial, write_person

BASELINE = 5 * FS


def refused(folder, match, **options) -> DataError:
    with pytest.raises(DataError, match=match) as caught:
        read_amigos(folder, **options)
    return caught.value


def no_ecg(cells):
    """Lose all samples of the ECG of one trial, and a few of another one."""
    cells["joined_data"][3][:, 14:16] = np.nan
    cells["joined_data"][4][700:710, 14] = np.nan
    cells["joined_data"][5][:, :14] = np.nan  # of the EEG


def gaps(cells):
    """Leave out the long videos, one short one, and one rating."""
    for i in (7, 16, 17, 18, 19):
        cells["joined_data"][i] = EMPTY
    for i in (2, 16, 17, 18, 19):
        cells["labels_selfassessment"][i] = EMPTY


def test_two_recordings_for_each_trial(tmp_path):
    write_person(tmp_path, 1)
    write_person(tmp_path, 12, nested=False, compress=False)
    (tmp_path / "SelfAsessment.xlsx").write_bytes(b"PK")
    (tmp_path / "._Data_Preprocessed_P01.mat").write_bytes(b"of another system")
    cohort = read_amigos(tmp_path)
    rows = cohort.recordings
    assert (cohort.name, cohort.fs, cohort.unit) == ("AMIGOS", FS, "")
    assert cohort.leads == ("ecg_0", "ecg_1")
    assert rows["participant"].value_counts().to_dict() == {"P01": 40, "P12": 40}
    assert set(rows["clip"]) == set(VIDEOS)
    assert rows["condition"].tolist() == ["baseline", "stimulus"] * 40
    assert set(rows.query("condition == 'baseline'")["duration"]) == {5.0}
    assert rows.groupby("video")["clip"].unique().map(set).to_dict() == {
        "long": {"N1", "P1", "B1", "U1"},
        "short": set(VIDEOS[:16]),
    }
    for row, signal in zip(rows.itertuples(), cohort.signals, strict=True):
        whole = trial(int(row.participant[1:]), row.trial - 1)[:, 14:16]
        part = whole[:BASELINE] if row.condition == "baseline" else whole[BASELINE:]
        assert VIDEOS[row.trial - 1] == row.clip and signal.dtype == np.float32
        np.testing.assert_array_equal(signal, part.astype(np.float32))


def test_arousal_comes_before_valence(tmp_path):
    write_person(tmp_path, 3)
    assert is_amigos(tmp_path)
    cohort = read_amigos(tmp_path, long_videos=False)
    rows = cohort.recordings
    names = ["arousal", "valence", "dominance", "liking", "familiarity"]
    assert [target.name for target in cohort.targets] == names
    assert all((t.low, t.high, t.whole) == (1, 9, False) for t in cohort.targets)
    assert len(rows) == 32 and set(rows["clip"]) == {int(name) for name in VIDEOS[:16]}
    for row in rows.itertuples():
        said = [getattr(row, name) for name in (*names, *EMOTIONS)]
        assert said == rating(3, row.trial - 1)[0].tolist()
    clips = rows[rows["condition"] == "stimulus"]
    high = binary_labels(clips, cohort.targets[0])
    np.testing.assert_array_equal(high, clips["arousal"] > 5)


def test_the_layout_is_the_one_that_others_read(tmp_path):
    """Indexing as public readers of the set do it."""
    path = write_person(tmp_path, 1, put("joined_data", 19, EMPTY))
    found = loadmat(path)
    assert found["joined_data"].shape == (1, 20) and found["joined_data"][0, 0].shape[1] == 17
    assert found["joined_data"][0, 19].shape == (0, 0)
    assert found["labels_selfassessment"][0, 0][0].shape == (12,)
    assert found["VideoIDs"][0, 16][0] == "N1"


def test_missing_signals_ratings_and_samples_are_told(tmp_path):
    write_person(tmp_path, 8, gaps)
    write_person(tmp_path, 9, no_ecg)
    cohort = read_amigos(tmp_path)
    rows = cohort.recordings.set_index(["participant", "clip", "condition"])
    assert ("P08", "30", "stimulus") not in rows.index and len(rows) == 2 * (15 + 20)
    assert rows.loc[("P08", "138"), "valence"].isna().all()
    assert rows.loc[("P08", "13"), "valence"].notna().all()
    by_row = dict(zip(rows.index, cohort.signals, strict=True))
    assert np.isnan(by_row["P09", "18", "stimulus"]).all()
    lost = np.isnan(by_row["P09", "19", "stimulus"])
    assert np.flatnonzero(lost[:, 0]).tolist() == list(range(60, 70)) and not lost[:, 1].any()
    assert not np.isnan(by_row["P09", "20", "stimulus"]).any()
    assert cohort.notes == (
        *UNVERIFIED,
        "5 trials have no signal and are left out: P08 30, P08 N1, P08 P1, P08 B1, P08 U1",
        "1 trials have no rating: P08 138",
        "1 trials have no sample of the ECG: P09 18",
        "of the 40 people, 2 are in this folder",
    )
    windows = make_windows(cohort, WindowConfig(leads=("ecg_0",)))
    assert set(windows.meta["condition"]) == {"stimulus"}
    lost = windows.meta.query("participant == 'P09' and quality == 'missing'")
    assert lost["clip"].tolist() == ["18", "19"]


def test_sixteen_columns_are_enough(tmp_path):
    write_person(tmp_path, 1, put("joined_data", 0, trial(1, 0)[:, :16]))
    assert len(read_amigos(tmp_path).recordings) == 40


@pytest.mark.parametrize(
    ("variable", "number", "value", "problem"),
    [
        ("joined_data", 2, trial(1, 2)[:, :15], "clip 138, field joined_data: numbers in 15 col"),
        ("joined_data", 2, trial(1, 2).T, "clip 138, field joined_data: numbers in 2048 col"),
        ("joined_data", 2, trial(1, 2)[:640], r"clip 138, field joined_data: 640 samples \(5.00"),
        ("joined_data", 2, trial(1, 2)[:1], "clip 138, field joined_data: a single row"),
        ("joined_data", 2, "nothing", "clip 138, field joined_data: no numbers"),
        ("joined_data", 2, trial(1, 2) * np.inf, "clip 138, .*sample 0 of ecg_0 is infinite"),
        ("labels_selfassessment", 16, rating(1, 1)[:, :5], r"clip N1, .*: shape \(1, 5\)"),
        ("labels_selfassessment", 16, rating(1, 1).T, r"clip N1, .*: shape \(1, 1\)"),
        ("labels_selfassessment", 16, "high", "clip N1, .*: no numbers"),
        ("labels_selfassessment", 16, rating(1, 1) + 8, "clip N1, .*: arousal is 11"),
        ("labels_selfassessment", 16, rating(1, 1) * 0, "clip N1, .*: arousal is 0"),
        ("labels_selfassessment", 16, rating(1, 1) / 1.5, "clip N1, .*: familiarity is 0.66"),
        ("VideoIDs", 3, "", "clip trial 4, field VideoIDs: 1 trials are of ''"),
        ("VideoIDs", 3, "N1", "clip N1, field VideoIDs: 2 trials are of 'N1'"),
    ],
)
def test_a_wrong_trial_is_named(tmp_path, variable, number, value, problem):
    path = write_person(tmp_path, 1, put(variable, number, value))
    error = refused(tmp_path, f"participant P01, {problem}")
    assert (error.file, error.participant, error.field) == (str(path), "P01", variable)


def test_a_file_of_another_layout(tmp_path):
    path = write_person(tmp_path, 1, lambda cells: cells["joined_data"].pop())
    assert refused(tmp_path, "19 cells. Expected a cell array of 20").field == "joined_data"
    savemat(path, {"joined_data": np.zeros((20, 3))})
    assert refused(tmp_path, "no cell array").participant == "P01"
    savemat(path, {"ECG_DATA": cell([EMPTY] * 20)})
    assert refused(tmp_path, "no variable of this name; the file holds ECG_DATA").file == str(path)


def test_a_damaged_truncated_or_empty_file(tmp_path):
    path = write_person(tmp_path, 1)
    content = path.read_bytes()
    half = bytearray(content)
    half[len(half) // 3] ^= 255
    for damaged in (content[: len(content) // 2], bytes(half), content[:100], b""):
        path.write_bytes(damaged)
        assert refused(tmp_path, "cannot be read|bytes|header").file == str(path)


def test_no_signal_at_all(tmp_path):
    write_person(tmp_path, 1, lambda cells: cells.update(joined_data=[EMPTY] * 20))
    assert refused(tmp_path, "no trial has a signal").file == str(tmp_path)


def test_a_person_who_is_there_twice(tmp_path):
    path = write_person(tmp_path, 1)
    again = write_person(tmp_path, 1, nested=False)
    error = refused(tmp_path, "participant P01: there is another file of this person")
    assert {str(path), str(again)} >= {error.file} and str(path.parent) in str(error)
    again.rename(tmp_path / "Data_Preprocessed_P02.mat")
    refused(tmp_path, "participant P02, clip 10, .*same ECG as participant P01, clip 10")
    assert len(read_amigos(tmp_path, allow_duplicates=True).recordings) == 80


def test_a_folder_without_the_set(tmp_path):
    refused(tmp_path / "gone", "there is no such folder")
    assert not is_amigos(tmp_path) and not is_amigos(tmp_path / "gone")
    (tmp_path / "Data_Original_P01.mat").write_bytes(b"")
    refused(tmp_path, "there is no file of the set.*Data_Original.* not read")
