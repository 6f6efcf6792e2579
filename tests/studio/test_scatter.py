"""The map of points: hover, click, lasso, rectangle, carry away; colours, legend and selection."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QSize, Qt
from PySide6.QtGui import QColor, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio.widgets.legend import ColourScale, Legend
from studio.widgets.scatter import ScatterView, beside, inside

Mods = Qt.KeyboardModifier
# Five points: four corners of a square and its middle.
XY = np.array([[0, 0], [10, 0], [10, 10], [0, 10], [5, 5]], np.float32)
KEYS = ["a", "b", "c", "d", "middle"]


@pytest.fixture
def view(qtbot: QtBot) -> Iterator[ScatterView]:
    limit = pg.getConfigOption("mouseRateLimit")
    pg.setConfigOption("mouseRateLimit", -1)  # a test moves faster than the 10 ms that pyqtgraph allows
    made = ScatterView()
    qtbot.addWidget(made)
    made.resize(500, 500)
    made.show()
    made.set_points(XY, KEYS)
    made.set_colours(np.array([0, 0, 1, 1, 2]), [QColor("red"), QColor("green"), QColor("blue")])
    QApplication.processEvents()
    yield made
    pg.setConfigOption("mouseRateLimit", limit)


def at(view: ScatterView, x: float, y: float) -> QPoint:
    place: QPoint = view.mapFromScene(view.box.mapViewToScene(QPointF(x, y)))
    return place


def mouse(view: ScatterView, kind: QEvent.Type, place: QPoint, modifiers: Mods = Mods.NoModifier) -> None:
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    button = none if kind == QEvent.Type.MouseMove else left
    held = none if kind == QEvent.Type.MouseButtonRelease else left
    here = QPointF(place)
    event = QMouseEvent(kind, here, view.viewport().mapToGlobal(here), button, held, modifiers)
    QApplication.sendEvent(view.viewport(), event)


def drag(view: ScatterView, corners: list[tuple[float, float]], modifiers: Mods = Mods.NoModifier) -> None:
    QTest.mouseMove(view.viewport(), at(view, *corners[0]))
    mouse(view, QEvent.Type.MouseButtonPress, at(view, *corners[0]), modifiers)
    for corner in corners[1:]:
        mouse(view, QEvent.Type.MouseMove, at(view, *corner), modifiers)
    mouse(view, QEvent.Type.MouseButtonRelease, at(view, *corners[-1]), modifiers)


def click(view: ScatterView, x: float, y: float, modifiers: Mods = Mods.NoModifier) -> None:
    mouse(view, QEvent.Type.MouseButtonPress, at(view, x, y), modifiers)
    mouse(view, QEvent.Type.MouseButtonRelease, at(view, x, y), modifiers)


def coloured(view: ScatterView) -> set[tuple[float, float]]:
    """Places of the points that are not grey."""
    faint = view._faint.rgba()
    data = view._points.data
    return {(float(p["x"]), float(p["y"])) for p in data if p["brush"].color().rgba() != faint}


def test_hovering_a_point_names_it_and_leaving_lets_it_go(view: ScatterView, qtbot: QtBot) -> None:
    view.describe = lambda key: f"card of {key}"
    with qtbot.waitSignal(view.hovered) as caught:
        QTest.mouseMove(view.viewport(), at(view, 5.05, 5.05))
    assert caught.args == ["middle"]
    assert view._card.isVisible()
    assert view._card.text() == "card of middle"
    with qtbot.waitSignal(view.hovered) as caught:
        QTest.mouseMove(view.viewport(), at(view, 7.5, 5.0))
    assert caught.args == [None]
    assert not view._card.isVisible()


def test_a_click_on_a_point_selects_and_reports_it(view: ScatterView, qtbot: QtBot) -> None:
    with qtbot.waitSignals([view.clicked, view.selected]):
        click(view, 10, 0)
    assert view.selection() == ["b"]
    click(view, 7, 3)  # on nothing
    assert view.selection() == []


def test_control_adds_and_removes_single_points(view: ScatterView) -> None:
    click(view, 10, 0)
    click(view, 5, 5, Mods.ControlModifier)
    assert view.selection() == ["b", "middle"]
    click(view, 10, 0, Mods.ControlModifier)
    assert view.selection() == ["middle"]


def test_a_rectangle_selects_control_adds_and_alt_takes_away(view: ScatterView) -> None:
    view.tool = "rectangle"
    drag(view, [(-1, 6), (3, 8), (11, 11)])
    assert view.selection() == ["c", "d"]
    drag(view, [(4, 4), (5, 5.5), (6, 6)], Mods.ControlModifier)
    assert view.selection() == ["c", "d", "middle"]
    drag(view, [(9, 9), (10, 10.5), (11, 11)], Mods.AltModifier)
    assert view.selection() == ["d", "middle"]


def test_a_lasso_takes_what_it_encloses(view: ScatterView) -> None:
    drag(view, [(-0.8, -0.8), (11, -0.8), (11, 2), (5, 7), (3, 4), (-0.8, 2)])
    assert view.selection() == ["a", "b", "middle"]


def test_dragging_a_point_carries_it_and_a_selected_one_carries_all_selected(
    view: ScatterView, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(view.drag_started) as caught:
        drag(view, [(5, 5), (6, 6), (7, 7)])
    assert caught.args == [["middle"]]
    view.set_selection(["a", "middle"])
    with qtbot.waitSignal(view.drag_started) as caught:
        drag(view, [(5, 5), (6, 6), (7, 7)])
    assert caught.args == [["a", "middle"]]
    assert view.selection() == ["a", "middle"]
    view.tool = "rectangle"  # and the mouse is free again
    drag(view, [(-1, 6), (3, 8), (11, 11)])
    assert view.selection() == ["c", "d"]


def test_points_that_are_not_selected_turn_grey(view: ScatterView) -> None:
    assert len(coloured(view)) == 5
    view.set_selection(["a", "c"])
    assert coloured(view) == {(0.0, 0.0), (10.0, 10.0)}
    view.set_selection([])
    assert len(coloured(view)) == 5


def test_an_isolated_class_is_the_only_one_in_colour(view: ScatterView) -> None:
    view.isolate([1])
    assert coloured(view) == {(10.0, 10.0), (0.0, 10.0)}
    view.isolate(None)
    assert len(coloured(view)) == 5


def test_a_selection_from_elsewhere_is_not_reported_back(view: ScatterView, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(view.selected):
        view.set_selection(["a"])
    assert view.selection() == ["a"]


def test_a_new_layout_of_the_same_points_keeps_selection_and_colours(view: ScatterView) -> None:
    view.set_selection(["c"])
    view.set_points(XY * 2, KEYS)
    assert view.selection() == ["c"]
    assert coloured(view) == {(20.0, 20.0)}


def test_more_points_keep_the_selection_of_those_there_were(view: ScatterView) -> None:
    view.set_selection(["c"])
    view.set_points(np.concatenate([XY, [[20, 20]]]).astype(np.float32), [*KEYS, "new"])
    assert view.selection() == ["c"]


def test_no_points_are_no_trouble(view: ScatterView) -> None:
    view.set_points(np.zeros((0, 2), np.float32), [])
    QTest.mouseMove(view.viewport(), QPoint(100, 100))
    drag(view, [(0, 0), (5, 5), (5, 0)])
    view.fit()
    assert view.selection() == []


def test_a_concave_lasso_leaves_out_its_bay() -> None:
    horseshoe = np.array([[0, 0], [10, 0], [10, 10], [7, 10], [7, 3], [3, 3], [3, 10], [0, 10]], float)
    points = np.array([[1, 5], [5, 5], [9, 5], [5, 1], [20, 5]], np.float32)
    assert inside(points, horseshoe).tolist() == [True, False, True, True, False]


@pytest.mark.parametrize(
    "place", [QPoint(0, 0), QPoint(299, 199), QPoint(299, 0), QPoint(0, 199), QPoint(150, 100)]
)
def test_the_card_never_leaves_the_window(place: QPoint) -> None:
    room, card = QRect(0, 0, 300, 200), QSize(120, 60)
    assert room.contains(QRect(beside(place, card, room), card))


def test_a_hundred_thousand_points_are_recoloured_and_hit_at_once(qtbot: QtBot) -> None:
    rng = np.random.default_rng(0)
    view = ScatterView()
    qtbot.addWidget(view)
    view.resize(800, 600)
    view.show()
    xy = rng.normal(size=(100_000, 2)).astype(np.float32)
    view.set_points(xy, range(100_000))
    began = time.perf_counter()
    view.set_colours(rng.integers(0, 20, 100_000), [QColor.fromHsv(18 * i, 200, 200) for i in range(20)])
    view.point_at(QPointF(0.0, 0.0))
    inside(xy, np.array([[-1, -1], [1, -1], [0, 1]], float))
    assert time.perf_counter() - began < 0.25


# ---------------------------------------------------------------- legend
@pytest.fixture
def legend(qtbot: QtBot) -> Legend:
    made = Legend()
    qtbot.addWidget(made)
    made.resize(160, 200)
    made.show()
    made.set_classes(["anna", "emil", "?"], [QColor("red"), QColor("green"), QColor("grey")], [3, 4, 5])
    return made


def press(legend: Legend, row: int, modifiers: Mods = Mods.NoModifier) -> None:
    place = legend.visualItemRect(legend.item(row)).center()
    QTest.mouseClick(legend.viewport(), Qt.MouseButton.LeftButton, modifiers, place)


def test_a_legend_isolates_classes_and_lets_them_go(legend: Legend) -> None:
    told: list[object] = []
    legend.isolated.connect(told.append)
    press(legend, 1)
    press(legend, 2, Mods.ControlModifier)
    press(legend, 2, Mods.ControlModifier)
    press(legend, 1)
    assert told == [[1], [1, 2], [1], None]


def test_a_legend_counts_its_classes(legend: Legend) -> None:
    assert [legend.item(i).text() for i in range(3)] == ["anna  (3)", "emil  (4)", "?  (5)"]


def test_a_colour_scale_can_be_read_by_a_screen_reader(qtbot: QtBot) -> None:
    scale = ColourScale()
    qtbot.addWidget(scale)
    scale.set_scale([QColor("black"), QColor("white")], "F0", "87 Hz", "251 Hz")
    scale.grab()
    assert scale.accessibleName() == "F0: 87 Hz – 251 Hz"
