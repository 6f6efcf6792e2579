"""What the user does to hear a run while it trains: the audition set, its rendering, flips between checkpoints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from engine.api import Audition, AuditionItem, KeptCheckpoint
from engine.api.atomic_files import link_or_copy, replacing
from studio.domain import audition_set, transfer_setup
from studio.domain import recipe as recipes
from studio.domain.audition_set import AuditionEntry, Hearing
from studio.domain.recipe import Recipe
from studio.domain.run_record import RunRecord
from studio.engine_link.engine_link import Job
from studio.services.plurals import counted
from studio.session.take_recipes import TakeActions
from studio.session.training_runs import RunActions

ON_THE_PROCESSOR = "cpu"


class AuditionActions(RunActions, TakeActions):
    """Every checkpoint that a run keeps is heard in the background, one job at a time, by a process of its own."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.audition_job: Job | None = None
        self._asked: tuple[tuple[int, ...], tuple[str, ...]] | None = None  # of the job under way, or the last one
        self._let_be: set[str] = set()  # runs whose auditions were cancelled or failed: until the user asks again
        self._audition_run = ""
        self.checkpoint_kept.connect(self._kept)
        self.current_changed.connect(self._leave_hearing)
        self.closing.connect(self.stop_audition)

    # ------------------------------------------------------------------ the set
    def audition_clips(self, clip_ids: Sequence[str]) -> None:
        """Hear these recordings as each checkpoint rebuilds them."""
        clips = [self.clips[clip_id] for clip_id in clip_ids if clip_id in self.clips]
        self._add_entries([audition_set.recipe_of_clip(clip) for clip in clips])

    def audition_desk(self) -> None:
        """Hear at each checkpoint the transfer that is set up on the desk."""
        source = self.clips.get(self.transfer.source or "")
        if (trouble := self._no_render(source)) is not None:
            self.messages.say(*trouble, level="warning")
            return
        assert source is not None
        assert self.model is not None
        setup = self.transfer
        request = transfer_setup.request_of(setup, source, self.clips, self.model, self.takes_dir, source.name)
        if request is None:
            self.messages.say(*self._not_analysed_yet(source), level="warning")
            return
        self._add_entries([self._recipe_of(self._as_preferred(request))])

    def audition_take(self, index: int) -> None:
        """Hear at each checkpoint what this take was made of."""
        self._add_entries([self.recipe_of(self.takes[index])])

    def remove_from_audition(self, entry_ids: Iterable[str]) -> None:
        """Take entries off the set; what was rendered of them stays with its run."""
        gone = set(entry_ids)
        before, after = list(self.audition), [entry for entry in self.audition if entry.id not in gone]
        if len(after) < len(before):
            number = len(before) - len(after)
            words = counted(number, self.tr("Take 1 audition away"), self.tr("Take {0} auditions away"))
            self.undoable(words, lambda: self._put_audition(after), lambda: self._put_audition(before))

    def _add_entries(self, wanted: Sequence[Recipe]) -> None:
        known = [entry.recipe for entry in self.audition]
        new: list[AuditionEntry] = []
        for recipe in wanted:
            if not any(audition_set.same_sound(recipe, other) for other in (*known, *(e.recipe for e in new))):
                new.append(audition_set.new_entry(recipe))
        if not new:
            if wanted:
                self.messages.say(self.tr("That is in the audition set already."))
            return
        before, after = list(self.audition), [*self.audition, *new]
        words = counted(len(new), self.tr("Add 1 audition"), self.tr("Add {0} auditions"))
        self.undoable(words, lambda: self._put_audition(after), lambda: self._put_audition(before))

    def _put_audition(self, entries: list[AuditionEntry]) -> None:
        self.audition = list(entries)
        if self.hearing is not None and self.hearing.entry not in {entry.id for entry in entries}:
            self.stop_hearing()
        self.audition_changed.emit()
        self._save_soon()
        for record in self.runs:
            if self.job_of(record.run_dir) is not None:
                self._hear_on(record)

    # ------------------------------------------------------------------ rendering
    def hear_run(self, run_dir: str) -> Job | None:
        """Render and measure whatever is missing of a run's checkpoints, also what failed before."""
        record = self.run(run_dir)
        if record is None:
            return None
        if self.audition_job is not None:
            self.messages.say(
                self.tr("{0} is under way.").format(self.audition_job.title), self.tr("Wait for it, or cancel it.")
            )
            return None
        self._let_be.discard(run_dir)
        return self._submit_audition(record, self.due(record, again=True))

    def due(self, record: RunRecord, *, again: bool = False) -> tuple[tuple[int, ...], tuple[AuditionItem, ...]]:
        """Steps of which something is missing, and all there is to render.

        again: a sound that could not be made counts as missing.
        """
        made = (audition_set.item_of(entry, self.clips) for entry in self.audition)
        items = tuple(item for item in made if item is not None)

        def lacks(kept: KeptCheckpoint) -> bool:
            if kept.step not in record.heard.probes:
                return True
            sounds = [record.heard.sounds.get((kept.step, item.id)) for item in items]
            return any(sound is None or (again and sound.trouble is not None) for sound in sounds)

        return tuple(kept.step for kept in record.checkpoints if kept.held and lacks(kept)), items

    def stop_audition(self) -> None:
        """End the rendering under way; what is done stays, the rest is made when it is asked for."""
        if self.audition_job is not None:
            self.audition_job.cancel()

    def _kept(self, run_dir: str) -> None:
        if (record := self.run(run_dir)) is not None:
            self._renew_hearing()
            self._hear_on(record)

    def _hear_on(self, record: RunRecord) -> None:
        """Go on by itself, as long as something is missing that was not asked for in vain."""
        due = self.due(record)
        if self.audition_job is None and record.run_dir not in self._let_be and due[0]:
            self._submit_audition(record, due)

    def _submit_audition(
        self, record: RunRecord, due: tuple[tuple[int, ...], tuple[AuditionItem, ...]]
    ) -> Job | None:
        steps, items = due
        if self.audition_job is not None or not steps:
            return None
        job = self.link.submit(
            Audition(record.run_dir, steps, items, self._audition_device()),
            title=self.tr("Audition of {0}").format(record.name),
            background=True,
        )
        self.audition_job, self._audition_run = job, record.run_dir
        self._asked = (steps, tuple(item.id for item in items))
        job.partial.connect(self.current_only(lambda _result: self._heard_more(record)))
        job.done.connect(self.current_only(lambda _result: self._audition_ended(job, record, go_on=True)))
        job.failed.connect(self.current_only(lambda *_words: self._audition_ended(job, record, go_on=False)))
        job.cancelled.connect(self.current_only(lambda: self._audition_ended(job, record, go_on=False)))
        self._tell_failures(job)
        self.audition_changed.emit()
        return job

    def audition_of(self, run_dir: str) -> Job | None:
        """The job that hears this run now."""
        return self.audition_job if self._audition_run == run_dir else None

    def _audition_device(self) -> str:
        """A card that trains is left to the run, whose batches its memory holds; a paused run has freed it."""
        training = any(job.state != "paused" for job in self.link.training_jobs())
        return ON_THE_PROCESSOR if training else "auto"

    def _heard_more(self, record: RunRecord) -> None:
        record.look_again()
        self._renew_hearing()
        self.audition_changed.emit()

    def _audition_ended(self, job: Job, record: RunRecord, *, go_on: bool) -> None:
        if self.audition_job is not job:
            return
        self.audition_job, asked = None, self._asked
        record.look_again()
        steps, items = self.due(record)
        if not go_on:
            self._let_be.add(record.run_dir)
        elif (steps, tuple(item.id for item in items)) != asked:
            self._hear_on(record)
        if self.audition_job is None:
            for other in self.runs:
                if other is not record and self.job_of(other.run_dir) is not None:
                    self._hear_on(other)
        self.audition_changed.emit()

    # ------------------------------------------------------------------ hearing
    def hear_checkpoint(self, run_dir: str, entry_id: str, step: int | None = None) -> bool:
        """Play an entry as the checkpoint of a step renders it (None: the newest); False if there is no sound."""
        hearing = self._hearing_of(run_dir, entry_id)
        if hearing is None or not hearing.sounds:
            return False
        wanted = next((sound for sound in hearing.sounds if sound.step == step), hearing.sounds[-1])
        source = next((clip.id for clip in self.clips.values() if clip.folder == hearing.source), None)
        if source is None or (step is not None and wanted.step != step):
            return False
        self.set_current(source)
        self.hearing, self.heard_step = hearing, wanted.step
        self.hearing_changed.emit()
        self.checkpoint_play_requested.emit(hearing.name_of(wanted.step))
        return True

    def flip_checkpoint(self, by: int) -> None:
        """Go on at the same place with the checkpoint before (-1) or after (1) the one heard."""
        if self.hearing is None or not self.hearing.sounds:
            self.messages.say(
                self.tr("No checkpoint is being heard."),
                self.tr("Choose an audition and a checkpoint in the training panel, and play it."),
            )
            return
        steps = [sound.step for sound in self.hearing.sounds]
        if self.heard_step in steps:
            place = min(max(steps.index(self.heard_step) + by, 0), len(steps) - 1)
        else:  # the recording itself is heard
            place = len(steps) - 1 if by < 0 else 0
        self.checkpoint_flip_requested.emit(self.hearing.name_of(steps[place]))

    def note_heard(self, name: str) -> None:
        """The player has gone over to this sound."""
        if self.hearing is not None:
            sound = self.hearing.by_name().get(name)
            step = None if sound is None else sound.step
            if step != self.heard_step:
                self.heard_step = step
                self.audition_changed.emit()

    def stop_hearing(self) -> None:
        """The player goes back to what it plays usually."""
        if self.hearing is not None:
            self.hearing, self.heard_step = None, None
            self.hearing_changed.emit()
            self.audition_changed.emit()

    def _hearing_of(self, run_dir: str, entry_id: str) -> Hearing | None:
        record = self.run(run_dir)
        entry = next((entry for entry in self.audition if entry.id == entry_id), None)
        if record is None or entry is None:
            return None
        source = recipes.find(entry.recipe, self.clips).source
        folder = None if source is None else self.clips[source].folder
        if folder is None:
            return None
        held = {kept.step for kept in record.checkpoints if kept.held}
        sounds = [s for (_, item), s in record.heard.sounds.items() if item == entry_id and not s.trouble]
        there = sorted((s for s in sounds if s.step in held), key=lambda sound: sound.step)
        return Hearing(run_dir, entry_id, folder, tuple(there))

    def _renew_hearing(self) -> None:
        """Checkpoints have come or gone: the player gets them under the playhead."""
        if self.hearing is None:
            return
        now, heard = self._hearing_of(self.hearing.run_dir, self.hearing.entry), self.heard_step
        if now is None or not now.sounds:
            self.stop_hearing()
        elif now != self.hearing:
            self.hearing = now
            self.hearing_changed.emit()
            steps = [sound.step for sound in now.sounds]
            if heard is not None and heard not in steps:  # it made room: the next one takes its place
                nearest = min(steps, key=lambda step: (abs(step - heard), step))
                self.checkpoint_flip_requested.emit(now.name_of(nearest))

    def _leave_hearing(self, _clip_id: str) -> None:
        current = self.clips.get(self.current or "")
        if self.hearing is not None and (current is None or current.folder != self.hearing.source):
            self.stop_hearing()

    # ------------------------------------------------------------------ using one
    def use_checkpoint(self, run_dir: str, step: int) -> Job | None:
        """Make a checkpoint the project's model. It gets a name of its own, which stays when it makes room."""
        record = self.run(run_dir)
        kept = next((k for k in (record.checkpoints if record else ()) if k.step == step and k.held), None)
        if kept is None:
            self.messages.say(
                self.tr("The checkpoint of step {0} has made room for others.").format(step),
                self.tr("Choose one that is on the list; more are kept if a run is told so (checkpoints)."),
                level="warning",
            )
            return None
        target = Path(run_dir) / f"step-{step}.triptych.safetensors"
        try:
            with replacing(target) as temporary:
                link_or_copy(Path(kept.path), temporary)
        except OSError as error:
            self._say_unwritten(target, error)
            return None
        return self.set_model(target)

    def remove_run(self, run_dir: str) -> None:
        if self.audition_of(run_dir) is not None:
            self.stop_audition()
        if self.hearing is not None and self.hearing.run_dir == run_dir:
            self.stop_hearing()
        super().remove_run(run_dir)
