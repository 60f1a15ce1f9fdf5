"""Missing values never reach a classifier, and the margin classifier is the plain one."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.svm import SVC

from ecglib.core.errors import DataError
from ecglib.features.heartbeats import FEATURES, BeatFeatures
from ecglib.transfer.classical import MarginSVC, classifiers, design_matrix

N_FEATURES = len(FEATURES)


def make_table(n, seed=0, missing=0.1):
    rng = np.random.default_rng(seed)
    valid = rng.random((n, N_FEATURES)) >= missing
    return BeatFeatures(np.where(valid, rng.normal(size=valid.shape), 0.0), valid)


class Spy(ClassifierMixin, BaseEstimator):
    """Keeps what it was given."""

    seen: list[np.ndarray]

    def fit(self, X, y):
        self.classes_, self.seen = np.unique(y), [X]
        return self

    def predict_proba(self, X):
        self.seen.append(X)
        return np.full((len(X), 2), 0.5)


def spied(name="HRV logistic"):
    pipeline = classifiers()[name]
    return pipeline.set_params(**{pipeline.steps[-1][0]: Spy()})


@pytest.mark.parametrize("name", classifiers())
def test_missing_values_never_reach_the_classifier(name):
    table, y = make_table(60), np.arange(60) % 2
    table.valid[:40, 3], table.values[:40, 3] = False, 0.0  # missing in all training windows
    table.valid[50] = False  # a window without any feature
    table.values[50] = 0.0
    design = design_matrix(table)
    assert np.isfinite(design).all()
    spy = spied(name).fit(design[:40], y[:40])
    spy.predict_proba(design[40:])
    for given in spy[-1].seen:
        assert np.isfinite(given).all()
    probability = classifiers()[name].fit(design[:40], y[:40]).predict_proba(design[40:])[:, 1]
    assert ((probability >= 0) & (probability <= 1)).all()


def test_what_is_missing_becomes_the_training_median():
    table = make_table(60)
    spy = spied().fit(design_matrix(table)[:40], np.arange(40) % 2)
    imputer = spy.named_steps["simpleimputer"]
    known = np.where(table.valid, table.values, np.nan)[:40]
    np.testing.assert_allclose(imputer.statistics_, np.nanmedian(known, axis=0))
    scaled = spy[-1].seen[0]
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-12)
    assert scaled.shape[1] == N_FEATURES + (~table.valid[:40]).any(axis=0).sum()


def test_the_margin_classifier_decides_and_ranks_as_the_plain_one():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(80, 4)), rng.integers(0, 2, 80)
    y[:20] = 1
    plain, margin = SVC().fit(X, y), clone(MarginSVC()).fit(X, y)
    probability = margin.predict_proba(X)
    np.testing.assert_array_equal(probability[:, 1] > 0.5, plain.predict(X) == 1)
    np.testing.assert_array_equal(
        np.argsort(probability[:, 1]), np.argsort(plain.decision_function(X))
    )
    np.testing.assert_allclose(probability.sum(axis=1), 1)


def test_the_margin_classifier_takes_a_table_as_it_was_fitted():
    table = pd.DataFrame({"heart rate": [60.0, 61.0, 80.0, 81.0]})
    model = MarginSVC(kernel="linear").fit(table, [0, 0, 1, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # that names of columns were lost
        high = model.predict_proba(table)[:, 1]
    assert ((high > 0.5) == [False, False, True, True]).all()
    with pytest.raises(DataError, match="field X: nan"):
        model.predict_proba(table * np.nan)
