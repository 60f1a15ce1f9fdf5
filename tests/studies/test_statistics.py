"""Permutation tests, seeds and simulations of a study: what they use, and that they run once."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ecglib.data.labels import label_matrix
from ecglib.evaluation import simulation
from ecglib.evaluation.permutation import mean_areas
from ecglib.evaluation.predictions import prediction_rows
from ecglib.evaluation.protocols import RANDOM, STR
from ecglib.evaluation.simulation import coverage_table
from ecglib.evaluation.variance import seed_variance
from ecglib.studies import statistics
from ecglib.transfer.frozen import HeadConfig
from ecglib.transfer.linear import linear_scores


def test_encoders_are_tested_on_people_of_the_group_they_never_saw(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(1, 7), 16)
    meta = pd.DataFrame({"participant": people, "clip": np.tile(np.repeat(np.arange(8), 2), 6)})
    for target in ("valence", "arousal", "dominance"):
        of_trial = rng.choice([2, 4], (6, 8))
        of_trial[:, :2] = [2, 4]
        meta[target] = np.repeat(of_trial.ravel(), 2)
    groups = [np.array([2, 4, 6]), np.array([1, 3, 5, 7])]  # 7 has no usable window

    def features(study, model, group=None):
        noise = np.random.default_rng(3).normal(size=(96, 4))
        if group is not None:  # each encoder shows valence of its own group and of the others
            noise[:, 0] += 3 * (meta["valence"] > 3) * (1 if group == 0 else -1)
        return noise.astype("float32")

    monkeypatch.setattr(statistics, "features", features)
    study = SimpleNamespace(usable=SimpleNamespace(meta=meta), groups=groups, folder=tmp_path)
    tests = statistics.encoder_tests(study, n_permutations=99)
    assert list(tests) == [
        (encoder, target)
        for encoder in (RANDOM, STR)
        for target in ("valence", "arousal", "dominance")
    ]
    assert tests[STR, "valence"].p == 0.01
    assert tests[STR, "valence"].observed > 0.9
    labels = (meta["valence"] > 3).to_numpy().astype(int)
    expected = mean_areas(
        labels[None], linear_scores(features(study, RANDOM), people, labels[None]), people
    )
    assert tests[RANDOM, "valence"].observed == pytest.approx(expected[0])
    assert len(list(tmp_path.glob("permutations-*.npz"))) == 1


def test_heads_are_trained_once_for_every_seed(tmp_path, monkeypatch):
    meta = pd.DataFrame({"participant": np.repeat([1, 2, 3], 4), "clip": np.tile([1, 2, 3, 4], 3)})
    meta["valence"] = 2 + 2 * (meta["clip"] % 2)
    study = SimpleNamespace(
        usable=SimpleNamespace(meta=meta),
        profile=SimpleNamespace(head=HeadConfig(epochs=10)),
        folder=tmp_path,
    )
    trained = []

    def features(study, model):
        assert model == RANDOM
        return np.arange(24.0).reshape(12, 2)

    def evaluate(features, meta, splitter, targets, head, seed, model, regime):
        trained.append((splitter.protocol, targets, head.epochs, seed, model))
        rng = np.random.default_rng(seed)
        frames = [
            prediction_rows(
                meta,
                test,
                rng.random(test.size),
                label_matrix(meta, targets)[:, 0],
                **{"protocol": splitter.protocol, "model": model, "regime": regime},
                **{"target": targets[0], "fold": fold, "seed": seed},
            )
            for fold, (_, test) in enumerate(splitter.split(meta))
        ]
        return pd.concat(frames)

    monkeypatch.setattr(statistics, "features", features)
    monkeypatch.setattr(statistics, "evaluate_frozen", evaluate)
    first, again = (statistics.seed_predictions(study, "valence", n_seeds=3) for _ in range(2))
    protocol = "leave-one-participant-out"
    assert trained == [(protocol, ["valence"], 4, seed, RANDOM) for seed in range(3)]
    pd.testing.assert_frame_equal(first, again)
    assert seed_variance(first)["n_seeds"].item() == 3


def test_a_simulation_runs_once(tmp_path, monkeypatch):
    first = statistics.simulated(coverage_table, tmp_path, n_participants=(9,), repetitions=3)
    calls = []
    monkeypatch.setattr(simulation, "coverage", lambda *a, **k: calls.append(1))
    again = statistics.simulated(coverage_table, tmp_path, n_participants=(9,), repetitions=3)
    pd.testing.assert_frame_equal(first, again)
    assert not calls
    assert len(list(tmp_path.glob("simulation-*.csv.gz"))) == 1
