import doctest
import gzip
import multiprocessing
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from joblib.externals.loky.process_executor import TerminatedWorkerError
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ecglib.core.errors import DataError
from ecglib.core.stages import Stage
from ecglib.evaluation import jobs
from ecglib.evaluation.crossval import evaluate_estimator
from ecglib.evaluation.jobs import FOLD, SHARED_BYTES, run_folds
from ecglib.evaluation.leave_out import LeaveOneParticipantOut
from ecglib.evaluation.predictions import prediction_rows
from tests.cohorts import spread_cohort

if TYPE_CHECKING:
    from distributed import Client

TARGETS = ("valence", "arousal")
LOGISTIC = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced"))


def evaluate(estimator: BaseEstimator = LOGISTIC, **changes: object) -> pd.DataFrame:
    features, meta = spread_cohort()
    given = {"features": features, "meta": meta, "splitter": LeaveOneParticipantOut()} | changes
    names = {"model": "m", "regime": "strict"}
    return evaluate_estimator(estimator, **{"targets": TARGETS} | names | given)


def logged_fold(
    number: int, log: Path, array: np.ndarray, victim: int = -1, wait_for: int = 0
) -> pd.DataFrame:
    """A fold that writes down that it runs; the victim is killed the first time it runs."""
    with open(log, "a") as stream:
        stream.write(f"{number} {os.getpid()}\n")
    if number == victim and executions(log)[number] == 1:
        wait_until(lambda: len(list(log.parent.glob("folds/fold-*"))) >= wait_for)
        os.kill(os.getpid(), signal.SIGKILL)
    meta, test = pd.DataFrame({"participant": [1, 2], "clip": [3, 4]}), np.array([0, 1])
    names = {"protocol": "p", "model": "m", "regime": "r", "target": "valence", "seed": 0}
    probability = np.full(2, array[number])
    return prediction_rows(meta, test, probability, np.array([0, 1]), fold=number, **names)


def wait_until(condition) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def run_logged(
    tmp_path: Path, n: int, victim: int = -1, wait_for: int = 0, **options: object
) -> list[pd.DataFrame]:
    array = np.linspace(0, 1, SHARED_BYTES)
    arguments = [(i, tmp_path / "log", array, victim, wait_for) for i in range(n)]
    return run_folds(logged_fold, arguments, folder=tmp_path / "folds", **options)


def executions(log: Path) -> Counter[int]:
    return Counter(int(line.split()[0]) for line in log.read_text().splitlines())


def finished(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "folds").glob("fold-*")}


@pytest.fixture(scope="module")
def client() -> "Iterator[Client]":
    """Two workers that are processes of their own, reachable from this machine only."""
    from distributed import Client, LocalCluster  # workers import this file, and need neither

    cluster = LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
    )
    with cluster, Client(cluster) as client:
        yield client


def test_examples_in_docstrings() -> None:
    assert doctest.testmod(jobs).failed == 0


def test_a_finished_fold_is_never_run_twice(tmp_path: Path) -> None:
    first = run_logged(tmp_path, 3)
    again = run_logged(tmp_path, 5)
    assert executions(tmp_path / "log") == dict.fromkeys(range(5), 1)
    for one, two in zip(first, again, strict=False):
        pd.testing.assert_frame_equal(one, two)
    assert [rows["fold"][0] for rows in again] == [0, 1, 2, 3, 4]
    assert len(finished(tmp_path)) == len(list((tmp_path / "folds").iterdir())) == 5

    run_logged(tmp_path, 5, stage=replace(FOLD, version=2))
    assert executions(tmp_path / "log") == dict.fromkeys(range(5), 2)


def test_equal_arguments_are_run_once(tmp_path: Path) -> None:
    array = np.linspace(0, 1, 4)
    both = run_folds(logged_fold, [(1, tmp_path / "log", array)] * 2, folder=tmp_path / "folds")
    pd.testing.assert_frame_equal(*both)
    assert executions(tmp_path / "log") == {1: 1}


def test_results_of_another_kind(tmp_path: Path) -> None:
    stage = Stage("twice", 1, ())
    for _ in range(2):
        (result,) = run_folds(named_array, [(np.arange(3),)], folder=tmp_path, stage=stage)
        np.testing.assert_array_equal(result["twice"], [0, 2, 4])


def named_array(array: np.ndarray) -> dict[str, np.ndarray]:
    return {"twice": 2 * array}


def test_a_function_with_hidden_input_is_not_stored(tmp_path: Path) -> None:
    hidden = 3

    def function(x: int) -> int:
        return x + hidden

    assert run_folds(function, [(1,)]) == [4]
    with pytest.raises(ValueError, match="uses hidden from"):
        run_folds(function, [(1,)], folder=tmp_path)


