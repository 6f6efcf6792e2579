"""The library: rows, labels, selection, analysis, and what leaves it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from pytestqt.qtbot import QtBot
from stage import Idle, analysed, found, give

from studio.services.messages import Message
from studio.session.session import Session

WORK_MS = 60_000


def test_the_same_file_twice_is_one_row_and_gets_the_labels_found_later(session: Session) -> None:
    session.imports.add_files(["/r/a.wav"])
    found(session, ("/r/a.wav", {"speaker": "s"}), ("/r/a.wav", {}), ("/r/b.wav", {}))
    assert [(clip.name, clip.labels) for clip in session.library.clips.values()] == [
        ("a.wav", {"speaker": "s"}),
        ("b.wav", {}),
    ]


def test_what_the_user_wrote_wins_over_what_is_found(session: Session) -> None:
    (a,) = give(session, "a")
    session.library.set_label([a], "speaker", "mine")
    found(session, ("/r/a.wav", {"speaker": "theirs", "gender": "female"}))
    assert session.library.clips[a].labels == {"speaker": "mine", "gender": "female"}


def test_an_emptied_label_is_gone(session: Session) -> None:
    a, b = give(session, "a", "b")
    session.library.set_label([a, b], "speaker", "")
    assert session.library.clips[a].labels == {}


def test_removing_takes_the_clip_out_of_everything(session: Session, qtbot: QtBot) -> None:
    a, b = give(session, "a", "b")
    session.library.select([a, b])
    session.library.set_current(a)
    session.transfer.set_source(a)
    with qtbot.waitSignals(
        [session.library.removed, session.library.selection_changed, session.library.current_changed]
    ):
        session.library.remove([a, "unknown"])
    assert list(session.library.clips) == [b]
    assert session.library.selection == [b]
    assert session.library.current is None
    assert session.transfer.setup.source is None


def test_a_removed_file_can_come_again(session: Session) -> None:
    (a,) = give(session, "a")
    session.library.remove([a])
    (again,) = give(session, "a")
    assert again != a


def test_the_same_selection_is_not_told_twice(session: Session) -> None:
    (a,) = give(session, "a")
    told: list[list[str]] = []
    session.library.selection_changed.connect(told.append)
    session.library.select([a])
    session.library.select([a, "unknown"])
    assert told == [[a]]


def test_the_analysis_survives_the_death_of_the_engine(
    real: Session, speech: list[Path], qtbot: QtBot, said: list[Message]
) -> None:
    real.imports.add_files(speech)
    qtbot.waitUntil(lambda: any(c.state == "analysing" for c in real.library.clips.values()), timeout=WORK_MS)
    pid = real.link.worker_pid
    assert pid is not None
    with qtbot.waitSignal(real.link.worker_died, timeout=WORK_MS):
        os.kill(pid, signal.SIGKILL)
    qtbot.waitUntil(
        lambda: all(c.state in ("ready", "failed") for c in real.library.clips.values()), timeout=WORK_MS
    )
    lost = [clip for clip in real.library.clips.values() if clip.state == "failed"]
    assert len(lost) <= 1  # the one at hand
    assert not any(message.level == "error" for message in said)  # the link tells it, once
    real.library.analyse_again([clip.id for clip in lost])
    qtbot.waitUntil(lambda: all(c.state == "ready" for c in real.library.clips.values()), timeout=WORK_MS)


def test_what_the_user_looks_at_is_analysed_first(session: Session, link: Idle) -> None:
    ids = give(session, "a", "b", "c")
    session.library.analysis.look_at([ids[2]])
    session.library.analysis.pump()
    (job,) = link.active()
    assert [clip.id for clip in job.request.clips] == [ids[2], ids[0], ids[1]]
    assert job.background


def test_a_cancelled_analysis_waits_for_the_user(session: Session, link: Idle, said: list[Message]) -> None:
    give(session, "a")
    session.library.analysis.pump()
    assert session.library.analysis.job is not None
    session.library.analysis.job.cancel()
    assert session.library.analysis.job is None
    assert said[-1].action is not None
    said[-1].action[1]()
    assert session.library.analysis.job is not None


def test_a_removed_recording_comes_back_with_its_analysis_and_its_place_on_the_desk(session: Session) -> None:
    a, b = analysed(session, "a", "b")
    folder = session.library.clips[a].folder
    assert folder is not None
    session.transfer.set_source(a)
    session.library.remove([a])
    assert session.transfer.setup.source is None
    assert Path(folder).is_dir()
    session.undo.stack.undo()
    assert sorted(session.library.clips) == sorted([a, b])
    assert session.library.clips[a].state == "ready"
    assert session.transfer.setup.source == a


def test_labels_are_put_back_as_they_were(session: Session) -> None:
    a, b = analysed(session, "a", "b")
    session.library.set_label([a], "emotion", "calm")
    session.library.set_label([a, b], "emotion", "angry")
    session.undo.stack.undo()
    assert [session.library.clips[i].labels.get("emotion") for i in (a, b)] == ["calm", None]
