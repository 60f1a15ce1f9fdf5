import shutil

import numpy as np
import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.data.duplicates import find_duplicates
from ecglib.data.eegmat import ARRAYS, CONDITION, LABELS, PEOPLE, is_eegmat, read_eegmat
from ecglib.data.labels import class_labels
from tests.real import shared_data

edfio = pytest.importorskip("edfio")

FS = 500
PEOPLE_TABLE = """Subject,Age,Gender,Recording year,Number of subtractions,Count quality
Subject00,21,F,2011,9.7,0
Subject01,18,M,2011,29.35,1
"""
KEYS = {"S00_1": 3000, "S00_2": 1500, "S01_1": 2000, "S01_2": 1000}


def samples(key: str) -> np.ndarray:
    """Numbers of the converter that no other recording has."""
    rng = np.random.default_rng(int(key[1:3]) * 10 + int(key[-1]))
    return np.cumsum(rng.integers(-90, 91, KEYS[key])).astype(np.int16)


def physical(key: str) -> tuple[float, float]:
    """Return the ends of the range in mV, as a header's eight letters can say them."""
    return -0.5 - int(key[-1]) / 10, 0.61243 + int(key[1:3]) / 10


def gain_and_offset(key: str) -> tuple[float, float]:
    low, high = physical(key)
    gain = (high - low) / 65535
    return gain, low + 32768 * gain


def write_extract(folder):
    np.savez(folder / ARRAYS, **{key: samples(key) for key in KEYS})
    rows = [
        {
            "key": key,
            "condition": ("rest", "arithmetic")[int(key[-1]) - 1],
            "age": 99,  # is not the authority
            "fs_hz": FS,
            "n_samples": n,
            "gain_mV_per_adu": gain_and_offset(key)[0],
            "offset_mV": gain_and_offset(key)[1],
        }
        for key, n in KEYS.items()
    ]
    pd.DataFrame(rows).to_csv(folder / LABELS, index=False)
    (folder / PEOPLE).write_text(PEOPLE_TABLE)
    return folder


