"""The batch on the transfer desk: its lines, and drops of many recordings."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot
from stage import Idle, analysed, some_take

from engine.api import Done, Failed, Transfer
from studio.domain import drag_payload
from studio.domain.drag_payload import Payload
from studio.panels.transfer.panel import TransferDeskPanel
from studio.session.session import Session


@pytest.fixture
def ids(session: Session) -> list[str]:
    return analysed(session, "a1", "a2", "b1", "b2")


def voice_of(clip_id: str) -> Payload:
    return Payload("clips", clips=(clip_id,))


def states(session: Session) -> list[str]:
    return [item.state for item in session.batch.items]


def test_the_desk_shows_a_line_for_each_and_does_not_play_them(
    desk: TransferDeskPanel, session: Session, link: Idle, ids: list[str], qtbot: QtBot
) -> None:
    session.batch.give(ids[:2], voice_of(ids[3]), "voice")
    assert desk.results.currentWidget() is desk.batch
    table = desk.batch.table
    assert [table.data(table.index(row, 0)) for row in range(2)] == ["a1.wav", "a2.wav"]
    with qtbot.assertNotEmitted(session.takes.play_requested):
        link.asked(Transfer)[0].take(Done(some_take("t0", "/t0.wav")))
    assert desk.results.tabText(1) == "Batch (1/2)"
    link.asked(Transfer)[0].take(Failed("The disk is full.", "Free some space."))
    assert table.data(table.index(1, 2)) == "Failed: The disk is full. Free some space."
    assert desk.batch.summary.text() == "1 of 2 done, 1 failed"
    desk.batch.retry_button.click()
    assert states(session) == ["done", "rendering"]
    with qtbot.waitSignal(session.takes.play_requested) as heard:
        desk.batch.view.activated.emit(table.index(0, 0))
    assert heard.args == [session.takes.items[0], "transformed"]


def test_many_clips_dropped_on_the_source_are_a_batch(
    desk: TransferDeskPanel, session: Session, ids: list[str]
) -> None:
    many = Payload("clips", clips=tuple(ids[:2]))
    assert "The source is one clip" in (
        desk.source_zone.offer(drag_payload.to_mime(many, session.context.uuid)) or ""
    )
    session.transfer.add_voice(voice_of(ids[3]))
    assert desk.source_zone.offer(drag_payload.to_mime(many, session.context.uuid)) is None
    assert states(session) == ["rendering", "waiting"]
