"""The worker: one job at a time, controls at once, every end in words, and no orphans."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import queue
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from engine.api import (
    INFERENCE,
    LOOKING,
    WORKER_KINDS,
    Cancelled,
    Control,
    ControlSignal,
    Done,
    Event,
    ExportDone,
    ExportError,
    Failed,
    Figure,
    FigureDone,
    Inspect,
    Note,
    Partial,
    Progress,
    Report,
    Request,
    Result,
    Scan,
    Train,
    WorkerKind,
    worker_kind,
)
from engine.api.workers import AUDITION, TRAINING
from engine.worker import PROGRESS_INTERVAL_S, perform_jobs, start_worker

PATIENCE_S = 30.0
DONE = FigureDone("figure.png")


class Office:
    """A worker's loop in a thread of this process, with the work given by the test."""

    def __init__(
        self,
        run: Callable[[Request, Report, ControlSignal], Result],
        get_ready: Callable[[Request], None] = lambda request: None,
        kind: WorkerKind = INFERENCE,
    ) -> None:
        self.pipe, theirs = multiprocessing.get_context("spawn").Pipe()
        patient = dataclasses.replace(kind, grace_s=PATIENCE_S)
        self.thread = threading.Thread(target=perform_jobs, args=(theirs, run, patient, get_ready))
        self.thread.start()

    def submit(self, job_id: int, request: Request | None = None) -> None:
        self.pipe.send(("run", job_id, request or Inspect("m")))

    def control(self, job_id: int, wish: Control) -> None:
        self.pipe.send(("control", job_id, wish))

    def receive(self) -> tuple[int, Event]:
        assert self.pipe.poll(PATIENCE_S), "the worker said nothing"
        message: tuple[int, Event] = self.pipe.recv()
        return message

    def close(self) -> None:
        self.pipe.close()
        self.thread.join(PATIENCE_S)
        assert not self.thread.is_alive()


@pytest.fixture
def open_office() -> Iterator[Callable[..., Office]]:
    offices: list[Office] = []

    def start(run: Callable[[Request, Report, ControlSignal], Result], *more: Callable[[Request], None]) -> Office:
        offices.append(Office(run, *more))
        return offices[-1]

    yield start
    for office in offices:
        office.close()


def wait_for_an_end(request: Request, report: Report, control: ControlSignal) -> Result:
    """Works until told otherwise: the shape of every long job."""
    report(Note("working"))
    while (wish := control()) in (Control.RUN, Control.PAUSE):
        time.sleep(0.001)
    if wish is Control.CANCEL:
        raise Cancelled
    return DONE


def test_jobs_end_in_the_order_they_came(open_office: Callable[..., Office]) -> None:
    office = open_office(lambda request, report, control: FigureDone(request.model))
    for job_id in range(20):
        office.submit(job_id, Inspect(str(job_id)))
    assert [office.receive() for _ in range(20)] == [(n, Done(FigureDone(str(n)))) for n in range(20)]


def test_cancel_ends_a_running_job_and_a_waiting_one(open_office: Callable[..., Office]) -> None:
    office = open_office(wait_for_an_end)
    office.submit(1)
    office.submit(2)
    assert office.receive() == (1, Note("working"))
    office.control(2, Control.CANCEL)
    job_id, event = office.receive()  # at once, although job 1 still runs
    assert job_id == 2
    assert isinstance(event, Failed)
    assert event.cancelled
    office.control(1, Control.CANCEL)
    job_id, event = office.receive()
    assert job_id == 1
    assert isinstance(event, Failed)
    assert event.cancelled


def test_stop_keeps_what_a_running_job_has(open_office: Callable[..., Office]) -> None:
    office = open_office(wait_for_an_end)
    office.submit(1)
    assert office.receive() == (1, Note("working"))
    office.control(1, Control.STOP)
    assert office.receive() == (1, Done(DONE))


def test_pause_and_resume_reach_the_job(open_office: Callable[..., Office]) -> None:
    def say_wishes(request: Request, report: Report, control: ControlSignal) -> Result:
        seen = None
        while seen is not Control.STOP:
            if (wish := control()) is not seen:
                seen = wish
                report(Note(wish.value))
            time.sleep(0.001)
        return DONE

    office = open_office(say_wishes)
    office.submit(1)
    assert office.receive() == (1, Note("run"))
    for wish in (Control.PAUSE, Control.RUN, Control.STOP):
        office.control(1, wish)
        assert office.receive() == (1, Note(wish.value))
    assert office.receive() == (1, Done(DONE))


