"""Summaries and paired tests against hand-made cases."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ecglib.core.errors import DataError
from ecglib.evaluation.intervals import SHARED_TRAINING, bootstrap_interval
from ecglib.evaluation.paired import (
    holm,
    paired_tests,
    participant_scores,
    summarise_scores,
    verdicts,
)
from ecglib.evaluation.protocols import CHOICE, MAJORITY, ORIGIN

PEOPLE = 8
BASE = np.linspace(0.5, 0.7, PEOPLE)
GAIN = np.array([0.10, 0.02, 0.07, 0.05, 0.09, 0.01, 0.04, 0.06])


def rows(
    auc,
    pretext="random",
    transfer="frozen",
    target="valence",
    seed=0,
    classes=2,
    labelled="all",
):
    choice = dict(zip(CHOICE, (pretext, transfer, "plain", classes, labelled, seed), strict=True))
    choice = {"data": "synthetic", "profile": "quick", **choice, "target": target}
    return pd.DataFrame([{**choice, "participant": p, "auc": a} for p, a in enumerate(auc)])


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


def test_scores_of_two_files_or_profiles_are_not_averaged(scores):
    mixed = pd.concat([scores, scores.assign(data="DREAMER")])
    pair = {"gain": ({"pretext": "STR"}, {"pretext": "random"})}
    for use in (
        lambda: participant_scores(mixed, "auc", "valence", {}),
        lambda: summarise_scores(mixed),
        lambda: paired_tests(mixed, pair, ["valence"]),
    ):
        with pytest.raises(DataError, match="synthetic, quick; DREAMER, quick"):
            use()
    for table in (summarise_scores(scores), paired_tests(scores, pair, ["valence"])):
        assert list(table.columns[:2]) == ORIGIN
        assert set(table["data"]) == {"synthetic"} and set(table["profile"]) == {"quick"}


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


def test_an_interval_of_a_metric_stays_between_0_and_1():
    nearly = np.array([0.0, 0.0, 0.0, 0.0, 1.0, 0.0])
    for auc in (nearly, 1 - nearly):
        table = pd.concat([rows(auc), rows(np.full(6, 0.5), MAJORITY, "none")], ignore_index=True)
        row = summarise_scores(table, n_resamples=999).iloc[0]
        assert 0 <= row["low"] <= row["mean"] <= row["high"] <= 1


def test_paired_tests_by_hand(scores):
    questions = {"STR − random": ({"pretext": "STR"}, {"pretext": "random", "seed": 0})}
    table = paired_tests(scores, questions, ["valence", "arousal"])
    assert list(table["target"]) == ["valence", "arousal"]
    # Mean 0.055, standard deviation 0.0316; the error of the mean is √2 times 0.0316 / √8.
    error = np.sqrt(2) * np.sqrt(np.sum((GAIN - 0.055) ** 2) / 7) / np.sqrt(8)
    np.testing.assert_allclose(table["mean"], 0.055)
    # Two tests: 0.05 / 2 outside each interval, half of it on each side; 7 degrees of freedom.
    reach = stats.t.ppf(1 - 0.05 / 2 / 2, 7) * error
    np.testing.assert_allclose(table[["low", "high"]], [[0.055 - reach, 0.055 + reach]] * 2)
    p = 2 * (1 - stats.t.cdf(0.055 / error, 7))
    np.testing.assert_allclose(table["p"], p)
    np.testing.assert_allclose(table["p_holm"], 2 * p)
    back = {"random − STR": questions["STR − random"][::-1]}
    reverse = paired_tests(scores, back, ["valence"])
    assert reverse["mean"][0] == pytest.approx(-0.055)


def test_an_interval_leaves_out_zero_exactly_where_its_bonferroni_p_is_below_five_per_cent():
    """And where it does, Holm's p-value is below 5 % too."""
    rng = np.random.default_rng(3)
    targets = [f"{k}" for k in range(60)]
    parts = []
    for number, target in enumerate(targets):
        gain = rng.normal(0.4 * number / 60, 0.05, PEOPLE)
        parts += [rows(BASE, target=target), rows(BASE + gain, "STR", target=target)]
    questions = {"gain": ({"pretext": "STR"}, {"pretext": "random"})}
    table = paired_tests(pd.concat(parts, ignore_index=True), questions, targets)
    clear = (table["low"] > 0) | (table["high"] < 0)
    assert 3 < clear.sum() < 57
    assert (clear == (60 * table["p"] < 0.05)).all()
    assert (table.loc[clear, "p_holm"] < 0.05).all()


