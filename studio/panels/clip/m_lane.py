"""The m lane: the seconds of the current recording as chips, to be looked at, copied, pasted, painted and faded."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QMimeData, QPoint, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QAction, QDrag, QPixmap
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QMenu,
    QSpinBox,
    QToolButton,
    QWidget,
)

from engine.api import AudioSpec, StoredClip
from studio.dialogs.reference_menu import GiverMenu
from studio.domain import drag_payload, drop_rules
from studio.domain.clip import Clip
from studio.domain.drag_payload import Payload
from studio.domain.drop_rules import EMOTION
from studio.domain.transfer_setup import LaneEdit, span_words
from studio.domain.transfer_words import rule_words
from studio.panels.clip import affect_colours, phrases
from studio.panels.clip.lane_cells import AFFECT, DISTANCE, LaneCells, has_affect
from studio.plots.colour_key import ColourKey
from studio.plots.second_lane import SecondLane
from studio.plots.timeline import Span, Timeline
from studio.services import theme
from studio.services.messages import Messages
from studio.services.preferences import Preferences
from studio.session.session import Session
from studio.widgets.choice_button import ChoiceButton

USUAL = "usual"  # a rule that fits what is given
LANE_RULES = (USUAL, "mean", "tile", "stretch", "nearest")


class MLanePanel(QWidget):
    """Shows the m of session.current; edits go through the session, which renders them.

    The panel itself is the row of controls; `lane`, the strip, stands where the window puts it.

    Signals:
        play_requested(second)
        told(str): what is under the pointer or selected, in words; "" = nothing of the lane's.
    """

    play_requested = Signal(int)
    told = Signal(str)

    def __init__(
        self,
        session: Session,
        messages: Messages,
        preferences: Preferences,
        timeline: Timeline,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._messages = messages
        self._preferences = preferences
        self._timeline = timeline
        self._reference: dict[str, int] = {}  # by clip: the second that distances are measured from
        self._cells: LaneCells | None = None
        self._made_of: tuple[object, ...] = ()
        self._linking = False
        self.setObjectName("mLane")
        self.lane = SecondLane(timeline)
        self.lane.setObjectName("secondLane")
        self.lane.takes_drop = self._takes
        self._make_controls()
        self._lay_out()

        lane = self.lane
        lane.selection_changed.connect(self._selected)
        lane.painted.connect(self._paint)
        lane.phrase_wanted.connect(self.select_phrase)
        lane.play_wanted.connect(self.play_requested)
        lane.hovered.connect(self._tell)
        lane.menu_wanted.connect(lambda at: self.context_menu().popup(at))
        lane.drag_wanted.connect(self._drag_out)
        lane.copy_wanted.connect(self.copy)
        lane.paste_wanted.connect(self.paste)
        lane.restore_wanted.connect(self.restore)
        lane.dropped.connect(self._dropped)
        timeline.selection_changed.connect(self._time_selected)
        session.library.current_changed.connect(self.refresh)
        session.model.changed.connect(self.refresh)
        session.transfer.changed.connect(self.refresh)
        session.second_edits.copied_changed.connect(self.refresh)
        session.library.changed.connect(self._clips_changed)
        session.library.removed.connect(self.refresh)
        self.refresh()

    def copy(self) -> None:
        """Remember the selected seconds."""
        if (clip := self._clip()) is not None and self.lane.selection:
            self._session.second_edits.copy(clip.id, self.lane.selection)

    def paste(self) -> None:
        """Give the copied seconds to the selected ones."""
        if self._session.second_edits.copied is None:
            self._messages.say(self.tr("No seconds are copied."), self.tr("Select some here and press Ctrl+C."))
        elif not self.lane.selection:
            self._messages.say(self.tr("No second is selected."), self.tr("Click the second to change."))
        else:
            self.give(self._session.second_edits.copied)

    def give(self, payload: Payload, target: Sequence[int] | None = None) -> None:
        """Let seconds (the selected ones) take the m of something, by the rule, weight and fade that are set."""
        seconds = self.lane.selection if target is None else target
        if (reason := self.refusal(payload)) is not None:
            self._messages.say(reason)
        elif (clip := self._clip()) is not None and seconds:
            self._session.second_edits.give(
                clip.id,
                seconds,
                payload,
                rule=self._rule_for(payload),
                weight=self.weight.value() / 100 if self._edit() is None else 1.0,
                fade_s=self.fade.value() if self._edit() is None else 0.0,
            )

    def restore(self) -> None:
        """Give the selected seconds their own m back."""
        if (clip := self._clip()) is not None and self.lane.selection:
            self._session.second_edits.restore(clip.id, self.lane.selection)

    def select_phrase(self, second: int) -> None:
        """Select what is said without a pause around a second."""
        clip = self._clip()
        if clip is None or clip.folder is None:
            return
        stored = StoredClip(clip.folder)
        rate = AudioSpec.from_dict(stored.meta().audio).frames_per_second
        first, last = phrases.phrase_at(stored.array("mel"), rate, second)
        self.lane.select(range(first, last + 1))

    def measure_from(self, second: int) -> None:
        """Colour every second by its distance from this one."""
        if (clip := self._clip()) is not None:
            self._reference[clip.id] = second
            self._set_mode(DISTANCE)

    def refusal(self, payload: Payload) -> str | None:
        return drop_rules.refusal(EMOTION, payload, self._session.library.clips, self._session.model.info)

    def _clips_changed(self, ids: list[str]) -> None:
        if self._session.library.current in ids:
            self.refresh()

    def refresh(self) -> None:
        """Show the current recording's seconds and edits."""
        clip, model = self._clip(), self._session.model.info
        known = clip is not None and has_affect(clip)
        with QSignalBlocker(self.mode):
            self.mode.setItemData(0, None if known else 0, Qt.ItemDataRole.UserRole - 1)  # disabled where unknown
            self.mode.setCurrentIndex(0 if known and self._wanted_mode == AFFECT else 1)
        mode = str(self.mode.currentData())
        if clip is None:
            self._cells, self._made_of = None, ()
            self.lane.set_seconds((), self._why_empty())
        else:
            reference = self._reference.get(clip.id, 0)
            made_of = (clip.id, clip.folder, model.hash if model else None, mode, reference)
            try:
                if made_of != self._made_of or self._cells is None:
                    self._cells = LaneCells(clip, self._session.library.clips, model, mode, reference)
                    self._made_of = made_of
                self.lane.set_seconds(self._cells.seconds(self._edits()))
            except (OSError, ValueError) as error:
                self._cells, self._made_of = None, ()
                self.lane.set_seconds((), self.tr("The m of this recording cannot be read ({0}).").format(error))
        self._show_key(mode)
        self._show_controls()

    def _why_empty(self) -> str:
        clip = self._session.library.clips.get(self._session.library.current or "")
        if self._session.model.info is None:
            return self.tr("m needs a model: open one from the Model menu, or train one.")
        if clip is None:
            return ""
        return drop_rules.why_not(clip, self._session.model.info)

    def _show_key(self, mode: str) -> None:
        if mode == AFFECT:
            self.key.show_key(
                affect_colours.affect_key(),
                (self.tr("unpleasant"), self.tr("pleasant")),
                (self.tr("calm"), self.tr("excited")),
            )
        else:
            self.key.show_key(affect_colours.distance_key(), (self.tr("alike"), self.tr("unlike")))

    def _show_controls(self) -> None:
        """Of the edit under the selection if there is one, else of the next edit."""
        found, there = self._edit(), self._cells is not None
        edit = None if found is None else found[1]
        selected = bool(self.lane.selection)
        with QSignalBlocker(self.rule), QSignalBlocker(self.weight), QSignalBlocker(self.fade):
            if edit is not None:
                self.rule.setCurrentIndex(self.rule.findData(edit.rule))
                self.weight.setValue(round(100 * edit.weight))
                self.fade.setValue(edit.fade_in_s)
            else:
                self.rule.setCurrentIndex(self.rule.findData(self._next[0]))
                self.weight.setValue(self._next[1])
                self.fade.setValue(self._next[2])
        name = str(self.rule.currentData())
        self.rule.setToolTip(self._usual_words()[1] if name == USUAL else rule_words(name)[1])
        for control in (self.rule, self.weight, self.fade, self.brush):
            control.setEnabled(there)
        self.give_button.setEnabled(there and selected)
        self.restore_button.setEnabled(
            there and any(s in e.target for e in self._edits() for s in self.lane.selection)
        )
        self._tell("")

    def _tell(self, words: str) -> None:
        """What is under the pointer, else the edit that is selected."""
        found = self._edit()
        if not words and found is not None:
            edit = found[1]
            words = self.tr("{0} takes the m of {1}, {2} %, rule: {3}").format(
                span_words(edit.target), edit.title, round(100 * edit.weight), rule_words(edit.rule)[0]
            )
        self.told.emit(words)

    def _clip(self) -> Clip | None:
        """The current recording, if it has an m of the model in use."""
        clip = self._session.library.clips.get(self._session.library.current or "")
        return clip if clip is not None and clip.encoded_by(self._session.model.info) else None

    def _edits(self) -> tuple[LaneEdit, ...]:
        return self._session.transfer.setup.edits.get(self._session.library.current or "", ())

    def _edit(self) -> tuple[int, LaneEdit] | None:
        """The last edit that covers the selection, and its place."""
        chosen = set(self.lane.selection)
        covering = [(i, edit) for i, edit in enumerate(self._edits()) if chosen and chosen <= set(edit.target)]
        return covering[-1] if covering else None

    def _rule_for(self, payload: Payload) -> str:
        """Seconds go one by one; of whole recordings the mean says most."""
        rule = self._next[0] if self._edit() is not None else str(self.rule.currentData())
        return rule if rule != USUAL else "stretch" if payload.kind == "seconds" else "mean"

    def _paint(self, seconds: list[int]) -> None:
        if self._session.second_edits.copied is None:
            self._messages.say(
                self.tr("The brush has no m yet."), self.tr("Switch it off, select seconds and press Ctrl+C first.")
            )
        else:
            self.give(self._session.second_edits.copied, seconds)

    def _selected(self, seconds: list[int]) -> None:
        """What lies together is selected in time as well."""
        self._linking = True
        if seconds and seconds[-1] - seconds[0] + 1 == len(seconds):
            self._timeline.select((float(seconds[0]), min(seconds[-1] + 1.0, self._timeline.duration_s)))
        else:
            self._timeline.select(None)
        self._linking = False
        self._show_controls()

    def _time_selected(self, span: Span | None) -> None:
        """A time selected elsewhere is the seconds whose middles it holds."""
        if self._linking or self._cells is None:
            return
        chosen: Sequence[int] = ()
        if span is not None:
            duration = self._timeline.duration_s
            middles = [(s + min(s + 1.0, duration)) / 2 for s in range(len(self._cells))]
            chosen = [s for s, middle in enumerate(middles) if span[0] <= middle <= span[1]]
        self._linking = True
        with QSignalBlocker(self.lane):
            self.lane.select(chosen)
        self._linking = False
        self._show_controls()

    def _changed(self, **changes: object) -> None:
        """A control was moved: for the edit under the selection, else for the next one."""
        found = self._edit()
        if found is not None and (clip := self._clip()) is not None:
            self._session.second_edits.change(clip.id, found[0], **changes)
        else:
            self._next = (str(self.rule.currentData()), self.weight.value(), self.fade.value())
            self._show_controls()

    def _rule_chosen(self) -> None:
        rule = str(self.rule.currentData())
        found = self._edit()
        if found is not None and rule == USUAL:
            rule = "stretch" if found[1].payload.kind == "seconds" else "mean"
        self._changed(rule=rule)

    def _set_mode(self, mode: str) -> None:
        self._wanted_mode = mode
        self._preferences.set("m_lane/colours", mode)
        self.refresh()

    def _takes(self, mime: QMimeData) -> bool:
        payload = drag_payload.payload_of(mime, self._session.context.uuid)
        if payload is None:
            return False
        if (reason := self.refusal(payload)) is not None:
            self._messages.say(reason)
        return reason is None

    def _dropped(self, seconds: list[int], mime: QMimeData) -> None:
        payload = drag_payload.payload_of(mime, self._session.context.uuid)
        if payload is not None:
            self.give(payload, seconds)

    def _payload(self) -> Payload | None:
        clip = self._clip()
        if clip is None or not self.lane.selection:
            return None
        return Payload("seconds", seconds=tuple((clip.id, second) for second in self.lane.selection))

    def _drag_out(self) -> None:
        payload = self._payload()
        if payload is None:
            return
        carried = QDrag(self.lane)
        carried.setMimeData(drag_payload.to_mime(payload, self._session.context.uuid))
        boxes = [self.lane.box(second) for second in self.lane.selection]
        area = boxes[0].united(boxes[-1]).toAlignedRect().intersected(self.lane.rect())
        picture: QPixmap = self.lane.grab(area)
        carried.setPixmap(picture)
        carried.setHotSpot(QPoint(-12, -8))
        carried.exec(Qt.DropAction.CopyAction)

    def context_menu(self) -> QMenu:
        """What can be done with the selection: the twin of every drag and key."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        chosen, clip = self.lane.selection, self._clip()
        first = chosen[0] if chosen else 0
        for words, slot, possible in (
            (self.tr("&Play"), partial(self.play_requested.emit, first), bool(chosen)),
            (self.tr("Select the p&hrase (double click)"), partial(self.select_phrase, first), bool(chosen)),
            (self.tr("&Copy (Ctrl+C)"), self.copy, bool(chosen)),
            (
                self.tr("Pa&ste (Ctrl+V)"),
                self.paste,
                bool(chosen) and self._session.second_edits.copied is not None,
            ),
            (self.tr("&Restore its own m (Delete)"), self.restore, self.restore_button.isEnabled()),
            (self.tr("&Measure distances from here"), partial(self.measure_from, first), len(chosen) == 1),
        ):
            menu.addAction(words, slot).setEnabled(possible and clip is not None)
        below = menu.addMenu(self.tr("&Give it the m of"))
        below.setEnabled(bool(chosen) and clip is not None)
        self._givers.fill(below)
        menu.addSeparator()
        for place, edit in enumerate(self._edits()):
            if clip is not None and set(edit.target) & set(chosen):
                words = self.tr("Take back: {0} on {1}").format(edit.title, span_words(edit.target))
                menu.addAction(words, partial(self._session.second_edits.remove, clip.id, place))
        everything = menu.addAction(self.tr("Take back &every edit of this recording"))
        everything.setEnabled(bool(self._edits()))
        everything.triggered.connect(
            lambda: self._session.second_edits.restore_all(self._session.library.current or "")
        )
        return menu

    def _usual_words(self) -> tuple[str, str]:
        return (
            self.tr("Usual rule"),
            self.tr("Copied seconds one by one, stretched where their number differs; of whole clips the mean."),
        )

    def _make_controls(self) -> None:
        self._wanted_mode = self._preferences.get("m_lane/colours", AFFECT)
        self._next = (USUAL, 100, 0.0)
        self.mode = QComboBox()
        self.mode.setObjectName("laneColours")
        self.mode.setAccessibleName(self.tr("Colours of the seconds"))
        self.mode.addItem(self.tr("Affect"), AFFECT)
        self.mode.addItem(self.tr("Distance"), DISTANCE)
        self.mode.setItemData(
            1, self.tr("Cosine distance of each second's m from one that is chosen"), Qt.ItemDataRole.ToolTipRole
        )
        why = self.tr("Arousal and valence: known where the model carries readings of them (triptych probe --keep)")
        self.mode.setItemData(0, why, Qt.ItemDataRole.ToolTipRole)
        self.mode.activated.connect(lambda _place: self._set_mode(str(self.mode.currentData())))
        self.mode.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.mode.setMinimumContentsLength(8)
        self.key = ColourKey()
        self.rule: QComboBox = QComboBox()
        self.rule.setObjectName("laneRule")
        self.rule.setAccessibleName(self.tr("Rule where the numbers of seconds differ"))
        for place, rule in enumerate(LANE_RULES):
            name, sentence = self._usual_words() if rule == USUAL else rule_words(rule)
            self.rule.addItem(name, rule)
            self.rule.setItemData(place, sentence, Qt.ItemDataRole.ToolTipRole)
        self.rule.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.rule.setMinimumContentsLength(8)
        self.rule.activated.connect(lambda _place: self._rule_chosen())
        self.weight: QSpinBox = QSpinBox(minimum=0, maximum=150, value=100, suffix=" %", singleStep=10)
        self.weight.setObjectName("laneWeight")
        self.weight.setAccessibleName(self.tr("Weight of the given m"))
        self.weight.setToolTip(self.tr("How much of the given m the seconds take; beyond 100 % exaggerates"))
        self.weight.setKeyboardTracking(False)
        self.weight.valueChanged.connect(lambda percent: self._changed(weight=percent / 100))
        self.fade: QDoubleSpinBox = QDoubleSpinBox(minimum=0.0, maximum=20.0, singleStep=0.5, decimals=1)
        self.fade.setSuffix(self.tr(" s fade"))
        self.fade.setObjectName("laneFade")
        self.fade.setAccessibleName(self.tr("Crossfade at the ends"))
        self.fade.setToolTip(self.tr("Over how many seconds the given m fades in and out at the ends"))
        self.fade.setKeyboardTracking(False)
        self.fade.valueChanged.connect(lambda s: self._changed(fade_in_s=s, fade_out_s=s))
        paint = QAction(theme.icon("brush"), self.tr("Brush"), self)
        paint.setCheckable(True)
        paint.setToolTip(self.tr("Draw over seconds to give them the copied m"))
        self.brush = ChoiceButton(paint)
        self.brush.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        self.brush.setObjectName("laneBrush")
        self.brush.toggled.connect(self._brush_toggled)
        self.give_button = QToolButton()
        self.give_button.setText(self.tr("Give"))
        self.give_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.give_button.setObjectName("laneGive")
        self.give_button.setToolTip(self.tr("Give the selected seconds the m of an emotion, a clip or a speaker"))
        self._givers = GiverMenu(
            self._session.library, self._session.second_edits, EMOTION, self.refusal, self.give, self
        )
        menu = QMenu(self.give_button)
        menu.aboutToShow.connect(partial(self._givers.refill, menu))
        self.give_button.setMenu(menu)
        self.restore_button = QToolButton()
        self.restore_button.setIcon(theme.icon("restore"))
        self.restore_button.setAccessibleName(self.tr("Restore"))
        self.restore_button.setObjectName("laneRestore")
        self.restore_button.setToolTip(self.tr("Give the selected seconds their own m back (Delete)"))
        self.restore_button.clicked.connect(self.restore)

    def _brush_toggled(self, on: bool) -> None:
        self.lane.brush = on
        self.lane.setCursor(Qt.CursorShape.CrossCursor if on else Qt.CursorShape.ArrowCursor)

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.SMALL)
        for control in (self.mode, self.key, self.rule, self.weight, self.fade):
            row.addWidget(control)
        for button in (self.brush, self.give_button, self.restore_button):
            row.addWidget(button)
        row.addStretch(1)
