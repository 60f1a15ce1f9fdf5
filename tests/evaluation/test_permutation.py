import doctest
import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from ecglib.core.errors import DataError
from ecglib.evaluation import metrics, permutation
from ecglib.evaluation.permutation import (
    areas,
    chance_test,
    mean_areas,
    permuted_labels,
    refit_test,
    sign_flip_test,
)
from ecglib.transfer.linear import linear_scores

PEOPLE = np.repeat([1, 2], 6)
TRIALS = np.tile(np.repeat([1, 2, 3], 2), 2)
LABELS = np.array([1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0])
SCORES = np.array([0.9, 0.6, 0.7, 0.2, 0.4, 0.1, 0.3, 0.8, 0.6, 0.5, 0.4, 0.7])


def frame(labels=LABELS, scores=SCORES, participant=PEOPLE, clip=TRIALS, seed=0):
    return pd.DataFrame(
        {
            "protocol": "hold-out",
            "model": "m",
            "regime": "none",
            "target": "valence",
            "fold": 0,
            "seed": seed,
            "window": np.arange(labels.size),
            "participant": participant,
            "clip": clip,
            "probability": scores,
            "truth": labels,
        }
    )


def exact_p(labels=LABELS, scores=SCORES):
    """Enumerate every order of each person's trials, and count."""
    orders = []
    for rows in (slice(0, 6), slice(6, 12)):
        of_trial = labels[rows][::2]
        orders.append([np.repeat(o, 2) for o in itertools.permutations(of_trial)])
    values = [
        np.mean([metrics.auc(a, scores[:6]), metrics.auc(b, scores[6:])])
        for a, b in itertools.product(*orders)
    ]
    observed = np.mean([metrics.auc(labels[:6], scores[:6]), metrics.auc(labels[6:], scores[6:])])
    return np.mean(np.array(values) >= observed - 1e-12)


def test_examples_in_docstrings():
    assert doctest.testmod(permutation).failed == 0


def test_areas_equal_those_of_the_metric():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (5, 30))
    labels[3] = 1
    scores = rng.integers(0, 8, (5, 30)) / 8  # with ties
    expected = [metrics.auc(y, s) for y, s in zip(labels, scores, strict=True)]
    np.testing.assert_allclose(areas(labels, scores), expected)
    one_row = mean_areas(labels[:1], scores[:1], np.repeat([1, 2, 3], 10))
    of_person = [metrics.auc(labels[0, i : i + 10], scores[0, i : i + 10]) for i in (0, 10, 20)]
    assert one_row == pytest.approx(np.nanmean(of_person))


def test_p_of_a_tiny_case_is_that_of_full_enumeration():
    n = 20_000
    test = chance_test(frame(), n_permutations=n)
    exact = exact_p()
    assert exact == pytest.approx(3 / 9)  # 9 different orders, 3 of them at least as good
    low, high = binom.interval(0.999, n, exact)
    assert low / n <= test.p <= high / n
    assert test.observed == pytest.approx(
        np.mean([metrics.auc(LABELS[:6], SCORES[:6]), metrics.auc(LABELS[6:], SCORES[6:])])
    )


def test_p_counts_the_observed_order_among_the_permutations():
    test = permutation.PermutationTest(0.6, np.array([0.5, 0.6, 0.7]))
    assert test.p == 3 / 4
    assert permutation.PermutationTest(0.9, np.full(999, 0.5)).p == 1 / 1000


def test_permutations_keep_trials_whole_and_participants_shares():
    labels = np.repeat([0, 1, 1, 0, 0, 1], [3, 1, 2, 4, 1, 1])
    participant = np.repeat([4, 4, 4, 9, 9, 9], [3, 1, 2, 4, 1, 1])
    trial = np.repeat([1, 2, 3, 1, 2, 3], [3, 1, 2, 4, 1, 1])
    permuted = permuted_labels(labels, participant, trial, 200, seed=1)
    by_trial = pd.DataFrame(permuted.T).groupby([participant, trial])
    assert (by_trial.nunique() == 1).all(axis=None)
    of_person = by_trial.first().groupby(level=0).sum()
    assert (of_person.loc[4] == 2).all() and (of_person.loc[9] == 1).all()
    assert len(np.unique(permuted, axis=0)) == 9  # three orders for each of the two
    again = permuted_labels(labels, participant, trial, 200, seed=1)
    np.testing.assert_array_equal(permuted, again)


def test_labels_that_differ_within_a_trial_are_refused():
    labels = LABELS.copy()
    labels[9] = 0
    with pytest.raises(DataError, match="participant 2, clip 2, field labels: windows of one"):
        permuted_labels(labels, PEOPLE, TRIALS)


def test_several_seeds_are_averaged_and_must_test_the_same_windows():
    other = frame(scores=1 - SCORES, seed=1)
    test = chance_test(pd.concat([frame(), other]), n_permutations=9)
    assert test.observed == pytest.approx(0.5)
    with pytest.raises(DataError, match="different windows"):
        chance_test(pd.concat([frame(), other.iloc[1:]]))
    with pytest.raises(DataError, match="one result"):
        chance_test(pd.concat([frame(), other.assign(model="n")]))


def test_participants_with_one_class_are_left_out_of_the_mean():
    labels = np.append(LABELS, np.ones(6, int))
    scores = np.append(SCORES, np.linspace(0, 1, 6))
    people, trials = np.append(PEOPLE, np.full(6, 3)), np.append(TRIALS, TRIALS[:6])
    test = chance_test(frame(labels, scores, people, trials), n_permutations=9)
    assert test.observed == pytest.approx(chance_test(frame(), n_permutations=9).observed)
    with pytest.raises(DataError, match=r"every participant \(1\)"):
        mean_areas(np.ones((1, 4)), np.zeros((1, 4)), np.ones(4))


def test_refitting_finds_an_effect_and_trains_for_every_permutation():
    rng = np.random.default_rng(0)
    participant = np.repeat(np.arange(8), 20)
    trial = np.tile(np.repeat(np.arange(10), 2), 8)
    labels = np.repeat(rng.integers(0, 2, 80), 2)
    features = rng.normal(size=(160, 5))
    features[:, 2] += labels
    seen = []

    def score(labelings):
        seen.append(len(labelings))
        return linear_scores(features, participant, labelings)

    test = refit_test(score, labels, participant, trial, n_permutations=99)
    assert seen == [100]
    assert test.p == 0.01
    assert test.observed > 0.7
    assert abs(test.permuted.mean() - 0.5) < 0.03


def test_sign_flips_equal_full_enumeration_and_count_both_directions():
    differences = np.array([0.1, 0.3, -0.05, 0.2])
    signs = np.array(list(itertools.product((-1, 1), repeat=4)))
    exact = np.mean(np.abs(signs @ differences) >= abs(differences.sum()) - 1e-12)
    n = 20_000
    test = sign_flip_test(differences, n_permutations=n)
    low, high = binom.interval(0.999, n, exact)
    assert low / n <= test.p <= high / n
    assert test.p == sign_flip_test(-differences, n_permutations=n).p
    assert sign_flip_test(np.zeros(5)).p == 1
    with pytest.raises(DataError, match="1 of them not finite"):
        sign_flip_test(np.array([0.1, np.nan]))