def test_a_question_may_ask_how_much_two_differences_differ(scores):
    fewer = pd.concat(
        [
            scores,
            rows(BASE, labelled="2"),
            rows(BASE + 3 * GAIN, "STR", labelled="2"),
        ],
        ignore_index=True,
    )

    def gain(labelled):
        return tuple(
            {"pretext": pretext, "labelled": labelled, "seed": 0} for pretext in ("STR", "random")
        )

    table = paired_tests(fewer, {"growth": (gain("2"), gain("all"))}, ["valence"])
    plain = paired_tests(scores, {"gain": gain("all")}, ["valence"])
    names = ["mean", "low", "high"]
    np.testing.assert_allclose(table[names], 2 * plain[names])
    np.testing.assert_allclose(table["p"], plain["p"])


def test_the_same_on_both_sides_is_no_difference(scores):
    table = paired_tests(scores, {"same": ({"pretext": "STR"},) * 2}, ["valence"])
    assert table[["mean", "low", "high", "p"]].squeeze().tolist() == [0, 0, 0, 1]


def test_too_few_people_leave_interval_and_p_missing(scores):
    few = scores[scores["participant"] < 4]
    questions = {"gain": ({"pretext": "STR"}, {"pretext": "random"})}
    table = paired_tests(few, questions, ["valence"])
    assert table[["low", "high", "p", "p_holm"]].isna().all(axis=None)
    assert table["mean"].notna().all()
    assert verdicts(table).to_dict() == {"gain": "too few people"}


def test_verdicts_follow_the_intervals():
    table = pd.DataFrame(
        [
            ("up", "valence", 0.1, 0.2),
            ("up", "arousal", -0.1, 0.2),
            ("up", "dominance", 0.0, 0.2),
            ("down", "valence", -0.3, -0.2),
            ("down", "arousal", 0.3, 0.4),
            ("open", "valence", -0.1, 0.1),
            ("open", "arousal", -0.1, 0.1),
        ],
        columns=["question", "target", "low", "high"],
    )
    found = verdicts(table, ("grows", "shrinks"))
    assert list(found.index) == ["up", "down", "open"]
    assert found["up"] == "grows for valence; not decided for arousal, dominance"
    assert found["down"] == "grows for arousal; shrinks for valence"
    assert found["open"] == "not decided"


def test_sides_with_other_people_are_refused(scores):
    fewer = scores.drop(scores.index[(scores["pretext"] == "STR") & (scores["participant"] == 0)])
    with pytest.raises(DataError, match="'gain': the sides test other participants"):
        paired_tests(fewer, {"gain": ({"pretext": "STR"}, {"pretext": "random"})}, ["valence"])


def test_holm_by_hand():
    np.testing.assert_allclose(
        holm(np.array([0.01, 0.04, np.nan, 0.03, 0.005])), [0.03, 0.06, np.nan, 0.06, 0.02]
    )
    assert holm(np.array([0.6, 0.7])).tolist() == [1, 1]
    assert holm(np.array([])).size == 0


def null_families(n_people, n_families, seed):
    """Scores of three encoders that know nothing, many families of three targets at once.

    In a cross-validation people have an accident in common, which adds as much variance to their
    mean as the spread between them shows.
    """
    rng = np.random.default_rng(seed)
    targets = [f"{family} {target}" for family in range(n_families) for target in range(3)]
    accident = rng.normal(0, np.sqrt(1 / n_people), (3, len(targets), 1))
    auc = 0.5 + 0.1 * (accident + rng.normal(size=(3, len(targets), n_people)))
    table = pd.DataFrame({"participant": np.tile(np.arange(n_people), 3 * len(targets))})
    table["pretext"] = np.repeat(["random", "STR", "contrastive"], len(targets) * n_people)
    table["target"] = np.tile(np.repeat(targets, n_people), 3)
    return table.assign(**rows([0.5]).iloc[0][["data", "profile", "transfer"]], auc=auc.ravel())


def test_all_intervals_of_a_family_hold_together_about_as_often_as_they_say():
    n_families = 300
    scores = null_families(12, n_families, seed=1)
    questions = {
        name: ({"pretext": name}, {"pretext": "random"}) for name in ("STR", "contrastive")
    }
    holds = []
    for family, table in scores.groupby(scores["target"].str.split().str[0], sort=False):
        tests = paired_tests(table, questions, [f"{family} {t}" for t in range(3)])
        holds.append(((tests["low"] <= 0) & (tests["high"] >= 0)).all())
        assert (tests["p_holm"].min() < 0.05) == (not holds[-1])
    assert len(holds) == n_families
    # 95 % promised, counted with an error of 1.3 %. Without the widening by √2, or without
    # Bonferroni's correction, below 85 % would hold.
    assert 0.925 <= np.mean(holds) <= 0.99
