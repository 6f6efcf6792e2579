"""Light or dark."""

from __future__ import annotations

from functools import partial

from PySide6.QtWidgets import QApplication, QButtonGroup, QLabel, QRadioButton, QVBoxLayout, QWidget

from studio.services import theme
from studio.services.preferences import Preferences

PREFERENCE = "appearance/scheme"


class AppearancePage(QWidget):
    """Three choices; the window changes as soon as one is made."""

    def __init__(self, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._preferences = preferences
        words = {
            "system": self.tr("&Like the system, also when it changes"),
            "light": self.tr("&Light"),
            "dark": self.tr("Dar&k"),
        }
        chosen = preferences.get(PREFERENCE, theme.SCHEMES[0])
        self.choices: dict[str, QRadioButton] = {}
        group = QButtonGroup(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.LARGE, theme.LARGE, theme.LARGE, theme.LARGE)
        column.setSpacing(theme.SPACE)
        column.addWidget(QLabel(self.tr("Colours")))
        for scheme in theme.SCHEMES:
            button = self.choices[scheme] = QRadioButton(words[scheme])
            button.setAccessibleName(words[scheme].replace("&", ""))
            button.setChecked(scheme == chosen)
            button.toggled.connect(partial(self._choose, scheme))
            group.addButton(button)
            column.addWidget(button)
        if not any(button.isChecked() for button in self.choices.values()):
            self.choices[theme.SCHEMES[0]].setChecked(True)
        column.addStretch(1)

    def _choose(self, scheme: str, on: bool) -> None:
        if not on:
            return
        self._preferences.set(PREFERENCE, scheme)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            theme.choose(app, scheme)
