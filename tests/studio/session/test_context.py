"""What every part is given: answers that come too late, work beside the window, messages of failures."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot
from stage import Idle

from engine.api import Inspect
from studio.services.messages import Message, Messages
from studio.session.context import Context


def context(link: Idle, messages: Messages, tmp_path: Path) -> Context:
    return Context(link, tmp_path, messages)


def test_an_answer_for_the_last_project_is_dropped(link: Idle, messages: Messages, tmp_path: Path) -> None:
    made, came = context(link, messages, tmp_path), []
    slot = made.current_only(came.append)
    slot("in time")
    made.epoch += 1
    slot("too late")
    assert came == ["in time"]


def test_what_a_thread_found_arrives_here_unless_another_project_is_open(
    link: Idle, messages: Messages, tmp_path: Path, qtbot: QtBot
) -> None:
    made, came = context(link, messages, tmp_path), []
    made.in_background(lambda: 1, came.append)
    made.threads.wait()
    assert came == []  # not in the thread
    qtbot.waitUntil(lambda: came == [1])
    made.in_background(lambda: 2, came.append)
    made.epoch += 1
    made.in_background(lambda: 3, came.append)
    qtbot.waitUntil(lambda: came == [1, 3])


def test_threads_work_in_the_order_they_were_asked(link: Idle, messages: Messages, tmp_path: Path) -> None:
    made, written = context(link, messages, tmp_path), []
    for number in range(20):
        made.threads.start(lambda number=number: written.append(number))
    made.threads.wait()
    assert written == list(range(20))


def test_the_folders_of_a_project_lie_in_its_own(link: Idle, messages: Messages, tmp_path: Path) -> None:
    made = context(link, messages, tmp_path)
    assert (made.folder, made.named) == (tmp_path, False)
    entered: list[Path] = []
    made.entered.connect(lambda: entered.append(made.takes_dir))
    made.enter(tmp_path / "mine", named=True)
    assert entered == [tmp_path / "mine" / "takes"]


def test_the_death_of_the_engine_is_not_reported_by_every_job(
    link: Idle, messages: Messages, tmp_path: Path, said: list[Message]
) -> None:
    made = context(link, messages, tmp_path)
    for lost in (False, True):
        job = link.submit(Inspect("/m"), title="Look")
        made.report_failures(job)
        job.lost = lost
        job.failed.emit("It failed.", "Try again.", "why")
    assert [(message.what, message.level) for message in said] == [("It failed.", "error")]
