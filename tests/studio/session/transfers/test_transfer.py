"""The setup of the transfer desk."""

from __future__ import annotations

from stage import encoded, give

from studio.domain.drag_payload import Payload
from studio.session.session import Session


def test_the_same_voice_dropped_twice_is_one_chip(session: Session) -> None:
    _a, b = encoded(session, "a", "b")
    session.transfer.add_voice(Payload("clips", (b,)))
    session.transfer.add_voice(Payload("clips", (b,)))
    assert [voice.title for voice in session.transfer.setup.voices] == ["b.wav"]


def test_a_source_that_left_is_the_source_again_once_undo_brings_it_back(session: Session) -> None:
    a, b = give(session, "a", "b")
    session.transfer.set_source(a)
    session.library.remove([a])
    session.transfer.set_source(b)
    session.library.remove([b])
    sources = [session.transfer.setup.source]
    for _ in range(3):
        session.undo.stack.undo()
        sources.append(session.transfer.setup.source)
    assert sources == [None, b, None, a]


def test_a_setup_is_put_back_whole(session: Session) -> None:
    a, b = give(session, "a", "b")
    session.transfer.set_source(a)
    session.transfer.add_voice(Payload("clips", clips=(b,)))
    session.transfer.set_strength(0.5)
    session.transfer.clear_desk()
    assert (session.transfer.setup.source, session.transfer.setup.voices) == (None, [])
    session.undo.stack.undo()
    assert session.transfer.setup.source == a
    assert session.transfer.setup.strength == 0.5
    assert session.transfer.setup.voices[0].payload.clips == (b,)
