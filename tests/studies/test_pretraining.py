"""Encoders are trained once, and never on whom they must not see."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from ecglib.evaluation.protocols import CONTRASTIVE, RANDOM, STR
from ecglib.studies import pretraining
from ecglib.studies.pretraining import (
    contrastive,
    features,
    features_of,
    left_out,
    pretext,
    pretext_folder,
    random_encoder,
    supervised_encoder,
)


class Stop(Exception):
    """Ends a training as it begins."""


def assert_same_weights(a, b):
    for x, y in zip(a.weights, b.weights, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(x), keras.ops.convert_to_numpy(y))


@pytest.mark.parametrize("train", [pretext, contrastive])
def test_pretraining_sees_only_people_outside_the_group(study, monkeypatch, train):
    seen = {}

    def record(X, config, encoder, **options):
        seen.update(options, X=X)
        raise Stop

    monkeypatch.setattr(pretraining, "pretrain", record)
    with pytest.raises(Stop):
        train(study, 0)
    outside = ~np.isin(study.usable.meta["participant"], study.groups[0])
    np.testing.assert_array_equal(seen["X"], study.usable.X[outside])
    np.testing.assert_array_equal(~outside, left_out(study, 0))
    assert seen["seed"] == study.profile.seed
    if train is contrastive:
        probes = seen["callbacks"][0]
        assert all((study.usable.X[outside] == x).all(axis=1).any() for x in probes.X)
        assert all((study.usable.X[~outside] == x).all(axis=1).any() for x in seen["X_val"])


def test_labels_train_the_supervised_encoder_outside_the_group_only(study, monkeypatch):
    seen = {}

    def record(self, train, start=None, name=""):
        seen["train"] = train
        raise Stop

    monkeypatch.setattr(pretraining.FineTuner, "fit", record)
    with pytest.raises(Stop):
        supervised_encoder(study, 1)
    np.testing.assert_array_equal(seen["train"], np.flatnonzero(~left_out(study, 1)))


def test_a_pretext_is_trained_once_and_loaded_with_the_same_weights(study, monkeypatch):
    first = pretext(study, 1)
    held_out = study.usable.meta["participant"][first.heldout_rows]
    assert set(held_out) <= set(study.groups[1])
    assert first.heldout_logits.shape == (10, 7, 7)
    assert list(first.history.index) == [1, 2]
    assert (pretext_folder(study, 1) / "checkpoint.npz").is_file()
    monkeypatch.setattr(pretraining, "pretrain", None)  # a second training would fail
    assert_same_weights(first.encoder, pretext(study, 1).encoder)
    assert_same_weights(first.heads, pretext(study, 1).heads)
    found = features(study, STR, 1)
    np.testing.assert_allclose(
        found, first.encoder.predict(study.usable.X, verbose=0), rtol=1e-4, atol=1e-5
    )
    assert not np.allclose(found, features(study, RANDOM))


def test_a_contrastive_encoder_is_trained_once_with_its_history_and_probes(study, monkeypatch):
    first = contrastive(study, 0)
    assert list(first.history.index) == [1, 2]
    assert {"loss", "val_loss"} <= set(first.history.columns)
    assert first.probes.index.name == "epoch" and first.probes["collapsed"].dtype == bool
    monkeypatch.setattr(pretraining, "pretrain", None)
    again = contrastive(study, 0)
    assert_same_weights(first.model.encoder, again.model.encoder)
    assert again.probes.equals(first.probes)


def test_a_supervised_encoder_is_trained_once(study, monkeypatch):
    first = supervised_encoder(study, 0)
    monkeypatch.setattr(pretraining, "FineTuner", None)
    assert_same_weights(first, supervised_encoder(study, 0))


def test_what_decides_an_encoder_names_its_file(study):
    names = {str(pretext_folder(study, group)) for group in (0, 1)}
    for setting in (
        {"seed": 1},
        {"windows": replace(study.profile.windows, last_s=30.0)},
        {"encoder": replace(study.profile.encoder, pool_stride=4)},
        {"pretext": replace(study.profile.pretext, dropout=0.5)},
    ):
        other = replace(study.profile, **setting)
        names.add(str(pretext_folder(_with_profile(study, other), 0)))
    assert len(names) == 6


def _with_profile(study, profile):
    other = study.with_encoder(study.profile.encoder)
    other.profile = profile
    return other


@pytest.mark.parametrize("arguments", [(STR,), (RANDOM, 0), (CONTRASTIVE, 0), ("another",)])
def test_features_of_no_encoder_are_refused(study, arguments):
    with pytest.raises(ValueError, match="encoder"):
        features(study, *arguments)


def test_features_of_other_windows_are_kept_under_their_own_name(study):
    few = study.usable.select(np.arange(len(study.usable)) < 6)
    found = features_of(study, few, "few", RANDOM)
    np.testing.assert_allclose(
        found, random_encoder(study).predict(few.X, verbose=0), rtol=1e-4, atol=1e-5
    )
    assert len(features(study, RANDOM)) == len(study.usable)
