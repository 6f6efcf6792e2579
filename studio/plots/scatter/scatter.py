"""A map of points: hover, click, lasso, rectangle, pin, path, arrow keys, drag away. 100 000 points stay fluid."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QGuiApplication, QKeyEvent, QPainterPath, QPalette
from PySide6.QtWidgets import QWidget

from studio.plots.scatter import plane
from studio.plots.scatter.point_cloud import Mark, PointCloud
from studio.plots.scatter.scatter_box import ScatterBox
from studio.plots.scatter.scatter_marks import PIN_HEAD_PX, PIN_HEIGHT_PX, ScatterMarks

REACH_PX = 9.0  # a point this near to the cursor is meant
SELECTING = ("lasso", "rectangle")
TOOLS = ("lasso", "rectangle", "pan", "pin", "path")
SHORTEST_PATH_PX = 12.0
Mods = Qt.KeyboardModifier
Mask = npt.NDArray[np.bool_]
ARROWS = {
    Qt.Key.Key_Left: "left", Qt.Key.Key_Right: "right", Qt.Key.Key_Up: "up", Qt.Key.Key_Down: "down",
}  # fmt: skip


class ScatterView(pg.PlotWidget):  # type: ignore[misc]
    """Points in the plane, known by their numbers.

    Signals:
        hovered(int): the point under the cursor, or -1.
        scrubbed(int): the same while Alt is held: it is to be heard.
        clicked(int), focused(int): a point was clicked, or walked to (and announced).
        selected(): the user changed the selection.
        drag_started(list), pin_drag_started(): points (the whole selection, if the one pulled is part of it), or
            the pin, are being pulled away.
        pin_placed(float, float), path_drawn(object): with the tools of that name; a path is (corners, 2).
        menu_wanted(int, QPointF): a right click, on this point (or -1), at that place in data coordinates.
        tapped(): any press: this view is the one that is meant.
    """

    hovered = Signal(int)
    scrubbed = Signal(int)
    clicked = Signal(int)
    focused = Signal(int)
    selected = Signal()
    drag_started = Signal(list)
    pin_drag_started = Signal()
    pin_placed = Signal(float, float)
    path_drawn = Signal(object)
    menu_wanted = Signal(int, QPointF)
    tapped = Signal()
    _complete = False  # Qt sends events from within the base class's constructor

    def __init__(self) -> None:
        self.box = ScatterBox()
        super().__init__(viewBox=self.box)
        self.box.view = self
        self.tool = TOOLS[0]
        self._xy: npt.NDArray[np.float32] = np.zeros((0, 2), np.float32)
        self._look: npt.NDArray[np.intp] = np.zeros(0, np.intp)
        self._looks: list[Mark] = []
        self._selection: Mask = np.zeros(0, bool)
        self._lit: Mask | None = None
        self._hidden: Mask | None = None
        self._under = -1
        self._focus = -1
        self._trail: list[QPointF] = []
        self._pin: tuple[float, float] | None = None
        self._card: QWidget | None = None
        self.fill_card: Callable[[int], None] = lambda _index: None
        self.carrying = False
        self.moving_pin = False

        self.hideAxis("left")
        self.hideAxis("bottom")
        self.hideButtons()
        self.setFrameShape(self.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.cloud = PointCloud()
        self.addItem(self.cloud)
        self.marks = ScatterMarks(self.box.childGroup)
        self.scene().sigMouseMoved.connect(self._moved)
        self.setAccessibleName(self.tr("Map of points"))
        self.setAccessibleDescription(
            self.tr(
                "Arrow keys walk to the nearest point in that direction, Enter plays it, Shift selects on the way."
            )
        )
        self._complete = True
        self._style()

    # ------------------------------------------------------------------ content
    @property
    def xy(self) -> npt.NDArray[np.float32]:
        return self._xy

    @property
    def focus(self) -> int:
        """The point that keys act on, or -1."""
        return self._focus

    def set_points(self, xy: npt.NDArray[np.float32], *, same: bool = False, more: bool = False) -> None:
        """Show points: (points, 2). `same` ones only move, and keep looks, selection and view.

        more: the points there were, in the same places, and others after them: the view stays.
        """
        self._xy = np.asarray(xy, np.float32)
        if not same:
            count = len(self._xy)
            self._selection = np.zeros(count, bool)
            self._look = np.zeros(count, np.intp)
            self._lit = self._hidden = None
            self._focus = -1
            self._show_under(-1)
        self._restyle()
        if not same and not more:
            self.fit()

    def set_looks(
        self,
        look: npt.NDArray[np.intp],
        looks: Sequence[Mark],
        lit: Mask | None = None,
        hidden: Mask | None = None,
    ) -> None:
        """Point i looks like looks[look[i]]; lit and hidden as in `set_shown`."""
        self._look, self._looks = np.asarray(look, np.intp), list(looks)
        self.set_shown(lit, hidden)

    def set_shown(self, lit: Mask | None, hidden: Mask | None) -> None:
        """Grey all but the lit points (None: grey none), and leave the hidden ones out altogether."""
        self._lit, self._hidden = lit, hidden
        self._restyle()

    def set_selection(self, chosen: Mask) -> None:
        """Select without telling: for a selection that comes from elsewhere."""
        self._selection = np.asarray(chosen, bool).copy()
        self._restyle()

    def selection(self) -> Mask:
        """(points,) which are selected."""
        return self._selection

    def set_card(self, card: QWidget, fill: Callable[[int], None]) -> None:
        """What is shown beside the point under the cursor; fill(number) is called before."""
        card.setParent(self.viewport())
        card.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        card.hide()
        self._card, self.fill_card = card, fill

    def set_pin(self, place: tuple[float, float] | None, ends: Sequence[int] = ()) -> None:
        """A pin at a place, with lines to the points `ends`; None takes it away."""
        self._pin = place
        self.marks.set_pin(place, [(float(self._xy[i, 0]), float(self._xy[i, 1])) for i in ends])

    def fit(self) -> None:
        """Show all points, and keep all in view until the user zooms."""
        self.box.enableAutoRange()

    def centre_on(self, index: int) -> None:
        """Bring a point into view, if it is not."""
        x, y = map(float, self._xy[index])
        room = self.box.viewRect()
        if not room.contains(QPointF(x, y)):
            self.box.translateBy(x=x - room.center().x(), y=y - room.center().y())

    def set_focus(self, index: int, *, told: bool = False) -> None:
        """The point that keys act on gets a ring; told = `focused` is emitted."""
        self._focus = index
        self._show_ring()
        if told and index >= 0:
            self.focused.emit(index)

    # ------------------------------------------------------------------ what the mouse does
    def point_at(self, place: QPointF) -> int:
        """The point within reach of a place in data coordinates; the nearest of several, or -1."""
        visible = None if self._hidden is None else ~self._hidden
        index, far = plane.nearest(self._xy, (place.x(), place.y()), visible)
        return index if far <= REACH_PX * self.box.viewPixelSize()[0] else -1

    def on_pin(self, place: QPointF) -> bool:
        """Whether a place in data coordinates is on the pin."""
        if self._pin is None:
            return False
        wide, high = self.box.viewPixelSize()
        x, y = (place.x() - self._pin[0]) / wide, (place.y() - self._pin[1]) / high
        return bool(abs(x) <= PIN_HEAD_PX + 2 and -4 <= y <= PIN_HEIGHT_PX + 2)

    def click(self, place: QPointF, modifiers: Mods) -> None:
        self.tapped.emit()
        if self.on_pin(place):
            return
        index = self.point_at(place)
        adding = modifiers & (Mods.ControlModifier | Mods.AltModifier | Mods.ShiftModifier)
        if self.tool == "pin" and not adding:
            self.pin_placed.emit(place.x(), place.y())
        elif adding:
            if index >= 0:
                self._choose(np.arange(len(self._xy)) == index, modifiers, toggle=True)
        elif index >= 0:
            self.set_focus(index, told=True)
            self._choose(np.arange(len(self._xy)) == index, modifiers)
            self.clicked.emit(index)
        elif self._selection.any():
            self._choose(np.zeros(len(self._xy), bool), modifiers)

    def ask_menu(self, place: QPointF) -> None:
        self.tapped.emit()
        self.menu_wanted.emit(-2 if self.on_pin(place) else self.point_at(place), place)

    def begin_drag(self, place: QPointF, modifiers: Mods) -> None:
        """A left drag: a point or the pin is carried away, unless a modifier or the tool says otherwise."""
        self.tapped.emit()
        self._trail = [place]
        self.carrying = self.moving_pin = False
        if self.on_pin(place):
            self.moving_pin = self.tool == "pin"
            if not self.moving_pin:
                self.carrying = True
                QTimer.singleShot(0, self, lambda: self._carry(None))
            return
        if self.tool == "pin":
            self.moving_pin = True
            return
        index = self.point_at(place)
        self.carrying = index >= 0 and not modifiers and self.tool != "path"
        if self.carrying:
            numbers = np.flatnonzero(self._selection).tolist() if self._selection[index] else [index]
            self._hide_card()
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
        if done:
            self.marks.outline.setPath(QPainterPath())
            outline = np.array([(corner.x(), corner.y()) for corner in path.toFillPolygon().toList()])
            hit = plane.inside(self._xy, outline)
            self._choose(hit if self._hidden is None else hit & ~self._hidden, modifiers)
        else:
            self.marks.outline.setPath(path)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._show_under(-1)

    # ------------------------------------------------------------------ what the keys do
    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, modifiers = Qt.Key(event.key()), event.modifiers()
        if key in ARROWS and not modifiers & (Mods.ControlModifier | Mods.AltModifier):
            self.walk(ARROWS[key], selecting=bool(modifiers & Mods.ShiftModifier))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._focus >= 0:
            only = np.arange(len(self._xy)) == self._focus
            if modifiers & Mods.ControlModifier:
                self._choose(only, modifiers, toggle=True)
            else:
                self._choose(only, modifiers)
                self.clicked.emit(self._focus)
        elif key == Qt.Key.Key_Escape and self._selection.any():
            self._choose(np.zeros(len(self._xy), bool), Mods.NoModifier)
        elif key in (Qt.Key.Key_Menu,) and self._focus >= 0:
            self.menu_wanted.emit(self._focus, QPointF(*map(float, self._xy[self._focus])))
        else:
            super().keyPressEvent(event)
            return
        event.accept()

    def walk(self, direction: str, *, selecting: bool = False) -> None:
        """Go to the nearest point "left", "right", "up" or "down"; from nowhere, to the one nearest the middle."""
        visible = None if self._hidden is None else ~self._hidden
        if self._focus < 0:
            middle = self.box.viewRect().center()
            index: int | None = plane.nearest(self._xy, (middle.x(), middle.y()), visible)[0]
        else:
            index = plane.next_towards(self._xy, self._focus, direction, visible)
        if index is None or index < 0:
            return
        if selecting:
            self._choose(np.arange(len(self._xy)) == index, Mods.ControlModifier)
        self.centre_on(index)
        self.set_focus(index, told=True)

    # ------------------------------------------------------------------ inside
    def _carry(self, numbers: list[int] | None) -> None:
        if numbers is None:
            self.pin_drag_started.emit()
        else:
            self.drag_started.emit(numbers)
        # The system's drag swallowed the release: pyqtgraph would think that the button is still down.
        scene = self.scene()
        scene.dragButtons, scene.clickEvents = [], []
        scene.dragItem = scene.lastDrag = None
        self.carrying = False

    def _draw_path(self, done: bool) -> None:
        corners = np.array([(corner.x(), corner.y()) for corner in self._trail])
        self.marks.set_path(corners, None)
        if done:
            length = np.linalg.norm(np.diff(corners, axis=0), axis=1).sum() / self.box.viewPixelSize()[0]
            self.path_drawn.emit(corners if length >= SHORTEST_PATH_PX else None)

    def _outline(self) -> QPainterPath:
        path = QPainterPath()
        first, last = self._trail[0], self._trail[-1]
        if self.tool == "rectangle":
            path.addRect(min(first.x(), last.x()), min(first.y(), last.y()), abs(last.x() - first.x()),
                         abs(last.y() - first.y()))  # fmt: skip
        else:
            path.moveTo(first)
            for corner in self._trail[1:]:
                path.lineTo(corner)
            path.closeSubpath()
        return path

    def _choose(self, hit: Mask, modifiers: Mods, *, toggle: bool = False) -> None:
        if modifiers & Mods.AltModifier:
            chosen = self._selection & ~hit
        elif modifiers & (Mods.ControlModifier | Mods.ShiftModifier):
            chosen = self._selection ^ hit if toggle else self._selection | hit
        else:
            chosen = hit
        if (chosen != self._selection).any():
            self._selection = chosen
            self._restyle()
            self.selected.emit()

    def _moved(self, at: QPointF) -> None:
        self._show_under(
            self.point_at(self.box.mapSceneToView(at)) if self.box.sceneBoundingRect().contains(at) else -1
        )

    def _show_under(self, index: int) -> None:
        if index == self._under:
            return
        self._under = index
        self._show_ring()
        self.hovered.emit(index)
        heard = QGuiApplication.keyboardModifiers() & Mods.AltModifier
        self.scrubbed.emit(index if heard else -1)
        if index < 0:
            self._hide_card()
        elif self._card is not None:
            self.fill_card(index)
            self._card.adjustSize()
            at = self.mapFromScene(self.box.mapViewToScene(QPointF(*map(float, self._xy[index]))))
            self._card.move(plane.beside(at, self._card.size(), self.viewport().rect()))
            self._card.show()
            self._card.raise_()

    def _hide_card(self) -> None:
        if self._card is not None:
            self._card.hide()

    def _show_ring(self) -> None:
        index = self._under if self._under >= 0 else self._focus
        place = None if not 0 <= index < len(self._xy) else (float(self._xy[index, 0]), float(self._xy[index, 1]))
        self.marks.set_ring(place, self._size() + 6.0)

    def _size(self) -> float:
        """Of a point, in device-independent pixels."""
        count = len(self._xy)
        return 9.0 if count <= 500 else 7.0 if count <= 5000 else 5.0 if count <= 30_000 else 4.0

    def _restyle(self) -> None:
        count = len(self._xy)
        looks = self._looks or [Mark(QWidget.palette(self).color(QPalette.ColorRole.Highlight))]
        lit = np.ones(count, bool) if self._lit is None else self._lit.copy()
        if self._selection.any():
            lit &= self._selection
        # Grey points keep their shape, so that a class can be told apart even then.
        grey = [Mark(self._faint, symbol) for symbol in dict.fromkeys(mark.symbol for mark in looks)]
        grey_of = np.array([[mark.symbol for mark in grey].index(mark.symbol) for mark in looks], np.intp)
        colour = np.minimum(self._look, len(looks) - 1)
        which = np.where(lit, colour, len(looks) + grey_of[colour])
        order = np.argsort(lit, kind="stable")  # grey points lie below
        if self._hidden is not None:
            order = order[~self._hidden[order]]
        rim = QWidget.palette(self).color(QPalette.ColorRole.Base) if count <= 5000 else None
        self.cloud.set_points(self._xy[order], which[order], [*looks, *grey], self._size(), rim)
        self._show_ring()

    # ------------------------------------------------------------------ look
    def event(self, event: QEvent) -> bool:
        done = bool(super().event(event))
        alive = self._complete and self.plotItem is not None  # pyqtgraph takes it away in close()
        if alive and event.type() in (QEvent.Type.PaletteChange, QEvent.Type.DevicePixelRatioChange):
            self._style()
        return done

    def _style(self) -> None:
        palette = QWidget.palette(self)
        ink, ground = palette.color(QPalette.ColorRole.Text), palette.color(QPalette.ColorRole.Base)
        self.setBackground(ground)
        self._faint = QColor(ink)
        self._faint.setAlphaF(0.16)
        self.marks.style(ink, palette.color(QPalette.ColorRole.Highlight), ground)
        self._restyle()
