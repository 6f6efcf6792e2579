"""The mouse of a map of points, as pyqtgraph's view box hears it."""

from __future__ import annotations

from typing import Any, Protocol

import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt


class Mouse(Protocol):
    """What is done with the mouse; places are in data coordinates."""

    tool: str
    carrying: bool
    moving_pin: bool

    def begin_drag(self, place: QPointF, modifiers: Qt.KeyboardModifier) -> None: ...

    def drag_on(self, now: QPointF, modifiers: Qt.KeyboardModifier, *, done: bool) -> None: ...

    def click(self, place: QPointF, modifiers: Qt.KeyboardModifier) -> None: ...

    def ask_menu(self, place: QPointF) -> None: ...


class ScatterBox(pg.ViewBox):  # type: ignore[misc]
    """Turns the mouse into the view's actions: a left drag does what the tool says, a middle drag pans."""

    def __init__(self) -> None:
        super().__init__(enableMenu=False, lockAspect=1.0, defaultPadding=0.06)
        self.view: Mouse | None = None

    def mouseDragEvent(self, ev: Any, axis: int | None = None) -> None:
        if self.view is None:
            return
        if ev.button() != Qt.MouseButton.LeftButton:
            super().mouseDragEvent(ev, axis)
            return
        ev.accept()
        if ev.isStart():
            self.view.begin_drag(self.mapToView(ev.buttonDownPos()), ev.modifiers())
        if self.view.carrying:
            return
        if self.view.tool == "pan" and not self.view.moving_pin:
            super().mouseDragEvent(ev, axis)
        else:
            self.view.drag_on(self.mapToView(ev.pos()), ev.modifiers(), done=ev.isFinish())

    def mouseClickEvent(self, ev: Any) -> None:
        if self.view is None:
            return
        if ev.button() == Qt.MouseButton.LeftButton:
            ev.accept()
            self.view.click(self.mapToView(ev.pos()), ev.modifiers())
        elif ev.button() == Qt.MouseButton.RightButton:
            ev.accept()
            self.view.ask_menu(self.mapToView(ev.pos()))
