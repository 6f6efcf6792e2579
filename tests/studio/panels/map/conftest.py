"""What tests of the map share: the panel, and its settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from studio.panels.map.panel import MapViewPanel
from studio.services.messages import Messages
from studio.services.preferences import Preferences
from studio.session.session import Session


@pytest.fixture
def preferences(tmp_path: Path) -> Preferences:
    return Preferences(tmp_path / "settings.ini")


@pytest.fixture
def panel(session: Session, preferences: Preferences, qtbot: QtBot) -> MapViewPanel:
    made = MapViewPanel(session, Messages(), preferences)
    qtbot.addWidget(made)
    made.resize(760, 520)
    made.show()
    return made
