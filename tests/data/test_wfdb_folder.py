from pathlib import Path

import numpy as np
import pytest

from ecglib.core.errors import DataError
from ecglib.data.targets import Classes
from ecglib.data.wfdb_folder import age_and_sex, annotated_beats, read_wfdb_folder, records_of
from tests.data.readers.files import write_lines, write_wfdb

wfdb = pytest.importorskip("wfdb")

STEP = 1e-3


def record(folder: Path, name: str, *, n=2500, fs=250, leads=("II", "V5"), unit="mV", comments=()):
    """Write a record of random samples, and return them."""
    x = np.random.default_rng(sum(map(ord, name))).normal(size=(n, len(leads)))
    write_wfdb(folder, name, x, fs, leads, (unit,) * len(leads))
    with (folder / f"{name}.hea").open("a") as header:
        header.writelines(f"# {line}\n" for line in comments)
    return x


def refused(folder, match, **options) -> DataError:
    with pytest.raises(DataError, match=match) as caught:
        read_wfdb_folder(folder, **options)
    return caught.value


def test_every_header_is_a_record_of_a_participant(tmp_path):
    x = record(tmp_path, "b07", comments=["<age>: 81  <sex>: F", "drug"])
    y = record(tmp_path, "a", n=3000, fs=360, unit="uV", leads=("MLII",))
    cohort = read_wfdb_folder(tmp_path)
    rows = cohort.recordings
    assert (cohort.name, cohort.leads, cohort.targets) == (tmp_path.name, ("ECG",), ())
    assert rows["participant"].tolist() == rows["record"].tolist() == ["a", "b07"]
    assert rows["clip"].tolist() == [1, 1] and rows["condition"].tolist() == ["recording"] * 2
    assert rows["lead_name"].tolist() == ["MLII", "II"]
    assert cohort.fs == (360.0, 250.0) and cohort.unit == ("uV", "mV")
    assert np.isnan(rows["age"][0]) and rows["age"][1] == 81
    assert rows["sex"].isna().tolist() == [True, False] and rows["sex"][1] == "F"
    np.testing.assert_allclose(cohort.signals[0], y, atol=STEP)
    np.testing.assert_allclose(cohort.signals[1], x[:, :1], atol=STEP)


