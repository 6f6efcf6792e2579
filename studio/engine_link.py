"""The only place that starts engine processes and moves messages between them and the window.

One long-lived inference worker, started at the first request, performs everything but training, in order. Every
training run gets a process of its own. A worker that dies takes no window with it: its running job fails in words,
the waiting ones are handed to a fresh worker.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

from PySide6.QtCore import QObject, QThread, QTimer, Signal

from engine.api import Control, Done, Event, Failed, Note, Partial, Progress, Request, Train
from engine.worker import start_worker

log = logging.getLogger("triptych.link")

ANSWER_S = 10.0  # a cancelled job that has not ended by then is ended with its process
LOG_TAIL_BYTES = 4_000
ENDED = ("done", "failed", "cancelled")


class Job(QObject):
    """One request under way, as the window sees it. Signals come in the GUI thread."""

    progress = Signal(object, str, object)  # fraction or None, message, eta_s or None
    partial = Signal(object)
    note = Signal(str, str)
    done = Signal(object)
    failed = Signal(str, str, str)  # what, hint, details
    cancelled = Signal()
    changed = Signal()  # state or progress

    def __init__(self, link: EngineLink, number: int, title: str, request: Request) -> None:
        super().__init__(link)
        self.id = number
        self.title = title
        self.request = request
        self.state = "waiting"  # waiting, running, paused, done, failed, cancelled
        self.fraction: float | None = None
        self.message = ""
        self.eta_s: float | None = None
        self.error: tuple[str, str, str] | None = None
        self._link = link

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    def cancel(self) -> None:
        """End it and keep nothing of it."""
        self._link.control(self, Control.CANCEL)

    def stop_and_keep(self) -> None:
        """End it early and keep what there is."""
        self._link.control(self, Control.STOP)

    def pause(self) -> None:
        if self.state == "running":
            self._set_state("paused")
            self._link.control(self, Control.PAUSE)

    def resume(self) -> None:
        if self.state == "paused":
            self._set_state("running")
            self._link.control(self, Control.RUN)

    def take(self, event: Event) -> None:
        """An event from the worker."""
        if self.ended:
            return
        if self.state == "waiting":
            self._set_state("running")
        match event:
            case Progress():
                self.fraction, self.message, self.eta_s = event.fraction, event.message, event.eta_s
                self.progress.emit(event.fraction, event.message, event.eta_s)
                self.changed.emit()
            case Note():
                self.note.emit(event.what, event.hint)
            case Partial():
                self.partial.emit(event.value)
            case Done():
                self.fraction = 1.0
                self._set_state("done")
                self.done.emit(event.value)
            case Failed(cancelled=True):
                self._set_state("cancelled")
                self.cancelled.emit()
            case Failed():
                self.error = (event.what, event.hint, event.details)
                self._set_state("failed")
                self.failed.emit(event.what, event.hint, event.details)

    def _set_state(self, state: str) -> None:
        self.state = state
        self.changed.emit()


class _Reader(QThread):
    """Waits at the pipe, so that the GUI thread never does."""

    received = Signal(object)
    closed = Signal()

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection

    def run(self) -> None:
        try:
            while True:
                self.received.emit(self._connection.recv())
        except (EOFError, OSError):
            self.closed.emit()


class _Worker(QObject):
    """One engine process and its pipe."""

    received = Signal(object, object)  # this worker, (job id, event)
    died = Signal(object)  # this worker

    def __init__(self, kind: str, log_path: Path, parent: QObject) -> None:
        super().__init__(parent)
        self.kind = kind
        self.log_path = log_path
        self.process: SpawnProcess
        self.process, self._connection = start_worker(kind, log_path)
        self.closing = False
        self._reader = _Reader(self._connection)
        self._reader.received.connect(self._received)
        self._reader.closed.connect(self._closed)
        self._reader.start()

    def send(self, message: tuple[object, ...]) -> None:
        try:
            self._connection.send(message)
        except (BrokenPipeError, ConnectionResetError, OSError):
            log.warning("the %s worker is gone; its end is on the way", self.kind)

    def ask_to_end(self) -> None:
        if not self.closing:
            self.closing = True
            self.send(("quit",))

    def end(self, wait_s: float) -> None:
        """Ask, wait, and after that end it regardless; its reader has ended on return."""
        self.ask_to_end()
        self.process.join(wait_s)
        if self.process.is_alive():
            self.process.terminate()
            self.process.join(2.0)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self._reader.wait()
        self._connection.close()

    def exit_words(self) -> str:
        self.process.join(2.0)
        code = self.process.exitcode
        return f"ended by signal {-code}" if code is not None and code < 0 else f"exit code {code}"

    def log_tail(self) -> str:
        try:
            return self.log_path.read_bytes()[-LOG_TAIL_BYTES:].decode("utf-8", "replace")
        except OSError as error:
            return f"(no log: {error.strerror})"

    def _received(self, message: object) -> None:
        self.received.emit(self, message)

    def _closed(self) -> None:
        self.died.emit(self)


class EngineLink(QObject):
    """Submit requests, get Jobs.

    Args:
        log_dir: where the workers' own logs go.
    """

    job_added = Signal(object)  # Job
    worker_died = Signal(str, str, str)  # what, hint, details

    def __init__(self, log_dir: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._log_dir = log_dir
        self._numbers: Iterator[int] = itertools.count(1)
        self._inference: _Worker | None = None
        self._training: dict[int, _Worker] = {}  # by job id
        self._jobs: dict[int, Job] = {}
        self._latest: dict[str, Job] = {}
        self._closing = False

    def submit(self, request: Request, *, title: str, latest_key: str | None = None) -> Job:
        """Hand a request to a worker. A newer job with the same latest_key cancels the older one."""
        job = Job(self, next(self._numbers), title, request)
        self._jobs[job.id] = job
        if latest_key is not None:
            older = self._latest.get(latest_key)
            if older is not None and not older.ended:
                older.cancel()
            self._latest[latest_key] = job
        self._worker_for(job).send(("run", job.id, request))
        self.job_added.emit(job)
        return job

    def jobs(self) -> list[Job]:
        return list(self._jobs.values())

    def forget(self, job: Job) -> None:
        """Drop an ended job from the list."""
        if job.ended and self._jobs.pop(job.id, None) is not None:
            job.deleteLater()

    def inference_pid(self) -> int | None:
        return self._inference.process.pid if self._inference else None

    def control(self, job: Job, wish: Control) -> None:
        """Tell the job's worker what the user wants."""
        worker = self._training.get(job.id) if isinstance(job.request, Train) else self._inference
        if worker is None or job.ended:
            return
        worker.send(("control", job.id, wish))
        if wish is Control.CANCEL:
            QTimer.singleShot(int(ANSWER_S * 1000), job, lambda: self._end_stuck(job, worker))

    def shutdown(self, *, keep_training_s: float = 30.0) -> None:
        """End every worker; training saves first. Returns when all are gone."""
        self._closing = True
        workers = [*self._training.values(), *([self._inference] if self._inference else [])]
        for worker in workers:
            worker.ask_to_end()
        for worker in workers:
            worker.end(keep_training_s if worker.kind == "training" else 3.0)
        self._training.clear()
        self._inference = None

    def _worker_for(self, job: Job) -> _Worker:
        if isinstance(job.request, Train):
            worker = self._start("training", f"training-{job.id}.log")
            self._training[job.id] = worker
            return worker
        if self._inference is None:
            self._inference = self._start("inference", "inference.log")
        return self._inference

    def _start(self, kind: str, log_name: str) -> _Worker:
        worker = _Worker(kind, self._log_dir / log_name, self)
        worker.received.connect(self._received)
        worker.died.connect(self._died)
        return worker

    def _received(self, worker: _Worker, message: tuple[int, Event]) -> None:
        number, event = message
        job = self._jobs.get(number)
        if job is not None:
            job.take(event)
        if isinstance(event, Done | Failed) and self._training.get(number) is worker:
            worker.ask_to_end()  # a run's process has nothing more to do

    def _died(self, worker: _Worker) -> None:
        """The pipe closed: as asked, or because the process died."""
        if self._closing:
            return
        words = worker.exit_words()
        worker.end(2.0)
        if worker is self._inference:
            self._inference = None
            self._after_inference_death(worker, words)
        else:
            number = next((n for n, w in self._training.items() if w is worker), None)
            if number is not None:
                del self._training[number]
                job = self._jobs.get(number)
                if job is not None and not job.ended:
                    job.take(
                        Failed(
                            f"The training process ended unexpectedly ({words}).",
                            "What was saved is safe: resume the run from the list of runs.",
                            worker.log_tail(),
                        )
                    )
        worker.deleteLater()

    def _after_inference_death(self, worker: _Worker, words: str) -> None:
        open_jobs = [job for job in self._jobs.values() if not job.ended and not isinstance(job.request, Train)]
        running = [job for job in open_jobs if job.state != "waiting"][:1] or open_jobs[:1]
        waiting = [job for job in open_jobs if job not in running]
        for job in running:
            job.take(
                Failed(
                    f"The engine ended unexpectedly while it worked on this ({words}).",
                    "It was started again; try once more.",
                    worker.log_tail(),
                )
            )
        for job in waiting:
            self._worker_for(job).send(("run", job.id, job.request))
        self.worker_died.emit(
            f"The engine process ended unexpectedly ({words}).",
            "It is started again by itself; nothing of your project is lost.",
            worker.log_tail(),
        )

    def _end_stuck(self, job: Job, worker: _Worker) -> None:
        """A cancelled job that did not answer: its process is ended, which `_died` then sees."""
        if not job.ended:
            job.take(Failed("", "", cancelled=True))
            worker.process.terminate()
