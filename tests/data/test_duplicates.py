import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecglib.core.errors import DataError
from ecglib.data import duplicates
from ecglib.data.cohort import Cohort
from ecglib.data.duplicates import find_duplicates, refuse_duplicates
from ecglib.data.mitbih import read_mitbih
from ecglib.synthetic.cohort import CohortSpec, make_cohort
from tests.real import shared_data

FS = 256


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    """A walk in steps of the converter, as a recorder gives it."""
    return np.cumsum(np.random.default_rng(seed).integers(-9, 10, round(seconds * FS))) / 200.0


def cohort_of(*signals: np.ndarray, fs=FS, name="mine", dtype=np.float32, participants=None):
    """One recording of each participant; (n,) is one lead."""
    signals = tuple(np.asarray(x, dtype=dtype).reshape(len(x), -1) for x in signals)
    n_samples = np.array([len(x) for x in signals])
    rows = pd.DataFrame(
        {
            "participant": participants or range(1, len(signals) + 1),
            "clip": 1,
            "condition": "rest",
            "n_samples": n_samples,
            "duration": n_samples / fs,
        }
    )
    leads = tuple(f"lead {i + 1}" for i in range(signals[0].shape[1]))
    return Cohort(name, fs, rows, signals, leads=leads)


def pairs(found: pd.DataFrame) -> list[tuple]:
    return list(found[["participant", "other_participant"]].itertuples(index=False, name=None))


def test_a_copy_is_found_and_strangers_are_not():
    x, y = noise(60), noise(60, seed=1)
    found = find_duplicates(cohort_of(x, y, x))
    assert pairs(found) == [(1, 3)]
    row = found.iloc[0]
    assert (row["start"], row["other_start"], row["seconds"], row["gain"]) == (0, 0, 60, 1)
    assert row["whole"]


@given(
    gain=st.sampled_from([1e-6, 0.5, 1000.0, -1.0, -3.7]),
    offset=st.sampled_from([0.0, -0.4, 12.0]),
    start=st.integers(0, 40 * FS),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 5),
)
@settings(deadline=None, max_examples=40)
def test_an_excerpt_in_another_unit_sign_and_place_is_found(gain, offset, start, dtype, seed):
    whole = noise(60, seed)
    excerpt = gain * (whole[start : start + 15 * FS] + offset)
    found = find_duplicates(
        cohort_of(whole, noise(20, 9)), cohort_of(excerpt, name="theirs", dtype=dtype)
    )
    assert pairs(found) == [(1, 1)]
    row = found.iloc[0]
    assert (row["cohort"], row["other_cohort"]) == ("mine", "theirs")
    assert row["gain"] == pytest.approx(gain, rel=1e-3)
    n_whole = min(15 * FS, len(whole) - start)
    assert row["seconds"] == pytest.approx(n_whole / FS)
    assert row["start"] == start / FS and row["other_start"] == 0 and row["whole"]


def test_recordings_that_overlap_by_their_ends():
    x = noise(90)
    found = find_duplicates(cohort_of(x[: 50 * FS], x[30 * FS :]))
    row = found.iloc[0]
    assert (row["start"], row["other_start"], row["seconds"]) == (30, 0, 20)
    assert not row["whole"]
    assert find_duplicates(cohort_of(x[: 50 * FS], x[42 * FS :])).empty
    assert pairs(find_duplicates(cohort_of(x[: 50 * FS], x[42 * FS :]), least_s=5)) == [(1, 2)]


def test_a_piece_that_was_pasted_into_another_recording():
    x, y = noise(60), noise(60, seed=1)
    y[20 * FS : 40 * FS] = 2 * x[5 * FS : 25 * FS]
    row = find_duplicates(cohort_of(x, y)).iloc[0]
    assert (row["start"], row["other_start"]) == (5, 20)
    assert row["seconds"] == pytest.approx(20, abs=0.05)


def test_short_recordings_are_compared_as_a_whole():
    x = noise(3)
    assert pairs(find_duplicates(cohort_of(x, noise(3, 1), 5 - 2 * x))) == [(1, 3)]


