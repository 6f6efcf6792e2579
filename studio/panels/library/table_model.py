"""The library as a table: rows are recordings, filtered and sorted here so that 20 000 of them stay quick."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor, QIcon
from PySide6.QtWidgets import QApplication

from studio.domain.clip import ANALYSING, FAILED, MISSING, READY, WAITING, Clip
from studio.services import theme
from studio.services.natural_sort import natural
from studio.session.clips.library import Library
from studio.session.models.model import Model

Index = QModelIndex | QPersistentModelIndex
NAME, DURATION, SPEAKER, GENDER, EMOTION, F0, STATE = range(7)
LABELS = {SPEAKER: "speaker", GENDER: "gender", EMOTION: "emotion"}
STATE_ICONS = {"waiting": "clock", "analysing": "gears", "ready": "check", "failed": "alert", "missing": "missing"}
_FIXED = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsDragEnabled
_EDITABLE = _FIXED | Qt.ItemFlag.ItemIsEditable


@dataclass(frozen=True)
class _Column:
    """title, text of a cell, and what its rows are sorted by (None sorts last either way)."""

    title: str
    text: Callable[[Clip], str]
    key: Callable[[Clip], Any]
    numeric: bool = False


class ClipTable(QAbstractTableModel):
    """Shows the recordings of the library.

    Signals:
        shown_changed(): other rows are shown than before, or in another order.
    """

    shown_changed = Signal()

    def __init__(self, library: Library, model: Model, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._library, self._model = library, model
        self._ids: list[str] = []
        self._row_of: dict[str, int] = {}
        self._words: list[str] = []
        self._sorted_by: tuple[int, Qt.SortOrder] | None = None
        self._icons: dict[tuple[str, str], QIcon] = {}
        self.edited_together: Callable[[str], list[str]] = lambda clip_id: [clip_id]
        self._state_words = {  # looked up once: a filter asks for the words of every row
            WAITING: self.tr("Waiting"),
            ANALYSING: self.tr("Analysing"),
            FAILED: self.tr("Failed"),
            MISSING: self.tr("Missing"),
        }
        self._ready_words = {
            None: self.tr("Ready, no model"),
            True: self.tr("Ready"),
            False: self.tr("Other model"),
        }
        self._columns = {
            NAME: _Column(self.tr("Name"), lambda c: c.name, lambda c: natural(c.name)),
            DURATION: _Column(self.tr("Length"), lambda c: length_text(c.duration_s), lambda c: c.duration_s, True),
            SPEAKER: self._label_column(self.tr("Speaker"), "speaker"),
            GENDER: self._label_column(self.tr("Gender"), "gender"),
            EMOTION: self._label_column(self.tr("Emotion"), "emotion"),
            F0: _Column(self.tr("F0"), lambda c: f0_text(c.f0_median_hz), lambda c: c.f0_median_hz, True),
            STATE: _Column(self.tr("State"), self.state_text, self.state_text),
        }
        library.added.connect(self._added)
        library.removed.connect(self._rebuild)
        library.changed.connect(self._changed)
        model.changed.connect(self._states_changed)
        self._rebuild()

    def set_filter(self, text: str) -> None:
        """Show the rows that hold every word of the text, in any column, whatever its case."""
        words = text.casefold().split()
        if words != self._words:
            self._words = words
            self._rebuild()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """A column below 0: the order in which the recordings came."""
        self._sorted_by = (column, order) if column >= 0 else None
        self._rebuild()

    def sort_again(self) -> None:
        """Put rows that came or changed since the last sort in their places."""
        if self._sorted_by is not None and self._ordered(self._ids) != self._ids:
            self._rebuild()

    def id_at(self, row: int) -> str:
        return self._ids[row]

    def row_of(self, clip_id: str) -> int | None:
        """None if the filter hides it."""
        return self._row_of.get(clip_id)

    def shown_ids(self) -> list[str]:
        return list(self._ids)

    def values_of(self, label: str) -> list[str]:
        """Every value in use, for completion."""
        return sorted({v for c in self._library.clips.values() if (v := c.labels.get(label))}, key=natural)

    def _rebuild(self) -> None:
        self.beginResetModel()
        self._ids = self._ordered([c.id for c in self._library.clips.values() if self._passes(c)])
        self._row_of = {clip_id: row for row, clip_id in enumerate(self._ids)}
        self.endResetModel()
        self.shown_changed.emit()

    def _passes(self, clip: Clip) -> bool:
        if not self._words:
            return True
        text = "\n".join([clip.name, *clip.labels.values(), self.state_text(clip)]).casefold()
        return all(word in text for word in self._words)

    def _ordered(self, ids: list[str]) -> list[str]:
        if self._sorted_by is None:
            return ids
        column, order = self._sorted_by
        key, clips = self._columns[column].key, self._library.clips
        keys = {clip_id: key(clips[clip_id]) for clip_id in ids}
        unknown = [clip_id for clip_id in ids if keys[clip_id] in (None, "")]
        known = [clip_id for clip_id in ids if keys[clip_id] not in (None, "")]
        known.sort(key=keys.__getitem__, reverse=order == Qt.SortOrder.DescendingOrder)
        return known + unknown

    def _added(self, ids: Iterable[str]) -> None:
        # At the end for now: rows that move while they are looked at cannot be read, see sort_again.
        new = [i for i in ids if i not in self._row_of and self._passes(self._library.clips[i])]
        if not new:
            return
        first = len(self._ids)
        self.beginInsertRows(QModelIndex(), first, first + len(new) - 1)
        self._ids += new
        self._row_of |= {clip_id: first + i for i, clip_id in enumerate(new)}
        self.endInsertRows()
        self.shown_changed.emit()

    def _changed(self, ids: list[str]) -> None:
        rows = sorted(row for clip_id in ids if (row := self._row_of.get(clip_id)) is not None)
        if rows:
            self.dataChanged.emit(self.index(rows[0], 0), self.index(rows[-1], STATE))

    def _states_changed(self) -> None:
        if self._ids:
            self.dataChanged.emit(self.index(0, STATE), self.index(len(self._ids) - 1, STATE))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self._ids)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self._columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Vertical or section not in self._columns:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._columns[section].title
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._alignment(section)
        if role == Qt.ItemDataRole.ToolTipRole and section == F0:
            return self.tr("Median fundamental frequency")
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        clip = self._library.clips.get(self._ids[index.row()])
        if clip is None:  # being removed
            return None
        column = index.column()
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return self._columns[column].text(clip)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._alignment(column)
        if role == Qt.ItemDataRole.DecorationRole and column == NAME:
            return self._state_icon(clip)
        if role == Qt.ItemDataRole.ForegroundRole and clip.state in ("failed", "missing"):
            return theme.colours().error if column == STATE else theme.colours().muted
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tool_tip(clip, column)
        if role == Qt.ItemDataRole.AccessibleTextRole and column == NAME:
            return f"{clip.name}, {self.state_text(clip)}"
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        label = LABELS.get(index.column())
        if label is None or role != Qt.ItemDataRole.EditRole:
            return False
        clip_id = self._ids[index.row()]
        text = str(value).strip()
        ids = self.edited_together(clip_id)
        if text != self._library.clips[clip_id].labels.get(label, "") or len(ids) > 1:
            self._library.set_label(ids, label, text)
        return True

    def flags(self, index: Index) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        return _EDITABLE if index.column() in LABELS else _FIXED

    def state_text(self, clip: Clip) -> str:
        if clip.state != READY:
            return self._state_words[clip.state]
        model = self._model.info
        return self._ready_words[None if model is None else clip.model_hash == model.hash]

    def _label_column(self, title: str, name: str) -> _Column:
        def text(clip: Clip) -> str:
            return clip.labels.get(name, "")

        return _Column(title, text, lambda clip: natural(text(clip)))

    def _alignment(self, column: int) -> Qt.AlignmentFlag:
        side = Qt.AlignmentFlag.AlignRight if self._columns[column].numeric else Qt.AlignmentFlag.AlignLeft
        return side | Qt.AlignmentFlag.AlignVCenter

    def _state_icon(self, clip: Clip) -> QIcon:
        shades = theme.colours()
        colour: QColor = {"ready": shades.good, "failed": shades.error, "missing": shades.warning}.get(
            clip.state, shades.muted
        )
        name = STATE_ICONS[clip.state]
        model = self._model.info
        if clip.state == "ready" and (model is None or clip.model_hash != model.hash):
            name, colour = "half", shades.muted
        key = (name, colour.name())
        if key not in self._icons:
            icon = self._icons[key] = QIcon(theme.coloured(name, colour, 16))
            chosen = QApplication.palette().highlightedText().color()
            icon.addPixmap(theme.coloured(name, chosen, 16), QIcon.Mode.Selected)
        return self._icons[key]

    def _tool_tip(self, clip: Clip, column: int) -> str:
        if column in (NAME, STATE) and clip.error is not None:
            return "\n".join((clip.path, *clip.error))
        if column == STATE and clip.state == "missing":
            return self.tr("The file is no longer at {0}").format(clip.path)
        if column == STATE and clip.state == "ready" and self._model.info is None:
            return self.tr("It can be seen and heard. Maps and transfers need a model.")
        if column == SPEAKER and clip.labels.get("speaker"):
            return self.tr("Drag from here to give the voice of {0}. Double-click to change it.").format(
                clip.labels["speaker"]
            )
        if column in LABELS:
            return self.tr("Double-click to change; F2 changes the whole selection")
        return clip.path


def length_text(seconds: float | None) -> str:
    """0.53 s below a minute, else minutes: 1:07, 1:00:07."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def f0_text(hz: float | None) -> str:
    return "" if hz is None else f"{hz:.0f} Hz"