def test_a_worker_with_nothing_to_do_gets_ready_for_what_follows_the_last_job(
    open_office: Callable[..., Office],
) -> None:
    ready: queue.SimpleQueue[Request] = queue.SimpleQueue()
    office = open_office(lambda request, report, control: DONE, ready.put)
    office.submit(1, Inspect("first"))
    office.submit(2, Inspect("last"))
    assert [office.receive() for _ in range(2)] == [(1, Done(DONE)), (2, Done(DONE))]
    while ready.get(timeout=PATIENCE_S) != Inspect("last"):
        pass  # on a busy machine the second one came late
    office.submit(3, Inspect("later"))
    assert office.receive() == (3, Done(DONE))
    assert ready.get(timeout=PATIENCE_S) == Inspect("later")


def test_a_control_for_a_job_that_has_ended_is_let_pass(open_office: Callable[..., Office]) -> None:
    office = open_office(lambda request, report, control: DONE)
    office.submit(1)
    assert office.receive() == (1, Done(DONE))
    office.control(1, Control.CANCEL)
    office.submit(2)
    assert office.receive() == (2, Done(DONE))


def test_an_engine_error_keeps_its_words_and_an_unforeseen_one_gets_some(
    open_office: Callable[..., Office],
) -> None:
    def fail(request: Request, report: Report, control: ControlSignal) -> Result:
        if isinstance(request, Inspect):
            raise ExportError("It went wrong.", "Do that.")
        raise ZeroDivisionError("by nought")

    office = open_office(fail)
    office.submit(1)
    office.submit(2, Figure("x"))
    _, known = office.receive()
    _, unknown = office.receive()
    assert isinstance(known, Failed)
    assert (known.what, known.hint, known.cancelled) == ("It went wrong.", "Do that.", False)
    assert "ExportError" in known.details
    assert isinstance(unknown, Failed)
    assert "by nought" in unknown.what
    assert unknown.hint
    assert "Traceback" in unknown.details


def must_hold_progress_back(office: Office) -> list[Event]:
    """Let the office do a job that tells of a thousand steps; everything that it said."""
    began = time.monotonic()
    office.submit(1)
    events: list[Event] = []
    while not events or not isinstance(events[-1], Done):
        events.append(office.receive()[1])
    progress = [event for event in events if isinstance(event, Progress)]
    assert len(progress) <= 2 + (time.monotonic() - began) / PROGRESS_INTERVAL_S
    assert progress[-1].message == "999"
    return events


def test_progress_is_held_to_ten_a_second_and_the_newest_is_kept(open_office: Callable[..., Office]) -> None:
    def hurry(request: Request, report: Report, control: ControlSignal) -> Result:
        for n in range(1000):
            report(Progress(n / 1000, f"{n}"))
        return DONE

    must_hold_progress_back(open_office(hurry))


def test_progress_is_not_hurried_by_what_is_found_on_the_way(open_office: Callable[..., Office]) -> None:
    def hurry(request: Request, report: Report, control: ControlSignal) -> Result:
        for n in range(1000):
            report(Progress(n / 1000, f"{n}"))
            report(Partial(DONE))
        return DONE

    events = must_hold_progress_back(open_office(hurry))
    assert len([event for event in events if isinstance(event, Partial)]) == 1000


def test_held_progress_is_sent_when_the_job_next_looks_up(open_office: Callable[..., Office]) -> None:
    def say_twice_then_wait(request: Request, report: Report, control: ControlSignal) -> Result:
        report(Progress(0.1, "first"))
        report(Progress(0.2, "second"))
        return wait_for_an_end(request, lambda event: None, control)

    office = open_office(say_twice_then_wait)
    office.submit(1)
    assert office.receive() == (1, Progress(0.1, "first"))
    assert office.receive() == (1, Progress(0.2, "second"))
    office.control(1, Control.STOP)
    assert office.receive() == (1, Done(DONE))


@pytest.mark.parametrize(("request_", "wish"), [(Train("run"), Control.STOP), (Inspect("m"), Control.CANCEL)])
def test_when_the_pipe_closes_training_stops_and_other_work_is_dropped(request_: Request, wish: Control) -> None:
    wishes: list[Control] = []

    def work(request: Request, report: Report, control: ControlSignal) -> Result:
        report(Note("working"))
        while (now := control()) is Control.RUN:
            time.sleep(0.001)
        wishes.append(now)
        return ExportDone((), 0)

    office = Office(work, kind=worker_kind(request_))
    office.submit(1, request_)
    office.submit(2, request_)
    office.receive()
    office.close()
    assert wishes == [wish]  # and the second job never began


def test_every_request_has_one_kind_of_worker_and_the_kinds_differ_in_name_and_log() -> None:
    performed = [request for kind in WORKER_KINDS for request in kind.requests]
    assert len(performed) == len(set(performed))
    assert len({kind.name for kind in WORKER_KINDS}) == len(WORKER_KINDS)
    assert len({kind.log for kind in WORKER_KINDS}) == len(WORKER_KINDS)
    assert worker_kind(Inspect("m")) is INFERENCE
    assert worker_kind(Scan(())) is LOOKING
    assert worker_kind(Train("run")) is TRAINING


