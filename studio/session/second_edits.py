"""What the user does with single seconds of m: copy, paste, paint, fade, take back. Each is one step of undo."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from studio.domain import transfer_setup
from studio.domain.payload import Payload
from studio.domain.transfer_setup import LaneEdit, TransferSetup, span_words
from studio.session.transfer import TransferActions


class LaneActions(TransferActions):
    """Edits belong to a recording; making one puts that recording on the desk as the source."""

    copied_seconds: Payload | None = None  # what paste and the brush give

    def copy_seconds(self, clip_id: str, seconds: Sequence[int]) -> None:
        """Remember seconds of a recording for pasting, into any recording."""
        if clip_id in self.clips and seconds:
            self.copied_seconds = Payload("seconds", seconds=tuple((clip_id, second) for second in sorted(seconds)))
            title = transfer_setup.title_of(self.copied_seconds, self.clips)
            self.messages.say(self.tr("Copied {0}.").format(title), self.tr("Paste it onto seconds of any clip."))
            self.transfer_changed.emit()

    def edit_seconds(
        self,
        clip_id: str,
        target: Sequence[int],
        payload: Payload,
        *,
        rule: str,
        weight: float = 1.0,
        fade_s: float = 0.0,
    ) -> None:
        """Let seconds of a recording take the m of others.

        Args:
            fade_s: how long the weight rises and falls at the ends of every run of neighbours.
        """
        if clip_id not in self.clips or not target:
            return
        title = transfer_setup.title_of(payload, self.clips)
        edit = LaneEdit(tuple(sorted(set(target))), payload, title, weight, fade_s, fade_s, rule)
        words = self.tr("Give {0} to {1} of {2}").format(title, span_words(edit.target), self.clips[clip_id].name)

        def change(desk: TransferSetup) -> None:
            if desk.source != clip_id:
                desk.source = clip_id
                desk.voices, desk.emotions = [], []
            desk.edits[clip_id] = (*desk.edits.get(clip_id, ()), edit)

        self._change_desk(words, change)

    def change_edit(self, clip_id: str, place: int, **changes: Any) -> None:
        """Give an edit another weight, fade or rule."""
        edits = list(self.transfer.edits.get(clip_id, ()))
        edits[place] = dataclasses.replace(edits[place], **changes)
        words = self.tr("Change the edit of {0}").format(span_words(edits[place].target))
        self._put_edits(words, clip_id, edits, merge=f"edit {clip_id} {place} {sorted(changes)}")

    def remove_edit(self, clip_id: str, place: int) -> None:
        """Take one edit back, wherever it stands among the others."""
        edits = list(self.transfer.edits.get(clip_id, ()))
        gone = edits.pop(place)
        self._put_edits(self.tr("Take back the edit of {0}").format(span_words(gone.target)), clip_id, edits)

    def restore_seconds(self, clip_id: str, seconds: Sequence[int]) -> None:
        """Give seconds their own m back, whatever edits they carry."""
        edits = [
            rest
            for edit in self.transfer.edits.get(clip_id, ())
            if (rest := without(edit, frozenset(seconds))) is not None
        ]
        self._put_edits(self.tr("Restore {0}").format(span_words(sorted(seconds))), clip_id, edits)

    def clear_edits(self, clip_id: str) -> None:
        """Give every second of a recording its own m back."""
        self._put_edits(self.tr("Take back every edit of seconds"), clip_id, [])

    def _put_edits(self, words: str, clip_id: str, edits: Sequence[LaneEdit], *, merge: str = "") -> None:
        def change(desk: TransferSetup) -> None:
            if edits:
                desk.edits[clip_id] = tuple(edits)
            else:
                desk.edits.pop(clip_id, None)

        self._change_desk(words, change, merge=merge)


def without(edit: LaneEdit, seconds: frozenset[int]) -> LaneEdit | None:
    """The edit on its other seconds, each as it was; None if nothing is left of it.

    Where each second was given one of its own, that goes too. Seconds that were drawn out or repeated over the
    whole target cannot lose one place without the others changing: such an edit goes as a whole.
    """
    left = [place for place, second in enumerate(edit.target) if second not in seconds]
    if len(left) == len(edit.target):
        return edit
    if not left:
        return None
    target = tuple(edit.target[place] for place in left)
    given = edit.payload.seconds if edit.payload.kind == "seconds" else ()
    if edit.rule in ("mean", "nearest", "auto") or len(given) == 1:
        return dataclasses.replace(edit, target=target)
    if len(given) == len(edit.target) and not edit.payload.weights:
        payload = dataclasses.replace(edit.payload, seconds=tuple(given[place] for place in left))
        return dataclasses.replace(edit, target=target, payload=payload)
    return None
