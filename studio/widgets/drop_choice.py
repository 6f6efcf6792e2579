"""Choice while something is dragged over a picture: a few big fields that say what dropping there does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
)
from PySide6.QtWidgets import QWidget

GAP = 8


@dataclass(frozen=True)
class Field:
    """key: emitted when something is dropped here; reason: why it cannot be, None when it can."""

    key: str
    title: str
    words: str
    reason: str | None = None


class DropChoice(QWidget):
    """Covers its parent while something hovers there; hidden otherwise.

    Signals:
        dropped(key, QMimeData): dropped on a field that takes it.
        refused(reason): dropped on one that does not.
    """

    dropped = Signal(str, object)
    refused = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._parent = parent
        self._fields: Sequence[Field] = ()
        self._over: int | None = None
        self.setAcceptDrops(True)
        self.hide()

    def offer(self, fields: Sequence[Field]) -> None:
        """Cover the parent with these."""
        self._fields, self._over = tuple(fields), None
        self.setGeometry(self._parent.rect())
        self.raise_()
        self.show()

    def field_at(self, at: QPointF) -> Field | None:
        """The field under a position, or the nearest one: nobody aims for the gaps. None outside of all of them."""
        if not self._fields or not QRectF(self.rect()).contains(at):
            return None
        count = len(self._fields)
        return self._fields[min(count - 1, int(at.x() / self.width() * count))]

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        field = self.field_at(event.position())
        self._over = None if field is None else self._fields.index(field)
        if field is not None and field.reason is None:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
        else:
            event.ignore()
        self.update()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        field = self.field_at(event.position())
        self.hide()
        if field is None or field.reason is not None:
            event.ignore()
            if field is not None:
                self.refused.emit(field.reason)
            return
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self.dropped.emit(field.key, event.mimeData())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        veil = self.palette().color(QPalette.ColorRole.Window)
        veil.setAlpha(200)
        painter.fillRect(self.rect(), veil)
        for number, field in enumerate(self._fields):
            self._paint(painter, self._box(number), field, over=number == self._over)

    def _paint(self, painter: QPainter, box: QRectF, field: Field, *, over: bool) -> None:
        ink = self.palette().color(QPalette.ColorRole.WindowText)
        edge = self.palette().color(QPalette.ColorRole.Highlight)
        takes = field.reason is None
        wash = QColor(edge)
        wash.setAlpha((90 if over else 30) if takes else 0)
        painter.setBrush(wash)
        faint = QColor(ink)
        faint.setAlphaF(0.4)
        painter.setPen(QPen(edge if takes else faint, 3.0 if over and takes else 1.5, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(box, 10, 10)
        painter.setPen(ink)
        font = painter.font()
        font.setBold(True)
        painter.setFont(font)
        line = painter.fontMetrics().height()
        middle = box.center().y()
        room = box.adjusted(12, 0, -12, 0)
        painter.drawText(
            QRectF(room.left(), middle - 1.4 * line, room.width(), line), Qt.AlignmentFlag.AlignCenter, field.title
        )
        font.setBold(False)
        painter.setFont(font)
        painter.drawText(
            QRectF(room.left(), middle, room.width(), box.bottom() - middle),
            Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap,
            field.words if takes else str(field.reason),
        )

    def _box(self, number: int) -> QRectF:
        count = max(1, len(self._fields))
        width = (self.width() - GAP * (count + 1)) / count
        return QRectF(GAP + number * (width + GAP), GAP, width, self.height() - 2 * GAP)
