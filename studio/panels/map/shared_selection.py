"""One selection: of the maps among each other, and of the maps and the library."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QObject

from studio.panels.map.pane import MapPane
from studio.session.clips.library import Library


class SharedSelection(QObject):
    """Keeps the selections of maps and library the same.

    Args:
        panes: the maps by latent.
    """

    def __init__(self, panes: Mapping[str, MapPane], library: Library, parent: QObject) -> None:
        super().__init__(parent)
        self._panes, self._library = panes, library
        library.selection_changed.connect(self.show)

    def take(self, latent: str) -> None:
        """A selection made on one map, is shown on the others and becomes everyone's."""
        pane = self._panes[latent]
        if pane.table is None:
            return
        mask = pane.scatter.selection()
        for other in self._panes.values():
            if other is not pane and other.table is not None:
                other.choose(other.table.meeting(pane.table, mask))
        self._library.select(pane.table.clips_of(mask), origin="map")

    def show(self, ids: list[str]) -> None:
        """Show the session's selection, unless it is the one just made here (which may be single seconds)."""
        chosen = set(ids)
        for pane in self._panes.values():
            if pane.table is not None and set(pane.table.clips_of(pane.scatter.selection())) != chosen:
                pane.choose(pane.table.of_clips(chosen))
