"""The whole method on somebody's own windows: no study, no file in the layout of DREAMER.mat."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ecglib.core.arrays import digest
from ecglib.data.labels import TARGETS
from ecglib.evaluation.audit import audit_predictions
from ecglib.evaluation.crossfit import group_of_folds, participant_groups
from ecglib.evaluation.evaluate import evaluate
from ecglib.evaluation.leave_out import LeaveOneParticipantOut
from ecglib.evaluation.protocols import MAJORITY, STR, STRICT
from ecglib.evaluation.summaries import summarise
from ecglib.models.card import EncoderCard, Preprocessing, TrainingData
from ecglib.models.embedding import embed
from ecglib.models.encoder import EncoderConfig
from ecglib.models.training import TrainingConfig
from ecglib.models.weights import load_encoder, save_encoder
from ecglib.preprocessing.windows import Windows
from ecglib.pretext.pretrain import pretrain
from ecglib.pretext.str_model import PretextConfig
from ecglib.transfer.frozen import HeadConfig

FS, SECONDS = 64, 5
ENCODER = EncoderConfig(pool_stride=8, batch_norm=True, filters=(4, 8, 8), kernels=(8, 4, 4))
PRETEXT = PretextConfig(TrainingConfig(2, 8, 4, 2e-3, "warmup_cosine", warmup_steps=2))
HEAD = HeadConfig(hidden=(16,), epochs=60, batch_size=32, learning_rate=3e-3)


@pytest.fixture(scope="module")
def windows():
    """Windows made of arrays: whoever is aroused has a faster heart, which any encoder shows."""
    rng = np.random.default_rng(0)
    rows, signals = [], []
    t = np.arange(FS * SECONDS) / FS
    for participant in range(1, 9):
        for clip in range(1, 5):
            ratings = {target: int(rng.choice([2, 4])) for target in TARGETS}
            ratings["arousal"] = 4 if (clip + participant) % 2 else 2
            rate = 3.0 if ratings["arousal"] == 4 else 1.0
            for number in range(3):
                beat = np.sin(2 * np.pi * (rate * t + rng.random())) ** 15
                signals.append(beat + 0.05 * rng.normal(size=t.size))
                about = {"participant": participant, "clip": clip, "condition": "stimulus"}
                where = {"lead": 1, "start": float(SECONDS * number), "quality": "ok"}
                rows.append({**about, **where, **ratings})
    return Windows(np.array(signals, np.float32), pd.DataFrame(rows), float(FS), "my cohort")


@pytest.fixture(scope="module")
def groups(windows):
    return participant_groups(windows.meta["participant"], n_groups=2, seed=0)


def outside(windows, group):
    return ~windows.meta["participant"].isin(group).to_numpy()


@pytest.fixture(scope="module")
def encoders(windows, groups):
    """For each group an encoder that never saw it."""
    learnable = [windows.select(outside(windows, group)) for group in groups]
    return [
        pretrain(own, PRETEXT, ENCODER, seed=number, jit_compile=False).encoder
        for number, own in enumerate(learnable)
    ]


@pytest.fixture(scope="module")
def predictions(windows, groups, encoders):
    features = [embed(windows, encoder) for encoder in encoders]
    return evaluate(features, windows.meta, LeaveOneParticipantOut(), head=HEAD, groups=groups)


def test_predictions_are_strict_and_come_with_the_majority(windows, predictions):
    assert set(zip(predictions["model"], predictions["regime"], strict=True)) == {
        (MAJORITY, "none"),
        (STR, STRICT),
    }
    counts = predictions.groupby(["model", "target"])["window"].agg(["size", "nunique"])
    assert (counts == len(windows)).all(axis=None)


def test_the_audit_finds_no_leak_and_would_find_one(windows, groups, predictions):
    meta, splitter = windows.meta, LeaveOneParticipantOut()
    shown = [np.flatnonzero(outside(windows, group)) for group in groups]
    own = group_of_folds(meta, list(splitter.split(meta)), groups)
    result = splitter.protocol, STR, STRICT

    def leaks(pretext):
        return audit_predictions(predictions, meta, [splitter], pretext, length_s=SECONDS)

    assert leaks({result: [shown[group] for group in own]}).empty
    # As if every fold had used the encoder that saw its participant.
    found = leaks({result: [shown[1 - group] for group in own]})
    assert "pretext" in set(found["stage"])


def test_what_can_be_learnt_is_learnt_and_what_cannot_is_not(predictions):
    table = summarise(predictions, ["auc"], n_resamples=200)
    mean = table.set_index(["model", "target"])["mean"]
    assert mean[STR, "arousal"] > 0.8
    assert mean[MAJORITY, "arousal"] == 0.5
    assert abs(mean[STR, "valence"] - 0.5) < 0.3
    assert (table["low"] <= table["high"]).all()


def test_an_encoder_travels_in_a_file(windows, encoders, tmp_path):
    card = EncoderCard(
        name="mine",
        pretext="STR",
        data=TrainingData(windows.cohort_name, sha256=digest(windows.X)),
        licence="CC0-1.0",
        preprocessing=Preprocessing(FS, SECONDS, None, "none"),
        limits="Made of sines.",
    )
    save_encoder(tmp_path / "encoder.npz", encoders[0], ENCODER, card)
    loaded, card = load_encoder(tmp_path / "encoder.npz")
    card.check_fits(fs=windows.fs, n_samples=windows.X.shape[1])
    np.testing.assert_allclose(embed(windows, loaded), embed(windows, encoders[0]), rtol=1e-5)


def test_no_study_was_needed():
    imports = [line for line in Path(__file__).read_text().splitlines() if "import" in line]
    ours = "\n".join(line for line in imports if line.startswith("from ecglib."))
    code = f"{ours}\nimport sys\nsys.exit(any('studies' in name for name in sys.modules))"
    assert ours.count("\n") > 5
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
