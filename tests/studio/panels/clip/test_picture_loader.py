"""The pictures of the clip view: what is stored is shown, the rest is asked of the engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from stored_clips import add, take_of, words

from engine.api import Done, Failed, Picture, PictureDone
from studio.engine_link.job import Job
from studio.panels.clip.panel import ClipViewPanel
from studio.plots.frequency import MelScale
from studio.plots.mel_image import DB_PER_NEPER
from studio.session.session import Session


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
