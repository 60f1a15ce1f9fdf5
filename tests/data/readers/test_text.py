from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecglib.core.errors import DataError
from ecglib.data.readers.text import read_text
from tests.data.readers.files import FS, wave, write_columns, write_lines
from tests.real import shared_data


def clock(n=2500, fs=FS):
    return np.arange(n) / fs


@pytest.mark.parametrize("separator", [",", ";", "\t", " ", ", ", "   "])
@pytest.mark.parametrize("header", ["", "time{}ECG"])
def test_separators_with_and_without_a_header(tmp_path, separator, header):
    header = header.format(separator)
    path = write_columns(tmp_path / "a.csv", header, clock(), wave(), separator=separator)
    recording = read_text(path)
    assert recording.fs == FS
    assert recording.leads == ("ECG",)
    assert (recording.name, recording.file) == ("a", str(path))
    np.testing.assert_array_equal(recording.lead(1), wave())


@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_decimal_comma(tmp_path, separator):
    path = write_columns(tmp_path / "a.csv", "Zeit;x", clock(), wave(), separator=separator)
    path.write_text(path.read_text().replace(".", ",").replace("Zeit;", f"t{separator}"))
    recording = read_text(path)
    assert recording.fs == FS
    np.testing.assert_array_equal(recording.lead("x"), wave())


def test_leads_are_chosen_by_their_names_or_else_all_that_vary(tmp_path):
    columns = wave(lead=1), wave(lead=2), wave(lead=3), np.full(2500, 5.0)
    named = write_columns(tmp_path / "a.csv", "I,EDA,V5,marker", *columns)
    assert read_text(named, fs=FS).leads == ("I", "V5")
    assert read_text(named, fs=FS, leads=["EDA", 1]).leads == ("EDA", "I")
    other = write_columns(tmp_path / "b.csv", "x,y,z,marker", *columns)
    assert read_text(other, fs=FS).leads == ("x", "y", "z")
    headless = write_columns(tmp_path / "c.csv", "", *columns)
    recording = read_text(headless, fs=FS)
    assert recording.leads == ("lead 1", "lead 2", "lead 3")
    np.testing.assert_array_equal(recording.lead(3), columns[2])
    np.testing.assert_array_equal(read_text(headless, fs=FS, leads=2).lead(1), columns[1])
    with pytest.raises(DataError, match=r"no lead has the name 'II'.*1 'I', 2 'EDA'"):
        read_text(named, fs=FS, leads="II")


def test_what_a_program_derives_from_an_ecg_is_no_lead(tmp_path):
    header = "ECG_Raw,ECG_Clean,ECG_Rate,ECG_R_Peaks"
    path = write_columns(tmp_path / "a.csv", header, *(wave(lead=i) for i in range(4)))
    assert read_text(path, fs=FS).leads == ("ECG_Raw", "ECG_Clean")


def test_an_index_that_pandas_writes_is_no_lead_and_no_clock(tmp_path):
    path = write_columns(tmp_path / "a.csv", ",0", np.arange(2500), wave())
    recording = read_text(path, fs=FS)
    assert recording.leads == ("0",)
    np.testing.assert_array_equal(recording.lead(1), wave())
    with pytest.raises(DataError, match=r"goes up by 1.*does not show the sampling rate.*--fs HZ"):
        read_text(path)


@pytest.mark.parametrize(
    ("header", "unit"),
    [
        ("time,ECG", 1),
        ("t,ECG", 1),
        ("time (ms),ECG", 1e-3),
        ("time_ms,ECG", 1e-3),
        ("Time [us],ECG", 1e-6),
        ("timestamp,ECG", 1e-3),
        ("seconds,ECG", 1),
    ],
)
@pytest.mark.parametrize("fs", [250.0, 255.7, 249.99, 1000.0])
def test_a_column_of_times_gives_the_rate(tmp_path, header, unit, fs):
    t = 1000 / unit + clock(fs=fs) / unit
    lines = [f"{round(a, 6)!r},{b}" for a, b in zip(t.tolist(), wave(), strict=True)]
    path = write_lines(tmp_path / "a.csv", header, *lines)
    if fs == 1000 and header == "timestamp,ECG":  # steps of one may count samples
        with pytest.raises(DataError, match="in milliseconds it would be 1000 Hz"):
            read_text(path)
        assert read_text(path, fs=1000).fs == 1000
        return
    assert read_text(path).fs == pytest.approx(fs, rel=1e-7)
    assert read_text(path, fs=fs).fs == fs
    with pytest.raises(DataError, match=r"500 Hz was given, but the column .* says"):
        read_text(path, fs=500)


def test_times_of_few_digits_give_a_round_rate(tmp_path):
    t = np.round(clock(fs=360), 3)
    assert read_text(write_columns(tmp_path / "a.csv", "time,II", t, wave())).fs == 360


