"""Any cohort, end to end: one lead, an odd rate, people named by text, other scales and classes."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from ecglib.core.errors import DataError
from ecglib.data.cohort import Cohort
from ecglib.data.labels import binary_labels, class_labels, label_matrix
from ecglib.data.targets import Classes, Rating, binary_targets, label_names
from ecglib.evaluation.audit import audit_predictions
from ecglib.evaluation.evaluate import evaluate
from ecglib.evaluation.leave_out import LeaveOneParticipantOut, WithinParticipantKFold, ladder
from ecglib.evaluation.predictions import load_predictions, save_predictions
from ecglib.evaluation.protocols import MAJORITY
from ecglib.evaluation.rated import evaluate_rated
from ecglib.evaluation.rating_metrics import summarise_ratings
from ecglib.evaluation.ratings import evaluate_ratings
from ecglib.evaluation.splits import WindowKFold
from ecglib.evaluation.summaries import summarise
from ecglib.preprocessing.segmentation import WindowConfig, make_windows
from ecglib.preprocessing.windows import Windows
from ecglib.transfer.ordinal import rating_models

FS = 250.0
STATE = Classes("state", ("rest", "stress", "fun"))
STRESS = Rating("stress", 0, 10)
TARGETS = (STATE, STRESS)
PEOPLE = ("007", "anna", "bo", "cy", "dee", "eve")


@pytest.fixture(scope="module")
def cohort():
    """Hearts whose rate follows the state; six trials a person, two of each state."""
    rng = np.random.default_rng(0)
    rows, signals = [], []
    for person in PEOPLE:
        for clip in range(1, 7):
            state = STATE.values[clip % 3]
            rate = {"rest": 0.9, "stress": 1.6, "fun": 1.25}[state] + 0.02 * rng.normal()
            n = int(FS * 32)
            phase = np.cumsum(np.full(n, rate / FS)) + rng.random()
            beats = np.exp(-0.5 * ((phase % 1 - 0.5) / 0.02) ** 2)
            signals.append((beats + 0.02 * rng.normal(size=n))[:, None])
            rows.append(
                {
                    "participant": person,
                    "clip": f"clip {clip}",
                    "condition": "task",
                    "n_samples": n,
                    "duration": n / FS,
                    "state": state,
                    "stress": {"rest": 1, "stress": 9, "fun": 4}[state] + int(rng.integers(2)),
                    "sex": "f",
                }
            )
    made = pd.DataFrame(rows)
    return Cohort("mine", FS, made, tuple(signals), targets=TARGETS, leads=("II",), unit="mV")


@pytest.fixture(scope="module")
def windows(cohort):
    return make_windows(cohort, WindowConfig(leads=("II",)))


@pytest.fixture(scope="module")
def features(windows):
    """Show where the spectrum of the beats lies: enough for what is planted here."""
    return np.abs(np.fft.rfft(np.maximum(windows.X, 0), axis=1))[:, 5:25] / 1000


@pytest.fixture(scope="module")
def predictions(windows, features):
    head = LogisticRegression(max_iter=2000)
    splitter = LeaveOneParticipantOut()
    return evaluate(features, windows.meta, splitter, TARGETS, head, model="mine", regime="none")


def test_labels_of_classes_and_of_another_scale(windows):
    meta = windows.meta
    assert label_names(TARGETS) == ["state=rest", "state=stress", "state=fun", "stress"]
    assert label_matrix(meta, TARGETS).shape == (len(meta), 4)
    assert (label_matrix(meta, [STATE]).sum(axis=1) == 1).all()
    np.testing.assert_array_equal(binary_labels(meta, STRESS), meta["stress"] > 5)
    np.testing.assert_array_equal(class_labels(meta, STRESS), meta["stress"])
    codes = dict(zip(STATE.values, range(3), strict=True))
    np.testing.assert_array_equal(class_labels(meta, STATE), meta["state"].map(codes))
    with pytest.raises(DataError, match="3 classes and none is asked for"):
        binary_labels(meta, STATE)
    with pytest.raises(DataError, match=r"unknown target 'stress'.*Rating\('stress', 1, 9\)"):
        binary_labels(meta, "stress")
    with pytest.raises(DataError, match="stress is asked 2 times"):
        binary_targets([STRESS, STRESS])


def test_a_window_without_a_label_is_named(windows):
    meta = windows.meta.copy()
    meta.loc[7, "state"] = None
    with pytest.raises(DataError, match=r"participant 007, clip clip 3, .*state: class None"):
        label_matrix(meta, [STATE])


def test_windows_survive_a_file(windows, tmp_path):
    windows.save(tmp_path / "w.npz")
    again = Windows.load(tmp_path / "w.npz")
    pd.testing.assert_frame_equal(again.meta, windows.meta)
    assert again.meta["participant"].iloc[0] == "007"


def test_what_is_planted_is_found_in_people_never_seen(predictions):
    table = summarise(predictions, ["auc"], n_resamples=99).set_index(["model", "target"])
    assert (table.loc["mine", "mean"] > 0.9).all()
    assert (table.loc[MAJORITY, "mean"] == 0.5).all()
    assert (table["n_participants"] == len(PEOPLE)).all()


def test_predictions_survive_a_file(predictions, tmp_path):
    save_predictions(tmp_path / "p.csv.gz", predictions)
    pd.testing.assert_frame_equal(load_predictions(tmp_path / "p.csv.gz"), predictions)


def test_the_audit_judges_them_and_names_who_leaks(windows, predictions):
    splitters = [LeaveOneParticipantOut()]
    assert audit_predictions(predictions, windows.meta, splitters, {}, targets=TARGETS).empty
    protocol = splitters[0].protocol
    seen = predictions[predictions["model"] == "mine"].assign(regime="strict")
    everyone = [np.arange(len(windows))] * len(PEOPLE)
    leaks = audit_predictions(
        seen, windows.meta, splitters, {(protocol, "mine", "strict"): everyone}, targets=TARGETS
    )
    assert set(leaks.query("kind == 'participant'")["participant"]) == set(PEOPLE)
    wrong = predictions.assign(truth=1 - predictions["truth"])
    with pytest.raises(DataError, match="field truth"):
        audit_predictions(wrong, windows.meta, splitters, {}, targets=TARGETS)
    with pytest.raises(DataError, match="unknown target 'stress'"):
        audit_predictions(predictions, windows.meta, splitters, {}, targets=[STATE])


@pytest.mark.parametrize("splitter", ladder(3), ids=lambda splitter: splitter.protocol)
def test_every_splitter_takes_names(windows, splitter):
    labels = label_matrix(windows.meta, TARGETS)
    folds = list(splitter.split(windows.meta, labels))
    tested = np.concatenate([test for _, test in folds])
    np.testing.assert_array_equal(np.sort(tested), np.arange(len(windows)))


def test_splits_within_a_person_name_who_is_left_out(windows):
    labels = binary_labels(windows.meta, STRESS)
    labels[windows.meta["participant"] == "bo"] = 1
    with pytest.warns(UserWarning, match="leaves out 1 participant, .*: bo"):
        list(WithinParticipantKFold(2).split(windows.meta, labels))


def test_some_ratings_of_a_new_person(windows, features):
    rows = evaluate_rated(
        dict.fromkeys(PEOPLE, features), windows.meta, [STRESS], model="m", rated=(0, 2), n_draws=2
    )
    assert set(rows["participant"]) == set(PEOPLE) and set(rows["target"]) == {"stress"}


def test_ratings_from_0_to_10_as_ratings(windows, features):
    models = rating_models(features.shape[1], 3, lowest=0, highest=10)
    rows = evaluate_ratings(
        models, dict.fromkeys(PEOPLE, features), windows.meta, [STRESS], regime="none"
    )
    assert rows["predicted"].between(0, 10).all() and rows["truth"].max() == 10
    table = summarise_ratings(rows, [STRESS], n_resamples=99)
    error = table[table["metric"] == "macro_mae"].set_index("model")["mean"]
    assert error["ridge"] < error["training median"]
    assert error["ordinal"] < error["training median"]
    with pytest.raises(DataError, match="unknown target"):
        summarise_ratings(rows, n_resamples=99)


def test_a_window_wise_split_of_one_person_is_refused_where_people_are_needed(windows):
    alone = windows.select(windows.meta["participant"] == "anna")
    assert len(list(WindowKFold(3).split(alone.meta))) == 3
    with pytest.raises(DataError, match="the frame has one participant"):
        list(LeaveOneParticipantOut().split(alone.meta))
