"""A pretraining that is watched is the same training, and what is said of it follows from it."""

import importlib
import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ecglib.core.artifacts import load_arrays
from ecglib.pretext.pretrain import CHECKPOINT, train
from ecglib.pretext.str_model import build_str_model
from ecglib.studies.pretraining import left_out, pretext_folder
from ecglib.studies.profiles import FAST, PAPER
from ecglib.studies.stand_in import synthetic_file
from ecglib.studies.study import Study
from tests.studies.tiny import QUICKEST, SPEC

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
SHORT = replace(PAPER.pretext.training, epochs=3, steps_per_epoch=2, batch_windows=2)
PROFILE = replace(
    QUICKEST, pretext=replace(QUICKEST.pretext, training=SHORT), name="a profile for this test"
)


@pytest.fixture
def modules(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return {n: importlib.import_module(n) for n in ("schedules", "bench_schedule", "bench_paper")}


@pytest.fixture
def schedules(modules):
    return modules["schedules"]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    return Study(synthetic_file(SPEC, folder), PROFILE, folder, SPEC)


def point(epoch, auc=None, seconds=1.0):
    more = {} if auc is None else {"auc": auc}
    return {
        "epoch": epoch,
        "steps": 4 * epoch,
        "views": 56 * epoch,
        "seconds": seconds * epoch,
        "device": "a card",
        **more,
    }


def state(path):
    return {k: v for k, v in load_arrays(path).items() if k.startswith("state/")}


class Killed(BaseException):
    pass


def test_a_watched_training_that_was_killed_ends_as_one_that_nobody_watched(
    schedules, study, tmp_path, monkeypatch
):
    X = study.usable.X[~left_out(study, 0)]
    plain = build_str_model(PROFILE.pretext, PROFILE.encoder, X.shape[1], PROFILE.seed)
    quick = {"jit_compile": False}
    train(plain, X, SHORT, seed=PROFILE.seed, folder=tmp_path, **quick)
    monkeypatch.setattr(schedules, "pretrain", partial(schedules.pretrain, **quick))

    # It dies between the point of an epoch and its checkpoint.
    judge, judged = schedules.Watch.on_epoch_end, []

    def die(self, epoch, logs=None):
        judge(self, epoch, logs)
        judged.append(epoch)
        if judged == [0, 1]:
            raise Killed

    monkeypatch.setattr(schedules.Watch, "on_epoch_end", die)
    with pytest.raises(Killed):
        schedules.watch(study, 0)
    folder = pretext_folder(study, 0)
    assert len(schedules.load_points(folder)) == 2
    points = schedules.watch(study, 0)
    assert judged == [0, 1, 1, 2]
    assert (
        [p["epoch"] for p in points]
        == [1, 2, 3]
        == [p["epoch"] for p in schedules.load_points(folder)]
    )
    assert [p["views"] for p in points] == [28, 56, 84]
    found, expected = state(folder / CHECKPOINT), state(tmp_path / CHECKPOINT)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)
    assert schedules.watch(study, 0) == points  # nothing is left to do


def test_the_clock_stops_a_training_before_its_next_epoch(schedules, study):
    assert schedules.watch(study, 1, deadline=0.0) == []
    assert not (pretext_folder(study, 1) / CHECKPOINT).exists()


def test_cutting_epochs_leaves_the_training_as_it_is(schedules):
    whole, cut = FAST.pretext.training, schedules.finer(FAST, 3).pretext.training
    assert cut.epochs * cut.steps(5000) == whole.epochs * whole.steps(5000)
    rates = [config.rate(5000) for config in (whole, cut)]
    for step in (0, 29, 100, 599):
        assert float(rates[0](step)) == float(rates[1](step))
    with pytest.raises(ValueError, match="not 7 equal parts"):
        schedules.finer(FAST, 7)
    with pytest.raises(ValueError, match="None steps"):
        schedules.finer(PAPER, 2)


def test_only_a_finished_training_that_has_learnt_is_compared(schedules):
    points = {
        "learnt": [point(1, 0.9), point(2, 0.98), point(3)],
        "learnt and stopped": [point(1, 0.99), point(2)],
        "finished without learning": [point(1, 0.5), point(2, 0.6), point(3, 0.96)],
        "not begun": [],
    }
    trainings = dict.fromkeys(points, SHORT)
    assert schedules.comparable(points, trainings) == ["learnt"]
    states = {name: schedules.state_of(of_one, SHORT) for name, of_one in points.items()}
    assert states == {
        "learnt": "AUC 0.97 after 112 views; trained to its own end",
        "learnt and stopped": "AUC 0.97 after 56 views; stopped by the clock after epoch 2 of 3",
        "finished without learning": "AUC 0.96 at best; trained to its own end",
        "not begun": "not begun",
    }