@pytest.mark.parametrize("kind", WORKER_KINDS, ids=lambda kind: kind.name)
def test_every_kind_has_two_part_words_for_its_death(kind: WorkerKind) -> None:
    said = kind.died.format(how="exit code 1", during=" during “Open”")
    assert "exit code 1" in said
    assert all(words.endswith(".") for words in (said, kind.advice))


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[tuple[multiprocessing.process.BaseProcess, Connection, Path]]:
    log = tmp_path / "logs" / "worker.log"
    process, pipe = start_worker(INFERENCE, log)
    yield process, pipe, log
    pipe.close()
    process.join(PATIENCE_S)
    assert process.exitcode is not None


def test_importing_the_worker_loads_nothing_heavy() -> None:
    code = (
        "import sys, engine.worker, engine.jobs;"
        "sys.exit(any(n in sys.modules for n in ('torch', 'sklearn', 'scipy', 'matplotlib')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_quit_ends_the_process(worker: tuple[multiprocessing.process.BaseProcess, Connection, Path]) -> None:
    process, pipe, log = worker
    pipe.send(("quit",))
    process.join(PATIENCE_S)
    assert process.exitcode == 0
    assert f"process {process.pid}" in log.read_text("utf-8")


def test_a_crash_leaves_the_stack_in_the_log(
    worker: tuple[multiprocessing.process.BaseProcess, Connection, Path],
) -> None:
    process, pipe, log = worker
    pipe.send(("run", 1, Inspect("missing.model")))
    assert pipe.poll(PATIENCE_S)
    assert isinstance(pipe.recv()[1], Failed)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGSEGV)
    process.join(PATIENCE_S)
    assert process.exitcode == -signal.SIGSEGV
    assert "Segmentation fault" in log.read_text("utf-8")
    with pytest.raises(EOFError):
        pipe.recv()


def test_ctrl_c_in_the_terminal_does_not_end_the_worker(
    worker: tuple[multiprocessing.process.BaseProcess, Connection, Path],
) -> None:
    process, pipe, _ = worker
    pipe.send(("run", 1, Inspect("missing.model")))
    assert pipe.poll(PATIENCE_S)
    pipe.recv()
    assert process.pid is not None
    os.kill(process.pid, signal.SIGINT)
    pipe.send(("run", 2, Inspect("missing.model")))
    assert pipe.poll(PATIENCE_S)
    assert pipe.recv()[0] == 2


PARENT = """
import os, signal, sys
import numpy as np
import json
from engine.api import INFERENCE, FitMap, Partial
from engine.worker import start_worker

if __name__ == "__main__":
    folders = []
    for n in range(300):
        folder = f"{sys.argv[1]}/{n}"
        os.mkdir(folder)
        np.save(f"{folder}/h.npy", np.random.default_rng(n).normal(size=16).astype(np.float32))
        meta = dict(
            clip_id=str(n), folder=folder, duration_s=1.0, source_rate_hz=16000, channels=1, gain_db=0.0, frames=64,
            seconds=1, f0_median_hz=None, model_hash="abc",
        )
        open(f"{folder}/meta.json", "w").write(json.dumps(meta))
        folders.append((str(n), folder))
    process, pipe = start_worker(INFERENCE, f"{sys.argv[1]}/log")
    pipe.send(("run", 1, FitMap(tuple(folders), iterations=1_000_000)))
    while not isinstance(pipe.recv()[1], Partial):
        pass
    print(process.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_worker_ends_when_its_parent_is_killed_in_the_middle_of_a_job(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(textwrap.dedent(PARENT), "utf-8")
    (tmp_path / "clips").mkdir()
    root = Path(__file__).parents[2]
    parent = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "clips")],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(root)},
    )
    assert parent.returncode == -signal.SIGKILL, parent.stderr
    # subprocess.run has waited for the end of the parent's output, which the worker shared until its log took over.
    worker_pid = int(parent.stdout)
    deadline = time.monotonic() + PATIENCE_S
    while _alive(worker_pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _alive(worker_pid)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        status = Path(f"/proc/{pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return status != "Z"


@pytest.mark.skipif(not hasattr(os, "nice"), reason="this system has no nice")
def test_the_window_goes_before_its_workers(tmp_path: Path) -> None:
    process, pipe = start_worker(LOOKING, tmp_path / "log")
    pipe.send(("run", 1, Scan((str(tmp_path / "nowhere"),))))
    assert pipe.poll(PATIENCE_S)
    assert process.pid is not None
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getpriority(os.PRIO_PROCESS, process.pid) == min(19, own + LOOKING.niceness)
    pipe.close()
    process.join(PATIENCE_S)
    assert 0 < LOOKING.niceness == INFERENCE.niceness < TRAINING.niceness < AUDITION.niceness
