"""Undo and redo: what the user did is taken back as it was done, and nothing else is."""

from __future__ import annotations

import functools
import gc
import weakref

import pytest
from pytestqt.qtbot import QtBot
from stage import analysed

from studio.domain.drag_payload import Payload
from studio.session.session import Session
from studio.session.undo import UndoHistory


def names(session: Session) -> list[str]:
    return sorted(clip.name for clip in session.library.clips.values())


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
