"""Recorder: it measures, counts down, writes and keeps, on a microphone that the test speaks into."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from studio.audio.level_meter import LevelMeter
from studio.audio.microphone import AudioInput, NoInput
from studio.audio.recorder import Recorder

RATE = 48_000


class FakeInput(AudioInput):
    name = "Microphone"
    rate_hz = RATE

    def __init__(self) -> None:
        super().__init__()
        self.running = False

    def start(self) -> None:
        self.running = True

    def stop(self) -> None:
        self.running = False

    def say(self, samples: np.ndarray) -> None:
        for piece in np.array_split(samples.astype(np.float32), max(1, len(samples) // 1000)):
            self.received.emit(piece)


def tone(seconds: float, level: float = 0.3) -> np.ndarray:
    return level * np.sin(2 * np.pi * 220 * np.arange(round(seconds * RATE)) / RATE)


class Bench:
    def __init__(self) -> None:
        self.inputs: list[FakeInput] = []
        self.recorder = Recorder(open_input=self._open, second_ms=1)
        self.finished: list[tuple[str, str]] = []
        self.failed: list[tuple[str, str]] = []
        self.recorder.finished.connect(lambda path, remark: self.finished.append((path, remark)))
        self.recorder.failed.connect(lambda what, hint: self.failed.append((what, hint)))
        self.recorder.open()
        self.say(tone(0.1, 0.01))  # the room

    def _open(self, _name: str) -> FakeInput:
        self.inputs.append(FakeInput())
        return self.inputs[-1]

    def say(self, samples: np.ndarray) -> None:
        self.inputs[-1].say(samples)


@pytest.fixture
def bench(qtbot: QtBot) -> Iterator[Bench]:
    made = Bench()
    yield made
    made.recorder.close()


def test_what_is_said_between_record_and_stop_is_in_the_file(bench: Bench, tmp_path: Path) -> None:
    bench.say(tone(0.5, 0.9))  # before: heard, not kept
    bench.recorder.record(tmp_path / "new" / "take.wav")
    said = tone(1.25)
    bench.say(said)
    assert not (tmp_path / "new" / "take.wav").exists()  # it appears when it is whole
    bench.recorder.stop()
    assert bench.finished == [(str(tmp_path / "new" / "take.wav"), "")]
    kept, rate = soundfile.read(tmp_path / "new" / "take.wav")
    assert rate == RATE
    np.testing.assert_allclose(kept, said, atol=1e-6)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["take.wav"]


def test_levels_are_told_whether_or_not_it_records(bench: Bench, qtbot: QtBot) -> None:
    with qtbot.waitSignal(bench.recorder.heard) as heard:
        bench.say(tone(0.1, 0.5))
    assert heard.args == [pytest.approx(0.354, abs=0.02), pytest.approx(0.5, abs=0.01)]


def test_a_countdown_comes_first_and_can_be_cancelled(bench: Bench, tmp_path: Path, qtbot: QtBot) -> None:
    counted: list[int] = []
    bench.recorder.counted.connect(counted.append)
    bench.recorder.record(tmp_path / "take.wav", 3)
    assert bench.recorder.state == "counting"
    bench.say(tone(0.5))  # not yet
    qtbot.waitUntil(lambda: bench.recorder.state == "recording")
    assert counted == [3, 2, 1]
    bench.say(tone(1.0))
    bench.recorder.stop()
    assert soundfile.info(tmp_path / "take.wav").duration == pytest.approx(1.0)
    bench.recorder.record(tmp_path / "other.wav", 3)
    bench.recorder.stop()
    assert bench.recorder.state == "idle"
    assert not (tmp_path / "other.wav").exists()


def test_nothing_counts_as_recording_before_the_microphone_hears(bench: Bench, tmp_path: Path) -> None:
    bench.recorder.open("Another")
    bench.recorder.record(tmp_path / "take.wav")
    assert bench.recorder.state == "counting"
    bench.say(tone(1.0))
    assert bench.recorder.state == "recording"
    bench.recorder.stop()
    assert soundfile.info(tmp_path / "take.wav").duration == pytest.approx(1.0)


def test_a_discarded_recording_leaves_nothing(bench: Bench, tmp_path: Path) -> None:
    bench.recorder.record(tmp_path / "take.wav")
    bench.say(tone(1.0))
    bench.recorder.discard()
    assert bench.finished == []
    assert list(tmp_path.glob("*.wav")) + list(tmp_path.glob(".*.part")) == []


def test_a_muted_microphone_and_a_slip_of_the_finger_are_told_in_words(bench: Bench, tmp_path: Path) -> None:
    bench.recorder.record(tmp_path / "muted.wav")
    bench.say(np.zeros(RATE))
    bench.recorder.stop()
    assert "silence" in bench.failed[-1][0]
    assert "muted" in bench.failed[-1][1]
    bench.recorder.record(tmp_path / "short.wav")
    bench.say(tone(0.1))
    bench.recorder.stop()
    assert "too short" in bench.failed[-1][0]
    assert bench.finished == []
    assert not list(tmp_path.glob("*.wav"))


def test_too_loud_is_kept_with_a_remark(bench: Bench, tmp_path: Path) -> None:
    bench.recorder.record(tmp_path / "loud.wav")
    bench.say(np.clip(tone(1.0, 3.0), -1, 1))
    bench.recorder.stop()
    assert "too loud" in bench.finished[0][1]


def test_a_microphone_pulled_out_keeps_what_was_said(bench: Bench, tmp_path: Path) -> None:
    bench.recorder.record(tmp_path / "take.wav")
    bench.say(tone(1.0))
    bench.inputs[-1].lost.emit("The microphone went away.")
    assert soundfile.info(tmp_path / "take.wav").duration == pytest.approx(1.0)
    assert bench.failed == [("The microphone went away.", "What was recorded until then is kept.")]
    assert len(bench.inputs) == 2  # and another one is listened to
    assert bench.inputs[-1].running


def test_a_place_that_cannot_be_written_is_told(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    bench.recorder.record(tmp_path / "file" / "take.wav")
    assert bench.recorder.state == "idle"
    assert "cannot be written" in bench.failed[0][0]


def test_closing_keeps_what_is_being_recorded_and_lets_the_microphone_go(bench: Bench, tmp_path: Path) -> None:
    bench.recorder.record(tmp_path / "take.wav")
    bench.say(tone(1.0))
    bench.recorder.close()
    assert len(bench.finished) == 1
    assert not bench.inputs[-1].running


def test_without_a_microphone_nothing_begins_and_the_note_says_why(qtbot: QtBot, tmp_path: Path) -> None:
    recorder = Recorder(open_input=lambda _name: NoInput("No microphone was found."))
    recorder.open()
    recorder.record(tmp_path / "take.wav")
    assert recorder.state == "idle"
    assert recorder.note == "No microphone was found."
    recorder.close()


def test_devices_of_every_kind_are_heard_alike() -> None:
    audio_source = pytest.importorskip("studio.audio.audio_source", exc_type=ImportError)
    kinds = audio_source.QAudioFormat.SampleFormat
    for kind, numpy_kind, one in ((kinds.Float, np.float32, 1), (kinds.Int16, np.int16, 32_768)):
        form = audio_source.QAudioFormat()
        form.setSampleRate(RATE)
        form.setChannelCount(2)
        form.setSampleFormat(kind)
        stereo = np.array([[0.5, 0.25], [-0.5, -0.5]]) * one
        heard = audio_source.mono(stereo.astype(numpy_kind).tobytes(), form)
        np.testing.assert_allclose(heard, [0.375, -0.5], atol=1e-4)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_meter_rises_at_once_falls_slowly_and_holds_the_peak(qtbot: QtBot) -> None:
    clock = Clock()
    meter = LevelMeter(clock=clock)
    qtbot.addWidget(meter)
    meter.show_level(0.1, 0.5)
    assert meter.level_db == pytest.approx(-20.0)
    assert meter.peak_db == pytest.approx(-6.02, abs=0.01)
    clock.now = 0.5
    meter.show_level(0.0, 0.0)
    assert meter.level_db == pytest.approx(-35.0)
    assert meter.peak_db == pytest.approx(-6.02, abs=0.01)
    clock.now = 10.0
    for _ in range(60):
        meter.fall()
    assert meter.level_db == meter.peak_db == -60.0
    assert not meter.is_falling


def test_the_mark_of_clipping_stays_until_it_is_clicked(qtbot: QtBot) -> None:
    meter = LevelMeter()
    qtbot.addWidget(meter)
    meter.show()
    meter.show_level(0.5, 1.0)
    meter.show_level(0.01, 0.01)
    assert meter.clipped
    QTest.mouseClick(meter, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(5, 5))
    assert not meter.clipped
