import shutil

import numpy as np
import pytest

from ecglib.core.errors import DataError
from ecglib.data import case
from ecglib.data.case import EMOTION, SCALES, UNVERIFIED, VIDEOS, is_case, read_case
from ecglib.data.labels import binary_labels
from tests.layouts.case import HOME, ecg, rating, write_case

MS = 2000


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write_case(tmp_path_factory.mktemp("case"), ms=MS)


@pytest.fixture
def folder(written, tmp_path):
    """Give a copy that may be damaged."""
    return shutil.copytree(written, tmp_path / "case")


def paths(folder, person=1):
    return [folder / HOME / part / f"sub_{person}.csv" for part in ("physiological", "annotations")]


def change_line(path, number, change):
    """Change the line of a file that has this number, from 1 (0: the last); None removes it."""
    lines = path.read_text().splitlines()
    number = number or len(lines)
    changed = change(lines[number - 1].split(","))
    new = [] if changed is None else [",".join(changed)]
    path.write_text("\n".join([*lines[: number - 1], *new, *lines[number:]]) + "\n")


def refused(folder, match, **options) -> DataError:
    with pytest.raises(DataError, match=match) as caught:
        read_case(folder, **options)
    assert str(folder) in str(caught.value) or options
    return caught.value


def test_every_video_of_every_person(written):
    cohort = read_case(written)
    assert cohort.notes == UNVERIFIED
    rows = cohort.recordings
    assert (cohort.name, cohort.fs, cohort.unit, cohort.leads) == ("CASE", 1000, "mV", ("ECG",))
    assert cohort.targets == (*SCALES, EMOTION)
    assert rows["participant"].tolist() == [1] * 8 + [2] * 8
    assert rows["clip"].tolist() == [*range(1, 9)] * 2
    assert set(rows["condition"]) == {"stimulus"}
    assert rows["emotion"].tolist() == list(VIDEOS.values()) * 2
    for row, signal in zip(rows.itertuples(), cohort.signals, strict=True):
        expected = ecg(row.participant, row.clip, MS + 37 * row.clip)
        np.testing.assert_allclose(signal[:, 0], expected, atol=1e-6)


def test_a_label_is_the_mean_of_the_joystick(written):
    rows = read_case(written).recordings
    for row in rows.itertuples():
        for which, name in enumerate(("valence", "arousal")):
            last = rating(row.participant, row.clip, which)
            # Positions lie evenly between the middle and the rating.
            assert getattr(row, name) == pytest.approx((5 + last) / 2, abs=1e-3)
    labels = binary_labels(rows, SCALES[0])
    assert 0 < labels.mean() < 1
    assert {"valence_sd", "arousal_sd"} <= set(rows)


def test_the_first_seconds_can_be_left_out_of_the_label(written):
    whole, late = read_case(written), read_case(written, from_s=1.5)
    for row in late.recordings.itertuples():
        last = rating(row.participant, row.clip, 0)
        assert abs(row.valence - last) <= 0.3 * abs(5 - last) + 1e-3
    assert [len(x) for x in late.signals] == [len(x) for x in whole.signals]
    refused(written, r"participant 1, clip \d, field from_s: nothing is left of 2\.\d", from_s=60)
    refused(written, "field from_s: -1. Expected seconds, 0 or more", from_s=-1)
    for value in (np.nan, np.inf):
        refused(written, f"field from_s: {value}. Expected a number", from_s=value)


def test_any_of_the_three_folders_will_do(written):
    found = {read_case(home).sha256 for home in (written, written / "data", written / HOME)}
    assert len(found) == 1
    assert is_case(written) and is_case(written / HOME)
    assert not is_case(written / HOME / "physiological")


def test_a_piece_at_a_time_gives_the_same(written, monkeypatch):
    expected = read_case(written).sha256
    monkeypatch.setattr(case, "_CHUNK", 777)
    assert read_case(written).sha256 == expected


def test_people_are_sorted_by_number(written, tmp_path):
    home = shutil.copytree(written, tmp_path / "case")
    for path in paths(home, 2):
        path.rename(path.with_name("sub_10.csv"))
    assert read_case(home).recordings["participant"].unique().tolist() == [1, 10]


def test_a_joystick_that_never_moved_is_reported(folder):
    path = paths(folder)[1]
    lines = [line.split(",") for line in path.read_text().splitlines()]
    text = [
        ",".join([t, "5.043", "5.043", v] if v == "3" else [t, a, b, v]) for t, a, b, v in lines
    ]
    path.write_text("\n".join(text) + "\n")
    cohort = read_case(folder)
    assert cohort.notes[-1] == "videos without a move of the joystick: participant 1 clip 3"
    rows = cohort.recordings
    assert rows.loc[2, "valence"] == pytest.approx(5.043) and rows.loc[2, "valence_sd"] == 0


