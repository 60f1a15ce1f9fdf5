import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecglib.core.errors import DataError
from ecglib.data.recording import MAX_VALUES, Recording, check_rate, check_size, positions


def test_leads_by_name_number_and_selection():
    x = np.arange(30.0).reshape(10, 3)
    recording = Recording(x, 100, ("I", "II", "V5"), "mV", "anna", "anna.csv")
    np.testing.assert_array_equal(recording.lead("II"), x[:, 1])
    np.testing.assert_array_equal(recording.lead("v5"), x[:, 2])
    np.testing.assert_array_equal(recording.lead(1), x[:, 0])
    chosen = recording.select(["V5", 1])
    assert chosen.leads == ("V5", "I")
    np.testing.assert_array_equal(chosen.signals, x[:, [2, 0]])
    assert (chosen.fs, chosen.unit, chosen.name, chosen.file) == (100.0, "mV", "anna", "anna.csv")
    assert recording.duration == 0.1
    assert len(recording) == 10


@pytest.mark.parametrize("lead", ["III", 0, 4, 1.0, True, None])
def test_a_lead_that_is_not_there_is_refused_with_those_that_are(lead):
    recording = Recording(np.ones((10, 3)), 100, ("I", "II", "V5"), file="anna.csv")
    with pytest.raises(DataError, match=r"anna\.csv, field leads: no lead has .* 1 'I', 2 'II'"):
        recording.lead(lead)


def test_a_name_in_another_case_must_leave_no_doubt():
    assert positions(["i", "I"], "I") == [1]
    with pytest.raises(DataError, match="several leads have the name 'ii'"):
        positions(["II", "Ii"], "ii")
    with pytest.raises(DataError, match="asks for a lead twice"):
        positions(["I", "II"], ["I", 1])
    with pytest.raises(DataError, match="no lead is asked for"):
        positions(["I", "II"], [])


def test_leads_without_names_get_some():
    assert Recording(np.ones(10), 100).leads == ("ECG",)
    assert Recording(np.ones((10, 2)), 100).leads == ("lead 1", "lead 2")


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        ("int16", "float32"),
        ("uint8", "float32"),
        ("int32", "float64"),
        ("float16", "float32"),
        ("float32", "float32"),
        (">f8", "float64"),
    ],
)
def test_samples_become_floating_point_that_holds_them(kind, kept):
    x = np.array([1, 2, 100]).astype(kind)
    signals = Recording(x, 100).signals
    assert signals.dtype == kept
    assert signals.dtype.isnative
    np.testing.assert_array_equal(signals[:, 0], [1, 2, 100])


@pytest.mark.parametrize(
    "x", [np.zeros((0, 2)), np.array(["a"]), np.ones(3, complex), np.ones((2, 2, 2)), [None], True]
)
def test_what_is_no_signal_is_refused(x):
    with pytest.raises(DataError, match=r"field signals: .* Expected real numbers"):
        Recording(np.asarray(x), 100)


def test_a_missing_sample_is_kept_an_infinite_one_is_named():
    x = np.ones((2_100_000, 2), np.float32)
    x[7, 0] = np.nan
    assert np.isnan(Recording(x, 100, ("I", "II")).lead("I")[7])
    x[2_099_999, 1] = -np.inf
    with pytest.raises(
        DataError, match=r"a\.edf, field signals: sample 2099999 of lead II is -inf"
    ):
        Recording(x, 100, ("I", "II"), file="a.edf")
    with pytest.raises(DataError, match="not one sample of ECG is known; all 5 are NaN"):
        Recording(np.full(5, np.nan), 100)


def test_names_and_units_are_checked():
    with pytest.raises(DataError, match=r"two leads are named 'II'.*leads=\[1\]"):
        Recording(np.ones((5, 2)), 100, ("II", "II"))
    with pytest.raises(DataError, match="one name for each lead"):
        Recording(np.ones((5, 2)), 100, ("II",))
    with pytest.raises(DataError, match="one name for each lead"):
        Recording(np.ones((5, 2)), 100, ("II", " "))
    assert Recording(np.ones(5), 100, unit="microvolt").unit == "uV"
    with pytest.raises(DataError, match="field unit"):
        Recording(np.ones(5), 100, unit="mmHg")


def test_too_much_is_refused_before_room_is_made():
    with pytest.raises(DataError, match="transpose"):
        Recording(np.ones((2, 1000)), 100)
    with pytest.raises(DataError, match="cut the recording"):
        check_size(MAX_VALUES, 2)


def test_a_checksum_is_one_of_samples_and_rate():
    x = np.array([[1, np.nan], [0, 3]])
    first = Recording(x, 100, ("a", "b"), "mV").sha256()
    assert Recording(x.astype("float32"), 100).sha256() == first
    assert Recording(np.where(x == 0, -0.0, x), 100).sha256() == first
    assert Recording(x, 200).sha256() != first
    assert Recording(x.T, 100).sha256() != first
    assert Recording(x.reshape(4, 1), 100).sha256() != first


@given(st.floats(50, 10_000))
def test_every_rate_of_an_ecg_is_taken(fs):
    assert check_rate(fs) == fs


@pytest.mark.parametrize(
    ("fs", "said"),
    [
        (0, "0 Hz"),
        (-250, "-250 Hz"),
        (0.256, "kHz; then give 256"),
        (0.004, "seconds from sample to sample; then give 250"),
        (32, "32 Hz"),
        (16_000, "16000 Hz.*resample"),
        (np.nan, "nan Hz"),
        (np.inf, "inf Hz"),
        ("fast", "'fast' Hz"),
        (None, "None Hz"),
        (True, "True Hz"),
    ],
)
def test_other_rates_are_refused_with_their_probable_cause(fs, said):
    with pytest.raises(DataError, match=f"a.csv, field fs: .*{said}") as error:
        check_rate(fs, file="a.csv")
    assert "from 50 to 10000 Hz" in str(error.value)


@pytest.mark.parametrize("kind", ["f4", "f8", "i2", "i8"])
def test_masked_samples_are_missing(kind):
    x = np.ma.masked_greater(np.arange(10).astype(kind), 7)
    np.testing.assert_array_equal(Recording(x, 100).lead(1), [*range(8), np.nan, np.nan])


@pytest.mark.parametrize("leads", [1.5, None, True])
def test_leads_that_are_no_leads_are_refused(leads):
    with pytest.raises(DataError, match="no lead has the number"):
        positions(("I", "II"), leads)
