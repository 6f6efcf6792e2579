"""Legend of curves: a table with a tick a series and the values of every split."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QSizePolicy, QTableWidget, QTableWidgetItem, QWidget

FEWEST_ROWS = 3  # shown where height is short


@dataclass(frozen=True)
class LegendRow:
    """One series. values: one a split, None where there is none."""

    name: str
    title: str
    colour: QColor
    shown: bool
    values: Sequence[float | None]


class CurvesLegend(QTableWidget):
    """Ticking a row, or clicking its numbers, shows or hides its series.

    Args:
        splits: the heading of each column of values.

    Signals:
        shown_changed(str, bool): the user shows or hides the series of that name.
    """

    shown_changed = Signal(str, bool)

    def __init__(self, splits: Mapping[str, str], parent: QWidget | None = None) -> None:
        super().__init__(0, 1 + len(splits), parent)
        self.setObjectName("curvesLegend")
        self.setAccessibleName(self.tr("Legend of the training curves"))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        heads = ((self.tr("Term"), left), *((words, right) for words in splits.values()))
        for column, (words, alignment) in enumerate(heads):
            head = QTableWidgetItem(words)
            head.setTextAlignment(alignment)
            self.setHorizontalHeaderItem(column, head)
            stretch = QHeaderView.ResizeMode.ResizeToContents if column else QHeaderView.ResizeMode.Stretch
            self.horizontalHeader().setSectionResizeMode(column, stretch)
        self.horizontalHeader().setHighlightSections(False)
        self.verticalHeader().setVisible(False)
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setShowGrid(False)
        self.setIconSize(QSize(18, 10))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.setSizeAdjustPolicy(QTableWidget.SizeAdjustPolicy.AdjustToContents)
        self.setToolTip(self.tr("Tick or untick a term to show or hide its curves."))
        self.itemChanged.connect(self._ticked)
        self.cellClicked.connect(self._clicked)

    def set_rows(self, rows: Sequence[LegendRow]) -> None:
        """Show these series; the user has changed nothing, so nothing is emitted."""
        self.blockSignals(True)
        if self.rowCount() != len(rows):
            self.setRowCount(len(rows))
            self._fit()
        for number, row in enumerate(rows):
            title = self._cell(number, 0)
            title.setText(row.title)
            title.setData(Qt.ItemDataRole.UserRole, row.name)
            title.setIcon(self._swatch(row.colour))
            title.setCheckState(Qt.CheckState.Checked if row.shown else Qt.CheckState.Unchecked)
            for column, value in enumerate(row.values, start=1):
                self._cell(number, column).setText("–" if value is None else value_text(value))
        self.blockSignals(False)

    def _cell(self, row: int, column: int) -> QTableWidgetItem:
        item = self.item(row, column)
        if item is None:
            item = QTableWidgetItem()
            if column == 0:
                item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
            else:
                item.setFlags(Qt.ItemFlag.ItemIsEnabled)
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.setItem(row, column, item)
        return item

    def _fit(self) -> None:
        """As high as all its rows, or where height is short as some of them."""
        row = self.verticalHeader().defaultSectionSize()
        heading = self.horizontalHeader().sizeHint().height() + 4
        self.setMinimumHeight(heading + min(FEWEST_ROWS, self.rowCount()) * row)
        self.setMaximumHeight(heading + self.rowCount() * row)

    def _swatch(self, colour: QColor) -> QIcon:
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(round(18 * ratio), round(10 * ratio))
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setPen(QPen(colour, 3.0))
        painter.drawLine(1, 5, 17, 5)
        painter.end()
        return QIcon(pixmap)

    def _ticked(self, item: QTableWidgetItem) -> None:
        if item.column() == 0:
            shown = item.checkState() == Qt.CheckState.Checked
            self.shown_changed.emit(str(item.data(Qt.ItemDataRole.UserRole)), shown)

    def _clicked(self, row: int, column: int) -> None:
        # The tick itself is answered by the item; a click on the numbers means the row, too.
        if column > 0:
            title = self._cell(row, 0)
            shown = title.checkState() == Qt.CheckState.Checked
            self.shown_changed.emit(str(title.data(Qt.ItemDataRole.UserRole)), not shown)


def value_text(value: float) -> str:
    """-110.0 -> "-110", 123456.0 -> "1.235e+05"."""
    return "not a number" if math.isnan(value) else f"{value:,.4g}" if abs(value) < 1e5 else f"{value:.3e}"
