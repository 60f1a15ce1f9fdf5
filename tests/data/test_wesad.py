import shutil

import numpy as np
import pytest

from ecglib.core.errors import DataError
from ecglib.data.labels import binary_labels, class_labels
from ecglib.data.mitbih import read_mitbih
from ecglib.data.wesad import PEOPLE, STATES, STRESS, UNVERIFIED, is_wesad, read_wesad
from ecglib.preprocessing.segmentation import make_windows
from tests.layouts.wesad import (
    DIM,
    S2,
    header,
    raw_ecg,
    write_person,
    write_quest,
    write_respiban,
)
from tests.real import shared_data

FS, LSB = 100, 3 / 65536


@pytest.fixture
def folder(tmp_path):
    """Two people of the set, at a lower rate than its own."""
    write_person(tmp_path / "WESAD", "S3", fs=FS)
    write_person(tmp_path / "WESAD", "S10", fs=FS, age=31, sex="female")
    return tmp_path / "WESAD"


def refused(folder, match, **options) -> DataError:
    with pytest.raises(DataError, match=match) as caught:
        read_wesad(folder, **options)
    return caught.value


def test_a_recording_for_each_block(folder):
    cohort = read_wesad(folder)
    rows = cohort.recordings
    assert (cohort.name, cohort.fs, cohort.unit, cohort.leads) == ("WESAD", FS, "mV", ("ECG",))
    assert [target.name for target in cohort.targets] == ["state", "valence", "arousal"]
    assert rows["participant"].tolist() == ["S10"] * 5 + ["S3"] * 5
    own = rows[rows["participant"] == "S3"].set_index("clip")
    assert own["state"].to_dict() == {
        "Base": "baseline",
        "TSST": "stress",
        "Fun": "amusement",
        "Medi 1": "meditation",
        "Medi 2": "meditation",
    }
    # 0.1 is 10 s, 0.4 is 40 s, 3 is 180 s; 10 s are cut from both ends.
    begin = {"Base": 10, "Fun": 65, "Medi 1": 100, "Medi 2": 140, "TSST": 180}
    last = {"Base": 40, "Fun": 97, "Medi 1": 131, "Medi 2": 171, "TSST": 220}
    assert own["start_s"].to_dict() == {name: s + 10 for name, s in begin.items()}
    assert own["duration"].to_dict() == {name: last[name] - s - 20 for name, s in begin.items()}
    assert own["order"].to_dict() == {"Base": 1, "Fun": 3, "Medi 1": 4, "Medi 2": 5, "TSST": 6}
    assert own[["valence", "arousal"]].apply(tuple, axis=1).to_dict() == DIM
    assert rows.drop_duplicates("participant")[["age", "sex"]].values.tolist() == [
        [31, "F"],
        [27, "M"],
    ]
    assert set(rows["condition"]) == {"stimulus"}


def test_the_samples_are_those_of_the_converter(folder):
    cohort = read_wesad(folder)
    for row, signal in zip(cohort.recordings.itertuples(), cohort.signals, strict=True):
        raw = raw_ecg(int(row.participant[1:]), 245, FS)
        first = round(row.start_s * FS)
        wanted = raw[first : first + len(signal)]
        assert signal.dtype == np.float32
        np.testing.assert_allclose(signal[:, 0], (wanted / 65536 - 0.5) * 3, atol=LSB / 10)
        np.testing.assert_array_equal(np.rint((signal[:, 0] / 3 + 0.5) * 65536), wanted)


def test_times_of_a_person_of_the_set(tmp_path):
    """Lengths are those of the set's own labels, which a public audit counted."""
    write_person(tmp_path, "S2", S2, fs=50, seconds=6020)
    rows = read_wesad(tmp_path, reading=True).recordings.set_index("clip")
    assert rows["duration"].to_dict() == {
        "Base": 1144,
        "TSST": 615,
        "Fun": 362,
        "Medi 1": 391,
        "Medi 2": 377,
        "sRead": 65,
        "fRead": 64,
    }
    assert rows.loc["Base", "start_s"] == 438 and rows.loc["TSST", "start_s"] == 2405
    in_order = ["Base", "TSST", "sRead", "Medi 1", "Fun", "fRead", "Medi 2"]
    assert rows["order"].sort_values().index.tolist() == in_order
    assert rows["state"].isna().sum() == rows["valence"].isna().sum() == 2
    assert rows.groupby("condition").size().to_dict() == {"reading": 2, "stimulus": 5}


