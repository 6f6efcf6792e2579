"""What tests of the transfer desk share: the desk, four recordings of two speakers, two takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from at_the_desk import CONTROL, Asked, take
from pytestqt.qtbot import QtBot

from engine.api import AudioSpec, ModelInfo
from studio.domain.clip import Clip
from studio.panels.transfer.panel import TransferDeskPanel
from studio.services.preferences import Preferences
from studio.session.session import Session


@pytest.fixture
def preferences(tmp_path: Path) -> Preferences:
    return Preferences(tmp_path / "settings.ini")


@pytest.fixture
def desk(session: Session, preferences: Preferences, qtbot: QtBot) -> TransferDeskPanel:
    made = TransferDeskPanel(session, session.messages, preferences)
    qtbot.addWidget(made)
    made.resize(1300, 340)
    made.show()
    return made


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def four_recordings(session: Session, asked: Asked, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """c0 to c3, by emil and anna in turn, in a session that asks `asked` instead of a worker."""
    monkeypatch.setattr(session.link, "submit", asked.submit)
    session.model.info = ModelInfo("m.triptych.safetensors", "abc", 1, AudioSpec().to_dict(), {}, {}, {})
    for i in range(4):
        folder = tmp_path / f"c{i}"
        folder.mkdir()
        np.save(folder / "mel.npy", np.zeros((64, 140), np.float16))
        session.library.clips[f"c{i}"] = Clip(
            f"c{i}",
            f"/r/c{i}.wav",
            labels={"speaker": "anna" if i % 2 else "emil"},
            state="ready",
            duration_s=3.5,
            folder=str(folder),
            model_hash="abc",
        )


@pytest.fixture
def two_takes(desk: TransferDeskPanel, session: Session) -> TransferDeskPanel:
    session.takes.items.extend([take(session, "first"), take(session, "second", CONTROL)])
    session.takes.changed.emit()
    return desk
