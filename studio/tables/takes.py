"""Finished transfers as a table: star, name and recipe; they can be dragged out as sound files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QMimeData,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    QUrl,
    Signal,
)
from PySide6.QtGui import QAction, QPalette, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from engine.api import LatentRef, Take
from studio import evidence
from studio.clips import Clip
from studio.session import Session

Index = QModelIndex | QPersistentModelIndex
STAR, NAME, SOURCE, VOICE, EMOTION, STRENGTH, PITCH = range(7)
NOTHING = QModelIndex()
STAR_PX = 28
WIDTHS = {NAME: 0.30, SOURCE: 0.23, VOICE: 0.23, EMOTION: 0.24}  # of what the numbers leave


class TakesTable(QAbstractTableModel):
    """Shows session.takes, the newest first."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._titles = {
            STAR: "★",
            NAME: self.tr("Name"),
            SOURCE: self.tr("Source"),
            VOICE: self.tr("Voice"),
            EMOTION: self.tr("Emotion"),
            STRENGTH: self.tr("Strength"),
            PITCH: self.tr("Pitch"),
        }
        self._takes: list[Take] = []
        self._clips: dict[str, Clip] = {}  # by folder: a search for every cell would be slow
        self.refresh()

    def refresh(self) -> None:
        """Show the takes there are now."""
        takes = list(reversed(self._session.takes))
        self._clips = {clip.folder: clip for clip in self._session.clips.values() if clip.folder}
        if [take.transformed for take in takes] == [take.transformed for take in self._takes]:
            self._takes = takes  # renamed or starred: the selection stays
            if takes:
                self.dataChanged.emit(self.index(0, 0), self.index(len(takes) - 1, len(self._titles) - 1))
            return
        self.beginResetModel()
        self._takes = takes
        self.endResetModel()

    def take(self, row: int) -> Take | None:
        return self._takes[row] if 0 <= row < len(self._takes) else None

    def place(self, row: int) -> int:
        """The take's place in session.takes."""
        return len(self._takes) - 1 - row

    # ------------------------------------------------------------------ what Qt asks
    def rowCount(self, parent: Index = NOTHING) -> int:
        return 0 if parent.isValid() else len(self._takes)

    def columnCount(self, parent: Index = NOTHING) -> int:
        return 0 if parent.isValid() else len(self._titles)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._titles[section]
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignRight if section in (STRENGTH, PITCH) else Qt.AlignmentFlag.AlignLeft
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        take = self.take(index.row())
        if take is None:
            return None
        column = index.column()
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return self._text(take, column)
        if role == Qt.ItemDataRole.TextAlignmentRole and column in (STRENGTH, PITCH):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ToolTipRole:
            cells = [f"{self._titles[i]}: {self._text(take, i)}" for i in range(SOURCE, len(self._titles))]
            return "\n".join([take.name, *cells, evidence.sentence(take), take.rule]).strip()
        if role == Qt.ItemDataRole.AccessibleTextRole and column == STAR:
            return self.tr("starred") if self._starred(take) else self.tr("not starred")
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if role != Qt.ItemDataRole.EditRole or index.column() != NAME or not str(value).strip():
            return False
        self._session.rename_take(self.place(index.row()), str(value))
        return True

    def flags(self, index: Index) -> Qt.ItemFlag:
        usual = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsDragEnabled
        return usual | Qt.ItemFlag.ItemIsEditable if index.column() == NAME else usual

    def mimeTypes(self) -> list[str]:
        return ["text/uri-list"]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        """The transformed sound as a file, for other programs."""
        rows = sorted({index.row() for index in indexes})
        takes = [take for row in rows if (take := self.take(row)) is not None]
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(take.transformed) for take in takes])
        return mime

    def supportedDragActions(self) -> Qt.DropAction:
        return Qt.DropAction.CopyAction  # moving would take the sound from under the take

    # ------------------------------------------------------------------ cells
    def _starred(self, take: Take) -> bool:
        return take.transformed in self._session.starred

    def _text(self, take: Take, column: int) -> str:
        if column == STAR:
            return "★" if self._starred(take) else "☆"
        if column == NAME:
            return take.name
        if column == SOURCE:
            return self._clip_name(take.source)
        if column in (VOICE, EMOTION):
            return self._givers(take.voice if column == VOICE else take.emotion)
        return f"{100 * take.strength:.0f} %" if column == STRENGTH else evidence.shift_words(take)

    def _givers(self, latents: tuple[LatentRef, ...]) -> str:
        if not latents:
            return evidence.DASH
        clips = [self._clips.get(latent.folder) for latent in latents]
        speakers = {clip.labels.get("speaker", "") if clip else "" for clip in clips}
        if len(clips) > 1 and len(speakers) == 1 and (speaker := speakers.pop()):
            return self.tr("{0} ({1} clips)").format(speaker, len(clips))
        first = self._clip_name(latents[0].folder)
        if latents[0].second is not None:
            first = self.tr("{0}, second {1}").format(first, latents[0].second)
        return first if len(latents) == 1 else f"{first} + {len(latents) - 1}"

    def _clip_name(self, folder: str) -> str:
        clip = self._clips.get(folder)
        return clip.name if clip is not None else Path(folder).name[:8]


