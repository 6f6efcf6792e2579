"""The model in use: another one means another analysis, and no mixed maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from stage import HASH, Idle, encoded, model_info

from engine.api import (
    Inspect,
    MapPoints,
)
from studio.project.project_file import Project
from studio.services import paths
from studio.services.messages import Message
from studio.session.session import Session


def test_another_model_means_another_analysis_and_no_mixed_maps(session: Session, link: Idle) -> None:
    ids = encoded(session, "a", "b")
    session.maps.points["h"] = MapPoints(
        "h", tuple(ids), np.zeros(2, np.int32), np.zeros((2, 2), np.float32), {"model_hash": HASH}
    )
    assert session.library.analysis.job is None  # all is up to date
    told: list[str] = []
    session.maps.changed.connect(told.append)
    session.model.use(model_info("cd" * 32))
    assert session.maps.points == {}
    assert told == ["h"]
    assert session.library.analysis.job is not None
    assert session.model.encoded() == []


def test_why_nothing_is_encoded_is_said(session: Session, said: list[Message]) -> None:
    assert session.model.encoded_or_say() == []
    assert said[-1].what == "There is no model yet."
    session.model.use(model_info())
    assert session.model.encoded_or_say() == []
    assert said[-1].what == "No recording is analysed with this model yet."
    ids = encoded(session, "a")
    assert [clip.id for clip in session.model.encoded_or_say()] == ids


def test_a_model_that_is_gone_is_said_and_the_programs_own_is_opened(
    session: Session, link: Idle, said: list[Message], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = tmp_path / "own.safetensors"
    own.touch()
    monkeypatch.setattr(paths, "starter_model", lambda: own)
    session.model.load(Project("u", model="/gone.safetensors"))
    assert "no longer there" in said[-1].what
    assert [job.request.model for job in link.asked(Inspect)] == [str(own)]
