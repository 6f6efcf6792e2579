"""The docks of the main window: their first layout, and the layout remembered from last time."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QObject, Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QWidget

from studio.services.preferences import Preferences

LAYOUT_VERSION = 3
SIDES = ((470, 0.25), (440, 0.29))  # left and right of the middle: at most so many pixels, at most this share


class Docks(QObject):
    """The docks of a window, by name.

    Args:
        panels: name -> (title, panel), in the order of the Window menu. The names of `reset` must be among them.
    """

    def __init__(
        self, window: QMainWindow, preferences: Preferences, panels: dict[str, tuple[str, QWidget]]
    ) -> None:
        super().__init__(window)
        self._window = window
        self._preferences = preferences
        self.by_name: dict[str, QDockWidget] = {}
        for name, (title, panel) in panels.items():
            dock = QDockWidget(title, window)
            dock.setObjectName(f"{name}Dock")
            dock.setWidget(panel)
            self.by_name[name] = dock

    def show(self, name: str) -> None:
        """Bring a panel to the front."""
        self.by_name[name].show()
        self.by_name[name].raise_()

    def reset(self) -> None:
        """Panels where they are at first."""
        window, docks = self._window, self.by_name
        left, right = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
        bottom = Qt.DockWidgetArea.BottomDockWidgetArea
        window.setCorner(Qt.Corner.BottomLeftCorner, bottom)
        window.setCorner(Qt.Corner.BottomRightCorner, bottom)
        for name, area in (
            ("library", left),
            ("map", right),
            ("training", right),
            ("dashboard", right),
            ("desk", bottom),
            ("jobs", bottom),
            ("history", bottom),
        ):
            docks[name].setFloating(False)
            window.addDockWidget(area, docks[name])
            docks[name].show()
        window.tabifyDockWidget(docks["map"], docks["training"])
        window.tabifyDockWidget(docks["training"], docks["dashboard"])
        window.tabifyDockWidget(docks["desk"], docks["jobs"])
        window.tabifyDockWidget(docks["jobs"], docks["history"])
        docks["map"].raise_()
        docks["desk"].raise_()
        screen = window.screen().availableGeometry()
        window.resize(min(1680, screen.width()), min(1000, screen.height()))
        sides = [min(most, round(share * window.width())) for most, share in SIDES]
        window.resizeDocks([docks["library"], docks["map"]], sides, Qt.Orientation.Horizontal)
        window.resizeDocks([docks["desk"]], [340], Qt.Orientation.Vertical)

    def restore(self) -> None:
        """As they were left the last time, if they were."""
        geometry = self._preferences.layout("geometry")
        if not geometry.isEmpty():
            self._window.restoreGeometry(geometry)
            self._window.restoreState(self._preferences.layout("state"), LAYOUT_VERSION)

    def remember(self) -> None:
        self._preferences.set_layout("geometry", QByteArray(self._window.saveGeometry()))
        self._preferences.set_layout("state", QByteArray(self._window.saveState(LAYOUT_VERSION)))
        self._preferences.sync()
