"""Playing and recording: what is asked of the players, and where a recording of the user's own goes."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot
from stage import Idle, give

from engine.api import Picture
from studio.session.session import Session


def test_what_is_played_is_the_current_recording(session: Session, qtbot: QtBot) -> None:
    (a,) = give(session, "a")
    with qtbot.waitSignal(session.listening.play_requested) as asked:
        session.listening.play(a)
    assert asked.args == [a]
    assert session.library.current == a
    with qtbot.assertNotEmitted(session.listening.play_requested):
        session.listening.play("unknown")


def test_a_recording_is_written_over_no_other_under_a_name_that_a_disk_takes(session: Session) -> None:
    first = session.listening.free_recording_path("my/voice: 1 ")
    assert first == session.context.folder / "recordings" / "my-voice- 1.wav"
    first.parent.mkdir(parents=True)
    first.touch()
    assert session.listening.free_recording_path("my/voice: 1").name == "my-voice- 1 2.wav"
    assert session.listening.free_recording_path(" . ").name == "Recording.wav"


def test_a_new_recording_is_shown_and_undo_takes_it_off(session: Session, tmp_path: Path) -> None:
    clip_id = session.listening.add_recording(tmp_path / "mine.wav", {"speaker": "me"})
    assert session.library.clips[clip_id].labels == {"speaker": "me"}
    assert (session.library.current, session.library.selection) == (clip_id, [clip_id])
    session.undo.stack.undo()
    assert session.library.clips == {}
    session.undo.stack.redo()
    assert list(session.library.clips) == [clip_id]


def test_only_the_picture_that_is_looked_at_is_drawn(session: Session, link: Idle) -> None:
    session.listening.draw_picture(["/a"], spectrum=False)
    newer = session.listening.draw_picture(["/b"], spectrum=True)
    assert link.asked(Picture) == [newer]
