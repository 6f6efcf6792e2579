"""What the columns of a table of labels mean, with its first rows and how many of them have a recording."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLabel,
    QListWidget,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from engine.api import LABELS, TableColumns, TablePreview
from studio.services import theme
from studio.services.plurals import counted
from studio.session.clips.imports import Imports

_AGAIN_MS = 250  # after the last choice
_LEAVE_OUT, _FILE, _OWN = "", "file", "own"


class TableDialog(QDialog):
    """Columns get their meaning by a choice above each; rows without a recording are listed.

    Args:
        path: the table.
    """

    def __init__(self, imports: Imports, path: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._imports = imports
        self._path = path
        self._asked = 0
        self._headings: tuple[str, ...] = ()
        self.setWindowTitle(self.tr("Labels from {0}").format(Path(path).name))
        self.setObjectName("tableColumns")
        self.words = QLabel(self.tr("Say what the columns mean. One of them must name the recordings."))
        self.words.setWordWrap(True)
        self.table = QTableWidget(0, 0)
        self.table.setObjectName("rows")
        self.table.setAccessibleName(self.tr("First rows of the table, with the meaning of each column above"))
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + theme.SPACE)
        self.table.horizontalHeader().setDefaultAlignment(
            Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        )
        self.table.setMinimumSize(560, 240)
        self.meanings: list[QComboBox] = []
        self.verdict = QLabel(self.tr("Reading the table …"))
        self.verdict.setWordWrap(True)
        self.unmatched = QListWidget()
        self.unmatched.setObjectName("unmatched")
        self.unmatched.setAccessibleName(self.tr("Rows that cannot be used"))
        self.unmatched.hide()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self._ok = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        self._ok.setEnabled(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.LARGE, theme.LARGE, theme.LARGE, theme.LARGE)
        column.setSpacing(theme.SPACE)
        column.addWidget(self.words)
        column.addWidget(self.table, 1)
        column.addWidget(self.verdict)
        column.addWidget(self.unmatched)
        column.addWidget(self.buttons)
        self.resize(820, 520)
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.setInterval(_AGAIN_MS)
        self._again.timeout.connect(self._ask)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._ask()

    def columns(self) -> TableColumns:
        """What the user says the columns mean."""
        file, labels = "", {}
        for heading, choice in zip(self._headings, self.meanings, strict=True):
            meaning = choice.currentData()
            if meaning == _FILE:
                file = heading
            elif meaning == _OWN:
                labels[heading.lower()] = heading
            elif meaning != _LEAVE_OUT:
                labels[meaning] = heading
        return TableColumns(file, labels)

    def _ask(self) -> None:
        known = self.columns() if self.meanings else None
        if known is not None and not known.file:
            self.unmatched.hide()
            self._report(self.tr("Choose the column that names the recordings."), good=False)
            return
        self._asked += 1
        number = self._asked
        job = self._imports.preview_table(self._path, known)
        job.done.connect(lambda seen: self._show(seen) if number == self._asked else None)
        job.failed.connect(lambda what, hint, _details: self._fail(what, hint) if number == self._asked else None)

    def _fail(self, what: str, hint: str) -> None:
        self._report(f"{what} {hint}", good=False)

    def _show(self, seen: TablePreview) -> None:
        if not self.meanings:
            self._fill(seen)
        self.unmatched.clear()
        self.unmatched.addItems([f"{Path(row).name}: {why}" for row, why in seen.unmatched])
        if (more := seen.unmatched_rows - len(seen.unmatched)) > 0:
            self.unmatched.addItem(self.tr("… and {0} more").format(more))
        self.unmatched.setVisible(seen.unmatched_rows > 0)
        lines = min(6, self.unmatched.count())
        self.unmatched.setFixedHeight(lines * self.unmatched.sizeHintForRow(0) + theme.SPACE)
        if seen.columns is None:
            self._report(self.tr("Choose the column that names the recordings."), good=False)
            return
        found = counted(seen.matched, self.tr("1 recording"), self.tr("{0} recordings")) if seen.matched else ""
        if not found:
            words = self.tr("None of the {0} rows has a recording: names are looked for from {1} on.")
            self._report(words.format(seen.row_count, Path(self._path).parent), good=False)
            return
        words = self.tr("{0} found for {1} rows.").format(found, seen.row_count)
        if seen.unmatched_rows:
            words += " " + counted(
                seen.unmatched_rows,
                self.tr("1 row has something that cannot be used:"),
                self.tr("{0} rows have something that cannot be used:"),
            )
        self._report(words, good=True)
        self._ok.setText(self.tr("&Add {0}").format(found))

    def _report(self, words: str, *, good: bool) -> None:
        self.verdict.setForegroundRole(QPalette.ColorRole.WindowText if good else theme.ERROR)
        self.verdict.setText(words)
        self._ok.setEnabled(good)

    def _fill(self, seen: TablePreview) -> None:
        """Headings, a row of choices, and the first rows."""
        self._headings = seen.headings
        self.table.setColumnCount(len(seen.headings))
        self.table.setRowCount(1 + len(seen.rows))
        self.table.setHorizontalHeaderLabels(list(seen.headings))
        proposed = {} if seen.columns is None else {seen.columns.file: _FILE}
        if seen.columns is not None:
            proposed |= {heading: name if name in LABELS else _OWN for name, heading in seen.columns.labels.items()}
        for number, heading in enumerate(seen.headings):
            choice = self._choice(heading, proposed.get(heading, _LEAVE_OUT if seen.columns else _OWN))
            self.meanings.append(choice)
            self.table.setCellWidget(0, number, choice)
        for row, cells in enumerate(seen.rows, start=1):
            for number, cell in enumerate(cells):
                item = QTableWidgetItem(cell)
                item.setToolTip(cell)
                item.setFlags(Qt.ItemFlag.ItemIsEnabled)
                self.table.setItem(row, number, item)
        self.table.resizeRowToContents(0)
        self.table.resizeColumnsToContents()
        header = self.table.horizontalHeader()
        for number, choice in enumerate(self.meanings):
            wide = max(choice.sizeHint().width(), min(header.sectionSize(number), 240))
            header.resizeSection(number, wide)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)
        if self.meanings:
            self.meanings[0].setFocus()

    def _choice(self, heading: str, meaning: str) -> QComboBox:
        choice = QComboBox()
        choice.setAccessibleName(self.tr("Meaning of the column {0}").format(heading))
        for data, words in (
            (_FILE, self.tr("File name")),
            ("speaker", self.tr("Speaker")),
            ("gender", self.tr("Gender")),
            ("emotion", self.tr("Emotion")),
            ("arousal", self.tr("Arousal, 0 to 1")),
            ("valence", self.tr("Valence, -1 to 1")),
            ("text", self.tr("Text")),
            ("split", self.tr("Part of the corpus")),
            ("session", self.tr("Session")),
            (_OWN, self.tr("A label of its own")),
            (_LEAVE_OUT, self.tr("Leave out")),
        ):
            choice.addItem(words, data)
        choice.setCurrentIndex(choice.findData(meaning))
        choice.currentIndexChanged.connect(lambda _index: self._chosen(choice))
        return choice

    def _chosen(self, choice: QComboBox) -> None:
        """A meaning belongs to one column: the one that had it becomes a label of its own."""
        meaning = choice.currentData()
        if meaning not in (_OWN, _LEAVE_OUT):
            for other in self.meanings:
                if other is not choice and other.currentData() == meaning:
                    other.setCurrentIndex(other.findData(_OWN))
        self._ok.setEnabled(False)
        self._again.start()
