"""Points found by what is known of them, or by being near another in the latent space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, QTimer, Signal, SignalInstance
from PySide6.QtWidgets import (
    QHeaderView,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from studio.domain.clip import Clip
from studio.panels.map.points.point_table import Key
from studio.services import theme

TYPING_MS = 200
MOST_ROWS = 200


@dataclass(frozen=True)
class Found:
    """A row: the point, its name, and what to say beside it."""

    key: Key
    name: str
    detail: str = ""


class FindList(QWidget):
    """A field to search in, and a list of what was found or is near.

    Signals:
        searched(str): what is typed, a moment after the last letter; "" for nothing.
        picked(tuple), played(tuple): key of a row that was chosen, or activated (double click, Enter).
    """

    searched = Signal(str)
    picked = Signal(tuple)
    played = Signal(tuple)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.field = QLineEdit()
        self.field.setObjectName("findPoint")
        self.field.setPlaceholderText(self.tr("Find …"))
        self.field.setAccessibleName(self.tr("Find points by name or label"))
        self.field.setClearButtonEnabled(True)
        self.heading = QLabel()
        self.heading.setObjectName("findHeading")
        self.heading.setWordWrap(True)
        self.heading.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.list = QTreeWidget()
        self.list.setObjectName("findRows")
        self.list.setColumnCount(2)
        self.list.setHeaderHidden(True)
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.list.header()
        header.setStretchLastSection(False)
        header.setMinimumSectionSize(1)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.list.setAccessibleName(self.tr("Points found"))
        self._rows: list[Found] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SMALL)
        column.addWidget(self.field)
        column.addWidget(self.heading)
        column.addWidget(self.list, 1)
        self._typing = QTimer(self, singleShot=True, interval=TYPING_MS)
        self._typing.timeout.connect(lambda: self.searched.emit(self.field.text().strip()))
        self.field.textChanged.connect(lambda _text: self._typing.start())
        self.field.returnPressed.connect(self._search_now)
        self.list.currentItemChanged.connect(lambda item, _before: self._chosen(item, self.picked))
        self.list.itemActivated.connect(lambda item, _column: self._chosen(item, self.played))

    def show_rows(self, heading: str, rows: Sequence[Found], more: int = 0) -> None:
        """Show what was found; more = how many there are beyond."""
        self._rows = list(rows[:MOST_ROWS])
        more += max(0, len(rows) - MOST_ROWS)
        self.heading.setText(heading + (self.tr(", {0} more").format(more) if more else ""))
        self.list.blockSignals(True)
        self.list.clear()
        for row in self._rows:
            item = QTreeWidgetItem([row.name, row.detail])
            item.setToolTip(0, row.name)
            item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.list.addTopLevelItem(item)
        self.list.setColumnHidden(1, not any(row.detail for row in self._rows))
        self.list.blockSignals(False)

    def rows(self) -> list[Found]:
        return list(self._rows)

    def _search_now(self) -> None:
        self._typing.stop()
        self.searched.emit(self.field.text().strip())

    def _chosen(self, item: QTreeWidgetItem | None, signal: SignalInstance) -> None:
        row = -1 if item is None else self.list.indexOfTopLevelItem(item)
        if 0 <= row < len(self._rows):
            signal.emit(self._rows[row].key)


def matching(clips: Mapping[str, Clip], text: str) -> list[str]:
    """The recordings whose name or labels hold every word of a text."""
    words = text.casefold().split()
    if not words:
        return []
    found = []
    for clip in clips.values():
        known = " ".join([clip.name, *clip.labels.values()]).casefold()
        if all(word in known for word in words):
            found.append(clip.id)
    return found
