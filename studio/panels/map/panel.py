"""The maps of h, m and z: seen side by side or alone, coloured, searched, heard, drawn upon, carried away from."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QCursor, QDrag, QResizeEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QMenu,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from engine.api import AudioSpec
from studio.dialogs.export_figure import ExportFigureDialog
from studio.domain import payload as drag
from studio.panels.map import colouring
from studio.panels.map.captions import FEWEST_CLIPS, MapWords
from studio.panels.map.colour_key import ColourKey
from studio.panels.map.commands import MapCommands
from studio.panels.map.finder import Finder
from studio.panels.map.hover_card import Thumbnails
from studio.panels.map.listening import Audition
from studio.panels.map.pane import MapPane
from studio.panels.map.pins_and_paths import PlaceDesk
from studio.panels.map.point_table import FRAMES_A_SECOND, Key
from studio.panels.map.tool_bar import MapBar
from studio.plots.scatter.plane import tour
from studio.services import theme
from studio.services.messages import Messages
from studio.services.preferences import Preferences
from studio.session.session import Session

LATENTS = ("h", "m", "z")
REFRESH_MS = 100
MANY_CLIPS = 2_000
REFRESH_MANY_MS = 1_000
SIDE_PX = 164
MOST_SIDE = 0.4  # of the width; the rest is the maps'


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
        self.places = PlaceDesk(session, self.audition, self)
        self.commands = MapCommands(self).actions
        self.bar = MapBar(self.commands, self.colours.choice)
        self.settings = self.bar.settings
        self._words = MapWords(session.library, session.model, session.maps, self)
        self._lay_out()
        for latent, pane in self.panes.items():
            self._wire(latent, pane)

        self.colours.changed.connect(self._recolour)
        self.finder.changed.connect(self._search_changed)
        self.finder.list.picked.connect(self.go_to)
        self.finder.list.played.connect(lambda key: self._clicked(self._active, cast(Key, key)))
        self.bar.fit.clicked.connect(self.fit)
        self.bar.go_on.clicked.connect(self.go_on)
        self.bar.stop.clicked.connect(self.stop)
        self.settings.round.valueChanged.connect(self._set_round)
        self.audition.began.connect(self.sounding)
        session.maps.changed.connect(self._map_changed)
        session.library.selection_changed.connect(self._selected_elsewhere)
        # Analysing thousands of clips tells of each: once in a while is often enough to look.
        self._soon = QTimer(self, singleShot=True)
        self._soon.timeout.connect(self.refresh)
        for signal in (session.library.added, session.library.removed, session.library.changed):
            signal.connect(self._refresh_soon)  # a method: the connection ends with the panel
        session.model.changed.connect(self.refresh)
        session.context.closing.connect(self.close_down)
        self.refresh()

    # ------------------------------------------------------------------ what is where
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

    # ------------------------------------------------------------------ actions
    def show_latent(self, latent: str) -> None:
        """h, m or z alone, or "all" side by side."""
        self._together = latent == "all"
        if not self._together:
            self._activate(latent)
        self.commands[latent].setChecked(True)
        for name, pane in self.panes.items():
            pane.setVisible(self._together or name == self._active)
        self._maps.setSizes([1000] * len(self.panes))  # alike: shares, not pixels
        self._turn()
        self.refresh()

    def fit(self) -> None:
        """Lay the map out anew, with the settings of the popover."""
        self._session.maps.fit(self._active, **self.settings.values())

    def _fit_of(self, latent: str) -> None:
        self._activate(latent)
        self.fit()

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

    def search(self, text: str) -> None:
        """Light up the points whose clip's name or labels hold all these words, and list them."""
        self.finder.search(text)

    def select_found(self) -> None:
        """Select what the search has found."""
        if self.finder.found:
            self._session.library.select(self.finder.found, origin="map")

    def go_to(self, key: Key) -> None:
        """Ring a point, bring it into view, and select its clip."""
        if self.pane.go_to(key):
            self._session.library.select([key[0]], origin="map")

    def pin_here(self) -> None:
        """Put the pin on the point the keys are at, else into the middle of the map."""
        view = self.pane.scatter
        if view.focus >= 0:
            self.pane.set_pin((float(view.xy[view.focus, 0]), float(view.xy[view.focus, 1])))
        elif self.pane.table is not None:
            middle = view.box.viewRect().center()
            self.pane.set_pin((middle.x(), middle.y()))

    def path_through_selection(self) -> None:
        """A path through the selected points, by the shortest hops: what the path tool draws, without a mouse."""
        chosen = np.flatnonzero(self.pane.scatter.selection())
        if len(chosen) < 2:
            self._messages.say(self.tr("A path needs at least two selected points."), self.tr("Select some first."))
            return
        self.pane.set_path(tour(self.pane.scatter.xy[chosen].astype(float)))

    def close_down(self) -> None:
        """Nothing may be read or played from here on."""
        self._soon.stop()
        self.finder.close_down()
        self.audition.close()
        self.thumbnails.close()

    # ------------------------------------------------------------------ showing
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
        self._side.setVisible(side)
        if side:
            self._recolour()
        if anew:
            self._selected_elsewhere(self._session.library.selection)
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

    # ------------------------------------------------------------------ selection, playing, dragging
    def _activate(self, latent: str) -> None:
        if latent == self._active:
            return
        self._active = latent
        self.finder.forget()
        self.places.show_pane(self.pane)
        if self._together:
            for pane in self.shown:
                pane.show_title(self._words.heading(pane.latent), active=pane is self.pane)
            self._show_work()
            self._recolour()
            self.finder.refresh()

    def _chosen(self, latent: str) -> None:
        """A selection made on one map, shown on the others and told to everyone."""
        pane = self.panes[latent]
        if pane.table is None:
            return
        mask = pane.scatter.selection()
        for other in self.panes.values():
            if other is not pane and other.table is not None:
                other.choose(other.table.meeting(pane.table, mask))
        self._session.library.select(pane.table.clips_of(mask), origin="map")

    def _selected_elsewhere(self, ids: list[str]) -> None:
        """Show the session's selection, unless it is the one just made here (which may be single seconds)."""
        chosen = set(ids)
        for pane in self.panes.values():
            if pane.table is not None and set(pane.table.clips_of(pane.scatter.selection())) != chosen:
                pane.choose(pane.table.of_clips(chosen))

    def _clicked(self, latent: str, key: Key) -> None:
        clip, index = key
        self.audition.stop()
        if latent == "h":
            self._session.listening.play(clip)
            return
        self._session.library.set_current(clip)
        self.second_requested.emit(clip, index if latent == "m" else int(index / FRAMES_A_SECOND))

    def _scrubbed(self, latent: str, key: Key | None) -> None:
        clip = None if key is None else self._session.library.clips.get(key[0])
        if key is None or clip is None or clip.folder is None:
            if self.audition.sounding and not self.places.playing:
                self.audition.stop()
            return
        model = self._session.model.info
        rate = AudioSpec().rate_hz if model is None else int(model.audio.get("rate_hz", AudioSpec().rate_hz))
        self.audition.scrub(clip.folder, rate, latent, key)

    def _drag_out(self, payload: drag.Payload | None) -> None:
        if payload is None:
            return
        carried = QDrag(self)
        carried.setMimeData(drag.to_mime(payload, self._session.context.uuid))
        carried.exec(Qt.DropAction.CopyAction)

    def _menu(self, latent: str, number: int, x: float, y: float) -> None:
        """What a right click offers: the twins of every drag."""
        self._activate(latent)
        menu = self.menu_for(latent, number, x, y)
        menu.exec(QCursor.pos())
        menu.deleteLater()

    def menu_for(self, latent: str, number: int, x: float, y: float) -> QMenu:
        """The menu for a point (its number), the pin (-2) or an empty place (-1) at x, y."""
        pane = self.panes[latent]
        menu = QMenu(self)
        if number >= 0 and pane.table is not None:
            key = pane.table.key(number)
            mine = pane.scatter.selection()
            keys = pane.table.keys_of(mine) if mine[number] else [key]
            payload = pane.payload(keys)
            menu.addAction(self.tr("Play"), lambda: self._clicked(latent, key))
            menu.addAction(
                self.tr("Use as source of the transfer"), lambda: self._session.transfer.set_source(key[0])
            )
            menu.addAction(self.tr("Give as voice (h)"), lambda: self._session.transfer.add_voice(payload))
            menu.addAction(self.tr("Give as emotion (m)"), lambda: self._session.transfer.add_emotion(payload))
            menu.addSeparator()
            menu.addAction(self.tr("Nearest in latent space"), lambda: self._focus(latent, key))
        if number != -2 and pane.table is not None:
            menu.addAction(self.tr("Put a pin here"), lambda: pane.set_pin((x, y)))
        if pane.pin is not None:
            give = self.places.give_words()
            if give:
                menu.addAction(give, self.places.give)
            menu.addAction(self.tr("Take the pin away"), lambda: pane.set_pin(None))
        if pane.path is not None:
            menu.addAction(self.tr("Take the path away"), lambda: pane.set_path(None))
        return menu

    def _focus(self, latent: str, key: Key) -> None:
        self._activate(latent)
        self.finder.ask(key)

    def _search_changed(self) -> None:
        self.colours.found = self.finder.found
        self._recolour()

    def _set_round(self, count: int) -> None:
        for pane in self.panes.values():
            pane.neighbours = count
            pane.set_pin(pane.pin)

    # ------------------------------------------------------------------ export
    def export_figure(self) -> None:
        dialog = ExportFigureDialog(self._preferences, self)
        if not dialog.exec():
            return
        path, _ = QFileDialog.getSaveFileName(
            self, self.tr("Export the map as a figure"), f"map-{self._active}.pdf",
            self.tr("Figures (*.pdf *.svg *.png)"),
        )  # fmt: skip
        table = self.pane.table
        if path and table is not None:
            labels = colouring.texts(table, self._session.library.clips, self.colours.by)
            self._session.exports.figure(path, self._active, labels, self.colours.title, **dialog.look())

    def export_coordinates(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self, self.tr("Export the map's coordinates"), f"map-{self._active}.csv", self.tr("Tables (*.csv)")
        )
        if path:
            self._session.exports.coordinates(Path(path), self._active)

    # ------------------------------------------------------------------ building
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            for pane in self.panes.values():
                pane.restyle()
            self._recolour()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._side.setMaximumWidth(int(self.width() * MOST_SIDE))
        self._turn()

    def _turn(self) -> None:
        """Maps side by side where there is width, one above the other where there is height."""
        wide = self._maps.width() >= self._maps.height()
        self._maps.setOrientation(Qt.Orientation.Horizontal if wide else Qt.Orientation.Vertical)

    def _wire(self, latent: str, pane: MapPane) -> None:
        pane.scatter.tapped.connect(lambda: self._activate(latent))
        pane.chosen.connect(lambda: self._chosen(latent))
        pane.clicked.connect(lambda key: self._clicked(latent, cast(Key, key)))
        pane.focused.connect(lambda key: self._focus(latent, cast(Key, key)))
        pane.scrubbed.connect(lambda key: self._scrubbed(latent, key))
        pane.place_changed.connect(lambda: self.places.show_pane(self.pane))
        pane.scatter.drag_started.connect(
            lambda numbers: self._drag_out(
                pane.payload([pane.table.key(n) for n in numbers]) if pane.table else None
            )
        )
        pane.scatter.pin_drag_started.connect(lambda: self._drag_out(self.places.payload()))
        pane.scatter.menu_wanted.connect(lambda number, at: self._menu(latent, number, at.x(), at.y()))
        pane.fit_wanted.connect(lambda: self._fit_of(latent))
        pane.stop_wanted.connect(lambda: self._session.maps.stop(latent))

    def _lay_out(self) -> None:
        self._maps = QSplitter()
        self._maps.setChildrenCollapsible(False)
        self._maps.setHandleWidth(theme.SPACE)
        for latent, pane in self.panes.items():
            self._maps.addWidget(pane)
            pane.setVisible(latent == self._active)
        self._side = QSplitter(Qt.Orientation.Vertical)
        self._side.setChildrenCollapsible(False)
        self._side.addWidget(self.colours)
        self._side.addWidget(self.finder.list)
        self._picture = QSplitter()
        self._picture.setChildrenCollapsible(False)
        self._picture.setHandleWidth(theme.SPACE)
        self._picture.addWidget(self._maps)
        self._picture.addWidget(self._side)
        self._picture.setStretchFactor(0, 1)
        self._picture.setStretchFactor(1, 0)
        self._picture.setSizes([SIDE_PX * 4, SIDE_PX])
        self._picture.splitterMoved.connect(lambda _at, _handle: self._turn())
        outer = QVBoxLayout(self)
        outer.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        outer.setSpacing(theme.SPACE)
        outer.addWidget(self.bar)
        outer.addWidget(self._picture, 1)
        outer.addWidget(self.places.bar)
