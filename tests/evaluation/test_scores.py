"""Scores of every choice on every participant, and their file."""

import numpy as np
import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.evaluation.metrics import METRICS
from ecglib.evaluation.protocols import CHOICE, ORIGIN
from ecglib.evaluation.scores import load_scores, save_scores, score_participants


def rows(truth, predicted, probability, participant=1, **changes):
    """Predictions of one choice for one participant, as the comparison makes them."""
    values = ["synthetic", "quick", "STR", "frozen", "plain", 2, "all", 0]
    choice = dict(zip([*ORIGIN, *CHOICE], values, strict=True)) | {"target": "arousal"} | changes
    given = {"truth": truth, "predicted": predicted, "probability": probability}
    return pd.DataFrame(given).assign(**choice, participant=participant)


def scored(*given, **changes):
    return score_participants(rows(*given, **changes)).squeeze()


@pytest.fixture
def predictions():
    """Two choices on three participants, at random."""
    rng = np.random.default_rng(0)
    frames = []
    for pretext in ("STR", "random"):
        for participant in (1, 2, 3):
            probability = rng.random(40)
            truth = (rng.random(40) < 0.3 + 0.4 * probability).astype(int)
            frames.append(
                rows(truth, (probability > 0.5) * 1, probability, participant, pretext=pretext)
            )
    return pd.concat(frames, ignore_index=True)


def test_there_is_one_row_for_each_choice_and_participant(predictions):
    scores = score_participants(predictions)
    assert scores[["pretext", "participant"]].to_numpy().tolist() == [
        [pretext, person] for pretext in ("STR", "random") for person in (1, 2, 3)
    ]
    assert list(scores.columns) == [
        *ORIGIN,
        *CHOICE,
        "target",
        "participant",
        "n_windows",
        *METRICS,
    ]
    assert (scores["n_windows"] == 40).all()


def test_scores_of_two_classes_agree_with_the_metrics(predictions):
    scores = score_participants(predictions).set_index(["pretext", "participant"])
    for key, group in predictions.groupby(["pretext", "participant"]):
        truth, probability = group["truth"].to_numpy(), group["probability"].to_numpy()
        for name, metric in METRICS.items():
            assert scores.loc[key, name] == pytest.approx(metric(truth, probability), abs=1e-12)


def test_five_class_scores_by_hand():
    row = scored([0, 0, 2, 4], [0, 1, 2, 2], [0.1, 0.2, 0.6, 0.5], classes=5)
    assert row["accuracy"] == 0.5
    assert row["balanced_accuracy"] == pytest.approx((0.5 + 1 + 0) / 3)
    assert row["macro_f1"] == pytest.approx((2 / 3 + 0 + 2 / 3 + 0) / 4)
    # Ratings 4 and 5, the last two classes, are high: 0.5 is above two of the three others.
    assert row["auc"] == pytest.approx(2 / 3)
    above = scored([2, 3], [2, 3], [0.2, 0.9], classes=5)
    assert above["auc"] == 1


def test_one_class_leaves_the_metrics_that_need_two_undefined():
    row = scored([1, 1], [1, 0], [0.9, 0.2])
    assert np.isnan(row["auc"]) and np.isnan(row["balanced_accuracy"])
    assert row["accuracy"] == 0.5
    low = scored([0, 1], [0, 1], [0.1, 0.3], classes=5)  # two ratings, both low
    assert np.isnan(low["auc"]) and low["balanced_accuracy"] == 1


def test_scores_come_back_from_their_file(tmp_path, predictions):
    scores = score_participants(predictions)
    scores.attrs["provenance"] = {"made": "now"}
    save_scores(tmp_path / "scores.csv.gz", scores)
    back = load_scores(tmp_path / "scores.csv.gz")
    pd.testing.assert_frame_equal(back, scores, rtol=1e-5, check_dtype=False)
    assert back.attrs["provenance"] == {"made": "now"}
    few = scores.assign(labelled="2")
    save_scores(tmp_path / "few.csv.gz", few)
    assert set(load_scores(tmp_path / "few.csv.gz")["labelled"]) == {"2"}  # a name, no number


@pytest.mark.parametrize("damage", ["truncated", "other", "missing"])
def test_a_damaged_file_of_scores_is_refused_by_name(tmp_path, predictions, damage):
    path = tmp_path / "scores.csv.gz"
    if damage == "truncated":
        save_scores(path, score_participants(predictions))
        path.write_bytes(path.read_bytes()[:200])
    elif damage == "other":
        save_scores(path, pd.DataFrame({"a": [1]}))
    with pytest.raises(DataError, match=r"scores\.csv\.gz"):
        load_scores(path)
