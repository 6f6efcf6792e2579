"""Actions on the seconds selected in the m lane: copy, paste, give, paint, change, restore."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QObject

from studio.domain import drop_rules
from studio.domain.clip import Clip
from studio.domain.drag_payload import Payload
from studio.domain.drop_rules import EMOTION
from studio.domain.transfer_setup import LaneEdit
from studio.panels.clip.lane_tools import LaneTools
from studio.plots.second_lane import SecondLane
from studio.services.messages import Messages
from studio.session.session import Session


class SecondActions(QObject):
    """Does with the selection of `lane` what is asked for; the session makes the edits and renders them.

    Args:
        tools: say by which rule, weight and fade something is given.
        parent: the object that owns this one.
    """

    def __init__(
        self, session: Session, messages: Messages, lane: SecondLane, tools: LaneTools, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session, self._messages = session, messages
        self._lane, self._tools = lane, tools

    @property
    def clip(self) -> Clip | None:
        """The current recording, if it has an m of the model in use."""
        clip = self._session.library.clips.get(self._session.library.current or "")
        return clip if clip is not None and clip.encoded_by(self._session.model.info) else None

    @property
    def edits(self) -> tuple[LaneEdit, ...]:
        """The edits of the current recording, in the order they are applied."""
        return self._session.transfer.setup.edits.get(self._session.library.current or "", ())

    @property
    def selected_edit(self) -> tuple[int, LaneEdit] | None:
        """The last edit that covers the selection, and its index among the edits."""
        chosen = set(self._lane.selection)
        covering = [(i, edit) for i, edit in enumerate(self.edits) if chosen and chosen <= set(edit.target)]
        return covering[-1] if covering else None

    @property
    def restorable(self) -> bool:
        """Whether a selected second carries an edit."""
        return any(second in edit.target for edit in self.edits for second in self._lane.selection)

    @property
    def payload(self) -> Payload | None:
        """The selected seconds as something to be given; None without any."""
        clip = self.clip
        if clip is None or not self._lane.selection:
            return None
        return Payload("seconds", seconds=tuple((clip.id, second) for second in self._lane.selection))

    def refusal(self, payload: Payload) -> str | None:
        """Why seconds cannot take the m of something; None when they can."""
        return drop_rules.refusal(EMOTION, payload, self._session.library.clips, self._session.model.info)

    def copy(self) -> None:
        """Remember the selected seconds."""
        if (clip := self.clip) is not None and self._lane.selection:
            self._session.second_edits.copy(clip.id, self._lane.selection)

    def paste(self) -> None:
        """Give the copied seconds to the selected ones."""
        if self._session.second_edits.copied is None:
            self._messages.say(self.tr("No seconds are copied."), self.tr("Select some here and press Ctrl+C."))
        elif not self._lane.selection:
            self._messages.say(self.tr("No second is selected."), self.tr("Click the second to change."))
        else:
            self.give(self._session.second_edits.copied)

    def paint(self, seconds: Sequence[int]) -> None:
        """Give the copied seconds to those that the brush was drawn over."""
        if self._session.second_edits.copied is None:
            self._messages.say(
                self.tr("The brush has no emotion yet."),
                self.tr("Switch it off, select seconds and press Ctrl+C first."),
            )
        else:
            self.give(self._session.second_edits.copied, seconds)

    def give(self, payload: Payload, target: Sequence[int] | None = None) -> None:
        """Let seconds (the selected ones) take the m of something, by the rule, weight and fade that are set."""
        seconds = self._lane.selection if target is None else target
        if (reason := self.refusal(payload)) is not None:
            self._messages.say(reason)
        elif (clip := self.clip) is not None and seconds:
            how = self._tools.settings
            self._session.second_edits.give(
                clip.id, seconds, payload, rule=how.rule_for(payload), weight=how.weight, fade_s=how.fade_s
            )

    def change(self, changes: dict[str, Any]) -> None:
        """Give the selected edit another rule, weight or fade."""
        if (found := self.selected_edit) is not None and (clip := self.clip) is not None:
            self._session.second_edits.change(clip.id, found[0], **changes)

    def restore(self) -> None:
        """Give the selected seconds their own emotion back."""
        if (clip := self.clip) is not None and self._lane.selection:
            self._session.second_edits.restore(clip.id, self._lane.selection)
