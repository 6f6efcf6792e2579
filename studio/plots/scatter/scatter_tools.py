"""Tools of a map for the mouse: lasso, rectangle, pan, pin and path, and carrying points away."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QPainterPath

from studio.plots.scatter.points import ADD, REMOVE, REPLACE, TOGGLE, Points
from studio.plots.scatter.scatter_box import ScatterBox
from studio.plots.scatter.scatter_marks import ScatterMarks

REACH_PX = 9.0  # a point this near to the cursor is meant
TOOLS = ("lasso", "rectangle", "pan", "pin", "path")
SHORTEST_PATH_PX = 12.0
NO_POINT, PIN = -1, -2  # in place of a point's number
Mods = Qt.KeyboardModifier


class ScatterTools(QObject):
    """Turns clicks and drags of a view box into what they ask for; positions are in data coordinates.

    Signals:
        tapped(): any press.
        point_clicked(int): a click on a point, with no modifier.
        chosen(object, str): a mask of points, and what they do to the selection (see Points.select).
        drag_started(list), pin_drag_started(): points (the whole selection, if the one pulled is part of it), or
            the pin, are being pulled away.
        pin_placed(float, float), path_drawn(object): with the tools of that name; a path is (corners, 2), None
            when it is too short to be one.
        menu_wanted(int, QPointF): a right click on a point, NO_POINT or the PIN.
    """

    tapped = Signal()
    point_clicked = Signal(int)
    chosen = Signal(object, str)
    drag_started = Signal(list)
    pin_drag_started = Signal()
    pin_placed = Signal(float, float)
    path_drawn = Signal(object)
    menu_wanted = Signal(int, QPointF)

    def __init__(self, box: ScatterBox, points: Points, marks: ScatterMarks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.tool = TOOLS[0]
        self.carrying = False
        self.moving_pin = False
        self._box, self._points, self._marks = box, points, marks
        self._trail: list[QPointF] = []

    def point_at(self, at: QPointF) -> int:
        """The point within reach of a position; the nearest of several, or NO_POINT."""
        number, far = self._points.nearest(at.x(), at.y())
        return number if far <= REACH_PX * self._box.viewPixelSize()[0] else NO_POINT

    def click(self, at: QPointF, modifiers: Mods) -> None:
        self.tapped.emit()
        if self._on_pin(at):
            return
        number = self.point_at(at)
        adding = modifiers & (Mods.ControlModifier | Mods.AltModifier | Mods.ShiftModifier)
        if self.tool == "pin" and not adding:
            self.pin_placed.emit(at.x(), at.y())
        elif adding:
            if number >= 0:
                self.chosen.emit(self._points.only(number), selecting(modifiers, toggle=True))
        elif number >= 0:
            self.point_clicked.emit(number)
        else:
            self.chosen.emit(self._points.only(NO_POINT), REPLACE)

    def ask_menu(self, at: QPointF) -> None:
        self.tapped.emit()
        self.menu_wanted.emit(PIN if self._on_pin(at) else self.point_at(at), at)

    def begin_drag(self, at: QPointF, modifiers: Mods) -> None:
        """A left drag: a point or the pin is carried away, unless a modifier or the tool says otherwise."""
        self.tapped.emit()
        self._trail = [at]
        self.carrying = self.moving_pin = False
        if self._on_pin(at):
            self.moving_pin = self.tool == "pin"
            if not self.moving_pin:
                self.carrying = True
                QTimer.singleShot(0, self, lambda: self._carry(None))
            return
        if self.tool == "pin":
            self.moving_pin = True
            return
        number = self.point_at(at)
        self.carrying = number >= 0 and not modifiers and self.tool != "path"
        if self.carrying:
            selection = self._points.selection
            numbers = np.flatnonzero(selection).tolist() if selection[number] else [number]
            # From the event loop: a drag runs a loop of its own, within which pyqtgraph's mouse must not be caught.
            QTimer.singleShot(0, self, lambda: self._carry(numbers))

    def drag_on(self, now: QPointF, modifiers: Mods, *, done: bool) -> None:
        """The outline, path or pin goes on to `now`; done = take what it made."""
        if self.moving_pin:
            self.moving_pin = not done
            self.pin_placed.emit(now.x(), now.y())
            return
        if self.tool == "rectangle":
            del self._trail[1:]
        self._trail.append(now)
        if self.tool == "path":
            self._draw_path(done)
            return
        path = self._outline()
        self._marks.outline.setPath(QPainterPath() if done else path)
        if done:
            outline = np.array([(corner.x(), corner.y()) for corner in path.toFillPolygon().toList()])
            self.chosen.emit(self._points.enclosed(outline), selecting(modifiers))

    def _on_pin(self, at: QPointF) -> bool:
        return self._marks.is_on_pin(at, self._box.viewPixelSize())

    def _carry(self, numbers: list[int] | None) -> None:
        if numbers is None:
            self.pin_drag_started.emit()
        else:
            self.drag_started.emit(numbers)
        # The system's drag swallowed the release: pyqtgraph would think that the button is still down.
        scene = self._box.scene()
        scene.dragButtons, scene.clickEvents = [], []
        scene.dragItem = scene.lastDrag = None
        self.carrying = False

    def _draw_path(self, done: bool) -> None:
        corners = np.array([(corner.x(), corner.y()) for corner in self._trail])
        self._marks.set_path(corners, None)
        if done:
            length = np.linalg.norm(np.diff(corners, axis=0), axis=1).sum() / self._box.viewPixelSize()[0]
            self.path_drawn.emit(corners if length >= SHORTEST_PATH_PX else None)

    def _outline(self) -> QPainterPath:
        path = QPainterPath()
        first, last = self._trail[0], self._trail[-1]
        if self.tool == "rectangle":
            left, low = min(first.x(), last.x()), min(first.y(), last.y())
            path.addRect(left, low, abs(last.x() - first.x()), abs(last.y() - first.y()))
        else:
            path.moveTo(first)
            for corner in self._trail[1:]:
                path.lineTo(corner)
            path.closeSubpath()
        return path


def selecting(modifiers: Mods, *, toggle: bool = False) -> str:
    """What the keys held do to a selection: Alt takes away, Ctrl and Shift add (or toggle), none replaces it."""
    if modifiers & Mods.AltModifier:
        return REMOVE
    if modifiers & (Mods.ControlModifier | Mods.ShiftModifier):
        return TOGGLE if toggle else ADD
    return REPLACE
