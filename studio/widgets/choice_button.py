"""A tool button whose checked state can be seen at a glance in light and dark."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QAction, QPalette
from PySide6.QtWidgets import QApplication, QToolButton


class ChoiceButton(QToolButton):
    """Shows an action; while it is checked, in the highlight colours."""

    def __init__(self, action: QAction) -> None:
        super().__init__()
        self.setDefaultAction(action)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(action.text().replace("&", ""))
        self.toggled.connect(self._show)
        self._show(self.isChecked())

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.ApplicationPaletteChange:
            self._show(self.isChecked())

    def _show(self, checked: bool) -> None:
        palette, role = QApplication.palette(self), QPalette.ColorRole
        if checked:
            palette.setColor(role.Button, palette.color(role.Highlight).darker(125))  # styles draw it paler
            palette.setColor(role.ButtonText, palette.color(role.HighlightedText))
        self.setPalette(palette)
