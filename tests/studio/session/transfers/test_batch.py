"""One recipe on many recordings: one after the other, a result for each, another try for what failed."""

from __future__ import annotations

import pytest
from stage import Idle, analysed, some_take

from engine.api import Done, Failed, Transfer
from studio.domain.drag_payload import Payload
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
