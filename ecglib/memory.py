"""Memory policy of a process that trains on the CPU."""

import ctypes
import sys

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
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        return False
    policy = {_M_ARENA_MAX: 1, _M_MMAP_MAX: 0, _M_TRIM_THRESHOLD: -1}
    return all(mallopt(name, value) for name, value in policy.items())
