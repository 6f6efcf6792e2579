"""A training process keeps the memory it frees."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

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


LITTLE = """
import resource
import sys
import numpy as np
from engine.memory import keep_a_little_memory
if sys.argv[1] == "keep":
    keep_a_little_memory()

def once():
    blocks = [np.empty(3 << 20, np.uint8) for _ in range(4)]  # as large as a transform's
    for block in blocks:
        block[::4096] = 0

once()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(3):
    once()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator only")
def test_a_little_memory_that_is_used_again_is_not_mapped_again() -> None:
    def faults(how: str) -> int:
        done = subprocess.run([sys.executable, "-c", LITTLE, how], capture_output=True, text=True, check=True)
        return int(done.stdout)

    assert faults("keep") < 0.05 * faults("give back")


HUGE = """
from pathlib import Path
from engine.memory import keep_freed_memory
for _ in range(2):
    keep_freed_memory()  # a second run in one process
    blocks = [bytearray(24 << 20) for _ in range(8)]
    for block in blocks:
        block[::4096] = bytes(len(block) // 4096)
    kinds = Path("/proc/self/smaps_rollup").read_text()
print(kinds)
"""
SYSTEM = Path("/sys/kernel/mm/transparent_hugepage/enabled")


@pytest.mark.skipif(
    not SYSTEM.is_file() or "[never]" in SYSTEM.read_text(), reason="this system gives no huge pages"
)
def test_large_tensors_lie_in_huge_pages() -> None:
    done = subprocess.run([sys.executable, "-c", HUGE], capture_output=True, text=True, check=True)
    found = re.search(r"AnonHugePages:\s+(\d+) kB", done.stdout)
    assert found is not None
    assert int(found[1]) > 0.8 * 8 * 24 * 1024
