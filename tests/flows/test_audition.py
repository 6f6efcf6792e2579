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
from studio.domain.drag_payload import Payload
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
    a, _, c, _ = session.library.clips
    session.auditions.add_clips([a])
    session.transfer.set_source(a)
    session.transfer.add_voice(Payload("clips", clips=(c,)))
    session.auditions.add_setup()
    clips = tuple(clip.ref() for clip in session.library.clips.values())
    assert session.runs.start(RunSpec(TRAIN, SMALL, clips=clips, name="heard")) is not None
    return session.runs.records[-1]


def settle(qtbot: QtBot, studio: Studio, record: RunRecord) -> None:
    session = studio.session
    qtbot.waitUntil(lambda: session.runs.job_of(record.run_dir) is None, timeout=JOB_MS)
    qtbot.waitUntil(lambda: session.auditions.job is None, timeout=JOB_MS)


@pytest.mark.timeout(300)
def test_a_run_is_killed_resumed_heard_in_a_pause_flipped_and_used(
    qtbot: QtBot, studio: Studio, tmp_path: Path
) -> None:
    session, link, window = studio.session, studio.link, studio.window
    record = begin(studio)
    training = session.runs.job_of(record.run_dir)
    assert training is not None
    qtbot.waitUntil(lambda: len(record.checkpoints) >= 2 and record.has_state, timeout=JOB_MS)
    trainer = link.pid_of_job(training)
    assert trainer is not None
    os.kill(trainer, signal.SIGKILL)
    qtbot.waitUntil(lambda: record.state == "failed", timeout=JOB_MS)
    killed_at = record.checkpoints[-1].step
    job = session.runs.resume(record.run_dir)
    assert job is not None
    qtbot.waitUntil(lambda: any(kept.step > killed_at for kept in record.checkpoints), timeout=JOB_MS)
    job.pause()
    qtbot.waitUntil(lambda: job.message.startswith("Paused"), timeout=JOB_MS)
    assert "free for other work" in job.message
    qtbot.waitUntil(lambda: session.auditions.job is None and not session.auditions.due(record)[0], timeout=JOB_MS)
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
        for entry in session.auditions.entries:
            sound = record.heard.sounds[kept.step, entry.id]
            assert sound.trouble is None
            assert StoredClip(sound.folder).has("mel")
            assert Path(sound.sound).is_file()
        assert kept.step in record.heard.probes

    first, last = held[0].step, held[-1].step
    player = window.clip_view.player
    assert session.checkpoints.play(record.run_dir, session.auditions.entries[1].id, first)
    assert player.sound == f"step {first:,}"
    player.pause()
    player.seek(0.5)
    window.activateWindow()
    for _ in held[1:]:
        qtbot.keyClick(window, Qt.Key.Key_Period)
    assert (player.sound, player.position_s) == (f"step {last:,}", 0.5)
    qtbot.keyClick(window, Qt.Key.Key_Comma)
    assert session.checkpoints.heard_step == held[-2].step

    job = session.runs.use_checkpoint(record.run_dir, first)
    assert job is not None
    qtbot.waitUntil(
        lambda: session.model.info is not None and session.model.info.hash == held[0].hash, timeout=JOB_MS
    )
    assert session.model.info is not None
    assert session.model.info.provenance["steps"] == first

    session.project.save_as(tmp_path / "kept.triptych")
    qtbot.waitUntil(lambda: session.context.named, timeout=JOB_MS)
    audition = list(session.auditions.entries)
    assert session.project.new()
    assert session.auditions.entries == []
    assert session.project.open(tmp_path / "kept.triptych")
    assert session.auditions.entries == audition
    (again,) = session.runs.records
    assert [kept.step for kept in again.checkpoints if kept.held] == [kept.step for kept in held]
    assert again.heard.sounds.keys() == record.heard.sounds.keys()
    assert session.auditions.due(again)[0] == ()
    assert session.checkpoints.play(again.run_dir, audition[0].id)
    assert Path(again.run_dir).parent.parent == tmp_path / "kept.triptych"
    session.project.discard_changes()  # or the window asks about them as it closes


def test_an_audition_that_dies_is_reported_and_the_run_goes_on(qtbot: QtBot, studio: Studio) -> None:
    session, link = studio.session, studio.link
    record = begin(studio)
    qtbot.waitUntil(lambda: session.auditions.job is not None, timeout=JOB_MS)
    audition = session.auditions.job
    assert audition is not None
    qtbot.waitUntil(lambda: link.pid_of_job(audition) is not None, timeout=JOB_MS)
    worker = link.pid_of_job(audition)
    assert worker is not None
    with qtbot.waitSignal(link.worker_died, timeout=JOB_MS) as died:
        os.kill(worker, signal.SIGKILL)
    assert "audition of a run stopped unexpectedly" in died.args[0]
    settle(qtbot, studio, record)
    assert record.state == "done"
    assert session.auditions.due(record)[0], "it is not begun again unasked"
    assert session.auditions.render(record.run_dir) is not None
    settle(qtbot, studio, record)
    assert not session.auditions.due(record)[0]
