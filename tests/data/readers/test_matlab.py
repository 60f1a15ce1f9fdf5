import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.io import savemat

from ecglib.core.errors import DataError
from ecglib.data.readers.matlab import read_mat
from tests.data.mat_files import write_mat
from tests.data.readers.files import FS, wave

TWO = np.column_stack([wave(), wave(lead=2)])


def mat(path, **variables):
    savemat(path, variables, do_compression=True)
    return path


def test_variables_by_their_names(tmp_path):
    path = mat(tmp_path / "a.mat", ecg=wave(), Fs=250.0, unit="mV", note="hello", peaks=[[1, 2, 3]])
    recording = read_mat(path)
    assert (recording.leads, recording.fs, recording.unit) == (("ECG",), 250, "mV")
    assert (recording.name, recording.file) == ("a", str(path))
    np.testing.assert_array_equal(recording.lead(1), wave())
    names = np.array(["I", "II"], dtype=object)
    path = mat(tmp_path / "b.mat", data=TWO.T, samplingRate=255.7, leads=names)
    recording = read_mat(path)
    assert (recording.leads, recording.fs) == (("I", "II"), 255.7)
    np.testing.assert_array_equal(recording.signals, TWO)


def test_a_matrix_alone_needs_a_rate(tmp_path):
    path = mat(tmp_path / "a.mat", val=(TWO.T * 1000).astype("int16"))
    with pytest.raises(DataError, match=r"a\.mat, field fs: .*--fs HZ"):
        read_mat(path)
    recording = read_mat(path, fs=360, unit="adu", leads=[2])
    assert (recording.leads, recording.signals.dtype) == (("lead 2",), "float32")
    np.testing.assert_array_equal(recording.lead(1), (TWO[:, 1] * 1000).astype("int16"))


def test_a_doubt_lists_the_variables(tmp_path):
    path = mat(tmp_path / "a.mat", x=wave(), y=wave(lead=2), s={"deep": 1}, fs=FS)
    with pytest.raises(DataError, match=r"x \(1 × 2500 numbers\).*s \(1 × 1 struct\)"):
        read_mat(path)
    assert read_mat(path, leads=["y", "x"]).leads == ("y", "x")


def test_dreamer_is_sent_to_its_own_reader(tmp_path):
    with pytest.raises(DataError, match=r"read_dreamer"):
        read_mat(write_mat(tmp_path / "DREAMER.mat"))


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "a.mat"
    good = mat(path, ecg=wave(), fs=FS).read_bytes()
    for content in (b"", b"hello", bytes(range(256)) * 4, good[:200], good[: len(good) // 2]):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"a\.mat"):
            read_mat(path)
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + b"\x89HDF" * 200)
    with pytest.raises(DataError, match=r"v7\.3.*-v7"):
        read_mat(path)
    with pytest.raises(DataError, match="sample 3 of lead ECG is inf"):
        read_mat(mat(path, ecg=np.array([1.0, 2, 3, np.inf, 2]), fs=FS))
    with pytest.raises(DataError, match="real numbers"):
        read_mat(mat(path, ecg=np.array([1.0, 2, 3j]), fs=FS))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 500), byte=st.binary(min_size=1, max_size=3))
def test_any_damage_gives_a_recording_or_one_clear_error(tmp_path, at, byte):
    path = tmp_path / "a.mat"
    savemat(path, {"ecg": wave(40), "fs": FS})
    content = bytearray(path.read_bytes())
    content[at : at + len(byte)] = byte
    path.write_bytes(content)
    try:
        recording = read_mat(path, fs=FS)
    except DataError as error:
        assert str(path) in str(error)
    else:
        assert len(recording) <= 40
