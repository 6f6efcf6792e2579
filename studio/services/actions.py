"""Commands as data: what the user can do, each said once; menus, buttons, keys and tests are made from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence

from studio.services import theme

Key = str | QKeySequence.StandardKey | Qt.Key

EVERYWHERE = Qt.ShortcutContext.WindowShortcut
IN_THE_LIST = Qt.ShortcutContext.WidgetShortcut
IN_THE_VIEW = Qt.ShortcutContext.WidgetWithChildrenShortcut

WORDS = "commandWords"  # property of an action whose text changes or says too little without its menu


@dataclass(frozen=True)
class Action:
    """One command.

    Attributes:
        id: its name, under which a key that the user chose is kept; unique among the commands of its owner.
        title: its words, with & before the letter that opens it in a menu.
        callback: what it does.
        shortcut: its key at first, if it has one. where: in which part of the window the key answers.
        enabled_when: whether it can be done now, asked by `Actions.refresh`; None for always, or if its owner says.
        short: words on a button, if others than the title's. tip: words under the mouse. icon: an icon's name.
        choice: name of a group of which one is chosen. checked: whether it is chosen at first; None for a command
            that is no choice.
        words: its name where it is listed without its menu.
    """

    id: str
    title: str
    callback: Callable[[], object]
    shortcut: Key | None = None
    where: Qt.ShortcutContext = EVERYWHERE
    enabled_when: Callable[[], bool] | None = field(default=None, compare=False)
    short: str = ""
    tip: str = ""
    icon: str = ""
    role: QAction.MenuRole | None = None
    choice: str = ""
    checked: bool | None = None
    words: str = ""


class Actions(QObject):
    """What Qt shows of commands, by id.

    Args:
        parent: the widget in whose window the keys answer.
        commands: what there is, in order.
    """

    def __init__(self, parent: QObject, commands: Iterable[Action] = ()) -> None:
        super().__init__(parent)
        self.by_id: dict[str, QAction] = {}
        self._commands: list[Action] = []
        self._groups: dict[str, QActionGroup] = {}
        for command in commands:
            self.add(command)

    def __getitem__(self, command_id: str) -> QAction:
        return self.by_id[command_id]

    def add(self, command: Action) -> QAction:
        """A command more."""
        action = QAction(command.title, self.parent())
        if command.icon:
            action.setIcon(theme.icon(command.icon))
        if command.short:
            action.setIconText(command.short)
        if command.tip:
            action.setToolTip(command.tip)
        if command.shortcut is not None:
            action.setShortcut(QKeySequence(command.shortcut))
            action.setShortcutContext(command.where)
        if command.role is not None:
            action.setMenuRole(command.role)
        if command.words:
            action.setProperty(WORDS, command.words)
        if command.checked is not None:
            action.setCheckable(True)
        if command.choice:
            if command.choice not in self._groups:
                self._groups[command.choice] = QActionGroup(self)
            self._groups[command.choice].addAction(action)
        if command.checked:
            action.setChecked(True)
        action.triggered.connect(lambda _checked=False: command.callback())
        self._commands.append(command)
        return self.adopt(command.id, action)

    def adopt(self, command_id: str, action: QAction) -> QAction:
        """A command that Qt or another owner has made.

        Raises:
            ValueError: there is one of that id.
        """
        if command_id in self.by_id:
            raise ValueError(f"two commands are called {command_id}")
        self.by_id[command_id] = action
        return action

    def refresh(self) -> None:
        """Ask every command whether it can be done now."""
        for command in self._commands:
            if command.enabled_when is not None:
                self.by_id[command.id].setEnabled(command.enabled_when())
