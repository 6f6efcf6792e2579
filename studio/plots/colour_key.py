"""Key of colours: a small square with two axes, or a bar from one word to another."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QSizePolicy, QWidget

SQUARE_PX = 30
BAR_PX = (52, 10)


class ColourKey(QWidget):
    """A picture of colours with words at its ends: (left, right) and, for a square, (bottom, top).

    Where there is no room for the words, the picture stands alone and the tooltip has them.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image = QImage()
        self._across = ("", "")
        self._up = ("", "")
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)

    def show_key(self, image: QImage, across: tuple[str, str], up: tuple[str, str] = ("", "")) -> None:
        self._image, self._across, self._up = image, across, up
        words = f"{across[0]} – {across[1]}" + (f"; {up[0]} – {up[1]}" if up[0] else "")
        self.setAccessibleName(words)
        self.setToolTip(words)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        left, right = (metrics.horizontalAdvance(word) for word in self._across)
        if self._up[0]:
            beside = max(metrics.horizontalAdvance(word) for word in self._up)
            return QSize(left + right + SQUARE_PX + beside + 24, SQUARE_PX)
        return QSize(left + right + BAR_PX[0] + 12, max(BAR_PX[1], metrics.height() + 8))

    def minimumSizeHint(self) -> QSize:
        wide, high = self._picture_px()
        return QSize(wide, max(high, self.sizeHint().height()))

    def _picture_px(self) -> tuple[int, int]:
        return (SQUARE_PX, SQUARE_PX) if self._up[0] else BAR_PX

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        metrics = self.fontMetrics()
        height = float(self.height())
        wide, high = self._picture_px()
        if self.width() < self.sizeHint().width():
            wide = wide if self._up[0] else self.width()
            painter.drawImage(QRectF(0, (height - high) / 2, wide, high), self._image)
            return
        middle = Qt.AlignmentFlag.AlignVCenter
        x = 0.0
        if self._up[0]:  # top and bottom stand to the left of the square
            beside = float(max(metrics.horizontalAdvance(word) for word in self._up))
            right = Qt.AlignmentFlag.AlignRight
            painter.drawText(QRectF(0, 0, beside, height / 2), right | middle, self._up[1])
            painter.drawText(QRectF(0, height / 2, beside, height / 2), right | middle, self._up[0])
            x = beside + 6
        left = float(metrics.horizontalAdvance(self._across[0]))
        painter.drawText(QRectF(x, 0, left, height), middle, self._across[0])
        x += left + 6
        painter.drawImage(QRectF(x, (height - high) / 2, wide, high), self._image)
        x += wide + 6
        painter.drawText(QRectF(x, 0, self.width() - x, height), middle, self._across[1])