@pytest.mark.parametrize("style", ["iso", "clock"])
def test_dates_and_times_of_day(tmp_path, style):
    if style == "iso":
        start = datetime(2024, 5, 1, 23, 59, 59)
        times = [start + timedelta(seconds=i / FS) for i in range(1000)]
        texts = [time.isoformat(sep=" ", timespec="milliseconds") for time in times]
        header = ["timestamp,MLII"]
    else:  # as PhysioNet exports records
        texts = [f"'{i // 15000}:{i / FS % 60:06.3f}'" for i in range(1000)]
        header = ["'Elapsed time','MLII'", "'hh:mm:ss.mmm','mV'"]
    lines = [f"{a},{b}" for a, b in zip(texts, wave(1000), strict=True)]
    recording = read_text(write_lines(tmp_path / "a.csv", *header, *lines))
    assert recording.fs == FS
    assert recording.leads == ("MLII",)
    assert recording.unit == ("mV" if style == "clock" else "")


def test_a_gap_in_the_times_is_named_by_its_sample(tmp_path):
    t = clock()
    t[1000:] += 0.5
    path = write_columns(tmp_path / "a.csv", "time,ECG", t, wave())
    with pytest.raises(DataError, match=r"a\.csv, field time: .*gap of 0\.504 after sample 999"):
        read_text(path)
    with pytest.raises(DataError, match=r"gap of .* after sample 999"):
        read_text(path, fs=FS)
    t = clock()
    t[500] = t[499]
    with pytest.raises(DataError, match="does not go forward from sample 499 to 500"):
        read_text(write_columns(tmp_path / "b.csv", "", t, wave()))
    t = clock() + 0.1 * clock() ** 2
    with pytest.raises(DataError, match="is uneven: sample"):
        read_text(write_columns(tmp_path / "c.csv", "time,ECG", t, wave()))
    path = write_columns(tmp_path / "d.csv", "time,ECG", clock(), wave())
    path.write_text(path.read_text().replace("\n0.4,", "\n,"))
    with pytest.raises(DataError, match="has no time at sample 100"):
        read_text(path)


def test_an_impossible_rate_of_the_times_is_refused(tmp_path):
    path = write_columns(tmp_path / "a.csv", "time (s),ECG", clock(fs=0.25), wave())
    with pytest.raises(DataError, match=r"0\.25 Hz.*kHz"):
        read_text(path)


def test_a_missing_field_is_a_missing_sample_wherever_it_stands(tmp_path):
    path = write_lines(tmp_path / "a.csv", "ECG", "1.5", "", "NaN", "2.5", "", "")
    x = read_text(path, fs=FS).lead(1)
    np.testing.assert_array_equal(x, [1.5, np.nan, np.nan, 2.5])


def test_units_stand_in_the_header_or_are_given(tmp_path):
    path = write_columns(tmp_path / "a.csv", "ECG (mV)", wave())
    recording = read_text(path, fs=FS)
    assert (recording.leads, recording.unit) == (("ECG",), "mV")
    with pytest.raises(DataError, match="the file says mV"):
        read_text(path, fs=FS, unit="uV")
    plain = write_columns(tmp_path / "b.csv", "ECG", wave())
    assert read_text(plain, fs=FS, unit="adu").unit == "adu"
    with pytest.raises(DataError, match="unit 'furlong' was given"):
        read_text(plain, fs=FS, unit="furlong")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(tmp_path, encoding):
    lines = ["ECG (µV)", *map(str, wave(50))]
    recording = read_text(write_lines(tmp_path / "a.txt", *lines, encoding=encoding), fs=FS)
    assert (recording.leads, recording.unit, len(recording)) == (("ECG",), "uV", 50)


def test_comments_stand_above_the_header(tmp_path):
    lines = ["# recorded by X", '# {"rate": 1000}', "nr\tECG", "0\t1.5", "1\t2.5", "2\t0.5"]
    np.testing.assert_array_equal(
        read_text(write_lines(tmp_path / "a.txt", *lines), fs=FS).lead("ECG"), [1.5, 2.5, 0.5]
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "the file is empty"),
        (b"ECG\nred\nblue\n", "no line holds a number"),
        (b"a,b\n1,x\n2,y\n", "no column of times"),
        (b"ECG\n1\n2\ninf\n", "sample 2 of lead ECG is inf"),
        (b"ECG,ECG\n1,2\n2,3\n3,1\n", "two leads are named 'ECG'"),
        (b"ECG\n5\n5\n5\n", "fs=HZ"),
        (b"x\n5\n5\n5\n", "nothing varies in x"),
        (b"x\nNaN\n\n", "no line holds a number"),
        (b"\x00\x01\x02\x03", "not a text file"),
    ],
)
def test_other_content_is_refused(tmp_path, content, said):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=said) as error:
        read_text(path, fs=None if "fs" in said or "times" in said else FS)
    assert error.value.file == str(path)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("oops,1", r"line 402, sample 400 of ECG: 'oops' is no number"),
        ("1,2,3", r"line 402 has 3 columns, the first sample has 2"),
    ],
)
def test_a_line_that_breaks_the_table_is_named(tmp_path, line, said):
    lines = [f"{a},{b}" for a, b in zip(wave(), wave(lead=2), strict=True)]
    lines[400] = line
    with pytest.raises(DataError, match=said):
        read_text(write_lines(tmp_path / "a.csv", "ECG,EDA", *lines), fs=FS)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300) | st.text("0123456789.,;\t\n -eE'\"aN", max_size=200))
