import doctest

import numpy as np
import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.evaluation import crossed, simulated_clips
from ecglib.evaluation.crossed import (
    MIN_CLIPS,
    crossed_difference,
    crossed_interval,
    crossed_intervals,
)
from ecglib.evaluation.intervals import SHARED_TRAINING
from ecglib.evaluation.metrics import auc
from ecglib.evaluation.simulated_clips import Audience, clips_table, compared
from ecglib.evaluation.summaries import paired_difference, participant_metrics, summarise


def study(
    n_people=8, n_clips=9, pull=1.0, seed=0, model="majority", n_seeds=1, n_folds=1
) -> pd.DataFrame:
    """Predictions in which clips pull at everyone; two windows a trial."""
    rng = np.random.default_rng(seed)
    trials = pd.DataFrame(
        [(p, c) for p in range(n_people) for c in range(n_clips)], columns=["participant", "clip"]
    )
    trials["truth"] = np.random.default_rng(99).integers(0, 2, len(trials))
    rows = trials.loc[trials.index.repeat(2)].reset_index(drop=True)
    rows["window"] = rows.index
    clips = pull * rng.normal(size=n_clips)
    tables = []
    for number in range(n_seeds):
        score = clips[rows["clip"]] + rng.normal(size=len(rows)).round(1)
        tables.append(rows.assign(seed=number, probability=1 / (1 + np.exp(-score))))
    table = pd.concat(tables, ignore_index=True)
    fold = table["participant"] % n_folds
    return table.assign(protocol="p", target="t", model=model, regime="r", fold=fold)


@pytest.mark.parametrize("module", [crossed, simulated_clips])
def test_examples_in_docstrings(module) -> None:
    outcome = doctest.testmod(module)
    assert outcome.attempted and not outcome.failed


@pytest.mark.parametrize("n_folds, n_seeds", [(1, 1), (4, 1), (4, 3)])
def test_mean_and_the_interval_over_people_are_those_of_the_tables(n_folds, n_seeds) -> None:
    rows = study(n_folds=n_folds, n_seeds=n_seeds)
    found, table = crossed_intervals(rows).iloc[0], summarise(rows, ["auc"]).iloc[0]
    for ours, theirs in {"mean": "mean", "people_low": "low", "people_high": "high"}.items():
        assert found[ours] == pytest.approx(table[theirs], abs=1e-12)
    assert (found["n_participants"], found["n_clips"], found["note"]) == (8, 9, "")


def test_folds_that_cut_a_person_compare_within_a_fold_alone() -> None:
    rows = study().assign(fold=lambda t: t["clip"] % 2)
    expected = participant_metrics(rows, ["auc"])["value"].mean()
    assert crossed_intervals(rows)["mean"].iloc[0] == pytest.approx(expected)


def parts_by_loops(rows: pd.DataFrame) -> tuple[float, float]:
    """Both parts of the variance as their definition says them, with numerical derivatives."""
    people, clips = rows["participant"].unique(), rows["clip"].unique()

    def area(own: pd.DataFrame, weight: dict[int, float]) -> float:
        won = total = 0.0
        for one in own[own["truth"] == 1].itertuples():
            for other in own[own["truth"] == 0].itertuples():
                w = weight[one.clip] * weight[other.clip]
                won += w * (0.5 * (1 + np.sign(one.probability - other.probability)))
                total += w
        return won / total

    plain = dict.fromkeys(clips, 1.0)
    areas, pulls = [], []
    for person in people:
        own = rows[rows["participant"] == person]
        areas.append(area(own, plain))
        pulls.append(
            [
                (area(own, plain | {c: 1 + 1e-5}) - area(own, plain | {c: 1 - 1e-5})) / 2e-5
                for c in clips
            ]
        )
    n, k, pulls = len(people), len(clips), np.array(pulls)
    common = sum(
        pulls[p] @ pulls[q] for p in range(n) for q in range(n) if p != q
    )  # what two different people share
    return np.var(areas, ddof=1) / n, max(0.0, common / (n * (n - 1)) * k / (k - 1))


@pytest.mark.parametrize("pull", [0.0, 1.5])
def test_the_parts_of_the_variance_by_hand(pull) -> None:
    rows = study(n_people=5, n_clips=6, pull=pull)
    right, pairs = crossed._compared(rows)
    mean, people, clips = crossed._parts(right, pairs, np.ones((1, 5)), np.ones((1, 6)))
    by_hand = [
        auc(*g[["truth", "probability"]].to_numpy().T) for _, g in rows.groupby("participant")
    ]
    assert mean[0] == pytest.approx(np.mean(by_hand))
    np.testing.assert_allclose((people[0], clips[0]), parts_by_loops(rows), rtol=1e-6, atol=1e-12)
    found = crossed_interval(right, pairs, several_folds=False)
    assert found["clips_share"] == pytest.approx(clips[0] / (people[0] + clips[0]))
    folded = crossed_interval(right, pairs, several_folds=True)
    wide = SHARED_TRAINING**2 * people[0]
    assert folded["clips_share"] == pytest.approx(clips[0] / (wide + clips[0]))
    for row in (found, folded):
        assert row["low"] <= row["people_low"] < mean[0] < row["people_high"] <= row["high"]
    assert folded["high"] - folded["low"] >= found["high"] - found["low"]


