"""The three drop zones of a transfer: source, voices (h) and emotions (m), with the strength of each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QMimeData, QPoint, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QDrag, QPalette
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from engine.api import OWN_VOCODER, StoredClip
from studio.dialogs.reference_menu import ReferenceMenu
from studio.domain import drag_payload, drop_rules
from studio.domain.clip import Clip
from studio.domain.drag_payload import Payload
from studio.domain.drop_rules import EMOTION, SOURCE, VOICE
from studio.domain.transfer_setup import EmotionChip, TransferSetup, VoiceChip, clips_of
from studio.domain.transfer_words import all_rules, all_sounds, chip_detail, rule_words, shares
from studio.panels.transfer.strength import StrengthRow
from studio.plots.mel_thumbnail import MelThumbnail
from studio.services import theme
from studio.services.messages import Messages
from studio.services.plurals import counted
from studio.session.session import Session
from studio.widgets.chip import Chip
from studio.widgets.drop_zone import DropZone
from studio.widgets.elided_label import ElidedLabel
from studio.widgets.flow_layout import FlowLayout


class DeskZones(QWidget):
    """Shows the setup of the transfer, and asks the session to change it.

    The zones stand beside each other, or where that is too narrow the source above the other two.

    Args:
        options: of how a setup is rendered, put below it.

    Signals:
        batch_begun(): many recordings were dropped on the source.
    """

    batch_begun = Signal()

    def __init__(
        self, session: Session, messages: Messages, options: QWidget, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._messages = messages
        self._shown: dict[str, object] = {}  # what each zone shows, so that it is made anew only when that changes
        self.chips: dict[str, list[Chip]] = {VOICE: [], EMOTION: []}
        self.lane_chip: Chip | None = None
        self.zones = {
            SOURCE: self._zone(SOURCE, self.tr("Source"), self.tr("Drop the clip to change here.")),
            VOICE: self._zone(
                VOICE,
                self.tr("Voice (h)"),
                self.tr("Drop a speaker, a clip or a map point: whose voice."),
            ),
            EMOTION: self._zone(
                EMOTION,
                self.tr("Emotion (m)"),
                self.tr("Drop a label, a clip or seconds: how it is said."),
            ),
        }
        how = self.tr("0 % = the source's own, 100 % = the reference's; beyond 100 % exaggerates.")
        self.of_voice = StrengthRow(self.tr("Strength of the voice"), self.tr("Voice: ") + how, "strength")
        self.of_emotion = StrengthRow(self.tr("Strength of the emotion"), self.tr("Emotion: ") + how, "strengthM")
        self.of_voice.changed.connect(session.transfer.set_strength)
        self.of_emotion.changed.connect(session.transfer.set_strength_m)
        self.rule = QComboBox()
        self.rule.setObjectName("secondsRule")
        self.rule.setAccessibleName(self.tr("How the emotion's seconds meet the source's"))
        for number, (rule, name, why) in enumerate(all_rules()):
            self.rule.addItem(name, rule)
            self.rule.setItemData(number, why, Qt.ItemDataRole.ToolTipRole)
        self.rule.activated.connect(lambda _row: session.transfer.set_rule(str(self.rule.currentData())))
        self.rule.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.rule.setMinimumContentsLength(9)
        self.rendering = QComboBox()
        self.rendering.setObjectName("rendering")
        self.rendering.setAccessibleName(self.tr("Rendering"))
        self._sounds = all_sounds()
        for number, (rendering, _vocoder, name, why) in enumerate(self._sounds):
            self.rendering.addItem(name, rendering)
            self.rendering.setItemData(number, why, Qt.ItemDataRole.ToolTipRole)
        self.rendering.activated.connect(lambda row: session.transfer.set_rendering(*self._sounds[row][:2]))
        seconds = QLabel(self.tr("Seco&nds"))
        seconds.setBuddy(self.rule)
        seconds.setToolTip(self.tr("What happens where the reference has more or fewer seconds than the source"))
        sound = QLabel(self.tr("S&ound"))
        sound.setBuddy(self.rendering)
        sound.setToolTip(self.tr("How the sound is made of what the model says"))
        widest = max(sound.sizeHint().width(), seconds.sizeHint().width())
        self._named = []
        for label, choice in ((sound, self.rendering), (seconds, self.rule)):
            label.setMinimumWidth(widest)  # the choices begin in one line where they stand below each other
            row = QWidget()
            box = QHBoxLayout(row)
            box.setContentsMargins(0, 0, 0, 0)
            box.addWidget(label)
            box.addWidget(choice, 1)
            self._named.append(row)
        self._options = options
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(theme.SPACE)
        self._narrow: bool | None = None
        self.set_narrow(False)

    def set_narrow(self, narrow: bool) -> None:
        """For a column at the side of the window, or wider."""
        if narrow == self._narrow:
            return
        self._narrow = narrow
        source, voice, emotion = (self.zones[zone] for zone in (SOURCE, VOICE, EMOTION))
        sound, seconds = self._named
        rows: tuple[tuple[tuple[QWidget, int], ...], ...]  # (what, columns it spans)
        if narrow:
            shares = (1, 1, 0)
            rows = (
                ((source, 2),),
                ((voice, 1), (emotion, 1)),
                ((self.of_voice, 1), (self.of_emotion, 1)),
                ((sound, 2),),
                ((seconds, 2),),
                ((self._options, 2),),
            )
        else:
            shares = (4, 5, 5)
            rows = (
                ((source, 1), (voice, 1), (emotion, 1)),
                ((sound, 1), (self.of_voice, 1), (self.of_emotion, 1)),
                ((seconds, 1), (self._options, 2)),
            )
        for line, row in enumerate(rows):
            column = 0
            for widget, span in row:
                self._grid.addWidget(widget, line, column, 1, span)
                column += span
        for column, share in enumerate(shares):
            self._grid.setColumnStretch(column, share)
        for line in range(self._grid.rowCount()):
            self._grid.setRowStretch(line, int(line < (2 if narrow else 1)))

    def drop(self, zone: str, payload: Payload) -> None:
        """What a drop on a zone does; menus and tests call it, too."""
        reason = self.refusal(zone, payload)
        if reason is not None:
            self.zones[zone].say(reason)
        elif zone == SOURCE:
            found = clips_of(payload, self._session.library.clips)
            if len(found) > 1:
                self._session.batch.render([clip.id for clip in found])
                self.batch_begun.emit()
            else:
                self._session.transfer.set_source(found[0].id)
        elif zone == VOICE:
            self._session.transfer.add_voice(payload)
        else:
            self._session.transfer.add_emotion(payload)

    def refusal(self, zone: str, payload: Payload) -> str | None:
        setup = self._session.transfer.setup
        many = bool(setup.voices or setup.emotions)
        return drop_rules.refusal(zone, payload, self._session.library.clips, self._session.model.info, many=many)

    def refresh(self) -> None:
        """Show the setup as it is now."""
        setup = self._session.transfer.setup
        self._show_source(self._session.library.clips.get(setup.source or ""))
        self._show_chips(VOICE, setup.voices)
        self._show_chips(EMOTION, setup.emotions)
        self.of_voice.show_strength(setup.strength)
        self.of_emotion.show_strength(setup.strength_m)
        with QSignalBlocker(self.rule):
            self.rule.setCurrentIndex(max(0, self.rule.findData(setup.rule)))
        self.rule.setToolTip(rule_words(setup.rule)[1])
        with QSignalBlocker(self.rendering):
            self.rendering.setCurrentIndex(self._row_of_sound(setup))
        self.rendering.setToolTip(self._sounds[self.rendering.currentIndex()][3])
        self.of_voice.setEnabled(bool(setup.voices))
        self.of_emotion.setEnabled(bool(setup.emotions))
        self.rule.setEnabled(bool(setup.emotions))

    def _row_of_sound(self, setup: TransferSetup) -> int:
        """The row of the sound chosen; where no single vocoder is offered, the row of the rendering."""
        offered = [sound[:2] for sound in self._sounds]
        exact, plain = (setup.rendering, setup.vocoder), (setup.rendering, OWN_VOCODER)
        return offered.index(exact if exact in offered else plain)

    def _show_source(self, clip: Clip | None) -> None:
        key = (
            None if clip is None else (clip.id, clip.name, clip.folder, clip.duration_s, tuple(clip.labels.items()))
        )
        if key != self._shown.get(SOURCE, ()):
            self._shown[SOURCE] = key
            self.zones[SOURCE].set_content(None if clip is None else self._source_card(clip))

    def _source_card(self, clip: Clip) -> QWidget:
        card = QWidget()
        box = QVBoxLayout(card)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(theme.SMALL)
        thumbnail = MelThumbnail()
        if clip.folder is not None and StoredClip(clip.folder).has("mel"):
            thumbnail.set_mel(StoredClip(clip.folder).array("mel"))
        box.addWidget(thumbnail, 1)
        box.addWidget(ElidedLabel(clip.name, most_px=400))
        facts = [f"{clip.duration_s:.1f} s"] if clip.duration_s is not None else []
        facts += [clip.labels[key] for key in ("speaker", "gender", "emotion") if clip.labels.get(key)]
        if clip.f0_median_hz is not None:
            facts.append(f"{clip.f0_median_hz:.0f} Hz")
        detail = ElidedLabel(" · ".join(facts), most_px=400)
        detail.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        box.addWidget(detail)
        return card

    def _show_chips(self, zone: str, chips: Sequence[VoiceChip | EmotionChip]) -> None:
        """Chips are made anew only when others are shown: a field in use keeps the focus."""
        clips = self._session.library.clips
        edits = self._session.transfer.setup.edits_of_source() if zone == EMOTION else ()
        seconds = len({second for edit in edits for second in edit.target})
        key = (tuple((chip.payload, chip_detail(chip, clips)) for chip in chips), len(edits), seconds)
        percents = shares(chips)
        if key == self._shown.get(zone):
            for shown, share in zip(self.chips[zone], percents, strict=True):
                shown.set_weight(share)
            return
        self._shown[zone] = key
        self.chips[zone] = []
        if zone == EMOTION:
            self.lane_chip = None
        if not chips and not edits:
            self.zones[zone].set_content(None)
            return
        content = QWidget()
        flow = FlowLayout(content)
        for number, chip in enumerate(chips):
            shown = Chip(
                chip.title, chip_detail(chip, clips), weight_percent=percents[number] if len(chips) > 1 else None
            )
            shown.removed.connect(partial(self._remove_chip, zone, number))
            shown.weight_changed.connect(partial(self._weigh, zone, number))
            shown.drag_wanted.connect(partial(self._drag_out, shown, chip.payload))
            flow.addWidget(shown)
            self.chips[zone].append(shown)
        if edits:
            self.lane_chip = self._lane_chip(len(edits), seconds)
            flow.addWidget(self.lane_chip)
        scroll = QScrollArea()
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(content)
        scroll.viewport().setAutoFillBackground(False)  # the zone paints its own ground
        content.setAutoFillBackground(False)
        self.zones[zone].set_content(scroll)

    def _lane_chip(self, edits: int, seconds: int) -> Chip:
        chip = Chip(
            counted(edits, self.tr("Lane: 1 edit"), self.tr("Lane: {0} edits")),
            self.tr("{0} s").format(seconds),
        )
        chip.removed.connect(
            lambda: self._session.second_edits.restore_all(self._session.transfer.setup.source or "")
        )
        return chip

    def _remove_chip(self, zone: str, number: int) -> None:
        remove = self._session.transfer.remove_voice if zone == VOICE else self._session.transfer.remove_emotion
        remove(number)

    def _weigh(self, zone: str, number: int, percent: int) -> None:
        """Give one chip this share of the mixture; the others share the rest as before."""
        setup = self._session.transfer.setup
        chips: Sequence[VoiceChip | EmotionChip] = setup.voices if zone == VOICE else setup.emotions
        weigh = self._session.transfer.weigh_voices if zone == VOICE else self._session.transfer.weigh_emotions
        rest = sum(chip.weight for i, chip in enumerate(chips) if i != number)
        weights = [(1 - percent / 100) * chip.weight / rest for chip in chips]
        weights[number] = percent / 100
        weigh(weights)

    def _drag_out(self, shown: Chip, payload: Payload) -> None:
        """A chip can be carried on, to recordings in the library for instance."""
        carried = QDrag(self)
        carried.setMimeData(drag_payload.to_mime(payload, self._session.context.uuid))
        carried.setPixmap(shown.grab())
        carried.setHotSpot(QPoint(-12, -8))
        carried.exec(Qt.DropAction.CopyAction)

    def _zone(self, zone: str, title: str, invitation: str) -> DropZone:
        menu = ReferenceMenu(
            self._session.library,
            self._session.second_edits,
            zone,
            partial(self.refusal, zone),
            partial(self.drop, zone),
            self,
        )
        made = DropZone(
            title,
            invitation,
            read=self._payload_in,
            refuse=partial(self._refusal, zone),
            fill_menu=menu.fill,
            add_icon=theme.icon("add"),
            add_text=self.tr("Choose…") if zone == SOURCE else self.tr("Add…"),
        )
        made.setObjectName(f"{zone}Zone")
        made.add_button.setObjectName(f"{zone}Add")
        made.dropped.connect(partial(self.drop, zone))
        made.refused.connect(self._messages.say)
        return made

    def _payload_in(self, mime: QMimeData) -> Payload | None:
        return drag_payload.payload_of(mime, self._session.context.uuid)

    def _refusal(self, zone: str, payload: object) -> str | None:
        return self.refusal(zone, payload) if isinstance(payload, Payload) else None
