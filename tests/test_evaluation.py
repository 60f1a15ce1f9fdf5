import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ecglib import evaluation, heads, metrics
from ecglib.errors import DataError
from ecglib.heads import HeadConfig
from ecglib.splits import LeaveOneParticipantOut, ParticipantGroupedKFold, WindowKFold

CONFIG = HeadConfig(hidden=(16, 16), epochs=6, batch_size=64, learning_rate=0.01)
TARGETS = ("valence", "arousal")


def cohort(
    n_participants: int = 6, n_clips: int = 10, n_windows: int = 5, seed: int = 0
) -> tuple[np.ndarray, pd.DataFrame]:
    """Features that follow valence, know the trial, and know nothing of arousal beyond that."""
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product(
        [range(1, n_participants + 1), range(1, n_clips + 1), range(n_windows)],
        names=["participant", "clip", "start"],
    )
    meta = index.to_frame(index=False)
    trial = meta.groupby(["participant", "clip"]).ngroup().to_numpy()
    for target in ("valence", "arousal", "dominance"):
        meta[target] = rng.integers(1, 6, trial.max() + 1)[trial]
    features = rng.normal(size=(trial.max() + 1, 12))[trial]
    features = features + 0.1 * rng.normal(size=features.shape)
    high = (meta["valence"] > 3).to_numpy()[:, None]
    features[:, :4] = high + 0.3 * rng.normal(size=(len(meta), 4))
    return features.astype("float32"), meta


@pytest.fixture(scope="module")
def evaluated() -> pd.DataFrame:
    features, meta = cohort()
    splitter = LeaveOneParticipantOut()
    return evaluation.append_predictions(
        evaluation.evaluate_frozen(
            features, meta, splitter, TARGETS, CONFIG, 0, "planted", "pretext on everyone"
        ),
        evaluation.majority_predictions(meta, splitter, TARGETS),
    )


def test_predictions_are_tidy_and_complete(evaluated: pd.DataFrame) -> None:
    _, meta = cohort()
    assert evaluated.dtypes.astype(str).replace("object", "str").to_dict() == evaluation.COLUMNS
    assert len(evaluated) == 2 * len(TARGETS) * len(meta)
    rows = evaluated.query("model == 'planted' and target == 'arousal'").sort_values("window")
    assert rows["window"].tolist() == list(range(len(meta)))
    assert rows["truth"].tolist() == (meta["arousal"] > 3).astype(int).tolist()
    assert rows["participant"].tolist() == meta["participant"].tolist()
    assert (rows["fold"] == rows["participant"] - 1).all()


def test_planted_signal_is_found_and_noise_is_not(evaluated: pd.DataFrame) -> None:
    table = metrics.summarise(evaluated, ["auc", "accuracy"])
    row = table.query("model == 'planted'").set_index(["target", "metric"])
    assert row.loc[("valence", "auc"), "low"] > 0.8
    assert row.loc[("valence", "accuracy"), "mean"] > row.loc[("valence", "accuracy"), "baseline"]
    assert row.loc[("arousal", "auc"), "low"] < 0.5 < row.loc[("arousal", "auc"), "high"]


def test_window_folds_leak_the_trial() -> None:
    features, meta = cohort()
    splitter = WindowKFold(n_splits=5, seed=0)
    leaky = evaluation.append_predictions(
        evaluation.evaluate_frozen(features, meta, splitter, ["arousal"], CONFIG, 0, "m", "r"),
        evaluation.majority_predictions(meta, splitter, ["arousal"]),
    )
    row = metrics.summarise(leaky, ["auc"], pooled=True).iloc[0]
    assert row["low"] > 0.6


def test_majority_is_that_of_the_training_windows() -> None:
    _, meta = cohort()
    rows = evaluation.majority_predictions(meta, LeaveOneParticipantOut(), ["valence"])
    for participant, group in rows.groupby("participant"):
        others = meta.loc[meta["participant"] != participant, "valence"] > 3
        assert (group["probability"] == float(others.mean() > 0.5)).all()
    assert set(rows["regime"]) == {"none"}


