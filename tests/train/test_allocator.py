import platform
import subprocess
import sys

import pytest

PAGE_FAULTS_OF_A_HUNDRED_ARRAYS = """
import resource
import numpy as np
from train.allocator import keep_freed_memory
if {keep}:
    keep_freed_memory()
np.ones(1 << 22)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(100):
    np.ones(1 << 22)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(keep: bool) -> int:
    code = PAGE_FAULTS_OF_A_HUNDRED_ARRAYS.format(keep=keep)
    command = [sys.executable, "-c", code]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="tells glibc only")
def test_freed_memory_is_used_again():
    assert 10 * page_faults(keep=True) < page_faults(keep=False)
