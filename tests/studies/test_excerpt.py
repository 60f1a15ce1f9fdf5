"""What an excerpt leaves out: every case has the same trials, and travels as one table."""

import doctest

import pytest

from ecglib.data.labels import TARGETS
from ecglib.studies import excerpt
from ecglib.studies.excerpt import BOTH, EXCERPT, KEYS, ONE, WHOLE, scores


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
