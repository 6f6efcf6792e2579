"""Every command of the menu bar, as data: what it is called, its key, what it does, when it can be done; the menus.

To add a command, add it to `commands` and its id to a menu in `menus`. Commands of a panel are data in the panel's
own list; here they have its prefix: "map.lasso" is the map's "lasso".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QAction, QKeySequence

from studio.dialogs.about import AboutDialog
from studio.domain.drag_payload import Payload
from studio.services.actions import WORDS, Action

if TYPE_CHECKING:
    from studio.window.main_window import MainWindow

STANDARD = QKeySequence.StandardKey
LINE = "-"
# Menus that are filled as they open.
RECENT, DEVICES, GIVE_VOICE, GIVE_EMOTION = "recent", "devices", "give_voice", "give_emotion"


@dataclass(frozen=True)
class Menu:
    """A menu: ids of commands, lines, and menus within it; or what fills it as it opens."""

    title: str
    contents: tuple[str | Menu, ...] = ()
    filled_by: str = ""


def menus() -> tuple[Menu, ...]:
    """The menu bar, from left to right."""
    return (
        Menu(
            _tr("&File"),
            (
                *("file.new", "file.open", Menu(_tr("Open &recent"), filled_by=RECENT)),
                *("file.save", "file.save_as", "file.find_missing", LINE),
                *("file.add", "file.add_folder", "file.get_corpus", "file.record", "file.example", LINE),
                Menu(_tr("&Export embeddings"), tuple(f"file.export_{name}" for name in ("h", "m", "z", "all"))),
                *("file.export_figure", "file.export_coordinates", LINE),
                "file.quit",
            ),
        ),
        Menu(
            _tr("&Edit"),
            ("edit.undo", "edit.redo", LINE, "edit.select_all", "edit.remove", LINE, "edit.preferences"),
        ),
        Menu(
            _tr("&View"),
            (
                *("view.linear", "view.difference", "view.show_f0", "view.show_intensity", "view.snap"),
                *("view.lane_tools", LINE),
                *("view.fit", "view.zoom_selection", "view.zoom_in", "view.zoom_out", "view.earlier", "view.later"),
                *(LINE, "view.select_from", "view.select_to", "view.select_none"),
            ),
        ),
        Menu(
            _tr("&Playback"),
            (
                *("playback.play", "playback.loop"),
                *("playback.original", "playback.reconstruction", "playback.transformed"),
                *("playback.next_version", "playback.last_version", LINE),
                Menu("", filled_by=DEVICES),
            ),
        ),
        Menu(
            _tr("&Map"),
            (
                *("map.h", "map.m", "map.z", "map.all", LINE),
                *("map.lasso", "map.rectangle", "map.pan", "map.pin", "map.path", LINE),
                *("map.fit_map", "map.go_on_map", "map.stop_map", "map.fit_view", LINE),
                *("map.select_found", "map.pin_here", "map.give_pin", "map.path_here", "map.hear_place", LINE),
            ),
        ),
        Menu(
            _tr("M&odel"),
            (
                *("model.open", "model.train", LINE),
                *("model.probe", "model.probes_run", "model.probes_stop"),
                *("model.probes_export_csv", "model.probes_export_latex", "model.probes_export_figure", LINE),
                Menu(
                    _tr("&Audition of checkpoints"),
                    tuple(
                        f"model.audition_{name}"
                        for name in (
                            "add_clips",
                            "add_desk",
                            "remove",
                            "render",
                            "stop",
                            "play",
                            "before",
                            "after",
                            "use",
                        )
                    ),
                ),
            ),
        ),
        Menu(
            _tr("&Transfer"),
            (
                *("transfer.source", "transfer.voice", "transfer.speaker", "transfer.emotion", LINE),
                Menu(_tr("&Give the current clip a voice"), filled_by=GIVE_VOICE),
                Menu(_tr("Gi&ve the current clip an emotion"), filled_by=GIVE_EMOTION),
                *(LINE, "transfer.batch", "transfer.render"),
            ),
        ),
        Menu(
            _tr("&Window"),
            (
                *("window.library", "window.map", "window.training", "window.dashboard", "window.desk"),
                *("window.jobs", "window.history", LINE, "window.reset"),
            ),
        ),
        Menu(_tr("&Help"), ("help.shortcuts", LINE, "help.system_info", "help.log_folder", "help.about")),
    )


def commands(window: MainWindow) -> tuple[Action, ...]:
    """The window's own commands."""
    return (*_file(window), *_edit(window), *_model(window), *_transfer(window), *_others(window))


def of_panels(window: MainWindow) -> dict[str, QAction]:
    """The commands that panels and Qt have made, by the ids they have in the menus."""
    stack = window.session.undo.stack
    undo, redo = stack.createUndoAction(window, _tr("&Undo")), stack.createRedoAction(window, _tr("&Redo"))
    for action, key in ((undo, STANDARD.Undo), (redo, STANDARD.Redo)):
        action.setShortcut(QKeySequence(key))
        action.setProperty(WORDS, action.text())  # not what it would undo just now
    maps = window.map_view.commands
    found = {"edit.undo": undo, "edit.redo": redo}
    for prefix, made in (
        ("view.", window.clip_view.view.commands),
        ("playback.", window.clip_view.transport.commands),
        ("map.", maps),
        ("model.probes_", window.dashboard.commands),
        ("model.audition_", window.training.audition.commands),
        ("window.", {name: dock.toggleViewAction() for name, dock in window.docks.items()}),
    ):
        found |= {prefix + name: action for name, action in _items(made)}
    for name in ("export_figure", "export_coordinates"):
        found[f"file.{name}"] = maps[name]
    return found


