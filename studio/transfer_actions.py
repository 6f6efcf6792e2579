"""What the user does at the transfer desk, and with takes."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from engine.api import OWN_VOCODER, Take, Transfer
from studio import recipes, transfer_setup
from studio.clips import Clip
from studio.drag import Payload
from studio.engine_link import Job
from studio.model_actions import ModelActions
from studio.transfer_setup import EmotionChip, TransferSetup, VoiceChip


class TransferActions(ModelActions):
    """The desk's setup, rendering, and the takes that are kept."""

    def select(self, ids: Iterable[str], origin: str = "") -> None:
        """Choose recordings, everywhere. origin names the panel that asks, for logs and tests."""
        del origin
        chosen = [clip_id for clip_id in ids if clip_id in self.clips]
        if chosen == self.selection:
            return
        self.selection = chosen
        self.selection_changed.emit(chosen)

    def set_current(self, clip_id: str | None) -> None:
        """The recording that is seen and heard."""
        new = clip_id if clip_id in self.clips else None
        if new == self.current:
            return
        self.current = new
        if new is not None:
            self.analysis.look_at([new])
        self.current_changed.emit(new or "")

    def play(self, clip_id: str) -> None:
        """Make a recording the current one and play it."""
        if clip_id in self.clips:
            self.set_current(clip_id)
            self.play_requested.emit(clip_id)

    def set_source(self, clip_id: str | None) -> None:
        """The recording that is to be changed."""
        source = clip_id if clip_id in self.clips else None
        if source != self.transfer.source:
            self._change_desk(self.tr("Choose the source"), lambda desk: setattr(desk, "source", source))

    def add_voice(self, payload: Payload) -> None:
        """Give the source this voice (h) too."""
        chip = VoiceChip(payload, transfer_setup.title_of(payload, self.clips))
        if payload not in [voice.payload for voice in self.transfer.voices]:
            self._change_desk(
                self.tr("Give the voice {0}").format(chip.title), lambda desk: desk.voices.append(chip)
            )

    def add_emotion(self, payload: Payload) -> None:
        """Give the source this manner of speaking (m) too."""
        chip = EmotionChip(payload, transfer_setup.title_of(payload, self.clips))
        if payload not in [emotion.payload for emotion in self.transfer.emotions]:
            self._change_desk(
                self.tr("Give the emotion {0}").format(chip.title), lambda desk: desk.emotions.append(chip)
            )

    def remove_voice(self, index: int) -> None:
        title = self.transfer.voices[index].title
        self._change_desk(self.tr("Take away {0}").format(title), lambda desk: desk.voices.pop(index))

    def remove_emotion(self, index: int) -> None:
        title = self.transfer.emotions[index].title
        self._change_desk(self.tr("Take away {0}").format(title), lambda desk: desk.emotions.pop(index))

    def weigh_voices(self, weights: Sequence[float]) -> None:
        """Mix the voices anew, one weight each."""
        chips = [dataclasses.replace(c, weight=w) for c, w in zip(self.transfer.voices, weights, strict=True)]
        self._change_desk(self.tr("Mix the voices"), lambda desk: setattr(desk, "voices", chips), merge="voices")

    def weigh_emotions(self, weights: Sequence[float]) -> None:
        """Mix the emotions anew, one weight each."""
        chips = [dataclasses.replace(c, weight=w) for c, w in zip(self.transfer.emotions, weights, strict=True)]
        self._change_desk(
            self.tr("Mix the emotions"), lambda desk: setattr(desk, "emotions", chips), merge="emotions"
        )

    def clear_voices(self) -> None:
        self._change_desk(self.tr("Take all voices away"), lambda desk: desk.voices.clear())

    def clear_emotions(self) -> None:
        self._change_desk(self.tr("Take all emotions away"), lambda desk: desk.emotions.clear())

    def clear_desk(self) -> None:
        """No source, nothing given; takes stay."""

        def clear(desk: TransferSetup) -> None:
            desk.edits.pop(desk.source or "", None)
            desk.source = None
            desk.voices.clear()
            desk.emotions.clear()

        self._change_desk(self.tr("Clear the desk"), clear)

    def set_strength(self, strength: float) -> None:
        """Of the voice: 0 = the source's own h, 1 = the given one."""
        self._change_desk(
            self.tr("Strength of the voice"), lambda desk: setattr(desk, "strength", strength), merge="strength"
        )

    def set_strength_m(self, strength: float) -> None:
        """Of the emotion: 0 = the source's own m, 1 = the given one."""
        self._change_desk(
            self.tr("Strength of the emotion"),
            lambda desk: setattr(desk, "strength_m", strength),
            merge="strength m",
        )

    def set_rule(self, rule: str) -> None:
        """How the seconds of the given emotion are laid on the source's: one of engine.api.RULES."""
        self._change_desk(self.tr("Rule for the seconds"), lambda desk: setattr(desk, "rule", rule))

    def set_rendering(self, rendering: str, vocoder: str = OWN_VOCODER) -> None:
        """How the sound is made: one of engine.api.RENDERINGS and of VOCODERS, or as the preferences say."""

        def change(desk: TransferSetup) -> None:
            desk.rendering, desk.vocoder = rendering, vocoder

        self._change_desk(self.tr("Rendering"), change)

    def set_vocoder(self, name: str) -> None:
        """The vocoder of sounds that name none, from now on; OWN_VOCODER: the model's."""
        self.vocoder = name
        self.transfer_changed.emit()

    def give(self, clip_id: str, payload: Payload, what: str) -> None:
        """Give a recording one voice ("voice") or emotion ("emotion"): a drop right on it.

        Another source begins with an empty desk; the same one keeps what else is given to it.
        """
        title = transfer_setup.title_of(payload, self.clips)

        def change(desk: TransferSetup) -> None:
            if desk.source != clip_id:
                desk.source = clip_id
                desk.voices, desk.emotions = [], []
            if what == "voice":
                desk.voices = [VoiceChip(payload, title)]
            else:
                desk.emotions = [EmotionChip(payload, title)]

        if clip_id in self.clips:
            name = self.clips[clip_id].name
            words = self.tr("Give {0} the voice {1}") if what == "voice" else self.tr("Give {0} the emotion {1}")
            self._change_desk(words.format(name, title), change)

    def _change_desk(self, words: str, change: Callable[[TransferSetup], object], *, merge: str = "") -> None:
        """Change the desk's setup in a way that can be undone: the whole setup is put back as it was."""
        before, after = copy.deepcopy(self.transfer), copy.deepcopy(self.transfer)
        change(after)
        if after != before:
            self.undoable(words, lambda: self._put_desk(after), lambda: self._put_desk(before), merge=merge)

    def _put_desk(self, setup: TransferSetup) -> None:
        self.transfer = copy.deepcopy(setup)
        self.transfer_changed.emit()
        self._save_soon()

    def render(self) -> Job | None:
        """Render the transfer as it is set up; a render under way gives way to it. The take is kept."""
        setup = self.transfer
        source = self.clips.get(setup.source or "")
        if (trouble := self._no_render(source)) is not None:
            self.messages.say(*trouble, level="warning")
            return None
        assert source is not None
        assert self.model is not None
        name = self._free_take_name(source)
        request = transfer_setup.request_of(setup, source, self.clips, self.model, self.takes_dir, name)
        if request is None:
            self.messages.say(*self._not_analysed_yet(source), level="warning")
            return None
        title = self.tr("Transfer to {0}").format(source.name)
        job = self.transfer_job = self.link.submit(self._with_recipe(request), title=title, latest_key="transfer")
        job.done.connect(self.current_only(self._rendered))
        for ended in (job.done, job.failed, job.cancelled):
            ended.connect(lambda *_result: self._render_ended(job))
        self._tell_failures(job)
        self.transfer_changed.emit()
        return job

    def play_take(self, take: Take, which: str) -> None:
        """Show the clip a take was made of and play "original", "reconstruction" or "transformed"."""
        source = next((clip.id for clip in self.clips.values() if clip.folder == take.source), None)
        if source is not None:
            self.set_current(source)
        self.take_play_requested.emit(take, which)

    def rename_take(self, index: int, name: str) -> None:
        """Call a take differently; its files keep their names."""
        take, name = self.takes[index], name.strip()
        if name and name != take.name:
            self.undoable(
                self.tr("Rename the take {0}").format(take.name),
                lambda: self._put_name(take, name),
                lambda: self._put_name(take, take.name),
            )

    def star_take(self, index: int, starred: bool) -> None:
        """Mark a take as a good one, or no longer."""
        take = self.takes[index]
        if starred != (take.transformed in self.starred):
            words = self.tr("Star the take {0}") if starred else self.tr("Take the star off {0}")
            self.undoable(
                words.format(take.name),
                lambda: self._put_star(take, starred),
                lambda: self._put_star(take, not starred),
            )

    def remove_take(self, index: int) -> None:
        """Take a take off the list. Its sounds stay on the disk: it can be had back."""
        take = self.takes[index]
        starred = take.transformed in self.starred

        def put_back() -> None:
            self.takes.insert(min(index, len(self.takes)), take)
            if starred:
                self.starred.add(take.transformed)
            self._takes_edited()

        self.undoable(self.tr("Remove the take {0}").format(take.name), lambda: self._drop_take(take), put_back)

    def _place_of(self, take: Take) -> int | None:
        """Where a take stands now: by its file, which goes along when the project gets another folder."""
        known = Path(take.transformed).parts[-2:]
        return next((i for i, t in enumerate(self.takes) if Path(t.transformed).parts[-2:] == known), None)

    def _put_name(self, take: Take, name: str) -> None:
        if (place := self._place_of(take)) is not None:
            self.takes[place] = dataclasses.replace(self.takes[place], name=name)
            self._takes_edited()

    def _put_star(self, take: Take, starred: bool) -> None:
        if (place := self._place_of(take)) is not None:
            sound = self.takes[place].transformed
            (self.starred.add if starred else self.starred.discard)(sound)
            self._takes_edited()

    def _drop_take(self, take: Take) -> None:
        if (place := self._place_of(take)) is not None:
            self.starred.discard(self.takes.pop(place).transformed)
            self._takes_edited()

    def _takes_edited(self) -> None:
        self.takes_changed.emit()
        self._save_soon()

    def _no_render(self, source: Clip | None) -> tuple[str, str] | None:
        if self.model is None:
            return self.tr("There is no model yet."), self.tr("Train one with “quick”, or open one: Model > Open.")
        if source is None:
            return self.tr("The transfer has no source."), self.tr("Drop a recording onto the source.")
        if not self.transfer.gives:
            return self.tr("Nothing is given to the source."), self.tr("Drop a voice or an emotion onto the desk.")
        if source.error is not None:
            return source.error
        if not source.encoded_by(self.model):
            return self._not_analysed_yet(source)
        return None

    def _not_analysed_yet(self, source: Clip) -> tuple[str, str]:
        """What to say, and the recordings concerned go to the head of the queue."""
        setup = self.transfer
        payloads = [item.payload for item in setup.chips()]
        payloads += [edit.payload for edit in setup.edits_of_source()]
        givers = [clip.id for payload in payloads for clip in transfer_setup.clips_of(payload, self.clips)]
        self.analysis.look_at([source.id, *givers])
        return (
            self.tr("These recordings are not analysed with this model yet."),
            self.tr("They are next in line; try again in a moment."),
        )

    def _rendered(self, take: Take) -> None:
        self.takes.append(take)
        self.takes_changed.emit()
        self._save_soon()

    def _render_ended(self, job: Job) -> None:
        if self.transfer_job is job:
            self.transfer_job = None
            self.transfer_changed.emit()

    def _with_recipe(self, request: Transfer) -> Transfer:
        """The request with the vocoder preferred, and what it is made of, in names, for the tags of its files."""
        request = self._as_preferred(request)
        return dataclasses.replace(request, recipe=recipes.to_text(self._recipe_of(request)))

    def _as_preferred(self, request: Transfer) -> Transfer:
        return dataclasses.replace(request, vocoder=self.vocoder) if request.vocoder == OWN_VOCODER else request

    def _recipe_of(self, request: Transfer) -> recipes.Recipe:
        assert self.model is not None
        return recipes.of_request(request, self.clips.values(), self.model)

    def _free_take_name(self, source: Clip) -> str:
        return self._free_name(Path(source.path).stem)

    def _free_name(self, wished: str) -> str:
        """A name for a take that no take and no folder has."""
        stem = "".join(c if c.isalnum() or c in "-_" else "-" for c in wished)[:60] or "take"
        number = 1
        taken = {take.name for take in self.takes}
        while (name := f"{stem}-{number}") in taken or (self.takes_dir / name).exists():
            number += 1
        return name
