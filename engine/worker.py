"""The process in which the engine works, so that no calculation can hold or kill the window.

Protocol, over one duplex pipe:

    to the worker      ("run", job_id, request)        performed one at a time, in order
                       ("control", job_id, control)    RUN, PAUSE, STOP or CANCEL; obeyed between pieces of work
                       ("quit",)                       the same as closing the pipe
    from the worker    (job_id, event)                 Progress (at most ten a second), Note and Partial events,
                                                       then exactly one Done or Failed for every job

A job that waits is cancelled at once; STOP on a waiting job cancels it too, as there is nothing to keep.
When the pipe closes (the window was closed, or killed) training saves and ends, other work is dropped, and the
process is gone after a bounded time in any case: no orphans.

The top of this module is light: the heavy parts are imported inside the process, after its threads are set.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

from engine.api import Control, ControlSignal, Done, Event, Failed, Progress, Report, Request, Result, WorkerKind
from engine.api.errors import Cancelled

PROGRESS_INTERVAL_S = 0.1
LOG_LIMIT_BYTES = 1_000_000
IDLE_S = 0.5  # then there is time to load what the next job will need

JobId = int | str

CANCELLED = Failed("The job was cancelled.", "Start it again whenever you like.", cancelled=True)


def start_worker(kind: WorkerKind, log_path: str | os.PathLike[str]) -> tuple[SpawnProcess, Connection]:
    """Start a worker process.

    Args:
        kind: one of engine.api.WORKER_KINDS.
        log_path: file that receives the process's own output and, if it crashes, the stack of every thread.

    Returns:
        the process (daemonic) and this side's end of the pipe; closing that end ends the worker.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=True)
    process = context.Process(
        target=serve, args=(theirs, kind, os.fspath(log_path)), name=f"triptych-{kind.name}", daemon=True
    )
    process.start()
    theirs.close()  # or the end of the process would never show as the end of the pipe
    return process, ours


def serve(connection: Connection, kind: WorkerKind, log_path: str | None = None) -> None:
    """Main of the worker process: returns when the pipe closes or ("quit",) arrives."""
    _set_up_process(kind, log_path)
    from engine import jobs  # its own imports are lazy; torch comes with the first request that needs it

    perform_jobs(connection, jobs.run, kind, jobs.get_ready)


def perform_jobs(
    connection: Connection,
    run: Callable[[Request, Report, ControlSignal], Result],
    kind: WorkerKind,
    get_ready: Callable[[Request], None] = lambda request: None,
) -> None:
    """Perform jobs with `run` until the pipe closes.

    Args:
        kind: says how a running job ends after that, and within what time; then the process is ended regardless.
        get_ready: called with the request last performed when none has come after it for IDLE_S.
    """
    from engine.jobs import in_words

    outbox = Outbox(connection)
    jobs = JobQueue(connection, outbox, kind)
    reader = threading.Thread(target=jobs.read, name="controls", daemon=True)
    reader.start()
    while (job := jobs.next_job(get_ready)) is not None:
        job_id, request = job
        report = Reporter(outbox, job_id)
        try:
            report(Done(run(request, report, JobControl(jobs, outbox, job_id))))
        except Cancelled:
            report(CANCELLED)
        except Exception as error:  # noqa: BLE001 - the top of the process: everything becomes words for the user
            what, hint = in_words(error)
            report(Failed(what, hint, traceback.format_exc()))
        jobs.finish(job_id)
    jobs.ended.set()
    reader.join()


def set_threads(share: float = 1.0) -> None:
    """Choose thread counts and passive waiting; to be called before torch is imported.

    Two OpenMP teams that spin on the same cores ruin each other, so idle threads must sleep.

    Args:
        share: of the cores, for the threads.
    """
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    cores = max(1, int(share * there))
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, str(cores))


def _set_up_process(kind: WorkerKind, log_path: str | None) -> None:
    set_threads(kind.thread_share)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal reaches us too, but our parent decides
    if hasattr(os, "nice"):
        os.nice(kind.niceness)
    if log_path is None:
        faulthandler.enable()
        return
    path = Path(log_path)
    path.parent.mkdir(parents=True, exist_ok=True)
    too_long = path.exists() and path.stat().st_size > LOG_LIMIT_BYTES
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | (os.O_TRUNC if too_long else 0), 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    # A program without a console (Windows, frozen) has no stderr object, yet libraries write to it.
    sys.stdout = os.fdopen(1, "w", 1, "utf-8", "backslashreplace", closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, "utf-8", "backslashreplace", closefd=False)
    print(f"--- {time.strftime('%Y-%m-%d %H:%M:%S')} worker {kind.name}, process {os.getpid()}", file=sys.stderr)
    faulthandler.enable(2)


