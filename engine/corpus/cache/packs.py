"""Packs: the frames of many recordings, end to end, in two files that grow and are read memory-mapped.

    packs/<name>.mel   float16 (frames, bands)   log-mel
    packs/<name>.f0    float32 (frames,)         Hz, NaN where unvoiced
    packs/<name>.lock  held by the one process that may write

A recording counts once the index names it, so what a kill leaves behind the last one is cut off by the next writer.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.corpus.cache.locks import Lock
from engine.corpus.cache.mapped import mapped

PACK_BYTES = 256_000_000  # a pack is not begun on a recording beyond this
SUFFIXES = (".mel", ".f0")
_F0_BYTES = 4

Mapped = tuple[npt.NDArray[np.float16], npt.NDArray[np.float32]]
Pieces = Iterable[Mapped]


class PackWriter:
    """Writer that appends recordings, and begins a new pack when one is full. Only one process writes to a pack.

    Args:
        begun: packs that may be gone on with, and how many of their frames count.
    """

    def __init__(self, folder: Path, bands: int, begun: dict[str, int] | None = None) -> None:
        self._folder = folder
        self._row_bytes = (2 * bands, _F0_BYTES)
        self._begun = list((begun or {}).items())
        self._lock: Lock | None = None
        self.name = ""
        self._frames = 0

    def write(self, pieces: Pieces) -> tuple[str, int, int]:
        """Append a recording: pack, first frame, frames. If the pieces fail half-way, nothing is left of them."""
        if self._lock is None or self._frames * sum(self._row_bytes) >= PACK_BYTES:
            self.close()
            self._open()
        start = self._frames
        try:
            for mel, f0 in pieces:
                self._files[0].write(mel.tobytes())
                self._files[1].write(f0.tobytes())
                self._frames += len(mel)
            for file in self._files:
                file.flush()
        except BaseException:
            self._cut(start)
            raise
        return self.name, start, self._frames - start

    def close(self) -> None:
        if self._lock is not None:
            for file in self._files:
                file.close()
            self._lock.release()
            self._lock = None

    def _open(self) -> None:
        """Go on with a pack that no process writes to, or begin one."""
        while self._begun:
            name, frames = self._begun.pop()
            if frames * sum(self._row_bytes) < PACK_BYTES and self._opened(name, frames):
                return
        while not self._opened(uuid.uuid4().hex, 0):
            pass  # no other process can hold a name that is new

    def _opened(self, name: str, frames: int) -> bool:
        stem = self._folder / name
        lock = Lock.take(stem.with_suffix(".lock"))
        if lock is None:
            return False
        paths = [stem.with_suffix(suffix) for suffix in SUFFIXES]
        if not all(os.path.exists(path) for path in paths) and frames > 0:
            lock.release()
            return False
        self.name, self._lock = name, lock
        self._files = [path.open("ab") for path in paths]
        self._cut(frames)
        return True

    def _cut(self, frames: int) -> None:
        """Back to so many frames."""
        for file, row in zip(self._files, self._row_bytes, strict=True):
            file.flush()
            file.truncate(frames * row)
        self._frames = frames


def sync(folder: Path, names: Iterable[str]) -> None:
    """See that what was written to packs is on the disk, and not only with the system."""
    for name in names:
        for suffix in SUFFIXES:
            with (folder / f"{name}{suffix}").open("rb+") as file:
                os.fsync(file.fileno())


def opened(folder: Path, name: str, frames: int, bands: int) -> Mapped:
    """A pack's first frames, memory-mapped, read-only: (frames, bands) and (frames,).

    Raises:
        OSError, ValueError: it is not there, or is shorter.
    """
    mel = mapped(folder / f"{name}.mel", np.float16, (frames, bands))
    return mel, mapped(folder / f"{name}.f0", np.float32, (frames,))


def remove(folder: Path, name: str) -> bool:
    """Delete a pack; False if a process writes to it, or has it open on a system that minds."""
    lock_file = folder / f"{name}.lock"
    lock = Lock.take(lock_file)
    if lock is None:
        return False
    try:
        for suffix in SUFFIXES:
            (folder / f"{name}{suffix}").unlink(missing_ok=True)
        lock_file.unlink(missing_ok=True)
    except PermissionError:  # Windows: it is mapped
        return False
    finally:
        lock.release()
    return True
