"""Real loudspeaker, fed from a SoundSource by QAudioSink; it is imported late (see loudspeaker.py)."""

from __future__ import annotations

from collections.abc import Callable
from math import gcd

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QIODevice, QObject
from PySide6.QtMultimedia import QAudioDevice, QAudioFormat, QAudioSink, QMediaDevices, QtAudio

from studio.audio.loudspeaker import AudioOutput
from studio.audio.sound_source import SoundSource

# Long enough for a busy interface to miss a few frames, short enough for a switch to feel immediate.
BUFFER_S = 0.12
TAPS = 32  # of the resampling filter, per output sample
SETTLE_S = 0.5  # after a start, until the buffers on the way to the ear are full

_NUMPY = {
    QAudioFormat.SampleFormat.Float: (np.float32, 1.0),
    QAudioFormat.SampleFormat.Int16: (np.int16, 32_767.0),
    QAudioFormat.SampleFormat.Int32: (np.int32, 2_147_483_392.0),  # the largest float32 below 2^31
}


class Resampler:
    """Streaming change of rate by a windowed-sinc polyphase filter (Smith & Gossett, ICASSP 1984).

    Args:
        read: the source, count -> float32 (count,).
        from_hz, to_hz: rates; equal rates pass through.
    """

    def __init__(self, read: Callable[[int], npt.NDArray[np.float32]], from_hz: int, to_hz: int) -> None:
        self._read = read
        common = gcd(from_hz, to_hz)
        self._up, self._down = to_hz // common, from_hz // common
        half = TAPS // 2
        self._past = np.zeros(TAPS, np.float32)  # input samples from `self._at - half` on
        self._phase = 0  # position between two input samples, in 1 / up
        cutoff = min(1.0, to_hz / from_hz) * 0.95
        offset = np.arange(TAPS)[None, :] - (half - 1) - np.arange(self._up)[:, None] / self._up
        window = 0.5 + 0.5 * np.cos(np.pi * np.clip(offset / half, -1, 1))
        table = cutoff * np.sinc(cutoff * offset) * window
        self._table = (table / table.sum(axis=1, keepdims=True)).astype(np.float32)

    def read(self, count: int) -> npt.NDArray[np.float32]:
        """The next `count` samples at the new rate."""
        if self._up == self._down:
            return self._read(count)
        steps = self._phase + self._down * np.arange(count + 1)
        base, phase = steps // self._up, steps % self._up
        line = np.concatenate([self._past, self._read(int(base[-1]))])
        windows = np.lib.stride_tricks.sliding_window_view(line, TAPS)
        out = np.einsum("ij,ij->i", windows[base[:-1]], self._table[phase[:-1]])
        self._past = line[base[-1] :]
        self._phase = int(phase[-1])
        return np.asarray(out, np.float32)


