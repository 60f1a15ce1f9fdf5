import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecglib.core.errors import DataError
from ecglib.data.readers.edf import read_edf
from tests.data.readers.files import FS, wave, write_edf

pytest.importorskip("edfio")

ECG = (wave(), FS, "ECG II", "mV")
RESPIRATION = (wave(250), 25, "Resp", "")


@pytest.mark.parametrize("bdf", [False, True])
def test_the_ecg_is_read_at_its_own_rate_and_in_its_own_unit(tmp_path, bdf):
    other = (wave(lead=2), FS, "V5", "mV")
    path = write_edf(tmp_path / "a.edf", RESPIRATION, ECG, other, bdf=bdf)
    recording = read_edf(path)
    assert (recording.leads, recording.unit, recording.fs) == (("ECG II", "V5"), "mV", FS)
    assert (recording.name, recording.file) == ("a", str(path))
    step = 4 / 2**16
    np.testing.assert_allclose(recording.lead("ECG II"), wave(), atol=step)
    np.testing.assert_allclose(recording.lead("V5"), wave(lead=2), atol=step)
    assert read_edf(path, leads=3).leads == ("V5",)


def test_a_rate_that_is_no_whole_number(tmp_path):
    path = write_edf(tmp_path / "a.edf", (wave(2557), 255.7, "EKG", "uV"))
    recording = read_edf(path)
    assert recording.fs == pytest.approx(255.7, rel=1e-9)
    assert recording.unit == "uV"
    assert read_edf(path, fs=128).fs == 128  # a header may be wrong


def test_annotations_are_left_out(tmp_path):
    import edfio

    notes = [edfio.EdfAnnotation(1, None, "film begins")]
    recording = read_edf(write_edf(tmp_path / "a.edf", ECG, annotations=notes))
    assert recording.leads == ("ECG II",)


def test_without_an_ecg_all_signals_are_listed(tmp_path):
    path = write_edf(tmp_path / "a.edf", RESPIRATION, (wave(), FS, "EXG1", "uV"))
    with pytest.raises(DataError, match=r"there are 1 'Resp', 2 'EXG1'.*leads=\[1\]"):
        read_edf(path)
    assert read_edf(path, leads="EXG1").unit == "uV"


def test_leads_that_do_not_fit_together_are_refused(tmp_path):
    path = write_edf(tmp_path / "a.edf", ECG, (wave(1250), 125, "V1", "mV"))
    with pytest.raises(DataError, match=r"rates in Hz: ECG II 250\.0, V1 125\.0"):
        read_edf(path)
    path = write_edf(tmp_path / "b.edf", ECG, (wave(), FS, "V1", "uV"))
    with pytest.raises(DataError, match="different units: ECG II mV, V1 uV"):
        read_edf(path)
    path = write_edf(tmp_path / "c.edf", ECG, ECG)
    with pytest.raises(DataError, match="two leads are named 'ECG II'"):
        read_edf(path)
    assert read_edf(path, leads=2).leads == ("ECG II",)


def test_a_record_with_gaps_is_refused(tmp_path):
    path = write_edf(tmp_path / "a.edf", ECG, annotations=[])
    path.write_bytes(path.read_bytes().replace(b"EDF+C", b"EDF+D", 1))
    with pytest.raises(DataError, match=r"gaps \(EDF\+D\)"):
        read_edf(path)


@pytest.mark.parametrize("bdf", [False, True])
@pytest.mark.parametrize("change", [-1000, -1, 1])
def test_a_file_of_another_length_than_its_header_says_is_refused(tmp_path, bdf, change):
    path = write_edf(tmp_path / "a.edf", ECG, bdf=bdf)
    content = path.read_bytes()
    path.write_bytes(content[:change] if change < 0 else content + b"\0")
    with pytest.raises(DataError, match="data records; its header says"):
        read_edf(path)


def test_what_a_recorder_did_not_close_is_read(tmp_path):
    path = write_edf(tmp_path / "a.edf", ECG)
    content = path.read_bytes()
    path.write_bytes(content[:236] + b"-1      " + content[244:-10])
    assert 0 < read_edf(path).duration <= 10


@pytest.mark.parametrize(
    ("start", "field"),
    [
        (236, b"99999999"),  # data records
        (252, b"9999"),  # signals
        (252, b"0   "),
        (244, b"0       "),  # seconds of a data record
        (244, b"nan     "),
        (184, b"x       "),  # bytes of the header
        (256 + 216, b"99999999"),  # samples in a data record
        (256 + 216, b"-5      "),
        (256 + 104, b"       x"),  # physical minimum
        (256 + 120, b"32767   "),  # digital minimum, the same as the maximum
    ],
)
def test_damaged_headers_are_refused_at_once(tmp_path, start, field):
    path = write_edf(tmp_path / "a.edf", ECG)
    content = path.read_bytes()
    path.write_bytes(content[:start] + field + content[start + len(field) :])
    with pytest.raises(DataError) as error:
        read_edf(path)
    assert str(path) in str(error.value)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 511), byte=st.binary(min_size=1, max_size=4))
def test_any_damage_gives_a_recording_or_one_clear_error(tmp_path, at, byte):
    path = write_edf(tmp_path / "a.edf", (wave(250), FS, "ECG", "mV"))
    content = bytearray(path.read_bytes())
    content[at : at + len(byte)] = byte
    path.write_bytes(content)
    try:
        recording = read_edf(path)
    except DataError as error:
        assert str(path) in str(error)
    else:
        assert len(recording) == 250


def test_without_the_package_the_extra_is_named(tmp_path, monkeypatch):
    path = write_edf(tmp_path / "a.edf", ECG)
    monkeypatch.setitem(sys.modules, "edfio", None)
    with pytest.raises(DataError, match=r"need the package edfio.*\[readers\]"):
        read_edf(path)
