"""The library's table as a view: rows are selected, labels completed, drags begun."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCompleter,
    QHeaderView,
    QLineEdit,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from studio.panels.library.table_model import LABELS, SPEAKER, ClipTable, Index


class LibraryView(QTableView):
    """A table that selects rows, completes labels and starts drags.

    Signals:
        drag_wanted(column), play_wanted(row), menu_wanted(global position)
    """

    drag_wanted = Signal(int)
    play_wanted = Signal(int)
    menu_wanted = Signal(QPoint)

    def __init__(self, table: ClipTable) -> None:
        super().__init__()
        self._table = table
        self.setObjectName("libraryTable")
        self.setAccessibleName(self.tr("Recordings"))
        self.setModel(table)
        self.setItemDelegate(_LabelDelegate(table, self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.EditKeyPressed | QAbstractItemView.EditTrigger.DoubleClicked
        )
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)  # Tab leaves the table, arrows move in it
        self.setSortingEnabled(False)
        rows = self.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(self.fontMetrics().height() + 10)
        header = self.horizontalHeader()
        header.setSortIndicatorShown(True)
        header.setSortIndicatorClearable(True)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        header.setSectionsClickable(True)
        header.setHighlightSections(False)
        header.setSectionsMovable(True)
        header.setMinimumSectionSize(36)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.doubleClicked.connect(self._double_clicked)

    def dataChanged(self, topLeft: Index, bottomRight: Index, roles: Sequence[int] = ()) -> None:
        """Qt would paint the whole table anew, also for rows that are out of sight."""
        first, last = self.rowAt(0), self.rowAt(self.viewport().height() - 1)
        above = first >= 0 and bottomRight.row() < first
        below = 0 <= last < topLeft.row()
        editing = self.state() == QAbstractItemView.State.EditingState  # perhaps out of sight, too
        if editing or not (above or below):
            super().dataChanged(topLeft, bottomRight, roles)

    def startDrag(self, supportedActions: Qt.DropAction) -> None:
        """Qt calls this when the pressed mouse has moved far enough."""
        index = self.currentIndex()
        if index.isValid():
            self.drag_wanted.emit(index.column())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        index = self.currentIndex()
        editing = self.state() == QAbstractItemView.State.EditingState
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and index.isValid() and not editing:
            self.play_wanted.emit(index.row())
            return
        if event.key() == Qt.Key.Key_F2 and index.isValid() and index.column() not in LABELS:
            self.edit(self._table.index(index.row(), SPEAKER))
            return
        if event.key() == Qt.Key.Key_Space:
            event.ignore()  # Space plays and stops, also here
            return
        super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self.selectionModel().hasSelection():
            self.menu_wanted.emit(event.globalPos())

    def _double_clicked(self, index: QModelIndex) -> None:
        if index.column() not in LABELS:
            self.play_wanted.emit(index.row())


class _LabelDelegate(QStyledItemDelegate):
    """Edits labels with completion from the values in use; gives numbers room on their right."""

    def __init__(self, table: ClipTable, parent: QWidget) -> None:
        super().__init__(parent)
        self._table = table

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        super().initStyleOption(option, index)
        if option.displayAlignment & Qt.AlignmentFlag.AlignRight:
            option.text += "\N{EN SPACE}"
        if index.column() not in LABELS:  # a row is chosen; a cell counts where it can be edited
            option.state &= ~QStyle.StateFlag.State_HasFocus

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        editor = QLineEdit(parent)
        completer = QCompleter(self._table.values_of(LABELS[index.column()]), editor)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        editor.setCompleter(completer)
        return editor
