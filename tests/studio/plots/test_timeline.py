"""Timeline: zoom, selection and snapping, and times as people write them."""

from __future__ import annotations

import pytest

from studio.plots.timeline import Timeline, clock_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(3.25, "3.25 s"), (83.5, "1:23.50"), (119.999, "2:00.00"), (3725.0, "1:02:05.00")],
)
def test_times_read_as_people_write_them(seconds: float, text: str) -> None:
    assert clock_text(seconds) == text


def test_zooming_keeps_the_place_under_the_cursor() -> None:
    line = Timeline()
    line.set_duration(10.0)
    line.zoom(0.5, 2.5)
    assert line.view_s == pytest.approx((1.25, 6.25))
    line.zoom(100.0, 2.5)
    assert line.view_s == (0.0, 10.0)


def test_the_view_never_leaves_the_recording() -> None:
    line = Timeline()
    line.set_duration(10.0)
    line.show(8.0, 12.0)
    assert line.view_s == (6.0, 10.0)
    line.scroll(-100)
    assert line.view_s == (0.0, 4.0)
    line.show(5.0, 5.0)
    assert line.view_s[1] - line.view_s[0] == pytest.approx(0.02)


def test_a_selection_is_ordered_clipped_and_snapped_to_seconds() -> None:
    line = Timeline()
    line.set_duration(10.4)
    line.select((4.0, 2.0))
    assert line.selection_s == (2.0, 4.0)
    line.select((1.2, 2.1), snap_s=1.0)
    assert line.selection_s == (1.0, 3.0)
    line.select((9.5, 12.0), snap_s=1.0)
    assert line.selection_s == (9.0, 10.4)
    line.select((3.0, 3.0))
    assert line.selection_s is None


def test_a_playhead_out_of_sight_turns_the_page() -> None:
    line = Timeline()
    line.set_duration(10.0)
    line.show(2.0, 4.0)
    line.reveal(3.0)
    assert line.view_s == (2.0, 4.0)
    line.reveal(4.1)
    assert line.view_s == pytest.approx((4.1, 6.1))


def test_with_snapping_edges_go_to_the_nearest_window_and_never_meet() -> None:
    line = Timeline()
    line.set_duration(10.4)
    line.snapping = True
    line.select((2.0, 5.0))
    line.move_edges((2.0, 4.6))
    assert line.selection_s == (2.0, 5.0)
    line.move_edges((2.0, 4.4))
    assert line.selection_s == (2.0, 4.0)
    line.move_edges((3.9, 4.0))
    assert line.selection_s == (4.0, 5.0)
    line.move_edges((9.0, 10.3))
    assert line.selection_s == (9.0, 10.4)
    line.move_edges((10.2, 10.4))
    assert line.selection_s is not None
    assert line.selection_s[1] == 10.4


def test_a_selection_is_made_without_a_mouse() -> None:
    line = Timeline()
    line.set_duration(10.0)
    line.select_from(4.0)
    assert line.selection_s == (4.0, 10.0)
    line.select_to(6.5)
    assert line.selection_s == (4.0, 6.5)
    line.snapping = True
    line.select_to(5.5)
    assert line.selection_s == (4.0, 6.0)
    line.select_to(3.0)  # before its beginning: from the very start
    assert line.selection_s == (0.0, 3.0)
