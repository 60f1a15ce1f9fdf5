"""What makes a study impossible is found before anything is trained."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.evaluation.crossfit import participant_groups
from ecglib.studies import pretraining
from ecglib.studies.feasible import check_study, study_problems
from ecglib.studies.profiles import QUICK
from ecglib.studies.study import Study
from ecglib.synthetic.cohort import CohortSpec
from tests.studies.tiny import SPEC, TINY

PEOPLE = [1, 2, 3, 4]


@pytest.fixture
def meta() -> pd.DataFrame:
    """Eight usable windows of each of four people, two clips with opposite ratings."""
    frame = pd.DataFrame({"participant": np.repeat(PEOPLE, 8), "clip": np.tile([1, 2], 16)})
    scores = np.where(frame["clip"] == 1, 2, 5)
    return frame.assign(
        quality="ok", condition="stimulus", valence=scores, arousal=scores, dominance=scores
    )


def test_a_study_that_can_be_finished_has_no_problem(meta, study):
    assert study_problems(meta, PEOPLE, QUICK) == []
    assert check_study(study) is None


def test_a_group_without_usable_windows_is_named_with_its_flags(meta):
    group = participant_groups(PEOPLE, QUICK.pretext.n_groups, QUICK.seed)[1]
    meta.loc[meta["participant"].isin(group), "quality"] = ["flat"] * 10 + ["no beats"] * 6
    problem, *others = study_problems(meta, PEOPLE, QUICK, file="DREAMER.mat")
    assert (problem.file, problem.participant) == ("DREAMER.mat", ", ".join(map(str, group)))
    assert problem.problem == "group 1: 0 of 16 windows are usable (flat 10, no beats 6)"
    assert "ecglib check" in problem.remedy and others == []


def test_ratings_of_one_class_are_named_by_their_field(meta):
    (problem,) = study_problems(meta.assign(arousal=4), PEOPLE, QUICK)
    assert problem.field == "ScoreArousal" and "clips 1, 2 are rated high" in problem.problem
    meta["dominance"] = np.where(meta["participant"] == 3, meta["dominance"], 1)
    (problem,) = study_problems(meta, PEOPLE, QUICK)
    assert (problem.participant, problem.field) == (3, "ScoreDominance")


def test_fewer_windows_than_a_batch_of_either_pretext(meta):
    few = meta.groupby("participant").tail(4).assign(valence=[1, 5] * 8)
    found = study_problems(few.reset_index(drop=True), PEOPLE, QUICK)
    assert {p.field for p in found} == {"contrastive.training.batch_windows"}
    assert "8 usable windows of the others are fewer than one batch of 16" in found[0].problem


def test_too_few_people_for_groups_and_for_folds(meta):
    (problem,) = study_problems(meta[meta["participant"] == 1], [1], QUICK)
    assert problem.problem.startswith("too few people: 1 participant in ")
    three = pd.concat([meta[meta["participant"] < 4]] * 2, ignore_index=True)
    (problem,) = study_problems(three, [1, 2, 3], QUICK)
    assert problem.problem == "ParticipantGroupedKFold: 4 folds of 3 participants"


@pytest.mark.parametrize("train", ["pretext", "contrastive", "supervised_encoder"])
def test_nothing_is_trained_of_a_study_that_cannot_be_finished(tmp_path, monkeypatch, train):
    monkeypatch.setattr(pretraining, "pretrain", None)
    monkeypatch.setattr(pretraining, "FineTuner", None)
    big = replace(TINY.pretext, training=replace(TINY.pretext.training, batch_windows=10_000))
    study = Study(profile=replace(TINY, pretext=big), folder=tmp_path, spec=SPEC)
    with pytest.raises(DataError, match="fewer than one batch of 10000") as refused:
        getattr(pretraining, train)(study, 0)
    assert refused.value.file == str(study.path) and "ecglib check tells" in refused.value.remedy


def test_one_person_is_refused_before_training(tmp_path):
    alone = CohortSpec(1, SPEC.clip_lengths_s, SPEC.baseline_s)
    with pytest.raises(DataError, match="too few people"):
        check_study(Study(profile=TINY, folder=tmp_path, spec=alone))
