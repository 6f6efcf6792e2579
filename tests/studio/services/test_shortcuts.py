"""Shortcuts: listed, changed, kept, and never two for one key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot
from stage import Idle

from studio import app
from studio.app import Studio
from studio.dialogs.preferences.dialog import SHORTCUTS, PreferencesDialog
from studio.dialogs.preferences.shortcuts_page import ShortcutsPage
from studio.services.preferences import Preferences
from studio.services.shortcuts import Shortcuts


def key(text: str) -> QKeySequence:
    return QKeySequence(text)


def make(preferences: Preferences, parent: QWidget) -> Shortcuts:
    actions = {}
    for name, own in (("file.save", "Ctrl+S"), ("file.open", "Ctrl+O"), ("help.about", "")):
        action = QAction(f"&{name}", parent)
        action.setShortcut(key(own))
        parent.addAction(action)
        actions[name] = action
    made = Shortcuts(preferences, parent)
    made.take_up("File", actions)
    return made


@pytest.fixture
def preferences(tmp_path: Path) -> Preferences:
    return Preferences(tmp_path / "s.ini")


@pytest.fixture
def widget(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    return made


def keys(shortcuts: Shortcuts) -> dict[str, str]:
    return {command.name: command.key.toString() for command in shortcuts.commands()}


def test_a_key_that_was_chosen_is_there_again_after_a_restart(widget: QWidget, preferences: Preferences) -> None:
    shortcuts = make(preferences, widget)
    assert shortcuts.set_key("file.save", key("Ctrl+Shift+Q")) is None
    assert shortcuts.set_key("file.open", QKeySequence()) is None
    preferences.sync()
    assert keys(make(preferences, widget)) == {"file.save": "Ctrl+Shift+Q", "file.open": "", "help.about": ""}


def test_a_key_that_another_command_has_is_refused_and_nothing_changes(
    widget: QWidget, preferences: Preferences
) -> None:
    shortcuts = make(preferences, widget)
    taken = shortcuts.set_key("file.save", key("Ctrl+O"))
    assert taken is not None
    assert taken.name == "file.open"
    assert keys(shortcuts)["file.save"] == "Ctrl+S"
    assert keys(make(preferences, widget))["file.save"] == "Ctrl+S"


def test_two_lists_may_each_have_a_delete_key_of_their_own(
    qtbot: QtBot, widget: QWidget, preferences: Preferences
) -> None:
    shortcuts = Shortcuts(preferences, widget)
    for name in ("takes", "library"):
        panel = QWidget(widget)
        action = QAction("Remove", panel)
        action.setShortcut(key("Del"))
        action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        panel.addAction(action)
        shortcuts.take_up(name, {f"{name}.remove": action})
    assert shortcuts.conflict("takes.remove", key("Del")) is None
    outside = QAction("Anywhere", widget)
    widget.addAction(outside)
    shortcuts.take_up("File", {"file.anywhere": outside})
    assert shortcuts.set_key("file.anywhere", key("Del")) is not None


def test_reset_gives_the_first_key_back_unless_it_was_given_away(widget: QWidget, preferences: Preferences) -> None:
    shortcuts = make(preferences, widget)
    shortcuts.set_key("file.save", key("F9"))
    shortcuts.set_key("help.about", key("Ctrl+S"))
    taken = shortcuts.reset("file.save")
    assert taken is not None
    assert taken.name == "help.about"
    shortcuts.reset_all()
    assert keys(shortcuts) == {"file.save": "Ctrl+S", "file.open": "Ctrl+O", "help.about": ""}
    assert keys(make(preferences, widget)) == keys(shortcuts)


@pytest.fixture
def studio(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    monkeypatch.setattr(app, "EngineLink", Idle)
    made = Studio()
    qtbot.addWidget(made.window)
    made.window.show()
    yield made
    made.close()


@pytest.fixture
def page(qtbot: QtBot, studio: Studio) -> ShortcutsPage:
    dialog = PreferencesDialog(
        studio.session, studio.preferences, studio.window.shortcuts, SHORTCUTS, studio.window
    )
    dialog.show()
    return dialog.shortcuts


def test_no_key_of_the_studio_belongs_to_two_commands(studio: Studio) -> None:
    shortcuts = studio.window.shortcuts
    clashes = [
        (command.name, other.name)
        for command in shortcuts.commands()
        for one in command.action.shortcuts()
        if (other := shortcuts.conflict(command.name, one)) is not None
    ]
    assert clashes == []
    assert len(shortcuts.commands()) > 50


def test_every_command_of_every_menu_is_listed(studio: Studio) -> None:
    listed = {command.action for command in studio.window.shortcuts.commands()}
    unlisted = []
    menus = [action.menu() for action in studio.window.menuBar().actions()]
    while menus:
        for action in menus.pop().actions():
            if action.menu() is studio.window.clip_view.transport.devices:
                continue  # devices that are there now, no commands
            if action.menu() is not None:
                menus.append(action.menu())
            elif not action.isSeparator() and action not in listed and action.isEnabled():
                unlisted.append(action.text())
    assert unlisted == []


def test_f2_shows_the_list(qtbot: QtBot, studio: Studio) -> None:
    studio.window.activateWindow()
    qtbot.waitUntil(studio.window.isActiveWindow)
    qtbot.keyClick(studio.window, Qt.Key.Key_F2)
    dialog = studio.window.findChild(PreferencesDialog)
    assert dialog is not None
    assert dialog.pages.currentWidget() is dialog.shortcuts


def found(page: ShortcutsPage) -> list[str]:
    """The commands that the search has left."""
    groups = [page.list.topLevelItem(i) for i in range(page.list.topLevelItemCount())]
    items = [group.child(i) for group in groups for i in range(group.childCount())]
    return [item.text(0) for item in items if not item.isHidden()]


def test_a_command_is_found_by_typing_its_words_or_its_key(page: ShortcutsPage) -> None:
    page.search.setText("undo")
    assert found(page) == ["Undo"]
    page.search.setText("ctrl+shift+s")
    assert found(page) == ["Save project as"]


def test_a_new_key_works_at_once_and_a_taken_one_is_explained(studio: Studio, page: ShortcutsPage) -> None:
    page.choose("edit.undo")
    page.key.setKeySequence(key("Ctrl+S"))
    page.set_button.click()
    assert "Save project" in page.words.text()
    page.key.setKeySequence(key("Ctrl+Alt+U"))
    page.set_button.click()
    assert studio.window.menus.actions["edit.undo"].shortcut().toString() == "Ctrl+Alt+U"
    page.reset_button.click()
    assert studio.window.menus.actions["edit.undo"].shortcut().toString() == "Ctrl+Z"
