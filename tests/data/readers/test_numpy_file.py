import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecglib.core.errors import DataError
from ecglib.data.readers.numpy_file import read_npy, read_npz
from tests.data.readers.files import FS, wave
from tests.real import shared_data

TWO = np.column_stack([wave(), wave(lead=2)])


def npz(path, **arrays):
    np.savez_compressed(path, **arrays)
    return path


@pytest.mark.parametrize(
    "x", [wave(), wave()[:, None], wave()[None], TWO, TWO.T, TWO.astype(">f4")]
)
def test_one_array_in_either_order(tmp_path, x):
    np.save(tmp_path / "a.npy", x)
    recording = read_npy(tmp_path / "a.npy", fs=255.7, unit="mV")
    expected = TWO[:, : recording.signals.shape[1]]
    np.testing.assert_allclose(recording.signals, expected, rtol=1e-6, atol=1e-7)
    assert (recording.fs, recording.unit, recording.name) == (255.7, "mV", "a")
    if x.size == TWO.size:
        assert read_npy(tmp_path / "a.npy", fs=FS, leads=2).leads == ("lead 2",)


def test_one_array_needs_a_rate_and_shows_its_order(tmp_path):
    np.save(tmp_path / "a.npy", TWO)
    with pytest.raises(DataError, match=r"a\.npy, field fs: .*--fs HZ"):
        read_npy(tmp_path / "a.npy")
    with pytest.raises(DataError, match="field fs: 0"):
        read_npy(tmp_path / "a.npy", fs=0)
    np.save(tmp_path / "b.npy", TWO[:2])
    with pytest.raises(DataError, match="which direction is time"):
        read_npy(tmp_path / "b.npy", fs=FS)


def test_a_file_of_named_arrays(tmp_path):
    path = npz(tmp_path / "a.npz", ecg=wave(), r_peaks=np.arange(0, 2500, 200), fs=np.int64(250))
    recording = read_npz(path)
    assert (recording.leads, recording.fs, recording.unit) == (("ECG",), 250, "")
    np.testing.assert_array_equal(recording.lead(1), wave())
    path = npz(
        tmp_path / "b.npz", x=TWO.T, Sampling_Rate=255.7, leads=["I", "II"], units=["mV"] * 2
    )
    recording = read_npz(path)
    assert (recording.leads, recording.fs, recording.unit) == (("I", "II"), 255.7, "mV")
    assert read_npz(path, leads="II", fs=500).fs == 500
    path = npz(tmp_path / "c.npz", I=wave(), II=wave(lead=2), eda=wave(250), fs=FS)
    recording = read_npz(path)
    assert recording.leads == ("I", "II")
    np.testing.assert_array_equal(recording.signals, TWO)
    assert read_npz(path, leads=["II"]).leads == ("II",)


def test_arrays_that_leave_a_doubt_are_listed(tmp_path):
    path = npz(tmp_path / "a.npz", one=wave(), two=wave(lead=2), fs=FS)
    with pytest.raises(DataError, match=r"holds one \(2500 numbers\), two .*leads=\['one'\]"):
        read_npz(path)
    recording = read_npz(path, leads="two")
    assert recording.leads == ("two",)
    np.testing.assert_array_equal(recording.lead(1), wave(lead=2))
    with pytest.raises(DataError, match="it is not clear"):
        read_npz(npz(tmp_path / "b.npz", I=wave(), II=wave(100), fs=FS))
    with pytest.raises(DataError, match="the file holds fs"):
        read_npz(npz(tmp_path / "c.npz", fs=FS))


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (np.array([{"a": 1}], dtype=object), "Python objects"),
        (np.array(["a", "b"]), "Expected real numbers"),
        (np.ones(3, complex), "Expected real numbers"),
        (np.zeros((0, 2)), "Expected real numbers"),
        (np.array([1, np.inf, 2]), "sample 1 of lead ECG is inf"),
        (np.full(9, np.nan), "not one sample"),
        (np.ones((3, 4, 5)), "shape"),
    ],
)
def test_other_arrays_are_refused(tmp_path, x, said):
    np.save(tmp_path / "a.npy", x, allow_pickle=True)
    with pytest.raises(DataError, match=said):
        read_npy(tmp_path / "a.npy", fs=FS)
    path = npz(tmp_path / "a.npz", ecg=x, fs=FS)
    with pytest.raises(DataError, match=f"{said}|not clear which"):
        read_npz(path)


def test_a_header_that_promises_more_than_there_is(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, wave())
    honest = path.read_bytes()
    path.write_bytes(honest[:-8])
    with pytest.raises(DataError, match=r"a\.npy: the file cannot be used"):
        read_npy(path, fs=FS)
    huge = honest.replace(b"(2500,), }      ", b"(9999999999,), }", 1)
    assert huge != honest
    path.write_bytes(huge)
    with pytest.raises(DataError, match="promises 9999999999 numbers"):
        read_npy(path, fs=FS)
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        archive.writestr("ecg.npy", huge)
    with pytest.raises(DataError, match="promises 9999999999 numbers"):
        read_npz(tmp_path / "b.npz", fs=FS)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 700), byte=st.binary(min_size=1, max_size=3), cut=st.booleans())
def test_any_damage_gives_a_recording_or_one_clear_error(tmp_path, at, byte, cut):
    path = npz(tmp_path / "a.npz", ecg=wave(40), fs=FS)
    content = bytearray(path.read_bytes())
    content[at : len(content) if cut else at + len(byte)] = byte
    path.write_bytes(content)
    try:
        recording = read_npz(path, fs=FS)
    except DataError as error:
        assert str(path) in str(error)
    else:
        assert len(recording) <= 40


def test_real_files():
    recording = read_npz(shared_data("mitbih", "100_converted.npz"))
    assert (recording.fs, len(recording), recording.leads) == (360, 650_000, ("ECG",))
    path = shared_data("mitdb5", "mitdb_MLII_5min_int16.npz")
    with pytest.raises(
        DataError, match=r"not clear which array is the ECG.*100 \(108000 numbers\)"
    ):
        read_npz(path, fs=360)
    assert read_npz(path, fs=360, leads="100", unit="adu").duration == 300


def test_a_header_that_does_not_end_is_damage(tmp_path):
    np.save(tmp_path / "a.npy", wave())
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content.replace(b"), }", b"(((("))
    with pytest.raises(DataError, match=r"a.npy: the file cannot be used"):
        read_npy(tmp_path / "a.npy", fs=FS)
