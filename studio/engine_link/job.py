"""A piece of work as the window sees it: what it is, how far it is, how it ended."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import QObject, Signal

from engine.api import Control, Done, Event, Failed, Note, Partial, Progress, Request, Train


class State(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({State.DONE, State.FAILED, State.CANCELLED})


def _nobody(*_: object) -> None:
    """Listens to a signal that nobody else may listen to."""


class Job(QObject):
    """One request under way. EngineLink makes and feeds it; others listen and control it.

    Signals:
        progress(fraction 0..1 or None, what is done now, seconds left or None)
        partial(value), note(what, hint)
        done(result), failed(what, hint, details), cancelled(): exactly one of them, once
        changed(): anything a list of jobs shows
        requested(Job, Control): the state the user wants it in; for EngineLink
    """

    progress = Signal(object, str, object)
    partial = Signal(object)
    note = Signal(str, str)
    done = Signal(object)
    failed = Signal(str, str, str)
    cancelled = Signal()
    changed = Signal()
    requested = Signal(object, object)

    def __init__(
        self, number: int, request: Request, title: str, *, latest_key: str | None = None, background: bool = False
    ) -> None:
        super().__init__()
        self.id = number
        self.request = request
        self.title = title
        self.latest_key = latest_key
        self.background = background
        self.state = State.WAITING
        self.wish = Control.RUN
        self.fraction: float | None = None
        self.message = ""
        self.eta_s: float | None = None
        self.words: tuple[str, str, str] | None = None  # of a failure: what, hint, details
        self.notes: list[tuple[str, str]] = []
        self.lost = False  # its process died

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def is_training(self) -> bool:
        return isinstance(self.request, Train)

    def cancel(self) -> None:
        """End it and drop what it has."""
        self._request(Control.CANCEL)

    def stop_and_keep(self) -> None:
        """End it early and keep what it has."""
        self._request(Control.STOP)

    def pause(self) -> None:
        """Hold still until `resume`."""
        self._request(Control.PAUSE)

    def resume(self) -> None:
        self._request(Control.RUN)

    def _request(self, wish: Control) -> None:
        stronger = self.wish is Control.CANCEL or (self.wish is Control.STOP and wish is not Control.CANCEL)
        if self.ended or stronger or wish is self.wish:
            return
        self.wish = wish
        if self.state in (State.RUNNING, State.PAUSED):
            self.state = State.PAUSED if wish is Control.PAUSE else State.RUNNING
        self.requested.emit(self, wish)
        self.changed.emit()

    def part(self) -> None:
        """Let go of everyone who listens, when nothing more will come.

        Qt holds the listeners and these the job: a ring that Python's collector cannot see, so both would stay.
        """
        told = (self.progress, self.partial, self.note, self.done, self.failed, self.cancelled)
        for signal in (*told, self.changed, self.requested):
            signal.connect(_nobody)  # to part with no one is an error, and PySide's way to ask leaks the job
            signal.disconnect()

    def begin(self) -> None:
        self.state = State.PAUSED if self.wish is Control.PAUSE else State.RUNNING
        self.changed.emit()

    def take(self, event: Event) -> None:
        """Turn an event of the engine into signals."""
        match event:
            case Progress(fraction, message, eta_s):
                self.fraction, self.message, self.eta_s = fraction, message, eta_s
                self.progress.emit(fraction, message, eta_s)
                self.changed.emit()
            case Note(what, hint):
                self.notes.append((what, hint))
                self.note.emit(what, hint)
            case Partial(value):
                self.partial.emit(value)
            case Done(value):
                self._end(State.DONE)
                self.done.emit(value)
            case Failed(cancelled=True):
                self._end(State.CANCELLED)
                self.cancelled.emit()
            case Failed(what, hint, details):
                self.words = (what, hint, details)
                self._end(State.FAILED)
                self.failed.emit(what, hint, details)

    def _end(self, state: State) -> None:
        self.state = state
        self.eta_s = None
        if state is State.DONE:
            self.fraction = 1.0
        self.changed.emit()
