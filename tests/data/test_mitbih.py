import numpy as np
import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.data.mitbih import ARRAYS, BEATS, RECORDS, is_mitbih, read_beats, read_mitbih
from tests.data.readers.files import write_lines, write_wfdb
from tests.real import shared_data

FS = 360
NAMES = {
    "100": ("MLII", "V5"),
    "102": ("V5", "V2"),
    "114": ("V5", "MLII"),
    "201": ("MLII", "V1"),
    "202": ("MLII", "V1"),
}
PEOPLE = {"100": "69 M", "102": "84 F", "114": "-1 F", "201": "68 M", "202": "68 M"}
MLII = {name: leads.index("MLII" if "MLII" in leads else "V5") for name, leads in NAMES.items()}
N = 1500


def digital(name: str) -> np.ndarray:
    """Numbers of the converter of both leads."""
    rng = np.random.default_rng(int(name))
    return (1024 + np.cumsum(rng.integers(-5, 6, (N, 2)), axis=0)).astype(np.int16)


def millivolts(name: str) -> np.ndarray:
    """The lead that is read by default."""
    return (digital(name)[:, MLII[name]] - 1024.0) / 200


def beats_of(name: str) -> np.ndarray:
    return np.arange(50, N, 100 + int(name) % 7)


def write_records(folder):
    wfdb = pytest.importorskip("wfdb")
    for name, leads in NAMES.items():
        write_wfdb(folder, name, (digital(name) - 1024.0) / 200, FS, leads, ("mV", "mV"))
        with (folder / f"{name}.hea").open("a") as header:
            header.write(f"# {PEOPLE[name]} 1085 1629 x1\n# Aldomet\n")
        beats = np.concatenate([[10], beats_of(name)])
        symbols = ["+"] + ["N", "V", "/"] * len(beats)
        wfdb.wrann(name, "atr", beats, symbols[: len(beats)], write_dir=str(folder))
    write_lines(folder / "RECORDS", *NAMES)


def write_extract(folder):
    np.savez(folder / ARRAYS, **{name: digital(name)[:, MLII[name]] for name in NAMES})
    symbols = {f"{name}_sym": np.array(["N"] * len(beats_of(name))) for name in NAMES}
    np.savez(folder / BEATS, **{n: beats_of(n).astype(np.int32) for n in NAMES}, **symbols)
    rows = [
        {
            "record": name,
            "age": "" if text[:2] == "-1" else text[:2],
            "sex": text[-1],
            "lead": NAMES[name][MLII[name]],
            "adc_gain_per_mV": 200.0,
            "baseline_adu": 1024,
            "fs_hz": FS,
            "n_samples_kept": N,
        }
        for name, text in PEOPLE.items()
    ]
    pd.DataFrame(rows).to_csv(folder / RECORDS, index=False)


def write_converted(folder):
    for name in NAMES:
        np.savez(
            folder / f"{name}_converted.npz",
            ecg=millivolts(name).astype(np.float32),
            r_peaks=beats_of(name).astype(np.int32),
            fs=FS,
        )


WRITERS = {"records": write_records, "extract": write_extract, "converted": write_converted}


@pytest.fixture(params=WRITERS)
def folder(request, tmp_path):
    WRITERS[request.param](tmp_path)
    return tmp_path


def refused(folder, match, read=read_mitbih, **options) -> DataError:
    with pytest.raises(DataError, match=match) as caught:
        read(folder, **options)
    return caught.value


def test_every_form_gives_the_same_recordings(folder):
    cohort = read_mitbih(folder)
    rows = cohort.recordings
    assert (cohort.name, cohort.fs, cohort.unit, cohort.leads) == ("MIT-BIH", FS, "mV", ("ECG",))
    assert cohort.targets == () and set(rows["condition"]) == {"clinic"}
    assert rows["record"].tolist() == list(NAMES)
    assert rows["participant"].tolist() == [100, 102, 114, 201, 201]
    assert rows["clip"].tolist() == [1, 1, 1, 1, 2]
    for name, signal in zip(NAMES, cohort.signals, strict=True):
        assert signal.dtype == np.float32
        np.testing.assert_allclose(signal[:, 0], millivolts(name), atol=2e-4)
    for name, beats in read_beats(folder).items():
        assert beats.dtype == np.int64
        np.testing.assert_array_equal(beats, beats_of(name))
    assert list(read_beats(folder)) == list(NAMES)


@pytest.mark.parametrize("form", ["records", "extract"])
def test_age_sex_and_lead_are_kept(tmp_path, form):
    WRITERS[form](tmp_path)
    rows = read_mitbih(tmp_path).recordings
    np.testing.assert_array_equal(rows["age"], [69, 84, np.nan, 68, 68])
    assert rows["sex"].tolist() == list("MFFMM")
    assert rows["lead_name"].tolist() == ["MLII", "V5", "MLII", "MLII", "MLII"]


def test_other_leads_of_records(tmp_path):
    write_records(tmp_path)
    first = read_mitbih(tmp_path, leads=1)
    assert first.recordings["lead_name"].tolist() == ["MLII", "V5", "V5", "MLII", "MLII"]
    assert read_mitbih(tmp_path, leads=[1, 2]).leads == ("lead 1", "lead 2")
    refused(tmp_path, "no lead has the name 'MLII'", leads="MLII")


