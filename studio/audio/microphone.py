"""Input of sound: one small interface to a microphone, and what stands there when there is none.

The real one is in audio_source.py and is imported late: QtMultimedia costs start time and needs system libraries.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QObject, Signal


class AudioInput(QObject):
    """Gives the samples of one device.

    Signals:
        received(object): the next samples, float32 (n,) mono within -1 ... 1.
        lost(str): the device went away or failed, in words.
    """

    received = Signal(object)
    lost = Signal(str)
    name = ""  # the device's own name; empty when there is none
    note = ""  # why there is none, in words
    rate_hz = 48_000

    def start(self) -> None:
        """Begin to receive samples. Here: there is nothing to receive."""

    def stop(self) -> None:
        """Stop at once."""


class NoInput(AudioInput):
    """No microphone; the note says why."""

    def __init__(self, note: str) -> None:
        super().__init__()
        self.note = note


def open_input(device: str = "") -> AudioInput:
    """The named microphone, else the system's default, else one whose note says why there is none. Never raises."""
    try:
        from studio.audio import audio_source
    except ImportError as error:
        words = _tr(
            "Recording needs a system library ({0}). On Debian and Ubuntu, “sudo apt install libpulse0” brings it."
        )
        return NoInput(words.format(error))
    return audio_source.open_source(device) or NoInput(
        _tr("No microphone was found. Connect one; it is used at once.")
    )


def input_names() -> list[str]:
    """The microphones there are now."""
    try:
        from studio.audio import audio_source
    except ImportError:
        return []
    return audio_source.device_names()


def watch_inputs(changed: Callable[[], None], parent: QObject) -> None:
    """Call `changed` whenever a microphone comes or goes, for as long as `parent` lives."""
    try:
        from studio.audio import audio_source
    except ImportError:
        return  # open_input says so
    audio_source.watch_devices(changed, parent)


def _tr(text: str) -> str:
    return QCoreApplication.translate("AudioInput", text)
