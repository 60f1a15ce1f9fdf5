import dataclasses
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.data.cohort import Cohort, one_or_each
from ecglib.data.dreamer import COLUMNS
from ecglib.data.targets import SCALES, Classes, Rating

FS = 256.0


def table(n_participants: int = 2, n_clips: int = 2) -> pd.DataFrame:
    rows = [
        {
            "participant": p,
            "clip": c,
            "condition": condition,
            "n_samples": 2560 + 256 * c,
            "duration": 10.0 + c,
            "valence": c,
            "arousal": p,
            "dominance": 5,
            "age": 20 + p,
            "gender": "female",
        }
        for p in range(1, n_participants + 1)
        for c in range(1, n_clips + 1)
        for condition in ("baseline", "stimulus")
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def signals_of(rows: pd.DataFrame) -> tuple[np.ndarray, ...]:
    return tuple(np.full((n, 2), i, dtype=np.float32) for i, n in enumerate(rows["n_samples"]))


@pytest.fixture
def cohort() -> Cohort:
    return Cohort("synthetic", FS, table(), signals_of(table()), "abc", "1.0.2", SCALES)


def refuse(cohort: Cohort, **changes) -> DataError:
    with pytest.raises(DataError) as caught:
        dataclasses.replace(cohort, **changes)
    return caught.value


def test_repr_is_one_short_line(cohort):
    assert repr(cohort) == (
        "<Cohort 'synthetic': 2 participants, 2 clips, 8 recordings, 1.5 min at 256 Hz>"
    )


def test_is_frozen(cohort):
    with pytest.raises(dataclasses.FrozenInstanceError):
        cohort.name = "DREAMER"


def test_notes_are_counted_where_a_cohort_shows_itself(cohort):
    told = replace(cohort, notes=("the rate is not in the file",))
    assert repr(told) == repr(cohort)[:-1] + "; 1 note>"
    assert repr(replace(told, notes=("a", "b"))).endswith("; 2 notes>")
    assert told.select(clips=[1]).notes == told.notes and cohort.notes == ()


@pytest.mark.parametrize("fs", [0, 0.256, 49.9, 10_001, -256.0, np.nan, np.inf, "fast", None, True])
def test_sampling_rate(cohort, fs):
    assert refuse(cohort, fs=fs).field == "fs"


def test_one_signal_per_row(cohort):
    assert "7 signals for 8 recordings" in refuse(cohort, signals=cohort.signals[1:]).problem


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda rows: rows.drop(columns="duration"), "recordings"),
        (lambda rows: rows.drop(columns="valence"), "recordings"),
        (lambda rows: rows[["clip", "participant", *COLUMNS[2:]]], "recordings"),
        (lambda rows: rows.iloc[:0], "recordings"),
        (lambda rows: rows.set_index(np.arange(1, 9)), "recordings"),
        (lambda rows: rows.iloc[::-1].reset_index(drop=True), "recordings"),
        (lambda rows: rows.iloc[[0, *range(7)]].reset_index(drop=True), "recordings"),
        (lambda rows: rows.astype({"participant": float}), "participant"),
        (lambda rows: rows.assign(participant=rows["participant"].astype(str)), "participant"),
        (lambda rows: rows.assign(clip=""), "clip"),
        (lambda rows: rows.assign(condition=3), "condition"),
        (lambda rows: rows.assign(valence=6), "valence"),
        (lambda rows: rows.assign(valence=1.5), "valence"),
        (lambda rows: rows.assign(age=range(20, 28)), "age"),
        (lambda rows: rows.assign(gender=[*"fffm", *"mmmm"]), "gender"),
        (lambda rows: rows.assign(n_samples=rows["n_samples"] + 1), "baseline"),
        (lambda rows: rows.assign(duration=rows["duration"] + 1), "baseline"),
    ],
    ids=[
        "column missing",
        "target missing",
        "columns in another order",
        "empty",
        "index",
        "rows in another order",
        "row repeated",
        "float participant",
        "numbers as texts",
        "empty clip",
        "condition that is no text",
        "rating 6",
        "rating between two answers",
        "two ages of one person",
        "two genders of one person",
        "n_samples",
        "duration",
    ],
)
def test_tables_that_break_a_rule(cohort, change, field):
    error = refuse(cohort, recordings=change(cohort.recordings))
    assert error.field == field
    assert error.expected


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.T,
        lambda x: x[:, :1],
        lambda x: x[:0],
        lambda x: x * np.inf,
        lambda x: x.astype(int),
        lambda x: x.tolist(),
    ],
    ids=["transposed", "one lead", "empty", "infinite", "integers", "list"],
)
def test_signals_that_break_a_rule(cohort, change):
    signals = list(cohort.signals)
    signals[7] = change(signals[7])
    error = refuse(cohort, signals=tuple(signals))
    assert (error.participant, error.clip, error.field) == (2, 2, "stimulus")