def test_weights_are_copies() -> None:
    rows = study(n_people=4, n_clips=6)
    right, pairs = crossed._compared(rows)
    people, clips = np.array([2, 0, 1, 1]), np.array([1, 2, 0, 1, 1, 1])
    mean, of_people, of_clips = crossed._parts(right, pairs, people[None], clips[None])
    p, c = np.repeat(np.arange(4), people), np.repeat(np.arange(6), clips)
    ones = np.ones((1, 4)), np.ones((1, 6))
    copied = crossed._parts(*(a[p][:, c][:, :, c] for a in (right, pairs)), *ones)
    np.testing.assert_allclose(np.ravel([mean, of_people, of_clips]), np.ravel(copied))


def test_difference_is_that_of_the_tables_and_of_a_model_with_itself_nothing() -> None:
    a, b = study(model="A", seed=1), study(model="B", seed=2)
    found, table = crossed_difference(a, b).iloc[0], paired_difference(a, b, ["auc"]).iloc[0]
    assert found["model"] == table["model"] == "A (r) - B (r)"
    for ours, theirs in {"mean": "mean", "people_low": "low", "people_high": "high"}.items():
        assert found[ours] == pytest.approx(table[theirs], abs=1e-12)
    assert found["low"] < found["mean"] < found["high"]
    same = crossed_difference(a, a).iloc[0]
    assert same[["mean", "low", "high", "clips_share"]].tolist() == [0, 0, 0, 0]


def test_who_has_one_class_is_dropped_and_few_clips_or_people_give_no_interval() -> None:
    rows = study()
    rows.loc[rows["participant"] == 3, "truth"] = 1
    found = crossed_intervals(rows).iloc[0]
    assert (found["n_participants"], found["n_undefined"], found["note"]) == (7, 1, "")
    few = crossed_intervals(study(n_clips=MIN_CLIPS - 1)).iloc[0]
    assert few["note"] == f"no interval for other clips: {MIN_CLIPS - 1} clips, {MIN_CLIPS} needed"
    assert np.isnan(few["low"]) and np.isfinite(few["people_low"])
    nobody = crossed_intervals(study(n_people=4)).iloc[0]
    assert nobody["note"] == "no interval: 4 participants, 5 needed"
    assert nobody[["low", "high", "people_low"]].isna().all()


def test_what_cannot_be_used_is_refused() -> None:
    rows = study(n_seeds=2)
    for broken, message in (
        (rows.drop(columns="clip"), "clip: the predictions lack this column"),
        (rows.iloc[:0], "there are no predictions"),
        (rows.assign(probability=2.0), "2.0 for window 0 .* from 0 to 1"),
        (rows.assign(truth=3), "0 or 1"),
        (rows.iloc[1:], "window 0 of model majority is not predicted once by every seed"),
    ):
        with pytest.raises(DataError, match=message):
            crossed_intervals(broken)
    with pytest.raises(DataError, match="at least one resample in each tail"):
        crossed_intervals(rows, n_resamples=9)
    with pytest.raises(DataError, match="twice"):
        crossed_interval(np.ones((3, 4, 5)), np.ones((3, 4, 5)), several_folds=False)
    with pytest.raises(DataError, match="one model in one regime"):
        crossed_difference(pd.concat([rows, rows.assign(model="B")]), rows)
    with pytest.raises(DataError, match="different windows"):
        crossed_difference(rows, rows.assign(window=rows["window"] + 1))
    with pytest.raises(DataError, match="different folds"):
        crossed_difference(rows, rows.assign(fold=rows["clip"] % 2))


def test_an_invented_audience_has_the_area_that_it_says() -> None:
    audience = Audience(separation=0.8, clips=0.5, n_people=400, n_clips=300, n_windows=1)
    high, scores = audience.draw(np.random.default_rng(0))
    right, pairs = compared(high[:40], scores[:40])
    areas = right.sum(axis=(1, 2)) / pairs.sum(axis=(1, 2))
    assert areas.mean() == pytest.approx(audience.auc, abs=0.03)
    # The share of people who rate a clip high varies between clips as far as they agree.
    spreads = [
        Audience(agreement=agreement, n_people=400).draw(np.random.default_rng(1))[0].mean(0).std()
        for agreement in (0.0, 0.5)
    ]
    assert spreads[0] < 0.05 < 0.15 < spreads[1]


def test_intervals_cover_other_clips_and_those_over_people_alone_do_not() -> None:
    table = clips_table(repetitions=50, n_resamples=199).set_index(["separation", "clips"])
    assert (table["crossed"] >= 0.86).all()  # 0.95 less three standard errors of 50 studies
    strong = table.xs(0.7, level="clips")
    assert (strong["people"] <= 0.85).all()
    assert (strong["width"] > 1.5 * strong["people_width"]).all()
    calm = table.xs(0.0, level="clips")
    assert (calm["width"] < 1.2 * calm["people_width"]).all()
