"""Undo and redo: what the user did is taken back as it was done, and nothing else is."""

from __future__ import annotations

import functools
import gc
import weakref
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from stage import analysed, some_take

from engine.api import ClipsFound, Partial
from studio.domain.payload import Payload
from studio.session.session import Session
from studio.session.undo import UndoHistory


def names(session: Session) -> list[str]:
    return sorted(clip.name for clip in session.library.clips.values())


# ------------------------------------------------------------------------------------------------ the stack
def test_an_action_is_done_once_undone_and_done_again(qtbot: QtBot) -> None:
    actions, log = UndoHistory(), []
    actions.undoable("Write", lambda: log.append("do"), lambda: log.append("undo"))
    assert log == ["do"]
    actions.stack.undo()
    actions.stack.redo()
    assert log == ["do", "undo", "do"]
    assert actions.stack.undoText() == "Write"


def test_a_slider_drawn_through_many_values_is_one_step(session: Session) -> None:
    for percent in range(101, 131):
        session.transfer.set_strength(percent / 100)
    assert session.undo.stack.count() == 1
    session.undo.stack.undo()
    assert session.transfer.setup.strength == 1.0
    session.undo.stack.redo()
    assert session.transfer.setup.strength == 1.3


def test_a_slider_drawn_through_many_values_keeps_the_first_and_the_last_alone(qtbot: QtBot) -> None:
    class Value:
        pass

    actions, held = UndoHistory(), []

    def put(value: Value) -> None:
        del value

    for _ in range(10):
        value = Value()
        held.append(weakref.ref(value))
        actions.undoable("Pull", functools.partial(put, value), functools.partial(put, value), merge="pull")
    del value
    gc.collect()
    assert [ref() is not None for ref in held] == [True, *[False] * 8, True]
    actions.stack.clear()
    gc.collect()
    assert not any(ref() for ref in held)


def test_what_came_in_between_parts_two_pulls_of_a_slider(session: Session) -> None:
    (a,) = analysed(session, "a")
    session.transfer.set_strength(0.5)
    session.transfer.set_source(a)
    session.transfer.set_strength(0.7)
    session.undo.stack.undo()
    assert (session.transfer.setup.strength, session.transfer.setup.source) == (0.5, a)


def test_an_action_inside_another_is_a_part_of_it(qtbot: QtBot) -> None:
    actions, log = UndoHistory(), []

    def outer() -> None:
        actions.undoable("Inner", lambda: log.append("inner"), lambda: log.append("never"))

    actions.undoable("Outer", outer, lambda: log.append("back"))
    assert actions.stack.count() == 1
    actions.stack.undo()
    assert log == ["inner", "back"]


def test_several_actions_can_be_one_step(session: Session) -> None:
    a, b = analysed(session, "a", "b")
    with session.undo.one_step("Set the desk"):
        session.transfer.set_source(a)
        session.transfer.add_voice(Payload("clips", clips=(b,)))
    session.undo.stack.undo()
    assert session.transfer.setup.source is None
    assert session.transfer.setup.voices == []


def test_an_action_that_fails_leaves_no_step(qtbot: QtBot) -> None:
    actions = UndoHistory()
    with pytest.raises(ZeroDivisionError):
        actions.undoable("Break", lambda: 1 / 0, lambda: None)
    assert actions.stack.count() == 0
    actions.undoable("Work", lambda: None, lambda: None)  # and the next one is a step of its own
    assert actions.stack.count() == 1


# ------------------------------------------------------------------------------------------------ recordings
def test_an_import_is_undone_whole_and_redone_with_the_labels_it_found(session: Session) -> None:
    job = session.imports.add_files(["/r/a.wav", "/r/folder"])
    assert job is not None
    job.take(Partial(ClipsFound((("/r/folder/b.wav", {"speaker": "b"}), ("/r/a.wav", {"speaker": "a"})))))
    session.undo.stack.undo()
    assert names(session) == []
    session.undo.stack.redo()
    assert names(session) == ["a.wav", "b.wav"]
    assert sorted(session.library.speakers()) == ["a", "b"]


def test_what_an_undone_import_still_finds_stays_outside(session: Session) -> None:
    job = session.imports.add_files(["/r/folder"])
    assert job is not None
    session.undo.stack.undo()
    job.take(Partial(ClipsFound((("/r/folder/b.wav", {}),))))
    assert names(session) == []


def test_undoing_an_import_leaves_what_was_there_before(session: Session) -> None:
    session.imports.add_files(["/r/a.wav"])
    job = session.imports.add_files(["/r"])
    assert job is not None
    job.take(Partial(ClipsFound((("/r/a.wav", {"speaker": "a"}), ("/r/b.wav", {})))))
    session.undo.stack.undo()
    assert names(session) == ["a.wav"]
    assert session.library.speakers() == []


def test_a_removed_recording_comes_back_with_its_analysis_and_its_place_on_the_desk(session: Session) -> None:
    a, b = analysed(session, "a", "b")
    folder = session.library.clips[a].folder
    assert folder is not None
    session.transfer.set_source(a)
    session.library.remove([a])
    assert session.transfer.setup.source is None
    assert Path(folder).is_dir()
    session.undo.stack.undo()
    assert sorted(session.library.clips) == sorted([a, b])
    assert session.library.clips[a].state == "ready"
    assert session.transfer.setup.source == a


def test_labels_are_put_back_as_they_were(session: Session) -> None:
    a, b = analysed(session, "a", "b")
    session.library.set_label([a], "emotion", "calm")
    session.library.set_label([a, b], "emotion", "angry")
    session.undo.stack.undo()
    assert [session.library.clips[i].labels.get("emotion") for i in (a, b)] == ["calm", None]


# ------------------------------------------------------------------------------------------------ takes
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