class _Feed(QIODevice):
    """The source as the bytes the device wants."""

    def __init__(self, source: SoundSource, form: QAudioFormat, parent: QObject) -> None:
        super().__init__(parent)
        self._resampler = Resampler(source.read, source.rate_hz, form.sampleRate())
        self._channels = form.channelCount()
        self._frame_bytes = form.bytesPerFrame()
        self._kind, self._scale = _NUMPY[form.sampleFormat()]
        # Unbuffered: QIODevice would otherwise read a quarter of a second ahead of its own accord.
        self.open(QIODevice.OpenModeFlag.ReadOnly | QIODevice.OpenModeFlag.Unbuffered)

    def isSequential(self) -> bool:
        return True

    def bytesAvailable(self) -> int:
        return 1 << 20  # there is always more: silence, if nothing else

    def readData(self, most: int) -> bytes:
        mono = self._resampler.read(most // self._frame_bytes) * np.float32(self._scale)
        if self._channels > 1:
            mono = np.repeat(mono, self._channels)
        return mono.astype(self._kind).tobytes()

    def writeData(self, data: bytes, most: int) -> int:  # type: ignore[override]
        return -1


class HeardClock:
    """Clock of what has reached the ear, of all that a sound server has taken.

    The server fills its own buffers at once and counts what it took, so its count leads the ear by what they hold.
    From then on it takes as much as it plays: the lead it has reached stays, also across dropouts.
    """

    def __init__(self) -> None:
        self._lead_s = 0.0

    def heard_s(self, taken_s: float, elapsed_s: float) -> float:
        """Seconds heard when the server has taken so many, so long after the start."""
        if elapsed_s < SETTLE_S:
            self._lead_s = max(self._lead_s, taken_s - elapsed_s)
        return max(0.0, taken_s - self._lead_s)


class SinkOutput(AudioOutput):
    """One sound device."""

    def __init__(self, device: QAudioDevice, form_for: Callable[[int], QAudioFormat]) -> None:
        super().__init__()
        self.name = device.description()
        self._device = device
        self._form_for = form_for
        self._sink: QAudioSink | None = None
        self._feed: _Feed | None = None
        self._rate_hz = 0
        self._clock = HeardClock()

    def start(self, source: SoundSource) -> None:
        self.stop()
        form = self._form_for(source.rate_hz)
        self._rate_hz = source.rate_hz
        source.output_started()
        self._clock = HeardClock()
        self._feed = _Feed(source, form, self)
        self._sink = QAudioSink(self._device, form, self)
        self._sink.setBufferSize(form.bytesForDuration(round(BUFFER_S * 1e6)))
        self._sink.start(self._feed)

    def stop(self) -> None:
        sink, feed = self._sink, self._feed
        self._sink = self._feed = None  # first, so that this end is not taken for a lost device
        if sink is not None and feed is not None:
            sink.reset()
            sink.deleteLater()
            feed.close()
            feed.deleteLater()

    def played(self) -> int:
        if self._sink is None:
            return 0
        taken_s, elapsed_s = self._sink.processedUSecs() * 1e-6, self._sink.elapsedUSecs() * 1e-6
        count = round(self._clock.heard_s(taken_s, elapsed_s) * self._rate_hz)
        # Asked for, not listened to: PySide 6.11 cannot convert the argument of stateChanged.
        ended = self._sink.state() == QtAudio.State.StoppedState
        if ended and self._sink.error() != QtAudio.Error.NoError:
            self.stop()
            self.lost.emit(self.tr("The sound device “{0}” stopped working.").format(self.name))
        return count


def open_sink(name: str = "") -> SinkOutput | None:
    """The device of that description, else the default one; None when there is none that we can feed."""
    devices = [d for d in QMediaDevices.audioOutputs() if d.description() == name]
    device = devices[0] if devices else QMediaDevices.defaultAudioOutput()
    if device.isNull():
        return None

    def form_for(rate_hz: int) -> QAudioFormat:
        return _format(device, rate_hz)

    if form_for(16_000).sampleFormat() not in _NUMPY:
        return None
    return SinkOutput(device, form_for)


def default_name() -> str:
    """The system's choice; "" when there is no device."""
    return QMediaDevices.defaultAudioOutput().description()


def device_names() -> list[str]:
    return [device.description() for device in QMediaDevices.audioOutputs()]


def watch_devices(changed: Callable[[], None], parent: QObject) -> QMediaDevices:
    """Call `changed` whenever a device comes or goes, for as long as `parent` lives."""
    devices = QMediaDevices(parent)
    devices.audioOutputsChanged.connect(changed)
    return devices


def _format(device: QAudioDevice, rate_hz: int) -> QAudioFormat:
    """Mono at the source's rate if the device takes it, else what the device likes best."""
    for kind in (QAudioFormat.SampleFormat.Float, QAudioFormat.SampleFormat.Int16):
        form = QAudioFormat()
        form.setSampleRate(rate_hz)
        form.setChannelCount(1)
        form.setSampleFormat(kind)
        if device.isFormatSupported(form):
            return form
    return device.preferredFormat()
