"""Plot over a Timeline: mouse, playhead and selection, alike in waveform and spectrogram."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QWidget

from studio.plots.timeline import Timeline, clock_text
from studio.services import theme

WHEEL_NOTCH = 0.8  # one notch shows this share of the time
SCROLL_NOTCH = 0.15  # one notch moves by this share of the view
LEFT_AXIS_PX = 56  # the same in every plot, so that times stand above each other
PLAYHEAD_PX = 4  # the dark line below the pale one
TOP_PX = 7  # room for half of the outermost label
Qtm = Qt.KeyboardModifier


class TimeAxis(pg.AxisItem):  # type: ignore[misc]
    """Seconds below a minute, m:ss above."""

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        decimals = 0 if spacing >= 1 else 1 if spacing >= 0.1 else 2 if spacing >= 0.01 else 3
        if self.range[1] < 60:
            return [f"{value:.{decimals}f} s" for value in values]
        return [clock_text(value, decimals, always_minutes=True) for value in values]


class TimeBox(pg.ViewBox):  # type: ignore[misc]
    """Turns the mouse into requests to the timeline; Ctrl+wheel zooms the vertical axis if it may."""

    def __init__(self, timeline: Timeline, *, vertical_zoom: bool) -> None:
        super().__init__(enableMenu=False, defaultPadding=0.0)
        self._timeline = timeline
        self._vertical_zoom = vertical_zoom
        self.setMouseEnabled(x=False, y=vertical_zoom)
        timeline.view_changed.connect(self._show)
        self._show(*timeline.view_s)

    def _show(self, start: float, stop: float) -> None:
        self.setXRange(start, stop, padding=0)

    def wheelEvent(self, ev: Any, axis: int | None = None) -> None:
        ev.accept()
        notches = ev.delta() / 120
        if ev.modifiers() & Qtm.ControlModifier and self._vertical_zoom:
            self.scaleBy(y=WHEEL_NOTCH**notches, center=self.mapToView(ev.pos()))
        elif ev.modifiers() & Qtm.ShiftModifier or ev.orientation() == Qt.Orientation.Horizontal:
            self._timeline.scroll(-SCROLL_NOTCH * notches)
        else:
            self._timeline.zoom(WHEEL_NOTCH**notches, self.mapToView(ev.pos()).x())

    def mouseDragEvent(self, ev: Any, axis: int | None = None) -> None:
        ev.accept()
        if ev.button() == Qt.MouseButton.LeftButton:
            began, now = self.mapToView(ev.buttonDownPos()).x(), self.mapToView(ev.pos()).x()
            turned = bool(ev.modifiers() & Qtm.ShiftModifier)
            self._timeline.select((began, now), snap_s=self._timeline.snap_s(turned=turned))
        elif ev.button() == Qt.MouseButton.MiddleButton:
            moved = self.mapToView(ev.lastPos()) - self.mapToView(ev.pos())
            start, stop = self._timeline.view_s
            self._timeline.show(start + moved.x(), stop + moved.x())
            if self._vertical_zoom:
                self.translateBy(y=moved.y())

    def mouseClickEvent(self, ev: Any) -> None:
        if ev.button() == Qt.MouseButton.LeftButton:
            ev.accept()
            self._timeline.select(None)
            seconds = self.mapToView(ev.pos()).x()
            self._timeline.seek_requested.emit(min(max(0.0, seconds), self._timeline.duration_s))


class TimePlot(pg.PlotWidget):  # type: ignore[misc]
    """Base of the views of one recording.

    Signals:
        readout(str): what lies under the cursor, in words; "" when the cursor has left.
    """

    readout = Signal(str)
    preferred_px = 200  # height; with more of it, others get theirs first
    _complete = False  # Qt sends events from within the base class's constructor

    def __init__(self, timeline: Timeline, *, left_axis: Any, vertical_zoom: bool, over_image: bool) -> None:
        self.timeline = timeline
        self.box = TimeBox(timeline, vertical_zoom=vertical_zoom)
        super().__init__(viewBox=self.box, axisItems={"bottom": TimeAxis("bottom"), "left": left_axis})
        self._over_image = over_image
        self.hideButtons()
        self.setFrameShape(self.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)  # the view around it has one for all
        self.getAxis("left").setWidth(LEFT_AXIS_PX)
        self.getPlotItem().layout.setContentsMargins(0, TOP_PX, 0, 0)
        # A pale line on a dark one is seen on every colour map.
        self._playhead = [pg.InfiniteLine(0.0, angle=90), pg.InfiniteLine(0.0, angle=90)]
        self._selection = pg.LinearRegionItem((0, 0), movable=False, swapMode="sort")
        for line in self._selection.lines:
            line.setMovable(True)
        self._selection.setVisible(False)
        self._selection.setZValue(10)
        self.addItem(self._selection, ignoreBounds=True)
        for line in self._playhead:
            line.setZValue(20)
            self.addItem(line, ignoreBounds=True)
        self._selection.sigRegionChanged.connect(self._edge_dragged)
        self.scene().sigMouseMoved.connect(self._moved)
        timeline.playhead_changed.connect(self._show_playhead)
        timeline.selection_changed.connect(self._show_selection)
        self._complete = True
        self._style()

    def describe(self, at: QPointF) -> str:
        """The readout at a position in data coordinates."""
        raise NotImplementedError

    def pen(self, colour: QColor, width: float) -> Any:
        """A line of so many logical pixels: pyqtgraph's own pens count the device's."""
        return pg.mkPen(colour, width=width * self.devicePixelRatioF())

    def style(self, ink: QColor, ground: QColor) -> None:
        """Colours of the kind's own items; called at the start and when the theme changes."""

    def _show_playhead(self, seconds: float) -> None:
        # Qt forgets where a moved line was drawn if meanwhile it paints anything else here, such as a label that
        # gets new colours: the line would stay there as it was, beside the one that moves on.
        self._paint_playhead()
        for line in self._playhead:
            line.setValue(seconds)
        self._paint_playhead()

    def _paint_playhead(self) -> None:
        """See that the strip is painted in which the playhead stands now."""
        at = self.mapFromScene(self.box.mapViewToScene(QPointF(self._playhead[0].value(), 0.0)))
        half = PLAYHEAD_PX // 2 + 2
        self.viewport().update(at.x() - half, 0, 2 * half + 1, self.viewport().height())

    def _show_selection(self, span: tuple[float, float] | None) -> None:
        self._selection.setVisible(span is not None)
        if span is not None and tuple(self._selection.getRegion()) != span:
            self._selection.blockSignals(True)
            self._selection.setRegion(span)
            self._selection.blockSignals(False)

    def _edge_dragged(self) -> None:
        if self._selection.isVisible():
            self.timeline.move_edges(self._selection.getRegion())
            self._show_selection(self.timeline.selection_s)  # where it snapped to

    def _moved(self, at: QPointF) -> None:
        inside = self.timeline.duration_s > 0 and self.box.sceneBoundingRect().contains(at)
        self.readout.emit(self.describe(self.box.mapSceneToView(at)) if inside else "")

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.readout.emit("")

    def event(self, event: QEvent) -> bool:
        done = bool(super().event(event))
        alive = self._complete and self.plotItem is not None  # pyqtgraph takes it away in close()
        if alive and event.type() in (QEvent.Type.PaletteChange, QEvent.Type.DevicePixelRatioChange):
            self._style()
        return done

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 60)

    def sizeHint(self) -> QSize:
        return QSize(640, self.preferred_px)

    def _style(self) -> None:
        palette = QWidget.palette(self)
        ink, ground = palette.color(QPalette.ColorRole.Text), palette.color(QPalette.ColorRole.Base)
        self.setBackground(palette.color(QPalette.ColorRole.Window))
        self.box.setBackgroundColor(ground)
        for name in ("left", "bottom"):
            axis = self.getAxis(name)
            axis.setPen(pg.mkPen(theme.mixed(ink, ground, 0.45)))
            axis.setTextPen(pg.mkPen(theme.mixed(ink, ground, 0.85)))
        dark, pale = (QColor(0, 0, 0, 170), QColor(255, 255, 255)) if self._over_image else (ground, ink)
        for line, colour, width in zip(self._playhead, (dark, pale), (PLAYHEAD_PX, 1.4), strict=True):
            line.setPen(self.pen(colour, width))
        wash = QColor(140, 195, 255) if self._over_image else palette.color(QPalette.ColorRole.Highlight)
        fill, edge = QColor(wash), QColor(wash)
        fill.setAlpha(32 if self._over_image else 60)  # colours of an image are to be read
        edge.setAlpha(230)
        self._selection.setBrush(fill)
        self._selection.setHoverBrush(fill)
        for line in self._selection.lines:
            line.setPen(self.pen(edge, 1.4))
            line.setHoverPen(self.pen(edge, 3.0))
        self.style(ink, ground)
