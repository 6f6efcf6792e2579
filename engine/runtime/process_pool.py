"""Processes that work side by side, on pebble: a task that ends its process is lost alone, and reported.

What the user wants of the job reaches every process (`control`). When the process that started them ends, however
it ends, they end too: one that works, where it next checks its control.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from multiprocessing.util import Finalize
from typing import Any, Generic, TypeVar

import pebble

from engine.api import Control, ControlSignal
from engine.api.errors import Cancelled, EngineError

TaskT = TypeVar("TaskT")
OutcomeT = TypeVar("OutcomeT")
ReportWords = Callable[[str], object]
_LOOK_S = 0.1  # between two looks at the requested state
_STATES = tuple(Control)


@dataclass(frozen=True)
class WorkerSpec(Generic[TaskT, OutcomeT]):
    """What the processes of a pool do.

    make: called once in every process, before its first task, with `control` (see ProcessPool.passing_on), `report`
        (takes words about the task in work) and the pool's arguments. A context that gives what performs a task; an
        EngineError of making it ends the whole work.
    lost: the outcome of a task that ended its process or failed, from the task and how it did: "ended the process
        (code 7)" or "failed (ValueError: ...)".
    unable: the error when a process ends before any was made, from its exit code, if that is known.
    """

    make: Callable[..., AbstractContextManager[Callable[[TaskT], OutcomeT]]]
    lost: Callable[[TaskT, str], OutcomeT]
    unable: Callable[[int | None], EngineError]


class ProcessPool(Generic[TaskT, OutcomeT]):
    """So many processes that do the same. Use it as a context: they are gone at its end.

    Args:
        arguments: for the spec's `make`; they, tasks and outcomes cross a pipe.
    """

    def __init__(self, processes: int, spec: WorkerSpec[TaskT, OutcomeT], *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._count = processes
        self._spec, self._arguments = spec, arguments
        requested, begun = context.Value("i", 0, lock=False), context.Value("b", 0, lock=False)
        self._shared = _Shared(requested, begun, context.SimpleQueue())
        self._pool = pebble.ProcessPool(processes, initializer=_set_up, initargs=(self._shared,), context=context)

    def __enter__(self) -> ProcessPool[TaskT, OutcomeT]:
        # Multiprocessing forbids children to its daemons, lest they outlive their parent; ours watch for its end.
        if (ourselves := multiprocessing.current_process()).daemon:
            ourselves.daemon = False
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()
        self._shared.words.close()

    def passing_on(self, control: ControlSignal) -> ControlSignal:
        """`control`, whose answers reach the processes too: whoever checks this one here controls them too."""

        def asked() -> Control:
            state = control()
            self._shared.requested.value = _STATES.index(state)
            return state

        return asked

    def run(
        self, tasks: Iterator[TaskT], report: Callable[[TaskT, str], object] | None = None
    ) -> Iterator[OutcomeT | None]:
        """The outcome of every task, as they come; None now and then, to look at something else.

        Args:
            report: called with a task in work and what its process says of it.

        Raises:
            EngineError: the processes do not even start, or cannot make what performs a task.
        """
        under_way: dict[Future[OutcomeT], tuple[int, TaskT]] = {}
        numbered = enumerate(tasks)
        exhausted = False
        while under_way or not exhausted:
            while len(under_way) < self._count and not exhausted:
                if exhausted := (following := next(numbered, None)) is None:
                    break
                under_way[self._pool.schedule(_perform, (self._spec.make, self._arguments, *following))] = following
                yield None
            done, _ = wait(under_way, _LOOK_S, FIRST_COMPLETED)
            self._pass_words(dict(under_way.values()), report)
            for future in done:
                yield self._outcome(future, under_way.pop(future)[1])
            yield None

    def _pass_words(self, tasks: dict[int, TaskT], report: Callable[[TaskT, str], object] | None) -> None:
        while not self._shared.words.empty():
            number, words = self._shared.words.get()
            if report is not None:
                report(tasks[number], words)

    def _outcome(self, future: Future[OutcomeT], task: TaskT) -> OutcomeT:
        try:
            return future.result()
        except (EngineError, Cancelled):
            raise
        except pebble.ProcessExpired as error:
            if not self._shared.begun.value:
                raise self._spec.unable(error.exitcode) from error
            return self._spec.lost(task, f"ended the process (code {error.exitcode})")
        except BrokenExecutor as error:
            raise self._spec.unable(None) from error
        except Exception as error:  # noqa: BLE001 - whatever a task raises costs that task alone
            traceback.print_exception(error)
            return self._spec.lost(task, f"failed ({type(error).__name__}: {error})")


@dataclass(frozen=True)
class _Shared:
    """What all processes see.

    requested: position of the requested state in _STATES. begun: whether any process was made.
    words: (number of a task, words about it).
    """

    requested: Any
    begun: Any
    words: Any


class _Worker:
    """A process of a pool: what performs its tasks, made before the first."""

    def __init__(self, shared: _Shared) -> None:
        self._shared = shared
        self._number = 0
        self._perform: Callable[[Any], Any] | None = None

    def perform(self, make: Callable[..., Any], arguments: tuple[Any, ...], number: int, task: Any) -> Any:
        self._number = number
        if self._perform is None:
            made = contextlib.ExitStack()
            Finalize(None, made.close, exitpriority=1)  # however the process ends, unless it is killed
            self._perform = made.enter_context(make(self._control, self._report, *arguments))
            self._shared.begun.value = 1
        return self._perform(task)

    def _control(self) -> Control:
        parent = multiprocessing.parent_process()
        return _STATES[self._shared.requested.value] if parent and parent.is_alive() else Control.CANCEL

    def _report(self, words: str) -> None:
        self._shared.words.put((self._number, words))


_WORKER: ContextVar[_Worker] = ContextVar("worker of this process")  # set in processes of a pool alone


def _set_up(shared: _Shared) -> None:
    """Run first in every process: what a task brings may import torch, whose threads are set by then."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    _WORKER.set(_Worker(shared))


def _perform(make: Callable[..., Any], arguments: tuple[Any, ...], number: int, task: Any) -> Any:
    return _WORKER.get().perform(make, arguments, number, task)


def cores() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
