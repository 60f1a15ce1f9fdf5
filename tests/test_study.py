"""The stages of a study fit together, are computed once, and never see whom they must not see."""

from dataclasses import replace

import numpy as np
import pytest

from ecglib import study as study_module
from ecglib.audit import SEEN, STRICT
from ecglib.dreamer import VARIABLE
from ecglib.errors import DataError
from ecglib.evaluation import append_predictions, majority_predictions
from ecglib.labels import TARGETS
from ecglib.models import EncoderConfig
from ecglib.profiles import QUICK
from ecglib.study import RANDOM, STR, Study
from ecglib.synthetic import CohortSpec, make_cohort, write_dreamer_mat

SPEC = CohortSpec(n_participants=5, clip_lengths_s=(20.0, 31.0, 24.0, 20.0), baseline_s=11.0)
TINY = replace(
    QUICK,
    windows=replace(QUICK.windows, last_s=20.0),
    encoder=EncoderConfig(pool_stride=8, batch_norm=True, filters=(4, 4, 8), kernels=(8, 4, 4)),
    pretext=replace(
        QUICK.pretext,
        heldout_windows=4,
        training=replace(QUICK.pretext.training, epochs=2, steps_per_epoch=1, batch_windows=2),
    ),
)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("artifacts")


@pytest.fixture
def study(root, monkeypatch):
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.setattr(study_module, "find_dreamer", lambda path: None if path is None else path)
    return Study(profile=TINY, root=root, spec=SPEC)


def test_without_a_real_file_the_synthetic_cohort_takes_its_place(study):
    assert study.label == "synthetic"
    assert study.path.parent == study.root
    assert study.cohort.recordings["participant"].nunique() == SPEC.n_participants
    assert len(study.truth.r_peaks) == len(study.cohort.recordings)


def test_the_label_follows_the_file_not_its_name_or_place(tmp_path):
    path = write_dreamer_mat(make_cohort(SPEC, seed=3).cohort, tmp_path / "DREAMER.mat")
    assert Study(path, profile=TINY, root=tmp_path).label == "synthetic"
    path.write_bytes(path.read_bytes().replace(b"synthetic", b"pretended"))
    real = Study(path, profile=TINY, root=tmp_path)
    assert real.label == "DREAMER"
    assert real.windows.cohort_name == "DREAMER"
    assert real.truth is None


def test_windows_of_bad_quality_are_left_out_of_all_learning(study, monkeypatch):
    assert set(study.usable.meta["quality"]) == {"ok"}
    windows = study.windows
    flagged = windows.meta.copy()
    flagged.loc[:4, "quality"] = "flat"
    monkeypatch.setitem(study.__dict__, "windows", replace(windows, meta=flagged))
    monkeypatch.delitem(study.__dict__, "usable", raising=False)
    assert len(study.usable) == np.count_nonzero(windows.meta["quality"][5:] == "ok")


def test_every_participant_is_in_exactly_one_group(study):
    together = np.concatenate(study.groups)
    assert sorted(together) == [1, 2, 3, 4, 5]
    assert {p: g for g, group in enumerate(study.groups) for p in group} == study.group_of


def test_a_study_needs_two_participants(study, tmp_path):
    lonely = Study(profile=TINY, root=tmp_path, spec=replace(SPEC, n_participants=1))
    lonely._named = write_dreamer_mat(make_cohort(lonely.spec, 0).cohort, tmp_path / "one.mat")
    with pytest.raises(DataError, match="at least 2"):
        _ = lonely.groups


def test_pretraining_sees_only_people_outside_the_group(study, monkeypatch):
    seen = {}

    def record(model, X, config, **options):
        seen["X"] = X
        raise InterruptedError

    monkeypatch.setattr("ecglib.pretrain.pretrain", record)
    with pytest.raises(InterruptedError):
        study._train_pretext(0)
    outside = ~np.isin(study.usable.meta["participant"], study.groups[0])
    np.testing.assert_array_equal(seen["X"], study.usable.X[outside])


def test_a_pretext_is_trained_once_and_loaded_with_the_same_weights(study, monkeypatch):
    first = study.pretext(1)
    held_out = study.usable.meta["participant"][first.heldout_rows]
    assert set(held_out) <= set(study.groups[1])
    assert first.heldout_logits.shape == (4, 7, 7)
    assert list(first.history.index) == [1, 2]
    monkeypatch.setattr(study, "_train_pretext", None)  # a second training would fail
    second = study.pretext(1)
    for a, b in zip(first.encoder.weights, second.encoder.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    features = study.features(STR, 1)
    np.testing.assert_allclose(
        features, first.encoder.predict(study.usable.X, verbose=0), rtol=1e-4, atol=1e-5
    )
    assert not np.allclose(features, study.features(RANDOM))


@pytest.mark.parametrize("arguments", [(STR,), (RANDOM, 0), ("another",)])
def test_features_of_no_encoder_are_refused(study, arguments):
    with pytest.raises(ValueError, match="encoder"):
        study.features(*arguments)


def test_the_audit_of_a_study_knows_which_encoder_saw_whom(study, monkeypatch):
    monkeypatch.setattr(study, "_profile", replace(TINY, window_folds=2))
    monkeypatch.delitem(study.__dict__, "profile", raising=False)
    window, person = study.splitters
    majority = [majority_predictions(study.usable.meta, s, TARGETS) for s in (window, person)]
    rows = [
        *majority,
        majority[0].assign(model=STR, regime=SEEN),
        majority[1].assign(model=STR, regime=SEEN),
        majority[1].assign(model=STR, regime=STRICT),
    ]
    monkeypatch.setitem(study.__dict__, "predictions", append_predictions(*rows))
    assert set(study.leaks["stage"]) <= {"normalisation"}
    # Now as if every fold had used the encoder of another group.
    other = {p: (g + 1) % len(study.groups) for p, g in study.group_of.items()}
    monkeypatch.setattr(Study, "group_of", other)
    leaks = study.leaks.query("stage == 'pretext'")
    assert set(leaks["regime"]) == {STRICT}
    assert {"participant", "trial", "window"} == set(leaks["kind"])
