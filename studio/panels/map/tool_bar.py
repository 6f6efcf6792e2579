"""The tools above the maps; they flow into further lines where there is little width."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QPushButton, QToolButton, QWidget, QWidgetAction

from studio.panels.map.settings import MapSettings
from studio.plots.scatter.scatter_tools import TOOLS
from studio.services import theme
from studio.widgets.choice_button import ChoiceButton
from studio.widgets.flow_layout import FlowLayout

MAPS = ("h", "m", "z", "all")


class MapBar(QWidget):
    """Which maps, their colours, the mouse's tool, settings, layout, export.

    Args:
        commands: the map's actions by name. colour_by: the choice of colours, made elsewhere.
    """

    def __init__(self, commands: Mapping[str, QAction], colour_by: QWidget) -> None:
        super().__init__()
        self._commands = commands
        self.settings = MapSettings()
        self.fit = self._push("fitMap", self.tr("Lay out"), self.tr("Compute the map anew (t-SNE)"))
        self.go_on = self._push("goOnMap", self.tr("Continue"), self.tr("Let the layout go on from where it ended"))
        self.stop = self._push("stopMap", self.tr("Stop"), self.tr("Stop here and keep the layout as it is"))
        gear = self._drop_down("mapSettings", "settings", self.tr("Settings of the map"))
        gear.setToolTip(self.tr("Perplexity, PCA, distance and seed of the next layout; what a pin is the mean of"))
        popover = QMenu(gear)
        holder = QWidgetAction(popover)
        holder.setDefaultWidget(self.settings)
        popover.addAction(holder)
        gear.setMenu(popover)
        more = self._drop_down("mapExport", "export", self.tr("Export the map"))
        more.setToolTip(self.tr("Export the map as a figure or a table"))
        exports = QMenu(more)
        exports.addActions([commands["export_figure"], commands["export_coordinates"]])
        more.setMenu(exports)
        flow = FlowLayout(self, spacing=theme.SMALL)
        for name in MAPS:
            flow.addWidget(self._button(name))
        flow.addWidget(colour_by)
        for name in TOOLS:
            flow.addWidget(self._button(name))
        for widget in (gear, self.fit, self.go_on, self.stop, more):
            flow.addWidget(widget)

    def show_work(self, working: bool, *, may_fit: bool, may_go_on: bool) -> None:
        """Offer to stop what is under way, else to begin or to go on."""
        self.stop.setVisible(working)
        self.fit.setVisible(not working)
        self.fit.setEnabled(may_fit)
        self.go_on.setVisible(not working and may_go_on)

    def _push(self, name: str, words: str, tip: str) -> QPushButton:
        button = QPushButton(words)
        button.setObjectName(name)
        button.setToolTip(tip)
        return button

    def _button(self, name: str) -> QToolButton:
        button = ChoiceButton(self._commands[name])
        button.setObjectName(f"map-{name}")
        button.setAccessibleDescription(self._commands[name].toolTip())
        return button

    def _drop_down(self, name: str, icon: str, words: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName(name)
        button.setAccessibleName(words)
        button.setIcon(theme.icon(icon))
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        return button
