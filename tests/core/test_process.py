import platform
import subprocess
import sys

import pytest

PROBE = """
import resource
import numpy as np
from ecglib.core.process import keep_freed_memory

assert {keep} is False or keep_freed_memory()
np.ones(2**24, "float32")
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(4):
    np.ones(2**24, "float32")
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the policy is one of glibc")
def test_a_large_block_is_used_again_without_page_faults():
    # In processes of their own: the policy can't be taken back.
    def page_faults(keep):
        probe = [sys.executable, "-c", PROBE.format(keep=keep)]
        return int(subprocess.run(probe, check=True, capture_output=True, text=True).stdout)

    assert page_faults(True) < 0.1 * page_faults(False)
