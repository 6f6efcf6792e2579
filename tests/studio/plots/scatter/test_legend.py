"""Legend of a map: classes are isolated, hidden and counted."""

from __future__ import annotations

import time

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from studio.plots.scatter.legend import ColourScale, Legend
from studio.plots.scatter.point_cloud import Mark

Mods = Qt.KeyboardModifier


@pytest.fixture
def legend(qtbot: QtBot) -> Legend:
    made = Legend()
    qtbot.addWidget(made)
    made.resize(160, 200)
    made.show()
    made.set_classes(["anna", "emil", "?"], [Mark(QColor(name)) for name in ("red", "green", "grey")], [3, 4, 5])
    return made


def press(legend: Legend, row: int, modifiers: Mods = Mods.NoModifier) -> None:
    place = legend.visualRect(legend.model().index(row, 0)).center()
    QTest.mouseClick(legend.viewport(), Qt.MouseButton.LeftButton, modifiers, place)


def test_a_legend_isolates_classes_and_lets_them_go(legend: Legend) -> None:
    seen: list[object] = []
    legend.isolated.connect(seen.append)
    press(legend, 1)
    press(legend, 2, Mods.ControlModifier)
    press(legend, 2, Mods.ControlModifier)
    press(legend, 1)
    assert seen == [[1], [1, 2], [1], None]


def test_a_legend_counts_its_classes(legend: Legend) -> None:
    assert [legend.text(i) for i in range(3)] == ["anna  (3)", "emil  (4)", "?  (5)"]


def test_a_click_on_a_mark_hides_its_class_and_shows_it_again(legend: Legend) -> None:
    seen: list[object] = []
    legend.hidden.connect(seen.append)
    mark = legend.visualRect(legend.model().index(1, 0)).topLeft() + QPoint(6, 6)
    QTest.mouseClick(legend.viewport(), Qt.MouseButton.LeftButton, Mods.NoModifier, mark)
    QTest.mouseClick(legend.viewport(), Qt.MouseButton.LeftButton, Mods.NoModifier, mark)
    assert seen == [{1}, set()]
    assert legend.rows() == []


def test_keys_hide_and_isolate_too(legend: Legend) -> None:
    seen: list[object] = []
    legend.hidden.connect(seen.append)
    legend.isolate(2)
    QTest.keyClick(legend, Qt.Key.Key_Delete)
    assert seen == [{2}]
    spoken = legend.model().data(legend.model().index(2, 0), Qt.ItemDataRole.AccessibleTextRole)
    assert spoken == "?, 5, hidden"
    QTest.keyClick(legend, Qt.Key.Key_Escape)
    assert legend.rows() == []


def test_new_counts_of_the_same_classes_let_what_is_isolated_stay(legend: Legend) -> None:
    legend.isolate(0)
    legend.update_classes([Mark(QColor("red"))] * 3, [1, 2, 3])
    assert legend.rows() == [0]
    assert legend.text(0) == "anna  (1)"


def test_ten_thousand_classes_cost_nothing_until_they_are_seen(legend: Legend) -> None:
    began = time.perf_counter()
    legend.set_classes([str(i) for i in range(10_000)], [Mark(QColor("red"))] * 10_000, [1] * 10_000)
    legend.grab()
    assert time.perf_counter() - began < 0.25
    assert legend.count() == 10_000


def test_a_colour_scale_can_be_read_by_a_screen_reader(qtbot: QtBot) -> None:
    scale = ColourScale()
    qtbot.addWidget(scale)
    scale.set_scale([QColor("black"), QColor("white")], "F0", "87 Hz", "251 Hz")
    scale.grab()
    assert scale.accessibleName() == "F0: 87 Hz – 251 Hz"
