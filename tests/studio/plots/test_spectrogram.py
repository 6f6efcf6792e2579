"""Spectrogram: readout, mouse, colours and speed."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engine.api import AudioSpec
from studio.plots.frequency import LinearScale, MelScale, note_text
from studio.plots.mel_image import DB_PER_NEPER, MelImage
from studio.plots.spectrogram import COLOUR_MAPS, SpectrogramView
from studio.plots.timeline import Timeline
from studio.services import theme

SPEC = AudioSpec()
Mods = Qt.KeyboardModifier


def marked_mel(frames: int = 640, frame: int = 320, band: int = 70) -> np.ndarray:
    mel = np.full((frames, SPEC.bands), -8.0, np.float16)
    mel[frame, band] = -1.0
    return mel


@pytest.fixture
def view(qtbot: QtBot, every_move: None) -> SpectrogramView:
    timeline = Timeline()
    made = SpectrogramView(timeline)
    qtbot.addWidget(made)
    timeline.setParent(made)
    made.resize(800, 320)
    made.show()
    timeline.set_duration(10.0)
    made.set_mel(marked_mel(), SPEC)
    made.draw()
    return made


@pytest.fixture
def every_move() -> Iterator[None]:
    """pyqtgraph drops mouse moves that follow each other within 10 ms; a test moves faster."""
    limit = pg.getConfigOption("mouseRateLimit")
    pg.setConfigOption("mouseRateLimit", -1)
    yield
    pg.setConfigOption("mouseRateLimit", limit)


def on_screen(view: SpectrogramView, seconds: float, row: float) -> QPoint:
    at: QPoint = view.mapFromScene(view.box.mapViewToScene(QPointF(seconds, row)))
    return at


def wheel(view: SpectrogramView, at: QPoint, notches: int, modifiers: Mods = Mods.NoModifier) -> None:
    here = QPointF(at)
    event = QWheelEvent(
        here,
        view.viewport().mapToGlobal(here),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view.viewport(), event)


def mouse(view: SpectrogramView, kind: QEvent.Type, at: QPoint, modifiers: Mods = Mods.NoModifier) -> None:
    """QTest cannot move with a modifier held, and complains of views whose scene lets a press through."""
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    button = none if kind == QEvent.Type.MouseMove else left
    held = none if kind == QEvent.Type.MouseButtonRelease else left
    here = QPointF(at)
    event = QMouseEvent(kind, here, view.viewport().mapToGlobal(here), button, held, modifiers)
    QApplication.sendEvent(view.viewport(), event)


def drag(view: SpectrogramView, start: QPoint, stop: QPoint, modifiers: Mods = Mods.NoModifier) -> None:
    mouse(view, QEvent.Type.MouseButtonPress, start, modifiers)
    for share in (0.3, 0.6, 1.0):
        mouse(view, QEvent.Type.MouseMove, start + (stop - start) * share, modifiers)
    mouse(view, QEvent.Type.MouseButtonRelease, stop, modifiers)


def test_the_readout_tells_time_frequency_band_and_level(view: SpectrogramView, qtbot: QtBot) -> None:
    view.set_f0(np.full(640, 118.0, np.float32))
    view.set_intensity(np.full(640, -23.4, np.float32))
    with qtbot.waitSignal(view.readout) as told:
        QTest.mouseMove(view.viewport(), on_screen(view, 5.0, 70.0))
    assert "5.0" in told.args[0]
    assert "band 70" in told.args[0]
    assert f"{-DB_PER_NEPER:.1f} dB".replace("-", "−") in told.args[0]
    assert note_text(view.scale.hz_of_row(70.0)) in view.describe(QPointF(5.0, 70.0))
    assert "F0 118 Hz (A♯2 +22 ct)" in told.args[0]
    assert "RMS −23.4 dBFS" in told.args[0]


def test_the_wheel_zooms_time_scrolls_with_shift_and_zooms_bands_with_control(view: SpectrogramView) -> None:
    middle = on_screen(view, 5.0, 70.0)
    wheel(view, middle, 2)
    start, stop = view.timeline.view_s
    assert stop - start == pytest.approx(6.4)
    assert (5.0 - start) / (stop - start) == pytest.approx(0.5, abs=0.02)
    wheel(view, middle, -1, Mods.ShiftModifier)
    assert view.timeline.view_s[0] > start
    wheel(view, middle, 2, Mods.ControlModifier)
    low, high = view.box.viewRange()[1]
    assert high - low == pytest.approx(141 * 0.64, rel=0.01)
    view.fit()
    assert view.timeline.view_s == (0.0, 10.0)
    assert view.box.viewRange()[1] == pytest.approx([-1, 140])


def test_a_drag_selects_and_shift_snaps_to_the_seconds_of_m(view: SpectrogramView) -> None:
    drag(view, on_screen(view, 2.3, 60), on_screen(view, 4.6, 60))
    assert view.timeline.selection_s == pytest.approx((2.3, 4.6), abs=0.05)
    drag(view, on_screen(view, 6.3, 60), on_screen(view, 7.6, 60), Mods.ShiftModifier)
    assert view.timeline.selection_s == (6.0, 8.0)
    view.timeline.snapping = True
    drag(view, on_screen(view, 1.3, 60), on_screen(view, 2.6, 60))
    assert view.timeline.selection_s == (1.0, 3.0)
    drag(view, on_screen(view, 4.3, 60), on_screen(view, 5.6, 60), Mods.ShiftModifier)
    assert view.timeline.selection_s == pytest.approx((4.3, 5.6), abs=0.05)


def test_a_click_seeks_and_lets_the_selection_go(view: SpectrogramView, qtbot: QtBot) -> None:
    view.timeline.select((1.0, 2.0))
    with qtbot.waitSignal(view.timeline.seek_requested) as asked:
        mouse(view, QEvent.Type.MouseButtonPress, on_screen(view, 5.0, 60))
        mouse(view, QEvent.Type.MouseButtonRelease, on_screen(view, 5.0, 60))
    assert asked.args[0] == pytest.approx(5.0, abs=0.03)
    assert view.timeline.selection_s is None


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_every_colour_map_runs_monotonically_in_lightness(view: SpectrogramView, name: str) -> None:
    table = view.set_colour_map(name).astype(float)
    lightness = table @ [0.2126, 0.7152, 0.0722]
    steps = np.diff(np.convolve(lightness, np.ones(16) / 16, "valid"))
    assert (steps > -0.5).all() or (steps < 0.5).all()


@pytest.mark.parametrize("dark", [False, True])
def test_differences_are_told_by_lightness_on_both_sides_of_a_neutral_middle(
    view: SpectrogramView, qapp: QApplication, dark: bool
) -> None:
    before = qapp.palette()
    theme.restyle(qapp, dark=dark)
    try:
        view.set_picture(MelImage(marked_mel()), MelScale(SPEC), SPEC, difference=True)
        table = view.colour_table().astype(float)
    finally:
        qapp.setPalette(before)
    middle = table[127]
    assert np.ptp(middle) < 8  # grey
    lightness = table @ [0.2126, 0.7152, 0.0722]
    sign = 1 if dark else -1
    assert sign * (lightness[0] - lightness[127]) > 60
    assert sign * (lightness[255] - lightness[127]) > 60


def test_the_frequencies_in_view_stay_when_the_picture_becomes_linear(view: SpectrogramView) -> None:
    rows = view.scale.row_of_hz([200.0, 2000.0])
    view.box.setYRange(*rows, padding=0)
    view.set_picture(MelImage(np.full((640, SPEC.bins), -4.0, np.float16)), LinearScale(SPEC), SPEC)
    low, high = (view.scale.hz_of_row(row) for row in view.box.viewRange()[1])
    assert low == pytest.approx(200.0, abs=2)
    assert high == pytest.approx(2000.0, abs=2)


def test_minutes_of_linear_spectrum_are_drawn_within_a_frame(view: SpectrogramView) -> None:
    rng = np.random.default_rng(0)
    frames = 64 * 600
    values = np.tile(rng.normal(-6, 2, (640, SPEC.bins)).astype(np.float16), (60, 1))
    overviews = {each: values[::each].copy() for each in (4, 16)}
    view.timeline.set_duration(600.0)
    view.set_picture(MelImage(values, overviews), LinearScale(SPEC), SPEC)
    view.draw()
    took = []
    for zoom in (600.0, 300.0, 150.0, 60.0, 12.0):
        view.timeline.show(0.0, zoom)
        began = time.perf_counter()
        view.draw()
        took.append(time.perf_counter() - began)
    assert len(values) == frames
    assert np.median(took) < 0.1  # a few ms where the machine is free


def test_nothing_loaded_is_drawn_and_hovered_without_harm(qtbot: QtBot) -> None:
    view = SpectrogramView(Timeline())
    qtbot.addWidget(view)
    view.resize(300, 200)
    view.show()
    view.set_mel(None, SPEC)
    QTest.mouseMove(view.viewport(), QPoint(150, 100))
    assert view.describe(QPointF(1.0, 20.0)) == ""
