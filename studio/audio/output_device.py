"""Output device of a player: the one asked for or what stands in for it, exchanged as devices come and go."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from studio.audio.loudspeaker import AudioOutput, open_output
from studio.audio.sound_source import SoundSource


class OutputDevice(QObject):
    """One open output. It is opened by the first play, or by `open`, because sound libraries cost start time.

    Signals:
        note(str): what to know about the device, in words; "" when all is well.
        names_changed(list): names of the devices there are.
        changed(str): name of the device now in use; "" is none, and silence.
        wanted_changed(str): the device asked for.
        closing(): the output is about to be exchanged; whoever reads it stops.
        opened(): another output stands ready.
    """

    note = Signal(str)
    names_changed = Signal(list)
    changed = Signal(str)
    wanted_changed = Signal(str)
    closing = Signal()
    opened = Signal()

    def __init__(
        self, parent: QObject | None = None, *, open_output: Callable[[str], AudioOutput] = open_output
    ) -> None:
        super().__init__(parent)
        self._open = open_output
        self._output: AudioOutput | None = None
        self._watch: QObject | None = None
        self._fallen_back = False
        self.wanted = ""  # the device asked for; "" is the system's default
        self.latency_ms = 0

    @property
    def name(self) -> str:
        """The device in use; "" before it is opened, and where there is none."""
        return "" if self._output is None else self._output.name

    @property
    def is_silent(self) -> bool:
        """Whether it was opened and there is no device."""
        return self._output is not None and not self._output.name

    def open(self) -> None:
        """Open the output now; call it once the window is on the screen, so that the first play is instant."""
        if self._output is None:
            self._use(self._open(self.wanted))
            self._watch_devices()
            self._note_fallback()

    def choose(self, name: str) -> None:
        """Play on the device of that name, now or as soon as it is there; "" is the system's default."""
        self.wanted = name
        self._fallen_back = False
        self.wanted_changed.emit(name)
        self._exchange()
        self._note_fallback()

    def set_latency_ms(self, milliseconds: int) -> None:
        """How much later the device in use sounds than it reports; the playhead waits for it."""
        self.latency_ms = milliseconds

    def follow(self, other: OutputDevice) -> None:
        """Use the device that the other one uses, now and from now on."""
        self.choose(other.wanted)
        other.wanted_changed.connect(self.choose)

    def close(self) -> None:
        """Let go of the device."""
        if self._output is not None:
            self._output.deleteLater()
            self._output = None

    def start(self, source: SoundSource) -> None:
        """Let the output read the source, counting its samples from zero."""
        assert self._output is not None
        self._output.start(source)

    def stop(self) -> None:
        """Stop reading at once."""
        if self._output is not None:
            self._output.stop()

    def heard(self, rate_hz: int) -> int:
        """Samples at that rate which have reached the ear since the output started."""
        assert self._output is not None
        return max(0, self._output.played() - round(self.latency_ms * 1e-3 * rate_hz))

    def _use(self, output: AudioOutput) -> None:
        self._output = output
        output.setParent(self)
        output.lost.connect(self._lost)
        self.note.emit(output.note)
        self.changed.emit(output.name)

    def _exchange(self) -> None:
        """Open what is wanted in place of the output in use."""
        if self._output is None:
            return
        self.closing.emit()
        self._output.lost.disconnect(self._lost)
        self._output.deleteLater()
        self._use(self._open(self.wanted))
        self.opened.emit()

    def _watch_devices(self) -> None:
        if self._open is not open_output or self._watch is not None:
            return
        try:
            from studio.audio import audio_sink
        except ImportError:
            return  # open_output's note says so already
        self._watch = audio_sink.watch_devices(self._devices_changed, self)
        self.names_changed.emit(audio_sink.device_names())

    def _devices_changed(self) -> None:
        from studio.audio import audio_sink

        names = audio_sink.device_names()
        self.names_changed.emit(names)
        before, best = self.name, self.wanted if self.wanted in names else audio_sink.default_name()
        if before == best and before in names:
            return
        self._exchange()
        if self.wanted:
            self._note_fallback()
        elif before and before not in names and self.name:
            gone = self.tr("The sound device “{0}” is no longer there.").format(before)
            self._note_elsewhere(gone)

    def _note_fallback(self) -> None:
        """Say once that another device than the one asked for plays, and once that it is back."""
        if self._output is None or not self.wanted:
            return
        elsewhere = self.name != self.wanted
        if elsewhere and not self._fallen_back and self.name:
            self._note_elsewhere(self.tr("The sound device “{0}” is not there.").format(self.wanted))
        elif self._fallen_back and not elsewhere:
            self.note.emit(self.tr("Playing on “{0}” again.").format(self.wanted))
        self._fallen_back = elsewhere

    def _lost(self, what: str) -> None:
        self._exchange()
        if self.name:
            self._note_elsewhere(what)

    def _note_elsewhere(self, what: str) -> None:
        self.note.emit(self.tr("{0} Playing on “{1}”.").format(what, self.name))
