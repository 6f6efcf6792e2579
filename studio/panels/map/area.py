"""The room of the maps: side by side or one above the other, with what belongs to them at the side."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSplitter, QWidget

from studio.services import theme

SIDE_PX = 164
MOST_SIDE = 0.4  # of the width; the rest is the maps'


class MapArea(QSplitter):
    """Shares its room between the maps and the side.

    Args:
        maps: beside each other in this order. side: one below the other.
    """

    def __init__(self, maps: Sequence[QWidget], side: Sequence[QWidget]) -> None:
        super().__init__()
        self.setChildrenCollapsible(False)
        self.setHandleWidth(theme.SPACE)
        self._maps = QSplitter()
        self._maps.setChildrenCollapsible(False)
        self._maps.setHandleWidth(theme.SPACE)
        for pane in maps:
            self._maps.addWidget(pane)
        self.side = QSplitter(Qt.Orientation.Vertical)
        self.side.setChildrenCollapsible(False)
        for part in side:
            self.side.addWidget(part)
        self.addWidget(self._maps)
        self.addWidget(self.side)
        self.setStretchFactor(0, 1)
        self.setStretchFactor(1, 0)
        self.setSizes([SIDE_PX * 4, SIDE_PX])
        self.splitterMoved.connect(lambda _at, _handle: self.turn())

    def share_alike(self) -> None:
        """Give every map that is visible the same room."""
        self._maps.setSizes([1000] * self._maps.count())  # alike: shares, not pixels
        self.turn()

    def turn(self) -> None:
        """Maps side by side where there is width, one above the other where there is height."""
        wide = self._maps.width() >= self._maps.height()
        self._maps.setOrientation(Qt.Orientation.Horizontal if wide else Qt.Orientation.Vertical)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.side.setMaximumWidth(int(self.width() * MOST_SIDE))
        self.turn()
