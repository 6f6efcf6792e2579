"""Work on the project's files beside the window, one piece after the other."""

from __future__ import annotations

import functools
from collections.abc import Callable

from PySide6.QtCore import QObject, QThreadPool, Signal

from studio.services.background_threads import awaited


class _WayBack(QObject):
    """From the thread to the window's; what is under way holds it, so it may outlive the session."""

    taken = Signal(object)  # what is to be done


class ProjectThreads(QObject):
    """A thread for what takes longer than a window may stand still: writing, measuring, searching.

    What is started first ends first, so the newest version of a file is the last one written.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._way_back = _WayBack()
        self._way_back.taken.connect(self._come_back)

    def start(self, work: Callable[[], object], then: Callable[..., object] | None = None) -> None:
        """Work in the thread, then call `then` in the window's thread with what it returned."""
        if then is None:
            self._pool.start(work)
        else:
            way_back = self._way_back
            self._pool.start(lambda: way_back.taken.emit(functools.partial(then, work())))

    def wait(self) -> None:
        """Return when everything that was started is done; what follows it here has not happened yet."""
        with awaited():
            self._pool.waitForDone()

    def _come_back(self, go_on: Callable[[], None]) -> None:
        go_on()
