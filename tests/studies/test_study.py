"""A study knows its data, and puts people into groups."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecglib.core.errors import DataError
from ecglib.core.folders import HOME
from ecglib.data.dreamer import VARIABLE
from ecglib.studies import stand_in
from ecglib.studies import study as study_module
from ecglib.studies.stand_in import synthetic_file
from ecglib.studies.study import Study
from ecglib.synthetic.cohort import make_cohort, write_dreamer_mat
from tests.studies.tiny import ENCODER, SPEC, TINY


def test_without_a_real_file_the_synthetic_cohort_takes_its_place(study):
    assert study.label == "synthetic"
    assert study.path.parent == study.folder
    assert study.cohort.recordings["participant"].nunique() == SPEC.n_participants
    assert len(study.truth.r_peaks) == len(study.cohort.recordings)


def test_the_synthetic_file_is_made_once(study, monkeypatch):
    path = study.path
    monkeypatch.setattr(stand_in, "make_cohort", None)  # making it again would fail
    assert synthetic_file(SPEC, study.folder) == path


def test_the_label_follows_the_file_not_its_name_or_place(tmp_path):
    path = write_dreamer_mat(make_cohort(SPEC, seed=3).cohort, tmp_path / "DREAMER.mat")
    assert Study(path, profile=TINY, folder=tmp_path).label == "synthetic"
    path.write_bytes(path.read_bytes().replace(b"synthetic", b"pretended"))
    real = Study(path, profile=TINY, folder=tmp_path)
    assert real.label == "DREAMER"
    assert real.windows.cohort_name == "DREAMER"
    assert real.truth is None


def test_the_identity_of_the_synthetic_cohort_is_its_recipe_and_needs_no_file(
    study, tmp_path, monkeypatch
):
    monkeypatch.setattr(stand_in, "make_cohort", None)
    monkeypatch.setattr(study_module, "read_dreamer", None)
    elsewhere = Study(profile=TINY, folder=tmp_path, spec=SPEC)
    assert elsewhere.identity == study.path.stem
    assert not list(tmp_path.iterdir())
    assert Study(study.path, spec=SPEC).identity == study.identity
    other = Study(profile=TINY, spec=replace(SPEC, effect=0.5))
    assert other.identity != study.identity


def test_the_identity_of_a_real_file_is_its_content(tmp_path, monkeypatch):
    path = write_dreamer_mat(make_cohort(SPEC, seed=3).cohort, tmp_path / "DREAMER.mat")
    monkeypatch.setenv(VARIABLE, str(path))
    real = Study(profile=TINY, folder=tmp_path, spec=SPEC)
    assert real.identity == real.cohort.sha256
    moved = path.rename(tmp_path / "another.mat")
    assert Study(moved, profile=TINY).identity == real.identity


def test_the_file_of_the_home_folder_is_used(tmp_path, monkeypatch):
    monkeypatch.setenv(HOME, str(tmp_path))
    (tmp_path / "data").mkdir()
    path = write_dreamer_mat(make_cohort(SPEC, seed=3).cohort, tmp_path / "data" / "DREAMER.mat")
    assert Study(profile=TINY).path == path
    assert Study(profile=TINY).folder == tmp_path / "artifacts"


def test_windows_are_cut_once(study, monkeypatch):
    windows = study.windows
    monkeypatch.setattr(study_module, "make_windows", None)
    again = Study(profile=TINY, folder=study.folder, spec=SPEC).windows
    np.testing.assert_array_equal(again.X, windows.X)


def test_windows_of_bad_quality_are_left_out_of_all_learning(study, monkeypatch):
    assert set(study.usable.meta["quality"]) == {"ok"}
    windows = study.windows
    flagged = windows.meta.copy()
    flagged.loc[:4, "quality"] = "flat"
    monkeypatch.setitem(study.__dict__, "windows", replace(windows, meta=flagged))
    monkeypatch.delitem(study.__dict__, "usable")
    assert len(study.usable) == np.count_nonzero(windows.meta["quality"][5:] == "ok")


def test_every_participant_is_in_exactly_one_group(study):
    together = np.concatenate(study.groups)
    assert sorted(together) == [1, 2, 3, 4, 5, 6]
    assert {p: g for g, group in enumerate(study.groups) for p in group} == study.group_of


def test_a_study_needs_two_participants(tmp_path):
    path = write_dreamer_mat(
        make_cohort(replace(SPEC, n_participants=1), 0).cohort, tmp_path / "one.mat"
    )
    with pytest.raises(DataError, match=r"one\.mat.*at least 2"):
        _ = Study(path, profile=TINY, folder=tmp_path).groups


def test_another_encoder_shares_everything_else(study):
    usable, groups = study.usable, study.groups
    plain = replace(ENCODER, batch_norm=False)
    other = study.with_profile(replace(study.profile, encoder=plain))
    assert other.usable is usable and other.groups is groups
    assert other.profile == replace(TINY, encoder=plain)
    assert study.profile == TINY


def test_copies_in_the_file_are_refused_unless_allowed_and_never_mixed_up(tmp_path):
    cohort = make_cohort(SPEC, seed=3).cohort
    signals = list(cohort.signals)
    signals[9] = signals[1]
    table = cohort.recordings.copy()
    table.loc[9, ["n_samples", "duration"]] = table.loc[1, ["n_samples", "duration"]]
    path = write_dreamer_mat(
        replace(cohort, signals=tuple(signals), recordings=table), tmp_path / "DREAMER.mat"
    )
    allowed = Study(path, profile=TINY, folder=tmp_path, allow_duplicates=True)
    assert len(allowed.windows) and allowed.cohort.signals[9].shape == signals[1].shape
    strict = Study(path, profile=TINY, folder=tmp_path)
    with pytest.raises(DataError, match="of the same ECG as"):
        strict.windows  # noqa: B018
    assert strict.identity != allowed.identity


def test_a_synthetic_file_or_truth_of_another_recipe_is_refused(study, tmp_path):
    ours = Path(shutil.copy(study.path, tmp_path / study.path.name))
    other = synthetic_file(replace(SPEC, effect=0.5), tmp_path)
    truth = ours.with_suffix(".npz")
    shutil.copy(study.path.with_suffix(".npz"), truth)
    own = Study(profile=TINY, folder=tmp_path, spec=SPEC)
    assert own.path == ours and own.truth.name == study.identity
    kept = truth.read_bytes()
    truth.write_bytes(other.with_suffix(".npz").read_bytes())
    with pytest.raises(DataError, match=rf"{truth.name}: .*'{other.stem}'.*'{ours.stem}'"):
        _ = Study(profile=TINY, folder=tmp_path, spec=SPEC).truth
    truth.write_bytes(kept)
    ours.write_bytes(other.read_bytes())
    with pytest.raises(DataError, match=rf"{ours.name}: .*'{other.stem}'.*'{ours.stem}'"):
        _ = Study(profile=TINY, folder=tmp_path, spec=SPEC).path


def test_a_file_is_not_the_recipe_because_of_its_name(study, tmp_path):
    path = tmp_path / study.path.name
    write_dreamer_mat(make_cohort(SPEC, seed=3).cohort, path)
    found = Study(path, profile=TINY, folder=tmp_path, spec=SPEC)
    assert found.identity == found.cohort.sha256
    moved = Path(shutil.copy(study.path, tmp_path / "moved.mat"))
    assert Study(moved, profile=TINY, folder=tmp_path, spec=SPEC).identity == study.identity
