"""Rendering what is set up."""

from __future__ import annotations

from stage import Idle, encoded

from engine.api import (
    Transfer,
)
from studio.domain.drag_payload import Payload
from studio.services.messages import Message
from studio.session.session import Session


def test_without_a_model_a_transfer_says_where_one_comes_from(session: Session, said: list[Message]) -> None:
    assert session.rendering.render() is None
    assert "model" in said[-1].what
    assert "quick" in said[-1].hint


def test_a_transfer_names_its_latents_and_their_shares(session: Session, link: Idle) -> None:
    a, b1, b2, c = encoded(session, "a", "b1", "b2", "c")
    session.transfer.set_source(a)
    session.transfer.add_voice(Payload("speaker", (b1, b2), "b"))
    session.transfer.add_voice(Payload("clips", (c,)))
    session.transfer.weigh_voices([1.0, 3.0])
    session.transfer.add_emotion(Payload("seconds", seconds=((c, 2),)))
    session.transfer.set_strength(1.2)
    session.rendering.render()
    (job,) = link.asked(Transfer)
    assert [ref.weight for ref in job.request.voice] == [0.5, 0.5, 3.0]
    assert [(ref.second, ref.weight) for ref in job.request.emotion] == [(2, 1.0)]
    assert job.request.strength == 1.2


def test_a_newer_transfer_takes_the_place_of_the_older(session: Session, link: Idle) -> None:
    a, b = encoded(session, "a", "b")
    session.transfer.set_source(a)
    session.transfer.add_voice(Payload("clips", (b,)))
    first, second = session.rendering.render(), session.rendering.render()
    assert first is not None
    assert second is not None
    assert first.state == "cancelled"
    assert session.rendering.job is second
