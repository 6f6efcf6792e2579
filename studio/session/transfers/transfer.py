"""The setup of the transfer desk: a source, what is given to it, how strongly, and how the sound is made."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Sequence

from PySide6.QtCore import Signal

from engine.api import OWN_VOCODER
from studio.domain import transfer_setup
from studio.domain.drag_payload import Payload
from studio.domain.transfer_setup import EmotionChip, TransferSetup, VoiceChip
from studio.project.project_file import Project
from studio.session.clips.library import Library
from studio.session.context import Context
from studio.session.part import Part


class TransferDesk(Part):
    """What the user has laid on the desk; every change of it is one step of undo.

    setup: what lies there. vocoder: of sounds that name none, by the preferences.

    Signals:
        changed(): the setup or the vocoder is another.
        edited(): the same, after a step that was done, undone or redone; panels have heard `changed` by then.
    """

    changed = Signal()
    edited = Signal()

    def __init__(self, context: Context, library: Library) -> None:
        super().__init__(context)
        self._context, self._library = context, library
        self.setup = TransferSetup()
        self.vocoder = OWN_VOCODER
        self._left_as_source: set[str] = set()  # recordings that were the source as they left the library
        library.removed.connect(self._recordings_left)
        library.added.connect(self._recordings_came)

    def clear(self) -> None:
        self._left_as_source.clear()
        self.setup = TransferSetup()
        self.changed.emit()

    def load(self, stored: Project) -> None:
        self.setup = stored.desk
        self.changed.emit()

    def dump(self, project: Project) -> None:
        project.desk = copy.deepcopy(self.setup)

    def set_source(self, clip_id: str | None) -> None:
        """The recording that is to be changed."""
        source = clip_id if clip_id in self._library.clips else None
        if source != self.setup.source:
            self.change(self.tr("Choose the source"), lambda desk: setattr(desk, "source", source))

    def add_voice(self, payload: Payload) -> None:
        """Give the source this voice (h) too."""
        chip = VoiceChip(payload, transfer_setup.title_of(payload, self._library.clips))
        if payload not in [voice.payload for voice in self.setup.voices]:
            self.change(self.tr("Give the voice {0}").format(chip.title), lambda desk: desk.voices.append(chip))

    def add_emotion(self, payload: Payload) -> None:
        """Give the source this manner of speaking (m) too."""
        chip = EmotionChip(payload, transfer_setup.title_of(payload, self._library.clips))
        if payload not in [emotion.payload for emotion in self.setup.emotions]:
            self.change(self.tr("Give the emotion {0}").format(chip.title), lambda desk: desk.emotions.append(chip))

    def remove_voice(self, index: int) -> None:
        title = self.setup.voices[index].title
        self.change(self.tr("Take away {0}").format(title), lambda desk: desk.voices.pop(index))

    def remove_emotion(self, index: int) -> None:
        title = self.setup.emotions[index].title
        self.change(self.tr("Take away {0}").format(title), lambda desk: desk.emotions.pop(index))

    def weigh_voices(self, weights: Sequence[float]) -> None:
        """Mix the voices anew, one weight each."""
        chips = [dataclasses.replace(c, weight=w) for c, w in zip(self.setup.voices, weights, strict=True)]
        words = self.tr("Mix the voices: {0}").format(_percents(weights))
        self.change(words, lambda desk: setattr(desk, "voices", chips), merge="voices")

    def weigh_emotions(self, weights: Sequence[float]) -> None:
        """Mix the emotions anew, one weight each."""
        chips = [dataclasses.replace(c, weight=w) for c, w in zip(self.setup.emotions, weights, strict=True)]
        words = self.tr("Mix the emotions: {0}").format(_percents(weights))
        self.change(words, lambda desk: setattr(desk, "emotions", chips), merge="emotions")

    def clear_voices(self) -> None:
        self.change(self.tr("Take all voices away"), lambda desk: desk.voices.clear())

    def clear_emotions(self) -> None:
        self.change(self.tr("Take all emotions away"), lambda desk: desk.emotions.clear())

    def clear_desk(self) -> None:
        """No source, nothing given; takes stay."""

        def clear(desk: TransferSetup) -> None:
            desk.edits.pop(desk.source or "", None)
            desk.source = None
            desk.voices.clear()
            desk.emotions.clear()

        self.change(self.tr("Clear the desk"), clear)

    def set_strength(self, strength: float) -> None:
        """Of the voice: 0 = the source's own h, 1 = the given one."""
        words = self.tr("Strength of the voice: {0}").format(_percents([strength]))
        self.change(words, lambda desk: setattr(desk, "strength", strength), merge="strength")

    def set_strength_m(self, strength: float) -> None:
        """Of the emotion: 0 = the source's own m, 1 = the given one."""
        words = self.tr("Strength of the emotion: {0}").format(_percents([strength]))
        self.change(words, lambda desk: setattr(desk, "strength_m", strength), merge="strength m")

    def set_rule(self, rule: str) -> None:
        """How the seconds of the given emotion are laid on the source's: one of engine.api.RULES."""
        self.change(self.tr("Rule for the seconds"), lambda desk: setattr(desk, "rule", rule))

    def set_rendering(self, rendering: str, vocoder: str = OWN_VOCODER) -> None:
        """How the sound is made: one of engine.api.RENDERINGS and of VOCODERS, or as the preferences say."""

        def change(desk: TransferSetup) -> None:
            desk.rendering, desk.vocoder = rendering, vocoder

        self.change(self.tr("Rendering"), change)

    def set_vocoder(self, name: str) -> None:
        """The vocoder of sounds that name none, from now on; OWN_VOCODER: the model's."""
        self.vocoder = name
        self.changed.emit()

    def give(self, clip_id: str, payload: Payload, what: str) -> None:
        """Give a recording one voice ("voice") or emotion ("emotion"): a drop right on it.

        Another source begins with an empty desk; the same one keeps what else is given to it.
        """
        title = transfer_setup.title_of(payload, self._library.clips)

        def change(desk: TransferSetup) -> None:
            if desk.source != clip_id:
                desk.source = clip_id
                desk.voices, desk.emotions = [], []
            if what == "voice":
                desk.voices = [VoiceChip(payload, title)]
            else:
                desk.emotions = [EmotionChip(payload, title)]

        if clip_id in self._library.clips:
            name = self._library.clips[clip_id].name
            words = self.tr("Give {0} the voice {1}") if what == "voice" else self.tr("Give {0} the emotion {1}")
            self.change(words.format(name, title), change)

    def change(self, words: str, change: Callable[[TransferSetup], object], *, merge: str = "") -> None:
        """Change the setup in a way that can be undone: the whole setup is put back as it was."""
        before, after = copy.deepcopy(self.setup), copy.deepcopy(self.setup)
        change(after)
        if after != before:
            self._context.undo.undoable(words, lambda: self._put(after), lambda: self._put(before), merge=merge)

    def _put(self, setup: TransferSetup) -> None:
        self.setup = copy.deepcopy(setup)
        self.changed.emit()
        self._context.mark_changed()
        self.edited.emit()

    def _recordings_left(self, ids: list[str]) -> None:
        source = self.setup.source
        if source in ids:
            self._left_as_source.add(source)
            self._put(dataclasses.replace(self.setup, source=None))

    def _recordings_came(self, ids: list[str]) -> None:
        """A source that was removed is the source again once undo has brought it back."""
        back = self._left_as_source.intersection(ids)
        self._left_as_source -= back
        if back and self.setup.source is None:
            self._put(dataclasses.replace(self.setup, source=back.pop()))


def _percents(shares: Sequence[float]) -> str:
    return ", ".join(f"{100 * share:.0f} %" for share in shares)
