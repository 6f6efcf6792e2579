"""Commands as data: the menus name what there is, and what version 0.1 had is there under its id and key."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot
from stage import Idle

from studio import app
from studio.app import Studio
from studio.services.actions import Action, Actions
from studio.window.actions import LINE, Menu, commands, menus, of_panels

OF_0_1: dict[str, str] = json.loads((Path(__file__).parent / "commands_of_0_1.json").read_text("utf-8"))


@pytest.fixture
def studio(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    monkeypatch.setattr(app, "EngineLink", Idle)
    made = Studio()
    qtbot.addWidget(made.window)
    yield made
    made.close()


@pytest.fixture
def owner(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    return made


def ids(menu: Menu) -> list[str]:
    found = [ids(item) if isinstance(item, Menu) else [item] for item in menu.contents if item != LINE]
    return [name for names in found for name in names]


def test_every_menu_names_commands_that_there_are_each_once(studio: Studio) -> None:
    named = [name for menu in menus() for name in ids(menu)]
    there = {command.id for command in commands(studio.window)} | set(of_panels(studio.window))
    assert set(named) <= there
    assert max(Counter(named).values()) == 1


def test_every_command_of_the_window_has_words_and_stands_in_a_menu(studio: Studio) -> None:
    named = {name for menu in menus() for name in ids(menu)}
    for command in commands(studio.window):
        assert command.title
        assert command.id in named


def test_every_command_of_version_0_1_is_there_with_its_key(studio: Studio) -> None:
    now = {command.name: command.key.toString() for command in studio.window.shortcuts.commands()}
    assert {name: now.get(name) for name in OF_0_1} == OF_0_1


def test_a_command_is_asked_whether_it_can_be_done(owner: QWidget) -> None:
    can, done = [False], []
    made = Actions(owner, [Action("a.b", "&Do it", lambda: done.append(1), "Ctrl+J", enabled_when=lambda: can[0])])
    made.refresh()
    assert not made["a.b"].isEnabled()
    made["a.b"].trigger()
    assert not done
    can[0] = True
    made.refresh()
    made["a.b"].trigger()
    assert done == [1]
    assert made["a.b"].shortcut().toString() == "Ctrl+J"


def test_of_a_choice_one_is_chosen(owner: QWidget) -> None:
    made = Actions(
        owner,
        [Action(name, name, lambda: None, choice="letter", checked=name == "a") for name in ("a", "b")],
    )
    made["b"].trigger()
    assert [made[name].isChecked() for name in ("a", "b")] == [False, True]


def test_two_commands_of_one_id_are_a_mistake(owner: QWidget) -> None:
    made = Actions(owner, [Action("a", "A", lambda: None)])
    with pytest.raises(ValueError, match="two commands"):
        made.adopt("a", QAction())
