import numpy as np
import pandas as pd
import pytest

from ecglib.errors import DataError
from ecglib.metrics import SHARED_TRAINING, bootstrap_interval
from ecglib.probes import (
    PROBES,
    band_powers,
    mean_over_participants,
    probe_chance,
    run_probe,
)

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


def test_a_sine_lies_in_the_band_of_its_frequency():
    fs, seconds = 64.0, 10
    time = np.arange(int(fs * seconds)) / fs
    waves = np.sin(2 * np.pi * np.array([[0.5], [5.5], [11.5]]) * time).astype(np.float32)
    powers = band_powers(waves, fs, n_bands=20)
    assert powers.shape == (3, 20)
    assert powers.dtype == np.float32
    np.testing.assert_array_equal(powers.argmax(axis=1), [0, 5, 11])
    assert np.isfinite(band_powers(np.zeros((1, 640)), fs, n_bands=20)).all()


@pytest.mark.parametrize(("length", "n_bands"), [(40, 10), (640, 33)])
def test_bands_that_the_windows_do_not_have_are_refused(length, n_bands):
    with pytest.raises(DataError, match="bands"):
        band_powers(np.zeros((1, length)), 64.0, n_bands)


def test_the_mean_leaves_out_who_is_undefined_and_widens_for_shared_training():
    values = pd.Series([0.4, 0.5, np.nan, 0.6, 0.55, 0.45])
    once = mean_over_participants(values, several_folds=False)
    shared = mean_over_participants(values, several_folds=True)
    assert once["mean"] == pytest.approx(0.5)
    assert once["n_participants"] == 5
    low, high = bootstrap_interval(values.dropna().to_numpy())
    assert (once["low"], once["high"]) == pytest.approx((low, high))
    assert shared["high"] - shared["low"] == pytest.approx(SHARED_TRAINING * (high - low))


def test_few_participants_have_a_mean_and_no_interval():
    found = mean_over_participants(pd.Series([0.2, 0.4]), several_folds=False)
    assert found["mean"] == pytest.approx(0.3)
    assert np.isnan([found["low"], found["high"]]).all()
