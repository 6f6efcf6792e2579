"""Cloud of very many small marks: only those that can be seen are drawn, each as a copy of a ready-made stamp."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from pyqtgraph.graphicsItems.ScatterPlotItem import Symbols
from pyqtgraph.Qt import internals
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap, QTransform
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

# Beyond so many points, of those that cover one another within half a mark only the uppermost is drawn.
MOST_UNTHINNED = 5_000
CELLS_A_MARK = 2
FRAGMENT = ("x", "y", "left", "top", "width", "height", "scale_x", "scale_y", "turn", "opacity")


@dataclass(frozen=True)
class Mark:
    """How a point looks. symbol: one of pyqtgraph's, "o" is a disc."""

    colour: QColor
    symbol: str = "o"


class PointCloud(pg.GraphicsObject):  # type: ignore[misc]
    """Points in data coordinates, each with one of a few marks; later ones lie above earlier ones."""

    def __init__(self) -> None:
        super().__init__()
        self._xy: npt.NDArray[np.float32] = np.zeros((0, 2), np.float32)
        self._mark: npt.NDArray[np.intp] = np.zeros(0, np.intp)
        self._marks: list[Mark] = []
        self._size = 7.0
        self._rim: QColor | None = None
        # Device pixels a pixel, stamps in a row, width of one.
        self._atlas: tuple[float, QPixmap, int] | None = None
        self._bounds = QRectF()
        self.painted = 0  # marks drawn when it was last painted
        self._fragments = internals.PrimitiveArray(QPainter.PixmapFragment, len(FRAGMENT))

    @property
    def xy(self) -> npt.NDArray[np.float32]:
        """(points, 2) as drawn, the uppermost last."""
        return self._xy

    @property
    def shown_marks(self) -> list[Mark]:
        """The mark of every point as drawn."""
        return [self._marks[i] for i in self._mark]

    def set_points(
        self,
        xy: npt.NDArray[np.float32],
        mark: npt.NDArray[np.intp],
        marks: Sequence[Mark],
        size_px: float,
        rim: QColor | None,
    ) -> None:
        """Show points.

        Args:
            xy: (points, 2). mark: (points,) which of `marks` each has.
            size_px: width of a mark in device-independent pixels. rim: a line round each, or None.
        """
        self.prepareGeometryChange()
        self._xy, self._mark = xy, mark
        if list(marks) != self._marks or size_px != self._size or rim != self._rim:
            self._marks, self._size, self._rim, self._atlas = list(marks), size_px, rim, None
        if len(xy):
            (left, low), (right, high) = xy.min(axis=0).tolist(), xy.max(axis=0).tolist()
            self._bounds = QRectF(left, low, right - left, high - low)
        else:
            self._bounds = QRectF()
        self.informViewBoundsChanged()
        self.update()

    def dataBounds(
        self, ax: int, frac: float = 1.0, orthoRange: object = None
    ) -> tuple[float, float] | tuple[None, None]:
        if not len(self._xy):
            return None, None
        box = self._bounds
        return (box.left(), box.right()) if ax == 0 else (box.top(), box.bottom())

    def pixelPadding(self) -> float:
        return self._size / 2 + 1

    def boundingRect(self) -> QRectF:
        wide, high = self.pixelVectors()
        if wide is None or not len(self._xy):
            return self._bounds
        reach = self.pixelPadding()
        x, y = abs(wide.x()) * reach, abs(high.y()) * reach
        return self._bounds.adjusted(-x, -y, x, y)

    def viewTransformChanged(self) -> None:
        super().viewTransformChanged()
        self.prepareGeometryChange()

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        view = self.getViewBox()
        if view is None or not len(self._xy) or not self._marks:
            return
        ratio = widget.devicePixelRatioF() if widget is not None else 1.0
        atlas, stamp = self._stamps(ratio)
        to_pixels = painter.transform()
        x = self._xy[:, 0] * to_pixels.m11() + to_pixels.dx()
        y = self._xy[:, 1] * to_pixels.m22() + to_pixels.dy()
        room = to_pixels.mapRect(view.viewRect())
        reach = self.pixelPadding()
        seen = np.flatnonzero(
            (x > room.left() - reach)
            & (x < room.right() + reach)
            & (y > room.top() - reach)
            & (y < room.bottom() + reach)
        )
        if len(seen) > MOST_UNTHINNED:
            seen = self._uppermost(seen, to_pixels)
        self.painted = len(seen)
        self._fragments.resize(len(seen))
        table = self._fragments.ndarray()
        table[:, 0], table[:, 1] = x[seen], y[seen]
        table[:, 2], table[:, 3] = self._mark[seen] * stamp, 0.0
        table[:, 4] = table[:, 5] = stamp
        table[:, 6] = table[:, 7] = 1.0 / ratio
        table[:, 8], table[:, 9] = 0.0, 1.0
        painter.resetTransform()
        painter.drawPixmapFragments(*self._fragments.drawargs(), atlas)  # type: ignore[call-arg]

    def _uppermost(self, seen: npt.NDArray[np.intp], to_pixels: QTransform) -> npt.NDArray[np.intp]:
        """Of the points within one small cell the last: cells are fixed in the data, so panning changes nothing."""
        cell = self._size / CELLS_A_MARK
        column = np.floor(self._xy[seen, 0] * (abs(to_pixels.m11()) / cell)).astype(np.int64)
        row = np.floor(self._xy[seen, 1] * (abs(to_pixels.m22()) / cell)).astype(np.int64)
        column -= column.min()
        row -= row.min()
        width = int(column.max()) + 1
        owner = np.full(width * (int(row.max()) + 1), -1, np.int64)
        owner[row * width + column] = np.arange(len(seen))  # the last one written stays
        return seen[np.sort(owner[owner >= 0])]

    def _stamps(self, ratio: float) -> tuple[QPixmap, int]:
        """All marks in a row, in device pixels."""
        if self._atlas is None or self._atlas[0] != ratio:
            width = int(np.ceil((self._size + 2.0) * ratio)) + 2
            atlas = QPixmap(width * len(self._marks), width)
            atlas.fill(Qt.GlobalColor.transparent)
            painter = QPainter(atlas)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for i, mark in enumerate(self._marks):
                painter.resetTransform()
                painter.translate((i + 0.5) * width, width / 2)
                draw_mark(painter, mark, self._size * ratio, self._rim, 0.6 * ratio)
            painter.end()
            self._atlas = (ratio, atlas, width)
        return self._atlas[1], self._atlas[2]


def draw_mark(
    painter: QPainter, mark: Mark, size: float, rim: QColor | None = None, rim_width: float = 0.6
) -> None:
    """One mark round the origin, `size` wide."""
    painter.save()
    painter.scale(size, size)
    if rim is None:
        painter.setPen(Qt.PenStyle.NoPen)
    else:
        pen = QPen(rim, rim_width)
        pen.setCosmetic(True)
        painter.setPen(pen)
    painter.setBrush(mark.colour)
    painter.drawPath(Symbols[mark.symbol])
    painter.restore()
