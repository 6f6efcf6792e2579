"""The menu bar: every command of the studio, with a name that shortcuts are kept under, and a twin for every drag.

To add a command, add a line to the menu it belongs to. `add` makes one from words and a slot; `adopt` takes in an
action that a panel made. Either way it appears in the list of shortcuts, and its key can be changed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu

from studio.dialogs.about import AboutDialog
from studio.dialogs.reference_menu import GiverMenu
from studio.domain import payload as drag
from studio.domain.drop_rules import EMOTION, VOICE
from studio.services import theme
from studio.services.shortcuts import WORDS

if TYPE_CHECKING:
    from studio.window.main_window import MainWindow

Key = str | QKeySequence.StandardKey | Qt.Key


class Menus(QObject):
    """Builds the window's menus. actions: every command by its name, "menu.command"."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._session = window.session
        self.actions: dict[str, QAction] = {}
        self._titles: dict[str, str] = {}  # of the menus, by the first part of their commands' names
        for title, fill in (
            (self.tr("&File"), self._fill_file),
            (self.tr("&Edit"), self._fill_edit),
            (self.tr("&View"), self._fill_view),
            (self.tr("&Playback"), self._fill_playback),
            (self.tr("&Map"), self._fill_map),
            (self.tr("M&odel"), self._fill_model),
            (self.tr("&Transfer"), self._fill_transfer),
            (self.tr("&Window"), self._fill_window),
            (self.tr("&Help"), self._fill_help),
        ):
            self._filling = title.replace("&", "")
            fill(window.menuBar().addMenu(title))
        self._session.library.selection_changed.connect(self._show_possible)
        self._session.library.current_changed.connect(self._show_possible)
        self._session.model.changed.connect(self._show_possible)
        self._show_possible()

    def add(
        self, menu: QMenu, name: str, words: str, slot: Callable[[], object], key: Key | None = None
    ) -> QAction:
        """A new command."""
        action = QAction(words, self._window)
        if key is not None:
            action.setShortcut(QKeySequence(key))
        action.triggered.connect(lambda _checked=False: slot())
        return self.adopt(menu, name, action)

    def adopt(self, menu: QMenu, name: str, action: QAction) -> QAction:
        """A command that a panel made."""
        if name in self.actions:
            raise ValueError(f"two commands are called {name}")
        if not action.objectName():
            action.setObjectName(name)
        menu.addAction(action)
        self.actions[name] = action
        self._titles.setdefault(name.partition(".")[0], self._filling)
        return action

    def by_menu(self) -> list[tuple[str, dict[str, QAction]]]:
        """Title of each menu with its commands by name."""
        found: dict[str, dict[str, QAction]] = {}
        for name, action in self.actions.items():
            found.setdefault(self._titles[name.partition(".")[0]], {})[name] = action
        return list(found.items())

    # ------------------------------------------------------------------ one menu each
    def _fill_file(self, menu: QMenu) -> None:
        window, maps, standard = self._window, self._window.map_view.commands, QKeySequence.StandardKey
        projects = window.projects
        self.add(menu, "file.new", self.tr("&New project"), projects.new, standard.New)
        self.add(menu, "file.open", self.tr("&Open project …"), projects.open, standard.Open)
        recent = menu.addMenu(self.tr("Open &recent"))
        recent.aboutToShow.connect(lambda: projects.fill_recent(recent))
        projects.fill_recent(recent)
        self.add(menu, "file.save", self.tr("&Save project"), projects.save, standard.Save)
        self.add(menu, "file.save_as", self.tr("Save project &as …"), projects.save_as, "Ctrl+Shift+S")
        self.add(menu, "file.find_missing", self.tr("&Find missing recordings …"), projects.find_missing)
        menu.addSeparator()
        self.add(menu, "file.add", self.tr("&Add recordings …"), window.library.choose_files, "Ctrl+I")
        self.add(menu, "file.add_folder", self.tr("Add &folder …"), window.add_folder_dialog, "Ctrl+Shift+O")
        self.add(menu, "file.get_corpus", self.tr("&Get a corpus …"), window.corpora.get)
        record = self.add(menu, "file.record", self.tr("Recor&d …"), window.record, "Ctrl+R")
        record.setIcon(theme.icon("microphone"))
        self.add(menu, "file.example", self.tr("Load &example voices"), self._session.imports.load_example)
        menu.addSeparator()
        export = menu.addMenu(self.tr("&Export embeddings"))
        for latent, words in (
            ("h", self.tr("&h: a row a clip …")),
            ("m", self.tr("&m: a row a second …")),
            ("z", self.tr("&z: a row a frame …")),
            ("all", self.tr("&All three …")),
        ):
            key = "Ctrl+E" if latent == "h" else None
            self.add(
                export,
                f"file.export_{latent}",
                words,
                partial(window.export_embeddings_dialog, latent),
                key,
            ).setProperty(WORDS, self.tr("Export embeddings: {0}").format(latent))
        self.adopt(menu, "file.export_figure", maps["export_figure"])
        self.adopt(menu, "file.export_coordinates", maps["export_coordinates"])
        menu.addSeparator()
        leave = self.add(menu, "file.quit", self.tr("&Quit"), window.close, standard.Quit)
        leave.setMenuRole(QAction.MenuRole.QuitRole)

    def _fill_edit(self, menu: QMenu) -> None:
        window, session, standard = self._window, self._session, QKeySequence.StandardKey
        stack = session.undo.stack
        for name, action, key in (
            ("edit.undo", stack.createUndoAction(self, self.tr("&Undo")), standard.Undo),
            ("edit.redo", stack.createRedoAction(self, self.tr("&Redo")), standard.Redo),
        ):
            action.setShortcut(QKeySequence(key))
            action.setProperty(WORDS, action.text())
            self.adopt(menu, name, action)
        menu.addSeparator()
        self.add(
            menu,
            "edit.select_all",
            self.tr("Select &all clips"),
            lambda: session.library.select(list(session.library.clips)),
            standard.SelectAll,
        )
        self.add(
            menu,
            "edit.remove",
            self.tr("Re&move selected clips"),
            lambda: session.library.remove(list(session.library.selection)),
        )

        menu.addSeparator()
        wanted = self.add(menu, "edit.preferences", self.tr("&Preferences …"), window.show_preferences, "Ctrl+,")
        wanted.setMenuRole(QAction.MenuRole.PreferencesRole)

    def _fill_view(self, menu: QMenu) -> None:
        for name, action in self._window.clip_view.view.commands.items():
            if name in ("fit", "select_from"):  # pictures, time, selection
                menu.addSeparator()
            self.adopt(menu, f"view.{name}", action)

    def _fill_playback(self, menu: QMenu) -> None:
        transport = self._window.clip_view.transport.commands
        # Everywhere but where one types: text fields keep the keys they need for themselves.
        transport["play"].setShortcut(QKeySequence(Qt.Key.Key_Space))
        for name, action in transport.items():
            self.adopt(menu, f"playback.{name}", action)
        menu.addSeparator()
        menu.addMenu(self._window.clip_view.transport.devices)

    def _fill_map(self, menu: QMenu) -> None:
        maps = self._window.map_view.commands
        for group in (
            ("h", "m", "z", "all"),
            ("lasso", "rectangle", "pan", "pin", "path"),
            ("fit_map", "go_on_map", "stop_map", "fit_view"),
            ("select_found", "pin_here", "give_pin", "path_here", "hear_place"),
        ):
            for name in group:
                self.adopt(menu, f"map.{name}", maps[name])
            menu.addSeparator()

    def _fill_model(self, menu: QMenu) -> None:
        window = self._window
        self.add(menu, "model.open", self.tr("&Open model …"), window.open_model_dialog, "Ctrl+M")
        self.add(menu, "model.train", self.tr("&Train a model …"), lambda: window.places.show("training"), "Ctrl+T")
        menu.addSeparator()
        self.add(menu, "model.probe", self.tr("&Dashboard: what h, m and z tell"), self._show_dashboard, "Ctrl+D")
        for name in ("run", "stop", "export_csv", "export_latex", "export_figure"):
            self.adopt(menu, f"model.probes_{name}", window.dashboard.commands[name])

        menu.addSeparator()
        audition = menu.addMenu(self.tr("&Audition of checkpoints"))
        for name, action in window.training.audition.commands.items():
            self.adopt(audition, f"model.audition_{name}", action)

    def _fill_transfer(self, menu: QMenu) -> None:
        for name, words, slot, key in (
            ("source", self.tr("Use the current clip as &source"), self._use_as_source, "Ctrl+1"),
            ("voice", self.tr("Add the selected clips as &voice (h)"), self._add_voice, "Ctrl+2"),
            ("speaker", self.tr("Add the current clip's s&peaker as voice (h)"), self._add_speaker, "Ctrl+3"),
            ("emotion", self.tr("Add the selected clips as &emotion (m)"), self._add_emotion, "Ctrl+4"),
        ):
            self.add(menu, f"transfer.{name}", words, slot, key)
        menu.addSeparator()
        for what, words in (
            (VOICE, self.tr("&Give the current clip a voice")),
            (EMOTION, self.tr("Gi&ve the current clip an emotion")),
        ):
            below = menu.addMenu(words)
            view = self._window.clip_view
            givers = GiverMenu(
                self._session.library,
                self._session.second_edits,
                what,
                partial(view.refusal, what),
                partial(view.give, what),
                view,
            )
            below.aboutToShow.connect(partial(givers.refill, below))
        menu.addSeparator()
        self.add(
            menu,
            "transfer.batch",
            self.tr("Render the selected clips as a &batch"),
            self._render_batch,
            "Ctrl+Shift+Return",
        )
        self.add(menu, "transfer.render", self.tr("&Render"), self._window.desk.render_now, "Ctrl+Return")

    def _fill_window(self, menu: QMenu) -> None:
        for name, dock in self._window.docks.items():
            self.adopt(menu, f"window.{name}", dock.toggleViewAction())
        menu.addSeparator()
        self.add(menu, "window.reset", self.tr("&Reset layout"), self._window.places.reset)

    def _fill_help(self, menu: QMenu) -> None:
        window = self._window
        self.add(menu, "help.shortcuts", self.tr("&Keyboard shortcuts …"), window.show_shortcuts, "F2")
        menu.addSeparator()
        self.add(menu, "help.system_info", self.tr("Copy &system info"), window.copy_system_info)
        self.add(menu, "help.log_folder", self.tr("Open the &log folder"), window.open_log_folder)
        about = self.add(menu, "help.about", self.tr("&About Triptych"), lambda: AboutDialog(window).exec())
        about.setMenuRole(QAction.MenuRole.AboutRole)

    # ------------------------------------------------------------------ twins of the drags
    def _show_possible(self) -> None:
        """They are there when there is something to drag."""
        session = self._session
        current = session.library.clips.get(session.library.current or "")
        speaker = current.labels.get("speaker") if current else None
        selected = bool(session.library.selection)
        for name, possible in (
            ("edit.remove", selected),
            ("transfer.source", current is not None),
            ("transfer.voice", selected),
            ("transfer.speaker", bool(speaker)),
            ("transfer.emotion", selected),
            ("transfer.batch", selected),
        ):
            self.actions[name].setEnabled(possible)

    def _show_dashboard(self) -> None:
        self._window.places.show("dashboard")

    def _use_as_source(self) -> None:
        if self._session.library.current is not None:
            self._to_desk("source", drag.Payload("clips", clips=(self._session.library.current,)))

    def _add_voice(self) -> None:
        self._to_desk("voice", drag.Payload("clips", clips=tuple(self._session.library.selection)))

    def _add_speaker(self) -> None:
        current = self._session.library.clips[self._session.library.current or ""]
        self._to_desk("voice", drag.Payload("speaker", speaker=current.labels["speaker"]))

    def _add_emotion(self) -> None:
        self._to_desk("emotion", drag.Payload("clips", clips=tuple(self._session.library.selection)))

    def _render_batch(self) -> None:
        self._window.places.show("desk")
        self._session.batch.render(self._session.library.selection)

    def _to_desk(self, zone: str, payload: drag.Payload) -> None:
        self._window.places.show("desk")
        self._window.desk.drop(zone, payload)
