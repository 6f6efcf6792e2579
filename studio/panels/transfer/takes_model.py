"""Finished transfers as a table: star, name and recipe."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
)

from engine.api import LatentRef, Take
from studio.domain import evidence
from studio.domain.clip import Clip
from studio.domain.references import clip_name, reference_summary
from studio.services.plurals import counted
from studio.session.clips.library import Library
from studio.session.transfers.takes import Takes

Index = QModelIndex | QPersistentModelIndex
STAR, NAME, SOURCE, VOICE, EMOTION, STRENGTH, PITCH = range(7)
NOTHING = QModelIndex()


class TakesTable(QAbstractTableModel):
    """Shows the takes, the newest first."""

    def __init__(self, takes: Takes, library: Library, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._takes, self._library = takes, library
        self._titles = {
            STAR: "★",
            NAME: self.tr("Name"),
            SOURCE: self.tr("Source"),
            VOICE: self.tr("Voice"),
            EMOTION: self.tr("Emotion"),
            STRENGTH: self.tr("Strength"),
            PITCH: self.tr("Pitch"),
        }
        self._shown: list[Take] = []
        self._clips: dict[str, Clip] = {}  # by folder: a search for every cell would be slow
        self.refresh()

    def refresh(self) -> None:
        """Show the takes there are now."""
        takes = list(reversed(self._takes.items))
        self._clips = {clip.folder: clip for clip in self._library.clips.values() if clip.folder}
        if len(takes) == len(self._shown):  # renamed, starred, or one replaced: the selection stays
            self._shown = takes
            if takes:
                self.dataChanged.emit(self.index(0, 0), self.index(len(takes) - 1, len(self._titles) - 1))
            return
        self.beginResetModel()
        self._shown = takes
        self.endResetModel()

    def take(self, row: int) -> Take | None:
        return self._shown[row] if 0 <= row < len(self._shown) else None

    def number(self, row: int) -> int:
        """The take's index in the session's takes."""
        return len(self._shown) - 1 - row

    def rowCount(self, parent: Index = NOTHING) -> int:
        return 0 if parent.isValid() else len(self._shown)

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
        self._takes.rename(self.number(index.row()), str(value))
        return True

    def flags(self, index: Index) -> Qt.ItemFlag:
        usual = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsDragEnabled
        return usual | Qt.ItemFlag.ItemIsEditable if index.column() == NAME else usual

    def _starred(self, take: Take) -> bool:
        return take.transformed in self._takes.starred

    def _text(self, take: Take, column: int) -> str:
        if column == STAR:
            return "★" if self._starred(take) else "☆"
        if column == NAME:
            return take.name
        if column == SOURCE:
            return clip_name(take.source, self._clips)
        if column in (VOICE, EMOTION):
            return self._references(take.voice) if column == VOICE else self._emotion(take)
        return f"{100 * take.strength:.0f} %" if column == STRENGTH else evidence.shift_words(take)

    def _emotion(self, take: Take) -> str:
        """References of the emotion: of the whole clip, and of single seconds in the m lane."""
        if not take.edits:
            return self._references(take.emotion)
        seconds = len({second for edit in take.edits for second in edit.target})
        edited = counted(seconds, self.tr("1 second edited"), self.tr("{0} seconds edited"))
        return f"{self._references(take.emotion)}, {edited}" if take.emotion else edited

    def _references(self, latents: tuple[LatentRef, ...]) -> str:
        references = reference_summary(latents, self._clips)
        if references is None:
            return evidence.DASH
        if references.recordings > 1 and references.speaker:
            return self.tr("{0} ({1} clips)").format(references.speaker, references.recordings)
        if references.second is not None:
            return self.tr("{0}, second {1}").format(references.first, references.second)
        return (
            references.first if references.recordings == 1 else f"{references.first} + {references.recordings - 1}"
        )
