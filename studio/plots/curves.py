"""Live curves of a training run: one colour a term, train solid, validation dashed, values in the legend."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QIcon, QPainter, QPalette, QPen, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

REDRAW_MS = 100  # points arrive faster than eyes read
FEWEST_ROWS = 3  # of the legend
LOG_FLOOR = 0.01  # below this size the logarithmic axis runs straight through zero
# Okabe and Ito's colours, told apart by the colour-blind, deepened or lightened to 3:1 on their ground.
LIGHT = (
    "#0b5fa5",
    "#b85400",
    "#00795a",
    "#a3467b",
    "#6b5d00",
    "#1b7fb8",
    "#5b4bb0",
    "#555555",
    "#8b1a1a",
    "#3d6b00",
    "#7a4a2b",
    "#005a5a",
)
DARK = (
    "#5cb3ff",
    "#ffa04d",
    "#3fd0a4",
    "#e79ac6",
    "#e6d84a",
    "#8fd3ff",
    "#b3a6ff",
    "#bdbdbd",
    "#ff8f8f",
    "#a8d86a",
    "#d9a982",
    "#5fd3d3",
)


def log_scaled(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Logarithmic in size on both sides of zero: terms of an objective may have either sign."""
    array = np.asarray(values, np.float64)
    return np.sign(array) * np.log10(1.0 + np.abs(array) / LOG_FLOOR)


