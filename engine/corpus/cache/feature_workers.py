"""Feature workers: processes that read recordings into packs of the cache, each into packs of its own.

A process reports the outcome for a recording; arrays never cross a pipe.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from engine.api import ControlSignal
from engine.api.errors import AudioError, CorpusError
from engine.runtime.process_pool import ProcessPool, ReportWords, WorkerSpec

T = TypeVar("T")


@dataclass(frozen=True)
class Task:
    """Recording to read: its content's hash, and the size and time its file had then."""

    path: str
    content: str
    stamp: tuple[int, int]
    size: int


@dataclass(frozen=True)
class Written:
    """Recording that was read: where its frames lie, and what level normalisation added to it."""

    task: Task
    pack: str
    start: int
    frames: int
    notes: tuple[str, ...]
    gain_db: float


@dataclass(frozen=True)
class Unread:
    """Recording that cannot be used, and why."""

    task: Task
    why: str


Outcome = Written | Unread


class Reader:
    """Reader of recordings into packs, in this process."""

    def __init__(self, folder: Path, spec: dict[str, Any], begun: dict[str, int] | None = None) -> None:
        from engine.api.specs import AudioSpec
        from engine.corpus.cache.feature_extraction import Features
        from engine.corpus.cache.packs import PackWriter

        known = AudioSpec.from_dict(spec)
        self._features = Features(known)
        self._packs = PackWriter(folder, known.bands, begun)

    def read(self, task: Task, check: Callable[[], object] = lambda: None) -> Outcome:
        """Read one recording; `check` is called between its pieces, and what it raises ends the work."""
        from engine.corpus.cache.index import stamp
        from engine.runtime.threads import one_thread

        notes: list[str] = []
        try:
            with one_thread():
                pieces = _checked(self._features.pieces(task.path, notes), check)
                pack, start, frames = self._packs.write(pieces)
        except AudioError as error:
            return Unread(task, error.what)
        if stamp(task.path) != task.stamp:
            return Unread(task, "It changed while it was read.")
        return Written(task, pack, start, frames, tuple(notes), self._features.gain_db)

    def close(self) -> None:
        self._packs.close()


@contextlib.contextmanager
def reading(
    control: ControlSignal, report: ReportWords, folder: Path, spec: dict[str, Any]
) -> Iterator[Callable[[Task], Outcome]]:
    """A process's reader, for as long as the process runs; recordings are too short to be watched."""
    del control, report
    with contextlib.closing(Reader(folder, spec)) as reader:
        yield reader.read


def _lost(task: Task, how: str) -> Outcome:
    return Unread(task, f"Reading it {how}.")


def _unable(code: int | None) -> CorpusError:
    return CorpusError(
        f"A process that reads recordings ended before it began (code {code}).",
        "Try again; if it happens again, report it with the log.",
    )


def readers(processes: int, folder: Path, spec: dict[str, Any]) -> ProcessPool[Task, Outcome]:
    """So many processes that read recordings into packs in `folder`, by an AudioSpec as values."""
    return ProcessPool(processes, WorkerSpec(reading, _lost, _unable), folder, spec)


def _checked(pieces: Iterator[T], check: Callable[[], object]) -> Iterator[T]:
    for piece in pieces:
        check()
        yield piece
