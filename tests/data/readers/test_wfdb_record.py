import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecglib.core.errors import DataError
from ecglib.data.readers.wfdb_record import read_wfdb
from tests.data.readers.files import FS, wave, write_lines, write_wfdb

wfdb = pytest.importorskip("wfdb")

TWO = np.column_stack([wave(), wave(lead=2)])
STEP = 4 / 2**15


@pytest.mark.parametrize("named", ["100", "100.hea", "100.dat"])
def test_a_record_is_named_by_any_of_its_files(tmp_path, named):
    write_wfdb(tmp_path, "100", TWO, 360, ("MLII", "V5"), ("mV", "mV"))
    recording = read_wfdb(tmp_path / named)
    assert (recording.leads, recording.unit, recording.fs) == (("MLII", "V5"), "mV", 360)
    assert (recording.name, recording.file) == ("100", str(tmp_path / "100.hea"))
    np.testing.assert_allclose(recording.signals, TWO, atol=STEP)
    np.testing.assert_allclose(
        read_wfdb(tmp_path / named, leads="V5").lead(1), wave(lead=2), atol=STEP
    )


def test_an_invalid_sample_is_missing(tmp_path):
    x = TWO.copy()
    x[[3, 700], 1] = np.nan
    recording = read_wfdb(write_wfdb(tmp_path, "a", x, FS, ("I", "II"), ("mV", "mV")))
    np.testing.assert_array_equal(np.argwhere(np.isnan(recording.signals)), [[3, 1], [700, 1]])


def test_a_record_of_several_rates_keeps_that_of_the_ecg(tmp_path):
    wfdb.wrsamp(
        "drive01",
        fs=15.5,
        units=["mV", "uS", "mV"],
        sig_name=["ECG", "hand GSR", "RESP"],
        e_p_signal=[wave(3200), wave(200), wave(200)],
        samps_per_frame=[32, 2, 2],
        fmt=["16"] * 3,
        write_dir=str(tmp_path),
    )
    recording = read_wfdb(tmp_path / "drive01")
    assert (recording.leads, recording.fs) == (("ECG",), 496.0)
    np.testing.assert_allclose(recording.lead("ECG"), wave(3200), atol=STEP)
    with pytest.raises(DataError, match="31 Hz"):
        read_wfdb(tmp_path / "drive01", leads="RESP")
    with pytest.raises(DataError, match="different sampling rates"):
        read_wfdb(tmp_path / "drive01", leads=["ECG", "RESP"])


def test_segments_follow_each_other_and_a_gap_is_missing(tmp_path):
    write_wfdb(tmp_path, "s1", TWO, FS, ("II", "ABP"), ("mV", "mmHg"))
    write_wfdb(tmp_path, "s2", TWO[:, :1], FS, ("II",), ("mV",))
    write_lines(
        tmp_path / "layout.hea",
        "layout 2 250 0",
        "~ 0 200/mV 12 0 0 0 0 II",
        "~ 0 200/mmHg 12 0 0 0 0 ABP",
    )
    lines = "all/4 2 250 5500", "layout 0", "s1 2500", "~ 500", "s2 2500"
    recording = read_wfdb(write_lines(tmp_path / "all.hea", *lines))
    x = recording.lead("II")
    assert recording.leads == ("II",)
    np.testing.assert_allclose(x[:2500], wave(), atol=STEP)
    assert np.isnan(x[2500:3000]).all()
    np.testing.assert_allclose(x[3000:], wave(), atol=STEP)
    fixed = write_lines(tmp_path / "fixed.hea", "fixed/2 1 250 5000", "s2 2500", "s2 2500")
    np.testing.assert_allclose(read_wfdb(fixed).lead("II"), np.tile(wave(), 2), atol=STEP)
    (tmp_path / "s2.hea").unlink()
    with pytest.raises(DataError, match=r"all\.hea: the header names s2\.hea, which is not there"):
        read_wfdb(tmp_path / "all")


def test_other_signals_and_a_wrong_rate(tmp_path):
    write_wfdb(tmp_path, "a", TWO, FS, ("PLETH", "RESP"), ("mV", "mV"))
    with pytest.raises(DataError, match="there are 1 'PLETH', 2 'RESP'"):
        read_wfdb(tmp_path / "a")
    write_wfdb(tmp_path, "b", TWO, 0.25, ("I", "II"), ("mV", "mV"))
    with pytest.raises(DataError, match=r"0\.25 Hz.*kHz; then give 250.*overrule the file.*fs=HZ"):
        read_wfdb(tmp_path / "b")
    assert read_wfdb(tmp_path / "b", fs=250).fs == 250


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("b 1 250 999999999999", "a.dat 16 200 12 0 0 0 0 II"), "a.dat has 5000 bytes"),
        (("b 1 250 999999999999", "a.dat 516 200 12 0 0 0 0 II"), "999999999999 samples"),
        (("b 1 250 2500", "missing.dat 16 200 12 0 0 0 0 II"), "missing.dat, which is not there"),
        (("b 1 250 2500", "../a.dat 16 200 12 0 0 0 0 II"), "Expected"),
        (("b 1 250 2500", "x::https://there.example/a 16 200 12 0 0 0 0 II"), "Expected"),
        (("b 2 250 2500", "a.dat 16 200 12 0 0 0 0 II"), "cannot be read"),
        (("b/1 1 250 2500", "https://there.example/s 2500"), "Expected"),
        (("b 1 250 2500", "a.dat 7 200 12 0 0 0 0 II"), "cannot be read"),
        (("b 0 250 0",), "Expected"),
        (("no header at all",), "cannot be read"),
        (("",), "cannot be read"),
    ],
)
def test_damaged_headers_are_refused_before_anything_is_read(tmp_path, lines, said):
    write_wfdb(tmp_path, "a", TWO[:, :1], FS, ("II",), ("mV",))
    path = write_lines(tmp_path / "b.hea", *lines)
    with pytest.raises(DataError, match=said) as error:
        read_wfdb(path)
    assert error.value.file == str(path)


def test_a_signal_file_that_is_too_short_and_one_without_a_header(tmp_path):
    path = write_wfdb(tmp_path, "a", TWO, FS, ("I", "II"), ("mV", "mV")).with_suffix(".dat")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"a\.dat has 9999 bytes.* Expected 10000"):
        read_wfdb(tmp_path / "a")
    (tmp_path / "a.hea").unlink()
    with pytest.raises(DataError, match=r"no header.*a\.hea beside it"):
        read_wfdb(path)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text("a 0123456789/().-~#\n+:", max_size=60))
def test_any_header_gives_a_recording_or_one_clear_error(tmp_path, text):
    (tmp_path / "a.hea").write_text(text)
    try:
        read_wfdb(tmp_path / "a.hea")
    except DataError as error:
        assert "a.hea" in str(error)
    else:
        pytest.fail("there is no signal file")


def test_without_the_package_the_extra_is_named(tmp_path, monkeypatch):
    write_wfdb(tmp_path, "a", TWO, FS, ("I", "II"), ("mV", "mV"))
    monkeypatch.setitem(sys.modules, "wfdb", None)
    with pytest.raises(DataError, match=r"need the package wfdb.*\[readers\]"):
        read_wfdb(tmp_path / "a")
