"""Training that can be heard, through the real processes: a run is killed, resumed, heard, and one model used."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from small_model import SMALL

from engine.api import RunSpec, StoredClip, TrainSpec
from studio.app import Studio
from studio.domain.payload import Payload
from studio.domain.run_record import RunRecord

JOB_MS = 100_000
TRAIN = TrainSpec(
    learning_rate=1e-3,
    batch_size=4,
    crop_s=0.5,
    epochs=24,
    validation_share=0.25,
    checkpoint_minutes=0.01,
    checkpoints=3,
    device="cpu",
    threads=1,
)


def begin(studio: Studio) -> RunRecord:
    """An audition set of a recording and a transfer, and a run that trains."""
    session = studio.session
    a, _, c, _ = session.clips
    session.audition_clips([a])
    session.set_source(a)
    session.add_voice(Payload("clips", clips=(c,)))
    session.audition_desk()
    clips = tuple(clip.ref() for clip in session.clips.values())
    assert session.start_training(RunSpec(TRAIN, SMALL, clips=clips, name="heard")) is not None
    return session.runs[-1]


def settle(qtbot: QtBot, studio: Studio, record: RunRecord) -> None:
    session = studio.session
    qtbot.waitUntil(lambda: session.job_of(record.run_dir) is None, timeout=JOB_MS)
    qtbot.waitUntil(lambda: session.audition_job is None, timeout=JOB_MS)


@pytest.mark.timeout(300)
def test_a_run_is_killed_resumed_heard_in_a_pause_flipped_and_used(
    qtbot: QtBot, studio: Studio, tmp_path: Path
) -> None:
    session, link, window = studio.session, studio.link, studio.window
    record = begin(studio)
    training = next(thread for thread in link._threads if thread.kind == "training")
    qtbot.waitUntil(lambda: len(record.checkpoints) >= 2 and record.has_state, timeout=JOB_MS)
    assert training.pid is not None
    os.kill(training.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: record.state == "failed", timeout=JOB_MS)
    killed_at = record.checkpoints[-1].step
    job = session.resume_run(record.run_dir)
    assert job is not None
    qtbot.waitUntil(lambda: any(kept.step > killed_at for kept in record.checkpoints), timeout=JOB_MS)
    job.pause()
    qtbot.waitUntil(lambda: job.message.startswith("Paused"), timeout=JOB_MS)
    assert "free for other work" in job.message
    qtbot.waitUntil(lambda: session.audition_job is None and not session.due(record)[0], timeout=JOB_MS)
    paused_at = record.checkpoints[-1].step
    assert record.heard.sounds
    job.resume()
    settle(qtbot, studio, record)
    assert record.state == "done"
    assert record.checkpoints[-1].step > paused_at

    held = [kept for kept in record.checkpoints if kept.held]
    assert 2 <= len(held) <= 3
    assert [kept.step for kept in record.checkpoints] == sorted({kept.step for kept in record.checkpoints})
    for kept in held:
        for entry in session.audition:
            sound = record.heard.sounds[kept.step, entry.id]
            assert sound.trouble is None
            assert StoredClip(sound.folder).has("mel")
            assert Path(sound.sound).is_file()
        assert kept.step in record.heard.probes

    first, last = held[0].step, held[-1].step
    player = window.clip_view.player
    assert session.hear_checkpoint(record.run_dir, session.audition[1].id, first)
    assert player.sound == f"step {first:,}"
    player.pause()
    player.seek(0.5)
    window.activateWindow()
    for _ in held[1:]:
        qtbot.keyClick(window, Qt.Key.Key_Period)
    assert (player.sound, player.position_s) == (f"step {last:,}", 0.5)
    qtbot.keyClick(window, Qt.Key.Key_Comma)
    assert session.heard_step == held[-2].step

    job = session.use_checkpoint(record.run_dir, first)
    assert job is not None
    qtbot.waitUntil(lambda: session.model is not None and session.model.hash == held[0].hash, timeout=JOB_MS)
    assert session.model is not None
    assert session.model.provenance["steps"] == first

    session.save_as(tmp_path / "kept.triptych")
    qtbot.waitUntil(lambda: session.named, timeout=JOB_MS)
    audition = list(session.audition)
    assert session.new_project()
    assert session.audition == []
    assert session.open_project(tmp_path / "kept.triptych")
    assert session.audition == audition
    (again,) = session.runs
    assert [kept.step for kept in again.checkpoints if kept.held] == [kept.step for kept in held]
    assert again.heard.sounds.keys() == record.heard.sounds.keys()
    assert session.due(again)[0] == ()
    assert session.hear_checkpoint(again.run_dir, audition[0].id)
    assert Path(again.run_dir).parent.parent == tmp_path / "kept.triptych"
    session.discard_changes()  # or the window asks about them as it closes


def test_an_audition_that_dies_is_told_and_the_run_goes_on(qtbot: QtBot, studio: Studio) -> None:
    session, link = studio.session, studio.link
    record = begin(studio)
    qtbot.waitUntil(lambda: session.audition_job is not None, timeout=JOB_MS)
    audition = next(thread for thread in link._threads if thread.kind == "audition")
    qtbot.waitUntil(lambda: audition.pid is not None, timeout=JOB_MS)
    with qtbot.waitSignal(link.worker_died, timeout=JOB_MS) as died:
        os.kill(audition.pid or 0, signal.SIGKILL)
    assert "audition of a run stopped unexpectedly" in died.args[0]
    settle(qtbot, studio, record)
    assert record.state == "done"
    assert session.due(record)[0], "it is not begun again unasked"
    assert session.hear_run(record.run_dir) is not None
    settle(qtbot, studio, record)
    assert not session.due(record)[0]
