"""Encoders are trained once, and never on whom they must not see."""

import shutil
from dataclasses import replace

import keras
import numpy as np
import pytest

from ecglib.core.errors import DataError
from ecglib.evaluation.protocols import CONTRASTIVE, RANDOM, STR
from ecglib.studies import pretraining, stages
from ecglib.studies.pretraining import (
    contrastive,
    contrastive_source,
    features,
    features_of,
    left_out,
    pretext,
    pretext_folder,
    pretext_source,
    random_encoder,
    supervised_encoder,
    supervised_source,
    trained_on,
)
from ecglib.studies.study import Study


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
    other = study.with_profile(study.profile)
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


def spoil(stage, path, **changes):
    """Write a file anew as its stage would, with other arrays."""
    arrays, about = stage.load(path)
    stage.write(path, {**arrays, **changes}, about)


@pytest.fixture
def copied(study, tmp_path):
    """The tiny study with a folder of its own, in which files can be spoilt."""
    for group in (0, 1):
        features(study, STR, group)
    supervised_encoder(study, 0)
    contrastive(study, 0)
    for path in study.folder.glob("*.*"):
        shutil.copy(path, tmp_path / path.name)
    return Study(profile=study.profile, folder=tmp_path, spec=study.spec)


def file_of(study, stage, source):
    return study.folder / stage.file(source)


def test_two_pretexts_that_were_swapped_are_refused_and_taken_again_when_back(copied):
    one, two = (file_of(copied, stages.PRETEXT, pretext_source(copied, g)) for g in (0, 1))
    swap(one, two)
    for group, path, other in ((0, one, two), (1, two, one)):
        with pytest.raises(DataError, match=f"field group: .* {1 - group}") as caught:
            pretext(copied, group)
        assert (caught.value.file, caught.value.expected) == (str(path), str(group))
        assert other.name in caught.value.remedy
    swap(one, two)
    for group in (0, 1):
        assert set(trained_on(copied, group)) == set(copied.groups[1 - group])


def swap(one, two):
    kept = one.rename(one.with_name("kept"))
    two.rename(one)
    kept.rename(two)


@pytest.mark.parametrize(
    ("name", "spoilt"),
    [
        ("heldout_rows", lambda a, other: {"heldout_rows": other["heldout_rows"]}),
        ("trained_on", lambda a, other: {"trained_on": other["trained_on"]}),
        ("trained_on", lambda a, other: {"trained_on": np.arange(1, 7)}),
        ("heldout_logits", lambda a, other: {"heldout_logits": a["heldout_logits"] * np.nan}),
    ],
)
def test_a_pretext_that_saw_others_or_holds_nan_is_refused(copied, name, spoilt):
    one, two = (file_of(copied, stages.PRETEXT, pretext_source(copied, g)) for g in (0, 1))
    changes = spoilt(stages.PRETEXT.load(one)[0], stages.PRETEXT.load(two)[0])
    spoil(stages.PRETEXT, one, **changes)
    with pytest.raises(DataError, match=f"{one.name}, field {name}: .*delete it"):
        pretext(copied, 0)


@pytest.mark.parametrize("kind", ["pretext", "contrastive", "supervised"])
def test_weights_that_are_not_finite_are_refused_with_file_and_name(copied, kind):
    stage, source, load = {
        "pretext": (stages.PRETEXT, pretext_source, pretext),
        "contrastive": (stages.CONTRASTIVE, contrastive_source, contrastive),
        "supervised": (stages.SUPERVISED_ENCODER, supervised_source, supervised_encoder),
    }[kind]
    path = file_of(copied, stage, source(copied, 0))
    name, weights = next(
        (name, array) for name, array in stage.load(path)[0].items() if "kernel" in name
    )
    weights.flat[3] = np.nan
    spoil(stage, path, **{name: weights})
    with pytest.raises(DataError, match=f"{path.name}, field {name}: 1 of .* not finite"):
        load(copied, 0)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda f: f[:-1], "array of shape"),
        (lambda f: np.where(f == f[2, 1], np.inf, f), "not finite"),
        (lambda f: f.ravel(), "array of shape"),
    ],
)
def test_features_that_are_not_one_finite_row_per_window_are_refused(copied, change, told):
    path = next(
        path
        for path in copied.folder.glob("features-*.npz")
        if stages.FEATURES.load(path)[1]["configuration"]["model"] == STR
        and stages.FEATURES.load(path)[1]["configuration"]["pretext"]["group"] == 1
    )
    found = stages.FEATURES.load(path)[0]["features"]
    spoil(stages.FEATURES, path, features=change(found).astype(np.float32))
    with pytest.raises(DataError, match=f"{path.name}, field features: .*{told}"):
        features(copied, STR, 1)
    assert len(features(copied, STR, 0)) == len(copied.usable)


def test_windows_of_another_cohort_are_refused(copied, tmp_path):
    other = Study(
        profile=copied.profile,
        folder=tmp_path / "other",
        spec=replace(copied.spec, n_participants=5),
    )
    _ = other.windows
    (theirs,) = other.folder.glob("windows-*.npz")
    (ours,) = copied.folder.glob("windows-*.npz")
    theirs.replace(ours)
    with pytest.raises(DataError, match=f"{ours.name}, field data: .*{other.identity}"):
        _ = copied.windows
