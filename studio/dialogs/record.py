"""Speak into the microphone: level, countdown, and the take goes into the library and onto the map."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette, QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QCompleter,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from studio.audio.level_meter import LevelMeter
from studio.audio.recorder import Recorder
from studio.domain.clip import FAILED, READY
from studio.plots.timeline import clock_text
from studio.services import theme
from studio.services.preferences import Preferences
from studio.session.session import Session

COUNTDOWNS_S = (0, 3, 5, 10)


class RecordDialog(QDialog):
    """Stays open for one recording after the other, beside the window."""

    def __init__(
        self,
        session: Session,
        preferences: Preferences,
        parent: QWidget | None = None,
        *,
        recorder: Recorder | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._preferences = preferences
        self._last, self._remark = "", ""  # id of the recording made last, and what to say of it
        self.recorder = recorder or Recorder(self)
        self.setObjectName("recordDialog")
        self.setWindowTitle(self.tr("Record"))
        self.setMinimumWidth(420)

        self.device = QComboBox()
        self.device.setAccessibleName(self.tr("Microphone"))
        self.meter = LevelMeter()
        self.name = QLineEdit()
        self.name.setPlaceholderText(self.tr("Date and time"))
        self.name.setAccessibleName(self.tr("Name of the recording"))
        self.speaker = QLineEdit()
        self.speaker.setPlaceholderText(self.tr("Who speaks; may stay empty"))
        self.speaker.setAccessibleName(self.tr("Speaker"))
        self.countdown = QComboBox()
        self.countdown.setAccessibleName(self.tr("Countdown"))
        for seconds in COUNTDOWNS_S:
            self.countdown.addItem(self.tr("{0} s").format(seconds) if seconds else self.tr("None"), seconds)
        form = QFormLayout()
        form.addRow(self.tr("&Microphone"), self.device)
        form.addRow(self.tr("Level, dB"), self.meter)
        form.addRow(self.tr("&Name"), self.name)
        form.addRow(self.tr("&Speaker"), self.speaker)
        form.addRow(self.tr("&Countdown"), self.countdown)

        self.clock = QLabel("0.0 s")
        self.clock.setObjectName("recordClock")
        self.clock.setAlignment(Qt.AlignmentFlag.AlignCenter)
        font = self.clock.font()
        font.setPointSizeF(font.pointSizeF() * 2.4)
        self.clock.setFont(font)
        self.clock.setAccessibleName(self.tr("Time recorded"))
        self.button = QPushButton(self.tr("&Record"))
        self.button.setIcon(theme.icon("microphone"))
        self.button.setDefault(True)
        self.button.setMinimumHeight(34)
        self.discard = QPushButton(self.tr("&Discard"))
        self.discard.setAutoDefault(False)
        self.discard.setEnabled(False)
        buttons = QHBoxLayout()
        buttons.addWidget(self.button, 2)
        buttons.addWidget(self.discard, 1)
        self.words = QLabel()
        self.words.setObjectName("recordWords")
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setMinimumHeight(2 * self.words.fontMetrics().lineSpacing())
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setSpacing(theme.LARGE - theme.SMALL)
        column.addLayout(form)
        column.addWidget(self.clock)
        column.addLayout(buttons)
        column.addWidget(self.words)

        self.speaker.setText(preferences.get("record/speaker", ""))
        self.countdown.setCurrentIndex(max(0, self.countdown.findData(preferences.get("record/countdown_s", 3))))
        self.button.clicked.connect(self.toggle)
        self.discard.clicked.connect(self.recorder.discard)
        self.device.activated.connect(lambda _index: self._choose_device())
        recorder = self.recorder
        recorder.heard.connect(self.meter.show_level)
        recorder.state_changed.connect(self._show_state)
        recorder.counted.connect(lambda seconds: self.clock.setText(str(seconds)))
        recorder.lasted.connect(lambda seconds: self.clock.setText(clock_text(seconds, 1)))
        recorder.finished.connect(self._finished)
        recorder.failed.connect(self._failed)
        recorder.inputs_changed.connect(self._show_devices)
        recorder.input_changed.connect(lambda _name: self._show_input())
        session.library.changed.connect(self._clips_changed)
        session.maps.changed.connect(self._follow)
        self._show_devices([])

    def toggle(self) -> None:
        """Record, or stop and keep."""
        if self.recorder.state != "idle":
            self.recorder.stop()
            return
        self._preferences.set("record/speaker", self.speaker.text().strip())
        self._preferences.set("record/countdown_s", int(self.countdown.currentData()))
        self._last = ""
        self.meter.reset()
        self.words.clear()
        self.recorder.record(
            self._session.listening.free_recording_path(self._name()), int(self.countdown.currentData())
        )

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.speaker.setCompleter(QCompleter(self._session.library.speakers(), self))
        if not event.spontaneous():
            self.recorder.open(self._preferences.get("record/device", ""))
            self.button.setFocus()

    def reject(self) -> None:
        """Escape, and by Qt's own doing the window's cross, too: what is being recorded is kept."""
        self.recorder.close()
        super().reject()

    def _name(self) -> str:
        return self.name.text().strip() or datetime.now().strftime(self.tr("Recording %Y-%m-%d %H.%M.%S"))

    def _choose_device(self) -> None:
        device = str(self.device.currentData())
        self._preferences.set("record/device", device)
        self.recorder.open(device)

    def _show_devices(self, names: list[str]) -> None:
        self.device.clear()
        self.device.addItem(self.tr("System default"), "")
        for name in names:
            self.device.addItem(name, name)
        wanted = self.recorder.device
        if wanted and wanted not in names:
            self.device.addItem(self.tr("{0} (not connected)").format(wanted), wanted)
        self.device.setCurrentIndex(max(0, self.device.findData(wanted)))

    def _show_input(self) -> None:
        name = self.recorder.input_name
        known = f" ({name})" if name and not self.recorder.device else ""
        self.device.setItemText(0, self.tr("System default") + known)
        self._show_state(self.recorder.state)
        if self.recorder.note:
            self.words.setText(self.recorder.note)

    def _show_state(self, state: str) -> None:
        idle = state == "idle"
        for field in (self.device, self.name, self.speaker, self.countdown):
            field.setEnabled(idle)
        self.button.setEnabled(not idle or bool(self.recorder.input_name))
        words = {"idle": self.tr("&Record"), "counting": self.tr("&Cancel"), "recording": self.tr("&Stop")}
        self.button.setText(words[state])
        self.button.setIcon(theme.icon("microphone" if idle else "stop"))
        self.discard.setEnabled(state == "recording")
        self.clock.setForegroundRole(theme.ERROR if state == "recording" else QPalette.ColorRole.WindowText)
        if idle:
            self.clock.setText("0.0 s")
        if state == "recording":
            self._session.listening.be_silent()

    def _finished(self, path: str, remark: str) -> None:
        speaker = self.speaker.text().strip()
        self._last = self._session.listening.add_recording(path, {"speaker": speaker} if speaker else {})
        self.name.clear()
        self._remark = remark
        self._follow()

    def _failed(self, what: str, hint: str) -> None:
        self.words.setText(f"{what} {hint}")

    def _clips_changed(self, ids: list[str]) -> None:
        if self._last in ids:
            self._follow()

    def _follow(self) -> None:
        """What became of the last recording."""
        clip = self._session.library.clips.get(self._last)
        if clip is None:
            return
        if clip.state == FAILED and clip.error is not None:
            self.words.setText(" ".join(clip.error))
            return
        if clip.state != READY:
            said = self.tr("“{0}” is in the library and is being analysed …").format(clip.name)
        elif any(clip.id in points.ids for points in self._session.maps.points.values()):
            said = self.tr("“{0}” is in the library and selected on the map.").format(clip.name)
        elif self._session.maps.points:
            said = self.tr("“{0}” is analysed and on its way to the map …").format(clip.name)
        else:
            said = self.tr("“{0}” is in the library. Lay out the map to see where it lands.").format(clip.name)
        self.words.setText(" ".join(part for part in (said, self._remark) if part))
