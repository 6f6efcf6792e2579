"""The transfer desk renders by itself or by its button, once a recipe, and plays what is new."""

from __future__ import annotations

import pytest
from at_the_desk import ANNA, FIRST, Asked, finish, take, words
from pytestqt.qtbot import QtBot
from stage import rendered

from engine.api import Transfer
from studio.panels.transfer.panel import TransferDeskPanel
from studio.services.preferences import Preferences
from studio.session.session import Session

pytestmark = pytest.mark.usefixtures("four_recordings")


def test_the_rule_and_the_sound_chosen_reach_the_engine(
    desk: TransferDeskPanel, session: Session, asked: Asked
) -> None:
    desk.on_drop.setChecked(False)
    desk.drop("source", FIRST)
    desk.drop("emotion", ANNA)
    for box, chosen in ((desk.board.rule, "tile"), (desk.board.rendering, "natural")):
        box.setCurrentIndex(box.findData(chosen))
        box.activated.emit(box.currentIndex())
    desk.render_now()
    request = asked.requests[-1]
    assert isinstance(request, Transfer)
    assert (request.rule, request.rendering) == ("tile", "natural")
    session.undo.stack.undo()
    assert desk.board.rendering.currentData() == "model"


def test_another_preferred_vocoder_is_heard_at_once(
    desk: TransferDeskPanel, qtbot: QtBot, session: Session, asked: Asked
) -> None:
    desk.drop("source", FIRST)
    desk.drop("voice", ANNA)
    qtbot.waitUntil(lambda: len(asked.requests) == 1)
    session.transfer.set_vocoder("griffin-lim")
    qtbot.waitUntil(lambda: len(asked.requests) == 2)
    assert [request.vocoder for request in asked.requests] == ["auto", "griffin-lim"]


def test_a_complete_setup_renders_by_itself_once(
    qtbot: QtBot, desk: TransferDeskPanel, session: Session, asked: Asked
) -> None:
    desk.drop("source", FIRST)
    desk.drop("voice", ANNA)
    for percent in (80, 90, 110):
        desk.board.of_voice.slider.setValue(percent)
    qtbot.waitUntil(lambda: len(asked.requests) == 1)
    request = asked.requests[0]
    assert isinstance(request, Transfer)
    assert request.strength == pytest.approx(1.1)
    assert {ref.folder for ref in request.voice} == {
        session.library.clips["c1"].folder,
        session.library.clips["c3"].folder,
    }
    assert words(desk, "transferState") == "Rendering…"
    finish(session, asked, take(session))
    assert words(desk, "transferState") == ""
    desk.render_if_new()
    assert len(asked.requests) == 1, "the same recipe is not rendered twice by itself"


def test_a_rendering_still_to_come_is_dropped_when_the_project_closes(
    desk: TransferDeskPanel, session: Session, asked: Asked
) -> None:
    desk.drop("source", FIRST)
    desk.drop("voice", ANNA)
    assert desk.rendering_due
    session.project.close()
    assert not desk.rendering_due
    assert asked.requests == []


def test_render_on_drop_can_be_turned_off_and_is_remembered(
    desk: TransferDeskPanel, preferences: Preferences, asked: Asked
) -> None:
    desk.on_drop.setChecked(False)
    desk.drop("source", FIRST)
    desk.drop("voice", ANNA)
    assert not desk.rendering_due
    desk.render_button.click()
    assert len(asked.requests) == 1
    assert preferences.get("transfer/render_on_drop", True) is False


def test_what_is_not_analysed_yet_is_waited_for(
    qtbot: QtBot, desk: TransferDeskPanel, session: Session, asked: Asked
) -> None:
    session.library.clips["c0"].state = "analysing"
    desk.drop("source", FIRST)
    desk.drop("voice", ANNA)
    assert "still being analysed" in words(desk, "transferState")
    assert not desk.render_button.isEnabled()
    session.library.clips["c0"].state = "ready"
    session.library.changed.emit(["c0"])
    qtbot.waitUntil(lambda: len(asked.requests) == 1)


def test_a_failed_rendering_says_so_and_is_not_repeated(
    qtbot: QtBot, desk: TransferDeskPanel, session: Session, asked: Asked
) -> None:
    desk.drop("source", FIRST)
    desk.drop("voice", ANNA)
    qtbot.waitUntil(lambda: len(asked.requests) == 1)
    asked.jobs[0].failed.emit("The disk is full.", "Free some space.", "")
    assert words(desk, "transferState") == "The disk is full."
    qtbot.waitUntil(lambda: not desk.rendering_due)
    assert len(asked.requests) == 1


def test_a_fresh_take_plays_at_once_unless_turned_off(
    qtbot: QtBot, desk: TransferDeskPanel, session: Session
) -> None:
    with qtbot.waitSignal(session.takes.play_requested) as heard:
        session.takes.add(take(session))
    assert heard.args[1] == "transformed"
    desk.play_when_ready.setChecked(False)
    with qtbot.assertNotEmitted(session.takes.play_requested):
        session.takes.add(take(session, "two"))


def test_a_take_that_was_there_before_is_shown_but_not_played(
    qtbot: QtBot, desk: TransferDeskPanel, session: Session
) -> None:
    with qtbot.assertNotEmitted(session.takes.play_requested):
        session.takes.items.append(take(session))  # as a project that is opened brings it, or undo
        session.takes.changed.emit()
    assert desk.takes.current() == session.takes.items[0]


def test_a_take_in_another_s_place_is_heard_where_that_was(
    qtbot: QtBot, desk: TransferDeskPanel, session: Session, asked: Asked
) -> None:
    desk.drop("source", FIRST)
    desk.drop("voice", ANNA)
    qtbot.waitUntil(lambda: len(asked.requests) == 1)
    finish(session, asked, rendered(asked.requests[-1], "abc"))
    desk.board.of_voice.slider.setValue(80)
    qtbot.waitUntil(lambda: len(asked.requests) == 2)
    with qtbot.assertNotEmitted(session.takes.play_requested), qtbot.waitSignal(session.takes.follow_requested):
        finish(session, asked, rendered(asked.requests[-1], "abc"))
    assert [made.strength for made in session.takes.items] == [0.8]
    assert desk.takes.current() == session.takes.items[0]
    session.undo.stack.undo()
    assert [made.strength for made in session.takes.items] == [1.0]
    assert desk.takes.current() == session.takes.items[0]
    qtbot.waitUntil(lambda: not desk.rendering_due)
    assert len(asked.requests) == 2, "undo renders nothing"


def test_the_button_makes_a_take_beside_the_live_one(
    qtbot: QtBot, desk: TransferDeskPanel, session: Session, asked: Asked
) -> None:
    desk.drop("source", FIRST)
    desk.drop("voice", ANNA)
    qtbot.waitUntil(lambda: len(asked.requests) == 1)
    finish(session, asked, rendered(asked.requests[-1], "abc"))
    desk.render_button.click()
    finish(session, asked, rendered(asked.requests[-1], "abc"))
    assert len(session.takes.items) == 2
