"""What the user does with training runs."""

from __future__ import annotations

import functools
import shutil
import time
from pathlib import Path

from PySide6.QtCore import Signal

from engine.api import EngineError, KeptCheckpoint, RunSpec, Train, TrainDone, TrainPoint
from engine.api.atomic_files import link_or_copy, replacing
from studio.domain import run_record
from studio.domain.run_record import RunRecord
from studio.engine_link.engine_link import Job
from studio.project.project_file import Project
from studio.project.project_folder import MOVED, Moved, is_inside
from studio.session.context import Context
from studio.session.models.model import Model
from studio.session.part import Part


class Runs(Part):
    """Runs are begun, resumed, followed and removed; each has a folder of its own.

    records: all of them.

    Signals:
        changed().
        checkpoint_kept(folder of the run).
        removing(folder of the run): it is deleted next.
    """

    changed = Signal()
    checkpoint_kept = Signal(str)
    removing = Signal(str)

    def __init__(self, context: Context, model: Model) -> None:
        super().__init__(context)
        self._context, self._model = context, model
        self.records: list[RunRecord] = []
        self._jobs: dict[str, Job] = {}

    def clear(self) -> None:
        self.records = []
        self.changed.emit()

    def load(self, stored: Project) -> None:
        """The runs in the project's folder, and those named that lie elsewhere."""
        found = run_record.discover(self._context.runs_dir)
        self.records = [record for record in found if not (Path(record.run_dir) / MOVED).exists()]
        known = {record.run_dir for record in self.records}
        self.records += [
            record
            for place in stored.runs
            if place not in known and (record := run_record.read(Path(place))) is not None
        ]
        self.changed.emit()

    def dump(self, project: Project) -> None:
        folder = self._context.folder
        project.runs = [record.run_dir for record in self.records if not is_inside(record.run_dir, folder)]

    def relocate(self, moved: Moved) -> None:
        for record in self.records:
            if (place := moved(record.run_dir)) != record.run_dir:
                record.run_dir = place
                record.look_again()
        self.changed.emit()

    def start(self, spec: RunSpec) -> Job | None:
        """Begin a run in a folder of its own; None if the folder could not be made."""
        name = spec.name or spec.train.preset
        stem = "".join(c if c.isalnum() or c in "-_" else "-" for c in name)[:60]
        run_dir = self._context.runs_dir / f"{time.strftime('%Y%m%d-%H%M%S')}-{stem}"
        number = 2
        while run_dir.exists():
            run_dir = run_dir.with_name(f"{run_dir.name}-{number}")
            number += 1
        try:
            spec.write(run_dir)
        except EngineError as error:
            self._context.messages.say_error(error)
            return None
        self.records.append(RunRecord(str(run_dir), name, "running", started_at=time.time()))
        return self._train(self.records[-1])

    def resume(self, run_dir: str) -> Job | None:
        """Go on with a run that ended early."""
        record = self.find(run_dir)
        if record is None or run_dir in self._jobs:
            return None
        return self._train(record)

    def find(self, run_dir: str) -> RunRecord | None:
        """The record of a run, by its folder."""
        return next((record for record in self.records if record.run_dir == run_dir), None)

    def job_of(self, run_dir: str) -> Job | None:
        """The job that trains a run now."""
        return self._jobs.get(run_dir)

    def remove(self, run_dir: str) -> None:
        """Take a run that does not train off the list and off the disk."""
        record = self.find(run_dir)
        if record is None or run_dir in self._jobs:
            return
        self.removing.emit(run_dir)
        self.records.remove(record)
        self._context.threads.start(functools.partial(shutil.rmtree, run_dir, ignore_errors=True))
        self.changed.emit()

    def use_checkpoint(self, run_dir: str, step: int) -> Job | None:
        """Make a checkpoint the project's model. It gets a name of its own, which stays when it makes room."""
        record = self.find(run_dir)
        kept = next((k for k in (record.checkpoints if record else ()) if k.step == step and k.held), None)
        if kept is None:
            self._context.messages.say(
                self.tr("The checkpoint of step {0} has made room for others.").format(step),
                self.tr("Choose one that is on the list; more are kept if a run is set up so (checkpoints)."),
                level="warning",
            )
            return None
        target = Path(run_dir) / f"step-{step}.triptych.safetensors"
        try:
            with replacing(target) as temporary:
                link_or_copy(Path(kept.path), temporary)
        except OSError as error:
            self._context.report_unwritten(target, error)
            return None
        return self._model.open(target)

    def _train(self, record: RunRecord) -> Job:
        record.state, record.error, record.done = "running", None, None
        job = self._context.link.submit(Train(record.run_dir), title=self.tr("Train {0}").format(record.name))
        self._jobs[record.run_dir] = job
        job.partial.connect(functools.partial(self._point, record))
        job.changed.connect(functools.partial(self._state, record, job))
        job.done.connect(functools.partial(self._done, record))
        job.failed.connect(functools.partial(self._failed, record))
        job.cancelled.connect(functools.partial(self._ended, record, "stopped"))
        job.note.connect(lambda what, hint: self._context.messages.say(what, hint, level="warning"))
        self.changed.emit()
        return job

    def _point(self, record: RunRecord, point: TrainPoint | KeptCheckpoint) -> None:
        if isinstance(point, KeptCheckpoint):
            record.look_again()  # others have made room for it
            self.changed.emit()
            self.checkpoint_kept.emit(record.run_dir)
            return
        # A resumed run goes back to its last saved step; what a killed process reported beyond it is trained again.
        while record.points and record.points[-1].step > point.step:
            record.points.pop()
        record.points.append(point)
        self.changed.emit()

    def _state(self, record: RunRecord, job: Job) -> None:
        if job.state in ("running", "paused") and record.state != job.state:
            record.state = str(job.state)
            self.changed.emit()

    def _done(self, record: RunRecord, result: TrainDone) -> None:
        record.done = result
        self._ended(record, "stopped" if result.stopped else "done")
        if self._model.info is None:
            self._model.open(result.model)
            return
        self._context.messages.say(
            self.tr("The training of {0} is finished.").format(record.name),
            action=(self.tr("Use this model"), lambda: self._model.open(result.model)),
        )

    def _failed(self, record: RunRecord, what: str, hint: str, details: str) -> None:
        record.error = (what, hint)
        self._ended(record, "failed")
        self._context.messages.say(what, hint, details=details, level="error")

    def _ended(self, record: RunRecord, state: str) -> None:
        self._jobs.pop(record.run_dir, None)
        record.state = state
        self.changed.emit()
