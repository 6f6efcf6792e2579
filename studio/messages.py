"""The one road for words to the user. Whoever has something to say, says it here; the window shows it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

_log = logging.getLogger("triptych.messages")


@dataclass(frozen=True)
class Action:
    """Something the user can do about a message: the words on a button, and what it does."""

    title: str
    do: Callable[[], object]


@dataclass(frozen=True)
class Message:
    """what happened, hint: what to do; details to copy; level: info, warning or error."""

    what: str
    hint: str = ""
    details: str = ""
    level: str = "info"
    action: Action | None = None


class Messages(QObject):
    """Signals: said(Message)."""

    said = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.history: list[Message] = []

    def say(
        self, what: str, hint: str = "", *, details: str = "", level: str = "info", action: Action | None = None
    ) -> Message:
        """Tell the user. May be called from any thread.

        Args:
            what: what happened, one plain sentence.
            hint: what to do now.
            details: traceback or log, shown on demand and copied whole.
            level: info goes to the status bar, warning and error to a banner.
        """
        if level not in LEVELS:
            raise ValueError(f"no level {level!r}")
        message = Message(what, hint, details, level, action)
        _log.log(LEVELS[level], "%s %s%s", what, hint, f"\n{details}" if details else "")
        self.history = [*self.history[-99:], message]
        self.said.emit(message)
        return message
