import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.core.tables import typed
from ecglib.evaluation import predictions, protocols

TARGETS = ("valence", "arousal")


def cohort() -> pd.DataFrame:
    """Two windows of each of four trials of three people, rated at random."""
    index = pd.MultiIndex.from_product(
        [range(1, 4), range(1, 5), range(2)], names=["participant", "clip", "start"]
    )
    meta = index.to_frame(index=False)
    rng = np.random.default_rng(0)
    return meta.assign(**{target: np.repeat(rng.integers(1, 6, 12), 2) for target in TARGETS})


@pytest.fixture(scope="module")
def evaluated() -> pd.DataFrame:
    """Leave-one-participant-out predictions of two models, fold by fold."""
    meta, rng = cohort(), np.random.default_rng(1)
    names = {"protocol": "leave-one-participant-out", "regime": "none", "seed": 0}
    frames = []
    for model in ("planted", "majority"):
        for fold, person in enumerate(range(1, 4)):
            test = np.flatnonzero(meta["participant"] == person)
            for target in TARGETS:
                labels = (meta[target] > 3).to_numpy().astype(int)
                frames.append(
                    predictions.prediction_rows(
                        meta,
                        test,
                        rng.random(test.size),
                        labels,
                        model=model,
                        target=target,
                        fold=fold,
                        **names,
                    )
                )
    return predictions.append_predictions(*frames)


def test_predictions_are_tidy_and_complete(evaluated: pd.DataFrame) -> None:
    meta = cohort()
    found = evaluated.dtypes.astype(str).replace("object", "str").to_dict()
    assert found == {**protocols.COLUMNS, "participant": "int64", "clip": "int64"}
    assert len(evaluated) == 2 * len(TARGETS) * len(meta)
    rows = evaluated.query("model == 'planted' and target == 'arousal'").sort_values("window")
    assert rows["window"].tolist() == list(range(len(meta)))
    assert rows["truth"].tolist() == (meta["arousal"] > 3).astype(int).tolist()
    assert rows["participant"].tolist() == meta["participant"].tolist()
    assert (rows["fold"] == rows["participant"] - 1).all()


def test_file_round_trip_is_exact_and_reproducible(evaluated: pd.DataFrame, tmp_path: Path) -> None:
    first, second = tmp_path / "one.csv.gz", tmp_path / "two.csv.gz"
    evaluated = evaluated.copy()
    evaluated.attrs["provenance"] = {"configuration": {"seed": 0}, "seconds": 1.5}
    predictions.save_predictions(first, evaluated)
    assert predictions.load_predictions(first).attrs == evaluated.attrs
    predictions.save_predictions(second, predictions.load_predictions(first))
    pd.testing.assert_frame_equal(predictions.load_predictions(second), evaluated)
    assert first.read_bytes() == second.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one.csv.gz", "two.csv.gz"]


def test_damaged_files_are_refused(evaluated: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "predictions.csv.gz"
    with pytest.raises(DataError, match=r"predictions\.csv\.gz: cannot be read"):
        predictions.load_predictions(path)
    predictions.save_predictions(path, evaluated)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match="cannot be read"):
        predictions.load_predictions(path)
    predictions.save_predictions(path, evaluated)
    whole = path.read_bytes()
    for where in range(20, len(whole), len(whole) // 40):
        path.write_bytes(whole[:where] + bytes([whole[where] ^ 0x55]) + whole[where + 1 :])
        with pytest.raises(DataError, match="cannot be read"):
            predictions.load_predictions(path)
    evaluated[["fold", "seed"]].to_csv(path, index=False)
    with pytest.raises(DataError, match="no provenance"):
        predictions.load_predictions(path)
    table = evaluated[["fold", "seed"]].to_csv(index=False)
    path.write_bytes(gzip.compress(f"# {{}}\n{table}".encode()))
    with pytest.raises(DataError, match="columns fold, seed"):
        predictions.load_predictions(path)


def test_a_prediction_made_twice_is_refused(evaluated: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="participant 1, clip 1: 48 predictions made twice"):
        predictions.append_predictions(
            evaluated, evaluated[evaluated["model"] == "planted"], evaluated.iloc[:0]
        )
    other = predictions.append_predictions(evaluated, evaluated.assign(seed=1))
    assert len(other) == 2 * len(evaluated)
    nothing = predictions.append_predictions(evaluated.iloc[:0])
    assert nothing.empty and list(nothing) == list(evaluated)


def test_impossible_probabilities_are_refused() -> None:
    meta, test = cohort(), np.arange(3)
    names = {"protocol": "p", "model": "m", "regime": "r", "target": "valence"}
    labels = np.zeros(len(meta), int)
    for bad in (np.nan, -0.1, 1.1):
        with pytest.raises(DataError, match="not a number from 0 to 1"):
            predictions.prediction_rows(
                meta, test, np.array([0.1, bad, 0.2]), labels, **names, fold=0, seed=0
            )
    with pytest.raises(DataError, match="for 3 test windows"):
        predictions.prediction_rows(meta, test, np.array([0.1]), labels, **names, fold=0, seed=0)


def test_predicted_ratings_are_stored_with_columns_of_their_own(
    evaluated: pd.DataFrame, tmp_path: Path
) -> None:
    path, columns = tmp_path / "ratings.csv.gz", protocols.RATING_COLUMNS
    ratings = evaluated.rename(columns={"probability": "predicted"})
    ratings = typed(ratings.assign(predicted=1 + 4 * ratings["predicted"], truth=5), columns)
    predictions.save_predictions(path, ratings, columns)
    pd.testing.assert_frame_equal(predictions.load_predictions(path, columns), ratings)
    with pytest.raises(DataError):
        predictions.load_predictions(path)
