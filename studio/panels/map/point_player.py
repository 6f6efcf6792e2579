"""Points of a map as sounds: a click plays a clip or a second, the cursor scrubs."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from engine.api import AudioSpec
from studio.panels.map.listening import Audition
from studio.panels.map.pins_and_paths import PinsAndPaths
from studio.panels.map.points.point_table import FRAMES_A_SECOND, Key
from studio.session.session import Session


class PointPlayer(QObject):
    """Plays what a point stands for.

    Signals:
        second_requested(str, int): a clip and one of its seconds, to be played where it is seen.
    """

    second_requested = Signal(str, int)

    def __init__(self, session: Session, audition: Audition, pins_and_paths: PinsAndPaths, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._audition, self._pins_and_paths = session, audition, pins_and_paths

    def play(self, latent: str, key: Key) -> None:
        """Of the map of h its clip, of m and z the second it lies in."""
        clip, index = key
        self._audition.stop()
        if latent == "h":
            self._session.listening.play(clip)
            return
        self._session.library.set_current(clip)
        self.second_requested.emit(clip, index if latent == "m" else int(index / FRAMES_A_SECOND))

    def scrub(self, latent: str, key: Key | None) -> None:
        """The cursor is on a point, or on none."""
        clip = None if key is None else self._session.library.clips.get(key[0])
        if key is None or clip is None or clip.folder is None:
            if self._audition.sounding and not self._pins_and_paths.playing:
                self._audition.stop()
            return
        model = self._session.model.info
        rate = AudioSpec().rate_hz if model is None else int(model.audio.get("rate_hz", AudioSpec().rate_hz))
        self._audition.scrub(clip.folder, rate, latent, key)