def _file(window: MainWindow) -> tuple[Action, ...]:
    projects = window.projects
    export = _tr("Export embeddings: {0}")
    return (
        Action("file.new", _tr("&New project"), projects.new, STANDARD.New),
        Action("file.open", _tr("&Open project …"), projects.open, STANDARD.Open),
        Action("file.save", _tr("&Save project"), projects.save, STANDARD.Save),
        Action("file.save_as", _tr("Save project &as …"), projects.save_as, "Ctrl+Shift+S"),
        Action("file.find_missing", _tr("&Find missing recordings …"), projects.find_missing),
        Action("file.add", _tr("&Add recordings …"), window.library.choose_files, "Ctrl+I"),
        Action("file.add_folder", _tr("Add &folder …"), window.add_folder_dialog, "Ctrl+Shift+O"),
        Action("file.get_corpus", _tr("&Get a corpus …"), window.corpora.get),
        Action("file.record", _tr("Recor&d …"), window.record, "Ctrl+R", icon="microphone"),
        Action("file.example", _tr("Load &example voices"), window.session.imports.load_example),
        *(
            Action(
                f"file.export_{latent}",
                title,
                partial(window.export_embeddings_dialog, latent),
                "Ctrl+E" if latent == "h" else None,
                words=export.format(latent),
            )
            for latent, title in (
                ("h", _tr("&Voice (h): a row a clip …")),
                ("m", _tr("&Emotion (m): a row a second …")),
                ("z", _tr("&Content (z): a row a frame …")),
                ("all", _tr("&All three …")),
            )
        ),
        Action("file.quit", _tr("&Quit"), window.close, STANDARD.Quit, role=QAction.MenuRole.QuitRole),
    )


def _edit(window: MainWindow) -> tuple[Action, ...]:
    library = window.session.library
    return (
        Action(
            "edit.select_all",
            _tr("Select &all clips"),
            lambda: library.select(list(library.clips)),
            STANDARD.SelectAll,
        ),
        Action(
            "edit.remove",
            _tr("Re&move selected clips"),
            lambda: library.remove(list(library.selection)),
            enabled_when=lambda: bool(library.selection),
        ),
        Action(
            "edit.preferences",
            _tr("&Preferences …"),
            window.show_preferences,
            "Ctrl+,",
            role=QAction.MenuRole.PreferencesRole,
        ),
    )


def _model(window: MainWindow) -> tuple[Action, ...]:
    return (
        Action("model.open", _tr("&Open model …"), window.open_model_dialog, "Ctrl+M"),
        Action("model.train", _tr("&Train a model …"), partial(window.places.show, "training"), "Ctrl+T"),
        Action(
            "model.probe",
            _tr("&Dashboard: what voice (h), emotion (m) and content (z) predict"),
            partial(window.places.show, "dashboard"),
            "Ctrl+D",
        ),
    )


def _transfer(window: MainWindow) -> tuple[Action, ...]:
    """The twins of the drags: they can be done when there is something to drag."""
    session, library = window.session, window.session.library

    def selected() -> bool:
        return bool(library.selection)

    def speaker() -> str:
        current = library.clips.get(library.current or "")
        return (current.labels.get("speaker") or "") if current else ""

    def put(zone: str, payload: Payload) -> None:
        window.places.show("desk")
        window.desk.drop(zone, payload)

    def render_batch() -> None:
        window.places.show("desk")
        session.batch.render(library.selection)

    return (
        Action(
            "transfer.source",
            _tr("Use the current clip as &source"),
            lambda: put("source", Payload("clips", clips=(library.current or "",))),
            "Ctrl+1",
            enabled_when=lambda: library.current in library.clips,
        ),
        Action(
            "transfer.voice",
            _tr("Add the selected clips as &voice (h)"),
            lambda: put("voice", Payload("clips", clips=tuple(library.selection))),
            "Ctrl+2",
            enabled_when=selected,
        ),
        Action(
            "transfer.speaker",
            _tr("Add the current clip's s&peaker as voice (h)"),
            lambda: put("voice", Payload("speaker", speaker=speaker())),
            "Ctrl+3",
            enabled_when=lambda: bool(speaker()),
        ),
        Action(
            "transfer.emotion",
            _tr("Add the selected clips as &emotion (m)"),
            lambda: put("emotion", Payload("clips", clips=tuple(library.selection))),
            "Ctrl+4",
            enabled_when=selected,
        ),
        Action(
            "transfer.batch",
            _tr("Render the selected clips as a &batch"),
            render_batch,
            "Ctrl+Shift+Return",
            enabled_when=selected,
        ),
        Action("transfer.render", _tr("&Render"), window.desk.render_now, "Ctrl+Return"),
    )


def _others(window: MainWindow) -> tuple[Action, ...]:
    return (
        Action("window.reset", _tr("&Reset layout"), window.places.reset),
        Action("help.shortcuts", _tr("&Keyboard shortcuts …"), window.show_shortcuts, "F2"),
        Action("help.system_info", _tr("Copy &system info"), window.copy_system_info),
        Action("help.log_folder", _tr("Open the &log folder"), window.open_log_folder),
        Action(
            "help.about",
            _tr("&About Triptych"),
            lambda: AboutDialog(window).exec(),
            role=QAction.MenuRole.AboutRole,
        ),
    )


def _items(made: Mapping[str, QAction]) -> list[tuple[str, QAction]]:
    return list(made.items())


def _tr(words: str) -> str:
    return QCoreApplication.translate("Menus", words)
