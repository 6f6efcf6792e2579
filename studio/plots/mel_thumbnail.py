"""Thumbnail of a log-mel, to recognise a clip by."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.plots.mel_image import MelImage

RANGE_DB = 60.0
MOST_COLUMNS = 600


class MelThumbnail(QWidget):
    """The whole clip at once, its loudest 60 dB."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image: QImage | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(60, 20)

    def set_mel(self, mel: npt.NDArray[Any] | None) -> None:
        """Show a log-mel (frames, bands), natural log of amplitude; None shows nothing."""
        self._image = None if mel is None or not len(mel) else thumbnail_of(mel)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(180, 28)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._image is None:
            return
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        outline = QPainterPath()
        outline.addRoundedRect(QRectF(self.rect()), 4, 4)
        painter.setClipPath(outline)
        painter.drawImage(QRectF(self.rect()), self._image)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self.update()
        return super().event(event)


def thumbnail_of(mel: npt.NDArray[Any]) -> QImage:
    """A small picture of a log-mel (frames, bands); may be made in any thread."""
    columns, _first, _each = MelImage(mel).columns(0, len(mel), MOST_COLUMNS)  # (bands, columns), dB
    top = float(columns.max())
    level = np.clip((columns - (top - RANGE_DB)) / RANGE_DB, 0.0, 1.0)
    index = np.ascontiguousarray((level[::-1] * 255).astype(np.uint8))  # low bands below
    height, width = index.shape
    image = QImage(index.data, width, height, width, QImage.Format.Format_Indexed8).copy()
    table = pg.colormap.get("magma").getLookupTable(nPts=256)
    image.setColorTable([(255 << 24) | (int(r) << 16) | (int(g) << 8) | int(b) for r, g, b in table])
    return image.convertToFormat(QImage.Format.Format_RGB32, Qt.ImageConversionFlag.AutoColor)
