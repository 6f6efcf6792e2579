"""Training runs: listed, followed, resumed, removed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pytestqt.qtbot import QtBot
from stage import Idle

from engine.api import (
    Partial,
    RunSpec,
    TrainPoint,
    presets,
)
from studio.services.messages import Message, Messages
from studio.session.session import Session

WORK_MS = 60_000


def spec(name: str = "first", **train: Any) -> RunSpec:
    quick = presets()["quick"]
    return RunSpec(replace(quick.train, **train), quick.model, folders=("/r",), name=name)


def test_a_run_is_listed_follows_its_curve_and_can_be_found_again(
    session: Session, messages: Messages, tmp_path: Path
) -> None:
    job = session.runs.start(spec("my run"))
    assert job is not None
    (record,) = session.runs.records
    assert record.state == "running"
    for step in (10, 20, 15):  # the last one after a resume from an earlier save
        job.take(Partial(TrainPoint(step, 0.1, "train", {"total": 1.0}, 1.0)))
    assert [point.step for point in record.points] == [10, 15]
    again = Session(Idle(tmp_path / "logs2"), tmp_path / "data", messages)
    again.project.restore()
    assert [(run.name, run.state, run.resumable) for run in again.runs.records] == [("my run", "stopped", True)]


def test_two_runs_of_one_second_have_folders_of_their_own(session: Session) -> None:
    for _ in range(3):
        session.runs.start(spec("same"))
    assert len({record.run_dir for record in session.runs.records}) == 3


def test_a_running_run_is_not_resumed_or_removed(session: Session) -> None:
    session.runs.start(spec())
    run_dir = session.runs.records[0].run_dir
    assert session.runs.resume(run_dir) is None
    session.runs.remove(run_dir)
    assert len(session.runs.records) == 1


def test_a_run_on_nothing_fails_in_words(real: Session, tmp_path: Path, qtbot: QtBot, said: list[Message]) -> None:
    job = real.runs.start(replace(spec(), folders=(str(tmp_path / "gone"),)))
    assert job is not None
    with qtbot.waitSignal(job.failed, timeout=WORK_MS):
        pass
    assert real.runs.records[0].state == "failed"
    assert real.runs.records[0].error is not None
    assert said[-1].level == "error"
