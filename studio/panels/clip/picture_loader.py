"""Loading of a clip's pictures into the view: what is stored is shown, the rest is asked of the engine."""

from __future__ import annotations

from PySide6.QtCore import QObject

from engine.api import StoredClip
from studio.audio.player import Player
from studio.panels.clip import pictures
from studio.panels.clip.version_loader import VersionLoader
from studio.plots.recording_view import RecordingView
from studio.services.messages import Messages
from studio.session.session import Session


class PictureLoader(QObject):
    """Shows the version that the player plays, in the pictures that the view asks for."""

    def __init__(
        self,
        session: Session,
        messages: Messages,
        view: RecordingView,
        player: Player,
        loader: VersionLoader,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._session, self._messages = session, messages
        self._view, self._player, self._loader = view, player, loader
        player.sound_changed.connect(self.show_version)
        view.picture_wanted.connect(self.show_picture)

    def show_version(self, name: str) -> None:
        """Show the waveform and the picture of the version that plays."""
        self._session.checkpoints.note_heard(name)
        if (version := self._loader.versions.get(name)) is not None:
            self._view.show_sound(version.audio, self._loader.spec.rate_hz, version.peaks)
            self.show_picture()

    def show_picture(self) -> None:
        """Show the picture and the lines that the view asks for; ask the engine for what is not computed yet."""
        versions, played = self._loader.versions, self._player.sound
        if played not in versions:
            return
        self._view.allow_difference("transformed" in versions)
        try:
            pictures.show(self._view, versions, played, self._loader.spec)
        except (OSError, ValueError) as error:
            self._messages.say(
                self.tr("The pictures of this clip cannot be read ({0}).").format(error),
                self.tr("Analyse it again."),
                level="warning",
            )
            return
        if missing := self._missing():
            if self._view.linear:
                self._view.spectrogram.set_words(self.tr("Computing the spectrum …"))
            self._draw(missing)
            return
        rest = pictures.lacking(self._view, versions, versions)
        if rest := [folder for folder in rest if StoredClip(folder).has("audio")]:
            self._draw(rest)  # so that the other versions are there when they are played

    def _missing(self) -> list[str]:
        """Folders that lack something of what is to be shown now."""
        shown = pictures.shown(self._view, self._player.sound)
        return pictures.lacking(self._view, self._loader.versions, shown)

    def _draw(self, folders: list[str]) -> None:
        job = self._session.listening.draw_picture(folders, spectrum=self._view.linear)
        job.done.connect(lambda _result: self._drawn(folders))
        job.failed.connect(lambda what, _hint, _details: self._not_drawn(folders, what))

    def _drawn(self, folders: list[str]) -> None:
        # Else it was for a clip that is not shown any more, or what it made is gone again.
        if self._is_shown(folders) and not self._missing():
            self.show_picture()

    def _not_drawn(self, folders: list[str], what: str) -> None:
        if self._is_shown(folders) and set(folders) & set(self._missing()):
            self._view.spectrogram.set_words(what)

    def _is_shown(self, folders: list[str]) -> bool:
        return bool(set(folders) & {version.stored.folder for version in self._loader.versions.values()})
