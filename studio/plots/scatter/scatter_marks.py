"""What lies on a map besides its points: the ring round one, a pin with its spokes, a path with its steps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsItem, QGraphicsPathItem

PIN_HEAD_PX = 8.0
PIN_HEIGHT_PX = 24.0
STEP_PX = 9.0


def pin_shape() -> QPainterPath:
    """A drop with its tip at the origin and a hole in its head; y downwards, in device-independent pixels."""
    head = QRectF(-PIN_HEAD_PX, -PIN_HEIGHT_PX, 2 * PIN_HEAD_PX, 2 * PIN_HEAD_PX)
    drop = QPainterPath(QPointF(0, 0))
    drop.quadTo(QPointF(-2.0, -6.0), QPointF(-PIN_HEAD_PX * 0.86, head.center().y() + PIN_HEAD_PX * 0.5))
    drop.arcTo(head, 210, -240)
    drop.quadTo(QPointF(2.0, -6.0), QPointF(0, 0))
    hole = QPainterPath()
    hole.addEllipse(head.center(), 3.0, 3.0)
    return drop - hole


class ScatterMarks:
    """The marks of one view; places are in data coordinates.

    Args:
        group: the item whose children lie in data coordinates.
    """

    def __init__(self, group: QGraphicsItem) -> None:
        self.outline = QGraphicsPathItem(group)
        self._spokes = QGraphicsPathItem(group)
        self._trail = QGraphicsPathItem(group)
        self._steps = [QGraphicsPathItem(group) for _ in range(0)]
        self._group = group
        self._ring = self._still(group)
        self._pin = self._still(group)
        self._pin.setPath(pin_shape())
        for item, height in (
            (self._spokes, 20.0), (self._trail, 30.0), (self._ring, 40.0), (self.outline, 50.0), (self._pin, 60.0),
        ):  # fmt: skip
            item.setZValue(height)
        self.set_ring(None, 0.0)
        self.set_pin(None, ())
        self._ink, self._accent, self._ground = QColor("black"), QColor("blue"), QColor("white")
        self._heard: int | None = None

    @staticmethod
    def _still(group: QGraphicsItem) -> QGraphicsPathItem:
        """An item that keeps its size in pixels whatever the zoom."""
        item = QGraphicsPathItem(group)
        item.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIgnoresTransformations)
        return item

    def style(self, ink: QColor, accent: QColor, ground: QColor) -> None:
        self._ink, self._accent, self._ground = ink, accent, ground
        wash, faint = QColor(accent), QColor(accent)
        wash.setAlpha(40)
        faint.setAlpha(150)
        self.outline.setPen(_pen(accent, 1.4))
        self.outline.setBrush(wash)
        self._ring.setPen(_pen(ink, 1.6))
        self._spokes.setPen(_pen(faint, 1.2))
        self._trail.setPen(_pen(accent, 2.2))
        self._pin.setPen(_pen(ground, 1.2))
        self._pin.setBrush(accent)
        self._colour_steps()

    def set_ring(self, place: tuple[float, float] | None, size_px: float) -> None:
        self._ring.setVisible(place is not None)
        if place is not None:
            ring = QPainterPath()
            ring.addEllipse(QPointF(0, 0), size_px / 2, size_px / 2)
            self._ring.setPath(ring)
            self._ring.setPos(*place)

    def set_pin(self, place: tuple[float, float] | None, ends: Sequence[tuple[float, float]]) -> None:
        """A pin, and lines from its tip to the points it is the mean of."""
        self._pin.setVisible(place is not None)
        spokes = QPainterPath()
        if place is not None:
            self._pin.setPos(*place)
            for end in ends:
                spokes.moveTo(*place)
                spokes.lineTo(*end)
        self._spokes.setPath(spokes)

    def set_path(self, corners: npt.NDArray[np.float64] | None, steps: npt.NDArray[np.float64] | None) -> None:
        """A path and the places along it, both (any, 2)."""
        line = QPainterPath()
        if corners is not None and len(corners):
            line.moveTo(*corners[0])
            for corner in corners[1:]:
                line.lineTo(*corner)
        self._trail.setPath(line)
        for item in self._steps:
            item.scene().removeItem(item)
        self._steps = []
        self._heard = None
        for x, y in [] if steps is None else steps:
            dot = self._still(self._group)
            shape = QPainterPath()
            shape.addEllipse(QPointF(0, 0), STEP_PX / 2, STEP_PX / 2)
            dot.setPath(shape)
            dot.setPos(float(x), float(y))
            dot.setZValue(35.0)
            self._steps.append(dot)
        self._colour_steps()

    def set_heard(self, step: int | None) -> None:
        """The step of the path that sounds now."""
        if step != self._heard:
            self._heard = step
            self._colour_steps()

    def _colour_steps(self) -> None:
        for number, item in enumerate(self._steps):
            item.setPen(_pen(self._accent, 2.0))
            item.setBrush(self._accent if number == self._heard else self._ground)
            item.setScale(1.5 if number == self._heard else 1.0)

    @property
    def has_pin(self) -> bool:
        return self._pin.isVisible()


def _pen(colour: QColor, width: float) -> QPen:
    pen = pg.mkPen(colour, width=width)
    pen.setCosmetic(True)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    return QPen(pen)