def test_questions_of_two_and_three_classes(folder):
    three = read_wesad(folder, states=("baseline", "stress", "amusement"))
    assert class_labels(three.recordings, three.targets[0]).tolist() == [0, 2, 1] * 2
    assert binary_labels(three.recordings, STRESS).tolist() == [0, 0, 1] * 2
    two = read_wesad(folder, states=("baseline", "stress"))
    assert binary_labels(two.recordings, two.targets[0]).tolist() == [0, 1] * 2
    assert binary_labels(two.recordings, two.targets[1]).tolist() == [1, 0] * 2
    windows = make_windows(three)
    assert set(windows.meta["state"]) == {"baseline", "stress", "amusement"}
    assert windows.meta["quality"].eq("ok").any()


@pytest.mark.parametrize(
    "states", [("stress",), "stress", ("fun", "stress"), ("stress",) * 2, (), None, [[]]]
)
def test_states_that_make_no_question(folder, states):
    assert refused(folder, "two or more of baseline", states=states).field == "states"


def test_the_sensor_and_the_rate_are_those_of_the_header(tmp_path):
    folder = write_person(tmp_path, "S4", fs=FS)
    ecg = raw_ecg(4, 245, 128.0)
    sensors = ("EDA", "TEMP", "ECG")
    write_respiban(folder / "S4_respiban.txt", ecg, 128, sensor=sensors, resolution=[12, 8, 16])
    cohort = read_wesad(tmp_path)
    assert cohort.fs == 128
    np.testing.assert_allclose(
        cohort.signals[0][:, 0], (ecg[20 * 128 : 30 * 128] / 65536 - 0.5) * 3, atol=LSB / 10
    )
    write_respiban(folder / "S4_respiban.txt", ecg, 128, tab="")
    assert read_wesad(tmp_path).fs == 128


def test_a_zero_of_the_converter_is_missing(tmp_path):
    folder = write_person(tmp_path, "S4", fs=FS)
    ecg = raw_ecg(4, 245, FS)
    ecg[[0, 2500, 2501]] = 0  # the first one is in no block
    ecg[2600] = 32768  # 0 mV
    write_respiban(folder / "S4_respiban.txt", ecg, FS)
    cohort = read_wesad(tmp_path)
    base = cohort.signals[0][:, 0]
    assert np.flatnonzero(np.isnan(base)).tolist() == [500, 501] and base[600] == 0
    assert not any(np.isnan(signal).any() for signal in cohort.signals[1:])
    assert cohort.notes[len(UNVERIFIED)].startswith("S4: 2 samples of exactly 0")
    assert make_windows(cohort).meta.query("clip == 'Base'")["quality"].tolist() == ["missing"]


def test_what_no_document_says_is_said(folder):
    cohort = read_wesad(folder)
    assert cohort.notes[:-1] == UNVERIFIED
    assert cohort.notes[-1].startswith("of the 15 people, S2, S4, S5, S6, S7, S8, S9, S11")
    assert "notes>" in repr(cohort)
    assert "S1" not in PEOPLE and "S12" not in PEOPLE and len(PEOPLE) == 15
    assert read_wesad.__doc__.count("UNVERIFIED") and len(STATES) == 4


def test_the_folder_above_and_people_without_a_readme(folder):
    (folder / "S3" / "S3_readme.txt").unlink()
    (folder / "S10" / "S10_readme.txt").write_text("### Personal information ###\nAge:\nGender:\n")
    (folder / "wesad_readme.pdf").write_bytes(b"%PDF")
    rows = read_wesad(folder.parent).recordings
    assert rows["age"].isna().all() and rows["sex"].isna().all()


def test_nobody_in_the_folder(tmp_path, folder):
    refused(folder / "S3", "there is nobody in this folder.*S2, S3")
    refused(tmp_path / "gone", "there is no such folder")
    found = [is_wesad(path) for path in (folder, folder.parent, folder / "S3", tmp_path / "gone")]
    assert found == [True, True, False, False]


