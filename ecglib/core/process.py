"""Settings of a whole process; nothing but a call of these functions changes them."""

from __future__ import annotations

import ctypes
import logging
import os
import sys

from threadpoolctl import threadpool_limits

# From glibc's <malloc.h>.
_M_TRIM_THRESHOLD = -1
_M_MMAP_MAX = -4
_M_ARENA_MAX = -8


def keep_freed_memory() -> bool:
    """Let this process keep the memory that it frees, to use it again.

    By default glibc hands large blocks back to the system at once. A training step on the CPU
    takes hundreds of megabytes of temporary blocks, and the system would have to find and clear
    every page of them anew in the next step: about a fifth of the step's time. Afterwards the
    process does not shrink below its peak until it ends. All threads share one heap, because the
    heaps of single threads are too small for such blocks; threads that already have one of their
    own stay with it, so call this before the first training.

    Returns
    -------
    bool
        Whether the policy changed; False where the C library is not glibc.

    Examples
    --------
    >>> import subprocess  # so that the process that reads this stays as it is
    >>> code = "from ecglib.core.process import *; print(keep_freed_memory() in (True, False))"
    >>> subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip()
    'True'
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        return False
    policy = {_M_ARENA_MAX: 1, _M_MMAP_MAX: 0, _M_TRIM_THRESHOLD: -1}
    return all(mallopt(name, value) for name, value in policy.items())


def tune_process(threads: int | None = 1) -> None:
    """Prepare this process for training networks on the CPU.

    It keeps the memory that it frees (`keep_freed_memory`), it computes on so many threads, and
    TensorFlow no longer warns that functions are traced again, which is meant to happen where
    several networks are built. Call it before the first computation.

    Parameters
    ----------
    threads : int or None
        With one, sums are added up in the same order on every machine, and results do not depend
        on its number of cores; several processes side by side use the others. None leaves
        TensorFlow and the linear algebra of NumPy to take all cores.

    Raises
    ------
    RuntimeError
        If TensorFlow has computed something already and can no longer change its threads.

    Examples
    --------
    >>> import subprocess  # so that the process that reads this stays as it is
    >>> code = "from ecglib.core.process import *; tune_process(threads=None)"
    >>> subprocess.run([sys.executable, "-c", code]).returncode
    0
    """
    keep_freed_memory()
    if threads is not None:
        _limit_threads(threads)
    logging.getLogger("tensorflow").addFilter(_no_retracing)


def _limit_threads(threads: int) -> None:
    os.environ["OMP_NUM_THREADS"] = str(threads)  # for processes started from this one
    threadpool_limits(threads)
    if os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow":
        import tensorflow as tf  # not at the top: what needs no network need not wait for it

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)


def _no_retracing(record: logging.LogRecord) -> bool:
    return "retracing" not in record.getMessage()
