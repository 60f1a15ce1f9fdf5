import shutil

import numpy as np
import pytest

from ecglib.core.errors import DataError
from ecglib.data.labels import class_labels
from ecglib.data.swell import CONDITION, LABELS, SCALES, UNVERIFIED, is_swell, read_swell
from tests.layouts.swell import (
    CONDITIONS,
    MOBI,
    NAMES,
    RATINGS,
    ecg,
    label_rows,
    rating,
    recording_name,
    write_block,
    write_poly5,
    write_swell,
)
from tests.layouts.workbook import write_workbook


def refused(folder, match, **options) -> DataError:
    with pytest.raises(DataError, match=match) as caught:
        read_swell(folder, **options)
    assert str(folder) in str(caught.value)
    return caught.value


def rewrite_labels(folder, change):
    """Write the labels again, after a change of their rows."""
    rows = label_rows(CONDITIONS)
    change(rows)
    write_workbook(folder / LABELS, {"Sheet1": rows})


def test_every_block_has_its_ecg_condition_and_ratings(tmp_path):
    cohort = read_swell(write_swell(tmp_path))
    assert cohort.notes == UNVERIFIED
    rows = cohort.recordings
    assert (cohort.name, cohort.fs, cohort.unit) == ("SWELL-KW", 2048, "uV")
    assert cohort.leads == ("ECG",)
    assert rows["participant"].tolist() == ["PP1"] * 3 + ["PP2"] * 3
    assert rows["clip"].tolist() == [1, 2, 3] * 2
    words = {"N": "neutral", "I": "interruptions", "T": "time pressure"}
    assert rows["condition"].tolist() == [words[code] for code in CONDITIONS.values()]
    for (person, block), signal in zip(CONDITIONS, cohort.signals, strict=True):
        np.testing.assert_array_equal(signal[:, 0], ecg(10 * person + block))
    for column, scale in SCALES.items():
        expected = [rating(person, block, column) for person, block in CONDITIONS]
        assert rows[scale.name].tolist() == expected
    assert cohort.targets == (CONDITION, *SCALES.values())
    np.testing.assert_array_equal(class_labels(rows, CONDITION), [0, 2, 1, 0, 1, 2])


def test_the_block_number_is_not_the_condition(tmp_path):
    rows = read_swell(write_swell(tmp_path)).recordings.set_index(["participant", "clip"])
    assert rows.at[("PP1", 2), "condition"] == rows.at[("PP2", 3), "condition"] == "time pressure"


def test_relaxation_is_not_a_condition_of_work(tmp_path):
    write_swell(tmp_path)

    def only_rest(rows):
        for row in rows[1:4]:
            row[2] = "R"

    rewrite_labels(tmp_path, only_rest)
    error = refused(tmp_path, "conditions R. Expected one of N, I and T")
    assert (error.participant, error.clip, error.field) == ("PP1", 1, "Condition")


def test_the_ecg_is_chosen_by_name_wherever_it_stands(tmp_path):
    write_swell(tmp_path)
    x = np.column_stack([ecg(11), *np.zeros((4, 5000))])
    path = tmp_path / MOBI / recording_name(1, 1)
    write_poly5(path, x, ("ECG raw", "A", "B", "Saw", "GSR"))
    np.testing.assert_array_equal(read_swell(tmp_path).signals[0][:, 0], ecg(11))


def test_an_ecg_that_no_name_shows_must_be_named(tmp_path):
    write_swell(tmp_path)
    for person, block in CONDITIONS:
        for path in (tmp_path / MOBI).glob(f"pp{person}_*_c{block}.*"):
            path.unlink()
        write_block(tmp_path, person, block, names=(*NAMES[:4], "HeartPre"))
    error = refused(tmp_path, "0 channels are named like an ECG.*'GSR', 'HeartPre'.*by its name")
    assert error.field == "lead" and error.file.endswith(recording_name(1, 1))
    cohort = read_swell(tmp_path, lead="HeartPre")
    np.testing.assert_array_equal(cohort.signals[3][:, 0], ecg(21))
    refused(tmp_path, "0 channels have the name 'ECG'", lead="ECG")


def test_several_channels_that_could_be_the_ecg(tmp_path):
    write_swell(tmp_path)
    write_block(tmp_path, 1, 1, names=("ECG", "B", "Saw", "GSR", "ECG raw"))
    refused(tmp_path, "2 channels are named like an ECG")
    write_block(tmp_path, 1, 1, names=("ECG", "B", "Saw", "GSR", "ECG"))
    refused(tmp_path, "2 channels have the name 'ECG'", lead="ECG")


