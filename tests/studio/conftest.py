"""What tests of the studio share: a session whose link never works, and what it said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from stage import Idle

from studio.services.messages import Message, Messages
from studio.session.session import Session


@pytest.fixture
def said() -> list[Message]:
    return []


@pytest.fixture
def messages(said: list[Message]) -> Messages:
    made = Messages()
    made.said.connect(said.append)
    return made


@pytest.fixture
def link(qtbot: QtBot, tmp_path: Path) -> Iterator[Idle]:
    made = Idle(tmp_path / "logs")
    yield made
    made.shutdown()


@pytest.fixture
def session(link: Idle, messages: Messages, tmp_path: Path) -> Iterator[Session]:
    made = Session(link, tmp_path / "data", messages)
    yield made
    made.project.close()
