"""The batch: one recipe on many recordings, with what became of each."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QAction, QColor
from PySide6.QtWidgets import QHBoxLayout, QHeaderView, QLabel, QPushButton, QTableView, QVBoxLayout, QWidget

from studio.domain import evidence
from studio.domain.transfer_setup import TransferSetup
from studio.services import theme
from studio.session.transfers.batch import BATCH_FAILED, BATCH_WAITING, DONE, RENDERING, STOPPED, Batch, BatchItem

Index = QModelIndex | QPersistentModelIndex
NOTHING = QModelIndex()
CLIP, REFERENCE, RESULT = range(3)


class BatchTable(QAbstractTableModel):
    """The recordings of the batch in their order."""

    def __init__(self, batch: Batch, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._batch = batch
        self._titles = (self.tr("Recording"), self.tr("Reference"), self.tr("Result"))
        self._items: list[BatchItem] = []
        self.refresh()

    def refresh(self) -> None:
        """Show the batch as it is now; a selection stays where the same recordings stand."""
        items = list(self._batch.items)
        if [id(item) for item in items] == [id(item) for item in self._items]:
            if items:
                self.dataChanged.emit(self.index(0, 0), self.index(len(items) - 1, RESULT))
            return
        self.beginResetModel()
        self._items = items
        self.endResetModel()

    def item(self, row: int) -> BatchItem | None:
        return self._items[row] if 0 <= row < len(self._items) else None

    def rowCount(self, parent: Index = NOTHING) -> int:
        return 0 if parent.isValid() else len(self._items)

    def columnCount(self, parent: Index = NOTHING) -> int:
        return 0 if parent.isValid() else len(self._titles)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._titles[section]
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        item = self.item(index.row())
        if item is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return (item.name, self._references(item.setup), self.result_words(item))[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return "\n".join((item.name, self._references(item.setup), self.result_words(item)))
        if role == Qt.ItemDataRole.ForegroundRole and index.column() == RESULT:
            return self._colour(item.state)
        return None

    def result_words(self, item: BatchItem) -> str:
        """What became of one recording, in a sentence."""
        if item.state == DONE and item.take is not None:
            return evidence.sentence(item.take)
        plain = {
            BATCH_WAITING: self.tr("Waiting"),
            RENDERING: self.tr("Rendering…"),
            DONE: self.tr("Done"),
            BATCH_FAILED: self.tr("Failed"),
            STOPPED: self.tr("Stopped"),
        }[item.state]
        return f"{plain}: {item.words}" if item.words else plain

    def _references(self, setup: TransferSetup) -> str:
        return ", ".join(chip.title for chip in setup.chips())

    def _colour(self, state: str) -> QColor | None:
        shades = theme.colours()
        return {BATCH_FAILED: shades.error, BATCH_WAITING: shades.muted, STOPPED: shades.muted}.get(state)


class BatchList(QWidget):
    """The table with what can be done.

    Signals:
        take_chosen(Take): a finished row was double-clicked, or Enter was pressed on it.
    """

    take_chosen = Signal(object)

    def __init__(self, batch: Batch, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._batch = batch
        self.table = BatchTable(batch, self)
        self.view = QTableView()
        self.view.setObjectName("batch")
        self.view.setAccessibleName(self.tr("Batch"))
        self.view.setModel(self.table)
        self.view.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self.view.setEditTriggers(QTableView.EditTrigger.NoEditTriggers)
        self.view.setShowGrid(False)
        self.view.setAlternatingRowColors(True)
        self.view.setWordWrap(False)
        self.view.setTabKeyNavigation(False)
        self.view.verticalHeader().hide()
        self.view.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)
        header = self.view.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)
        header.resizeSection(CLIP, 130)
        header.resizeSection(REFERENCE, 90)
        self.summary = QLabel()
        self.summary.setObjectName("batchSummary")
        self.retry_button = QPushButton(self.tr("Try again"))
        self.retry_button.setObjectName("retryBatch")
        self.retry_button.setToolTip(self.tr("Render again what failed or was stopped (of the selection, if any)"))
        self.stop_button = QPushButton(self.tr("Stop"))
        self.stop_button.setObjectName("stopBatch")
        self.stop_button.setToolTip(self.tr("Render no more; what is done stays"))
        self.clear_button = QPushButton(self.tr("Clear"))
        self.clear_button.setObjectName("clearBatch")
        self.clear_button.setToolTip(self.tr("Empty this list; takes stay"))
        self.empty = QLabel(
            self.tr(
                "Drop a voice or an emotion on one of several selected clips in the library: it is given to all of "
                "them, and each result stands here."
            )
        )
        self.empty.setWordWrap(True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setForegroundRole(self.empty.palette().ColorRole.PlaceholderText)
        above = QHBoxLayout()
        above.addWidget(self.summary, 1)
        for button in (self.retry_button, self.stop_button, self.clear_button):
            above.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, theme.SPACE, 0, 0)
        column.addLayout(above)
        column.addWidget(self.view, 1)
        column.addWidget(self.empty, 1)
        self.retry_button.clicked.connect(self.retry)
        self.stop_button.clicked.connect(batch.stop)
        self.clear_button.clicked.connect(batch.clear)
        self.view.activated.connect(self._activated)
        again = QAction(self.tr("Try again"), self.view)
        again.triggered.connect(self.retry)
        self.view.addAction(again)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        batch.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        self.table.refresh()
        states = [item.state for item in self._batch.items]
        done, failed = states.count(DONE), states.count(BATCH_FAILED)
        words = self.tr("{0} of {1} done").format(done, len(states)) if states else ""
        self.summary.setText(words + (self.tr(", {0} failed").format(failed) if failed else ""))
        self.retry_button.setEnabled(failed > 0 or STOPPED in states)
        self.stop_button.setEnabled(BATCH_WAITING in states or RENDERING in states)
        self.clear_button.setEnabled(bool(states))
        self.view.setVisible(bool(states))
        self.empty.setVisible(not states)

    def retry(self) -> None:
        """Of the selected rows those that can; of all, if none is selected."""
        rows = [index.row() for index in self.view.selectionModel().selectedRows()]
        chosen = [row for row in rows if (item := self.table.item(row)) and item.state in (BATCH_FAILED, STOPPED)]
        self._batch.retry(chosen or None)

    def _activated(self, index: QModelIndex) -> None:
        item = self.table.item(index.row())
        if item is not None and item.take is not None:
            self.take_chosen.emit(item.take)