def test_anything_else_gives_a_recording_or_one_clear_error(tmp_path, content):
    path = tmp_path / "a.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        recording = read_text(path, fs=FS)
    except DataError as error:
        assert str(path) in str(error)
    else:
        assert not np.isinf(recording.signals).any()


@pytest.mark.parametrize(
    ("header", "row"), [("ECG", "NaN"), ("ECG", '""'), ("I,II", ","), ("I,II", "NA,NA")]
)
def test_samples_that_are_missing_at_the_start_are_kept(tmp_path, header, row):
    leads = header.split(",")
    rows = [",".join([f"{value:.4f}"] * len(leads)) for value in wave()]
    recording = read_text(write_lines(tmp_path / "a.csv", header, row, row, *rows), fs=FS)
    assert recording.leads == tuple(leads)
    assert np.isnan(recording.signals[:2]).all()
    np.testing.assert_array_equal(recording.signals[2:, 0], wave())


def test_rows_without_a_time_above_the_first_one_are_no_samples(tmp_path):
    rows = [f"{t:.3f},{value:.4f}" for t, value in zip(clock(), wave(), strict=True)]
    recording = read_text(write_lines(tmp_path / "a.csv", "time,ECG", "-,-", *rows))
    np.testing.assert_array_equal(recording.lead("ECG"), wave())


@pytest.mark.parametrize("mark", ["\n", "\u2028", "\x0b", "\x85"])
def test_a_line_break_within_a_name_costs_no_sample(tmp_path, mark):
    rows = [f"{value:.4f},{value:.4f}" for value in wave()]
    path = write_lines(tmp_path / "a.csv", f'"a{mark}b",ECG', *rows)
    np.testing.assert_array_equal(read_text(path, fs=FS).lead("ECG"), wave())


def test_no_other_signal_stands_in_for_an_ecg_with_a_word_among_its_first_samples(tmp_path):
    rows = [f"{value:.4f},{value + 1:.4f}" for value in wave()]
    rows[30] = "?,1"
    path = write_lines(tmp_path / "a.csv", "ECG,RESP", *rows)
    with pytest.raises(DataError, match=r"line 32, sample 30 of ECG: '\?' is no number"):
        read_text(path, fs=FS)


def test_a_column_of_marks_may_be_empty_for_long(tmp_path):
    rows = [f"{value:.4f}," for value in wave()]
    rows[2000] += "stress"
    path = write_lines(tmp_path / "a.csv", "ECG,event", *rows)
    recording = read_text(path, fs=FS)
    assert recording.leads == ("ECG",)
    np.testing.assert_array_equal(recording.lead("ECG"), wave())


@pytest.mark.parametrize("number", ["1e400", "\uff11\uff12", "-2e999"])
def test_a_number_that_a_computer_cannot_hold_is_named(tmp_path, number):
    rows = [f"{i},{value:.4f}" for i, value in enumerate(wave())]
    rows[1000] = f"1000,{number}"
    path = write_lines(tmp_path / "a.csv", "i,ECG", *rows)
    with pytest.raises(DataError, match=r"line 1002, sample 1000 of ECG|sample 1000 of lead ECG"):
        read_text(path, fs=FS)


def test_samples_in_one_row_are_refused_in_a_short_message(tmp_path):
    row = ",".join(f"{value:.4f}" for value in wave())
    for rows in ([row, row], [",".join([row] * 8)]):
        with pytest.raises(DataError, match=r"one row a sample|transpose") as caught:
            read_text(write_lines(tmp_path / "a.csv", *rows), fs=FS)
        assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("name", "fs", "n"), [("good_4000", 4000, 50_000), ("bad_500", 500, 30_000)]
)
def test_real_files_without_a_header(name, fs, n):
    path = shared_data("neurokit", f"{name}.csv")
    recording = read_text(path, fs=fs)
    expected = np.loadtxt(path, delimiter=",")[:, 1]
    assert recording.leads == ("ECG",)
    np.testing.assert_array_equal(recording.lead(1), expected)
    assert len(recording) == n
    with pytest.raises(DataError, match="the first column goes up by 1"):
        read_text(path)


def test_a_real_file_with_other_signals():
    path = shared_data("neurokit", "bio_eventrelated_100hz.csv")
    recording = read_text(path, fs=100)
    assert recording.leads == ("ECG",)
    assert recording.duration == 150
    assert read_text(path, fs=100, leads=["RSP", "ECG"]).leads == ("RSP", "ECG")
