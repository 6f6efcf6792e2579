"""A cell of a table that shows a score: the number, and below it a scale with the interval and the control."""

from __future__ import annotations

import math

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPalette, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from studio.services import theme

HEIGHT, WIDTH = 46, 48
DOT_PX, CROSS_PX, LINE_PX = 7.0, 3.0, 3.0
Index = QModelIndex | QPersistentModelIndex


class ScoreCell(QStyledItemDelegate):
    """Draws a model's scores.

    Args:
        score, span, pending, best: the model's roles. score gives an object with score, low, high and shuffled, or
            None; span the scale's ends; pending and best bools.
        plain: the columns that stand for comparison, drawn without the accent.
    """

    def __init__(
        self, score: int, span: int, pending: int, best: int, plain: frozenset[int], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._score, self._span, self._pending, self._best = score, span, pending, best
        self._plain = plain

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(WIDTH, HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        widget = option.widget
        colours = theme.colours()
        area = QRectF(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette = widget.palette()
        if option.state & QStyle.StateFlag.State_Selected:
            ground = theme.mixed(
                palette.color(QPalette.ColorRole.Highlight), palette.color(QPalette.ColorRole.Base), 0.14
            )
            painter.fillRect(area, ground)
        score = index.data(self._score)
        text = QColor(colours.text if score is not None else colours.muted)
        font = widget.font()
        font.setBold(bool(index.data(self._best)))
        painter.setFont(font)
        painter.setPen(text)
        above = QRectF(area.left(), area.top() + 6, area.width(), area.height() * 0.48)
        words = "…" if index.data(self._pending) else str(index.data(Qt.ItemDataRole.DisplayRole))
        painter.drawText(above, Qt.AlignmentFlag.AlignCenter, words)
        if score is not None and math.isfinite(score.score):
            strip = area.adjusted(8, area.height() * 0.66, -8, -8)
            colour = colours.muted if index.column() in self._plain else colours.accent
            self._scale(painter, strip, score, index.data(self._span), colour, colours)
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(palette.color(QPalette.ColorRole.Highlight), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(area.adjusted(1, 1, -2, -2), 3, 3)
        painter.restore()

    def _scale(
        self,
        painter: QPainter,
        strip: QRectF,
        score: object,
        span: tuple[float, float],
        colour: QColor,
        colours: theme.Colours,
    ) -> None:
        middle = strip.center().y()

        def across(value: float) -> float:
            share = (value - span[0]) / (span[1] - span[0])
            return strip.left() + min(1.0, max(0.0, share)) * strip.width()

        painter.setPen(QPen(colours.line, 1.0))
        painter.drawLine(QPointF(strip.left(), middle), QPointF(strip.right(), middle))
        value, low, high, control = (float(getattr(score, name)) for name in ("score", "low", "high", "shuffled"))
        if math.isfinite(control):
            at = QPointF(across(control), middle)
            painter.setPen(QPen(colours.muted, 1.4))
            for slope in (1.0, -1.0):
                reach = QPointF(CROSS_PX, slope * CROSS_PX)
                painter.drawLine(at - reach, at + reach)
        if math.isfinite(low) and math.isfinite(high):
            painter.setPen(QPen(colour, LINE_PX, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawLine(QPointF(across(low), middle), QPointF(across(high), middle))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawEllipse(QPointF(across(value), middle), DOT_PX / 2, DOT_PX / 2)
