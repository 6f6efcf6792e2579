"""The commands of the map: the same actions serve the panel's buttons and the window's menus."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup

from studio.plots.scatter.scatter_tools import TOOLS
from studio.services import theme


class MapCommands(QObject):
    """Makes the actions of a map panel, by name.

    Args:
        panel: what they act on.
    """

    def __init__(self, panel: Any) -> None:
        super().__init__(panel)
        self.actions: dict[str, QAction] = {}
        self._choices(
            panel.show_latent,
            {
                "h": ("h", self.tr("One point a clip: the voice (h)")),
                "m": ("m", self.tr("One point a second: the manner of speaking (m)")),
                "z": ("z", self.tr("One point a frame: the content (z)")),
                "all": (self.tr("All"), self.tr("The maps of h, m and z side by side")),
            },
            "h",
        )
        self._choices(
            panel.set_tool,
            {
                "lasso": (
                    self.tr("Lasso"),
                    self.tr("Drag a lasso round points. Ctrl or Shift adds, Alt takes away."),
                ),
                "rectangle": (
                    self.tr("Rectangle"),
                    self.tr("Drag a rectangle over points. Ctrl or Shift adds, Alt takes away."),
                ),
                "pan": (self.tr("Pan"), self.tr("Drag the map. The middle button always does.")),
                "pin": (
                    self.tr("Pin"),
                    self.tr("Click anywhere to put a pin: the mean of the latents round it. With any other tool "
                            "the pin can be dragged to the transfer desk."),
                ),
                "path": (self.tr("Path"), self.tr("Draw a path, and hear the voice change along it.")),
            },
            TOOLS[0],
        )  # fmt: skip
        for name in TOOLS:
            self.actions[name].setIcon(theme.icon(name))
        plain: tuple[tuple[str, str, Callable[[], object]], ...] = (
            ("fit_view", self.tr("Show the whole &map"), panel.fit_view),
            ("fit_map", self.tr("&Lay out the map"), panel.fit),
            ("go_on_map", self.tr("&Continue laying out"), panel.go_on),
            ("stop_map", self.tr("&Stop laying out"), panel.stop),
            ("select_found", self.tr("Select what was &found"), panel.select_found),
            ("pin_here", self.tr("Put a &pin on the point in focus"), panel.pin_here),
            ("give_pin", self.tr("&Give the pin to the transfer"), panel.places.give),
            ("path_here", self.tr("Path through the selected p&oints"), panel.path_through_selection),
            ("hear_place", self.tr("&Hear the pin or the path"), panel.places.hear),
            ("export_figure", self.tr("Export map as &figure …"), panel.export_figure),
            ("export_coordinates", self.tr("Export map &coordinates …"), panel.export_coordinates),
        )
        for name, words, slot in plain:
            action = QAction(words, self)
            action.triggered.connect(lambda _checked=False, slot=slot: slot())
            self.actions[name] = action

    def _choices(self, slot: Callable[[str], object], named: dict[str, tuple[str, str]], first: str) -> None:
        group = QActionGroup(self)
        for name, (words, tip) in named.items():
            action = group.addAction(words)
            action.setCheckable(True)
            action.setToolTip(tip)
            action.triggered.connect(lambda _checked=False, name=name: slot(name))
            self.actions[name] = action
        self.actions[first].setChecked(True)
