"""Drops on the clip view: a voice or an emotion for the clip that is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from stored_clips import add

from engine.api import ModelInfo
from studio.domain import drag_payload
from studio.panels.clip.panel import ClipViewPanel
from studio.session.session import Session


@pytest.mark.parametrize(("share", "what"), [(0.25, "voice"), (0.75, "emotion")])
def test_a_latent_dropped_here_is_given_to_this_clip_as_the_field_says(
    panel: ClipViewPanel, session: Session, tmp_path: Path, share: float, what: str
) -> None:
    add(session, tmp_path)
    add(session, tmp_path, "b")
    session.library.set_current("a")
    session.model.info = ModelInfo("m", "hash", 1, {}, {}, {}, {})
    for clip in session.library.clips.values():
        clip.model_hash = "hash"
    panel.resize(700, 500)
    panel.show()
    payload = drag_payload.Payload(kind="clips", clips=("b",))
    mime = drag_payload.to_mime(payload, session.context.uuid)
    where, actions = QPoint(50, 50), Qt.DropAction.CopyAction
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(where, actions, mime, buttons, keys)
    panel.dragEnterEvent(enter)
    assert enter.isAccepted()
    assert panel.drops.choice.isVisible()
    at = QPointF(share * panel.drops.choice.width(), 60.0)
    panel.drops.choice.dropEvent(QDropEvent(at, actions, mime, buttons, keys))
    assert not panel.drops.choice.isVisible()
    assert session.transfer.setup.source == "a"
    given = {"voice": session.transfer.setup.voices, "emotion": session.transfer.setup.emotions}
    assert [chip.payload for chip in given.pop(what)] == [payload]
    assert list(given.values()) == [[]]


def test_a_clip_dropped_on_itself_is_refused_with_its_reason(
    panel: ClipViewPanel, session: Session, tmp_path: Path
) -> None:
    add(session, tmp_path)
    session.library.set_current("a")
    panel.drops.give("voice", drag_payload.Payload(kind="clips", clips=("a",)))
    assert "changes nothing" in session.messages.history[-1].what
    assert session.transfer.setup.source is None


def test_files_dragged_over_are_left_to_the_window(panel: ClipViewPanel, session: Session, tmp_path: Path) -> None:
    add(session, tmp_path)
    session.library.set_current("a")
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile("/tmp/x.wav")])
    enter = QDragEnterEvent(
        QPoint(5, 5), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    panel.dragEnterEvent(enter)
    assert not enter.isAccepted()
