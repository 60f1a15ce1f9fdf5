import numpy as np
import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.data import labels
from ecglib.data.labels import binary_labels
from ecglib.data.targets import Classes


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "participant": 7,
            "clip": [1, 2, 3, 4, 5],
            "condition": "stimulus",
            "valence": [1, 2, 3, 4, 5],
            "arousal": [5, 4, 3, 2, 1],
            "dominance": [3, 3, 3, 3, 4],
        }
    )


@pytest.mark.parametrize(
    ("threshold", "rule", "expected"),
    [(3, ">", [0, 0, 0, 1, 1]), (3, ">=", [0, 0, 1, 1, 1]), (2.5, ">", [0, 0, 1, 1, 1])],
)
def test_binary_rule_and_threshold(threshold: float, rule: str, expected: list[int]) -> None:
    y = labels.binary_labels(frame(), "valence", threshold, rule)
    assert y.dtype == np.int8
    assert y.tolist() == expected


def test_each_target_reads_its_own_column() -> None:
    got = {t: labels.binary_labels(frame(), t).tolist() for t in labels.TARGETS}
    assert got == {
        "valence": [0, 0, 0, 1, 1],
        "arousal": [1, 1, 0, 0, 0],
        "dominance": [0, 0, 0, 0, 1],
    }
    assert labels.class_labels(frame(), "arousal").tolist() == [4, 3, 2, 1, 0]


@pytest.mark.parametrize("bad", [0, 6, 3.5, float("nan"), float("inf")])
def test_bad_rating_names_participant_clip_and_field(bad: float) -> None:
    meta = frame().astype({"valence": float})
    meta.loc[3, "valence"] = bad
    with pytest.raises(DataError, match=r"participant 7, clip 4, field valence") as error:
        labels.binary_labels(meta, "valence")
    assert (error.value.participant, error.value.clip) == (7, 4)


def test_refusals_by_name() -> None:
    with pytest.raises(DataError, match="unknown target 'liking'"):
        labels.binary_labels(frame(), "liking")
    with pytest.raises(DataError, match=r"field valence: .*lacks"):
        labels.class_labels(frame().drop(columns="valence"), "valence")
    with pytest.raises(DataError, match="unknown rule '<'"):
        labels.binary_labels(frame(), "valence", rule="<")


def test_baseline_windows_are_labelled_only_on_request() -> None:
    meta = frame()
    meta.loc[1, "condition"] = "baseline"
    with pytest.raises(DataError, match=r"clip 2, field condition: 1 baseline"):
        labels.binary_labels(meta, "valence")
    assert labels.binary_labels(meta, "valence", allow_baseline=True).tolist() == [0, 0, 0, 1, 1]


def test_a_question_that_one_dataset_never_asks_is_refused_by_name() -> None:
    meta = pd.DataFrame({"participant": [1, 2, 3], "clip": 1, "dataset": ["a", "a", "b"]})
    state = Classes("state", ("rest", "stress"))
    for value in (None, np.nan):
        asked = meta.assign(state=["rest", "stress", value])
        with pytest.raises(DataError, match="field state: dataset b never asks it"):
            binary_labels(asked, state)
        with pytest.raises(DataError, match="participant 2, clip 1, field state: class"):
            binary_labels(meta.assign(state=["rest", value, "stress"]), state)
    assert binary_labels(asked[:2], state).tolist() == [0, 1]
    with pytest.raises(DataError, match=r"field state: .* targets of ecglib\.data\.pool\.pool"):
        binary_labels(meta, state)
