"""Map of points: hover, click, lasso, rectangle, pin, path, arrow keys, drag away. 100 000 points stay fluid."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QKeyEvent, QPalette
from PySide6.QtWidgets import QWidget

from studio.plots.scatter import plane
from studio.plots.scatter.point_cloud import Mark, PointCloud
from studio.plots.scatter.points import ADD, REPLACE, Mask, Points, mark_px
from studio.plots.scatter.scatter_box import ScatterBox
from studio.plots.scatter.scatter_marks import ScatterMarks
from studio.plots.scatter.scatter_tools import NO_POINT, ScatterTools, selecting

MOST_RIMMED = 5000  # points with a line round each
Mods = Qt.KeyboardModifier
ARROWS = {
    Qt.Key.Key_Left: "left",
    Qt.Key.Key_Right: "right",
    Qt.Key.Key_Up: "up",
    Qt.Key.Key_Down: "down",
}


class ScatterView(pg.PlotWidget):  # type: ignore[misc]
    """Points in the plane, known by their numbers.

    Signals:
        hovered(int): the point under the cursor, or -1.
        scrubbed(int): the same while Alt is held: it is to be played.
        clicked(int), focused(int): a point was clicked, or walked to (and announced).
        selected(): the user changed the selection.
        drag_started(list), pin_drag_started(), pin_placed(float, float), path_drawn(object),
        menu_wanted(int, QPointF), tapped(): see ScatterTools.
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
        self.points = Points()
        self.focus = NO_POINT  # the point that keys act on
        self.unlit_colour = QColor()  # of points that are not lit
        self._under = NO_POINT
        self._card: QWidget | None = None
        self._fill_card: Callable[[int], None] = lambda _number: None

        self.hideAxis("left")
        self.hideAxis("bottom")
        self.hideButtons()
        self.setFrameShape(self.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.cloud = PointCloud()
        self.addItem(self.cloud)
        self.marks = ScatterMarks(self.box.childGroup)
        self.tools = self.box.mouse = ScatterTools(self.box, self.points, self.marks, self)
        self._connect_tools()
        self.scene().sigMouseMoved.connect(self._moved)
        self.setAccessibleName(self.tr("Map of points"))
        self.setAccessibleDescription(
            self.tr(
                "Arrow keys walk to the nearest point in that direction, Enter plays it, Shift selects on the way."
            )
        )
        self._complete = True
        self._style()

    @property
    def xy(self) -> npt.NDArray[np.float32]:
        return self.points.xy

    def selection(self) -> Mask:
        """(points,) which are selected."""
        return self.points.selection

    def set_points(self, xy: npt.NDArray[np.float32], *, same: bool = False, more: bool = False) -> None:
        """Show points: (points, 2). `same` ones only move, and keep looks, selection and view.

        more: the points there were, in the same positions, and others after them: the view stays.
        """
        self.points.set_xy(xy, same=same)
        if not same:
            self.focus = NO_POINT
            self._show_under(NO_POINT)
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
        self.points.set_looks(look, looks)
        self.set_shown(lit, hidden)

    def set_shown(self, lit: Mask | None, hidden: Mask | None) -> None:
        """Grey all but the lit points (None: grey none), and leave the hidden ones out altogether."""
        self.points.lit, self.points.hidden = lit, hidden
        self._restyle()

    def set_selection(self, chosen: Mask) -> None:
        """Select without a signal: for a selection that comes from elsewhere."""
        self.points.selection = np.asarray(chosen, bool).copy()
        self._restyle()

    def set_card(self, card: QWidget, fill: Callable[[int], None]) -> None:
        """What is shown beside the point under the cursor; fill(number) is called before."""
        card.setParent(self.viewport())
        card.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        card.hide()
        self._card, self._fill_card = card, fill

    def set_pin(self, at: tuple[float, float] | None, ends: Sequence[int] = ()) -> None:
        """A pin at a position, with lines to the points `ends`; None takes it away."""
        self.marks.set_pin(at, [(float(self.xy[i, 0]), float(self.xy[i, 1])) for i in ends])

    def fit(self) -> None:
        """Show all points, and keep all in view until the user zooms."""
        self.box.enableAutoRange()

    def centre_on(self, number: int) -> None:
        """Bring a point into view, if it is not."""
        x, y = map(float, self.xy[number])
        room = self.box.viewRect()
        if not room.contains(QPointF(x, y)):
            self.box.translateBy(x=x - room.center().x(), y=y - room.center().y())

    def set_focus(self, number: int, *, announce: bool = False) -> None:
        """The point that keys act on gets a ring; announce = `focused` is emitted."""
        self.focus = number
        self._show_ring()
        if announce and number >= 0:
            self.focused.emit(number)

    def walk(self, direction: str, *, adding: bool = False) -> None:
        """Go to the nearest point "left", "right", "up" or "down"; from nowhere, to the one nearest the middle.

        adding: select it, too.
        """
        if self.focus < 0:
            middle = self.box.viewRect().center()
            number: int | None = self.points.nearest(middle.x(), middle.y())[0]
        else:
            number = self.points.next_towards(self.focus, direction)
        if number is None or number < 0:
            return
        if adding:
            self._choose(self.points.only(number), ADD)
        self.centre_on(number)
        self.set_focus(number, announce=True)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, modifiers = Qt.Key(event.key()), event.modifiers()
        if key in ARROWS and not modifiers & (Mods.ControlModifier | Mods.AltModifier):
            self.walk(ARROWS[key], adding=bool(modifiers & Mods.ShiftModifier))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.focus >= 0:
            toggle = bool(modifiers & Mods.ControlModifier)
            self._choose(self.points.only(self.focus), selecting(modifiers, toggle=toggle))
            if not toggle:
                self.clicked.emit(self.focus)
        elif key == Qt.Key.Key_Escape and self.points.selection.any():
            self._choose(self.points.only(NO_POINT), REPLACE)
        elif key == Qt.Key.Key_Menu and self.focus >= 0:
            self.menu_wanted.emit(self.focus, QPointF(*map(float, self.xy[self.focus])))
        else:
            super().keyPressEvent(event)
            return
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._show_under(NO_POINT)

    def _connect_tools(self) -> None:
        tools = self.tools
        tools.point_clicked.connect(self._point_clicked)
        tools.chosen.connect(self._choose)
        tools.drag_started.connect(self._hide_card)
        tools.drag_started.connect(self.drag_started)
        tools.pin_drag_started.connect(self.pin_drag_started)
        tools.pin_placed.connect(self.pin_placed)
        tools.path_drawn.connect(self.path_drawn)
        tools.menu_wanted.connect(self.menu_wanted)
        tools.tapped.connect(self.tapped)

    def _point_clicked(self, number: int) -> None:
        self.set_focus(number, announce=True)
        self._choose(self.points.only(number), REPLACE)
        self.clicked.emit(number)

    def _choose(self, hit: Mask, how: str) -> None:
        if self.points.select(hit, how):
            self._restyle()
            self.selected.emit()

    def _moved(self, at: QPointF) -> None:
        inside = self.box.sceneBoundingRect().contains(at)
        self._show_under(self.tools.point_at(self.box.mapSceneToView(at)) if inside else NO_POINT)

    def _show_under(self, number: int) -> None:
        if number == self._under:
            return
        self._under = number
        self._show_ring()
        self.hovered.emit(number)
        scrubbing = QGuiApplication.keyboardModifiers() & Mods.AltModifier
        self.scrubbed.emit(number if scrubbing else NO_POINT)
        if number < 0:
            self._hide_card()
        elif self._card is not None:
            self._fill_card(number)
            self._card.adjustSize()
            at = self.mapFromScene(self.box.mapViewToScene(QPointF(*map(float, self.xy[number]))))
            self._card.move(plane.beside(at, self._card.size(), self.viewport().rect()))
            self._card.show()
            self._card.raise_()

    def _hide_card(self) -> None:
        if self._card is not None:
            self._card.hide()

    def _show_ring(self) -> None:
        number = self._under if self._under >= 0 else self.focus
        there = 0 <= number < len(self.points)
        at = (float(self.xy[number, 0]), float(self.xy[number, 1])) if there else None
        self.marks.set_ring(at, mark_px(len(self.points)) + 6.0)

    def _restyle(self) -> None:
        palette, count = QWidget.palette(self), len(self.points)
        drawn = self.points.drawn(palette.color(QPalette.ColorRole.Highlight), self.unlit_colour)
        rim = palette.color(QPalette.ColorRole.Base) if count <= MOST_RIMMED else None
        self.cloud.set_points(*drawn, mark_px(count), rim)
        self._show_ring()

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
        self.unlit_colour = QColor(ink)
        self.unlit_colour.setAlphaF(0.16)
        self.marks.style(ink, palette.color(QPalette.ColorRole.Highlight), ground)
        self._restyle()
