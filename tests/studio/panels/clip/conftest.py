"""What tests of the clip view share: the view with a player that no device plays."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from studio.audio.loudspeaker import ClockOutput
from studio.audio.player import Player
from studio.panels.clip.panel import ClipViewPanel
from studio.services.preferences import Preferences
from studio.session.session import Session


@pytest.fixture
def panel(session: Session, qtbot: QtBot) -> ClipViewPanel:
    player = Player(open_output=lambda _name: ClockOutput())
    made = ClipViewPanel(session, session.messages, Preferences(), player=player)
    qtbot.addWidget(made)
    player.setParent(made)
    made.resize(800, 480)
    made.show()
    return made
