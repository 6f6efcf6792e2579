"""Synthetic input for the program that tries itself: drop something, wait for something."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QEventLoop, QMimeData, QPointF, Qt, QTimer
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QDockWidget, QWidget

LAY_OUT_S = 0.2


class StepError(Exception):
    """Something did not happen; the words say what."""


def drop(window: QWidget, target: QWidget, mime: QMimeData) -> None:
    """Drop something on the middle of a widget.

    The events go to the window, as the window system's do; Qt finds who there takes them.

    Raises:
        StepError: nobody takes it.
    """
    above: QWidget | None = target
    while above is not None:
        if isinstance(above, QDockWidget):
            above.raise_()
        above = above.parentWidget()
    pause(LAY_OUT_S)
    at = target.mapTo(window, target.rect().center())
    copy, left, plain = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    handle = window.windowHandle()
    enter = QDragEnterEvent(at, copy, mime, left, plain)
    QCoreApplication.sendEvent(handle, enter)
    if not enter.isAccepted():
        raise StepError(f"{target.objectName() or 'the window'} did not take what was dragged there")
    QCoreApplication.sendEvent(handle, QDragMoveEvent(at, copy, mime, left, plain))
    QCoreApplication.sendEvent(handle, QDropEvent(QPointF(at), copy, mime, left, plain))


def wait(condition: Callable[[], bool], patience_s: float, otherwise: str) -> None:
    """Let the window live until the condition holds.

    Raises:
        StepError: it does not in time; `otherwise` says what that means.
    """
    loop, tick = QEventLoop(), QTimer(interval=20)
    deadline = time.monotonic() + patience_s
    tick.timeout.connect(lambda: loop.quit() if condition() or time.monotonic() > deadline else None)
    tick.start()
    loop.exec()
    if not condition():
        raise StepError(f"{otherwise} within {patience_s:.0f} s")


def pause(seconds: float) -> None:
    """Let the window live for a while."""
    loop = QEventLoop()
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    loop.exec()
