"""Each defect of the released code does what it says and nothing else."""

import numpy as np
import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.data.cohort import Cohort
from ecglib.data.labels import label_matrix
from ecglib.evaluation.released import (
    dominance_as_valence,
    last_file_scaling,
    released_protocol,
    rescale,
    score,
    shuffle_trials,
)
from ecglib.evaluation.released_metrics import released_metrics
from ecglib.evaluation.splits import WindowKFold
from ecglib.preprocessing.normalisation import trimmed_stats
from ecglib.preprocessing.quality import MISSING
from ecglib.preprocessing.segmentation import WindowConfig, cut, make_windows, prepare
from ecglib.transfer.frozen import HeadConfig
from tests.cohorts import rated_windows

FS = 256
TINY = HeadConfig(hidden=(4,), epochs=2, batch_size=32)


@pytest.fixture(scope="module")
def meta():
    return rated_windows()


@pytest.fixture(scope="module")
def features(meta):
    return np.random.default_rng(1).normal(size=(len(meta), 5)).astype("float32")


def test_score_pools_and_averages_over_folds():
    rows = pd.DataFrame(
        {
            "fold": [0, 0, 0, 1, 1, 1],
            "truth": [1, 1, 0, 0, 0, 1],
            "probability": [0.9, 0.4, 0.2, 0.1, 0.3, 0.8],
        }
    )
    scores = score(rows)
    assert scores["accuracy"] == pytest.approx(5 / 6)
    first = released_metrics(np.array([1, 1, 0]), np.array([1, 0, 0]))["f1"]
    assert scores["f1_folds"] == pytest.approx((first + 1) / 2)
    # Training windows of fold 0 are mostly low, its test windows mostly high, and the other way.
    assert scores["majority"] == pytest.approx(2 / 6)


def test_the_protocol_tests_every_window_once(meta, features):
    rows = released_protocol(features, meta, "arousal", TINY, n_splits=4, seed=3)
    assert sorted(rows["window"]) == list(range(len(meta)))
    assert rows["protocol"].unique().tolist() == ["window-kfold"]
    for fold, (_, test) in enumerate(WindowKFold(4, 3).split(meta)):
        assert set(rows.loc[rows["fold"] == fold, "window"]) == set(test)
    again = released_protocol(features, meta, "arousal", TINY, n_splits=4, seed=3)
    pd.testing.assert_frame_equal(rows, again)


def test_dominance_as_valence_uses_the_dominance_column(meta, features):
    frame = dominance_as_valence(meta)
    assert frame["valence"].tolist() == meta["dominance"].tolist()
    assert frame["dominance"].equals(meta["dominance"])
    assert not meta["valence"].equals(meta["dominance"])

    read = released_protocol(features, frame, "valence", TINY, n_splits=3)
    named = released_protocol(features, meta, "dominance", TINY, n_splits=3)
    assert read["truth"].tolist() == label_matrix(meta, ["dominance"])[read["window"], 0].tolist()
    # The same head on the same truth: nothing differs but the name.
    np.testing.assert_array_equal(read["probability"], named["probability"])


def test_shuffle_trials_keeps_people_and_trials(meta):
    shuffled = shuffle_trials(meta, "valence", seed=0)
    trial = ["participant", "clip"]
    assert (shuffled.groupby(trial)["valence"].nunique() == 1).all()
    for frame in (shuffled, shuffle_trials(meta, "valence", seed=1)):
        before, after = (
            f.drop_duplicates(trial).groupby("participant")["valence"].apply(sorted)
            for f in (meta, frame)
        )
        assert before.equals(after)
        assert not frame["valence"].equals(meta["valence"])
        assert frame.drop(columns="valence").equals(meta.drop(columns="valence"))
    assert shuffled.equals(shuffle_trials(meta, "valence", seed=0))


def heart(seconds, amplitude, seed):
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * FS)) / FS
    beats = np.exp(-0.5 * (((t % 0.85) - 0.4) / 0.012) ** 2)
    leads = np.stack([500 * beats, 800 * beats], axis=1) * amplitude
    return 2000 + leads + rng.normal(0, 8, (len(t), 2))


@pytest.fixture(scope="module")
def cohort():
    rows, signals = [], []
    for participant, n_clips in ((2, 3), (5, 2)):
        for clip in range(1, n_clips + 1):
            for condition, seconds in (("baseline", 20), ("stimulus", 41 + clip)):
                signal = heart(seconds, 1 + clip / 4, 10 * participant + clip)
                rows.append(
                    {
                        "participant": participant,
                        "clip": clip,
                        "condition": condition,
                        "n_samples": len(signal),
                        "duration": len(signal) / FS,
                        "valence": clip,
                        "arousal": 3,
                        "dominance": 4,
                        "age": 30,
                        "gender": "male",
                    }
                )
                signals.append(signal)
    return Cohort("synthetic", float(FS), pd.DataFrame(rows), tuple(signals))


def from_raw(cohort, config):
    """Windows normalised by the last stimulus recording alone, made from the raw samples."""
    made = []
    rows = cohort.recordings[cohort.recordings["condition"] == "stimulus"]
    last = rows.groupby("participant").tail(1).set_index("participant")
    for row in rows.itertuples():
        at = rows.index[(rows["participant"] == row.participant)][-1]
        assert rows.loc[at, "clip"] == last.loc[row.participant, "clip"]
        for lead in config.leads:
            filtered, codes = prepare(cohort.signals[at][:, lead - 1], FS, config)
            mean, sd = trimmed_stats(filtered[codes != MISSING])
            x, _ = prepare(cohort.signals[row.Index][:, lead - 1], FS, config)
            made.append((cut(x, FS, 10, 0, config.last_s)[0] - mean) / sd)
    return np.concatenate(made)


@pytest.mark.parametrize("config", [WindowConfig(leads=(1, 2)), WindowConfig(last_s=20.0)])
def test_rescaled_windows_are_those_of_the_last_file(cohort, config):
    windows = make_windows(cohort, config)
    scaling = last_file_scaling(windows, cohort, config)
    rescaled = rescale(windows, scaling)
    np.testing.assert_allclose(rescaled.X, from_raw(cohort, config), atol=2e-5)
    assert rescaled.X.dtype == np.float32
    assert rescaled.meta.equals(windows.meta)
    # The last clips are the loudest, so by their own statistics everything gets smaller.
    assert len(scaling) == 2 * len(config.leads)
    assert (scaling["gain"] < 0.95).all()


def test_rescaling_works_on_chosen_windows(cohort):
    windows = make_windows(cohort)
    scaling = last_file_scaling(windows, cohort, WindowConfig())
    chosen = np.arange(len(windows)) % 3 == 1
    some, everything = rescale(windows.select(chosen), scaling), rescale(windows, scaling)
    np.testing.assert_array_equal(some.X, everything.X[chosen])
    with pytest.raises(DataError, match="participant 5"):
        rescale(windows, scaling[scaling["participant"] == 2])


def test_scaling_refuses_windows_of_which_some_are_left_out(cohort):
    windows = make_windows(cohort)
    some = windows.select(np.arange(len(windows)) != len(windows) - 1)
    with pytest.raises(DataError, match="participant 5"):
        last_file_scaling(some, cohort, WindowConfig())