def test_select_keeps_rows_and_signals_together(cohort):
    some = cohort.select(participants=[2], clips=(1, 2), conditions=["stimulus"])
    assert some.recordings["participant"].tolist() == [2, 2]
    assert some.recordings["clip"].tolist() == [1, 2]
    assert some.recordings.index.tolist() == [0, 1]
    assert some.signals == (cohort.signals[5], cohort.signals[7])
    assert (some.name, some.fs, some.sha256, some.version) == ("synthetic", FS, "abc", "1.0.2")


def test_select_everything_by_default(cohort):
    assert cohort.select().recordings.equals(cohort.recordings)


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"participants": [1, 3]}, "participant"),
        ({"clips": []}, "clip"),
        ({"conditions": ["x"]}, "condition"),
    ],
)
def test_select_refuses_what_is_not_there(cohort, wanted, field):
    assert refuse_select(cohort, wanted).field == field


def refuse_select(cohort: Cohort, wanted: dict) -> DataError:
    with pytest.raises(DataError) as caught:
        cohort.select(**wanted)
    return caught.value


def general(**changes) -> Cohort:
    rows = pd.DataFrame(
        {
            "participant": ["anna", "anna", "007"],
            "clip": [1, 2, 1],
            "condition": ["rest", "sums", "rest"],
            "n_samples": [3000, 3000, 2000],
            "duration": [12.0, 12.0, 8.0],
            "stress": [0, 10, 4],
            "task": ["rest", "sums", None],
            "age": [30, 30, 41],
        }
    )
    rows = rows.sort_values(["participant", "clip"]).reset_index(drop=True)
    signals = tuple(np.zeros((n, 1)) for n in rows["n_samples"])
    made = {
        "name": "mine",
        "fs": 250.0,
        "recordings": rows,
        "signals": signals,
        "targets": (Rating("stress", 0, 10), Classes("task", ("rest", "sums"))),
        "leads": ("II",),
        "unit": "mV",
    }
    return Cohort(**made | changes)


def test_one_lead_text_names_other_scales_and_missing_labels():
    cohort = general()
    assert cohort.recordings["participant"].tolist() == ["007", "anna", "anna"]
    assert cohort.select(participants=["anna"]).targets == cohort.targets
    assert cohort.rates == (250.0,) * 3 and cohort.units == ("mV",) * 3
    assert cohort.lead_number("II") == cohort.lead_number(1) == 1


def test_missing_samples_are_kept_for_the_quality_flags():
    signal = np.zeros((2000, 1))
    signal[5] = np.nan
    assert np.isnan(general(signals=(signal, *general().signals[1:])).signals[0]).sum() == 1


def test_each_recording_may_have_a_rate_and_a_unit_of_its_own():
    rows = general().recordings.assign(duration=[2.0, 12.0, 12.0])
    mixed = general(fs=(1000.0, 250.0, 250.0), unit=("uV", "mV", ""), recordings=rows)
    assert "at 250 to 1000 Hz" in repr(mixed)
    some = mixed.select(participants=["anna"])
    assert some.fs == (250.0, 250.0) and some.unit == ("mV", "")
    with pytest.raises(DataError, match="2 values for 3 recordings"):
        general(fs=(250.0, 250.0))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"leads": ()}, "leads"),
        ({"leads": ("II", "II")}, "leads"),
        ({"targets": (Rating("stress", 0, 9),)}, "stress"),
        ({"targets": (Classes("task", ("rest", "stroop")),)}, "task"),
        ({"targets": (Rating("joy"),)}, "recordings"),
    ],
)
def test_what_does_not_fit_is_named(change, field):
    with pytest.raises(DataError) as caught:
        general(**change)
    assert caught.value.field == field and caught.value.expected


@pytest.mark.parametrize("lead", [0, 2, "V5", 1.5, -1])
def test_a_lead_that_is_not_there(lead):
    with pytest.raises(DataError, match="some of 1 'II'"):
        general().lead_number(lead)


def test_what_all_share_may_stand_in_an_array_or_a_column():
    assert one_or_each(np.array([256.0, 256.0])) == 256.0
    assert one_or_each(pd.Series(["mV", "uV"])) == ("mV", "uV")
    with pytest.raises(DataError, match="field values"):
        one_or_each(np.array([]))
