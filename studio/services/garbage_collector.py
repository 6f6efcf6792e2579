"""Garbage collector of Python, run by the window's thread alone.

Left to itself it runs in whichever thread happens to allocate. A thread that writes a project would then destroy
widgets and timers that belong to the window, which Qt answers with a crash.

A full collection goes through everything that lives, and a hundred thousand objects of the program itself, which
live until it ends, take it a tenth of a second or two: the window would stand still. So they are set aside.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

LOOK_EVERY_MS = 500


class Collector(QObject):
    """Collects now and then, where it is made, until it is stopped."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thresholds = gc.get_threshold()
        gc.disable()
        self._timer = QTimer(self, interval=LOOK_EVERY_MS)
        self._timer.timeout.connect(self.look)
        self._timer.start()

    def set_aside(self) -> None:
        """Look no more at what there is now: the program as it starts, which has nothing to let go of yet."""
        gc.freeze()

    def look(self) -> None:
        """Collect the oldest generation that is due, as Python would have done."""
        young, middle, old = gc.get_count()
        if young < self._thresholds[0]:
            return
        if middle < self._thresholds[1]:
            gc.collect(0)
        elif old < self._thresholds[2]:
            gc.collect(1)
        else:
            gc.collect(2)

    def stop(self) -> None:
        """Python does it by itself again."""
        self._timer.stop()
        gc.unfreeze()
        gc.enable()
