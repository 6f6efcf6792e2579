"""What the user does with probes: measure what h, m and z reveal, and take the numbers out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import Signal

from engine.api import PROBE_TASKS, ExportDone, ExportProbes, Probe, ProbeCorpus, ProbeDone, ProbeResult
from studio.domain.clip import Clip
from studio.engine_link.job import Job
from studio.services.plurals import counted
from studio.session.clips.library import Library
from studio.session.context import Context
from studio.session.models.model import Model
from studio.session.part import Part

FEWEST_CLIPS = 10


@dataclass
class ProbeBoard:
    """What was probed: results by task, of one model and one corpus. about: which, in words for people."""

    results: dict[str, ProbeResult] = field(default_factory=dict)
    model_hash: str = ""
    about: str = ""
    job: Job | None = None
    done: bool = False  # all tasks were measured
    labels: int = 0  # of the recordings as they were probed, to know when they have changed


class Probes(Part):
    """Results are of one model: another model begins an empty board.

    Signals:
        changed(): the board.
    """

    changed = Signal()

    def __init__(self, context: Context, library: Library, model: Model) -> None:
        super().__init__(context)
        self._context, self._library, self._model = context, library, model
        self.board = ProbeBoard()
        model.changed.connect(self._forget_other_model)

    def clear(self) -> None:
        if self.board.job is not None:
            self.board.job.cancel()
        self.board = ProbeBoard()
        self.changed.emit()

    def run(
        self,
        *,
        selected: bool = False,
        folder: str | None = None,
        test_folder: str | None = None,
        tasks: Iterable[str] = PROBE_TASKS,
    ) -> Job | None:
        """Probe all recordings, the selected ones, or those of a folder; test on folds, or on another folder."""
        if self._model.info is None or (folder is None and not self._model.encoded_or_say()):
            self._model.encoded_or_say()
            return None
        clips = self._chosen(selected)
        if folder is None and len(clips) < FEWEST_CLIPS:
            self._context.messages.say(
                self.tr("A probe needs at least {0} analysed recordings; there are {1}.").format(
                    FEWEST_CLIPS, len(clips)
                ),
                self.tr("Add some, or choose a folder."),
            )
            return None
        if folder is not None:
            corpus, where = ProbeCorpus((folder,)), Path(folder).name
        else:
            corpus = ProbeCorpus(clips=tuple((clip.ref(), str(clip.folder)) for clip in clips))
            where = counted(len(clips), self.tr("1 recording"), self.tr("{0} recordings"))
        if test_folder is not None:
            where = self.tr("{0}, tested on {1}").format(where, Path(test_folder).name)
        request = Probe(
            tasks=tuple(tasks),
            corpus=corpus,
            model=self._model.info.path,
            test=None if test_folder is None else ProbeCorpus((test_folder,)),
        )
        job = self._context.link.submit(request, title=self.tr("Probe {0}").format(where), latest_key="probe")
        about = self.tr("model {0}, {1}").format(self._model.info.hash[:8], where)
        self.board = ProbeBoard({}, self._model.info.hash, about, job, labels=self.labels_now())
        job.partial.connect(self._context.current_only(lambda result: self._probed_one(job, result)))
        job.done.connect(self._context.current_only(lambda result: self._probed_all(job, result)))
        for ended in (job.done, job.failed, job.cancelled):
            ended.connect(self._context.current_only(lambda *_result: self._ended(job)))
        job.note.connect(lambda what, hint: self._context.messages.say(what, hint))
        self._context.report_failures(job)
        self.changed.emit()
        return job

    def stop(self) -> None:
        """End after the task under way and keep what is measured."""
        if self.board.job is not None:
            self.board.job.stop_and_keep()

    def export(self, path: str | Path) -> Job | None:
        """Write the matrix as CSV, LaTeX (.tex) or a figure (PNG, SVG, PDF)."""
        if not any(result.scores for result in self.board.results.values()):
            self._context.messages.say(self.tr("Nothing has been probed yet."), self.tr("Run the probes first."))
            return None
        request = ExportProbes(tuple(self.board.results.values()), str(path), self.board.about)
        job = self._context.link.submit(request, title=self.tr("Export {0}").format(Path(path).name))
        job.done.connect(self._saved)
        self._context.report_failures(job)
        return job

    def are_stale(self) -> bool:
        """Whether recordings or labels have changed since they were probed."""
        return bool(self.board.results) and self.board.job is None and self.board.labels != self.labels_now()

    def labels_now(self) -> int:
        """Changes with the recordings and what is known of them."""
        return hash(frozenset((clip.id, frozenset(clip.labels.items())) for clip in self._model.encoded()))

    def _chosen(self, selected: bool) -> list[Clip]:
        chosen = set(self._library.selection)
        return [clip for clip in self._model.encoded() if not selected or clip.id in chosen]

    def _probed_one(self, job: Job, result: ProbeResult) -> None:
        if self.board.job is job:
            self.board.results[result.task] = result
            self.changed.emit()

    def _probed_all(self, job: Job, done: ProbeDone) -> None:
        if self.board.job is job and done.model_hash == self.board.model_hash:
            self.board.results = {result.task: result for result in done.results}
            self.board.done = True

    def _ended(self, job: Job) -> None:
        if self.board.job is job:
            self.board.job = None
            self.changed.emit()

    def _saved(self, done: ExportDone) -> None:
        self._context.messages.say(self.tr("Saved {0}").format(done.files[0]))

    def _forget_other_model(self) -> None:
        model = self._model.info
        if self.board.model_hash and model is not None and self.board.model_hash != model.hash:
            self.clear()
