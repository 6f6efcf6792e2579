"""The maps of voice (h), emotion (m) and content (z): shown, coloured, searched, played, and dragged from."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QCursor, QDrag
from PySide6.QtWidgets import (
    QMenu,
    QVBoxLayout,
    QWidget,
)

from studio.domain import drag_payload
from studio.panels.map.area import MapArea
from studio.panels.map.captions import FEWEST_CLIPS, MapWords
from studio.panels.map.colour_key import ColourKey
from studio.panels.map.commands import map_commands
from studio.panels.map.exports import MapExports
from studio.panels.map.listening import Audition
from studio.panels.map.pane import MapPane
from studio.panels.map.pins_and_paths import PinsAndPaths
from studio.panels.map.point_menu import point_menu
from studio.panels.map.point_player import PointPlayer
from studio.panels.map.points.hover_card import Thumbnails
from studio.panels.map.points.point_table import Key
from studio.panels.map.search.finder import Finder
from studio.panels.map.shared_selection import SharedSelection
from studio.panels.map.tool_bar import MapBar
from studio.services import theme
from studio.services.actions import Actions
from studio.services.messages import Messages
from studio.services.preferences import Preferences
from studio.session.session import Session

LATENTS = ("h", "m", "z")
REFRESH_MS = 100
MANY_CLIPS = 2_000
REFRESH_MANY_MS = 1_000


class MapViewPanel(QWidget):
    """Maps of the session's latents. Nothing is laid out before the user asks.

    Signals:
        second_requested(str, int): a clip and one of its seconds, clicked in the map of m or z, to be played.
        sounding(): the map begins to play something by itself.
    """

    second_requested = Signal(str, int)
    sounding = Signal()

    def __init__(
        self,
        session: Session,
        messages: Messages,
        preferences: Preferences,
        parent: QWidget | None = None,
        *,
        audition: Audition | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._messages = messages
        self._preferences = preferences
        self._active = "h"
        self._together = False
        self.setObjectName("mapView")

        self.thumbnails = Thumbnails(self)
        self.panes = {latent: MapPane(latent, lambda: session.library.clips, self.thumbnails) for latent in LATENTS}
        self.audition = audition or Audition(preferences, self)
        self.colours = ColourKey(session.library)
        self.finder = Finder(session.library, session.maps, lambda: self.pane)
        self.pins_and_paths = PinsAndPaths(session, self.audition, self)
        self.pins_and_paths.show_pane(self.pane)
        self.player = PointPlayer(session, self.audition, self.pins_and_paths, self)
        self.player.second_requested.connect(self.second_requested)
        self.selection = SharedSelection(self.panes, session.library, self)
        self.exports = MapExports(session, preferences, self.colours, lambda: self.pane, self)
        self.commands = Actions(self, map_commands(self)).by_id
        self.bar = MapBar(self.commands, self.colours.choice)
        self.settings = self.bar.settings
        self._words = MapWords(session.library, session.model, session.maps, self)
        self.area = MapArea(list(self.panes.values()), (self.colours, self.finder.list))
        for latent, pane in self.panes.items():
            pane.setVisible(latent == self._active)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        outer.setSpacing(theme.SPACE)
        outer.addWidget(self.bar)
        outer.addWidget(self.area, 1)
        outer.addWidget(self.pins_and_paths.bar)
        for latent, pane in self.panes.items():
            self._wire(latent, pane)

        self.colours.changed.connect(self._recolour)
        self.finder.changed.connect(self._search_changed)
        self.finder.list.picked.connect(self.finder.go_to)
        self.finder.list.played.connect(lambda key: self.player.play(self._active, cast(Key, key)))
        self.bar.fit.clicked.connect(self.fit)
        self.bar.go_on.clicked.connect(self.go_on)
        self.bar.stop.clicked.connect(self.stop)
        self.settings.round.valueChanged.connect(self._set_round)
        self.audition.began.connect(self.sounding)
        session.maps.changed.connect(self._map_changed)
        # Analysing thousands of clips emits a signal for each: refreshing once in a while is enough.
        self._soon = QTimer(self, singleShot=True)
        self._soon.timeout.connect(self.refresh)
        for signal in (session.library.added, session.library.removed, session.library.changed):
            signal.connect(self._refresh_soon)  # a method: the connection ends with the panel
        session.model.changed.connect(self.refresh)
        session.context.closing.connect(self.close_down)
        self.refresh()

    @property
    def latent(self) -> str:
        """The map that buttons and menus mean."""
        return self._active

    @property
    def pane(self) -> MapPane:
        return self.panes[self._active]

    @property
    def shown(self) -> list[MapPane]:
        return list(self.panes.values()) if self._together else [self.pane]

    def show_latent(self, latent: str) -> None:
        """h, m or z alone, or "all" side by side."""
        self._together = latent == "all"
        if not self._together:
            self.activate(latent)
        self.commands[latent].setChecked(True)
        for name, pane in self.panes.items():
            pane.setVisible(self._together or name == self._active)
        self.area.share_alike()
        self.refresh()

    def fit(self, latent: str | None = None) -> None:
        """Lay a map out anew, with the settings of the popover: the one that is meant, if none is named."""
        if latent is not None:
            self.activate(latent)
        self._session.maps.fit(self._active, **self.settings.values())

    def go_on(self) -> None:
        """Let the layout shown go on from where it ended."""
        self._session.maps.fit(self._active, **self.settings.values(), go_on=True)

    def stop(self) -> None:
        self._session.maps.stop(self._active)

    def set_tool(self, tool: str) -> None:
        """lasso, rectangle, pan, pin or path."""
        for pane in self.panes.values():
            pane.scatter.tools.tool = tool
        self.commands[tool].setChecked(True)

    def fit_view(self) -> None:
        for pane in self.shown:
            pane.scatter.fit()

    def close_down(self) -> None:
        """Nothing may be read or played from here on."""
        self._soon.stop()
        self.finder.close_down()
        self.audition.close()
        self.thumbnails.close()

    def refresh(self) -> None:
        """Show the session's maps, or say what is missing for one."""
        self._show_work()
        self.colours.show_choices("m" if self._together else self._active)
        anew = False
        model = self._session.model.info.hash if self._session.model.info else ""
        for pane in self.shown:
            points = self._session.maps.points.get(pane.latent)
            pane.show_title(self._words.heading(pane.latent) if self._together else "", active=pane is self.pane)
            if points is None or not len(points.ids):
                words, may_fit = self._words.why_empty(pane.latent)
                pane.show_empty(words, may_fit=may_fit, may_stop=pane.latent in self._session.maps.jobs)
            else:
                anew |= pane.show_points(points, model)
        side = any(pane.points is not None for pane in self.shown)
        self.area.side.setVisible(side)
        if side:
            self._recolour()
        if anew:
            self.selection.show(self._session.library.selection)
        self.finder.refresh()

    def _map_changed(self, latent: str) -> None:
        pane = self.panes[latent]
        points = self._session.maps.points.get(latent)
        if pane not in self.shown:
            return
        self._show_work()
        same = pane.table is not None and points is not None and pane.table.holds(points)
        if same and points is not None:  # a layout on the way only moves the points
            pane.show_points(points, self._session.model.info.hash if self._session.model.info else "")
            return
        self.refresh()

    def _refresh_soon(self) -> None:
        if not self._soon.isActive():
            self._soon.start(REFRESH_MANY_MS if len(self._session.library.clips) > MANY_CLIPS else REFRESH_MS)

    def _show_work(self) -> None:
        jobs = self._session.maps.jobs
        working = self._active in jobs
        self.bar.show_work(
            working,
            may_fit=len(self._session.model.encoded()) >= FEWEST_CLIPS,
            may_go_on=self._active in self._session.maps.points,
        )
        self.commands["stop_map"].setEnabled(working)
        for latent, pane in self.panes.items():
            pane.show_job(jobs.get(latent))

    def _recolour(self) -> None:
        self.colours.apply(self.shown, self.pane)

    def activate(self, latent: str) -> None:
        """Mean this map from now on."""
        if latent == self._active:
            return
        self._active = latent
        self.finder.forget()
        self.pins_and_paths.show_pane(self.pane)
        if self._together:
            for pane in self.shown:
                pane.show_title(self._words.heading(pane.latent), active=pane is self.pane)
            self._show_work()
            self._recolour()
            self.finder.refresh()

    def menu_for(self, latent: str, number: int, x: float, y: float) -> QMenu:
        """What a right click offers at a position of a map; see point_menu."""
        return point_menu(
            self,
            self._session,
            self.panes[latent],
            self.pins_and_paths,
            number,
            (x, y),
            play=lambda key: self.player.play(latent, key),
            focus=lambda key: self._focus(latent, key),
        )

    def _menu(self, latent: str, number: int, x: float, y: float) -> None:
        self.activate(latent)
        menu = self.menu_for(latent, number, x, y)
        menu.exec(QCursor.pos())
        menu.deleteLater()

    def _drag(self, payload: drag_payload.Payload | None) -> None:
        if payload is not None:
            carried = QDrag(self)
            carried.setMimeData(drag_payload.to_mime(payload, self._session.context.uuid))
            carried.exec(Qt.DropAction.CopyAction)

    def _focus(self, latent: str, key: Key) -> None:
        self.activate(latent)
        self.finder.ask(key)

    def _search_changed(self) -> None:
        self.colours.found = self.finder.found
        self._recolour()

    def _set_round(self, count: int) -> None:
        for pane in self.panes.values():
            pane.neighbours = count
            pane.set_pin(pane.pin)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            for pane in self.panes.values():
                pane.restyle()
            self._recolour()

    def _wire(self, latent: str, pane: MapPane) -> None:
        pane.scatter.tapped.connect(lambda: self.activate(latent))
        pane.chosen.connect(lambda: self.selection.take(latent))
        pane.clicked.connect(lambda key: self.player.play(latent, cast(Key, key)))
        pane.focused.connect(lambda key: self._focus(latent, cast(Key, key)))
        pane.scrubbed.connect(lambda key: self.player.scrub(latent, key))
        pane.pin_or_path_changed.connect(lambda: self.pins_and_paths.show_pane(self.pane))
        pane.scatter.drag_started.connect(
            lambda numbers: self._drag(
                pane.latents.payload([pane.table.key(n) for n in numbers]) if pane.table else None
            )
        )
        pane.scatter.pin_drag_started.connect(lambda: self._drag(self.pins_and_paths.payload()))
        pane.scatter.menu_wanted.connect(lambda number, at: self._menu(latent, number, at.x(), at.y()))
        pane.fit_wanted.connect(lambda: self.fit(latent))
        pane.stop_wanted.connect(lambda: self._session.maps.stop(latent))
