"""A take's three sounds and what they prove: the control beside every number, and one plain sentence."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from engine.api import Take
from studio.domain import evidence
from studio.services import theme
from studio.widgets.comparison_table import ComparisonTable


class ListeningCard(QWidget):
    """Shows one take, or says what will stand here.

    Signals:
        play_requested(str): "original", "reconstruction" or "transformed".
    """

    play_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = ComparisonTable(
            (
                ("original", self.tr("Original"), self.tr("Play the source as it was recorded")),
                (
                    "reconstruction",
                    self.tr("Reconstruction"),
                    self.tr(
                        "Play the reconstruction only: own voice (h) and emotion (m), same "
                        "vocoder. The honest control."
                    ),
                ),
                (
                    "transformed",
                    self.tr("Transformed"),
                    self.tr("Play the source with the voice and emotion of the references"),
                ),
            )
        )
        self.set_icons(True)
        self.table.play_requested.connect(self.play_requested)
        self.verdict = QLabel()
        self.verdict.setObjectName("verdict")
        self.verdict.setWordWrap(True)
        self.verdict.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, theme.SMALL, 0)  # off its scroll bar
        column.setSpacing(theme.SPACE)
        column.addWidget(self.verdict)  # first: it is what one wants to know, and room may be short
        column.addWidget(self.table)
        column.addStretch(1)
        self.show_take(None)

    def set_narrow(self, narrow: bool) -> None:
        """For a column at the side of the window."""
        self.table.set_narrow(narrow)

    def set_icons(self, shown: bool) -> None:
        """Whether the buttons have icons; without them they are as narrow as their words."""
        for button in self.table.buttons.values():
            button.setIcon(theme.icon("play") if shown else QIcon())

    def show_take(self, take: Take | None) -> None:
        for key in self.table.buttons:
            self.table.set_enabled(key, take is not None)
        known = [] if take is None else [row for row in evidence.rows(take) if row.known]
        self.table.set_rows([(row.name, row.why, (row.original, row.control, row.transformed)) for row in known])
        self.verdict.setText(
            self.tr("A result is measured here beside the reconstruction without any change, the honest control.")
            if take is None
            else evidence.sentence(take)
        )
