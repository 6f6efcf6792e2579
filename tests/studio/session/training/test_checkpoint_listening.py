"""Which checkpoint is heard, and which becomes the model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from auditioned import Run, keep_three, voices
from stage import Idle

from engine.api import (
    Inspect,
)
from engine.api.auditions import CHECKPOINTS, step_name
from studio.services.messages import Message
from studio.session.session import Session


@pytest.fixture
def session(link: Idle, tmp_path: Path) -> Iterator[Session]:
    made = voices(link, tmp_path / "data")
    yield made
    made.project.close()


@pytest.fixture
def said(session: Session) -> list[Message]:
    heard: list[Message] = []
    session.messages.said.connect(heard.append)
    return heard


@pytest.fixture
def run(session: Session) -> Run:
    return Run(session)


@pytest.fixture
def three(run: Run, link: Idle) -> Run:
    return keep_three(run, link)


def test_no_flip_without_a_checkpoint_that_is_heard(session: Session, said: list[Message]) -> None:
    session.checkpoints.flip(1)
    assert said[-1].what == "No checkpoint is being heard."
    assert said[-1].hint


def test_a_checkpoint_without_a_sound_is_not_played(session: Session, run: Run) -> None:
    session.auditions.add_clips(list(session.library.clips)[:1])
    run.keep(100)
    assert not session.checkpoints.play(str(run.folder), session.auditions.entries[0].id, 100)
    assert session.checkpoints.hearing is None


def test_a_checkpoint_becomes_the_model_under_a_name_that_stays(session: Session, three: Run, link: Idle) -> None:
    session.runs.use_checkpoint(str(three.folder), 200)
    model = three.folder / "step-200.triptych.safetensors"
    assert [job.request.model for job in link.asked(Inspect)] == [str(model)]
    (three.folder / CHECKPOINTS / f"{step_name(200)}.triptych.safetensors").unlink()
    assert model.read_text() == "model of step 200"


def test_one_that_made_room_cannot_be_used(session: Session, three: Run, link: Idle, said: list[Message]) -> None:
    three.let_go(100)
    three.record.look_again()
    assert session.runs.use_checkpoint(str(three.folder), 100) is None
    assert "has made room" in said[-1].what
