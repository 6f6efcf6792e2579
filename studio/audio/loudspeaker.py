"""Output of sound: one small interface, and the output that only keeps the time.

The real one is in audio_sink.py and is imported late: QtMultimedia costs start time and needs system libraries.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QObject, Signal

from studio.audio.sound_source import SoundSource


class AudioOutput(QObject):
    """Plays one source at a time.

    Signals:
        lost(str): the device went away while playing, in words.
    """

    lost = Signal(str)
    name = ""  # the device's own name; empty when there is none
    note = ""  # what the user should know about this output, in words

    def start(self, source: SoundSource) -> None:
        """Begin to read the source; its count of produced samples begins at zero."""
        raise NotImplementedError

    def stop(self) -> None:
        """Stop at once. The player lets the source fade out first."""
        raise NotImplementedError

    def played(self) -> int:
        """Samples of the source heard since start, as far as the output knows."""
        raise NotImplementedError


class ClockOutput(AudioOutput):
    """No sound: the playhead moves by the clock, so that everything else works on a machine without a device."""

    def __init__(
        self,
        note: str = "",
        *,
        clock: Callable[[], float] = time.monotonic,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.note = note
        self._clock = clock
        self._source: SoundSource | None = None
        self._began = 0.0

    def start(self, source: SoundSource) -> None:
        self._source = source
        self._began = self._clock()
        source.output_started()

    def stop(self) -> None:
        self._source = None

    def played(self) -> int:
        if self._source is None:
            return 0
        count = int((self._clock() - self._began) * self._source.rate_hz)
        while (due := count - self._source.produced) > 0:
            self._source.read(min(due, 65_536))
        return count


def open_output(device: str = "") -> AudioOutput:
    """The named device, else the system's default, else a silent clock whose note says why.

    Never raises: on a machine without sound the studio works on, and the note says so.
    """
    try:
        from studio.audio import audio_sink
    except ImportError as error:
        words = _tr(
            "No sound: a system library is missing ({0}). On Debian and Ubuntu, “sudo apt install libpulse0” "
            "brings it. Until then the playhead moves in silence."
        )
        return ClockOutput(words.format(error))
    found = audio_sink.open_sink(device)
    if found is None:
        return ClockOutput(
            _tr("No sound device was found, so playback is silent. A device you connect now is used at once.")
        )
    return found


def _tr(text: str) -> str:
    return QCoreApplication.translate("AudioOutput", text)
