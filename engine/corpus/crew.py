"""Processes that read recordings into packs of the cache, each into packs of its own.

A process says what became of a recording; arrays never cross a pipe. When the one that started them ends, however
it ends, their pipes close and they end too.
"""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TypeVar

from engine.errors import AudioError, CorpusError

T = TypeVar("T")
_LOOK_S = 0.1  # between two looks at the user's wish


@dataclass(frozen=True)
class Task:
    """A recording to read: its content's hash, and the size and time its file had then."""

    path: str
    content: str
    stamp: tuple[int, int]
    size: int


@dataclass(frozen=True)
class Written:
    """A recording that was read: where its frames lie, and what level normalisation added to it."""

    task: Task
    pack: str
    start: int
    frames: int
    notes: tuple[str, ...]
    gain_db: float


@dataclass(frozen=True)
class Unread:
    """A recording that cannot be used, and why."""

    task: Task
    why: str


Outcome = Written | Unread


class Reader:
    """Reads recordings into packs, in this process."""

    def __init__(self, folder: Path, spec: dict[str, Any], begun: dict[str, int] | None = None) -> None:
        from engine.cache.packs import PackWriter
        from engine.corpus.features import Features
        from engine.specs import AudioSpec

        known = AudioSpec.from_dict(spec)
        self._features = Features(known)
        self._packs = PackWriter(folder, known.bands, begun)

    def read(self, task: Task, look: Callable[[], object] = lambda: None) -> Outcome:
        """Read one recording; `look` is called between its pieces, and what it raises ends the work."""
        from engine.cache.index import stamp
        from engine.threads import one_thread

        notes: list[str] = []
        try:
            with one_thread():
                pieces = _watched(self._features.pieces(task.path, notes), look)
                pack, start, frames = self._packs.write(pieces)
        except AudioError as error:
            return Unread(task, error.what)
        if stamp(task.path) != task.stamp:
            return Unread(task, "It changed while it was read.")
        return Written(task, pack, start, frames, tuple(notes), self._features.gain_db)

    def close(self) -> None:
        self._packs.close()


class Crew:
    """So many processes. Use it as a context: they are gone at its end."""

    def __init__(self, processes: int, folder: Path, spec: dict[str, Any]) -> None:
        self._count = processes
        self._arguments = (folder, spec)
        self._members: dict[Connection, BaseProcess] = {}
        self._idle: set[Connection] = set()
        self._doing: dict[Connection, Task] = {}

    def __enter__(self) -> Crew:
        # Multiprocessing forbids children to its daemons, lest they outlive their parent; ours watch a pipe.
        if (ourselves := multiprocessing.current_process()).daemon:
            ourselves.daemon = False
        for _ in range(self._count):
            self._start()
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in self._members:
            pipe.close()
        for process in self._members.values():
            process.terminate()
            process.join()

    def run(self, tasks: Iterator[Task]) -> Iterator[Outcome | None]:
        """The outcome of every task, as they come; None now and then, to look at something else.

        Raises:
            CorpusError: the processes do not even start.
        """
        exhausted = False
        while not exhausted or self._doing:
            for pipe in [pipe for pipe in self._members if pipe in self._idle]:
                task = next(tasks, None)
                if exhausted := task is None:
                    break
                if not self._give(pipe, task):
                    tasks = itertools.chain([task], tasks)
                yield None
            for ready in connection.wait(list(self._members), _LOOK_S):
                yield self._heard(ready)  # type: ignore[arg-type]
            yield None

    def _give(self, pipe: Connection, task: Task) -> bool:
        """Hand a task to a process that has nothing to do; False if it is gone."""
        self._idle.discard(pipe)
        try:
            pipe.send(task)
        except OSError:
            self._replace(pipe)
            return False
        self._doing[pipe] = task
        return True

    def _heard(self, pipe: Connection) -> Outcome | None:
        """What a process says: None that it is ready, then outcomes; or that it is gone."""
        try:
            outcome: Outcome | None = pipe.recv()
        except (EOFError, OSError):
            task, was_idle = self._doing.pop(pipe, None), pipe in self._idle
            code = self._replace(pipe, start=task is not None or was_idle)
            if task is not None:
                return Unread(task, f"Reading it ended the process (code {code}).")
            if was_idle:
                return None
            raise CorpusError(
                f"A process that reads recordings ended before it began (code {code}).",
                "Try again; if it happens again, report it with the log.",
            ) from None
        self._doing.pop(pipe, None)
        self._idle.add(pipe)
        return outcome

    def _replace(self, pipe: Connection, start: bool = True) -> int | None:
        """Another process for one that is gone; the code it ended with."""
        process = self._members.pop(pipe)
        self._idle.discard(pipe)
        pipe.close()
        process.join()
        if start:
            self._start()
        return process.exitcode

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe(duplex=True)
        process = context.Process(
            target=_work, args=(theirs, *self._arguments), name="triptych-reader", daemon=True
        )
        process.start()
        theirs.close()
        self._members[ours] = process


def _work(pipe: Connection, folder: Path, spec: dict[str, Any]) -> None:
    """Main of a process of the crew."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"  # before torch is imported
    reader = Reader(folder, spec)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):  # the usual way for it to end
        pipe.send(None)
        while True:
            pipe.send(reader.read(pipe.recv()))
    reader.close()


def _watched(pieces: Iterator[T], look: Callable[[], object]) -> Iterator[T]:
    for piece in pieces:
        look()
        yield piece


def cores() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