def test_each_fold_uses_its_own_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    _, meta = cohort()
    stacks = []

    def fake(
        x: np.ndarray, y: np.ndarray, mask: np.ndarray, config: HeadConfig, seed: int
    ) -> np.ndarray:
        stacks.append((x[0, 0], y.shape, mask))
        return np.full(y.shape, x[0, 0])

    monkeypatch.setattr(heads, "fit_heads", fake)
    encoders = {"a": np.full((len(meta), 3), 0.25), "b": np.full((len(meta), 3), 0.75)}
    splitter = LeaveOneParticipantOut()
    of_fold = ["a", "b", "a", "b", "b", "b"]
    arguments = (encoders, meta, splitter, TARGETS, CONFIG, 0, "m", "strict")
    seen = {"a": [2, 4, 5, 6], "b": [1, 3]}
    rows = evaluation.evaluate_frozen(*arguments, encoder_of_fold=of_fold, pretrained_on=seen)

    by_fold = rows.groupby("fold")["probability"].unique()
    assert [p.tolist() for p in by_fold] == [[0.25 if e == "a" else 0.75] for e in of_fold]
    assert [(value, shape[0]) for value, shape, _ in stacks] == [(0.25, 4), (0.75, 8)]
    participant = meta["participant"].to_numpy()
    np.testing.assert_array_equal(stacks[0][2][2], participant != 3)

    seen["b"].append(5)
    with pytest.raises(DataError, match=r"participant 5.*fold 4 tests .* encoder 'b'"):
        evaluation.evaluate_frozen(*arguments, encoder_of_fold=of_fold, pretrained_on=seen)
    with pytest.raises(DataError, match="5 encoders for 6 folds"):
        evaluation.evaluate_frozen(*arguments, encoder_of_fold=of_fold[1:])
    with pytest.raises(DataError, match="fold 5 uses encoder 'c'"):
        evaluation.evaluate_frozen(*arguments, encoder_of_fold=[*of_fold[1:], "c"])
    with pytest.raises(DataError, match="encoder 'b': who it was pretrained on"):
        evaluation.evaluate_frozen(*arguments, encoder_of_fold=of_fold, pretrained_on={"a": [2, 4]})


def test_grouped_folds_and_threshold_reach_the_heads(monkeypatch: pytest.MonkeyPatch) -> None:
    features, meta = cohort()
    monkeypatch.setattr(heads, "fit_heads", lambda x, y, mask, config, seed: mask.astype(float))
    splitter = ParticipantGroupedKFold(n_splits=3, seed=0)
    rows = evaluation.evaluate_frozen(
        features, meta, splitter, ["valence"], CONFIG, 0, "m", "r", threshold=3, rule=">="
    )
    assert (rows["probability"] == 0).all()  # no test window is under its own head's mask
    assert rows.groupby("participant")["fold"].nunique().eq(1).all()
    truth = rows.sort_values("window")["truth"].to_numpy()
    np.testing.assert_array_equal(truth, meta["valence"] >= 3)


def test_file_round_trip_is_exact_and_reproducible(evaluated: pd.DataFrame, tmp_path: Path) -> None:
    first, second = tmp_path / "one.csv.gz", tmp_path / "two.csv.gz"
    evaluated = evaluated.copy()
    evaluated.attrs["provenance"] = {"configuration": {"seed": 0}, "seconds": 1.5}
    evaluation.save_predictions(first, evaluated)
    assert evaluation.load_predictions(first).attrs == evaluated.attrs
    evaluation.save_predictions(second, evaluation.load_predictions(first))
    pd.testing.assert_frame_equal(evaluation.load_predictions(second), evaluated)
    assert first.read_bytes() == second.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one.csv.gz", "two.csv.gz"]


def test_damaged_files_are_refused(evaluated: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "predictions.csv.gz"
    with pytest.raises(DataError, match=r"predictions\.csv\.gz: cannot be read"):
        evaluation.load_predictions(path)
    evaluation.save_predictions(path, evaluated)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match="cannot be read"):
        evaluation.load_predictions(path)
    evaluation.save_predictions(path, evaluated)
    whole = path.read_bytes()
    for where in range(20, len(whole), len(whole) // 40):
        path.write_bytes(whole[:where] + bytes([whole[where] ^ 0x55]) + whole[where + 1 :])
        with pytest.raises(DataError, match="cannot be read"):
            evaluation.load_predictions(path)
    evaluated[["fold", "seed"]].to_csv(path, index=False)
    with pytest.raises(DataError, match="no provenance"):
        evaluation.load_predictions(path)
    table = evaluated[["fold", "seed"]].to_csv(index=False)
    path.write_bytes(gzip.compress(f"# {{}}\n{table}".encode()))
    with pytest.raises(DataError, match="columns fold, seed"):
        evaluation.load_predictions(path)


def test_refusals(evaluated: pd.DataFrame) -> None:
    features, meta = cohort()
    with pytest.raises(DataError, match="made twice"):
        evaluation.append_predictions(evaluated, evaluated)
    with pytest.raises(DataError, match="299 rows of features"):
        evaluation.evaluate_frozen(
            features[1:], meta, LeaveOneParticipantOut(), TARGETS, CONFIG, 0, "m", "r"
        )
    with pytest.raises(DataError, match="features are one array"):
        evaluation.evaluate_frozen(
            features,
            meta,
            LeaveOneParticipantOut(),
            TARGETS,
            CONFIG,
            0,
            "m",
            "r",
            encoder_of_fold=["a"] * 6,
        )
    names = {"protocol": "p", "model": "m", "regime": "r", "target": "valence"}
    test = np.arange(3)
    labels = np.zeros(len(meta), int)
    with pytest.raises(DataError, match="not a number from 0 to 1"):
        evaluation.prediction_rows(
            meta, test, np.array([0.1, np.nan, 0.2]), labels, **names, fold=0, seed=0
        )
    with pytest.raises(DataError, match="for 3 test windows"):
        evaluation.prediction_rows(meta, test, np.array([0.1]), labels, **names, fold=0, seed=0)
