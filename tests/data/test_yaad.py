import itertools
import shutil

import numpy as np
import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.data import yaad
from ecglib.data.targets import Rating
from ecglib.data.yaad import EMOTION, RATES, UNVERIFIED, is_yaad, read_yaad
from tests.layouts.yaad import (
    BOOKS,
    HOME,
    NAMES,
    RAW,
    TRIALS,
    ecg,
    emotion,
    label_rows,
    level,
    path_of,
    write_ecg,
    write_labels,
    write_yaad,
)

FIRST = TRIALS[0]
PIECES = [piece for name in NAMES.values() for piece in (name, *name.split())]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write_yaad(tmp_path_factory.mktemp("yaad"))


@pytest.fixture
def folder(written, tmp_path):
    """Give a copy that may be damaged."""
    return shutil.copytree(written, tmp_path / "yaad")


@pytest.fixture
def any_rate(monkeypatch):
    """Spare tests of something else the look at hearts."""
    monkeypatch.setattr(yaad, "plausible_rate", lambda x, fs: None)


def refused(folder, match, **options) -> DataError:
    with pytest.raises(DataError, match=match) as caught:
        read_yaad(folder, **options)
    assert not any(piece.lower() in str(caught.value).lower() for piece in PIECES)
    return caught.value


def change(folder, part, row, heading, value):
    rows = label_rows(part)
    rows[row][rows[0].index(heading)] = value
    write_labels(folder, part, rows)


def test_signals_and_labels_are_joined(written):
    cohort = read_yaad(written, scale=(1, 9))
    rows = cohort.recordings
    assert (cohort.name, cohort.fs, cohort.unit, cohort.leads) == ("YAAD", 128, "", ("ECG",))
    people = ["multimodal-1", "multimodal-2", "single-1", "single-2"]
    assert rows["participant"].tolist() == [person for person in people for _ in range(4)]
    assert rows["clip"].tolist() == ["s1v1", "s1v2", "s2v1", "s2v2"] * 4
    for key, row, signal in zip(TRIALS, rows.itertuples(), cohort.signals, strict=True):
        np.testing.assert_allclose(signal[:, 0], ecg(key), atol=1e-6)
        assert [row.valence, row.arousal, row.dominance] == [level(key, i) for i in range(3)]
        assert row.emotion == emotion(key)
        assert row.familiar == 2 if key[3] == 2 else np.isnan(row.familiar)
    ratings = tuple(Rating(name, 1, 9, whole=False) for name in ("valence", "arousal", "dominance"))
    assert cohort.targets == (*ratings, EMOTION)
    assert rows["other_fs"].isna().all()
    assert cohort.notes == (
        *UNVERIFIED,
        "the files state no sampling rate, and 128 Hz is assumed: the heart rate is impossible at "
        "128 Hz in 0 of 16 recordings, at 250 Hz in 0 of 16, at 1000 Hz in 16 of 16",
    )


def test_ratings_without_a_scale_are_no_targets(written, any_rate):
    cohort = read_yaad(written)
    assert cohort.targets == (EMOTION,)
    assert cohort.recordings["valence"].between(1, 5).all()
    for scale in (3, "low to high", (1, 2, 3), (5, 1)):
        refused(written, "Expected two", scale=scale)


def test_no_name_is_in_what_comes_back(written, any_rate, capsys):
    cohort = read_yaad(written)
    kept = [vars(cohort), cohort.recordings.attrs, repr(cohort), capsys.readouterr()]
    content = (repr(kept) + cohort.recordings.to_csv()).encode()
    content += b"".join(signal.tobytes() for signal in cohort.signals)
    for piece in PIECES:
        assert piece.encode() not in content
        assert piece.encode("utf-16-le") not in content
    assert not {"name", "age", "gender", "male"} & set(cohort.recordings)


@pytest.mark.parametrize("where", ["header", "id", "session", "level", "emotion", "shift"])
def test_no_name_is_in_an_error_even_where_it_should_not_stand(folder, any_rate, where):
    rows = label_rows("single")
    name = NAMES[1]
    if where == "header":
        rows = rows[1:]
    elif where == "shift":
        rows[2] = rows[2][1:]
    else:
        rows[2][{"id": 0, "session": 4, "level": 6, "emotion": 11}[where]] = name
    write_labels(folder, "single", rows)
    error = refused(folder, "row 3|no such column")
    assert error.file == str(folder / BOOKS["single"])
    chain = [error, error.__cause__, error.__context__]
    assert not any(piece in str(link) for piece in PIECES for link in chain)


def test_a_rate_at_which_hearts_cannot_beat_is_refused(tmp_path):
    folder = write_yaad(tmp_path, fs=1000)
    error = refused(folder, "the heart rate is impossible at 128 Hz in 1[3-6] of 16 recordings")
    assert error.field == "fs" and error.remedy.removeprefix("give the rate, such as fs=") in (
        "1000",
        "1024",
    )
    cohort = read_yaad(folder, fs=1000)
    assert (
        cohort.fs == 1000 and "at 1000 Hz in 0 of 16 recordings, at 128 Hz in 1" in cohort.notes[-1]
    )


def test_a_rate_that_is_given_is_used_and_what_speaks_against_it_is_said(written):
    cohort = read_yaad(written, fs=1000)
    assert cohort.fs == 1000 and cohort.recordings["other_fs"].isin([125, 128]).all()
    assert (
        "1000 Hz is given: the heart rate is impossible at 1000 Hz in 16 of 16" in cohort.notes[-1]
    )
    refused(written, "5 Hz", fs=5)
    assert RATES[0] == 128


