"""Loading of a clip's versions into the player: the original with a take, or with the sounds of checkpoints."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from engine.api import AudioSpec, StoredClip, Take
from studio.audio.player import Player
from studio.domain.audition_set import Hearing
from studio.domain.clip import Clip
from studio.panels.clip.versions import (
    Version,
    gains_of,
    gains_of_checkpoints,
    take_is_there,
    versions_of,
    versions_of_checkpoints,
)
from studio.session.session import Session


class VersionLoader(QObject):
    """Chooses what of a clip is played and keeps it loaded.

    Attributes:
        versions: what is loaded, by the name that the player knows it by.
        spec: the framing of what is loaded.

    Signals:
        recording_changed(float): another recording is about to be loaded; its length in seconds.
    """

    recording_changed = Signal(float)

    def __init__(self, session: Session, player: Player, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._player = session, player
        self.versions: dict[str, Version] = {}
        self.spec = AudioSpec()
        self._preferred: Take | None = None
        self._known_takes = {take.transformed for take in session.takes.items}
        # Clip, its folder, its take or the checkpoints that are flipped between.
        self._loaded: tuple[str, str, str | Hearing] | None = None

    @property
    def folder(self) -> str | None:
        """The folder of the clip that is loaded; None when none is."""
        return None if self._loaded is None else self._loaded[1]

    def prefer(self, take: Take) -> None:
        """Load this take with its clip from now on, not the newest."""
        self._preferred = take

    def load(self, clip: Clip) -> None:
        """Load the versions of an analysed clip; nothing happens where they are loaded already.

        Another choice of versions of the same clip comes in under the playhead.

        Raises:
            OSError, ValueError, EngineError: the analysis is missing or damaged.
        """
        assert clip.folder is not None
        hearing = self._session.checkpoints.hearing
        if hearing is not None and hearing.source != clip.folder:
            hearing = None
        take = None if hearing is not None else self.take_of(clip.folder)
        wanted = (clip.id, clip.folder, hearing or (take.transformed if take else ""))
        if wanted == self._loaded:
            return
        same_clip = self._loaded is not None and self._loaded[0] == clip.id
        self.spec = AudioSpec.from_dict(StoredClip(clip.folder).meta().audio)
        if hearing is None:
            self.versions = versions_of(clip.folder, take)
            gains = gains_of(self.versions, take)
        else:
            sounds = hearing.by_name()
            self.versions = versions_of_checkpoints(clip.folder, sounds)
            gains = gains_of_checkpoints(self.versions, sounds)
        if not same_clip:
            self.recording_changed.emit(len(self.versions["original"].audio) / self.spec.rate_hz)
        self._player.set_sounds(
            {name: version.audio for name, version in self.versions.items()},
            self.spec.rate_hz,
            gains=gains,
            keep_place=same_clip,
        )
        self._loaded = wanted

    def clear(self) -> None:
        """Load nothing."""
        self._loaded = None
        self.versions = {}
        self._player.set_sounds({}, 16_000)

    def take_of(self, folder: str) -> Take | None:
        """The preferred take, if it is of this clip, else its newest, of those whose sounds still exist."""
        takes = [take for take in self._session.takes.items if Path(take.source) == Path(folder)]
        there = [take for take in takes if take_is_there(take)]
        if self._preferred in there:
            return self._preferred
        return there[-1] if there else None

    def prefer_new_take(self) -> bool:
        """Prefer the last of the takes made since this was asked before; whether there is one."""
        fresh = [take for take in self._session.takes.items if take.transformed not in self._known_takes]
        self._known_takes = {take.transformed for take in self._session.takes.items}
        if fresh:
            self._preferred = fresh[-1]
        return bool(fresh)
