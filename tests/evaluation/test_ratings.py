"""Ratings of new people: who is learnt, and who is not."""

import numpy as np
import pandas as pd
import pytest

from ecglib.evaluation.protocols import RATING_COLUMNS
from ecglib.evaluation.rating_metrics import rating_metrics
from ecglib.evaluation.ratings import evaluate_ratings
from ecglib.transfer.ordinal import MEAN, MEDIAN, ORDINAL, RIDGE, rating_models


def make_cohort(n_people=6, n_clips=10, seed=0):
    rng = np.random.default_rng(seed)
    n = n_people * n_clips
    meta = pd.DataFrame(
        {
            "participant": np.repeat(np.arange(1, n_people + 1), n_clips),
            "clip": np.tile(np.arange(1, n_clips + 1), n_people),
            "valence": rng.integers(1, 6, n),
            "arousal": rng.integers(1, 6, n),
            "dominance": rng.integers(1, 6, n),
        }
    )
    X = rng.standard_normal((n, 4))
    X[:, 0] += meta["valence"]
    return meta, X


def test_models_beat_the_baselines_where_there_is_something_to_find():
    meta, X = make_cohort()
    features = dict.fromkeys(range(1, 7), X)
    rows = evaluate_ratings(
        rating_models(4, 1), features, meta, ["valence", "arousal"], regime="strict"
    )
    assert list(rows.columns) == list(RATING_COLUMNS)
    assert rows["predicted"].between(1, 5).all()
    assert (rows.groupby(["model", "target"])["window"].nunique() == len(meta)).all()
    mean = rating_metrics(rows).groupby(["target", "model"]).mean()
    for model in (RIDGE, ORDINAL):
        assert mean.loc["valence", "macro_mae"][model] < mean.loc["valence", "macro_mae"][MEDIAN]
        assert mean.loc[("valence", model), "concordance"] > 0.5
        assert abs(mean.loc[("arousal", model), "spearman"]) < 0.4
    ratings = meta["valence"][meta["participant"] != 3]
    of_three = rows.query("participant == 3 and target == 'valence'").groupby("model")["predicted"]
    assert of_three.unique()[MEAN] == pytest.approx(ratings.mean())
    assert of_three.unique()[MEDIAN] == pytest.approx(ratings.median())


def test_ratings_of_the_tested_person_are_never_learnt():
    meta, X = make_cohort()
    features, models = dict.fromkeys(range(1, 7), X), rating_models(4, 1)
    before = evaluate_ratings(models, features, meta, ["valence"], regime="r")
    other = meta.assign(valence=np.where(meta["participant"] == 2, 1, meta["valence"]))
    after = evaluate_ratings(models, features, other, ["valence"], regime="r")
    mine = before["participant"] == 2
    np.testing.assert_array_equal(before["predicted"][mine], after["predicted"][mine])
    assert not np.array_equal(before["predicted"][~mine], after["predicted"][~mine])
