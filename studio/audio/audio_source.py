"""Real microphone, read by QAudioSource; it is imported late (see microphone.py)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QCoreApplication, QIODevice, QMicrophonePermission, QObject, Qt, QTimer
from PySide6.QtMultimedia import QAudioDevice, QAudioFormat, QAudioSource, QMediaDevices, QtAudio

from studio.audio.microphone import AudioInput, NoInput

BUFFER_S = 0.5  # a busy window must not lose sound
LOOK_MS = 500  # how often a device is asked whether it still works

_NUMPY = {
    QAudioFormat.SampleFormat.Float: (np.float32, 1.0),
    QAudioFormat.SampleFormat.Int16: (np.int16, 32_768.0),
    QAudioFormat.SampleFormat.Int32: (np.int32, 2_147_483_648.0),
}


class SourceInput(AudioInput):
    """One microphone."""

    def __init__(self, device: QAudioDevice, form: QAudioFormat) -> None:
        super().__init__()
        self.name = device.description()
        self.rate_hz = form.sampleRate()
        self._device, self._form = device, form
        self._source: QAudioSource | None = None
        self._stream: QIODevice | None = None
        self._rest = b""
        self._look = QTimer(self)
        self._look.setInterval(LOOK_MS)
        self._look.timeout.connect(self._check)

    def start(self) -> None:
        self.stop()
        self._source = QAudioSource(self._device, self._form, self)
        self._source.setBufferSize(self._form.bytesForDuration(round(BUFFER_S * 1e6)))
        self._stream = self._source.start()
        if self._stream is not None:
            self._stream.readyRead.connect(self._read)
        self._look.start()

    def stop(self) -> None:
        self._look.stop()
        source, self._source, self._stream = self._source, None, None
        self._rest = b""
        if source is not None:
            source.stop()
            source.deleteLater()

    def _read(self) -> None:
        if self._stream is None:
            return
        raw = self._rest + bytes(self._stream.readAll().data())
        whole = len(raw) // self._form.bytesPerFrame() * self._form.bytesPerFrame()
        self._rest = raw[whole:]
        if whole:
            self.received.emit(mono(raw[:whole], self._form))

    def _check(self) -> None:
        # Asked for, not listened to: PySide 6.11 cannot convert the argument of stateChanged.
        if self._source is None:
            return
        stopped = self._source.state() == QtAudio.State.StoppedState
        gone = self.name not in device_names()
        if gone or (stopped and self._source.error() != QtAudio.Error.NoError):
            self.stop()
            self.lost.emit(self.tr("The microphone “{0}” stopped working.").format(self.name))


def mono(raw: bytes, form: QAudioFormat) -> npt.NDArray[np.float32]:
    """The mean of a device's channels, float32 (frames,) within -1 ... 1."""
    kind, scale = _NUMPY[form.sampleFormat()]
    frames = np.frombuffer(raw, kind).reshape(-1, form.channelCount())
    return np.asarray(frames.mean(axis=1, dtype=np.float64) / scale, np.float32)


def open_source(name: str = "") -> AudioInput | None:
    """The microphone of that description, else the default one; None when there is none that we can use."""
    if (refused := _refused()) is not None:
        return NoInput(refused)
    devices = [device for device in QMediaDevices.audioInputs() if device.description() == name]
    device = devices[0] if devices else QMediaDevices.defaultAudioInput()
    if device.isNull():
        return None
    form = _format(device)
    return SourceInput(device, form) if form.sampleFormat() in _NUMPY else None


def device_names() -> list[str]:
    return [device.description() for device in QMediaDevices.audioInputs()]


def watch_devices(changed: Callable[[], None], parent: QObject) -> None:
    devices = QMediaDevices(parent)
    devices.audioInputsChanged.connect(changed)


def _format(device: QAudioDevice) -> QAudioFormat:
    """Mono floats at the device's own rate if it gives them, else what it likes best."""
    form = QAudioFormat()
    form.setSampleRate(device.preferredFormat().sampleRate())
    form.setChannelCount(1)
    form.setSampleFormat(QAudioFormat.SampleFormat.Float)
    return form if device.isFormatSupported(form) else device.preferredFormat()


def _refused() -> str | None:
    """Why the system does not allow the microphone; None where it does, or where nobody asks."""
    app, permission = QCoreApplication.instance(), QMicrophonePermission()
    if app is None:
        return None
    status = app.checkPermission(permission)
    if status == Qt.PermissionStatus.Undetermined:
        app.requestPermission(permission, app, lambda _permission: None)
        status = app.checkPermission(permission)
    if status == Qt.PermissionStatus.Granted:
        return None
    return QCoreApplication.translate(
        "AudioInput",
        "The system does not let Triptych use the microphone. Allow it in the system's privacy settings.",
    )
