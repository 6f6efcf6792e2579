"""Processes that work side by side: one that has nothing to do gets the next task, and says what became of it.

When the one that started them ends, however it ends, their pipes close and they end too: one that works, where it
next asks what the user wants.
"""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Generic, TypeVar

from engine.api import Control, ControlSignal
from engine.api.errors import Cancelled, EngineError

TaskT = TypeVar("TaskT")
OutcomeT = TypeVar("OutcomeT")
Tell = Callable[[str], object]
_LOOK_S = 0.1  # between two looks at the user's wish
_WISHES = tuple(Control)


@dataclass(frozen=True)
class Trade(Generic[TaskT, OutcomeT]):
    """What a crew does.

    name: of its processes, for people who look at them.
    make: called in every process, found there by its name, with `control` (see Crew.passing_on),
        `tell` (takes words about the task, see Crew.run) and the crew's arguments. A context that gives what
        performs a task. An EngineError of making it ends the whole work.
    lost: the outcome of a task that ended its process, from the task and the exit code.
    unable: the error of a process that ended before it began, from its exit code.
    """

    name: str
    make: Callable[..., AbstractContextManager[Callable[[TaskT], OutcomeT]]]
    lost: Callable[[TaskT, int | None], OutcomeT]
    unable: Callable[[int | None], EngineError]


@dataclass(frozen=True)
class _Told:
    words: str


class Crew(Generic[TaskT, OutcomeT]):
    """So many processes of one trade. Use it as a context: they are gone at its end.

    Args:
        arguments: for the trade's `make`; they, tasks and outcomes cross a pipe.
    """

    def __init__(self, processes: int, trade: Trade[TaskT, OutcomeT], *arguments: Any) -> None:
        self._count = processes
        self._trade, self._arguments = trade, arguments
        self._context = multiprocessing.get_context("spawn")
        self._wish: Any = self._context.Value("i", 0, lock=False)  # a position in _WISHES
        self._members: dict[Connection, BaseProcess] = {}
        self._idle: set[Connection] = set()
        self._doing: dict[Connection, TaskT] = {}

    def __enter__(self) -> Crew[TaskT, OutcomeT]:
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

    def passing_on(self, control: ControlSignal) -> ControlSignal:
        """`control`, whose answers the processes hear of: whoever obeys this one here lets them obey it there."""

        def asked() -> Control:
            wish = control()
            self._wish.value = _WISHES.index(wish)
            return wish

        return asked

    def run(
        self, tasks: Iterator[TaskT], told: Callable[[TaskT, str], object] | None = None
    ) -> Iterator[OutcomeT | None]:
        """The outcome of every task, as they come; None now and then, to look at something else.

        Args:
            told: called with what a process tells of a task in work.

        Raises:
            EngineError: the processes do not even start, or cannot make what performs a task.
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
                yield self._heard(ready, told)  # type: ignore[arg-type]
            yield None

    def _give(self, pipe: Connection, task: TaskT) -> bool:
        """Hand a task to a process that has nothing to do; False if it is gone."""
        self._idle.discard(pipe)
        try:
            pipe.send(task)
        except OSError:
            self._replace(pipe)
            return False
        self._doing[pipe] = task
        return True

    def _heard(self, pipe: Connection, told: Callable[[TaskT, str], object] | None) -> OutcomeT | None:
        """What a process says: None that it is ready, then words and outcomes; or that it is gone."""
        try:
            said: OutcomeT | EngineError | _Told | None = pipe.recv()
        except (EOFError, OSError):
            task, was_idle = self._doing.pop(pipe, None), pipe in self._idle
            code = self._replace(pipe, start=task is not None or was_idle)
            if task is not None:
                return self._trade.lost(task, code)
            if was_idle:
                return None
            raise self._trade.unable(code) from None
        if isinstance(said, EngineError):
            raise said
        if isinstance(said, _Told):
            if told is not None:
                told(self._doing[pipe], said.words)
            return None
        self._doing.pop(pipe, None)
        self._idle.add(pipe)
        return said

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
        ours, theirs = self._context.Pipe(duplex=True)
        process = self._context.Process(
            target=_work, args=(theirs, self._wish), name=f"triptych-{self._trade.name}", daemon=True
        )
        process.start()
        theirs.close()
        self._members[ours] = process
        with contextlib.suppress(OSError):  # it is gone already, which shows where it is listened to
            ours.send((self._trade.make, self._arguments))


def _work(pipe: Connection, wish: Any) -> None:
    """Main of a process of the crew."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"  # before torch is imported, which may come with what the pipe brings

    def control() -> Control:
        # Nothing is sent to a process that works: what there is to read then is the end of the pipe.
        return Control.CANCEL if pipe.poll() else _WISHES[wish.value]

    def tell(words: str) -> None:
        pipe.send(_Told(words))

    usual = (EOFError, BrokenPipeError, ConnectionResetError, Cancelled)  # ways for it to end
    with contextlib.suppress(*usual), contextlib.ExitStack() as stack:
        make, arguments = pipe.recv()
        try:
            perform = stack.enter_context(make(control, tell, *arguments))
        except EngineError as error:
            pipe.send(error)
            return
        pipe.send(None)
        while True:
            pipe.send(perform(pipe.recv()))


def cores() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
