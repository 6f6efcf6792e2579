"""View box of a map of points, which hands the mouse on."""

from __future__ import annotations

from typing import Any, Protocol

import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt


class Mouse(Protocol):
    """What is done with the mouse; positions are in data coordinates."""

    tool: str
    carrying: bool
    moving_pin: bool

    def begin_drag(self, at: QPointF, modifiers: Qt.KeyboardModifier) -> None: ...

    def drag_on(self, now: QPointF, modifiers: Qt.KeyboardModifier, *, done: bool) -> None: ...

    def click(self, at: QPointF, modifiers: Qt.KeyboardModifier) -> None: ...

    def ask_menu(self, at: QPointF) -> None: ...


class ScatterBox(pg.ViewBox):  # type: ignore[misc]
    """Turns the mouse into actions: a left drag does what the tool says, a middle drag pans."""

    def __init__(self) -> None:
        super().__init__(enableMenu=False, lockAspect=1.0, defaultPadding=0.06)
        self.mouse: Mouse | None = None

    def mouseDragEvent(self, ev: Any, axis: int | None = None) -> None:
        if self.mouse is None:
            return
        if ev.button() != Qt.MouseButton.LeftButton:
            super().mouseDragEvent(ev, axis)
            return
        ev.accept()
        if ev.isStart():
            self.mouse.begin_drag(self.mapToView(ev.buttonDownPos()), ev.modifiers())
        if self.mouse.carrying:
            return
        if self.mouse.tool == "pan" and not self.mouse.moving_pin:
            super().mouseDragEvent(ev, axis)
        else:
            self.mouse.drag_on(self.mapToView(ev.pos()), ev.modifiers(), done=ev.isFinish())

    def mouseClickEvent(self, ev: Any) -> None:
        if self.mouse is None:
            return
        if ev.button() == Qt.MouseButton.LeftButton:
            ev.accept()
            self.mouse.click(self.mapToView(ev.pos()), ev.modifiers())
        elif ev.button() == Qt.MouseButton.RightButton:
            ev.accept()
            self.mouse.ask_menu(self.mapToView(ev.pos()))
