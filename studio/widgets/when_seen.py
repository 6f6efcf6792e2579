"""Late update of what takes a while to show: now and then, and only while it is seen."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget


class WhenSeen(QObject):
    """Says when a widget is to show what was changed: once for many changes, and when it comes into sight.

    Args:
        widget: what is to be brought up to date; it keeps this alive.
        interval_ms: from the first change to the update, while the widget is seen.

    Signals:
        due(): show what there is now.
    """

    due = Signal()

    def __init__(self, widget: QWidget, interval_ms: int) -> None:
        super().__init__(widget)
        self._widget = widget
        self._asked = False
        self._timer = QTimer(self, singleShot=True, interval=interval_ms)
        self._timer.timeout.connect(self._update)
        widget.installEventFilter(self)

    def ask(self, *_: object) -> None:
        """Something has changed."""
        self._asked = True
        if self._widget.isVisible() and not self._timer.isActive():
            self._timer.start()

    def _update(self) -> None:
        if self._asked and self._widget.isVisible():
            self._asked = False
            self.due.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._widget and event.type() == QEvent.Type.Show:
            self._update()
        return False
