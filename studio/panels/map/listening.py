"""Sounds that the map plays by itself: the point under the cursor, a morph along a path."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QObject, Signal

from engine.api import MorphDone, StoredClip
from studio.audio.loudspeaker import AudioOutput, open_output
from studio.audio.player import Player
from studio.panels.map.points.point_table import FRAMES_A_SECOND, Key
from studio.services.preferences import Preferences

FRAME_ROUND_S = 0.15  # a single frame is played with so much on both sides
CLIP_LONGEST_S = 3.0  # of a whole clip under the cursor


class Audition(QObject):
    """A player beside the clip view's; the window lets only one of the two sound at a time.

    Signals:
        began(): something of the map starts to sound.
        ended(): it has ended, or was stopped.
        step_changed(int): the step of the morph that sounds now; -1 for none.
    """

    began = Signal()
    ended = Signal()
    step_changed = Signal(int)

    def __init__(
        self,
        preferences: Preferences,
        parent: QObject | None = None,
        *,
        open_output: Callable[[str], AudioOutput] = open_output,
    ) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self._morph: MorphDone | None = None
        self._playing_morph = False
        self.player = Player(self, open_output=open_output)
        self.player.position_changed.connect(self._follow)
        self.player.state_changed.connect(self._state_changed)

    @property
    def sounding(self) -> bool:
        return self.player.state == "playing"

    @property
    def playing_morph(self) -> bool:
        return self._playing_morph

    def scrub(self, folder: str, rate_hz: int, latent: str, key: Key) -> None:
        """Play a point at once: the beginning of a clip, a second, a frame with what surrounds it."""
        try:
            sound = StoredClip(folder).array("audio")
        except (OSError, ValueError):
            return  # being analysed anew, or gone
        start, stop = part_of(latent, key[1], len(sound) / rate_hz)
        if latent == "h":
            start, stop = loudest(sound, rate_hz, stop - start)
        self._play(
            np.asarray(sound[round(start * rate_hz) : round(stop * rate_hz)], np.float32), rate_hz, morph=False
        )

    def play_morph(self, morph: MorphDone) -> None:
        import soundfile  # late: it loads a system library

        try:
            sound, rate_hz = soundfile.read(morph.path, dtype="float32", always_2d=True)
        except (OSError, soundfile.SoundFileError):
            return
        self._morph = morph
        self._play(np.ascontiguousarray(sound[:, 0], np.float32), int(rate_hz), morph=True)

    def stop(self) -> None:
        self.player.stop()

    def close(self) -> None:
        self.player.shut_down()

    def _play(self, sound: np.ndarray, rate_hz: int, *, morph: bool) -> None:
        self.player.set_sounds({"map": sound}, rate_hz)
        self.player.set_volume(self._preferences.get("playback/volume", 1.0))
        self._playing_morph = morph
        self.began.emit()
        self.player.play()

    def _follow(self, position_s: float) -> None:
        if not self._playing_morph or self._morph is None or not self.sounding:
            return
        starts = np.array(self._morph.starts_s)
        self.step_changed.emit(int(np.searchsorted(starts, position_s, side="right")) - 1)

    def _state_changed(self, state: str) -> None:
        if state != "playing":
            self.step_changed.emit(-1)
            self.ended.emit()


def part_of(latent: str, index: int, duration_s: float) -> tuple[float, float]:
    """Where in its clip a point sounds, in seconds."""
    if latent == "h":
        return 0.0, min(duration_s, CLIP_LONGEST_S)
    if latent == "m":
        return min(float(index), max(0.0, duration_s - 1.0)), min(duration_s, index + 1.0)
    middle = (index + 0.5) / FRAMES_A_SECOND
    return max(0.0, middle - FRAME_ROUND_S), min(duration_s, middle + FRAME_ROUND_S)


def loudest(sound: np.ndarray, rate_hz: int, length_s: float) -> tuple[float, float]:
    """A stretch of this length that begins a little before the clip's first loud sound: not its silence."""
    block = max(1, rate_hz // 20)
    whole = np.asarray(sound[: len(sound) // block * block], np.float32).reshape(-1, block)
    if not len(whole):
        return 0.0, length_s
    peaks = np.abs(whole).max(axis=1)
    first = float(np.argmax(peaks >= 0.25 * peaks.max())) * block / rate_hz
    start = max(0.0, min(first - 0.1, len(sound) / rate_hz - length_s))
    return start, start + length_s
