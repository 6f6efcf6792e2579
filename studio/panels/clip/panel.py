"""The clip view: one recording seen and heard, beside what the model made of it."""

from __future__ import annotations

import zlib
from pathlib import Path

from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QAction, QDragEnterEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QStackedWidget, QVBoxLayout, QWidget

from engine.api import AudioSpec, ClipAnalysed, EngineError, StoredClip, Take
from studio.audio.player import Player
from studio.domain import drop_rules
from studio.domain import payload as drag
from studio.domain.audition_set import Hearing
from studio.domain.clip import Clip
from studio.domain.drop_rules import EMOTION, VOICE
from studio.domain.transfer_setup import title_of
from studio.panels.clip import pictures
from studio.panels.clip.transport import TransportBar
from studio.panels.clip.versions import (
    NAMES,
    Version,
    gains_of,
    gains_of_checkpoints,
    take_is_there,
    versions_of,
    versions_of_checkpoints,
)
from studio.plots.recording_view import RecordingView
from studio.plots.timeline import clock_text
from studio.services import theme
from studio.services.messages import Messages
from studio.services.preferences import Preferences
from studio.session.session import Session
from studio.widgets.drop_choice import DropChoice, Field
from studio.widgets.elided_label import ElidedLabel


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
        self._preferences = preferences
        self._take: Take | None = None  # asked for by name
        self._known_takes = {take.transformed for take in session.takes.items}
        # Clip, its folder, its take or the checkpoints that are flipped between: what is loaded.
        self._shown: tuple[str, str, str | Hearing] | None = None
        self._versions: dict[str, Version] = {}  # by the name the player knows them by
        self._spec = AudioSpec()
        self.setObjectName("clipView")
        self.setAcceptDrops(True)
        self.player = player or Player(self)
        self.view = RecordingView()
        self.transport = TransportBar(self.player)
        self.commands: dict[str, QAction] = self.transport.commands | self.view.commands

        self._name = QLabel()
        self._name.setObjectName("clipName")
        self._name.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        font = self._name.font()
        font.setBold(True)
        self._name.setFont(font)
        self._name.setTextFormat(Qt.TextFormat.PlainText)
        self._facts = ElidedLabel(mode=Qt.TextElideMode.ElideRight)
        self._facts.setObjectName("clipFacts")
        header = QHBoxLayout()
        header.setSpacing(12)
        header.addWidget(self._name)
        header.addWidget(self._facts, 1)
        self._empty = QLabel()
        self._empty.setObjectName("clipEmpty")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        self._empty.setTextFormat(Qt.TextFormat.PlainText)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        column.addLayout(header)
        column.addWidget(self.view, 1)
        column.addWidget(self.transport)
        self._pages = QStackedWidget()
        self._pages.addWidget(self._empty)
        self._pages.addWidget(page)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._pages)
        self.choice = DropChoice(self.view)
        self.choice.dropped.connect(self._dropped)
        self.choice.refused.connect(messages.say)

        self._remember()
        line = self.view.timeline
        line.seek_requested.connect(self.player.seek)
        line.selection_changed.connect(self.player.set_selection)
        self.player.position_changed.connect(self._follow)
        self.player.sound_changed.connect(self._show_version)
        self.view.picture_wanted.connect(self._show_picture)
        self.player.output.note.connect(self._say_note)
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
        session.checkpoints.flip_requested.connect(self.player.switch)
        session.listening.stop_requested.connect(self.player.pause)
        self.refresh()

    # ------------------------------------------------------------------ actions
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
        self._take = take
        self._session.checkpoints.stop()
        self._session.library.set_current(source.id)
        self.refresh()
        self.player.stop()
        self.player.switch(which)
        self.player.play()

    def follow_take(self, take: Take) -> None:
        """Go on with a take in another's place, where that was heard and in the version that was heard."""
        if self._shown is None or self._shown[1] != take.source or self.player.sound not in NAMES:
            self.play_take(take, "transformed")
            return
        self._take = take
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

    # ------------------------------------------------------------------ showing
    def refresh(self) -> None:
        """Show the current clip, or say why there is nothing to show."""
        clip = self._session.library.clips.get(self._session.library.current or "")
        if clip is None or clip.folder is None:
            self._clear(self._why_empty(clip))
            return
        hearing = self._session.checkpoints.hearing
        if hearing is not None and hearing.source != clip.folder:
            hearing = None
        take = None if hearing is not None else self._take_of(clip.folder)
        wanted = (clip.id, clip.folder, hearing or (take.transformed if take else ""))
        if wanted == self._shown:
            self._show_header(clip, StoredClip(clip.folder).meta())
            return
        try:
            self._load(clip, StoredClip(clip.folder), take, hearing)
        except (OSError, ValueError, EngineError) as error:
            self._clear(self.tr("The analysis of {0} cannot be read ({1}). Analyse the clip again.").format(
                clip.name, error))  # fmt: skip
            return
        self._shown = wanted
        self._pages.setCurrentIndex(1)

    def _load(self, clip: Clip, stored: StoredClip, take: Take | None, hearing: Hearing | None) -> None:
        meta = stored.meta()
        same_clip = self._shown is not None and self._shown[0] == clip.id
        self._spec = AudioSpec.from_dict(meta.audio)
        sounds = {} if hearing is None else hearing.by_name()
        if hearing is None:
            self._versions = versions_of(stored.folder, take)
            gains = gains_of(self._versions, take)
        else:
            self._versions = versions_of_checkpoints(stored.folder, sounds)
            gains = gains_of_checkpoints(self._versions, sounds)
        self._show_header(clip, meta)
        if not same_clip:
            self.view.show_recording(len(self._versions["original"].audio) / self._spec.rate_hz)
        self.player.set_sounds(
            {name: version.audio for name, version in self._versions.items()},
            self._spec.rate_hz,
            gains=gains,
            keep_place=same_clip,
        )

    def _show_version(self, name: str) -> None:
        """The picture of the version that is heard."""
        self._session.checkpoints.note_heard(name)
        if name in self._versions:
            version = self._versions[name]
            self.view.show_sound(version.audio, self._spec.rate_hz, version.peaks)
            self._show_picture()

    def _show_picture(self) -> None:
        """The picture and the lines that the view asks for; what is not computed yet is asked of the engine."""
        if self.player.sound not in self._versions:
            return
        self.view.allow_difference("transformed" in self._versions)
        try:
            pictures.show(self.view, self._versions, self.player.sound, self._spec)
        except (OSError, ValueError) as error:
            self._messages.say(
                self.tr("The pictures of this clip cannot be read ({0}).").format(error),
                self.tr("Analyse it again."),
                level="warning",
            )
            return
        if missing := self._missing():
            if self.view.linear:
                self.view.spectrogram.set_words(self.tr("Computing the spectrum …"))
            self._draw(missing)
            return
        rest = pictures.lacking(self.view, self._versions, self._versions)
        if rest := [folder for folder in rest if StoredClip(folder).has("audio")]:
            self._draw(rest)  # so that the other versions are there when they are heard

    def _missing(self) -> list[str]:
        """Folders that lack something of what is to be shown now."""
        return pictures.lacking(self.view, self._versions, pictures.shown(self.view, self.player.sound))

    def _draw(self, folders: list[str]) -> None:
        job = self._session.listening.draw_picture(folders, spectrum=self.view.linear)
        job.done.connect(lambda _result: self._drawn(folders))
        job.failed.connect(lambda what, _hint, _details: self._not_drawn(folders, what))

    def _drawn(self, folders: list[str]) -> None:
        # Else it was for a clip that is not shown any more, or what it made is gone again.
        if self._is_shown(folders) and not self._missing():
            self._show_picture()

    def _not_drawn(self, folders: list[str], what: str) -> None:
        if self._is_shown(folders) and set(folders) & set(self._missing()):
            self.view.spectrogram.set_words(what)

    def _is_shown(self, folders: list[str]) -> bool:
        return bool(set(folders) & {version.stored.folder for version in self._versions.values()})

    def _show_header(self, clip: Clip, meta: ClipAnalysed) -> None:
        channels = {1: self.tr("mono"), 2: self.tr("stereo")}.get(
            meta.channels, self.tr("{0} channels").format(meta.channels)
        )
        facts = [clock_text(meta.duration_s), f"{meta.source_rate_hz / 1000:g} kHz", channels]
        if clip.labels.get("speaker"):
            facts.append(self.tr("speaker {0}").format(clip.labels["speaker"]))
        facts += [clip.labels[name] for name in ("gender", "emotion") if clip.labels.get(name)]
        if meta.f0_median_hz is not None:
            facts.append(self.tr("median F0 {0} Hz").format(f"{meta.f0_median_hz:.0f}"))
        self._name.setText(clip.name)
        self._name.setToolTip(clip.path)
        self._facts.setText("  ·  ".join([*facts, *meta.notes]))
        self._facts.setToolTip("\n".join([*facts, *meta.notes]))

    def _clear(self, words: str) -> None:
        self._shown = None
        self._versions = {}
        self.player.set_sounds({}, 16_000)
        self._empty.setText(words)
        self._pages.setCurrentIndex(0)

    def _why_empty(self, clip: Clip | None) -> str:
        if clip is None:
            if not self._session.library.clips:
                return self.tr("Drop recordings or folders anywhere in this window to begin.")
            return self.tr("Choose a clip in the library to see and hear it.")
        if clip.error is not None:
            return self.tr("{0}\n\n{1}\n{2}").format(clip.name, *clip.error)
        if clip.state == "missing":
            return self.tr("{0}\n\nThe file is no longer where it was:\n{1}").format(clip.name, clip.path)
        if clip.state == "analysing":
            return self.tr("{0}\n\nBeing analysed …").format(clip.name)
        return self.tr("{0}\n\nWaiting to be analysed …").format(clip.name)

    def _take_of(self, folder: str) -> Take | None:
        """The take last played, if it is of this clip, else its newest, of those whose sounds still exist."""
        takes = [take for take in self._session.takes.items if Path(take.source) == Path(folder)]
        there = [take for take in takes if take_is_there(take)]
        if self._take in there:
            return self._take
        return there[-1] if there else None

    # ------------------------------------------------------------------ reactions
    def _takes_changed(self) -> None:
        fresh = [take for take in self._session.takes.items if take.transformed not in self._known_takes]
        self._known_takes = {take.transformed for take in self._session.takes.items}
        flipping = self._session.checkpoints.hearing is not None
        if fresh:
            self._take = fresh[-1]  # a new take is shown as soon as it is there
            self._session.checkpoints.stop()
        self.refresh()
        if fresh and flipping:
            self.player.switch("transformed")  # what was heard is not there any more

    def _clips_added(self) -> None:
        if self._shown is None:  # what there is to do has changed
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

    # ------------------------------------------------------------------ remembered settings
    def _remember(self) -> None:
        """Take colours, levels, volume and loop from the preferences, and keep them there."""
        get, look = self._preferences.get, self.view.look()
        self.view.set_look({name: get(f"clip_view/{name}", value) for name, value in look.items()})
        self.transport.set_volume(get("playback/volume", 1.0))
        self.transport.set_loop(get("playback/loop", False))
        self.view.look_changed.connect(self._keep_look)
        self.transport.volume_changed.connect(lambda volume: self._preferences.set("playback/volume", volume))
        self.transport.loop_changed.connect(lambda loop: self._preferences.set("playback/loop", loop))
        devices = self.transport.devices
        output = self.player.output
        output.choose(get("playback/device", ""))
        devices.device_chosen.connect(lambda device: self._preferences.set("playback/device", device))
        devices.latency_chosen.connect(lambda name, ms: self._preferences.set(_latency_key(name), ms))
        output.changed.connect(lambda name: output.set_latency_ms(get(_latency_key(name), 0)))

    def _keep_look(self) -> None:
        for name, value in self.view.look().items():
            self._preferences.set(f"clip_view/{name}", value)

    # ------------------------------------------------------------------ drops
    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        payload = drag.payload_of(event.mimeData(), self._session.context.uuid)
        if self._shown is None or payload is None:
            event.ignore()  # files belong to the window
            return
        event.acceptProposedAction()
        title = title_of(payload, self._session.library.clips)
        self.choice.offer([
            Field(VOICE, self.tr("Voice · h"), self.tr("Give this clip the voice of {0}").format(title),
                  self.refusal(VOICE, payload)),
            Field(EMOTION, self.tr("Emotion · m"), self.tr("Say it as {0} does, at every second").format(title),
                  self.refusal(EMOTION, payload)),
        ])  # fmt: skip

    def refusal(self, what: str, payload: drag.Payload) -> str | None:
        """Why the clip shown cannot be given this voice or emotion; None when it can."""
        session = self._session
        return drop_rules.refusal_on_clip(
            what, payload, session.library.current or "", session.library.clips, session.model.info
        )

    def give(self, what: str, payload: drag.Payload) -> None:
        """Give the clip shown a voice (VOICE) or an emotion (EMOTION): it becomes the transfer's source."""
        if (reason := self.refusal(what, payload)) is not None:
            self._messages.say(reason)
        elif self._session.library.current is not None:
            self._session.transfer.give(self._session.library.current, payload, what)

    def _dropped(self, what: str, mime: QMimeData) -> None:
        payload = drag.payload_of(mime, self._session.context.uuid)
        if payload is not None:
            self.give(what, payload)


def _latency_key(device: str) -> str:
    """Names of devices hold whatever their makers like; settings are kept under plain ones."""
    return f"playback/latency_ms_{zlib.crc32(device.encode()):08x}"
