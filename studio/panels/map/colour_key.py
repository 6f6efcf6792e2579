"""What the maps are coloured by: the choice, the legend or the scale, and which points are grey or left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget

from studio.panels.map import colouring
from studio.panels.map.colouring import Colouring
from studio.panels.map.pane import MapPane
from studio.panels.map.points.point_table import Mask
from studio.plots.scatter.legend import ColourScale, Legend
from studio.services import theme
from studio.session.clips.library import Library


class ColourKey(QWidget):
    """Colours the maps, and is their key.

    Signals:
        changed(): another label was chosen: `apply` is wanted.
    """

    changed = Signal()

    def __init__(self, library: Library, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self._panes: list[MapPane] = []
        self._colours: dict[str, Colouring] = {}
        self.found: list[str] | None = None  # the clips a search names; None = there is no search
        self.choice = QComboBox()
        self.choice.setObjectName("colourBy")
        self.choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.choice.setAccessibleName(self.tr("Colour by"))
        self.choice.setToolTip(self.tr("What the colours mean"))
        self.legend = Legend()
        self.legend.setObjectName("legend")
        self.scale = ColourScale()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.legend, 1)
        column.addWidget(self.scale, 0, Qt.AlignmentFlag.AlignTop)
        self.choice.currentTextChanged.connect(lambda _text: self.changed.emit())
        self.legend.isolated.connect(lambda _rows: self._show_lit())
        self.legend.hidden.connect(lambda _rows: self._show_lit())

    @property
    def by(self) -> str:
        """A label's name, or one of colouring's numbers."""
        return str(self.choice.currentData() or "")

    @property
    def title(self) -> str:
        return self._title_of(self.by)

    def show_choices(self, latent: str) -> None:
        """Offer what the recordings' labels allow now."""
        names = colouring.choices(self._library.clips, latent)
        if names != [self.choice.itemData(i) for i in range(self.choice.count())]:
            current = self.choice.currentData()
            with QSignalBlocker(self.choice):
                self.choice.clear()
                for name in names:
                    self.choice.addItem(self._title_of(name), name)
                self.choice.setCurrentIndex(max(0, self.choice.findData(current)))

    def apply(self, panes: Sequence[MapPane], key_of: MapPane) -> None:
        """Colour these maps; the legend is that of one of them."""
        self._panes = [pane for pane in panes if pane.table is not None]
        self._colours = {}
        for pane in self._panes:
            assert pane.table is not None
            found = colouring.colouring(pane.table, self._library.clips, self.by, dark=theme.is_dark())
            self._colours[pane.latent] = found
        mine = self._colours.get(key_of.latent)
        mine = mine or next(iter(self._colours.values()), None)
        if mine is None:
            return
        self.legend.setVisible(mine.ends is None)
        self.scale.setVisible(mine.ends is not None)
        if mine.ends is not None:
            self.scale.set_scale([mark.colour for mark in mine.marks[:-1]], self.title, *mine.ends)
        elif mine.names != self.legend.names():
            self.legend.set_classes(mine.names, mine.marks, mine.counts)
        else:  # what is isolated stays so while only counts change
            self.legend.update_classes(mine.marks, mine.counts)
        self._show_lit()

    def _show_lit(self) -> None:
        """Grey what is not isolated or not found, leave out what is hidden."""
        classes = self.scale.isHidden()
        names = self.legend.names()
        alone = {names[row] for row in self.legend.rows()} if classes else set()
        off = {names[row] for row in self.legend.hidden_rows()} if classes else set()
        for pane in self._panes:
            if pane.table is None:
                continue
            lit: Mask | None = None
            hidden: Mask | None = None
            found = self._colours[pane.latent]
            own = np.array(found.names, object)
            if alone and len(own):
                lit = np.isin(own, list(alone))[found.index]
            if off and len(own):
                hidden = np.isin(own, list(off))[found.index]
            if self.found is not None:
                among = pane.table.of_clips(self.found)
                lit = among if lit is None else lit & among
            pane.show_colours(found, lit, hidden)

    def _title_of(self, name: str) -> str:
        known = {
            "speaker": self.tr("Speaker"),
            "gender": self.tr("Gender"),
            "emotion": self.tr("Emotion"),
            colouring.F0: self.tr("Median F0"),
            colouring.DURATION: self.tr("Duration"),
            colouring.TIME: self.tr("Time in the clip"),
        }
        return known.get(name, name)
