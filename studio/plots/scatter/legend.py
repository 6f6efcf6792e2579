"""Legend of the colours of a map: a list of classes, or a scale of numbers."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import (
    QAbstractListModel,
    QItemSelection,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QIcon,
    QKeyEvent,
    QLinearGradient,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPixmap,
)
from PySide6.QtWidgets import QAbstractItemView, QListView, QMenu, QSizePolicy, QWidget

from studio.plots.scatter.point_cloud import Mark, draw_mark

SWATCH_PX = 14
Index = QModelIndex | QPersistentModelIndex


class _Classes(QAbstractListModel):
    """Rows of the list, made when they are seen: thousands of classes cost nothing."""

    def __init__(self, view: QWidget) -> None:
        super().__init__(view)
        self._view = view
        self.names: list[str] = []
        self.marks: list[Mark] = []
        self.counts: list[int] = []
        self.hidden: set[int] = set()

    def fill(self, names: Sequence[str], marks: Sequence[Mark], counts: Sequence[int]) -> None:
        self.beginResetModel()
        self.names, self.marks, self.counts = list(names), list(marks), list(counts)
        self.hidden = set()
        self.endResetModel()

    def update(self, marks: Sequence[Mark], counts: Sequence[int]) -> None:
        self.marks, self.counts = list(marks), list(counts)
        self.show_rows(self.hidden)

    def show_rows(self, hidden: set[int]) -> None:
        self.hidden = hidden
        if self.names:
            self.dataChanged.emit(self.index(0), self.index(len(self.names) - 1))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self.names)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row = index.row()
        off = row in self.hidden
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return f"{self.names[row]}  ({self.counts[row]})"
            case Qt.ItemDataRole.ToolTipRole:
                return f"{self.names[row]}: {self.counts[row]}"
            case Qt.ItemDataRole.AccessibleTextRole:
                words = f"{self.names[row]}, {self.counts[row]}"
                return self._view.tr("{0}, hidden").format(words) if off else words
            case Qt.ItemDataRole.DecorationRole:
                return self._swatch(self.marks[row], off)
            case Qt.ItemDataRole.ForegroundRole if off:
                return self._view.palette().color(QPalette.ColorRole.PlaceholderText)
        return None

    def _swatch(self, mark: Mark, off: bool) -> QIcon:
        ratio = self._view.devicePixelRatioF()
        pixmap = QPixmap(round(SWATCH_PX * ratio), round(SWATCH_PX * ratio))
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(SWATCH_PX / 2, SWATCH_PX / 2)
        if off:
            painter.setPen(self._view.palette().color(QPalette.ColorRole.PlaceholderText))
            painter.drawEllipse(QRectF(-4, -4, 8, 8))
            painter.drawLine(-5, 5, 5, -5)
        else:
            draw_mark(painter, mark, SWATCH_PX - 4)
        painter.end()
        icon = QIcon()
        # A selected row must keep its class's colour: Qt would tint it.
        icon.addPixmap(pixmap, QIcon.Mode.Normal)
        icon.addPixmap(pixmap, QIcon.Mode.Selected)
        return icon


class Legend(QListView):
    """Classes with mark and count. The ones selected are isolated, none selected shows all; a click on a mark (or
    Delete) hides its class.

    Signals:
        isolated(object): list of row numbers, or None for all.
        hidden(object): set of the row numbers that are not to be seen at all.
    """

    isolated = Signal(object)
    hidden = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._classes = _Classes(self)
        self.setModel(self._classes)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setUniformItemSizes(True)
        self.setIconSize(QSize(SWATCH_PX, SWATCH_PX))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setAccessibleName(self.tr("Legend"))
        self.setAccessibleDescription(self.tr("Select classes to see them alone; Delete hides one or shows it."))
        self.setToolTip(
            self.tr(
                "Click a class to see it alone, Ctrl+click adds another, click it again for all.\n"
                "Click its mark to hide it."
            )
        )

    def set_classes(self, names: Sequence[str], marks: Sequence[Mark], counts: Sequence[int]) -> None:
        """One row a class, in this order; none isolated, none hidden."""
        self.blockSignals(True)
        self._classes.fill(names, marks, counts)
        self.blockSignals(False)

    def update_classes(self, marks: Sequence[Mark], counts: Sequence[int]) -> None:
        """Other marks and counts of the same classes; what is isolated or hidden stays so."""
        self._classes.update(marks, counts)

    def names(self) -> list[str]:
        return self._classes.names

    def hidden_rows(self) -> set[int]:
        return set(self._classes.hidden)

    def text(self, row: int) -> str:
        return str(self._classes.data(self._classes.index(row)))

    def count(self) -> int:
        return self._classes.rowCount()

    def rows(self) -> list[int]:
        """The rows that are isolated."""
        return sorted(index.row() for index in self.selectedIndexes())

    def isolate(self, row: int) -> None:
        """See one class alone."""
        self.setCurrentIndex(self._classes.index(row))

    def hide_rows(self, rows: set[int]) -> None:
        """Leave these classes out, and show all others."""
        self._classes.show_rows(rows)
        self.hidden.emit(set(rows))

    def toggle_hidden(self, row: int) -> None:
        self.hide_rows(self._classes.hidden ^ {row})

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = event.position().toPoint()
        index = self.indexAt(at)
        plain = not event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
        if event.button() == Qt.MouseButton.LeftButton and self._on_mark(index, at):
            self.toggle_hidden(index.row())
            event.accept()
            return
        if event.button() == Qt.MouseButton.LeftButton and (
            not index.isValid() or (plain and self.selectedIndexes() == [index])
        ):
            self.clearSelection()
            event.accept()
            return
        super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self.currentIndex().isValid():
            self.toggle_hidden(self.currentIndex().row())
        elif event.key() == Qt.Key.Key_Escape and self.selectedIndexes():
            self.clearSelection()
        else:
            super().keyPressEvent(event)
            return
        event.accept()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        index = self.indexAt(event.pos())
        if not index.isValid():
            return
        row = index.row()
        menu = QMenu(self)
        menu.addAction(self.tr("See it alone"), lambda: self.isolate(row))
        words = self.tr("Show it") if row in self._classes.hidden else self.tr("Hide it")
        menu.addAction(words, lambda: self.toggle_hidden(row))
        menu.addAction(self.tr("Hide all others"), lambda: self.hide_rows(set(range(self.count())) - {row}))
        menu.addAction(self.tr("Show all"), self._show_all)
        menu.exec(event.globalPos())

    def _show_all(self) -> None:
        self.clearSelection()
        self.hide_rows(set())

    def _on_mark(self, index: QModelIndex, at: QPoint) -> bool:
        return index.isValid() and at.x() - self.visualRect(index).left() < SWATCH_PX + 6

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        super().selectionChanged(selected, deselected)
        self.isolated.emit(self.rows() or None)

    def sizeHint(self) -> QSize:
        return QSize(150, 120)

    def minimumSizeHint(self) -> QSize:
        return QSize(90, 60)


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