def test_a_damaged_file_is_refused_before_anything_runs(tmp_path: Path) -> None:
    run_logged(tmp_path, 2)
    path = sorted((tmp_path / "folds").iterdir())[0]
    whole = path.read_bytes()
    for damaged in (whole[:-20], b"", gzip.compress(b"protocol,model\np,m\n")):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=path.name):
            run_logged(tmp_path, 4)
    assert executions(tmp_path / "log") == {0: 1, 1: 1}
    path.unlink()
    run_logged(tmp_path, 2)
    assert sum(executions(tmp_path / "log").values()) == 3
    assert path.read_bytes() == whole


def test_folds_that_were_swapped_are_refused(tmp_path: Path) -> None:
    run_logged(tmp_path, 2)
    one, two = sorted((tmp_path / "folds").iterdir())
    kept = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(kept)
    with pytest.raises(DataError, match=r"field arguments\[0\]: holds what was made with"):
        run_logged(tmp_path, 2)


def test_a_failing_fold_stores_nothing_and_leaves_no_rest(tmp_path: Path) -> None:
    with pytest.raises(IndexError):
        run_folds(logged_fold, [(i, tmp_path / "log", np.ones(1)) for i in (0, 1)], folder=tmp_path)
    assert {path.name[:5] for path in tmp_path.iterdir()} == {"fold-", "log"}


def test_processes_give_the_same_predictions(tmp_path: Path) -> None:
    alone = evaluate()
    with parallel_config(n_jobs=2):
        pd.testing.assert_frame_equal(evaluate(), alone)
        pd.testing.assert_frame_equal(evaluate(folder=tmp_path), alone)
    pd.testing.assert_frame_equal(evaluate(folder=tmp_path), alone)


def test_a_killed_process_ends_the_run_and_loses_no_finished_fold(tmp_path: Path) -> None:
    with parallel_config(n_jobs=2):
        with pytest.raises(TerminatedWorkerError):
            run_logged(tmp_path, 5, victim=4, wait_for=4)
        assert len(finished(tmp_path)) == 4
        rows = run_logged(tmp_path, 5, victim=4, wait_for=4)
    assert executions(tmp_path / "log") == {0: 1, 1: 1, 2: 1, 3: 1, 4: 2}
    assert [r["fold"][0] for r in rows] == [0, 1, 2, 3, 4]


def test_a_killed_run_loses_no_finished_fold(tmp_path: Path) -> None:
    run = multiprocessing.get_context("spawn").Process(target=run_logged, args=(tmp_path, 6, 3))
    run.start()
    run.join(30)
    assert run.exitcode == -signal.SIGKILL
    assert executions(tmp_path / "log") == {0: 1, 1: 1, 2: 1, 3: 1}
    assert len(finished(tmp_path)) == 3
    run_logged(tmp_path, 6, 3)
    assert executions(tmp_path / "log") == {0: 1, 1: 1, 2: 1, 3: 2, 4: 1, 5: 1}


def test_a_cluster_gives_the_same_predictions(client: "Client", tmp_path: Path) -> None:
    assert len({worker["pid"] for worker in client.run(describe).values()} | {os.getpid()}) == 3
    alone = evaluate()
    with parallel_config(backend="dask"):
        pd.testing.assert_frame_equal(evaluate(), alone)
        pd.testing.assert_frame_equal(evaluate(folder=tmp_path), alone)


def describe() -> dict[str, int]:
    return {"pid": os.getpid()}


def test_a_cluster_finishes_the_fold_of_a_killed_worker(client: "Client", tmp_path: Path) -> None:
    before = {worker["pid"] for worker in client.run(describe).values()}
    with parallel_config(backend="dask"):
        rows = run_logged(tmp_path, 8, victim=2, wait_for=2)
    assert executions(tmp_path / "log") == {**dict.fromkeys(range(8), 1), 2: 2}
    assert [r["fold"][0] for r in rows] == list(range(8))
    killed, second = (
        int(line.split()[1])
        for line in (tmp_path / "log").read_text().splitlines()
        if line.startswith("2 ")
    )
    assert killed in before and second != killed
    assert len(finished(tmp_path)) == len(list((tmp_path / "folds").iterdir())) == 8


def test_workers_run_what_stands_in_their_block():
    with jobs.workers(jobs=2):
        assert run_folds(os.getpid, [(), ()])[0] != os.getpid()
    with jobs.workers():
        assert run_folds(os.getpid, [()]) == [os.getpid()]
    with pytest.raises(DataError, match="one of them"), jobs.workers(2, "tcp://127.0.0.1:1"):
        pass


def test_folds_say_how_far_they_are(tmp_path, monkeypatch):
    told = tmp_path / "told"
    monkeypatch.setenv("ECGLIB_PROGRESS", str(told))
    monkeypatch.setattr("ecglib.core.progress.EVERY_S", 0)
    lines = []
    run_folds(_note_progress, [(told, lines)] * 3)
    assert lines[-1] == "folds: fold 2 of 3"


def _note_progress(told, lines):
    if told.is_file():
        lines.append(told.read_text())
