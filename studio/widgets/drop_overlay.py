"""Veil over the window while files are dragged over it, which says what dropping them does."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QWidget

from studio.services import theme

_VEIL_ALPHA = 215
_ICON_SIZE = 56
_RADIUS = 12


class DropOverlay(QWidget):
    """Covers its parent while it is shown; lets every event through."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("dropOverlay")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._covered = parent
        self._words = ""
        self.hide()

    def show_words(self, words: str) -> None:
        self._words = words
        self.setGeometry(self._covered.rect())
        self.raise_()
        self.show()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        veil = QColor(self.palette().color(QPalette.ColorRole.Window))
        veil.setAlpha(_VEIL_ALPHA)
        painter.fillRect(self.rect(), veil)
        accent = theme.colours().accent
        painter.setPen(QPen(accent, 2, Qt.PenStyle.DashLine))
        frame = QRectF(self.rect()).adjusted(theme.LARGE, theme.LARGE, -theme.LARGE, -theme.LARGE)
        painter.drawRoundedRect(frame, _RADIUS, _RADIUS)
        middle = frame.center()
        picture = theme.coloured("drop", accent, _ICON_SIZE, self.devicePixelRatioF())
        painter.drawPixmap(round(middle.x() - _ICON_SIZE / 2), round(middle.y() - _ICON_SIZE), picture)
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * 1.4)
        painter.setFont(font)
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        below = QRectF(frame.left(), middle.y() + theme.LARGE, frame.width(), 2 * painter.fontMetrics().height())
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, self._words)
        painter.end()
