"""What an excerpt leaves out: every case has the same trials, and travels as one table."""

import doctest
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ecglib.core.folders import HOME
from ecglib.data.labels import TARGETS
from ecglib.studies import excerpt, stages
from ecglib.studies.excerpt import BOTH, EXCERPT, KEYS, ONE, WHOLE, scores, ship, source
from ecglib.studies.profiles import QUICK
from ecglib.synthetic.cohort import CohortSpec
from tests.studies.fakes import outline


@pytest.fixture(scope="module")
def table(study):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(excerpt, "LAST_S", 20.0)
        patch.setattr(excerpt, "_embedded", lambda windows: windows.X[:, ::256])
        return scores(study)


def test_examples_in_docstrings():
    outcome = doctest.testmod(excerpt)
    assert outcome.attempted and not outcome.failed


def test_every_case_scores_every_person_and_more_recording_gives_more_windows(study, table):
    assert list(table.columns[:5]) == ["data", "profile", *KEYS]
    people = study.cohort.recordings["participant"].unique()
    for _, case in table.groupby(KEYS):
        assert sorted(case["participant"].unique()) == sorted(people)
        assert case["target"].nunique() == len(TARGETS)
    windows = table.groupby(KEYS)["n_windows"].first().unstack("features").iloc[:, 0]
    assert windows[BOTH, EXCERPT] > windows[ONE, EXCERPT]
    assert windows[ONE, WHOLE] > windows[ONE, EXCERPT]
    assert (table[["feature_s", "head_s"]] > 0).all(axis=None)
    assert table["auc"].dropna().between(0, 1).all()


def test_the_excerpt_of_one_lead_is_what_the_study_takes(study, table):
    windows = table[(table["leads"] == ONE) & (table["seconds"] == EXCERPT)]["n_windows"]
    assert set(windows) == {len(study.usable)}


def test_the_table_travels(study, table, tmp_path, monkeypatch):
    monkeypatch.setenv(HOME, str(tmp_path))
    monkeypatch.setattr(excerpt, "LAST_S", 20.0)
    (copy,) = ship(study)
    assert copy.parent == tmp_path / "results"
    monkeypatch.setattr(excerpt, "_scores", None)
    pd.testing.assert_frame_equal(scores(study), table)
    assert np.isfinite(table["n_windows"]).all()


def test_the_table_in_results_is_that_of_the_default_study():
    study = outline(QUICK, CohortSpec().n_participants)
    name = stages.EXCERPT.file(source(study))
    rows = stages.EXCERPT.read(Path(__file__).parents[2] / "results" / name, source(study))
    assert set(rows["profile"]) == {"quick"} and rows["participant"].nunique() > 5
