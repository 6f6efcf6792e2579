"""The tools of the m lane: the settings of the edit that is selected and of the next one."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from studio.domain.drag_payload import Payload
from studio.domain.transfer_setup import LaneEdit
from studio.panels.clip.lane_cells import AFFECT, DISTANCE
from studio.panels.clip.lane_tools import USUAL, EditSettings, LaneTools

SECONDS, CLIPS = Payload("seconds", seconds=(("a", 0),)), Payload("clips", clips=("a",))


@pytest.fixture
def tools(qtbot: QtBot) -> LaneTools:
    made = LaneTools()
    qtbot.addWidget(made)
    made.show_edit(None, enabled=True, selected=True, restorable=False)
    return made


def choose(tools: LaneTools, rule: str) -> None:
    tools.rule.setCurrentIndex(tools.rule.findData(rule))
    tools.rule.activated.emit(tools.rule.currentIndex())


def test_the_usual_rule_fits_what_is_given() -> None:
    assert [EditSettings().rule_for(given) for given in (SECONDS, CLIPS)] == ["stretch", "mean"]
    assert EditSettings("tile").rule_for(CLIPS) == "tile"


def test_the_settings_of_the_next_edit_are_kept_while_another_is_shown(tools: LaneTools) -> None:
    choose(tools, "tile")
    tools.weight.setValue(50)
    tools.fade.setValue(2.0)
    assert tools.settings == EditSettings("tile", 0.5, 2.0)
    edit = LaneEdit((1,), CLIPS, "a", 0.8, 1.0, 1.0, "mean")
    tools.show_edit(edit, enabled=True, selected=True, restorable=True)
    assert (tools.rule.currentData(), tools.weight.value(), tools.fade.value()) == ("mean", 80, 1.0)
    assert tools.settings == EditSettings("tile")
    tools.show_edit(None, enabled=True, selected=True, restorable=False)
    assert (tools.rule.currentData(), tools.weight.value(), tools.fade.value()) == ("tile", 50, 2.0)


def test_a_change_of_the_edit_that_is_shown_is_asked_for(tools: LaneTools, qtbot: QtBot) -> None:
    asked: list[dict[str, object]] = []
    tools.edit_changed.connect(asked.append)
    edit = LaneEdit((1,), SECONDS, "a", 1.0, 0.0, 0.0, "mean")
    tools.show_edit(edit, enabled=True, selected=True, restorable=True)
    tools.weight.setValue(70)
    tools.fade.setValue(1.5)
    choose(tools, USUAL)
    assert asked == [{"weight": 0.7}, {"fade_in_s": 1.5, "fade_out_s": 1.5}, {"rule": "stretch"}]


def test_affect_can_be_chosen_only_where_it_is_known(tools: LaneTools) -> None:
    tools.show_colours(DISTANCE, affect_known=False)
    assert tools.mode.currentData() == DISTANCE
    assert not tools.mode.model().index(0, 0).flags() & Qt.ItemFlag.ItemIsEnabled
    tools.show_colours(AFFECT, affect_known=True)
    assert tools.mode.currentData() == AFFECT
    assert tools.mode.model().index(0, 0).flags() & Qt.ItemFlag.ItemIsEnabled


def test_buttons_wait_for_what_they_need(tools: LaneTools) -> None:
    tools.show_edit(None, enabled=True, selected=False, restorable=False)
    assert tools.rule.isEnabled()
    assert not tools.give_button.isEnabled()
    assert not tools.restore_button.isEnabled()
    tools.show_edit(None, enabled=False, selected=True, restorable=True)
    assert not any(control.isEnabled() for control in (tools.rule, tools.give_button, tools.restore_button))
