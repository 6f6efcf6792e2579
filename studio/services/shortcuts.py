"""Shortcuts of all commands: listed, changed by the user, kept, and never two commands on one key.

A command is a QAction with a name ("file.save"). Its own key is the one it has when it is taken up here; what the
user chose instead is kept under shortcuts/NAME.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence

from studio.services.preferences import Preferences

WORDS = "commandWords"  # property of an action whose text changes or says too little without its menu
NONE = "none"  # kept for a command whose key was taken away: "" would be the same as never chosen
PORTABLE = QKeySequence.SequenceFormat.PortableText


@dataclass(frozen=True)
class Command:
    """name: menu.command; where: the menu or panel it belongs to, in words; own: its keys at first."""

    name: str
    where: str
    action: QAction
    own: tuple[QKeySequence, ...]

    @property
    def words(self) -> str:
        """Of the command itself: Undo, not what it would undo just now."""
        words = self.action.property(WORDS) or self.action.text()
        return str(words).replace("&", "").replace("…", "").strip()

    @property
    def key(self) -> QKeySequence:
        return self.action.shortcut()


class Shortcuts(QObject):
    """The keys of the window's commands.

    Signals: changed(): a command has another key.
    """

    changed = Signal()

    def __init__(self, preferences: Preferences, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self._commands: dict[str, Command] = {}

    def take_up(self, where: str, actions: Mapping[str, QAction]) -> None:
        """Commands of one menu or panel, by name; they get the keys that the user chose."""
        for name, action in actions.items():
            self._commands[name] = Command(name, where, action, tuple(action.shortcuts()))
            chosen = self._preferences.get(f"shortcuts/{name}", "")
            if chosen:
                action.setShortcut(QKeySequence() if chosen == NONE else QKeySequence(chosen, PORTABLE))

    def commands(self) -> list[Command]:
        return list(self._commands.values())

    def conflict(self, name: str, key: QKeySequence) -> Command | None:
        """The command that answers to this key already wherever this one would, if there is one."""
        if key.isEmpty():
            return None
        mine = self._commands[name].action
        for other in self._commands.values():
            if other.name != name and key in other.action.shortcuts() and _meet(mine, other.action):
                return other
        return None

    def set_key(self, name: str, key: QKeySequence) -> Command | None:
        """Give a command a key, an empty one to take it away.

        Returns the command that has that key; then nothing is done.
        """
        if (taken := self.conflict(name, key)) is not None:
            return taken
        command = self._commands[name]
        command.action.setShortcut(key)
        if (key,) == command.own or (key.isEmpty() and not command.own):
            self._preferences.forget(f"shortcuts/{name}")
        else:
            self._preferences.set(f"shortcuts/{name}", key.toString(PORTABLE) or NONE)
        self.changed.emit()
        return None

    def reset(self, name: str) -> Command | None:
        """The key it had at first; returns the command that was given it meanwhile, then nothing is done."""
        command = self._commands[name]
        for key in command.own:
            if (taken := self.conflict(name, key)) is not None:
                return taken
        command.action.setShortcuts(list(command.own))
        self._preferences.forget(f"shortcuts/{name}")
        self.changed.emit()
        return None

    def reset_all(self) -> None:
        for command in self._commands.values():
            command.action.setShortcuts(list(command.own))
            self._preferences.forget(f"shortcuts/{command.name}")
        self.changed.emit()

    def is_changed(self, command: Command) -> bool:
        return tuple(command.action.shortcuts()) != command.own


def _meet(first: QAction, second: QAction) -> bool:
    """Whether both would answer to the same key: not if each belongs to a widget of its own."""
    local = (Qt.ShortcutContext.WidgetShortcut, Qt.ShortcutContext.WidgetWithChildrenShortcut)
    if first.shortcutContext() not in local or second.shortcutContext() not in local:
        return True
    widgets = [set(map(id, action.associatedObjects())) for action in (first, second)]
    return bool(widgets[0] & widgets[1])
