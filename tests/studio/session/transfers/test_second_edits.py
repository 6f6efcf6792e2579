"""Single seconds of m: given, changed, taken back, each as one step of undo."""

from __future__ import annotations

from dataclasses import replace

import pytest
from stage import analysed

from engine.api import SecondEdit, Transfer
from studio.domain.drag_payload import Payload
from studio.domain.transfer_setup import LaneEdit, span_words
from studio.session.session import Session
from studio.session.transfers.second_edits import without


@pytest.fixture
def ids(session: Session) -> list[str]:
    return analysed(session, "a1", "b1")


def seconds_of(clip_id: str, *seconds: int) -> Payload:
    return Payload("seconds", seconds=tuple((clip_id, second) for second in seconds))


def test_an_edit_makes_its_recording_the_source_and_reaches_the_engine(session: Session, ids: list[str]) -> None:
    session.second_edits.give(ids[0], [1, 0], seconds_of(ids[1], 3), rule="mean", weight=0.8, fade_s=1.0)
    assert session.transfer.setup.source == ids[0]
    job = session.rendering.render()
    assert job is not None
    assert isinstance(job.request, Transfer)
    folder = session.library.clips[ids[1]].folder
    (edit,) = job.request.edits
    assert isinstance(edit, SecondEdit)
    assert (edit.target, edit.weight, edit.fade_in_s, edit.fade_out_s, edit.rule) == ((0, 1), 0.8, 1.0, 1.0, "mean")
    assert [(ref.folder, ref.second) for ref in edit.givers] == [(folder, 3)]


def test_each_edit_is_one_step_of_undo(session: Session, ids: list[str]) -> None:
    session.second_edits.give(ids[0], [0], seconds_of(ids[1], 0), rule="stretch")
    session.second_edits.give(ids[0], [1], seconds_of(ids[1], 1), rule="stretch")
    session.undo.stack.undo()
    assert [edit.target for edit in session.transfer.setup.edits[ids[0]]] == [(0,)]
    session.undo.stack.undo()
    assert session.transfer.setup.edits == {}
    assert session.transfer.setup.source is None
    session.undo.stack.redo()
    assert [edit.target for edit in session.transfer.setup.edits[ids[0]]] == [(0,)]


def test_a_slider_drawn_along_is_one_step(session: Session, ids: list[str]) -> None:
    session.second_edits.give(ids[0], [0], seconds_of(ids[1], 0), rule="stretch")
    for weight in (0.9, 0.7, 0.5):
        session.second_edits.change(ids[0], 0, weight=weight)
    assert session.transfer.setup.edits[ids[0]][0].weight == 0.5
    session.undo.stack.undo()
    assert session.transfer.setup.edits[ids[0]][0].weight == 1.0


def test_edits_of_one_recording_leave_those_of_another_alone(session: Session, ids: list[str]) -> None:
    session.second_edits.give(ids[0], [0], seconds_of(ids[1], 0), rule="stretch")
    session.second_edits.give(ids[1], [0], seconds_of(ids[0], 0), rule="stretch")
    session.second_edits.restore_all(ids[1])
    assert list(session.transfer.setup.edits) == [ids[0]]
    session.second_edits.remove(ids[0], 0)
    assert session.transfer.setup.edits == {}


def test_copied_seconds_are_remembered_in_order(session: Session, ids: list[str]) -> None:
    session.second_edits.copy(ids[1], [2, 0])
    assert session.second_edits.copied == seconds_of(ids[1], 0, 2)


EACH = LaneEdit((2, 3, 4), seconds_of("g", 7, 8, 9), "g", rule="stretch")


def test_restored_seconds_take_their_references_with_them() -> None:
    left = without(EACH, frozenset({3}))
    assert left == replace(EACH, target=(2, 4), payload=seconds_of("g", 7, 9))


@pytest.mark.parametrize("rule", ["mean", "nearest"])
def test_where_every_second_stands_for_itself_only_the_target_shrinks(rule: str) -> None:
    edit = LaneEdit((2, 3), Payload("label", label=("emotion", "angry")), "every angry", rule=rule)
    assert without(edit, frozenset({2})) == replace(edit, target=(3,))


def test_a_stretched_edit_goes_as_a_whole() -> None:
    assert without(replace(EACH, payload=seconds_of("g", 7, 8)), frozenset({3})) is None
    assert without(EACH, frozenset({9})) is EACH
    assert without(EACH, frozenset({2, 3, 4})) is None


def test_restoring_reaches_every_edit_of_a_second(session: Session, ids: list[str]) -> None:
    session.second_edits.give(ids[0], [0, 1], seconds_of(ids[1], 5), rule="mean")
    session.second_edits.give(ids[0], [1], seconds_of(ids[1], 6), rule="mean")
    session.second_edits.restore(ids[0], [1])
    assert [edit.target for edit in session.transfer.setup.edits[ids[0]]] == [(0,)]


def test_spans_are_told_as_times() -> None:
    assert span_words((2, 3, 4, 7)) == "2–5 s, 7–8 s"