def test_what_has_no_partner_is_reported(tmp_path):
    write_swell(tmp_path)
    (tmp_path / MOBI / recording_name(1, 2, ".s00")).unlink()
    write_block(tmp_path, 8, 1)
    cohort = read_swell(tmp_path)
    assert cohort.notes[len(UNVERIFIED) :] == (
        "blocks that have labels, but no recording: PP1 block 2",
        "blocks that have a recording, but no labels, and are left out: PP8 block 1",
    )
    assert len(cohort.recordings) == 5


def test_names_that_are_not_understood_are_reported(tmp_path):
    write_swell(tmp_path)
    source = tmp_path / MOBI / recording_name(1, 1)
    shutil.copy(source, source.with_name("pp1_18-9-2012_c4.S00"))
    cohort = read_swell(tmp_path)
    assert len(cohort.recordings) == 6
    assert cohort.notes[-1].startswith("left out, by name")
    assert cohort.notes[-1].endswith(": pp1_18-9-2012_c4.S00")


def test_a_block_that_is_there_twice(tmp_path):
    write_swell(tmp_path)
    source = tmp_path / MOBI / recording_name(2, 3, ".s00")
    shutil.copy(source, source.with_name("PP2_19-9-2012_c3.S00"))
    error = refused(tmp_path, "the same person and block as")
    assert (error.participant, error.clip) == ("PP2", 3)


def test_the_same_heart_twice_is_refused(tmp_path):
    write_swell(tmp_path)
    one = tmp_path / MOBI / recording_name(1, 1)
    shutil.copy(one, tmp_path / MOBI / recording_name(2, 3, ".s00"))
    error = refused(tmp_path, "participant PP2, clip 3, .* of the same ECG as participant PP1")
    assert "allow_duplicates=True" in str(error)
    assert len(read_swell(tmp_path, allow_duplicates=True).recordings) == 6


def test_nothing_fits(tmp_path):
    write_swell(tmp_path, {(1, 1): "N"})
    write_workbook(tmp_path / LABELS, {"A": label_rows({(3, 1): "N"})})
    refused(tmp_path, "no recording has labels")


@pytest.mark.parametrize("text", [None, "NaN", 999, "#N/A"])
def test_a_missing_rating(tmp_path, text):
    write_swell(tmp_path)
    column = label_rows({})[0].index("Stress")

    def blank(rows):
        for row in rows[1:4]:
            row[column] = text

    rewrite_labels(tmp_path, blank)
    stress = read_swell(tmp_path).recordings["stress"]
    assert np.isnan(stress[0]) and stress.notna().sum() == 5


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("PP", "Somebody", "field PP: 'SOMEBODY' in row 3. Expected PP1 and so on"),
        ("Blok", 4, "field Blok: '4' in row 3"),
        ("Condition", "X", "field Condition: 'X' in row 3"),
        ("Condition", "I", "PP1, clip 1, field Condition: conditions I, N"),
        ("Valence_rc", 10, "PP1, clip 1, field Valence_rc: '10' in row 3. Expected a number from"),
        ("Dominance", "high", "field Dominance: 'high' in row 3"),
        ("Frustration", "inf", "field Frustration: 'inf' in row 3"),
        ("Effort", 0.25, "field Effort: 0.25, [0-9.]+. Expected the same rating"),
    ],
)
def test_labels_that_are_wrong(tmp_path, column, value, problem):
    write_swell(tmp_path)

    def change(rows):
        rows[2][rows[0].index(column)] = value

    rewrite_labels(tmp_path, change)
    assert refused(tmp_path, problem).file == str(tmp_path / LABELS)


def test_a_column_is_missing(tmp_path):
    write_swell(tmp_path)

    def rename(rows):
        rows[0][rows[0].index(RATINGS[3])] = "Tension"

    rewrite_labels(tmp_path, rename)
    assert refused(tmp_path, "names no such column").field == "Stress"


def test_damaged_or_missing_files_are_named(tmp_path):
    write_swell(tmp_path)
    path = tmp_path / MOBI / recording_name(2, 2)
    path = path if path.exists() else path.with_suffix(".s00")
    path.write_bytes(path.read_bytes()[:-9])
    assert refused(tmp_path, "bytes of samples").file == str(path)
    path.write_bytes(b"")
    assert refused(tmp_path, "0 bytes").file == str(path)
    (tmp_path / LABELS).write_bytes(b"PK\x03\x04")
    assert refused(tmp_path, "cannot be read").file == str(tmp_path / LABELS)
    (tmp_path / LABELS).unlink()
    refused(tmp_path, "per minute.xlsx is missing")
    shutil.rmtree(tmp_path / MOBI)
    refused(tmp_path, "there is no recording")
    refused(tmp_path / "gone", "there is no such folder")


def test_the_set_is_recognised(tmp_path):
    assert not is_swell(tmp_path) and not is_swell(tmp_path / "gone")
    assert is_swell(write_swell(tmp_path))
    (tmp_path / LABELS).unlink()
    assert is_swell(tmp_path)
