"""Table of several sounds side by side: a big play button over each, and measurements in rows below."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QPushButton, QSizePolicy, QWidget


class ComparisonTable(QWidget):
    """Columns are sounds, rows are measurements.

    A measurement's name stands to the left of its values, or where that is too narrow above them.

    Args:
        columns: (key, words on the button, tooltip) of each sound.
        result_last: the last sound is what one looks for: its numbers are bold.
        wrapped: values may be long words, which go on below.

    Signals:
        play_requested(str): the key of the sound to play.
    """

    play_requested = Signal(str)

    def __init__(
        self,
        columns: Sequence[tuple[str, str, str]],
        parent: QWidget | None = None,
        *,
        result_last: bool = True,
        wrapped: bool = False,
    ) -> None:
        super().__init__(parent)
        self._result_last, self._wrapped = result_last, wrapped
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(3)
        self._cells: list[list[QLabel]] = []
        self._narrow = False
        self.buttons: dict[str, QPushButton] = {}
        for column, (key, words, tip) in enumerate(columns, start=1):
            button = QPushButton(words)
            button.setObjectName(f"play_{key}")
            button.setAccessibleName(words)
            button.setToolTip(tip)
            button.setMinimumHeight(38)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            button.clicked.connect(lambda _=False, key=key: self.play_requested.emit(key))
            self.buttons[key] = button
            self._grid.addWidget(button, 0, column)
            self._grid.setColumnStretch(column, 1)
        line = QFrame()
        line.setFrameShape(QFrame.Shape.NoFrame)
        line.setFixedHeight(2)
        self._grid.addWidget(line, 1, 1, 1, len(columns))

    def set_rows(self, rows: Sequence[tuple[str, str, Sequence[str]]]) -> None:
        """Show (name, tooltip, one value a column) in each row."""
        while len(self._cells) < len(rows):
            self._add_row()
        for row, (cells, values) in enumerate(zip(self._cells, rows, strict=False)):
            name, why, texts = values
            for cell, text in zip(cells, (name, *texts), strict=True):
                cell.setText(text)
                cell.setToolTip(why)
                cell.setVisible(True)
            cells[-1].setObjectName(f"evidence_{row}")
        for cells in self._cells[len(rows) :]:
            for cell in cells:
                cell.setVisible(False)

    def set_narrow(self, narrow: bool) -> None:
        """For a width that does not hold names and values beside each other."""
        if narrow == self._narrow:
            return
        self._narrow = narrow
        self._grid.setHorizontalSpacing(4 if narrow else 10)
        for row in range(len(self._cells)):
            self._place_row(row)

    def values(self) -> list[list[str]]:
        """The texts shown, row by row, the name first."""
        return [[cell.text() for cell in cells] for cells in self._cells if not cells[0].isHidden()]

    def set_enabled(self, key: str, enabled: bool) -> None:
        self.buttons[key].setEnabled(enabled)

    def _add_row(self) -> None:
        cells = []
        for column in range(len(self.buttons) + 1):
            cell = QLabel()
            cell.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
            if column == 0:
                cell.setForegroundRole(QPalette.ColorRole.PlaceholderText)
            else:
                cell.setAlignment(Qt.AlignmentFlag.AlignCenter)
                cell.setWordWrap(self._wrapped)
            if column == len(self.buttons) and self._result_last:
                font = cell.font()
                font.setBold(True)
                cell.setFont(font)
            cells.append(cell)
        self._cells.append(cells)
        self._place_row(len(self._cells) - 1)

    def _place_row(self, row: int) -> None:
        name, *values = self._cells[row]
        above = 2 + 2 * row  # each has two lines of the grid; beside each other, the second stays empty
        if self._narrow:
            self._grid.addWidget(name, above, 1, 1, len(values))
        else:
            self._grid.addWidget(name, above, 0)
        for column, value in enumerate(values, start=1):
            self._grid.addWidget(value, above + int(self._narrow), column)
