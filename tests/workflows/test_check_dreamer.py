"""A DREAMER.mat is checked for what a study cannot bear, before any training."""

import json
from dataclasses import replace

import numpy as np
import pytest

from ecglib.core.errors import DataError
from ecglib.data.cohort import Cohort
from ecglib.studies.profiles import QUICK
from ecglib.synthetic.cohort import CohortSpec, make_cohort, write_dreamer_mat
from ecglib.workflows.check_dreamer import check_dreamer
from ecglib.workflows.output import to_json

SPEC = CohortSpec(n_participants=4, clip_lengths_s=(40.0, 50.0), baseline_s=11.0)


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return make_cohort(SPEC, seed=5).cohort


@pytest.fixture
def written(tmp_path):
    def write(cohort):
        return write_dreamer_mat(cohort, tmp_path / "DREAMER.mat")

    return write


def rated(cohort, **ratings):
    """Give everyone the same ratings of the two clips."""
    rows = cohort.recordings.copy()
    for name, (first, second) in ratings.items():
        rows[name] = np.where(rows["clip"] == 1, first, second)
    return replace(cohort, recordings=rows)


def test_a_cohort_that_can_be_studied(cohort, written):
    check = check_dreamer(written(rated(cohort, valence=(1, 5), arousal=(2, 4), dominance=(3, 4))))
    assert (check.data, check.people, check.clips, check.profile) == ("synthetic", 4, 2, "quick")
    assert check.problems == () and check.verdict == "good"
    assert check.ratings.loc["valence"].tolist() == [4, 0, 0, 0, 4]
    assert (check.high == 0.5).all(axis=None)
    assert check.quality.index.tolist() == [(p, lead) for p in range(1, 5) for lead in (1, 2)]
    assert "a study is possible" in check.sentence and "ScoreValence" not in check.to_text()
    assert json.loads(to_json(check.to_dict()))["high"]["4"]["valence"] == 0.5


def test_ratings_of_one_class_make_a_study_impossible(cohort, written):
    check = check_dreamer(written(rated(cohort, valence=(1, 2), arousal=(1, 5), dominance=(1, 5))))
    assert check.verdict == "poor"
    (problem,) = check.problems
    assert problem.startswith(
        "field ScoreValence: all 32 usable windows of clips 1, 2 are rated low"
    )
    assert "To fix it: leave this scale out" in problem
    assert "participants 1, 2, 3, 4 rated every clip low" in check.notes[0]


def test_one_person_alone_has_both_classes(cohort, written):
    good = rated(cohort, valence=(1, 2), arousal=(1, 5), dominance=(1, 5))
    rows = good.recordings.copy()
    rows.loc[(rows["participant"] == 3) & (rows["clip"] == 2), "valence"] = 5
    (problem,) = check_dreamer(written(replace(good, recordings=rows))).problems
    assert problem.startswith("participant 3, field ScoreValence: without this person")


def test_people_without_a_usable_window_are_named(cohort, written):
    good = rated(cohort, valence=(1, 5), arousal=(1, 5), dominance=(1, 5))
    noise = np.random.default_rng(0)
    signals = tuple(
        noise.normal(2048, 100, x.shape).astype(np.float32) if p == 2 else x
        for p, x in zip(good.recordings["participant"], good.signals, strict=True)
    )
    check = check_dreamer(written(replace(good, signals=signals)))
    assert check.notes[0] == "participant 2: no usable window, so nothing to test on"


def test_a_dead_lead_is_named_with_its_participant(cohort, written):
    signals = tuple(
        np.full_like(x, 2048) if p == 2 else x
        for p, x in zip(cohort.recordings["participant"], cohort.signals, strict=True)
    )
    notes = check_dreamer(written(replace(cohort, signals=signals))).notes
    assert any("participant 2" in note for note in notes)


def test_fewer_windows_than_a_batch_and_too_few_people(cohort, written):
    pretext = replace(QUICK.pretext, training=replace(QUICK.pretext.training, batch_windows=500))
    path = written(rated(cohort, valence=(1, 5), arousal=(1, 5), dominance=(1, 5)))
    problems = check_dreamer(path, replace(QUICK, pretext=pretext)).problems
    assert len(problems) == 2 and "fewer than one batch of 500" in problems[0]
    alone = make_cohort(replace(SPEC, n_participants=1), seed=5).cohort
    path = written(rated(alone, valence=(1, 5), arousal=(1, 5), dominance=(1, 5)))
    assert any("too few people" in problem for problem in check_dreamer(path).problems)


def test_an_impossible_rating_is_an_error_that_names_its_place(cohort, written):
    rows = cohort.recordings.copy()
    targets = cohort.targets
    loose = tuple(replace(t, high=9) for t in targets)
    rows.loc[(rows["participant"] == 2) & (rows["clip"] == 1), "arousal"] = 7
    with pytest.raises(DataError, match="participant 2, clip 1, field ScoreArousal: rating 7"):
        check_dreamer(written(replace(cohort, recordings=rows, targets=loose)))
