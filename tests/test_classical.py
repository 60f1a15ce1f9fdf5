from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.svm import SVC

from ecglib import classical
from ecglib.beats import FEATURES, FeatureTable
from ecglib.classical import (
    ALONE,
    FROM_TRAINING,
    ORACLE,
    PERSON_MAJORITY,
    UNLABELLED,
    MarginSVC,
    classical_features,
    classical_predictions,
    classifiers,
    design_matrix,
    person_majority_predictions,
)
from ecglib.evaluation import COLUMNS, label_matrix, majority_predictions
from ecglib.labels import TARGETS
from ecglib.metrics import participant_metrics
from ecglib.splits import LeaveOneParticipantOut, ParticipantGroupedKFold, WindowKFold
from ecglib.windows import WindowConfig, Windows

FS, N = 256, 2560
N_FEATURES = len(FEATURES)


def make_meta(n_people=6, n_clips=5, n_windows=3, seed=0):
    """People with base rates of their own; all windows of a trial share its ratings."""
    rng = np.random.default_rng(seed)
    trials = pd.DataFrame(
        [(p, c) for p in range(1, n_people + 1) for c in range(1, n_clips + 1)],
        columns=["participant", "clip"],
    )
    for target in TARGETS:
        trials[target] = np.where(
            rng.random(len(trials)) < 0.2 + 0.6 * (trials["participant"] % 2), 4, 2
        )
    meta = trials.loc[trials.index.repeat(n_windows)].reset_index(drop=True)
    meta["start"] = 10.0 * (meta.index % n_windows)
    return meta.assign(condition="stimulus", lead=1, quality="ok")


def make_table(n, seed=0, missing=0.1):
    rng = np.random.default_rng(seed)
    valid = rng.random((n, N_FEATURES)) >= missing
    return FeatureTable(np.where(valid, rng.normal(size=valid.shape), 0.0), valid)


# --- the classifiers --------------------------------------------------------------------------


class Spy(ClassifierMixin, BaseEstimator):
    """Keeps what it was given."""

    seen: list[np.ndarray]

    def fit(self, X, y):
        self.classes_, self.seen = np.unique(y), [X]
        return self

    def predict_proba(self, X):
        self.seen.append(X)
        return np.full((len(X), 2), 0.5)


def spied(name="HRV logistic"):
    pipeline = classifiers()[name]
    return pipeline.set_params(**{pipeline.steps[-1][0]: Spy()})


@pytest.mark.parametrize("name", classifiers())
def test_missing_values_never_reach_the_classifier(name):
    table, y = make_table(60), np.arange(60) % 2
    table.valid[:40, 3], table.values[:40, 3] = False, 0.0  # missing in all training windows
    table.valid[50] = False  # a window without any feature
    table.values[50] = 0.0
    design = design_matrix(table)
    assert np.isfinite(design).all()
    spy = spied(name).fit(design[:40], y[:40])
    spy.predict_proba(design[40:])
    for given in spy[-1].seen:
        assert np.isfinite(given).all()
    probability = classifiers()[name].fit(design[:40], y[:40]).predict_proba(design[40:])[:, 1]
    assert ((probability >= 0) & (probability <= 1)).all()


def test_what_is_missing_becomes_the_training_median():
    table = make_table(60)
    spy = spied().fit(design_matrix(table)[:40], np.arange(40) % 2)
    imputer = spy.named_steps["simpleimputer"]
    known = np.where(table.valid, table.values, np.nan)[:40]
    np.testing.assert_allclose(imputer.statistics_, np.nanmedian(known, axis=0))
    scaled = spy[-1].seen[0]
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-12)
    assert scaled.shape[1] == N_FEATURES + (~table.valid[:40]).any(axis=0).sum()


def test_the_margin_classifier_decides_and_ranks_as_the_plain_one():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(80, 4)), rng.integers(0, 2, 80)
    y[:20] = 1
    plain, margin = SVC().fit(X, y), clone(MarginSVC()).fit(X, y)
    probability = margin.predict_proba(X)
    np.testing.assert_array_equal(probability[:, 1] > 0.5, plain.predict(X) == 1)
    np.testing.assert_array_equal(
        np.argsort(probability[:, 1]), np.argsort(plain.decision_function(X))
    )
    np.testing.assert_allclose(probability.sum(axis=1), 1)


# --- the person's base rate -------------------------------------------------------------------


