"""What the user does at the transfer desk."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Sequence

from engine.api import OWN_VOCODER, Control, Transfer
from studio.domain import recipe, transfer_setup
from studio.domain.clip import Clip
from studio.domain.live_takes import sound_of
from studio.domain.payload import Payload
from studio.domain.transfer_setup import EmotionChip, TransferSetup, VoiceChip
from studio.engine_link.engine_link import Job
from studio.session.takes import TakeListActions


class TransferActions(TakeListActions):
    """The desk's setup, and rendering it."""

    _live_job: Job | None = None  # under way, and nobody asked for it
    _sound_of_desk: Transfer | None = None  # what its setup was when it was last looked at

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
        words = self.tr("Mix the voices: {0}").format(_percents(weights))
        self._change_desk(words, lambda desk: setattr(desk, "voices", chips), merge="voices")

    def weigh_emotions(self, weights: Sequence[float]) -> None:
        """Mix the emotions anew, one weight each."""
        chips = [dataclasses.replace(c, weight=w) for c, w in zip(self.transfer.emotions, weights, strict=True)]
        words = self.tr("Mix the emotions: {0}").format(_percents(weights))
        self._change_desk(words, lambda desk: setattr(desk, "emotions", chips), merge="emotions")

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
        words = self.tr("Strength of the voice: {0}").format(_percents([strength]))
        self._change_desk(words, lambda desk: setattr(desk, "strength", strength), merge="strength")

    def set_strength_m(self, strength: float) -> None:
        """Of the emotion: 0 = the source's own m, 1 = the given one."""
        words = self.tr("Strength of the emotion: {0}").format(_percents([strength]))
        self._change_desk(words, lambda desk: setattr(desk, "strength_m", strength), merge="strength m")

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
        self._show_rendered(tell=True)

    def render(self, *, live: bool = False) -> Job | None:
        """Render the transfer as it is set up; a render under way gives way to it.

        Args:
            live: nobody asked for it. It takes the place of the one before it where sliders alone were moved since,
                and what was rendered before is shown as it is.
        """
        source = self.clips.get(self.transfer.source or "")
        if (trouble := self._no_render(source)) is not None:
            self.messages.say(*trouble, level="warning")
            return None
        assert source is not None
        request = self._request_of_desk()
        if request is None:
            self.messages.say(*self._not_analysed_yet(source), level="warning")
            return None
        if live:
            self.close_step()
            if self._show_rendered(tell=False):  # it was told when the setup became what it is
                return None
        else:
            self.live.current = None
        if self.transfer_job is not None:
            self.transfer_job.cancel()  # before a name is chosen: its own is free again
        title = self.tr("Transfer to {0}").format(source.name)
        request = self._with_recipe(self._named(request, source))
        job = self.transfer_job = self.link.submit(request, title=title, latest_key="transfer")
        self._live_job = job if live else None
        came = self._rendered_live if live else self._rendered
        job.done.connect(self.current_only(lambda take: came(take) if job.wish is not Control.CANCEL else None))
        for ended in (job.done, job.failed, job.cancelled):
            ended.connect(lambda *_result: self._render_ended(job))
        self._tell_failures(job)
        self.transfer_changed.emit()
        return job

    def _request_of_desk(self) -> Transfer | None:
        """What the engine is to make of the desk's setup, without a name as yet; None while it cannot be made."""
        source, model = self.clips.get(self.transfer.source or ""), self.model
        if source is None or model is None or not source.encoded_by(model):
            return None
        request = transfer_setup.request_of(self.transfer, source, self.clips, model, self.takes_dir, "")
        return None if request is None else self._as_preferred(request)

    def _named(self, request: Transfer, source: Clip) -> Transfer:
        """The request with a place of its own, under the name of the take whose place its sound will take."""
        live = self.live.current
        if live is not None and live.follows_to(self._sound_of(request)) and self._gives_way(live.shown):
            name = live.shown.name
            folder = self._folder_beside(name)
        else:
            name = self._free_take_name(source)
            folder = self.takes_dir / name
        return dataclasses.replace(request, name=name, out_dir=str(folder))

    def _show_rendered(self, *, tell: bool) -> bool:
        """Show at once what was rendered of this setup before; whether there is such a thing.

        Args:
            tell: it is to be heard, if it is another sound than before.
        """
        request = self._request_of_desk() if self.takes else None
        sound = None if request is None else self._sound_of(request)
        is_new, self._sound_of_desk = sound != self._sound_of_desk, sound
        if sound is None:
            return False
        known = self._show_known(sound, tell=tell and is_new)
        if known and self._live_job is not None:
            self._live_job.cancel()  # of a setup that was left
        return known

    def _sound_of(self, request: Transfer) -> Transfer:
        assert self.model is not None
        vocoder = self.model.vocoder if request.vocoder == OWN_VOCODER else request.vocoder
        return sound_of(dataclasses.replace(request, vocoder=vocoder), self.model.hash)

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

    def _render_ended(self, job: Job) -> None:
        if self._live_job is job:
            self._live_job = None
        if self.transfer_job is job:
            self.transfer_job = None
            self.transfer_changed.emit()

    def _with_recipe(self, request: Transfer) -> Transfer:
        """The request with the vocoder preferred, and what it is made of, in names, for the tags of its files."""
        request = self._as_preferred(request)
        return dataclasses.replace(request, recipe=recipe.to_text(self._recipe_of(request)))

    def _as_preferred(self, request: Transfer) -> Transfer:
        return dataclasses.replace(request, vocoder=self.vocoder) if request.vocoder == OWN_VOCODER else request

    def _recipe_of(self, request: Transfer) -> recipe.Recipe:
        assert self.model is not None
        return recipe.of_request(request, self.clips.values(), self.model)


def _percents(shares: Sequence[float]) -> str:
    return ", ".join(f"{100 * share:.0f} %" for share in shares)
