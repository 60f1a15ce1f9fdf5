from dataclasses import replace
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_score, recall_score

from ecglib import heads, released, released_plots
from ecglib.cohort import Cohort
from ecglib.errors import DataError
from ecglib.evaluation import label_matrix
from ecglib.heads import RELEASED_HEAD, HeadConfig
from ecglib.profiles import PAPER, QUICK
from ecglib.quality import MISSING
from ecglib.released import (
    BEST,
    BEST_OF_NOTHING,
    CORRECTED,
    DOMINANCE,
    LAST_FILE,
    MEAN_FIRST,
    NOTHING,
    RATINGS,
    SHUFFLED,
    Refits,
    best_of,
    dominance_as_valence,
    effects,
    last_file_scaling,
    optimism,
    refit,
    released_head,
    released_metrics,
    released_protocol,
    rescale,
    score,
    shuffle_trials,
)
from ecglib.scaling import trimmed_stats
from ecglib.splits import WindowKFold
from ecglib.windows import WindowConfig, cut, make_windows, prepare

FS = 256
TINY = HeadConfig(hidden=(4,), epochs=2, batch_size=32)


@pytest.fixture(scope="module")
def meta():
    rng = np.random.default_rng(0)
    trials = pd.DataFrame(
        [(p, c, *rng.integers(1, 6, 3)) for p in range(1, 7) for c in range(1, 6)],
        columns=["participant", "clip", "valence", "arousal", "dominance"],
    )
    windows = trials.loc[trials.index.repeat(4)].reset_index(drop=True)
    return windows.assign(condition="stimulus", lead=1)


@pytest.fixture(scope="module")
def features(meta):
    return np.random.default_rng(1).normal(size=(len(meta), 5)).astype("float32")


# --- the metric -------------------------------------------------------------------------------


def test_released_metrics_by_hand():
    # High: 2 of 2 predicted are right, 2 of 3 found. Low: 1 of 2 right, 1 of 1 found.
    scores = released_metrics(np.array([1, 1, 1, 0]), np.array([1, 1, 0, 0]))
    precision, recall = (1 + 1 / 2) / 2, (2 / 3 + 1) / 2
    assert scores["accuracy"] == 3 / 4
    assert scores["precision"] == pytest.approx(precision)
    assert scores["recall"] == pytest.approx(recall)
    assert scores["f1"] == pytest.approx(2 * precision * recall / (precision + recall))
    assert scores["mean_f1"] == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert scores["f1"] - scores["mean_f1"] > 0.05


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_released_metrics_against_scikit_learn(pairs):
    truth, predicted = np.array(pairs).T
    scores = released_metrics(truth.astype(int), predicted)
    options = {"average": "macro", "zero_division": 0}
    assert scores["precision"] == pytest.approx(precision_score(truth, predicted, **options))
    assert scores["recall"] == pytest.approx(recall_score(truth, predicted, **options))
    assert scores["mean_f1"] == pytest.approx(f1_score(truth, predicted, **options))
    # The harmonic mean is concave, so that of the means is never below the mean of those.
    assert scores["f1"] >= scores["mean_f1"] - 1e-12


def test_a_class_never_predicted_has_precision_zero():
    scores = released_metrics(np.array([1, 1, 1, 0]), np.ones(4))
    assert scores["precision"] == 3 / 8
    assert scores["recall"] == 1 / 2
    assert released_metrics(np.array([1, 0]), np.array([0, 1]))["f1"] == 0


def test_released_metrics_refuses():
    with pytest.raises(DataError, match="one class per window"):
        released_metrics(np.array([0, 1]), np.array([0]))
    with pytest.raises(DataError, match="one class per window"):
        released_metrics(np.array([]), np.array([]))
    with pytest.raises(DataError, match="other than 0 and 1"):
        released_metrics(np.array([0, 2]), np.array([0, 1]))


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


# --- the protocol -----------------------------------------------------------------------------


def test_released_head_follows_the_profile():
    assert released_head(PAPER) is RELEASED_HEAD
    quick = released_head(QUICK)
    assert quick.epochs == QUICK.head.epochs // 3
    assert replace(quick, epochs=200) == RELEASED_HEAD
    assert released_head(replace(QUICK, head=replace(QUICK.head, epochs=1))).epochs == 1


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


# --- choosing on the test fold ----------------------------------------------------------------


def test_best_of_against_all_draws():
    scores = np.random.default_rng(0).random((6, 3))
    for k in range(1, 7):
        draws = [scores[list(rows)].max(axis=0) for rows in combinations(range(6), k)]
        np.testing.assert_allclose(best_of(scores, k), np.mean(draws, axis=0))
    for k in (0, 7):
        with pytest.raises(DataError, match="from 1 to 6"):
            best_of(scores, k)


def test_choosing_adds_nothing_to_one_refit_and_grows_where_nothing_is_to_be_found():
    rng = np.random.default_rng(0)
    truth, fold = rng.integers(0, 2, 400), np.arange(400) % 8
    refits = Refits(truth, fold, rng.random((12, 400)) < 0.5)
    curve = optimism(refits)
    scores = refits.scores()
    assert scores.shape == (12, 8)
    assert curve["per_fold"][1] == pytest.approx(scores.mean())
    assert curve["same"][1] == pytest.approx(scores.mean())
    assert (curve.diff().dropna() > 0).all(axis=None)
    assert curve["per_fold"][12] == pytest.approx(scores.max(axis=0).mean())
    assert abs(curve["per_fold"][1] - 0.5) < 0.03 < curve["per_fold"][12] - 0.5
    assert (curve["per_fold"] >= curve["same"] - 1e-12).all()


