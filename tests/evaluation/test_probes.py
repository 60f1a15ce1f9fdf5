import numpy as np
import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.evaluation.probes import PROBES, probe_chance, run_probe

N_PEOPLE, N_CLIPS, N_WINDOWS = 8, 6, 5


@pytest.fixture
def meta():
    grid = np.indices((N_PEOPLE, N_CLIPS, N_WINDOWS)).reshape(3, -1) + 1
    return pd.DataFrame({"participant": grid[0], "clip": grid[1], "start": 10.0 * grid[2]})


def plant(meta, columns, rng, size=6):
    """Features that tell the combination of some columns, and little noise."""
    key = meta.groupby(columns).ngroup().to_numpy()
    centres = rng.normal(size=(key.max() + 1, size))
    return centres[key] + 0.1 * rng.normal(size=(len(meta), size))


@pytest.mark.parametrize("identity", list(PROBES))
def test_a_planted_identity_is_found(meta, identity):
    features = plant(meta, list(PROBES[identity].columns), np.random.default_rng(0))
    accuracy = run_probe(features, meta, identity)
    assert list(accuracy.index) == list(range(1, N_PEOPLE + 1))
    assert accuracy.mean() > 0.95


@pytest.mark.parametrize("identity", list(PROBES))
def test_noise_is_named_as_often_as_guessing_would(meta, identity):
    noise = np.random.default_rng(1).normal(size=(len(meta), 6))
    chance = probe_chance(meta, identity)
    error = np.sqrt(chance * (1 - chance) / len(meta))
    assert abs(run_probe(noise, meta, identity).mean() - chance) < 4 * error


def test_what_marks_one_recording_does_not_help_to_name_the_person_in_another(meta):
    features = plant(meta, ["participant", "clip"], np.random.default_rng(2))
    assert run_probe(features, meta, "trial").mean() > 0.95
    assert run_probe(features, meta, "participant").mean() < 0.3
    assert run_probe(features, meta, "clip").mean() < 0.35


def test_the_clip_probe_is_tested_on_new_people(meta):
    folds = list(PROBES["clip"].splitter(4, 0).split(meta))
    people = meta["participant"].to_numpy()
    assert all(not set(people[train]) & set(people[test]) for train, test in folds)


def test_chance_is_one_in_the_number_of_identities(meta):
    found = {identity: probe_chance(meta, identity) for identity in PROBES}
    assert found == pytest.approx(
        {"participant": 1 / N_PEOPLE, "clip": 1 / N_CLIPS, "trial": 1 / (N_PEOPLE * N_CLIPS)}
    )


def test_bad_input_is_refused_by_name(meta):
    features = np.zeros((len(meta), 2))
    with pytest.raises(DataError, match="weather"):
        run_probe(features, meta, "weather")
    with pytest.raises(DataError, match="features of shape"):
        run_probe(features[1:], meta, "clip")
    with pytest.raises(DataError, match="1 of them not finite"):
        run_probe(np.where(np.arange(len(meta))[:, None] == 3, [[np.nan, 0]], 0), meta, "clip")
    with pytest.raises(DataError, match="one clip"):
        run_probe(features[meta["clip"] == 1], meta[meta["clip"] == 1], "clip")
