"""What the project takes on the disk, and room made in it."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot
from stage import some_take

from studio.session.session import Session


def test_sounds_of_takes_off_the_list_are_deleted_and_what_is_left_is_measured(
    session: Session, qtbot: QtBot
) -> None:
    kept, gone = (session.context.takes_dir / name / "sound.wav" for name in ("kept", "gone"))
    for sound in (kept, gone):
        sound.parent.mkdir(parents=True)
        sound.write_bytes(b"RIFF")
        session.takes.add(some_take(sound.parent.name, str(sound)))
    session.takes.remove(1)
    with qtbot.waitSignal(session.storage.measured):
        session.storage.delete_unlisted_takes()
    assert kept.exists()
    assert not gone.exists()
    assert session.undo.stack.count() == 0  # nothing could bring it back


def test_a_measuring_is_of_the_project_it_was_asked_for(session: Session, qtbot: QtBot, tmp_path: Path) -> None:
    with qtbot.assertNotEmitted(session.storage.measured, wait=100):
        session.storage.measure()
        session.project.new()
