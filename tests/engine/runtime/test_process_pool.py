"""Processes side by side: who gets what, what is told, what control and the death of either side do."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.api import Cancelled, Control, ControlSignal, EngineError
from engine.runtime.control import check_control
from engine.runtime.process_pool import ProcessPool, ReportWords, WorkerSpec


@contextlib.contextmanager
def working(control: ControlSignal, report: ReportWords, folder: Path) -> Iterator[Callable[[str], str]]:
    """Tasks by name: one that ends the process, one that fails, one that never ends of itself, and any other."""

    def perform(task: str) -> str:
        report(f"begun: {task}")
        if task == "dies":
            os._exit(7)
        if task == "fails":
            raise ValueError("of itself")
        while task == "beats":
            check_control(control)
            with (folder / "beats").open("a") as stream:
                stream.write(".")
            time.sleep(0.005)
        return f"{task}, {os.environ['OMP_NUM_THREADS']} thread"

    if not folder.exists():
        raise EngineError("There is no folder.", "Make one.")
    try:
        yield perform
    finally:
        (folder / str(os.getpid())).write_text("closed")


def lost(task: str, how: str) -> str:
    return f"{task} {how}"


def unable(code: int | None) -> EngineError:
    return EngineError(f"It ended before it began (code {code}).", "Try again.")


@contextlib.contextmanager
def ending(control: ControlSignal, report: ReportWords, *arguments: object) -> Iterator[Callable[[str], str]]:
    """A process that ends before it can do anything."""
    os._exit(3)
    yield str


SPEC = WorkerSpec(working, lost, unable)


def until(settled: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20.0
    while not settled():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_every_task_has_an_outcome_and_words_and_a_lost_one_costs_no_other(tmp_path: Path) -> None:
    told: list[tuple[str, str]] = []
    tasks = ["a", "dies", "b", "c", "fails", "dies", "d"]
    with ProcessPool(2, SPEC, tmp_path) as pool:
        outcomes = [o for o in pool.run(iter(tasks), lambda *words: told.append(words)) if o is not None]
    assert sorted(outcomes) == sorted(
        [
            *(f"{name}, 1 thread" for name in "abcd"),
            *["dies ended the process (code 7)"] * 2,
            "fails failed (ValueError: of itself)",
        ]
    )
    assert sorted(told) == sorted((task, f"begun: {task}") for task in tasks)
    assert multiprocessing.active_children() == []


def test_what_cannot_be_made_is_told_in_its_own_words(tmp_path: Path) -> None:
    with ProcessPool(2, SPEC, tmp_path / "missing") as pool, pytest.raises(EngineError, match="There is no folder"):
        list(pool.run(iter(["a"])))


def test_processes_that_end_before_they_begin_are_told_in_words(tmp_path: Path) -> None:
    with (
        ProcessPool(2, WorkerSpec(ending, lost, unable), tmp_path) as pool,
        pytest.raises(EngineError, match=r"before it began \(code 3\)"),
    ):
        list(pool.run(iter(["a", "b"])))


def test_a_pause_holds_the_processes_still_and_a_cancel_ends_them(tmp_path: Path) -> None:
    beats = tmp_path / "beats"
    paused: list[int] = []

    def heard() -> int:
        return beats.stat().st_size if beats.exists() else 0

    def script() -> Iterator[Control]:
        while heard() < 3:
            yield Control.RUN
        yield Control.PAUSE
        time.sleep(0.3)  # the one in work is finished
        for _ in range(10):
            paused.append(heard())
            yield Control.PAUSE
        while heard() < paused[-1] + 3:
            yield Control.RUN
        yield Control.CANCEL

    with ProcessPool(1, SPEC, tmp_path) as pool:
        asked = pool.passing_on(script().__next__)
        with pytest.raises(Cancelled):
            all(not check_control(asked) for _ in pool.run(iter(["beats"])))
    assert len(set(paused)) == 1
    assert multiprocessing.active_children() == []


ORPHANED = """
import multiprocessing, sys, time
from pathlib import Path
from engine.api import Control
from engine.runtime.process_pool import ProcessPool
from test_process_pool import SPEC

if __name__ == "__main__":
    with ProcessPool(1, SPEC, Path(sys.argv[1])) as pool:
        for _ in pool.run(iter(["beats"])):
            if Path(sys.argv[1], "beats").exists():
                pool.passing_on(lambda: Control[sys.argv[2]])()
                print(multiprocessing.active_children()[0].pid, flush=True)
                time.sleep(60)
"""


@pytest.mark.parametrize("wish", ["RUN", "PAUSE"])
def test_whoever_works_or_pauses_ends_with_the_one_that_started_it(tmp_path: Path, wish: str) -> None:
    (tmp_path / "script.py").write_text(ORPHANED)
    roots = Path(__file__).parent, Path(__file__).parents[3]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, roots))}
    command = [sys.executable, str(tmp_path / "script.py"), str(tmp_path), wish]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        process.wait()
    until((tmp_path / str(child)).exists)  # not killed: it closed what it had made
