"""What a right click on a map offers: the twins of every drag."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QMenu, QWidget

from studio.panels.map.pane import MapPane
from studio.panels.map.pins_and_paths import PinsAndPaths
from studio.panels.map.points.point_table import Key
from studio.session.session import Session


def point_menu(
    parent: QWidget,
    session: Session,
    pane: MapPane,
    pins_and_paths: PinsAndPaths,
    number: int,
    xy: tuple[float, float],
    *,
    play: Callable[[Key], object],
    focus: Callable[[Key], object],
) -> QMenu:
    """The menu for a point (its number), the pin (-2) or empty ground (-1).

    Args:
        xy: where the click was, in the map's coordinates.
        play, focus: what is done with a point.
    """
    menu = QMenu(parent)
    if number >= 0 and pane.table is not None:
        key = pane.table.key(number)
        mine = pane.scatter.selection()
        keys = pane.table.keys_of(mine) if mine[number] else [key]
        payload = pane.latents.payload(keys)
        menu.addAction(_tr("Play"), lambda: play(key))
        menu.addAction(_tr("Use as source of the transfer"), lambda: session.transfer.set_source(key[0]))
        menu.addAction(_tr("Give as voice (h)"), lambda: session.transfer.add_voice(payload))
        menu.addAction(_tr("Give as emotion (m)"), lambda: session.transfer.add_emotion(payload))
        menu.addSeparator()
        menu.addAction(_tr("Nearest in latent space"), lambda: focus(key))
    if number != -2 and pane.table is not None:
        menu.addAction(_tr("Put a pin here"), lambda: pane.set_pin(xy))
    if pane.pin is not None:
        give = pins_and_paths.give_words()
        if give:
            menu.addAction(give, pins_and_paths.give)
        menu.addAction(_tr("Take the pin away"), lambda: pane.set_pin(None))
    if pane.path is not None:
        menu.addAction(_tr("Take the path away"), lambda: pane.set_path(None))
    return menu


def _tr(words: str) -> str:
    return QCoreApplication.translate("MapViewPanel", words)
