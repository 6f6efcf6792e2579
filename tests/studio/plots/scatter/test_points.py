"""Points of a map without a view: selection, what is left out, what is drawn above what."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QColor

from studio.plots.scatter.point_cloud import Mark
from studio.plots.scatter.points import ADD, REMOVE, REPLACE, TOGGLE, Points

XY = np.array([[0, 0], [1, 0], [2, 0]], np.float32)
USUAL, UNLIT = QColor("blue"), QColor("grey")


@pytest.fixture
def points() -> Points:
    made = Points()
    made.set_xy(XY)
    return made


@pytest.mark.parametrize(("how", "left"), [(REPLACE, [1]), (ADD, [0, 1]), (TOGGLE, [0, 1]), (REMOVE, [0])])
def test_what_is_hit_replaces_joins_or_leaves_the_selection(points: Points, how: str, left: list[int]) -> None:
    points.select(points.only(0), REPLACE)
    assert points.select(points.only(1), how) is (how != REMOVE)
    assert np.flatnonzero(points.selection).tolist() == left


def test_hidden_points_are_neither_near_nor_enclosed(points: Points) -> None:
    points.hidden = points.only(0)
    assert points.nearest(0.0, 0.0)[0] == 1
    around = np.array([[-1, -1], [3, -1], [3, 1], [-1, 1]], float)
    assert points.enclosed(around).tolist() == [False, True, True]
    assert len(points.drawn(USUAL, UNLIT)[0]) == 2


def test_selected_points_keep_their_colour_above_the_others(points: Points) -> None:
    points.set_looks(np.array([0, 1, 1]), [Mark(QColor("red")), Mark(QColor("green"), "t")])
    points.select(points.only(0), REPLACE)
    xy, which, marks = points.drawn(USUAL, UNLIT)
    assert xy.tolist() == [[1, 0], [2, 0], [0, 0]]
    shown = [marks[i] for i in which]
    assert shown == [Mark(UNLIT, "t"), Mark(UNLIT, "t"), Mark(QColor("red"))]


def test_points_that_only_move_keep_their_selection(points: Points) -> None:
    points.select(points.only(2), REPLACE)
    points.set_xy(XY * 2, same=True)
    assert np.flatnonzero(points.selection).tolist() == [2]
    points.set_xy(XY)
    assert not points.selection.any()
