"""A recording as the library knows it."""

from __future__ import annotations

import uuid

from studio.domain.clip import Clip, new_ids


def test_a_clip_is_called_by_its_file_unless_named() -> None:
    assert Clip("a", "/r/x.wav").name == "x.wav"
    assert Clip("a", "/r/x.wav", "y").name == "y"


def test_new_ids_are_like_those_of_uuid4() -> None:
    made = new_ids(100)
    assert len(set(made)) == 100
    assert {(uuid.UUID(one).version, uuid.UUID(one).hex == one) for one in made} == {(4, True)}
