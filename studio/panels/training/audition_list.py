"""The audition set as a list: what is played at every checkpoint of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QAbstractItemView, QListWidget, QListWidgetItem, QWidget

from studio.domain.audition_set import AuditionEntry, item_of
from studio.domain.clip import Clip

ENTRY = Qt.ItemDataRole.UserRole
ROWS_SHOWN = 4  # more scroll


class AuditionList(QListWidget):
    """Shows the entries of the audition set; those whose recording is absent are in italics."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("auditionSet")
        self.setAccessibleName(self.tr("Audition set: what is played at every checkpoint"))
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def entry(self) -> str:
        """Id of the entry that is chosen; "" if there is none."""
        item = self.currentItem()
        return "" if item is None else str(item.data(ENTRY))

    def selected(self) -> list[str]:
        """Ids of the entries that are selected."""
        return [str(item.data(ENTRY)) for item in self.selectedItems()]

    def show_entries(self, entries: Sequence[AuditionEntry], clips: Mapping[str, Clip]) -> None:
        """Show these entries; the one that was chosen stays so."""
        chosen = self.entry()
        with QSignalBlocker(self):
            if [e.id for e in entries] != [str(self.item(i).data(ENTRY)) for i in range(self.count())]:
                self.clear()
                for entry in entries:
                    item = QListWidgetItem(entry.title)
                    item.setData(ENTRY, entry.id)
                    self.addItem(item)
            for row, entry in enumerate(entries):
                item = self.item(row)
                there = item_of(entry, clips) is not None
                font = self.font()
                font.setItalic(not there)
                item.setFont(font)
                absent = self.tr("A recording of it is not in the library, or not analysed.")
                item.setToolTip(entry.words if there else f"{entry.words}\n{absent}")
                if entry.id == chosen or (row == 0 and not chosen):
                    self.setCurrentItem(item)
        rows = min(max(len(entries), 1), ROWS_SHOWN)
        self.setFixedHeight(rows * (self.fontMetrics().height() + 6) + 6)
        self.setVisible(bool(entries))
