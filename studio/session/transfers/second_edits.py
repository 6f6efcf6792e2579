"""What the user does with single seconds of m: copy, paste, paint, fade, take back. Each is one step of undo."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Signal

from studio.domain import transfer_setup
from studio.domain.drag_payload import Payload
from studio.domain.transfer_setup import LaneEdit, TransferSetup, span_words
from studio.session.clips.library import Library
from studio.session.context import Context
from studio.session.part import Part
from studio.session.transfers.transfer import TransferDesk


class SecondEdits(Part):
    """Edits belong to a recording; making one puts that recording on the desk as the source.

    copied: what paste and the brush give.

    Signals:
        copied_changed().
    """

    copied_changed = Signal()

    def __init__(self, context: Context, library: Library, transfer: TransferDesk) -> None:
        super().__init__(context)
        self._context, self._library, self._transfer = context, library, transfer
        self.copied: Payload | None = None

    def clear(self) -> None:
        self.copied = None

    def copy(self, clip_id: str, seconds: Sequence[int]) -> None:
        """Remember seconds of a recording for pasting, into any recording."""
        clips = self._library.clips
        if clip_id in clips and seconds:
            self.copied = Payload("seconds", seconds=tuple((clip_id, second) for second in sorted(seconds)))
            title = transfer_setup.title_of(self.copied, clips)
            self._context.messages.say(
                self.tr("Copied {0}.").format(title), self.tr("Paste it onto seconds of any clip.")
            )
            self.copied_changed.emit()

    def give(
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
        clips = self._library.clips
        if clip_id not in clips or not target:
            return
        title = transfer_setup.title_of(payload, clips)
        edit = LaneEdit(tuple(sorted(set(target))), payload, title, weight, fade_s, fade_s, rule)
        words = self.tr("Give {0} to {1} of {2}").format(title, span_words(edit.target), clips[clip_id].name)

        def change(desk: TransferSetup) -> None:
            if desk.source != clip_id:
                desk.source = clip_id
                desk.voices, desk.emotions = [], []
            desk.edits[clip_id] = (*desk.edits.get(clip_id, ()), edit)

        self._transfer.change(words, change)

    def change(self, clip_id: str, index: int, **changes: Any) -> None:
        """Give an edit another weight, fade or rule."""
        edits = self._edits_of(clip_id)
        edits[index] = dataclasses.replace(edits[index], **changes)
        words = self.tr("Change the edit of {0}").format(span_words(edits[index].target))
        self._put(words, clip_id, edits, merge=f"edit {clip_id} {index} {sorted(changes)}")

    def remove(self, clip_id: str, index: int) -> None:
        """Take one edit back, wherever it stands among the others."""
        edits = self._edits_of(clip_id)
        gone = edits.pop(index)
        self._put(self.tr("Take back the edit of {0}").format(span_words(gone.target)), clip_id, edits)

    def restore(self, clip_id: str, seconds: Sequence[int]) -> None:
        """Give seconds their own emotion back, whatever edits they carry."""
        left = [without(edit, frozenset(seconds)) for edit in self._edits_of(clip_id)]
        words = self.tr("Restore {0}").format(span_words(sorted(seconds)))
        self._put(words, clip_id, [edit for edit in left if edit is not None])

    def restore_all(self, clip_id: str) -> None:
        """Give every second of a recording its own m back."""
        self._put(self.tr("Take back every edit of seconds"), clip_id, [])

    def _edits_of(self, clip_id: str) -> list[LaneEdit]:
        return list(self._transfer.setup.edits.get(clip_id, ()))

    def _put(self, words: str, clip_id: str, edits: Sequence[LaneEdit], *, merge: str = "") -> None:
        def change(desk: TransferSetup) -> None:
            if edits:
                desk.edits[clip_id] = tuple(edits)
            else:
                desk.edits.pop(clip_id, None)

        self._transfer.change(words, change, merge=merge)


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
