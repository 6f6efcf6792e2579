"""Messages to the user, all by this one way; each has two parts: what happened, and what to do."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from engine.api import EngineError

log = logging.getLogger("triptych")
LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


@dataclass(frozen=True)
class Message:
    what: str
    hint: str = ""
    details: str = ""
    level: str = "info"
    action: tuple[str, Callable[[], object]] | None = None  # words on a button, and what it does


class Messages(QObject):
    """Panels and jobs say things here; the window shows them."""

    said = Signal(object)  # Message
    hinted = Signal(str)  # what dropping would do, while something is dragged; "" = nothing any more

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.history: list[Message] = []

    def say(
        self,
        what: str,
        hint: str = "",
        *,
        details: str = "",
        level: str = "info",
        action: tuple[str, Callable[[], object]] | None = None,
    ) -> None:
        """Show the user a message; level is info, warning or error."""
        message = Message(what, hint, details, level, action)
        log.log(LEVELS[level], "%s %s%s", what, hint, f"\n{details}" if details else "")
        self.history = [*self.history[-199:], message]
        self.said.emit(message)

    def hint(self, words: str) -> None:
        """Say what dropping here would do; "" takes it away. It is true while something hovers and not kept."""
        self.hinted.emit(words)

    def say_error(self, error: EngineError) -> None:
        self.say(error.what, error.hint, level="error")
