"""Chip of one second of a recording: its colour, its words, what an edit gives it, and how it is drawn."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPalette, QPen, QPolygonF

TEXT_FROM_PX = 46  # narrower chips carry no words
SHARE_OF_EDIT = 0.5  # of a chip's height at full weight


@dataclass(frozen=True)
class Second:
    """What one chip shows.

    words: on it, where there is room. description: for the pointer and the screen reader.
    given: colour of what an edit gives, and how much of it (0..1.5); None where nothing is edited.
    chosen: distances are measured from it.
    """

    colour: QColor
    ink: QColor
    words: str
    description: str
    given: tuple[QColor, float] | None = None
    chosen: bool = False


def paint_second(
    painter: QPainter,
    box: QRectF,
    second: Second,
    palette: QPalette,
    *,
    selected: bool,
    marked: bool,
    focused: bool,
) -> None:
    """Draw one chip.

    marked: a brush or a drop is about to reach it. focused: the keyboard acts on it.
    """
    radius = min(5.0, box.width() / 3)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(second.colour)
    painter.drawRoundedRect(box, radius, radius)
    text = QRectF(box)
    if second.given is not None:
        text.setBottom(_paint_edit(painter, box, second.ink, second.given, radius))
    if box.width() >= TEXT_FROM_PX and text.height() >= painter.fontMetrics().height():
        painter.setPen(second.ink)
        words = painter.fontMetrics().elidedText(second.words, Qt.TextElideMode.ElideRight, int(text.width() - 6))
        painter.drawText(text, Qt.AlignmentFlag.AlignCenter, words)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if second.chosen:
        painter.setPen(QPen(second.ink, 1.5, Qt.PenStyle.DotLine))
        painter.drawRoundedRect(box.adjusted(3, 3, -3, -3), radius, radius)
    if selected or marked:
        frame = box.adjusted(1.5, 1.5, -1.5, -1.5)
        painter.setPen(QPen(palette.color(QPalette.ColorRole.Base), 4.0))
        painter.drawRoundedRect(frame, radius, radius)
        edge = palette.color(QPalette.ColorRole.Highlight)
        painter.setPen(QPen(edge, 2.5, Qt.PenStyle.DashLine if marked else Qt.PenStyle.SolidLine))
        painter.drawRoundedRect(frame, radius, radius)
    if focused:
        painter.setPen(QPen(second.ink, 1.0, Qt.PenStyle.DotLine))
        painter.drawRect(box.adjusted(5, 5, -5, -5))


def _paint_edit(painter: QPainter, box: QRectF, ink: QColor, given: tuple[QColor, float], radius: float) -> float:
    """Draw what an edit gives over the lower part of a chip; returns the upper edge of that part."""
    colour, weight = given
    height = box.height() * min(0.9, SHARE_OF_EDIT * weight)
    part = QRectF(box.left(), box.bottom() - height, box.width(), height)
    painter.setBrush(colour)
    painter.drawRoundedRect(part, radius, radius)
    painter.setPen(QPen(ink, 1.0, Qt.PenStyle.DashLine))
    painter.drawLine(part.topLeft(), part.topRight())
    corner = box.topRight()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ink)  # a dog-ear: this second is not its own
    painter.drawPolygon(QPolygonF([corner, corner - QPointF(8, 0), corner + QPointF(0, 8)]))
    return part.top()