class TakesList(QWidget):
    """The table with its buttons.

    Signals:
        chosen(Take or None): another row is the current one.
        play(Take): a double click.
    """

    chosen = Signal(object)
    play = Signal(object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.table = TakesTable(session, self)
        self.view = QTableView()
        self.view.setObjectName("takes")
        self.view.setAccessibleName(self.tr("Takes"))
        self.view.setModel(self.table)
        self.view.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self.view.setSelectionMode(QTableView.SelectionMode.SingleSelection)
        self.view.setEditTriggers(QTableView.EditTrigger.EditKeyPressed | QTableView.EditTrigger.SelectedClicked)
        self.view.setDragEnabled(True)
        self.view.setShowGrid(False)
        self.view.setAlternatingRowColors(True)
        self.view.setWordWrap(False)
        self.view.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.view.verticalHeader().hide()
        self.view.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)
        header = self.view.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(24)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        for column in (STRENGTH, PITCH):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self.save_button = QPushButton(self.tr("Save WAV…"))
        self.save_button.setObjectName("saveTake")
        self.remove_button = QPushButton(self.tr("Remove"))
        self.remove_button.setObjectName("removeTake")
        self.star_button = QPushButton(self.tr("★ Star"))
        self.star_button.setObjectName("starTake")
        heading = QLabel(self.tr("Takes"))
        font = heading.font()
        font.setBold(True)
        heading.setFont(font)
        self.empty = QLabel(self.tr("Every result is kept here with its recipe.\nDrag it into other programs."))
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        self.empty.setForegroundRole(QPalette.ColorRole.PlaceholderText)

        above = QHBoxLayout()
        above.addWidget(heading, 1)
        for button in (self.star_button, self.save_button, self.remove_button):
            above.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(above)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.empty, 1)

        self.view.selectionModel().currentRowChanged.connect(lambda *_: self._row_changed())
        self.view.doubleClicked.connect(self._double_clicked)
        self.view.clicked.connect(self._clicked)
        self.save_button.clicked.connect(self.ask_where_to_save)
        self.remove_button.clicked.connect(self.remove)
        self.star_button.clicked.connect(self.toggle_star)
        for words, slot in (
            (self.tr("Star"), self.toggle_star),
            (self.tr("Rename"), self.rename),
            (self.tr("Save WAV…"), self.ask_where_to_save),
            (self.tr("Remove"), self.remove),
        ):
            action = QAction(words, self.view)
            action.triggered.connect(slot)
            self.view.addAction(action)
        self.refresh()

    # ------------------------------------------------------------------ actions
    def current(self) -> Take | None:
        return self.table.take(self.view.currentIndex().row())

    def refresh(self) -> None:
        """Show the session's takes; what was chosen stays chosen."""
        before = self.current()
        self.table.refresh()
        for row in range(self.table.rowCount()):
            take = self.table.take(row)
            if before is not None and take is not None and take.transformed == before.transformed:
                self._choose(row)
        there = self.table.rowCount() > 0
        self.view.setVisible(there)
        self.empty.setVisible(not there)
        self._share_width()
        self._row_changed()

    def choose_newest(self) -> None:
        self._choose(0)

    def choose(self, take: Take) -> None:
        """Make a take the current one, if it is still there."""
        for row in range(self.table.rowCount()):
            shown = self.table.take(row)
            if shown is not None and shown.transformed == take.transformed:
                self._choose(row)

    def toggle_star(self) -> None:
        if (take := self.current()) is not None:
            starred = take.transformed in self._session.starred
            self._session.star_take(self.table.place(self.view.currentIndex().row()), not starred)

    def rename(self) -> None:
        self.view.edit(self.table.index(self.view.currentIndex().row(), NAME))

    def ask_where_to_save(self) -> None:
        take = self.current()
        if take is None:
            return
        proposed = str(Path.home() / f"{take.name}.wav")
        path, _filter = QFileDialog.getSaveFileName(self, self.tr("Save the take"), proposed, "WAV (*.wav)")
        if path:
            self._session.save_take(self.table.place(self.view.currentIndex().row()), path)

    def remove(self) -> None:
        """Off the list; Undo brings it back, its sounds are not touched."""
        if self.current() is not None:
            self._session.remove_take(self.table.place(self.view.currentIndex().row()))

    # ------------------------------------------------------------------ inside
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_width()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._share_width()

    def _share_width(self) -> None:
        """All columns at once at any width: names take what the numbers leave."""
        numbers = sum(self.view.columnWidth(column) for column in (STRENGTH, PITCH))
        self.view.setColumnWidth(STAR, STAR_PX)
        rest = self.view.viewport().width() - numbers - STAR_PX
        for column, share in WIDTHS.items():
            self.view.setColumnWidth(column, max(24, int(rest * share)))

    def _choose(self, row: int) -> None:
        if row < self.table.rowCount():
            self.view.setCurrentIndex(self.table.index(row, NAME))

    def _row_changed(self) -> None:
        take = self.current()
        for button in (self.star_button, self.save_button, self.remove_button):
            button.setEnabled(take is not None)
        self.chosen.emit(take)

    def _clicked(self, index: QModelIndex) -> None:
        if index.column() == STAR:
            self.toggle_star()

    def _double_clicked(self, index: QModelIndex) -> None:
        take = self.table.take(index.row())
        if take is not None and index.column() != STAR:
            self.play.emit(take)