@pytest.mark.parametrize("name", ["S3_respiban.txt", "S3_quest.csv"])
def test_a_missing_or_empty_file_is_named(folder, name):
    path = folder / "S3" / name
    path.write_text("")
    for problem in ("empty|no header", "missing"):
        error = refused(folder, problem)
        assert error.file == str(path) and error.participant == "S3"
        path.unlink(missing_ok=True)


@pytest.mark.parametrize(
    ("old", "new", "problem", "field"),
    [
        ("# Subj;S3", "# Subj;S4", "the file is of S4. Expected S3", "Subj"),
        ("# ORDER;Base", "# ORDER;Rest", "'Rest' is no block", "ORDER"),
        ("# ORDER;Base", "# ORDER;Fun", "Fun is there twice", "ORDER"),
        ("# ORDER;Base;", "# ORDER;fRead;", "Base is missing", "ORDER"),
        ("# START;0.1;", "# BEGIN;0.1;", "no row begins '# START'", "START"),
        ("# END;0.4;", "# START;0.4;", "2 rows begin with '# START'", "START"),
        ("# END;0.4;1.37", "# END;0.4", "6 times for 7 blocks", "END"),
        ("# START;0.1;", "# START;;", "clip Base, field START: '' is no time", "START"),
        ("# START;0.1;", "# START;0,1;", "clip Base, field START: '0,1' is no time", "START"),
        ("# END;0.4;1.37", "# END;0.4;1.7", "clip Fun, field END: '1.7' is no time", "END"),
        ("# END;0.4;", "# END;0.04;", "clip Base, field END: the block lasts -6 s", "END"),
        ("# END;0.4;", "# END;0.3;", "clip Base, field END: the block lasts 20 s", "END"),
        ("# END;0.4;", "# END;0.5;", "clip bRead.*second 42, before Base ends at", "START"),
        ("# DIM;3;8", "# DIM;3;10", "clip TSST, field DIM: arousal is '10'", "DIM"),
        ("# DIM;3;8", "# DIM;;8", "clip TSST, field DIM: valence is ''", "DIM"),
        ("# DIM;3;8", "# SAM;3;8", "4 rows for 5 conditions", "DIM"),
    ],
)
def test_a_wrong_questionnaire(folder, old, new, problem, field):
    path = folder / "S3" / "S3_quest.csv"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    error = refused(folder, f"participant S3, .*{problem}")
    assert (error.file, error.participant, error.field) == (str(path), "S3", field)


@pytest.mark.parametrize(
    ("changes", "problem", "field"),
    [
        ({"sensor": ["EDA", "EMG"]}, "no sensor is an ECG", "sensor"),
        ({"sensor": ["ECG", "ECG"], "resolution": [16] * 2}, "2 sensors are an ECG", "sensor"),
        ({"column": ["nSeq", "DI"]}, "2 columns for 8 sensors", "column"),
        ({"resolution": [12] * 8}, "12, 12.*16 bits", "resolution"),
        ({"sampling rate": 0}, "0 Hz", "sampling rate"),
        ({"sampling rate": 0.7}, "this looks like kHz; then give 700", "sampling rate"),
        ({"sampling rate": None}, "None Hz", "sampling rate"),
    ],
)
def test_a_header_that_is_another_one(folder, changes, problem, field):
    path = folder / "S10" / "S10_respiban.txt"
    path.write_text(header(FS, **changes) + "0\t0\t9\t\n")
    error = refused(folder, f"participant S10, field {field}: .*{problem}")
    assert error.file == str(path)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("0\t0\t32768\t\n", "there is no header"),
        ("# OpenSignals\n# {\n# EndOfHeader\n", "no description of the recorder"),
        ("# OpenSignals\n# []\n# EndOfHeader\n", "no description of the recorder"),
        ("# OpenSignals\n# {}\n0\t0\n", "no line says EndOfHeader"),
        ("# OpenSignals\n# {}\n# EndOfHeader\n", "no sensor is an ECG"),
        ("# OpenSignals\n# " + "[" * 50000 + "\n# EndOfHeader\n", "no description|EndOfHeader"),
    ],
)
def test_a_header_that_is_none(folder, text, problem):
    path = folder / "S3" / "S3_respiban.txt"
    path.write_text(text)
    assert refused(folder, problem).file == str(path)


