"""Marks on a map besides its points: the ring round one, a pin with its spokes, a path with its steps."""

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
    """The marks of one view; positions are in data coordinates.

    Args:
        group: the item whose children lie in data coordinates.
    """

    def __init__(self, group: QGraphicsItem) -> None:
        self.outline = QGraphicsPathItem(group)
        self._spokes = QGraphicsPathItem(group)
        self._trail = QGraphicsPathItem(group)
        self._steps: list[QGraphicsPathItem] = []
        self._group = group
        self._ring = self._still(group)
        self._pin = self._still(group)
        self._pin.setPath(pin_shape())
        items = (self._spokes, self._trail, self._ring, self.outline, self._pin)
        for item, height in zip(items, (20.0, 30.0, 40.0, 50.0, 60.0), strict=True):
            item.setZValue(height)
        self._pin_at: tuple[float, float] | None = None
        self.heard_step: int | None = None  # the step of the path that sounds now
        self.set_ring(None, 0.0)
        self.set_pin(None, ())
        self._ink, self._accent, self._ground = QColor("black"), QColor("blue"), QColor("white")

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

    def set_ring(self, at: tuple[float, float] | None, size_px: float) -> None:
        self._ring.setVisible(at is not None)
        if at is not None:
            ring = QPainterPath()
            ring.addEllipse(QPointF(0, 0), size_px / 2, size_px / 2)
            self._ring.setPath(ring)
            self._ring.setPos(*at)

    def set_pin(self, at: tuple[float, float] | None, ends: Sequence[tuple[float, float]]) -> None:
        """A pin, and lines from its tip to the points it is the mean of."""
        self._pin_at = at
        self._pin.setVisible(at is not None)
        spokes = QPainterPath()
        if at is not None:
            self._pin.setPos(*at)
            for end in ends:
                spokes.moveTo(*at)
                spokes.lineTo(*end)
        self._spokes.setPath(spokes)

    def is_on_pin(self, at: QPointF, pixel_size: tuple[float, float]) -> bool:
        """Whether a position is on the pin; pixel_size: width and height of a pixel in data coordinates."""
        if self._pin_at is None:
            return False
        x = (at.x() - self._pin_at[0]) / pixel_size[0]
        y = (at.y() - self._pin_at[1]) / pixel_size[1]
        return bool(abs(x) <= PIN_HEAD_PX + 2 and -4 <= y <= PIN_HEIGHT_PX + 2)

    def set_path(self, corners: npt.NDArray[np.float64] | None, steps: npt.NDArray[np.float64] | None) -> None:
        """A path and the positions along it, both (any, 2)."""
        line = QPainterPath()
        if corners is not None and len(corners):
            line.moveTo(*corners[0])
            for corner in corners[1:]:
                line.lineTo(*corner)
        self._trail.setPath(line)
        for item in self._steps:
            item.scene().removeItem(item)
        self._steps = []
        self.heard_step = None
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
        if step != self.heard_step:
            self.heard_step = step
            self._colour_steps()

    def _colour_steps(self) -> None:
        for number, item in enumerate(self._steps):
            item.setPen(_pen(self._accent, 2.0))
            item.setBrush(self._accent if number == self.heard_step else self._ground)
            item.setScale(1.5 if number == self.heard_step else 1.0)

    @property
    def has_pin(self) -> bool:
        return self._pin.isVisible()


def _pen(colour: QColor, width: float) -> QPen:
    pen = pg.mkPen(colour, width=width)
    pen.setCosmetic(True)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    return QPen(pen)
