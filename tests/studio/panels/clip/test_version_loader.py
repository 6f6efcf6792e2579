"""The versions of a clip: loaded with its take, under one playhead, at one loudness."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot
from stored_clips import RATE, add, take_of

from studio.panels.clip.panel import ClipViewPanel
from studio.session.session import Session


def test_a_take_brings_three_versions_under_keys_1_2_3_and_x(
    panel: ClipViewPanel, session: Session, tmp_path: Path, qtbot: QtBot
) -> None:
    clip = add(session, tmp_path)
    session.library.set_current("a")
    assert not panel.commands["transformed"].isEnabled()
    assert clip.folder is not None
    session.takes.items.append(take_of(clip.folder, tmp_path / "take", 300.0))
    session.takes.changed.emit()
    assert panel.player.sounds == ("original", "reconstruction", "transformed")
    panel.activateWindow()
    qtbot.waitUntil(panel.isActiveWindow)
    for key, version in (
        (Qt.Key.Key_3, "transformed"),
        (Qt.Key.Key_2, "reconstruction"),
        (Qt.Key.Key_1, "original"),
        (Qt.Key.Key_X, "reconstruction"),
        (Qt.Key.Key_X, "transformed"),
        (Qt.Key.Key_X, "original"),
    ):
        QTest.keyClick(panel, key)
        assert panel.player.sound == version
        assert panel.commands[version].isChecked()
    QTest.keyClick(panel, Qt.Key.Key_2)
    for version in ("original", "reconstruction", "original"):  # the last two, to and fro
        QTest.keyClick(panel, Qt.Key.Key_X, Qt.KeyboardModifier.ShiftModifier)
        assert panel.player.sound == version


def test_a_take_of_an_earlier_version_is_read_from_its_files(
    panel: ClipViewPanel, session: Session, tmp_path: Path
) -> None:
    clip = add(session, tmp_path)
    assert clip.folder is not None
    take = take_of(clip.folder, tmp_path / "take", 300.0)
    for folder in (take.control_folder, take.transformed_folder):
        (Path(folder) / "audio.npy").unlink()
    session.takes.items.append(take)
    session.library.set_current("a")
    assert panel.player.sounds == ("original", "reconstruction", "transformed")
    assert panel.loader.versions["transformed"].peak == pytest.approx(0.1, abs=0.001)


def heard_db(panel: ClipViewPanel, version: str) -> float:
    """The level at which a version is played, over a whole number of periods."""
    panel.player.switch(version)
    panel.player.seek(1.0)
    panel.player.play()
    source = panel.player.source
    assert source is not None
    source.read(800)  # past the crossfade
    return float(20 * np.log10(np.std(source.read(1600))))


def test_versions_are_heard_at_the_loudness_measured_with_the_take(
    panel: ClipViewPanel, session: Session, tmp_path: Path
) -> None:
    clip = add(session, tmp_path)
    assert clip.folder is not None
    take = take_of(clip.folder, tmp_path / "take", 300.0)
    take = replace(take, loudness_lufs={"original": -20.0, "control": -23.0, "transformed": -32.0})
    session.takes.items.append(take)
    session.library.set_current("a")
    decibels = {name: heard_db(panel, name) for name in panel.player.sounds}
    assert decibels["reconstruction"] - decibels["original"] == pytest.approx(3.0)
    assert decibels["transformed"] - decibels["original"] == pytest.approx(12.0)


def test_a_new_take_comes_in_under_a_running_playhead(
    panel: ClipViewPanel, session: Session, tmp_path: Path, qtbot: QtBot
) -> None:
    clip = add(session, tmp_path)
    session.library.set_current("a")
    panel.view.timeline.select((0.5, 2.5))
    panel.toggle_play()
    qtbot.waitUntil(lambda: panel.player.position_s > 0.55)
    assert clip.folder is not None
    session.takes.items.append(take_of(clip.folder, tmp_path / "take", 300.0))
    session.takes.changed.emit()
    assert panel.player.state == "playing"
    assert panel.player.position_s > 0.5
    assert panel.view.timeline.selection_s == (0.5, 2.5)


def test_a_take_in_another_s_place_is_heard_without_a_gap_where_that_was_and_in_its_version(
    panel: ClipViewPanel, session: Session, tmp_path: Path, qtbot: QtBot
) -> None:
    clip = add(session, tmp_path)
    assert clip.folder is not None
    first, second = (
        take_of(clip.folder, tmp_path / name, hz) for name, hz in (("first", 300.0), ("second", 400.0))
    )
    session.takes.add(first)
    session.takes.play(first, "transformed")
    source = panel.player.source
    assert source is not None
    panel.player.pause()
    panel.player.seek(1.0)
    panel.player.play()
    before = source.read(800)
    states: list[str] = []
    panel.player.state_changed.connect(states.append)
    session.takes.items[0] = second
    session.takes.changed.emit()
    session.takes.follow(second)
    heard = np.concatenate([before, source.read(800)])
    assert panel.player.source is source
    assert (states, panel.player.sound) == ([], "transformed")
    stand = (
        np.abs(heard[80:]).reshape(-1, 80).max(axis=1)
    )  # a tone of 300 Hz and then of 400 Hz: every 5 ms has a top
    assert stand.min() > 0.05, "it never falls silent"
    assert np.abs(np.diff(heard[80:])).max() < 2 * 0.2 * 2 * np.pi * 400 / RATE, "and never jumps"
    spectrum = np.abs(np.fft.rfft(heard[-640:]))
    assert np.argmax(spectrum) * RATE / 640 == pytest.approx(400.0)
    assert panel.loader.versions["transformed"].stored.folder == second.transformed_folder
    panel.player.switch("original")
    session.takes.items[0] = first
    session.takes.changed.emit()
    session.takes.follow(first)
    assert (states, panel.player.sound) == ([], "original"), "who listens to the original is not torn away"


def test_a_paused_player_goes_on_from_its_place_with_a_take_in_another_s_place(
    panel: ClipViewPanel, session: Session, tmp_path: Path
) -> None:
    clip = add(session, tmp_path)
    assert clip.folder is not None
    first, second = (
        take_of(clip.folder, tmp_path / name, hz) for name, hz in (("first", 300.0), ("second", 400.0))
    )
    session.takes.add(first)
    session.takes.play(first, "transformed")
    panel.player.pause()
    panel.player.seek(1.5)
    session.takes.items[0] = second
    session.takes.changed.emit()
    session.takes.follow(second)
    assert panel.player.state == "playing"
    assert panel.player.position_s == pytest.approx(1.5, abs=0.2)


def test_a_take_in_another_s_place_is_shown_from_its_beginning_to_one_who_looks_elsewhere(
    panel: ClipViewPanel, session: Session, tmp_path: Path
) -> None:
    clip = add(session, tmp_path)
    add(session, tmp_path, "b")
    assert clip.folder is not None
    take = take_of(clip.folder, tmp_path / "take", 300.0)
    session.takes.add(take)
    session.listening.play("b")
    session.takes.follow(take)
    assert session.library.current == "a"
    assert (panel.player.state, panel.player.sound) == ("playing", "transformed")


def test_a_take_whose_files_are_gone_is_left_out(panel: ClipViewPanel, session: Session, tmp_path: Path) -> None:
    clip = add(session, tmp_path)
    assert clip.folder is not None
    take = take_of(clip.folder, tmp_path / "take", 300.0)
    Path(take.transformed).unlink()
    session.takes.items.append(take)
    session.library.set_current("a")
    assert panel.player.sounds == ("original",)
