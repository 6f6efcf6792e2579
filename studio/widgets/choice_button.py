"""Tool button whose checked state can be seen at a glance in light and dark."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QAction, QPalette
from PySide6.QtWidgets import QApplication, QToolButton

from studio.services import theme


class ChoiceButton(QToolButton):
    """Shows an action; while it is checked, on a wash of the highlight colour."""

    def __init__(self, action: QAction) -> None:
        super().__init__()
        self._shown = QPalette().color(QPalette.ColorRole.Button)
        self.setDefaultAction(action)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(action.text().replace("&", ""))
        self.toggled.connect(self._show)
        self._show(self.isChecked())

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.ApplicationPaletteChange, QEvent.Type.PaletteChange):
            self._show(self.isChecked())

    def _show(self, checked: bool) -> None:
        role = QPalette.ColorRole
        wanted = QPalette()  # what is not set comes from the program's palette, also when that changes
        if checked:
            # A wash, not the full highlight: text and icon keep their colour and their contrast.
            palette = QApplication.palette(self)
            wanted.setColor(
                role.Button, theme.mixed(palette.color(role.Highlight), palette.color(role.Button), 0.45)
            )
        if wanted.color(role.Button) != self._shown:
            self._shown = wanted.color(role.Button)
            self.setPalette(wanted)
