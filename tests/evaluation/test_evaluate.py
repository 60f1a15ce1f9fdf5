"""One call gives honest predictions, or says what is missing for that."""

import doctest
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from ecglib.core.errors import DataError
from ecglib.evaluation import evaluate as module
from ecglib.evaluation.crossfit import group_of, participant_groups
from ecglib.evaluation.crossval import evaluate_estimator, evaluate_frozen, majority_predictions
from ecglib.evaluation.evaluate import evaluate
from ecglib.evaluation.leave_out import LeaveOneParticipantOut
from ecglib.evaluation.predictions import append_predictions
from ecglib.evaluation.protocols import COLUMNS, MAJORITY, MAY_SHARE, NONE, SEEN, STR, STRICT
from ecglib.evaluation.splits import WindowKFold
from ecglib.transfer.frozen import HeadConfig

HEAD = HeadConfig(hidden=(4,), epochs=3, batch_size=16)
PERSON = LeaveOneParticipantOut()
TARGETS = ["valence", "arousal"]


@pytest.fixture(scope="module")
def meta():
    rng = np.random.default_rng(0)
    trials = pd.DataFrame(
        [(p, c) for p in (1, 2, 4, 7, 8) for c in range(1, 6)], columns=["participant", "clip"]
    )
    for target in TARGETS:
        trials[target] = np.tile([1, 5, 2, 4, 5], 5)[rng.permutation(25)]
    return trials.loc[trials.index.repeat(2)].reset_index(drop=True)


@pytest.fixture(scope="module")
def groups(meta):
    return participant_groups(meta["participant"], 2, seed=0)


@pytest.fixture(scope="module")
def parts(meta):
    """Features of two encoders; the second knows valence much better."""
    rng = np.random.default_rng(1)
    return [
        (meta[["valence"]].to_numpy() + noise * rng.normal(size=(len(meta), 3)))
        for noise in (9.0, 1.0)
    ]


def test_the_example_in_the_docstring():
    found = doctest.testmod(module)
    assert found.attempted and not found.failed


def test_it_is_the_single_steps_in_one_call(meta, parts):
    X = parts[0].astype(np.float32)
    rows = evaluate(X, meta, PERSON, TARGETS, HEAD, model="mine", regime=SEEN, seed=3)
    expected = append_predictions(
        majority_predictions(meta, PERSON, TARGETS),
        evaluate_frozen(X, meta, PERSON, TARGETS, HEAD, 3, "mine", SEEN),
    )
    pd.testing.assert_frame_equal(rows, expected)


def test_the_head_is_a_small_network_by_default(meta, parts, monkeypatch):
    given = {}

    def record(features, meta, splitter, targets, config, *rest, **options):
        given["config"] = config
        return majority_predictions(meta, splitter, targets).assign(model=STR, regime=NONE)

    monkeypatch.setattr(module, "evaluate_frozen", record)
    rows = evaluate(parts[0], meta, PERSON, ["valence"], regime=NONE)
    assert given["config"] == HeadConfig()
    assert set(rows["model"]) == {STR, MAJORITY}
    assert list(rows.columns) == list(COLUMNS)


def test_everyone_is_predicted_by_the_encoder_that_never_saw_them(meta, groups, parts):
    head, options = LogisticRegression(), {"model": STR, "regime": STRICT}
    rows = evaluate(parts, meta, PERSON, TARGETS, head, groups=groups)
    own = rows[rows["model"] == STR].set_index(["target", "window"]).sort_index()
    assert set(own["regime"]) == {STRICT}
    assert len(own) == len(TARGETS) * len(meta) and own.index.is_unique
    people = np.unique(meta["participant"])
    assert (own["participant"] == people[own["fold"]]).all()
    for number, part in enumerate(parts):
        alone = evaluate_estimator(head, part, meta, PERSON, TARGETS, **options)
        alone = alone.set_index(["target", "window"]).loc[own.index, "probability"]
        served = own["participant"].map(group_of(groups)) == number
        np.testing.assert_array_equal(own.loc[served, "probability"], alone[served])
        assert not np.allclose(own.loc[~served, "probability"], alone[~served], atol=1e-3)


def test_networks_are_given_the_features_of_the_fold_s_encoder(meta, groups, parts):
    rows = evaluate(parts, meta, PERSON, TARGETS, HEAD, groups=groups)
    people = np.unique(meta["participant"])
    expected = evaluate_frozen(
        {name: part.astype(np.float32) for name, part in zip("ab", parts, strict=True)},
        meta,
        PERSON,
        TARGETS,
        HEAD,
        0,
        STR,
        STRICT,
        encoder_of_fold=["ab"[group_of(groups)[person]] for person in people],
    )
    pd.testing.assert_frame_equal(rows[rows["model"] == STR].reset_index(drop=True), expected)


def test_a_classifier_is_fitted_as_the_single_step_does(meta, parts):
    rows = evaluate(parts[1], meta, PERSON, ["valence"], LogisticRegression(), regime=NONE)
    expected = evaluate_estimator(
        LogisticRegression(), parts[1], meta, PERSON, ["valence"], model=STR, regime=NONE
    )
    pd.testing.assert_frame_equal(rows[rows["model"] == STR].reset_index(drop=True), expected)


def test_features_of_which_nobody_says_what_their_encoder_saw_are_refused(meta, parts):
    with pytest.raises(DataError) as error:
        evaluate(parts[0], meta, PERSON)
    for regime in MAY_SHARE:
        assert repr(regime) in str(error.value)
    assert "groups" in error.value.remedy
    with pytest.raises(DataError, match="'honest'"):
        evaluate(parts[0], meta, PERSON, regime="honest")


def test_what_contradicts_the_groups_is_refused(meta, groups, parts):
    with pytest.raises(DataError, match="regime 'none' with groups"):
        evaluate(parts, meta, PERSON, groups=groups, regime=NONE)
    with pytest.raises(DataError, match="1 arrays of features for 2 groups"):
        evaluate(parts[:1], meta, PERSON, TARGETS, groups=groups)
    with pytest.raises(DataError, match="fold 0 tests participants of 2 groups"):
        evaluate(parts, meta, WindowKFold(2), TARGETS, groups=groups)
    with pytest.raises(DataError, match="10 rows of features"):
        evaluate([part[:10] for part in parts], meta, PERSON, TARGETS, groups=groups)


def test_classifiers_need_no_keras():
    code = (
        "import sys; import ecglib.evaluation.evaluate; "
        "sys.exit('keras' in sys.modules or 'tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
