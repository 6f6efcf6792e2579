"""Morphs: which recording is morphed."""

from __future__ import annotations

from stage import encoded

from engine.api import (
    LatentRef,
    Morph,
)
from studio.services.messages import Message
from studio.session.session import Session


def test_a_morph_needs_a_recording_and_takes_the_desks_source_first(session: Session, said: list[Message]) -> None:
    a, b = encoded(session, "a", "b")
    assert session.morphs.render("h", [[LatentRef("/x")]]) is None
    assert said[-1].level == "warning"
    session.library.current = a
    first = session.morphs.render("h", [[LatentRef("/x")], [LatentRef("/y")]])
    session.transfer.setup.source = b
    second = session.morphs.render("m", [[LatentRef("/x", 1)]])
    assert first is not None
    assert second is not None
    assert [job.request.source for job in (first, second)] == [
        session.library.clips[a].folder,
        session.library.clips[b].folder,
    ]
    assert first.request.steps == ((LatentRef("/x"),), (LatentRef("/y"),))
    assert second.request.latent == "m"
    assert session.link.asked(Morph) == [second]  # type: ignore[attr-defined]  # the newer one wins
