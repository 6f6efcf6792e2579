"""The real window over the real worker: a voice dropped on the desk is heard; a dead engine costs nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QPushButton
from pytestqt.qtbot import QtBot
from small_model import save_small_model

from studio.app import Studio
from studio.domain.payload import Payload, to_mime
from studio.selftest.synthetic_input import drop

JOB_MS = 100_000


@pytest.fixture
def studio(qtbot: QtBot, triptych_home: Path, example_set: Path, tmp_path: Path) -> Iterator[Studio]:
    """A window with six example clips, analysed with a small model."""
    studio = Studio()
    studio.window.show()
    session = studio.session
    session.project.restore()
    session.model.open(save_small_model(tmp_path))
    session.imports.add_files(
        sorted(example_set.glob("anna_calm_*.flac"))[:3] + sorted(example_set.glob("emil_calm_*.flac"))[:3]
    )
    qtbot.waitUntil(lambda: len(session.model.encoded()) == 6, timeout=JOB_MS)
    yield studio
    studio.window.close()
    studio.close()
    studio.window.deleteLater()


def clip_named(studio: Studio, start: str) -> str:
    return next(clip.id for clip in studio.session.library.clips.values() if clip.name.startswith(start))


def test_a_voice_dropped_on_the_desk_becomes_a_take_with_its_control(qtbot: QtBot, studio: Studio) -> None:
    session, desk = studio.session, studio.window.desk
    session.library.set_current(clip_named(studio, "anna"))
    for zone, clip in ((desk.source_zone, "anna"), (desk.voice_zone, "emil")):
        mime = to_mime(Payload("clips", clips=(clip_named(studio, clip),)), session.context.uuid)
        drop(studio.window, zone, mime)
    qtbot.waitUntil(lambda: len(session.takes.items) == 1, timeout=JOB_MS)
    take = session.takes.items[0]
    source = session.library.clips[clip_named(studio, "anna")]
    lengths = {soundfile.info(path).frames for path in (take.original, take.control, take.transformed)}
    assert lengths == {round(source.duration_s * 16_000)}
    assert take.control_evidence.level_dbfs == pytest.approx(take.evidence.level_dbfs, abs=0.1)
    assert desk.takes.current() is take
    player = studio.window.clip_view.player
    session.takes.play(take, "reconstruction")
    assert (player.state, player.sound) == ("playing", "reconstruction")
    assert set(player.sounds) == {"original", "reconstruction", "transformed"}


def test_a_drop_that_cannot_be_taken_says_why(qtbot: QtBot, studio: Studio) -> None:
    ids = tuple(studio.session.library.clips)[:2]
    reason = studio.window.desk.refusal("source", Payload("clips", clips=ids))
    assert reason is not None
    assert "one clip" in reason
    assert studio.session.transfer.setup.source is None


def test_a_killed_engine_is_told_restarted_and_costs_nothing(qtbot: QtBot, studio: Studio) -> None:
    session = studio.session
    pid = session.link.worker_pid
    assert pid is not None
    job = session.maps.fit("z", iterations=5000)
    assert job is not None
    qtbot.waitUntil(lambda: job.state == "running", timeout=JOB_MS)
    os.kill(pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: job.state == "failed", timeout=JOB_MS)
    qtbot.waitUntil(lambda: studio.window.banner.isVisible(), timeout=JOB_MS)
    assert studio.window.banner.words.text()
    assert len(session.library.clips) == 6
    assert all(clip.state == "ready" for clip in session.library.clips.values())
    again = session.maps.fit("h", perplexity=2.0)  # a fresh worker takes it
    assert again is not None
    qtbot.waitUntil(lambda: again.ended, timeout=JOB_MS)
    assert again.state == "done"
    assert session.link.worker_pid != pid


def test_space_plays_and_stops_except_where_one_types(qtbot: QtBot, studio: Studio) -> None:
    window, player = studio.window, studio.window.clip_view.player
    studio.session.library.set_current(clip_named(studio, "anna"))
    qtbot.waitUntil(lambda: "original" in player.sounds, timeout=JOB_MS)
    window.activateWindow()
    field = window.library.findChild(QLineEdit)
    field.setFocus()
    qtbot.keyClick(field, Qt.Key.Key_Space)
    assert field.text() == " "
    assert player.state == "stopped"
    field.clear()
    window.desk.setFocus()
    button = window.desk.findChild(QPushButton)
    button.setFocus()
    qtbot.keyClick(button, Qt.Key.Key_Space)
    assert player.state == "playing"
    qtbot.keyClick(button, Qt.Key.Key_Space)
    assert player.state != "playing"


def test_the_library_is_there_again_after_a_restart(qtbot: QtBot, studio: Studio) -> None:
    names = sorted(clip.name for clip in studio.session.library.clips.values())
    studio.session.library.set_label(list(studio.session.library.clips), "emotion", "calm")
    studio.session.project.close()
    second = Studio()
    second.session.project.restore()
    qtbot.waitUntil(lambda: len(second.session.model.encoded()) == 6, timeout=JOB_MS)
    assert sorted(clip.name for clip in second.session.library.clips.values()) == names
    assert {clip.labels["emotion"] for clip in second.session.library.clips.values()} == {"calm"}
    second.window.close()
    second.close()
    second.window.deleteLater()
