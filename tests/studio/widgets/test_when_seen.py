"""What is out of sight is brought up to date when it is seen."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from studio.widgets.when_seen import WhenSeen


@pytest.fixture
def widget(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    return made


def test_many_changes_are_told_once(widget: QWidget, qtbot: QtBot) -> None:
    soon, told = WhenSeen(widget, 10), []
    soon.due.connect(lambda: told.append(1))
    widget.show()
    with qtbot.waitSignal(soon.due):
        for _ in range(5):
            soon.ask(["id"])
    qtbot.wait(30)
    assert told == [1]


def test_a_hidden_widget_is_told_when_it_is_shown(widget: QWidget, qtbot: QtBot) -> None:
    soon, told = WhenSeen(widget, 0), []
    soon.due.connect(lambda: told.append(1))
    soon.ask()
    qtbot.wait(20)
    assert told == []
    widget.show()
    assert told == [1]
    widget.hide()
    widget.show()
    assert told == [1]


def test_a_widget_hidden_meanwhile_waits(widget: QWidget, qtbot: QtBot) -> None:
    soon, told = WhenSeen(widget, 0), []
    soon.due.connect(lambda: told.append(1))
    widget.show()
    soon.ask()
    widget.hide()
    qtbot.wait(20)
    assert told == []
    widget.show()
    assert told == [1]
