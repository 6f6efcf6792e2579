"""Colour bar with two handles, which set the levels that become the colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

LEAST_RANGE_DB = 10
BAR_PX = 14


@dataclass(frozen=True)
class LevelRange:
    """The ends of a bar in dB and what it shows at first. symmetric: its middle stays 0, as for differences."""

    lowest_db: int = -120
    highest_db: int = 20
    default_db: tuple[float, float] = (-80.0, 0.0)
    symmetric: bool = False

    def kept(self, low_db: float, high_db: float) -> tuple[float, float]:
        """The nearest possible levels: whole, within the bar, and 10 dB apart."""
        if self.symmetric:
            high = float(np.clip(round(high_db), LEAST_RANGE_DB / 2, self.highest_db))
            return -high, high
        low = float(np.clip(round(low_db), self.lowest_db, self.highest_db - LEAST_RANGE_DB))
        return low, float(np.clip(round(high_db), low + LEAST_RANGE_DB, self.highest_db))


class LevelBar(QWidget):
    """Drag a handle to move one end of the range, the bar between them to move both; double click resets.

    Up and Down move the range, with Shift its upper end alone, with Ctrl its lower end; Home resets.

    Signals:
        levels_changed(float, float): lowest and highest level in dB.
    """

    levels_changed = Signal(float, float)

    def __init__(self, span: LevelRange | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.span = span or LevelRange()
        self._levels = self.span.default_db
        self._colours = QImage()
        self._held = ""
        self._from = (0.0, self._levels)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.SizeVerCursor)
        self.setAccessibleName(self.tr("Level range of the colours"))
        self.setToolTip(
            self.tr(
                "Levels shown, in dB. Drag a handle, or the bar itself; double click resets. Arrow keys move it, "
                "with Shift only the upper end, with Ctrl only the lower."
            )
        )

    @property
    def levels(self) -> tuple[float, float]:
        return self._levels

    def set_levels(self, low_db: float, high_db: float) -> None:
        """Kept as LevelRange says."""
        levels = self.span.kept(low_db, high_db)
        if levels != self._levels:
            self._levels = levels
            self.update()
            self.levels_changed.emit(*levels)

    def set_span(self, span: LevelRange, low_db: float, high_db: float) -> None:
        """Another kind of levels, and what is shown of it; the user changed nothing, so nothing is emitted."""
        self.span = span
        self._levels = span.kept(low_db, high_db)
        self.update()

    def set_colours(self, table: np.ndarray) -> None:
        """The colour map, uint8 (256, 3 or 4), from low to high."""
        rgb = np.ascontiguousarray(table[::-1, None, :3], np.uint8)
        self._colours = QImage(rgb.tobytes(), 1, len(rgb), 3, QImage.Format.Format_RGB888).copy()
        self.update()

    def sizeHint(self) -> QSize:
        text = self.fontMetrics().horizontalAdvance("−120")
        return QSize(8 + BAR_PX + 10 + text + 4, 160)

    def minimumSizeHint(self) -> QSize:
        return QSize(self.sizeHint().width(), 60)

    def _track(self) -> QRectF:
        line = self.fontMetrics().height()
        return QRectF(8, line * 1.5, BAR_PX, max(1.0, self.height() - line * 2.2))

    def y_of_db(self, db: float) -> float:
        """How far below the top a level stands, in pixels."""
        track = self._track()
        return track.bottom() - (db - self.span.lowest_db) / self._whole_db() * track.height()

    def _whole_db(self) -> int:
        return self.span.highest_db - self.span.lowest_db

    def _db_per_px(self) -> float:
        return self._whole_db() / self._track().height()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = self.palette().color(QPalette.ColorRole.WindowText)
        track = self._track()
        low, high = (self.y_of_db(level) for level in self._levels)
        if not self._colours.isNull():
            bottom = QColor(self._colours.pixel(0, self._colours.height() - 1))
            painter.fillRect(track, bottom)
            painter.fillRect(
                QRectF(track.left(), track.top(), BAR_PX, high - track.top()), self._colours.pixelColor(0, 0)
            )
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(QRectF(track.left(), high, BAR_PX, low - high), self._colours)
        faint = QColor(ink)
        faint.setAlphaF(0.45)
        painter.setPen(QPen(faint, 1))
        painter.drawRect(track)
        painter.setPen(ink)
        metrics = self.fontMetrics()
        painter.drawText(QPointF(2, metrics.ascent() + 1), "dB")
        for db in range(self.span.lowest_db, self.span.highest_db + 1, 20):
            text = (f"{db:+d}" if self.span.symmetric and db else str(db)).replace("-", "−")
            at = QPointF(track.right() + 9, self.y_of_db(db) + metrics.ascent() / 2 - 1)
            painter.drawText(at, text)
        painter.setBrush(ink)
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Window), 1))
        for y in (low, high):
            for side, sign in ((track.left(), -1), (track.right(), 1)):
                tip = QPointF(side - sign * 3, y)
                painter.drawPolygon(
                    QPolygonF([tip, QPointF(side + sign * 6, y - 5), QPointF(side + sign * 6, y + 5)])
                )
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Highlight), 1))
            painter.drawRect(QRectF(track.left(), high, BAR_PX, low - high))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        y = event.position().y()
        low, high = (self.y_of_db(level) for level in self._levels)
        if high + 7 < y < low - 7:
            self._held = "both"
        else:
            self._held = "low" if abs(y - low) < abs(y - high) else "high"
        self._from = (y, self._levels)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if not self._held:
            return
        began, (low, high) = self._from
        moved = (began - event.position().y()) * self._db_per_px()
        if self.span.symmetric:
            self._widen(-moved if self._held == "low" else moved, high)
        elif self._held == "both":
            self._shift(moved, low, high)
        elif self._held == "low":
            self.set_levels(min(low + moved, high - LEAST_RANGE_DB), high)
        else:
            self.set_levels(low, high + moved)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._held = ""

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.set_levels(*self.span.default_db)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        low, high = self._levels
        step = {Qt.Key.Key_Up: 5.0, Qt.Key.Key_Down: -5.0}.get(Qt.Key(event.key()), 0.0)
        held = event.modifiers()
        if event.key() == Qt.Key.Key_Home:
            self.set_levels(*self.span.default_db)
        elif not step:
            super().keyPressEvent(event)
        elif self.span.symmetric:
            self._widen(step, high)
        elif held & Qt.KeyboardModifier.ShiftModifier:
            self.set_levels(low, high + step)
        elif held & Qt.KeyboardModifier.ControlModifier:
            self.set_levels(min(low + step, high - LEAST_RANGE_DB), high)
        else:
            self._shift(step, low, high)

    def _shift(self, by_db: float, low: float, high: float) -> None:
        """Both ends, as far as the bar goes."""
        by_db = float(np.clip(by_db, self.span.lowest_db - low, self.span.highest_db - high))
        self.set_levels(low + by_db, high + by_db)

    def _widen(self, by_db: float, high: float) -> None:
        self.set_levels(-high - by_db, high + by_db)
