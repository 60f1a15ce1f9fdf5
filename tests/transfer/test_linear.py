import numpy as np
import pytest

from ecglib.core.errors import DataError
from ecglib.transfer import linear
from ecglib.transfer.linear import design_matrix, linear_classifier, linear_scores


def test_linear_scores_equal_ridge_regression_fold_by_fold():
    from sklearn.linear_model import Ridge

    rng = np.random.default_rng(0)
    participant = np.repeat([3, 5, 8], [20, 30, 25])
    features = rng.normal(size=(75, 4)) * [1, 10, 0.1, 1] + [0, 5, 0, 1]
    features[:, 3] = 2.0  # constant: says nothing
    labels = rng.integers(0, 2, (2, 75))
    got = linear_scores(features, participant, labels)
    for person in (3, 5, 8):
        test, train = participant == person, participant != person
        scale = features[train].std(axis=0)
        scale[3] = 1
        for row in range(2):
            ridge = Ridge(alpha=linear.PENALTY * train.sum())
            ridge.fit(features[train] / scale, labels[row, train])
            expected = ridge.predict(features[test] / scale)
            ours = got[row, test]
            np.testing.assert_allclose(
                ours - ours.mean(), expected - expected.mean(), rtol=1e-6, atol=1e-9
            )
    some = linear_scores(features, participant, labels, tested=[5])
    assert np.isnan(some[:, participant != 5]).all()
    np.testing.assert_allclose(some[:, participant == 5], got[:, participant == 5])


def test_a_participants_own_labels_never_reach_its_scores():
    rng = np.random.default_rng(1)
    participant = np.repeat(np.arange(4), 10)
    features, labels = rng.normal(size=(40, 3)), rng.integers(0, 2, (1, 40))
    changed = labels.copy()
    changed[0, :10] = 1 - changed[0, :10]
    before, after = (linear_scores(features, participant, y) for y in (labels, changed))
    np.testing.assert_allclose(before[0, :10], after[0, :10])
    assert not np.allclose(before[0, 10:], after[0, 10:])


def test_unusable_features_are_refused():
    labels = np.array([[0, 1, 0, 1]])
    with pytest.raises(DataError, match="3 rows of features for 4 labels"):
        linear_scores(np.zeros((3, 2)), np.array([1, 1, 2, 2]), labels)
    with pytest.raises(DataError, match="1 participant"):
        linear_scores(np.zeros((4, 2)), np.ones(4), labels)
    features = np.array([[1.0, 2.0], [np.nan, 1.0], [0.0, np.inf], [1.0, 1.0]])
    with pytest.raises(DataError, match="2 values not finite"):
        linear_scores(features, np.array([1, 1, 2, 2]), labels)


def test_a_stranger_has_no_intercept_and_a_known_person_has():
    participant = np.repeat([1, 2], 20)
    y = np.concatenate([np.zeros(20), np.ones(20)])
    fitted = linear_classifier(0, windows_per_trial=1).fit(
        design_matrix(np.zeros((40, 0)), participant), y
    )
    low, high, stranger = fitted.predict_proba(np.array([[1.0], [2.0], [9.0]]))[:, 1]
    assert low < 0.2
    assert high > 0.8
    assert stranger == pytest.approx(0.5, abs=0.01)


def test_a_trial_counts_once_however_many_windows_it_has():
    rng = np.random.default_rng(0)
    X, y, participant = rng.normal(size=(48, 3)), np.arange(48) % 2, np.repeat(np.arange(6), 8)
    design = design_matrix(X + y[:, None] * [1, 0, 0], participant)
    once = linear_classifier(3, 1).fit(design, y)
    thrice = linear_classifier(3, 3).fit(np.repeat(design, 3, axis=0), np.repeat(y, 3))
    np.testing.assert_allclose(once.predict_proba(design), thrice.predict_proba(design), atol=1e-3)
