"""A map of points: hover, click, lasso, rectangle, drag away. 100 000 points stay fluid."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainterPath, QPalette
from PySide6.QtWidgets import QGraphicsPathItem, QLabel, QWidget

REACH_PX = 9.0  # a point this near to the cursor is meant
CARD_GAP_PX = 14
TOOLS = ("lasso", "rectangle", "pan")
Mods = Qt.KeyboardModifier


class _Box(pg.ViewBox):  # type: ignore[misc]
    """Turns the mouse into the view's actions: drag selects or carries a point away, middle drag pans."""

    def __init__(self) -> None:
        super().__init__(enableMenu=False, lockAspect=1.0, defaultPadding=0.06)
        self.view: ScatterView | None = None
        self.outline = QGraphicsPathItem(self.childGroup)
        self.outline.setZValue(50)

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
        if self.view.tool == "pan":
            super().mouseDragEvent(ev, axis)
        else:
            self.view.draw_outline(self.mapToView(ev.pos()), ev.modifiers(), done=ev.isFinish())

    def mouseClickEvent(self, ev: Any) -> None:
        if ev.button() == Qt.MouseButton.LeftButton and self.view is not None:
            ev.accept()
            self.view.click(self.mapToView(ev.pos()), ev.modifiers())


class _Points(pg.ScatterPlotItem):  # type: ignore[misc]
    def mouseClickEvent(self, ev: Any) -> None:
        ev.ignore()  # its own search takes 256 ms for 100 000 points; the box below finds the point