def write_edf(path, digital, low, high, fs=FS, label="ECG ECG", unit="mV"):
    """Write an ECG between other signals, every number of the converter as it is."""
    eeg = np.random.default_rng(0).normal(size=len(digital) // fs * fs)
    ecg = edfio.EdfSignal.from_digital(
        digital,
        fs,
        label=label,
        physical_dimension=unit,
        physical_range=(low, high),
        digital_range=(-32768, 32767),
    )
    other = [
        edfio.EdfSignal(eeg, fs, label=name, physical_dimension="uV") for name in ("EEG Fp1", "A2")
    ]
    edfio.Edf([other[0], ecg, other[1]]).write(path)


def write_original(folder):
    for key in KEYS:
        write_edf(folder / f"Subject{key[1:]}.edf", samples(key), *physical(key))
    (folder / PEOPLE).write_text(PEOPLE_TABLE)
    return folder


WRITERS = {"original": write_original, "extract": write_extract}


@pytest.fixture(params=WRITERS)
def folder(request, tmp_path):
    return WRITERS[request.param](tmp_path)


def refused(folder, match) -> DataError:
    with pytest.raises(DataError, match=match) as caught:
        read_eegmat(folder)
    assert str(folder) in str(caught.value)
    return caught.value


def test_both_forms_give_the_same_cohort(folder):
    cohort = read_eegmat(folder)
    rows = cohort.recordings
    assert (cohort.name, cohort.fs, cohort.unit, cohort.leads) == ("eegmat", 500, "mV", ("ECG",))
    assert cohort.targets == (CONDITION,)
    assert rows["participant"].tolist() == ["S00", "S00", "S01", "S01"]
    assert rows["clip"].tolist() == [1, 2, 1, 2]
    assert rows["condition"].tolist() == ["rest", "arithmetic"] * 2
    assert rows["age"].tolist() == [21, 21, 18, 18] and rows["sex"].tolist() == list("FFMM")
    assert rows["subtractions"].tolist() == [9.7, 9.7, 29.35, 29.35]
    assert rows["count_quality"].tolist() == [0, 0, 1, 1]
    for key, signal in zip(KEYS, cohort.signals, strict=True):
        gain, offset = gain_and_offset(key)
        assert signal.dtype == np.float32
        np.testing.assert_allclose(signal[:, 0], samples(key) * gain + offset, rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(class_labels(rows, CONDITION), [0, 1, 0, 1])


def test_the_checksum_is_that_of_the_samples_and_people(tmp_path):
    found = {}
    for name, write in WRITERS.items():
        (tmp_path / name).mkdir()
        found[name] = read_eegmat(write(tmp_path / name)).sha256
    assert found["original"] == found["extract"] != ""
    labels = pd.read_csv(tmp_path / "extract" / LABELS)
    labels["offset_mV"] += 0.001
    labels.to_csv(tmp_path / "extract" / LABELS, index=False)
    assert read_eegmat(tmp_path / "extract").sha256 != found["extract"]
    older = PEOPLE_TABLE.replace("21,F", "22,F")
    (tmp_path / "original" / PEOPLE).write_text(older)
    assert read_eegmat(tmp_path / "original").sha256 != found["original"]


def test_a_missing_or_renamed_original_is_named(tmp_path):
    write_original(tmp_path)
    (tmp_path / "Subject01_2.edf").rename(tmp_path / "Subject1_2.edf")
    refused(tmp_path, r"Subject01_2.edf is missing; Subject1_2.edf is not of the set.*fetch eegmat")
    (tmp_path / "Subject1_2.edf").unlink()
    (tmp_path / "Subject00_1.edf").unlink()
    refused(tmp_path, r"Subject00_1.edf is missing \(2 of 4 are\)")


def test_a_recording_of_nobody(tmp_path):
    write_original(tmp_path)
    shutil.copy(tmp_path / "Subject00_1.edf", tmp_path / "Subject02_1.edf")
    refused(tmp_path, "Subject02_1.edf is of nobody")


def test_a_truncated_original_is_named(tmp_path):
    path = write_original(tmp_path) / "Subject01_1.edf"
    path.write_bytes(path.read_bytes()[:-1000])
    assert refused(tmp_path, "data records").file == str(path)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"label": "EKG"}, "no lead has the name 'ECG ECG'"),
        ({"unit": "uV"}, "500 Hz, uV. Expected 500 Hz, mV"),
        ({"fs": 250}, "250 Hz, mV"),
    ],
)
def test_another_signal_is_refused(tmp_path, options, problem):
    path = write_original(tmp_path) / "Subject00_2.edf"
    write_edf(path, samples("S00_2"), *physical("S00_2"), **options)
    assert refused(tmp_path, problem).file == str(path)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("Subject01,18,M", "Subject01,old,M", "field Age: 'old' in the row of Subject01"),
        ("Subject01,18,M", "Subject01,180,M", "participant Subject01, field Age: 180"),
        ("Subject01,18,M", "Subject01,18,", "participant Subject01, field Gender: ''"),
        ("29.35,1", "29.35,2", "field Count quality: 2"),
        ("29.35,1", ",1", "field Number of subtractions: '' in the row"),
        ("Subject01", "Subject00", "field Subject: row 3 is 'Subject00'"),
        ("Subject01", "Somebody", "participant Somebody, field Subject: an unknown name"),
        ("Gender", "Sex", "there is no column 'Gender'"),
    ],
)
def test_a_wrong_table_of_people(folder, old, new, problem):
    (folder / PEOPLE).write_text(PEOPLE_TABLE.replace(old, new))
    assert refused(folder, problem).file == str(folder / PEOPLE)


def test_people_are_needed(folder):
    (folder / PEOPLE).unlink()
    assert refused(folder, "this file is missing").file == str(folder / PEOPLE)


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("condition", "rest", "field condition: rest for S01_2. Expected arithmetic"),
        ("fs_hz", 250, "field fs_hz: 250 for S01_2"),
        ("n_samples", 999, "field n_samples: 999 for S01_2. Expected 1000"),
        ("gain_mV_per_adu", 0, "field gain_mV_per_adu"),
        ("offset_mV", None, "field offset_mV: '' in the row of S01_2"),
    ],
)
def test_labels_that_contradict_the_samples(tmp_path, column, value, problem):
    write_extract(tmp_path)
    labels = pd.read_csv(tmp_path / LABELS).astype({column: object})
    labels.loc[3, column] = value
    labels.to_csv(tmp_path / LABELS, index=False)
    assert refused(tmp_path, problem).file == str(tmp_path / LABELS)