@pytest.mark.parametrize(
    ("published", "target", "note"),
    [
        ([point(1, 0.5), point(2, 0.98), point(3, 0.99)], 10, ""),
        ([point(1, 0.5), point(2, 0.5), point(3, 0.6)], 10, "lower bound"),
        ([point(1, 0.5)], None, "stopped by the clock"),
    ],
    ids=["learnt", "finished", "stopped"],
)
def test_views_are_judged_unless_the_clock_stopped_the_training(modules, published, target, note):
    points = {"fast": [point(1, 0.98), point(2), point(3, 0.99)], "published": published}
    rows = modules["bench_schedule"].learning_rows(points, dict.fromkeys(points, SHORT))
    views, steps, seconds = rows[:3]
    end = 2 if target and not note else len(published)
    assert views["median"] == steps["median"] == seconds["median"] == end
    assert views["high"] == steps["high"] == end
    assert views["low"] == (end - 1 if not note else end)
    assert views["target"] == target and steps["target"] is seconds["target"] is None
    assert note in views["note"]
    assert ("lower bound" in views["note"]) == bool(note)


def test_nothing_is_compared_with_a_fast_schedule_that_has_not_learnt(modules):
    points = {"fast": [point(1, 0.5)], "published": [point(1, 0.98)]}
    rows = modules["bench_schedule"].learning_rows(points, dict.fromkeys(points, SHORT))
    assert [row["what"].split(":")[0] for row in rows[::3]] == [
        "fast schedule without reaching AUC 0.97",
        "published schedule until AUC 0.97",
    ]


def test_seconds_leave_out_the_epoch_that_compiles(modules):
    points = [point(1, 0.5), point(2, 0.98), point(3)]
    for p, seconds in zip(points, (20.0, 21.0, 22.0), strict=True):
        p["seconds"] = seconds
    assert modules["bench_schedule"].until(points)["seconds"] == 2


def test_the_table_in_the_book_follows_from_its_points(modules):
    result = json.loads((BENCHMARKS / "results" / "schedule.json").read_text())
    bench = modules["bench_schedule"]
    profiles = bench.schedules("direct")
    trainings = {name: profile.pretext.training for name, profile in profiles.items()}
    points = {name: result[name] for name in trainings}
    rows = bench.learning_rows(points, trainings)
    assert result["rows"][: len(rows)] == rows
    served = {
        row["what"].split(", ")[2].removesuffix(" encoder: mean AUC")
        for row in result["rows"]
        if row["what"].endswith("encoder: mean AUC")
    }
    good = set(modules["schedules"].comparable(points, trainings))
    assert served == (good | {"random"} if good else set())
    assert len(result["skipped"]) == len(points) - len(good)


def test_what_is_left_of_the_published_profile_is_projected_at_the_speed_at_hand(modules):
    rows = {
        row["what"]: row
        for row in modules["bench_paper"].progress_rows(
            {0: [point(1, 0.5), point(2), point(3, 0.98)], 1: [point(1)]},
            SHORT,
            {0: 10, 1: 10},
            ("a processor", 7.0),
        )
    }
    assert rows["pretraining without group 0: epochs of 3"]["met"] is True
    assert rows["pretraining without group 1: epochs of 3"]["met"] is False
    assert rows["pretraining: speed of an epoch"]["median"] == 28
    # 3 s and 1 s are measured; two epochs of 28 views are left.
    assert rows["all pretrainings"]["median"] == pytest.approx((4 + 2 * 28 / 7) / 3600)
    assert "projected" in rows["all pretrainings"]["note"]
    assert rows["pretraining: speed of a step"]["note"].startswith("a processor, ")


def test_a_published_profile_that_was_trained_here_is_measured(modules):
    rows = modules["bench_paper"].progress_rows(
        {0: [point(1), point(2), point(3, 0.98)]}, SHORT, {0: 10}, ("a card", 7.0)
    )
    assert [row["what"] for row in rows] == [
        "pretraining without group 0: epochs of 3",
        "pretraining: speed of an epoch",
        "all pretrainings",
    ]
    assert rows[-1]["note"] == "measured"


def test_results_of_new_people_alone_are_shown_with_their_intervals(modules):
    table = pd.DataFrame(
        [
            {"model": model, "regime": regime, "target": "valence", "mean": mean, "low": mean - 0.1}
            | {"high": mean + 0.1, "n_participants": 23}
            for model, regime, mean in (
                ("STR", "strict", 0.7),
                ("STR", "pretext saw test windows", 0.8),
                ("random", "none", 0.6),
            )
        ]
    )
    took, row = modules["bench_paper"].result_rows(table, {"seconds": 1800, "note": "a card"})
    assert (took["median"], took["unit"], took["note"]) == (0.5, "h", "a card")
    assert row["what"] == "new people (LOSO), valence: mean AUC"
    assert [row["low"], row["median"], row["high"]] == pytest.approx([0.6, 0.7, 0.8])