def test_every_lead_is_compared_or_the_one_asked_for():
    x, y, z = (noise(30, seed) for seed in range(3))
    cohort = cohort_of(np.column_stack([x, y]), np.column_stack([z, -x]))
    assert pairs(find_duplicates(cohort)) == [(1, 2)]
    assert find_duplicates(cohort, lead=1).empty
    assert find_duplicates(cohort, lead="lead 2").empty
    with pytest.raises(DataError, match="lead 3"):
        find_duplicates(cohort, lead="lead 3")


def test_missing_samples_hide_nothing():
    x = noise(60)
    y = x.copy()
    y[7000:7100] = np.nan
    row = find_duplicates(cohort_of(x, y)).iloc[0]
    assert row["seconds"] == 60


def test_three_copies_are_a_chain():
    x = noise(20)
    assert pairs(find_duplicates(cohort_of(x, x, x))) == [(1, 2), (2, 3)]


def test_what_has_no_turns_is_no_copy():
    flat, line = np.zeros(60 * FS), np.arange(60.0 * FS)
    x, y = noise(60), noise(60, seed=1)
    x[: 30 * FS] = y[: 30 * FS] = 0.3  # an electrode that was not on yet
    steps = np.where(line // (4 * FS) % 2, 1.0, -1.0)
    assert find_duplicates(cohort_of(flat, flat, line, 2 * line, x, y, steps, steps)).empty


def test_an_invented_cohort_has_no_copies():
    """Its people come from one generator."""
    spec = CohortSpec(n_participants=4, clip_lengths_s=(65.0, 80.0, 70.0))
    assert find_duplicates(make_cohort(spec, seed=1).cohort).empty


def test_chunks_leave_no_gap(monkeypatch):
    x = noise(60)
    whole, at = duplicates._hashes(x)
    monkeypatch.setattr(duplicates, "_CHUNK", 1000)
    again, places = duplicates._hashes(x)
    np.testing.assert_array_equal(whole, again)
    np.testing.assert_array_equal(at, places)
    assert 0.5 < len(at) * 64 / len(x) < 2


def test_both_places_are_named():
    x, y = noise(60), noise(60, seed=1)
    cohort = cohort_of(x, y, x, participants=["a", "b", "c"])
    with pytest.raises(DataError) as caught:
        refuse_duplicates(cohort, file="some.mat", remedy="say so")
    text = str(caught.value)
    for part in (
        "some.mat: participant c, clip 1, rest (from second 0.0) has 60.0 s of the same ECG as "
        "participant a, clip 1, rest (from second 0.0); in all, 1 pair shares samples, of the "
        "participants a and c.",
        "nobody is tested on what was trained with. To fix it: say so.",
    ):
        assert part in text
    with pytest.raises(DataError, match=r"leave one of the two out with Cohort\.select"):
        refuse_duplicates(cohort)
    refuse_duplicates(cohort.select(participants=["a", "b"]))


def test_cohorts_of_one_name_are_told_apart():
    x = noise(20)
    with pytest.raises(DataError, match=r"mine \(2\), participant 1,.* as mine, participant 1,"):
        refuse_duplicates(cohort_of(x), cohort_of(x))


def test_without_a_cohort():
    with pytest.raises(DataError, match="no cohort"):
        find_duplicates()


def test_real_records_and_their_first_minutes():
    """Nine of ten: of record 114 the two sets hold different leads."""
    short, long = (read_mitbih(shared_data(name)) for name in ("mitdb5", "mitbih"))
    assert find_duplicates(short).empty and find_duplicates(long).empty
    found = find_duplicates(short, long)
    assert pairs(found) == [(p, p) for p in (100, 102, 104, 105, 106, 108, 116, 119, 121)]
    assert found["seconds"].eq(300).all() and found["other_start"].eq(0).all()
    assert found["whole"].all() and found["gain"].eq(1).all()


def test_real_excerpts_at_any_place(shift=12_345):
    records = read_mitbih(shared_data("mitdb5")).select(participants=[100, 103, 234])
    excerpts = cohort_of(
        *(1.5 - 700 * x[shift : shift + 360 * 20, 0] for x in records.signals), fs=360, name="cut"
    )
    found = find_duplicates(records, excerpts)
    assert pairs(found) == [(100, 1), (103, 2), (234, 3)]
    np.testing.assert_allclose(found["start"], shift / 360)
    assert found["seconds"].eq(20).all()
