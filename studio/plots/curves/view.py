"""Curves of a training run as it goes: one colour a term, train solid, validation dashed, values in the legend."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from studio.plots.curves.legend import CurvesLegend, LegendRow
from studio.plots.curves.signed_log import ValueAxis, log_scaled

REDRAW_MS = 100  # points arrive faster than eyes read
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


@dataclass
class _Curve:
    """Points of one series and split, and the item that draws them."""

    steps: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    item: Any = None

    def at(self, step: float) -> float | None:
        """The value of the nearest point; None without points."""
        if not self.steps:
            return None
        after = int(np.searchsorted(self.steps, step))
        near = [i for i in (after - 1, after) if 0 <= i < len(self.steps)]
        return self.values[min(near, key=lambda i: abs(self.steps[i] - step))]


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
        self._lines: dict[tuple[str, str], _Curve] = {}
        self._titles: dict[str, str] = {}
        self._hidden: set[str] = set()
        self._hover: float | None = None
        self._axis = ValueAxis("left")
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
        self._step = QLabel()
        self._step.setObjectName("curvesReadout")
        self.logarithmic.setVisible(signed)
        words = empty or self.tr("The curves appear here with the first step of a run.")
        self._empty = QLabel(words, self.plot)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        self.legend = CurvesLegend(self._splits)
        self.legend.shown_changed.connect(self.set_shown)

        above = QHBoxLayout()
        above.addWidget(self._step, 1)
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
        self.draw()

    def add(self, step: float, split: str, values: Mapping[str, float]) -> None:
        """Append one point to each series named; drawn a moment later with what else has come."""
        for name, value in values.items():
            line = self._lines.setdefault((name, split), _Curve())
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
        line = self._lines.get((name, split), _Curve())
        return tuple(line.steps), tuple(line.values)

    def set_shown(self, name: str, shown: bool) -> None:
        """Show or hide one series, as a click on its legend entry does."""
        self._hidden.discard(name) if shown else self._hidden.add(name)
        self.draw()

    def is_shown(self, name: str) -> bool:
        return name not in self._hidden

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
        self.legend.set_rows(
            [
                LegendRow(
                    name,
                    self._titles.get(name, name.replace("_", " ")),
                    colours[name],
                    name not in self._hidden,
                    [self.readout(name, split) for split in self._splits],
                )
                for name in self.series()
            ]
        )
        newest = max((line.steps[-1] for line in self._lines.values() if line.steps), default=None)
        step = newest if self._hover is None else self._hover
        self._step.setText("" if step is None else self.tr("Step {step}").format(step=f"{step:,.0f}"))

    def _moved(self, at: Any) -> None:
        box = self.plot.getPlotItem().getViewBox()
        inside = bool(self._lines) and box.sceneBoundingRect().contains(at)
        self.hover(max(0.0, box.mapSceneToView(at).x()) if inside else None)

    def _clicked(self, event: Any) -> None:
        if event.double():
            self.plot.getPlotItem().enableAutoRange()

    def leaveEvent(self, event: QEvent) -> None:
        self.hover(None)
        super().leaveEvent(event)

    def _set_logarithmic(self, on: bool) -> None:
        self._axis.set_logarithmic(on)
        self.draw()
        self.plot.getPlotItem().enableAutoRange()

    def _colours(self) -> dict[str, QColor]:
        dark = self.palette().color(QPalette.ColorRole.Base).lightnessF() < 0.5
        shades = DARK if dark else LIGHT
        return {name: QColor(shades[i % len(shades)]) for i, name in enumerate(self.series())}

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
