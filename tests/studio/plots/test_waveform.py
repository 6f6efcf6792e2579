"""The waveform's envelope at every zoom."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF
from PySide6.QtGui import QPaintEvent, QRegion
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from studio.plots.timeline import Timeline
from studio.plots.waveform import WaveformView, envelope, peaks_of

RATE = 16_000


def noise(samples: int) -> np.ndarray:
    return np.random.default_rng(1).normal(0, 0.1, samples).astype(np.float32)


@pytest.mark.parametrize("columns", [50, 500, 5000])
def test_no_peak_is_lost_at_any_zoom(columns: int) -> None:
    audio = noise(100_000)
    audio[54_321] = 0.9
    audio[12_345] = -0.8
    _, values = envelope(audio, peaks_of(audio), 0, len(audio), columns)
    assert values.max() == np.float32(0.9)
    assert values.min() == np.float32(-0.8)
    assert len(values) <= 4 * columns + 4


def test_a_peak_stands_where_it_sounds() -> None:
    audio = np.zeros(100_000, np.float32)
    audio[54_321] = 0.9
    for columns in (20, 300, 3000):
        times, values = envelope(audio, peaks_of(audio), 0, len(audio), columns)
        assert times[np.argmax(values)] == pytest.approx(54_321, abs=100_000 / columns)


def test_near_enough_the_samples_themselves_are_drawn() -> None:
    audio = noise(1000)
    times, values = envelope(audio, peaks_of(audio), 100, 200, 500)
    np.testing.assert_array_equal(values, audio[times.astype(int)])


def test_an_empty_recording_has_no_envelope() -> None:
    times, values = envelope(noise(0), peaks_of(noise(0)), 0, 100, 50)
    assert len(times) == len(values) == 0


def two_seconds_shown(qtbot: QtBot) -> tuple[Timeline, WaveformView]:
    timeline = Timeline()
    view = WaveformView(timeline)
    qtbot.addWidget(view)
    view.resize(600, 100)
    view.show()
    timeline.set_duration(2.0)
    return timeline, view


def test_the_view_draws_what_the_timeline_shows(qtbot: QtBot) -> None:
    timeline, view = two_seconds_shown(qtbot)
    view.set_audio(noise(2 * RATE), RATE)
    timeline.show(0.5, 1.0)
    qtbot.waitUntil(lambda: view.curve.xData is not None and float(view.curve.xData[:1].sum()) >= 0.49)
    assert view.curve.xData[-1] <= 1.01


def test_the_readout_tells_time_amplitude_and_level(qtbot: QtBot) -> None:
    view = WaveformView(Timeline())
    qtbot.addWidget(view)
    view.set_audio(np.full(RATE, -0.1, np.float32), RATE)
    words = view.describe(QPointF(0.5, 0.0))
    assert "0.500 s" in words
    assert "−0.1000" in words
    assert "−20.0 dBFS" in words
    assert view.describe(QPointF(5.0, 0.0)) == ""


class Painted(QObject):
    """What of a widget was painted since."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.region = QRegion()
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QPaintEvent):
            self.region += event.region()
        return False


def test_a_playhead_leaves_nothing_behind_when_something_else_is_painted_as_it_moves(qtbot: QtBot) -> None:
    timeline, view = two_seconds_shown(qtbot)
    timeline.set_playhead(0.5)
    qtbot.wait(50)

    def place() -> QPoint:
        x = view.mapFromScene(view.box.mapViewToScene(QPointF(timeline.playhead_s, 0.0))).x()
        return QPoint(x, view.viewport().height() // 2)

    was = place()
    painted = Painted(view.viewport())
    timeline.set_playhead(1.5)
    label = QLabel("F0", view)  # over the plot, as a key of its lines
    label.move(400, 10)
    label.show()
    label.repaint()
    qtbot.waitUntil(lambda: painted.region.contains(place()))
    assert painted.region.contains(was)
    assert not painted.region.contains((was + place()) / 2)  # a whole plot would take long
