from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.data.cohort import Cohort
from ecglib.data.eegmat import read_eegmat
from ecglib.data.mitbih import read_mitbih
from ecglib.data.pool import pool
from ecglib.data.targets import Classes, Rating
from ecglib.preprocessing.segmentation import WindowConfig, make_windows
from tests.real import shared_data

STATE = Classes("state", ("rest", "stress"))


def cohort_of(name, participants, *, fs=256.0, unit="mV", leads=("ECG",), seed=0, **columns):
    """Two recordings of each participant."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(
        [(p, clip, "film") for p in participants for clip in (1, 2)],
        columns=["participant", "clip", "condition"],
    )
    rows["n_samples"] = 5000
    rows["duration"] = 5000 / fs
    signals = tuple(rng.normal(size=(5000, len(leads))) for _ in range(len(rows)))
    targets = columns.pop("targets", ())
    return Cohort(
        name, fs, rows.assign(**columns), signals, "a" * 64, leads=leads, unit=unit, targets=targets
    )


def test_everyone_keeps_the_set_that_they_are_of():
    one = cohort_of("one", ["S1", "S2"], age=30, sex="F")
    two = cohort_of("two", [1, 2, 10], fs=500.0, unit="adu", seed=1)
    both = pool(one, two, name="both")
    rows = both.recordings
    assert both.name == "both"
    assert list(rows["participant"].unique()) == ["one/S1", "one/S2", "two/1", "two/10", "two/2"]
    assert rows["dataset"].tolist() == ["one"] * 4 + ["two"] * 6
    numbered = pool(replace(one, name="2019"), replace(two, name="2020"))
    assert numbered.recordings["dataset"].tolist() == [2019] * 4 + [2020] * 6
    assert both.rates == (256.0,) * 4 + (500.0,) * 6
    assert both.units == ("mV",) * 4 + ("adu",) * 6
    assert rows["age"].tolist()[:4] == [30] * 4 and rows["age"].isna().sum() == 6
    for dataset, person, clip in (("one", "S2", 2), ("two", 10, 1)):
        source = {"one": one, "two": two}[dataset]
        at = rows.query("participant == @name and clip == @clip", local_dict={
            "name": f"{dataset}/{person}", "clip": clip}).index[0]  # fmt: skip
        old = source.recordings.query("participant == @person and clip == @clip").index[0]
        assert both.signals[at] is source.signals[old]


def test_notes_say_of_which_cohort_they_are():
    one = replace(cohort_of("one", [1]), notes=("no unit",))
    two = replace(cohort_of("two", [1], seed=1), notes=("a", "b"))
    assert pool(one, two).notes == ("one: no unit", "two: a", "two: b")


def test_the_checksum_is_of_the_parts_in_any_order():
    one, two = cohort_of("one", [1]), cohort_of("two", [1], seed=1)
    assert pool(one, two).sha256 == pool(two, one).sha256 != one.sha256
    assert pool(one, replace(two, sha256="b" * 64)).sha256 != pool(one, two).sha256
    assert pool(one, replace(two, sha256="")).sha256 == ""


def test_targets_in_common_stay_and_others_are_left_out():
    nine, five = Rating("valence", 1, 9), Rating("valence")
    one = cohort_of("one", [1], state="rest", valence=9, targets=(STATE, nine))
    two = cohort_of("two", [1], state="stress", valence=2, targets=(STATE, five), seed=1)
    both = pool(one, two)
    assert both.targets == (STATE,)
    assert "valence" not in both.recordings
    assert both.recordings["state"].tolist() == ["rest"] * 2 + ["stress"] * 2
    for asked, said in ((nine, "two has a whole number from 1 to 5"), (five, "one has .* to 9")):
        with pytest.raises(DataError, match=f"field valence: {said}"):
            pool(one, two, targets=[asked])
    with pytest.raises(DataError, match="field state: one has rest or stress"):
        pool(one, two, targets=[Rating("state")])
    undeclared = replace(one, targets=())
    with pytest.raises(DataError, match=r"participant one/1, clip 1, field valence: .*9"):
        pool(undeclared, two, targets=[five])
    rescaled = replace(two, recordings=two.recordings.assign(valence=3), targets=(nine,))
    assert pool(one, rescaled).recordings["valence"].tolist() == [9, 9, 3, 3]
    with pytest.raises(DataError, match="no cohort has a column 'joy'"):
        pool(one, two, targets=[Rating("joy")])


def test_a_label_is_missing_where_a_cohort_has_none():
    one = cohort_of("one", [1], state="rest", targets=(STATE,))
    two = cohort_of("two", [1], seed=1)
    assert pool(one, two).targets == ()
    both = pool(one, two, targets=[STATE])
    assert both.recordings["state"].isna().tolist() == [False, False, True, True]


def test_leads_of_other_names_and_numbers():
    one = cohort_of("one", [1], leads=("I", "II"))
    two = cohort_of("two", [1], leads=("MLII",), seed=1)
    assert pool(one, cohort_of("two", [1], leads=("I", "II"), seed=1)).leads == ("I", "II")
    with pytest.raises(DataError, match=r"one has I, II; two has MLII.*leads={'one': 'I'}"):
        pool(one, two)
    both = pool(one, two, leads={"one": "II"})
    assert both.leads == ("ECG",)
    assert both.recordings["lead_name"].tolist() == ["II", "II", "MLII", "MLII"]
    np.testing.assert_array_equal(both.signals[0][:, 0], one.signals[0][:, 1])
    with pytest.raises(DataError, match="field leads: 'three'"):
        pool(one, two, leads={"three": 1})


def test_a_recording_in_two_sets_is_refused_unless_allowed():
    one, two = cohort_of("one", [1, 2]), cohort_of("two", [1, 2])
    with pytest.raises(DataError, match=r"two, participant 1, clip 1.*allow_duplicates=True"):
        pool(one, two)
    assert len(pool(one, two, allow_duplicates=True).recordings) == 8


def test_cohorts_need_names_of_their_own():
    one = cohort_of("one", [1])
    with pytest.raises(DataError, match="several cohorts are named 'one'"):
        pool(one, cohort_of("one", [1], seed=1))
    with pytest.raises(DataError, match="no cohort is given"):
        pool()


def test_real_sets_become_windows():
    eegmat = read_eegmat(shared_data("eegmat")).select(participants=["S00", "S01"])
    clinic = read_mitbih(shared_data("mitdb5")).select(participants=[100, 102, 201])
    both = pool(clinic, eegmat)
    assert both.targets == () and both.leads == ("ECG",)
    assert set(both.rates) == {360.0, 500.0} and both.unit == "mV"
    windows = make_windows(both, WindowConfig(leads=(1,), conditions=("clinic", "rest")))
    people = {"MIT-BIH/100", "MIT-BIH/102", "MIT-BIH/201", "eegmat/S00", "eegmat/S01"}
    assert set(windows.meta["participant"]) == people
    sets = windows.meta.groupby("participant")["dataset"].unique()
    assert sets.str[0].eq(sets.index.str.split("/").str[0]).all() and sets.str.len().eq(1).all()