class ScatterView(pg.PlotWidget):  # type: ignore[misc]
    """Points in the plane with a key each.

    Signals:
        hovered(object): key under the cursor, or None.
        clicked(object): key.
        selected(list): keys, after the user changed the selection.
        drag_started(list): keys the user is pulling away: the whole selection if the point is part of it.
    """

    hovered = Signal(object)
    clicked = Signal(object)
    selected = Signal(list)
    drag_started = Signal(list)
    _complete = False  # Qt sends events from within the base class's constructor

    def __init__(self) -> None:
        self.box = _Box()
        super().__init__(viewBox=self.box)
        self.box.view = self
        self.tool = TOOLS[0]
        self.describe: Callable[[Hashable], str] = str  # rich text of the hover card
        self._keys: list[Hashable] = []
        self._xy: npt.NDArray[np.float32] = np.zeros((0, 2), np.float32)
        self._colour: npt.NDArray[np.intp] = np.zeros(0, np.intp)
        self._palette: list[QColor] = []
        self._selection: npt.NDArray[np.bool_] = np.zeros(0, bool)
        self._shown: npt.NDArray[np.bool_] | None = None
        self._under: int | None = None
        self._trail: list[QPointF] = []
        self.carrying = False

        self.hideAxis("left")
        self.hideAxis("bottom")
        self.hideButtons()
        self.setFrameShape(self.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._points = _Points(symbol="o", pxMode=True)
        self._ring = _Points(symbol="o", pxMode=True, brush=None)
        self._ring.setZValue(40)
        self.addItem(self._points)
        self.addItem(self._ring, ignoreBounds=True)
        self._card = QLabel(self.viewport())
        self._card.setTextFormat(Qt.TextFormat.RichText)
        self._card.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._card.setObjectName("hoverCard")
        self._card.hide()
        self._caption = QLabel(self.viewport())
        self._caption.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._caption.setObjectName("mapCaption")
        self.scene().sigMouseMoved.connect(self._moved)
        self.setAccessibleName(self.tr("Map of points"))
        self._complete = True
        self._style()

    # ------------------------------------------------------------------ content
    @property
    def keys(self) -> list[Hashable]:
        return self._keys

    @property
    def xy(self) -> npt.NDArray[np.float32]:
        return self._xy

    def set_points(self, xy: npt.NDArray[np.float32], keys: Sequence[Hashable]) -> None:
        """Show points; the same keys in the same order only move, and keep colours, selection and view.

        Args:
            xy: (points, 2).
            keys: what names each point.
        """
        keys = list(keys)
        same = keys == self._keys
        self._xy = np.asarray(xy, np.float32)
        if not same:
            chosen = {key for key, on in zip(self._keys, self._selection, strict=True) if on}
            self._keys = keys
            self._selection = np.fromiter((key in chosen for key in keys), bool, len(keys))
            self._colour = np.zeros(len(keys), np.intp)
            self._shown = None
            self._points.setData(x=self._xy[:, 0], y=self._xy[:, 1])
            self._under = None
            self._card.hide()
        self._restyle()
        if not same:
            self.fit()

    def set_colours(self, colour: npt.NDArray[np.intp], palette: Sequence[QColor]) -> None:
        """Colour point i with palette[colour[i]]."""
        self._colour, self._palette = np.asarray(colour, np.intp), list(palette)
        self._restyle()

    def isolate(self, colours: Iterable[int] | None) -> None:
        """Grey all points but those of these palette entries; None greys none."""
        self._shown = None if colours is None else np.isin(self._colour, list(colours))
        self._restyle()

    def set_selection(self, keys: Iterable[Hashable]) -> None:
        """Select without telling: for a selection that comes from elsewhere."""
        chosen = set(keys)
        self._selection = np.fromiter((key in chosen for key in self._keys), bool, len(self._keys))
        self._restyle()

    def selection(self) -> list[Hashable]:
        return [self._keys[i] for i in np.flatnonzero(self._selection)]

    def set_caption(self, text: str) -> None:
        """A line in the lower left corner: what map this is."""
        self._caption.setText(text)
        self._place_caption()

    def fit(self) -> None:
        """Show all points, and keep all in view until the user zooms."""
        self.box.enableAutoRange()

    # ------------------------------------------------------------------ what the mouse does
    def point_at(self, place: QPointF) -> int | None:
        """The point within reach of a place in data coordinates; the nearest of several."""
        if not len(self._xy):
            return None
        # Brute force over float32 costs 1 ms for 100 000 points: no tree to keep up to date.
        offset = self._xy - np.array([place.x(), place.y()], np.float32)
        square = np.einsum("ij,ij->i", offset, offset)
        nearest = int(np.argmin(square))
        reach = REACH_PX * self.box.viewPixelSize()[0]
        return nearest if square[nearest] <= reach**2 else None

    def click(self, place: QPointF, modifiers: Mods) -> None:
        index = self.point_at(place)
        if modifiers & (Mods.ControlModifier | Mods.AltModifier):
            if index is not None:
                self._choose(np.arange(len(self._keys)) == index, modifiers, toggle=True)
        elif index is not None:
            self._choose(np.arange(len(self._keys)) == index, modifiers)
            self.clicked.emit(self._keys[index])
        elif self._selection.any():
            self._choose(np.zeros(len(self._keys), bool), modifiers)

    def begin_drag(self, place: QPointF, modifiers: Mods) -> None:
        """A left drag: on a point it carries the point away unless a modifier asks for a selection."""
        self._trail = [place]
        index = self.point_at(place)
        self.carrying = index is not None and not modifiers
        if index is not None and self.carrying:
            keys = self.selection() if self._selection[index] else [self._keys[index]]
            self._card.hide()
            # From the event loop: a drag runs a loop of its own, within which pyqtgraph's mouse must not be caught.
            QTimer.singleShot(0, self, lambda: self._carry(keys))

    def draw_outline(self, now: QPointF, modifiers: Mods, *, done: bool) -> None:
        """The lasso or rectangle grows to `now`; done = choose what is inside."""
        if self.tool == "rectangle":
            del self._trail[1:]
        self._trail.append(now)
        path = self._outline()
        if done:
            self.box.outline.setPath(QPainterPath())
            outline = np.array([(corner.x(), corner.y()) for corner in path.toFillPolygon().toList()])
            self._choose(inside(self._xy, outline), modifiers)
        else:
            self.box.outline.setPath(path)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._show_under(None)

    # ------------------------------------------------------------------ inside
    def _carry(self, keys: list[Hashable]) -> None:
        self.drag_started.emit(keys)
        # The system's drag swallowed the release: pyqtgraph would think that the button is still down.
        scene = self.scene()
        scene.dragButtons, scene.clickEvents = [], []
        scene.dragItem = scene.lastDrag = None
        self.carrying = False

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

    def _choose(self, hit: npt.NDArray[np.bool_], modifiers: Mods, *, toggle: bool = False) -> None:
        if modifiers & Mods.AltModifier:
            chosen = self._selection & ~hit
        elif modifiers & Mods.ControlModifier:
            chosen = self._selection ^ hit if toggle else self._selection | hit
        else:
            chosen = hit
        if (chosen != self._selection).any():
            self._selection = chosen
            self._restyle()
            self.selected.emit(self.selection())

    def _moved(self, at: QPointF) -> None:
        self._show_under(
            self.point_at(self.box.mapSceneToView(at)) if self.box.sceneBoundingRect().contains(at) else None
        )

    def _show_under(self, index: int | None) -> None:
        if index == self._under:
            return
        self._under = index
        self._show_ring()
        if index is None:
            self._card.hide()
            self.hovered.emit(None)
            return
        self._card.setText(self.describe(self._keys[index]))
        self._card.adjustSize()
        at = self.mapFromScene(self.box.mapViewToScene(QPointF(*map(float, self._xy[index]))))
        self._card.move(beside(at, self._card.size(), self.viewport().rect()))
        self._card.show()
        self._card.raise_()
        self.hovered.emit(self._keys[index])

    def _show_ring(self) -> None:
        index = self._under
        self._ring.setData(
            [] if index is None else self._xy[[index], 0], [] if index is None else self._xy[[index], 1]
        )

    def _restyle(self) -> None:
        """Write places and brushes straight into the item: pyqtgraph's setBrush takes 250 ms for 100 000 points."""
        count = len(self._keys)
        palette = [*(self._palette or [self.palette().color(QPalette.ColorRole.Highlight)]), self._faint]
        lit = np.ones(count, bool) if self._shown is None else self._shown.copy()
        if self._selection.any():
            lit &= self._selection
        order = np.argsort(lit, kind="stable")  # grey points lie below
        colour = np.where(lit, np.minimum(self._colour, len(palette) - 2), len(palette) - 1)[order]
        size = 9 if count <= 500 else 7 if count <= 5000 else 5 if count <= 30_000 else 4
        pen = (
            pg.mkPen(self.palette().color(QPalette.ColorRole.Base), width=0.6) if count <= 5000 else pg.mkPen(None)
        )
        brushes = np.empty(len(palette), object)
        brushes[:] = [pg.mkBrush(entry) for entry in palette]
        self._points.setSize(size, update=False)
        self._points.setPen(pen, update=False)
        data = self._points.data
        data["x"], data["y"] = self._xy[order, 0], self._xy[order, 1]
        data["brush"] = brushes[colour]
        styles = [("o", size, self._points.opts["pen"], brush) for brush in brushes]
        places = np.array(self._points.fragmentAtlas[styles], data["sourceRect"].dtype)
        data["sourceRect"] = places[colour]
        self._points.prepareGeometryChange()
        self._points.bounds = [None, None]
        self._points.invalidate()
        self._points.informViewBoundsChanged()
        self._points.update()
        self._ring.setSize(size + 6)
        self._show_ring()

    # ------------------------------------------------------------------ look
    def event(self, event: QEvent) -> bool:
        done = bool(super().event(event))
        alive = self._complete and self.plotItem is not None  # pyqtgraph takes it away in close()
        if alive and event.type() in (QEvent.Type.PaletteChange, QEvent.Type.DevicePixelRatioChange):
            self._style()
        return done

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        if self._complete:
            self._place_caption()

    def _place_caption(self) -> None:
        self._caption.adjustSize()
        self._caption.move(8, self.viewport().height() - self._caption.height() - 6)

    def _style(self) -> None:
        palette = QWidget.palette(self)
        ink, ground = palette.color(QPalette.ColorRole.Text), palette.color(QPalette.ColorRole.Base)
        self.setBackground(ground)
        self._faint = QColor(ink)
        self._faint.setAlphaF(0.16)
        ratio = self.devicePixelRatioF()
        self._ring.setPen(pg.mkPen(ink, width=1.6 * ratio))
        wash = palette.color(QPalette.ColorRole.Highlight)
        self.box.outline.setPen(pg.mkPen(wash, width=1.4 * ratio))
        wash.setAlpha(40)
        self.box.outline.setBrush(wash)
        edge = QColor(ink)
        edge.setAlphaF(0.35)
        self._card.setStyleSheet(
            f"#hoverCard {{ background: {ground.name()}; color: {ink.name()}; padding: 6px 9px; border-radius: 5px;"
            f" border: 1px solid {edge.name(QColor.NameFormat.HexArgb)}; }}"
        )
        soft = QColor(ink)
        soft.setAlphaF(0.72)
        self._caption.setStyleSheet(f"#mapCaption {{ color: {soft.name(QColor.NameFormat.HexArgb)}; }}")
        self._restyle()


def inside(xy: npt.NDArray[np.float32], outline: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which points lie within a closed polygon, by crossings of a ray (even-odd rule).

    Args:
        xy: (points, 2). outline: (corners, 2).
    """
    hit = np.zeros(len(xy), bool)
    if len(outline) < 3 or not len(xy):
        return hit
    near = np.flatnonzero(((xy >= outline.min(axis=0)) & (xy <= outline.max(axis=0))).all(axis=1))
    x, y = xy[near, 0].astype(float), xy[near, 1].astype(float)
    within = np.zeros(len(near), bool)
    for (ax, ay), (bx, by) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        if ay != by:
            within ^= ((ay > y) != (by > y)) & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
    hit[near] = within
    return hit


def beside(at: QPoint, size: QSize, room: QRect) -> QPoint:
    """Where a card stands beside a point without leaving the room: right below, else on the other side."""
    x, y = at.x() + CARD_GAP_PX, at.y() + CARD_GAP_PX
    if x + size.width() > room.right():
        x = at.x() - CARD_GAP_PX - size.width()
    if y + size.height() > room.bottom():
        y = at.y() - CARD_GAP_PX - size.height()
    return QPoint(max(room.left(), x), max(room.top(), y))
