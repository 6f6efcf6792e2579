"""What the colours of a map mean: a list of classes, or a scale of numbers."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QItemSelection, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QLinearGradient, QMouseEvent, QPainter, QPaintEvent, QPalette, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QListWidget, QListWidgetItem, QSizePolicy, QWidget

SWATCH_PX = 12


class Legend(QListWidget):
    """Classes with colour and count; the ones selected in the list are isolated, none selected shows all.

    Signals:
        isolated(object): list of row numbers, or None for all.
    """

    isolated = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setUniformItemSizes(True)
        self.setIconSize(QSize(SWATCH_PX, SWATCH_PX))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setAccessibleName(self.tr("Legend"))
        self.setToolTip(self.tr("Click a class to see it alone, Ctrl+click adds another, click it again for all."))

    def set_classes(self, names: Sequence[str], colours: Sequence[QColor], counts: Sequence[int]) -> None:
        """One row a class, in this order."""
        self.blockSignals(True)
        self.clear()
        for name, colour, count in zip(names, colours, counts, strict=True):
            item = QListWidgetItem(self._swatch(colour), f"{name}  ({count})")
            item.setToolTip(f"{name}: {count}")
            self.addItem(item)
        self.blockSignals(False)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        item = self.itemAt(event.position().toPoint())
        plain = not event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
        if item is None or (plain and self.selectedItems() == [item]):
            self.clearSelection()
            event.accept()
            return
        super().mousePressEvent(event)

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        super().selectionChanged(selected, deselected)
        rows = sorted(index.row() for index in self.selectedIndexes())
        self.isolated.emit(rows or None)

    def sizeHint(self) -> QSize:
        return QSize(150, 120)

    def minimumSizeHint(self) -> QSize:
        return QSize(90, 60)

    def _swatch(self, colour: QColor) -> QIcon:
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(round(SWATCH_PX * ratio), round(SWATCH_PX * ratio))
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(colour)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawEllipse(QRectF(1, 1, SWATCH_PX - 2, SWATCH_PX - 2))
        painter.end()
        icon = QIcon()
        # A selected row must keep its class's colour: Qt would tint it.
        icon.addPixmap(pixmap, QIcon.Mode.Normal)
        icon.addPixmap(pixmap, QIcon.Mode.Selected)
        return icon


class ColourScale(QWidget):
    """A strip of colours from the lowest to the highest value."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._colours: list[QColor] = []
        self._words = ("", "", "")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def set_scale(self, colours: Sequence[QColor], title: str, low: str, high: str) -> None:
        self._colours = list(colours)
        self._words = (title, low, high)
        self.setAccessibleName(f"{title}: {low} – {high}")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(150, 2 * self.fontMetrics().height() + SWATCH_PX + 8)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._colours:
            return
        painter = QPainter(self)
        title, low, high = self._words
        line = self.fontMetrics().height()
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        painter.drawText(QRectF(0, 0, self.width(), line), Qt.AlignmentFlag.AlignLeft, title)
        strip = QRectF(0, line + 3, self.width(), SWATCH_PX)
        gradient = QLinearGradient(strip.topLeft(), strip.topRight())
        for i, colour in enumerate(self._colours):
            gradient.setColorAt(i / max(1, len(self._colours) - 1), colour)
        painter.fillRect(strip, gradient)
        below = QRectF(0, strip.bottom() + 2, self.width(), line)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, low)
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, high)
