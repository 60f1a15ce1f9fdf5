"""Training shared by two processes is the training of one, and no process waits for a dead one."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ecglib.core.artifacts import load_arrays
from ecglib.pretext import distributed
from ecglib.pretext.distributed import Cluster

pytest.importorskip("jax", reason="parallel training needs JAX")

HERE = Path(__file__).parent
TIMEOUT_S = 10


def start(job, cache):
    """Start `distributed_worker.py` in a process with one CPU device."""
    env = os.environ | {
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(HERE.parents[1]),
        # What one process has compiled, a later one need not compile again.
        "JAX_COMPILATION_CACHE_DIR": str(cache),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    command = [sys.executable, str(HERE / "distributed_worker.py"), json.dumps(job)]
    return subprocess.Popen(
        command, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def start_pair(jobs, cache):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        coordinator = f"127.0.0.1:{free.getsockname()[1]}"
    cluster = {"coordinator": coordinator, "processes": 2, "wait_s": 120, "timeout_s": TIMEOUT_S}
    return [
        start(job | {"cluster": cluster | {"process": number}}, cache)
        for number, job in enumerate(jobs)
    ]


def outcome(path):
    arrays = load_arrays(path)
    return json.loads(str(arrays.pop("epochs"))), list(arrays.values())


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Train alone, and as a pair that loses process 1 after two epochs and is then started again.

    Gives the folder, the ends of the processes that lived when process 1 died, and of the pair
    that continued: (return code, output).
    """
    folder = tmp_path_factory.mktemp("parallel")
    cache = folder / "compiled"
    job = {"folder": str(folder / "run"), "result": str(folder / "unused.npz")}
    other = {"folder": str(folder / "unused")}
    alone = start({"folder": str(folder / "alone"), "result": str(folder / "alone.npz")}, cache)
    survivor, dead = start_pair([job, job | other | {"dies": True}], cache)
    dead.communicate(timeout=120)
    # Well above `TIMEOUT_S`, which is when the coordinator gives a silent process up.
    died = survivor.communicate(timeout=6 * TIMEOUT_S)[0]
    first = (survivor.returncode, died)
    again = start_pair(
        [
            job | {"result": str(folder / "0.npz"), "first_with_seeds": [1]},
            job | other | {"result": str(folder / "1.npz"), "first_with_seeds": [2]},
        ],
        cache,
    )
    second = [(p.communicate(timeout=120)[0], p.returncode)[::-1] for p in again]
    assert alone.communicate(timeout=120)[0] is not None and alone.returncode == 0
    return folder, first, second


def test_two_processes_train_as_one_does(runs):
    folder, _, ends = runs
    assert [code for code, _ in ends] == [0, 0], ends
    epochs, variables = outcome(folder / "alone.npz")
    for number in range(2):
        shared_epochs, shared_variables = outcome(folder / f"{number}.npz")
        assert len(shared_epochs) == len(epochs) == 4
        for shared, single in zip(shared_epochs, epochs, strict=True):
            assert shared["loss"] == pytest.approx(single["loss"], rel=1e-3)
        # The random states are among the variables: the versions were those of the whole batch.
        for shared, single in zip(shared_variables, variables, strict=True):
            np.testing.assert_allclose(shared, single, rtol=1e-3, atol=1e-4)
    assert epochs[-1]["loss"] < epochs[0]["loss"]


def test_a_process_whose_partner_dies_ends_with_an_error(runs):
    _, (code, output), _ = runs
    assert code != 0
    assert "Connection" in output or "heartbeat" in output, output


def test_only_process_0_writes_and_both_continue_from_its_checkpoint(runs):
    folder, _, _ = runs
    assert (folder / "run" / "checkpoint.npz").is_file()
    assert not (folder / "unused").exists() and not (folder / "unused.npz").exists()


def test_processes_that_disagree_are_refused(runs):
    _, _, ends = runs
    for _, output in ends:
        assert "different windows, settings or seeds" in output


def test_a_batch_is_cut_into_equal_shares():
    X, rows = np.arange(20.0)[:, None], np.array([5, 3, 9, 0, 1, 7])
    shares = [distributed._Share(X, process, 3) for process in range(3)]
    np.testing.assert_array_equal(np.concatenate([share[rows] for share in shares]), X[rows])
    assert all(len(share) == 20 for share in shares)
    np.testing.assert_array_equal(np.asarray(shares[1]), X)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("localhost:1234", 2, 2), "numbered from 0 to 1"),
        (("localhost", 2, 0), "HOST:PORT"),
        (("localhost:port", 2, 0), "HOST:PORT"),
    ],
)
def test_an_impossible_cluster_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Cluster(*arguments)


def test_another_backend_is_refused(monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "tensorflow")
    with pytest.raises(RuntimeError, match="KERAS_BACKEND=jax"):
        distributed.join()
