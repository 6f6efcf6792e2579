"""The link to the worker: jobs with a real process behind them."""

from __future__ import annotations

import functools
import gc
import os
import signal
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from engine.api import LOOKING, SaveSound, Scan
from studio.engine_link import engine_link
from studio.engine_link.engine_link import EngineLink, Job, State

START_MS = 20_000


@pytest.fixture
def link(qtbot: QtBot, tmp_path: Path) -> Iterator[EngineLink]:
    made = EngineLink(tmp_path / "logs")
    yield made
    made.shutdown()


def ask(link: EngineLink, name: str = "nothing.wav", **how: object) -> Job:
    """A job that fails in words, and for which the worker loads nothing heavy."""
    request = SaveSound(f"/nowhere/{name}", "/nowhere/out.wav", "", "", "")
    return link.submit(request, title=f"Open {name}", **how)  # type: ignore[arg-type]


def test_nothing_is_started_before_there_is_work(link: EngineLink) -> None:
    assert link.worker_pid is None


def test_a_failure_comes_back_in_words(link: EngineLink, qtbot: QtBot) -> None:
    job = ask(link)
    with qtbot.waitSignal(job.failed, timeout=START_MS) as failed:
        pass
    what, hint, _details = failed.args
    assert "nothing.wav" in what
    assert hint
    assert job.state == "failed"


def test_jobs_are_done_in_order(link: EngineLink, qtbot: QtBot) -> None:
    ended: list[str] = []
    jobs = [ask(link, name) for name in "abc"]
    for job in jobs:
        job.failed.connect(lambda *_words, job=job: ended.append(job.title))
    qtbot.waitUntil(lambda: len(ended) == 3, timeout=START_MS)
    assert ended == ["Open a", "Open b", "Open c"]


def test_a_waiting_job_is_cancelled_at_once(link: EngineLink) -> None:
    ask(link, "first")
    job = ask(link, "second")
    job.cancel()
    assert job.state is State.CANCELLED


def test_a_newer_job_with_the_same_key_cancels_the_older(link: EngineLink) -> None:
    ask(link, "first")
    older = ask(link, "older", latest_key="k")
    newer = ask(link, "newer", latest_key="k")
    assert older.state == "cancelled"
    assert newer.state == "waiting"


def test_background_work_lets_others_go_first(link: EngineLink, qtbot: QtBot) -> None:
    ask(link, "first")
    background = ask(link, "background", background=True)
    order: list[str] = []
    urgent = ask(link, "urgent")
    for job in (background, urgent):
        job.failed.connect(lambda *_words, job=job: order.append(job.title))
    qtbot.waitUntil(lambda: len(order) == 2, timeout=START_MS)
    assert order == ["Open urgent", "Open background"]


def test_folders_are_looked_through_whatever_is_computed(link: EngineLink, qtbot: QtBot, tmp_path: Path) -> None:
    stuck = ask(link)
    qtbot.waitUntil(lambda: link.worker_pid is not None, timeout=START_MS)
    pid = link.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    looking = link.submit(Scan((str(tmp_path / "gone"),)), title="Look through")
    with qtbot.waitSignal(looking.failed, timeout=START_MS) as failed:
        pass
    assert "gone" in failed.args[0]
    assert stuck.state is State.RUNNING
    os.kill(pid, signal.SIGCONT)
    qtbot.waitUntil(lambda: stuck.ended, timeout=START_MS)


def test_who_looks_through_folders_is_started_again_when_killed(
    link: EngineLink, qtbot: QtBot, tmp_path: Path
) -> None:
    lost, waiting = (link.submit(Scan((str(tmp_path / name),)), title=name) for name in ("lost", "waiting"))
    qtbot.waitUntil(lambda: link.pid_of(LOOKING) is not None, timeout=START_MS)
    first = link.pid_of(LOOKING)
    assert first is not None
    with qtbot.waitSignals([link.worker_died, lost.failed, waiting.failed], timeout=START_MS):
        os.kill(first, signal.SIGKILL)
    assert lost.lost
    assert not waiting.lost
    assert link.pid_of(LOOKING) not in (None, first)


def test_a_killed_worker_is_told_and_the_waiting_jobs_are_still_done(link: EngineLink, qtbot: QtBot) -> None:
    lost, waiting = ask(link, "lost"), ask(link, "waiting")
    qtbot.waitUntil(lambda: link.worker_pid is not None, timeout=START_MS)
    pid = link.worker_pid
    assert pid is not None
    with qtbot.waitSignals([link.worker_died, lost.failed, waiting.failed], timeout=START_MS):
        os.kill(pid, signal.SIGKILL)
    assert lost.words is not None
    assert "SIGKILL" in lost.words[0]
    assert "Open lost" in lost.words[0]
    assert waiting.words is not None
    assert "waiting" in waiting.words[0]  # the engine's own words, from a new process


def test_a_job_that_does_not_obey_is_ended_with_its_process(
    link: EngineLink, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_link, "CANCEL_ANSWER_MS", 50)
    job = ask(link)
    qtbot.waitUntil(lambda: link.worker_pid is not None, timeout=START_MS)
    pid = link.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)  # stuck
    died: list[object] = []
    link.worker_died.connect(lambda *words: died.append(words))
    with qtbot.waitSignal(job.cancelled, timeout=START_MS):
        job.cancel()
    assert job.state == "cancelled"
    assert died == []  # the user asked for it: no alarm
    again = ask(link, "again")
    with qtbot.waitSignal(again.failed, timeout=START_MS):
        pass


def test_the_log_of_the_dead_comes_with_the_news(link: EngineLink, qtbot: QtBot) -> None:
    job = ask(link)
    with qtbot.waitSignal(job.failed, timeout=START_MS):
        pass
    pid = link.worker_pid
    assert pid is not None
    with qtbot.waitSignal(link.worker_died, timeout=START_MS) as died:
        os.kill(pid, signal.SIGABRT)  # faulthandler writes the stacks
    assert "Fatal Python error" in died.args[2]
    assert link.worker_pid is None


def test_ended_jobs_can_be_forgotten(link: EngineLink, qtbot: QtBot) -> None:
    job = ask(link)
    with qtbot.waitSignal(job.failed, timeout=START_MS):
        pass
    with qtbot.waitSignal(link.job_removed):
        link.forget_ended()
    assert link.jobs() == []


def test_forgotten_jobs_leave_nothing_that_could_crash(link: EngineLink, qtbot: QtBot) -> None:
    """Closures on a job's signals that hold the job were freed twice by its deferred deletion."""
    for number in range(60):
        job = ask(link, f"{number}")
        job.failed.connect(lambda *_words, job=job: job.changed.emit())
        job.changed.connect(functools.partial(str, job))
        job.cancel()
    first = link.jobs()[0]
    qtbot.waitUntil(lambda: first.ended, timeout=START_MS)
    link.forget_ended()
    gc.collect()
    qtbot.wait(20)  # for what Qt deletes later
    assert link.jobs() == []


def test_a_forgotten_job_is_freed_with_those_who_listened(link: EngineLink, qtbot: QtBot) -> None:
    """A listener holds the job, the job's signals hold the listener: a ring that the collector cannot see."""
    job = ask(link)
    told: list[str] = []
    job.failed.connect(lambda *_words, job=job: told.append(job.title))
    job.changed.connect(functools.partial(str, job))
    kept = weakref.ref(job)
    with qtbot.waitSignal(job.failed, timeout=START_MS):
        pass
    link.forget_ended()
    assert told == [job.title]
    del job

    def freed() -> bool:
        gc.collect()
        return kept() is None

    qtbot.waitUntil(freed)
