"""What the model's results are made audible by."""

from __future__ import annotations

from functools import partial

from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QButtonGroup, QLabel, QRadioButton, QVBoxLayout, QWidget

from engine.api import OWN_VOCODER, VOCODERS
from studio.services import theme
from studio.services.preferences import Preferences
from studio.session.models.model import Model
from studio.session.transfers.transfer import TransferDesk

PREFERENCE = "sound/vocoder"


def preferred_vocoder(preferences: Preferences) -> str:
    """One of VOCODERS, or OWN_VOCODER: also where another version's choice is not to be had here."""
    name = preferences.get(PREFERENCE, OWN_VOCODER)
    return name if name in VOCODERS else OWN_VOCODER


class SoundPage(QWidget):
    """A choice among the vocoders; the desk renders with it from then on."""

    def __init__(
        self, model: Model, transfer: TransferDesk, preferences: Preferences, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._model, self._transfer = model, transfer
        self._preferences = preferences
        own = self.tr("Every model names the vocoder that suits it.")
        if model.info is not None:
            own = self.tr("Every model names the vocoder that suits it; the one in use names {0}.").format(
                model.info.vocoder
            )
        words = {
            OWN_VOCODER: (self.tr("&As the model says"), own),
            **{n: (n, about) for n, about in VOCODERS.items()},
        }
        self.choices: dict[str, QRadioButton] = {}
        group = QButtonGroup(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.LARGE, theme.LARGE, theme.LARGE, theme.LARGE)
        column.setSpacing(theme.SMALL)
        column.addWidget(QLabel(self.tr("Vocoder")))
        for name, (title, about) in words.items():
            button = self.choices[name] = QRadioButton(title)
            button.setAccessibleName(title.replace("&", ""))
            button.setAccessibleDescription(about)
            button.setChecked(name == preferred_vocoder(preferences))
            button.toggled.connect(partial(self._choose, name))
            group.addButton(button)
            column.addSpacing(theme.SMALL)
            column.addWidget(button)
            column.addWidget(_hint(about))
        column.addSpacing(theme.LARGE)
        column.addWidget(
            _hint(
                self.tr(
                    "For the rendering “Model” and for morphs, from the next one on. A take keeps the vocoder that "
                    "it was made with."
                )
            )
        )
        column.addStretch(1)

    def _choose(self, name: str, on: bool) -> None:
        if on:
            self._preferences.set(PREFERENCE, name)
            self._transfer.set_vocoder(name)


def _hint(words: str) -> QLabel:
    label = QLabel(words)
    label.setWordWrap(True)
    label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
    return label
