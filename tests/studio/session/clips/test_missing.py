"""Recordings that are not where they were."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot

from studio.services.messages import Message
from studio.session.session import Session


def test_what_is_found_below_a_folder_is_linked_anew_in_one_step(
    session: Session, qtbot: QtBot, said: list[Message], tmp_path: Path
) -> None:
    old, new = tmp_path / "old" / "a.wav", tmp_path / "new" / "deep" / "a.wav"
    new.parent.mkdir(parents=True)
    new.touch()
    session.library.insert_found([(str(old), {}), (str(tmp_path / "old" / "b.wav"), {})])
    a, b = session.library.clips
    session.library.clips[a].state = "missing"
    session.missing.find(tmp_path / "new")
    qtbot.waitUntil(lambda: said[-1].what == "Found 1 recording.")
    assert said[-1].hint == "1 is still missing."
    assert session.library.clips[a].path == str(new)
    assert session.library.clips[a].state != "missing"
    assert session.library.id_of(str(new)) == a
    session.undo.stack.undo()
    assert session.library.clips[a].path == str(old)
    assert session.library.id_of(str(new)) is None
    assert session.library.clips[b].name == "b.wav"
