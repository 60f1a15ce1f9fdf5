import numpy as np
import pytest
from scipy.io import savemat

from ecglib.core.errors import DataError
from ecglib.data.readers.any_format import READERS, read_recording
from tests.data.readers.files import FS, wave, write_columns, write_edf, write_wfdb
from tests.layouts.swell import write_poly5


@pytest.fixture
def folder(tmp_path):
    """Give a folder with the same recording in every format."""
    pytest.importorskip("edfio")
    pytest.importorskip("wfdb")
    for suffix, separator in ((".csv", ","), (".tsv", "\t"), (".txt", " ")):
        write_columns(tmp_path / f"a{suffix}", "ECG", wave(), separator=separator)
    np.save(tmp_path / "a.npy", wave())
    np.savez(tmp_path / "a.npz", ecg=wave())
    savemat(tmp_path / "a.mat", {"ecg": wave()})
    write_edf(tmp_path / "a.edf", (wave(), FS, "ECG", "mV"))
    write_edf(tmp_path / "a.bdf", (wave(), FS, "ECG", "mV"), bdf=True)
    for suffix in (".s00", ".poly5"):
        write_poly5(tmp_path / f"a{suffix}", wave()[:, None], ("ECG",), fs=int(FS), units=("mV",))
    write_wfdb(tmp_path, "a", wave()[:, None], FS, ("ECG",), ("mV",))
    return tmp_path


@pytest.mark.parametrize("suffix", [*READERS, ".dat", "", ".EDF"])
def test_one_function_reads_them_all(folder, suffix):
    if suffix == ".EDF":
        (folder / "a.edf").rename(folder / "a.EDF")
    recording = read_recording(str(folder / f"a{suffix}"), fs=FS, leads="ECG", unit="mV")
    assert (recording.leads, recording.fs, recording.unit, recording.name) == (
        ("ECG",),
        FS,
        "mV",
        "a",
    )
    np.testing.assert_allclose(recording.lead("ECG"), wave(), atol=1e-4)


@pytest.mark.parametrize("content", [".npy", ".npz", ".mat", ".edf", ".bdf", ".csv"])
@pytest.mark.parametrize("suffix", [".csv", ".npy", ".npz", ".mat", ".edf", ".bdf"])
def test_a_wrong_extension_is_said_with_the_right_one(folder, content, suffix):
    if content == suffix:
        return
    path = folder / f"b{suffix}"
    path.write_bytes((folder / f"a{content}").read_bytes())
    with pytest.raises(DataError, match=f"as the extension {suffix} says.*rename it to b{content}"):
        read_recording(path, fs=FS)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "the file is empty"),
        ("a.edf", b"", "the file is empty"),
        ("a.csv", b"\x89PNG\r\n\x1a\n\0\0\0", "no known format"),
        ("a.xlsx", b"PK\x03\x04", "Excel sheet as CSV"),
        ("a.mat", b"\x89HDF\r\n\x1a\n", "content is HDF5.*-v7"),
        ("a.csv", b"\x1f\x8b\x08\0", "unpack it first"),
        ("a.doc", b"hello", "no format that is read here"),
        ("a.dat", b"\0\1\2\3", "copy the record's header a.hea beside it"),
    ],
)
def test_other_files(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=said) as error:
        read_recording(tmp_path / name)
    assert error.value.file == str(tmp_path / name)


def test_no_file(tmp_path):
    with pytest.raises(DataError, match="there is no such file"):
        read_recording(tmp_path / "a.csv")
    with pytest.raises(DataError, match=r"this is a folder.*read_folder"):
        read_recording(tmp_path)
