"""Where the engine computes."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QComboBox, QFormLayout, QLabel, QVBoxLayout, QWidget

from engine.api import DevicesFound, FindDevices
from studio.engine_link.engine_link import EngineLink
from studio.services import theme
from studio.services.preferences import Preferences

PREFERENCE, AUTO = "compute/device", "auto"


class DevicePage(QWidget):
    """Asks the engine which devices there are; until it answers, the choice made before is shown."""

    def __init__(self, link: EngineLink, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._link = link
        self._preferences = preferences
        self._there: set[str] = set()  # once the engine has reported
        chosen = preferences.get(PREFERENCE, AUTO)
        self.device = QComboBox()
        self.device.setAccessibleName(self.tr("Device for analysis, maps and transfers"))
        self.device.addItem(self.tr("Automatic"), AUTO)
        if chosen != AUTO:
            self.device.addItem(chosen, chosen)
            self.device.setCurrentIndex(1)
        self.state = QLabel(self.tr("Asking the engine which devices there are …"))
        self.state.setWordWrap(True)
        self.state.setTextFormat(Qt.TextFormat.PlainText)
        hint = QLabel(
            self.tr(
                "Used from the next job on. A training has a device of its own, chosen with the run. What you hear "
                "with is chosen in the menu Playback."
            )
        )
        hint.setWordWrap(True)
        hint.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(self.tr("&Compute on"), self.device)
        form.addRow("", self.state)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.LARGE, theme.LARGE, theme.LARGE, theme.LARGE)
        column.setSpacing(theme.LARGE)
        column.addLayout(form)
        column.addWidget(hint)
        column.addStretch(1)
        self.device.currentIndexChanged.connect(self._choose)
        job = link.submit(FindDevices(), title=self.tr("Look for devices"), latest_key="devices")
        job.done.connect(self._show)
        job.failed.connect(self._not_found)

    def _show(self, found: DevicesFound) -> None:
        chosen = self._preferences.get(PREFERENCE, AUTO)
        self._there = {AUTO, *(name for name, _words in found.devices)}
        with QSignalBlocker(self.device):
            self.device.clear()
            self.device.addItem(self.tr("Automatic: {0}").format(found.auto), AUTO)
            for name, words in found.devices:
                self.device.addItem(words, name)
            if chosen not in self._there:
                self.device.addItem(self.tr("{0} (not there now)").format(chosen), chosen)
            self.device.setCurrentIndex(max(0, self.device.findData(chosen)))
        self._say()

    def _say(self) -> None:
        missing = self._there and self.device.currentData() not in self._there
        words = self.tr("This device is not there now; jobs fail until it is, or another one is chosen.")
        self.state.setText(words if missing else "")

    def _not_found(self, what: str, hint: str, _details: str) -> None:
        self.state.setText(f"{what} {hint}")

    def _choose(self) -> None:
        name = str(self.device.currentData())
        self._preferences.set(PREFERENCE, name)
        self._link.device = name
        self._say()
