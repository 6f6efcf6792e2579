"""Player of one recording in several versions, which are looped and swapped at one position."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, QTimer, Signal

from studio.audio.loudspeaker import AudioOutput, open_output
from studio.audio.output_device import OutputDevice
from studio.audio.sound_source import SoundSource

TICK_MS = 33
DRAIN_TICKS = 15  # a paused output that does not finish its fade in half a second is stopped anyway


class Player(QObject):
    """Plays named versions of one recording ("original", "reconstruction", "transformed") in mono.

    Versions are swapped without a gap at the same position, each at the gain that makes it as loud as the others.

    Signals:
        position_changed(float): seconds, about 30 times a second while playing, and after a seek.
        state_changed(str): "playing", "paused" or "stopped".
        sound_changed(str): the version now heard.
        volume_changed(float): as it was set.
    """

    position_changed = Signal(float)
    state_changed = Signal(str)
    sound_changed = Signal(str)
    volume_changed = Signal(float)

    def __init__(
        self, parent: QObject | None = None, *, open_output: Callable[[str], AudioOutput] = open_output
    ) -> None:
        super().__init__(parent)
        self.output = OutputDevice(self, open_output=open_output)
        self.output.closing.connect(self._suspend)
        self.output.opened.connect(self._resume)
        self.source: SoundSource | None = None  # what is loaded
        self.state = "stopped"
        self.position_s = 0.0
        self.volume = 1.0
        self.running = False  # the output reads, also while a pause fades out
        self._wanted = ""  # the version asked for, kept while it is missing
        self._loop = False
        self._selection: tuple[float, float] | None = None
        self._draining = 0
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self.update)

    @property
    def duration_s(self) -> float:
        return 0.0 if self.source is None else self.source.samples / self.source.rate_hz

    @property
    def sound(self) -> str:
        return "" if self.source is None else self.source.name

    @property
    def sounds(self) -> tuple[str, ...]:
        return () if self.source is None else self.source.names

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
        if keep_place and sounds and self.source is not None and self.source.rate_hz == rate_hz:
            self.source.replace(sounds, gains)
            self._apply_range()
        else:
            self.stop()
            self._finish_output()
            self.source = SoundSource(sounds, rate_hz, gains) if sounds else None
            self._selection = None
            if self.source is not None:
                self.source.set_volume(self.volume)
                self._apply_range()
            self._set_position(0.0)
        if self._wanted in self.sounds:
            self.switch(self._wanted)
        self.sound_changed.emit(self.sound)

    def switch(self, name: str) -> None:
        """Go on with another version at the same position; a name that is not loaded changes nothing."""
        if self.source is not None and name in self.source.names:
            self._wanted = name
            if name != self.source.name:
                self.source.switch(name)
                self.sound_changed.emit(name)

    def play(self) -> None:
        if self.source is None or self.state == "playing":
            return
        self.output.open()
        start, stop = bounds(self.source, self._selection)
        at = round(self.position_s * self.source.rate_hz)
        at = at if start <= at < stop else start
        self.source.seek(at)
        self.source.play()
        self._set_position(at / self.source.rate_hz)
        self._start_output(self.source)
        self._set_state("playing")

    def pause(self) -> None:
        """Fade out within 5 ms and keep the position."""
        if self.state == "playing" and self.source is not None:
            self._take_position()
            self.source.pause()
            self._draining = DRAIN_TICKS
            self._set_state("paused")

    def toggle(self) -> None:
        """What Space does."""
        if self.state == "playing":
            self.pause()
        else:
            self.play()

    def stop(self) -> None:
        """Stop and return to the beginning of the selection or the recording."""
        if self.source is None:
            return
        self.pause()
        self._set_state("stopped")
        self._set_position(bounds(self.source, self._selection)[0] / self.source.rate_hz)

    def seek(self, seconds: float) -> None:
        if self.source is None:
            return
        position_s = float(np.clip(seconds, 0.0, self.duration_s))
        if self.state == "playing":
            self.source.seek(round(position_s * self.source.rate_hz))
            self.source.play()  # it may have come to its end, unheard as yet
        self._set_position(position_s)

    def set_selection(self, span_s: tuple[float, float] | None) -> None:
        """Play only this span of seconds; None plays all."""
        self._selection = span_s
        self._apply_range()

    def set_loop(self, loop: bool) -> None:
        self._loop = loop
        self._apply_range()

    def set_volume(self, volume: float) -> None:
        """0 to 1, linear in amplitude."""
        self.volume = float(np.clip(volume, 0.0, 1.0))
        self.volume_changed.emit(self.volume)
        if self.source is not None:
            self.source.set_volume(self.volume)

    def follow(self, other: Player) -> None:
        """Play on the other player's device at its volume, now and from now on."""
        self.output.follow(other.output)
        self.set_volume(other.volume)
        other.volume_changed.connect(self.set_volume)

    def shut_down(self) -> None:
        """Stop and let go of the device."""
        self.set_sounds({}, 16_000)
        self.output.close()

    def update(self) -> None:
        """Bring position and state up to what was heard by now; happens by itself while the output runs."""
        assert self.source is not None
        heard = self.output.heard(self.source.rate_hz)
        if self.state == "playing":
            if self.source.ended_at is not None and heard >= self.source.ended_at:
                self._set_state("stopped")
                self._draining = DRAIN_TICKS
                self._set_position(bounds(self.source, self._selection)[0] / self.source.rate_hz)
            else:
                self._set_position(self.source.position_at(heard) / self.source.rate_hz)
            return
        self._draining -= 1
        faded = self.source.silent_at
        if self._draining <= 0 or (faded is not None and heard >= faded):
            self._finish_output()

    def _suspend(self) -> None:
        """The output under the playhead is about to change."""
        if self.state == "playing":
            self._take_position()
        self._finish_output()

    def _resume(self) -> None:
        """There is another output: what plays, plays on."""
        if self.state == "playing" and self.source is not None:
            self.source.seek(round(self.position_s * self.source.rate_hz))
            self._start_output(self.source)

    def _start_output(self, source: SoundSource) -> None:
        if not self.running:
            self.output.start(source)
            self.running = True
        self._draining = 0
        self._timer.start()

    def _finish_output(self) -> None:
        self._timer.stop()
        if self.running:
            self.output.stop()
        self.running = False
        self._draining = 0

    def _apply_range(self) -> None:
        if self.source is not None:
            self.source.set_range(*bounds(self.source, self._selection), loop=self._loop)

    def _take_position(self) -> None:
        if self.running and self.source is not None:
            heard = self.output.heard(self.source.rate_hz)
            self._set_position(self.source.position_at(heard) / self.source.rate_hz)

    def _set_position(self, seconds: float) -> None:
        self.position_s = seconds
        self.position_changed.emit(seconds)

    def _set_state(self, state: str) -> None:
        if state != self.state:
            self.state = state
            self.state_changed.emit(state)


def bounds(source: SoundSource, span_s: tuple[float, float] | None) -> tuple[int, int]:
    """First sample and end of what is played of a source: a span of seconds, or all of it without one."""
    if span_s is None:
        return 0, source.samples
    low, high = (round(edge * source.rate_hz) for edge in span_s)
    low = max(0, min(low, source.samples))
    high = max(low, min(high, source.samples))
    return (low, high) if high > low else (0, source.samples)
