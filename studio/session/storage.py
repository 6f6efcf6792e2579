"""What the project takes on the disk."""

from __future__ import annotations

import functools

from PySide6.QtCore import QObject, Signal

from studio.project import disk_usage, project_folder
from studio.session.context import Context
from studio.session.transfers.takes import Takes


class ProjectStorage(QObject):
    """Measures the project's folder and makes room in it.

    Signals:
        measured(Storage).
    """

    measured = Signal(object)

    def __init__(self, context: Context, takes: Takes) -> None:
        super().__init__(context)
        self._context, self._takes = context, takes

    def measure(self) -> None:
        """Report by `measured` what the project takes on the disk."""
        work = functools.partial(disk_usage.measure, self._context.folder, self._takes.folders())
        self._context.in_background(work, self.measured.emit)

    def delete_unlisted_takes(self) -> None:
        """Delete the sounds of takes that are off the list. Steps that could bring one back are forgotten."""
        listed = self._takes.folders()
        self._context.undo.stack.clear()
        self._takes.live.forget_unlisted()
        work = functools.partial(project_folder.sweep, self._context.takes_dir, listed)
        self._context.in_background(work, lambda _none: self.measure())
