"""The map: every clip (h), second (m) or frame (z) as a point, to be seen, heard, selected and dragged."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import cast

from PySide6.QtCore import QEvent, QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QActionGroup, QDrag
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMenu,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
    QWidgetAction,
)

from engine.api import MapPoints
from studio import colouring, drag, theme
from studio.jobs import Job
from studio.messages import Messages
from studio.preferences import Preferences
from studio.session import Session
from studio.widgets.choice_button import ChoiceButton
from studio.widgets.legend import ColourScale, Legend
from studio.widgets.map_settings import MapSettings
from studio.widgets.scatter import TOOLS, ScatterView
from studio.widgets.timeline import clock_text

LATENTS = ("h", "m", "z")
FEWEST_CLIPS = 3
REFRESH_MS = 100
CARD_LETTERS = 48
Key = tuple[str, int]  # clip, and its second (m) or frame (z); 0 for h


class MapViewPanel(QWidget):
    """A map of the session's latents. Nothing is laid out before the user asks.

    Signals:
        second_requested(str, int): a clip and one of its seconds, clicked in the map of m or z, to be played.
    """

    second_requested = Signal(str, int)

    def __init__(
        self, session: Session, messages: Messages, preferences: Preferences, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._messages = messages
        self._preferences = preferences
        self._latent = "h"
        self._points: MapPoints | None = None
        self._job: Job | None = None
        self.setObjectName("mapView")

        self.scatter = ScatterView()
        self.scatter.setObjectName("scatter")
        self.scatter.describe = lambda key: self._card(cast(Key, key))
        self.legend = Legend()
        self.legend.setObjectName("legend")
        self.legend.setFixedWidth(150)
        self.scale = ColourScale()
        self.scale.setFixedWidth(150)
        self.colour_by = QComboBox()
        self.colour_by.setObjectName("colourBy")
        self.colour_by.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.colour_by.setAccessibleName(self.tr("Colour by"))
        self.colour_by.setToolTip(self.tr("What the colours mean"))
        self.settings = MapSettings()
        self.fit_button = QPushButton(self.tr("Lay out"))
        self.fit_button.setObjectName("fitMap")
        self.fit_button.setToolTip(self.tr("Compute the map of all analysed clips (t-SNE)"))
        self.go_on_button = QPushButton(self.tr("Continue"))
        self.go_on_button.setObjectName("goOnMap")
        self.go_on_button.setToolTip(self.tr("Let the layout go on from where it ended"))
        self.stop_button = QPushButton(self.tr("Stop"))
        self.stop_button.setObjectName("stopMap")
        self.stop_button.setToolTip(self.tr("Stop here and keep the layout as it is"))
        self.progress = QProgressBar()
        self.progress.setObjectName("mapProgress")
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(4)
        self._empty_words = QLabel()
        self._empty_words.setObjectName("mapEmpty")
        self._empty_words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty_words.setWordWrap(True)
        self._empty_fit = QPushButton(self.tr("Lay out the map"))
        self._empty_fit.setObjectName("fitMapFirst")
        self.commands = self._make_commands()
        self._lay_out()

        self.colour_by.currentTextChanged.connect(lambda _text: self._recolour())
        self.legend.isolated.connect(self.scatter.isolate)
        self.scatter.selected.connect(self._selected_here)
        self.scatter.clicked.connect(lambda key: self._clicked(cast(Key, key)))
        self.scatter.drag_started.connect(lambda keys: self._drag_out(cast("list[Key]", keys)))
        self.fit_button.clicked.connect(self.fit)
        self._empty_fit.clicked.connect(self.fit)
        self.go_on_button.clicked.connect(self.go_on)
        self.stop_button.clicked.connect(session.stop_map)
        session.map_changed.connect(self._map_changed)
        session.selection_changed.connect(self._selected_elsewhere)
        # Analysing thousands of clips tells of each: once in a while is often enough to look.
        self._soon = QTimer(self, singleShot=True, interval=REFRESH_MS)
        self._soon.timeout.connect(self.refresh)
        for signal in (session.clips_added, session.clips_removed, session.clips_changed):
            signal.connect(lambda _ids: self._soon.isActive() or self._soon.start())
        session.model_changed.connect(self.refresh)
        self.refresh()

    # ------------------------------------------------------------------ actions
    def show_latent(self, latent: str) -> None:
        """h, m or z."""
        self._latent = latent
        self.commands[latent].setChecked(True)
        self._points = None
        self.refresh()

    def fit(self) -> None:
        """Lay the map out anew, with the settings of the popover."""
        self._session.fit_map(self._latent, **self.settings.values())

    def go_on(self) -> None:
        """Let the layout shown go on from where it ended."""
        self._session.fit_map(self._latent, **self.settings.values(), go_on=True)

    def set_tool(self, tool: str) -> None:
        """lasso, rectangle or pan."""
        self.scatter.tool = tool
        self.commands[tool].setChecked(True)

    def payload(self, keys: list[Key]) -> drag.Payload:
        """What is dragged away with these points: seconds of m from the map of m, else whole clips."""
        if self._latent == "m":
            return drag.Payload(kind="seconds", seconds=tuple(keys))
        return drag.Payload(kind="clips", clips=tuple(dict.fromkeys(clip for clip, _ in keys)))

    # ------------------------------------------------------------------ showing
    def refresh(self) -> None:
        """Show the session's map of this latent, or say what is missing for one."""
        points = self._session.maps.get(self._latent)
        self._show_work()
        self._show_choices()
        if points is None or not len(points.ids):
            self._points = None
            words, may_fit = self._why_empty()
            self._empty_words.setText(words)
            self._empty_fit.setVisible(may_fit)
            self._pages.setCurrentIndex(0)
            return
        if points is not self._points:
            same = self._points is not None and self._points.ids == points.ids
            self._points = points
            self.scatter.set_points(points.xy, list(zip(points.ids, points.index.tolist(), strict=True)))
            self.scatter.set_caption(self._caption(points))
            if same:
                return
        self._recolour()
        self._selected_elsewhere(self._session.selection)
        self._pages.setCurrentIndex(1)

    def _map_changed(self, latent: str) -> None:
        if latent == self._latent:
            self.refresh()

    def _show_work(self) -> None:
        working = self._session.map_job is not None
        self.stop_button.setVisible(working)
        self.fit_button.setVisible(not working)
        self.go_on_button.setVisible(not working and self._latent in self._session.maps)
        self.fit_button.setEnabled(len(self._session.encoded()) >= FEWEST_CLIPS)
        self.progress.setVisible(working)
        job = self._session.map_job
        if job is not None and job is not self._job:
            self.progress.setRange(0, 0)
            job.progress.connect(self._show_progress)
        self._job = job

    def _show_progress(self, fraction: float | None, words: str, _eta_s: float | None) -> None:
        self.progress.setRange(0, 0 if fraction is None else 1000)
        self.progress.setValue(round(1000 * (fraction or 0.0)))
        self.progress.setToolTip(words)

    def _show_choices(self) -> None:
        names = colouring.choices(self._session.clips, self._latent)
        if names != [self.colour_by.itemData(i) for i in range(self.colour_by.count())]:
            current = self.colour_by.currentData()
            with QSignalBlocker(self.colour_by):
                self.colour_by.clear()
                for name in names:
                    self.colour_by.addItem(self._title_of(name), name)
                self.colour_by.setCurrentIndex(max(0, self.colour_by.findData(current)))

    def _recolour(self) -> None:
        if self._points is None:
            return
        by = self.colour_by.currentData()
        found = colouring.colouring(self._points, self._session.clips, by, dark=theme.is_dark(self))
        self.scatter.set_colours(found.index, found.palette)
        self.scatter.isolate(None)
        ends = found.ends
        self.legend.setVisible(ends is None)
        self.scale.setVisible(ends is not None)
        if ends is None:
            names = found.names
            self.legend.set_classes(names, found.palette[: len(names)], found.counts)
        else:
            self.scale.set_scale(found.palette[:-1], self._title_of(by), *ends)

    def _why_empty(self) -> tuple[str, bool]:
        """Words for an empty map, and whether it could be laid out now."""
        if not self._session.clips:
            return self.tr(
                "Drop recordings anywhere in this window; the map shows which of them sound alike."
            ), False
        if self._session.model is None:
            return self.tr(
                "A map needs a model: h, m and z come from one.\nTrain one in the Training tab, or open one with "
                "Model > Open."
            ), False
        if self._session.map_job is not None:
            return self.tr("Laying out the map … The first layout appears in a moment."), False
        ready = len(self._session.encoded())
        if ready < FEWEST_CLIPS:
            return self.tr("A map needs at least {0} analysed clips; there are {1}.").format(
                FEWEST_CLIPS, ready
            ), False
        what = {
            "h": self.tr("one point a clip"),
            "m": self.tr("one point a second"),
            "z": self.tr("one point a frame"),
        }
        return self.tr("{0} clips are ready. The map of {1} shows {2}.").format(
            ready, self._latent, what[self._latent]
        ), True

    def _caption(self, points: MapPoints) -> str:
        """What a reader must know of this map."""
        settings = points.settings
        method = settings.get("method", "t-SNE")
        words = [
            self.tr("{0} of {1}").format(method, points.latent),
            self.tr("{0} points").format(len(points.ids)),
        ]
        if settings.get("perplexity") is not None:
            words.append(self.tr("perplexity {0}").format(f"{float(settings['perplexity']):.3g}"))
        if "seed" in settings:
            words.append(self.tr("seed {0}").format(settings["seed"]))
        model = settings.get("model_hash") or (self._session.model.hash if self._session.model else "")
        if model:
            words.append(self.tr("model {0}").format(str(model)[:8]))
        return "  ·  ".join(words)

    def _card(self, key: Key) -> str:
        """The hover card: rich text."""
        clip = self._session.clips.get(key[0])
        if clip is None:
            return self.tr("no longer in the library")
        lines = [f"<b>{escape(clip.name)}</b>"]
        if self._latent == "m":
            lines.append(self.tr("second {0} to {1}").format(key[1], key[1] + 1))
        elif self._latent == "z":
            lines.append(clock_text(key[1] / colouring.FRAMES_PER_SECOND, 3))
        labels = [escape(shortened(f"{name}: {value}")) for name, value in clip.labels.items() if value]
        lines += labels[:6]
        if clip.f0_median_hz is not None:
            lines.append(self.tr("median F0 {0} Hz").format(f"{clip.f0_median_hz:.0f}"))
        return "<br>".join(lines)

    def _title_of(self, name: str) -> str:
        known = {
            "speaker": self.tr("Speaker"),
            "gender": self.tr("Gender"),
            "emotion": self.tr("Emotion"),
            colouring.F0: self.tr("Median F0"),
            colouring.TIME: self.tr("Time in the clip"),
        }
        return known.get(name, name)

    # ------------------------------------------------------------------ selection, playing, dragging
    def _selected_here(self, keys: list[Key]) -> None:
        self._session.select(list(dict.fromkeys(clip for clip, _ in keys)), origin="map")

    def _selected_elsewhere(self, ids: list[str]) -> None:
        """Show the session's selection, unless it is the one just made here (which may be single seconds)."""
        chosen = set(ids)
        if {clip for clip, _ in cast("list[Key]", self.scatter.selection())} != chosen:
            self.scatter.set_selection(key for key in self.scatter.keys if cast(Key, key)[0] in chosen)

    def _clicked(self, key: Key) -> None:
        clip, index = key
        if self._latent == "h":
            self._session.play(clip)
            return
        self._session.set_current(clip)
        self.second_requested.emit(clip, index if self._latent == "m" else int(index / colouring.FRAMES_PER_SECOND))

    def _drag_out(self, keys: list[Key]) -> None:
        carried = QDrag(self)
        carried.setMimeData(drag.to_mime(self.payload(keys), self._session.uuid))
        carried.exec(Qt.DropAction.CopyAction)

    # ------------------------------------------------------------------ export
    def export_figure(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self, self.tr("Export the map as a figure"), f"map-{self._latent}.pdf",
            self.tr("Figures (*.pdf *.svg *.png)"),
        )  # fmt: skip
        if path:
            self._session.export_figure(path, self._latent, self.colour_by.currentData())

    def export_coordinates(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self, self.tr("Export the map's coordinates"), f"map-{self._latent}.csv", self.tr("Tables (*.csv)")
        )
        if path:
            self._session.export_coordinates(Path(path), self._latent)

    # ------------------------------------------------------------------ building
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._recolour()

    def _make_commands(self) -> dict[str, QAction]:
        """The same actions serve the buttons here and the window's menus."""
        latents = {
            "h": self.tr("One point a clip: the voice (h)"),
            "m": self.tr("One point a second: the manner of speaking (m)"),
            "z": self.tr("One point a frame: the content (z)"),
        }
        tools = {
            "lasso": self.tr("Drag a lasso round points. Ctrl adds, Alt takes away."),
            "rectangle": self.tr("Drag a rectangle over points. Ctrl adds, Alt takes away."),
            "pan": self.tr("Drag the map. The middle button always does."),
        }
        made: dict[str, QAction] = {}
        for group, slot in ((latents, self.show_latent), (tools, self.set_tool)):
            actions = QActionGroup(self)
            for name, tip in group.items():
                action = actions.addAction(name if group is latents else name.capitalize())
                action.setCheckable(True)
                action.setToolTip(tip)
                action.triggered.connect(lambda _checked=False, name=name, slot=slot: slot(name))
                made[name] = action
        made["h"].setChecked(True)
        made[TOOLS[0]].setChecked(True)
        plain = (
            ("fit_view", self.tr("Show the whole &map"), self.scatter.fit),
            ("fit_map", self.tr("&Lay out the map"), self.fit),
            ("stop_map", self.tr("&Stop laying out"), self._session.stop_map),
            ("export_figure", self.tr("Export map as &figure …"), self.export_figure),
            ("export_coordinates", self.tr("Export map &coordinates …"), self.export_coordinates),
        )
        for name, words, plain_slot in plain:
            action = QAction(words, self)
            action.triggered.connect(lambda _checked=False, slot=plain_slot: slot())
            made[name] = action
        return made

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        bar.setSpacing(theme.SPACE)
        for name in LATENTS:
            bar.addWidget(self._button(name))
        bar.addSpacing(theme.SPACE)
        bar.addWidget(self.colour_by)
        bar.addStretch(1)
        for name in TOOLS:
            bar.addWidget(self._button(name))
        bar.addSpacing(theme.SPACE)
        gear = QToolButton()
        gear.setAccessibleName(self.tr("Settings of the map"))
        gear.setObjectName("mapSettings")
        gear.setToolTip(self.tr("Perplexity, PCA, distance and seed of the next layout"))
        gear.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        popover = QMenu(gear)
        holder = QWidgetAction(popover)
        holder.setDefaultWidget(self.settings)
        popover.addAction(holder)
        gear.setMenu(popover)
        bar.addWidget(gear)
        bar.addWidget(self.fit_button)
        bar.addWidget(self.go_on_button)
        bar.addWidget(self.stop_button)
        more = QToolButton()
        more.setAccessibleName(self.tr("Export the map"))
        more.setToolTip(self.tr("Export the map as a figure or a table"))
        more.setObjectName("mapExport")
        more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        exports = QMenu(more)
        exports.addActions([self.commands["export_figure"], self.commands["export_coordinates"]])
        more.setMenu(exports)
        bar.addWidget(more)
        gear.setIcon(theme.icon("settings"))
        more.setIcon(theme.icon("export"))
        for name in TOOLS:
            self.commands[name].setIcon(theme.icon(name))

        empty = QWidget()
        column = QVBoxLayout(empty)
        column.addStretch(1)
        column.addWidget(self._empty_words)
        column.addWidget(self._empty_fit, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)
        picture = QWidget()
        row = QHBoxLayout(picture)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.scatter, 1)
        side = QVBoxLayout()
        side.addWidget(self.legend, 1)
        side.addWidget(self.scale, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(side)
        self._pages = QStackedWidget()
        self._pages.addWidget(empty)
        self._pages.addWidget(picture)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        outer.setSpacing(theme.SPACE)
        outer.addLayout(bar)
        outer.addWidget(self.progress)
        outer.addWidget(self._pages, 1)

    def _button(self, name: str) -> QToolButton:
        button = ChoiceButton(self.commands[name])
        button.setObjectName(f"map-{name}")
        button.setAccessibleDescription(self.commands[name].toolTip())
        return button


def shortened(words: str) -> str:
    return words if len(words) <= CARD_LETTERS else f"{words[:CARD_LETTERS].rstrip()} …"
