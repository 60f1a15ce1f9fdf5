"""Ratings from 1 to 5: models, metrics and their summary."""

import numpy as np
import pytest

from ecglib.core.errors import DataError
from ecglib.evaluation.rating_metrics import (
    spearman,
)
from ecglib.transfer.ordinal import MEAN, MEDIAN, ORDINAL, RIDGE, OrdinalLogistic, rating_models


def test_the_ordinal_model_recovers_an_order_and_gives_probabilities():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((600, 2))
    y = np.digitize(X[:, 0] + 0.3 * rng.standard_normal(600), [-1, -0.3, 0.3, 1]) + 1
    fitted = OrdinalLogistic(C=10.0).fit(X, y)
    shares = fitted.predict_proba(X)
    assert shares.shape == (600, 5)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert (shares >= 0).all()
    assert spearman(y, fitted.predict(X)) > 0.9
    assert np.mean(shares.argmax(axis=1) + 1 == y) > 0.7
    grid = np.column_stack([np.linspace(-3, 3, 50), np.zeros(50)])
    assert (np.diff(fitted.predict(grid)) > 0).all()


def test_crossing_probabilities_are_put_in_order():
    class Crossing(OrdinalLogistic):
        def probability_above(self, X):
            return np.array([[0.8, 0.5, 0.6, 0.1]])

    shares = Crossing().predict_proba(np.zeros((1, 1)))
    np.testing.assert_allclose(shares, [[0.2, 0.3, 0.0, 0.4, 0.1]], atol=1e-12)
    np.testing.assert_allclose(Crossing().predict(np.zeros((1, 1))), [3.0])


def test_a_rating_that_nobody_gave_in_training_gets_no_probability():
    X, y = np.array([[0.0], [0.1], [0.9], [1.0]]), np.array([2, 2, 3, 3])
    shares = OrdinalLogistic().fit(X, y).predict_proba(X)
    np.testing.assert_allclose(shares[:, [0, 3, 4]], 0)
    np.testing.assert_allclose(shares.sum(axis=1), 1)


def test_something_else_than_a_rating_is_refused():
    with pytest.raises(DataError, match=r"rating 2\.5.*whole number from 1 to 5"):
        OrdinalLogistic().fit(np.zeros((2, 1)), np.array([1, 2.5]))


def test_a_scale_may_have_another_number_of_steps():
    X, y = np.arange(9.0)[:, None], np.repeat([1, 2, 3], 3)
    fitted = OrdinalLogistic(C=100.0, highest=3).fit(X, y)
    assert fitted.predict_proba(X).shape == (9, 3)
    np.testing.assert_array_equal(fitted.predict_proba(X).argmax(axis=1) + 1, y)
    with pytest.raises(DataError, match=r"rating 4.*from 1 to 3"):
        OrdinalLogistic(highest=3).fit(X, y + 1)


def test_models_are_the_four_of_the_book_with_penalties_that_count_trials():
    models = rating_models(6, 2.5)
    assert list(models) == [MEDIAN, MEAN, RIDGE, ORDINAL]
    assert models[RIDGE][-1].alpha == 15
    assert pytest.approx(1 / 15) == models[ORDINAL][-1].C
    X, y = np.random.default_rng(0).normal(size=(40, 6)), np.repeat([1, 2, 4, 5], 10)
    assert models[MEDIAN].fit(X, y).predict(X[:1]).tolist() == [3]
    assert models[MEAN].fit(X, y).predict(X[:1]).tolist() == [3]
    rescaled = X * [1, 10, 0.1, 5, 1, 1] + 3  # standardised on the training windows
    for name in (RIDGE, ORDINAL):
        one, other = (models[name].fit(x, y).predict(x) for x in (X, rescaled))
        np.testing.assert_allclose(one, other, atol=1e-3)
