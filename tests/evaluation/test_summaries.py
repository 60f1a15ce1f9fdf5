import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as reference

from ecglib.core.errors import DataError
from ecglib.evaluation import intervals, metrics, summaries
from ecglib.evaluation.crossval import majority_predictions
from ecglib.evaluation.leave_out import LeaveOneDatasetOut, LeaveOneParticipantOutWithinDataset
from ecglib.evaluation.summaries import summarise, summarise_datasets


def predictions(
    n_participants: int = 12,
    n_windows: int = 20,
    *,
    strength: float = 1.0,
    model: str = "encoder",
    seed: int = 0,
    head_seed: int = 0,
) -> pd.DataFrame:
    """Leave-one-participant-out predictions whose truth is known to be `strength` apart."""
    truth = np.random.default_rng(99).integers(0, 2, n_participants * n_windows)
    score = strength * (truth - 0.5) + np.random.default_rng(seed).normal(size=truth.size)
    participant = np.repeat(np.arange(1, n_participants + 1), n_windows)
    return pd.DataFrame(
        {
            "protocol": "leave-one-participant-out",
            "model": model,
            "regime": "strict",
            "target": "valence",
            "fold": participant - 1,
            "seed": head_seed,
            "window": np.arange(truth.size),
            "participant": participant,
            "clip": 1,
            "probability": 1 / (1 + np.exp(-score)),
            "truth": truth,
        }
    )


