"""The transfer desk: a source, a voice (h), an emotion (m), a strength; three sounds and what they prove."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QMimeData, QSignalBlocker, Qt, QTimer
from PySide6.QtGui import QPalette, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QCheckBox,
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from engine.api import StoredClip, Take
from studio import drag, drop_rules, evidence, theme
from studio.clips import Clip
from studio.counted import counted
from studio.dialogs.choose_clip import ChooseClip
from studio.drag import Payload
from studio.drop_rules import EMOTION, SOURCE, VOICE
from studio.jobs import Job
from studio.messages import Messages
from studio.preferences import Preferences
from studio.session import Session
from studio.tables.takes import TakesList
from studio.transfer_setup import EmotionChip, VoiceChip, clips_of
from studio.widgets.chip import Chip, ElidedLabel
from studio.widgets.comparison_table import ComparisonTable
from studio.widgets.drop_zone import DropZone
from studio.widgets.flow_layout import FlowLayout
from studio.widgets.mel_thumbnail import MelThumbnail

RENDER_DELAY_MS = 250  # a moving slider asks once it rests
WIDE_PX = 1000  # beneath it the parts stand below each other
MOST_STRENGTH = 150  # percent
MENU_CLIPS = 25  # more are found by typing


class TransferDeskPanel(QWidget):
    """Shows session.transfer and session.takes, and asks the session to change them."""

    def __init__(
        self, session: Session, messages: Messages, preferences: Preferences, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._messages = messages
        self._preferences = preferences
        self._job: Job | None = None
        self._asked_for: tuple[object, ...] | None = None  # the recipe last rendered or under way
        self._known_takes = {take.transformed for take in session.takes}
        self._shown: dict[str, object] = {}  # what each zone shows, so that it is made anew only when that changes
        self._chips: dict[str, list[Chip]] = {VOICE: [], EMOTION: []}
        self.setObjectName("transferDesk")

        self.source_zone = self._zone(SOURCE, self.tr("Source"), self.tr("Drop the clip to change here."))
        self.voice_zone = self._zone(
            VOICE, self.tr("Voice · h"), self.tr("Drop a speaker, a clip or a map point: whose voice it shall be.")
        )
        self.emotion_zone = self._zone(
            EMOTION,
            self.tr("Emotion · m"),
            self.tr("Drop a clip or a second of the m map: how it shall be said."),
        )
        self.zones = {SOURCE: self.source_zone, VOICE: self.voice_zone, EMOTION: self.emotion_zone}
        self._make_controls()
        self._make_listening()
        self.takes = TakesList(session, self)
        self._lay_out()

        self._soon = QTimer(self, interval=RENDER_DELAY_MS, singleShot=True)
        self._soon.timeout.connect(self._render_if_new)
        session.closing.connect(self._soon.stop)
        session.transfer_changed.connect(self._setup_changed)
        session.takes_changed.connect(self._takes_changed)
        session.model_changed.connect(self.refresh)
        session.clips_changed.connect(self._clips_changed)
        session.clips_removed.connect(lambda _ids: self.refresh())
        self.takes.chosen.connect(self._show_take)
        self.takes.play.connect(lambda take: self._session.play_take(take, "transformed"))
        self.refresh()
        self.takes.choose_newest()
        self._show_take(self.takes.current())

    # ------------------------------------------------------------------------------------------ actions
    def render_now(self) -> None:
        """Render what is set up now; a newer wish cancels an older one under way."""
        self._soon.stop()
        reason = self.why_not_renderable()
        if reason is not None:
            self._say_state(reason)
            return
        self._asked_for = self._recipe()
        job = self._session.render()
        if job is not None:
            self._follow(job)

    def why_not_renderable(self) -> str | None:
        """What is missing for a rendering, in words; None when nothing is."""
        setup = self._session.transfer
        if self._session.model is None:
            return self.tr("There is no model yet. Train one first, or open one from the Model menu.")
        if setup.source not in self._session.clips:
            return self.tr("Choose a source.")
        if not setup.voices and not setup.emotions:
            return self.tr("Choose a voice or an emotion.")
        clips, model = self._session.clips, self._session.model
        source = clips[setup.source]
        if not source.encoded_by(model):
            return drop_rules.why_not(source, model)
        for chip in self._given():
            if not any(clip.encoded_by(model) for clip in clips_of(chip.payload, clips)):
                return self.tr("{0} is not analysed with this model yet; it is waited for.").format(chip.title)
        return None

    def drop(self, zone: str, payload: Payload) -> None:
        """What a drop on a zone does; menus and tests call it, too."""
        reason = self.refusal(zone, payload)
        if reason is not None:
            self.zones[zone].say(reason)
        elif zone == SOURCE:
            self._session.set_source(clips_of(payload, self._session.clips)[0].id)
        elif zone == VOICE:
            self._session.add_voice(payload)
        else:
            self._session.add_emotion(payload)

    def refusal(self, zone: str, payload: Payload) -> str | None:
        return drop_rules.refusal(zone, payload, self._session.clips, self._session.model)

    def clear(self) -> None:
        """Empty the three zones; takes stay."""
        self._session.clear_desk()

    def play(self, which: str) -> None:
        """Play the chosen take's original, reconstruction or transformed sound."""
        take = self.takes.current()
        if take is not None:
            self._session.play_take(take, which)

    # ------------------------------------------------------------------------------------------ reactions
    def refresh(self) -> None:
        """Show the setup as it is now."""
        setup = self._session.transfer
        clip = self._session.clips.get(setup.source or "")
        self._show_source(clip)
        self._show_chips(VOICE, setup.voices)
        self._show_chips(EMOTION, setup.emotions)
        percent = round(100 * setup.strength)
        for control in (self.slider, self.strength):
            with QSignalBlocker(control):
                control.setValue(percent)
        reason = self.why_not_renderable()
        self.render_button.setEnabled(reason is None)
        self.render_button.setToolTip(reason or self.tr("Render this setup now"))
        self.clear_button.setEnabled(bool(setup.voices or setup.emotions or clip))
        if self._job is None:
            self._say_state(reason or "")

    def _setup_changed(self) -> None:
        self.refresh()
        if self.on_drop.isChecked() and self.why_not_renderable() is None:
            self._soon.start()

    def _clips_changed(self, ids: list[str]) -> None:
        setup = self._session.transfer
        givers = {clip.id for chip in self._given() for clip in self._clips_of(chip)}
        if not givers.isdisjoint(ids) or setup.source in ids:
            self._setup_changed()  # what was waited for may be ready now

    def _render_if_new(self) -> None:
        if self._recipe() != self._asked_for:
            self.render_now()

    def _recipe(self) -> tuple[object, ...]:
        setup, model = self._session.transfer, self._session.model
        hash_ = None if model is None else model.hash
        return (setup.source, tuple(setup.voices), tuple(setup.emotions), setup.strength, hash_)

    def _follow(self, job: Job) -> None:
        self._job = job
        self._say_state(self.tr("Rendering…"))
        job.failed.connect(partial(self._job_ended, job))
        job.cancelled.connect(partial(self._job_ended, job))
        job.done.connect(partial(self._job_ended, job))

    def _job_ended(self, job: Job, *ending: object) -> None:
        if job is not self._job:
            return  # a newer one is under way
        self._job = None
        self._say_state(str(ending[0]) if len(ending) == 3 else "")  # a failure comes in three parts

    def _takes_changed(self) -> None:
        fresh = [take for take in self._session.takes if take.transformed not in self._known_takes]
        self._known_takes = {take.transformed for take in self._session.takes}
        self.takes.refresh()
        if fresh:
            self.takes.choose_newest()
            if self.play_when_ready.isChecked():
                self._session.play_take(fresh[-1], "transformed")

    def _show_take(self, take: Take | None) -> None:
        for key in self.table.buttons:
            self.table.set_enabled(key, take is not None)
        self.table.set_rows([] if take is None else [
            (row.name, row.why, (row.original, row.control, row.transformed)) for row in evidence.rows(take)
        ])  # fmt: skip
        self.verdict.setText(
            self.tr("A result is measured here beside the reconstruction without any change, the honest control.")
            if take is None
            else evidence.sentence(take)
        )

    def _say_state(self, words: str) -> None:
        self.state.setText(words)

    # ------------------------------------------------------------------------------------------ content of zones
    def _show_source(self, clip: Clip | None) -> None:
        key = (
            None if clip is None else (clip.id, clip.name, clip.folder, clip.duration_s, tuple(clip.labels.items()))
        )
        if key != self._shown.get(SOURCE, ()):
            self._shown[SOURCE] = key
            self.source_zone.set_content(None if clip is None else self._source_card(clip))

    def _source_card(self, clip: Clip) -> QWidget:
        card = QWidget()
        box = QVBoxLayout(card)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(theme.SMALL)
        thumbnail = MelThumbnail()
        if clip.folder is not None and StoredClip(clip.folder).has("mel"):
            thumbnail.set_mel(StoredClip(clip.folder).array("mel"))
        box.addWidget(thumbnail, 1)
        name = ElidedLabel(clip.name, most_px=400)
        box.addWidget(name)
        facts = [f"{clip.duration_s:.1f} s"] if clip.duration_s is not None else []
        facts += [clip.labels[key] for key in ("speaker", "gender", "emotion") if clip.labels.get(key)]
        if clip.f0_median_hz is not None:
            facts.append(f"{clip.f0_median_hz:.0f} Hz")
        detail = ElidedLabel(" · ".join(facts), most_px=400)
        detail.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        box.addWidget(detail)
        return card

    def _show_chips(self, zone: str, chips: Sequence[VoiceChip | EmotionChip]) -> None:
        """Chips are made anew only when others are shown: a spin box in use keeps the focus."""
        key = tuple((chip.payload, self._chip_detail(chip)) for chip in chips)
        shares = _shares(chips)
        if key == self._shown.get(zone):
            for shown, share in zip(self._chips[zone], shares, strict=True):
                shown.set_weight(share)
            return
        self._shown[zone] = key
        self._chips[zone] = []
        if not chips:
            self.zones[zone].set_content(None)
            return
        content = QWidget()
        flow = FlowLayout(content)
        for place, chip in enumerate(chips):
            shown = Chip(
                chip.title, self._chip_detail(chip), weight_percent=shares[place] if len(chips) > 1 else None
            )
            shown.removed.connect(partial(self._remove_chip, zone, place))
            shown.weight_changed.connect(partial(self._weigh, zone, place))
            flow.addWidget(shown)
            self._chips[zone].append(shown)
        scroll = QScrollArea()
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(content)
        scroll.viewport().setAutoFillBackground(False)  # the zone paints its own ground
        content.setAutoFillBackground(False)
        self.zones[zone].set_content(scroll)

    def _chip_detail(self, chip: VoiceChip | EmotionChip) -> str:
        clips = self._clips_of(chip)
        if chip.payload.kind == "speaker":
            return counted(len(clips), self.tr("1 clip"), self.tr("{0} clips"))
        if chip.payload.kind == "seconds" and isinstance(chip, EmotionChip):
            count = len(chip.payload.seconds)  # the title of a single one names it
            return self.tr("{0} seconds").format(count) if count > 1 else ""
        if len(clips) > 1:
            return counted(len(clips), self.tr("1 clip"), self.tr("{0} clips"))
        return clips[0].labels.get("speaker", "") if clips else self.tr("no longer there")

    def _given(self) -> list[VoiceChip | EmotionChip]:
        setup = self._session.transfer
        return [*setup.voices, *setup.emotions]

    def _clips_of(self, chip: VoiceChip | EmotionChip) -> list[Clip]:
        return clips_of(chip.payload, self._session.clips)

    def _remove_chip(self, zone: str, place: int) -> None:
        remove = self._session.remove_voice if zone == VOICE else self._session.remove_emotion
        remove(place)

    def _weigh(self, zone: str, place: int, percent: int) -> None:
        """Give one chip this share of the mixture; the others share the rest as before."""
        setup = self._session.transfer
        chips: Sequence[VoiceChip | EmotionChip] = setup.voices if zone == VOICE else setup.emotions
        weigh = self._session.weigh_voices if zone == VOICE else self._session.weigh_emotions
        rest = sum(chip.weight for i, chip in enumerate(chips) if i != place)
        weights = [(1 - percent / 100) * chip.weight / rest for chip in chips]
        weights[place] = percent / 100
        weigh(weights)

    # ------------------------------------------------------------------------------------------ menus
    def _zone(self, zone: str, title: str, invitation: str) -> DropZone:
        made = DropZone(
            title,
            invitation,
            read=self._payload_in,
            refuse=partial(self._refusal, zone),
            fill_menu=partial(self._fill_menu, zone),
            add_icon=theme.icon("add"),
            add_text=self.tr("Choose…") if zone == SOURCE else self.tr("Add…"),
        )
        made.setObjectName(f"{zone}Zone")
        made.add_button.setObjectName(f"{zone}Add")
        made.dropped.connect(partial(self.drop, zone))
        made.refused.connect(self._messages.say)
        return made

    def _payload_in(self, mime: QMimeData) -> Payload | None:
        return drag.payload_of(mime, self._session.uuid)

    def _refusal(self, zone: str, payload: object) -> str | None:
        return self.refusal(zone, payload) if isinstance(payload, Payload) else None

    def _fill_menu(self, zone: str, menu: QMenu) -> None:
        """What a drop could bring, for the keyboard."""
        clips = list(self._session.clips.values())
        selected = tuple(self._session.selection)
        if selected:
            words = counted(len(selected), self.tr("&Selected clip"), self.tr("&Selected clips ({0})"))
            self._add_choice(menu, words, zone, Payload("clips", clips=selected))
        speakers = self._session.speakers()
        if zone != SOURCE and speakers:
            submenu = menu.addMenu(self.tr("S&peakers"))
            for speaker in sorted(speakers):
                self._add_choice(submenu, speaker.replace("&", "&&"), zone, Payload("speaker", speaker=speaker))
        if clips:
            submenu = menu.addMenu(self.tr("&Clips"))
            for clip in clips[:MENU_CLIPS]:
                payload = Payload("clips", clips=(clip.id,))
                self._add_choice(submenu, clip.name.replace("&", "&&"), zone, payload)
            menu.addAction(self.tr("&Find a clip…"), partial(self._find_clip, zone))
        else:
            menu.addAction(self.tr("Drop recordings into the window first")).setEnabled(False)

    def _add_choice(self, menu: QMenu, words: str, zone: str, payload: Payload) -> None:
        action = menu.addAction(words, partial(self.drop, zone, payload))
        reason = self.refusal(zone, payload)
        action.setEnabled(reason is None)
        action.setToolTip(reason or "")

    def _find_clip(self, zone: str) -> None:
        dialog = ChooseClip(
            self.tr("Choose a clip"), list(self._session.clips.values()), with_second=zone == EMOTION, parent=self
        )
        if dialog.exec() != QDialog.DialogCode.Accepted or (clip := dialog.clip_id()) is None:
            return
        second = dialog.second_chosen()
        whole = Payload("clips", clips=(clip,))
        self.drop(zone, whole if second is None else Payload("seconds", seconds=((clip, second),)))

    # ------------------------------------------------------------------------------------------ layout
    def _make_controls(self) -> None:
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("strengthSlider")
        self.slider.setRange(0, MOST_STRENGTH)
        self.slider.setTickInterval(50)
        self.slider.setTickPosition(QSlider.TickPosition.TicksBelow)
        self.slider.setPageStep(10)
        self.strength = QSpinBox()
        self.strength.setObjectName("strength")
        self.strength.setRange(0, MOST_STRENGTH)
        self.strength.setSuffix(" %")
        self.strength.setKeyboardTracking(False)
        tip = self.tr("0 % = the source's own latents, 100 % = the given ones; beyond 100 % exaggerates.")
        for control in (self.slider, self.strength):
            control.setAccessibleName(self.tr("Strength"))
            control.setToolTip(tip)
            control.valueChanged.connect(lambda percent: self._session.set_strength(percent / 100))
        self.on_drop = QCheckBox(self.tr("Render on drop"))
        self.on_drop.setObjectName("renderOnDrop")
        self.on_drop.setToolTip(self.tr("Render as soon as there are a source and a voice or an emotion."))
        self.play_when_ready = QCheckBox(self.tr("Play when ready"))
        self.play_when_ready.setObjectName("playWhenReady")
        for box, key in ((self.on_drop, "transfer/render_on_drop"), (self.play_when_ready, "transfer/auto_play")):
            box.setChecked(self._preferences.get(key, True))
            box.toggled.connect(partial(self._preferences.set, key))
        self.render_button = QPushButton(self.tr("Render"))
        self.render_button.setObjectName("render")
        self.render_button.clicked.connect(self.render_now)
        self.clear_button = QPushButton(self.tr("Clear"))
        self.clear_button.setObjectName("clearDesk")
        self.clear_button.setToolTip(self.tr("Take everything off the desk; takes stay."))
        self.clear_button.clicked.connect(self.clear)
        self.state = QLabel()
        self.state.setObjectName("transferState")
        self.state.setWordWrap(True)
        self.state.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.state.setForegroundRole(QPalette.ColorRole.PlaceholderText)

    def _make_listening(self) -> None:
        self.table = ComparisonTable(
            (
                ("original", self.tr("Original"), self.tr("Play the source as it was recorded")),
                (
                    "reconstruction",
                    self.tr("Reconstruction"),
                    self.tr("Play the reconstruction only: own h and m, same vocoder. The honest control."),
                ),
                ("transformed", self.tr("Transformed"), self.tr("Play the source with what was given to it")),
            )
        )
        for button in self.table.buttons.values():
            button.setIcon(theme.icon("play"))
        self.table.play_requested.connect(self.play)
        self.verdict = QLabel()
        self.verdict.setObjectName("verdict")
        self.verdict.setWordWrap(True)
        self.verdict.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def _lay_out(self) -> None:
        zones = QHBoxLayout()
        zones.setSpacing(theme.SPACE)
        for zone, share in ((self.source_zone, 4), (self.voice_zone, 5), (self.emotion_zone, 5)):
            zones.addWidget(zone, share)
        strength = QHBoxLayout()
        label = QLabel(self.tr("S&trength"))
        label.setBuddy(self.strength)
        strength.addWidget(label)
        strength.addWidget(self.slider, 1)
        strength.addWidget(self.strength)
        actions = QHBoxLayout()
        actions.addWidget(self.on_drop)
        actions.addWidget(self.play_when_ready)
        actions.addStretch(1)
        actions.addWidget(self.clear_button)
        actions.addWidget(self.render_button)
        setup = QWidget()
        column = QVBoxLayout(setup)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        column.addLayout(zones, 1)
        column.addLayout(strength)
        column.addLayout(actions)
        column.addWidget(self.state)

        listening = QWidget()
        column = QVBoxLayout(listening)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        column.addWidget(self.table)
        column.addWidget(self.verdict)
        column.addStretch(1)

        page = QWidget()
        self._parts = QBoxLayout(QBoxLayout.Direction.LeftToRight, page)
        self._parts.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        self._parts.setSpacing(theme.LARGE)
        self._parts.addWidget(setup, 12)
        self._parts.addWidget(listening, 8)
        self._parts.addWidget(self.takes, 10)
        scroll = QScrollArea()
        scroll.setWidget(page)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = self.width() >= WIDE_PX
        self._parts.setDirection(QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom)
        self.takes.setMinimumHeight(0 if wide else 160)


def _shares(chips: Sequence[VoiceChip | EmotionChip]) -> list[int]:
    """Percent of each chip in the mixture."""
    total = sum(chip.weight for chip in chips)
    return [round(100 * chip.weight / total) for chip in chips]
