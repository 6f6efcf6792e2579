"""Colour bar: its handles keep their distance, and both ends move by mouse and keys."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from studio.plots.level_bar import LevelBar, LevelRange

Mods = Qt.KeyboardModifier


def test_the_colour_bar_keeps_its_ends_apart_and_in_range(qtbot: QtBot) -> None:
    bar = LevelBar()
    qtbot.addWidget(bar)
    bar.set_levels(-30, -29)
    assert bar.levels == (-30, -20)
    bar.set_levels(-500, 500)
    assert bar.levels == (-120, 20)


def test_dragging_the_lower_handle_moves_only_the_lower_level(qtbot: QtBot) -> None:
    bar = LevelBar()
    qtbot.addWidget(bar)
    bar.resize(60, 300)
    bar.show()
    at = QPoint(15, round(bar.y_of_db(-80)))
    QTest.mousePress(bar, Qt.MouseButton.LeftButton, Mods.NoModifier, at)
    QTest.mouseMove(bar, QPoint(15, round(bar.y_of_db(-60))))
    QTest.mouseRelease(bar, Qt.MouseButton.LeftButton)
    assert bar.levels[0] == pytest.approx(-60, abs=1)
    assert bar.levels[1] == 0


def test_the_colour_bar_of_differences_keeps_its_middle_at_zero(qtbot: QtBot) -> None:
    bar = LevelBar(LevelRange(-60, 60, (-20.0, 20.0), symmetric=True))
    qtbot.addWidget(bar)
    bar.set_levels(-50, 30)
    assert bar.levels == (-30, 30)
    QTest.keyClick(bar, Qt.Key.Key_Up)
    assert bar.levels == (-35, 35)
    bar.set_levels(-5, 1)
    assert bar.levels == (-5, 5)


def test_each_end_of_the_colour_bar_moves_by_keys(qtbot: QtBot) -> None:
    bar = LevelBar()
    qtbot.addWidget(bar)
    QTest.keyClick(bar, Qt.Key.Key_Down, Mods.ShiftModifier)
    assert bar.levels == (-80, -5)
    QTest.keyClick(bar, Qt.Key.Key_Up, Mods.ControlModifier)
    assert bar.levels == (-75, -5)
    QTest.keyClick(bar, Qt.Key.Key_Down)
    assert bar.levels == (-80, -10)
    QTest.keyClick(bar, Qt.Key.Key_Home)
    assert bar.levels == (-80, 0)
