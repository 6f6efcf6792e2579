"""A training process keeps the memory it frees."""

from __future__ import annotations

import subprocess
import sys

import pytest

FAULTS = """
import resource
import sys
import threading
from engine.memory import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()

def once():
    if sys.argv[2] == "elsewhere":
        other = threading.Thread(target=here)
        other.start()
        other.join()
    else:
        here()

def here():
    blocks = [bytearray(24 << 20) for _ in range(8)]  # as large as a step's tensors
    for block in blocks:
        block[::4096] = bytes(len(block) // 4096)

once()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(3):
    once()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.parametrize("where", ["here", "elsewhere"])
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator only")
def test_memory_that_is_used_again_is_not_mapped_again(where: str) -> None:
    def faults(how: str) -> int:
        done = subprocess.run(
            [sys.executable, "-c", FAULTS, how, where], capture_output=True, text=True, check=True
        )
        return int(done.stdout)

    assert faults("keep") < 0.05 * faults("give back")
