"""The only place that starts worker processes and moves messages between them and the window.

What kinds of workers there are, and which requests each performs, engine.api.WORKER_KINDS says. A long-lived
worker takes one job at a time from the queue kept here; jobs of the other kinds have a process each. Jobs that wait
live on this side, so a worker that dies takes only its running job with it.
"""

from __future__ import annotations

import dataclasses
import signal
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QObject, QTimer, Signal

from engine.api import INFERENCE, WORKER_KINDS, Control, Event, Failed, Request, WorkerKind, worker_kind
from studio.engine_link.job import Job, State
from studio.engine_link.worker_thread import WorkerThread
from studio.services import paths

CANCEL_ANSWER_MS = 10_000  # a job that does not obey by then is ended with its process
STOP_ANSWER_MS = 60_000  # stopping keeps what there is, and writing it may take a while
TAIL_BYTES = 4_000
KEPT_ENDED = 50

__all__ = ["EngineLink", "Job", "State"]


class EngineLink(QObject):
    """Takes requests, has workers perform them, and tells how far they are.

    Signals:
        job_added(Job), job_removed(Job)
        worker_died(what, hint, details): a process ended that was not asked to; it is started again when needed.
    """

    job_added = Signal(object)
    job_removed = Signal(object)
    worker_died = Signal(str, str, str)

    def __init__(self, log_dir: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._log_dir = log_dir or paths.log_dir()
        self.device = "auto"  # where requests that leave it open are computed: the user's choice
        self.idle = False  # while True jobs are kept and none begins: for what is to be looked at without an engine
        self._jobs: list[Job] = []
        self._next_id = 1
        self._lasting: dict[WorkerKind, WorkerThread] = {}
        self._running: dict[WorkerThread, Job] = {}
        self._waiting: list[Job] = []
        self._threads: list[WorkerThread] = []
        self._closed = False

    def jobs(self) -> list[Job]:
        """Every job that has not ended and the last ones that have, oldest first."""
        return list(self._jobs)

    def active(self) -> list[Job]:
        return [job for job in self._jobs if not job.ended]

    def training_jobs(self) -> list[Job]:
        return [job for job in self.active() if job.is_training]

    def submit(
        self, request: Request, *, title: str, latest_key: str | None = None, background: bool = False
    ) -> Job:
        """Ask for work; it begins as soon as a worker is free.

        Args:
            latest_key: a newer job with the same key cancels the older ones.
            background: the job lets any other go before it: a running one is stopped (it keeps what it has).
        """
        if self._closed:
            raise RuntimeError("the link is shut down")
        if getattr(request, "device", "") == "auto" and self.device != "auto":
            chosen: dict[str, Any] = {"device": self.device}
            request = dataclasses.replace(request, **chosen)
        if latest_key is not None:
            for job in self.active():
                if job.latest_key == latest_key:
                    job.cancel()
        job = Job(self._next_id, request, title, latest_key=latest_key, background=background)
        self._next_id += 1
        job.requested.connect(self._request)
        self._jobs.append(job)
        self.job_added.emit(job)
        if (kind := worker_kind(request)).own_process:
            if not self.idle:
                self._begin(self._start(kind, job.id), job)
        else:
            self._enqueue(job)
        return job

    def forget_ended(self) -> None:
        """Take the jobs that have ended off the list."""
        for job in [job for job in self._jobs if job.ended]:
            self._drop(job)

    def shutdown(self) -> None:
        """End every process and thread. Training saves first, whatever else runs is dropped."""
        self._closed = True
        self._waiting.clear()
        for thread in self._threads:
            if thread.kind.saves_at_close:
                thread.quit_politely()
            else:
                thread.kill()
        for thread in self._threads:
            if not thread.wait(STOP_ANSWER_MS):
                thread.kill()
                thread.wait()

    @property
    def worker_pid(self) -> int | None:
        """Process id of the inference worker, while there is one."""
        return self.pid_of(INFERENCE)

    def pid_of(self, kind: WorkerKind) -> int | None:
        """Process id of a long-lived worker, while there is one."""
        return self._lasting[kind].pid if kind in self._lasting else None

    def pid_of_job(self, job: Job) -> int | None:
        """Process id of the worker that performs a job; None while none does."""
        return next((thread.pid for thread, running in self._running.items() if running is job), None)

    def _enqueue(self, job: Job) -> None:
        if job.background:
            self._waiting.append(job)
        else:
            place = next((i for i, other in enumerate(self._waiting) if other.background), len(self._waiting))
            self._waiting.insert(place, job)
            self._let_go_first(job)
        self._feed()

    def _let_go_first(self, job: Job) -> None:
        thread = self._lasting.get(worker_kind(job.request))
        busy = self._running.get(thread) if thread is not None else None
        if busy is not None and busy.background:
            busy.stop_and_keep()

    def _feed(self) -> None:
        """Give each of the long-lived workers its next job, if it is idle."""
        if self._closed or self.idle:
            return
        for kind in WORKER_KINDS:
            job = next((job for job in self._waiting if worker_kind(job.request) is kind), None)
            if job is None:
                continue
            if kind not in self._lasting:
                self._lasting[kind] = self._start(kind, job.id)
            if self._lasting[kind] not in self._running:
                self._waiting.remove(job)
                self._begin(self._lasting[kind], job)

    def _begin(self, thread: WorkerThread, job: Job) -> None:
        self._running[thread] = job
        thread.post(("run", job.id, job.request))
        if job.wish is Control.PAUSE:
            thread.post(("control", job.id, Control.PAUSE))
        job.begin()

    def _request(self, job: Job, state: Control) -> None:
        if job in self._waiting:
            if state in (Control.CANCEL, Control.STOP):
                self._waiting.remove(job)
                self._end(job, Failed("", "", cancelled=True))
            return
        thread = next((thread for thread, running in self._running.items() if running is job), None)
        if thread is None:
            return
        thread.post(("control", job.id, state))
        if state in (Control.CANCEL, Control.STOP):
            patience = CANCEL_ANSWER_MS if state is Control.CANCEL else STOP_ANSWER_MS
            QTimer.singleShot(patience, job, lambda: self._end_by_force(thread, job))

    def _end_by_force(self, thread: WorkerThread, job: Job) -> None:
        if self._running.get(thread) is job:
            thread.kill()

    def _start(self, kind: WorkerKind, job_id: int) -> WorkerThread:
        self._log_dir.mkdir(parents=True, exist_ok=True)
        thread = WorkerThread(kind, self._log_dir / kind.log.format(job=job_id))
        thread.received.connect(self._received)
        thread.gone.connect(self._gone)
        self._threads.append(thread)
        thread.start()
        return thread

    def _received(self, thread: WorkerThread, job_id: int, event: Event) -> None:
        job = self._running.get(thread)
        if self._closed or job is None or job.id != job_id:
            return
        job.take(event)
        if job.ended:
            del self._running[thread]
            self._trim()
            if thread.kind.own_process:
                thread.quit_politely()
            else:
                self._feed()

    def _gone(self, thread: WorkerThread, exit_code: int | None, why: str) -> None:
        if self._closed:
            return
        thread.wait()
        self._threads.remove(thread)
        if self._lasting.get(thread.kind) is thread:
            del self._lasting[thread.kind]
        job = self._running.pop(thread, None)
        if thread.expected and job is not None:  # killed here, for a job that did not obey
            self._end(job, Failed("", "", cancelled=True))
        elif not thread.expected:
            self._tell_death(thread, job, exit_code, why)
        self._feed()

    def _tell_death(self, thread: WorkerThread, job: Job | None, exit_code: int | None, why: str) -> None:
        what, hint = _death_in_words(thread.kind, job, exit_code, why)
        details = _tail(thread.log_path, thread.log_start)
        if job is not None:
            job.lost = True
            self._end(job, Failed(what, hint, details))
        self.worker_died.emit(what, hint, details)

    def _end(self, job: Job, event: Failed) -> None:
        job.take(event)
        self._trim()

    def _trim(self) -> None:
        """Keep the list short: background work that succeeded is forgotten, of the rest the last are kept."""
        for job in [job for job in self._jobs if job.background and job.ended and job.state is not State.FAILED]:
            self._drop(job)
        for job in [job for job in self._jobs if job.ended][:-KEPT_ENDED]:
            self._drop(job)

    def _drop(self, job: Job) -> None:
        # Not deleteLater: Python owns jobs. Closures on a job's signals hold the job, and Qt would free it twice.
        self._jobs.remove(job)
        self.job_removed.emit(job)
        QTimer.singleShot(0, self, lambda: job.part())  # not while it tells how it ended; a bound method would leak


def _death_in_words(kind: WorkerKind, job: Job | None, exit_code: int | None, why: str) -> tuple[str, str]:
    def tr(text: str) -> str:
        return QCoreApplication.translate("EngineLink", text)

    if why:
        how = tr("it could not be started: {0}").format(why)
    elif exit_code is not None and exit_code < 0:
        try:
            how = tr("ended by signal {0}").format(signal.Signals(-exit_code).name)
        except ValueError:
            how = tr("ended by signal {0}").format(-exit_code)
    else:
        how = tr("exit code {0}").format(exit_code)
    during = tr(" during “{0}”").format(job.title) if job is not None else ""
    advice = kind.advice if job is not None else kind.advice_when_idle or kind.advice
    return tr(kind.died).format(how=how, during=during), tr(advice)


def _tail(log: Path, start: int) -> str:
    """The last lines this process wrote to its log."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(start if start <= size else 0, size - TAIL_BYTES))
            return file.read().decode("utf-8", "replace").strip()
    except OSError:
        return ""