def log_unscaled(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The inverse of `log_scaled`."""
    array = np.asarray(values, np.float64)
    return np.sign(array) * LOG_FLOOR * (10.0 ** np.abs(array) - 1.0)


@dataclass
class _Line:
    steps: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    item: Any = None

    def at(self, step: float) -> float | None:
        """The value of the nearest point; None without points."""
        if not self.steps:
            return None
        place = int(np.searchsorted(self.steps, step))
        near = [i for i in (place - 1, place) if 0 <= i < len(self.steps)]
        return self.values[min(near, key=lambda i: abs(self.steps[i] - step))]


class _ValueAxis(pg.AxisItem):  # type: ignore[misc]
    """Linear values, or powers of ten either side of zero."""

    logarithmic = False

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list[float]]]:
        if not self.logarithmic:
            return list(super().tickValues(minVal, maxVal, size))
        powers = [10.0**k for k in range(-1, 9)]
        places = log_scaled([-p for p in reversed(powers)] + [0.0] + powers)
        shown = [float(p) for p in places if minVal <= p <= maxVal]
        if len(shown) >= 3:
            return [(1.0, shown)]
        # A narrow span holds no power of ten: take round numbers of the values themselves.
        low, high = (float(v) for v in log_unscaled([minVal, maxVal]))
        levels = super().tickValues(low, high, size)
        return [(spacing, [float(p) for p in log_scaled(values)]) for spacing, values in levels[:1] if values]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        if not self.logarithmic:
            return [str(text) for text in super().tickStrings(values, scale, spacing)]
        return [f"{value:.4g}" for value in log_unscaled(values)]


class CurvesView(QWidget):
    """Values of named series over steps, for the splits train and validation unless others are named.

    The legend is a table: a tick shows or hides a series, and a column a split has the values under the cursor,
    or the newest ones.

    Args:
        splits: each with its heading; the last of several is drawn dashed.
        empty: what is said while there are no points.
        signed: whether values may be of either sign and any size, so that a logarithmic scale is offered.
    """

    def __init__(
        self,
        parent: QWidget | None = None,
        *,
        splits: Mapping[str, str] | None = None,
        empty: str = "",
        signed: bool = True,
    ) -> None:
        super().__init__(parent)
        self._splits = dict(splits or {"train": self.tr("Train ──"), "validation": self.tr("Validation ╌╌")})
        self._lines: dict[tuple[str, str], _Line] = {}
        self._titles: dict[str, str] = {}
        self._hidden: set[str] = set()
        self._hover: float | None = None
        self._axis = _ValueAxis("left")
        self.plot = pg.PlotWidget(axisItems={"left": self._axis})
        self.plot.setObjectName("curvesPlot")
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setFrameShape(pg.PlotWidget.Shape.NoFrame)
        self.plot.setMinimumHeight(110)
        self.plot.setAccessibleName(self.tr("Training curves"))
        self.plot.setToolTip(self.tr("Wheel zooms, dragging moves, a double click shows everything."))
        self.plot.getAxis("bottom").setLabel(self.tr("step"))
        self._cursor = pg.InfiniteLine(angle=90)
        self._cursor.setVisible(False)
        self.plot.addItem(self._cursor, ignoreBounds=True)
        self.plot.scene().sigMouseMoved.connect(self._moved)
        self.plot.scene().sigMouseClicked.connect(self._clicked)

        self.logarithmic = QCheckBox(self.tr("Logarithmic"))
        self.logarithmic.setObjectName("logarithmic")
        self.logarithmic.setToolTip(self.tr("Logarithmic in size, on both sides of zero."))
        self.logarithmic.toggled.connect(self._set_logarithmic)
        self._place = QLabel()
        self._place.setObjectName("curvesReadout")
        self.logarithmic.setVisible(signed)
        words = empty or self.tr("The curves appear here with the first step of a run.")
        self._empty = QLabel(words, self.plot)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        self.legend = self._make_legend()

        above = QHBoxLayout()
        above.addWidget(self._place, 1)
        above.addWidget(self.logarithmic)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(above)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.legend)

        self._redraw = QTimer(self, interval=REDRAW_MS, singleShot=True)
        self._redraw.timeout.connect(self.draw)
        self._style()
        self.draw()

    # ------------------------------------------------------------------------------------------ data
    def set_titles(self, titles: Mapping[str, str]) -> None:
        """Words for the series, in the order of the legend."""
        self._titles = dict(titles)

    def clear(self) -> None:
        """Forget all points; what was hidden stays hidden."""
        for line in self._lines.values():
            if line.item is not None:
                self.plot.removeItem(line.item)
        self._lines.clear()
        self._hover = None
        self.legend.setRowCount(0)
        self.draw()

    def add(self, step: float, split: str, values: Mapping[str, float]) -> None:
        """Append one point to each series named; drawn a moment later with what else has come."""
        for name, value in values.items():
            line = self._lines.setdefault((name, split), _Line())
            if line.steps and step < line.steps[-1]:  # a resumed run repeats what came after its last save
                kept = int(np.searchsorted(line.steps, step))
                del line.steps[kept:], line.values[kept:]
            line.steps.append(float(step))
            line.values.append(float(value) if math.isfinite(value) else math.nan)
        if not self._redraw.isActive():
            self._redraw.start()

    def series(self) -> list[str]:
        """Names with points, in legend order."""
        present = dict.fromkeys(name for name, _ in self._lines)
        return [n for n in self._titles if n in present] + [n for n in present if n not in self._titles]

    def values(self, name: str, split: str) -> tuple[Sequence[float], Sequence[float]]:
        """Steps and values of one curve."""
        line = self._lines.get((name, split), _Line())
        return tuple(line.steps), tuple(line.values)

    def set_shown(self, name: str, shown: bool) -> None:
        """Show or hide one series, as a click on its legend entry does."""
        self._hidden.discard(name) if shown else self._hidden.add(name)
        self.draw()

    def is_shown(self, name: str) -> bool:
        return name not in self._hidden

    # ------------------------------------------------------------------------------------------ drawing
    def draw(self) -> None:
        """Bring plot and legend up to date now."""
        colours = self._colours()
        for (name, split), line in self._lines.items():
            if line.item is None:
                line.item = pg.PlotDataItem(connect="finite")
                self.plot.addItem(line.item)
            y = log_scaled(line.values) if self.logarithmic.isChecked() else np.asarray(line.values)
            dashed = len(self._splits) > 1 and split == list(self._splits)[-1]
            pen = pg.mkPen(colours[name], width=1.6 * self.devicePixelRatioF())
            if dashed:
                pen.setDashPattern([4, 3])
            line.item.setPen(pen)
            # A validation rarely has many points, and a single point draws no line.
            few = dashed or len(self._splits) == 1 or len(line.steps) == 1
            line.item.setSymbol("o" if few else None)
            line.item.setSymbolSize(5)
            line.item.setSymbolPen(None)
            line.item.setSymbolBrush(colours[name])
            line.item.setData(np.asarray(line.steps), y)
            line.item.setVisible(name not in self._hidden)
        self._empty.setVisible(not self._lines)
        self.legend.setVisible(bool(self._lines))
        self._fill_legend(colours)

    def readout(self, name: str, split: str) -> float | None:
        """The value the legend shows: under the cursor, or the newest."""
        line = self._lines.get((name, split))
        if line is None or not line.steps:
            return None
        return line.values[-1] if self._hover is None else line.at(self._hover)

    def hover(self, step: float | None) -> None:
        """Read all curves at this step; None reads the newest point."""
        self._hover = step
        self._cursor.setVisible(step is not None)
        if step is not None:
            self._cursor.setPos(step)
        self._fill_legend(self._colours())

    def _fill_legend(self, colours: Mapping[str, QColor]) -> None:
        names = self.series()
        self.legend.blockSignals(True)
        if self.legend.rowCount() != len(names):
            self.legend.setRowCount(len(names))
            self._fit_legend()
        for row, name in enumerate(names):
            shown = name not in self._hidden
            title = self._cell(row, 0)
            title.setText(self._titles.get(name, name.replace("_", " ")))
            title.setData(Qt.ItemDataRole.UserRole, name)
            title.setIcon(self._swatch(colours[name]))
            title.setCheckState(Qt.CheckState.Checked if shown else Qt.CheckState.Unchecked)
            for column, split in enumerate(self._splits, start=1):
                value = self.readout(name, split)
                self._cell(row, column).setText("–" if value is None else _shown(value))
        self.legend.blockSignals(False)
        newest = max((line.steps[-1] for line in self._lines.values() if line.steps), default=None)
        place = newest if self._hover is None else self._hover
        self._place.setText("" if place is None else self.tr("Step {step}").format(step=f"{place:,.0f}"))

    def _cell(self, row: int, column: int) -> QTableWidgetItem:
        item = self.legend.item(row, column)
        if item is None:
            item = QTableWidgetItem()
            if column == 0:
                item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
            else:
                item.setFlags(Qt.ItemFlag.ItemIsEnabled)
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.legend.setItem(row, column, item)
        return item

    def _make_legend(self) -> QTableWidget:
        table = QTableWidget(0, 1 + len(self._splits))
        table.setObjectName("curvesLegend")
        table.setAccessibleName(self.tr("Legend of the training curves"))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        heads = ((self.tr("Term"), left), *((words, right) for words in self._splits.values()))
        for column, (words, alignment) in enumerate(heads):
            head = QTableWidgetItem(words)
            head.setTextAlignment(alignment)
            table.setHorizontalHeaderItem(column, head)
            stretch = QHeaderView.ResizeMode.ResizeToContents if column else QHeaderView.ResizeMode.Stretch
            table.horizontalHeader().setSectionResizeMode(column, stretch)
        table.horizontalHeader().setHighlightSections(False)
        table.verticalHeader().setVisible(False)
        table.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)
        table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        table.setShowGrid(False)
        table.setIconSize(QSize(18, 10))
        table.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        table.setSizeAdjustPolicy(QTableWidget.SizeAdjustPolicy.AdjustToContents)
        table.setToolTip(self.tr("Tick or untick a term to show or hide its curves."))
        table.itemChanged.connect(self._ticked)
        table.cellClicked.connect(self._legend_clicked)
        return table

    def _fit_legend(self) -> None:
        """As high as all its rows, or where height is short as some of them."""
        row = self.legend.verticalHeader().defaultSectionSize()
        heading = self.legend.horizontalHeader().sizeHint().height() + 4
        self.legend.setMinimumHeight(heading + min(FEWEST_ROWS, self.legend.rowCount()) * row)
        self.legend.setMaximumHeight(heading + self.legend.rowCount() * row)

    def _ticked(self, item: QTableWidgetItem) -> None:
        if item.column() == 0:
            self.set_shown(str(item.data(Qt.ItemDataRole.UserRole)), item.checkState() == Qt.CheckState.Checked)

    def _legend_clicked(self, row: int, column: int) -> None:
        # The tick itself is answered by the item; a click on the numbers means the row, too.
        if column > 0:
            name = str(self._cell(row, 0).data(Qt.ItemDataRole.UserRole))
            self.set_shown(name, name in self._hidden)

    # ------------------------------------------------------------------------------------------ mouse and look
    def _moved(self, place: Any) -> None:
        box = self.plot.getPlotItem().getViewBox()
        inside = bool(self._lines) and box.sceneBoundingRect().contains(place)
        self.hover(max(0.0, box.mapSceneToView(place).x()) if inside else None)

    def _clicked(self, event: Any) -> None:
        if event.double():
            self.plot.getPlotItem().enableAutoRange()

    def leaveEvent(self, event: QEvent) -> None:
        self.hover(None)
        super().leaveEvent(event)

    def _set_logarithmic(self, on: bool) -> None:
        self._axis.logarithmic = on
        self._axis.picture = None
        self.draw()
        self.plot.getPlotItem().enableAutoRange()

    def _colours(self) -> dict[str, QColor]:
        dark = self.palette().color(QPalette.ColorRole.Base).lightnessF() < 0.5
        shades = DARK if dark else LIGHT
        return {name: QColor(shades[i % len(shades)]) for i, name in enumerate(self.series())}

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

    def _style(self) -> None:
        ink = self.palette().color(QPalette.ColorRole.Text)
        self.plot.setBackground(self.palette().color(QPalette.ColorRole.Base))
        line, words = QColor(ink), QColor(ink)
        line.setAlphaF(0.4)
        words.setAlphaF(0.85)
        for name in ("left", "bottom"):
            axis = self.plot.getAxis(name)
            axis.setPen(pg.mkPen(line))
            axis.setTextPen(pg.mkPen(words))
            axis.setStyle(autoExpandTextSpace=True)
        self.plot.showGrid(x=True, y=True, alpha=0.15)
        self._cursor.setPen(pg.mkPen(words, width=1.0))
        self._empty.setForegroundRole(QPalette.ColorRole.PlaceholderText)

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._empty.setGeometry(self.plot.rect().adjusted(56, 8, -8, -40))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "legend"):
            self._style()
            self.draw()


def _shown(value: float) -> str:
    return "not a number" if math.isnan(value) else f"{value:,.4g}" if abs(value) < 1e5 else f"{value:.3e}"
