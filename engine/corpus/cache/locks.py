"""Lock of a file: one process holds it, and the system takes it back when that process ends, however it ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Lock:
    """Lock held until `release`. Get one by `Lock.take`."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @staticmethod
    def take(file: Path) -> Lock | None:
        """The lock of this name, made if it is new; None if another holds it. It never waits."""
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(descriptor)
            # Who cleared the cache meanwhile took the name away: a lock without a name protects nothing.
            if os.fstat(descriptor).st_ino == os.stat(file).st_ino:
                return Lock(descriptor)
        except (BlockingIOError, PermissionError, FileNotFoundError):
            pass
        os.close(descriptor)
        return None

    def release(self) -> None:
        os.close(self._descriptor)
