"""The list of takes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from stage import Idle, encoded, some_take

from engine.api import (
    Transfer,
)
from studio.domain.drag_payload import Payload
from studio.session.session import Session


def test_takes_are_never_overwritten(session: Session, link: Idle) -> None:
    a, b = encoded(session, "a", "b")
    session.transfer.set_source(a)
    session.transfer.add_voice(Payload("clips", (b,)))
    session.takes.add(some_take("a-1", "/nowhere/t.wav"))
    session.context.takes_dir.joinpath("a-2").mkdir(parents=True)
    session.rendering.render()
    assert link.asked(Transfer)[-1].request.name == "a-3"


def test_takes_are_renamed_starred_and_removed_and_all_of_it_is_undone(session: Session, tmp_path: Path) -> None:
    sound = tmp_path / "data" / "takes" / "one" / "one.wav"
    sound.parent.mkdir(parents=True)
    sound.write_bytes(b"RIFF")
    first, second = some_take("one", str(sound)), some_take("two", "/two.wav")
    session.takes.add(first)
    session.takes.add(second)
    session.takes.rename(0, "the good one")
    session.takes.star(0, True)
    session.takes.remove(0)
    assert [take.name for take in session.takes.items] == ["two"]
    assert sound.exists()
    for _ in range(3):
        session.undo.stack.undo()
    assert session.takes.items == [first, second]
    assert session.takes.starred == set()
    for _ in range(2):
        session.undo.stack.redo()
    assert session.takes.items == [replace(first, name="the good one"), second]
    assert session.takes.starred == {str(sound)}


def test_a_take_that_arrives_cuts_nothing_off_that_can_be_redone(session: Session) -> None:
    session.transfer.set_strength(0.5)
    session.undo.stack.undo()
    session.takes.add(some_take("one", "/one.wav"))
    assert session.undo.stack.canRedo()
    session.undo.stack.redo()
    assert session.transfer.setup.strength == 0.5
    assert len(session.takes.items) == 1
