"""The clip view: the current clip seen and heard."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from stored_clips import SECONDS, add, words

from studio.audio.loudspeaker import ClockOutput
from studio.audio.player import Player
from studio.panels.clip.m_lane import MLanePanel
from studio.panels.clip.panel import ClipViewPanel
from studio.plots.mel_image import DB_PER_NEPER
from studio.services.messages import Messages
from studio.services.preferences import Preferences
from studio.session.session import Session


def test_where_height_is_short_the_spectrogram_keeps_what_it_needs(
    panel: ClipViewPanel, session: Session, tmp_path: Path
) -> None:
    lane = MLanePanel(session, Messages(), Preferences(), panel.view.timeline)
    panel.view.put_below(lane.lane, lane)
    add(session, tmp_path)
    session.library.set_current("a")
    panel.resize(panel.minimumSizeHint())
    assert panel.height() <= 440, "what a screen of 1280 x 720 leaves it above the desk"
    assert panel.view.spectrogram.height() >= 180
    assert lane.lane.height() < lane.lane.sizeHint().height(), "the lane has given way"
    panel.resize(800, 700)
    assert lane.lane.height() == lane.lane.sizeHint().height()
    assert panel.view.spectrogram.height() > 3 * panel.view.waveform.height()


def test_the_tools_of_the_lane_can_be_folded_away_for_good(
    panel: ClipViewPanel, session: Session, tmp_path: Path
) -> None:
    lane = MLanePanel(session, Messages(), Preferences(), panel.view.timeline)
    panel.view.put_below(lane.lane, lane)
    add(session, tmp_path)
    session.library.set_current("a")
    before = panel.view.spectrogram.height()
    panel.commands["lane_tools"].trigger()
    assert not lane.isVisible()
    assert lane.lane.isVisible()
    QApplication.processEvents()
    assert panel.view.spectrogram.height() > before
    assert Preferences().get("clip_view/lane_tools", True) is False
    panel.commands["lane_tools"].trigger()
    assert lane.isVisible()


def test_an_empty_project_says_how_to_begin(panel: ClipViewPanel) -> None:
    assert "Drop recordings" in words(panel, "clipEmpty")


def test_once_there_are_recordings_it_asks_to_choose_one(
    panel: ClipViewPanel, session: Session, tmp_path: Path
) -> None:
    add(session, tmp_path)
    assert "Choose a clip" in words(panel, "clipEmpty")


def test_a_clip_that_failed_shows_what_happened_and_what_to_do(
    panel: ClipViewPanel, session: Session, tmp_path: Path
) -> None:
    add(session, tmp_path, state="failed", folder=None, error=("The file is empty.", "Choose another file."))
    session.library.set_current("a")
    assert "The file is empty." in words(panel, "clipEmpty")
    assert "Choose another file." in words(panel, "clipEmpty")


def test_a_clip_appears_once_its_analysis_is_done(panel: ClipViewPanel, session: Session, tmp_path: Path) -> None:
    clip = add(session, tmp_path)
    folder, clip.folder, clip.state = clip.folder, None, "analysing"
    session.library.set_current("a")
    assert "Being analysed" in words(panel, "clipEmpty")
    clip.folder, clip.state = folder, "ready"
    session.library.changed.emit(["a"])
    assert words(panel, "clipName") == "a.wav"


def test_the_header_names_length_rate_channels_labels_pitch_and_notes(
    panel: ClipViewPanel, session: Session, tmp_path: Path
) -> None:
    add(session, tmp_path)
    session.library.set_current("a")
    facts = words(panel, "clipFacts")
    for fact in ("3.00 s", "44.1 kHz", "stereo", "anna", "female", "median F0 200 Hz", "2 of 2 channels mixed"):
        assert fact in facts


def test_the_picture_and_the_sound_are_the_clips_own(
    panel: ClipViewPanel, session: Session, tmp_path: Path
) -> None:
    add(session, tmp_path)
    session.library.set_current("a")
    assert panel.player.sounds == ("original",)
    assert panel.player.duration_s == pytest.approx(SECONDS)
    assert panel.view.timeline.view_s == pytest.approx((0.0, SECONDS))
    picture = panel.view.spectrogram.picture
    assert picture is not None
    assert picture.db(0, 10) == pytest.approx(-2.0 * DB_PER_NEPER, abs=0.01)


def test_space_plays_and_pauses_and_the_playhead_follows(
    panel: ClipViewPanel, session: Session, tmp_path: Path, qtbot: QtBot
) -> None:
    add(session, tmp_path)
    session.library.set_current("a")
    panel.toggle_play()
    qtbot.waitUntil(lambda: panel.view.timeline.playhead_s > 0.05)
    panel.toggle_play()
    assert panel.player.state == "paused"


def test_a_clip_asked_for_elsewhere_is_shown_and_played(
    panel: ClipViewPanel, session: Session, tmp_path: Path
) -> None:
    add(session, tmp_path)
    session.listening.play("a")
    assert words(panel, "clipName") == "a.wav"
    assert panel.player.state == "playing"


def test_a_second_of_m_is_selected_and_played(panel: ClipViewPanel, session: Session, tmp_path: Path) -> None:
    add(session, tmp_path)
    session.library.set_current("a")
    panel.play_second(1)
    assert panel.view.timeline.selection_s == (1.0, 2.0)
    assert panel.player.state == "playing"
    assert panel.player.position_s == pytest.approx(1.0)


def test_a_selection_bounds_the_playing(panel: ClipViewPanel, session: Session, tmp_path: Path) -> None:
    add(session, tmp_path)
    session.library.set_current("a")
    panel.view.timeline.select((1.0, 2.0))
    panel.toggle_play()
    assert panel.player.position_s == pytest.approx(1.0, abs=0.1)


def test_an_analysis_that_vanished_is_reported_and_not_thrown(
    panel: ClipViewPanel, session: Session, tmp_path: Path
) -> None:
    clip = add(session, tmp_path)
    assert clip.folder is not None
    (Path(clip.folder) / "audio.npy").unlink()
    session.library.set_current("a")
    assert "cannot be read" in words(panel, "clipEmpty")


def test_removing_the_current_clip_empties_the_view(panel: ClipViewPanel, session: Session, tmp_path: Path) -> None:
    add(session, tmp_path)
    session.library.set_current("a")
    session.library.remove(["a"])
    assert panel.player.sounds == ()
    assert words(panel, "clipEmpty")


def test_colours_and_levels_are_remembered(panel: ClipViewPanel, session: Session, qtbot: QtBot) -> None:
    panel.view.colour_map.setCurrentText("viridis")
    panel.view.levels.set_levels(-70, -10)
    panel.commands["snap"].trigger()
    panel.commands["show_f0"].trigger()
    panel.transport.volume.setValue(40)
    again = ClipViewPanel(
        session, Messages(), Preferences(), player=Player(open_output=lambda _name: ClockOutput())
    )
    qtbot.addWidget(again)
    assert again.view.colour_map.currentText() == "viridis"
    assert again.view.levels.levels == (-70, -10)
    assert again.view.timeline.snapping
    assert not again.commands["show_f0"].isChecked()
    assert again.transport.volume.value() == 40
