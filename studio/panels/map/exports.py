"""A map on its way into files: a figure, a table of coordinates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from studio.dialogs.export_figure import ExportFigureDialog
from studio.panels.map import colouring
from studio.panels.map.colour_key import ColourKey
from studio.panels.map.pane import MapPane
from studio.services.preferences import Preferences
from studio.session.session import Session


class MapExports(QObject):
    """Asks where to, and has the map written.

    Args:
        pane: returns the active map.
    """

    def __init__(
        self,
        session: Session,
        preferences: Preferences,
        colours: ColourKey,
        pane: Callable[[], MapPane],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._session, self._preferences, self._colours, self._pane = session, preferences, colours, pane
        self._window = parent

    def figure(self) -> None:
        """A figure of the map as it is coloured."""
        dialog = ExportFigureDialog(self._preferences, self._window)
        if not dialog.exec():
            return
        path, _ = QFileDialog.getSaveFileName(
            self._window,
            self.tr("Export the map as a figure"),
            f"map-{self._pane().latent}.pdf",
            self.tr("Figures (*.pdf *.svg *.png)"),
        )
        table = self._pane().table
        if path and table is not None:
            labels = colouring.texts(table, self._session.library.clips, self._colours.by)
            self._session.exports.figure(path, self._pane().latent, labels, self._colours.title, **dialog.look())

    def coordinates(self) -> None:
        """A table with a row a point."""
        path, _ = QFileDialog.getSaveFileName(
            self._window,
            self.tr("Export the map's coordinates"),
            f"map-{self._pane().latent}.csv",
            self.tr("Tables (*.csv)"),
        )
        if path:
            self._session.exports.coordinates(Path(path), self._pane().latent)
