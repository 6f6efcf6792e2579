"""What was done to the project, step by step; a click goes back or forth to there."""

from __future__ import annotations

from PySide6.QtWidgets import QUndoView, QVBoxLayout, QWidget

from studio.services import theme
from studio.session.undo import UndoHistory


class HistoryPanel(QWidget):
    """Shows the steps of undo; the state that was saved last is marked."""

    def __init__(self, undo: UndoHistory, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("history")
        self.view = QUndoView(undo.stack)
        self.view.setAccessibleName(self.tr("History: steps that can be undone"))
        self.view.setEmptyLabel(self.tr("As it was opened"))
        self.view.setCleanIcon(theme.icon("check"))
        self.view.setAlternatingRowColors(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