def majority(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(model="majority", regime="none", probability=1.0)


def test_participant_metrics_are_tidy_and_mark_the_undefined() -> None:
    frame = predictions(n_participants=3)
    frame.loc[frame["participant"] == 2, "truth"] = 1
    tidy = summaries.participant_metrics(frame)
    assert len(tidy) == 3 * 4
    assert tidy["n_windows"].eq(20).all()
    undefined = tidy[~tidy["defined"]]
    assert undefined["participant"].eq(2).all()
    assert set(undefined["metric"]) == {"balanced_accuracy", "macro_f1", "auc"}
    one = frame[frame["participant"] == 3]
    value = tidy.query("participant == 3 and metric == 'auc'")["value"].item()
    assert value == pytest.approx(reference.roc_auc_score(one["truth"], one["probability"]))


def test_summary_finds_a_planted_signal_and_nothing_in_noise() -> None:
    signal, noise = predictions(strength=1.5), predictions(strength=0, model="noise")
    table = summaries.summarise(pd.concat([signal, noise, majority(signal)]))
    auc = table[table["metric"] == "auc"].set_index("model")
    assert auc.loc["encoder", "low"] > 0.5
    assert auc.loc["noise", "low"] < 0.5 < auc.loc["noise", "high"]
    assert auc.loc["majority", ["mean", "low", "high"]].tolist() == [0.5, 0.5, 0.5]
    assert auc["baseline"].eq(0.5).all()
    assert (table["note"] == "").all()
    accuracy = table[(table["metric"] == "accuracy") & (table["model"] == "encoder")]
    assert accuracy["baseline"].item() == pytest.approx(signal["truth"].mean())


def test_summary_corrects_for_the_number_of_intervals() -> None:
    frame = pd.concat([predictions(), majority(predictions())])
    one, twelve = (
        summaries.summarise(frame, ["auc"], n_intervals=k).iloc[0][["low", "high"]] for k in (1, 12)
    )
    direct = summaries.summarise(frame, ["auc"], level=1 - 0.05 / 12).iloc[0][["low", "high"]]
    assert twelve["low"] < one["low"] < one["high"] < twelve["high"]
    assert twelve.tolist() == pytest.approx(direct.tolist())


def test_summary_counts_undefined_participants_and_says_why() -> None:
    frame = predictions(n_participants=7)
    frame.loc[frame["participant"] <= 2, "truth"] = 1
    frame = pd.concat([frame, majority(frame)])
    auc = summaries.summarise(frame, ["auc"]).iloc[0]
    assert (auc["n_participants"], auc["n_undefined"]) == (5, 2)
    assert np.isfinite([auc["mean"], auc["low"], auc["high"]]).all()

    frame.loc[frame["participant"] <= 3, "truth"] = 1
    few = summaries.summarise(frame, ["auc"]).iloc[0]
    assert few["note"] == "no interval: 4 participants, 5 needed"
    assert np.isfinite(few["mean"]) and np.isnan(few["low"])

    frame["truth"] = 1
    none = summaries.summarise(frame, ["auc"]).iloc[0]
    assert none["note"] == "undefined for every participant (7)"


def test_seeds_are_averaged_within_participants() -> None:
    seeds = [predictions(seed=s, head_seed=s) for s in (0, 1)]
    both = summaries.summarise(pd.concat([*seeds, majority(seeds[0])]), ["accuracy"]).iloc[0]
    each = [
        summaries.summarise(pd.concat([f, majority(f)]), ["accuracy"]).iloc[0]["mean"]
        for f in seeds
    ]
    assert both["mean"] == pytest.approx(np.mean(each))
    assert (both["n_seeds"], both["n_participants"]) == (2, 12)


def test_pooled_metrics_are_those_of_all_windows() -> None:
    frame = predictions()
    table = summaries.summarise(pd.concat([frame, majority(frame)]), pooled=True)
    row = table[table["model"] == "encoder"].set_index("metric")
    auc = reference.roc_auc_score(frame["truth"], frame["probability"])
    assert row.loc["pooled_auc", "mean"] == pytest.approx(auc)
    assert row.loc["pooled_auc", "low"] < auc < row.loc["pooled_auc", "high"]
    accuracy = np.mean((frame["probability"] > 0.5) == frame["truth"])
    assert row.loc["pooled_accuracy", "mean"] == pytest.approx(accuracy)


def test_pooling_over_left_out_participants_pushes_the_auc_below_chance() -> None:
    rng = np.random.default_rng(0)
    frame = predictions(n_participants=20, n_windows=30, strength=0)
    rate = rng.uniform(0.2, 0.8, 20)[frame["participant"] - 1]
    frame["truth"] = (rng.random(len(frame)) < rate).astype(int)
    total, by_person = frame["truth"].sum(), frame.groupby("participant")["truth"].transform("sum")
    # Heads without any information: the base rate of the other participants, and little noise.
    base_rate = (total - by_person) / (len(frame) - 30)
    frame["probability"] = base_rate + 1e-3 * rng.normal(size=len(frame))
    table = summaries.summarise(pd.concat([frame, majority(frame)]), ["auc"])
    pooled = metrics.auc(frame["truth"].to_numpy(), frame["probability"].to_numpy())
    assert pooled < 0.4
    assert table["low"][0] < 0.5 < table["high"][0]


def test_areas_compare_what_one_head_has_judged_unless_no_fold_has_two_classes() -> None:
    frame = predictions(n_participants=6, n_windows=20, strength=0)
    frame["fold"] = np.tile(np.repeat(np.arange(5), 4), 6)  # every fold cuts every person
    # The head of a fold has seen fewer high ratings the more it is tested on, and says so.
    high = frame.groupby(["participant", "fold"])["truth"].transform("mean")
    frame["probability"] = (0.6 - 0.2 * high + 0.01 * frame["probability"]).astype(np.float32)
    across, within = (
        summaries.participant_metrics(rows, ["auc"])["value"].mean()
        for rows in (frame.assign(fold=0), frame)
    )
    assert across < 0.4 and abs(within - 0.5) < 0.12
    table = summaries.participant_metrics(frame, ["auc"]).set_index("participant")["value"]
    one = frame[frame["participant"] == 3]
    columns = (one[name].to_numpy() for name in ("truth", "probability", "fold"))
    assert table[3] == metrics.auc_within_folds(*columns)
    # Folds of single trials have one class each: all that is left is to compare across heads.
    single = frame.assign(fold=frame.groupby(["participant", "truth"]).ngroup())
    found = summaries.participant_metrics(single, ["auc"])["value"].mean()
    assert found == pytest.approx(across)


def test_paired_difference_is_sharper_than_two_intervals() -> None:
    better, worse = predictions(strength=2.0), predictions(strength=1.0, model="random")
    row = summaries.paired_difference(better, worse, ["auc"]).iloc[0]
    means = [summaries.participant_metrics(f, ["auc"])["value"].mean() for f in (better, worse)]
    assert row["mean"] == pytest.approx(means[0] - means[1])
    assert 0 < row["low"] < row["mean"] < row["high"]
    assert row["model"] == "encoder (strict) - random (strict)"
    same = summaries.paired_difference(better, better, ["auc"]).iloc[0]
    assert (same["mean"], same["low"], same["high"]) == (0, 0, 0)


def test_comparison_of_different_windows_is_refused() -> None:
    frame = predictions()
    with pytest.raises(DataError, match=r"different windows \(240 and 239\)"):
        summaries.paired_difference(frame, frame.iloc[1:])
    with pytest.raises(DataError, match="different windows"):
        summaries.paired_difference(frame, frame.assign(truth=1 - frame["truth"]))
    both = pd.concat([frame, predictions(model="random")])
    with pytest.raises(DataError, match="one model in one regime"):
        summaries.paired_difference(both, frame)


def test_invalid_predictions_are_refused_by_name() -> None:
    frame = predictions()
    with pytest.raises(DataError, match="no majority-class predictions for protocol leave"):
        summaries.summarise(frame)
    with pytest.raises(DataError, match="field truth: the predictions lack"):
        summaries.participant_metrics(frame.drop(columns="truth"))
    with pytest.raises(DataError, match="unknown metric 'kappa'"):
        summaries.participant_metrics(frame, ["kappa"])
    with pytest.raises(DataError, match="there are no predictions"):
        summaries.participant_metrics(frame.iloc[:0])
    frame.loc[25, "probability"] = np.nan
    with pytest.raises(DataError, match="participant 2, field probability: nan for window 25"):
        summaries.participant_metrics(frame)


def test_intervals_from_several_folds_are_widened_around_the_mean() -> None:
    left_out = predictions()
    finished = left_out.assign(fold=0)
    kept, widened = (
        summaries.summarise(pd.concat([f, majority(f)]), ["auc"]).iloc[0]
        for f in (finished, left_out)
    )
    values = summaries.participant_metrics(finished, ["auc"])["value"].to_numpy()
    assert kept[["low", "high"]].tolist() == pytest.approx(intervals.bootstrap_interval(values))
    for end in ("low", "high"):
        expected = kept["mean"] + intervals.SHARED_TRAINING * (kept[end] - kept["mean"])
        assert widened[end] == pytest.approx(expected)
    worse = predictions(strength=0.5, model="random")
    one, many = (
        summaries.paired_difference(f, g, ["auc"]).iloc[0]
        for f, g in ((finished, worse.assign(fold=0)), (left_out, worse))
    )
    ratio = (many["high"] - many["low"]) / (one["high"] - one["low"])
    assert ratio == pytest.approx(intervals.SHARED_TRAINING)


def test_each_dataset_is_summarised_by_itself() -> None:
    people = np.repeat([f"{name}{i}" for name in "ab" for i in range(6)], 4)
    meta = pd.DataFrame({"participant": people, "clip": 1, "dataset": [p[0] for p in people]})
    rng = np.random.default_rng(0)
    meta["valence"] = rng.permuted(np.tile([1, 1, 5, 5], (12, 1)), axis=1).ravel()
    tables = {}
    for splitter in (LeaveOneDatasetOut(), LeaveOneParticipantOutWithinDataset()):
        rows = majority_predictions(meta, splitter, ["valence"])
        good = rows.assign(model="good", probability=np.float32(0.9))
        right = rng.random(len(rows)) < np.where(rows["participant"].str[0] == "a", 0.95, 0.6)
        truth = rows["truth"].to_numpy()
        good["probability"] = np.where(right, truth, 1 - truth).astype(np.float32)
        both = pd.concat([rows, good], ignore_index=True)
        table = summarise_datasets(both, meta, ["accuracy"], n_resamples=199)
        assert table.columns[0] == "dataset" and table["dataset"].tolist() == ["a", "a", "b", "b"]
        for name in "ab":
            own = both[both["participant"].str[0] == name]
            alone = summarise(own, ["accuracy"], n_resamples=199)
            of_set = table[table["dataset"] == name].drop(columns="dataset")
            pd.testing.assert_frame_equal(of_set.reset_index(drop=True), alone)
            assert of_set["n_participants"].eq(6).all()
        tables[splitter.protocol] = both
    across = tables["leave-one-dataset-out"]
    one_fold = summarise_datasets(across, meta, ["accuracy"], n_resamples=199).query(
        "model=='good'"
    )
    folds = across.assign(fold=across.groupby("participant").ngroup())  # as if trained one by one
    several = summarise_datasets(folds, meta, ["accuracy"], n_resamples=199).query("model=='good'")
    assert ((several["high"] - several["low"]) >= (one_fold["high"] - one_fold["low"])).all()
    assert (several["low"] < one_fold["low"]).any()


def test_predictions_of_another_frame_are_not_summarised_by_dataset() -> None:
    meta = pd.DataFrame({"participant": np.repeat([*"abcd"], 2), "clip": 1, "valence": [1, 5] * 4})
    meta["dataset"] = np.repeat(["x", "y"], 4)
    rows = majority_predictions(meta, LeaveOneDatasetOut(), ["valence"])
    with pytest.raises(DataError, match="field dataset"):
        summarise_datasets(rows, meta.drop(columns="dataset"))
    for other in (meta[::-1].reset_index(drop=True), meta[:5]):
        with pytest.raises(DataError, match="of other windows than the frame"):
            summarise_datasets(rows, other)
