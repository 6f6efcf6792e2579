"""What every part of the session can be asked to do when a project is opened, saved or brought elsewhere."""

from __future__ import annotations

from PySide6.QtCore import QObject

from studio.project.folder import Moved
from studio.project.project_file import Project


class Part(QObject):
    """One subject of the session, which clears, loads and dumps what it keeps of a project; by default nothing.

    A part is given the context and the parts it needs; where those need it, too, they hear of it by its signals.
    """

    def clear(self) -> None:
        """Put everything down: another project begins."""

    def load(self, stored: Project) -> None:
        """Hold what was stored of a project; it was cleared before."""

    def dump(self, project: Project) -> None:
        """Put into a project what outlives the program, as copies: a thread writes it."""

    def relocate(self, moved: Moved) -> None:
        """Know by its new place what was brought into another folder."""
