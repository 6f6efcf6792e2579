"""The menu bar, built from the list of commands (studio/window/actions.py)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from studio.dialogs.reference_menu import ReferenceMenu
from studio.domain.drop_rules import EMOTION, VOICE
from studio.services.actions import Actions
from studio.window.actions import DEVICES, GIVE_EMOTION, GIVE_VOICE, LINE, RECENT, Menu, commands, menus, of_panels

if TYPE_CHECKING:
    from studio.window.main_window import MainWindow


class Menus(QObject):
    """The window's menus. actions: every command of a menu by its id, "menu.command", in their order."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.actions: dict[str, QAction] = {}
        self._titles: dict[str, str] = {}  # of the menus, by the first part of their commands' ids
        self._made = Actions(window, commands(window))
        for command_id, action in of_panels(window).items():
            self._made.adopt(command_id, action)
        for menu in menus():
            self._fill(window.menuBar().addMenu(menu.title), menu, menu.title.replace("&", ""))
        session = window.session
        for signal in (session.library.selection_changed, session.library.current_changed, session.model.changed):
            signal.connect(self._made.refresh)
        self._made.refresh()

    def by_menu(self) -> list[tuple[str, dict[str, QAction]]]:
        """Title of each menu with its commands by id."""
        found: dict[str, dict[str, QAction]] = {}
        for command_id, action in self.actions.items():
            found.setdefault(self._titles[command_id.partition(".")[0]], {})[command_id] = action
        return list(found.items())

    def _fill(self, shown: QMenu, menu: Menu, top: str) -> None:
        for item in menu.contents:
            if isinstance(item, Menu):
                if item.filled_by:
                    self._fillers[item.filled_by](shown, item.title)
                else:
                    self._fill(shown.addMenu(item.title), item, top)
            elif item == LINE:
                shown.addSeparator()
            else:
                action = self._made[item]
                if not action.objectName():
                    action.setObjectName(item)
                shown.addAction(action)
                self.actions[item] = action
                self._titles.setdefault(item.partition(".")[0], top)

    @property
    def _fillers(self) -> dict[str, Callable[[QMenu, str], None]]:
        return {
            RECENT: self._add_recent,
            DEVICES: self._add_devices,
            GIVE_VOICE: partial(self._add_references, VOICE),
            GIVE_EMOTION: partial(self._add_references, EMOTION),
        }

    def _add_recent(self, menu: QMenu, title: str) -> None:
        recent, projects = menu.addMenu(title), self._window.projects
        recent.aboutToShow.connect(lambda: projects.fill_recent(recent))
        projects.fill_recent(recent)

    def _add_devices(self, menu: QMenu, _title: str) -> None:
        menu.addMenu(self._window.clip_view.transport.devices)

    def _add_references(self, what: str, menu: QMenu, title: str) -> None:
        """A menu of whose voice or emotion the current clip can be given."""
        below, view, session = menu.addMenu(title), self._window.clip_view, self._window.session
        references = ReferenceMenu(
            session.library,
            session.second_edits,
            what,
            partial(view.drops.refusal, what),
            partial(view.drops.give, what),
            view,
        )
        below.aboutToShow.connect(partial(references.refill, below))
