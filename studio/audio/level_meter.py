"""Level meter: a bar for the level, a line for the peak, and a mark that stays when it was too much."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from PySide6.QtCore import QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.services import theme

LOWEST_DB = -60.0
GOOD_DB, LOUD_DB = -30.0, -6.0  # peaks between them make a good recording
FALL_DB_PER_S = 30.0
HOLD_S = 1.5
CLIPPED = 0.999
FRAME_MS = 33


class LevelMeter(QWidget):
    """Shows levels given by `show_level`; falls by itself. A click takes the mark of clipping away."""

    def __init__(self, parent: QWidget | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(parent)
        self._clock = clock
        self._level_db = self._peak_db = LOWEST_DB
        self._peak_at = self._at = clock()
        self.clipped = False
        self._frames = QTimer(self)
        self._frames.setInterval(FRAME_MS)
        self._frames.timeout.connect(self.fall)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Level of the microphone"))
        self.setToolTip(
            self.tr("Peaks between −30 and −6 dB are good. A red end means that it was too loud; click to reset.")
        )

    @property
    def is_falling(self) -> bool:
        """Whether there is a level left to fall."""
        return self._frames.isActive()

    @property
    def level_db(self) -> float:
        """RMS level shown, in dBFS."""
        return self._level_db

    @property
    def peak_db(self) -> float:
        """The peak held, in dBFS."""
        return self._peak_db

    def show_level(self, rms: float, peak: float) -> None:
        """Magnitudes, 0 ... 1."""
        now = self._clock()
        self._level_db = max(_db(rms), self._fallen(now))
        self._at = now
        if _db(peak) >= self._peak_db or now - self._peak_at > HOLD_S:
            self._peak_db, self._peak_at = _db(peak), now
        self.clipped |= peak >= CLIPPED
        self._frames.start()
        self.update()

    def reset(self) -> None:
        self._level_db = self._peak_db = LOWEST_DB
        self.clipped = False
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(320, 14 + self.fontMetrics().height() + 4)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, self.sizeHint().height())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.clipped = False
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours = theme.colours()
        bar = QRectF(1, 1, self.width() - 2 - 16, 12)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.palette().color(QPalette.ColorRole.Base))
        painter.drawRoundedRect(bar, 3, 3)
        x = self._x(self._level_db, bar)
        painter.setClipRect(QRectF(bar.left(), bar.top(), x - bar.left(), bar.height()))
        painter.setBrush(self._colour(self._peak_db))
        painter.drawRoundedRect(bar, 3, 3)
        painter.setClipping(False)
        if self._peak_db > LOWEST_DB:
            painter.fillRect(QRectF(self._x(self._peak_db, bar) - 1, bar.top(), 2, bar.height()), colours.text)
        painter.setBrush(colours.error if self.clipped else self.palette().color(QPalette.ColorRole.Base))
        painter.drawRoundedRect(QRectF(bar.right() + 4, 1, 11, 12), 3, 3)
        painter.setPen(colours.muted)
        metrics = self.fontMetrics()
        for db in range(int(LOWEST_DB), 1, 10):
            words = str(db).replace("-", "−")
            width = metrics.horizontalAdvance(words)
            at = min(max(0.0, self._x(db, bar) - width / 2), bar.right() - width)
            painter.drawText(QRectF(at, bar.bottom() + 2, width + 2, metrics.height()), 0, words)

    def _colour(self, peak_db: float) -> QColor:
        colours = theme.colours()
        if self.clipped or peak_db > LOUD_DB:
            return colours.warning
        return colours.good if peak_db > GOOD_DB else colours.accent

    def _x(self, db: float, bar: QRectF) -> float:
        return bar.left() + (max(LOWEST_DB, min(0.0, db)) - LOWEST_DB) / -LOWEST_DB * bar.width()

    def _fallen(self, now: float) -> float:
        return max(LOWEST_DB, self._level_db - FALL_DB_PER_S * (now - self._at))

    def fall(self) -> None:
        """Let level and peak fall to where they are by now; happens by itself until both have reached the end."""
        now = self._clock()
        self._level_db, self._at = self._fallen(now), now
        if now - self._peak_at > HOLD_S:
            self._peak_db = max(LOWEST_DB, self._peak_db - 2.0)
        if self._level_db == self._peak_db == LOWEST_DB:
            self._frames.stop()
        self.update()


def _db(magnitude: float) -> float:
    return max(LOWEST_DB, 20.0 * math.log10(magnitude)) if magnitude > 0 else LOWEST_DB