def test_the_oracle_is_the_best_single_answer_for_each_person():
    meta = make_meta()
    rows = person_majority_predictions(meta, LeaveOneParticipantOut(), TARGETS)
    assert list(rows.columns) == list(COLUMNS) and len(rows) == 3 * len(meta)
    assert set(rows["regime"]) == {ORACLE} and set(rows["model"]) == {PERSON_MAJORITY}
    got = participant_metrics(rows, ["accuracy"]).set_index(["target", "participant"])["value"]
    labels = label_matrix(meta, TARGETS)
    for t, target in enumerate(TARGETS):
        share = pd.Series(labels[:, t]).groupby(meta["participant"]).mean()
        for person in share.index:
            assert got[target, person] == pytest.approx(max(share[person], 1 - share[person]))
    population = participant_metrics(
        majority_predictions(meta, LeaveOneParticipantOut(), TARGETS), ["accuracy"]
    )
    best = got.reindex(population.set_index(["target", "participant"]).index).to_numpy()
    assert (best >= population["value"]).all()


def test_window_wise_it_counts_training_windows_only():
    meta, splitter = make_meta(), WindowKFold(5, seed=0)
    rows = person_majority_predictions(meta, splitter, ["valence"])
    assert set(rows["regime"]) == {FROM_TRAINING}
    train, test = next(splitter.split(meta))
    turned = meta.copy()
    turned.loc[test, "valence"] = 6 - turned.loc[test, "valence"]
    again = person_majority_predictions(turned, splitter, ["valence"])
    first = rows["fold"] == 0
    pd.testing.assert_series_equal(rows[first]["probability"], again[first]["probability"])
    high = (meta["valence"] > 3)[train].groupby(meta["participant"][train]).mean() > 0.5
    expected = high.loc[meta["participant"][test]].to_numpy(dtype=float)
    np.testing.assert_array_equal(rows[first]["probability"], expected)


def test_wherever_a_tested_person_is_new_it_is_an_oracle():
    rows = person_majority_predictions(make_meta(), ParticipantGroupedKFold(3), TARGETS)
    assert set(rows["regime"]) == {ORACLE}


# --- a study ----------------------------------------------------------------------------------


def heart(rate, rng):
    """Ten seconds of spikes with a T wave at a rate per minute, with some noise."""
    t, x = np.arange(N) / FS, rng.normal(0, 0.02, N)
    for at in np.arange(rng.uniform(0.2, 0.6), 10, 60 / rate):
        at += rng.normal(0, 0.01)
        x += np.exp(-0.5 * ((t - at) / 0.012) ** 2) + 0.3 * np.exp(
            -0.5 * ((t - at - 0.27) / 0.04) ** 2
        )
    return x


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study in which arousal raises the heart rate and no other rating does anything."""
    meta, rng = make_meta(5, 5, 3), np.random.default_rng(1)
    rate = 60 + 3.0 * meta["participant"] + 12 * (meta["arousal"] > 3)
    X = np.stack([heart(r, rng) for r in rate]).astype(np.float32)
    X[7] = 0  # a window without a heartbeat
    return SimpleNamespace(
        usable=Windows(X, meta, float(FS), "synthetic"),
        cohort=SimpleNamespace(sha256="0" * 64),
        profile=SimpleNamespace(windows=WindowConfig(), window_folds=3, seed=0),
        root=tmp_path_factory.mktemp("artifacts"),
    )


def test_features_and_predictions_of_a_study_are_made_once(study, monkeypatch):
    table, meta = classical_features(study), study.usable.meta
    assert len(table) == len(meta) and np.isfinite(table.values).all()
    assert not table.valid[7].any() and np.delete(table.valid, 7, axis=0).all()
    rate = table.values[:, 0] - 3.0 * meta["participant"]
    np.testing.assert_allclose(
        np.delete(rate, 7), np.delete(60 + 12 * (meta["arousal"] > 3), 7), atol=2
    )
    rows = classical_predictions(study)
    monkeypatch.setattr(classical, "window_features", None)
    monkeypatch.setattr(classical, "evaluate_estimator", None)
    np.testing.assert_array_equal(classical_features(study).values, table.values)
    pd.testing.assert_frame_equal(classical_predictions(study), rows)

    assert list(rows.columns) == list(COLUMNS)
    made = rows.groupby(["protocol", "model", "regime"]).size()
    assert len(made) == 2 * 7 and (made == 3 * len(meta)).all()
    regimes = rows.groupby("model")["regime"].agg(set)
    for name in classifiers():
        assert regimes[name] == {ALONE}
        assert regimes[name + classical.RELATIVE] == {UNLABELLED}
    assert regimes[PERSON_MAJORITY] == {ORACLE, FROM_TRAINING}


def test_the_baselines_find_what_is_there_for_a_new_person(study):
    new = classical_predictions(study).query("protocol == 'leave-one-participant-out'")
    area = (
        participant_metrics(new.query("target == 'arousal'"), ["auc"])
        .groupby("model")["value"]
        .mean()
    )
    for name in classifiers():
        # Relative to the person the effect stands out from the differences between people.
        assert area[name + classical.RELATIVE] > 0.9
    assert area["HRV logistic"] > 0.8
    assert area[PERSON_MAJORITY] == 0.5
