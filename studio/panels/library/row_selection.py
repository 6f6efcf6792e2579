"""The library's selection and the session's, kept the same."""

from __future__ import annotations

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, QObject, QSignalBlocker, Qt
from PySide6.QtWidgets import QApplication

from studio.panels.library.table_model import ClipTable
from studio.panels.library.table_view import LibraryView
from studio.session.clips.library import Library


class RowSelection(QObject):
    """Follows what is selected in the table and in the session; each becomes what the other is.

    Args:
        view: shows `table`.
    """

    def __init__(self, view: LibraryView, table: ClipTable, library: Library) -> None:
        super().__init__(view)
        self._view, self._table, self._library = view, table, library
        view.selectionModel().selectionChanged.connect(lambda *_: self._selected_here())
        view.selectionModel().currentRowChanged.connect(self._current_here)
        view.clicked.connect(lambda index: library.set_current(table.id_at(index.row())))
        table.modelReset.connect(self._selected_elsewhere)
        library.selection_changed.connect(self._selected_elsewhere)
        library.current_changed.connect(self._current_elsewhere)

    def ids(self) -> list[str]:
        """In the order shown."""
        return [self._table.id_at(row) for row in self.rows()]

    def rows(self) -> list[int]:
        """Rising."""
        # By spans: selectedRows() asks the model about every cell, which takes seconds for 20 000 rows.
        selection = self._view.selectionModel().selection()
        spans = [selection.at(i) for i in range(selection.count())]
        return sorted({row for span in spans for row in range(span.top(), span.bottom() + 1)})

    def current_id(self) -> str | None:
        """Of the row in focus."""
        index = self._view.currentIndex()
        return self._table.id_at(index.row()) if index.isValid() else None

    def _selected_here(self) -> None:
        self._library.select(self.ids(), origin="library")

    def _current_here(self, current: QModelIndex, _previous: QModelIndex) -> None:
        # A pressed row may be the beginning of a drag, onto the recording that is seen: it waits for the release.
        pressed = bool(QApplication.mouseButtons() & Qt.MouseButton.LeftButton)
        if current.isValid() and not pressed:
            self._library.set_current(self._table.id_at(current.row()))

    def _selected_elsewhere(self) -> None:
        """Show the session's selection, unless it is what is shown."""
        rows = sorted(row for i in self._library.selection if (row := self._table.row_of(i)) is not None)
        if rows == self.rows():
            return
        selection = QItemSelection()
        last = self._table.columnCount() - 1
        for first, end in _spans(rows):
            selection.select(self._table.index(first, 0), self._table.index(end, last))
        with QSignalBlocker(self._view.selectionModel()):
            self._view.selectionModel().select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self._view.viewport().update()
        if rows:
            self._view.scrollTo(self._table.index(rows[0], 0))

    def _current_elsewhere(self, clip_id: str) -> None:
        row = self._table.row_of(clip_id) if clip_id else None
        if row is not None and row != self._view.currentIndex().row():
            self._view.selectionModel().setCurrentIndex(
                self._table.index(row, 0), QItemSelectionModel.SelectionFlag.NoUpdate
            )
            self._view.scrollTo(self._table.index(row, 0))


def _spans(rows: list[int]) -> list[tuple[int, int]]:
    """Runs of neighbouring rows: first and last of each."""
    spans: list[tuple[int, int]] = []
    for row in rows:
        if spans and row == spans[-1][1] + 1:
            spans[-1] = (spans[-1][0], row)
        else:
            spans.append((row, row))
    return spans
