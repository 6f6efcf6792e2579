"""What the user does with training runs."""

from __future__ import annotations

import functools
import shutil
import time

from engine.api import (
    EngineError,
    KeptCheckpoint,
    RunSpec,
    Train,
    TrainDone,
    TrainPoint,
)
from studio.domain.run_record import RunRecord
from studio.engine_link.engine_link import Job
from studio.session.model import ModelActions


class RunActions(ModelActions):
    """Runs are begun, resumed, followed and removed; each has a folder of its own."""

    def start_training(self, spec: RunSpec) -> Job | None:
        """Begin a run in a folder of its own; None if the folder could not be made."""
        name = spec.name or spec.train.preset
        stem = "".join(c if c.isalnum() or c in "-_" else "-" for c in name)[:60]
        run_dir = self.runs_dir / f"{time.strftime('%Y%m%d-%H%M%S')}-{stem}"
        number = 2
        while run_dir.exists():
            run_dir = run_dir.with_name(f"{run_dir.name}-{number}")
            number += 1
        try:
            spec.write(run_dir)
        except EngineError as error:
            self.messages.say_error(error)
            return None
        self.runs.append(RunRecord(str(run_dir), name, "running", started_at=time.time()))
        return self._train(self.runs[-1])

    def resume_run(self, run_dir: str) -> Job | None:
        """Go on with a run that ended early."""
        record = self.run(run_dir)
        if record is None or run_dir in self._run_jobs:
            return None
        return self._train(record)

    def run(self, run_dir: str) -> RunRecord | None:
        return next((record for record in self.runs if record.run_dir == run_dir), None)

    def job_of(self, run_dir: str) -> Job | None:
        """The job that trains a run now."""
        return self._run_jobs.get(run_dir)

    def remove_run(self, run_dir: str) -> None:
        """Take a run that does not train off the list and off the disk."""
        record = self.run(run_dir)
        if record is None or run_dir in self._run_jobs:
            return
        self.runs.remove(record)
        self._savers.start(functools.partial(shutil.rmtree, run_dir, ignore_errors=True))
        self.runs_changed.emit()

    def _train(self, record: RunRecord) -> Job:
        record.state, record.error, record.done = "running", None, None
        job = self.link.submit(Train(record.run_dir), title=self.tr("Train {0}").format(record.name))
        self._run_jobs[record.run_dir] = job
        job.partial.connect(functools.partial(self._train_point, record))
        job.changed.connect(functools.partial(self._train_state, record, job))
        job.done.connect(functools.partial(self._trained, record))
        job.failed.connect(functools.partial(self._train_failed, record))
        job.cancelled.connect(functools.partial(self._train_ended, record, "stopped"))
        job.note.connect(lambda what, hint: self.messages.say(what, hint, level="warning"))
        self.runs_changed.emit()
        return job

    def _train_point(self, record: RunRecord, point: TrainPoint | KeptCheckpoint) -> None:
        if isinstance(point, KeptCheckpoint):
            record.look_again()  # others have made room for it
            self.runs_changed.emit()
            self.checkpoint_kept.emit(record.run_dir)
            return
        # A resumed run goes back to its last saved step; what a killed process told beyond it is trained again.
        while record.points and record.points[-1].step > point.step:
            record.points.pop()
        record.points.append(point)
        self.runs_changed.emit()

    def _train_state(self, record: RunRecord, job: Job) -> None:
        if job.state in ("running", "paused") and record.state != job.state:
            record.state = str(job.state)
            self.runs_changed.emit()

    def _trained(self, record: RunRecord, result: TrainDone) -> None:
        record.done = result
        self._train_ended(record, "stopped" if result.stopped else "done")
        if self.model is None:
            self.set_model(result.model)
            return
        self.messages.say(
            self.tr("The training of {0} is finished.").format(record.name),
            action=(self.tr("Use this model"), lambda: self.set_model(result.model)),
        )

    def _train_failed(self, record: RunRecord, what: str, hint: str, details: str) -> None:
        record.error = (what, hint)
        self._train_ended(record, "failed")
        self.messages.say(what, hint, details=details, level="error")

    def _train_ended(self, record: RunRecord, state: str) -> None:
        self._run_jobs.pop(record.run_dir, None)
        record.state = state
        self.runs_changed.emit()
