"""The player: one recording in several versions, played, looped and swapped at the same place."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, QTimer, Signal

from studio.audio.loudspeaker import AudioOutput, open_output
from studio.audio.sound_source import SoundSource

TICK_MS = 33
DRAIN_TICKS = 15  # a paused output that does not finish its fade in half a second is stopped anyway


class Player(QObject):
    """Plays named versions of one recording ("original", "reconstruction", "transformed") in mono.

    Versions are swapped without a gap at the same place, each at the gain that makes it as loud as the others.
    The output is opened at the first play, or by `prepare`, because sound libraries cost start time.

    Signals:
        position_changed(float): seconds, about 30 times a second while playing, and after a seek.
        state_changed(str): "playing", "paused" or "stopped".
        sound_changed(str): the version now heard.
        device_note(str): what to know about the sound device, in words; "" when all is well.
        devices_changed(list): names of the sound devices.
        output_changed(str): name of the device now in use; "" is none, and silence.
        device_wanted(str), volume_changed(float): as they were set.
    """

    position_changed = Signal(float)
    state_changed = Signal(str)
    sound_changed = Signal(str)
    device_note = Signal(str)
    devices_changed = Signal(list)
    output_changed = Signal(str)
    device_wanted = Signal(str)
    volume_changed = Signal(float)

    def __init__(
        self, parent: QObject | None = None, *, open_output: Callable[[str], AudioOutput] = open_output
    ) -> None:
        super().__init__(parent)
        self._open = open_output
        self._output: AudioOutput | None = None
        self._watch: QObject | None = None
        self._device = ""
        self._fallen_back = False
        self._latency_ms = 0
        self._source: SoundSource | None = None
        self._wanted = ""  # the version asked for, kept while it is missing
        self._volume = 1.0
        self._loop = False
        self._selection: tuple[float, float] | None = None
        self._state = "stopped"
        self._position_s = 0.0
        self._running = False  # the output is reading
        self._draining = 0
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)

    # ------------------------------------------------------------------ what there is
    @property
    def state(self) -> str:
        return self._state

    @property
    def position_s(self) -> float:
        return self._position_s

    @property
    def duration_s(self) -> float:
        return 0.0 if self._source is None else self._source.samples / self._source.rate_hz

    @property
    def sound(self) -> str:
        return "" if self._source is None else self._source.name

    @property
    def sounds(self) -> tuple[str, ...]:
        return () if self._source is None else self._source.names

    @property
    def looping(self) -> bool:
        return self._loop

    @property
    def volume(self) -> float:
        return self._volume

    @property
    def output(self) -> AudioOutput | None:
        """The open output; None before the first play."""
        return self._output

    @property
    def output_name(self) -> str:
        """The device in use; "" before the first play, and where there is none."""
        return "" if self._output is None else self._output.name

    @property
    def device(self) -> str:
        """The device asked for; "" is the system's default."""
        return self._device

    @property
    def latency_ms(self) -> int:
        return self._latency_ms

    # ------------------------------------------------------------------ sounds
    def set_sounds(
        self,
        sounds: Mapping[str, npt.NDArray[np.float32]],
        rate_hz: int,
        *,
        gains: Mapping[str, float] | None = None,
        keep_place: bool = False,
    ) -> None:
        """Load the versions of a recording, or with `keep_place` exchange them under the playhead.

        Args:
            sounds: name -> float32 (samples,), memory-mapped or not; empty to unload.
            gains: name -> factor (see studio.loudness.matching_gains).
        """
        if keep_place and sounds and self._source is not None and self._source.rate_hz == rate_hz:
            self._source.replace(sounds, gains)
            self._apply_range()
        else:
            self.stop()
            self._finish_output()
            self._source = SoundSource(sounds, rate_hz, gains) if sounds else None
            self._selection = None
            if self._source is not None:
                self._source.set_volume(self._volume)
                self._apply_range()
            self._set_position(0.0)
        if self._wanted in self.sounds:
            self.switch(self._wanted)
        self.sound_changed.emit(self.sound)

    def switch(self, name: str) -> None:
        """Go on with another version at the same place; a name that is not loaded changes nothing."""
        if self._source is not None and name in self._source.names:
            self._wanted = name
            if name != self._source.name:
                self._source.switch(name)
                self.sound_changed.emit(name)

    # ------------------------------------------------------------------ transport
    def play(self) -> None:
        if self._source is None or self._state == "playing":
            return
        self.prepare()
        assert self._output is not None
        start, stop = self._range()
        place = round(self._position_s * self._source.rate_hz)
        place = place if start <= place < stop else start
        self._source.seek(place)
        self._source.play()
        self._set_position(place / self._source.rate_hz)
        if not self._running:
            self._output.start(self._source)
            self._running = True
        self._draining = 0
        self._set_state("playing")
        self._timer.start()

    def pause(self) -> None:
        """Fade out within 5 ms and keep the place."""
        if self._state == "playing" and self._source is not None:
            self._follow()
            self._source.pause()
            self._draining = DRAIN_TICKS
            self._set_state("paused")

    def toggle(self) -> None:
        """What Space does."""
        if self._state == "playing":
            self.pause()
        else:
            self.play()

    def stop(self) -> None:
        """Stop and return to the beginning of the selection or the recording."""
        if self._source is None:
            return
        self.pause()
        self._set_state("stopped")
        self._set_position(self._range()[0] / self._source.rate_hz)

    def seek(self, seconds: float) -> None:
        if self._source is None:
            return
        place = float(np.clip(seconds, 0.0, self.duration_s))
        if self._state == "playing":
            self._source.seek(round(place * self._source.rate_hz))
            self._source.play()  # it may have come to its end, unheard as yet
        self._set_position(place)

    def set_selection(self, span_s: tuple[float, float] | None) -> None:
        """Play only this span of seconds; None plays all."""
        self._selection = span_s
        self._apply_range()

    def set_loop(self, loop: bool) -> None:
        self._loop = loop
        self._apply_range()

    def set_volume(self, volume: float) -> None:
        """0 to 1, linear in amplitude."""
        self._volume = float(np.clip(volume, 0.0, 1.0))
        self.volume_changed.emit(self._volume)
        if self._source is not None:
            self._source.set_volume(self._volume)

    # ------------------------------------------------------------------ the device
    def prepare(self) -> None:
        """Open the output now; call it once the window is on the screen, so that the first play is instant."""
        if self._output is None:
            self._use(self._open(self._device))
            self._watch_devices()
            self._tell_fallback()

    def set_device(self, name: str) -> None:
        """Play on the device of that name, now or as soon as it is there; "" is the system's default."""
        self._device = name
        self._fallen_back = False
        self.device_wanted.emit(name)
        self._reopen()
        self._tell_fallback()

    def follow(self, other: Player) -> None:
        """Play on the other player's device at its volume, now and from now on."""
        self.set_device(other.device)
        self.set_volume(other.volume)
        other.device_wanted.connect(self.set_device)
        other.volume_changed.connect(self.set_volume)

    def set_latency_ms(self, milliseconds: int) -> None:
        """How much later the device in use sounds than it tells; the playhead waits for it."""
        self._latency_ms = milliseconds

    def shut_down(self) -> None:
        """Stop and let go of the device."""
        self.set_sounds({}, 16_000)
        if self._output is not None:
            self._output.deleteLater()
            self._output = None

    # ------------------------------------------------------------------ inside
    def _use(self, output: AudioOutput) -> None:
        self._output = output
        output.setParent(self)
        output.lost.connect(self._lost)
        self.device_note.emit(output.note)
        self.output_changed.emit(output.name)

    def _watch_devices(self) -> None:
        if self._open is not open_output or self._watch is not None:
            return
        try:
            from studio.audio import audio_sink
        except ImportError:
            return  # open_output has said so already
        self._watch = audio_sink.watch_devices(self._devices_changed, self)
        self.devices_changed.emit(audio_sink.device_names())

    def _devices_changed(self) -> None:
        from studio.audio import audio_sink

        names = audio_sink.device_names()
        self.devices_changed.emit(names)
        before, wanted = self.output_name, self._device if self._device in names else audio_sink.default_name()
        if before == wanted and before in names:
            return
        self._reopen()
        if self._device:
            self._tell_fallback()
        elif before and before not in names and self.output_name:
            gone = self.tr("The sound device “{0}” is no longer there.").format(before)
            self.device_note.emit(self.tr("{0} Playing on “{1}”.").format(gone, self.output_name))

    def _tell_fallback(self) -> None:
        """Say once that another device than the one asked for plays, and once that it is back."""
        if self._output is None or not self._device:
            return
        elsewhere = self.output_name != self._device
        if elsewhere and not self._fallen_back and self.output_name:
            gone = self.tr("The sound device “{0}” is not there.").format(self._device)
            self.device_note.emit(self.tr("{0} Playing on “{1}”.").format(gone, self.output_name))
        elif self._fallen_back and not elsewhere:
            self.device_note.emit(self.tr("Playing on “{0}” again.").format(self._device))
        self._fallen_back = elsewhere

    def _lost(self, what: str) -> None:
        self._reopen()
        if self.output_name:
            self.device_note.emit(self.tr("{0} Playing on “{1}”.").format(what, self.output_name))

    def _reopen(self) -> None:
        """Change the output under the playhead; what plays, plays on."""
        if self._output is None:
            return
        playing = self._state == "playing"
        if playing:
            self._follow()
        self._finish_output()
        self._output.lost.disconnect(self._lost)
        self._output.deleteLater()
        self._use(self._open(self._device))
        if playing and self._source is not None:
            self._source.seek(round(self._position_s * self._source.rate_hz))
            self._output.start(self._source)
            self._running = True
            self._timer.start()

    def _finish_output(self) -> None:
        self._timer.stop()
        if self._running and self._output is not None:
            self._output.stop()
        self._running = False
        self._draining = 0

    def _range(self) -> tuple[int, int]:
        """The span to play, in samples."""
        assert self._source is not None
        if self._selection is None:
            return 0, self._source.samples
        low, high = (round(edge * self._source.rate_hz) for edge in self._selection)
        low = max(0, min(low, self._source.samples))
        high = max(low, min(high, self._source.samples))
        return (low, high) if high > low else (0, self._source.samples)

    def _apply_range(self) -> None:
        if self._source is not None:
            self._source.set_range(*self._range(), loop=self._loop)

    def _tick(self) -> None:
        assert self._source is not None
        assert self._output is not None
        played = self._heard()
        if self._state == "playing":
            if self._source.ended_at is not None and played >= self._source.ended_at:
                self._set_state("stopped")
                self._draining = DRAIN_TICKS
                self._set_position(self._range()[0] / self._source.rate_hz)
            else:
                self._set_position(self._source.position_at(played) / self._source.rate_hz)
            return
        self._draining -= 1
        faded = self._source.silent_at
        if self._draining <= 0 or (faded is not None and played >= faded):
            self._finish_output()

    def _follow(self) -> None:
        if self._running and self._output is not None and self._source is not None:
            self._set_position(self._source.position_at(self._heard()) / self._source.rate_hz)

    def _heard(self) -> int:
        """Samples of the source that have reached the ear since the output started."""
        assert self._output is not None
        assert self._source is not None
        return max(0, self._output.played() - round(self._latency_ms * 1e-3 * self._source.rate_hz))

    def _set_position(self, seconds: float) -> None:
        self._position_s = seconds
        self.position_changed.emit(seconds)

    def _set_state(self, state: str) -> None:
        if state != self._state:
            self._state = state
            self.state_changed.emit(state)
