"""What is trained does not depend on how many cores there are: a process computes on one thread."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("tensorflow", reason="the backend is not installed")

WORKER = Path(__file__).with_name("cores_worker.py")
# Before anything is imported that looks how many cores there are.
START = """
import os, runpy
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:{cores}])
runpy.run_path({worker!r}, run_name="__main__")
"""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS",
           "TF_NUM_INTEROP_THREADS")  # fmt: skip


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores can't be chosen here")
def test_one_core_and_two_learn_the_same_to_the_last_bit():
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("there is one core only")
    # The library sets the number of threads; nothing in the environment does it for it.
    plain = {name: value for name, value in os.environ.items() if name not in THREADS}
    plain |= {"PYTHONPATH": str(WORKER.parents[2]), "TF_CPP_MIN_LOG_LEVEL": "3"}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", START.format(cores=n, worker=str(WORKER))],
            env={**plain, "KERAS_BACKEND": "tensorflow"},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        for n in (1, 2)
    ]
    told = [process.communicate(timeout=900)[0].split() for process in started]
    assert [len(words) for words in told] == [3, 3]
    assert [words[0] for words in told] == ["1", "2"]
    assert told[0][1:] == told[1][1:]
