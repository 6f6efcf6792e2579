"""The commands of the map, as data: they serve the panel's buttons and the window's menus."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from studio.plots.scatter.scatter_tools import TOOLS
from studio.services.actions import Action

if TYPE_CHECKING:
    from studio.panels.map.panel import MapViewPanel


def map_commands(panel: MapViewPanel) -> tuple[Action, ...]:
    """What can be done with a map panel."""
    return (*_latents(panel), *_tools(panel), *_others(panel))


def _latents(panel: MapViewPanel) -> tuple[Action, ...]:
    return tuple(
        Action(name, title, partial(panel.show_latent, name), tip=tip, choice="latent", checked=name == "h")
        for name, title, tip in (
            ("h", "h", _tr("Voice (h): one point a clip")),
            ("m", "m", _tr("Emotion (m): one point a second")),
            ("z", "z", _tr("Content (z): one point a frame")),
            ("all", _tr("All"), _tr("The maps of voice (h), emotion (m) and content (z) side by side")),
        )
    )


def _tools(panel: MapViewPanel) -> tuple[Action, ...]:
    return tuple(
        Action(
            name, title, partial(panel.set_tool, name), tip=tip, icon=name, choice="tool", checked=name == TOOLS[0]
        )
        for name, title, tip in (
            ("lasso", _tr("Lasso"), _tr("Drag a lasso round points. Ctrl or Shift adds, Alt takes away.")),
            (
                "rectangle",
                _tr("Rectangle"),
                _tr("Drag a rectangle over points. Ctrl or Shift adds, Alt takes away."),
            ),
            ("pan", _tr("Pan"), _tr("Drag the map. The middle button always does.")),
            (
                "pin",
                _tr("Pin"),
                _tr(
                    "Click anywhere to put a pin: the mean of the latents round it. With any other tool "
                    "the pin can be dragged to the transfer desk."
                ),
            ),
            ("path", _tr("Path"), _tr("Draw a path, and hear the voice change along it.")),
        )
    )


def _others(panel: MapViewPanel) -> tuple[Action, ...]:
    return (
        Action("fit_view", _tr("Show the whole &map"), panel.fit_view),
        Action("fit_map", _tr("&Lay out the map"), panel.fit),
        Action("go_on_map", _tr("&Continue laying out"), panel.go_on),
        Action("stop_map", _tr("&Stop laying out"), panel.stop),
        Action("select_found", _tr("Select what was &found"), panel.finder.select_found),
        Action("pin_here", _tr("Put a &pin on the point in focus"), panel.pins_and_paths.pin_here),
        Action("give_pin", _tr("&Give the pin to the transfer"), panel.pins_and_paths.give),
        Action("path_here", _tr("Path through the selected p&oints"), panel.pins_and_paths.path_through_selection),
        Action("hear_place", _tr("&Hear the pin or the path"), panel.pins_and_paths.hear),
        Action("export_figure", _tr("Export map as &figure …"), panel.exports.figure),
        Action("export_coordinates", _tr("Export map &coordinates …"), panel.exports.coordinates),
    )


def _tr(words: str) -> str:
    return QCoreApplication.translate("MapCommands", words)
