"""The clip view: the current clip seen and heard, in all its versions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from engine.api import AudioSpec, ClipAnalysed, Done, Evidence, Failed, ModelInfo, Picture, PictureDone, Take
from studio.audio.loudspeaker import ClockOutput
from studio.audio.player import Player
from studio.domain import drag_payload
from studio.domain.clip import Clip
from studio.engine_link.engine_link import EngineLink
from studio.engine_link.job import Job
from studio.panels.clip.m_lane import MLanePanel
from studio.panels.clip.panel import ClipViewPanel
from studio.plots.frequency import MelScale
from studio.plots.mel_image import DB_PER_NEPER
from studio.services.messages import Messages
from studio.services.preferences import Preferences
from studio.session.session import Session

RATE = 16_000
SECONDS = 3.0


def store(folder: Path, clip_id: str, hz: float = 200.0) -> str:
    """An analysed clip as the engine leaves it: a tone."""
    folder.mkdir(parents=True)
    samples = round(SECONDS * RATE)
    audio = (0.2 * np.sin(2 * np.pi * hz * np.arange(samples) / RATE)).astype(np.float32)
    frames = samples // 250
    mel = np.full((frames, 140), -9.0, np.float16)
    mel[:, 10] = -2.0
    blocks = audio[: samples // 256 * 256].reshape(-1, 256)
    np.save(folder / "audio.npy", audio)
    np.save(folder / "peaks.npy", np.stack([blocks.min(axis=1), blocks.max(axis=1)], axis=1))
    np.save(folder / "mel.npy", mel)
    np.save(folder / "f0.npy", np.full(frames, hz, np.float32))
    meta = ClipAnalysed(
        clip_id, str(folder), SECONDS, 44_100, 2, 3.0, frames, 3, hz, None, ("2 of 2 channels mixed",)
    )
    meta = replace(meta, audio=AudioSpec().to_dict())
    (folder / "meta.json").write_text(json.dumps(asdict(meta)))
    return str(folder)


def take_of(folder: str, where: Path, hz: float) -> Take:
    """A finished transfer of the clip in `folder`."""
    where.mkdir()
    for name in ("control", "transformed"):
        tone = 0.1 * np.sin(2 * np.pi * hz * np.arange(round(SECONDS * RATE)) / RATE)
        soundfile.write(where / f"{name}.wav", tone, RATE)
    none = Evidence(None, None, None, None, None, None, -26.0)
    return Take(
        name="take",
        source=folder,
        original=str(where / "control.wav"),
        control=str(where / "control.wav"),
        transformed=str(where / "transformed.wav"),
        strength=1.0,
        voice=(),
        emotion=(),
        rule="",
        source_f0_hz=200.0,
        target_f0_hz=hz,
        control_evidence=none,
        evidence=none,
        model_hash="x",
        seconds=0.1,
        transformed_folder=store(where / "t", "t", hz),
        control_folder=store(where / "c", "c", 200.0),
    )


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path) -> Iterator[Session]:
    link = EngineLink()
    made = Session(link, tmp_path / "data")
    yield made
    made.project.close()
    link.shutdown()


@pytest.fixture
def panel(session: Session, qtbot: QtBot) -> ClipViewPanel:
    player = Player(open_output=lambda _name: ClockOutput())
    made = ClipViewPanel(session, session.messages, Preferences(), player=player)
    qtbot.addWidget(made)
    player.setParent(made)
    made.resize(800, 480)
    made.show()
    return made


def add(session: Session, tmp_path: Path, clip_id: str = "a", **more: object) -> Clip:
    clip = Clip(id=clip_id, path=f"/recordings/{clip_id}.wav", name=f"{clip_id}.wav")
    clip.state = "ready"
    clip.folder = store(tmp_path / clip_id, clip_id)
    clip.labels = {"speaker": "anna", "gender": "female"}
    for name, value in more.items():
        setattr(clip, name, value)
    session.library.insert([clip])
    return clip


def words(panel: ClipViewPanel, name: str) -> str:
    label = panel.findChild(QLabel, name)
    assert label is not None
    return label.text() if label.isVisible() else ""


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


def test_the_picture_follows_the_version_that_is_heard(
    panel: ClipViewPanel, session: Session, tmp_path: Path
) -> None:
    clip = add(session, tmp_path)
    assert clip.folder is not None
    session.takes.items.append(take_of(clip.folder, tmp_path / "take", 300.0))
    session.library.set_current("a")
    panel.player.switch("transformed")
    assert panel.view.spectrogram.f0_hz[0] == pytest.approx(300.0)
    panel.player.switch("original")
    assert panel.view.spectrogram.f0_hz[0] == pytest.approx(200.0)


class Engine:
    """Stands in for the worker: keeps what is asked for, and answers when asked to."""

    def __init__(self, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
        self.jobs: list[Job] = []

        def submit(request: Picture, **_more: object) -> Job:
            self.jobs.append(Job(len(self.jobs), request, "picture"))
            return self.jobs[-1]

        monkeypatch.setattr(session.link, "submit", submit)

    def asked(self) -> Picture:
        (job,) = self.jobs
        assert isinstance(job.request, Picture)
        return job.request

    def answer(self, bin_level: float = -3.0) -> None:
        """Do what the one request asks for."""
        job = self.jobs.pop()
        request = job.request
        assert isinstance(request, Picture)
        for folder in map(Path, request.folders):
            frames = len(np.load(folder / "f0.npy"))
            np.save(folder / "intensity.npy", np.full(frames, -23.0, np.float32))
            if request.spectrum:
                for name, count in (("spectrum", frames), ("spectrum4", frames // 4), ("spectrum16", frames // 16)):
                    np.save(folder / f"{name}.npy", np.full((count, 513), bin_level, np.float16))
        job.take(Done(PictureDone(request.folders)))


def test_the_linear_spectrum_is_computed_by_the_engine_once_and_shown_when_it_is_there(
    panel: ClipViewPanel, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip, engine = add(session, tmp_path), Engine(session, monkeypatch)
    session.library.set_current("a")
    assert engine.jobs == []  # nothing is computed that is not looked at
    panel.commands["linear"].trigger()
    spectrogram = panel.view.spectrogram
    assert engine.asked() == Picture((str(clip.folder),), spectrum=True)
    assert spectrogram.picture is None
    assert "Computing" in words(panel, "pictureWords")
    engine.answer()
    assert spectrogram.picture is not None
    assert spectrogram.scale.hz_of_row(64) == 1000.0
    assert words(panel, "pictureWords") == ""
    panel.commands["linear"].trigger()
    assert isinstance(spectrogram.scale, MelScale)
    panel.commands["linear"].trigger()
    assert engine.jobs == []
    assert spectrogram.picture is not None


def test_an_engine_that_fails_says_so_where_the_picture_would_be(
    panel: ClipViewPanel, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(session, tmp_path)
    engine = Engine(session, monkeypatch)
    session.library.set_current("a")
    panel.commands["linear"].trigger()
    engine.jobs[0].take(Failed("The disk is full.", "Free some space."))
    assert words(panel, "pictureWords") == "The disk is full."


def test_an_answer_for_a_clip_no_longer_shown_changes_nothing(
    panel: ClipViewPanel, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(session, tmp_path)
    add(session, tmp_path, "b")
    engine = Engine(session, monkeypatch)
    session.library.set_current("a")
    panel.commands["linear"].trigger()
    first = engine.jobs.pop()
    session.library.set_current("b")
    assert engine.asked().folders == (str(session.library.clips["b"].folder),)
    first.take(Done(PictureDone(())))
    assert panel.view.spectrogram.picture is None


def test_a_failure_for_a_clip_no_longer_shown_is_not_reported_over_another_picture(
    panel: ClipViewPanel, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(session, tmp_path)
    add(session, tmp_path, "b")
    engine = Engine(session, monkeypatch)
    session.library.set_current("a")
    panel.commands["linear"].trigger()
    first = engine.jobs.pop()
    session.library.set_current("b")
    engine.answer()
    first.take(Failed("The disk is full.", "Free some space."))
    assert words(panel, "pictureWords") == ""
    assert panel.view.spectrogram.picture is not None


def test_the_other_versions_are_computed_ahead_so_that_a_switch_shows_them_at_once(
    panel: ClipViewPanel, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = add(session, tmp_path)
    engine = Engine(session, monkeypatch)
    assert clip.folder is not None
    take = take_of(clip.folder, tmp_path / "take", 300.0)
    session.takes.items.append(take)
    session.library.set_current("a")
    panel.commands["linear"].trigger()
    assert engine.asked().folders == (clip.folder,)  # first what is looked at
    engine.answer()
    assert set(engine.asked().folders) == {take.control_folder, take.transformed_folder}
    engine.answer()
    panel.player.switch("transformed")
    assert panel.view.spectrogram.picture is not None
    assert engine.jobs == []


def test_intensity_is_drawn_at_its_level_whatever_the_frequencies_in_view(
    panel: ClipViewPanel, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(session, tmp_path)
    engine = Engine(session, monkeypatch)
    session.library.set_current("a")
    panel.commands["show_intensity"].trigger()
    assert not engine.asked().spectrum
    engine.answer()
    spectrogram = panel.view.spectrogram
    spectrogram.draw()
    _, rows = spectrogram.intensity_curve.getData()
    assert (np.nanmean(rows) + 1) / 141 == pytest.approx((80 - 23) / 80, abs=0.01)
    spectrogram.box.setYRange(10, 20, padding=0)
    spectrogram.draw()
    _, rows = spectrogram.intensity_curve.getData()
    assert (np.nanmean(rows) - 10) / 10 == pytest.approx((80 - 23) / 80, abs=0.01)


def test_a_take_shows_pitch_before_and_after(panel: ClipViewPanel, session: Session, tmp_path: Path) -> None:
    clip = add(session, tmp_path)
    assert clip.folder is not None
    session.takes.items.append(take_of(clip.folder, tmp_path / "take", 300.0))
    session.library.set_current("a")
    spectrogram = panel.view.spectrogram
    assert len(spectrogram.before_hz) == 0  # the original has nothing before it
    panel.player.switch("transformed")
    assert "F0 200 → 300 Hz" in spectrogram.describe(QPointF(1.0, 10.0))
    spectrogram.draw()
    assert "F0 before" in words(panel, "trackKey")


def test_the_difference_of_a_take_is_its_result_less_its_control(
    panel: ClipViewPanel, session: Session, tmp_path: Path
) -> None:
    clip = add(session, tmp_path)
    assert clip.folder is not None
    session.library.set_current("a")
    assert not panel.commands["difference"].isEnabled()
    take = take_of(clip.folder, tmp_path / "take", 300.0)
    mel = np.load(Path(take.transformed_folder) / "mel.npy")
    mel[:, 30] += np.float16(1.0)
    np.save(Path(take.transformed_folder) / "mel.npy", mel)
    session.takes.items.append(take)
    session.takes.changed.emit()
    panel.commands["difference"].trigger()
    picture = panel.view.spectrogram.picture
    assert picture is not None
    assert picture.db(5, 30) == pytest.approx(DB_PER_NEPER, abs=0.05)
    assert picture.db(5, 10) == 0.0
    assert "+8.7 dB" in panel.view.spectrogram.describe(QPointF(1.0, 30.0))
    assert panel.view.levels.levels == (-30.0, 30.0)
    assert not panel.view.colour_map.isEnabled()


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


@pytest.mark.parametrize(("share", "what"), [(0.25, "voice"), (0.75, "emotion")])
def test_a_latent_dropped_here_is_given_to_this_clip_as_the_field_says(
    panel: ClipViewPanel, session: Session, tmp_path: Path, share: float, what: str
) -> None:
    add(session, tmp_path)
    add(session, tmp_path, "b")
    session.library.set_current("a")
    session.model.info = ModelInfo("m", "hash", 1, {}, {}, {}, {})
    for clip in session.library.clips.values():
        clip.model_hash = "hash"
    panel.resize(700, 500)
    panel.show()
    payload = drag_payload.Payload(kind="clips", clips=("b",))
    mime = drag_payload.to_mime(payload, session.context.uuid)
    where, actions = QPoint(50, 50), Qt.DropAction.CopyAction
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(where, actions, mime, buttons, keys)
    panel.dragEnterEvent(enter)
    assert enter.isAccepted()
    assert panel.drops.choice.isVisible()
    at = QPointF(share * panel.drops.choice.width(), 60.0)
    panel.drops.choice.dropEvent(QDropEvent(at, actions, mime, buttons, keys))
    assert not panel.drops.choice.isVisible()
    assert session.transfer.setup.source == "a"
    given = {"voice": session.transfer.setup.voices, "emotion": session.transfer.setup.emotions}
    assert [chip.payload for chip in given.pop(what)] == [payload]
    assert list(given.values()) == [[]]


def test_a_clip_dropped_on_itself_is_refused_with_its_reason(
    panel: ClipViewPanel, session: Session, tmp_path: Path
) -> None:
    add(session, tmp_path)
    session.library.set_current("a")
    panel.drops.give("voice", drag_payload.Payload(kind="clips", clips=("a",)))
    assert "changes nothing" in session.messages.history[-1].what
    assert session.transfer.setup.source is None


def test_files_dragged_over_are_left_to_the_window(panel: ClipViewPanel, session: Session, tmp_path: Path) -> None:
    add(session, tmp_path)
    session.library.set_current("a")
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile("/tmp/x.wav")])
    enter = QDragEnterEvent(
        QPoint(5, 5), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    panel.dragEnterEvent(enter)
    assert not enter.isAccepted()


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
