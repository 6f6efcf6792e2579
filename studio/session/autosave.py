"""Keeping what changes, within a second and beside the file the user saves to, so that a crash costs nothing."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from studio.project import project_file
from studio.project.project_file import AUTOSAVE, UNTITLED_FILE, Project
from studio.session.context import Context

SAVE_AFTER_MS = 1_000
SAVE_RESULTS_AFTER_MS = 15_000  # what the engine found can be had again: no hurry


class Autosave(QObject):
    """Writes the project aside after every change.

    changed: the user changed something since the last saving; steps of undo tell of themselves by their stack.
    analysed: the engine found something out since then.

    Args:
        dump: makes a copy of the project for a thread to write.

    Signals:
        first_change(): nothing was changed since the last saving, and now something is.
    """

    first_change = Signal()

    def __init__(self, context: Context, dump: Callable[[], Project]) -> None:
        super().__init__(context)
        self._context, self._dump = context, dump
        self.changed = False
        self.analysed = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.write_aside)
        context.changed.connect(self._write_soon)

    @property
    def file(self) -> Path:
        """Where it writes: beside the project's file, or all there is of a project that was never saved."""
        return self._context.folder / (AUTOSAVE if self._context.named else UNTITLED_FILE)

    def stop(self) -> bool:
        """Write nothing until the next change; whether something was to be written."""
        waited = self._timer.isActive()
        self._timer.stop()
        return waited

    def forget(self) -> None:
        """What there is now is what is saved."""
        self.changed = self.analysed = False

    def write(self, file: Path | None = None) -> None:
        """Write the project now, in this thread; None: aside."""
        self._write(file or self.file, self._dump())

    def _write_soon(self, analyses: bool) -> None:
        if analyses:
            self.analysed = True
        elif not self._context.undo.is_replaying and not self.changed:
            self.changed = True
            self.first_change.emit()
        after_ms = SAVE_RESULTS_AFTER_MS if analyses else SAVE_AFTER_MS
        if not self._timer.isActive() or self._timer.remainingTime() > after_ms:
            self._timer.start(after_ms)

    def write_aside(self) -> None:
        """In a thread: a large library takes longer to write than a window may stand still."""
        self._context.threads.start(functools.partial(self._write, self.file, self._dump()))

    def _write(self, file: Path, project: Project) -> None:
        try:
            project_file.write(file, project)
        except OSError as error:
            self._context.report_unwritten(file, error)