def test_what_has_no_partner_is_reported(folder, any_rate):
    gone = TRIALS[1]
    (folder / path_of(gone)).unlink()
    keys = [key for key in TRIALS if key != TRIALS[9]]
    write_labels(folder, "single", label_rows("single", keys))
    cohort = read_yaad(folder)
    assert cohort.notes[-2:] == (
        "recordings that have no labels, and are kept: single-1 s1v2",
        "labels that have no recording: multimodal-1 s1v2",
    )
    rows = cohort.recordings
    (row,) = rows[(rows["participant"] == "single-1") & (rows["clip"] == "s1v2")].itertuples()
    assert np.isnan(row.valence) and pd.isna(row.emotion) and len(rows) == 15


def test_one_part_alone(folder, any_rate):
    shutil.rmtree(folder / RAW["multimodal"].parent)
    (folder / BOOKS["multimodal"]).unlink()
    assert set(read_yaad(folder).recordings["participant"]) == {"single-1", "single-2"}


@pytest.mark.parametrize("of_a_piece", [False, True])
def test_the_same_heart_twice_is_refused(folder, any_rate, of_a_piece):
    other = TRIALS[-1]
    x = ecg(FIRST)
    write_ecg(folder / path_of(other), 0.2 - 3 * x[1000:4000] if of_a_piece else x)
    error = refused(folder, "single-2, clip s2v2.* s of the same ECG as participant multimodal-1")
    assert "allow_duplicates=True" in str(error) and error.file == str(folder)
    cohort = read_yaad(folder, allow_duplicates=True)
    assert len(cohort.recordings) == 16
    assert cohort.notes[-1] == "pairs of recordings that share samples: 1"


@pytest.mark.parametrize(
    ("heading", "value", "problem"),
    [
        ("Participant Id", None, "field Participant Id: row 3 has no number"),
        ("Session ID", 0, "field Session ID: row 3 has no number"),
        ("Video ID", 1.5, "field Video ID: row 3 has no number"),
        ("Valence level", "high", "multimodal-1, clip s1v2, field Valence level: row 3 is no"),
        ("Arousal level", 9.5, "clip s1v2, field Arousal level: row 3 is no answer on this scale"),
        ("Dominance level", "inf", "field Dominance level: row 3 is no"),
        ("Familiarity Score", "never", "field Familiarity Score: row 3 is no number"),
        ("Emotion", "Bored", "field Emotion: row 3 has another word"),
        ("Video ID", 1, "multimodal-1, clip s1v1: row 3 contradicts another row"),
    ],
)
def test_labels_that_are_wrong(folder, any_rate, heading, value, problem):
    change(folder, "multimodal", 2, heading, value)
    error = refused(folder, problem, scale=(1, 9))
    assert error.file == str(folder / BOOKS["multimodal"])


def test_labels_may_be_empty_or_repeated(folder, any_rate):
    rows = label_rows("multimodal")
    for heading in ("Valence level", "Emotion"):
        rows[1][rows[0].index(heading)] = None
    rows[2][0] = "1.0"
    write_labels(folder, "multimodal", [*rows, rows[3], [None, "Zebulon"]])
    first = read_yaad(folder).recordings.iloc[0]
    assert np.isnan(first["valence"]) and pd.isna(first["emotion"]) and first["arousal"] > 0


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "the file is empty"),
        (b"1,2,x,4", "sample 2 is no number"),
        (b"1,2,,4", "sample 2 is no number"),
        (b"1,2\n3,4\n", "2 lines with several numbers"),
        (b"1,inf,2", "a sample is infinite"),
        (b"nan,nan", "all are missing"),
        (b"\x00\xff\x80", "this is no text"),
        (b"\n\n", "all are missing"),
    ],
)
def test_recordings_that_are_damaged(folder, any_rate, content, problem):
    path = folder / path_of(TRIALS[6])
    path.write_bytes(content)
    error = refused(folder, problem)
    assert (error.file, error.participant, error.clip) == (str(path), "multimodal-2", "s2v1")
    assert error.field == "ECG"


def test_a_recording_that_is_too_large(folder, any_rate, monkeypatch):
    monkeypatch.setattr(yaad, "MAX_BYTES", 2**10)
    assert refused(folder, "0 MiB").file == str(folder / path_of(FIRST))


def test_a_comma_or_line_break_at_the_end(folder, any_rate):
    for key, end in zip(TRIALS, itertools.cycle([",", ",\r\n", "\n\n"]), strict=False):
        path = folder / path_of(key)
        path.write_text(path.read_text() + end)
    assert {len(x) for x in read_yaad(folder).signals} == {5000}


def test_names_of_files(folder, any_rate):
    path = folder / path_of(FIRST)
    shutil.copy(path, path.with_name("ECGdata_s1p1.dat"))
    cohort = read_yaad(folder)
    assert len(cohort.recordings) == 16
    assert cohort.notes[-1] == "left out, by name or folder: ECGdata_s1p1.dat"
    path.with_name("ECGdata_s1p1.dat").unlink()
    (path.parent / "again").mkdir()
    shutil.copy(path, path.parent / "again")
    error = refused(folder, "the same part, person and video as")
    assert (error.participant, error.clip) == ("multimodal-1", "s1v1")


def test_files_that_are_missing(folder, tmp_path, any_rate):
    book = folder / BOOKS["single"]
    shutil.copy(book, book.with_name("Self-annotation Single Modal_Use.xlsx"))
    refused(folder, "labels of the same part as")
    for path in book.parent.glob("Self-annotation Single*"):
        path.unlink()
    refused(folder, "Self-annotation Single Modal_Use.xlsx is missing")
    refused(folder / HOME / "Self-Annotation Labels", "there is no recording")
    refused(tmp_path / "gone", "there is no such folder")


def test_the_set_is_recognised(written):
    assert is_yaad(written) and is_yaad(written / HOME)
    assert not is_yaad(written / HOME / "Raw Data")