def test_a_damaged_or_incomplete_extract_is_named(tmp_path):
    write_extract(tmp_path)
    arrays = {key: samples(key) for key in KEYS}
    np.savez(tmp_path / ARRAYS, **{k: x for k, x in arrays.items() if k != "S00_2"})
    assert refused(tmp_path, "S00_2 is missing").file == str(tmp_path / ARRAYS)
    np.savez(tmp_path / ARRAYS, **arrays, S07_1=arrays["S00_1"])
    refused(tmp_path, f"S07_1 is of nobody in {PEOPLE}")
    np.savez(tmp_path / ARRAYS, **{**arrays, "S01_1": np.zeros((20, 3))})
    assert refused(tmp_path, r"float64 of shape \(20, 3\)").field == "S01_1"
    np.savez(tmp_path / ARRAYS, **{**arrays, "S01_1": np.array([None, "code"], dtype=object)})
    refused(tmp_path, "allow_pickle")
    np.savez(tmp_path / ARRAYS, **arrays)
    content = (tmp_path / ARRAYS).read_bytes()
    (tmp_path / ARRAYS).write_bytes(content[: len(content) // 2])
    refused(tmp_path, "undamaged NPZ")
    (tmp_path / LABELS).unlink()
    assert refused(tmp_path, "this file is missing").file == str(tmp_path / LABELS)


def test_a_folder_without_the_set(tmp_path):
    refused(tmp_path / "gone", "there is no such folder.*fetch eegmat")
    refused(tmp_path, "missing")
    (tmp_path / PEOPLE).write_text(PEOPLE_TABLE)
    refused(tmp_path, rf"Subject00_1.edf is missing \(4 of 4 are\).*or {ARRAYS}")


def test_the_real_set():
    folder = shared_data("eegmat")
    cohort = read_eegmat(folder)
    rows = cohort.recordings
    assert repr(cohort).endswith("36 participants, 2 clips, 72 recordings, 144.6 min at 500 Hz>")
    people = rows.drop_duplicates("participant")
    assert people["sex"].value_counts().to_dict() == {"F": 27, "M": 9}
    assert (people["age"].min(), people["age"].max()) == (16, 26)
    odd = rows[rows["duration"].sub(rows["clip"].map({1: 182, 2: 62})).abs() > 0]
    assert odd["participant"].tolist() == ["S04", "S10", "S31"]
    assert find_duplicates(cohort).empty


def test_real_recordings_are_the_same_in_the_original_layout(tmp_path):
    """The extract keeps the converter's numbers, so EDF files of some people can be made again."""
    source = shared_data("eegmat")
    labels = pd.read_csv(source / LABELS, float_precision="round_trip").set_index("key")
    arrays = np.load(source / ARRAYS)
    people = (source / PEOPLE).read_text().splitlines(keepends=True)
    (tmp_path / PEOPLE).write_text("".join(people[:3]))
    for key in ("S00_1", "S00_2", "S01_1", "S01_2"):
        gain, offset = labels.loc[key, ["gain_mV_per_adu", "offset_mV"]]
        low, high = round(offset - 32768 * gain, 5), round(offset + 32767 * gain, 6)
        write_edf(tmp_path / f"Subject{key[1:]}.edf", arrays[key], low, high)
    again = read_eegmat(tmp_path)
    extract = tmp_path / "extract"
    extract.mkdir()
    (extract / PEOPLE).write_text("".join(people[:3]))
    labels.loc[["S00_1", "S00_2", "S01_1", "S01_2"]].to_csv(extract / LABELS)
    np.savez(extract / ARRAYS, **{k: arrays[k] for k in ("S00_1", "S00_2", "S01_1", "S01_2")})
    assert read_eegmat(extract).sha256 == again.sha256
    whole = read_eegmat(source).select(participants=["S00", "S01"])
    for one, other in zip(again.signals, whole.signals, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


def test_the_folder_is_told_by_its_files(tmp_path):
    names = {"edf": ("Subject00_1.edf",), "extract": (ARRAYS,), "mine": ("Subject1.edf",)}
    for folder, files in names.items():
        (tmp_path / folder).mkdir()
        for name in (*files, PEOPLE):
            (tmp_path / folder / name).touch()
    assert [is_eegmat(tmp_path / folder) for folder in names] == [True, True, False]
    (tmp_path / "edf" / PEOPLE).unlink()
    assert not is_eegmat(tmp_path / "edf") and not is_eegmat(tmp_path / "gone")
