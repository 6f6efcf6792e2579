"""Drops on the clip view: a latent becomes the voice or the emotion of the clip that is shown."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, QObject
from PySide6.QtWidgets import QWidget

from studio.domain import drag_payload, drop_rules
from studio.domain.drag_payload import Payload
from studio.domain.drop_rules import EMOTION, VOICE
from studio.domain.transfer_setup import title_of
from studio.services.messages import Messages
from studio.session.session import Session
from studio.widgets.drop_choice import DropChoice, Field


class ClipDrops(QObject):
    """Gives what is dropped to the current clip; `choice` covers a widget while something hovers over it.

    Args:
        covered: the widget that shows the clip.
    """

    def __init__(self, session: Session, messages: Messages, covered: QWidget, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._messages = session, messages
        self.choice = DropChoice(covered)
        self.choice.dropped.connect(self._dropped)
        self.choice.refused.connect(messages.say)

    def offer(self, mime: QMimeData) -> bool:
        """Show what can be done with what is dragged; False if it is nothing of the program's."""
        payload = drag_payload.payload_of(mime, self._session.context.uuid)
        if payload is None:
            return False
        title = title_of(payload, self._session.library.clips)
        self.choice.offer(
            [
                Field(
                    VOICE,
                    self.tr("Voice (h)"),
                    self.tr("Give this clip the voice of {0}").format(title),
                    self.refusal(VOICE, payload),
                ),
                Field(
                    EMOTION,
                    self.tr("Emotion (m)"),
                    self.tr("Say it as {0} does, at every second").format(title),
                    self.refusal(EMOTION, payload),
                ),
            ]
        )
        return True

    def refusal(self, what: str, payload: Payload) -> str | None:
        """Why the clip shown cannot be given this voice or emotion; None when it can."""
        session = self._session
        return drop_rules.refusal_on_clip(
            what, payload, session.library.current or "", session.library.clips, session.model.info
        )

    def give(self, what: str, payload: Payload) -> None:
        """Give the clip shown a voice (VOICE) or an emotion (EMOTION): it becomes the transfer's source."""
        if (reason := self.refusal(what, payload)) is not None:
            self._messages.say(reason)
        elif self._session.library.current is not None:
            self._session.transfer.give(self._session.library.current, payload, what)

    def _dropped(self, what: str, mime: QMimeData) -> None:
        payload = drag_payload.payload_of(mime, self._session.context.uuid)
        if payload is not None:
            self.give(what, payload)
