"""Voices and emotions dropped on recordings of the library."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent
from pytestqt.qtbot import QtBot
from stage import analysed

from studio.domain import drag_payload
from studio.domain.drag_payload import Payload
from studio.panels.library.panel import LibraryPanel
from studio.services.preferences import Preferences
from studio.session.session import Session

PLAIN, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def ids(session: Session) -> list[str]:
    return analysed(session, "a1", "a2", "b1", "b2")


def voice_of(clip_id: str) -> Payload:
    return Payload("clips", clips=(clip_id,))


@pytest.fixture
def library(session: Session, ids: list[str], qtbot: QtBot, tmp_path: Path) -> LibraryPanel:
    made = LibraryPanel(session, session.messages, Preferences(tmp_path / "settings.ini"))
    qtbot.addWidget(made)
    made.resize(700, 400)
    made.show()
    return made


def hover(session: Session, library: LibraryPanel, payload: Payload, row: int, keys: Qt.KeyboardModifier) -> bool:
    """Drag a payload over a row; whether it would be taken."""
    mime = drag_payload.to_mime(payload, session.context.uuid)
    at: QPoint = library.view.visualRect(library.table.index(row, 0)).center()
    copy, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    viewport = library.view.viewport()
    library.drops.eventFilter(viewport, QDragEnterEvent(at, copy, mime, left, keys))
    move = QDragMoveEvent(at, copy, mime, left, keys)
    library.drops.eventFilter(viewport, move)
    return move.isAccepted()


def let_go(session: Session, library: LibraryPanel, payload: Payload, row: int, keys: Qt.KeyboardModifier) -> bool:
    """Drag a payload over a row and drop it there; whether it was taken."""
    would_be_taken = hover(session, library, payload, row, keys)
    mime = drag_payload.to_mime(payload, session.context.uuid)
    at: QPoint = library.view.visualRect(library.table.index(row, 0)).center()
    copy, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    viewport = library.view.viewport()
    drop = QDropEvent(QPointF(at), copy, mime, left, keys)
    drop.ignore()
    library.drops.eventFilter(viewport, drop)
    assert drop.isAccepted() == would_be_taken
    return drop.isAccepted()


def test_a_voice_dropped_on_a_recording_makes_it_the_source(
    library: LibraryPanel, session: Session, ids: list[str]
) -> None:
    session.transfer.add_voice(voice_of(ids[0]))
    assert let_go(session, library, voice_of(ids[3]), 1, PLAIN)
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
        let_go(session, library, voice_of(ids[3]), 1, PLAIN)
    else:
        hover(session, library, voice_of(ids[3]), 1, PLAIN)
        library.drops.eventFilter(library.view.viewport(), QDragLeaveEvent())
    assert hints == ["Let go to give the voice of b2.wav to a2.wav; with Shift its emotion.", ""]
    assert not any("Let go" in message.what for message in session.messages.history), "it is no news"


def test_no_recording_is_offered_its_own_voice_by_another_name(
    library: LibraryPanel, session: Session, ids: list[str], hints: list[str]
) -> None:
    session.library.set_label(ids[:1], "speaker", "carla")
    assert not let_go(session, library, Payload("speaker", (ids[0],), "carla"), 0, PLAIN)
    assert hints == ["That is this clip: its own voice changes nothing.", ""]
    assert session.messages.history[-1].what == hints[0]


def test_of_several_selected_the_reference_is_left_out(
    library: LibraryPanel, session: Session, ids: list[str], hints: list[str]
) -> None:
    session.library.select(ids[:3])
    assert let_go(session, library, voice_of(ids[0]), 1, PLAIN)
    assert [item.clip_id for item in session.batch.items] == ids[1:3]
    assert "2 recordings" in hints[0]


def test_with_shift_it_is_the_emotion(library: LibraryPanel, session: Session, ids: list[str]) -> None:
    assert let_go(session, library, voice_of(ids[3]), 1, SHIFT)
    assert [chip.payload for chip in session.transfer.setup.emotions] == [voice_of(ids[3])]
    assert session.transfer.setup.voices == []


def test_a_recording_does_not_take_its_own_voice(library: LibraryPanel, session: Session, ids: list[str]) -> None:
    assert not let_go(session, library, voice_of(ids[1]), 1, PLAIN)
    assert session.transfer.setup.source is None
    assert "changes nothing" in session.messages.history[-1].what


def test_a_voice_dropped_on_one_of_several_selected_goes_to_all(
    library: LibraryPanel, session: Session, ids: list[str]
) -> None:
    session.library.select(ids[:3])
    assert let_go(session, library, voice_of(ids[3]), 1, PLAIN)
    assert [item.clip_id for item in session.batch.items] == ids[:3]
    assert session.transfer.setup.source is None


def test_a_label_s_cell_is_dragged_as_every_clip_that_carries_it(
    library: LibraryPanel, session: Session, ids: list[str]
) -> None:
    session.library.set_label(ids[:2], "emotion", "angry")
    library.view.setCurrentIndex(library.table.index(0, 4))
    assert library.drags.payload(4) == Payload("label", label=("emotion", "angry"))


def test_the_menu_does_what_the_drop_does(library: LibraryPanel, session: Session, ids: list[str]) -> None:
    session.library.select([ids[0]])
    menus = {action.text(): action.menu() for action in library.context_menu().actions()}
    clips = next(a.menu() for a in menus["&Give it a voice"].actions() if a.text() == "&Clips")
    entries = {action.text(): action for action in clips.actions()}
    assert not entries["a1.wav"].isEnabled()
    entries["b2.wav"].trigger()
    assert session.transfer.setup.source == ids[0]
    assert [chip.payload for chip in session.transfer.setup.voices] == [voice_of(ids[3])]
