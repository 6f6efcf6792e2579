"""Frequency axes and notes."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from engine.api import AudioSpec
from studio.plots.frequency import HzAxis, LinearScale, MelScale, hz_text, note_text

SPEC = AudioSpec()
MEL, LINEAR = MelScale(SPEC), LinearScale(SPEC)


def test_ticks_stand_at_true_band_centres() -> None:
    for hz in (100, 500, 1000, 4000):
        assert MEL.row_of_hz(hz) == pytest.approx(float(SPEC.band_of_hz(hz)))
        assert MEL.hz_of_row(float(MEL.row_of_hz(hz))) == pytest.approx(hz)


def test_ticks_keep_their_distance_and_multiply_on_zooming_in() -> None:
    wide = MEL.ticks_hz(-1, 140, 300)
    assert {100, 500, 1000, 2000, 4000, 8000} <= set(wide)
    rows = [float(MEL.row_of_hz(hz)) for hz in wide]
    assert np.diff(rows).min() * 300 / 141 >= 22
    near = MEL.ticks_hz(20, 30, 300)
    assert len(near) >= 4
    assert all(20 <= float(MEL.row_of_hz(hz)) <= 30 for hz in near)


def test_a_linear_axis_counts_in_even_round_steps() -> None:
    assert LINEAR.ticks_hz(-0.5, 512.5, 300) == list(range(0, 8001, 1000))
    near = LINEAR.ticks_hz(float(LINEAR.row_of_hz(950)), float(LINEAR.row_of_hz(1450)), 300)
    assert near == [950, 1000, 1050, 1100, 1150, 1200, 1250, 1300, 1350, 1400, 1450]
    assert LINEAR.hz_of_row(64) == 1000.0
    assert LINEAR.hz_of_row(9999) == 8000.0


def test_an_axis_labels_what_its_scale_says(qtbot: QtBot) -> None:
    axis = HzAxis(MEL)
    axis.set_frequencies(LINEAR)
    ((_, places),) = axis.tickValues(-0.5, 512.5, 300)
    assert axis.tickStrings(places, 1.0, 1.0)[:3] == ["0 Hz", "1 kHz", "2 kHz"]


@pytest.mark.parametrize(
    ("hz", "note"),
    [
        (440.0, "A4"),
        (446.0, "A4 +23 ct"),
        (261.626, "C4"),
        (254.0, "B3 +49 ct"),
        (1000.0, "B5 +21 ct"),
        (27.5, "A0"),
    ],
)
def test_the_nearest_note_and_the_way_to_it(hz: float, note: str) -> None:
    assert note_text(hz) == note


def test_half_a_note_below_and_where_there_are_no_notes() -> None:
    assert note_text(430.0) == "A4 −40 ct"
    assert note_text(0.0) == ""


def test_kilohertz_from_a_thousand_on() -> None:
    assert [hz_text(hz) for hz in (500, 1500, 2000)] == ["500 Hz", "1.5 kHz", "2 kHz"]
