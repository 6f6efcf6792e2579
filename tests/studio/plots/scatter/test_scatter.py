"""Map of points: hover, click, lasso, rectangle, carry away; colours and selection."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from studio.plots.scatter import scatter
from studio.plots.scatter.plane import inside
from studio.plots.scatter.point_cloud import Mark
from studio.plots.scatter.scatter import ScatterView

Mods = Qt.KeyboardModifier
# Five points: four corners of a square and its middle.
XY = np.array([[0, 0], [10, 0], [10, 10], [0, 10], [5, 5]], np.float32)
A, B, C, D, MIDDLE = range(5)


@pytest.fixture
def view(qtbot: QtBot) -> Iterator[ScatterView]:
    limit = pg.getConfigOption("mouseRateLimit")
    pg.setConfigOption("mouseRateLimit", -1)  # a test moves faster than the 10 ms that pyqtgraph allows
    made = ScatterView()
    qtbot.addWidget(made)
    made.resize(500, 500)
    made.show()
    made.set_points(XY)
    made.set_looks(np.array([0, 0, 1, 1, 2]), [Mark(QColor(name)) for name in ("red", "green", "blue")])
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


def chosen(view: ScatterView) -> list[int]:
    return np.flatnonzero(view.selection()).tolist()


def select(view: ScatterView, *numbers: int) -> None:
    view.set_selection(np.isin(np.arange(len(view.xy)), numbers))


def coloured(view: ScatterView) -> set[tuple[float, float]]:
    """Places of the points that are not grey."""
    faint = view.unlit_colour.rgba()
    drawn = zip(view.cloud.xy.tolist(), view.cloud.shown_marks, strict=True)
    return {(x, y) for (x, y), mark in drawn if mark.colour.rgba() != faint}


def test_hovering_a_point_shows_its_card_and_leaving_lets_it_go(view: ScatterView, qtbot: QtBot) -> None:
    card = QLabel()
    view.set_card(card, lambda number: card.setText(f"card of {number}"))
    with qtbot.waitSignal(view.hovered) as caught:
        QTest.mouseMove(view.viewport(), at(view, 5.05, 5.05))
    assert caught.args == [MIDDLE]
    assert card.isVisible()
    assert card.text() == f"card of {MIDDLE}"
    with qtbot.waitSignal(view.hovered) as caught:
        QTest.mouseMove(view.viewport(), at(view, 7.5, 5.0))
    assert caught.args == [-1]
    assert not card.isVisible()


def test_only_with_alt_a_point_under_the_cursor_is_to_be_heard(
    view: ScatterView, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[int] = []
    view.scrubbed.connect(heard.append)
    QTest.mouseMove(view.viewport(), at(view, 5, 5))
    monkeypatch.setattr(scatter.QGuiApplication, "keyboardModifiers", staticmethod(lambda: Mods.AltModifier))
    QTest.mouseMove(view.viewport(), at(view, 0, 0))
    QTest.mouseMove(view.viewport(), at(view, 2.5, 0))
    assert heard == [-1, A, -1]


def test_a_click_on_a_point_selects_and_reports_it(view: ScatterView, qtbot: QtBot) -> None:
    with qtbot.waitSignals([view.clicked, view.selected, view.focused]):
        click(view, 10, 0)
    assert chosen(view) == [B]
    click(view, 7, 3)  # on nothing
    assert chosen(view) == []


def test_control_adds_and_removes_single_points(view: ScatterView) -> None:
    click(view, 10, 0)
    click(view, 5, 5, Mods.ControlModifier)
    assert chosen(view) == [B, MIDDLE]
    click(view, 10, 0, Mods.ControlModifier)
    assert chosen(view) == [MIDDLE]


@pytest.mark.parametrize("adding", [Mods.ControlModifier, Mods.ShiftModifier])
def test_a_rectangle_selects_control_or_shift_adds_and_alt_takes_away(view: ScatterView, adding: Mods) -> None:
    view.tools.tool = "rectangle"
    drag(view, [(-1, 6), (3, 8), (11, 11)])
    assert chosen(view) == [C, D]
    drag(view, [(4, 4), (5, 5.5), (6, 6)], adding)
    assert chosen(view) == [C, D, MIDDLE]
    drag(view, [(9, 9), (10, 10.5), (11, 11)], Mods.AltModifier)
    assert chosen(view) == [D, MIDDLE]


def test_a_lasso_takes_what_it_encloses(view: ScatterView) -> None:
    drag(view, [(-0.8, -0.8), (11, -0.8), (11, 2), (5, 7), (3, 4), (-0.8, 2)])
    assert chosen(view) == [A, B, MIDDLE]


def test_what_is_hidden_cannot_be_hit_enclosed_or_walked_to(view: ScatterView) -> None:
    view.set_shown(None, np.array([False, False, False, False, True]))
    assert len(view.cloud.xy) == 4
    drag(view, [(-0.8, -0.8), (11, -0.8), (11, 2), (5, 7), (3, 4), (-0.8, 2)])
    assert chosen(view) == [A, B]
    click(view, 5, 5)
    assert chosen(view) == []
    view.set_focus(A)
    view.walk("right")
    assert view.focus == B


def test_dragging_a_point_carries_it_and_a_selected_one_carries_all_selected(
    view: ScatterView, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(view.drag_started) as caught:
        drag(view, [(5, 5), (6, 6), (7, 7)])
    assert caught.args == [[MIDDLE]]
    select(view, A, MIDDLE)
    with qtbot.waitSignal(view.drag_started) as caught:
        drag(view, [(5, 5), (6, 6), (7, 7)])
    assert caught.args == [[A, MIDDLE]]
    assert chosen(view) == [A, MIDDLE]
    view.tools.tool = "rectangle"  # and the mouse is free again
    drag(view, [(-1, 6), (3, 8), (11, 11)])
    assert chosen(view) == [C, D]


def test_points_that_are_not_selected_turn_grey(view: ScatterView) -> None:
    assert len(coloured(view)) == 5
    select(view, A, C)
    assert coloured(view) == {(0.0, 0.0), (10.0, 10.0)}
    select(view)
    assert len(coloured(view)) == 5


def test_lit_points_are_the_only_ones_in_colour_and_lie_above_the_grey_ones(view: ScatterView) -> None:
    view.set_shown(np.array([False, False, True, True, False]), None)
    assert coloured(view) == {(10.0, 10.0), (0.0, 10.0)}
    assert {tuple(xy) for xy in view.cloud.xy[-2:].tolist()} == coloured(view)
    view.set_shown(None, None)
    assert len(coloured(view)) == 5


def test_a_selection_from_elsewhere_is_not_reported_back(view: ScatterView, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(view.selected):
        select(view, A)
    assert chosen(view) == [A]


def test_a_new_layout_of_the_same_points_keeps_selection_and_colours(view: ScatterView) -> None:
    select(view, C)
    view.set_points(XY * 2, same=True)
    assert chosen(view) == [C]
    assert coloured(view) == {(20.0, 20.0)}


@pytest.mark.parametrize(
    ("key", "goes_to"),
    [(Qt.Key.Key_Left, "AD"), (Qt.Key.Key_Right, "BC"), (Qt.Key.Key_Up, "CD"), (Qt.Key.Key_Down, "AB")],
)
def test_an_arrow_key_walks_to_a_point_that_way(view: ScatterView, qtbot: QtBot, key: Qt.Key, goes_to: str) -> None:
    view.set_focus(MIDDLE)
    with qtbot.waitSignal(view.focused) as caught:
        QTest.keyClick(view, key)
    assert "ABCD"[caught.args[0]] in goes_to
    assert view.focus == caught.args[0]


def test_keys_begin_at_the_point_in_the_middle_and_stop_where_nothing_follows(view: ScatterView) -> None:
    QTest.keyClick(view, Qt.Key.Key_Up)
    assert view.focus == MIDDLE
    view.set_focus(C)
    QTest.keyClick(view, Qt.Key.Key_Right)
    assert view.focus == C


def test_enter_plays_shift_selects_on_the_way_and_escape_lets_go(view: ScatterView, qtbot: QtBot) -> None:
    view.set_focus(A)
    QTest.keyClick(view, Qt.Key.Key_Right, Mods.ShiftModifier)
    reached = view.focus
    QTest.keyClick(view, Qt.Key.Key_Return, Mods.ControlModifier)
    assert chosen(view) == []
    with qtbot.waitSignal(view.clicked) as caught:
        QTest.keyClick(view, Qt.Key.Key_Return)
    assert caught.args == [reached]
    assert chosen(view) == [reached]
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert chosen(view) == []


def test_a_point_walked_to_out_of_sight_comes_into_view(view: ScatterView) -> None:
    view.box.setRange(xRange=(4, 6), yRange=(4, 6), padding=0)
    view.set_focus(MIDDLE)
    view.walk("up")
    assert view.box.viewRect().contains(QPointF(*map(float, view.xy[view.focus])))


def test_the_pin_tool_puts_a_pin_and_drags_it_on(view: ScatterView) -> None:
    view.tools.tool = "pin"
    places: list[tuple[float, float]] = []
    view.pin_placed.connect(lambda x, y: places.append((x, y)))
    click(view, 3, 7)
    assert places[-1] == pytest.approx((3, 7), abs=0.2)
    view.set_pin((3.0, 7.0), [A])
    drag(view, [(3, 7.2), (4, 6), (6, 4)])
    assert places[-1] == pytest.approx((6, 4), abs=0.3)
    assert chosen(view) == []


def test_with_another_tool_the_pin_is_carried_away(view: ScatterView, qtbot: QtBot) -> None:
    view.set_pin((3.0, 7.0), [A, B])
    with qtbot.waitSignal(view.pin_drag_started):
        drag(view, [(3, 7.2), (4, 6), (5, 5)])


def test_the_path_tool_draws_a_path_and_a_mere_click_none(view: ScatterView) -> None:
    view.tools.tool = "path"
    drawn: list[object] = []
    view.path_drawn.connect(drawn.append)
    drag(view, [(0, 0), (5, 5), (10, 0)])  # it may begin on a point
    corners = drawn[-1]
    assert isinstance(corners, np.ndarray)
    assert corners[0] == pytest.approx([0, 0], abs=0.2)
    assert corners[-1] == pytest.approx([10, 0], abs=0.2)
    drag(view, [(2, 2), (2.05, 2.0), (2.05, 2.0)])
    assert all(path is None for path in drawn[1:])


def test_a_right_click_says_what_is_there(view: ScatterView, qtbot: QtBot) -> None:
    view.set_pin((3.0, 7.0), [A])
    found: list[int] = []
    view.menu_wanted.connect(lambda number, _at: found.append(number))
    for place in (QPointF(5, 5), QPointF(7, 3), QPointF(3, 7.1)):
        view.tools.ask_menu(place)
    assert found == [MIDDLE, -1, -2]


def test_no_points_are_no_trouble(view: ScatterView) -> None:
    view.set_points(np.zeros((0, 2), np.float32))
    QTest.mouseMove(view.viewport(), QPoint(100, 100))
    drag(view, [(0, 0), (5, 5), (5, 0)])
    view.walk("up")
    view.fit()
    view.grab()
    assert chosen(view) == []


def test_points_in_one_spot_are_drawn_once_when_there_are_very_many(qtbot: QtBot) -> None:
    cloud_view = ScatterView()
    qtbot.addWidget(cloud_view)
    cloud_view.resize(300, 300)
    cloud_view.show()
    random = np.random.default_rng(0)
    cloud_view.set_points(random.normal(size=(20_000, 2)).astype(np.float32))
    cloud_view.grab()
    drawn = cloud_view.cloud.painted
    assert 0 < drawn < 12_000
    cloud_view.set_points(cloud_view.xy[:1000])
    cloud_view.grab()
    assert cloud_view.cloud.painted == 1000


def test_a_mark_is_drawn_in_its_colour_where_the_point_is(view: ScatterView) -> None:
    QTest.mouseMove(view.viewport(), at(view, 2.5, 7.0))
    picture = view.grab().toImage()
    place = at(view, 5, 5)
    assert picture.pixelColor(place).name() == QColor("blue").name()


def test_a_hundred_thousand_points_are_recoloured_and_hit_at_once(qtbot: QtBot) -> None:
    rng = np.random.default_rng(0)
    view = ScatterView()
    qtbot.addWidget(view)
    view.resize(800, 600)
    view.show()
    xy = rng.normal(size=(100_000, 2)).astype(np.float32)
    view.set_points(xy)
    began = time.perf_counter()
    view.set_looks(rng.integers(0, 20, 100_000), [Mark(QColor.fromHsv(18 * i, 200, 200)) for i in range(20)])
    view.tools.point_at(QPointF(0.0, 0.0))
    inside(xy, np.array([[-1, -1], [1, -1], [0, 1]], float))
    assert time.perf_counter() - began < 0.25
