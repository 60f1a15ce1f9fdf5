import doctest

import numpy as np
import pandas as pd
import pytest

from ecglib.evaluation import simulated_folds
from ecglib.evaluation.metrics import auc_within_folds
from ecglib.evaluation.simulated_folds import (
    CLIPS,
    FOUR,
    LINEAR,
    MODELS,
    NEIGHBOURS,
    PERSON,
    TRIALS,
    WAYS,
    WINDOWS,
    areas_within,
    folds_table,
)


def test_examples_in_docstrings():
    outcome = doctest.testmod(simulated_folds)
    assert outcome.attempted and not outcome.failed


def test_areas_within_folds_are_those_of_the_tables():
    rng = np.random.default_rng(0)
    labels, fold = rng.integers(0, 2, (4, 30)), rng.integers(0, 5, (4, 30))
    scores = rng.integers(0, 4, (4, 30)) / 3  # with ties
    labels[2] = 1
    expected = [auc_within_folds(*row) for row in zip(labels, scores, fold, strict=True)]
    np.testing.assert_allclose(areas_within(labels, scores, fold), expected)
    assert np.isnan(expected[2])


def test_every_way_of_folding_has_a_row_and_nothing_is_found_where_people_or_trials_are_new():
    table = folds_table((0.0,), n_participants=10, repetitions=30)
    pd.testing.assert_frame_equal(table, folds_table((0.0,), n_participants=10, repetitions=30))
    rows = table.set_index(["head", "result"])
    ways = [PERSON, FOUR, WINDOWS, TRIALS, CLIPS]
    assert set(ways) < set(rows.loc[LINEAR].index)
    for way in (PERSON, FOUR, TRIALS, CLIPS):
        assert rows.loc[(LINEAR, way), "truth"] == pytest.approx(0.5, abs=0.04)
    assert rows.loc[(NEIGHBOURS, WINDOWS), "truth"] > 0.6  # it knows the trial again
    for way in (PERSON, FOUR, WINDOWS):
        assert rows.loc[(LINEAR, f"{way}, {MODELS}"), "truth"] == pytest.approx(0, abs=0.04)
    both = (NEIGHBOURS, WINDOWS), (NEIGHBOURS, PERSON)
    gained = rows.loc[both[0], "truth"] - rows.loc[both[1], "truth"]
    assert rows.loc[(NEIGHBOURS, f"{WINDOWS}, {WAYS}"), "truth"] == pytest.approx(gained, abs=1e-9)
    assert (table["table"] >= table["plain"]).all()
