"""Search by name or label, and the neighbours of a point in the latent space: what the list beside a map shows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from engine.api import Neighbours
from studio.panels.map.pane import MapPane
from studio.panels.map.points.point_table import Key
from studio.panels.map.search.find_list import MOST_ROWS, FindList, Found, matching
from studio.session.clips.library import Library
from studio.session.models.maps import Maps

ASK_MS = 150  # after the last step of a walk


class Finder(QObject):
    """Fills the list for the map that is meant.

    Signals:
        changed(): `found` is another.
    """

    changed = Signal()

    def __init__(self, library: Library, maps: Maps, pane: Callable[[], MapPane]) -> None:
        super().__init__()
        self._library, self._maps = library, maps
        self._pane = pane
        self._asked: tuple[str, Key] | None = None
        self.found: list[str] | None = None  # clips that the search names; None = there is no search
        self.list = FindList()
        self.list.searched.connect(self.search)
        self._ask = QTimer(self)
        self._ask.setSingleShot(True)
        self._ask.setInterval(ASK_MS)
        self._ask.timeout.connect(self._ask_now)

    def search(self, text: str) -> None:
        """Find the clips whose name or labels hold all these words; "" ends the search."""
        self.found = matching(self._library.clips, text) if text else None
        self.changed.emit()
        self.refresh()
        if self.found is None and self._asked is not None:
            self._ask.start()

    def select_found(self) -> None:
        """Select what the search has found."""
        if self.found:
            self._library.select(self.found, origin="map")

    def go_to(self, key: Key) -> None:
        """Ring a point, bring it into view, and select its clip."""
        if self._pane().go_to(key):
            self._library.select([key[0]], origin="map")

    def ask(self, key: Key) -> None:
        """Who is near this point? The answer comes a moment after the last question."""
        self._asked = (self._pane().latent, key)
        self._ask.start()

    def forget(self) -> None:
        """Another map is meant."""
        self._ask.stop()
        self._asked = None

    def close_down(self) -> None:
        self._ask.stop()

    def refresh(self) -> None:
        """Show what the search has found on the map that is meant, or what the list is for."""
        pane = self._pane()
        if self.found is not None:
            there = [] if pane.table is None else np.flatnonzero(pane.table.of_clips(self.found)).tolist()
            rows = [Found(key, pane.describe(key)) for key in pane.keys_at(there[:MOST_ROWS])]
            self.list.show_rows(self.tr("{0} found").format(len(there)), rows)
        elif self._asked is None:
            self.list.show_rows(
                self.tr("Click a point, or walk to it by the arrow keys, to see which are near it."), []
            )

    def _ask_now(self) -> None:
        if self._asked is None or self.found is not None:
            return
        latent, key = self._asked
        pane = self._pane()
        ref = pane.latents.ref(key)
        metric = "euclidean" if pane.points is None else str(pane.points.settings.get("metric") or "euclidean")
        job = None if ref is None else self._maps.find_nearest(latent, [ref], metric)
        if job is None:
            return
        self.list.show_rows(self.tr("Looking for the nearest …"), [])
        job.done.connect(lambda found: self._show_near(pane, key, found))
        job.failed.connect(lambda what, _hint, _details: self.list.show_rows(what, []))

    def _show_near(self, pane: MapPane, key: Key, found: Neighbours) -> None:
        if self._asked != (pane.latent, key) or self.found is not None:
            return
        rows = [
            Found((clip, index), pane.describe((clip, index)), f"{far:.3g}")
            for clip, index, far in zip(found.ids, found.index, found.distances, strict=True)
        ]
        heading = self.tr("Nearest in {0} to {1}").format(pane.latent, pane.describe(key))
        self.list.show_rows(heading, rows)
