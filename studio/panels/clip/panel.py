"""The clip view: one recording seen and played, beside what the model made of it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QDragEnterEvent
from PySide6.QtWidgets import QLabel, QStackedWidget, QVBoxLayout, QWidget

from engine.api import EngineError, StoredClip, Take
from studio.audio.player import Player
from studio.panels.clip.clip_drops import ClipDrops
from studio.panels.clip.clip_header import ClipHeader, why_empty
from studio.panels.clip.picture_loader import PictureLoader
from studio.panels.clip.remembered_settings import remember_look, remember_playback
from studio.panels.clip.transport import TransportBar
from studio.panels.clip.version_loader import VersionLoader
from studio.panels.clip.versions import NAMES
from studio.plots.recording_view import RecordingView
from studio.services import theme
from studio.services.messages import Messages
from studio.services.preferences import Preferences
from studio.session.session import Session


class ClipViewPanel(QWidget):
    """Shows the session's current clip. A latent dropped here becomes this clip's voice or emotion."""

    def __init__(
        self,
        session: Session,
        messages: Messages,
        preferences: Preferences,
        parent: QWidget | None = None,
        *,
        player: Player | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._messages = messages
        self.setObjectName("clipView")
        self.setAcceptDrops(True)
        self.player = player or Player(self)
        self.view = RecordingView()
        self.transport = TransportBar(self.player)
        self.commands: dict[str, QAction] = self.transport.commands | self.view.commands
        self._lay_out()
        self.drops = ClipDrops(session, messages, self.view, self)
        remember_look(preferences, self.view)
        remember_playback(preferences, self.transport, self.player)
        self.loader = VersionLoader(session, self.player, self)
        self.loader.recording_changed.connect(self.view.show_recording)
        self.pictures = PictureLoader(session, messages, self.view, self.player, self.loader, self)
        self._connect_parts()
        self.refresh()

    def toggle_play(self) -> None:
        """What Space does, anywhere in the window."""
        self.player.toggle()

    def play_current(self) -> None:
        """Play the current clip from its beginning: a click in the map or the library."""
        self.refresh()
        self.player.stop()
        self.player.play()

    def play_take(self, take: Take, which: str) -> None:
        """Show a take's clip and play one of its three sounds from the beginning."""
        source = self._session.library.clip_in(take.source)
        if source is None:
            self._messages.say(
                self.tr("The recording of this take is no longer in the library."),
                self.tr("Add it again to hear it."),
            )
            return
        self.loader.prefer(take)
        self._session.checkpoints.stop()
        self._session.library.set_current(source.id)
        self.refresh()
        self.player.stop()
        self.player.switch(which)
        self.player.play()

    def follow_take(self, take: Take) -> None:
        """Go on with a take in another's place, at the time and in the version that was played."""
        if self.loader.folder != take.source or self.player.sound not in NAMES:
            self.play_take(take, "transformed")
            return
        self.loader.prefer(take)
        self.refresh()
        self.player.play()

    def play_checkpoint(self, name: str) -> None:
        """Play a checkpoint's sound of the session's hearing from the beginning."""
        self.refresh()
        self.player.stop()
        self.player.switch(name)
        self.player.play()

    def play_second(self, second: int) -> None:
        """Select one second of m and play it."""
        self.refresh()
        self.view.timeline.select((float(second), second + 1.0))
        self.view.timeline.reveal(float(second))
        self.player.stop()
        self.player.play()

    def refresh(self) -> None:
        """Show the current clip, or say why there is nothing to show."""
        library = self._session.library
        clip = library.clips.get(library.current or "")
        if clip is None or clip.folder is None:
            self._clear(why_empty(clip, library_is_empty=not library.clips))
            return
        try:
            self.loader.load(clip)
            self._header.show_clip(clip, StoredClip(clip.folder).meta())
        except (OSError, ValueError, EngineError) as error:
            self._clear(
                self.tr("The analysis of {0} cannot be read ({1}). Analyse the clip again.").format(
                    clip.name, error
                )
            )
            return
        self._pages.setCurrentIndex(1)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self.loader.folder is not None and self.drops.offer(event.mimeData()):
            event.acceptProposedAction()
        else:
            event.ignore()  # files belong to the window

    def _lay_out(self) -> None:
        """A page with the clip behind a page that says why there is none."""
        self._header = ClipHeader()
        self._empty = QLabel()
        self._empty.setObjectName("clipEmpty")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        self._empty.setTextFormat(Qt.TextFormat.PlainText)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        column.addWidget(self._header)
        column.addWidget(self.view, 1)
        column.addWidget(self.transport)
        self._pages = QStackedWidget()
        self._pages.addWidget(self._empty)
        self._pages.addWidget(page)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._pages)

    def _connect_parts(self) -> None:
        session, player, line = self._session, self.player, self.view.timeline
        line.seek_requested.connect(player.seek)
        line.selection_changed.connect(player.set_selection)
        player.position_changed.connect(self._follow)
        player.output.note.connect(self._say_note)
        session.library.current_changed.connect(self.refresh)
        session.library.added.connect(self._clips_added)
        session.library.changed.connect(self._clips_changed)
        session.library.removed.connect(self.refresh)
        session.takes.changed.connect(self._takes_changed)
        session.listening.play_requested.connect(self.play_current)
        session.takes.play_requested.connect(self.play_take)
        session.takes.follow_requested.connect(self.follow_take)
        session.checkpoints.changed.connect(self.refresh)
        session.checkpoints.play_requested.connect(self.play_checkpoint)
        session.checkpoints.flip_requested.connect(player.switch)
        session.listening.stop_requested.connect(player.pause)

    def _clear(self, words: str) -> None:
        self.loader.clear()
        self._empty.setText(words)
        self._pages.setCurrentIndex(0)

    def _takes_changed(self) -> None:
        flipping = self._session.checkpoints.hearing is not None
        fresh = self.loader.prefer_new_take()  # a new take is shown as soon as it is there
        if fresh:
            self._session.checkpoints.stop()
        self.refresh()
        if fresh and flipping:
            self.player.switch("transformed")  # what was played is not there any more

    def _clips_added(self) -> None:
        if self.loader.folder is None:  # what there is to do has changed
            self.refresh()

    def _clips_changed(self, ids: list[str]) -> None:
        if self._session.library.current in ids:
            self.refresh()

    def _follow(self, seconds: float) -> None:
        self.view.timeline.set_playhead(seconds)
        if self.player.state == "playing":
            self.view.timeline.reveal(seconds)

    def _say_note(self, note: str) -> None:
        if note:
            self._messages.say(note, level="info")
