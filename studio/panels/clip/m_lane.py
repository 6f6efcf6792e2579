"""The m lane: the seconds of the current recording as chips, to be looked at, copied, pasted, painted and faded."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QMimeData, QPoint, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QDrag, QPixmap
from PySide6.QtWidgets import QVBoxLayout, QWidget

from engine.api import AudioSpec, StoredClip
from studio.dialogs.reference_menu import ReferenceMenu
from studio.domain import drag_payload, drop_rules
from studio.domain.drop_rules import EMOTION
from studio.domain.transfer_setup import span_words
from studio.domain.transfer_words import rule_words
from studio.panels.clip import phrases
from studio.panels.clip.lane_cells import AFFECT, DISTANCE, LaneCells, has_affect
from studio.panels.clip.lane_menu import LaneMenu
from studio.panels.clip.lane_tools import LaneTools
from studio.panels.clip.second_actions import SecondActions
from studio.plots.second_lane import SecondLane
from studio.plots.timeline import Span, Timeline
from studio.services.messages import Messages
from studio.services.preferences import Preferences
from studio.session.session import Session


class MLanePanel(QWidget):
    """Shows the m of session.current; edits go through the session, which renders them.

    The panel itself holds `tools`, the row of controls; `lane`, the strip, stands where the window puts it.
    `editing` does what is asked for with the selected seconds.

    Signals:
        play_requested(second)
        reported(str): what is under the pointer or selected, in words; "" = nothing of the lane's.
    """

    play_requested = Signal(int)
    reported = Signal(str)

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
        self._origins: dict[str, int] = {}  # by clip: the second that distances are measured from
        self._wanted_mode = preferences.get("m_lane/colours", AFFECT)
        self._cells: LaneCells | None = None
        self._made_of: tuple[object, ...] = ()
        self._linking = False
        self.setObjectName("mLane")
        self.lane = SecondLane(timeline)
        self.lane.setObjectName("secondLane")
        self.lane.takes_drop = self._takes
        self.tools = LaneTools()
        self.editing = SecondActions(session, messages, self.lane, self.tools, self)
        self._references = ReferenceMenu(
            session.library, session.second_edits, EMOTION, self.editing.refusal, self.editing.give, self
        )
        self.tools.offer_references(self._references.refill)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.tools)
        self._connect_parts()
        timeline.selection_changed.connect(self._time_selected)
        session.library.current_changed.connect(self.refresh)
        session.model.changed.connect(self.refresh)
        session.transfer.changed.connect(self.refresh)
        session.second_edits.copied_changed.connect(self.refresh)
        session.library.changed.connect(self._clips_changed)
        session.library.removed.connect(self.refresh)
        self.refresh()

    def select_phrase(self, second: int) -> None:
        """Select what is said without a pause around a second."""
        clip = self.editing.clip
        if clip is None or clip.folder is None:
            return
        stored = StoredClip(clip.folder)
        rate = AudioSpec.from_dict(stored.meta().audio).frames_per_second
        first, last = phrases.phrase_at(stored.array("mel"), rate, second)
        self.lane.select(range(first, last + 1))

    def measure_from(self, second: int) -> None:
        """Colour every second by its distance from this one."""
        if (clip := self.editing.clip) is not None:
            self._origins[clip.id] = second
            self._set_mode(DISTANCE)

    def context_menu(self) -> LaneMenu:
        """What can be done with the selection."""
        menu = LaneMenu(self._session, self.editing, self.lane.selection, self._references, self)
        menu.play_wanted.connect(self.play_requested)
        menu.phrase_wanted.connect(self.select_phrase)
        menu.distances_wanted.connect(self.measure_from)
        return menu

    def refresh(self) -> None:
        """Show the current recording's seconds and edits."""
        clip, model = self.editing.clip, self._session.model.info
        known = clip is not None and has_affect(clip)
        mode = AFFECT if known and self._wanted_mode == AFFECT else DISTANCE
        self.tools.show_colours(mode, affect_known=known)
        if clip is None:
            self._cells, self._made_of = None, ()
            self.lane.set_seconds((), self._why_empty())
        else:
            origin = self._origins.get(clip.id, 0)
            made_of = (clip.id, clip.folder, model.hash if model else None, mode, origin)
            try:
                if made_of != self._made_of or self._cells is None:
                    self._cells = LaneCells(clip, self._session.library.clips, model, mode, origin)
                    self._made_of = made_of
                self.lane.set_seconds(self._cells.seconds(self.editing.edits))
            except (OSError, ValueError) as error:
                self._cells, self._made_of = None, ()
                self.lane.set_seconds(
                    (), self.tr("The emotion (m) of this recording cannot be read ({0}).").format(error)
                )
        self._show_selection()

    def _connect_parts(self) -> None:
        lane, tools, editing = self.lane, self.tools, self.editing
        lane.selection_changed.connect(self._selected)
        lane.painted.connect(editing.paint)
        lane.phrase_wanted.connect(self.select_phrase)
        lane.play_wanted.connect(self.play_requested)
        lane.hovered.connect(self._report)
        lane.menu_wanted.connect(lambda at: self.context_menu().popup(at))
        lane.drag_wanted.connect(self._drag_out)
        lane.copy_wanted.connect(editing.copy)
        lane.paste_wanted.connect(editing.paste)
        lane.restore_wanted.connect(editing.restore)
        lane.dropped.connect(self._dropped)
        tools.colours_chosen.connect(self._set_mode)
        tools.edit_changed.connect(editing.change)
        tools.next_changed.connect(self._show_selection)
        tools.brush_toggled.connect(self._brush_toggled)
        tools.restore_wanted.connect(editing.restore)

    def _clips_changed(self, ids: list[str]) -> None:
        if self._session.library.current in ids:
            self.refresh()

    def _why_empty(self) -> str:
        clip = self._session.library.clips.get(self._session.library.current or "")
        if self._session.model.info is None:
            return self.tr("Emotion (m) needs a model: open one from the Model menu, or train one.")
        if clip is None:
            return ""
        return drop_rules.why_not(clip, self._session.model.info)

    def _show_selection(self) -> None:
        """The tools show the edit under the selection if there is one, else the next edit."""
        found = self.editing.selected_edit
        self.tools.show_edit(
            None if found is None else found[1],
            enabled=self._cells is not None,
            selected=bool(self.lane.selection),
            restorable=self.editing.restorable,
        )
        self._report("")

    def _report(self, words: str) -> None:
        """What is under the pointer, else the edit that is selected."""
        found = self.editing.selected_edit
        if not words and found is not None:
            edit = found[1]
            words = self.tr("{0} takes the emotion (m) of {1}, {2} %, rule: {3}").format(
                span_words(edit.target), edit.title, round(100 * edit.weight), rule_words(edit.rule)[0]
            )
        self.reported.emit(words)

    def _selected(self, seconds: list[int]) -> None:
        """What lies together is selected in time as well."""
        self._linking = True
        if seconds and seconds[-1] - seconds[0] + 1 == len(seconds):
            self._timeline.select((float(seconds[0]), min(seconds[-1] + 1.0, self._timeline.duration_s)))
        else:
            self._timeline.select(None)
        self._linking = False
        self._show_selection()

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
        self._show_selection()

    def _set_mode(self, mode: str) -> None:
        self._wanted_mode = mode
        self._preferences.set("m_lane/colours", mode)
        self.refresh()

    def _brush_toggled(self, on: bool) -> None:
        self.lane.brush = on
        self.lane.setCursor(Qt.CursorShape.CrossCursor if on else Qt.CursorShape.ArrowCursor)

    def _takes(self, mime: QMimeData) -> bool:
        payload = drag_payload.payload_of(mime, self._session.context.uuid)
        if payload is None:
            return False
        if (reason := self.editing.refusal(payload)) is not None:
            self._messages.say(reason)
        return reason is None

    def _dropped(self, seconds: list[int], mime: QMimeData) -> None:
        payload = drag_payload.payload_of(mime, self._session.context.uuid)
        if payload is not None:
            self.editing.give(payload, seconds)

    def _drag_out(self) -> None:
        payload = self.editing.payload
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