def test_a_video_that_is_missing_is_reported(folder):
    for path in paths(folder):
        text = path.read_text().splitlines()
        path.write_text(
            "\n".join([line[:-1] + "11" if line[-2:] == ",4" else line for line in text])
        )
    cohort = read_case(folder)
    assert cohort.notes[len(UNVERIFIED) :] == ("videos that are missing: participant 1 clip 4",)
    assert len(cohort.recordings) == 15


def test_a_video_that_is_there_twice(folder):
    path = paths(folder)[0]
    change_line(path, 0, lambda fields: [*fields[:-1], "7"])  # the last line
    error = refused(folder, "the video is there twice")
    assert (error.file, error.participant, error.clip) == (str(path), 1, 7)


@pytest.mark.parametrize(
    ("file", "line", "field", "value", "problem"),
    [
        (0, 5, 1, "", "field ecg: line 5 has no number"),
        (0, 5, 1, "inf", "field ecg: line 5 has no number"),
        (0, 5, 1, "x", "no table of numbers"),
        (0, 5, 0, "3.5", "field daqtime: line 5: 3.5 ms after 2 ms. Expected a time every 1 ms"),
        (0, 5, 9, "9", "field video: line 5: video 9"),
        (0, 5, 9, "1.5", "field video: line 5: video 1.5"),
        (1, 3, 0, "51", "field jstime: line 3: 51 ms after 0 ms"),
        (0, 5, 1, "0.1,0.2", "no table of numbers"),
        (0, 2, 1, "0.1,0.2", "no table of numbers"),
        (1, 3, 1, "0.1,0.2", "no table of numbers"),
        (1, 3, 1, "nan", "field valence: line 3 has no number"),
        (1, 3, 3, "0", "field video: line 3: video 0"),
        (0, 1, 1, "ekg", "no table of numbers.*ecg"),
        (1, 1, 2, "aro", "no table of numbers.*arousal"),
    ],
)
def test_values_that_are_wrong(folder, file, line, field, value, problem):
    path = paths(folder)[file]
    change_line(path, line, lambda f: [*f[:field], value, *f[field + 1 :]])
    assert refused(folder, problem).file == str(path)


def test_a_position_outside_the_scale(folder):
    path = paths(folder)[1]
    number = next(i for i, x in enumerate(path.read_text().splitlines(), 1) if x.endswith(",6"))
    change_line(path, number, lambda f: [f[0], f[1], "9.6", f[3]])
    error = refused(folder, f"line {number}: 9.6. Expected a number from 0.5 to 9.5")
    assert (error.file, error.participant, error.clip, error.field) == (str(path), 1, 6, "arousal")


def test_a_missing_sample_leaves_a_hole_in_the_times(folder):
    path = paths(folder, 2)[0]
    change_line(path, 900, lambda _: None)
    assert refused(folder, "line 900: 899 ms after 897 ms").file == str(path)


def test_a_joystick_of_another_recording(folder):
    shutil.copy(paths(folder, 2)[1], paths(folder, 1)[1])
    error = refused(folder, "the joystick has this video from .* ms, as the ECG has it")
    assert (error.participant, error.file) == (1, str(paths(folder)[1]))


@pytest.mark.parametrize("file", [0, 1])
def test_truncated_files(folder, file):
    path = paths(folder)[file]
    content = path.read_text()
    lines = content.splitlines(keepends=True)
    path.write_text("".join(lines[: len(lines) // 2]))
    refused(folder, "as the ECG has it")
    path.write_text(content[: len(content) // 2].rsplit(",", 2)[0])
    refused(folder, "has no number|as the ECG has it|no table")
    path.write_text(lines[0])
    refused(folder, "the table has no row")
    path.write_text("")
    refused(folder, "no table of numbers")


def test_what_is_no_table(folder, monkeypatch):
    path = paths(folder)[0]
    path.write_bytes(bytes(range(256)) * 40)
    assert refused(folder, "no table of numbers").file == str(path)
    monkeypatch.setattr(case, "MAX_BYTES", 2**13)
    refused(folder, "0 MiB. Expected at most 0 MiB")


def test_the_same_heart_twice_is_refused(folder):
    for one, other in zip(paths(folder, 1), paths(folder, 2), strict=True):
        shutil.copy(one, other)
    error = refused(folder, "participant 2, clip 1, .* of the same ECG as participant 1, clip 1")
    assert "allow_duplicates=True" in str(error)
    assert len(read_case(folder, allow_duplicates=True).recordings) == 16


def test_files_that_are_missing(folder, tmp_path):
    paths(folder, 2)[1].unlink()
    error = refused(folder, "this file is missing")
    assert error.file == str(paths(folder, 2)[1]) and error.participant == 2
    shutil.rmtree(paths(folder)[1].parent)
    assert refused(folder, "this file is missing").file == str(paths(folder)[1])
    for path in paths(folder)[0].parent.iterdir():
        path.unlink()
    refused(folder, "there is no recording")
    (tmp_path / "raw").mkdir()
    refused(tmp_path / "raw", "no processed files.*raw files, initial and non-interpolated")
    refused(tmp_path / "gone", "there is no such folder")