def first_line(path, edit):
    """Change the hundredth line of samples."""
    lines = path.read_text().splitlines(keepends=True)
    lines[102] = edit(lines[102])
    path.write_text("".join(lines))


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (lambda line: "99\t0\tabc" + "\t9" * 7 + "\t\n", "line 103: the ECG is 'abc'"),
        (lambda line: "99\t0\t65536" + "\t9" * 7 + "\t\n", "line 103: the ECG is '65536'"),
        (lambda line: "99\t0\t-1" + "\t9" * 7 + "\t\n", "line 103: the ECG is '-1'"),
        (lambda line: "99\t0\t7.5" + "\t9" * 7 + "\t\n", "line 103: the ECG is '7.5'"),
        (lambda line: "99\t0\t" + "\t9" * 7 + "\t\n", "line 103: the ECG is ''"),
        (lambda line: line[:20] + "\n", "line 103 has 5 fields"),
        (lambda line: line[:-2] + "\t9\t\n", "line 103 has 11 fields"),
        (lambda line: "\0" * 40 + "\n", "line 103 has 1 fields"),
    ],
)
def test_a_damaged_line_is_named(folder, edit, problem):
    path = folder / "S3" / "S3_respiban.txt"
    first_line(path, edit)
    error = refused(folder, f"participant S3, field ECG: {problem}")
    assert error.file == str(path)


def test_a_recording_that_broke_off(folder):
    path = folder / "S3" / "S3_respiban.txt"
    content = path.read_bytes()
    lines = content.split(b"\n")
    path.write_bytes(b"\n".join(lines[:20003]) + b"\n")  # at the end of a line, after 200 s
    error = refused(folder, "the recording ends after 200.0 s, the block at second 220")
    assert (error.file, error.participant, error.clip) == (str(path), "S3", "TSST")
    path.write_bytes(b"\n".join(lines[:20003]) + b"\n20000\t0\t327")  # within a number of the ECG
    refused(folder, "line 20004 has 3 fields")
    path.write_bytes(b"\n".join(lines[:3]) + b"\n")
    refused(folder, "participant S3, field ECG: there is no sample after the header")


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"age": "old"}, "field Age: 'old'"),
        ({"age": 0}, "field Age: '0'"),
        ({"sex": "x"}, "field Gender: 'x'"),
    ],
)
def test_a_wrong_readme(tmp_path, said, problem):
    folder = write_person(tmp_path, "S3", **said)
    assert refused(tmp_path, problem).file == str(folder / "S3_readme.txt")


def test_a_person_who_is_there_twice(folder):
    shutil.copytree(folder / "S3", folder / "S5")
    for path in (folder / "S5").iterdir():
        path.rename(path.with_name(path.name.replace("S3", "S5")))
    quest = folder / "S5" / "S5_quest.csv"
    assert refused(folder, "the file is of S3. Expected S5").file == str(quest)
    write_quest(quest, "S5")
    error = refused(
        folder, "participant S5, clip Base, .*the same ECG as participant S3, clip Base"
    )
    assert error.file == str(folder) and "allow_duplicates=True" in error.remedy
    assert len(read_wesad(folder, allow_duplicates=True).recordings) == 15


def test_a_real_ecg_comes_back_to_half_a_step(tmp_path):
    """A record of a clinic takes the place of the recorder's."""
    clinic = read_mitbih(shared_data("mitdb5"))
    ecg = clinic.signals[0][:, 0].astype(np.float64)  # mV, within the recorder's range
    folder = write_person(tmp_path, "S2", fs=360)
    raw = np.rint((ecg / 3 + 0.5) * 65536).astype(int)
    write_respiban(folder / "S2_respiban.txt", raw, 360)
    cohort = read_wesad(tmp_path)
    for row, signal in zip(cohort.recordings.itertuples(), cohort.signals, strict=True):
        first = round(row.start_s * 360)
        wanted = ecg[first : first + len(signal)]
        assert np.abs(signal[:, 0] - wanted).max() <= LSB / 2 + 1e-6
    windows = make_windows(cohort)
    assert windows.meta["quality"].eq("ok").all() and len(windows.meta) == 6
