"""Geometry on the map."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PySide6.QtCore import QPoint, QRect, QSize

from studio.plots.scatter import plane

GRID = np.array([[x, y] for y in range(3) for x in range(3)], np.float32)  # 4 is the middle
POINTS = arrays(np.float32, st.tuples(st.integers(1, 30), st.just(2)), elements=st.floats(-50, 50, width=32))


@pytest.mark.parametrize(("direction", "goes_to"), [("left", 3), ("right", 5), ("up", 7), ("down", 1)])
def test_straight_on_comes_before_nearer_to_the_side(direction: str, goes_to: int) -> None:
    assert plane.next_towards(GRID, 4, direction) == goes_to


def test_there_is_nowhere_to_go_beyond_the_edge_or_where_nothing_counts() -> None:
    assert plane.next_towards(GRID, 8, "up") is None
    assert plane.next_towards(GRID, 4, "left", np.zeros(9, bool)) is None


@given(POINTS, st.sampled_from(sorted(plane.DIRECTIONS)))
def test_a_step_always_goes_the_way_of_its_arrow(xy: np.ndarray, direction: str) -> None:
    found = plane.next_towards(xy, 0, direction)
    if found is not None:
        assert (xy[found] - xy[0]) @ np.array(plane.DIRECTIONS[direction]) > 0


@given(POINTS, st.tuples(st.floats(-60, 60), st.floats(-60, 60)), st.integers(1, 12))
def test_a_barycentre_is_of_the_nearest_and_its_weights_fall_with_distance(
    xy: np.ndarray, place: tuple[float, float], count: int
) -> None:
    near, weights = plane.barycentre(xy, place, count)
    assert len(near) == min(count, len(xy))
    assert weights.sum() == pytest.approx(1.0)
    assert (np.diff(weights) <= 1e-12).all()
    far = np.linalg.norm(xy.astype(float) - place, axis=1)
    assert far[near].max() <= np.sort(far)[len(near) - 1] + 1e-9


def test_on_a_point_the_barycentre_is_that_point_and_halfway_it_is_both() -> None:
    near, weights = plane.barycentre(GRID, (1.0, 1.0), 3)
    assert near[0] == 4
    assert weights[0] > 0.999
    near, weights = plane.barycentre(GRID, (0.5, 0.0), 2)
    assert set(near.tolist()) == {0, 1}
    assert weights == pytest.approx([0.5, 0.5])


def test_steps_lie_evenly_along_a_path_with_its_ends_among_them() -> None:
    path = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 1.0]])
    assert plane.along(path, 5).tolist() == [[0, 0], [1, 0], [2, 0], [3, 0], [3, 1]]


def test_a_tour_goes_from_one_end_to_the_other_by_short_hops() -> None:
    line = np.array([[2.0, 0.1], [0.0, 0.0], [3.0, 0.0], [1.0, 0.1]])
    xs = plane.tour(line)[:, 0].tolist()
    assert xs in ([0, 1, 2, 3], [3, 2, 1, 0])


def test_the_nearest_of_nothing_is_nothing() -> None:
    assert plane.nearest(np.zeros((0, 2), np.float32), (0.0, 0.0))[0] == -1
    assert plane.nearest(GRID, (0.0, 0.0), np.zeros(9, bool))[0] == -1
    assert plane.nearest(GRID, (1.9, 0.1))[0] == 2


def test_a_concave_lasso_leaves_out_its_bay() -> None:
    horseshoe = np.array([[0, 0], [10, 0], [10, 10], [7, 10], [7, 3], [3, 3], [3, 10], [0, 10]], float)
    points = np.array([[1, 5], [5, 5], [9, 5], [5, 1], [20, 5]], np.float32)
    assert plane.inside(points, horseshoe).tolist() == [True, False, True, True, False]


@pytest.mark.parametrize(
    "place", [QPoint(0, 0), QPoint(299, 199), QPoint(299, 0), QPoint(0, 199), QPoint(150, 100)]
)
def test_the_card_never_leaves_the_window(place: QPoint) -> None:
    room, card = QRect(0, 0, 300, 200), QSize(120, 60)
    assert room.contains(QRect(plane.beside(place, card, room), card))