def test_the_list_of_records_decides_and_may_name_folders(tmp_path):
    for name in ("p1/9", "p1/10", "x"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        record((tmp_path / name).parent, Path(name).name)
    write_lines(tmp_path / "RECORDS", "p1/9", "", "p1/10 ")
    assert records_of(tmp_path) == ["p1/9", "p1/10"]
    cohort = read_wfdb_folder(tmp_path, participants={"p1/9": "anna", "p1/10": "anna"})
    assert cohort.recordings["participant"].tolist() == ["anna", "anna"]
    assert cohort.recordings["clip"].tolist() == [1, 2]
    assert cohort.recordings["record"].tolist() == ["p1/9", "p1/10"]


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../x", "~x", "a:b"])
def test_a_list_that_names_records_elsewhere_is_refused(tmp_path, name):
    write_lines(tmp_path / "RECORDS", name)
    assert refused(tmp_path, "no name of a record").file == str(tmp_path / "RECORDS")


def test_a_list_that_does_not_fit(tmp_path):
    record(tmp_path, "a")
    write_lines(tmp_path / "RECORDS", "a", "b")
    assert refused(tmp_path, r"b\.hea is missing").field == "b"
    write_lines(tmp_path / "RECORDS", "a", "a")
    refused(tmp_path, "this name is there twice")
    write_lines(tmp_path / "RECORDS", "")
    refused(tmp_path, "there are no records")
    refused(tmp_path / "gone", "no such folder")


def test_segments_of_a_record_are_no_records(tmp_path):
    record(tmp_path, "s1")
    record(tmp_path, "s2")
    write_lines(tmp_path / "whole.hea", "whole/2 2 250 5000", "s1 2500", "s2 2500")
    cohort = read_wfdb_folder(tmp_path)
    assert cohort.recordings["record"].tolist() == ["whole"]
    assert cohort.recordings["n_samples"].tolist() == [5000]


def test_leads_are_chosen_for_all_or_for_each(tmp_path):
    x, y = record(tmp_path, "a"), record(tmp_path, "b", leads=("V5", "II"))
    cohort = read_wfdb_folder(tmp_path, leads=["II", "V5"])
    assert cohort.leads == ("II", "V5")
    np.testing.assert_allclose(cohort.signals[1], y[:, ::-1], atol=STEP)
    cohort = read_wfdb_folder(tmp_path, leads=[1, 2])
    assert cohort.leads == ("lead 1", "lead 2")
    assert cohort.recordings["lead_name"].tolist() == ["II, V5", "V5, II"]
    cohort = read_wfdb_folder(tmp_path, leads=lambda name: {"a": "V5", "b": "II"}[name])
    np.testing.assert_allclose(cohort.signals[0][:, 0], x[:, 1], atol=STEP)
    np.testing.assert_allclose(cohort.signals[1][:, 0], y[:, 1], atol=STEP)
    assert refused(tmp_path, "no lead has the name 'V1'", leads="V1").file.endswith("a.hea")
    record(tmp_path, "c", leads=("II",))
    refused(
        tmp_path,
        "leads II, but II, V5 before",
        leads=lambda name: ["II", "V5"][: 2 - (name == "c")],
    )


def test_labels_become_columns_and_targets(tmp_path):
    for name in ("a", "b"):
        record(tmp_path, name)
    state = Classes("state", ("calm", "stress"))
    known = {"a": "calm", "b": "stress"}
    cohort = read_wfdb_folder(
        tmp_path,
        name="driving",
        version="1.0.0",
        condition="drive",
        targets=[state],
        labels=lambda record: {"state": known[record]},
    )
    assert (cohort.name, cohort.version, cohort.targets) == ("driving", "1.0.0", (state,))
    assert cohort.recordings["state"].tolist() == ["calm", "stress"]
    assert set(cohort.recordings["condition"]) == {"drive"}


def test_a_person_has_the_age_of_the_first_record(tmp_path):
    record(tmp_path, "a", comments=["70 F"])
    record(tmp_path, "b", comments=["71 F"])
    cohort = read_wfdb_folder(tmp_path, participants={"b": "a"})
    assert cohort.recordings["age"].tolist() == [70, 70]


def test_the_checksum_is_that_of_the_content(tmp_path):
    record(tmp_path, "a")
    before = read_wfdb_folder(tmp_path, name="x").sha256
    assert read_wfdb_folder(tmp_path, name="y").sha256 == before
    assert read_wfdb_folder(tmp_path, name="x", leads=2).sha256 != before
    record(tmp_path, "a", n=2501)
    assert read_wfdb_folder(tmp_path, name="x").sha256 != before


def test_a_damaged_record_is_named(tmp_path):
    record(tmp_path, "a")
    path = tmp_path / "a.dat"
    path.write_bytes(path.read_bytes()[:100])
    assert refused(tmp_path, "a.dat has 100 bytes").file.endswith("a.hea")


@pytest.mark.parametrize(
    ("comment", "age", "sex"),
    [
        ("23 F 10 10 x1", 23, "F"),
        ("-1 ? 5", np.nan, None),
        ("Age: 64", 64, None),
        ("Age: NaN, Gender: male", np.nan, "M"),
        ("<age>: 23  <sex>: M  <diagnoses>: none", 23, "M"),
        ("page 7, stage: 3, sextet", np.nan, None),
        ("", np.nan, None),
    ],
)
def test_age_and_sex_in_comments(comment, age, sex):
    found = age_and_sex(["recorded at rest", comment])
    np.testing.assert_equal(found, (float(age), sex))


def test_beats_are_told_from_other_annotations(tmp_path):
    record(tmp_path, "a")
    samples, symbols = [5, 40, 90, 90, 300, 2000], ["+", "N", "V", "~", "/", "Q"]
    wfdb.wrann("a", "atr", np.array(samples), symbols, write_dir=str(tmp_path))
    beats = annotated_beats(tmp_path, "a")
    assert beats.dtype == np.int64 and beats.tolist() == [40, 90, 300, 2000]
    with pytest.raises(DataError, match="this file is missing") as caught:
        annotated_beats(tmp_path, "a", "qrs")
    assert caught.value.file == str(tmp_path / "a.qrs")
    (tmp_path / "a.atr").write_bytes(b"")
    with pytest.raises(DataError, match="the annotations cannot be read"):
        annotated_beats(tmp_path, "a")


def test_a_record_under_two_names_is_refused_unless_allowed(tmp_path):
    record(tmp_path, "ab")
    record(tmp_path, "ba", n=3500)  # the same samples to begin with
    refused(tmp_path, r"participant ba, .* 10\.0 s of the same ECG as participant ab, .*=True")
    assert len(read_wfdb_folder(tmp_path, allow_duplicates=True).signals) == 2
