import tracemalloc

import numpy as np
import pytest

from ecglib.core.errors import DataError
from ecglib.data.readers.any_format import read_recording
from ecglib.data.readers.poly5 import poly5_header, read_poly5
from tests.layouts.swell import poly5_header as head
from tests.layouts.swell import write_poly5

NAMES = ("A", "ECG", "Saw")
RNG = np.random.default_rng(5)
X = RNG.normal(size=(1050, 3)).astype(np.float32)


def refused(path, match, read=read_poly5, **options):
    with pytest.raises(DataError, match=match) as caught:
        read(path, **options)
    assert str(path) in str(caught.value)
    return caught.value


@pytest.mark.parametrize("version", [203, 204])
@pytest.mark.parametrize("short_last", [False, True])
@pytest.mark.parametrize("per_block", [1, 100, 350, 1050, 3000])
def test_round_trip(tmp_path, version, short_last, per_block):
    path = write_poly5(
        tmp_path / "a.S00", X, NAMES, version=version, short_last=short_last, per_block=per_block
    )
    recording = read_poly5(path)
    assert (recording.fs, recording.leads, recording.unit) == (2048, ("ECG",), "uV")
    assert recording.signals.dtype == np.float32
    np.testing.assert_array_equal(recording.signals[:, 0], X[:, 1])
    both = read_poly5(path, leads=["Saw", "A"])
    np.testing.assert_array_equal(both.signals, X[:, [2, 0]])


def test_the_second_description_of_a_pair_gives_the_range(tmp_path):
    ranges = [(0, 1, 0, 1), (-500, 1500, -10, 30), (0, 1, 0, 1)]
    path = write_poly5(tmp_path / "a.S00", X, NAMES, ranges=ranges)
    expected = (X[:, 1].astype(float) + 10) * 2000 / 40 - 500
    np.testing.assert_allclose(read_poly5(path).signals[:, 0], expected, rtol=1e-6)


def test_the_header_says_what_is_there(tmp_path):
    path = write_poly5(tmp_path / "a.S00", X, NAMES, fs=1024, units=("µV", "mV", ""))
    header = poly5_header(path)
    assert (header.fs, header.n_samples) == (1024, 1050)
    assert (header.names, header.units) == (NAMES, ("µV", "mV", ""))
    assert read_poly5(path).unit == "mV"
    assert read_poly5(path, leads="Saw", unit="adu").unit == "adu"
    assert read_poly5(path, fs=512).fs == 512


def test_an_ecg_is_chosen_by_its_name(tmp_path):
    path = write_poly5(tmp_path / "a.S00", X, ("A", "B", "Saw"))
    refused(path, "no signal has the name of an ECG lead; there are 1 'A', 2 'B', 3 'Saw'")
    assert read_poly5(path, leads="B").leads == ("B",)
    refused(path, "no lead has the name 'C'", leads="C")


def test_missing_samples_stay_missing_and_infinite_ones_are_refused(tmp_path):
    x = X.copy()
    x[7, 1], x[9, 0] = np.nan, np.inf
    path = write_poly5(tmp_path / "a.S00", x, NAMES)
    assert np.flatnonzero(np.isnan(read_poly5(path).signals)).tolist() == [7]
    refused(path, "sample 9 of lead A is inf", leads="A")
    ranges = [(0, 3e38, 0, 1e-3)] * 3
    write_poly5(path, X, NAMES, ranges=ranges)
    refused(path, "lead ECG is -?inf")


@pytest.mark.parametrize("span", [(0, 1, 3, 3), (0, np.nan, 0, 1), (-np.inf, 1, 0, 1)])
def test_a_channel_without_a_range(tmp_path, span):
    path = write_poly5(tmp_path / "a.S00", X, NAMES, ranges=[span, (0, 1, 0, 1), span])
    assert read_poly5(path).leads == ("ECG",)
    assert refused(path, "Expected two different ends", leads="Saw").field == "Saw"