def test_the_best_refit_is_chosen_in_each_fold():
    truth, fold = np.array([0, 1, 0, 1, 0, 1, 0, 1]), np.array([5, 5, 7, 7, 5, 5, 7, 7])
    right, wrong = truth == 1, truth == 0
    refits = Refits(truth, fold, np.stack([np.where(fold == 5, right, wrong), ~right, right]))
    np.testing.assert_array_equal(refits.scores(), [[1, 0], [0, 0], [1, 1]])
    np.testing.assert_array_equal(refits.best(), right)


def test_refits_predict_each_window_with_the_head_that_did_not_learn_it(monkeypatch, features):
    labels = np.arange(len(features)) % 2
    folds = list(WindowKFold(3, 0).split(pd.DataFrame(index=range(len(features)))))
    seen = {}

    def fit_heads(x, y, mask, config, seed):
        seen.update(mask=mask, labels=y)
        # Head h says "high" exactly where it did not learn; refit 1 never does.
        return np.where(np.arange(len(y))[:, None] < 3, ~mask, 0.0)

    monkeypatch.setattr(heads, "fit_heads", fit_heads)
    refits = refit(features, labels, folds, TINY, n_refits=2, seed=0)
    assert seen["mask"].shape == (6, len(features))
    assert (seen["labels"] == labels).all()
    assert refits.predicted[0].all()
    assert not refits.predicted[1].any()
    for f, (_, test) in enumerate(folds):
        assert (refits.fold[test] == f).all()


# --- statistics of one file -------------------------------------------------------------------


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


# --- effects ----------------------------------------------------------------------------------


def fake_study(monkeypatch, meta):
    """A study whose heads guess; the variant of one file guesses as the corrected one does."""
    n_windows, rng = len(meta), np.random.default_rng(0)
    fold = np.arange(n_windows) % 4
    labels = label_matrix(meta, ["valence"])[:, 0]
    refits = {
        name: Refits(y, fold, rng.random((5, n_windows)) < 0.5)
        for name, y in ((RATINGS, labels), (NOTHING, rng.permutation(labels)))
    }
    guess = rng.random(n_windows)
    variants = (
        (CORRECTED, meta, guess),
        (DOMINANCE, dominance_as_valence(meta), rng.random(n_windows)),
        (LAST_FILE, meta, guess),
        (SHUFFLED, shuffle_trials(meta, "valence", 0), rng.random(n_windows)),
    )
    parts = [
        pd.DataFrame(
            {
                "model": variant,
                "target": "valence",
                "fold": fold,
                "participant": meta["participant"],
                "probability": probability,
                "truth": label_matrix(frame, ["valence"])[:, 0],
            }
        )
        for variant, frame, probability in variants
    ]
    results = pd.concat(parts, ignore_index=True)
    monkeypatch.setattr(released, "released_results", lambda study: results)
    monkeypatch.setattr(released, "refit_results", lambda study: refits)
    profile = SimpleNamespace(n_resamples=300)
    return SimpleNamespace(usable=SimpleNamespace(meta=meta), profile=profile), results


def test_effects_compare_each_variant_with_its_like(monkeypatch, meta):
    study, results = fake_study(monkeypatch, meta)
    table = effects(study)
    expected = [DOMINANCE, BEST, BEST_OF_NOTHING, LAST_FILE, MEAN_FIRST, SHUFFLED]
    assert table.index.tolist() == expected
    np.testing.assert_allclose(table["change"], table["number"] - table["before"])
    assert (table["low"] <= table["change"] + 1e-12).all()
    assert (table["change"] <= table["high"] + 1e-12).all()
    plain = score(results[results["model"] == CORRECTED])
    assert table.loc[DOMINANCE, "before"] == pytest.approx(plain["f1"])
    assert table.loc[MEAN_FIRST, "before"] == pytest.approx(plain["mean_f1"])
    # The same predictions: without a defect nothing changes.
    assert table.loc[LAST_FILE, ["change", "low", "high"]].tolist() == [0, 0, 0]
    assert table.loc[BEST_OF_NOTHING, "change"] > 0


def test_few_participants_give_no_interval(monkeypatch, meta):
    few = meta[meta["participant"] <= 3].reset_index(drop=True)
    study, _ = fake_study(monkeypatch, few)
    table = effects(study)
    assert table[["low", "high"]].isna().all(axis=None)
    assert table["change"].notna().all()


# --- figures ----------------------------------------------------------------------------------


def test_figures_name_their_data(monkeypatch, meta):
    study, _ = fake_study(monkeypatch, meta)
    fig = released_plots.defect_effects(effects(study), "DREAMER")
    assert "(DREAMER)" in fig.get_suptitle()
    assert [t.get_text() for t in fig.axes[0].get_yticklabels()] == effects(study).index.tolist()
    curves = {name: optimism(one) for name, one in released.refit_results(study).items()}
    fig = released_plots.selection_optimism(curves, "synthetic")
    assert "(synthetic)" in fig.get_suptitle()
    assert [ax.get_title() for ax in fig.axes] == list(curves)
    assert all(ax.get_xlabel() for ax in fig.axes)
