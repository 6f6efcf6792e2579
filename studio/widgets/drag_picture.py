"""Picture at the pointer while something is dragged: a few words on a ground."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPixmap
from PySide6.QtWidgets import QWidget

from studio.services import theme

MOST_PX = 260
HOT_SPOT = QPoint(-12, -8)  # beside the pointer, so that what is aimed at is seen


def drag_picture(widget: QWidget, words: str) -> QPixmap:
    """The words in the widget's font and colours."""
    metrics = QFontMetrics(widget.font())
    words = metrics.elidedText(words, Qt.TextElideMode.ElideMiddle, MOST_PX)
    ratio = widget.devicePixelRatioF()
    size = metrics.size(0, words) + QSize(2 * theme.SPACE, 2 * theme.SMALL)
    picture = QPixmap(size * ratio)
    picture.setDevicePixelRatio(ratio)
    picture.fill(widget.palette().highlight().color())
    painter = QPainter(picture)
    painter.setPen(widget.palette().highlightedText().color())
    painter.drawText(QRect(QPoint(0, 0), size), Qt.AlignmentFlag.AlignCenter, words)
    painter.end()
    return picture