@pytest.mark.parametrize("keep", [0, 1, 31, 216, 217, 500, 217 + 6 * 136, -1, -4])
def test_truncated(tmp_path, keep):
    path = write_poly5(tmp_path / "a.S00", X, NAMES)
    path.write_bytes(path.read_bytes()[:keep])
    refused(path, "has only|bytes of samples")


def test_too_long(tmp_path):
    path = write_poly5(tmp_path / "a.S00", X, NAMES, short_last=True)
    path.write_bytes(path.read_bytes() + b"\0")
    refused(path, "bytes of samples. Expected .* 3 blocks, as its header says")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"version": 205}, "no Poly5 file of version"),
        ({"n_halves": 5}, "5 signal descriptions"),
        ({"n_halves": 0}, "0 signal descriptions"),
        ({"n_halves": -6}, "-6 signal descriptions"),
        ({"n_halves": 32766}, "32766 signal descriptions"),
        ({"delta": 1}, "compressed samples"),
        ({"block_bytes": 2400}, "blocks of 2400 bytes for 400 samples of 3 channels"),
        ({"block_bytes": 0}, "blocks of 0 bytes"),
        ({"n_blocks": 0}, "1050 samples in 0 blocks"),
        ({"n_blocks": -1}, "in -1 blocks"),
        ({"n_blocks": 2}, "1050 samples in 2 blocks of 400"),
        ({"n_blocks": 4}, "1050 samples in 4 blocks of 400"),
        ({"marks": ("(Hi) ", "(Lo) ")}, r"channel descriptions '\(Hi\) A' and '\(Lo\) A'"),
        ({"marks": ("(Lo) ", "(Hi) B")}, "channel descriptions"),
        ({"fs": 0}, "0 Hz"),
        ({"fs": -2048}, "-2048 Hz"),
    ],
)
def test_a_header_that_contradicts_itself(tmp_path, options, problem):
    refused(write_poly5(tmp_path / "a.S00", X, NAMES, **options), problem)


def test_a_header_that_promises_more_than_there_is(tmp_path):
    """Nothing is made room for before the file's length is compared."""
    path = tmp_path / "a.S00"
    n_blocks = 2**31 // 400
    path.write_bytes(head(NAMES, n_blocks * 400, n_blocks=n_blocks) + bytes(5000))
    refused(path, "5000 bytes of samples", read=poly5_header)
    refused(path, "5000 bytes of samples")


def test_any_bytes_are_refused(tmp_path):
    path = tmp_path / "a.S00"
    for seed in range(50):
        rng = np.random.default_rng(seed)
        content = bytearray(head(NAMES, 1050) + bytes(3 * (86 + 4800)))
        for at in rng.integers(31, 217 + 6 * 136, 30):
            content[at] = rng.integers(256)
        path.write_bytes(bytes(content))
        try:
            assert read_poly5(path, leads=2).signals.shape == (1050, 1)
        except DataError as error:
            assert str(path) in str(error)


def test_a_recording_of_any_format(tmp_path):
    for name, version in (("a.S00", 203), ("b.s00", 204), ("c.Poly5", 204)):
        path = write_poly5(tmp_path / name, X, NAMES, version=version)
        np.testing.assert_array_equal(read_recording(path).signals[:, 0], X[:, 1])
    path.rename(tmp_path / "d.edf")
    refused(tmp_path / "d.edf", "the content is Poly5.*rename it to d.poly5", read=read_recording)
    (tmp_path / "a.S00").write_bytes(b"1\n2\n")
    refused(tmp_path / "a.S00", "the content is text", read=read_recording)


def test_channels_that_are_not_asked_for_never_lie_in_memory_whole(tmp_path):
    x = np.zeros((200_000, 16), dtype=np.float32)
    path = write_poly5(tmp_path / "a.S00", x, [*map(str, range(15)), "ECG"], per_block=1000)
    read_poly5(path)  # imports and caches
    tracemalloc.start()
    recording = read_poly5(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert recording.signals.nbytes == 800_000
    assert peak < 2_500_000 < x.nbytes / 4


def test_what_is_no_file(tmp_path):
    refused(tmp_path, "this is a folder")
    refused(tmp_path / "gone.S00", "no such file")
