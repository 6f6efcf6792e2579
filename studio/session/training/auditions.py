"""The audition set: recordings and transfers that are heard at every checkpoint of a run, and their rendering."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from PySide6.QtCore import Signal

from engine.api import Audition, AuditionItem, KeptCheckpoint
from studio.domain import audition_set
from studio.domain.audition_set import AuditionEntry
from studio.domain.recipes import Recipe
from studio.domain.run_record import RunRecord
from studio.engine_link.engine_link import Job
from studio.project.project_file import Project
from studio.services.plurals import counted
from studio.session.clips.library import Library
from studio.session.context import Context
from studio.session.part import Part
from studio.session.training.training_runs import Runs
from studio.session.transfers.rendering import Rendering
from studio.session.transfers.take_recipes import TakeRecipes
from studio.session.transfers.takes import Takes

ON_THE_PROCESSOR = "cpu"


class Auditions(Part):
    """Every checkpoint that a run keeps is rendered in the background, one job at a time, in a process of its own.

    entries: the audition set. job: the rendering under way.

    Signals:
        changed(): the set, or what is rendered of it.
    """

    changed = Signal()

    def __init__(
        self,
        context: Context,
        library: Library,
        takes: Takes,
        rendering: Rendering,
        recipes: TakeRecipes,
        runs: Runs,
    ) -> None:
        super().__init__(context)
        self._context, self._library, self._takes = context, library, takes
        self._rendering, self._recipes, self._runs = rendering, recipes, runs
        self.entries: list[AuditionEntry] = []
        self.job: Job | None = None
        self._asked: tuple[tuple[int, ...], tuple[str, ...]] | None = None  # of the job under way, or the last one
        self._let_be: set[str] = set()  # runs whose auditions were cancelled or failed: until the user asks again
        self._run_dir = ""
        runs.checkpoint_kept.connect(self._kept)
        runs.removing.connect(self._leave_run)
        context.closing.connect(self.stop)

    def clear(self) -> None:
        self.entries, self.job = [], None
        self.changed.emit()

    def load(self, stored: Project) -> None:
        self.entries = stored.audition
        self.changed.emit()

    def dump(self, project: Project) -> None:
        project.audition = list(self.entries)

    def add_clips(self, clip_ids: Sequence[str]) -> None:
        """Hear these recordings as each checkpoint reconstructs them."""
        clips = [self._library.clips[clip_id] for clip_id in clip_ids if clip_id in self._library.clips]
        self._add([audition_set.recipe_of_clip(clip) for clip in clips])

    def add_setup(self) -> None:
        """Hear at each checkpoint the transfer that is set up on the desk."""
        if (request := self._rendering.request_or_say()) is not None:
            source = self._library.clip_in(request.source)
            named = dataclasses.replace(request, name=source.name if source else "")
            self._add([self._rendering.recipe_of(named)])

    def add_take(self, index: int) -> None:
        """Hear at each checkpoint what this take was made of."""
        self._add([self._recipes.of(self._takes.items[index])])

    def remove(self, entry_ids: Iterable[str]) -> None:
        """Take entries off the set; what was rendered of them stays with its run."""
        gone = set(entry_ids)
        before, after = list(self.entries), [entry for entry in self.entries if entry.id not in gone]
        if len(after) < len(before):
            number = len(before) - len(after)
            words = counted(number, self.tr("Take 1 audition away"), self.tr("Take {0} auditions away"))
            self._context.undo.undoable(words, lambda: self._put(after), lambda: self._put(before))

    def render(self, run_dir: str) -> Job | None:
        """Render and measure whatever is missing of a run's checkpoints, also what failed before."""
        record = self._runs.find(run_dir)
        if record is None:
            return None
        if self.job is not None:
            self._context.messages.say(
                self.tr("{0} is under way.").format(self.job.title), self.tr("Wait for it, or cancel it.")
            )
            return None
        self._let_be.discard(run_dir)
        return self._submit(record, self.due(record, again=True))

    def due(self, record: RunRecord, *, again: bool = False) -> tuple[tuple[int, ...], tuple[AuditionItem, ...]]:
        """Steps of which something is missing, and all there is to render.

        again: a sound that could not be made counts as missing.
        """
        made = (audition_set.item_of(entry, self._library.clips) for entry in self.entries)
        items = tuple(item for item in made if item is not None)

        def lacks(kept: KeptCheckpoint) -> bool:
            if kept.step not in record.heard.probes:
                return True
            sounds = [record.heard.sounds.get((kept.step, item.id)) for item in items]
            return any(sound is None or (again and sound.trouble is not None) for sound in sounds)

        return tuple(kept.step for kept in record.checkpoints if kept.held and lacks(kept)), items

    def stop(self) -> None:
        """End the rendering under way; what is done stays, the rest is made when it is asked for."""
        if self.job is not None:
            self.job.cancel()

    def job_of(self, run_dir: str) -> Job | None:
        """The job that hears this run now."""
        return self.job if self._run_dir == run_dir else None

    def _add(self, wanted: Sequence[Recipe]) -> None:
        known = [entry.recipe for entry in self.entries]
        new: list[AuditionEntry] = []
        for recipe in wanted:
            if not any(audition_set.same_sound(recipe, other) for other in (*known, *(e.recipe for e in new))):
                new.append(audition_set.new_entry(recipe))
        if not new:
            if wanted:
                self._context.messages.say(self.tr("That is in the audition set already."))
            return
        before, after = list(self.entries), [*self.entries, *new]
        words = counted(len(new), self.tr("Add 1 audition"), self.tr("Add {0} auditions"))
        self._context.undo.undoable(words, lambda: self._put(after), lambda: self._put(before))

    def _put(self, entries: list[AuditionEntry]) -> None:
        self.entries = list(entries)
        self.changed.emit()
        self._context.mark_changed()
        for record in self._runs.records:
            if self._runs.job_of(record.run_dir) is not None:
                self._go_on(record)

    def _kept(self, run_dir: str) -> None:
        if (record := self._runs.find(run_dir)) is not None:
            self._go_on(record)

    def _go_on(self, record: RunRecord) -> None:
        """Go on by itself, as long as something is missing that was not asked for in vain."""
        due = self.due(record)
        if self.job is None and record.run_dir not in self._let_be and due[0]:
            self._submit(record, due)

    def _submit(self, record: RunRecord, due: tuple[tuple[int, ...], tuple[AuditionItem, ...]]) -> Job | None:
        steps, items = due
        if self.job is not None or not steps:
            return None
        job = self._context.link.submit(
            Audition(record.run_dir, steps, items, self._device()),
            title=self.tr("Audition of {0}").format(record.name),
            background=True,
        )
        self.job, self._run_dir = job, record.run_dir
        self._asked = (steps, tuple(item.id for item in items))
        job.partial.connect(self._context.current_only(lambda _result: self._more(record)))
        job.done.connect(self._context.current_only(lambda _result: self._ended(job, record, go_on=True)))
        job.failed.connect(self._context.current_only(lambda *_words: self._ended(job, record, go_on=False)))
        job.cancelled.connect(self._context.current_only(lambda: self._ended(job, record, go_on=False)))
        self._context.report_failures(job)
        self.changed.emit()
        return job

    def _device(self) -> str:
        """A card that trains is left to the run, whose batches its memory holds; a paused run has freed it."""
        training = any(job.state != "paused" for job in self._context.link.training_jobs())
        return ON_THE_PROCESSOR if training else "auto"

    def _more(self, record: RunRecord) -> None:
        record.look_again()
        self.changed.emit()

    def _ended(self, job: Job, record: RunRecord, *, go_on: bool) -> None:
        if self.job is not job:
            return
        self.job, asked = None, self._asked
        record.look_again()
        steps, items = self.due(record)
        if not go_on:
            self._let_be.add(record.run_dir)
        elif (steps, tuple(item.id for item in items)) != asked:
            self._go_on(record)
        if self.job is None:
            for other in self._runs.records:
                if other is not record and self._runs.job_of(other.run_dir) is not None:
                    self._go_on(other)
        self.changed.emit()

    def _leave_run(self, run_dir: str) -> None:
        if self.job_of(run_dir) is not None:
            self.stop()
