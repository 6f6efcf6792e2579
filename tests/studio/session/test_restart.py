"""What is there again after a restart, and what a damaged file or a full disk costs."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from stage import Idle, encoded, give, some_take

from engine.api import (
    LatentRef,
    SecondEdit,
)
from studio.services.messages import Message, Messages
from studio.session.session import Session


def test_library_takes_and_model_survive_a_restart(session: Session, messages: Messages, tmp_path: Path) -> None:
    ids = encoded(session, "a", "b")
    session.library.set_label(ids[:1], "mood ✓", "odd\n=1+1")
    edit = SecondEdit((1, 2), (LatentRef("/of/b", 3), LatentRef("/of/b")), 0.5, 1.0, 0.0, "nearest")
    session.takes.add(
        replace(some_take("t-1", "/nowhere/t.wav"), edits=(edit,), strength_m=0.25, emotion_rule="tile")
    )
    session.takes.star(0, True)
    session.project.close()
    again = Session(Idle(tmp_path / "logs2"), tmp_path / "data", messages)
    again.project.restore()
    assert again.context.uuid == session.context.uuid
    assert [vars(clip) for clip in again.library.clips.values()] == [
        vars(clip) for clip in session.library.clips.values()
    ]
    assert again.takes.items == session.takes.items
    assert again.takes.starred == session.takes.starred


def test_an_interrupted_analysis_begins_again_after_a_restart(
    session: Session, messages: Messages, tmp_path: Path
) -> None:
    give(session, "a", state="analysing")
    session.context.mark_changed()
    session.project.close()
    again = Session(Idle(tmp_path / "logs2"), tmp_path / "data", messages)
    again.project.restore()
    assert [clip.state for clip in again.library.clips.values()] == ["waiting"]


EMPTY = {"format": "triptych-library", "version": 1, "uuid": "u", "clips": [], "takes": [], "model": None}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        json.dumps(EMPTY | {"version": 99}),
        json.dumps(EMPTY | {"format": "other"}),
        json.dumps(EMPTY | {"clips": [{"id": "../x", "state": "ready"}]}),
        json.dumps(EMPTY | {"takes": [{"name": "half"}]}),
    ],
)
def test_a_damaged_library_is_set_aside_and_told(
    session: Session, tmp_path: Path, said: list[Message], content: str
) -> None:
    file = tmp_path / "data" / "library.json"
    file.parent.mkdir()
    file.write_text(content)
    session.project.restore()
    assert session.library.clips == {}
    assert said[0].level == "error"
    (aside,) = (tmp_path / "data").glob("library.damaged-*.json")
    assert aside.read_text() == content
    assert str(aside) in said[0].hint


def test_a_full_disk_is_told_and_the_old_library_stays(
    session: Session, tmp_path: Path, said: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    give(session, "a")
    session.project.close()
    before = json.loads((tmp_path / "data" / "library.json").read_text())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    give(session, "b")
    session.project.close()
    assert "No space left" in said[-1].what
    assert json.loads((tmp_path / "data" / "library.json").read_text()) == before
