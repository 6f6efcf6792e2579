"""Commands of a recording's view, without the view."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from studio.plots.recording_commands import RecordingCommands
from studio.plots.timeline import Timeline


@pytest.fixture
def timeline() -> Timeline:
    made = Timeline()
    made.set_duration(10.0)
    return made


@pytest.fixture
def view(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    return made


@pytest.fixture
def commands(view: QWidget, timeline: Timeline) -> RecordingCommands:
    return RecordingCommands(view, timeline, timeline.fit)


def test_no_two_commands_have_the_same_key(commands: RecordingCommands) -> None:
    keys = [action.shortcut().toString() for action in commands.actions.values()]
    assert len(set(keys)) == len(keys)
    assert all(keys)


def test_commands_act_on_the_timeline(commands: RecordingCommands, timeline: Timeline) -> None:
    timeline.set_playhead(4.0)
    commands.actions["select_from"].trigger()
    assert timeline.selection_s == (4.0, 10.0)
    commands.actions["zoom_in"].trigger()
    assert timeline.view_s == (2.0, 7.0)
    commands.actions["fit"].trigger()
    commands.actions["select_none"].trigger()
    assert (timeline.view_s, timeline.selection_s) == ((0.0, 10.0), None)


def test_a_choice_of_what_is_drawn_asks_for_a_picture_and_one_of_how_does_not(
    commands: RecordingCommands, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(commands.picture_wanted), qtbot.assertNotEmitted(commands.chosen):
        commands.actions["linear"].trigger()
    with qtbot.waitSignal(commands.chosen), qtbot.assertNotEmitted(commands.picture_wanted):
        commands.actions["snap"].trigger()
    assert commands.is_checked("linear")


def test_a_choice_that_cannot_be_made_does_not_count(commands: RecordingCommands) -> None:
    commands.actions["difference"].setChecked(True)
    assert not commands.is_checked("difference")
    commands.actions["difference"].setEnabled(True)
    assert commands.is_checked("difference")
