"""Reliability, calibration error and its floor."""

import doctest

import numpy as np
import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.evaluation import calibration
from ecglib.evaluation.calibration import (
    assign_bins,
    brier_score,
    calibration_floor,
    calibration_table,
    expected_calibration_error,
    reliability_curve,
)


def make_predictions(n_people=12, n_clips=20, n_windows=3, power=1.0, seed=0, n_folds=12):
    """Predictions that are calibrated with power 1; the windows of a trial share one label."""
    rng = np.random.default_rng(seed)
    n_trials = n_people * n_clips
    probability = rng.uniform(0.02, 0.98, n_trials)
    truth = (rng.random(n_trials) < probability**power).astype(int)
    trial = np.repeat(np.arange(n_trials), n_windows)
    return pd.DataFrame(
        {
            "protocol": "p",
            "target": "valence",
            "model": "m",
            "regime": "r",
            "fold": trial // n_clips % n_folds,
            "seed": 0,
            "window": np.arange(trial.size),
            "participant": 1 + trial // n_clips,
            "clip": 1 + trial % n_clips,
            "probability": probability[trial],
            "truth": truth[trial],
        }
    )


def test_examples_in_docstrings():
    outcome = doctest.testmod(calibration)
    assert outcome.attempted >= 4
    assert not outcome.failed


def test_calibration_error_worked_out_by_hand():
    probability = np.array([0.05, 0.15, 0.15, 0.85, 0.95, 0.55])
    truth = np.array([0, 0, 1, 1, 0, 1])
    # Five bins of width 0.2: {0.05, 0.15, 0.15}, {0.55}, {0.85, 0.95}.
    gaps = [abs(0.35 / 3 - 1 / 3) * 3, abs(0.55 - 1) * 1, abs(0.9 - 0.5) * 2]
    assert expected_calibration_error(truth, probability, 5, "equal-width") == pytest.approx(
        sum(gaps) / 6
    )
    # One bin: the mean probability is 0.45, and half of the windows are high.
    assert expected_calibration_error(truth, probability, 1) == pytest.approx(abs(2.7 - 3) / 6)
    assert brier_score(truth, probability) == pytest.approx(
        (0.05**2 + 0.15**2 + 0.85**2 + 0.15**2 + 0.95**2 + 0.45**2) / 6
    )


def test_bins_hold_equal_counts_or_have_equal_widths():
    rng = np.random.default_rng(0)
    probability = rng.beta(0.5, 2, 1000)
    assert np.bincount(assign_bins(probability, 10)).tolist() == [100] * 10
    wide = assign_bins(probability, 10, "equal-width")
    assert all(np.ptp(probability[wide == b]) <= 0.1 for b in np.unique(wide))
    assert assign_bins(np.array([0.0, 1.0]), 10, "equal-width").tolist() == [0, 1]
    assert set(assign_bins(np.repeat([0.2, 0.7], 50), 10)) == {0, 1}


@pytest.mark.parametrize(
    ("probability", "n_bins", "binning"),
    [
        ([0.5, 1.5], 10, "equal-count"),
        ([0.5, np.nan], 10, "equal-count"),
        ([], 10, "equal-count"),
        ([0.5], 0, "equal-count"),
        ([0.5], 10, "other"),
    ],
)
def test_what_is_no_probability_and_no_binning_is_refused(probability, n_bins, binning):
    with pytest.raises(DataError, match="Expected"):
        assign_bins(np.array(probability), n_bins, binning)


def test_a_calibrated_model_lies_at_its_floor_and_another_one_above():
    above = {1.0: 0, 3.0: 0}
    for power in above:
        for seed in range(20):
            row = calibration_table(
                make_predictions(power=power, seed=seed), n_resamples=100, n_simulations=200
            ).iloc[0]
            above[power] += row["ece"] > row["floor_high"]
    assert above[1.0] <= 4  # 5 % of 20 expected
    assert above[3.0] == 20


def test_the_floor_is_the_mean_error_of_calibrated_models():
    errors = [
        expected_calibration_error(rows["truth"], rows["probability"])
        for rows in (make_predictions(seed=seed) for seed in range(60))
    ]
    rows = make_predictions(seed=100)
    trial = rows.groupby(["participant", "clip"]).ngroup().to_numpy()
    probability = rows["probability"].to_numpy()
    floor = calibration_floor(probability, trial).mean()
    assert floor == pytest.approx(np.mean(errors), rel=0.1)
    # Windows taken for independent ratings would promise a floor that no model can reach.
    assert calibration_floor(probability, np.arange(len(rows))).mean() < 0.75 * floor


def test_the_curve_of_a_calibrated_model_covers_the_diagonal():
    rows = make_predictions(n_people=30)
    curve = reliability_curve(rows, n_bins=8)
    assert curve["n_windows"].sum() == len(rows)
    assert curve["probability"].is_monotonic_increasing
    covered = (curve["low"] <= curve["probability"]) & (curve["probability"] <= curve["high"])
    assert covered.sum() >= 7
    bins = assign_bins(rows["probability"].to_numpy(), 8)
    np.testing.assert_allclose(curve["share"], rows.groupby(bins)["truth"].mean())


def test_bands_are_wider_for_shared_training_and_missing_for_few_people():
    alone, shared = (reliability_curve(make_predictions(n_folds=n), n_bins=4) for n in (1, 12))
    assert (shared["high"] - shared["low"] > alone["high"] - alone["low"]).all()
    few = reliability_curve(make_predictions(n_people=3), n_bins=4)
    assert few[["low", "high"]].isna().all(axis=None)
    assert few["share"].notna().all()
    assert np.isnan(calibration_table(make_predictions(n_people=3)).loc[0, "low"])


def test_every_result_has_its_own_row():
    rows = make_predictions()
    both = pd.concat([rows, rows.assign(model="flat", probability=0.5)])
    table = calibration_table(both, n_resamples=100, n_simulations=50).set_index("model")
    assert list(table.index) == ["m", "flat"]
    assert table.loc["flat", "brier"] == pytest.approx(0.25)
    assert table.loc["flat", "ece"] == pytest.approx(abs(0.5 - rows["truth"].mean()))
    assert (table["low"] <= table["brier"]).all()
    high = rows["truth"].mean()
    assert table["constant"].to_list() == pytest.approx([high * (1 - high)] * 2)
    assert table["skill"].to_list() == pytest.approx(1 - table["brier"] / table["constant"])
    assert table.loc["m", "skill_low"] > 0 > table.loc["flat", "skill"]
    assert (table["skill_low"] <= table["skill"]).all()
    assert (table["skill"] <= table["skill_high"]).all()
    curve = reliability_curve(both, n_bins=5)
    assert curve.groupby("model").size().to_dict() == {"m": 5, "flat": 1}


def test_where_all_windows_are_of_one_class_no_skill_is_defined():
    rows = make_predictions().assign(truth=1)
    row = calibration_table(rows, n_resamples=100, n_simulations=20).iloc[0]
    assert row["constant"] == 0 and np.isnan(row["skill"])
    best = make_predictions()
    row = calibration_table(
        best.assign(probability=best["truth"].mean()), n_resamples=100, n_simulations=20
    ).iloc[0]
    assert row["skill"] == pytest.approx(0)
