"""Late updates: what is out of sight is brought up to date when it is seen."""

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


def test_many_changes_are_shown_once(widget: QWidget, qtbot: QtBot) -> None:
    soon, shown = WhenSeen(widget, 10), []
    soon.due.connect(lambda: shown.append(1))
    widget.show()
    with qtbot.waitSignal(soon.due):
        for _ in range(5):
            soon.ask(["id"])
    qtbot.wait(30)
    assert shown == [1]


def test_a_hidden_widget_is_shown_when_it_is_shown(widget: QWidget, qtbot: QtBot) -> None:
    soon, shown = WhenSeen(widget, 0), []
    soon.due.connect(lambda: shown.append(1))
    soon.ask()
    qtbot.wait(20)
    assert shown == []
    widget.show()
    assert shown == [1]
    widget.hide()
    widget.show()
    assert shown == [1]


def test_a_widget_hidden_meanwhile_waits(widget: QWidget, qtbot: QtBot) -> None:
    soon, shown = WhenSeen(widget, 0), []
    soon.due.connect(lambda: shown.append(1))
    widget.show()
    soon.ask()
    widget.hide()
    qtbot.wait(20)
    assert shown == []
    widget.show()
    assert shown == [1]
