"""One recipe on many recordings: one after the other, a result for each, another try for what failed."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent
from pytestqt.qtbot import QtBot
from stage import Idle, analysed, some_take

from engine.api import Done, Failed, Transfer
from studio.domain import payload as drag
from studio.domain.payload import Payload
from studio.panels.library.panel import LibraryPanel
from studio.panels.transfer.panel import TransferDeskPanel
from studio.services.preferences import Preferences
from studio.session.session import Session


@pytest.fixture
def ids(session: Session) -> list[str]:
    return analysed(session, "a1", "a2", "b1", "b2")


def voice_of(clip_id: str) -> Payload:
    return Payload("clips", clips=(clip_id,))


def states(session: Session) -> list[str]:
    return [item.state for item in session.batch.items]


def test_recordings_are_rendered_one_after_the_other(session: Session, link: Idle, ids: list[str]) -> None:
    session.batch.give(ids[:3], voice_of(ids[3]), "voice")
    assert states(session) == ["rendering", "waiting", "waiting"]
    for place in range(3):
        (job,) = link.asked(Transfer)
        assert job.request.source == session.library.clips[ids[place]].folder
        assert [ref.folder for ref in job.request.voice] == [session.library.clips[ids[3]].folder]
        job.take(Done(some_take(f"t{place}", f"/t{place}.wav")))
    assert states(session) == ["done"] * 3
    assert [take.name for take in session.takes.items] == ["t0", "t1", "t2"]
    assert all(session.batch.made(take) for take in session.takes.items)


def test_one_failure_stops_no_other_and_can_be_tried_again(session: Session, link: Idle, ids: list[str]) -> None:
    session.batch.give(ids[:2], voice_of(ids[3]), "voice")
    link.asked(Transfer)[0].take(Failed("The disk is full.", "Free some space."))
    link.asked(Transfer)[0].take(Done(some_take("t1", "/t1.wav")))
    assert states(session) == ["failed", "done"]
    assert "The disk is full." in session.batch.items[0].words
    session.batch.retry()
    assert states(session) == ["rendering", "done"]
    link.asked(Transfer)[0].take(Done(some_take("t0", "/t0.wav")))
    assert states(session) == ["done", "done"]


def test_a_stopped_batch_keeps_what_is_done(session: Session, link: Idle, ids: list[str]) -> None:
    session.batch.give(ids[:3], voice_of(ids[3]), "emotion")
    link.asked(Transfer)[0].take(Done(some_take("t0", "/t0.wav")))
    (job,) = link.asked(Transfer)
    session.batch.stop()
    assert states(session) == ["done", "stopped", "stopped"]
    session.batch.retry()  # before the engine has answered
    job.take(Failed("", "", cancelled=True))
    assert states(session) == ["done", "rendering", "waiting"]


def test_what_is_not_analysed_yet_waits_and_lets_others_go_first(
    session: Session, link: Idle, ids: list[str]
) -> None:
    session.library.clips[ids[0]].state = "analysing"
    session.batch.give(ids[:2], voice_of(ids[3]), "voice")
    assert states(session) == ["waiting", "rendering"]
    assert "still being analysed" in session.batch.items[0].words
    link.asked(Transfer)[0].take(Done(some_take("t1", "/t1.wav")))
    session.library.clips[ids[0]].state = "ready"
    session.library.changed.emit([ids[0]])
    assert states(session) == ["rendering", "done"]


def test_a_recording_that_cannot_be_rendered_says_why(session: Session, ids: list[str]) -> None:
    session.library.clips[ids[0]].state = "missing"
    session.batch.give(ids[:1], voice_of(ids[3]), "voice")
    assert states(session) == ["failed"]
    assert "no longer where it was" in session.batch.items[0].words


def test_the_desk_renders_many_with_what_lies_on_it(session: Session, link: Idle, ids: list[str]) -> None:
    session.batch.render(ids[:2])
    assert session.batch.items == []
    assert "no voice and no emotion" in session.messages.history[-1].what
    session.transfer.add_voice(voice_of(ids[3]))
    session.transfer.set_strength(0.5)
    session.batch.render(ids[:2])
    session.transfer.clear_desk()  # later changes of the desk do not reach a batch under way
    assert link.asked(Transfer)[0].request.strength == 0.5
    link.asked(Transfer)[0].take(Done(some_take("t0", "/t0.wav")))
    assert link.asked(Transfer)[0].request.voice


@pytest.fixture
def desk(session: Session, qtbot: QtBot, tmp_path: Path) -> TransferDeskPanel:
    made = TransferDeskPanel(session, session.messages, Preferences(tmp_path / "settings.ini"))
    qtbot.addWidget(made)
    made.resize(1300, 340)
    made.show()
    return made


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
    assert "The source is one clip" in (desk.source_zone.offer(drag.to_mime(many, session.context.uuid)) or "")
    session.transfer.add_voice(voice_of(ids[3]))
    assert desk.source_zone.offer(drag.to_mime(many, session.context.uuid)) is None
    assert states(session) == ["rendering", "waiting"]


# ------------------------------------------------------------------------------------------ on the library
@pytest.fixture
def library(session: Session, ids: list[str], qtbot: QtBot, tmp_path: Path) -> LibraryPanel:
    made = LibraryPanel(session, session.messages, Preferences(tmp_path / "settings.ini"))
    qtbot.addWidget(made)
    made.resize(700, 400)
    made.show()
    return made


def hover(library: LibraryPanel, payload: Payload, row: int, keys: Qt.KeyboardModifier) -> bool:
    """Drag a payload over a row; whether it would be taken."""
    mime = drag.to_mime(payload, library._session.context.uuid)
    at: QPoint = library.view.visualRect(library.table.index(row, 0)).center()
    copy, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    viewport = library.view.viewport()
    library.drops.eventFilter(viewport, QDragEnterEvent(at, copy, mime, left, keys))
    move = QDragMoveEvent(at, copy, mime, left, keys)
    library.drops.eventFilter(viewport, move)
    return move.isAccepted()


def let_go(library: LibraryPanel, payload: Payload, row: int, keys: Qt.KeyboardModifier) -> bool:
    """Drag a payload over a row and drop it there; whether it was taken."""
    would_be_taken = hover(library, payload, row, keys)
    mime = drag.to_mime(payload, library._session.context.uuid)
    at: QPoint = library.view.visualRect(library.table.index(row, 0)).center()
    copy, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    viewport = library.view.viewport()
    drop = QDropEvent(QPointF(at), copy, mime, left, keys)
    drop.ignore()
    library.drops.eventFilter(viewport, drop)
    assert drop.isAccepted() == would_be_taken
    return drop.isAccepted()


PLAIN, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier


def test_a_voice_dropped_on_a_recording_makes_it_the_source(
    library: LibraryPanel, session: Session, ids: list[str]
) -> None:
    session.transfer.add_voice(voice_of(ids[0]))
    assert let_go(library, voice_of(ids[3]), 1, PLAIN)
    assert session.transfer.setup.source == session.library.current == ids[1]
    assert [chip.payload for chip in session.transfer.setup.voices] == [voice_of(ids[3])]
    session.undo.stack.undo()
    assert session.transfer.setup.source is None


@pytest.fixture
def hints(session: Session) -> list[str]:
    """What was told to whoever drags something, one after the other."""
    told: list[str] = []
    session.messages.hinted.connect(told.append)
    return told


@pytest.mark.parametrize("ending", ["drop", "leave"])
def test_what_letting_go_would_do_is_told_as_long_as_something_hovers(
    library: LibraryPanel, session: Session, ids: list[str], hints: list[str], ending: str
) -> None:
    if ending == "drop":
        let_go(library, voice_of(ids[3]), 1, PLAIN)
    else:
        hover(library, voice_of(ids[3]), 1, PLAIN)
        library.drops.eventFilter(library.view.viewport(), QDragLeaveEvent())
    assert hints == ["Let go to give the voice of b2.wav to a2.wav; with Shift its m.", ""]
    assert not any("Let go" in message.what for message in session.messages.history), "it is no news"


def test_no_recording_is_offered_its_own_voice_by_another_name(
    library: LibraryPanel, session: Session, ids: list[str], hints: list[str]
) -> None:
    session.library.set_label(ids[:1], "speaker", "carla")
    assert not let_go(library, Payload("speaker", (ids[0],), "carla"), 0, PLAIN)
    assert hints == ["That is this clip: its own voice changes nothing.", ""]
    assert session.messages.history[-1].what == hints[0]


def test_of_several_selected_the_giver_is_left_out(
    library: LibraryPanel, session: Session, ids: list[str], hints: list[str]
) -> None:
    session.library.select(ids[:3])
    assert let_go(library, voice_of(ids[0]), 1, PLAIN)
    assert [item.clip_id for item in session.batch.items] == ids[1:3]
    assert "2 recordings" in hints[0]


def test_with_shift_it_is_the_emotion(library: LibraryPanel, session: Session, ids: list[str]) -> None:
    assert let_go(library, voice_of(ids[3]), 1, SHIFT)
    assert [chip.payload for chip in session.transfer.setup.emotions] == [voice_of(ids[3])]
    assert session.transfer.setup.voices == []


def test_a_recording_does_not_take_its_own_voice(library: LibraryPanel, session: Session, ids: list[str]) -> None:
    assert not let_go(library, voice_of(ids[1]), 1, PLAIN)
    assert session.transfer.setup.source is None
    assert "changes nothing" in session.messages.history[-1].what


def test_a_voice_dropped_on_one_of_several_selected_goes_to_all(
    library: LibraryPanel, session: Session, ids: list[str]
) -> None:
    session.library.select(ids[:3])
    assert let_go(library, voice_of(ids[3]), 1, PLAIN)
    assert [item.clip_id for item in session.batch.items] == ids[:3]
    assert session.transfer.setup.source is None


def test_a_label_s_cell_is_dragged_as_every_clip_that_carries_it(
    library: LibraryPanel, session: Session, ids: list[str]
) -> None:
    session.library.set_label(ids[:2], "emotion", "angry")
    library.view.setCurrentIndex(library.table.index(0, 4))
    assert library.payload(4) == Payload("label", label=("emotion", "angry"))


def test_the_menu_does_what_the_drop_does(library: LibraryPanel, session: Session, ids: list[str]) -> None:
    session.library.select([ids[0]])
    menus = {action.text(): action.menu() for action in library.context_menu().actions()}
    clips = next(a.menu() for a in menus["&Give it a voice"].actions() if a.text() == "&Clips")
    entries = {action.text(): action for action in clips.actions()}
    assert not entries["a1.wav"].isEnabled()
    entries["b2.wav"].trigger()
    assert session.transfer.setup.source == ids[0]
    assert [chip.payload for chip in session.transfer.setup.voices] == [voice_of(ids[3])]