@pytest.mark.parametrize("form", ["extract", "converted"])
def test_one_lead_is_no_choice(tmp_path, form):
    WRITERS[form](tmp_path)
    refused(tmp_path, "these files hold one lead", leads="V1")


def test_an_extract_that_contradicts_itself(tmp_path):
    write_extract(tmp_path)
    table = pd.read_csv(tmp_path / RECORDS, dtype=str, keep_default_na=False)
    for column, value, problem in (
        ("n_samples_kept", "99", "99 samples and a gain of 200 for record 102"),
        ("adc_gain_per_mV", "0", "1500 samples and a gain of 0 for record 102"),
        ("fs_hz", "fast", "field fs_hz: 'fast' in the row of 102"),
        ("age", "old", "field age: 'old' in the row of 102"),
        ("record", "100", "field record: row 3 is '100'"),
        ("record", "999", "record 102 is missing"),
    ):
        changed = table.copy()
        changed.loc[1, column] = value
        changed.to_csv(tmp_path / RECORDS, index=False)
        assert refused(tmp_path, problem).file == str(tmp_path / RECORDS)
    table.to_csv(tmp_path / RECORDS, index=False)
    np.savez(tmp_path / ARRAYS, **{"100": digital("100")[:, 0]})
    assert refused(tmp_path, "record 102 is missing").file == str(tmp_path / ARRAYS)
    (tmp_path / ARRAYS).write_bytes(b"PK\x03\x04 no more")
    refused(tmp_path, "undamaged NPZ")


def test_damaged_beats(tmp_path):
    write_extract(tmp_path)
    np.savez(tmp_path / BEATS, **{"100": np.array([5, 3])})
    assert refused(tmp_path, "beats out of order", read_beats).field == "100"
    np.savez(tmp_path / BEATS, **{"100": np.array([5.5, 8.5])})
    refused(tmp_path, "float64 of shape", read_beats)
    (tmp_path / BEATS).unlink()
    refused(tmp_path, "this file is missing", read_beats)


def test_a_converted_file_that_is_damaged_or_of_no_record(tmp_path):
    write_converted(tmp_path)
    path = tmp_path / "114_converted.npz"
    path.write_bytes(path.read_bytes()[:500])
    assert refused(tmp_path, "114_converted").file == str(path)
    path.rename(tmp_path / "anna_converted.npz")
    refused(tmp_path, "'anna' is no record's number")


@pytest.mark.parametrize("read", [read_mitbih, read_beats])
def test_a_folder_without_the_set(tmp_path, read):
    refused(tmp_path, "there are no recordings of the set.*ecglib fetch mitdb", read)
    refused(tmp_path / "gone", "no such folder", read)


def test_the_real_first_minutes():
    folder = shared_data("mitdb5")
    cohort = read_mitbih(folder)
    rows = cohort.recordings
    assert repr(cohort).endswith("47 participants, 2 clips, 48 recordings, 240.0 min at 360 Hz>")
    assert rows["lead_name"].value_counts().to_dict() == {"MLII": 46, "V5": 2}
    assert rows.loc[rows["clip"] == 2, "record"].tolist() == ["202"]
    assert rows.loc[rows["age"].isna(), "record"].tolist() == ["103", "219"]
    beats = read_beats(folder)
    assert set(beats) == set(rows["record"])
    at = rows.index[rows["record"] == "100"][0]
    x = cohort.signals[at][:, 0]
    around = np.array([x[beat - 18 : beat + 19] for beat in beats["100"]])
    assert len(around) == 371
    assert np.mean(np.abs(around.argmax(axis=1) - 18) <= 2) > 0.99  # an R peak


def test_the_real_half_hours_begin_with_the_same_minutes():
    long, short = read_mitbih(shared_data("mitbih")), read_mitbih(shared_data("mitdb5"))
    beats, first = read_beats(shared_data("mitbih")), read_beats(shared_data("mitdb5"))
    assert len(long.recordings) == 10 and set(long.recordings["n_samples"]) == {650_000}
    for record, signal in zip(long.recordings["record"], long.signals, strict=True):
        at = short.recordings.index[short.recordings["record"] == record][0]
        same = np.allclose(signal[: 300 * 360], short.signals[at], atol=1e-6)
        assert same == (record != "114")  # of which the two hold different leads
        np.testing.assert_array_equal(beats[record][beats[record] < 300 * 360], first[record])


@pytest.mark.parametrize(
    ("heads", "is_so"),
    [
        (["100 2 360 650000"], True),
        (["100 2 360 650000 0:0:0", "234 2 360 650000"], True),
        (["100 2 360 5000"], False),
        (["100 1 250 650000"], False),
        (["110 2 360 650000"], False),
        (["100 2 360 650000", "anna 2 360 650000"], False),
        ([""], False),
        ([], False),
    ],
)
def test_records_of_ones_own_are_not_those_of_the_set(tmp_path, heads, is_so):
    for head in heads:
        (tmp_path / f"{(head or 'empty').split()[0]}.hea").write_text(f"{head}\n100.dat 212 200\n")
    assert is_mitbih(tmp_path) is is_so


def test_extracts_are_told_by_their_files(tmp_path):
    for name, write in (("extract", write_extract), ("converted", write_converted)):
        (tmp_path / name).mkdir()
        write(tmp_path / name)
        assert is_mitbih(tmp_path / name)
    (tmp_path / "converted" / "7_converted.npz").touch()
    assert not is_mitbih(tmp_path / "converted") and not is_mitbih(tmp_path / "gone")
