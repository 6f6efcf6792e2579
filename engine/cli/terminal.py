"""The user at a terminal: progress and notes on stderr, Ctrl-C as a request to end."""

from __future__ import annotations

import signal
import sys
import time
from types import FrameType
from typing import Any, TextIO

from engine.api import ClipFailed, Control, Event, Note, Partial, Progress, TrainPoint

UPDATE_S = 0.1  # a line that rewrites itself
SPARSE_S = 10.0  # lines in a log file
WIDTH = 100


class Terminal:
    """The `report` and the `control` of one command.

    The first Ctrl-C asks the job to end in the way `on_interrupt` says; the second ends the program as usual.

    Args:
        on_interrupt: CANCEL, or STOP for jobs that keep what they have.
    """

    def __init__(self, on_interrupt: Control, stream: TextIO | None = None) -> None:
        self._on_interrupt = on_interrupt
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._said_at = -SPARSE_S
        self._line_open = False
        self.interrupted = False

    def __enter__(self) -> Terminal:
        self._before: Any = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)
        self._end_line()

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.interrupted = True
        signal.signal(signal.SIGINT, self._before)

    def control(self) -> Control:
        return self._on_interrupt if self.interrupted else Control.RUN

    def report(self, event: Event) -> None:
        match event:
            case Progress():
                self._progress(event)
            case Note(what, hint):
                self.say(f"{what} {hint}".strip())
            case Partial(ClipFailed(_, path, what, hint)):
                self.say(f"{path}: {what} {hint}")
            case Partial(TrainPoint() as point) if point.split == "validation":
                terms = ", ".join(f"{name} {value:.4g}" for name, value in point.terms.items())
                self.say(f"Step {point.step}, epoch {point.epoch:.2f}, validation: {terms}")

    def say(self, text: str) -> None:
        self._end_line()
        print(_printable(text), file=self._stream, flush=True)

    def _progress(self, event: Progress) -> None:
        now = time.monotonic()
        if now - self._said_at < (UPDATE_S if self._live else SPARSE_S):
            return
        self._said_at = now
        parts = [] if event.fraction is None else [f"{100 * event.fraction:3.0f} %"]
        if event.eta_s is not None:
            parts.append(f"{_span(event.eta_s)} left")
        text = _printable("  ".join([*parts, event.message]))
        if self._live:
            print(f"\r{text[:WIDTH]:<{WIDTH}}", end="", file=self._stream, flush=True)
            self._line_open = True
        else:
            print(text, file=self._stream, flush=True)

    def _end_line(self) -> None:
        if self._line_open:
            print(file=self._stream, flush=True)
            self._line_open = False


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _printable(text: str) -> str:
    """One line that any terminal takes: file names may hold newlines, escapes and broken text."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)
