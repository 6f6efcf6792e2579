"""Reading of clips in a thread, ahead of the networks; short clips are handed on together."""

from __future__ import annotations

import shutil
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engine.api import ClipAnalysed, ClipFailed, ClipRef, Control, ControlSignal
from engine.api.errors import AudioError
from engine.runtime.control import check_cancel, check_control

AHEAD = 16  # clips read before the networks come to them
TOGETHER_S = 8.0  # of short clips gathered for one batch, so that results come in steps no one minds
LARGEST_BATCH_FRAMES = 64 * 60  # padding counted
_LOOK_S = 0.02  # between two looks at the requested state while a clip is awaited


@dataclass(frozen=True)
class Begun:
    """A clip read and measured, in a folder of its own, which awaits the networks and then its place."""

    meta: ClipAnalysed
    partial: Path
    folder: Path

    def drop(self) -> None:
        shutil.rmtree(self.partial, ignore_errors=True)


class Begins(Protocol):
    """An analyst of clips in two parts (see analyse.Analyst)."""

    def known(self, clip: ClipRef, out_dir: Path) -> ClipAnalysed | None: ...
    def begin(self, clip: ClipRef, out_dir: Path, control: ControlSignal) -> Begun: ...
    def finish(self, begun: Sequence[Begun]) -> Iterator[ClipAnalysed]: ...


class ReadAhead:
    """Reads clips in a thread of its own while the networks work on those before; to be used as a context.

    What was begun and is not finished when the context ends leaves nothing behind.
    """

    def __init__(self, analyst: Begins, clips: Sequence[ClipRef], out_dir: Path, control: ControlSignal) -> None:
        self._analyst, self._out_dir, self._control = analyst, out_dir, control
        self._todo = deque(clips)
        self._reading: deque[tuple[ClipRef, ClipAnalysed | Future[Begun]]] = deque()
        self._ended = threading.Event()
        self._thread = ThreadPoolExecutor(1, "reading")

    def __enter__(self) -> ReadAhead:
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.shutdown(wait=True, cancel_futures=True)
        for _, future in self._reading:
            if isinstance(future, Future) and not future.cancelled() and future.exception() is None:
                future.result().drop()

    def results(self, report: Callable[[int], None]) -> Iterator[ClipAnalysed | ClipFailed]:
        """Every clip's result, in order; ends early on STOP.

        Args:
            report: called before each piece of work with the number of clips finished.
        """
        finished_clips = 0
        while self._todo or self._reading:
            if check_control(self._control):
                return
            report(finished_clips)
            group = self._next_group()
            begun = [result for result in group if isinstance(result, Begun)]
            finished = self._analyst.finish(begun)
            try:
                for number, result in enumerate(group):
                    if number and check_control(self._control):
                        return
                    if number:
                        report(finished_clips)
                    yield next(finished) if isinstance(result, Begun) else result
                    finished_clips += 1
            finally:
                for item in begun:
                    item.drop()  # what is in its place has nothing left here

    def _next_group(self) -> list[ClipAnalysed | ClipFailed | Begun]:
        """The next clips whose signal is ready: enough of them to be worth a batch, one where it is long."""
        group: list[ClipAnalysed | ClipFailed | Begun] = []
        seconds, longest = 0.0, 0
        try:
            while len(group) < AHEAD and seconds < TOGETHER_S and (self._todo or self._reading):
                self._fill()
                result = self._awaited(*self._reading[0])
                if isinstance(result, Begun):
                    longest = max(longest, result.meta.frames)
                    if group and longest * (len(group) + 1) > LARGEST_BATCH_FRAMES:
                        break  # it would mostly be padding, or much memory
                    seconds += result.meta.duration_s
                self._reading.popleft()
                group.append(result)
        except BaseException:
            for item in group:
                if isinstance(item, Begun):
                    item.drop()
            raise
        return group

    def _awaited(self, clip: ClipRef, future: ClipAnalysed | Future[Begun]) -> ClipAnalysed | ClipFailed | Begun:
        if not isinstance(future, Future):
            return future
        while not future.done():
            wait((future,), _LOOK_S)
            check_cancel(self._control)
        try:
            return future.result()
        except AudioError as error:
            return ClipFailed(clip.id, clip.path, error.what, error.hint)

    def _fill(self) -> None:
        while self._todo and len(self._reading) < AHEAD:
            clip = self._todo.popleft()
            if (known := self._analyst.known(clip, self._out_dir)) is not None:  # found out faster than handed on
                self._reading.append((clip, known))
                continue
            begin = self._analyst.begin
            self._reading.append((clip, self._thread.submit(begin, clip, self._out_dir, self._requested)))

    def _requested(self) -> Control:
        return Control.CANCEL if self._ended.is_set() else Control.RUN
