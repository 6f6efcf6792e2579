"""Menu of the loudspeakers there are now, with the system's own choice and a correction for slow ones."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QInputDialog, QMenu, QWidget

from studio.audio.output_device import OutputDevice

MOST_LATENCY_MS = 1000


class DeviceMenu(QMenu):
    """Follows the devices as they come and go.

    Signals:
        device_chosen(str): by the user, to be remembered; "" is the system's default.
        latency_chosen(str, int): device in use and its correction in milliseconds, to be remembered.
    """

    device_chosen = Signal(str)
    latency_chosen = Signal(str, int)

    def __init__(self, output: OutputDevice, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._output = output
        self.setTitle(self.tr("Output &device"))
        self._group = QActionGroup(self)
        self._default = self._choice(self.tr("&System default"), "")
        self.addAction(self._default)
        self.addSection(self.tr("Devices"))
        self._end = self.addSeparator()
        self.latency = QAction(self)
        self.latency.setStatusTip(self.tr("Bluetooth and television sets sound later than they report"))
        self.latency.triggered.connect(lambda _checked=False: self.ask_latency())
        self.addAction(self.latency)
        self._devices: list[QAction] = []
        self.aboutToShow.connect(self._about_to_show)
        output.names_changed.connect(self.show_devices)
        output.changed.connect(self._show_current)
        self.show_devices([])

    def show_devices(self, names: Sequence[str]) -> None:
        """The devices there are now."""
        for action in self._devices:
            self.removeAction(action)
            self._group.removeAction(action)
            action.deleteLater()
        self._devices = [self._choice(name.replace("&", "&&"), name) for name in names]
        missing = self._output.wanted
        if missing and missing not in names:
            gone = self._choice(self.tr("{0} (not connected)").format(missing.replace("&", "&&")), missing)
            self._devices.append(gone)
        if not self._devices:
            none = QAction(self.tr("None found"), self)
            none.setEnabled(False)
            self._devices.append(none)
        self.insertActions(self._end, self._devices)
        self._show_current()

    def ask_latency(self) -> None:
        """By how much the playhead is to wait for the ear."""
        milliseconds, given = QInputDialog.getInt(
            self.parentWidget(),
            self.tr("Playhead correction"),
            self.tr(
                "How much later “{0}” sounds than it reports, in milliseconds.\n"
                "If the playhead runs ahead of what you hear, raise it."
            ).format(self._output.name or self.tr("System default")),
            self._output.latency_ms,
            -MOST_LATENCY_MS,
            MOST_LATENCY_MS,
            10,
        )
        if given:
            self.set_latency(milliseconds)

    def set_latency(self, milliseconds: int) -> None:
        self._output.set_latency_ms(milliseconds)
        self.latency_chosen.emit(self._output.name, milliseconds)
        self._show_current()

    def _choice(self, words: str, device: str) -> QAction:
        action = QAction(words, self._group)
        action.setCheckable(True)
        action.setData(device)
        action.triggered.connect(lambda _checked=False: self._choose(device))
        return action

    def _choose(self, device: str) -> None:
        self._output.choose(device)
        self.device_chosen.emit(device)

    def _about_to_show(self) -> None:
        self._output.open()  # which knows the devices
        self._show_current()

    def _show_current(self) -> None:
        for action in (self._default, *self._devices):
            action.setChecked(action.data() == self._output.wanted)
        name = self._output.name
        self._default.setText(
            self.tr("&System default (now {0})").format(name.replace("&", "&&"))
            if name and not self._output.wanted
            else self.tr("&System default")
        )
        self.latency.setText(self.tr("&Playhead correction: {0} ms …").format(self._output.latency_ms))
