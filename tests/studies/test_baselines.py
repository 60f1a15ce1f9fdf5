"""The classical baselines of a study find what is there, once."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ecglib.data.labels import TARGETS
from ecglib.evaluation.protocols import COLUMNS, FROM_TRAINING, ORACLE, PERSON_MAJORITY
from ecglib.evaluation.summaries import participant_metrics
from ecglib.preprocessing.segmentation import WindowConfig
from ecglib.preprocessing.windows import Windows
from ecglib.studies import baselines
from ecglib.studies.baselines import (
    ALONE,
    UNLABELLED,
    classical_features,
    classical_predictions,
)
from ecglib.transfer.classical import classifiers

FS, N = 256, 2560


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
        identity="0",
        profile=SimpleNamespace(windows=WindowConfig(), window_folds=3, seed=0),
        folder=tmp_path_factory.mktemp("artifacts"),
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
    monkeypatch.setattr(baselines, "window_features", None)
    monkeypatch.setattr(baselines, "evaluate_estimator", None)
    np.testing.assert_array_equal(classical_features(study).values, table.values)
    pd.testing.assert_frame_equal(classical_predictions(study), rows)

    assert list(rows.columns) == list(COLUMNS)
    made = rows.groupby(["protocol", "model", "regime"]).size()
    assert len(made) == 2 * 7 and (made == 3 * len(meta)).all()
    regimes = rows.groupby("model")["regime"].agg(set)
    for name in classifiers():
        assert regimes[name] == {ALONE}
        assert regimes[name + baselines.RELATIVE] == {UNLABELLED}
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
        assert area[name + baselines.RELATIVE] > 0.9
    assert area["HRV logistic"] > 0.8
    assert area[PERSON_MAJORITY] == 0.5
