"""The table of takes: as many columns as can be read, rows that are dragged out of the window."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHeaderView, QTableView

from studio.panels.transfer.takes_model import EMOTION, NAME, PITCH, SOURCE, STAR, STRENGTH, VOICE, TakesTable

STAR_PX = 28
WIDTHS = {NAME: 30, SOURCE: 23, VOICE: 23, EMOTION: 24}  # shares of what the numbers leave
# Narrower lists do without these columns (pixels): a name that can be read says more, and begins with the source's.
ROOM_FOR = {SOURCE: 480, VOICE: 340, EMOTION: 340}


class TakesView(QTableView):
    """Shows a TakesTable.

    Signals:
        drag_wanted(): the pressed mouse has moved far enough for the rows to be carried out of the window.
        star_clicked(): the star of the current row. played(row): a double click elsewhere.
    """

    drag_wanted = Signal()
    star_clicked = Signal()
    played = Signal(int)

    def __init__(self, table: TakesTable) -> None:
        super().__init__()
        self.setObjectName("takes")
        self.setAccessibleName(self.tr("Takes"))
        self.setModel(table)
        self.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QTableView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QTableView.EditTrigger.EditKeyPressed | QTableView.EditTrigger.SelectedClicked)
        self.setDragEnabled(True)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(24)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        for column in (STRENGTH, PITCH):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self.clicked.connect(self._clicked)
        self.doubleClicked.connect(self._double_clicked)

    def selected_rows(self) -> list[int]:
        """Rising."""
        return sorted({index.row() for index in self.selectionModel().selectedRows()})

    def share_width(self) -> None:
        """Show as many columns as can be read, all at once: names take what the numbers leave."""
        whole = self.viewport().width()
        numbers = sum(self.columnWidth(column) for column in (STRENGTH, PITCH))
        self.setColumnWidth(STAR, STAR_PX)
        for column, least in ROOM_FOR.items():
            self.setColumnHidden(column, whole < least)
        shares = {c: share for c, share in WIDTHS.items() if not self.isColumnHidden(c)}
        rest = whole - numbers - STAR_PX
        for column, share in shares.items():
            self.setColumnWidth(column, max(24, rest * share // sum(shares.values())))

    def startDrag(self, supportedActions: Qt.DropAction) -> None:
        self.drag_wanted.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.share_width()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.share_width()

    def _clicked(self, index: QModelIndex) -> None:
        if index.column() == STAR:
            self.star_clicked.emit()

    def _double_clicked(self, index: QModelIndex) -> None:
        if index.column() != STAR:
            self.played.emit(index.row())
