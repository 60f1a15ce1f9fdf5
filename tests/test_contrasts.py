"""Summaries and paired tests against hand-made cases."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ecglib.comparison import CHOICE
from ecglib.contrasts import holm, paired_tests, participant_scores, summarise_scores
from ecglib.errors import DataError
from ecglib.metrics import MAJORITY, SHARED_TRAINING, bootstrap_interval

PEOPLE = 8
BASE = np.linspace(0.5, 0.7, PEOPLE)
GAIN = np.array([0.10, 0.02, 0.07, 0.05, 0.09, 0.01, 0.04, 0.06])


def rows(auc, pretext="random", transfer="frozen", target="valence", seed=0, classes=2):
    choice = dict(zip(CHOICE, (pretext, transfer, "plain", classes, "all", seed), strict=True))
    return pd.DataFrame(
        [{**choice, "target": target, "participant": p, "auc": a} for p, a in enumerate(auc)]
    )


@pytest.fixture
def scores():
    return pd.concat(
        [
            rows(np.full(PEOPLE, 0.5), MAJORITY, "none"),
            rows(np.full(PEOPLE, 0.3), MAJORITY, "none", classes=5),
            rows(BASE),
            rows(BASE + 0.02, seed=1),
            rows(BASE + GAIN, "STR"),
            rows(BASE, target="arousal"),
            rows(BASE + GAIN, "STR", target="arousal"),
        ],
        ignore_index=True,
    )


def test_choices_that_are_not_named_are_averaged_within_a_person(scores):
    found = participant_scores(scores, "auc", "valence", {"pretext": "random"})
    np.testing.assert_allclose(found, BASE + 0.01)
    one = participant_scores(scores, "auc", "valence", {"pretext": "random", "seed": 1})
    np.testing.assert_allclose(one, BASE + 0.02)
    both = participant_scores(scores, "auc", "arousal", {"pretext": ["random", "STR"]})
    np.testing.assert_allclose(both, BASE + GAIN / 2)


def test_the_majority_class_is_taken_only_when_named(scores):
    assert participant_scores(scores, "auc", "valence", {}).min() > 0.5
    named = participant_scores(scores, "auc", "valence", {"pretext": MAJORITY, "classes": 2})
    assert (named == 0.5).all()


def test_what_cannot_be_selected_is_refused_by_name(scores):
    with pytest.raises(DataError, match="cannot select by colour"):
        participant_scores(scores, "auc", "valence", {"colour": "red"})
    with pytest.raises(DataError, match=r"no scores for .*supervised.*, target valence"):
        participant_scores(scores, "auc", "valence", {"pretext": "supervised"})


def test_a_summary_has_mean_interval_baseline_and_counts(scores):
    scores.loc[(scores["pretext"] == "STR") & (scores["participant"] == 3), "auc"] = np.nan
    table = summarise_scores(scores, n_resamples=999)
    assert MAJORITY not in set(table["pretext"])
    row = table[(table["pretext"] == "STR") & (table["target"] == "valence")].squeeze()
    left = np.delete(BASE + GAIN, 3)
    assert row["mean"] == pytest.approx(left.mean())
    assert (row["n_participants"], row["n_undefined"]) == (7, 1)
    assert (row["low"], row["high"]) == pytest.approx(
        bootstrap_interval(left, 0.95, 999, widening=SHARED_TRAINING)
    )
    assert row["baseline"] == 0.5


def test_more_intervals_together_are_wider_and_too_few_people_have_none(scores):
    one = summarise_scores(scores, n_resamples=999).iloc[0]
    many = summarise_scores(scores, n_resamples=999, n_intervals=10).iloc[0]
    assert many["low"] < one["low"] < one["high"] < many["high"]
    few = summarise_scores(scores[scores["participant"] < 4])
    assert few["low"].isna().all() and few["mean"].notna().all()


def test_paired_tests_by_hand(scores):
    pairs = {"STR − random": ({"pretext": "STR"}, {"pretext": "random", "seed": 0})}
    table = paired_tests(scores, pairs, ["valence", "arousal"], n_resamples=999)
    assert list(table["target"]) == ["valence", "arousal"]
    np.testing.assert_allclose(table["mean"], GAIN.mean())
    low, high = bootstrap_interval(GAIN, 1 - 0.05 / 2, 999, widening=SHARED_TRAINING)
    np.testing.assert_allclose(table[["low", "high"]], [[low, high]] * 2)
    t = stats.ttest_1samp(GAIN, 0).statistic / SHARED_TRAINING
    p = 2 * stats.t.sf(t, PEOPLE - 1)
    np.testing.assert_allclose(table["p"], p)
    np.testing.assert_allclose(table["p_holm"], 2 * p)
    back = {"random − STR": pairs["STR − random"][::-1]}
    reverse = paired_tests(scores, back, ["valence"], n_resamples=999)
    assert reverse["mean"][0] == pytest.approx(-GAIN.mean())


def test_the_same_on_both_sides_is_no_difference(scores):
    table = paired_tests(scores, {"same": ({"pretext": "STR"},) * 2}, ["valence"])
    assert table[["mean", "low", "high", "p"]].squeeze().tolist() == [0, 0, 0, 1]


def test_sides_with_other_people_are_refused(scores):
    fewer = scores.drop(scores.index[(scores["pretext"] == "STR") & (scores["participant"] == 0)])
    with pytest.raises(DataError, match="'gain': the two sides test other participants"):
        paired_tests(fewer, {"gain": ({"pretext": "STR"}, {"pretext": "random"})}, ["valence"])


def test_holm_by_hand():
    np.testing.assert_allclose(
        holm(np.array([0.01, 0.04, np.nan, 0.03, 0.005])), [0.03, 0.06, np.nan, 0.06, 0.02]
    )
    assert holm(np.array([0.6, 0.7])).tolist() == [1, 1]
    assert holm(np.array([])).size == 0


def test_under_the_null_a_family_is_wrong_about_as_rarely_as_it_says():
    """Independent people: the family-wise error stays below 5 %."""
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(100):
        random, learnt = rng.normal(size=(2, 3, 20))
        table = pd.concat(
            [
                rows(values[t], pretext, target=str(t))
                for pretext, values in (("random", random), ("STR", learnt))
                for t in range(3)
            ],
            ignore_index=True,
        )
        pairs = {"gain": ({"pretext": "STR"}, {"pretext": "random"})}
        tests = paired_tests(table, pairs, ["0", "1", "2"], n_resamples=999)
        wrong += bool((tests["p_holm"] < 0.05).any())
    assert wrong <= 5
