"""The results that travel are those that a fresh clone asks for, and say what made them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecglib.core.artifacts import load_arrays
from ecglib.core.errors import DataError
from ecglib.core.folders import HOME
from ecglib.studies import pretraining, shipping, stages
from ecglib.studies.profiles import QUICK
from ecglib.studies.shipping import ship, travellers
from ecglib.studies.study import Study
from ecglib.synthetic.cohort import CohortSpec
from tests.studies.fakes import outline
from tests.studies.tiny import SPEC

RESULTS = Path(__file__).parents[2] / "results"

OF_REAL_HEARTS = {
    "real-scores",
    "real-probes",
    "real-recognition",
    "real-crossing",
    "pooling-scores",
}
"""Stages whose tables `make real` puts there; their own tests read them."""


@pytest.fixture
def default():
    return outline(QUICK, CohortSpec().n_participants)


def test_the_results_that_travel_are_those_that_the_default_study_asks_for(default):
    """Otherwise a fresh clone would compute for long what it was meant to read."""
    names = {stage.file(one) for stage, sources, _ in travellers(default) for one in sources}
    found = {path.name for path in RESULTS.iterdir()}
    others = {name for name in found if name.rsplit("-v", 1)[0] in OF_REAL_HEARTS}
    assert found - others == names
    assert len(others) == len(OF_REAL_HEARTS)


def test_the_results_that_travel_say_themselves_what_made_them(default):
    for stage, sources, _ in travellers(default):
        for source in sources:
            stage.read(RESULTS / stage.file(source), source)
    source = pretraining.contrastive_source(default, 0)
    stored = load_arrays(RESULTS / stages.CONTRASTIVE.file(source))
    np.testing.assert_array_equal(
        stored[pretraining.TRAINED_ON], pretraining._people_outside(default, 0)
    )


def test_what_is_missing_is_made_and_copied_once(study, tmp_path, monkeypatch):
    monkeypatch.setenv(HOME, str(tmp_path))
    made = []
    stage, source = stages.CONTRASTIVE, pretraining.contrastive_source(study, 0)

    def make():
        made.append(1)
        stage.cached(source, lambda: {"x": np.zeros(2)}, tmp_path / "artifacts")

    clone = Study(study.path, study.profile, tmp_path / "artifacts", SPEC)
    monkeypatch.setattr(shipping, "travellers", lambda study: [(stage, [source], make)])
    (copy,) = ship(clone)
    assert copy == tmp_path / "results" / stage.file(source) and copy.is_file()
    assert made == [1]
    assert ship(clone) == [copy]


def test_results_of_real_data_are_not_shipped(study, tmp_path):
    real = Study(study.path, study.profile, tmp_path, SPEC)
    vars(real)["cohort"] = replace(study.cohort, name="DREAMER")
    with pytest.raises(DataError, match=r"results of DREAMER"):
        ship(real)
    assert not list(tmp_path.iterdir())
