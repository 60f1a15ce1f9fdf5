import numpy as np
import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.evaluation.metrics import METRICS
from ecglib.evaluation.variance import seed_variance, variance_parts


def seeded_frame(table, first_seed=0):
    """Predictions whose accuracy per participant and seed is that of the table, in tenths."""
    rows = []
    for person, values in enumerate(table, start=1):
        for seed, value in enumerate(values, start=first_seed):
            right = np.arange(10) < round(10 * value)
            truth = np.arange(10) % 2
            rows.append(
                pd.DataFrame(
                    {
                        "protocol": "leave-one-participant-out",
                        "model": "m",
                        "regime": "none",
                        "target": "valence",
                        "fold": person,
                        "seed": seed,
                        "window": 10 * person + np.arange(10),
                        "participant": person,
                        "clip": 1,
                        "probability": np.where(right, truth, 1 - truth),
                        "truth": truth,
                    }
                )
            )
    return pd.concat(rows, ignore_index=True)


def test_variance_parts_of_constructed_tables():
    person = np.array([0.4, 0.5, 0.6, 0.9])[:, None]
    seed = np.array([-0.02, 0.0, 0.02])
    parts = variance_parts(person + seed)  # no rest at all
    assert parts["rest"] == pytest.approx(0, abs=1e-12)
    assert parts["participant"] == pytest.approx(person.var(ddof=1))
    assert parts["seed"] == pytest.approx(0.0004)
    assert parts["spread_of_seeds"] == pytest.approx(0.02)
    assert parts["error"] ** 2 == pytest.approx(person.var(ddof=1) / 4 + 0.0004 / 3)
    assert parts["error_many_seeds"] ** 2 == pytest.approx(person.var(ddof=1) / 4)
    assert parts["error_one_seed"] > parts["error"] > parts["error_many_seeds"]
    # Two by two, by hand: row means 0.5 and 0.7, column means 0.6 and 0.6, every rest 0.1.
    crossed = variance_parts(np.array([[0.6, 0.4], [0.6, 0.8]]))
    assert crossed["rest"] == pytest.approx(0.04)
    assert (crossed["participant"], crossed["seed"]) == (0, 0)


def test_variance_parts_are_right_on_average():
    rng = np.random.default_rng(0)
    found = [
        variance_parts(
            rng.normal(scale=0.1, size=(23, 1))
            + rng.normal(scale=0.05, size=(1, 5))
            + rng.normal(scale=0.08, size=(23, 5))
        )
        for _ in range(2000)
    ]
    mean = pd.DataFrame(found).mean()
    assert mean["participant"] == pytest.approx(0.01, rel=0.03)
    assert mean["seed"] == pytest.approx(0.0025, rel=0.08)
    assert mean["rest"] == pytest.approx(0.0064, rel=0.02)


def test_seed_variance_reads_predictions():
    table = np.array([[0.5, 0.6], [0.7, 0.8], [0.9, 1.0]])
    row = seed_variance(seeded_frame(table), "accuracy").iloc[0]
    expected = variance_parts(table)
    assert row[list(expected)].tolist() == pytest.approx(list(expected.values()))
    assert (row["n_participants"], row["n_seeds"], row["model"]) == (3, 2, "m")
    assert set(METRICS) >= {"accuracy"}


def test_seed_variance_refuses_incomplete_seeds():
    frame = seeded_frame([[0.5, 0.6], [0.7, 0.8], [0.9, 1.0]])
    missing = frame[~((frame["participant"] == 2) & (frame["seed"] == 1))]
    with pytest.raises(DataError, match="participant 2, field seed: no accuracy of model m with"):
        seed_variance(missing, "accuracy")
    with pytest.raises(DataError, match="2 participants and 2 seeds"):
        seed_variance(frame[frame["seed"] == 0], "accuracy")
