"""What is kept of the feature maps, and encoders from elsewhere, on a tiny synthetic study."""

import numpy as np
import pytest

from ecglib.evaluation.protocols import CONTRASTIVE, RANDOM, STR
from ecglib.studies.crossing import HERE, scores_here
from ecglib.studies.pooling import own_encoders, pooling_scores, rating_scores
from ecglib.studies.real import CLINIC
from ecglib.studies.study import Study
from tests.studies.tiny import SPEC, TINY


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return Study(profile=TINY, spec=SPEC, folder=tmp_path_factory.mktemp("pooling"))


def test_every_way_of_pooling_scores_every_person(study):
    table = pooling_scores(study)
    people = study.usable.meta["participant"].nunique()
    sizes = table.groupby(["pretext", "trained", "pooling", "target"]).size()
    assert (sizes == people).all()
    ways = set(map(tuple, table[["trained", "pooling"]].drop_duplicates().to_numpy()))
    assert ways == {("max", p) for p in ("max", "mean", "both", "scales")} | {("mean", "mean")}
    assert set(table["pretext"]) == {RANDOM, STR, CONTRASTIVE}
    assert table["auc"].dropna().between(0, 1).all()


def test_a_person_is_scored_by_the_encoder_that_never_saw_the_group(study):
    assert len(own_encoders(study, RANDOM)) == 1
    assert len(own_encoders(study, STR)) == len(study.groups)
    meta = study.usable.meta
    high = (meta["arousal"] > 3).to_numpy(float)[:, None]
    noise = np.random.default_rng(0).normal(size=high.shape)
    parts = [high, *[noise] * (len(study.groups) - 1)]
    found = rating_scores(study, parts)
    found = found[found["target"] == "arousal"].dropna()
    first = found["participant"].map(study.group_of) == 0
    assert (found.loc[first, "auc"] == 1).all()


def test_encoders_that_ship_are_scored_beside_those_of_the_cohort(study):
    table = scores_here(study)
    assert set(table["source"]) == {HERE, CLINIC, "nobody"}
    cases = table.groupby(["pretext", "source", "pooling", "target"]).size()
    assert len(cases) == 5 * 2 * 3
    assert table["auc"].dropna().between(0, 1).all()