class Outbox:
    """Sends events, from any thread; holds Progress back to ten a second, the newest wins.

    What is held is sent before a job's end, and does not hurry for anything else: a job that tells of hundreds of
    recordings a second would tell its progress as often, and each is drawn.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._held: tuple[JobId, Progress] | None = None
        self._sent_at = -PROGRESS_INTERVAL_S

    def send(self, job_id: JobId, event: Event) -> None:
        with self._lock:
            if isinstance(event, Progress):
                self._held = (job_id, event)
                self._flush_if_due()
                return
            if isinstance(event, Done | Failed):
                self._flush()
            self._put((job_id, event))

    def flush_if_due(self) -> None:
        """Send held progress whose time has come: called whenever a job checks its control."""
        with self._lock:
            self._flush_if_due()

    def _flush_if_due(self) -> None:
        if time.monotonic() - self._sent_at >= PROGRESS_INTERVAL_S:
            self._flush()

    def _flush(self) -> None:
        if self._held is not None:
            held, self._held = self._held, None
            self._sent_at = time.monotonic()
            self._put(held)

    def _put(self, message: tuple[JobId, Event]) -> None:
        try:
            self._connection.send(message)
        except (BrokenPipeError, ConnectionResetError, EOFError):
            return  # nobody listens any more: the reader sees the same and ends the process


class Reporter:
    """The `report` of one job."""

    def __init__(self, outbox: Outbox, job_id: JobId) -> None:
        self._outbox = outbox
        self._job_id = job_id

    def __call__(self, event: Event) -> None:
        self._outbox.send(self._job_id, event)


class JobQueue:
    """The jobs in their order, and the state last requested for each; filled by the reader thread."""

    def __init__(self, connection: Connection, outbox: Outbox, kind: WorkerKind) -> None:
        self._connection = connection
        self._outbox = outbox
        self._grace_s = kind.grace_s
        self._at_close = Control.STOP if kind.saves_at_close else Control.CANCEL
        self._lock = threading.Lock()
        self._requested: dict[JobId, Control] = {}  # of every job that has not ended
        self._running: JobId | None = None
        self._last: Request | None = None
        self._jobs: queue.SimpleQueue[tuple[JobId, Request] | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self.ended = threading.Event()

    def read(self) -> None:
        """Thread: take messages until the pipe closes, then see that the process ends."""
        try:
            while (message := self._connection.recv())[0] != "quit":
                self._take(message)
        except (EOFError, OSError):
            pass  # the other end is gone, which is the usual way for a worker to end
        finally:
            self._closing.set()
            self._jobs.put(None)
            if not self.ended.wait(self._grace_s):
                os._exit(1)

    def _take(self, message: tuple[str, JobId, object]) -> None:
        match message:
            case ("run", job_id, request):
                with self._lock:
                    self._requested[job_id] = Control.RUN
                self._jobs.put((job_id, request))  # type: ignore[arg-type]
            case ("control", job_id, Control() as state):
                self._control(job_id, state)
            case _:
                print(f"not understood: {message!r}", file=sys.stderr)

    def _control(self, job_id: JobId, state: Control) -> None:
        with self._lock:
            if job_id not in self._requested:
                return  # it ended while the message was under way
            waiting = job_id != self._running
            if waiting and state in (Control.STOP, Control.CANCEL):
                del self._requested[job_id]
            elif self._requested[job_id] is not Control.CANCEL:
                self._requested[job_id] = state
                return
            else:
                return
        self._outbox.send(job_id, CANCELLED)

    def next_job(self, when_idle: Callable[[Request], None]) -> tuple[JobId, Request] | None:
        """Wait for a job; None when the process is to end.

        Args:
            when_idle: called with the job before, if there was one and none comes for IDLE_S.
        """
        while (job := self._next(when_idle)) is not None and not self._closing.is_set():
            with self._lock:
                if job[0] in self._requested:  # or it was cancelled while it waited
                    self._running, self._last = job
                    return job
        return None

    def _next(self, when_idle: Callable[[Request], None]) -> tuple[JobId, Request] | None:
        if self._last is not None:
            try:
                return self._jobs.get(timeout=IDLE_S)
            except queue.Empty:
                when_idle(self._last)
        return self._jobs.get()

    def requested(self, job_id: JobId) -> Control:
        """The state requested for a running job; once the pipe has closed, how it is to end."""
        if self._closing.is_set():
            return self._at_close
        with self._lock:
            return self._requested[job_id]

    def finish(self, job_id: JobId) -> None:
        with self._lock:
            self._running = None
            self._requested.pop(job_id, None)


class JobControl:
    """The `control` of one job: returns at once the state that is requested now."""

    def __init__(self, jobs: JobQueue, outbox: Outbox, job_id: JobId) -> None:
        self._jobs = jobs
        self._outbox = outbox
        self._job_id = job_id

    def __call__(self) -> Control:
        self._outbox.flush_if_due()
        return self._jobs.requested(self._job_id)
