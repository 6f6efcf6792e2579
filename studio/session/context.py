"""What every part of the session is given: messages, the engine link, undo, and where and when the project is."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QObject, Signal

from studio.engine_link.engine_link import EngineLink, Job
from studio.services.messages import Messages
from studio.session.project_threads import ProjectThreads
from studio.session.undo import UndoHistory


class Context(QObject):
    """The ground under the parts of a session; it knows nothing of what they hold.

    Args:
        link: the way to the engine.
        data_dir: everything that outlives the program lies below it.
        messages: where it says what the user must know.

    Signals:
        changed(analyses): something is to be kept; analyses: nothing but what the engine found out of recordings.
        entered(): the project has another folder.
        closing(): nothing may be asked of the engine from here on.
    """

    changed = Signal(bool)
    entered = Signal()
    closing = Signal()

    def __init__(
        self, link: EngineLink, data_dir: Path, messages: Messages | None = None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.link = link
        self.messages = messages or Messages(self)
        self.data_dir = data_dir
        self.undo = UndoHistory(self)
        self.threads = ProjectThreads(self)
        self.epoch = 0  # goes up when another project is opened: what was asked for before is not of this one
        self.uuid = uuid.uuid4().hex
        self.folder = data_dir
        self.named = False  # whether the user saved the project in `folder`

    @property
    def runs_dir(self) -> Path:
        return self.folder / "runs"

    @property
    def takes_dir(self) -> Path:
        return self.folder / "takes"

    @property
    def maps_dir(self) -> Path:
        return self.folder / "maps"

    @property
    def analysis_dir(self) -> Path:
        return self.folder / "analysis"

    def enter(self, folder: Path, *, named: bool) -> None:
        """From now on things are kept below this folder; named: the user saved the project there."""
        self.folder, self.named = folder, named
        self.entered.emit()

    def mark_changed(self, *, analyses: bool = False) -> None:
        """Something is to be kept.

        analyses: nothing but what the engine found out of recordings: no hurry, and nothing to ask the user about.
        """
        self.changed.emit(analyses)

    def current_only(self, slot: Callable[..., object]) -> Callable[..., None]:
        """A slot for an answer of the engine: it does nothing once another project is open.

        Whatever puts a job's result into the project is connected through this.
        """
        epoch = self.epoch

        def only_now(*result: object) -> None:
            if self.epoch == epoch:
                slot(*result)

        return only_now

    def in_background(self, work: Callable[[], object], then: Callable[..., object]) -> None:
        """Work in a thread, then go on here with what it found, unless another project is open by then."""
        self.threads.start(work, self.current_only(then))

    def report_failures(self, job: Job) -> None:
        """Tell the user when a job fails, and why."""

        def tell(what: str, hint: str, details: str) -> None:
            if not job.lost:  # the death of the engine is told once, by the link
                self.messages.say(what, hint, details=details, level="error")

        job.failed.connect(tell)

    def report_unwritten(self, path: Path, error: OSError) -> None:
        """Tell the user that a file could not be written; any thread may call it."""
        tr = QCoreApplication.translate
        self.messages.say(
            tr("Session", "{0} cannot be written: {1}.").format(path, error.strerror or error),
            tr("Session", "Choose another place, or free some space."),
            level="error",
        )
